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

SYSTEM, CONFIG = 71, 78


class ListenTest(harness.DaemonTest):
    """What both have in common."""

    def refused(self, *lines, status=SYSTEM, wrapper=()):
        """A start that fails; what it said."""
        done = run(*wrapper, program("appmsgd"), "-d", "-f",
                   self.configure(*lines))
        self.assertEqual(done.returncode, status, done)
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
        """Exit status 71, since it may pass; address and line are named."""
        port = self.start().port
        told = self.refused(f"listen {LOOPBACK} {port}")
        self.assertIn(f"cannot listen address={LOOPBACK}:{port} line="
                      f"{self.path('appmsgd.conf')}:1: Address already in "
                      "use\n", told)


class Lasting(ListenTest):
    """What no further try heals: 78, and all of it at once."""

    def test_foreign_address(self):
        """One that is not this machine's; what is may be bound before."""
        lines = [f"listen {self.path('socket')}", "listen 192.0.2.1 7000"]
        if harness.has_ipv6():
            lines.append("listen 2001:db8::1 7000")
        told = self.refused(*lines, status=CONFIG)
        for i, line in enumerate(lines[1:], 2):
            self.assertIn(f"{self.path('appmsgd.conf')}:{i}: cannot listen "
                          "on ", told)
            self.assertIn("; this machine has no such address", told)
        self.assertIn("192.0.2.1:7000: ", told)
        self.assertEqual(told.count("\n"), len(lines) - 1)
        self.assertFalse(os.path.exists(self.path("socket")))

    def test_with_what_may_pass(self):
        """Both are told."""
        port = self.start().port
        told = self.refused(f"listen {LOOPBACK} {port}",
                            "listen 192.0.2.1 7000", status=CONFIG)
        self.assertIn("in use", told)
        self.assertIn("no such address", told)

    def test_port_below_1024(self):
        """Without the right to it."""
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
            if int(file.read()) < 100:
                self.skipTest("everybody may have any port here")
        told = self.refused(f"listen {LOOPBACK} 99", status=CONFIG,
                            wrapper=harness.powerless())
        self.assertIn(f":1: cannot listen on {LOOPBACK}:99: Permission "
                      "denied; ports below 1024 need appmsgd.socket", told)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_folder_without_rights(self):
        """Of another user."""
        os.mkdir(self.path("theirs"), 0o755)
        os.chown(self.path("theirs"), 65534, 65534)
        told = self.refused(f"listen {self.path('theirs', 'socket')}",
                            status=CONFIG, wrapper=harness.powerless())
        self.assertIn("Permission denied; this user may not write to its "
                      "folder", told)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_socket_of_another_user(self):
        """Whether it is dead cannot be seen, but never that it is in use."""
        path = self.path("socket")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
        os.chown(path, 65534, 65534)
        os.chmod(path, 0o600)
        told = self.refused(f"listen {path}", status=CONFIG,
                            wrapper=harness.powerless())
        self.assertIn("Permission denied; this user may not write to its "
                      "folder, or to a socket that is there", told)


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
        told = self.refused(f"listen {path}", status=CONFIG)
        self.assertIn(f":1: cannot listen on {path}: File exists; what is "
                      "there is no socket\n", told)
        with open(path) as file:
            self.assertEqual(file.read(), "data")

    def test_missing_folder(self):
        """A folder that is not there; those of control are made."""
        path = self.path("no", "such", "socket")
        told = self.refused(f"listen {path}", status=CONFIG)
        self.assertIn(f":1: the folder of {path} is missing\n", told)
        self.write("file", "")
        told = self.refused(f"control {self.path('file', 'socket')}",
                            status=CONFIG)
        self.assertIn(f":2: cannot listen on {self.path('file', 'socket')}: "
                      "Not a directory; its folder is missing\n", told)

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
