#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""service=echo sends back what it gets, unframed, to the last byte."""

import contextlib
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import DEADLINE, LOOPBACK, Peer, bytewise, cut

LONG = f"timeout drain {int(DEADLINE * 4)}s"


class Echo(harness.DaemonTest):
    """Over TCP and a unix socket."""

    def setUp(self):
        super().setUp()
        self.rng, _ = harness.seeded(1)
        self.daemon = self.serve()

    def serve(self, *lines, **kwargs):
        path = self.path(f"socket{len(self.daemons)}")
        return self.start(f"listen {LOOPBACK} 0 service=echo",
                          f"listen {path} service=echo", *lines, **kwargs)

    def exchange(self, peer, data, pieces):
        """Send pieces while reading; all comes back, then the end."""
        def send():
            peer.send_pieces(pieces)
            peer.finish()

        with harness.background(send):
            self.assertEqual(peer.to_end(), data)

    def test_answers_at_once(self):
        """Each byte comes back before the next one is sent."""
        for address in self.daemon.addresses:
            with Peer(address) as peer:
                for byte in b"Hello, \0\xff\n world":
                    peer.send(bytes([byte]))
                    self.assertEqual(peer.receive(1), bytes([byte]))
                peer.finish()
                peer.ended()

    def test_nothing(self):
        """Nothing comes back as nothing."""
        for address in self.daemon.addresses:
            with Peer(address) as peer:
                self.exchange(peer, b"", [])

    def test_any_bytes_in_any_cut(self):
        """What looks like a message is echoed like anything else."""
        for data in (harness.search("ring"), bytes(range(256)),
                     b"\xff\xff", self.rng.randbytes(3000)):
            for address in self.daemon.addresses:
                for pieces in ([data], bytewise(data),
                               cut(self.rng, data, 9)):
                    with Peer(address) as peer:
                        self.exchange(peer, data, pieces)

    def test_a_lot(self):
        """More than any buffer holds, with the end sent behind it."""
        data = self.rng.randbytes(8 << 20)
        for address in self.daemon.addresses:
            with Peer(address) as peer:
                self.exchange(peer, data, [data])

    def test_many_at_once(self):
        """100 connections, each gets its own bytes."""
        with contextlib.ExitStack() as stack:
            peers = []
            for number in range(100):
                address = self.daemon.addresses[number % 2]
                peers.append(stack.enter_context(Peer(address)))
                peers[-1].send(f"peer {number}".encode())
            for number, peer in enumerate(peers):
                peer.finish()
                self.assertEqual(peer.to_end(), f"peer {number}".encode())

    def test_slow_reader(self):
        """What a peer does not read is not kept in memory."""
        daemon = self.serve("limit output 64k", env=harness.measurable())
        data = self.rng.randbytes(32 << 20)
        for address in daemon.addresses:
            before = harness.resident(daemon.pid)
            with Peer(address, rcvbuf=8192, sndbuf=8192) as peer:
                sent = peer.send_until_blocked(data, daemon)
                self.assertLess(sent, len(data))
                self.assert_grown(daemon, before, 8 << 20)
                self.exchange(peer, data, [data[sent:]])

    def test_silent_peers_idle(self):
        """An idle connection is closed without a word."""
        daemon = self.serve("timeout idle 1s")
        for address in daemon.addresses:
            def echoed():
                peer = self.peer(address)
                peer.send(b"x")
                self.assertEqual(peer.receive(1), b"x")
                return peer

            harness.in_time(0.9, echoed).ended()

    def test_limits_hold(self):
        """Nobody is told anything here: over the limit is just closed."""
        daemon = self.serve("limit connections 1")
        with Peer(daemon.address) as first:
            first.send(b"x")
            self.assertEqual(first.receive(1), b"x")
            with Peer(daemon.address) as second:
                second.ended()
            first.send(b"y")
            self.assertEqual(first.receive(1), b"y")

    def test_drain(self):
        """On TERM what was sent comes back, then the end."""
        daemon = self.serve(LONG)
        peer = self.peer(daemon.addresses[1])
        peer.send(b"x" * 1000)
        peer.wait_taken()
        daemon.terminate()
        self.assertEqual(peer.to_end(), b"x" * 1000)
        self.assertEqual(daemon.wait(), 0)


if __name__ == "__main__":
    harness.main()
