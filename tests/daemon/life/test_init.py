#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The init script for machines without systemd, with paths of the test's own.
"""

import os
import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, RING, answer, program


class Init(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port()
        self.configure_with()
        with open(os.path.join(os.environ["APPMSG_BUILD"], "etc",
                               "appmsgd.init")) as file:
            text = file.read()
        for name, value in (
                ("conf", self.path("appmsgd.conf")),
                ("daemon", program("appmsgd")),
                ("control", f"'{program('appmsgctl')} -s "
                            f"{self.path('control.sock')}'")):
            text, n = re.subn(rf"(?m)^{name}=.*$", f"{name}={value}", text)
            self.assertEqual(n, 1, name)
        self.script = self.write("init", text)
        self.addCleanup(self.control, "drain")

    def configure_with(self, *lines):
        self.write_config(f"listen {LOOPBACK} {self.port}",
                          self.control_line(), answer("ring", RING), *lines)

    def init(self, *words):
        return harness.run("sh", "-u", self.script, *words)

    def done(self, word):
        done = self.init(word)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def pid(self):
        return int(re.search(r"(?m)^pid +(\d+)$", self.done("status"))[1])

    def test_from_start_to_stop(self):
        self.assertEqual(self.init("status").returncode, 3)
        self.done("start")
        self.assert_serves((LOOPBACK, self.port))
        pid = self.pid()
        self.done("start")      # there is one
        self.assertEqual(self.pid(), pid)
        self.configure_with(answer("a", "b"))
        self.assertIn("generation 2 serves, 2 entries", self.done("reload"))
        self.assertEqual(self.pid(), pid)
        self.done("restart")
        self.assertNotEqual(self.pid(), pid)
        self.assert_serves((LOOPBACK, self.port))
        self.done("stop")
        self.assertEqual(self.init("status").returncode, 3)
        self.done("stop")       # there is none

    def test_a_mistake(self):
        """It is told, and takes nobody's daemon away."""
        self.configure_with("anser x y")
        done = self.init("start")
        self.assertEqual(done.returncode, 78)
        self.assertIn(':4: unknown directive "anser"', done.stderr)
        self.configure_with()
        self.done("start")
        pid = self.pid()
        self.configure_with("anser x y")
        for word in ("restart", "reload"):
            done = self.init(word)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(':4: unknown directive "anser"', done.stderr)
        self.assertEqual(self.pid(), pid)

    def test_other_words(self):
        for words in ((), ("begin",)):
            done = self.init(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn("start|stop", done.stderr)


if __name__ == "__main__":
    harness.main()
