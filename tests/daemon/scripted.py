# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Servers that do what a test says, to see what a client makes of it.

A Server accepts connections and runs the test's function for each, in a
thread of its own, with a Connection.  What such a function raises makes the
test fail when the server is closed.
"""

import itertools
import json
import os
import pty
import socket
import struct
import subprocess
import termios
import threading
import unittest

import message
from harness import (DEADLINE, LOOPBACK, client, environment, no_reports,
                     program, request, to_json)


class Connection:
    """A client's connection as its server sees it.

    number  of the connection, from 0
    """

    def __init__(self, sock, number):
        self.sock = sock
        self.number = number
        self.data = bytearray()

    def _fill(self):
        part = self.sock.recv(1 << 16)
        self.data += part
        return bool(part)

    def _take(self, length):
        while len(self.data) < length:
            if not self._fill():
                raise AssertionError(f"cut request: {self.data[:300]!r}")
        taken = bytes(self.data[:length])
        del self.data[:length]
        return taken

    def request(self):
        """The next request, a pair of header and content; None at the end.
        """
        if not self.data and not self._fill():
            return None
        header, content = message.read(self._take)
        return json.loads(header), content

    def key(self):
        """What the next request searches for; None at the end."""
        got = self.request()
        return None if got is None else json.loads(got[1])["value"]

    def has_more(self, seconds):
        """Whether anything more comes within so many seconds."""
        if self.data:
            return True
        self.sock.settimeout(seconds)
        try:
            return self._fill()
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(DEADLINE)

    def send(self, data):
        self.sock.sendall(data)

    def reply(self, result, **members):
        """Answer a search."""
        self.send(request(to_json({"result": result}), **members))

    def to_end(self):
        """Read until the client closes; all bytes."""
        while self._fill():
            pass
        taken = bytes(self.data)
        self.data.clear()
        return taken

    def reset(self):
        """Close so that the client gets a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()


class Server:
    """Listens from its making on; as a context, closes at its end.

    serve   called with each Connection; None: nobody accepts
    address a host, a (host, port) or the path of a unix socket
    """

    def __init__(self, serve, address=LOOPBACK, backlog=128):
        self.serve = serve
        self.problems = []
        self.threads = []
        self.count = itertools.count()
        self.stopping = False
        if isinstance(address, str) and not address.startswith("/"):
            address = (address, 0)
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
        elif ":" in address[0]:
            self.sock = socket.socket(socket.AF_INET6)
        else:
            self.sock = socket.socket()
        if not isinstance(address, str):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(address)
        self.sock.listen(backlog)
        self.address = self.sock.getsockname()
        self.accepter = threading.Thread(target=self._accept, daemon=True)
        if serve:
            self.accepter.start()

    @property
    def port(self):
        return self.address[1]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stopping = True
        if self.serve:
            self.sock.shutdown(socket.SHUT_RDWR)    # wakes accept up
            self.accepter.join(DEADLINE)
        self.sock.close()
        if isinstance(self.address, str):
            os.unlink(self.address)
        for thread in self.threads:
            thread.join(DEADLINE)
        if self.problems and kind is None:
            raise self.problems[0]

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                assert self.stopping
                return
            sock.settimeout(DEADLINE)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(
                target=self._run, args=(sock, next(self.count)), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _run(self, sock, number):
        connection = Connection(sock, number)
        with sock:
            try:
                self.serve(connection)
            except BaseException as problem:    # raised when it is closed
                self.problems.append(problem)


def ask(server, *args, **kwargs):
    """Run appmsg-client on a server."""
    where = (["-U", server.address] if isinstance(server.address, str)
             else ["-H", server.address[0], "-p", server.port])
    return client(*where, *args, **kwargs)


def run_in_terminal(*args, name="appmsg-client", stdout=None, environ=None,
                    **kwargs):
    """Run appmsg-client, or another program, with a terminal for both outputs.

    stdout      a file that has the first one instead
    environ     what its environment has besides

    Returns its exit status, and the bytes that the terminal got.
    """
    try:
        master, slave = pty.openpty()
    except OSError as error:
        raise unittest.SkipTest(f"no terminals here: {error}")
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    shown = []

    def read():
        try:
            while data := os.read(master, 4096):
                shown.append(data)
        except OSError:     # nobody has the other side any more
            pass

    with subprocess.Popen(
            [program(name), *args], stdout=slave if stdout is None else stdout,
            stderr=slave, stdin=subprocess.DEVNULL,
            env=environment(**{"TERM": "dumb", **(environ or {})}),
            **kwargs) as process:
        os.close(slave)
        reader = threading.Thread(target=read)
        reader.start()
        process.wait(DEADLINE)
    reader.join(DEADLINE)
    os.close(master)
    no_reports(b"".join(shown).decode("utf-8", "backslashreplace"))
    return process.returncode, b"".join(shown)
