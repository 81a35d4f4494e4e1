# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Nodes of Redis that are broken, as a test wants it.

    node = nodes.node(test, lambda words, connection: b"$536870912\r\n")

What one says that is not broken, usual() has; buckets.py puts a table there.
"""

import socket
import ssl
import time

from harness import LOOPBACK
from resp import OK, array, as_bytes, bulk, error, slots
from scripted import Connection, Server


class Asked(Connection):
    """A connection of a client, as a node sees it."""

    def _line(self):
        while b"\r\n" not in self.data:
            if not self._fill():
                raise AssertionError(f"cut request: {bytes(self.data[:99])}")
        return self._take(self.data.index(b"\r\n") + 2)[:-2]

    def words(self):
        """The next request; None at the end, or when the client is gone."""
        try:
            if not self.data and not self._fill():
                return None
            head = self._line()
            assert head[:1] == b"*", head
            words = []
            for _ in range(int(head[1:])):
                head = self._line()
                assert head[:1] == b"$", head
                words.append(self._take(int(head[1:]) + 2)[:-2])
            return words
        except (ConnectionError, TimeoutError, ssl.SSLError):
            return None


class Node(Server):
    """A node as a test wants it.

    answer  called with each request, a list of words of which the first is in
            upper case, and the connection (Asked); it returns the bytes that
            are sent, b"" for nothing.  None: it closes.  What it sends itself
            by connection.send() is in front.  None: as a node of its own does
            that has all slots, and what store() says
    tls     a certificates.Certificate: it speaks nothing else
    """

    def __init__(self, answer=None, address=LOOPBACK, tls=None):
        self.answer = answer
        self.context = None
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(tls.cert, tls.key)
        self.requests = []      # all that came, of all connections
        self.connections = []
        self.data = {}          # keys: a dict is a hash, else a string
        super().__init__(self._serve, address)

    def __str__(self):
        return f"{self.address[0]}:{self.port}"

    def __exit__(self, kind, *args):
        self.stopping = True
        self.hang_up()
        super().__exit__(kind, *args)

    def hang_up(self):
        """End all connections that there are."""
        for connection in list(self.connections):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _run(self, sock, number):
        connection = Asked(sock, number)
        self.connections.append(connection)
        with sock:
            try:
                if self.context:
                    with self.context.wrap_socket(
                            sock, server_side=True) as connection.sock:
                        self.serve(connection)
                else:
                    self.serve(connection)
            except (ConnectionError, TimeoutError, ssl.SSLError):
                pass    # a client may go when it likes
            except OSError:
                assert self.context     # in the middle of a handshake
            except BaseException as problem:
                self.problems.append(problem)

    def _serve(self, connection):
        while not self.stopping and (words := connection.words()) is not None:
            words[0] = words[0].upper()
            self.requests.append(words)
            answer = self.answer or self.usual
            reply = answer(words, connection)
            if reply is None:
                return
            if reply:
                connection.send(reply)

    def count(self, name):
        """How many requests of a command have come."""
        return sum(words[0] == as_bytes(name) for words in self.requests)

    def usual(self, words, _=None):
        """What a node says that is not broken."""
        name, *args = words
        if name == b"CLUSTER" and args[0].upper() == b"SLOTS":
            return slots((0, 16383, self.address[:2]))
        if name == b"PING":
            return b"+PONG\r\n"
        if name in (b"READONLY", b"READWRITE", b"ASKING", b"AUTH", b"CLIENT"):
            return OK
        if name in (b"GET", b"HMGET", b"HGETALL", b"HGET"):
            return self._get(name, *args)
        return error(f"ERR unknown command '{name.decode()}'")

    def _get(self, name, key, *fields):
        value = self.data.get(key)
        if name == b"GET":
            if isinstance(value, dict):
                return error("WRONGTYPE Operation against a key holding the "
                             "wrong kind of value")
            return bulk(value)
        if not isinstance(value, (dict, type(None))):
            return error("WRONGTYPE Operation against a key holding the wrong "
                         "kind of value")
        value = value or {}
        if name == b"HGET":
            return bulk(value.get(fields[0]))
        if name == b"HGETALL":
            return array(*[bulk(word) for pair in value.items()
                           for word in pair])
        return array(*[bulk(value.get(field)) for field in fields])

    def run(self, *words):
        """A request of publish(), which changes what is kept."""
        name, key, *rest = map(as_bytes, words)
        if name == b"HSET":
            self.data.setdefault(key, {}).update(zip(rest[::2], rest[1::2]))
        elif name == b"SET":
            self.data[key] = rest[0]
        else:
            raise AssertionError(words)

    def server_of(self, _):
        return self


def node(test, answer=None, address=LOOPBACK, tls=None):
    """A Node that ends with the test."""
    return test.enterContext(Node(answer, address, tls))


def trickle(connection, data, stop, seconds=0.05):
    """Send a byte at a time, until all is sent or stop() is true."""
    for i in range(len(data)):
        if stop():
            return
        connection.send(data[i:i + 1])
        time.sleep(seconds)
