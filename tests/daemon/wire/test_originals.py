#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The tutorial's own programs, both ways.

Their clients see no difference between their servers and appmsgd, and
appmsg-client sees none either.
"""

import ast
import collections
import os
import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, RING, TUTORIAL, client, run

# Actions and values as the tutorial's client takes them.
ASKED = (
    *(("search", key) for key in TUTORIAL),
    ("search", "no such"), ("search", ""), ("search", "\u00e9\u4e2d"),
    ("search", 'quote" back\\slash'), ("search", "line\nbreak\ttab\x01"),
    ("search", "\U0001f430" * 300), ("search", "x" * 5000),
    ("binary", "\U0001f603"), ("binary", ""), ("double", "ring"),
    ("", "x"), ("binary", "12345678901234567890"),
)

# What appmsg-client is asked: its arguments.
CALLS = (
    *(["search", key] for key in TUTORIAL),
    ["search", "no such"], ["search", "\u00e9"], ["search", 'a "b" \\c'],
    ["search", "ring", "no such", "morpheus"], ["search", ""],
    ["--json", "search", "ring", "no such"],
    ["binary", "\U0001f603"], ["binary", "ring"],
    ["binary", "12345678901234567890"],
)

ECHO_PORT = 65432   # written in echo-client.py
TUTORIAL_TEXTS = b"Message 1 from client.Message 2 from client."


class Messages(harness.DaemonTest):
    """app-client.py and appmsg-client against both servers."""

    def setUp(self):
        super().setUp()
        self.theirs = self.original("app-server.py", LOOPBACK, "PORT")
        self.ours = self.start().port

    def app_client(self, port, action, value):
        """What app-client.py prints, ports aside."""
        script = os.path.join(harness.originals(), "app-client.py")
        done = run(sys.executable, script, LOOPBACK, str(port), action,
                   value)
        return (done.returncode, done.stderr,
                done.stdout.replace(str(port), "PORT"))

    def test_app_client(self):
        """Prints the same against both."""
        for action, value in ASKED:
            with self.subTest(action=action, value=value):
                ours = self.app_client(self.ours, action, value)
                self.assertEqual(
                    ours, self.app_client(self.theirs, action, value))
                self.assertIn("got re", ours[2])
                if value == "ring" and action == "search":
                    self.assertIn(f"got result: {RING}", ours[2])

    def test_appmsg_client(self):
        """Prints the same against both, and ends with the same status.

        But for binary: only appmsgd says that such bytes are not found, so
        that they go to standard error.
        """
        for args in CALLS:
            with self.subTest(args):
                # Only appmsgd knows what was meant.
                if "search" in args:
                    args = ["--suggest=0", *args]
                ours = client("-p", self.ours, *args)
                theirs = client("-p", self.theirs, *args)
                if "binary" in args:
                    self.assertEqual((ours.returncode, ours.stdout), (1, ""))
                    self.assertEqual((theirs.returncode, theirs.stderr),
                                     (0, ""))
                    self.assertEqual(ours.stderr, theirs.stdout + "\n")
                else:
                    self.assertEqual((ours.stdout, ours.stderr),
                                     (theirs.stdout, theirs.stderr.replace(
                                         f":{self.theirs}: ",
                                         f":{self.ours}: ")))
                    self.assertEqual(ours.returncode, theirs.returncode)
                    self.assertIn(ours.returncode, (0, 1))


class Echo(harness.DaemonTest):
    """The echo and the multi-connection programs."""

    def setUp(self):
        super().setUp()
        harness.originals()

    def echo(self):
        """The port of an appmsgd that echoes."""
        return self.start(f"listen {LOOPBACK} 0 service=echo").port

    def test_echo_client(self):
        """echo-client.py against appmsgd."""
        script = self.original_copy("echo-client.py", ECHO_PORT,
                                    self.echo())
        done = run(sys.executable, script)
        self.assertEqual((done.returncode, done.stdout),
                         (0, "Received b'Hello, world'\n"), done)

    def test_multiconn_client(self):
        """multiconn-client.py: each connection gets both its messages."""
        script = os.path.join(harness.originals(), "multiconn-client.py")
        for count in (1, 5, 40):
            done = run(sys.executable, script, LOOPBACK, str(self.echo()),
                       str(count))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            received = collections.defaultdict(bytes)
            for data, number in re.findall(
                    r"^received (b'.*') from connection (\d+)$",
                    done.stdout, re.MULTILINE):
                received[int(number)] += ast.literal_eval(data)
            self.assertEqual(received, {
                i + 1: TUTORIAL_TEXTS for i in range(count)})
            closed = re.findall(r"^closing connection (\d+)$", done.stdout,
                                re.MULTILINE)
            self.assertEqual(sorted(map(int, closed)),
                             list(range(1, count + 1)))

    def client_echo(self, port, *args):
        """appmsg-client echo: each text, once for each connection."""
        count = int(args[args.index("-c") + 1]) if "-c" in args else 1
        texts = ["Message 1", "\U0001f430", "x" * 5000]
        done = client("-p", port, "echo", *args, *texts)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sorted(done.stdout.splitlines()),
                         sorted(texts * count))

    def test_appmsg_client_with_multiconn_server(self):
        """20 connections at once to the tutorial's server, and to ours."""
        theirs = self.original("multiconn-server.py", LOOPBACK, "PORT")
        for port in (theirs, self.echo()):
            self.client_echo(port, "-c", "20")
            self.client_echo(port)


if __name__ == "__main__":
    harness.main()
