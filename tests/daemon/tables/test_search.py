#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Searches: exact, prefix, suffix, substring, fuzzy, regex, words, text.

The shape of replies byte for byte, their order, suggestions, and what is
refused. Random queries are in test_search_random.py, searches that take long
in test_search_long.py.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import kept, no_match, request, search, to_json
from tables import (ALL_WAYS, DEFAULT_WAYS, FOUND, KEEP, LITERAL_WAYS, MISSED,
                    WAYS, Reference, TableTest, wanted)

FRUIT = {
    "apple": "red", "apply": "verb", "applet": "small", "pineapple": "spiky",
    "maple": "tree", "ape": "animal", "Apple": "firm", "a": "letter",
    "ap\u00e9ritif": "drink", "\u00e9p\u00e9e": "sword", "app\U0001f34e": "le",
    "quote\"": 'say "hi"', "back\\slash": "\\", "line\nkey": "a\nb\x01",
    "NUL\0key": "\0", "papaya": "", "banana": "yellow",
}

# Expressions that PCRE2 does not take.
BAD_REGEX = ("(", ")", "[", "a**", "*", "(?<n>a", "[z-a]", "\\", "(?P<1>a)",
             "a{2,1}", "[[:no:]]", "\\p{No such}", "(?<=a+)b", "\\C",
             "(" * 60 + ")" * 60, "x" * 1025)

# What none of the members may be.
BAD_MATCH = {
    "match": ("", "Exact", "regexp", "exact ", "prefix\0", 1, None, True, [],
              {}, ["prefix"]),
    "distance": (0, 3, -1, 1.5, "1", None, True, [], 2**63, 1e3),
    "limit": (0, 1001, -1, 10.5, "10", None, False, {}, 2**64, 10**30),
}


