#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The clients of doc/examples, each where its language is."""

import json
import shutil
import subprocess
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import DEADLINE, LOOPBACK, RING, environment, free_port, top
from tables import TableTest, tsv

ANSWERS = {"ring": RING, 'a "b" \\ c': "quoted", "Zürich 💍": "ü",
           "long": "x" * 300000, "empty": ""}


class Examples(TableTest):
    def ask(self, interpreter, name, key, port):
        address = [LOOPBACK, str(port)]
        if name.endswith(".go"):
            address = [":".join(address)]
        return subprocess.run(
            [*interpreter, top("doc", "examples", name), key, *address],
            env=environment(HOME=self.directory, GOFLAGS="-mod=mod",
                            GOCACHE=self.path("go")),
            capture_output=True, text=True, timeout=4 * DEADLINE,
            check=False)

    def check(self, *interpreter, name):
        if not shutil.which(interpreter[0]):
            raise unittest.SkipTest(f"no {interpreter[0]} is installed")
        daemon = self.serve(self.table("words", tsv(ANSWERS.items())))
        for key, right in (*ANSWERS.items(), ("no", harness.no_match("no"))):
            done = self.ask(interpreter, name, key, daemon.port)
            if name == "lookup.sh":
                self.assertEqual(json.loads(done.stdout), {"result": right})
            else:
                self.assertEqual(done.stdout, right + "\n")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.ask(interpreter, name, "ring", free_port())
        self.assertEqual((done.returncode != 0, done.stdout), (True, ""))

    def test_shell(self):
        self.check("bash", name="lookup.sh")

    def test_perl(self):
        self.check("perl", name="lookup.pl")

    def test_node(self):
        self.check("node", name="lookup.js")

    def test_go(self):
        self.check("go", "run", name="lookup.go")


if __name__ == "__main__":
    harness.main()
