#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""SIGTERM ends the daemon after what it is doing, a second one at once."""

import os
import signal
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import DEADLINE, LOOPBACK, RING, kept, search

KEEP = ("connection", "keep-alive")
CLOSE = ("connection", "close")
FOUND = ("status", "found")
LONG = f"timeout drain {int(DEADLINE * 4)}s"
GRACE = 0.18    # seconds; a little less than the daemon waits for requests
MESSAGE = search("ring", **kept())


class Drain(harness.DaemonTest):
    """Over TCP and a unix socket."""

    def serve(self, *lines):
        return self.start(f"listen {LOOPBACK} 0",
                          f"listen {self.path('socket')}",
                          f"listen {LOOPBACK} 0 service=echo", *lines)

    def peers(self, daemon):
        """A peer each, that was accepted and answered."""
        peers = [self.peer(address) for address in daemon.addresses[:2]]
        for peer in peers:
            self.assert_answer(peer.ask(MESSAGE), RING, KEEP, FOUND)
        return peers

    def wait_refusing(self, address):
        """Wait until nobody listens there any more."""
        def refused():
            try:
                harness.Peer(address).close()
            except (ConnectionRefusedError, FileNotFoundError):
                return True
            except ConnectionResetError:
                return False    # was in the queue of the listener
            return False

        harness.wait_until(refused, "the listener refuses")

    def test_idle_daemon_ends(self):
        """Nothing to do: exit status 0, for TERM and for INT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.serve()
            daemon.signal(number)
            self.assertEqual(daemon.wait(), 0)

    def test_idle_connections_close(self):
        """Connections without a request end in a moment, silently."""
        daemon = self.serve(LONG)
        peers = self.peers(daemon)
        peers += [self.peer(address) for address in daemon.addresses[:2]]
        daemon.terminate()
        for peer in peers:
            peer.ended()
        self.assertEqual(daemon.wait(), 0)

    def test_request_on_its_way(self):
        """Who could not know of the drain when asking is answered."""
        peers = []

        def connected():
            for peer in peers:      # of a try before
                peer.close()
            for daemon in self.daemons:     # its path is to be free
                daemon.wait()
            daemon = self.serve(LONG)
            peers[:] = self.peers(daemon)
            peers.extend(self.peer(a) for a in daemon.addresses)
            return daemon

        def sent(daemon):
            daemon.terminate()
            daemon.wait_log("draining")
            for address in daemon.addresses:
                self.wait_refusing(address)
            for peer in peers:
                peer.send(MESSAGE)
            return daemon

        daemon = harness.in_time(GRACE, sent, connected)
        for peer in peers[:-1]:
            self.assert_answer(peer.reply(), RING, CLOSE, FOUND)
            peer.ended()
        self.assertEqual(peers[-1].to_end(), MESSAGE)    # echo
        self.assertEqual(daemon.wait(), 0)

    def test_request_under_way_is_finished(self):
        """The listeners refuse, the request is answered, then the end."""
        daemon = self.serve(LONG)
        peers = self.peers(daemon)
        for peer in peers:
            peer.send(MESSAGE[:-3])
        peers[1].wait_taken()
        daemon.terminate()
        for address in daemon.addresses:
            self.wait_refusing(address)
        for peer in peers:
            peer.send(MESSAGE[-3:])
            self.assert_answer(peer.reply(), RING, CLOSE, FOUND)
            peer.ended()
        self.assertEqual(daemon.wait(), 0)

    def test_complete_requests_are_answered(self):
        """Whatever was sent before the signal is answered."""
        daemon = self.serve(LONG)
        peer = self.peers(daemon)[1]
        count = 50
        peer.send(b"".join(search("ring", **kept(id=i))
                           for i in range(count)))
        peer.wait_taken()
        daemon.terminate()
        for i in range(count):
            reply = peer.reply()
            self.assertEqual(reply.result, RING)
            self.assertEqual(reply.header["id"], i)
        peer.ended()
        self.assertEqual(daemon.wait(), 0)

    def test_slow_reader_gets_all(self):
        """Replies that were not read yet are not lost."""
        big = "x" * 50000
        count = 40
        daemon = self.start(f"listen {self.path('socket')}", LONG,
                            "limit output 8m",
                            answers=[harness.answer("big", big)])
        peer = self.peer(daemon.address)
        peer.send(search("big", **kept()) * count)
        peer.wait_taken()
        daemon.terminate()
        self.wait_refusing(daemon.address)
        for _ in range(count):
            self.assertEqual(peer.reply().result, big)
        peer.ended()
        self.assertEqual(daemon.wait(), 0)

    def test_time_is_limited(self):
        """A request that is never finished ends with the drain's time."""
        daemon = self.serve("timeout drain 1s")
        peers = self.peers(daemon)
        for peer in peers:
            peer.send(MESSAGE[:-3])
        peers[1].wait_taken()
        daemon.terminate()
        self.assertEqual(daemon.wait(), 0)

    def test_second_signal(self):
        """A second TERM does not wait for anybody."""
        daemon = self.serve(LONG)
        peers = self.peers(daemon)
        for peer in peers:
            peer.send(MESSAGE[:-3])
        peers[1].wait_taken()
        daemon.terminate()
        self.wait_refusing(daemon.address)
        daemon.terminate()
        self.assertEqual(daemon.wait(), 0)

    def test_many_signals(self):
        """However many come, until the very end, the exit status is 0."""
        lines = [harness.answer(f"key {i}", "text") for i in range(100000)]
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.start(answers=lines)
            while daemon.process.poll() is None:
                daemon.signal(number)
                daemon.hang_up()
            self.assertEqual(daemon.wait(), 0)

    def test_reload_under_way(self):
        """A reload that cannot end is told so, and keeps nobody waiting."""
        lines = [harness.answer(f"key {i}", "text") for i in range(20000)]
        daemon = self.start(self.control_line(), answers=lines)
        with harness.background(lambda: self.control("reload")):
            daemon.hang_up()
            daemon.terminate()
            self.assertEqual(daemon.wait(), 0)

    def test_load_under_way_is_left(self):
        """However long it would take: one signal is enough."""
        files = [self.write_config(name=f"slow/{i}.conf") for i in range(50)]
        daemon = self.start(self.control_line(), "include slow/*.conf")
        done = threading.Event()

        def touch():
            # Each is waited for, for a third of a second; and for 40 ms even
            # where this thread comes too late, since its time says nothing.
            later = time.time() + 3600
            for name in files:
                os.utime(name, (later, later))

        def write():
            while not done.wait(0.02):
                touch()

        touch()

        with harness.background(write):
            try:
                reload = self.spawn(harness.program("appmsgctl"), "-s",
                                    self.path("control.sock"), "reload")
                daemon.wait_log("control command=reload")
                began = time.monotonic()
                daemon.terminate()
                self.assertEqual(daemon.wait(), 0)
                self.assertLess(time.monotonic() - began, 5)
                self.assertEqual(reload.wait(DEADLINE), 1)
            finally:
                done.set()
        self.assertFalse(os.path.exists(self.path("control.sock")))

    def test_unix_sockets_are_removed(self):
        """Nothing is left behind."""
        daemon = self.serve(self.control_line())
        daemon.stop()
        self.assertEqual(os.listdir(self.directory), ["appmsgd.conf"])


if __name__ == "__main__":
    harness.main()
