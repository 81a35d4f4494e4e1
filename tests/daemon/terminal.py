# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The master's side of a terminal: what is typed there, and what comes.

What that means is for those that derive from it: _feed(text) is called with
all that comes, and text is what they show.
"""

import codecs
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time

import harness


class Master:
    """A terminal without a program."""

    def __init__(self):
        try:
            self.master, self.slave = os.openpty()
        except OSError as error:
            raise harness.unittest.SkipTest(f"no terminals here: {error}")
        self.raw = ""
        self.problems = []
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""         # of a sequence that is not whole

    def run(self, *argv, **kwargs):
        """Start a program whose terminal this is, as a login does."""
        def own():
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            # Who runs the tests in the background ignores them.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
                signal.signal(number, signal.SIG_DFL)

        kwargs = {"stdin": self.slave, "stdout": self.slave,
                  "stderr": self.slave, **kwargs}
        return subprocess.Popen(argv, start_new_session=True,
                                preexec_fn=own, **kwargs)

    def set_size(self, rows, columns):
        """Who is in front gets SIGWINCH."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

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

    def read(self, seconds=0):
        """Read what is there, or what comes within some time."""
        for _ in range(16):     # of what has no end
            if not select.select([self.master], [], [], seconds)[0]:
                return
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:     # nobody has it open
                return
            self._feed(self._decoder.decode(data))
            seconds = 0