class Shape(TableTest):
    """What a reply to "match" is made of."""

    def setUp(self):
        super().setUp()
        self.serve(self.table("fruit", tables.tsv(FRUIT.items()), ALL_WAYS))
        self.reference = Reference(FRUIT)

    def test_bytes(self):
        """One shape, whatever the way and the count."""
        expected = {
            ("exact", "apple"): '{"result": "red", "matches": [{"key": '
            '"apple", "result": "red"}], "more": false}',
            ("exact", "pear"): '{"result": "No match for \\"pear\\".", '
            '"matches": [], "more": false}',
            ("prefix", "app"): '{"result": "red", "matches": [{"key": '
            '"apple", "result": "red"}, {"key": "applet", "result": "small"},'
            ' {"key": "apply", "result": "verb"}, {"key": "app\U0001f34e", '
            '"result": "le"}], "more": false}',
            ("suffix", "ple"): '{"result": "firm", "matches": [{"key": '
            '"Apple", "result": "firm"}, {"key": "apple", "result": "red"}, '
            '{"key": "maple", "result": "tree"}, {"key": "pineapple", '
            '"result": "spiky"}], "more": false}',
            ("substring", "\n"): '{"result": "a\\nb\\u0001", "matches": '
            '[{"key": "line\\nkey", "result": "a\\nb\\u0001"}], "more": '
            'false}',
            ("substring", "\0"): '{"result": "\\u0000", "matches": [{"key": '
            '"NUL\\u0000key", "result": "\\u0000"}], "more": false}',
            ("fuzzy", "mapple"): '{"result": "tree", "matches": [{"key": '
            '"maple", "result": "tree"}, {"key": "apple", "result": "red"}, '
            '{"key": "Apple", "result": "firm"}, {"key": "apply", "result": '
            '"verb"}, {"key": "applet", "result": "small"}], "more": false}',
            ("regex", '^.*"$'): '{"result": "say \\"hi\\"", "matches": '
            '[{"key": "quote\\"", "result": "say \\"hi\\""}], "more": '
            'false}',
            ("words", "ke nul"): '{"result": "No match for \\"ke nul\\".", '
            '"matches": [], "more": false}',
            ("words", "key NU"): '{"result": "\\u0000", "matches": [{"key": '
            '"NUL\\u0000key", "result": "\\u0000"}], "more": false}',
            ("text", "hi quote"): '{"result": "say \\"hi\\"", "matches": '
            '[{"key": "quote\\"", "result": "say \\"hi\\""}], "more": '
            'false}',
            ("prefix", "pap"): '{"result": "", "matches": [{"key": "papaya",'
            ' "result": ""}], "more": false}',
        }
        for (way, key), text in expected.items():
            with self.subTest(way, key=key):
                reply = self.ask(wanted(key, way))
                self.assertEqual(reply.content.decode(), text)
                self.assertEqual(reply.extra, [
                    KEEP, MISSED if '"matches": []' in text else FOUND])

    def test_plain_header(self):
        """Without keep-alive or id the header has its four members."""
        for way in WAYS:
            for key in ("apple", "none"):
                reply = harness.ask_reply(self.daemon.address,
                                          request(wanted(key, way)))
                self.assertEqual(reply.extra, [])
                self.assertEqual(reply.content, tables.matches(
                    key, self.reference.search(way, key)))

    def test_awkward_keys(self):
        """Each key finds itself, each way."""
        for key in FRUIT:
            for way in WAYS:
                pattern = key.replace("\\", "\\\\") if way == "regex" else key
                found = self.reference.search(way, pattern)
                self.assertIn((key, FRUIT[key]), found)
                self.assert_finds(way, pattern, found)

    def test_limit_and_more(self):
        """At most limit, 10 by default, and whether there are more."""
        for way, key in (("prefix", ""), ("suffix", ""), ("substring", "a"),
                         ("substring", ""), ("fuzzy", "aple"),
                         ("regex", "."), ("regex", ""), ("words", ""),
                         ("words", "a"), ("text", ""), ("text", "r")):
            found = self.reference.search(way, key)
            for limit in (*range(1, len(found) + 2), 999, 1000):
                self.assert_finds(way, key, found, limit=limit)
            self.assert_finds(way, key, found)

    def test_distance(self):
        """1 or 2, 2 by default, 1 for short ones; nearest first."""
        for key in ("aple", "appel", "papple", "\u00e9p\u00e9", "", "b",
                    "bananna", "anbana", "\U0001f34e", "app", "\u00e9pp",
                    "appl", "\u00e9p\u00e9e"):
            for most in (1, 2):
                self.assert_finds("fuzzy", key, self.reference.search(
                    "fuzzy", key, most), distance=most)
            self.assert_finds("fuzzy", key,
                              self.reference.search("fuzzy", key))

    def test_members_of_other_ways(self):
        """distance and limit are taken, and looked at, with every way."""
        found = self.reference.search("prefix", "app")
        self.assert_finds("prefix", "app", found, distance=1)
        self.assert_finds("exact", "app", [], distance=1, limit=1)
        reply = self.ask({"value": "apple", "limit": 5, "distance": 2})
        self.assert_answer(reply, "red", KEEP, FOUND)

    def test_old_clients_can_show_it(self):
        """result is a string of its own, whatever was found."""
        for key in ("app", "none"):
            reply = self.ask(wanted(key, "prefix"))
            content = harness.strict_json(reply.content)
            self.assertEqual(list(content), ["result", "matches", "more"])
            self.assertIsInstance(content["result"], str)

    def test_encodings(self):
        """A request in another encoding is searched for as text."""
        content = wanted("\u00e9p", "prefix").decode().encode("utf-16")
        reply = self.link.ask(request(content, content_encoding="utf-16",
                                      **kept()))
        self.assertEqual(reply.content,
                         tables.matches("\u00e9p", [("\u00e9p\u00e9e",
                                                     "sword")]))

    def test_escaped_queries(self):
        """However a query is spelled."""
        reply = self.ask(b'{"action":"search","match":"\\u0070refix",'
                         b'"value":"NUL\\u0000\\u006b"}')
        self.assertEqual(reply.content, tables.matches(
            "NUL\0k", [("NUL\0key", "\0")]))

    def test_long_queries(self):
        """Longer than any key: nothing is found, and it is quick."""
        for length in (1025, 5000, 500000):
            for way in LITERAL_WAYS:
                self.assert_finds(way, "k" * length, [])

    def test_explain(self):
        """The best match's place, behind the usual members."""
        reply = self.ask(wanted("pine", "prefix"), id=1, explain=True)
        self.assertEqual(
            [name for name, _ in reply.extra],
            ["connection", "id", "status", "table", "generation", "loaded",
             "file", "line", "match", "digest", "generation-digest",
             "entries"])
        self.assertEqual(reply.header["line"], 4)
        self.assertEqual(reply.header["match"], "prefix")

    def test_large_replies(self):
        """What is more than limit output is left for more."""
        text = "x" * 10000
        data = {f"key {i:03}": f"{i} {text}" for i in range(200)}
        self.serve(self.table("large", tables.tsv(data.items())),
                   "limit output 256k")
        reply = self.ask(wanted("key", "prefix", limit=1000))
        content = harness.strict_json(reply.content)
        count = len(content["matches"])
        self.assertGreater(count, 1)
        self.assertLess(len(reply.content), (256 << 10) + 30000)
        self.assertEqual(reply.content, tables.matches(
            "key", list(data.items()), count))


