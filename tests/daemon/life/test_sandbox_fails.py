#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A sandbox that could be had and is not there ends the start.

What the system refuses is another matter: see test_sandbox.py.
"""

import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import shim
from harness import LOOPBACK, program, run

# The call CALL does nothing, and says what RETURN has it say.
IN_ITS_PLACE = """
long
syscall(long n, long a, long b, long c, long d, long e, long f)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT,
	    "syscall");

	if (n == CALL) {
		RETURN
	}
	return real(n, a, b, c, d, e, f);
}
"""
NO_MEMORY = "errno = ENOMEM; return -1;"


class Fails(harness.DaemonTest):
    """A start in which a system call goes wrong."""

    def setUp(self):
        super().setUp()
        daemon = self.start(f"listen {LOOPBACK} 0")
        if re.search(r"sandboxed landlock=\d+ seccomp=yes",
                     daemon.log) is None:
            self.skipTest("there is no sandbox")
        daemon.stop()

    def refused(self, call, result):
        """What is said; it exits 71 and never serves."""
        variables = shim.preload(self, IN_ITS_PLACE.replace(
            "CALL", call).replace("RETURN", result))
        config = self.configure(f"listen {LOOPBACK} 0")
        done = run(program("appmsgd"), "-d", "-f", config,
                   env=harness.environment(**variables))
        self.assertEqual(done.returncode, 71, done)
        self.assertNotIn("ready", done.stderr)
        return done.stderr

    def test_filter_that_is_not_there(self):
        """The kernel's yes is not believed."""
        self.assertIn("cannot enter the sandbox: seccomp",
                      self.refused("SYS_seccomp", "return 0;"))

    def test_no_memory(self):
        """Neither wall is done without for want of it."""
        self.assertIn(
            "cannot enter the sandbox: seccomp: Cannot allocate memory",
            self.refused("SYS_seccomp", NO_MEMORY))
        for call in ("SYS_landlock_restrict_self", "SYS_landlock_add_rule"):
            self.assertIn(
                "cannot enter the sandbox: Landlock: Cannot allocate memory",
                self.refused(call, NO_MEMORY))


if __name__ == "__main__":
    harness.main()
