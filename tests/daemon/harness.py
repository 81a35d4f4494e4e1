# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What the daemon tests share: a test with a daemon, and what it is told.

A test starts the real appmsgd in a temporary directory and talks to it over
plain sockets.  Beside the programs, the environment may name:

    APPMSG_ORIGINALS                    the tutorial's programs
    APPMSG_JSON_SUITE                   the JSON test suite
    APPMSG_SEED                         random choices, to repeat a run
    APPMSG_THOROUGH                     that all is tried, not a part; "slow":
                                        also what takes minutes

What it is made of is in modules of their own: message.py, peer.py, waits.py
and daemon.py, all of whose names can be had from here.
"""

import contextlib
import faulthandler
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from daemon import (LOOPBACK, SANITIZERS, Daemon, client, cpu_of, environment,
                    free_port, has_ipv6, is_listening, measurable, needs_proc,
                    no_reports, powerless, program, resident, run, sanitized,
                    status_of, top)
from message import (ABSENT, REQUIRED, Reply, binary, bytewise, cut, encode,
                     first_bytes, kept, no_match, plain_binary_reply,
                     plain_reply, request, search, strict_json, to_json)
from peer import Ended, Peer, ask, ask_reply
from waits import DEADLINE, POLL, background, in_time, wait_until

TUTORIAL = {
    "morpheus": "Follow the white rabbit. \U0001f430",
    "ring": "In the caves beneath the Misty Mountains. \U0001f48d",
    "\U0001f436": "\U0001f43e Playing ball! \U0001f3d0",
}
RING = TUTORIAL["ring"]


def originals():
    """The folder of the tutorial's programs; skips the test without it."""
    folder = os.environ.get("APPMSG_ORIGINALS")
    if not folder:
        raise unittest.SkipTest("APPMSG_ORIGINALS is not set")
    if not os.path.isfile(os.path.join(folder, "app-server.py")):
        raise AssertionError(f"no app-server.py in {folder}")
    return os.path.abspath(folder)


def json_suite(kind):
    """Names and bytes of the suite's y_, n_ or i_ files, sorted."""
    folder = os.environ.get("APPMSG_JSON_SUITE")
    if not folder:
        raise unittest.SkipTest("APPMSG_JSON_SUITE is not set")
    below = os.path.join(folder, "test_parsing")
    if os.path.isdir(below):
        folder = below
    files = []
    for name in sorted(os.listdir(folder)):
        if name.startswith(kind) and name.endswith(".json"):
            with open(os.path.join(folder, name), "rb") as file:
                files.append((name, file.read()))
    return files


def thorough(few, many):
    """How much of something is tried: few, or many in make check-slow."""
    return many if os.environ.get("APPMSG_THOROUGH") else few


def slow(few, many):
    """The same of what takes minutes: many in make check-slow alone, and not
    where sanitizers make it longer still."""
    return many if os.environ.get("APPMSG_THOROUGH") == "slow" else few


def seeded(default=None):
    """A random generator, and its seed to be told on failure.

    APPMSG_SEED repeats a run.
    """
    seed = os.environ.get("APPMSG_SEED", default)
    seed = random.randrange(1 << 32) if seed is None else int(seed)
    return random.Random(seed), seed


def quoted(text):
    """A word of the config that stands for any text."""
    return json.dumps(text, ensure_ascii=False)


def answer(key, text):
    """A line of the config."""
    return f"answer {quoted(key)} {quoted(text)}"


def digests(reply, entries):
    """The last members of what explain says, as the reply has them."""
    names = ("digest", "generation-digest", "entries")
    for name in names[:2]:
        assert re.fullmatch("[0-9a-f]{32}", reply.header[name]), reply
    return [*((name, reply.header[name]) for name in names[:2]),
            (names[2], entries)]


TUTORIAL_LINES = tuple(answer(*pair) for pair in TUTORIAL.items())


