#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Clocks that are wrong: a wall clock that jumps, and a monotonic clock that
has run for as long as one can.

The wall clock is the shim's; the other one is that of a time namespace, which
takes root.
"""

import os
import re
import shutil
import subprocess
import time
import unittest

import acts
from world import harness

SECOND = 10 ** 9    # ns
HOUR = 3600         # s
YEAR = 365 * 24 * HOUR
JUMPS = (5 * HOUR, -5 * HOUR, 0, -50 * YEAR, 100 * YEAR, -1, 0.7, 0)
SOON = 2.5          # seconds before a number of a clock has a bit more


class Clocks(acts.Requests, acts.Control, acts.Reloads):
    """A daemon that must not care."""

    wrapper = ()

    def begin(self, env):
        daemon = harness.Daemon(self.config, env=harness.environment(**env),
                                wrapper=self.wrapper)
        self.daemons[:] = [daemon]
        self.note(daemon)
        return daemon

    def renew(self):
        self.began = time.monotonic()
        super().renew()

    def uptime(self):
        """It counts what has passed."""
        uptime = self.order("status")[1]["uptime"]
        self.assertGreaterEqual(uptime, 0)
        self.assertLessEqual(uptime, time.monotonic() - self.began + 1)

    def assert_well(self, questions):
        """All is served, loaded and ended in time, and nothing spins."""
        for question in questions:
            self.ask_once(question)
        self.judge()
        self.judge_rest()
        self.uptime()
        self.reload_once()
        self.rollback_once()

    def some(self):
        asked = self.learn()
        return [asked[name] for name in ("hit", "pieces", "echo")]


class Wall(Clocks):
    """CLOCK_REALTIME."""

    def test_jumps(self):
        """Back and forth, while a connection stays."""
        self.renew()
        questions = self.some()
        for seconds in JUMPS:
            with self.subTest(seconds):
                self.page.set(realtime=int(seconds * SECOND))
                self.assert_well(questions)

    def test_files_of_the_future(self):
        """Files that were just written, by a clock that is not ours."""
        self.renew()
        for seconds in (-HOUR, -1.5, -1, -.7, -.4, -.1, .1, .7, HOUR):
            self.put("b" if self.serving == "a" else "a")
            for name in os.listdir(self.directory):
                if name.endswith((".tsv", ".conf")):
                    os.utime(self.path(name))
            with self.subTest(seconds):
                self.page.set(realtime=int(seconds * SECOND))
                status, content = self.order("reload")
                self.assertEqual(status, "found", content)
                self.serving = self.which()
                self.assertEqual(self.serving, self.version)

    def test_access_log(self):
        """Its lines have the time of the clock, as it is."""
        self.renew()
        self.page.set(realtime=-10 * YEAR * SECOND)
        year = time.gmtime(time.time() - 10 * YEAR).tm_year
        self.serve_one()

        def logged():
            with open(self.path("access.log")) as file:
                return re.search(rf"(?m)^time={year}-\S+Z ", file.read())

        harness.wait_until(logged, "a line has the time")

    def serve_one(self):
        harness.ask(self.at["tcp"], harness.search("ring"))


class Monotonic(Clocks):
    """CLOCK_MONOTONIC, by a namespace of time."""

    def set_ahead(self, seconds):
        """Daemons started from now on have it so many seconds on."""
        if shutil.which("unshare") is None:
            raise unittest.SkipTest("no unshare here")
        self.wrapper = ("unshare", "--time", f"--monotonic={seconds}",
                        f"--boottime={seconds}")
        tried = subprocess.run([*self.wrapper, "true"], capture_output=True)
        if tried.returncode != 0:
            raise unittest.SkipTest(
                f"no time namespaces: {tried.stderr.decode()[:200]}")

    def renew(self):
        super().renew()
        self.assertNotEqual(os.readlink(f"/proc/{self.daemon.pid}/ns/time"),
                            os.readlink("/proc/self/ns/time"))

    def now(self):
        """By the daemon's clock, in seconds."""
        done = subprocess.run(
            [*self.wrapper, "cat", "/proc/uptime"], capture_output=True,
            check=True)
        return float(done.stdout.split()[0])

    def until(self, number):
        """Have the daemon's clock soon at a number of seconds."""
        self.set_ahead(0)
        self.set_ahead(int(number - self.now() - SOON))

    def assert_passes(self, number):
        """A daemon, and a connection to it, live through that."""
        self.until(number)
        self.renew()
        questions = self.some()
        self.assert_well(questions)
        harness.wait_until(lambda: self.now() > number, "the clock is there")
        self.assert_well(questions)

    def test_32_bits(self):
        """Of milliseconds, with and without a sign, and of seconds."""
        for number in (2**31 / 1000, 2**32 / 1000, 2**31, 2**32):
            with self.subTest(number):
                self.assert_passes(number)

    def test_just_booted(self):
        """A clock that has hardly begun."""
        self.set_ahead(0)
        self.set_ahead(-int(self.now()))
        self.renew()
        self.assert_well(self.some())


if __name__ == "__main__":
    harness.main()
