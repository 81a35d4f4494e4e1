#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""listen PATH group=NAME: a unix socket for the members of a group."""

import grp
import os
import socket
import stat
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import manager
from harness import LOOPBACK, program, quoted, run

GROUP = "games"         # of others
STRANGER = 54321        # a user and a group that nobody is in


class GroupTest(manager.ManagedTest):
    """Sockets at one path."""

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.path_ = self.path("socket")

    def owner(self):
        """Mode and group of the socket."""
        status = os.stat(self.path_)
        return stat.S_IMODE(status.st_mode), status.st_gid


class Own(GroupTest):
    """Without a right but one's own."""

    def setUp(self):
        super().setUp()
        try:
            self.group = grp.getgrgid(os.getegid()).gr_name
        except KeyError:
            self.skipTest("this process is in a group without a name")
        self.line = f"listen {self.path_} group={self.group}"

    def test_mode(self):
        """0660, unless the line says another."""
        for mode in (0o660, 0o666, 0o620):
            option = "" if mode == 0o660 else f" mode={mode:o}"
            daemon = self.start(self.line + option)
            self.assertEqual(self.owner(), (mode, os.getegid()))
            self.assert_serves(self.path_)
            daemon.stop()

    def test_shown(self):
        config = self.write_config(self.line)
        shown = run(program("appmsgd"), "-T", "-f", config)
        self.assertIn(f"listen {quoted(self.path_)} mode=0660 "
                      f"group={quoted(self.group)}", shown.stdout)

    def test_reload_cannot_change_it(self):
        self.start(f"listen {LOOPBACK} 0", self.line, self.control_line())
        self.configure(f"listen {LOOPBACK} 0",
                       f"listen {self.path_} mode=660", self.control_line())
        done = self.control("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn(":2: a reload cannot change listen", done.stderr)

    def test_mistakes(self):
        """Told with file and line, before anything starts."""
        for line, told in (
                (f"{self.line}-none", f'unknown group "{self.group}-none"'),
                (f"listen {LOOPBACK} 0 group={self.group}",
                 "group= is for unix sockets only")):
            config = self.write_config(line)
            for option in ("-n", "-d"):
                done = run(program("appmsgd"), option, "-f", config)
                self.assertEqual((done.returncode, done.stderr), (
                    78, f"{config}:1: {told}\n"))

    def test_group_of_others(self):
        """Who cannot give it away does not start, and leaves nothing."""
        group = "root" if os.geteuid() != 0 else GROUP
        config = self.write_config(f"listen {self.path_} group={group}")
        done = run(*harness.powerless(), program("appmsgd"), "-d", "-f",
                   config)
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"{config}:1: cannot give {self.path_} to "
                      f"group={group}: ", done.stderr)
        self.assertFalse(os.path.lexists(self.path_))


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Others(GroupTest):
    """A group that only root can give it to."""

    def setUp(self):
        super().setUp()
        try:
            self.gid = grp.getgrnam(GROUP).gr_gid
        except KeyError as missing:
            self.skipTest(str(missing))
        self.line = f"listen {self.path_} group={GROUP}"

    def connects(self, *groups):
        """Whether a stranger in these groups may connect."""
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups(groups)
                os.setgid(STRANGER)
                os.setuid(STRANGER)
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(self.path_)
            except PermissionError:
                os._exit(1)
            except BaseException:   # the child must not go on as a test
                os._exit(2)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertIn(status, (0, 1))
        return status == 0

    def test_members_only(self):
        """Whoever serves: root, or who was root at the start."""
        for lines in ((), ("user nobody",)):
            daemon = self.start(self.line, *lines)
            self.assertEqual(self.owner(), (0o660, self.gid))
            self.assertTrue(self.connects(self.gid))
            self.assertFalse(self.connects())
            self.assert_serves(self.path_)
            daemon.stop()

    def test_kept(self):
        """One that the manager has kept gets a new group by its path."""
        sock = self.listener(self.path_)
        os.chmod(self.path_, 0o660)
        daemon = self.manage(self.line, sockets=[sock])
        self.assertIn("inherited=yes", daemon.log)
        self.assertEqual(self.owner(), (0o660, self.gid))
        self.assertTrue(self.connects(self.gid))
        daemon.stop()
        self.manage(self.line, sockets=[sock])
        self.assertEqual(self.owner(), (0o660, self.gid))

    def test_kept_as_it_is(self):
        """Where it cannot be given away it serves on, and that is told."""
        sock = self.listener(self.path_)
        os.chown(self.path_, STRANGER, STRANGER)
        daemon = self.manage(self.line, sockets=[sock])
        daemon.wait_log(f"cannot give address={self.path_} to "
                        f"group={GROUP}: Operation not permitted")
        self.assertEqual(self.owner()[1], STRANGER)
        self.assert_serves(self.path_)


if __name__ == "__main__":
    harness.main()
