#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Plain requests get, byte for byte, what the tutorial's server answers.

1,500 random requests, in every encoding and spelling that both servers take,
are cut at random places and sent to both.  A failure tells the seed; set
APPMSG_SEED to it to see the same requests again.
"""

import json
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import TUTORIAL, Peer, cut, encode

REQUESTS = 1500

# Encodings: Python's names, and the highest code point each can carry raw.
ENCODINGS = {
    "utf-8": (0x10FFFF, "utf8 utf-8 u8 utf"),
    "ascii": (0x7F, "us-ascii ascii us 646 iso646-us ansi_x3.4_1968"),
    "latin-1": (0xFF, "iso-8859-1 latin-1 latin1 iso8859-1 l1 cp819"),
    "utf-16": (0x10FFFF, "utf-16 utf16 u16"),
    "utf-16-le": (0x10FFFF, "utf-16-le utf-16le"),
    "utf-16-be": (0x10FFFF, "utf-16-be utf-16be"),
    "utf-32": (0x10FFFF, "utf-32 utf32 u32"),
    "utf-32-le": (0x10FFFF, "utf-32-le utf-32le"),
    "utf-32-be": (0x10FFFF, "utf-32-be utf-32be"),
}
BOMS = {
    "utf-16": (b"\xff\xfe", b"\xfe\xff"),
    "utf-32": (b"\xff\xfe\0\0", b"\0\0\xfe\xff"),
}

# Members that mean something to appmsgd only: no plain request has them.
OPT_IN = {"connection", "id", "explain", "suggest",
          "table", "match", "distance", "limit", "after"}

SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n",
         "\r": "\\r", "\t": "\\t", "/": "\\/"}
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz0123456789 -_.",
    "\"\\/\b\f\n\r\t\0\x01\x1f\x7f",
    "\x80\xa0äöüßé\xad\xff",
    "ĀłЖ中あ\u2028\u2029\ufeff\ufffd\uffff",
    "\U00010000\U0001f430\U0001f48d\U0001f436\U0010ffff",
)
TYPES = ("text/plain", "TEXT/JSON", "text/json ", " text/json", "text/jso",
         "text/json; charset=utf-8", "", "binary/custom-client-binary-type",
         "application/json", "text/json\0", "bin\u00e4r/\U0001f430")


class Speller:
    """Writes JSON in a random one of its many valid spellings."""

    def __init__(self, rng, highest):
        self.rng = rng
        self.highest = highest      # code point that may stand raw
        self.escape = rng.choice((0, 0, 0.1, 0.5, 1))
        self.blank = rng.choice((0, 0, 0.2, 0.8))

    def blanks(self):
        if self.rng.random() >= self.blank:
            return ""
        return "".join(self.rng.choices(" \t\r\n", k=self.rng.randint(1, 4)))

    def unit(self, number):
        digits = f"{number:04x}"
        return "\\u" + "".join(self.rng.choice((d, d.upper()))
                               for d in digits)

    def char(self, char):
        code = ord(char)
        must = code < 0x20 or char in '"\\' or code > self.highest
        if not must and self.rng.random() >= self.escape:
            return char
        if char in SHORT and self.rng.random() < 0.5:
            return SHORT[char]
        if code > 0xFFFF:
            code -= 0x10000
            return self.unit(0xD800 + (code >> 10)) + \
                self.unit(0xDC00 + (code & 0x3FF))
        return self.unit(code)

    def string(self, text):
        return '"' + "".join(map(self.char, text)) + '"'

    def number(self):
        rng = self.rng
        text = rng.choice(("", "-")) + rng.choice(("0", "7", "1234567890123",
                                                   str(rng.getrandbits(200))))
        if rng.random() < 0.4:
            text += "." + rng.choice(("0", "5", "000", "123456789" * 5))
        if rng.random() < 0.4:
            text += rng.choice("eE") + rng.choice(("", "+", "-")) + \
                rng.choice(("0", "00", "12", "400"))
        return text

    def list(self, values, brackets):
        comma = [self.blanks() + "," + self.blanks() for _ in values]
        comma[-1:] = [""]
        inside = "".join(v + c for v, c in zip(values, comma))
        return brackets[0] + self.blanks() + inside + self.blanks() + \
            brackets[1]

    def object(self, pairs):
        """pairs of a name and a value that is JSON text already."""
        return self.list([self.string(name) + self.blanks() + ":" +
                          self.blanks() + value for name, value in pairs],
                         "{}")

    def deep(self, depth):
        """A value nested so deep."""
        value = self.number()
        for _ in range(depth):
            value = (self.list([value], "[]") if self.rng.random() < 0.5
                     else self.object([("a", value)]))
        return value

    def value(self, depth=3):
        """Any value."""
        kind = self.rng.randrange(8 if depth else 6)
        if kind < 3:
            return self.rng.choice(("true", "false", "null"))
        if kind == 3:
            return self.number()
        if kind < 6:
            return self.string(text(self.rng))
        values = [self.value(depth - 1)
                  for _ in range(self.rng.randrange(4))]
        if kind == 6:
            return self.list(values, "[]")
        return self.object([(text(self.rng), value) for value in values])


def text(rng, longest=12):
    """Random text, of one alphabet or all."""
    alphabet = rng.choice((*ALPHABETS, "".join(ALPHABETS)))
    return "".join(rng.choices(alphabet, k=rng.randrange(longest)))


def spell_case(rng, name):
    """An encoding's name in any case, with _ or -."""
    name = "".join(rng.choice((c.lower(), c.upper())) for c in name)
    return name.translate({ord(c): rng.choice("-_") for c in "-_"})


