#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""All that the daemon does, at once, for some seconds: each reply is right,
and at the end nothing is left behind.

This is for sanitizers, that for threads before all: .ci/run has it run for a
minute, by APPMSG_MIXED_SECONDS.  APPMSG_SEED repeats what is asked.
"""

import json
import os
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from mixed import MixedTest

SECONDS = float(os.environ.get("APPMSG_MIXED_SECONDS",
                               harness.thorough("1.5", "3")))
LOOKS = ("status", "stats", "tables", "explain", "diff", "log", "reload",
         "rollback")


class Mixed(MixedTest):
    """Four workers."""

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def state(self):
        return json.loads(self.order("status").content)

    def test_all_at_once(self):
        harness.needs_proc()
        self.start_version(0)
        before = self.descriptors()
        with harness.background(*self.threads()):
            self.over.wait(SECONDS)
            # With a sanitizer the first of something may take that long.
            try:
                harness.wait_until(
                    lambda: self.over.is_set() or
                    set(LOOKS) <= set(self.counts), "all was asked")
            finally:
                self.over.set()
        print(self.counts)
        harness.wait_until(
            lambda: (self.state()["connections"],
                     self.state()["held-bytes"]) == (0, 0),
            "no connection is left")
        harness.wait_until(lambda: self.descriptors() <= before,
                           "no descriptor is left")
        self.daemon.stop()


if __name__ == "__main__":
    harness.main()