class Refused(TableTest):
    """Searches that are answered with an error."""

    def setUp(self):
        super().setUp()
        self.serve(
            self.table("all", tables.tsv(FRUIT.items()), ALL_WAYS),
            self.table("usual", tables.tsv(FRUIT.items())),
            self.table("exact", tables.tsv(FRUIT.items()), "search=exact"),
            self.table("prefix", tables.tsv(FRUIT.items()), "search=prefix"))

    def assert_refused(self, code, content):
        """An error with this code, and the connection stays."""
        reply = self.ask(content, id=1)
        self.assert_coded(reply, code, KEEP, ("id", 1))
        reply = harness.ask_reply(self.daemon.address, request(
            content if isinstance(content, bytes) else
            to_json({"action": "search", **content})))
        self.assert_error(reply)
        self.assertEqual(reply.extra, [])

    def test_wrong_members(self):
        """match, distance and limit: wrong words, types and ranges."""
        for name, values in BAD_MATCH.items():
            for value in values:
                with self.subTest(name, value=value):
                    content = {"value": "a", "match": "fuzzy", name: value}
                    self.assert_refused("bad-match", content)
        for number in ("1.0", "1e0", "10E-1", "-0"):
            with self.subTest(number):
                self.assert_refused(
                    "bad-match", b'{"action": "search", "value": "a", '
                    b'"match": "prefix", "limit": %s}' % number.encode())
        self.assertEqual(self.find("apple"), "red")

    def test_wrong_expressions(self):
        """What is wrong with it is told."""
        for pattern in BAD_REGEX:
            with self.subTest(pattern[:50]):
                self.assert_refused("bad-match", {
                    "value": pattern, "match": "regex", "table": "all"})
        reply = self.ask({"value": "(a", "match": "regex", "table": "all"})
        self.assertRegex(reply.result, "(?i)parenthes")

    def test_not_allowed(self):
        """Each table is searched only as its search= says."""
        allowed = {"all": WAYS, "usual": DEFAULT_WAYS, "exact": WAYS[:1],
                   "prefix": WAYS[:2], "main": DEFAULT_WAYS}
        for table, ways in allowed.items():
            for way in WAYS:
                with self.subTest(table, way=way):
                    content = {"value": "apple", "match": way,
                               "table": table}
                    if way in ways:
                        reply = self.ask(content)
                        self.assertEqual(
                            reply.extra,
                            [KEEP, MISSED if table == "main" else FOUND])
                    else:
                        self.assert_refused("not-allowed", content)

    def test_tables_that_do_not_allow_it(self):
        """Without "table" they are left out; all of them: not allowed."""
        self.serve(
            self.table("one", b"ax\tone\n", "search=prefix"),
            self.table("two", b"ay\ttwo\nxa\ttwo\n", "search=suffix"))
        self.assert_finds("prefix", "a", [("ax", "one")])
        self.assert_finds("suffix", "a", [("xa", "two")])
        self.assert_refused("not-allowed", {"value": ".", "match": "regex"})

    def test_no_table(self):
        """The table is looked for first."""
        self.assert_refused("no-table", {"value": "a", "match": "prefix",
                                         "table": "none"})

    def test_too_expensive(self):
        """A regex that backtracks without end is given up."""
        self.serve(self.table("words", b"%s\tx\n" % (b"a" * 1000), ALL_WAYS))
        for pattern in ("(a+)+$b", "(a*)*b", "(a|aa)+$b", "(.*)*x",
                        "(((a+)+)+)+x"):
            with self.subTest(pattern):
                reply = self.ask(wanted(pattern, "regex"), id=1)
                if reply.header["status"] == "not-found":
                    continue    # PCRE2 may see that nothing can match
                self.assert_coded(reply, "timeout", KEEP, ("id", 1))
        self.assertEqual(self.find("a" * 1000), "x")


