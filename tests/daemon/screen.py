# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A terminal, and what a program shows on it.

It obeys only what appmsgctl sends; anything else, and what would scroll its
other screen or go over the edge there, is a problem.
"""

import codecs
import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

import harness

SEQUENCE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])")
GIVEN_UP = re.compile(r"\x1b(\[\??[0-9;]*)?(?=\x1b)")   # for another one
MODES = {"?1049": "alternate", "?25": "cursor", "?7": "wrap"}


class Screen:
    """The master's side of a terminal."""

    def __init__(self, rows=24, columns=80):
        try:
            self.master, self.slave = os.openpty()
        except OSError as error:
            raise harness.unittest.SkipTest(f"no terminals here: {error}")
        self.modes = {"alternate": False, "cursor": True, "wrap": True}
        self.raw = ""
        self.problems = []
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self._lenient = False
        self._row = self._column = 0
        self.resize(rows, columns)
        self._lenient = False
        self.before = self.flags()

    def close(self):
        for fd in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(fd)

    def run(self, *argv, **kwargs):
        """Start a program whose terminal this is, as a login does."""
        def own():
            fcntl.ioctl(1, termios.TIOCSCTTY, 0)
            # Who runs the tests in the background ignores them.
            for number in (signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)

        kwargs = {"stdin": self.slave, "stdout": self.slave,
                  "stderr": self.slave, **kwargs}
        return subprocess.Popen(argv, start_new_session=True,
                                preexec_fn=own, **kwargs)

    def resize(self, rows, columns):
        """Whoever is in front gets SIGWINCH.

        What was on its way is of the old size, so that problems count from
        the first picture on that has none.
        """
        self.rows, self.columns = rows, columns
        self.lines = [""] * rows
        self._lenient = True
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def flags(self):
        """How the terminal handles lines: what stty(1) says."""
        return termios.tcgetattr(self.slave)[:4]

    def type(self, text):
        os.write(self.master, text.encode())

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait(self, condition, what):
        """Read until something is true."""
        end = time.monotonic() + harness.DEADLINE
        while not (value := condition()):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"waited in vain until {what}:\n"
                                   f"{self.text}\n{self.raw[-500:]!r}")
            self.read(min(left, 0.05))
        return value

    def wait_whole(self, pattern):
        """Wait for a text that may go on in the next line."""
        self.wait(lambda: re.search(pattern, "".join(self.lines)),
                  f"{pattern} is shown")

    def wait_text(self, pattern):
        return self.wait(lambda: re.search(pattern, self.text),
                         f"{pattern} is shown")

    def read(self, seconds=0):
        """Read what is there, or what comes within some time."""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:     # nobody has it open
                return
            self._feed(self._decoder.decode(data))
            seconds = 0

    def _feed(self, text):
        self.raw += text
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            found = SEQUENCE.match(text, at)
            if found:
                self._obey(*found.groups())
                at = found.end()
            elif found := GIVEN_UP.match(text, at):
                at = found.end()
            elif text[at] == "\x1b" and len(text) - at < 16:
                self._rest = text[at:]
                return
            else:
                self._put(text[at])
                at += 1

    def _problem(self, what):
        if self._lenient:
            self._fits = False
        else:
            self.problems.append(what)

    def _obey(self, numbers, letter):
        if (numbers, letter) == ("", "H"):
            if self._lenient and getattr(self, "_fits", False):
                self._lenient = False
            self._fits = True
            self._row = self._column = 0
        elif (numbers, letter) == ("", "K"):
            line = self.lines[self._row]
            self.lines[self._row] = line[:self._column]
        elif (numbers, letter) == ("", "J"):
            line = self.lines[self._row]
            self.lines[self._row] = line[:self._column]
            for row in range(self._row + 1, self.rows):
                self.lines[row] = ""
        elif letter in "hl" and numbers in MODES:
            self.modes[MODES[numbers]] = letter == "h"
        elif letter != "m" or numbers not in ("", "7"):
            self._problem(f"sequence {numbers}{letter}")

    def _put(self, char):
        if char == "\r":
            self._column = 0
        elif char == "\n":
            if self._row + 1 < self.rows:
                self._row += 1
            elif self.modes["alternate"]:
                self._problem("scrolled")
            else:
                self.lines = [*self.lines[1:], ""]
        elif unicodedata.category(char) == "Cc":
            self._problem(f"character {char!r}")
        else:
            wide = unicodedata.east_asian_width(char) in "WF"
            width = 0 if unicodedata.combining(char) else 1 + wide
            if (self._column + width > self.columns
                    and self.modes["alternate"]):
                self._problem(f"over the edge: {self.lines[self._row]!r}")
                return
            line = self.lines[self._row]
            self.lines[self._row] = (line[:self._column] + char
                                     + line[self._column + 1:])
            self._column += 1       # one of ours a character
