# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A service manager as far as its daemon can see it.

It passes sockets to the daemon, hears what that says of itself, and keeps
the sockets that it is given for the next one.
"""

import contextlib
import os
import socket
import sys

import harness
from harness import environment

# Becomes the daemon, with descriptors in their places and its own number in
# LISTEN_PID, as nobody can know before the fork.
BECOME = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split(",") if fd]
high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
for fd in fds:
    if fd >= 3 + len(fds):
        os.close(fd)
for name in ("LISTEN_PID", "WATCHDOG_PID"):
    if os.environ.get(name) == "self":
        os.environ[name] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class ManagedTest(harness.DaemonTest):
    """Tests of what a daemon has to do with its manager."""

    def listener(self, address=(harness.LOOPBACK, 0), family=None,
                 kind=socket.SOCK_STREAM):
        """A listening socket, as a socket unit has one."""
        if family is None:
            family = (socket.AF_UNIX if isinstance(address, str)
                      else socket.AF_INET)
        sock = socket.socket(family, kind)
        self.addCleanup(sock.close)
        sock.bind(address)
        if kind == socket.SOCK_STREAM:
            sock.listen(100)
        return sock

    def manage(self, *lines, sockets=(), names=None, env=None, **kwargs):
        """Start a daemon that inherits sockets: objects or numbers."""
        fds = [s if isinstance(s, int) else s.fileno() for s in sockets]
        env = dict(env or {})
        if fds:
            env = {"LISTEN_PID": "self", "LISTEN_FDS": str(len(fds)), **env}
        if names is not None:
            env["LISTEN_FDNAMES"] = ":".join(names)
        return self.start(
            *lines, env=environment(**env), pass_fds=fds,
            wrapper=(sys.executable, "-c", BECOME,
                     ",".join(map(str, fds))), **kwargs)


class Notified:
    """The manager's datagram socket, and what it was told."""

    def __init__(self, path):
        self.path = path
        self.store = {}         # name: descriptors kept
        self.removed = []       # names
        self.told = []          # all assignments so far
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.sock.settimeout(harness.DEADLINE)

    def close(self):
        self.sock.close()
        for fds in self.store.values():
            for fd in fds:
                os.close(fd)

    def environment(self):
        return {"NOTIFY_SOCKET": self.path}

    def receive(self, timeout=harness.DEADLINE):
        """The lines of the next datagram; its descriptors are kept."""
        self.sock.settimeout(timeout)
        data, fds, _, _ = socket.recv_fds(self.sock, 65536, 16)
        lines = data.decode().split("\n")
        names = [line[7:] for line in lines if line.startswith("FDNAME=")]
        if "FDSTORE=1" in lines:
            assert len(fds) == 1 and len(names) == 1, lines
            self.store.setdefault(names[0], []).extend(fds)
        else:
            assert not fds, lines
        if "FDSTOREREMOVE=1" in lines:
            self.removed += names
            for fd in self.store.pop(names[0], ()):
                os.close(fd)
        self.told += lines
        return lines

    def forget(self):
        """Take what has been said so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.receive(0)

    def wait(self, start):
        """The first datagram that has a line beginning so."""
        while True:
            lines = self.receive()
            if any(line.startswith(start) for line in lines):
                return lines

    def kept(self):
        """Names and descriptors, as the next daemon is to get them."""
        pairs = [(name, fd) for name, fds in self.store.items()
                 for fd in fds]
        return {"names": [name for name, _ in pairs],
                "sockets": [fd for _, fd in pairs]}
