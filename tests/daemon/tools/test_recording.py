#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What the README shows of a terminal is what the programs say there."""

import os
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import program, top

sys.path.insert(1, top("doc"))
import recording


class Recording(harness.DaemonTest):
    """Its commands are typed again."""

    def test_is_what_is_said(self):
        if not os.path.exists("/dev/ptmx"):
            self.skipTest("no pty here")
        with open(top("doc", "recording.svg"), encoding="utf-8") as file:
            shown = file.read()
        said = recording.record({name: program(name) for name in (
            "appmsgd", "appmsgctl", "appmsg-client")})
        for command, lines in said:
            harness.no_reports("\n".join(lines))
            self.assertLessEqual(
                max(map(recording.columns, (f"$ {command}", *lines))),
                recording.COLUMNS)
        self.assertEqual(recording.draw(said).splitlines(),
                         shown.splitlines(),
                         'another one is made by "make recording"')


if __name__ == "__main__":
    harness.main()
