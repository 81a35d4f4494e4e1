# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A terminal at which a test types, and what a program that edits lines shows.

It knows what libedit sends to a vt100, and takes anything else for a problem:
what a program lets through from elsewhere would be such.
"""

import functools
import os
import re
import termios
import time
import unicodedata

import harness
from terminal import Master

NO_BELL = 3.0       # seconds after a TAB, which then has done something
SEQUENCE = re.compile(r"\x1b(?:\[([0-9;]*)([A-Za-z@])|[()][B0]|[=>])")


class Terminal(Master):
    """A program in a session of its own, whose terminal this is."""

    def __init__(self, *argv, rows=24, columns=80, **env):
        super().__init__()
        self.lines = [[]]       # all since the start: none is scrolled away
        self.row = self.column = 0
        self._seen = 0          # what was waited for is above
        self.columns = columns
        self.set_size(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.process = self._start(argv, env)

    def _start(self, argv, env):
        whole = harness.environment(TERM="vt100", **env)
        for name, value in env.items():
            if value is None:
                del whole[name]
        return self.run(*argv, env=whole)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(harness.DEADLINE)
        self.read()
        os.close(self.master)
        os.close(self.slave)
        harness.no_reports(self.raw)

    def resize(self, columns, rows=24):
        """Who is in front gets SIGWINCH."""
        self.columns = columns
        self.set_size(rows, columns)

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before

    @property
    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)

    def wait_text(self, text):
        """Wait for a text below all that was waited for; what is before it."""
        def seen():
            shown = self.text
            at = shown.find(text, self._seen)
            if at == -1:
                return None
            before, self._seen = self._seen, at + len(text)
            return [shown[before:at]]

        return self.wait(seen, f"{text!r} is shown")[0]

    def tab(self, text):
        """Type TAB until a text is shown: it rings where none comes in time.

        What comes later is there for the next one.
        """
        self.tab_until(lambda: self.text.find(text, self._seen) != -1,
                       f"{text!r} is shown")
        return self.wait_text(text)

    def tab_line(self, line):
        """Type TAB until this is what the last line shows."""
        self.tab_until(lambda: self.text.rpartition("\n")[2] == line,
                       f"{line!r} is the last line")
        self.wait_line(line)

    def tab_until(self, condition, what):
        """Type TAB until something is true."""
        end = time.monotonic() + harness.DEADLINE
        while not condition() and time.monotonic() < end:
            rung, typed = self.raw.count("\a"), time.monotonic()
            self.type("\t")
            while (not condition() and self.raw.count("\a") == rung
                   and time.monotonic() < typed + NO_BELL):
                self.read(.05)
            if not condition():
                self.read(.05)
        self.wait(condition, what)

    def wait_line(self, line):
        """Wait until this is what the last line shows."""
        self.wait(lambda: self.text.rpartition("\n")[2] == line,
                  f"{line!r} is the last line")
        self._seen = len(self.text)

    def wait_end(self):
        """Wait until the program ends; its exit status."""
        self.wait(lambda: self.process.poll() is not None, "it has ended")
        self.read()
        return self.process.returncode

    def _feed(self, text):
        self.raw += text
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._put(text[at])
                at += 1
            elif found := SEQUENCE.match(text, at):
                if found.group(2):
                    self._obey(*found.groups())
                at = found.end()
            elif len(text) - at < 8:
                self._rest = text[at:]
                return
            else:
                self.problems.append(f"sequence {text[at:at + 8]!r}")
                at += 1

    def _obey(self, numbers, letter):
        if letter == "m" and numbers in ("", "0", "1", "7", "36", "1;31"):
            return
        n = int(numbers or 1) if numbers.isdigit() or not numbers else None
        line = self.lines[self.row]
        if n is None:
            self.problems.append(f"sequence {numbers}{letter}")
        elif letter == "A":
            self.row = max(self.row - n, 0)
        elif letter == "C":
            self.column = min(self.column + n, self.columns - 1)
        elif letter == "D":
            self.column = max(self.column - n, 0)
        elif letter == "K" and not numbers:
            del line[self.column:]
        elif letter == "J" and not numbers:
            del line[self.column:]
            del self.lines[self.row + 1:]
        else:
            self.problems.append(f"sequence {numbers}{letter}")

    def _down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])

    def _put(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self._down()
        elif char == "\b":
            self.column = max(self.column - 1, 0)
        elif char in "\a\0":     # a vt100 wants time for some sequences
            pass
        elif unicodedata.category(char) == "Cc":
            self.problems.append(f"character {char!r}")
        else:
            self._print(char)

    def _print(self, char):
        line = self.lines[self.row]
        if unicodedata.combining(char) and line:
            line[-1] += char
            return
        width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if self.column + width > self.columns:
            self.column = 0
            self._down()
            line = self.lines[self.row]
        line.extend(" " * (self.column + width - len(line)))
        line[self.column] = char
        # The second cell of a wide one.
        line[self.column + 1:self.column + width] = [""] * (width - 1)
        self.column += width


class Client(Terminal):
    """appmsg-client at a terminal, which is closed when the test ends; the
    test is skipped where it was built without libedit.

    before  who runs it
    Its home is the test's folder, unless it is said.
    """

    def __init__(self, test, *args, before=(), **kwargs):
        kwargs = {"HOME": test.directory, "XDG_STATE_HOME": "", **kwargs}
        super().__init__(*before, harness.program("appmsg-client"), *args,
                         **kwargs)
        test.addCleanup(self.close)
        if not has_libedit():
            raise harness.unittest.SkipTest("built without libedit")

    def ask(self, line, *answers):
        """Type a line, and wait for what is shown below it."""
        self.type(line + "\r")
        if line:
            self.wait_text(line + "\n")
        for answer in answers:
            self.wait_text(answer)

    def leave(self, typed="\x15\x04"):
        """End it well: forget what is typed, and type the end."""
        self.type(typed)
        status = self.wait_end()
        assert status == 0, (status, self.text)
        assert self.is_restored(), "the terminal is not as it was"
        assert not self.problems, self.problems


@functools.cache
def has_libedit():
    """Whether the client was built with it, as it shows at a terminal."""
    terminal = Terminal(harness.program("appmsg-client"), "-q")
    terminal.wait_end()
    terminal.close()
    return "missing action" not in terminal.raw
