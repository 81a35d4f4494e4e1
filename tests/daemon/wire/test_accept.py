#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""New connections beside busy ones: what is served between the first and the
last of them tells how long they wait, on any machine.

The daemon is stopped while all of it is sent, and has one worker, so that the
lines of its access log are in the order of its work.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, RING, TUTORIAL, kept, search

BUSY = 32           # connections
REQUESTS = 1000     # that wait at each of them
TURN = 16           # requests that one has served before others have turns
NEW = 100           # connections with one request
KEEP = ("connection", "keep-alive")
FOUND = ("status", "found")


class Accept(harness.DaemonTest):
    """Over TCP and a unix socket."""

    def serve(self):
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {self.path('socket')}",
            "workers 1", f"limit pipeline {TURN}", "limit output 8m",
            f"log access={self.path('access.log')}")
        return self.daemon.addresses

    def keys(self):
        """Of the requests that were answered, in that order."""
        with open(self.path("access.log")) as log:
            return [line.split(' key="')[1].split('"')[0] for line in log]

    def load(self, address):
        """Have all of it answered; returns the peers."""
        # What is sent to a unix socket is all there.
        busy = [self.peer(self.path("socket")) for _ in range(BUSY)]
        for peer in busy:
            self.assert_answer(peer.ask(search("ring", **kept())), RING,
                               KEEP, FOUND)
        with self.daemon.stopped():
            for peer in busy:
                peer.sock.setblocking(False)
                peer.send(search("ring", **kept()) * REQUESTS)
                peer.sock.settimeout(harness.DEADLINE)
            new = [self.peer(address) for _ in range(NEW)]
            for peer in new:
                peer.send(search("morpheus"))
        return busy, new

    def test_they_wait_together(self):
        """Not for as many turns of the others as there are before them."""
        for address in self.serve():
            busy, new = self.load(address)
            for peer in new:
                self.assertEqual(peer.reply().result, TUTORIAL["morpheus"])
                peer.ended()
            for peer in busy:
                for _ in range(REQUESTS):
                    self.assert_answer(peer.reply(), RING, KEEP, FOUND)
                peer.close()
            keys = self.keys()
            first = keys.index("morpheus")
            last = len(keys) - keys[::-1].index("morpheus")
            # One a turn of all others: for all that these have sent.
            self.assertLess(last - first - NEW, BUSY * REQUESTS / 2)
            with open(self.path("access.log"), "w"):
                pass    # for the next address


if __name__ == "__main__":
    harness.main()
