#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Listeners: their addresses, and what becomes of a socket that is there."""

import os
import socket
import stat
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, program, run

SYSTEM = 71


class ListenTest(harness.DaemonTest):
    """What both have in common."""

    def refused(self, *lines):
        """A start that fails with 71; what it said."""
        done = run(program("appmsgd"), "-d", "-f", self.configure(*lines))
        self.assertEqual(done.returncode, SYSTEM, done)
        return done.stderr


class Listen(ListenTest):
    """Addresses of every kind."""

    def test_all_kinds_in_order(self):
        """One line of the log each, in the order of the config."""
        paths = [self.path("one"), self.path("two")]
        daemon = self.start(f"listen {paths[0]}", f"listen {LOOPBACK} 0",
                            f"listen {paths[1]}",
                            f"listen {LOOPBACK} 0 service=echo")
        self.assertEqual(daemon.addresses[0::2], paths)
        self.assertEqual(len({*daemon.addresses}), 4)
        self.assertIn(f"address={LOOPBACK}:{daemon.addresses[3][1]} "
                      "service=echo", daemon.log)
        for address in daemon.addresses[:3]:
            self.assert_serves(address)

    @unittest.skipUnless(harness.has_ipv6(), "no IPv6 on the loopback")
    def test_ipv6(self):
        """The log has brackets around an address with colons."""
        daemon = self.start("listen ::1 0")
        self.assertEqual(daemon.address[0], "::1")
        self.assertIn(f"address=[::1]:{daemon.port} ", daemon.log)
        self.assert_serves(daemon.address)

    @unittest.skipUnless(harness.has_ipv6(), "no IPv6 on the loopback")
    def test_ipv6_only(self):
        """All addresses of v6 are none of v4: each has its own listener."""
        port = self.start("listen :: 0").port
        self.assert_serves(("::1", port))
        with self.assertRaises(ConnectionRefusedError):
            harness.Peer((LOOPBACK, port))
        self.start(f"listen {LOOPBACK} {port}")
        self.assert_serves((LOOPBACK, port))

    def test_same_port_again(self):
        """A restart takes the port of the daemon before at once."""
        port = harness.free_port()
        for _ in range(3):
            daemon = self.start(f"listen {LOOPBACK} {port}")
            self.assertEqual(daemon.port, port)
            self.assert_serves(daemon.address)
            daemon.stop()

    def test_port_in_use(self):
        """Exit status 71, and the address is named."""
        port = self.start().port
        told = self.refused(f"listen {LOOPBACK} {port}")
        self.assertIn(f"{LOOPBACK}:{port}", told)


class Unix(ListenTest):
    """What may be at the path of a unix socket already."""

    def test_dead_socket(self):
        """Left behind by somebody that is gone: replaced."""
        for line in ("listen", "control"):
            path = self.path(line)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind(path)
            daemon = self.start(f"listen {LOOPBACK} 0", f"{line} {path}")
            harness.Peer(path).close()
            self.assert_serves(daemon.address)

    def test_live_socket(self):
        """Somebody listens there: an error, and it goes on listening."""
        path = self.path("socket")
        first = self.start(f"listen {path}")
        self.assertIn(path, self.refused(f"listen {path}"))
        self.assert_serves(first.address)

    def test_live_control_socket(self):
        """The same with the socket for appmsgctl."""
        self.start(self.control_line())
        self.refused(self.control_line())
        self.assertEqual(self.control("status").returncode, 0)

    def test_other_file(self):
        """A file that is no socket is an error, and stays as it is."""
        path = self.write("precious", "data")
        self.assertIn(path, self.refused(f"listen {path}"))
        with open(path) as file:
            self.assertEqual(file.read(), "data")

    def test_missing_folder(self):
        """A folder that is not there."""
        path = self.path("no", "such", "socket")
        self.assertIn(path, self.refused(f"listen {path}"))

    def test_mode(self):
        """mode= is the socket's, whatever the umask."""
        old = os.umask(0o077)
        try:
            for mode in ("0660", "0666", "600", "0777"):
                path = self.path(mode)
                self.start(f"listen {path} mode={mode}")
                status = os.stat(path)
                self.assertTrue(stat.S_ISSOCK(status.st_mode))
                self.assertEqual(stat.S_IMODE(status.st_mode),
                                 int(mode, 8))
                self.assert_serves(path)
        finally:
            os.umask(old)


if __name__ == "__main__":
    harness.main()
