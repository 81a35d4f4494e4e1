#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What a stranger can make a listener with tls=yes hold, or others wait for.
"""

import json
import select
import ssl
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tls
from harness import (DEADLINE, LOOPBACK, RING, Peer, kept, measurable,
                     plain_reply, resident, search, thorough, to_json,
                     wait_until)
from tls import TlsPeer

KEEP = kept()
KB = 1024
TRIES = 20
LONG = f"{int(DEADLINE * 4)}s"


class TlsLimitsTest(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.mine = tls.make_localhost(self.directory)

    def serve(self, *lines, **kwargs):
        return self.start(
            f"certificate {self.mine.cert} key={self.mine.key}",
            f"listen {LOOPBACK} 0 tls=yes", self.control_line(),
            "limit per-address 100000", *lines, env=measurable(), **kwargs)

    def hello(self, daemon):
        """The first message of a handshake."""
        with TlsPeer(daemon.address, start=False) as peer:
            try:
                peer.tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            return peer.made()

    def numbers(self):
        return json.loads(self.control("--json", "stats").stdout)

    def status(self):
        return json.loads(self.control("--json", "status").stdout)

    def wait_connections(self, n):
        wait_until(lambda: self.status()["connections"] == n,
                   f"{n} connections")

    def assert_serves(self, daemon):
        with TlsPeer(daemon.address) as peer:
            peer.send(search("ring"))
            self.assertEqual(peer.to_end(), plain_reply(RING))


class Unfinished(TlsLimitsTest):
    def test_what_failed_is_no_connection(self):
        daemon = self.serve()
        other = tls.context(protocols=("h2",))
        for _ in range(3):
            with self.assertRaises(ssl.SSLError):
                TlsPeer(daemon.address, other)
        self.assert_serves(daemon)
        self.wait_connections(0)
        numbers = self.numbers()["tls"]
        self.assertEqual((numbers["handshakes"], numbers["failed"],
                          numbers["closed"]), (1, 3, 1))

    def test_a_part_of_a_hello_holds_little(self):
        daemon = self.serve("limit handshakes 100000",
                            f"timeout handshake {LONG}")
        if harness.sanitized(daemon.pid):
            self.skipTest("a sanitizer has other memory")
        part = self.hello(daemon)[:60]
        n = 500
        self.assert_serves(daemon)
        before = resident(daemon.pid)
        for _ in range(n):
            self.peer(daemon.address).send(part)
        self.wait_connections(n)
        wait_until(daemon.is_idle, "all is looked at")
        each = (resident(daemon.pid) - before) / n
        self.assertLess(each, 2.5 * KB)
        self.assert_serves(daemon)

    def test_the_oldest_goes(self):
        daemon = self.serve("limit handshakes 100", "workers 1",
                            f"timeout handshake {LONG}")
        hello = self.hello(daemon)
        peers = [self.peer(daemon.address) for _ in range(thorough(300, 3000))]
        for peer in peers[::2]:
            peer.send(hello)
        self.wait_connections(100)
        gone = peers[:-100]
        poll = select.poll()
        for peer in gone:
            poll.register(peer.sock, select.POLLRDHUP)
        wait_until(lambda: len(poll.poll(0)) == len(gone), "all are gone")
        poll = select.poll()
        for peer in peers[-100:]:
            poll.register(peer.sock, select.POLLRDHUP)
        self.assertEqual(poll.poll(0), [])
        daemon.wait_log("handshake ended limit=handshakes")
        self.assert_serves(daemon)

    def test_the_deadline_is_absolute(self):
        """It begins with the connection, and trickling does not help; that
        of who is through is another."""
        daemon = self.serve("timeout handshake 1s", f"timeout idle {LONG}",
                            f"timeout header {LONG}")
        hello = self.hello(daemon)
        through = TlsPeer(daemon.address)
        self.addCleanup(through.close)
        silent, part, answered = (self.peer(daemon.address)
                                  for _ in range(3))
        trickles = self.peer(daemon.address)
        part.send(hello[:100])
        answered.send(hello)
        ended, at = False, 0
        while not ended:
            trickles.send(hello[at:at + 1])
            at += 1
            self.assertLess(at, len(hello))
            ended = bool(select.select([trickles.sock], [], [], 0.01)[0])
        for peer in (silent, part, answered, trickles):
            try:
                peer.to_end()
            except ConnectionResetError:
                pass
        self.assertEqual(through.ask(search("ring", **KEEP)).content,
                         to_json({"result": RING}))
        wait_until(lambda: self.numbers()["timeouts"]["handshake"] == 4,
                   "four are counted")

    def others_first(self, daemon, hello, peer):
        """How many handshakes of others were answered before a request that
        came behind them."""
        others = [self.peer(daemon.address) for _ in range(200)]
        request = peer.encipher(search("ring", **KEEP))
        with daemon.stopped():
            for other in others:
                other.send(hello)
            peer.peer.send(request)
        peer.peer.wait_readable()
        first = len(select.select([o.sock for o in others], [], [], 0)[0])
        for other in others:
            other.wait_readable()
            other.close()
        peer.reply()
        return first

    def test_no_turn_is_for_long(self):
        """Whoever is through is served between the handshakes of others."""
        daemon = self.serve("workers 1")
        hello = self.hello(daemon)
        peer = TlsPeer(daemon.address)
        self.addCleanup(peer.close)
        peer.ask(search("ring", **KEEP))
        # Where others have the machine it may not be seen at once.
        self.assertTrue(any(self.others_first(daemon, hello, peer) < 40
                            for _ in range(TRIES)))

    def test_too_long_a_hello(self):
        daemon = self.serve(f"timeout handshake {LONG}")
        with Peer(daemon.address) as peer:
            record = bytes((22, 3, 1, 0x40, 0))
            body = bytes((1, 1, 0, 0)) + bytes(16380)
            try:
                peer.send(record + body)
                got = peer.to_end()
            except ConnectionError:
                got = b"\x15"
            self.assertEqual(got[:1], b"\x15")
        self.assert_serves(daemon)


class Held(TlsLimitsTest):
    def test_idle_ones(self):
        daemon = self.serve(f"timeout idle {LONG}")
        if harness.sanitized(daemon.pid):
            self.skipTest("a sanitizer has other memory")
        ctx = tls.context()
        self.assert_serves(daemon)
        before, n = resident(daemon.pid), 200
        for _ in range(n):
            peer = TlsPeer(daemon.address, ctx)
            self.addCleanup(peer.close)
            peer.ask(search("ring", **KEEP))
        each = (resident(daemon.pid) - before) / n
        self.assertLess(each, 28 * KB)

    def test_those_that_never_read(self):
        """Long replies are enciphered as they are taken."""
        long = "x" * 200000
        daemon = self.serve(f'answer "long" "{long}"', "workers 1",
                            f"timeout write {LONG}")
        if harness.sanitized(daemon.pid):
            self.skipTest("a sanitizer has other memory")
        self.assert_serves(daemon)
        before = resident(daemon.pid)
        peers = []
        for _ in range(20):
            peer = TlsPeer(daemon.address, rcvbuf=4096)
            self.addCleanup(peer.close)
            peer.send(search("long", **KEEP) * 20)
            peers.append(peer)
        wait_until(daemon.is_idle, "nothing more is done")
        # It is the tables' own, of which each has a block enciphered.
        self.assertLess(resident(daemon.pid) - before, 40 << 20)
        for peer in peers[::5]:
            for _ in range(20):
                self.assertEqual(len(peer.reply().content), len(long) + 14)

    def test_tickets_that_wait(self):
        """One waits for the first reply, in memory that is just for it."""
        long = "x" * 200000
        daemon = self.serve(f'answer "long" "{long}"', "workers 1",
                            f"timeout message {LONG}")
        if harness.sanitized(daemon.pid):
            self.skipTest("a sanitizer has other memory")
        begin = search("ring", **KEEP)
        n, peers = 60, []
        with TlsPeer(daemon.address) as large:
            large.ask(search("long", **KEEP))
            before = resident(daemon.pid)
            for _ in range(n):
                peer = TlsPeer(daemon.address, start=False)
                self.addCleanup(peer.close)
                peer.handshake(begin[:-1])
                peers.append(peer)
                large.ask(search("long", **KEEP))
        self.assertLess((resident(daemon.pid) - before) / n, 64 * KB)
        for peer in peers:
            peer.send(begin[-1:])
            self.assertEqual(peer.reply().content, to_json({"result": RING}))

    def test_parts_of_records(self):
        """They are counted for limit memory."""
        daemon = self.serve(f"timeout idle {LONG}")
        peers = []
        for _ in range(20):
            peer = TlsPeer(daemon.address)
            self.addCleanup(peer.close)
            sealed = peer.encipher(search("ring", **KEEP))
            peer.peer.send(sealed[:-1])
            peers.append((peer, sealed))
        wait_until(lambda: self.status()["held-bytes"] == 20 * 16 * KB,
                   "all are counted")
        for peer, sealed in peers:
            peer.peer.send(sealed[-1:])
            self.assertEqual(peer.reply().content, to_json({"result": RING}))
        wait_until(lambda: self.status()["held-bytes"] == 0, "none is")


if __name__ == "__main__":
    harness.main()
