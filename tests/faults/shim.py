# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The shim in a daemon, as a test sees it: the page that both map.

page.h says what is in it.
"""

import contextlib
import mmap
import os
import re
import shutil
import struct
import subprocess
import unittest

WORDS = ("armed", "at", "rest", "realtime", "probe",
         "seen", "failed", "live", "probed", "signal")
DEPTH = 32
SIZE = 65536
MAPS = 4096
OWN = 6             # places of the program that a backtrace in words has


def library():
    """The shim's path; skips the test where it cannot be used."""
    if os.environ.get("APPMSG_SANITIZERS") in ("yes", "coverage"):
        raise unittest.SkipTest("sanitizers have an allocator of their own")
    path = os.path.join(os.environ.get("APPMSG_BUILD", "."),
                        "tests/faults/.libs/shim.so")
    if not os.path.exists(path):
        raise unittest.SkipTest(f"no {path}, without which nothing is made "
                                "to fail: configure --disable-shared?")
    return os.path.abspath(path)


class Page:
    """The page of one daemon at a time."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.truncate(SIZE)
            self._map = mmap.mmap(file.fileno(), SIZE)
        # MALLOC_PERTURB_: what is freed, or never set, is not by chance 0.
        self.environment = {"LD_PRELOAD": library(), "FAULTS_PAGE": path,
                            "MALLOC_PERTURB_": "165"}

    def __getattr__(self, name):
        try:
            at = 8 * WORDS.index(name)
        except ValueError:
            raise AttributeError(name) from None
        return struct.unpack_from("q", self._map, at)[0]

    def set(self, **words):
        for name, value in words.items():
            struct.pack_into("q", self._map, 8 * WORDS.index(name), value)

    def clear(self):
        """As for a new process."""
        self._map[:] = bytes(SIZE)

    def arm(self, at=0, rest=False):
        """Count from now on; fail the one that is at, and the rest."""
        self.set(armed=0)
        self.set(at=at, rest=int(rest), seen=0, failed=0)
        self._addresses(0, clear=True)
        self.set(armed=1)

    def disarm(self):
        """Returns how many have failed."""
        self.set(armed=0)
        return self.failed

    @contextlib.contextmanager
    def armed_at(self, at=0, rest=False):
        self.arm(at, rest)
        try:
            yield
        finally:
            self.disarm()

    def _addresses(self, which, clear=False):
        start = 8 * (len(WORDS) + which * DEPTH)
        if clear:
            self._map[start:start + 8] = bytes(8)
        found = struct.unpack_from(f"{DEPTH}q", self._map, start)
        return found[:found.index(0)] if 0 in found else found

    @property
    def maps(self):
        """What the process has mapped at its start."""
        return self._map[MAPS:].partition(b"\0")[0].decode()

    @property
    def where(self):
        """Return addresses of the first that failed."""
        return self._addresses(0)

    @property
    def crash(self):
        """Return addresses of the signal."""
        return self._addresses(1)


def is_own(word):
    """Whether a word of a backtrace is a place of the program."""
    return " " in word


class Places:
    """Addresses of a process to places in its source."""

    def __init__(self, maps, program):
        """maps     as in /proc/PID/maps
        program  whose lines are told; of libraries, only which
        """
        self._program = os.path.realpath(program)
        self._known = {}
        self._maps = [(int(start, 16), int(end, 16), path)
                      for start, end, path in re.findall(
                          r"(?m)^(\w+)-(\w+) (?:\S+ ){4} *(/.*)$", maps)]

    def _find(self, address):
        for start, end, path in self._maps:
            if start <= address < end:
                base = min(s for s, _, p in self._maps if p == path)
                return path, address - 1 - base
        return "?", address

    def _line(self, offset):
        if shutil.which("addr2line") is None:
            return hex(offset)
        told = subprocess.run(
            ["addr2line", "-f", "-i", "-e", self._program, hex(offset)],
            capture_output=True, text=True).stdout.splitlines()
        pairs = zip(told[::2], told[1::2])
        return " < ".join(
            f"{name} {line.rpartition('/')[2].partition(' ')[0]}"
            for name, line in pairs) or hex(offset)

    def _word(self, address):
        if address not in self._known:
            path, offset = self._find(address)
            self._known[address] = (
                self._line(offset) if os.path.realpath(path) == self._program
                else os.path.basename(path).partition(".so")[0])
        return self._known[address]

    def words(self, addresses):
        """A backtrace, the innermost place first: the function and line of
        the program, or the name of a library.
        """
        words = []
        for address in addresses:
            word = self._word(address)
            if word not in ("shim", "libc") and word not in words[-1:]:
                words.append(word)
        return words

    def name(self, addresses):
        """The part of a backtrace that people want."""
        words, own = [], 0
        for word in self.words(addresses):
            words.append(word)
            own += is_own(word)
            if own == OWN:
                break
        return " < ".join(words)
