#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The service manager is told when the daemon serves, reloads and stops."""

import socket
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import answer, environment


class Notify(harness.DaemonTest):
    """A datagram socket in the place of the service manager's."""

    def manager(self, address):
        """Such a socket."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.bind(address)
        sock.settimeout(harness.DEADLINE)
        return sock

    def told(self, sock, assignment):
        """Wait for a datagram with this assignment: all its lines."""
        while True:
            lines = sock.recv(65536).decode().split("\n")
            if assignment in lines:
                return lines

    def test_life(self):
        """READY, RELOADING with its time, READY again, STOPPING."""
        sock = self.manager(self.path("notify"))
        daemon = self.start(env=environment(
            NOTIFY_SOCKET=self.path("notify")))
        self.told(sock, "READY=1")
        self.configure(answers=[answer("ring", "new")])
        daemon.hang_up()
        lines = self.told(sock, "RELOADING=1")
        self.assertTrue(any(line.startswith("MONOTONIC_USEC=")
                            for line in lines), lines)
        self.told(sock, "READY=1")
        self.configure("listn x")
        daemon.hang_up()
        self.told(sock, "RELOADING=1")
        self.told(sock, "READY=1")      # the old config goes on
        daemon.stop()
        self.told(sock, "STOPPING=1")

    def test_abstract_socket(self):
        """A name that starts with @ is no file."""
        name = "@" + self.path("notify")[1:]
        sock = self.manager("\0" + name[1:])
        self.start(env=environment(NOTIFY_SOCKET=name))
        self.told(sock, "READY=1")

    def test_nobody_listens(self):
        """A manager that is not there keeps nobody from serving."""
        daemon = self.start(env=environment(
            NOTIFY_SOCKET=self.path("none")))
        self.assert_serves(daemon.address)


if __name__ == "__main__":
    harness.main()
