#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Without -d the daemon goes to the background when it serves.

The process that was started returns 0 then, and not before; or it says what
is wrong and returns what is said in appmsgd(8).
"""

import glob
import os
import select
import signal
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import environment, program, run


class Daemonised(harness.DaemonTest):
    """Known by its pidfile, since it is no child of the test."""

    def setUp(self):
        super().setUp()
        self.socket = self.path("socket")
        self.pidfile = self.path("appmsgd.pid")
        reports = self.path("report")
        self.env = environment(
            ASAN_OPTIONS=f"log_path={reports}:"
            + os.environ.get("ASAN_OPTIONS", ""),
            UBSAN_OPTIONS=f"log_path={reports}:"
            + os.environ.get("UBSAN_OPTIONS", ""))

    def background(self, *lines):
        """Start it; returns the process that was started, ended."""
        config = self.configure(f"listen {self.socket}",
                                f"pidfile {self.pidfile}", *lines)
        return run(program("appmsgd"), "-f", config, env=self.env)

    def pid(self):
        with open(self.pidfile) as file:
            text = file.read()
        self.assertRegex(text, r"\A\d+\n?\Z")
        return int(text)

    def end(self, pid):
        """End it by SIGTERM and wait until it is gone."""
        handle = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGTERM)
            gone = select.select([handle], [], [], harness.DEADLINE)[0]
            if not gone:
                os.kill(pid, signal.SIGKILL)
            self.assertTrue(gone, "does not end on SIGTERM")
        finally:
            os.close(handle)
        for name in glob.glob(self.path("report*")):
            with open(name) as file:
                self.fail(file.read())

    def test_serves_when_it_returns(self):
        """The very next connection is answered."""
        done = self.background(self.control_line())
        self.assertEqual((done.returncode, done.stdout), (0, ""), done)
        pid = self.pid()
        try:
            self.assert_serves(self.socket)
            self.assertNotEqual(os.getsid(pid), os.getsid(0))
            status = self.control("status")
            self.assertEqual(status.returncode, 0, status)
        finally:
            self.end(pid)
        self.assertFalse(os.path.exists(self.socket))

    def test_reload(self):
        """It rereads its config though it left its folder."""
        self.background(self.control_line())
        pid = self.pid()
        try:
            self.configure(f"listen {self.socket}",
                           f"pidfile {self.pidfile}", self.control_line(),
                           answers=[harness.answer("ring", "new")])
            self.assertEqual(self.control("reload").returncode, 0)
            self.assertEqual(
                harness.ask(self.socket, harness.search("ring")),
                harness.plain_reply("new"))
        finally:
            self.end(pid)

    def test_relative_config(self):
        """A config named relative to the folder it was started in."""
        config = self.configure(f"listen {self.socket}", "include a/*.conf",
                                f"pidfile {self.pidfile}",
                                self.control_line())
        self.write_config(harness.answer("a", "1"), name="a/a.conf")
        done = run(program("appmsgd"), "-f", os.path.basename(config),
                   cwd=self.directory, env=self.env)
        self.assertEqual(done.returncode, 0, done)
        pid = self.pid()
        try:
            self.write_config(harness.answer("a", "2"), name="a/a.conf")
            self.assertEqual(self.control("reload").returncode, 0)
            self.assertEqual(harness.ask(self.socket, harness.search("a")),
                             harness.plain_reply("2"))
        finally:
            self.end(pid)

    def test_wrong_config(self):
        """78, the mistakes on standard error, and nothing left behind."""
        done = self.background("listn x")
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr, r"appmsgd\.conf:3: .*listen")
        self.assertEqual(os.listdir(self.directory), ["appmsgd.conf"])

    def test_address_in_use(self):
        """71 when it cannot listen, said on standard error."""
        first = self.start(f"listen {self.path('other')}")
        done = self.background(f"listen {first.address}")
        self.assertEqual(done.returncode, 71, done)
        self.assertIn(first.address, done.stderr)
        self.assertFalse(os.path.exists(self.pidfile))
        self.assert_serves(first.address)


if __name__ == "__main__":
    harness.main()
