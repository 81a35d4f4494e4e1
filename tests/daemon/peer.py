# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A peer of the daemon: a plain socket, and messages over it.

A connection that is reset is a failure, since a reply may have been lost with
it.
"""

import fcntl
import select
import socket
import struct
import termios

from message import Reply, read
from waits import DEADLINE, wait_until


class Ended(AssertionError):
    """The connection ended before all had come that was waited for."""


class Peer:
    """A client's connection, made of a plain socket."""

    def __init__(self, address, source=None, sndbuf=None, rcvbuf=None):
        unix = isinstance(address, str)
        family = socket.AF_UNIX if unix else (
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.address = address
        self.unix = unix
        try:
            self.sock.settimeout(DEADLINE)
            if sndbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF,
                                     sndbuf)
            if rcvbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                     rcvbuf)
            if source:
                self.sock.bind((source, 0))
            self.sock.connect(address)
            if not unix:
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY,
                                     1)
        except OSError:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_pieces(self, pieces, taken=False):
        """Send piece by piece.

        taken: each is read by the daemon before the next is sent, which the
        kernel tells of unix sockets only.
        """
        for piece in pieces:
            self.sock.sendall(piece)
            if taken and self.unix:
                self.wait_taken()

    def wait_taken(self):
        """Wait until all that was sent was read, over a unix socket; over
        TCP, until it was acknowledged."""
        wait_until(lambda: not self._unread(), "all is read", poll=0)

    def wait_readable(self):
        """Wait until there is something to read, or the end."""
        ready = select.select([self.sock], [], [], DEADLINE)[0]
        if not ready:
            raise TimeoutError("no answer")

    def _unread(self):
        size = fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4)
        return struct.unpack("i", size)[0]

    def send_until_blocked(self, data, daemon):
        """Send until the kernel takes no more while the daemon, which could
        make room, has nothing to do; how much was sent.
        """
        sent = 0

        def is_over():
            nonlocal sent
            before, idle = sent, daemon.is_idle()
            try:
                while sent < len(data):
                    sent += self.sock.send(data[sent:sent + 65536])
            except BlockingIOError:
                return idle and sent == before
            return True

        self.sock.setblocking(False)
        wait_until(is_over, "nothing more is taken")
        self.sock.settimeout(DEADLINE)
        return sent

    def finish(self):
        """Send the end of input; replies may still come."""
        self.sock.shutdown(socket.SHUT_WR)

    def receive(self, length):
        """Exactly so many bytes."""
        data = bytearray()
        while len(data) < length:
            part = self.sock.recv(min(length - len(data), 1 << 20))
            if not part:
                raise Ended(
                    f"closed after {bytes(data)!r}, {length} bytes wanted")
            data += part
        return bytes(data)

    def reply(self):
        """The next message."""
        return Reply(*read(self.receive))

    def to_end(self):
        """All bytes until the peer's end."""
        data = bytearray()
        while part := self.sock.recv(1 << 16):
            data += part
        return bytes(data)

    def ended(self):
        """Nothing more comes but the end."""
        rest = self.to_end()
        assert not rest, f"unexpected {rest[:300]!r}"

    def ask(self, data):
        """Send a request and receive its reply; the connection stays."""
        self.send(data)
        return self.reply()


def ask(address, data, finish=False):
    """One request on a connection of its own: all bytes of the answer."""
    with Peer(address) as peer:
        peer.send(data)
        if finish:
            peer.finish()
        return peer.to_end()


def ask_reply(address, data, finish=False):
    """One request on a connection of its own: its one reply."""
    with Peer(address) as peer:
        peer.send(data)
        if finish:
            peer.finish()
        reply = peer.reply()
        peer.ended()
        return reply
