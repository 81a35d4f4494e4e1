# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""An access log, and how it is read back.

By a grammar that takes nothing but what appmsgd.conf(5) says; and keys are
unescaped, so that a line which could be taken for another one fails.
"""

import os
import re

import harness
from harness import quoted

TEXT = r'(?:[^"\\]|\\["\\nrt]|\\x[0-9a-f]{2}|\\u\{[0-9a-f]+\})*'
LINE = re.compile(
    r'time=(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)'
    r' peer=(?P<peer>\S+)(?: listen=(?P<listen>\S+))?'
    r' ask=(?P<ask>exact|prefix|suffix|substring|fuzzy|regex|words|text|search|binary|'
    r'tables|-)'
    rf' key=(?P<key>"{TEXT}"|-)'
    r' status=(?P<status>found|not-found|error|busy|denied|unavailable)'
    r' table=(?P<table>[\w.-]+)'
    r' bytes=(?P<bytes>\d+) us=(?P<us>\d+)'
    r'(?: error=(?P<error>[a-z-]+))?'
    r'(?: key-bytes=(?P<key_bytes>\d+))?'
    r'(?: uid=(?P<uid>\d+))?'
    rf'(?: cn="(?P<cn>{TEXT})")?')
ESCAPE = re.compile(rb'\\(?:(["\\nrt])|x([0-9a-f]{2})|u\{([0-9a-f]+)\})')
NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def unescaped(text):
    """The bytes that an escaped key stands for."""
    def one(match):
        if match[1]:
            return NAMED.get(match[1], match[1])
        return (bytes([int(match[2], 16)]) if match[2]
                else chr(int(match[3], 16)).encode())

    return ESCAPE.sub(one, text.encode())


class AccessTest(harness.DaemonTest):
    """A daemon with an access log."""

    def setUp(self):
        super().setUp()
        self.log = self.path("access.log")

    def logged(self, path=None):
        """The lines, as dicts; each must be whole."""
        with open(path or self.log, encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(text == "" or text.endswith("\n"), text[-300:])
        lines = []
        for line in text.split("\n")[:-1]:
            self.assertTrue(line.isprintable(), line)
            match = LINE.fullmatch(line)
            self.assertIsNotNone(match, line)
            lines.append(match.groupdict())
        return lines

    def wait_lines(self, count, path=None):
        """Wait for so many lines; no more may come."""
        path = path or self.log

        def there():
            if not os.path.exists(path):
                return count == 0
            with open(path, "rb") as file:
                return file.read().count(b"\n") >= count

        harness.wait_until(there, f"{path} has {count} lines")
        lines = self.logged(path)
        self.assertEqual(len(lines), count)
        return lines

    def start(self, *lines, log=None, **kwargs):
        return super().start(f"log access={quoted(log or self.log)}", *lines,
                             **kwargs)

    def asked(self, daemon, data, finish=False):
        """The reply to one request on a connection of its own."""
        with harness.Peer(daemon.address) as peer:
            peer.send(data)
            if finish:
                peer.finish()
            return peer.reply()

    def control(self, *args):
        done = super().control(*args)
        self.assertEqual(done.returncode, 0, done)
        return done
