#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Random searches: the same matches as by looking at every key.
"""

import re
import sys
import unicodedata

sys.path.insert(1, sys.path[0] + "/..")

import harness
import likeness
import tables
from harness import kept, request, thorough, to_json
from tables import (ALL_WAYS, FOUND, KEEP, KEY_MAX, MISSED, WAYS, Reference,
                    TableTest, wanted)
from words import words_of

KEYS = thorough(1500, 4000)
QUERIES = thorough(60, 150)     # of each way, against every key


def entries_at_random(rng):
    """Keys of syllables that many have in common, and their answers."""
    alphabet = ["a", "b", "c", "an", "ba", "cab", "\u00e9", "\u00df", "\u4e2d",
                "\U0001f430", " ", "-", "A", "B", "\u00c9", "\u0416", "\u0436"]
    entries = {}
    while len(entries) < KEYS:
        key = "".join(rng.choices(alphabet, [9, 9, 9, 9, 9, 9, 2, 1, 2, 1, 2,
                                             1, 1, 1, 1, 1, 1],
                                  k=rng.randint(1, rng.choice((3, 6, 12)))))
        entries[key] = f"{len(entries)} of {key[::-1]}"
    return entries


def with_equal(rng, entries):
    """Entries, and other spellings of some, which are equal when folded."""
    more = dict(entries)
    for key in rng.sample(list(entries), len(entries) // 5):
        for _ in range(rng.choice((1, 1, 2, 20))):
            other = "".join(rng.choice((c.upper(), c, unicodedata.normalize(
                "NFD", c))) for c in key)
            more.setdefault(other, f"{len(more)} of {other[::-1]}")
    return {key: text for key, text in more.items()
            if len(key.encode()) <= KEY_MAX}


def mistyped(rng, key):
    """A key with a few edits."""
    key = list(key)
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3))):
        place, kind = rng.randrange(len(key) + 1), rng.randrange(4)
        if kind == 0:
            key.insert(place, rng.choice("abcn\u00e9\u4e2dx"))
        elif kind == 1:
            del key[place:place + 1]
        elif kind == 2:
            key[place:place + 1] = rng.choice("abcn\u00e9\u4e2dx")
        else:
            key[place:place + 2] = key[place:place + 2][::-1]
    return "".join(key)


def piece(rng, key):
    """A part of a key, most often a short one."""
    start = rng.randrange(len(key))
    return key[start:start + rng.choice((0, 1, 1, 2, 2, 3, 4, 6))]


def expression(rng, key, depth=0):
    """A random regular expression that Python and PCRE2 read alike."""
    parts = []
    for _ in range(rng.randint(1, 3)):
        kind = rng.randrange(9 if depth < 2 else 6)
        if kind < 3:
            part = re.escape(piece(rng, key))
        elif kind == 3:
            part = "."
        elif kind == 4:
            part = rng.choice(("[ab]", "[^ab]", "[a-c]", "[\u00e9\u4e2d]",
                               "[^\u0400-\u04ff]", r"\d", r"\s", r"\S"))
        elif kind == 5:
            part = re.escape(rng.choice(key))
        elif kind == 6:
            part = "|".join((expression(rng, key, depth + 1),
                             expression(rng, key, depth + 1)))
            part = f"(?:{part})"
        elif kind == 7:
            part = f"({expression(rng, key, depth + 1)})"
        else:
            part = rng.choice(("(?=a)", "(?!b)", "(?<=a)", r"\b"))
            parts.append(part)
            continue
        # Groups are not repeated at will: they could backtrack for ever.
        if kind in (3, 4, 5):
            part += rng.choice(("", "", "", "?", "+", "*", "{2}", "{1,2}",
                                "+?", "*?"))
        elif kind in (6, 7):
            part += rng.choice(("", "", "?", "??"))
        parts.append(part)
    text = "".join(parts)
    if depth == 0 and rng.randrange(4) == 0:
        text = "^" + text
    if depth == 0 and rng.randrange(4) == 0:
        text += r"\Z"
    return text


def shuffled(rng, *texts):
    """Words of texts, and pieces of them, in some order, the last one cut."""
    words = [word for text in texts for word in words_of(text)]
    words = rng.sample(words, min(len(words), rng.randint(0, 3)))
    if rng.randrange(4) == 0:
        words.append(piece(rng, rng.choice(texts)))
    return rng.choice((" ", ", ", "-")).join(words)[
        :rng.choice((None, None, -1, -2))]


class Random(TableTest):
    """Random queries, each answered as by looking at every key."""

    def setUp(self):
        super().setUp()
        self.rng, self.seed = harness.seeded()
        print(f"APPMSG_SEED={self.seed}", file=sys.stderr)
        self.pages = True       # some queries go on after a key

    def query(self, way, keys):
        """A random query: its text, its other members, the distance."""
        key = self.rng.choice(keys)
        distance = self.rng.choice((1, 2))
        members = {"limit": self.rng.choice((1, 2, 10, 100, 1000))}
        if way == "fuzzy":
            return mistyped(self.rng, key), {**members, "distance": distance}
        if self.pages and self.rng.randrange(2):
            other = self.rng.choice(keys)
            members["after"] = self.rng.choice((other, other, mistyped(
                self.rng, other)[:KEY_MAX // 4] or "x"))
        if way == "regex":
            return expression(self.rng, key), members
        text = {"exact": lambda: self.rng.choice((key, mistyped(
                    self.rng, key))),
                "prefix": lambda: key[:self.rng.randint(0, len(key))],
                "suffix": lambda: key[self.rng.randint(0, len(key)):],
                "substring": lambda: piece(self.rng, key),
                "words": lambda: shuffled(self.rng, key),
                "text": lambda: shuffled(self.rng, key, "text")}[way]()
        if self.rng.randrange(8) == 0:
            text += self.rng.choice("abcx\u00e9\0")
        return text, members

    def compare(self, way, text, members, found):
        """The next reply must be just this, but for expressions that
        backtrack more than a search may."""
        reply = self.link.reply()
        if way == "regex" and reply.header["status"] == "error":
            self.assert_coded(reply, "timeout", KEEP)
            self.late += 1
            return
        self.assertEqual(
            reply.content.decode(),
            tables.matches(text, found, members["limit"]).decode(),
            (way, text, members, f"APPMSG_SEED={self.seed}"))
        self.assertEqual(reply.extra, [KEEP, FOUND if found else MISSED])

    def check(self, search_all, keys, ways=WAYS, count=QUERIES):
        """Many queries, pipelined, one way after the other."""
        for way in ways:
            self.late = 0
            queries = [self.query(way, keys) for _ in range(count)]
            for start in range(0, count, 25):
                part = queries[start:start + 25]
                self.link.send(b"".join(
                    request(wanted(text, way, **members), **kept())
                    for text, members in part))
                for text, members in part:
                    self.compare(way, text, members, search_all(
                        way, text, members.get("distance", 2),
                        members.get("after")))
            self.assertLessEqual(self.late, count // 10)

    def test_as_they_are(self):
        """A table that compares bytes."""
        entries = entries_at_random(self.rng)
        self.serve(self.table("words", tables.tsv(entries.items()), ALL_WAYS))
        self.check(Reference(entries).search, list(entries))

    def test_folded(self):
        """A table with fold=yes."""
        entries = with_equal(self.rng, entries_at_random(self.rng))
        lines = self.table("words", tables.tsv(entries.items()), ALL_WAYS,
                           "fold=yes")
        self.write("small.tsv", "a\tb\n")
        if self.problems(f"table x file {self.path('small.tsv')} fold=yes"):
            self.skipTest("built without libutf8proc")
        self.serve(lines)
        self.check(Reference(entries, fold=True).search, list(entries))

    def test_mapped(self):
        """A table that is left in its file, but for what is escaped."""
        tables.needs_cdb()
        entries = {key: answer + "\n" * (len(answer) % 5 == 0) for key, answer
                   in with_equal(self.rng, entries_at_random(
                       self.rng)).items()}
        line = (f"table words file {self.make('cdb', entries.items())} "
                f"{ALL_WAYS} mmap=yes")
        for fold in (False, True):
            if fold and self.problems(f"{line} fold=yes"):
                self.skipTest("built without libutf8proc")
            self.serve(line + " fold=yes" * fold)
            self.check(Reference(entries, fold=fold).search, list(entries),
                       count=QUERIES // 3)

    def test_long_keys(self):
        """Keys of up to 1024 bytes, of two letters and of many."""
        entries = {}
        for number in range(300):
            letters = self.rng.choice(("ab", "abcdefgh", "\u00e9\u4e2da",
                                       "a -", "ab \u00e9"))
            key = "".join(self.rng.choices(
                letters, k=self.rng.choice((1, 10, 100, 341))))
            entries[key[:1024]] = str(number)
        entries["a" * 1024] = "a"
        entries["a" * 1023 + "b"] = "b"
        self.serve(self.table("words", tables.tsv(entries.items()), ALL_WAYS))
        reference = Reference(entries)
        self.check(reference.search, list(entries), WAYS[:4])
        for key in ("a" * 1024, "a" * 1023, "a" * 1025, "a" * 1026,
                    "ba" + "a" * 1022, "a" * 1022 + "ab"):
            self.assert_finds("fuzzy", key, reference.search("fuzzy", key))

    def name(self):
        """A name of some words."""
        words = ("north", "northern", "of", "the", "isles", "island",
                 "Isl\u00e4nd", "new", "york", "st", "10", "a", "nor",
                 "\u00e4", "republic", "people")
        return "".join(self.rng.choice(words) + self.rng.choice(
            (" ", " ", ", ", "-", " (")) for _ in range(
                self.rng.randint(1, 4))).strip(" ,(-")

    def asked_for(self, keys):
        """What misses: mistyped, a beginning, some words."""
        key = self.rng.choice(keys)
        words = [word for word in words_of(key) if word]
        return self.rng.choice((
            lambda: mistyped(self.rng, key),
            lambda: key[:self.rng.randint(0, len(key))],
            lambda: " ".join(self.rng.sample(words, self.rng.randint(
                1, len(words)))),
            lambda: "?".join(word[:self.rng.randint(1, 4)]
                             for word in words),
            lambda: "".join(word[0] for word in words
                            if len(word) > self.rng.choice((0, 1, 3))),
            lambda: key[:2] + mistyped(self.rng, re.match(
                r"\w*\W*\w*", key[2:]).group()[:self.rng.randint(2, 9)]),
            lambda: self.name()))()

    def test_suggestions(self):
        """Near keys, and what fills them up, by the ways there are."""
        for ways in ("", "search=prefix", "search=fuzzy",
                     "search=substring,prefix"):
            names = {self.name(): "x" for _ in range(
                self.rng.choice((5, 20, 300)))}
            self.serve(self.table("names", tables.tsv(names.items()), ways))
            reference = Reference(names, ways=ways)
            for _ in range(QUERIES):
                key, count = self.asked_for(list(names)), self.rng.randint(
                    1, 5)
                if key in names:
                    continue
                self.link.send(request(to_json({
                    "action": "search", "value": key}), **kept(
                        suggest=count)))
                self.assertEqual(
                    self.link.reply().header["suggestions"],
                    reference.suggestions(key)[:count],
                    (key, ways, f"APPMSG_SEED={self.seed}"))

    def test_over_tables(self):
        """Several tables, keys of the earlier ones hide the same later."""
        entries = list(entries_at_random(self.rng).items())[:600]
        parts, seen = [], {}
        for number in range(3):
            part = {key: f"{number} {text}" for key, text in
                    self.rng.sample(entries, 300)}
            parts.append((part, {key: text for key, text in part.items()
                                 if key not in seen}))
            seen.update(part)
        self.serve(*(self.table(f"t{number}", tables.tsv(part.items()),
                                ALL_WAYS)
                     for number, (part, _) in enumerate(parts)))
        references = [Reference(shown) for _, shown in parts]

        def search_all(way, text, most, _):
            found = [match for reference in references
                     for match in reference.search(way, text, most)]
            if way == "fuzzy":      # stable, so of equals by tables
                found.sort(key=lambda match: (
                    likeness.distance(match[0], text, most),
                    likeness.cost(text, match[0])))
            else:                   # the key itself before all tables
                found.sort(key=lambda match: match[0] != text)
            return found[:1] if way == "exact" else found

        self.pages = False
        self.check(search_all, list(seen), count=QUERIES // 3)


if __name__ == "__main__":
    harness.main()
