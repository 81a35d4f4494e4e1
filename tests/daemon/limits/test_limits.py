#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Limits hold, are told to the peer, and pass when there is room again."""

import contextlib
import os
import resource
import sys
import time
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (LOOPBACK, RING, Peer, kept, no_match, plain_reply,
                     request, search)

KEEP = ("connection", "keep-alive")
CLOSE = ("connection", "close")
FOUND = ("status", "found")
KEPT = search("ring", **kept())
CLIENTS = 80            # connections asked of a daemon with few descriptors
DESCRIPTORS = 40


class LimitsTest(harness.DaemonTest):
    """What several have in common."""

    def assert_told(self, peer, status):
        """Told why, and closed; nothing was asked yet."""
        reply = peer.reply()
        self.assertEqual(reply.header.get("status"), status, reply)
        self.assert_error(reply)
        peer.ended()


class Limits(LimitsTest):
    """Peers beyond a limit."""

    def assert_kept(self, peer):
        """A request on a connection that stays."""
        self.assert_answer(peer.ask(KEPT), RING, KEEP, FOUND)

    def served_again(self, address, **kwargs):
        """Wait until a new connection is served, and return it."""
        def attempt():
            peer = self.peer(address, **kwargs)
            reply = peer.ask(KEPT)
            if reply.header["status"] == "found":
                return peer
            peer.close()
            return None

        return harness.wait_until(attempt, "there is room again")

    def test_connections(self):
        """The sixth of five is told busy; later ones are served again."""
        daemon = self.start("limit connections 5")
        peers = [self.peer(daemon.address) for _ in range(5)]
        for peer in peers:
            self.assert_kept(peer)
        for _ in range(20):
            self.assert_told(self.peer(daemon.address), "busy")
        for peer in peers:
            self.assert_kept(peer)
        peers[0].close()
        peers[0] = self.served_again(daemon.address)
        self.assert_told(self.peer(daemon.address), "busy")

    def test_what_speaks_something_else(self):
        """It is told so at its first bytes, in time or not."""
        daemon = self.start("timeout header 1h", "limit header 65535")
        other = "this port speaks appmsg-protocol, not "
        for sent, why in {
                b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n": other + "HTTP",
                b"POS": other + "HTTP",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": other + "HTTP",
                b"\x16\x03\x01\x02\x00\x01": other + "TLS",
                b"hello\r\n": "not an object",
                b"\x00\xff\xef\xbb\xbf{": "not an object"}.items():
            with self.subTest(sent):
                peer = self.peer(daemon.address)
                peer.send(sent)
                self.assert_answer(peer.reply(), f"Error: {why}.")
                peer.ended()
        self.assert_serves(daemon.address)

    def test_busy_is_read_though_more_was_sent(self):
        """A peer that asks before it hears is not reset."""
        daemon = self.start("limit connections 1")
        self.assert_kept(self.peer(daemon.address))
        for _ in range(20):
            with Peer(daemon.address) as peer:
                peer.send(KEPT * 20)
                self.assert_told(peer, "busy")

    def test_client_says_busy(self):
        """appmsg-client ends with 75."""
        daemon = self.start("limit connections 1")
        self.assert_kept(self.peer(daemon.address))
        done = harness.client("-p", daemon.port, "search", "ring")
        self.assertEqual(done.returncode, 75, done)
        self.assertEqual(done.stdout, "")

    def test_per_address(self):
        """One address has its share, another still gets in."""
        daemon = self.start("limit per-address 2")
        peers = [self.peer(daemon.address) for _ in range(2)]
        for peer in peers:
            self.assert_kept(peer)
        self.assert_told(self.peer(daemon.address), "busy")
        self.assert_kept(self.peer(daemon.address, source="127.0.0.2"))
        peers[0].close()
        self.served_again(daemon.address)

    def test_header(self):
        """A header longer than the limit is refused by its length alone."""
        daemon = self.start("limit header 1k")
        fits = search("ring", filler="x" * 600, id=1)
        self.assert_answer(harness.ask_reply(daemon.address, fits), RING,
                           ("id", 1), FOUND)
        with Peer(daemon.address) as peer:
            peer.send((1025).to_bytes(2, "big"))
            self.assert_error(peer.reply())
            peer.ended()

    def test_content(self):
        """A content longer than the limit is refused before it comes."""
        daemon = self.start("limit content 2k")
        body = harness.to_json({"action": "search", "value": "ring"})
        fits = request(body + b" " * (2048 - len(body)))
        self.assertEqual(harness.ask(daemon.address, fits),
                         plain_reply(RING))
        with Peer(daemon.address) as peer:
            peer.send(request(b"", content_length=2049, **kept(id=1)))
            self.assert_coded(peer.reply(), "too-large", CLOSE, ("id", 1))
            peer.ended()

    def test_pipeline(self):
        """More requests than may wait at once are all answered."""
        daemon = self.start("limit pipeline 4")
        with Peer(daemon.address) as peer:
            peer.send(b"".join(search("ring", **kept(id=i))
                               for i in range(200)))
            for i in range(200):
                self.assert_answer(peer.reply(), RING, KEEP, ("id", i),
                                   FOUND)


