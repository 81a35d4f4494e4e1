#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A disk that is full: what the daemon writes is lost, and nothing else.

The disk is a small tmpfs in a mount namespace of its own, which a process
keeps; the test looks into it through that.
"""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, program, quoted, run, wait_until

KEEPER = """
mount -t tmpfs -o size=128k,nr_inodes=16 none "$1" && echo mounted && exec cat
"""


class FullDisk(harness.DaemonTest):
    """Pidfile and access log on a disk that is filled, and emptied."""

    def setUp(self):
        super().setUp()
        self.disk = self.path("disk")
        os.mkdir(self.disk)
        self.keeper = self.keep()
        self.log, self.pid = f"{self.disk}/access", f"{self.disk}/pid"
        # Without the sandbox, so that only the disk refuses anything.
        self.base = [f"listen {LOOPBACK} 0", self.control_line(), "workers 1",
                     "sandbox no"]
        self.lines = [f"pidfile {self.pid}", f"log access={self.log}"]
        self.daemon = self.start(*self.base, *self.lines,
                                 wrapper=(*self.enter(), "--"))

    def keep(self):
        """The process that has the disk."""
        for tool in ("unshare", "nsenter"):
            if shutil.which(tool) is None:
                self.skipTest(f"no {tool}")
        options = "-m" if os.geteuid() == 0 else "-rm"
        keeper = subprocess.Popen(
            ["unshare", options, "sh", "-c", KEEPER, "sh", self.disk],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.addCleanup(keeper.wait)
        self.addCleanup(keeper.stdout.close)
        self.addCleanup(keeper.stdin.close)
        if keeper.stdout.readline() != b"mounted\n":
            self.skipTest("no mount namespace to be had")
        return keeper.pid

    def enter(self):
        """What runs a command where the disk is."""
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        return ["nsenter", "-t", str(self.keeper), *user, "-m"]

    def inside(self, script, *args):
        """What a shell there prints."""
        done = run(*self.enter(), "--", "sh", "-c", script, "sh", *args)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def fill(self):
        """No byte and no file more can be had."""
        self.inside('cat /dev/zero >"$1/filler" 2>/dev/null; i=0; '
                    'while true 2>/dev/null >"$1/file$i"; do i=$((i + 1)); done;'
                    'true', self.disk)

    def empty(self):
        self.inside('rm -f "$1"/fil*', self.disk)

    def change(self, *lines):
        self.write_config(*self.base, *lines)

    def access_log(self):
        return self.inside('cat "$1"', self.log)

    def test_it_serves_and_reloads(self):
        """Lost lines are told; the control socket answers in full."""
        self.fill()
        self.assert_serves(self.daemon.address)
        self.daemon.wait_log(
            rf"access log lines lost file={self.log} lines=\d+: No space")
        self.change(*self.lines, 'answer "new" "one"')
        done = self.control("reload")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("generation 2 serves, 1 entry:", done.stdout)
        reply = harness.ask_reply(self.daemon.address, harness.search("new"))
        self.assertEqual(reply.result, "one")
        for command in ("status", "stats", "diff", "rollback"):
            self.assertEqual(self.control(command).returncode, 0, command)
        self.empty()
        before = self.access_log().count("\n")
        harness.ask(self.daemon.address, harness.search("again"))
        wait_until(lambda: '"again"' in self.access_log(), "a line more")
        self.assertGreater(self.access_log().count("\n"), before)
        self.daemon.stop()
        self.assertEqual(self.inside('ls "$1"', self.disk), "access\n")

    def test_an_access_log_that_cannot_be_made(self):
        """Its reload fails, where it is named; the old one goes on."""
        self.fill()
        self.change(self.lines[0], f"log access={self.disk}/other",
                    'answer "new" "one"')
        done = self.control("reload")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"^{re.escape(self.daemon.config)}:6: "
                         rf"cannot open the access log {self.disk}/other: "
                         "No space left")
        self.assertIn("generation 1 goes on", done.stderr)
        self.empty()
        self.assertEqual(self.control("reload").returncode, 0)

    def test_a_pidfile_that_cannot_be_made(self):
        """The log says so; the reload is done all the same."""
        self.change(f"pidfile {self.path('pid')}", self.lines[1])
        self.assertEqual(self.control("reload").returncode, 0)
        self.fill()
        self.change(f"pidfile {self.disk}/other", self.lines[1],
                    'answer "new" "one"')
        done = self.control("reload")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.daemon.wait_log(f"cannot write pidfile={self.disk}/other: "
                             "No space left")
        reply = harness.ask_reply(self.daemon.address, harness.search("new"))
        self.assertEqual(reply.result, "one")

    def test_a_start(self):
        """Without a pidfile or access log there is none, and it says why."""
        self.daemon.stop()
        self.fill()
        for line in (self.lines[0], f"log access={self.disk}/other"):
            self.change(line)
            done = run(*self.enter(), "--", program("appmsgd"), "-d",
                       "-f", self.daemon.config)
            self.assertIn(done.returncode, (71, 78), done)
            self.assertRegex(done.stderr, f"{self.disk}/.*No space left")


class FullLog(harness.DaemonTest):
    """Standard error that takes nothing."""

    def test_it_serves(self):
        """What cannot be said is not said; the rest is as ever."""
        path = self.path("sock")
        config = self.configure(f"listen {quoted(path)}", self.control_line(),
                                "log level=debug")
        with open("/dev/full", "wb") as full:
            daemon = subprocess.Popen(
                [program("appmsgd"), "-d", "-f", config],
                stdin=subprocess.DEVNULL, stdout=full, stderr=full)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        wait_until(lambda: self.control("status").returncode == 0, "status")
        self.assert_serves(path)
        self.configure(f"listen {quoted(path)}", self.control_line(),
                       'answer "x"')
        done = self.control("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{config}:3: ", done.stderr)
        self.assert_serves(path)
        daemon.terminate()
        self.assertEqual(daemon.wait(harness.DEADLINE), 0)


if __name__ == "__main__":
    harness.main()
