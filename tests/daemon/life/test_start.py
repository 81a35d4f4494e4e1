#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Between binding and serving: sockets are there while tables are read."""

import os
import select
import signal
import subprocess
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import environment, plain_reply, program, quoted, search

ENTRIES = 200000        # long enough to be met while they are read


class Loading(harness.DaemonTest):
    """A daemon that has a table to read."""

    def setUp(self):
        super().setUp()
        self.socket = self.path("socket")
        self.paths = [self.socket, self.path("pid"),
                      self.path("control.sock")]
        self.lines = [f"listen {self.socket}", self.control_line(),
                      f"pidfile {quoted(self.path('pid'))}",
                      "table t file t.tsv search=substring"]
        self.write("t.tsv", "".join(f"key {i}\tanswer {i}\n"
                                    for i in range(ENTRIES)))

    def launch(self, *args):
        """Start it, and do not wait until it serves."""
        process = subprocess.Popen(
            [program("appmsgd"), *args, "-f", self.configure(*self.lines)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=environment())

        def end():
            process.kill()
            process.wait(harness.DEADLINE)
            process.stderr.close()

        self.addCleanup(end)
        return process

    def await_sandbox(self, process):
        """Read its log until all of its paths are there."""
        said = b""
        while not all(map(os.path.exists, self.paths)):
            ready = select.select([process.stderr], [], [], harness.DEADLINE)
            self.assertTrue(ready[0], said)
            line = process.stderr.readline()
            self.assertTrue(line, said)
            said += line
        return said

    def test_clients_wait(self):
        """Who connects while it reads is answered when it serves."""
        process = self.launch("-d")
        self.await_sandbox(process)
        answer = harness.ask(self.socket, search("key 7"))
        self.assertEqual(answer, plain_reply("answer 7"))
        process.terminate()
        process.communicate(timeout=harness.DEADLINE)
        self.assertEqual(process.returncode, 0)

    def test_stopped(self):
        """A signal ends the reading, and leaves no path behind."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                process = self.launch("-d")
                self.await_sandbox(process)
                process.send_signal(number)
                process.communicate(timeout=harness.DEADLINE)
                # As the system ends it; 0 where it served already.
                self.assertIn(process.returncode, (-number, 0))
                for path in self.paths:
                    self.assertFalse(os.path.exists(path), path)

    def test_wrong_table(self):
        """78 and what is wrong, in the background too; no path is left."""
        self.write("t.tsv", "a\tb\nno tab\n")
        for args in (("-d",), ()):
            with self.subTest(args=args):
                process = self.launch(*args)
                _, said = process.communicate(timeout=harness.DEADLINE)
                self.assertEqual(process.returncode, 78, said)
                self.assertIn(f"{self.path('t.tsv')}:2: no TAB".encode(),
                              said)
                for path in self.paths:
                    self.assertFalse(os.path.exists(path), path)


if __name__ == "__main__":
    harness.main()
