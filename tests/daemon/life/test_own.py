#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A daemon of a user's own, and how it and those of the system are found.

As whoever runs this; root becomes somebody for it, since root has none.
"""

import glob
import os
import shutil
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, RING, environment, program, run

SOMEBODY = 54321
USAGE, CONFIG = 64, 78


class OwnTest(harness.DaemonTest):
    """A home, and programs that anybody may run."""

    def setUp(self):
        super().setUp()
        self.who = {}
        if os.geteuid() == 0:
            self.who = {"user": SOMEBODY, "group": SOMEBODY,
                        "extra_groups": ()}
        for name in ("home/.config", "run"):
            os.makedirs(self.path(name))
        self.env = environment(HOME=self.path("home"),
                               XDG_RUNTIME_DIR=self.path("run"),
                               LD_LIBRARY_PATH=self.directory)
        # The build may be in a private folder.
        source = os.path.dirname(program("appmsgctl"))
        for path in (program("appmsgd"), program("appmsgctl"),
                     *glob.glob(os.path.join(source, "libappmsg.so*"))):
            shutil.copy(path, self.directory)
        self.socket = self.path("run", "appmsgd", "control.sock")
        self.port = harness.free_port()
        self.config = self.write_config(
            f"listen {LOOPBACK} {self.port}", f'answer ring "{RING}"',
            name="home/.config/appmsgd.conf")
        self.own()

    def own(self):
        if self.who:
            for folder, _, files in os.walk(self.directory):
                for path in (folder, *(os.path.join(folder, name)
                                       for name in files)):
                    os.chown(path, SOMEBODY, SOMEBODY)

    def user(self, name, *args, **env):
        """Run a program as that user."""
        return run(self.path(name), *args, cwd=self.path("home"),
                   env={**self.env, **env}, **self.who)

    def serve(self, *args, **env):
        """In the background, until the test ends."""
        done = self.user("appmsgd", *args, **env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(self.user, "appmsgctl", "-s", self.socket, "drain")

    def done(self, *args, **env):
        done = self.user("appmsgctl", *args, **env)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done.stdout

    def shown(self, *args, **env):
        """The control line of appmsgd -T."""
        done = self.user("appmsgd", "-T", *args, **env)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line for line in done.stdout.splitlines()
                if line.startswith("control ")]


class Own(OwnTest):
    def test_nobody_says_where(self):
        """appmsgd, appmsgctl reload, appmsgctl drain: nothing else."""
        self.serve()
        self.assert_serves((LOOPBACK, self.port))
        self.assertIn("serving\n", self.done("status"))
        done = self.user("appmsgd")
        self.assertEqual(done.returncode, 71)
        self.assertIn(f" address={self.socket}: Address already in use\n",
                      done.stderr)
        self.write_config(f"listen {LOOPBACK} {self.port}",
                          f'answer ring "{RING}"', "answer a b",
                          name="home/.config/appmsgd.conf")
        self.own()
        self.assertIn("generation 2 serves, 2 entries", self.done("reload"))
        self.assertEqual(self.done("drain"), "draining, 0 connections\n")
        harness.wait_until(lambda: not os.path.exists(self.socket),
                           "the socket is removed")

    def test_named_by_hand(self):
        """It is the same configuration by its path, in the foreground too."""
        for path in (self.config, ".config/appmsgd.conf"):
            self.assertEqual(self.shown("-f", path),
                             [f'control "{self.socket}"'])
        self.serve("-f", ".config/appmsgd.conf")
        self.assertIn("serving\n", self.done("status"))
        self.assertIn("generation 1 goes on", self.done("reload"))

    def test_where_it_is(self):
        self.assertEqual(self.shown(), [f'control "{self.socket}"'])
        self.assertEqual(self.shown(XDG_RUNTIME_DIR=""), ["control no"])
        other = self.write_config(f"listen {LOOPBACK} 0", name="x/own.conf")
        self.own()
        self.assertEqual(self.shown("-f", other), ["control no"])
        os.rename(other, self.path("x", "appmsgd.conf"))
        self.assertEqual(self.shown(XDG_CONFIG_HOME=self.path("x")),
                         [f'control "{self.socket}"'])

    def add(self, line):
        """A line more in the user's configuration."""
        with open(self.config, "a") as file:
            file.write(line + "\n")

    def test_another(self):
        self.add("control /x")
        self.assertEqual(self.shown(), ['control "/x"'])

    def test_none(self):
        self.add("control no")
        self.assertEqual(self.shown(), ["control no"])

    def test_no_right_to_the_systems(self):
        """Who copied the line is told where to go, with file and line."""
        if not self.who and os.access("/etc", os.W_OK):
            self.skipTest("this user may write to /etc")
        self.add("control /etc/appmsgd/control.sock")
        done = self.user("appmsgd", "-d")
        self.assertEqual(done.returncode, CONFIG)
        self.assertRegex(done.stderr, f"(?m)^{self.config}:3: cannot listen "
                         "on /etc/appmsgd/control.sock: Permission denied; "
                         r"this user may not .*, but may to "
                         r"\$XDG_RUNTIME_DIR$")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_has_none(self):
        self.who = {}
        self.assertEqual(self.shown("-f", self.config), ["control no"])
        self.assertNotIn(self.directory, self.user("appmsgd", "-T").stderr)


class Found(OwnTest):
    """Which socket appmsgctl talks to; it names it when nobody is there."""

    def named(self, *args, **env):
        done = self.user("appmsgctl", *args, "status", **env)
        self.assertIn(done.returncode, (69, 77), done.stderr)
        return done.stderr.removeprefix("appmsgctl: ").split(":")[0]

    def test_order(self):
        there = self.write("run/appmsgd/control.sock", "")
        self.own()
        for expected, args, env in (
                ("/s", ("-s", "/s"), {"APPMSGCTL_SOCKET": "/e"}),
                ("/e", (), {"APPMSGCTL_SOCKET": "/e"}),
                (there, (), {"APPMSGCTL_SOCKET": ""}),
                (there, (), {})):
            self.assertEqual(self.named(*args, **env), expected)
        os.unlink(there)
        system = self.named()
        self.assertTrue(system.endswith("/appmsgd/control.sock"), system)
        self.assertNotIn(self.directory, system)
        for option in (("-i", "red"), ("--instance=red",)):
            self.assertEqual(self.named(*option, APPMSGCTL_SOCKET="/e"),
                             system.replace("appmsgd/", "appmsgd/red/"))

    def test_wrong_calls(self):
        for args, words in ((("-i", "a", "-s", "/s"), "exclude each other"),
                            (("-i", "a/b"), '"a/b" is not the name of'),
                            (("-i", ""), '"" is not the name of'),
                            (("-i", ".."), '".." is not the name of')):
            done = self.user("appmsgctl", *args, "status")
            self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    harness.main()
