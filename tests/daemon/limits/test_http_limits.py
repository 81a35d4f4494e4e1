#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""service=http: what its connections can hold, and for how long."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, Peer

MAX = 64            # connections that it has at a time
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
PARTS = (b"GET /healthz HTTP/1.1\r\nX: ", b"y\r\nHost: localhost\r\n\r\n")


class Asker:
    """A peer with an address of its own."""

    def __init__(self, sock):
        self.sock = sock
        self.send = sock.sendall


class HttpLimits(harness.DaemonTest):
    """Over TCP and a unix socket."""

    def serve(self, *lines):
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 service=http",
            f"listen {self.path('http.sock')} service=http", "workers 1",
            *lines)
        self.messages, *self.http = self.daemon.addresses
        return self.http

    def descriptors(self):
        harness.needs_proc()
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def assert_asks(self, peer, request=REQUEST):
        """A request is answered, and the connection stays."""
        peer.send(request)
        data = b""
        while not data.endswith(b"\r\n\r\nserving\n"):
            part = peer.sock.recv(4096)
            self.assertTrue(part, "closed without an answer")
            data += part
        self.assertTrue(data.startswith(b"HTTP/1.1 200 OK\r\n"), data)

    def assert_closed(self, peer):
        """Without an answer, perhaps with a reset."""
        with contextlib.suppress(ConnectionResetError):
            peer.ended()

    def test_their_number(self):
        """The last ones come in, whoever came before and did not ask."""
        for address in self.serve():
            before = self.descriptors()
            peers = []
            for _ in range(3 * MAX):
                peers.append(self.peer(address))
                peers[-1].send(PARTS[0])
            for peer in peers[:-MAX]:
                self.assert_closed(peer)
            for peer in peers[-MAX:]:
                self.assert_asks(peer, PARTS[1])
            self.assertLessEqual(self.descriptors(), before + MAX)
            self.assert_serves(self.messages)
            for peer in peers:
                peer.close()
            harness.wait_until(lambda: self.descriptors() == before,
                               "all descriptors are closed")

    def test_their_input(self):
        """Requests are not read while the reply before is not taken."""
        page = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for address in self.serve():
            before = harness.resident(self.daemon.pid)
            peer = self.peer(address, rcvbuf=4096)
            peer.send_until_blocked(page * (1 << 20), self.daemon)
            self.assert_grown(self.daemon, before, 4 << 20)
            with Peer(address) as other:
                self.assert_asks(other)

    def test_who_asks_stays(self):
        """What makes room is the one that has not asked for longest."""
        for address in self.serve():
            peers = [self.peer(address) for _ in range(MAX)]
            for peer in peers:      # all are there
                self.assert_asks(peer)
            self.assert_asks(peers[0])
            more = self.peer(address)
            self.assert_asks(more)
            self.assert_closed(peers[1])
            for peer in (peers[0], *peers[2:], more):
                self.assert_asks(peer)
                peer.close()

    def test_one_address_pushes_out_nobody(self):
        """Who has most makes room, for himself and for others."""
        address = self.serve()[0]

        def connect(n):
            sock = socket.create_connection(address, harness.DEADLINE,
                                            (f"127.0.0.{n}", 0))
            self.addCleanup(sock.close)
            return Asker(sock)

        few = [connect(2) for _ in range(5)]
        for peer in few:
            self.assert_asks(peer)
        many = []
        for _ in range(2 * MAX):
            many.append(connect(3))
            self.assert_asks(many[-1])
        for peer in few:
            self.assert_asks(peer)
        other = connect(4)
        self.assert_asks(other)
        for peer in many[-(MAX - len(few) - 1):]:
            self.assert_asks(peer)
        for peer in (*few, other):
            self.assert_asks(peer)

    def trickle(self, peer):
        """A byte now and then until there is an end; what came before it."""
        got = b""

        def is_closed():
            nonlocal got
            try:
                with contextlib.suppress(BlockingIOError):
                    peer.send(b"y")
                    part = peer.sock.recv(4096)
                    got += part
                    return not part
            except (BrokenPipeError, ConnectionResetError):
                return True
            return False

        peer.sock.setblocking(False)
        harness.wait_until(is_closed, "it is closed", poll=0.1)
        return got

    def test_their_time(self):
        """A byte now and then does not keep a connection."""
        for address in self.serve("timeout header 1s"):
            peer = self.peer(address)
            peer.send(PARTS[0])
            got = self.trickle(peer)
            self.assertTrue(got.startswith(b"HTTP/1.1 408 "), got)
            self.assertIn(b"\r\nConnection: close\r\n", got)

    def test_who_is_idle(self):
        """Who asks for nothing is not kept, and told nothing."""
        for address in self.serve("timeout idle 1s"):
            peers = [self.peer(address) for _ in range(3)]
            self.assert_asks(peers[0])
            peers[1].send(b"\r\n")
            for peer in peers:
                peer.ended()

    def test_time_to_take_replies(self):
        """Nor does asking without ever taking an answer."""
        address = self.serve("timeout write 1s")[0]
        before = self.descriptors()
        peer = self.peer(address, rcvbuf=4096)
        request = REQUEST.replace(b"healthz", b"")
        peer.send_until_blocked(request * 20000, self.daemon)
        harness.wait_until(lambda: self.descriptors() == before,
                           "its descriptor is closed")
        with Peer(address) as another:
            self.assert_asks(another)

    def test_time_to_drain(self):
        """Who takes no replies is not waited for without an end."""
        address = self.serve("timeout drain 1s")[0]
        peer = self.peer(address, rcvbuf=4096)
        page = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        peer.send_until_blocked(page * (1 << 20), self.daemon)
        self.daemon.terminate()
        self.daemon.wait_log("drain timed out connections=1")
        self.assertEqual(self.daemon.wait(), 0)

    def test_many_requests_hold_up_nobody(self):
        """Others have turns between those of a long pipeline."""
        for address in self.serve():
            page = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            with self.daemon.stopped():
                many = self.peer(address)
                many.sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        many.sock.send(page * 1000)
                other = self.peer(address)
                other.send(REQUEST)
            self.assertTrue(other.receive(15) == b"HTTP/1.1 200 OK")

    def test_reloads_apply(self):
        """To connections that are there, too."""
        address = self.serve()[0]
        peer = self.peer(address)
        self.assert_asks(peer)
        self.configure(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 service=http",
            f"listen {self.path('http.sock')} service=http", "workers 1",
            "timeout idle 1s")
        self.daemon.hang_up()
        self.assert_closed(peer)

    def test_what_cannot_be_watched(self):
        """Is closed once: twice would close somebody else's descriptor."""
        strace = shutil.which("strace")
        if strace is None:
            raise unittest.SkipTest("no strace here")
        address = self.serve()[0]
        log = self.path("strace")

        def calls():
            with open(log) as file:
                return file.read()

        tracer = subprocess.Popen(
            [strace, "-f", "-o", log, "-e", "trace=close,epoll_ctl",
             "-e", "inject=epoll_ctl:error=ENOMEM",
             "-p", str(self.daemon.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            if b"attached" not in tracer.stderr.readline():
                raise unittest.SkipTest("strace may not look at it")
            # None asks: one that is there already is answered first.
            for _ in range(5):
                with Peer(address) as peer:
                    peer.ended()
            harness.wait_until(lambda: calls().count("close(") >= 5,
                               "all are closed")
        finally:
            tracer.terminate()
            tracer.wait(harness.DEADLINE)
            tracer.stderr.close()
        # The descriptor that each watch is refused for is closed once.
        trace = re.findall(r"(?:ADD, |close\()([0-9]+)", calls())
        watched = set(re.findall(r"ADD, ([0-9]+)", calls()))
        self.assertEqual(len(watched), 1, calls())
        trace = [fd for fd in trace if fd in watched]
        self.assertEqual(calls().count("ADD"), 5, calls())
        self.assertEqual(len(trace), 10, calls())
        self.assertNotIn("EBADF", calls())
        with Peer(address) as peer:
            self.assert_asks(peer)


if __name__ == "__main__":
    harness.main()