def further(rng, speller, taken, most):
    """Members that the server does not look at."""
    pairs = {}
    for _ in range(rng.randrange(most)):
        name = text(rng)
        if name not in taken and name not in OPT_IN:
            pairs[name] = speller.value()
    return list(pairs.items())


def random_search(rng):
    """A JSON content, its encoding as the header names it, and its bytes."""
    codec = rng.choice(list(ENCODINGS))
    highest, names = ENCODINGS[codec]
    speller = Speller(rng, highest)
    action = rng.choice(("search",) * 6 + (text(rng), "Search", "search "))
    value = rng.choice((*TUTORIAL, *TUTORIAL, "ring\0", "Ring", "",
                        text(rng), text(rng, 40)))
    if rng.random() < 0.02:
        value = text(rng, 5000)
    pairs = [("action", speller.string(action)),
             ("value", speller.string(value))]
    more = further(rng, speller, {"action", "value"},
                   rng.choice((1, 1, 4, 30)))
    if rng.random() < 0.03:
        more += [(f"n{i}", speller.number()) for i in range(200)]
    if rng.random() < 0.05:
        more.append(("deep", speller.deep(63)))
    pairs += more
    rng.shuffle(pairs)
    if rng.random() < 0.2:      # earlier ones of the same name lose
        pairs[:0] = [(rng.choice(("action", "value")), speller.value())
                     for _ in range(rng.randint(1, 3))]
    body = speller.blanks() + speller.object(pairs) + speller.blanks()
    if codec in BOMS:
        bom = rng.choice(BOMS[codec])
        order = "le" if bom[0] == 0xFF else "be"
        body = bom + body.encode(f"{codec}-{order}")
    else:
        body = body.encode(codec)
    return spell_case(rng, rng.choice(names.split())), body


def random_request(rng):
    """All bytes of one request."""
    speller = Speller(rng, 0x10FFFF)
    if rng.random() < 0.8:
        kind = "text/json"
        encoding, body = random_search(rng)
    else:
        kind = rng.choice(TYPES)
        encoding = rng.choice(("binary", "utf-8", "no such", text(rng)))
        body = rng.randbytes(rng.choice((1, 5, 9, 10, 11, 300, 9000)))
    pairs = [("byteorder", rng.choice(('"little"', '"big"',
                                       speller.value()))),
             ("content-type", speller.string(kind)),
             ("content-encoding", speller.string(encoding)),
             ("content-length", str(len(body)))]
    pairs += further(rng, speller, harness.REQUIRED, rng.choice((1, 1, 5)))
    rng.shuffle(pairs)
    header = speller.blanks() + speller.object(pairs) + speller.blanks()
    return encode(header.encode(), body)


