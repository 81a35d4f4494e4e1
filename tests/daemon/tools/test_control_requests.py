#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What comes in over the control socket, as strange as it may be.

appmsgctl sends none of it; whoever writes a program of his own, may.
"""

import contextlib
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, answer, encode, request, strict_json, to_json

DEEP = 70               # more than 64 values in each other
CONTENT_MAX = 64 << 10
LARGE = 4 << 20         # bytes of an answer that no socket holds
READ_MAX = 2 << 20      # of what may be taken from one who asks no more

STATUS = b'{"action": "status"}'
NO_ACTION = 'the request is no JSON object with an "action"'
NO_COMMAND = "this daemon has no such command"
NOT_TEXT = '"%s" is not a string of Unicode text'
NOT_A_FLAG = '"%s" is neither true nor false'


class Requests(harness.DaemonTest):
    """A daemon with a control socket, which is asked by hand."""

    def setUp(self):
        super().setUp()
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", self.control_line(), "workers 1",
            answer("a\0b", "with a NUL"), answer("large", "x" * LARGE))

    def ask(self, content):
        """The status and the result of a content's reply."""
        with harness.Peer(self.path("control.sock")) as peer:
            # One that is too large may be refused before all of it is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.send(request(content))
            return self.reply(peer.reply())

    def reply(self, reply):
        return (reply.header["status"],
                strict_json(reply.content)["result"])

    def done(self, content):
        with self.subTest(content=content[:80]):
            self.assertEqual(self.ask(content)[0], "found")

    def refused(self, content, why):
        with self.subTest(content=content[:80]):
            self.assertEqual(self.ask(content), ("error", why))

    def test_names_are_whole(self):
        """A NUL ends none of them, and an escape changes none."""
        for content in (
                b'{"action":"status","action\\u0000x":null}',
                b'{"action\\u0000":[],"action":"status"}',
                b'{"\\u0061ction":"\\u0073tatus"}',
                b'{"action":"log","level\\u0000":{},"level":"info"}',
                b'{"action":"explain","key":"ring","key\\u0000":{"a":[1]}}',
                b'{"action":"explain","key":"a\\u0000b"}',
                b'{"action":"explain","key":"ri\\u006eg"}'):
            self.done(content)

    def test_values_are_whole(self):
        self.refused(b'{"action":"status\\u0000x"}', NO_COMMAND)
        self.refused(b'{"action":"\\u0000"}', NO_COMMAND)
        self.refused(b'{"action":""}', NO_COMMAND)
        self.refused(b'{"action":"Status"}', NO_COMMAND)
        self.refused(b'{"action":"log","level":"info\\u0000"}',
                     "there is no such log level; there are warn, info, "
                     "debug")
        self.refused(b'{"action":"log","level":""}',
                     "there is no such log level; there are warn, info, "
                     "debug")
        self.refused(b'{"action":"explain","key":"ring\\u0000"}',
                     "no table has an answer for that key\n"
                     "near        ring")
        self.refused(b'{"action":"explain"}', "no key")

    def test_values_of_another_type(self):
        """None is taken for something else."""
        for value in (b"7", b"null", b"true", b"{}", b'["status"]',
                      b'"\\ud800"'):
            for name, start in (("action", b"{"),
                                ("key", b'{"action":"explain",'),
                                ("level", b'{"action":"log",')):
                self.refused(start + b'"%s":%s}' % (name.encode(), value),
                             NOT_TEXT % name)
        for value in (b"1", b"null", b'"yes"', b'{"a":1}', b"[]"):
            for name, action in (("force", b"reload"),
                                 ("openmetrics", b"stats")):
                self.refused(b'{"action":"%s","%s":%s}' % (
                    action, name.encode(), value), NOT_A_FLAG % name)

    def test_the_last_of_two_counts(self):
        """As in all contents."""
        self.done(b'{"action":null,"action":"status"}')
        self.refused(b'{"action":"status","action":null}',
                     NOT_TEXT % "action")
        self.refused(b'{"action":"status","action":"x"}', NO_COMMAND)

    def test_what_is_no_json_object(self):
        for content in (
                b"", b"status", b'"status"', b"[]", b"{}", b"{", b"null",
                b'{"action":"status"', b'{"action":"status",}',
                b'{"action":"status"} x', b'{"action":"status" /* */}',
                b"{'action':'status'}", b'{"action":status}',
                b'{"action":"status","n":NaN}', b'{"action":"status","n":01}',
                b'{"action":"sta\xfftus"}', b'{"action":"sta\ntus"}',
                b'\0' + STATUS, STATUS + b'\0',
                b'{"action":"status","deep":' + b"[" * DEEP + b"]" * DEEP +
                b"}",
                STATUS.decode().encode("utf-16")):
            self.refused(content, NO_ACTION)

    def test_unknown_members_mean_nothing(self):
        members = {f"m{i}": [{"a": None}, 1.5, "\0"] for i in range(200)}
        self.done(to_json({**members, "action": "status"}))

    def test_as_large_as_may_be(self):
        for more in (0, 1):
            content = STATUS + b" " * (CONTENT_MAX + more - len(STATUS))
            if more:
                self.refused(content, "the message cannot be read")
            else:
                self.done(content)

    def test_what_is_no_message(self):
        for data in (b"GET / HTTP/1.1\r\n\r\n" + b" " * 20000,
                     encode(b"{}"), encode(b"")):
            with self.subTest(data=data[:20]), \
                    harness.Peer(self.path("control.sock")) as peer:
                peer.send(data)
                self.assertEqual(self.reply(peer.reply()), (
                    "error", "the message cannot be read"))

    def test_who_goes_on_without_reading(self):
        """It is read from no more than a message may have."""
        with harness.Peer(self.path("control.sock")) as peer:
            peer.send(request(b'{"action":"explain","key":"large"}'))
            peer.wait_readable()
            self.assertLess(peer.send_until_blocked(
                b"x" * (2 * READ_MAX), self.daemon), READ_MAX)
            status, result = self.reply(peer.reply())
            self.assertEqual((status, result.count("x") > LARGE),
                             ("found", True))
        self.done(STATUS)


if __name__ == "__main__":
    harness.main()