class Output(harness.DaemonTest):
    """A peer that does not read is not read either."""

    def test_slow_reader(self):
        """It is not read while it does not read, and then gets all."""
        big = "x" * 16000
        count = 2000
        message = search("big", **kept(filler="y" * 4000))
        daemon = self.start(f"listen {LOOPBACK} 0",
                            f"listen {self.path('socket')}",
                            "limit output 64k",
                            answers=[harness.answer("big", big)],
                            env=harness.measurable())
        for address in daemon.addresses:
            before = harness.resident(daemon.pid)
            with Peer(address, rcvbuf=8192, sndbuf=8192) as peer:
                data = message * count
                sent = peer.send_until_blocked(data, daemon)
                self.assertLess(sent, len(data))
                self.assert_grown(daemon, before, 8 << 20)
                with harness.background(lambda: peer.send(data[sent:])):
                    for _ in range(count):
                        self.assert_answer(peer.reply(), big, KEEP, FOUND)

    def test_reply_larger_than_the_cap(self):
        """The cap holds back requests, it does not cut replies."""
        big = "x" * 100000
        daemon = self.start("limit output 4k",
                            answers=[harness.answer("big", big)])
        with Peer(daemon.address) as peer:
            peer.send(search("big", **kept()) * 20)
            for _ in range(20):
                self.assert_answer(peer.reply(), big, KEEP, FOUND)

    def test_others_are_served_meanwhile(self):
        """Slow readers on every worker keep nobody else waiting."""
        daemon = self.start("limit output 64k", "workers 2",
                            answers=[harness.answer("big", "x" * 16000)])
        message = search("big", **kept())
        for _ in range(6):
            peer = self.peer(daemon.address, rcvbuf=8192, sndbuf=8192)
            peer.sock.setblocking(False)
            peer.sock.send(message * 1000)
        for _ in range(50):
            reply = harness.ask(daemon.address, search("x"))
            self.assertEqual(reply, plain_reply(no_match("x")))


    def test_peers_that_leave_without_reading(self):
        """Unsent replies of peers that are gone hurt nobody."""
        daemon = self.start(f"listen {LOOPBACK} 0",
                            f"listen {self.path('socket')}",
                            answers=[harness.answer("big", "x" * 60000)])
        message = search("big", **kept())
        for number in range(100):
            with Peer(daemon.addresses[number % 2]) as peer:
                peer.send(message * 20)
                if number % 4 < 2:
                    peer.wait_readable()
        for address in daemon.addresses:
            reply = harness.ask(address, search("x"))
            self.assertEqual(reply, plain_reply(no_match("x")))


