#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Root does not follow what the daemon's user has left in its folders.

The user here is who has taken over an earlier daemon, and makes of its
folders what it can before root starts the next one.
"""

import os
import pwd
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, binary, program, run

USER = "nobody"
SECRET = b"only for root\n" * 10


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class LeftBehind(harness.DaemonTest):
    """A folder of root's, and one of the user's in it."""

    def setUp(self):
        super().setUp()
        self.account = pwd.getpwnam(USER)
        os.chmod(self.directory, 0o755)
        self.secret = self.write("secret", SECRET)
        os.chmod(self.secret, 0o600)
        self.theirs = self.path("theirs")
        os.mkdir(self.theirs)
        os.chown(self.theirs, self.account.pw_uid, self.account.pw_gid)
        self.socket = os.path.join(self.theirs, "socket")
        self.pidfile = os.path.join(self.theirs, "pid")
        self.lines = [f"listen {self.socket}", f"user {USER}"]

    def as_user(self, act, *args):
        """Do something as the user, in a process of its own."""
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(self.account.pw_gid)
                os.setuid(self.account.pw_uid)
                act(*args)
            except BaseException:   # the child must not go on as a test
                os._exit(1)
            os._exit(0)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)

    def refused(self, *lines, args=("-d",), status=71):
        """What a start that fails says; nothing is left of its sockets."""
        done = run(program("appmsgd"), *args, "-f",
                   self.configure(*self.lines, *lines))
        self.assertEqual(done.returncode, status, done)
        self.assertFalse(os.path.lexists(self.socket))
        return done.stderr

    def assert_secret(self):
        with open(self.secret, "rb") as file:
            self.assertEqual(file.read(), SECRET)
        self.assertEqual(os.stat(self.secret).st_uid, 0)


class Pidfile(LeftBehind):
    """It is written before root becomes the user."""

    def refused(self, why):
        """A start with what is in the place of the pidfile."""
        self.assertIn(
            f":3: cannot write the pidfile {self.pidfile}: {why}\n",
            super().refused(f"pidfile {self.pidfile}", status=78))
        self.assert_secret()

    def test_symbolic_link(self):
        """To a file of root's, or to nothing."""
        for target in (self.secret, self.path("nothing")):
            self.as_user(os.symlink, target, self.pidfile)
            self.refused("it is a symbolic link")
            self.assertEqual(os.readlink(self.pidfile), target)
            self.assertFalse(os.path.exists(self.path("nothing")))
            os.unlink(self.pidfile)

    def test_another_name(self):
        """Of a file of root's, where the system lets users give one."""
        os.link(self.secret, self.pidfile)
        self.refused("it has another name as well")
        self.assertEqual(os.stat(self.secret).st_nlink, 2)

    def test_of_a_third_user(self):
        """A file that is neither root's nor the user's."""
        os.link(self.write("another", SECRET), self.pidfile)
        os.unlink(self.path("another"))
        os.chown(self.pidfile, 1, 1)
        self.refused("it belongs to another user")
        with open(self.pidfile, "rb") as file:
            self.assertEqual(file.read(), SECRET)

    def test_no_file(self):
        """What would block for ever, or cannot be written."""
        self.as_user(os.mkfifo, self.pidfile)
        self.refused("it is not a regular file")
        os.unlink(self.pidfile)
        self.as_user(os.mkdir, self.pidfile)
        self.refused("Is a directory")

    def test_of_the_user(self):
        """What the user has written there by a reload, and left."""
        def leave():
            with open(self.pidfile, "w") as file:
                file.write("12345678\n")

        self.as_user(leave)
        daemon = self.start(*self.lines, f"pidfile {self.pidfile}")
        with open(self.pidfile) as file:
            self.assertEqual(int(file.read()), daemon.pid)
        daemon.stop()
        self.assertFalse(os.path.exists(self.pidfile))


class Tables(LeftBehind):
    """They are read after root has become the user, as by a reload."""

    def link(self, name):
        path = os.path.join(self.theirs, name)
        self.as_user(os.symlink, self.secret, path)
        return path

    def test_links_to_what_root_may_read(self):
        """No start serves it, and no check says that one would."""
        for line in (f"binary logo file {self.link('logo')}",
                     f"table t file {self.link('t.tsv')}",
                     f"table g file {self.theirs}/g*.tsv",
                     f"table b binary {self.link('blob')}"):
            if "/g*" in line:
                self.link("g1.tsv")
            for args in (("-d",), ("-n",)):
                with self.subTest(line, args=args):
                    said = self.refused(line, args=args, status=78)
                    self.assertIn("Permission denied", said)
                    self.assertRegex(said, r"appmsgd\.conf:3: ")
                    # A start is not only looked at.
                    self.assertEqual(f'by the user "{self.account.pw_name}"'
                                     in said, args == ("-n",))

    def test_all_at_once(self):
        """With mistakes of the configuration, still as the user."""
        said = self.refused(f"binary logo file {self.link('logo')}",
                            "listn x", status=78)
        self.assertIn("appmsgd.conf:4: unknown directive", said)
        self.assertIn("Permission denied", said)

    def test_what_the_user_may_read(self):
        """That is served, and the configuration needs to be root's only."""
        self.write("logo", b"logo of all")
        os.symlink(self.path("logo"), os.path.join(self.theirs, "logo"))
        config = self.configure(
            *self.lines, f"listen {LOOPBACK} 0",
            f"binary logo file {self.theirs}/logo")
        os.chmod(config, 0o600)
        daemon = harness.Daemon(config)
        self.daemons.append(daemon)
        self.addCleanup(daemon.stop)
        reply = harness.ask_reply(daemon.address, binary(b"logo"))
        self.assertEqual(reply.content, b"logo of all")
        done = run(program("appmsgd"), "-n", "-f", config)
        self.assertEqual(done.returncode, 0, done)


if __name__ == "__main__":
    harness.main()
