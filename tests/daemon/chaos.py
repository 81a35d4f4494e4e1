# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What the clients of test_chaos.py ask, and which replies are right."""

import json

import harness
import tables
from harness import binary, encode, no_match, request, to_json
from tables import FOUND, MISSED, wanted

KEYS = 2000
QUERIES = 40            # searches that clients choose from
WAYS = ("prefix", "suffix", "substring", "fuzzy", "regex", "words")
KEEP = ("connection", "keep-alive")
CLOSE = ("connection", "close")
OUTPUTS = (4 << 10, 16 << 10, 1 << 20)      # of limit output
BIG = {"big-5000": "x" * 5000, "big-60000": "y" * 60000}


def cut_matches(key, found, limit, output):
    """The content of a search's reply, of which an output is enough."""
    size, count = 0, 0
    for count, (name, text) in enumerate(found[:limit]):
        if count == 0:
            size = len(to_json({"result": text, "matches": []})) - 2
        elif size >= output:
            break
        size += len(to_json({"key": name, "result": text})) + 2 * (count > 0)
    else:
        count = min(len(found), limit)
    return tables.matches(key, found[:count], limit, count < len(found))


class World:
    """What is asked, and what may be answered."""

    def __init__(self, rng):
        self.keys = [f"{rng.choice(('key', 'word', 'k'))}{number:04} "
                     f"{rng.choice(('ab', 'ba', 'abab'))}"
                     for number in range(KEYS)]
        self.versions = [{key: f"{version} of {key}" for key in self.keys}
                         for version in "ab"]
        self.queries = [self.query(rng) for _ in range(QUERIES)]

    def query(self, rng):
        """A search's content, and the contents that may answer it."""
        key, way = rng.choice(self.keys), rng.choice(WAYS)
        start = rng.randrange(4)
        text = {"prefix": key[:rng.randrange(9)],
                "suffix": key[rng.randrange(5, len(key)):],
                "substring": key[start:start + rng.randint(1, 4)],
                "fuzzy": key[:start] + "x" + key[start + 1:],
                "regex": rng.choice((f"^{key[:5]}", "[0-4] a", "no.such")),
                "words": " ".join(key.split()[::-1])[:-1]}
        limit = rng.choice((1, 10, 1000))
        found = tables.Reference(self.versions[0]).search(way, text[way])
        listed = [[(k, version[k]) for k, _ in found]
                  for version in self.versions]
        return wanted(text[way], way, limit=limit), {
            cut_matches(text[way], pairs, limit, output)
            for pairs in listed for output in OUTPUTS}, bool(found)


class Ask:
    """A request, and what its reply must be.

    contents    those that may be; None: that of an error
    extra       members of the header behind the usual ones; None: any
    last        no reply follows
    """

    def __init__(self, data, contents, extra=None, last=False):
        self.data = data
        self.contents = contents
        self.extra = extra
        self.last = last
        self.end = 0        # where it ends in all that its client sent

    def check(self, reply):
        if self.contents is None:
            assert reply.result.startswith("Error: "), reply
        else:
            assert reply.content in self.contents, (self.data, reply)
        if self.extra is not None:
            assert [member for member in reply.extra if member[0] not in
                    ("table", "generation", "loaded", "file", "line",
                     "match", "digest", "generation-digest", "entries",
                     "suggestions")] == self.extra, (self.data,
                                                             reply)


def results(*texts):
    return {to_json({"result": text}) for text in texts}


class Asker:
    """Makes requests, no two of which have the same reply."""

    def __init__(self, rng, world):
        self.rng = rng
        self.world = world
        self.count = 0

    def members(self):
        """Of a header, whether the connection stays, and the reply's."""
        members, extra = {}, []
        keep = self.rng.random() < .95
        if keep or self.rng.random() < .5:
            members["connection"] = "keep-alive" if keep else "close"
            extra.append(KEEP if keep else CLOSE)
        if self.rng.random() < .7:
            members["id"] = self.rng.choice((self.count, f"n{self.count}"))
            extra.append(("id", members["id"]))
        return members, extra, keep

    def make(self):
        self.count += 1
        kind = self.rng.choices(
            (self.hit, self.miss, self.query, self.suggest, self.explain,
             self.big, self.binary, self.bad, self.last, self.hog),
            (9, 9, 9, 3, 3, 2, 3, 3, .2, .1))[0]
        return kind()

    def plain(self, content, contents, status, **more):
        members, extra, keep = self.members()
        tells = [status] if extra else []
        make = binary if more.pop("binary", False) else request
        return Ask(make(content, **members, **more), contents,
                   extra + tells, not keep)

    def spelled(self, key, **more):
        """A search, spelled in one of several ways."""
        content = to_json({"action": "search", "value": key, **more})
        return self.rng.choice((
            content, content.replace(b": ", b":").replace(b", ", b","),
            json.dumps({"value": key, "action": "search",
                        **more}).encode())) if ": " not in key else content

    def hit(self):
        key = self.rng.choice(self.world.keys)
        return self.plain(self.spelled(key), results(
            *(version[key] for version in self.world.versions)), FOUND)

    def miss(self):
        start = self.rng.choice(("no", "n\u00f6", 'n"'))
        key = f"{start} {self.count}"
        return self.plain(self.spelled(key), results(no_match(key)), MISSED)

    def query(self):
        content, contents, found = self.rng.choice(self.world.queries)
        return self.plain(content, contents, FOUND if found else MISSED)

    def suggest(self):
        key = f"key{self.count:04} a"
        return self.plain(self.spelled(key), results(no_match(key)), MISSED,
                          suggest=self.rng.randint(1, 5))

    def explain(self):
        ask = self.rng.choice((self.hit, self.query))()
        members, extra, keep = self.members()
        status = [ask.extra[-1]] if ask.extra else None
        content = ask.data[ask.data.index(b"{", 3):]
        return Ask(request(content, **members, explain=True), ask.contents,
                   extra + status if extra and status else None, not keep)

    def big(self):
        key = self.rng.choice(list(BIG))
        return self.plain(self.spelled(key), results(BIG[key]), FOUND)

    def binary(self):
        content = b"%d of these bytes" % self.count
        return self.plain(content, {harness.first_bytes(content)}, MISSED,
                          binary=True)

    def bad(self):
        """What cannot be answered, but read."""
        content, code = self.rng.choice((
            (b'{"action": "search", "value": "x"', "bad-json"),
            (b"[]", "bad-request"), (b'{"action": "x"}', "bad-action"),
            (wanted("(", "regex"), "bad-match"),
            (wanted("x", "prefix", table="none"), "no-table")))
        ask = self.plain(content, None, ("status", "error"))
        if ask.extra:
            ask.extra.append(("error", code))
        return ask

    def last(self):
        """What cannot be read, or is too large."""
        return Ask(self.rng.choice((
            encode(b"{}"), encode(b"x" * 50), b"\xff\xff",
            binary(b"", content_length=2 << 20))), None, None, True)

    def hog(self):
        """A large content."""
        content = b"%d" % self.count + b" " * 300000
        return self.plain(content, {harness.first_bytes(content)}, MISSED,
                          binary=True)
