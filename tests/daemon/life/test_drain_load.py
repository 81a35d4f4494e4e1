#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The daemon is stopped while many peers ask: what was wholly sent before is
answered, and no reply comes in part.

A request counts as sent before when its last byte was taken by the kernel
before the signal, or the command, was given.
"""

import contextlib
import errno
import os
import random
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import (DEADLINE, Peer, kept, plain_reply, request, search,
                     thorough)
from mixed import MixedTest

ROUNDS = thorough(1, 2)     # of each way to stop
LONG = f"timeout drain {int(DEADLINE * 4)}s"
PEERS = 20
MANY = 600          # requests in one go, now and then
HUGE = 50000        # and more than a socket takes
QUEUED = 400        # connections that wait at each listener
SLOW = tables.wanted("no.such", "regex", table="words")
SLOW_REPLY = tables.matches("no.such", [])
GONE = (BrokenPipeError, ConnectionResetError)
NEVER = float("inf")
NOBODY = (ConnectionRefusedError, FileNotFoundError)


class DrainLoad(MixedTest):
    """Over TCP, a unix socket and to the echo."""

    def setUp(self):
        super().setUp()
        self.began = None       # when the daemon was told to stop
        self.at_once = False    # whatever is lost
        self.waiting = {}       # by thread: whether all it asked is sent

    # The peers; each returns whether it goes on

    def waits(self, is_so):
        """Whether this thread has sent all, and waits for what it gets."""
        name = threading.current_thread().name
        self.waiting[name] = is_so
        if not is_so:
            self.count(name)

    def lost(self, sent):
        """What was sent at that time is not answered: look whether it may
        be so.
        """
        assert self.began is not None, "closed before it was told to stop"
        assert self.at_once or sent >= self.began, "not answered"
        return False

    def finish(self, peer):
        """Send the end, unless there is nobody to send it to."""
        try:
            peer.finish()
        except OSError as problem:
            if problem.errno != errno.ENOTCONN:
                raise

    def next_reply(self, peer):
        """A reply; None at the end, which is not in one."""
        first = peer.sock.recv(1)
        if not first:
            return None
        try:
            length = first + peer.receive(1)
            header = peer.receive(int.from_bytes(length, "big"))
            content = harness.strict_json(header)["content-length"]
            return harness.Reply(header, peer.receive(content))
        except AssertionError:
            assert self.at_once, "a reply in part"
            return None

    def keeps(self, rng, peer):
        """Many requests, again and again; reads all, then sends more."""
        while True:
            count = MANY if rng.random() < .05 else rng.randint(1, 40)
            asks = [self.world.ask(rng, n) for n in range(count)]
            last = rng.random() < .1
            sent = NEVER
            try:
                peer.send(b"".join(data for data, _ in asks))
                sent = time.monotonic()
                if last:
                    self.finish(peer)
                self.waits(True)
                for _, check in asks:
                    reply = self.next_reply(peer)
                    if reply is None:
                        return self.lost(sent)
                    check(reply)
                if last:
                    peer.ended()
                self.waits(False)
                if last:
                    return True
            except GONE:
                return self.lost(sent)

    def asks_once(self, rng, peer):
        key = rng.choice(self.world.keys)
        sent = NEVER
        try:
            peer.send(search(key))
            sent = time.monotonic()
            self.waits(True)
            reply = peer.to_end()
        except GONE:
            return self.lost(sent)
        if not reply:
            return self.lost(sent)
        assert self.at_once or reply in {
            plain_reply(version[key]) for version in self.world.versions}
        self.waits(False)
        return True

    def echoes_once(self, rng, peer):
        data = rng.randbytes(rng.randint(1, 50000))
        sent, came = NEVER, b""
        try:
            peer.send(data)
            sent = time.monotonic()
            self.waits(True)
            while len(came) < len(data):
                part = peer.sock.recv(len(data) - len(came))
                if not part:
                    return self.lost(sent)
                came += part
        except GONE:
            return self.lost(sent)
        assert came == data, "another's echo"
        self.waits(False)
        return True

    def peer_of(self, number):
        """One that goes on until the daemon is gone."""
        kind, addresses = (
            (self.keeps, (self.tcp, self.unix)),
            (self.keeps, (self.tcp, self.unix)),
            (self.asks_once, (self.tcp, self.unix)),
            (self.echoes_once, (self.echo,)))[number % 4]

        def work():
            threading.current_thread().name = f"{kind.__name__} {number}"
            rng = random.Random(f"{self.seed} {number}")
            goes_on = True
            while goes_on:
                try:
                    rcvbuf = rng.choice((None, None, 4096))
                    with Peer(rng.choice(addresses), rcvbuf=rcvbuf) as peer:
                        goes_on = kind(rng, peer)
                except NOBODY:
                    assert self.began is not None, "refused"
                    return
                except GONE:    # while it connects
                    self.lost(NEVER)

        return work

    # The rounds

    def stop_under_load(self, rng, stop):
        """Start a daemon, have it stopped while all ask."""
        self.began, self.counts, self.waiting = None, {}, {}
        self.start_version(0, LONG)
        enough = rng.randint(1, 500)

        def main():
            harness.wait_until(lambda: len(self.counts) == PEERS and sum(
                list(self.counts.values())) > enough, "all ask", poll=0.001)
            self.began = time.monotonic()
            stop()
            self.assertEqual(self.daemon.wait(), 0)

        # Without an end, nobody else would have one.
        def guarded():
            try:
                main()
            finally:
                self.began = self.began or 0
                if self.daemon.process.poll() is None:
                    self.daemon.process.kill()

        with harness.background(guarded, *(self.peer_of(number)
                                           for number in range(PEERS))):
            pass
        self.daemon.stop()
        self.assertNotIn("drain timed out", self.daemon.log)
        for name in ("sock", "control.sock"):
            self.assertFalse(os.path.exists(self.path(name)), name)

    def rounds(self, stop):
        rng = random.Random(self.seed)
        for _ in range(ROUNDS):
            self.stop_under_load(rng, stop)

    def test_signal(self):
        self.rounds(lambda: self.daemon.terminate())

    def queue(self):
        """Connections that nobody has accepted yet."""
        peers = [self.peer(address)
                 for address in (self.tcp, self.unix) * QUEUED]
        for number, peer in enumerate(peers):
            peer.send(request(SLOW, **kept(id=number)))
        return peers

    def fill(self, peer):
        """Send as much as the socket takes, which is more than is read at
        once; the number of requests, and what is missing of the last one.
        """
        message = search("line 1", **kept())
        data, sent = message * HUGE, 0
        peer.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while sent < len(data):
                sent += peer.sock.send(data[sent:])
        peer.sock.settimeout(DEADLINE)
        count = -(-sent // len(message))
        return count, data[sent:count * len(message)]

    def test_signal_when_all_is_sent(self):
        """Whatever each has asked then waits in its socket, or that waits to
        be accepted.
        """
        def stop():
            pipe = self.peer(self.tcp)
            with self.daemon.stopped():
                harness.wait_until(lambda: all(self.waiting.values()),
                                   "all wait")
                queue = self.queue()
                count, rest = self.fill(pipe)
                self.began = time.monotonic()
                self.daemon.terminate()
            pipe.send(rest)
            first = pipe.reply()
            self.assertEqual(first.result, "0")
            others = first.raw * (count - 2)
            self.assertTrue(pipe.receive(len(others)) == others)
            # Its worker may be done with all before it hears of the end.
            self.assertIn(pipe.reply().extra[0],
                          (("connection", "close"), first.extra[0]))
            pipe.ended()
            for number, peer in enumerate(queue):
                reply = peer.reply()
                self.assertEqual(reply.content, SLOW_REPLY)
                self.assertEqual(reply.header["id"], number)
                peer.ended()

        self.rounds(stop)

    def test_command(self):
        def drain():
            done = self.control("drain")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

        self.rounds(drain)

    def test_signal_during_a_reload(self):
        """A load that is under way is left, and nothing of that is seen."""
        def stop():
            self.configure_version(1, LONG)
            self.daemon.hang_up()
            self.daemon.terminate()

        self.rounds(stop)

    def test_second_signal(self):
        """At once, though somebody has not asked to the end."""
        def stop():
            slow = self.peer(self.unix)
            slow.send(search("ring", **kept())[:-3])
            slow.wait_taken()
            self.at_once = True
            self.daemon.terminate()
            self.daemon.wait_log("draining")
            self.daemon.terminate()
            self.daemon.wait_log("stopping at once")

        self.rounds(stop)


if __name__ == "__main__":
    harness.main()
