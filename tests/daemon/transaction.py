# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What tests of reloads and rollbacks share."""

import re

import harness
import tables
from tables import TableTest

COUNTS = r"\+(\d+) added -(\d+) removed ~(\d+) changed"


def numbered(count, answer="{}"):
    """The bytes of a .tsv with so many keys."""
    return tables.tsv((f"key {i}", answer.format(i)) for i in range(count))


class TransactionTest(TableTest):
    """A daemon with one table of ten keys."""

    def setUp(self):
        super().setUp()
        self.line = self.table("words", numbered(10))
        self.serve(self.line)

    def counts(self, text):
        """What was added, removed and changed."""
        found = re.search(COUNTS, text)
        self.assertIsNotNone(found, text)
        return tuple(map(int, found.groups()))

    def told(self, *args):
        """What a command that succeeds counts."""
        done = self.control(*args)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return self.counts(done.stdout)

    def json(self, *args, status=0):
        """What a command says with --json."""
        done = self.control("--json", *args)
        self.assertEqual((done.returncode, done.stderr), (status, ""), args)
        self.assertEqual(done.stdout.count("\n"), 1)
        return harness.strict_json(done.stdout.encode())