def random_pieces(rng, data):
    """A request as it is handed to the socket."""
    if rng.random() < 0.3:
        return [data]
    if rng.random() < 0.05 and len(data) < 600:
        return harness.bytewise(data)
    return cut(rng, data, rng.randint(2, 8))


def ask(address, pieces):
    """All that a server answers."""
    with Peer(address) as peer:
        peer.send_pieces(pieces)
        return peer.to_end()


class Parity(harness.DaemonTest):
    """Both servers side by side."""

    def setUp(self):
        super().setUp()
        port = self.original("app-server.py", harness.LOOPBACK, "PORT")
        self.tutorial = (harness.LOOPBACK, port)
        self.ours = self.start().address

    def compare(self, pieces, told):
        """Both servers answer the same, and not nothing."""
        theirs = ask(self.tutorial, pieces)
        self.assertTrue(theirs, f"the original drops {told}")
        self.assertEqual(ask(self.ours, pieces), theirs, told)

    def test_random_requests(self):
        """1,500 requests in random spellings, encodings and splits."""
        rng, seed = harness.seeded()
        print(f"APPMSG_SEED={seed}", file=sys.stderr)
        for number in range(REQUESTS):
            data = random_request(rng)
            self.compare(random_pieces(rng, data),
                         f"request {number} of seed {seed}: {data!r}")

    def test_names_of_encodings(self):
        """Each name of each encoding, in several cases and spellings."""
        body = json.dumps({"action": "search", "value": "ring"})
        for codec, (_, names) in ENCODINGS.items():
            content = body.encode(codec)
            for name in names.split():
                for spelling in {name, name.upper(), name.title(),
                                 name.replace("-", "_")}:
                    data = harness.request(content,
                                           content_encoding=spelling)
                    self.compare([data], spelling)

    def test_bounds(self):
        """Deepest nesting, most members, keys longer than any can be."""
        deep = "[" * 63 + "]" * 63
        members = ", ".join(f'"m{i}": {i}' for i in range(254))
        contents = {
            "64 levels": f'"value": "ring", "x": {deep}',
            "256 members": f'"value": "ring", {members}',
            "key of 1024": f'"value": "{"k" * 1024}"',
            "key of 1025": f'"value": "{"k" * 1025}"',
            "key of 30000": f'"value": "{"k" * 30000}"',
            "escaped to the last": '"value": "' + "\\u0001" * 2000 + '"',
        }
        for told, members in contents.items():
            body = '{"action": "search", ' + members + "}"
            self.compare([harness.request(body.encode())], told)

    def test_last_of_several_wins(self):
        """Duplicate members of a content, spelled in different ways."""
        contents = (
            '"value": "ring", "value": "morpheus"',
            '"value": 5, "value": "ring"',
            '"value": {"value": "morpheus"}, "value": "ring"',
            '"value": "ring", "v\\u0061lue": "morpheus"',
            '"\\u0076\\u0061lue": "morpheus", "value": "ring"',
            '"action": "x", "value": "ring", "action": "search"',
        )
        for members in contents:
            body = '{"action": "search", ' + members + "}"
            self.compare([harness.request(body.encode())], members)

    def test_half_a_pair_where_nobody_looks(self):
        """Half a surrogate pair is legal JSON in a member not looked at."""
        for member in ('"x": "\\ud800"', '"\\udc00": 1', '"x": ["\\ud83d"]'):
            body = '{"action": "search", "value": "ring", ' + member + "}"
            self.compare([harness.request(body.encode())], member)


if __name__ == "__main__":
    harness.main()
