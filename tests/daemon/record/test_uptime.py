#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""How long the daemon runs, whatever somebody sets the clock to.

A few lines of C in the daemon set its wall clock.
"""

import json
import mmap
import os
import shutil
import struct
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK

DAY = 86400
NEAR = 600              # seconds that no test takes

SOURCE = r"""
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t none, *ahead = &none;

__attribute__((constructor)) static void
begin(void)
{
	int fd = open(getenv("WALL_CLOCK"), O_RDONLY);
	void *p = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		abort();
	ahead = p;
	close(fd);
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, ts);

	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		ts->tv_sec += *ahead;
	return rc;
}

time_t
time(time_t *when)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (when != NULL)
		*when = ts.tv_sec;
	return ts.tv_sec;
}
"""


@unittest.skipIf(os.environ.get("APPMSG_SANITIZERS") == "yes",
                 "sanitizers want to be loaded first")
class Uptime(harness.DaemonTest):

    def setUp(self):
        super().setUp()
        compiler = os.environ.get("CC", "cc").split()
        if shutil.which(compiler[0]) is None:
            self.skipTest("no compiler")
        source = self.write("wall.c", SOURCE)
        library = self.path("wall.so")
        made = harness.run(*compiler, "-shared", "-fPIC", "-fno-builtin",
                           "-o", library, source)
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(self.write("ahead", "\0" * 8), "r+b") as file:
            self.ahead = mmap.mmap(file.fileno(), 8)
        self.start(f"listen {LOOPBACK} 0", self.control_line(),
                   env=harness.environment(LD_PRELOAD=library,
                                           WALL_CLOCK=self.path("ahead")))

    def status(self):
        done = self.control("--json", "status")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_clock_is_set(self):
        """It goes on from where it was; what was read when, is told anew."""
        loaded = self.status()["loaded"]
        for ahead in (DAY, -DAY, 10000 * DAY):
            with self.subTest(ahead=ahead):
                self.ahead[:] = struct.pack("q", ahead)
                done = self.control("reload", "--force")
                self.assertEqual(done.returncode, 0)
                status = self.status()
                self.assertIn(status["uptime"], range(NEAR))
                self.assertNotEqual(status["loaded"][:10], loaded[:10])
                text = self.control("status").stdout
                self.assertRegex(text, r"(?m)^uptime +(\d+ min )?\d+ (s|min)$")


if __name__ == "__main__":
    harness.main()
