# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A way to a server that a test can cut, stop, or make narrow, without a look
at what goes over it."""

import socket
import threading

from harness import DEADLINE, LOOPBACK
from scripted import Server


class Relay(Server):
    """Hands on what comes, to a server and back.

    limit   so many bytes come back on each connection; None: all
    ends    what is when these have come: True, the connection ends; else
            nothing more comes
    narrow  a byte at a time, in both ways
    sent    what clients sent, of all connections
    """

    def __init__(self, target):
        self.target = target
        self.limit = None
        self.ends = True
        self.narrow = False
        self.sent = bytearray()
        self.back = 0       # bytes, of all connections
        self.pairs = []
        super().__init__(self._relay, LOOPBACK)

    def __str__(self):
        return f"{LOOPBACK}:{self.port}"

    def __exit__(self, *args):
        self.stopping = True
        self.hang_up()
        super().__exit__(*args)

    def hang_up(self):
        """End all connections that there are."""
        for pair in list(self.pairs):
            for sock in pair:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _relay(self, connection):
        near = connection.sock
        with socket.create_connection(self.target.address, DEADLINE) as far:
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs.append((near, far))
            thread = threading.Thread(target=self._back, args=(near, far),
                                      daemon=True)
            thread.start()
            self._pump(near, lambda data: self._there(far, data))
            self._shut(far)
            thread.join(2 * DEADLINE)

    def _shut(self, sock):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _pump(self, source, take):
        try:
            while data := source.recv(1 << 16):
                if not take(data):
                    return
        except (OSError, ValueError):
            pass        # either side may go when it likes

    def _send(self, sock, data):
        size = 1 if self.narrow else len(data)
        for i in range(0, len(data), size):
            sock.sendall(data[i:i + size])
        return True

    def _there(self, far, data):
        self.sent += data
        return self._send(far, data)

    def _back(self, near, far):
        left = self.limit

        def take(data):
            nonlocal left
            if left is not None:
                data = data[:left]
                left -= len(data)
            self.back += len(data)
            self._send(near, data)
            return left is None or left > 0 or not self.ends

        self._pump(far, take)
        self._shut(near)


def relay(test, target):
    """A Relay that ends with the test."""
    return test.enterContext(Relay(target))
