# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What tests of appmsgctl share."""

import json

import harness
from harness import LOOPBACK


class ControlTest(harness.DaemonTest):
    """A daemon with a control socket."""

    def serve(self, *lines, **kwargs):
        self.base = [f"listen {LOOPBACK} 0", self.control_line(),
                     "workers 2", *lines]
        return self.start(*self.base, **kwargs)

    def done(self, *args):
        """appmsgctl does it, without a complaint: what it prints."""
        done = self.control(*args)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done.stdout

    def failed(self, *args, status=1):
        """appmsgctl fails, and prints on standard error only."""
        done = self.control(*args)
        self.assertEqual((done.returncode, done.stdout), (status, ""), args)
        self.assertNotEqual(done.stderr, "")
        return done.stderr

    def members(self, *args, status=0):
        """The one line of appmsgctl --json, as an object."""
        done = self.control("--json", *args)
        self.assertEqual((done.returncode, done.stderr), (status, ""), args)
        self.assertEqual(done.stdout.count("\n"), 1)
        reply = json.loads(done.stdout)
        self.assertIsInstance(reply["result"], str)
        return reply
