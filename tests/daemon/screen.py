# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A terminal, and what a program shows on it.

It obeys only what appmsgctl sends; anything else, and what would scroll its
other screen or go over the edge there, is a problem.
"""

import contextlib
import os
import re
import termios
import unicodedata

import harness
from terminal import Master

SEQUENCE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])")
GIVEN_UP = re.compile(r"\x1b(\[\??[0-9;]*)?(?=\x1b)")   # for another one
MODES = {"?1049": "alternate", "?25": "cursor", "?7": "wrap"}


class Screen(Master):
    """The master's side of a terminal."""

    def __init__(self, rows=24, columns=80):
        super().__init__()
        self.modes = {"alternate": False, "cursor": True, "wrap": True}
        self._lenient = False
        self._row = self._column = 0
        self.resize(rows, columns)
        self._lenient = False
        self.before = self.flags()

    def close(self):
        for fd in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(fd)

    def resize(self, rows, columns):
        """Whoever is in front gets SIGWINCH.

        What was on its way is of the old size, so that problems count from
        the first picture on that has none.
        """
        self.rows, self.columns = rows, columns
        self.lines = [""] * rows
        self._lenient = True
        self.set_size(rows, columns)

    def flags(self):
        """How the terminal handles lines: what stty(1) says."""
        return termios.tcgetattr(self.slave)[:4]

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait_whole(self, pattern):
        """Wait for a text that may go on in the next line."""
        self.wait(lambda: re.search(pattern, "".join(self.lines)),
                  f"{pattern} is shown")

    def wait_text(self, pattern):
        return self.wait(lambda: re.search(pattern, self.text),
                         f"{pattern} is shown")

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
