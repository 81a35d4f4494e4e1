#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The JSON test suite over the wire.

Each file is, byte for byte, the value of a further member of a search for
"ring".  All that must be JSON (y_) is answered with the ring, all that must
not (n_) with an error, and what is free (i_) with one well-formed reply.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import RING, plain_reply, request


def around(value):
    """Searches that have value as their last or second member."""
    return (
        request(b'{"action": "search", "value": "ring", "x": '
                + value + b"}"),
        request(b'{"action": "search", "x": ' + value
                + b', "value": "ring"}'),
    )


class JsonSuite(harness.DaemonTest):
    """Counts are those of the suite, so that none is left out unseen."""

    def suite(self, kind, count):
        files = harness.json_suite(kind)
        self.assertEqual(len(files), count)
        return files

    def test_valid_files_are_answered(self):
        """95 of 95 y_ files: the ring."""
        files = self.suite("y_", 95)
        address = self.start().address
        for name, value in files:
            for message in around(value):
                with self.subTest(name):
                    self.assertEqual(harness.ask(address, message),
                                     plain_reply(RING))

    def test_invalid_files_are_refused(self):
        """188 of 188 n_ files: an error, and a search after each is right.
        """
        files = self.suite("n_", 188)
        address = self.start().address
        for name, value in files:
            for message in around(value):
                with self.subTest(name):
                    reply = harness.ask_reply(address, message)
                    self.assert_error(reply)
                    self.assertEqual(reply.extra, [])
                    self.assert_serves(address)

    def test_other_files_get_one_reply(self):
        """i_ files: the ring or an error, in one well-formed reply."""
        files = harness.json_suite("i_")
        address = self.start().address
        for name, value in files:
            for message in around(value):
                with self.subTest(name):
                    reply = harness.ask_reply(address, message)
                    if reply.result != RING:
                        self.assert_error(reply)
                    self.assert_serves(address)


if __name__ == "__main__":
    harness.main()
