#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Two starts at once over a dead unix socket: one serves, the other fails."""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import shim
from harness import environment, program, quoted

# Removing a file waits, so that the other one may start meanwhile.
SLOW = """
int
unlink(const char *path)
{
	int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT,
	    "unlink");
	struct timespec tick = { 0, 10000000 };
	struct stat sb;

	if (stat(getenv("SHIM_GO"), &sb) == 0)
		return real(path);
	mkdir(getenv("SHIM_REACHED"), 0700);
	for (int i = 0; i < 3000 && stat(getenv("SHIM_GO"), &sb) != 0; i++)
		nanosleep(&tick, NULL);
	return real(path);
}
"""


class TwoStarts(harness.DaemonTest):
    """The first one is stopped between finding it dead and removing it."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("run"))
        self.socket = self.path("run/socket")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(self.socket)

    def launch(self, name, **variables):
        """Start a daemon of this name, which is its answer."""
        config = self.write_config(
            f"listen {quoted(self.socket)}", harness.answer("who", name),
            name=name)
        process = subprocess.Popen(
            [program("appmsgd"), "-d", "-f", config],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(**variables))

        def end():
            process.kill()
            process.wait(harness.DEADLINE)

        self.addCleanup(end)
        return process

    def is_reached(self, process):
        """Whether it serves, or looks at the folder of the socket."""
        files = f"/proc/{process.pid}/fd"
        with contextlib.suppress(OSError):
            if self.path("run") in (os.readlink(os.path.join(files, fd))
                                    for fd in os.listdir(files)):
                return True
        try:
            return harness.ask(self.socket, harness.search("who")) == \
                harness.plain_reply("second")
        except OSError:
            return False

    def test_one_of_them_serves(self):
        harness.needs_proc()
        variables = shim.preload(self, SLOW)
        first = self.launch("first", SHIM_GO=self.path("go"),
                            SHIM_REACHED=self.path("reached"), **variables)
        harness.wait_until(lambda: os.path.exists(self.path("reached")),
                           "the first one removes the dead socket")
        second = self.launch("second")
        harness.wait_until(lambda: self.is_reached(second),
                           "the second one has come as far as it can")
        os.mkdir(self.path("go"))
        both = {"first": first, "second": second}
        harness.wait_until(
            lambda: any(p.poll() is not None for p in both.values()),
            "one of them has failed")
        serving = [name for name, p in both.items() if p.poll() is None]
        self.assertEqual(len(serving), 1)
        self.assertEqual({p.returncode for p in both.values()}, {None, 71})
        # It takes connections from when it is bound on.
        self.assertEqual(
            harness.ask(self.socket, harness.search("who")),
            harness.plain_reply(serving[0]))

    def test_a_lock_of_somebody_else(self):
        """It delays the start, and does not keep it off."""
        folder = os.open(self.path("run"), os.O_RDONLY)
        self.addCleanup(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_SH)
        daemon = self.start(f"listen {quoted(self.socket)}")
        self.assert_serves(daemon.address)


if __name__ == "__main__":
    harness.main()