class Order(TableTest):
    """Several tables, and keys that compare folded."""

    def test_of_tables(self):
        """As they are named; what an earlier one has is hidden."""
        self.serve(
            self.table("second", b"b\t2b\nd\t2d\naa\t2aa\n", ALL_WAYS),
            'answer "c" "1c"', 'answer "b" "1b"',
            self.table("third", b"a\t3a\nb\t3b\nc\t3c\nd\t3d\ne\t3e\n",
                       ALL_WAYS))
        found = [("b", "1b"), ("c", "1c"), ("aa", "2aa"), ("d", "2d"),
                 ("a", "3a"), ("e", "3e")]
        for way in ("prefix", "suffix", "substring"):
            self.assert_finds(way, "", found)
            for limit in range(1, 8):
                self.assert_finds(way, "", found, limit=limit)
        self.assert_finds("regex", "", [
            ("aa", "2aa"), ("d", "2d"), ("a", "3a"), ("e", "3e")])
        self.assert_finds("exact", "b", [("b", "1b")])
        self.assert_finds("prefix", "b", [("b", "3b")], table="third")

    def test_bytes(self):
        """Within a table by the keys' bytes, whatever the file's order."""
        keys = ["\U0001f430", "\uffff", "\u00e9", "z", "Z", "a", "aa", "A",
                "\x7f", "\0", "a\0", "a\uffff", " "]
        self.serve(self.table("words", tables.tsv(
            (key, "x") for key in keys)))
        self.assert_finds("prefix", "", [
            (key, "x") for key in sorted(keys, key=str.encode)], limit=1000)

    def test_folded(self):
        """Keys are shown as they are written."""
        entries = {"Stra\u00dfe": "1", "STRAND": "2", "\u00c9T\u00c9": "3",
                   "e\u0301te\u0301s": "4", "Zo\u00eb": "5", "zoo": "6",
                   "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2": "7",
                   "\u0130stanbul": "8", "\ufb01n": "9"}
        lines = tables.tsv(entries.items())
        problems = self.problems(self.table("words", lines, "fold=yes"))
        if problems:
            self.assertIn("libutf8proc", problems[0][2])
            self.skipTest("built without libutf8proc")
        self.serve(self.table("words", lines, "fold=yes", ALL_WAYS))
        reference = Reference(entries, fold=True)
        for way, key in (
                ("exact", "STRASSE"), ("exact", "stra\u1e9ee"),
                ("prefix", "STRA"), ("prefix", "stras"), ("prefix", "\u00e9t"),
                ("prefix", "E\u0301T"), ("suffix", "\u00c9"),
                ("suffix", "\u03a3"), ("suffix", "\u03c2"),
                ("substring", "\u00cb"), ("substring", "SS"),
                ("fuzzy", "ZOE"), ("fuzzy", "strase"), ("regex", "^Z"),
                ("regex", "STR.*E$"), ("regex", "SS"), ("prefix", "FI"),
                ("prefix", "i\u0307"), ("substring", "")):
            with self.subTest(way, key=key):
                found = reference.search(way, key.replace("$", r"\Z"))
                self.assertTrue(found)
                self.assert_finds(way, key, found)
        self.assertEqual(self.find("\u00e9t\u00e9S"), "4")
        self.assertIsNone(self.find("ete"))

    def test_without_marks(self):
        """fold=marks finds with, without, and with other marks."""
        keys = ["Z\u00fcrich", "S\u00e3o Paulo", "Malm\u00f6", "\u0141\u00f3d\u017a",
                "Ringk\u00f8bing", "Zug", "\u0915\u0941", "\u0915"]
        lines = tables.tsv((key, key) for key in keys)
        if self.problems(self.table("words", lines, "fold=marks")):
            self.skipTest("built without libutf8proc")
        self.serve(self.table("strict", tables.tsv([("zurich", "s")]),
                              "fold=yes", ALL_WAYS),
                   self.table("words", lines, "fold=marks", ALL_WAYS))
        for asked, key in (("ZU\u0308RICH", keys[0]), ("sao paulo", keys[1]),
                           ("MALMO", keys[2]), ("lodz", keys[3]),
                           ("l\u00f6dz", keys[3]), ("ringkobing", keys[4]),
                           ("zurich", "s"), ("\u0915", keys[7])):
            self.assertEqual(self.find(asked), key)
        for way, asked in (("prefix", "sao"), ("suffix", "PAULO"),
                           ("substring", "\u00e2o"), ("fuzzy", "saopaulo")):
            self.assert_finds(way, asked, [(keys[1], keys[1])])
        # The table before hides what it would find, and no more.
        self.assert_finds("prefix", "zu", [
            ("zurich", "s"), ("Zug", "Zug"), (keys[0], keys[0])])
        self.assert_finds("fuzzy", "malmoe", [(keys[2], keys[2])])

    def test_too_long_to_fold(self):
        """Nothing is found, at once, though marks have to be sorted."""
        lines = tables.tsv([("a\u0316" + "\u0301" * 500, "x")])
        if self.problems(self.table("words", lines, "fold=yes")):
            self.skipTest("built without libutf8proc")
        self.serve(self.table("words", lines, "fold=yes"))
        self.assertEqual(self.find("A" + "\u0301" * 500 + "\u0316"), "x")
        for marks in (500, 1000, 2000, 200000):
            key = "a" + "\u0301\u0316" * marks
            for way in LITERAL_WAYS:
                self.assert_finds(way, key, [])

    def test_hidden_by_folded(self):
        """A table that folds hides what a lookup would find in it."""
        one = self.table("one", b"Word\t1\n", "fold=yes")
        if self.problems(one):
            self.skipTest("built without libutf8proc")
        self.serve(one, self.table("two", b"word\t2\nWORD\t2\nwords\t2\n"),
                   self.table("three", b"WORDS\t3\nword\t3\n", "fold=yes"))
        self.assert_finds("prefix", "wor", [("Word", "1"), ("words", "2"),
                                            ("WORDS", "3")])
        self.assertEqual(self.find("WORD"), "1")
        self.assertEqual(self.find("WORDS"), "3")


