#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Whatever a peer sends, it gets one well-formed error and a clean end.

The table holds wrong lengths, headers and contents of every kind.  What is
complete but wrong is answered at once; what is merely incomplete is sent with
a half-close.  All timeouts of the daemon are longer than the tests wait, so
that no answer can come from a timer.
"""

import contextlib
import struct
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import ABSENT, DEADLINE, Peer, encode, request, search, to_json

TIMEOUTS = tuple(f"timeout {name} {int(DEADLINE * 4)}s"
                 for name in ("idle", "header", "message", "write"))
SEARCH = b'{"action": "search", "value": "ring"}'
ROUNDS = 20                 # of the table, before memory is looked at again
STEADY = 1 << 20            # bytes that memory may grow meanwhile


def usual(content=SEARCH, **changes):
    """The members of a usual header, with _ for -, and changes."""
    members = {"byteorder": sys.byteorder, "content_type": "text/json",
               "content_encoding": "utf-8", "content_length": len(content)}
    members.update(changes)
    return {k.replace("_", "-"): v for k, v in members.items()
            if v is not ABSENT}


def spelled(name, text, content=SEARCH):
    """A usual message, but the value of one header member as spelled."""
    members = {k: to_json(v) for k, v in usual(content).items()}
    members[name] = text.encode()
    header = b", ".join(to_json(k) + b": " + v for k, v in members.items())
    return encode(b"{" + header + b"}", content)


def added(text):
    """A usual message with further text in its header."""
    header = to_json(usual())
    return encode(header[:-1] + b", " + text.encode() + b"}", SEARCH)


# Contents

CONTENTS = {
    "empty object": b"{}",
    "empty array": b"[]",
    "zero": b"0",
    "empty string": b'""',
    "null": b"null",
    "true": b"true",
    "false": b"false",
    "number": b"-1.5e3",
    "string": b'"search"',
    "array of a search": b"[" + SEARCH + b"]",
    "empty text": b"",
    "blanks": b" \t\r\n",
    "one NUL": b"\0",
    "two searches": SEARCH + SEARCH,
    "two searches with a comma": SEARCH + b"," + SEARCH,
    "text behind": SEARCH + b" x",
    "NUL behind": SEARCH + b"\0",
    "text before": b"x" + SEARCH,
    "comment": b"/* ring? */" + SEARCH,
    "line comment": b"// ring?\n" + SEARCH,
    "form feed as blank": b"\f" + SEARCH,
    "no-break space as blank": b"\xc2\xa0" + SEARCH,
    "UTF-8 BOM": b"\xef\xbb\xbf" + SEARCH,
    "no quotes around names": b"{action: \"search\", value: \"ring\"}",
    "single quotes": b"{'action': 'search', 'value': 'ring'}",
    "a comma too much": b'{"action": "search", "value": "ring",}',
    "a comma first": b'{, "action": "search", "value": "ring"}',
    "two commas": b'{"action": "search",, "value": "ring"}',
    "no comma": b'{"action": "search" "value": "ring"}',
    "semicolon": b'{"action": "search"; "value": "ring"}',
    "no colon": b'{"action" "search", "value": "ring"}',
    "two colons": b'{"action":: "search", "value": "ring"}',
    "equals sign": b'{"action" = "search", "value": "ring"}',
    "number as name": b'{"action": "search", "value": "ring", 1: 2}',
    "null as name": b'{"action": "search", "value": "ring", null: 2}',
    "wrong bracket": b'{"action": "search", "value": "ring"]',
    "bracket too much": SEARCH + b"}",
    "no value": b'{"action": "search", "value": }',
    "name alone": b'{"action": "search", "value"}',
}

# What stands as a further value in a search that is right otherwise.
VALUES = {
    "NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity",
    "nan": "nan", "inf": "inf", "True": "True", "nul": "nul",
    "nulll": "nulll", "undefined": "undefined", "leading zero": "01",
    "negative leading zero": "-01", "plus": "+1", "minus": "-",
    "point first": ".5", "point last": "1.", "no exponent": "1e",
    "no exponent digits": "1e+", "two points": "1.2.3", "hex": "0x1f",
    "two minuses": "--1", "underscore": "1_000", "letters behind": "12ab",
    "unknown escape": r'"\x41"', "escaped apostrophe": r'"\'"',
    "escaped NUL digit": r'"\0"', "u without digits": r'"\u"',
    "u with three digits": r'"\u123"', "u with a G": r'"\u12G4"',
    "u with a sign": r'"\u+123"', "capital U": r'"\U0001f430"',
    "bare tab": '"\t"', "bare newline": '"\n"', "bare NUL": '"\0"',
    "bare 0x1f": '"\x1f"', "unclosed string": '"abc',
    "unclosed array": "[1", "unclosed object": '{"a": 1',
    "array with a comma too much": "[1,]", "array of a comma": "[,]",
    "array with a colon": "[1:2]", "array closed by }": "[1}",
    "object of a list": '{"a", "b"}', "65 levels": "[" * 65 + "]" * 65,
    "65 levels of objects": '{"a":' * 64 + "1" + "}" * 64,
    "100000 levels": "[" * 100000 + "]" * 100000,
    "100000 levels, open": "[" * 100000,
    "257 members": "{" + ", ".join(f'"{i}": 0' for i in range(257)) + "}",
}

# Bytes that are no UTF-8, as an answer's key and as a name.
NO_UTF8 = {
    "lone continuation": b"\x80", "lone lead": b"\xc3", "two leads":
    b"\xc3\xc3", "overlong slash": b"\xc0\xaf", "overlong NUL": b"\xc0\x80",
    "overlong in 3": b"\xe0\x80\xaf", "overlong in 4": b"\xf0\x80\x80\xaf",
    "surrogate": b"\xed\xa0\x80", "surrogate pair":
    b"\xed\xa0\xbd\xed\xb0\xb0", "beyond Unicode": b"\xf4\x90\x80\x80",
    "lead F5": b"\xf5\x80\x80\x80", "byte FE": b"\xfe", "byte FF": b"\xff",
    "cut in 3": b"\xe4\xb8", "cut in 4": b"\xf0\x9f\x90",
    "cut by a quote": b'\xf0\x9f\x90"',
}

# Actions and values of a wrong type, or none, as JSON text.
WRONG = {"number": "5", "zero": "0", "float": "1.5", "null": "null",
         "true": "true", "false": "false", "array": "[]",
         "array of it": '["ring"]', "object": "{}",
         "object of it": '{"ring": "ring"}'}

HALVES = {"high": r"\ud800", "low": r"\udc00", "two high": r"\ud83d\ud83d",
          "wrong order": r"\udc30\ud83d", "high at the end": r"ring\ud83d",
          "high before text": r"\ud83dring",
          "high before another escape": r"\ud83d\n"}

# Contents that are not what their encoding says.
ENCODED = {
    "ascii with a high byte": ("us-ascii", b'{"action": "search", '
                               b'"value": "r\xefng"}'),
    "utf-16 without BOM": ("utf-16", SEARCH.decode().encode("utf-16-le")),
    "utf-16-le with BOM": ("utf-16-le", b"\xff\xfe"
                           + SEARCH.decode().encode("utf-16-le")),
    "utf-16-be with BOM": ("utf-16-be", b"\xfe\xff"
                           + SEARCH.decode().encode("utf-16-be")),
    "utf-16 of an odd length": ("utf-16-le", SEARCH.decode()
                                .encode("utf-16-le") + b"\0"),
    "utf-16-le as -be": ("utf-16-be", SEARCH.decode().encode("utf-16-le")),
    "utf-16 high alone": ("utf-16-le", '{"value": "'.encode("utf-16-le")
                          + b"\x3d\xd8" + '"}'.encode("utf-16-le")),
    "utf-16 low alone": ("utf-16-le", '{"value": "'.encode("utf-16-le")
                         + b"\x30\xdc" + '"}'.encode("utf-16-le")),
    "utf-16 cut in a pair": ("utf-16-le", b"\x3d\xd8"),
    "utf-16 of a BOM": ("utf-16", b"\xff\xfe"),
    "utf-16, empty": ("utf-16", b""),
    "utf-32 without BOM": ("utf-32", SEARCH.decode().encode("utf-32-le")),
    "utf-32-le with BOM": ("utf-32-le", b"\xff\xfe\0\0"
                           + SEARCH.decode().encode("utf-32-le")),
    "utf-32 of a wrong length": ("utf-32-be", SEARCH.decode()
                                 .encode("utf-32-be") + b"\0\0"),
    "utf-32 beyond Unicode": ("utf-32-be", '"'.encode("utf-32-be")
                              + b"\0\x11\0\0" + '"'.encode("utf-32-be")),
    "utf-32 of a surrogate": ("utf-32-be", '"'.encode("utf-32-be")
                              + b"\0\0\xd8\0" + '"'.encode("utf-32-be")),
    "utf-32 of a BOM": ("utf-32", b"\0\0\xfe\xff"),
    "utf-8 as utf-32": ("utf-32-le", SEARCH),
    "utf-8 as utf-16": ("utf-16-le", SEARCH),
}

UNKNOWN_ENCODINGS = (
    "", "utf-9", "utf-8x", "utf-8\0", "utf-8\0x",
    "utf-7", "utf-8-sig", "utf-8//IGNORE", "utf-8//TRANSLIT", "utf-16-xe",
    "windows-1252", "koi8-r", "shift_jis", "gb18030", "rot13", "hex",
    "base64", "zlib", "idna", "punycode", "unicode_escape",
    "raw_unicode_escape", "undefined", "binary", "none", "../utf-8",
    "/etc/passwd", "%s%n", "\U0001f430", "u" * 255, "-" * 20000)

# Headers

LENGTHS = {"minus one": "-1", "minus zero": "-0", "float": "37.0",
           "exponent": "37e0", "exponent 2": "3.7e1", "string": '"37"',
           "null": "null", "true": "true", "array": "[37]",
           "object": '{"n": 37}', "huge float": "1e400",
           "2^31": str(2**31), "2^32": str(2**32),
           "2^32 and 37": str(2**32 + 37), "2^62": str(2**62),
           "2^63": str(2**63), "2^63 less 1": str(2**63 - 1),
           "2^64": str(2**64), "2^64 less 1": str(2**64 - 1),
           "2^64 and 37": str(2**64 + 37), "2^65 and 37": str(2**65 + 37),
           "300 digits": "9" * 300, "-2^63": str(-2**63),
           "leading zero": "037", "hex": "0x25", "plus": "+37",
           "NaN": "NaN", "Infinity": "Infinity"}

HEADERS = {
    "length 0": b"\0\0", "empty object": encode(b"{}"),
    "empty array": encode(b"[]"), "zero": encode(b"0"),
    "empty string": encode(b'""'), "null": encode(b"null"),
    "true": encode(b"true"), "a string": encode(b'"content-length"'),
    "array of it": encode(b"[" + to_json(usual()) + b"]", SEARCH),
    "blank": encode(b" "), "NUL": encode(b"\0"),
    "65535 blanks": encode(b" " * 65535),
    "65535 NULs": encode(bytes(65535)),
    "65535 brackets": encode(b"[" * 65535),
    "BOM": encode(b"\xef\xbb\xbf" + to_json(usual()), SEARCH),
    "UTF-16": encode(to_json(usual()).decode().encode("utf-16"), SEARCH),
    "cut": encode(to_json(usual())[:-1], SEARCH),
    "a byte too much": encode(to_json(usual()) + b"x", SEARCH),
    "NUL behind": encode(to_json(usual()) + b"\0", SEARCH),
    "two": encode(to_json(usual()) * 2, SEARCH),
    "HTTP": b"GET /ring HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"x" * 20000,
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    + bytes(6000),
    "length in little-endian": struct.pack("<H", len(to_json(usual())))
    + to_json(usual()) + SEARCH + bytes(65535),
}

# What a header may have besides, and must not.
ADDED = {
    "byteorder twice": '"byteorder": "big"',
    "content-type twice": '"content-type": "text/json"',
    "content-encoding twice": '"content-encoding": "utf-8"',
    "content-length twice": f'"content-length": {len(SEARCH)}',
    "another content-length": '"content-length": 1',
    "content-length twice, escaped":
    f'"content\\u002dlength": {len(SEARCH)}',
    "content-length twice, all escaped": '"' + "".join(
        f"\\u{ord(c):04x}" for c in "content-length") + '": 1',
    "content-type twice, escaped": '"content-t\\u0079pe": "text/json"',
    "connection twice": '"connection": "close", "connection": "close"',
    "connection twice, escaped":
    '"connection": "close", "c\\u006Fnnection": "close"',
    "id twice": '"id": 1, "id": 1',
    "id twice, escaped": '"id": 1, "\\u0069d": 2',
    "an unknown member twice": '"x": 1, "x": 1',
    "id of a float": '"id": 1.5',
    "id of an exponent": '"id": 1e2',
    "id of null": '"id": null',
    "id of true": '"id": true',
    "id of an array": '"id": [1]',
    "id of an object": '"id": {"id": 1}',
    "id above 2^53": f'"id": {2**53 + 1}',
    "id below -2^53": f'"id": {-2**53 - 1}',
    "id of 2^64": f'"id": {2**64}',
    "id of 257 bytes": '"id": "' + "i" * 257 + '"',
    "id of 258 bytes in 129 characters": '"id": "' + "é" * 129 + '"',
    "id of 20000 bytes": '"id": "' + "i" * 20000 + '"',
    "NaN": '"x": NaN', "a comma": "", "a bare word": "x",
    "a single-quoted name": "'x': 1",
    "65 levels": '"x": ' + "[" * 64 + "]" * 64,
    "20000 levels": '"x": ' + "[" * 20000 + "]" * 20000,
    "257 members": ", ".join(f'"m{i}": 0' for i in range(253)),
    "a wrong escape": '"x": "\\q"', "a bare newline": '"x": "\n"',
}

# Header members of a wrong type, as JSON text.
TYPES = {"number": "5", "null": "null", "true": "true", "array": "[]",
         "object": "{}"}


def table():
    """The cases: name, bytes, whether the end of input is sent behind."""
    for name, content in CONTENTS.items():
        yield f"content: {name}", request(content), False
    for name, text in VALUES.items():
        content = f'{{"action": "search", "value": "ring", "x": {text}}}'
        yield f"value: {name}", request(content.encode()), False
        if len(text) < 1000:
            content = f'{{"action": "search", "value": {text}}}'
            yield f"as key: {name}", request(content.encode()), False
    for name, bad in NO_UTF8.items():
        yield f"no UTF-8: {name}", request(
            b'{"action": "search", "value": "' + bad + b'"}'), False
        yield f"no UTF-8 in a name: {name}", request(
            SEARCH[:-1] + b', "' + bad + b'": 1}'), False
        yield f"no UTF-8 in a header: {name}", encode(
            to_json(usual())[:-1] + b', "x": "' + bad + b'"}', SEARCH), False
    for name, text in WRONG.items():
        yield f"action: {name}", request(
            f'{{"action": {text}, "value": "ring"}}'.encode()), False
        yield f"key: {name}", request(
            f'{{"action": "search", "value": {text}}}'.encode()), False
    for name, text in HALVES.items():
        yield f"half a pair in the key: {name}", request(
            f'{{"action": "search", "value": "{text}"}}'.encode()), False
        yield f"half a pair in the action: {name}", request(
            f'{{"action": "{text}", "value": "ring"}}'.encode()), False
    yield "no action", request(b'{"value": "ring"}'), False
    yield "no value", request(b'{"action": "search"}'), False
    yield "other members only", request(b'{"a": 1, "b": "ring"}'), False
    members = ", ".join(f'"m{i}": 0' for i in range(255))
    yield "257 members", request(
        SEARCH[:-1] + b", " + members.encode() + b"}"), False
    yield "no such action", request(
        b'{"action": "no such", "value": "ring"}'), False
    for name, (encoding, content) in ENCODED.items():
        yield f"encoding: {name}", request(
            content, content_encoding=encoding), False
    for name in UNKNOWN_ENCODINGS:
        yield f"encoding {name[:30]!r}", request(
            SEARCH, content_encoding=name), False
    yield "empty binary", harness.binary(b""), False
    for name, text in LENGTHS.items():
        yield f"content-length: {name}", spelled("content-length",
                                                 text), False
    for name, text in TYPES.items():
        yield f"content-type: {name}", spelled("content-type", text), False
        yield f"content-encoding: {name}", spelled("content-encoding",
                                                   text), False
    for name in usual():
        yield f"no {name}", request(SEARCH, **{name: ABSENT}), False
        yield f"no {name}, but {name.upper()}", request(
            SEARCH, **{name: ABSENT, name.upper(): usual()[name]}), False
    yield "binary whose encoding is a number", spelled(
        "content-encoding", "5").replace(b"text/json", b"bits/json"), False
    for name, data in HEADERS.items():
        yield f"header: {name}", data, False
    for name, text in ADDED.items():
        yield f"header with {name}", added(text), False
    yield from cuts()


def cuts():
    """A message cut at each kind of place, and the end of input."""
    whole = search("ring")
    header = len(to_json(usual()))
    places = {"in the length": 1, "behind the length": 2,
              "in the header's first byte": 3,
              "in the middle of the header": 2 + header // 2,
              "before the header's last byte": 1 + header,
              "behind the header": 2 + header,
              "in the content's first byte": 3 + header,
              "in the middle of the content": 2 + header + len(SEARCH) // 2,
              "before the last byte": len(whole) - 1}
    for name, place in places.items():
        yield f"cut {name}", whole[:place], True
    yield "cut in a character", search("\U0001f436")[:-4], True
    yield "a header of 65535, a byte of it", b"\xff\xff{", True
    yield "a content longer than told", request(
        SEARCH, content_length=len(SEARCH) + 1), True
    yield "a binary cut", harness.binary(b"x" * 100)[:-1], True
    yield "a long content, nothing of it", request(
        b"", content_length=60000), True
    # What is told shorter than it is: wrong by itself, no end needed.
    yield "a content shorter than told", request(
        SEARCH, content_length=len(SEARCH) - 1), False
    yield "a content much longer than told", request(
        SEARCH + b"x" * (1 << 20), content_length=2), False


TABLE = list(table())


class Hostile(harness.DaemonTest):
    """The table against a daemon with long timeouts."""

    def refused(self, address, case):
        """One well-formed error, then the end."""
        name, data, finish = case
        try:
            reply = harness.ask_reply(address, data, finish)
            self.assert_error(reply)
        except TimeoutError:
            raise
        except (AssertionError, OSError, ValueError) as problem:
            sent = data if len(data) < 400 else data[:400] + b"..."
            self.fail(f"{name}: sent {sent!r}: {problem!r}")
        return reply

    def test_table_is_long_enough(self):
        """At least 150 different cases, each with its own name."""
        self.assertGreaterEqual(len({data for _, data, _ in TABLE}), 150)
        self.assertEqual(len({name for name, _, _ in TABLE}), len(TABLE))

    def test_one_error_each_over_tcp(self):
        """Each case; the connection after it is answered right."""
        daemon = self.start(*TIMEOUTS)
        for case in TABLE:
            with self.subTest(case[0]):
                self.refused(daemon.address, case)
                self.assert_serves(daemon.address)

    def test_one_error_each_over_unix(self):
        """Each case over a unix socket."""
        path = self.path("socket")
        daemon = self.start(f"listen {path}", *TIMEOUTS)
        for case in TABLE:
            with self.subTest(case[0]):
                self.refused(daemon.address, case)
        self.assert_serves(daemon.address)

    def test_plain_errors_have_plain_headers(self):
        """An error in a plain content adds nothing to the four members."""
        daemon = self.start(*TIMEOUTS)
        for case in TABLE:
            if case[0].startswith(("content: ", "value: ", "action: ")):
                with self.subTest(case[0]):
                    reply = self.refused(daemon.address, case)
                    self.assertEqual(reply.extra, [])

    def test_in_single_bytes(self):
        """Cases cut into single bytes get the same answer as whole."""
        path = self.path("socket")
        daemon = self.start(f"listen {path}", *TIMEOUTS)
        for name, data, finish in TABLE:
            if len(data) > 400:
                continue
            with self.subTest(name):
                whole = harness.ask(path, data, finish)
                with Peer(daemon.address) as peer:
                    # What is wrong early is answered, and the connection
                    # maybe closed, before the last byte is sent.
                    with contextlib.suppress(BrokenPipeError):
                        peer.send_pieces(harness.bytewise(data))
                    if finish:
                        peer.finish()
                    self.assertEqual(peer.to_end(), whole)

    def test_memory_is_steady(self):
        """The table again and again takes no more memory."""
        daemon = self.start("workers 1", *TIMEOUTS,
                            env=harness.measurable())

        def rounds(count):
            for _ in range(count):
                for case in TABLE:
                    if len(case[1]) < 30000:
                        self.refused(daemon.address, case)

        rounds(2)
        before = harness.resident(daemon.pid)
        rounds(ROUNDS)
        self.assert_grown(daemon, before, STEADY)
        self.assert_serves(daemon.address)

    def test_rest_after_the_error(self):
        """What still comes after an early error resets nothing.

        The reply is there, not read yet, while the peer goes on sending.
        """
        path = self.path("socket")
        daemon = self.start(f"listen {harness.LOOPBACK} 0", f"listen {path}",
                            *TIMEOUTS)
        early = [spelled("content-length", text, b"")
                 for text in LENGTHS.values()]
        early += [b"\xff\xff", encode(b"["), encode(b"{}")]
        for data in early:
            for address in daemon.addresses:
                with self.subTest(data), Peer(address) as peer:
                    peer.send(data)
                    peer.wait_readable()
                    for _ in range(8):
                        peer.send(bytes(8192))
                    self.assert_error(peer.reply())
                    peer.ended()

    def test_errors_among_good_requests(self):
        """Wrong and right at once, from many connections side by side."""
        daemon = self.start(*TIMEOUTS)
        small = [case for case in TABLE if len(case[1]) < 5000]
        for first in range(0, len(small), 100):
            with contextlib.ExitStack() as stack:
                peers = []
                for name, data, finish in small[first:first + 100]:
                    for part in (data, search("ring")):
                        peer = stack.enter_context(Peer(daemon.address))
                        peer.send(part)
                        peers.append((name, peer, part is data))
                        if finish:
                            peer.finish()
                for name, peer, wrong in peers:
                    with self.subTest(name):
                        self.check_one_of_many(peer, wrong)

    def check_one_of_many(self, peer, wrong):
        """The one reply of a peer that sent something wrong, or not."""
        reply = peer.reply()
        peer.ended()
        if wrong:
            self.assert_error(reply)
        else:
            self.assertEqual(reply.raw, harness.plain_reply(harness.RING))


if __name__ == "__main__":
    harness.main()
