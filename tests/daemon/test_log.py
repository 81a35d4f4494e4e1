#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What peers send reaches the log escaped, and keys not without being asked.
"""

import harness
from harness import ask, binary, encode, request, search

MARK = "a-key-to-be-found"
FORGED = "forged ready generation=9"


class Log(harness.DaemonTest):
    """Log lines of what peers did."""

    def provoke(self, daemon):
        """Everything a daemon might want to log about a peer."""
        nasty = f"{MARK}\n{FORGED}\x1b[31m\x07\r\x7f\u0085\u2028\u202e"
        address = daemon.address
        for message in (search(nasty), search(nasty, id=nasty),
                        search(nasty, content_type=nasty),
                        search(nasty, content_encoding=nasty),
                        search(nasty, content_length=nasty),
                        search("ring", connection=nasty),
                        request(harness.to_json(
                            {"action": nasty, "value": nasty})),
                        binary(nasty.encode()), encode(nasty.encode()),
                        encode(b"{}", nasty.encode())):
            ask(address, message, finish=True)
        ask(address, nasty.encode(), finish=True)
        daemon.stop()
        return daemon.log

    def assert_clean(self, log):
        """Lines of printable text, none of them forged."""
        for line in log.split("\n"):
            self.assertTrue(line.isprintable(), repr(line))
            self.assertFalse(line.startswith(FORGED), line)

    def test_debug(self):
        """At level debug nothing of a peer's text is raw."""
        for args, line in (((), "log level=debug"), (("-v",), "")):
            self.assert_clean(self.provoke(self.start(line, args=args)))

    def test_info(self):
        """At level info no key is in the log."""
        log = self.provoke(self.start())
        self.assert_clean(log)
        self.assertNotIn(MARK, log)


if __name__ == "__main__":
    harness.main()
