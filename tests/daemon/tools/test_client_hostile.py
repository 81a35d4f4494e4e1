#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client against servers that send anything, in any way.

Each call comes back, though the server would go on or wait for ever, with the
exit status that the manual has for it, within little memory, and nothing that
it shows moves a cursor.  HOSTILE_CASES says how many are tried, APPMSG_SEED
which.
"""

import concurrent.futures
import contextlib
import os
import random
import resource
import subprocess
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import hostile_replies
from harness import client, cut
from scripted import Server, run_in_terminal

CASES = int(os.environ.get("HOSTILE_CASES", 120))
WORKERS = 8
KEY = "k"
GIVEN_UP = 75
SHORT, LONG = "1", "20"           # seconds, for -t
MEMORY = 512 << 20                  # bytes of addresses
CONTENT_MAX = {False: 1 << 30, True: 256 << 20}     # by --json


class Case:
    """What a server does to one connection after the other."""

    def __init__(self, rng):
        self.action = rng.choice(("search", "search", "match", "match",
                                  "binary", "several", "echo", "tables"))
        self.json = rng.randrange(3) == 0
        self.terminal = rng.randrange(2) == 0
        self.end = rng.choice(("close",) * 5 + ("reset", "wait", "flood"))
        self.pieces = rng.choice((1, 1, 2, 5, 40))
        self.data = hostile_replies.reply(rng, KEY)
        self.trace = self.action != "echo" and rng.randrange(4) == 0
        self.rng = rng

    def arguments(self, short):
        words = {"several": ("search", KEY, "l", "m"), "echo": ("echo", KEY),
                 "tables": ("tables",),
                 "match": ("-m", "prefix", "--explain", "search", KEY)}
        return ["-t", short if self.end in ("wait", "flood") else LONG,
                *(["--json"] if self.json else []),
                *(["--trace"] if self.trace else []),
                *words.get(self.action, (self.action, KEY))]

    def serve(self, connection):
        """What goes wrong here is the client's leaving, as it may."""
        with contextlib.suppress(OSError):
            connection.sock.recv(1 << 16)
            pieces = (cut(self.rng, self.data, self.pieces)
                      if len(self.data) > 1 else [self.data])
            for piece in pieces:
                connection.send(piece)
            if self.end == "reset":
                connection.reset()
            while self.end == "flood":
                connection.send(b"x" * 4096)
            if self.end == "wait":
                connection.to_end()

    def statuses(self):
        """Those that it may end with."""
        most = CONTENT_MAX[self.json or self.action == "match"]
        if self.action == "echo":
            return {0, GIVEN_UP, hostile_replies.BAD}
        if self.action in ("several", "tables"):
            return {0, 1, 65, GIVEN_UP, hostile_replies.BAD, 77}
        if self.end == "flood":
            data = self.data + b"x" * (1 << 17)
            one = hostile_replies.expected(self.action, KEY, data, most,
                                           GIVEN_UP)
            # What is announced may still be on its way, or have come.
            return {one, GIVEN_UP, hostile_replies.BAD, 0, 65}
        one = hostile_replies.expected(
            self.action, KEY, self.data, most, GIVEN_UP if self.end == "wait"
            else hostile_replies.BAD)
        # A reset may eat what was sent before it.
        return {one, hostile_replies.BAD} if self.end == "reset" else {one}

    def __repr__(self):
        return (f"{self.action} json={self.json} trace={self.trace} "
                f"terminal={self.terminal} end={self.end} pieces={self.pieces} {self.data[:2000]!r}")


def is_shown(character):
    """Whether a terminal may get it: nothing that moves or hides."""
    code = ord(character)
    return character in "\n\t" or not (
        code < 0x20 or 0x7f <= code <= 0x9f or 0x2028 <= code <= 0x202e or
        0x2066 <= code <= 0x2069 or 0xd800 <= code <= 0xdfff or
        code == 0xfeff)


def limit_memory():
    # The sanitizers' shadows take more than any limit.
    if os.environ.get("APPMSG_SANITIZERS") != "yes":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class HostileServerTest(unittest.TestCase):
    def test_any_bytes_in_any_way(self):
        rng, seed = harness.seeded(1 if CASES == 120 else None)
        cases = [Case(random.Random(rng.random())) for _ in range(CASES)]
        # Those that wait do not hold up the others.
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            wrong = [why for why in pool.map(self.why_wrong, cases) if why]
        if wrong:
            self.fail("\n".join([f"APPMSG_SEED={seed}", *wrong[:9]]))

    def why_wrong(self, case, short=SHORT):
        """What is wrong with what the client did, or None."""
        with Server(case.serve) as server:
            where = ("-H", server.address[0], "-p", str(server.port))
            try:
                status, shown = self.run_client(case, *where,
                                                *case.arguments(short))
            except (AssertionError, subprocess.TimeoutExpired) as error:
                return f"{case}: {error}"
        if case.terminal and not all(map(is_shown, shown)):
            return f"{case}: {shown!r}"
        if status not in case.statuses():
            # Whether it came too late tells whether there was time for it.
            if status == GIVEN_UP and short == SHORT:
                return self.why_wrong(case, LONG)
            return f"{case}: exit status {status}, {shown!r}"
        return None

    def run_client(self, case, *args):
        """Its exit status, and what it printed."""
        if case.terminal:
            status, shown = run_in_terminal(*args, preexec_fn=limit_memory,
                                            environ={"TERM": "xterm"})
            # The colours of keys are ours.
            for ours in (b"\x1b[36m", b"\x1b[1;31m", b"\x1b[m"):
                shown = shown.replace(ours, b"")
            return status, shown.decode("utf-8", "surrogateescape")
        done = client(*args, preexec_fn=limit_memory)
        return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    harness.main()
