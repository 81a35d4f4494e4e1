#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The Python client that the README shows works as it stands there."""

import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness

PORT = "65432"      # written in the README
LINES = 20          # what it promises


class ReadmeClient(harness.DaemonTest):
    """The first program among the README's Python blocks."""

    def program(self):
        with open(harness.top("README.md"), encoding="utf-8") as file:
            text = file.read()
        for block in re.findall(r"^```python\n(.*?)^```$", text,
                                re.MULTILINE | re.DOTALL):
            if "def " in block or "import socket" in block:
                return block
        self.fail("no Python client in README.md")

    def test_asks_for_the_ring(self):
        """Run as it is, but for the port, it prints the ring's answer."""
        port = self.start().port
        block = self.program()
        self.assertIn(PORT, block)
        path = self.write("client.py", block.replace(PORT, str(port)))
        done = harness.run(sys.executable, path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(harness.RING, done.stdout)

    def test_is_short(self):
        """No more lines than promised."""
        lines = [line for line in self.program().splitlines() if line]
        self.assertLessEqual(len(lines), LINES)


if __name__ == "__main__":
    harness.main()
