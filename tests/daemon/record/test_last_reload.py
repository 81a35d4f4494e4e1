#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""How the last reload went is told wherever one may look.

What serves does not show that the files are wrong by now, and would keep the
next start from serving.
"""

import http.client
import json
import os
import re
import socket
import sys
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import openmetrics
import shim
from harness import (DEADLINE, LOOPBACK, answer, environment, program,
                     wait_until)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d{4}"
MISTAKE = r'unknown directive "listn"; did you mean "listen"\?'

# While a file is there, no memory for the main thread; and a load that finds
# another one moves it, and waits until it is gone.
NO_MEMORY = r"""
#include <stdio.h>
#include <unistd.h>

static int
is_there(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0;
}

void *
calloc(size_t n, size_t size)
{
	static void *(*next)(size_t, size_t);
	const char *loads = getenv("SHIM_LOADS"), *held = getenv("SHIM_HELD");

	if (next == NULL)
		next = dlsym(RTLD_NEXT, "calloc");
	if (gettid() != getpid()) {
		if (is_there(loads) && rename(loads, held) == 0)
			while (is_there(held))
				usleep(1000);
	} else if (is_there(getenv("SHIM_NONE"))) {
		errno = ENOMEM;
		return NULL;
	}
	return next(n, size);
}
"""


class LastReload(harness.DaemonTest):
    """A daemon that can be asked in all ways."""

    def setUp(self):
        super().setUp()
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(self.path("notify"))
        self.manager.settimeout(DEADLINE)
        self.base = [f"listen {LOOPBACK} 0",
                     f"listen {LOOPBACK} 0 service=http", self.control_line()]
        self.daemon = self.start(
            *self.base, env=environment(NOTIFY_SOCKET=self.path("notify")))
        self.wait_status("generation 1, 3 entries")

    def wait_status(self, pattern):
        """Wait for a status that the service manager is told."""
        while True:
            for line in self.manager.recv(65536).decode().split("\n"):
                if re.fullmatch("STATUS=" + pattern, line):
                    return

    def change(self, *lines):
        self.configure(*self.base, *lines)

    def fetch(self, path):
        """A page of service=http."""
        connection = http.client.HTTPConnection(
            *self.daemon.addresses[1], timeout=DEADLINE)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def assert_told(self, outcome, problem=None, more=0):
        """All say the same of it: (outcome, seconds since 1970)."""
        line = "none since the start" if outcome == "none" else \
            f"{TIME}, {outcome}"
        line += f": {problem}" if problem else ""
        line += rf" \(and {more} more\)" if more else ""
        done = self.control("status")
        self.assertRegex(done.stdout, f"(?m)^last reload  {line}$")
        status = json.loads(self.control("--json", "status").stdout)
        last = status["last-reload"]
        self.assertEqual(last["outcome"], outcome)
        self.assertEqual("problem" in last, problem is not None)
        if problem:
            self.assertRegex(last["problem"], f"^{problem}$")
            self.assertEqual(last["problems"], 1 + more)
        if outcome != "none":
            self.assertRegex(last["time"], f"^{TIME}$")
        for text in (self.control("--json", "stats").stdout,
                     self.fetch("/stats.json")):
            self.assertEqual(json.loads(text)["last-reload"], last)
        families = openmetrics.read(self.fetch("/metrics"))
        self.assertEqual(families["appmsgd_last_reload_success"].value(),
                         0 if outcome == "failed" else 1)
        return families["appmsgd_last_reload_time_seconds"].value()

    def assert_wrong(self, order):
        """A wrong config, reloaded by this, is told; then a right one."""
        began = int(time.time())
        self.assertLessEqual(self.assert_told("none"), began)
        self.change("listn x", "limit y 1")
        where = re.escape(self.daemon.config) + ":4: "
        order()
        self.wait_status(f"last reload failed {TIME}, generation 1 with 3 "
                         f"entries goes on: {where}{MISTAKE}")
        at = self.assert_told("failed", where + MISTAKE, more=1)
        self.assertLessEqual(began, at)
        self.assertLessEqual(at, time.time())
        self.change(answer("more", "x"))
        order()
        self.wait_status(f"generation 2, 4 entries, reloaded {TIME}")
        self.assertLessEqual(at, self.assert_told("done"))

    def test_by_control(self):
        self.assert_wrong(lambda: self.control("reload"))

    def test_by_signal(self):
        self.assert_wrong(self.daemon.hang_up)

    def test_what_only_a_start_changes(self):
        """The way out is told, too."""
        self.change("workers 7")
        self.control("reload")
        self.assert_told(
            "failed", re.escape(self.daemon.config) + ":4: a reload cannot "
            "change workers; restart for that, as by \"systemctl restart "
            "appmsgd\"")

    def test_config_that_is_gone(self):
        os.remove(self.daemon.config)
        self.daemon.hang_up()
        self.wait_status("last reload failed .*")
        self.assert_told("failed", re.escape(self.daemon.config) +
                         ": cannot read it: No such file .*")

    def test_a_guard(self):
        """A table that lost its keys is a failure, until it is forced."""
        self.write("words.tsv", "".join(f"{n}\tx\n" for n in range(9)))
        self.change(f"table words file {self.path('words.tsv')}")
        self.control("reload")
        self.assert_told("done")
        self.write("words.tsv", "1\tx\n")
        self.control("reload")
        self.assert_told("failed", '.*the table "words" lost 8 of 9 .*')
        self.control("--force", "reload")
        self.assert_told("done")

    def test_diffs_and_rollbacks(self):
        """Neither is a reload: what the files are is as it was."""
        self.change("listn x")
        self.control("diff")
        self.control("rollback")
        self.assert_told("none")
        self.wait_status("generation 1, 3 entries")
        self.change(answer("more", "x"))
        self.control("reload")
        self.wait_status(f"generation 2, 4 entries, reloaded {TIME}")
        self.change("listn x")
        self.control("reload")
        self.wait_status(f"last reload failed {TIME}, generation 2 with .*")
        self.control("rollback")
        self.wait_status(f"last reload failed {TIME}, generation 3 with .*")
        self.assert_told("failed", f".*{MISTAKE}")

    def test_without_memory_to_begin(self):
        """Not even then it goes unnoticed: SIGHUP has no other reply."""
        self.daemon.stop()
        self.daemon = self.start(
            *self.base, "sandbox no",
            env=environment(NOTIFY_SOCKET=self.path("notify"),
                            SHIM_NONE=self.path("none"),
                            **shim.preload(self, NO_MEMORY)))
        self.write("none", "")
        self.daemon.hang_up()
        self.daemon.wait_log("out of memory for a reload")
        os.remove(self.path("none"))
        why = "there was no memory to say why"
        self.wait_status(
            f"last reload failed {TIME}, generation 1 with .*{why}")
        self.assert_told("failed", why)
        told = json.loads(self.control("--json", "stats").stdout)
        self.assertEqual((told["reloads"], told["reloads-failed"]), (0, 1))
        told = json.loads(self.control("--json", "history").stdout)
        self.assertEqual(
            [(row["outcome"], row["by"]) for row in told["history"]],
            [("failed", "SIGHUP"), ("done", "start")])
        self.assertEqual(told["history"][0]["problem"], why)

    def test_without_memory_to_begin_beside_a_diff(self):
        """The manager is not left waiting for what a diff does not say."""
        self.daemon.stop()
        self.daemon = self.start(
            *self.base, "sandbox no",
            env=environment(NOTIFY_SOCKET=self.path("notify"),
                            SHIM_LOADS=self.path("loads"),
                            SHIM_HELD=self.path("held"),
                            SHIM_NONE=self.path("none"),
                            **shim.preload(self, NO_MEMORY)))
        self.write("loads", "")
        self.spawn(program("appmsgctl"), "-s", self.path("control.sock"),
                   "diff")
        wait_until(lambda: os.path.exists(self.path("held")),
                   "it is being read")
        self.write("none", "")
        self.daemon.hang_up()
        self.daemon.wait_log("out of memory for a reload")
        os.remove(self.path("none"))
        self.wait_status("last reload failed .*")
        os.remove(self.path("held"))
        self.daemon.stop()
        told = self.manager.recv(65536).decode()
        self.assertTrue(told.startswith("STOPPING=1"), told)

    def test_long_problems(self):
        """However long a problem is, the manager is told."""
        self.change("\u20ac" * 3000)
        self.daemon.hang_up()
        self.wait_status("last reload failed .*\u20ac\\.\\.\\.")
        self.assert_told("failed", ".*\u20ac\\.\\.\\.")


if __name__ == "__main__":
    harness.main()
