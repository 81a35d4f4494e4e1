#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Searches that take more than a slice, and what they do to their connections.
"""

import json
import socket
import struct
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import kept, no_match, request, search
from tables import (ALL_WAYS, FOUND, KEEP, MISSED, Reference, TableTest,
                    wanted)


class Long(TableTest):
    """Searches that take more than a slice, and their connections."""

    COUNT = 20000
    SLOW = ("regex", "(.*)(.*)(.*)[xyz]9$")

    def setUp(self):
        super().setUp()
        self.data = {f"key {i} {i * 7919 % 10007}": f"answer {i}"
                     for i in range(self.COUNT)}
        self.first = self.table("words", tables.tsv(self.data.items()),
                                ALL_WAYS)
        self.serve(self.first)
        self.keys = list(self.data)

    def slow(self, **members):
        """A request that takes long."""
        way, pattern = self.SLOW
        return request(wanted(pattern, way), **members)

    def check_slow(self, reply, *extra):
        """Its reply: nothing found, or that it takes too long."""
        if reply.header["status"] == "error":
            self.assert_coded(reply, "timeout", *extra)
        else:
            self.assertEqual(reply.extra, [*extra, MISSED])
            self.assertEqual(reply.content,
                             tables.matches(self.SLOW[1], []))

    def test_pipelined(self):
        """Replies come in the order of requests, slow ones too."""
        rng, seed = harness.seeded()
        for address in self.daemon.addresses:
            peer = self.peer(address)
            sent, data = [], b""
            for number in range(120):
                key = rng.choice(self.keys)
                kind = "slow" if number in (3, 4, 60) else rng.choice(
                    ("plain", "plain", "miss", "prefix", "binary", "error"))
                members = kept(id=f"{number} {kind}")
                sent.append((kind, key, members["id"]))
                data += {
                    "slow": lambda: self.slow(**members),
                    "plain": lambda: search(key, **members),
                    "miss": lambda: search(key + "-", **members),
                    "prefix": lambda: request(wanted(key, "prefix",
                                                     limit=1), **members),
                    "binary": lambda: harness.binary(b"x", **members),
                    "error": lambda: request(b"{}", **members),
                }[kind]()
            for part in harness.cut(rng, data, 40):
                peer.send(part)
            for kind, key, identity in sent:
                reply = peer.reply()
                self.assertEqual(reply.extra[:2], [KEEP, ("id", identity)],
                                 f"seed {seed}")
                if kind == "slow":
                    self.check_slow(reply, KEEP, ("id", identity))
                elif kind == "plain":
                    self.assertEqual(reply.result, self.data[key])
                elif kind == "miss":
                    self.assertEqual(reply.result, no_match(key + "-"))
                elif kind == "prefix":
                    content = harness.strict_json(reply.content)
                    self.assertTrue(content["matches"][0]["key"]
                                    .startswith(key))

    def test_half_close(self):
        """The end of input during a search: its reply, then the end."""
        for address in self.daemon.addresses:
            for members in ({}, kept(id=1), {"id": 1}):
                peer = self.peer(address)
                peer.send(self.slow(**members))
                peer.finish()
                reply = peer.reply()
                if members:
                    self.assertEqual(reply.header["id"], 1)
                peer.ended()

    def test_half_close_with_more(self):
        """What came behind it is answered as well, a part: incomplete."""
        key = self.keys[5]
        peer = self.peer(self.daemon.address)
        peer.send(self.slow(**kept(id=1)) + search(key, **kept(id=2))
                  + search(key, **kept(id=3))[:-1])
        peer.finish()
        self.check_slow(peer.reply(), KEEP, ("id", 1))
        self.assert_answer(peer.reply(), self.data[key], KEEP, ("id", 2),
                           FOUND)
        reply = peer.reply()
        self.assertEqual(reply.header["error"], "incomplete")
        peer.ended()

    def test_gone(self):
        """Nobody works for a peer that is gone."""
        linger = struct.pack("ii", 1, 0)    # its end is a reset
        tcp = next(a for a in self.daemon.addresses
                   if not isinstance(a, str))
        unix = next(a for a in self.daemon.addresses if isinstance(a, str))
        for address in [tcp, unix] * 20:
            with harness.Peer(address) as peer:
                peer.send(self.slow() + self.slow())
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     linger)
        peer = self.peer(tcp)
        peer.send(self.slow(**kept(id=1)))
        peer.finish()
        self.check_slow(peer.reply(), KEEP, ("id", 1))
        stats = json.loads(self.control("--json", "stats").stdout)
        done = sum(row["count"] for row in stats["requests"]
                   if row.get("way") == "regex")
        self.assertLess(done, 20)

    def test_closing_reply(self):
        """A slow request that does not keep the connection ends it."""
        peer = self.peer(self.daemon.address)
        peer.send(self.slow(id=1) + search(self.keys[0], id=2))
        self.check_slow(peer.reply(), ("id", 1))
        peer.ended()

    def test_clients_that_go_away(self):
        """By a reset or an end, before the search is over."""
        for _ in range(5):
            peers = [harness.Peer(address)
                     for address in self.daemon.addresses * 5]
            for number, peer in enumerate(peers):
                peer.send(self.slow(**kept(id=number)) * 3)
                if number % 3 == 0 and not peer.unix:
                    peer.sock.setsockopt(socket.SOL_SOCKET,
                                         socket.SO_LINGER,
                                         struct.pack("ii", 1, 0))
                elif number % 3 == 1:
                    peer.finish()
            for peer in peers:
                peer.close()
            self.assertEqual(self.find(self.keys[1]),
                             self.data[self.keys[1]])
        # The last searches of those who are gone do not stay for ever.
        self.assert_finds("prefix", "none", [])

    def test_clients_that_go_away_unread(self):
        """Replies cannot be sent, and more searches wait for a slice."""
        for address in self.daemon.addresses:
            for number in range(100):
                peer = self.peer(address)
                peer.send(request(wanted("key", "fuzzy"), **kept()) *
                          (2 + number % 20))
                peer.close()
        self.assertEqual(self.find(self.keys[3]), self.data[self.keys[3]])

    def test_reload_meanwhile(self):
        """A search ends in the table that it began in."""
        peers = [self.peer(address) for address in self.daemon.addresses]
        content = wanted("(.*)(.*)(.*)9 [0-9]*7$", "regex", limit=3)
        expected = {
            1: tables.matches("(.*)(.*)(.*)9 [0-9]*7$", Reference(
                self.data).search("regex", r"9 [0-9]*7\Z"), 3),
            2: tables.matches("(.*)(.*)(.*)9 [0-9]*7$", [])}
        for peer in peers:
            peer.send(request(content, **kept(explain=True)) * 3)
        self.change(self.table("words", b"other\tnew\n", ALL_WAYS, "guard=no"))
        self.reload()
        for peer in peers:
            newest = 1
            for _ in range(3):
                reply = peer.reply()
                generation = reply.header["generation"]
                self.assertGreaterEqual(generation, newest)
                newest = generation
                self.assertEqual(reply.content, expected[generation])
        self.assertEqual(self.find("other"), "new")

    def test_stop_meanwhile(self):
        """A daemon that is stopped ends its searches in its time."""
        peers = [self.peer(address) for address in self.daemon.addresses]
        for peer in peers:
            peer.send(self.slow(**kept(id=1)))
        self.assertEqual(self.find(self.keys[0]), self.data[self.keys[0]])
        self.daemon.terminate()
        for peer in peers:
            reply = peer.reply()
            self.assertEqual(reply.header["id"], 1)
            peer.ended()
        self.assertEqual(self.daemon.wait(), 0)

    def test_many_on_one_connection(self):
        """Some are done sooner than those before them; order is kept."""
        peer = self.peer(self.daemon.address)
        queries = [("prefix", f"key {i}") for i in range(100)]
        queries += [("substring", f"{i} ") for i in range(100)]
        queries += [("suffix", f"{i}") for i in range(100)]
        reference = Reference(self.data)
        peer.send(b"".join(request(wanted(key, way, limit=2),
                                   **kept(id=number))
                           for number, (way, key) in enumerate(queries)))
        for number, (way, key) in enumerate(queries):
            reply = peer.reply()
            self.assertEqual(reply.header["id"], number)
            self.assertEqual(reply.content, tables.matches(
                key, reference.search(way, key), 2), (way, key))


if __name__ == "__main__":
    harness.main()
