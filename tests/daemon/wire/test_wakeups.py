#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Many sockets in one wake-up: each peer gets its own replies, whatever the
others did meanwhile.

The daemon is stopped while the peers send, so that all that they did is there
when it goes on, in the first look at its sockets.
"""

import socket
import struct
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, RING, answer, kept, no_match, request, search

PEERS = 150             # more than the replies that are kept together
KEEP = ("connection", "keep-alive")
FOUND = ("status", "found")
MISSED = ("status", "not-found")


class Wakeup(harness.DaemonTest):
    """One worker; over TCP and a unix socket."""

    def serve(self, *lines, **kwargs):
        self.daemon = self.start(f"listen {LOOPBACK} 0",
                                 f"listen {self.path('socket')}",
                                 "workers 1", *lines, **kwargs)
        return self.daemon.addresses

    def peers(self, address, count=PEERS):
        """Connections that were accepted and answered."""
        peers = [self.peer(address) for _ in range(count)]
        for peer in peers:
            self.assert_answer(peer.ask(search("ring", **kept())), RING,
                               KEEP, FOUND)
        return peers

    def assert_missed(self, peer, key):
        self.assert_answer(peer.reply(), no_match(key), KEEP, MISSED)

    def test_one_each(self):
        """Each gets the answer to its own question, three times."""
        for address in self.serve():
            peers = self.peers(address)
            for turn in range(3):
                with self.daemon.stopped():
                    for i, peer in enumerate(peers):
                        peer.send(search(f"{turn}-{i}", **kept()))
                for i, peer in enumerate(peers):
                    self.assert_missed(peer, f"{turn}-{i}")

    def segments(self, peer):
        """How many have come in, as Linux counts them: tcpi_segs_in."""
        info = peer.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        if len(info) < 144:
            self.skipTest("the kernel does not count segments")
        return struct.unpack_from("I", info, 140)[0]

    def test_the_last_reply_with_the_end(self):
        """They come in one segment, be it an answer or an error."""
        address, _ = self.serve()
        peers = [self.peer(address) for _ in range(3)]
        for peer in peers:
            peer.ask(search("ring", **kept()))
        with self.daemon.stopped():
            peers[0].send(search("ring"))
            peers[1].send(b"\0\4nope")
            peers[2].send(search("ring", **kept()) + search("ring"))
            peers.append(self.peer(address))
            peers[3].send(search("ring"))
            for peer in peers:
                peer.wait_taken()
            before = [self.segments(peer) for peer in peers]
        for peer, count in zip(peers, before):
            self.assertTrue(peer.to_end())
            self.assertEqual(self.segments(peer), count + 1)

    def test_of_all_sizes(self):
        """Small replies, large ones, many, and parts of a message."""
        long = "x" * 5000
        addresses = self.serve(answers=(answer("ring", RING),
                                        answer("long", long)))
        for address in addresses:
            peers = self.peers(address)
            with self.daemon.stopped():
                for i, peer in enumerate(peers):
                    data = search(f"key {i}", **kept())
                    if i % 4 == 1:
                        data += search("long", **kept())
                    elif i % 4 == 2:
                        data *= 40 + i
                    elif i % 4 == 3:
                        data += data[:30]
                    peer.send(data)
            for i, peer in enumerate(peers):
                self.assert_missed(peer, f"key {i}")
                if i % 4 == 1:
                    self.assert_answer(peer.reply(), long, KEEP, FOUND)
                elif i % 4 == 2:
                    for _ in range(39 + i):
                        self.assert_missed(peer, f"key {i}")
                elif i % 4 == 3:
                    peer.send(search(f"key {i}", **kept())[30:])
                    self.assert_missed(peer, f"key {i}")

    def test_ends_of_others(self):
        """Half of them are gone, by a reset or an end of input."""
        for address in self.serve():
            peers = self.peers(address)
            with self.daemon.stopped():
                for i, peer in enumerate(peers):
                    peer.send(search(f"key {i}", **kept()))
                    if i % 4 == 1:
                        peer.sock.setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
                        peer.close()
                    elif i % 4 == 3:
                        peer.finish()
            for i, peer in enumerate(peers):
                if i % 4 == 1:
                    continue
                self.assert_missed(peer, f"key {i}")
                if i % 4 == 3:
                    peer.ended()

    def test_searches_among_lookups(self):
        """A reply that takes longer is not overtaken on its connection."""
        wanted = harness.to_json({"action": "search", "value": "rin",
                                  "match": "prefix"})
        for address in self.serve():
            peers = self.peers(address)
            with self.daemon.stopped():
                for i, peer in enumerate(peers):
                    peer.send(search(f"key {i}", **kept())
                              + request(wanted, **kept())
                              + search(f"end {i}", **kept()))
            for i, peer in enumerate(peers):
                self.assert_missed(peer, f"key {i}")
                found = harness.strict_json(peer.reply().content)
                self.assertEqual(found["matches"],
                                 [{"key": "ring", "result": RING}])
                self.assert_missed(peer, f"end {i}")

    def test_end_of_daemon(self):
        """What was asked before SIGTERM is answered, then all is closed."""
        for i in range(2):
            address = self.serve()[i]
            peers = self.peers(address)
            with self.daemon.stopped():
                for j, peer in enumerate(peers):
                    peer.send(search(f"key {j}", **kept()))
                self.daemon.terminate()
            for j, peer in enumerate(peers):
                self.assertEqual(peer.reply().result, no_match(f"key {j}"))
                peer.ended()
            self.assertEqual(self.daemon.wait(), 0)


if __name__ == "__main__":
    harness.main()