class DaemonTest(unittest.TestCase):
    """A test with a directory of its own, and daemons that end with it."""

    maxDiff = 4000

    def setUp(self):
        base = tempfile.gettempdir()
        if len(base) > 60:      # the path of a unix socket is short
            base = "/tmp"
        self.directory = tempfile.mkdtemp(prefix="appmsg-", dir=base)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.daemons = []

    def run(self, result=None):
        """As unittest does; a test that failed shows the daemons' logs."""
        bad = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > bad:
            for daemon in getattr(self, "daemons", ()):
                print(f"--- log of appmsgd -f {daemon.config}",
                      daemon.log[-8000:], "---", sep="\n", file=sys.stderr)

    @contextlib.contextmanager
    def subTest(self, *args, **kwargs):
        """As unittest does; but after a wait in vain the test ends.

        Else a daemon that answers nothing would be waited for each time.
        """
        in_vain = None
        with super().subTest(*args, **kwargs):
            try:
                yield
            except TimeoutError as problem:
                in_vain = problem
                raise
        if in_vain is not None:
            raise in_vain

    # Files and processes

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def write(self, name, data, age=100):
        """Write a file of the directory, aside and renamed: its path.

        age     seconds ago, as it says itself; a load waits for young ones
        """
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(data, str):
            data = data.encode()
        with open(path + ".new", "wb") as file:
            file.write(data)
        then = time.time() - age
        os.utime(path + ".new", (then, then))
        os.rename(path + ".new", path)
        return path

    def write_config(self, *lines, name="appmsgd.conf"):
        return self.write(name, "".join(line + "\n" for line in lines))

    def configure(self, *lines, answers=TUTORIAL_LINES):
        """Write the config: the lines and answers; its path.

        Without a listen line: one on a free loopback port.
        """
        if not any(line.startswith("listen ") for line in lines):
            lines = (f"listen {LOOPBACK} 0", *lines)
        return self.write_config(*lines, *answers)

    def start(self, *lines, answers=TUTORIAL_LINES, **kwargs):
        """Start a daemon with a config made of these lines."""
        daemon = Daemon(self.configure(*lines, answers=answers), **kwargs)
        self.daemons.append(daemon)
        self.addCleanup(daemon.stop)
        return daemon

    def peer(self, address, **kwargs):
        """A connection that is closed at the latest when the test ends."""
        peer = Peer(address, **kwargs)
        self.addCleanup(peer.close)
        return peer

    def spawn(self, *argv, **kwargs):
        """Start a helper process that is killed when the test ends."""
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(), **{"stdout": subprocess.DEVNULL, **kwargs})

        def end():
            process.kill()
            process.wait(DEADLINE)
            if process.stdout:
                process.stdout.close()

        self.addCleanup(end)
        return process

    def original(self, name, *args, port=None):
        """Run a server of the tutorial; args may say PORT.

        port    the one written in its source, which a copy replaces
        Returns its port.
        """
        own = free_port()
        script = (os.path.join(originals(), name) if port is None
                  else self.original_copy(name, port, own))
        args = [str(own) if arg == "PORT" else arg for arg in args]
        process = self.spawn(sys.executable, script, *args)

        def is_up():
            assert process.poll() is None, f"{name} ended at its start"
            return is_listening(own)

        wait_until(is_up, f"{name} listens")
        return own

    def original_copy(self, name, old_port, new_port):
        """A copy of a program of the tutorial, with another port: its path.
        """
        with open(os.path.join(originals(), name)) as file:
            text = file.read()
        self.assertEqual(text.count(str(old_port)), 1, name)
        return self.write(name, text.replace(str(old_port), str(new_port)))

    def control(self, *args):
        """Run appmsgctl on the control socket of control_line()."""
        return run(program("appmsgctl"), "-s", self.path("control.sock"),
                   *args)

    def control_line(self):
        return f"control {quoted(self.path('control.sock'))}"

    # What a reply must be

    def assert_serves(self, address):
        """A plain search on a new connection is answered right."""
        self.assertEqual(ask(address, search("ring")), plain_reply(RING))

    def assert_answer(self, reply, result, *extra):
        """A reply with this result and exactly these further members."""
        self.assertEqual(reply.extra, list(extra), reply)
        self.assertEqual(reply.result, result, reply)

    def assert_grown(self, daemon, before, most):
        """Memory has grown by less since it was looked at before.

        The daemon is one started with env=measurable().
        """
        if sanitized(daemon.pid):
            most += 16 << 20
        self.assertLess(resident(daemon.pid) - before, most)

    def assert_error(self, reply):
        """A reply whose content is one "result" that says Error."""
        self.assertTrue(reply.result.startswith("Error: "), reply)

    def assert_coded(self, reply, code, *before):
        """An error reply that has these members, then status and error."""
        self.assert_error(reply)
        self.assertEqual(
            reply.extra, [*before, ("status", "error"), ("error", code)],
            reply)


def main():
    """Run the tests of the calling file; exit 77 when all were skipped.

    What tests/summary.sh looks for is said at the end.  One that hangs fails,
    and says where: who waits for it has other tests, and an end of his time.
    """
    faulthandler.dump_traceback_later(
        float(os.environ.get("APPMSG_TEST_SECONDS", 1500)), exit=True)
    result = unittest.main(exit=False, verbosity=2).result
    # Some tests fail in several parts, or are not run at all.
    bad = {getattr(test, "test_case", test).id()
           for test, _ in result.failures + result.errors}
    skipped = [test for test, _ in result.skipped
               if isinstance(test, unittest.TestCase)]
    print(f"cases: {max(0, result.testsRun - len(skipped) - len(bad))} passed",
          *(f"skipped: {test.id().removeprefix('__main__.')}: {why}"
            for test, why in result.skipped), sep="\n", file=sys.stderr)
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if len(skipped) >= result.testsRun else 0)
