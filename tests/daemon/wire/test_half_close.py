#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The end of a peer's input is not the end of its answers.

Every complete request before the end is answered, a part of one is told so,
and a peer that never asked anything is let go without a word.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (LOOPBACK, RING, Peer, kept, plain_reply, request,
                     search)

KEEP = ("connection", "keep-alive")
CLOSE = ("connection", "close")
FOUND = ("status", "found")


class HalfClose(harness.DaemonTest):
    """Over TCP and a unix socket."""

    def setUp(self):
        super().setUp()
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {self.path('socket')}",
            f"listen {LOOPBACK} 0 keep-alive=yes")

    def peers(self, *pieces, taken=True):
        """Peers that sent the pieces and then the end of input."""
        for address in self.daemon.addresses[:2]:
            with self.subTest(address), Peer(address) as peer:
                peer.send_pieces(pieces, taken)
                peer.finish()
                yield peer

    def test_nothing_at_all(self):
        """No byte: no reply."""
        for peer in self.peers():
            peer.ended()

    def test_plain_request(self):
        """A complete request, and the end at once or after it was read."""
        for taken in (False, True):
            for peer in self.peers(search("ring"), taken=taken):
                self.assertEqual(peer.to_end(), plain_reply(RING))

    def test_kept_connection_ends_silently(self):
        """After the answers of a kept connection: the end, no more."""
        for peer in self.peers(search("ring", **kept()) * 3):
            for _ in range(3):
                self.assert_answer(peer.reply(), RING, KEEP, FOUND)
            peer.ended()

    def test_end_after_the_replies(self):
        """The end that comes when everything is answered already."""
        for address in self.daemon.addresses[:2]:
            peer = self.peer(address)
            self.assert_answer(peer.ask(search("ring", **kept())), RING,
                               KEEP, FOUND)
            peer.finish()
            peer.ended()

    def test_keeping_listener(self):
        """A listener that keeps answers all, too."""
        with Peer(self.daemon.addresses[2]) as peer:
            peer.send(search("ring") * 3)
            peer.finish()
            self.assertEqual(peer.to_end(), plain_reply(RING) * 3)

    def test_part_of_a_request(self):
        """Any part of a first request: one error, then the end."""
        message = search("ring")
        for length in range(1, len(message)):
            for peer in self.peers(message[:length], taken=False):
                self.assert_error(peer.reply())
                peer.ended()

    def test_part_after_complete_ones(self):
        """Complete requests are answered before the part of one."""
        whole = search("ring", **kept(id=1))
        part = search("ring", **kept(id=2))
        for length in (1, 2, 3, 50, len(part) - 1):
            for peer in self.peers(whole * 2 + part[:length]):
                for _ in range(2):
                    self.assert_answer(peer.reply(), RING, KEEP, ("id", 1),
                                       FOUND)
                self.assert_error(peer.reply())
                peer.ended()

    def test_part_says_incomplete(self):
        """With the header there, the error has its id and its word."""
        part = search("ring", **kept(id="half"))[:-1]
        for peer in self.peers(part):
            self.assert_coded(peer.reply(), "incomplete", CLOSE,
                              ("id", "half"))
            peer.ended()

    def test_error_and_end(self):
        """An error with intact framing, and the end behind it."""
        for peer in self.peers(request(b"{", **kept()),
                               search("ring", **kept())):
            self.assert_coded(peer.reply(), "bad-json", KEEP)
            self.assert_answer(peer.reply(), RING, KEEP, FOUND)
            peer.ended()

    def test_peers_that_just_go(self):
        """Peers that close at any place leave the daemon in order."""
        message = search("ring", **kept()) * 2
        for address in self.daemon.addresses[:2]:
            for length in range(0, len(message), 7):
                with Peer(address) as peer:
                    peer.send(message[:length])
        for address in self.daemon.addresses[:2]:
            self.assert_serves(address)


if __name__ == "__main__":
    harness.main()
