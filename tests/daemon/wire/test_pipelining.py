#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Pipelined requests are answered right and in order, however they are cut.

300 runs of kept-alive requests with ids, a mixture of hits, misses, errors
and binary ones, are sent byte by byte, in random pieces or at once, over TCP
and unix sockets, with and without a half-close.
"""

import contextlib
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (TUTORIAL, binary, bytewise, cut, kept, request, search,
                     thorough)

RUNS = thorough(100, 300)

IDS = (0, 1, -1, 7, 2**31, 2**53, -2**53, "", "a", "id", 'quote"back\\slash',
       "tab\tnewline\nNUL\0", "\u00e9\u4e2d\U0001f430", "\u2028\x7f",
       "i" * 256, "\U0001f430" * 64)
KEYS = (*TUTORIAL, "", "no such", "ring ", "ring\0", "\u00e9\u4e2d",
        'quote"back\\slash\n', "k" * 1024, "k" * 3000)

# Requests with intact framing that get an error: the error's word, the
# content, changes of the header.
WRONG = (
    ("bad-json", b"{", {}),
    ("bad-json", b'{"action": "search", "value": "ring",}', {}),
    ("bad-json", b"", {}),
    ("bad-request", b"[]", {}),
    ("bad-request", b"{}", {}),
    ("bad-request", b'{"action": "search", "value": 5}', {}),
    ("bad-encoding", b"{}", {"content_encoding": "utf-9"}),
    ("bad-action", b'{"action": "find", "value": "ring"}', {}),
    ("bad-header", b"abc", {"content_type": 5}),
    ("bad-header", b"abc", {"byteorder": harness.ABSENT}),
)


def one(rng, identity):
    """A random request: its bytes, and what its reply must have.

    Expected are the status, then the error's word, the result's text or
    the reply's bytes.
    """
    members = kept() if identity is None else kept(id=identity)
    kind = rng.randrange(10)
    if kind < 6:
        key = rng.choice(KEYS)
        if key in TUTORIAL:
            return search(key, **members), "found", TUTORIAL[key]
        return search(key, **members), "not-found", harness.no_match(key)
    if kind < 8:
        content = rng.randbytes(rng.choice((1, 9, 10, 11, 5000)))
        return (binary(content, **members), "not-found",
                harness.first_bytes(content))
    code, content, changes = rng.choice(WRONG)
    return request(content, **{**members, **changes}), "error", code


def identities(rng, count):
    """An id for each request; None is none."""
    return [rng.choice((None, i, *IDS)) for i in range(count)]


class Pipelining(harness.DaemonTest):
    """Runs against one daemon with two workers."""

    def setUp(self):
        super().setUp()
        self.rng, self.seed = harness.seeded()
        print(f"APPMSG_SEED={self.seed}", file=sys.stderr)
        self.daemon = self.start(f"listen {harness.LOOPBACK} 0",
                                 f"listen {self.path('socket')}",
                                 "workers 2")

    def check(self, reply, identity, expected, connection="keep-alive"):
        """One reply of a run."""
        _, status, told = expected
        members = [("connection", connection)]
        if identity is not None:
            members.append(("id", identity))
        members.append(("status", status))
        if status == "error":
            members.append(("error", told))
            self.assert_error(reply)
        elif isinstance(told, bytes):
            self.assertEqual(reply.content, told)
        else:
            self.assertEqual(reply.result, told)
        self.assertEqual(reply.extra, members)

    def pieces(self, data, way):
        """data cut in one of the three ways."""
        if way == "bytes":
            return bytewise(data)
        if way == "random":
            return cut(self.rng, data, self.rng.randint(2, 40))
        return [data]

    def one_run(self, address, way, finish, taken):
        """Some requests in a row, and their replies."""
        rng = self.rng
        ids = identities(rng, rng.randint(1, 5 if way == "bytes" else 25))
        run = [one(rng, identity) for identity in ids]
        data = b"".join(message for message, _, _ in run)
        partial = b""
        if finish and rng.random() < 0.5:
            partial = search("ring", **kept(id="cut"))
            partial = partial[:rng.randrange(1, len(partial))]
        elif not finish:
            partial = search("ring", id="last")
        with harness.Peer(address) as peer:
            peer.send_pieces(self.pieces(data + partial, way), taken)
            if finish:
                peer.finish()
            for identity, expected in zip(ids, run):
                self.check(peer.reply(), identity, expected)
            if partial:
                self.last(peer.reply(), finish)
            peer.ended()

    def last(self, reply, finish):
        """The reply to a request that was cut, or that asked for the end."""
        if finish:
            self.assert_error(reply)
            if "id" in reply.header:
                self.assert_coded(reply, "incomplete",
                                  ("connection", "close"), ("id", "cut"))
        else:
            self.assert_answer(reply, harness.RING, ("id", "last"),
                               ("status", "found"))

    def test_every_cut(self):
        """300 runs: each reply right and in order."""
        ways = ("bytes", "random", "whole")
        for number in range(RUNS):
            way = ways[number % 3]
            unix = number // 3 % 2
            finish = number // 6 % 2 == 1
            # Pieces that the daemon surely reads one by one: unix only.
            taken = number // 12 % 2 == 1
            told = (f"run {number} of seed {self.seed}: {way}, "
                    f"unix={unix} finish={finish} taken={taken}")
            try:
                self.one_run(self.daemon.addresses[unix], way, finish, taken)
            except (AssertionError, OSError) as problem:
                raise AssertionError(told) from problem

    def test_every_split_point(self):
        """Three requests in two pieces, cut at each of their bytes."""
        ids = [1, "two", None]
        run = [(search("ring", **kept(id=1)), "found", harness.RING),
               (binary(b"12345", **kept(id="two")), "not-found",
                harness.first_bytes(b"12345")),
               (search("\U0001f436", **kept()), "found",
                TUTORIAL["\U0001f436"])]
        data = b"".join(message for message, _, _ in run)
        with harness.Peer(self.daemon.addresses[1]) as peer:
            for place in range(1, len(data)):
                peer.send_pieces([data[:place], data[place:]], taken=True)
                for identity, expected in zip(ids, run):
                    self.check(peer.reply(), identity, expected)

    def test_ten_thousand_at_once(self):
        """More requests than any buffer holds, sent before reading."""
        count = 10000
        data = b"".join(search("ring", **kept(id=i)) for i in range(count))
        for address in self.daemon.addresses:
            peer = self.peer(address)
            with harness.background(lambda: peer.send(data)):
                for i in range(count):
                    self.assert_answer(
                        peer.reply(), harness.RING,
                        ("connection", "keep-alive"), ("id", i),
                        ("status", "found"))

    def test_many_peers_at_once(self):
        """Half a request each from 200 peers, the rest in another order."""
        messages = [one(self.rng, i) for i in range(200)]
        with contextlib.ExitStack() as stack:
            peers = []
            for i, (message, *_) in enumerate(messages):
                address = self.daemon.addresses[i % 2]
                peers.append(stack.enter_context(harness.Peer(address)))
                peers[i].send(message[:len(message) // 2])
            order = list(range(len(peers)))
            self.rng.shuffle(order)
            for i in order:
                message = messages[i][0]
                peers[i].send(message[len(message) // 2:])
            for i, expected in enumerate(messages):
                self.check(peers[i].reply(), i, expected)


if __name__ == "__main__":
    harness.main()
