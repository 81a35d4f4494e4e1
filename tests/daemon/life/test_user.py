#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Started by root, the daemon becomes the user it is told, for good."""

import os
import pwd
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, answer, plain_reply, search

USER = "nobody"


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class User(harness.DaemonTest):
    """The directive user."""

    def setUp(self):
        super().setUp()
        self.lines = [f"listen {LOOPBACK} 0", self.control_line(),
                      f"user {USER}", "workers 2"]
        self.daemon = self.start(*self.lines)

    def test_all_rights_are_dropped(self):
        """Every user and group id, supplementary ones, capabilities."""
        account = pwd.getpwnam(USER)
        pid = self.daemon.pid
        for task in os.listdir(f"/proc/{pid}/task"):
            def status(name):
                return harness.status_of(f"{pid}/task/{task}", name)

            self.assertEqual(status("Uid"), [str(account.pw_uid)] * 4)
            self.assertEqual(status("Gid"), [str(account.pw_gid)] * 4)
            self.assertLessEqual(set(status("Groups")),
                                 {str(account.pw_gid)})
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status(kind)[0], 16), 0, kind)
            self.assertEqual(status("NoNewPrivs"), ["1"])
        self.assert_serves(self.daemon.address)

    def test_reload(self):
        """A reload reads what that user can read, and nothing else."""
        os.chmod(self.directory, 0o755)
        secret = self.write_config(answer("secret", "x"), name="secret.conf")
        os.chmod(secret, 0o600)
        self.write_config(*self.lines, "include secret.conf",
                          answer("ring", "new"))
        done = self.control("reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(secret, done.stdout + done.stderr)
        self.assert_serves(self.daemon.address)
        self.write_config(*self.lines, answer("ring", "new"))
        self.assertEqual(self.control("reload").returncode, 0)
        self.assertEqual(
            harness.ask(self.daemon.address, search("ring")),
            plain_reply("new"))

    def test_pidfile(self):
        """It is held by one, and names nobody when that has ended."""
        self.daemon.stop()
        pidfile = self.path("pid")
        line = f"pidfile {pidfile}"
        daemon = self.start(*self.lines, line)
        with open(pidfile) as file:
            self.assertEqual(int(file.read()), daemon.pid)
        second = harness.run(
            harness.program("appmsgd"), "-d", "-f",
            self.write_config(f"listen {LOOPBACK} 0", line, name="second"))
        self.assertEqual(second.returncode, 71)
        self.assertIn("pidfile is held by another process "
                      f"pidfile={pidfile} pid={daemon.pid}\n", second.stderr)
        # Its folder is root's, so that the daemon's user cannot remove it.
        daemon.stop()
        self.assertEqual(os.stat(pidfile).st_size, 0)
        daemon = self.start(*self.lines, line)
        with open(pidfile) as file:
            self.assertEqual(int(file.read()), daemon.pid)


if __name__ == "__main__":
    harness.main()