class Suggest(TableTest):
    """Near keys for a plain miss."""

    def setUp(self):
        super().setUp()
        self.serve(self.table("fruit", tables.tsv(FRUIT.items())),
                   self.table("exact", b"aplpe\tx\n", "search=exact"))
        self.reference = Reference(FRUIT)

    def test_misses(self):
        """As many as asked for, nearest first, behind all members."""
        for key in ("aple", "appel", "banan", "none like it", "", "quote",
                    "k" * 1024, "k" * 1025, "k" * 100000, "line\nkay",
                    "bananannan", "cranbberrys", "xcranberyr"):
            near = self.reference.suggestions(key)
            for count in range(1, 6):
                reply = self.ask({"value": key}, id=1, suggest=count)
                self.assert_answer(reply, no_match(key), KEEP, ("id", 1),
                                   MISSED, ("suggestions", near[:count]))

    def test_longest(self):
        """A query may be longer than any key, by three edits or by folding."""
        key = "k" * 1024
        self.serve(self.table("long", tables.tsv([(key, "x")])))
        for more, near in (("a", [key]), ("\u00e9\u00e9", [key]),
                           ("abc", [key]), ("abcd", [])):
            reply = self.ask({"value": key + more}, suggest=1)
            self.assert_answer(reply, no_match(key + more), KEEP, MISSED,
                               ("suggestions", near))

    def test_names(self):
        """Initials, and a beginning with an edit, of names of some words."""
        self.serve(self.table("names", tables.tsv((name, "x") for name in (
            "Cuba", "Lao People's Democratic Republic", "Latvia", "Ukraine",
            "USB", "United Arab Emirates", "United Kingdom", "Uganda Kings",
            "United Kingdom of Great Britain", "United States of America",
            "Untied States", "(Unicode) Special Area", "d'Italia, Unione",
            "O'Hara's", "World Wide Web", "Republic of the Congo",
            "One Two Three Four Five Six")), "fold=yes"))
        kingdoms = ["Uganda Kings", "United Kingdom"]
        great, america = ("United Kingdom of Great Britain",
                          "United States of America")
        for value, near in (
                # Of all words, with small ones or without; then near ones;
                # then those that begin with it; then of their first words.
                ("UK", [*kingdoms, "Ukraine", great]),
                ("usa", ["(Unicode) Special Area", america, "USB"]),
                ("usoa", [america, "USB"]),
                ("uae", ["United Arab Emirates"]),
                ("ukgb", [great, "USB"]), ("ukog", [great]),
                ("ukogb", [great]), ("uko", [great]),
                ("sa", []), ("os", []), ("oh", ["O'Hara's"]),
                ("www", ["World Wide Web"]),
                ("ww", ["World Wide Web"]),
                ("rc", ["Republic of the Congo"]),
                ("rotc", ["Republic of the Congo"]),
                ("otttf", []), ("ottff", ["One Two Three Four Five Six"]),
                ("ottffs", []), ("u k", [*kingdoms, great]),
                # An edit in one that ends where a word does.
                ("Laos", ["Lao People's Democratic Republic"]),
                ("Lao", ["Lao People's Democratic Republic"]),
                ("laoss", []), ("los", []), ("aLao", []),
                ("unitde", ["United Arab Emirates", "United Kingdom", great,
                            america]),
                ("unitedX states",
                 ["Untied States", america]),
                ("worldwide", ["World Wide Web"]),
                ("wordl", ["World Wide Web"]), ("wurld", [])):
            with self.subTest(value):
                reply = self.ask({"value": value}, suggest=5)
                self.assert_answer(reply, no_match(value), KEEP, MISSED,
                                   ("suggestions", near))

    def test_bytes(self):
        """The list is JSON as the rest is."""
        reply = self.ask({"value": "quote"}, suggest=5)
        self.assertIn(b', "suggestions": ["quote\\""]}', reply.raw)
        reply = self.ask({"value": "line\nke"}, suggest=5)
        self.assertIn(b', "suggestions": ["line\\nkey"]}', reply.raw)

    def test_alone(self):
        """It needs neither id nor keep-alive."""
        reply = harness.ask_reply(self.daemon.address,
                                  search("aple", suggest=1))
        self.assert_answer(reply, no_match("aple"),
                           ("suggestions", ["apple"]))

    def test_hits(self):
        """What is found needs none; neither do searches."""
        reply = self.ask({"value": "apple"}, suggest=5)
        self.assert_answer(reply, "red", KEEP, FOUND)
        for way in DEFAULT_WAYS:
            reply = self.ask(wanted("zzzzz", way), suggest=5)
            self.assertEqual(reply.extra, [KEEP, MISSED])

    def test_none(self):
        """0 is none."""
        reply = self.ask({"value": "aple"}, suggest=0)
        self.assert_answer(reply, no_match("aple"), KEEP, MISSED)

    def test_wrong(self):
        """Anything but 0 to 5 is an error of the header."""
        for value in (6, -1, 1.5, "1", None, True, [1], 2**64):
            with self.subTest(value):
                reply = self.ask({"value": "aple"}, id=1, suggest=value)
                self.assert_coded(reply, "bad-header", KEEP, ("id", 1))

    def test_table(self):
        """Near keys of the table that was asked, if it may be searched."""
        reply = self.ask({"value": "aple", "table": "exact"}, suggest=5)
        self.assert_answer(reply, no_match("aple"), KEEP, MISSED,
                           ("suggestions", []))

    def test_explain(self):
        """Behind what explain says."""
        reply = self.ask({"value": "aple"}, suggest=1, explain=True)
        self.assertEqual([name for name, _ in reply.extra], [
            "connection", "status", "generation", "loaded",
            "generation-digest", "entries", "suggestions"])


if __name__ == "__main__":
    harness.main()
