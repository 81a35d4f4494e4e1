#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Peers cannot have the last descriptors: the administrator is served.

Whatever they do, appmsgctl asks and reloads, the log stays short, and who
waits for a descriptor is served once there is one.
"""

import collections
import contextlib
import socket
import sys
import threading

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, RING, answer, kept, plain_reply, search

FEW = 48                # descriptors
CLIENTS = 200
ROUNDS = 5              # of what the administrator does
LINES = 10              # of the log, at most


class Descriptors(harness.DaemonTest):
    """A daemon with fewer of them than its peers want."""

    def begin(self, *lines, few=FEW):
        self.lines = [f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 "
                      "service=echo", f"listen {LOOPBACK} 0 service=http",
                      self.control_line(), "workers 2", *lines]
        self.daemon = self.start(*self.lines, nofile=(few, few))
        self.began = len(self.daemon.lines)

    def administer(self):
        """All that appmsgctl can want, some times."""
        for number in range(ROUNDS):
            text = f"in round {number}"
            self.configure(*self.lines, answers=[answer("ring", text)])
            for order in (("status",), ("reload",), ("diff",), ("stats",)):
                done = self.control(*order)
                self.assertEqual(done.returncode, 0, done)
            self.assertIn(text, self.control("explain", "ring").stdout)

    def logged(self):
        """What was logged since the start, but for the administrator's."""
        return [line for line in self.daemon.lines[self.began:]
                if "control command=" not in line and "reloaded" not in line]

    def test_more_clients_than_descriptors(self):
        """They wait, cost nothing, and leave nothing behind."""
        self.begin()
        peers = [self.peer(self.daemon.addresses[i % 2])
                 for i in range(CLIENTS)]
        for peer in peers:
            peer.send(search("ring", **kept()))
        self.daemon.wait_log("accept paused before=0: Too many open files")
        self.administer()
        harness.wait_until(self.daemon.is_idle, "they cost nothing")
        self.assertLessEqual(len(self.logged()), LINES, self.logged())
        for peer in peers:
            peer.close()
        self.assertEqual(harness.ask(self.daemon.address, search("ring")),
                         plain_reply(f"in round {ROUNDS - 1}"))

    def test_pages(self):
        """Who looks at them has some, but not those that are held back."""
        self.begin()
        peers = [self.peer(self.daemon.addresses[2])
                 for _ in range(CLIENTS)]
        self.administer()
        for peer in peers:
            peer.close()
        page = harness.ask(self.daemon.addresses[2],
                           b"GET /healthz HTTP/1.0\r\nHost: [::1]\r\n\r\n")
        self.assertIn(b"200 OK", page)

    def test_clients_that_come_and_go(self):
        """Whatever is free for a moment, none of it is the last one."""
        self.begin()
        stop = threading.Event()

        def come_and_go():
            with contextlib.ExitStack() as stack:
                peers = collections.deque()
                while not stop.wait(0.001):
                    peers.append(stack.enter_context(socket.socket()))
                    peers[-1].setblocking(False)
                    peers[-1].connect_ex(self.daemon.addresses[
                        len(peers) % 2])
                    if len(peers) > 20:
                        peers.popleft().close()

        hold = [self.peer(self.daemon.address) for _ in range(4)]
        for peer in hold:
            peer.ask(search("ring", **kept()))
        with harness.background(*[come_and_go] * 4):
            try:
                self.administer()
            finally:
                stop.set()
        self.assertLessEqual(len(self.logged()), LINES, self.logged())
        for peer in hold:
            peer.close()
        self.assertEqual(harness.ask(self.daemon.address, search("ring")),
                         plain_reply(f"in round {ROUNDS - 1}"))

    def test_refused_ones(self):
        """Those over a limit, who stay to hear it, leave some to others."""
        self.begin("limit connections 20", few=96)
        served = [self.peer(self.daemon.address) for _ in range(20)]
        for peer in served:
            self.assertEqual(peer.ask(search("ring", **kept())).result, RING)
        refused = [self.peer(self.daemon.address) for _ in range(CLIENTS)]
        refused[0].wait_readable()
        self.administer()
        served.pop().close()
        # Though those that were refused are all still there.
        harness.wait_until(
            lambda: self.asks_in_vain() is None, "there is room for one")

    def asks_in_vain(self):
        """What a new connection is told, if not the answer."""
        with harness.Peer(self.daemon.address) as peer:
            try:
                peer.send(search("ring"))
                result = peer.reply().result
            except (AssertionError, ConnectionError) as problem:
                return problem
            return None if result.startswith("in round") else result


if __name__ == "__main__":
    harness.main()
