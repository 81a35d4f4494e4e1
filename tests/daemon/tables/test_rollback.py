#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A reload can be taken back.

Every load and every rollback has a generation of its own, and what was before
is kept to be gone back to.
"""

import json
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import kept
from tables import KEEP
from transaction import TransactionTest, numbered


class Rollback(TransactionTest):
    """appmsgctl rollback."""

    def test_back(self):
        """What was before serves again, whatever the files say."""
        self.table("words", numbered(10, "new {}"))
        self.reload()
        self.table("words", b"wrong\n")
        done = self.control("rollback")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.counts(done.stdout), (0, 0, 10))
        self.assertRegex(done.stdout, r"\bgeneration 3\b")
        self.assertEqual(self.find("key 9"), "9")
        self.assertEqual(self.generation(), 3)

    def test_twice(self):
        """Twice back is where one was."""
        self.table("words", numbered(10, "new {}") + b"x\ty\n")
        self.reload()
        for number in range(3, 11):
            counts = self.told("rollback")
            odd = number % 2 == 1
            self.assertEqual(counts, (0, 1, 10) if odd else (1, 0, 10))
            self.assertEqual(self.find("key 9"), "9" if odd else "new 9")
            self.assertEqual(self.generation(), number)

    def test_nothing_before(self):
        """After a start there is nothing to go back to."""
        text = self.refused(command="rollback")
        self.assertIn("generation 1 goes on", text)
        self.assertEqual(self.find("key 9"), "9")

    def test_after_failures(self):
        """A reload that failed is not what was before."""
        self.table("words", numbered(10, "2 {}"))
        self.reload()
        self.table("words", b"wrong\n")
        self.refused()
        self.table("words", b"x\ty\n")
        self.refused()
        self.told("rollback")
        self.assertEqual(self.find("key 9"), "9")

    def test_reload_after_it(self):
        """The next reload reads the files, and is compared with it."""
        self.table("words", numbered(11))
        self.reload()
        self.told("rollback")
        self.assertEqual(self.told("reload"), (1, 0, 0))
        self.assertEqual(self.find("key 10"), "10")
        self.assertEqual(self.generation(), 4)
        self.told("rollback")
        self.assertIsNone(self.find("key 10"))

    def test_only_one_is_kept(self):
        """Of many loads the last but one."""
        for number in range(2, 6):
            self.table("words", numbered(10, f"{number} {{}}"))
            self.reload()
        self.told("rollback")
        self.assertEqual(self.find("key 9"), "4 9")
        self.told("rollback")
        self.assertEqual(self.find("key 9"), "5 9")

    def test_none_is_kept(self):
        """generations 1; a reload applies what another number says."""
        for most in (1, 2, 1):
            self.change(self.table("words", numbered(10, f"{most} {{}}")),
                        f"generations {most}")
            self.reload()
            if most > 1:
                for _ in range(2):
                    self.assertEqual(self.told("rollback"), (0, 0, 10))
            else:
                self.assertIn("there is no earlier generation",
                              self.refused(command="rollback"))
            self.assertEqual(self.find("key 9"), f"{most} 9")

    def test_it_may_lose_much(self):
        """A rollback is meant: no guard."""
        self.table("words", numbered(100))
        self.reload()
        self.assertEqual(self.told("rollback"), (0, 90, 0))

    def test_limits_too(self):
        """The config of that time comes back with its tables."""
        message = harness.request(b" " * 3000, **kept())
        self.change(self.line, "limit content 2k")
        self.reload()
        reply = harness.ask_reply(self.daemon.address, message)
        self.assertEqual(reply.header["error"], "too-large")
        self.told("rollback")
        peer = self.peer(self.daemon.address)
        self.assert_coded(peer.ask(message), "bad-json", KEEP)

    def test_explained(self):
        """Its generation is new, its load is that of then."""
        first = self.ask({"value": "key 1"}, explain=True).header
        self.table("words", numbered(10, "new {}"))
        self.reload()
        self.told("rollback")
        again = self.ask({"value": "key 1"}, explain=True).header
        self.assertEqual(again["loaded"], first["loaded"])
        self.assertEqual((again["generation"], first["generation"]), (3, 1))


class Generations(TransactionTest):
    """They count loads from 1, always rising."""

    def test_rising(self):
        """By reloads, signals and rollbacks; failures and diffs take none."""
        expected = 1
        for step in range(40):
            kind = ("reload", "fail", "rollback", "diff", "signal")[step % 5]
            self.table("words", numbered(10, f"{step} {{}}"))
            if kind == "fail":
                self.table("words", b"wrong\n")
                self.refused()
            elif kind == "signal":
                self.daemon.hang_up()
                expected += 1
                harness.wait_until(
                    lambda: self.generation() == expected,
                    "it is reloaded")
            else:
                self.told(kind)
                expected += kind != "diff"
            self.assertEqual(self.generation(), expected, kind)
            status = self.json("status")
            self.assertEqual(status["generation"], expected)

    def test_logged(self):
        """The log has them with what changed."""
        self.table("words", numbered(11))
        self.reload()
        self.daemon.wait_log(r"reloaded generation=2 entries=11 added=1 "
                             r"removed=0 changed=0")
        self.told("rollback")
        self.daemon.wait_log(r"reloaded generation=3 .*rollback=yes")

    def test_orders_at_once(self):
        """Each is carried out, and all that end have their generation."""
        done = []

        def order(*args):
            done.append((args, self.control("--json", *args)))

        self.table("words", numbered(10, "new {}"))
        self.reload()
        orders = [("reload",), ("diff",), ("rollback",), ("rollback",),
                  ("--force", "reload")] * 3
        with harness.background(*(lambda args=args: order(*args)
                                  for args in orders)):
            pass
        self.assertEqual(len(done), len(orders))
        rollbacks = []
        for args, result in done:
            self.assertEqual(result.returncode, 0, (args, result))
            number = json.loads(result.stdout)["generation"]
            if args == ("rollback",):
                rollbacks.append(number)
        self.assertEqual(len(set(rollbacks)), len(rollbacks))
        self.assertGreaterEqual(self.generation(), 2 + len(rollbacks))


if __name__ == "__main__":
    harness.main()
