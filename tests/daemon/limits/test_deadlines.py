#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Deadlines end what does not end itself, and trickling does not help.

Only order is asserted, never how long something took: the daemon's timeout
under test is one second, all its others are longer than any test waits.
"""

import contextlib
import functools
import json
import re
import select
import sys
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import DEADLINE, LOOPBACK, RING, Peer, kept, request, search

LONG = f"{int(DEADLINE * 4)}s"
QUICK = 0.9             # seconds; less than the timeout under test
NAMES = ("idle", "header", "message", "write", "drain")
KEEP = ("connection", "keep-alive")
CLOSE = ("connection", "close")
FOUND = ("status", "found")


class Deadlines(harness.DaemonTest):
    """One daemon a test, with one short timeout."""

    def serve(self, *short, extra=(), **kwargs):
        """A daemon with these timeouts of a second."""
        times = [f"timeout {name} {'1s' if name in short else LONG}"
                 for name in NAMES]
        return self.start(f"listen {LOOPBACK} 0",
                          f"listen {self.path('socket')}", *times, *extra,
                          **kwargs)

    def test_header(self):
        """Any part of a header is answered when its time is over."""
        daemon = self.serve("header")
        message = search("ring")
        peers = [(length, self.peer(address))
                 for address in daemon.addresses
                 for length in (1, 2, 3, 60)]
        for length, peer in peers:
            peer.send(message[:length])
        for length, peer in peers:
            with self.subTest(f"{length} bytes to {peer.address}"):
                self.assert_error(peer.reply())
                peer.ended()
        self.assert_serves(daemon.address)

    def test_message(self):
        """A part of a content, too; the reply says timeout."""
        daemon = self.serve("message")
        peers = [self.peer(address) for address in daemon.addresses]
        for peer in peers:
            self.assert_answer(peer.ask(search("ring", **kept())), RING,
                               KEEP, FOUND)
            peer.send(search("ring", **kept(id="slow"))[:-1])
        for peer in peers:
            self.assert_coded(peer.reply(), "timeout", CLOSE,
                              ("id", "slow"))
            peer.ended()

    def test_late_message_is_not_held(self):
        """What came of it is forgotten at once, and no more counted."""
        daemon = self.serve("message", extra=(self.control_line(),))
        for address in daemon.addresses:
            with Peer(address) as peer:
                peer.send(harness.binary(bytes(500000), id=1)[:400000])
                self.assert_coded(peer.reply(), "timeout", ("id", 1))
                peer.ended()
                done = self.control("--json", "stats")
                self.assertEqual(json.loads(done.stdout)["held-bytes"], 0)

    def trickle(self, peer, data):
        """Send byte by byte until there is something to read."""
        end = time.monotonic() + DEADLINE
        for byte in harness.bytewise(data):
            peer.send(byte)
            if select.select([peer.sock], [], [], 0.05)[0]:
                return
            self.assertLess(time.monotonic(), end, "trickling helps")
        self.fail("all was sent before the deadline")

    def test_trickled_header(self):
        """Each byte of a long header comes in time, the whole does not."""
        daemon = self.serve("header")
        message = search("ring", filler="x" * 10000)
        with Peer(daemon.address) as peer:
            self.trickle(peer, message)
            self.assert_error(peer.reply())
            peer.ended()

    def test_trickled_content(self):
        """Each byte of a long content comes in time, the whole does not."""
        daemon = self.serve("message")
        message = request(b" " * 30000, id=1)
        head = len(message) - 30000
        with Peer(daemon.address) as peer:
            peer.send(message[:head])
            self.trickle(peer, message[head:])
            self.assert_coded(peer.reply(), "timeout", ("id", 1))
            peer.ended()

    def test_idle(self):
        """Idle connections are closed without a word."""
        daemon = self.serve("idle")

        def connected():
            peers = [self.peer(address) for address in daemon.addresses * 2]
            for peer in peers[:2]:
                self.assert_answer(peer.ask(search("ring", **kept())), RING,
                                   KEEP, FOUND)
            return peers

        for peer in harness.in_time(QUICK, connected):
            peer.ended()

    def test_idle_is_not_in_the_middle(self):
        """A request that takes longer than idle is not idle."""
        daemon = self.serve("idle")
        message = search("ring", **kept())

        def connected():
            busy, kept_one = self.peer(daemon.address), self.peer(
                daemon.address)
            kept_one.ask(message)
            busy.send(message[:-1])
            kept_one.send(message)
            kept_one.reply()
            return busy, kept_one

        busy, kept_one = harness.in_time(QUICK, connected)
        kept_one.ended()        # idle is over, and was begun later
        self.assert_answer(busy.ask(message[-1:]), RING, KEEP, FOUND)

    def test_header_time_starts_with_the_header(self):
        """A kept connection may think longer than a header may take."""
        daemon = self.serve("header")
        message = search("ring", **kept())
        with Peer(daemon.address) as thinker, Peer(daemon.address) as slow:
            thinker.ask(message)
            slow.send(message[:1])
            self.assert_error(slow.reply())     # the time is over
            slow.ended()
            self.assert_answer(thinker.ask(message), RING, KEEP, FOUND)

    def test_write(self):
        """A peer that never reads is let go."""
        daemon = self.serve("write", extra=("limit output 64k",),
                            answers=[harness.answer("big", "x" * 60000)])
        message = search("big", **kept())
        peers = [self.peer(address, rcvbuf=4096, sndbuf=4096)
                 for address in daemon.addresses]
        with harness.background(*(
                functools.partial(self.fill, peer, message)
                for peer in peers)):
            pass
        self.assertEqual(
            harness.ask_reply(daemon.address, search("big")).result,
            "x" * 60000)

    def test_write_counts_from_what_was_taken(self):
        """Not from when that was looked at, which may be much later.

        A second is what an idle connection lives.
        """
        daemon = self.start(
            f"listen {self.path('socket')}", "timeout idle 1s",
            "timeout write 4s", "limit output 4m",
            answers=[harness.answer("big", "x" * 60000)])
        requests = search("big", **kept()) * 100

        def second():
            with self.peer(daemon.address) as idle:
                idle.ended()

        def blocked():
            peer = self.peer(daemon.address)
            peer.send(requests)
            peer.wait_readable()
            return peer

        def is_closed(peer):
            poll = select.poll()
            poll.register(peer.sock, 0)
            return poll.poll(0) != []

        slow = blocked()
        second()
        slow.receive(500000)
        second()
        other = blocked()
        harness.wait_until(lambda: is_closed(other), "the other is closed")
        self.assertTrue(is_closed(slow))

    def wait_alone(self):
        """Wait until the daemon has no connection left."""
        def alone():
            done = self.control("status")
            self.assertEqual(done.returncode, 0, done)
            return re.search(r"connections\W+0\b", done.stdout)

        harness.wait_until(alone, "all connections are gone")

    def test_last_reply_is_not_read(self):
        """A peer that does not read its last reply is let go."""
        self.serve("write", extra=(self.control_line(),),
                   answers=[harness.answer("big", "x" * (16 << 20))])
        for address in self.daemons[0].addresses:
            self.peer(address, rcvbuf=4096).send(search("big"))
        self.wait_alone()

    def test_peer_that_does_not_end(self):
        """A peer that goes on sending after its last reply is let go."""
        self.serve("drain", extra=(self.control_line(),))
        for address in self.daemons[0].addresses:
            peer = self.peer(address)
            peer.send(search("ring") + b"more")
            self.assert_answer(peer.reply(), RING)
            peer.ended()
        self.wait_alone()

    def fill(self, peer, message):
        """Send requests until the connection breaks; never read."""
        peer.sock.setblocking(False)
        poll = select.poll()
        poll.register(peer.sock, select.POLLOUT)
        end = time.monotonic() + DEADLINE
        data = message * 10
        try:
            while time.monotonic() < end:
                events = dict(poll.poll(1000))
                if any(mask & (select.POLLHUP | select.POLLERR)
                       for mask in events.values()):
                    return
                if events:
                    with contextlib.suppress(BlockingIOError):
                        data = data[peer.sock.send(data):] or message * 10
        except (BrokenPipeError, ConnectionResetError):
            return
        self.fail("a peer that does not read stays")


if __name__ == "__main__":
    harness.main()
