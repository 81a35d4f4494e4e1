#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Whom the daemon must reach it is connected to before the sandbox is shut.

That nobody else is reached is tried by tests/unit/test_sandbox.c; of the
service manager, test_notify.py has more.
"""

import grp
import os
import pwd
import select
import signal
import socket
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import shim
from harness import answer, environment, program, run

# From when that file is there, nobody is known any more.
NO_NAMES = """
#include <grp.h>
#include <pwd.h>

#define STAND_IN(type, name)						\\
struct type *								\\
name(const char *text)							\\
{									\\
	struct type *(*real)(const char *) = (struct type *(*)(const	\\
	    char *))dlsym(RTLD_NEXT, #name);				\\
	struct stat sb;							\\
									\\
	return stat(getenv("SHIM_GONE"), &sb) == 0 ? NULL : real(text);	\\
}

STAND_IN(passwd, getpwnam)
STAND_IN(group, getgrnam)
"""


class Names(harness.DaemonTest):
    """Services for the names of users and groups."""

    def test_reload_without_them(self):
        """It still knows whom the configuration named at the start."""
        user = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(os.getegid()).gr_name
        lines = [f"{self.control_line()} group={group}", f"user {user}"]
        variables = shim.preload(self, NO_NAMES)
        self.start(*lines, env=environment(
            SHIM_GONE=self.path("gone"), **variables))
        self.write("gone", "")
        self.configure(*lines, answers=[answer("ring", "new")])
        done = self.control("reload")
        self.assertEqual(done.returncode, 0, done)
        self.configure(f"{self.control_line()} group=nogroup", f"user {user}")
        done = self.control("reload")
        self.assertIn('unknown group "nogroup"', done.stderr)


# A machine whose system log is a socket of the test: other mounts.
MOUNTS = """
set -e
mount -t tmpfs -o mode=755 none /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/urandom c 1 9
ln -s "$1" /dev/log
shift
exec "$@"
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class SystemLog(harness.DaemonTest):
    """In the background, /dev/log takes what is logged."""

    def listen(self):
        """A system log, from now on."""
        if os.path.lexists(self.path("log")):
            os.unlink(self.path("log"))
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.bind(self.path("log"))
        sock.settimeout(harness.DEADLINE)
        return sock

    def wait_line(self, log, words):
        while words not in (line := log.recv(4096).decode()):
            pass
        return line

    def launch(self):
        """Start it; a handle of it, which ends with the test."""
        config = self.configure(
            self.control_line(), f"pidfile {self.path('pid')}",
            f"listen {self.path('socket')}")
        done = run("unshare", "--mount", "sh", "-c", MOUNTS, "sh",
                   self.path("log"), program("appmsgd"), "-f", config)
        if "unshare" in done.stderr or "mount" in done.stderr:
            self.skipTest("no mounts of one's own here")
        self.assertEqual(done.returncode, 0, done)
        with open(self.path("pid")) as file:
            handle = os.pidfd_open(int(file.read()))

        def end():
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            self.assertTrue(select.select([handle], [], [],
                                          harness.DEADLINE)[0])
            os.close(handle)

        self.addCleanup(end)

    def reload(self, *options):
        self.assertEqual(self.control("reload", *options).returncode, 0)

    def test_lines(self):
        """What comes after the start is there, with its facility."""
        log = self.listen()
        self.launch()
        self.reload("--force")
        line = self.wait_line(log, "reloaded generation=2")
        self.assertRegex(line, r"\A<30>.* appmsgd\[\d+\]: reloaded ")

    @unittest.skipIf(os.environ.get("APPMSG_SANITIZERS") in
                     ("yes", "coverage"), "no sandbox in this build")
    def test_log_that_ends(self):
        """One that is gone is done without, and keeps nobody waiting."""
        log = self.listen()
        self.launch()
        log.close()
        for _ in range(3):
            self.reload()
        again = self.listen()
        self.reload()
        self.assert_serves(self.path("socket"))
        again.setblocking(False)
        with self.assertRaises(BlockingIOError):
            again.recv(4096)


if __name__ == "__main__":
    harness.main()
