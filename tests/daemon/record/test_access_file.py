#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The access log's file: it is renamed, another one, or not to be had.
"""

import os
import pathlib
import pwd
import re
import signal
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from access import AccessTest
from harness import LOOPBACK, answer, kept, quoted, search

CONFIG = 78


class Reopening(AccessTest):
    """The file is renamed, or another one is configured."""

    def setUp(self):
        super().setUp()
        self.base = [f"listen {LOOPBACK} 0", self.control_line(),
                     "workers 2"]
        self.daemon = self.start(*self.base)
        self.ask(1)

    def ask(self, count, path=None):
        """One more request, which is the last line of a file."""
        self.assert_serves(self.daemon.address)
        self.wait_lines(count, path)

    def change(self, *lines):
        self.write_config(*self.base, *lines, answer("ring", harness.RING))

    def rotate(self, number):
        os.rename(self.log, f"{self.log}.{number}")

    def wait_made(self):
        """Wait until the log is made again and written to.

        It is there a moment before lines go there; but who answers to
        appmsgctl has done with it.
        """
        harness.wait_until(lambda: os.path.exists(self.log),
                           "the log is made again")
        self.control("status")

    def test_signals(self):
        """SIGUSR1 just opens it again, SIGHUP reloads too."""
        self.rotate(1)
        self.ask(2, f"{self.log}.1")    # the old file until then
        self.daemon.signal(signal.SIGUSR1)
        self.wait_made()
        self.ask(1)
        self.assertNotIn("reloaded", self.daemon.log)
        self.rotate(2)
        self.daemon.hang_up()
        self.wait_made()    # whether or not the reload changes anything
        self.ask(1)
        self.assertEqual(len(self.logged(f"{self.log}.1")), 2)

    def test_reload_that_fails(self):
        """Who rotates logs counts on it, whatever is wrong elsewhere."""
        self.rotate(1)
        self.change(f"log access={quoted(self.log)}", "wibble")
        done = harness.DaemonTest.control(self, "reload")
        self.assertNotEqual(done.returncode, 0)
        self.wait_made()
        self.daemon.wait_log("reload failed")
        self.ask(1)

    def test_other_path(self):
        """A reload goes to another file, to none, and back."""
        other = self.path("other.log")
        self.change(f"log access={quoted(other)}")
        self.control("reload")
        self.ask(1, other)
        self.change("log access=no")
        self.control("reload")
        self.assert_serves(self.daemon.address)
        self.control("rollback")
        self.ask(2, other)
        self.change(f"log access={quoted(self.log)}")
        self.control("reload")
        self.ask(2)
        self.assertEqual(len(self.logged(other)), 2)

    def test_no_table(self):
        """What is found no more is not logged as found."""
        self.write_config(*self.base, f"log access={quoted(self.log)}")
        self.control("reload", "--force")
        harness.ask(self.daemon.address, search("ring"))
        lines = self.wait_lines(2)
        self.assertEqual([(line["status"], line["table"]) for line in lines],
                         [("found", "main"), ("not-found", "-")])

    def test_path_that_cannot_be_opened(self):
        """The reload fails with file and line, the old file goes on."""
        for path in (self.path("none", "x.log"), self.directory):
            self.change(f"log access={quoted(path)}")
            done = harness.DaemonTest.control(self, "reload")
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(
                done.stdout + done.stderr, re.escape(self.path(
                    "appmsgd.conf")) + ":4: cannot open the access log "
                + re.escape(path))
        self.ask(2)

    def test_cannot_be_opened_again(self):
        """It is told, and the file that was open goes on."""
        self.rotate(1)
        os.mkdir(self.log)
        self.daemon.signal(signal.SIGUSR1)
        self.daemon.wait_log("cannot open the access log again file=")
        self.ask(2, f"{self.log}.1")

    def test_during_load(self):
        """No line is lost or cut while the file is renamed again and again.
        """
        rounds = 20
        n = 200
        with harness.Peer(self.daemon.address) as peer:
            for i in range(rounds):
                peer.send(b"".join(search(f"{i}-{j}", **kept())
                                   for j in range(n)))
                self.rotate(i)
                self.daemon.signal(signal.SIGUSR1)
                self.wait_made()
                for _ in range(n):
                    peer.reply()

        logs = [self.path(name) for name in os.listdir(self.directory)
                if name.startswith("access.log")]

        # A write of many lines is not seen whole at once.
        def count():
            return sum(pathlib.Path(log).read_bytes().count(b"\n")
                       for log in logs)

        harness.wait_until(lambda: count() >= 1 + rounds * n, "all lines")
        keys = [line["key"] for log in logs for line in self.logged(log)]
        self.assertEqual(sorted(keys), sorted(['"ring"'] + [
            f'"{i}-{j}"' for i in range(rounds) for j in range(n)]))


class Starting(AccessTest):
    """A log that cannot be written to is not gone without."""

    def fails(self, path, *lines, option="-d"):
        config = self.configure(f"log access={quoted(path)}", *lines)
        done = harness.run(harness.program("appmsgd"), option, "-f", config)
        self.assertEqual(done.returncode, CONFIG, done)
        self.assertIn(f"{config}:2: cannot open the access log {path}: ",
                      done.stderr)
        return done.stderr

    def test_failures(self):
        """A folder, a pipe."""
        self.assertIn("directory", self.fails(self.directory))
        os.mkfifo(self.path("pipe"))
        self.fails(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.assertIn("neither a regular file nor a device",
                      self.fails(self.path("pipe")))

    def test_check_makes_no_file(self):
        """appmsgd -n looks at the folder, and leaves it as it is."""
        config = self.configure(f"log access={quoted(self.log)}")
        done = harness.run(harness.program("appmsgd"), "-n", "-f", config)
        self.assertEqual(done.returncode, 0, done)
        self.assertFalse(os.path.exists(self.log))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_user(self):
        """It is opened with the rights that open it again later."""
        os.chmod(self.directory, 0o755)
        for option in ("-d", "-n"):
            self.assertIn("Permission denied", self.fails(
                self.log, "user nobody", option=option))
        account = pwd.getpwnam("nobody")
        folder = self.path("log")
        os.mkdir(folder, 0o750)
        os.chown(folder, account.pw_uid, account.pw_gid)
        log = os.path.join(folder, "access.log")
        daemon = self.start("user nobody", self.control_line(), log=log)
        self.assert_serves(daemon.address)
        self.wait_lines(1, log)
        self.assertEqual(os.stat(log).st_uid, account.pw_uid)
        os.rename(log, log + ".1")
        daemon.signal(signal.SIGUSR1)
        harness.wait_until(lambda: os.path.exists(log), "it is made again")
        self.control("status")      # and what made it is done
        self.assert_serves(daemon.address)
        self.wait_lines(1, log)


if __name__ == "__main__":
    harness.main()
