#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Answers and binary entries come back exactly as they were written."""

import json
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (LOOPBACK, Peer, answer, binary, first_bytes, kept,
                     plain_binary_reply, plain_reply, quoted, request,
                     search)

# Keys and answers with everything that JSON lets a string have.
ENTRIES = {
    "plain": "text",
    "empty": "",
    "nul\0key": "nul\0text",
    "nul": "another",
    'quote"back\\slash/': 'quote"back\\slash/',
    "".join(map(chr, range(1, 0x20))): "".join(map(chr, range(0x20))),
    "del\x7f": "\x7f\x80\x9f",
    "\u00e9": "composed",
    "e\u0301": "decomposed",
    "\u2028\u2029\ufeff\ufffe\uffff": "\u2028\u2029\ufeff\ufffe\uffff",
    "\U00010000\U0010ffff": "\U00010000\U0010ffff",
    " blank ": " blank ",
    "k" * 1024: "longest key",
    "\U0001f430" * 256: "longest key of rabbits",
    "long": "x" * 100000,
    "escapes": '"\\\n' * 5000,
    "Error: x": "Error: y",
}
NEAR = ("nul\0", "plain\0", "Plain", "plain ", "k" * 1023, "k" * 1025,
        "\u00e9\u0301", "blank")

PNG = b"\x89PNG\r\n\x1a\n\0\xff"
BIG = bytes(range(256)) * 4000


class Answers(harness.DaemonTest):
    """Entries of the config."""

    def test_each_entry(self):
        """Plain replies, as Python would spell them."""
        address = self.start(answers=[
            answer(*pair) for pair in ENTRIES.items()]).address
        for key, text in ENTRIES.items():
            with self.subTest(key[:40]):
                self.assertEqual(harness.ask(address, search(key)),
                                 plain_reply(text))
        for key in NEAR:
            with self.subTest(key[:40]):
                self.assertEqual(harness.ask(address, search(key)),
                                 plain_reply(harness.no_match(key)))

    def test_written_with_escapes(self):
        """Keys and answers that the config spells in ASCII."""
        lines = [f"answer {json.dumps(key)} "
                 f"{json.dumps(text)}"
                 for key, text in ENTRIES.items()]
        address = self.start(answers=lines).address
        with Peer(address) as peer:
            for key, text in ENTRIES.items():
                reply = peer.ask(search(key, **kept()))
                self.assertEqual(reply.result, text)

    def test_many(self):
        """20,000 entries, each found, and the ones between them not."""
        count = 20000
        lines = [answer(f"key {i}", f"text {i}") for i in range(count)]
        daemon = self.start(answers=lines)
        with Peer(daemon.address) as peer:
            for first in range(0, count, 500):
                keys = range(first, first + 500)
                peer.send(b"".join(search(f"key {i}", **kept())
                                   for i in keys))
                for i in keys:
                    self.assertEqual(peer.reply().result, f"text {i}")
            reply = peer.ask(search(f"key {count}", **kept()))
            self.assertEqual(reply.header["status"], "not-found")


class Options(harness.DaemonTest):
    """table main: options of the answer lines."""

    def serve(self, *options):
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", self.control_line(),
            f"table main {' '.join(options)}",
            answers=[answer("caf\u00e9", "1"), answer("tea", "2")])

    def test_folded(self):
        """Whatever the case and the form of Unicode."""
        done = harness.run(
            harness.program("appmsgd"), "-n", "-f", self.write_config(
                f"listen {LOOPBACK} 0", "table main fold=yes"))
        if "libutf8proc" in done.stderr:
            self.skipTest("built without libutf8proc")
        self.serve("fold=yes")
        for key in ("caf\u00e9", "cafe\u0301", "CAF\u00c9"):
            self.assertEqual(harness.ask(self.daemon.address, search(key)),
                             plain_reply("1"))

    def test_ways(self):
        """Those that are allowed, regular expressions, too."""
        self.serve("search=exact,regex")
        for way, value, status in (("regex", "^t.a$", "found"),
                                   ("prefix", "te", "error")):
            with Peer(self.daemon.address) as peer:
                reply = peer.ask(request(harness.to_json({
                    "action": "search", "match": way, "value": value}),
                    **kept()))
                self.assertEqual(reply.header["status"], status)

    def test_guard(self):
        """A reload that takes a line away needs to be forced."""
        self.serve("guard=0%")
        self.configure(f"listen {LOOPBACK} 0", self.control_line(),
                       "table main guard=0%", answers=[answer("tea", "2")])
        done = self.control("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn(':3: the table "main" lost 1 of 2 keys', done.stderr)
        self.assertEqual(self.control("reload", "--force").returncode, 0)


class Binaries(harness.DaemonTest):
    """Entries that are files."""

    def setUp(self):
        super().setUp()
        self.png = self.write("logo.png", PNG)
        self.daemon = self.start(
            f"listen {LOOPBACK} 0",
            f'binary "logo" file {quoted(self.png)} type=image/png',
            "binary raw file logo.png",
            f'binary big file {self.write("big", BIG)} '
            'type="text/x \u00e9 \\"q\\""',
            f'binary empty file {self.write("empty", b"")}',
            f'binary "\\u0000\U0001f430" file {self.png}')

    def ask(self, content, **members):
        return harness.ask_reply(self.daemon.address,
                                 binary(content, **members))

    def assert_entry(self, key, content, kind):
        reply = self.ask(key)
        self.assertEqual(reply.extra, [])
        self.assertEqual(reply.header["content-type"], kind)
        self.assertEqual(reply.header["content-encoding"], "binary")
        self.assertEqual(reply.content, content)

    def test_entries(self):
        """Bytes and type of the entry whose key was sent."""
        default = "application/octet-stream"
        self.assert_entry(b"logo", PNG, "image/png")
        self.assert_entry(b"raw", PNG, default)
        self.assert_entry(b"big", BIG, 'text/x \u00e9 "q"')
        self.assert_entry(b"empty", b"", default)
        self.assert_entry("\0\U0001f430".encode(), PNG, default)

    def test_found(self):
        """An entry is found, the first bytes of anything else are not."""
        self.assertEqual(self.ask(b"logo", id=1).extra,
                         [("id", 1), ("status", "found")])
        reply = self.ask(b"logos", id=1)
        self.assertEqual(reply.extra, [("id", 1), ("status", "not-found")])
        self.assertEqual(reply.content, first_bytes(b"logos"))

    def test_keys_of_their_own(self):
        """A search does not find them, nor they the answers."""
        address = self.daemon.address
        self.assertEqual(harness.ask(address, search("logo")),
                         plain_reply(harness.no_match("logo")))
        self.assertEqual(harness.ask(address, binary(b"ring")),
                         plain_binary_reply(b"ring"))

    def test_any_type_is_binary(self):
        """Exactly text/json is JSON; no encoding is looked at."""
        for kind in ("TEXT/JSON", "text/json;", "", "application/json"):
            for encoding in ("utf-8", "no such", ""):
                reply = harness.ask_reply(self.daemon.address, request(
                    b"logo", content_type=kind, content_encoding=encoding))
                self.assertEqual(reply.content, PNG)

    def test_key_bytes_that_are_no_text(self):
        """Any bytes may be asked."""
        for content in (b"\xff\xfe", b"\0", b"logo\0", b"x" * 10000):
            self.assertEqual(
                harness.ask(self.daemon.address, binary(content)),
                plain_binary_reply(content))


if __name__ == "__main__":
    harness.main()
