#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What appmsgctl makes of a control socket that somebody else listens at.

Root runs it on a terminal, and the daemon's user may have been taken over.
"""

import contextlib
import json
import os
import re
import socket
import sys
import unicodedata

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import encode, program, request, to_json

PROTOCOL = 76
DENIED = 77

# What a terminal would obey, or show in another order.
EVIL = "\x1b]0;owned\x07\x1b[2J\r\x08\x7f\x00\t\x9b31m\u202e\u2066\u2028"
SPELLED = (r"\x1b]0;owned\x07\x1b[2J\r\x08\x7f\x00\t"
           r"\u{9b}31m\u{202e}\u{2066}\u{2028}")


class FalseDaemon(harness.DaemonTest):
    """A socket that replies what a test wants."""

    @contextlib.contextmanager
    def replying(self, data):
        path = self.path("false.sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.settimeout(harness.DEADLINE)
        listener.bind(path)
        listener.listen(1)

        def serve():
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(harness.DEADLINE)
                sock.recv(1 << 16)
                with contextlib.suppress(BrokenPipeError):
                    sock.sendall(data)

        with listener, harness.background(serve):
            yield path

    def ask(self, content, *args, status="found"):
        """What appmsgctl does with a reply."""
        if not isinstance(content, bytes):
            content = to_json(content)
        data = request(content, status=status)
        with self.replying(data) as path:
            done = harness.run(program("appmsgctl"), "-s", path, *args,
                               "status")
        self.assertGreaterEqual(done.returncode, 0, done.stderr)
        for text in (done.stdout, done.stderr):
            self.assert_harmless(text)
        return done

    def assert_harmless(self, text):
        for char in text.replace("\n", ""):
            self.assertNotIn(unicodedata.category(char),
                             ("Cc", "Cs", "Zl", "Zp"), repr(text))
            self.assertNotIn(unicodedata.bidirectional(char), (
                "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI",
                "PDI"), repr(text))

    def assert_refused(self, content, why):
        for args in ((), ("--json",)):
            with self.subTest(content=content, args=args):
                done = self.ask(content, *args)
                self.assertEqual((done.returncode, done.stdout),
                                 (PROTOCOL, ""))
                self.assertRegex(
                    done.stderr, "^appmsgctl: /.*: the reply is none of "
                    f"appmsgd's: {re.escape(why)}\n$")

    def test_nothing_moves_the_cursor(self):
        done = self.ask({"result": f"a\nb{EVIL}c"})
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, f"a\nb{SPELLED}c\n", ""))
        done = self.ask({"result": EVIL, "problems": [EVIL, "x"]},
                        status="error")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, "", f"{SPELLED}\nx\n{SPELLED}\n"))

    def test_json_says_the_same(self):
        """Only otherwise, and on one line."""
        reply = {"result": EVIL, "x" + EVIL[2:].replace("\0", ""): [EVIL]}
        done = self.ask(reply, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("\n"), 1)
        self.assertEqual(json.loads(done.stdout), reply)

    def test_honest_text_stays(self):
        """Lines, escapes of the daemon's own, and all scripts."""
        text = "answer      one\\n\"two\" \\x1b \U0001f43e \u00e9\nfile  x\n\n"
        self.assertEqual(self.ask({"result": text}).stdout, text + "\n")
        done = self.ask({"result": text}, "--json")
        self.assertEqual(json.loads(done.stdout), {"result": text})
        self.assertIn("\U0001f43e \u00e9", done.stdout)

    def test_types(self):
        for result in (None, 1, True, [], {}, ["a"]):
            self.assert_refused({"result": result}, '"result" is no string')
        self.assert_refused({}, '"result" is no string')
        for problems in ({"a": 1}, 5, "x", None, True):
            self.assert_refused({"result": "", "problems": problems},
                                '"problems" is no array')
        for problems in ([None], ["a", 1], [["a"]], [{}]):
            self.assert_refused({"result": "", "problems": problems},
                                '"problems" is no array of strings')
        for more in (-1, "1", 1.5, None, [], {}, True):
            self.assert_refused({"result": "", "more-problems": more},
                                '"more-problems" is no number of them')

    def test_what_is_no_json_object(self):
        for content in (b"", b"x", b"[]", b'"result"', b"null", b"1",
                        b'{"result":"a"', b'{"result":"a"} x',
                        b'{"result":"a"}{}', b"{'result':'a'}",
                        b'{"result":"a\xff"}', b'{"result":"a\nb"}',
                        b'{"result":"a","n":NaN}',
                        b'{"result":"a","deep":' + b"[" * 99 + b"]" * 99 +
                        b"}"):
            self.assert_refused(content, "it is no JSON object")

    def test_names_that_seem_the_same(self):
        """json-c cuts them at NUL; whichever it takes, it is looked at."""
        for content in (b'{"result":"a","result\\u0000":1}',
                        b'{"result\\u0000":1,"result":"a"}',
                        b'{"result":"a","problems":[],"problems\\u0000":5}'):
            self.assertIn(self.ask(content).returncode, (0, PROTOCOL))

    def test_status(self):
        """One that is unknown is no success."""
        for status, expected in (("found", 0), ("error", 1), ("denied",
                                 DENIED), ("x", 1), (7, 1), ("found\0", 1)):
            with self.subTest(status=status):
                done = self.ask({"result": "a"}, status=status)
                self.assertEqual(done.returncode, expected)

    def test_what_is_no_message(self):
        for data in (b"", b"\0", b"HTTP/1.1 400 Bad Request\r\n\r\n",
                     encode(b"{}"), encode(b"x" * 100),
                     request(b"", content_length=1 << 40),
                     request(b'{"result":"a"}', content_length=99)):
            with self.subTest(data=data), self.replying(data) as path:
                done = harness.run(program("appmsgctl"), "-s", path,
                                   "status")
                self.assertIn(done.returncode, (69, PROTOCOL))
                self.assertEqual(done.stdout, "")
                self.assert_harmless(done.stderr)


if __name__ == "__main__":
    harness.main()