class Memory(LimitsTest):
    """Bytes held for all peers together."""

    def test_unfinished_contents(self):
        """Many large unfinished contents do not fill the memory."""
        daemon = self.start(f"listen {LOOPBACK} 0", "limit memory 2m",
                            env=harness.measurable())
        part = harness.binary(bytes(900000))[:700000]
        before = harness.resident(daemon.pid)
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                peer = stack.enter_context(Peer(daemon.address))
                peer.sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    peer.sock.send(part)
                self.assert_serves(daemon.address)
            self.assert_grown(daemon, before, 16 << 20)
        self.assert_serves(daemon.address)

    def test_told_busy(self):
        """A peer for whose message there is no room is told so."""
        daemon = self.start(f"listen {self.path('socket')}",
                            "limit memory 1m", "limit content 2m")
        with Peer(daemon.address) as peer:
            peer.send(harness.binary(bytes(2 << 20), id=1)[:-1])
            self.assert_told(peer, "busy")


class Descriptors(harness.DaemonTest):
    """Too few descriptors."""

    def test_few_descriptors(self):
        """It starts with a warning, survives, and serves again after."""
        daemon = self.start("workers 1", nofile=(DESCRIPTORS,) * 2)
        ready = daemon.log.index("ready generation=")
        self.assertRegex(daemon.log[:ready], "(?i)descriptor|nofile")
        peers = [self.peer(daemon.address) for _ in range(CLIENTS)]
        for peer in peers:
            peer.send(KEPT)
        served = peers[0].reply()
        self.assert_answer(served, RING, KEEP, FOUND)
        for peer in peers:
            peer.close()
        for _ in range(CLIENTS):
            self.served(daemon.address)

    def served(self, address):
        """A plain search is answered, at once or after some busy ones."""
        def attempt():
            reply = harness.ask_reply(address, search("ring"))
            return reply.result == RING

        harness.wait_until(attempt, "it serves again")

    def test_waiting_connections_get_in(self):
        """Those that had to wait for a descriptor are answered too."""
        daemon = self.start("workers 1", nofile=(DESCRIPTORS,) * 2)
        waiting = [self.peer(daemon.address) for _ in range(CLIENTS)]
        end = time.monotonic() + harness.DEADLINE
        for peer in waiting:
            self.assertLess(time.monotonic(), end)
            peer.send(search("ring"))
            reply = peer.reply()
            if reply.header.get("status") != "busy":
                self.assert_answer(reply, RING)
            peer.close()


    def test_soft_limit_is_raised(self):
        """As far as limit connections needs and the hard limit allows."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        daemon = self.start("limit connections 300",
                            nofile=(DESCRIPTORS, hard))
        peers = [self.peer(daemon.address) for _ in range(300)]
        for peer in peers:
            peer.send(KEPT)
        for peer in peers:
            self.assert_answer(peer.reply(), RING, KEEP, FOUND)

    def raised(self, *lines):
        """The limit that a daemon gives itself."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        daemon = self.start("limit connections 300", "workers 3", *lines,
                            nofile=(DESCRIPTORS, hard))
        limit = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)[0]
        daemon.stop()
        return limit

    def test_those_of_servers_are_counted(self):
        """One a worker, two for who publishes, and one for who explains;
        those of two tables that are on the same ones once."""
        some = "127.0.0.1:1,127.0.0.1:2"
        many = ",".join(f"127.0.0.1:{port}" for port in range(1, 21))
        none = self.raised()
        for lines, servers in (
                ((f"table a redis {some}",), 2),
                ((f"table a redis {some}", f"table b redis {some}"), 2),
                ((f"table a redis {some}", f"table b redis {many}"), 22),
                ((f"table a redis-cluster {some}",), 16),
                ((f"table a redis-cluster {many}",), 20)):
            with self.subTest(lines=lines):
                self.assertEqual(self.raised(*lines), none + 6 * servers)


