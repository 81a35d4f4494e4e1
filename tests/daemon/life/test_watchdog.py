#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The service manager hears of the daemon while all of it is well."""

import contextlib
import ctypes
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import manager
import shim
from harness import program

INTERVAL = 0.6      # seconds
SILENT = "a worker gives no sign of life"
ALIVE = "all workers give signs of life"
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000   # of waitpid(2): threads, too
TRIES = 10          # of what a busy machine may spoil

# A thousand times as fast, so that any load takes long.
FAST_CLOCK = """
#include <unistd.h>

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	static long long first;
	long long now;

	if (syscall(SYS_clock_gettime, id, ts) != 0)
		return -1;
	if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE)
		return 0;
	now = ts->tv_sec * 1000000000LL + ts->tv_nsec;
	if (first == 0)
		first = now;
	now = first + (now - first) * 1000;
	ts->tv_sec = now / 1000000000;
	ts->tv_nsec = now % 1000000000;
	return 0;
}
"""

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p)
libc.ptrace.restype = ctypes.c_long


def ptrace(request, tid):
    if libc.ptrace(request, tid, None, None) != 0:
        raise unittest.SkipTest(
            f"no ptrace here: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def frozen(tid):
    """A single thread of another process stands still meanwhile."""
    ptrace(PTRACE_SEIZE, tid)
    ptrace(PTRACE_INTERRUPT, tid)
    os.waitpid(tid, WALL)
    try:
        yield
    finally:
        ptrace(PTRACE_DETACH, tid)


def threads(pid):
    """Names of a process's threads by number."""
    names = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as file:
            names[int(tid)] = file.read().strip()
    return names


class Watchdog(manager.ManagedTest):
    """With a manager that has one, and signs of life that it waits for."""

    def setUp(self):
        super().setUp()
        self.manager = manager.Notified(self.path("notify"))
        self.addCleanup(self.manager.close)

    def watched(self, *lines, usec=str(int(INTERVAL * 1e6)), pid="self"):
        env = {**self.manager.environment(), "WATCHDOG_USEC": usec}
        if pid is not None:
            env["WATCHDOG_PID"] = pid
        daemon = self.manage(*lines, env=env)
        self.manager.wait("READY=1")
        return daemon

    def fed(self, seconds):
        """How often, in a time."""
        count, end = 0, time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            while (left := end - time.monotonic()) > 0:
                count += "WATCHDOG=1" in self.manager.receive(left)
        return count

    def test_fed(self):
        """Three times in its interval; with no process named, too."""
        for pid in ("self", None):
            daemon = self.watched("workers 3", pid=pid)
            for _ in range(TRIES):
                began = time.monotonic()
                self.manager.forget()
                for _ in range(5):
                    self.manager.wait("WATCHDOG=1")
                took = time.monotonic() - began
                # Where others have the machine, it may be late once.
                if INTERVAL < took < 5 * INTERVAL:
                    break
            self.assertGreater(took, INTERVAL)
            self.assertLess(took, 5 * INTERVAL)
            daemon.stop()

    def test_nobody_watches(self):
        """Another process's, or none, or one that is no number."""
        for case in ({"pid": "1"}, {"usec": "0"}, {"usec": "x"}):
            with self.subTest(**case):
                daemon = self.watched(**case)
                self.assertEqual(self.fed(2 * INTERVAL), 0)
                self.assertEqual("WATCHDOG_USEC is " in daemon.log,
                                 "usec" in case)
                daemon.stop()

    def test_a_worker_stands_still(self):
        """One of three is enough; when it goes on, so does the feeding."""
        harness.needs_proc()
        daemon = self.watched("workers 3", self.control_line())

        def workers_named():
            found = [tid for tid, name in threads(daemon.pid).items()
                     if name.startswith("worker")]
            return found if len(found) == 3 else None

        workers = harness.wait_until(workers_named, "threads have names")
        for tid in workers:
            self.assertTrue(any(self.stands_still(daemon, tid)
                                for _ in range(TRIES)), "never seen")

    def stands_still(self, daemon, tid):
        """What is said and fed while a worker does nothing.

        Returns whether that was seen: not where the daemon was held up, and
        missed a sign before, since that is told once, however long it takes.
        """
        with frozen(tid):
            since, log = len(daemon.lines), daemon.log
            missed = log.rfind(SILENT) > log.rfind(ALIVE)
            if not missed:
                # The sign that it gave before may still be passed on.
                daemon.wait_log(SILENT, since)
                self.manager.forget()
                self.assertEqual(self.fed(2 * INTERVAL), 0)
                # The rest is well, and would have fed it.
                self.assertEqual(self.control("status").returncode, 0)
                said = "".join(daemon.lines[since:])
                self.assertEqual(said.count("of life"), 1, said)
        self.manager.forget()
        self.manager.wait("WATCHDOG=1")
        daemon.wait_log(ALIVE, since)
        return not missed

    def test_while_it_drains(self):
        """A drain takes its time, and is no reason to be killed."""
        daemon = self.watched("workers 1", "timeout drain 60s")
        peer = self.peer(daemon.address)
        peer.send(harness.search("ring")[:-1])
        daemon.terminate()
        lines = self.manager.wait("STOPPING=1")
        self.assertIn("EXTEND_TIMEOUT_USEC=70000000", lines)
        for _ in range(4):
            self.manager.wait("WATCHDOG=1")
        peer.send(harness.search("ring")[-1:])
        peer.to_end()
        self.assertEqual(daemon.wait(), 0)


class Extend(manager.ManagedTest):
    """A load that takes long asks for more time, while it comes forward."""

    def test_reload_and_check(self):
        """So does -n, which the service runs before a reload."""
        notified = manager.Notified(self.path("notify"))
        self.addCleanup(notified.close)
        variables = {**notified.environment(),
                     **shim.preload(self, FAST_CLOCK)}
        daemon = self.manage(env=variables)
        notified.wait("READY=1")
        self.assertNotIn("EXTEND", "".join(notified.told))
        self.write("big.tsv", b"".join(b"key %d\t%s\n" % (i, b"x" * 1000)
                                       for i in range(40000)))
        config = self.configure(f"table big file {self.path('big.tsv')}")

        daemon.hang_up()
        self.assertIn("generation 2,", "".join(notified.wait("READY=1")))
        self.assertIn("EXTEND_TIMEOUT_USEC=", "".join(notified.told))

        notified.told.clear()
        check = subprocess.Popen(
            [program("appmsgd"), "-n", "-f", config], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=harness.environment(**variables))
        # A manager listens: one that does not makes whoever tells it wait.
        while check.poll() is None:
            with contextlib.suppress(TimeoutError):
                notified.receive(.1)
        with check.stderr:
            self.assertEqual((check.returncode, check.stderr.read()), (0, b""))
        notified.forget()
        self.assertIn("EXTEND_TIMEOUT_USEC=", "".join(notified.told))


if __name__ == "__main__":
    harness.main()