class Allow(LimitsTest):
    """Who may ask."""

    def test_denied(self):
        """An address that is not allowed is told so; no reset."""
        daemon = self.start(f"listen {LOOPBACK} 0 allow=10.0.0.0/8,::1/128",
                            f"listen {LOOPBACK} 0 allow=127.0.0.2/32")
        for source in (None, "127.0.0.3"):
            for address in daemon.addresses:
                with Peer(address, source=source) as peer:
                    peer.send(KEPT * 3)
                    self.assert_kept_out(peer)
        with Peer(daemon.addresses[1], source="127.0.0.2") as peer:
            self.assert_answer(peer.ask(KEPT), RING, KEEP, FOUND)

    def assert_kept_out(self, peer):
        reply = peer.reply()
        self.assert_answer(reply, "Error: you are not allowed here.", CLOSE,
                           ("status", "denied"))
        peer.ended()

    def test_denied_though_allowed(self):
        """deny= is asked before allow=."""
        daemon = self.start(
            f"listen {LOOPBACK} 0 allow=127.0.0.0/8 deny=127.6.6.0/24",
            f"listen {LOOPBACK} 0 deny=127.6.6.0/24")
        for address in daemon.addresses:
            for source in ("127.6.6.0", "127.6.6.255"):
                self.assert_kept_out(self.peer(address, source=source))
            for source in ("127.6.5.255", "127.6.7.0"):
                self.assert_answer(
                    self.peer(address, source=source).ask(KEPT), RING, KEEP,
                    FOUND)

    def test_unix(self):
        """By who the process is; a reload says otherwise, and who is there
        stays."""
        path = self.path("socket")
        own = f"user:{os.geteuid()}"
        daemon = self.start(f"listen {path} allow={own}",
                            self.control_line())
        first = self.peer(path)
        self.assert_answer(first.ask(KEPT), RING, KEEP, FOUND)
        for option, may in (
                (f"deny={own}", False), ("allow=unix", True),
                ("deny=unix", False), ("allow=user:4294967294", False),
                (f"allow=group:{os.getegid()}", True),
                (f"allow=group:{os.getegid()} deny={own}", False),
                ("deny=user:4294967294", True), ("", True)):
            with self.subTest(option=option):
                self.configure(f"listen {path} {option}",
                               self.control_line())
                done = self.control("reload")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                peer = self.peer(path)
                if may:
                    self.assert_answer(peer.ask(KEPT), RING, KEEP, FOUND)
                else:
                    self.assert_kept_out(peer)
                self.assert_answer(first.ask(KEPT), RING, KEEP, FOUND)
        self.assertIn(f"connection denied peer=unix uid={os.geteuid()} ",
                      daemon.log)

    def test_allowed(self):
        """Prefixes of any length, several of them."""
        daemon = self.start(
            f"listen {LOOPBACK} 0 allow=192.0.2.0/24,127.0.0.0/8",
            f"listen {LOOPBACK} 0 allow=0.0.0.0/0",
            f"listen {LOOPBACK} 0 allow=127.0.0.1/32",
            f"listen {LOOPBACK} 0 allow=127.0.0.0/31")
        for address in daemon.addresses:
            self.assert_serves(address)

    @unittest.skipUnless(harness.has_ipv6(), "no IPv6 on the loopback")
    def test_ipv6(self):
        """Networks of v6."""
        daemon = self.start("listen ::1 0 allow=::/64",
                            "listen ::1 0 allow=2001:db8::/32,127.0.0.1/32")
        self.assert_serves(daemon.addresses[0])
        self.assert_told(self.peer(daemon.addresses[1]), "denied")

    def test_client_says_denied(self):
        """appmsg-client ends with 77."""
        daemon = self.start(f"listen {LOOPBACK} 0 allow=127.0.0.2/32")
        done = harness.client("-p", daemon.port, "search", "ring")
        self.assertEqual(done.returncode, 77, done)


if __name__ == "__main__":
    harness.main()
