#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What appmsgctl history tells: what was loaded, by whom, and what failed."""

import json
import os
import pwd
import re
import subprocess
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import program
from transaction import TransactionTest, numbered

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d{4}"
ROWS = 64               # that are told


class HistoryTest(TransactionTest):
    """A daemon that loads a table of ten keys, again and again."""

    def rows(self):
        """The newest first."""
        return self.json("history")["history"]

    def load(self, word, *lines):
        self.change(self.table("words", numbered(10, f"{word} {{}}")), *lines)

    def hang_up(self, rows):
        """SIGHUP, until there are so many rows."""
        self.daemon.hang_up()
        harness.wait_until(lambda: len(self.rows()) == rows, "it is over")

    def lines(self):
        """What people are told, a row each: of words."""
        done = self.control("history")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        head, *lines = done.stdout.splitlines()
        self.assertEqual(head.split(), ["generation", "time", "entries",
                                        "changes", "state", "by", "what"])
        for line in lines:
            self.assertRegex(line.split()[1], f"^{TIME}$")
            self.assertEqual(len(line.split()[0]) + len(
                re.match(" *", line)[0]), 10, line)
        return [re.split("  +", line.strip()) for line in lines]


class Rows(HistoryTest):
    """A row each."""

    def test_the_start(self):
        row, = self.rows()
        self.assertRegex(row.pop("time"), f"^{TIME}$")
        self.assertRegex(row.pop("since"), f"^{TIME}$")
        self.assertEqual(row.pop("digest"),
                         json.loads(self.control(
                             "--json", "status").stdout)["digest"])
        self.assertEqual(row, {
            "outcome": "done", "action": "start", "force": False,
            "generation": 1, "entries": 10, "kept": True, "serves": True,
            "now": 1, "by": "start", "others": 0, "times": 1, "problems": 0})
        line, = self.lines()
        self.assertEqual([line[0], *line[2:]],
                         ["1", "10", "-", "serves", "-", "start"])

    def test_a_reload(self):
        """With what changed, when that was, and whether one can go back."""
        self.table("words", numbered(9, "new {}") + b"x\ty\nz\ty\n")
        self.reload()
        row, first = self.rows()
        self.assertLessEqual(first["time"], row["time"])
        self.assertEqual(
            {name: row[name] for name in (
                "outcome", "action", "generation", "entries", "added",
                "removed", "changed", "kept", "serves", "problems")},
            {"outcome": "done", "action": "reload", "generation": 2,
             "entries": 11, "added": 2, "removed": 1, "changed": 9,
             "kept": True, "serves": True, "problems": 0})
        self.assertEqual((first["kept"], first["serves"]), (True, False))
        self.assertNotIn("problem", row)
        lines = self.lines()
        self.assertEqual([lines[0][0], *lines[0][2:5]],
                         ["2", "11", "+2 -1 ~9", "serves"])
        self.assertEqual(lines[0][6], "reload")
        self.assertEqual(lines[1][4], "kept")

    def test_a_forced_one(self):
        self.table("words", b"x\ty\n")
        self.refused()
        self.assertIn(" serves, 1 entry: ", self.reload("--force"))
        row, failed, _ = self.rows()
        self.assertEqual((row["force"], failed["force"]), (True, False))
        self.assertIn("lost 10 of 10 keys", failed["problem"])
        self.assertEqual(self.lines()[0][6], "reload --force")

    def test_rollbacks(self):
        """From where they came, and as what a load is there by now."""
        for word in "bc":
            self.load(word, "generations 3")
            self.reload()
        self.told("rollback")
        self.told("rollback", "1")
        self.told("rollback", "4")
        self.assertEqual(
            [(row["generation"], row.get("to"), row["now"], row["serves"])
             for row in self.rows()],
            [(6, 4, 6, True), (5, 1, 5, False), (4, 2, 6, True),
             (3, None, 3, False), (2, None, 6, True), (1, None, 5, False)])
        self.assertEqual(
            [(line[4], line[6]) for line in self.lines()],
            [("serves", "rollback to 4"), ("kept", "rollback to 1"),
             ("serves as 6", "rollback to 2"), ("kept", "reload"),
             ("serves as 6", "reload"), ("kept as 5", "start")])
        # By a number that is neither the first nor the last of its load.
        self.told("rollback")
        self.assertEqual(self.json("rollback", "4")["to"], 4)
        self.assertEqual(self.find("key 9"), "b 9")
        self.load("d", "generations 1")
        self.reload()
        self.assertEqual([row["kept"] for row in self.rows()],
                         [True] + [False] * 8)
        self.assertEqual([line[4] for line in self.lines()],
                         ["serves"] + ["gone"] * 8)
        for number in range(1, 9):
            self.assertIn("no others", self.refused("rollback",
                                                    command=str(number)))

    def test_failures(self):
        """With the first problem; nothing serves by them."""
        self.write_config(*self.base(), "listn x", "limit y 1")
        self.refused()
        self.refused(command="rollback")
        self.refused("rollback", command="7")
        self.control("diff")
        rows = self.rows()
        self.assertEqual(
            [(row["outcome"], row["action"], row.get("to"), row["problems"])
             for row in rows],
            [("failed", "rollback", 7, 1), ("failed", "rollback", None, 1),
             ("failed", "reload", None, 2), ("done", "start", None, 0)])
        for row in rows[:3]:
            self.assertNotIn("generation", row)
            self.assertNotIn("kept", row)
        problem = f'{self.daemon.config}:5: unknown directive "listn"; ' \
            'did you mean "listen"?'
        self.assertEqual(rows[2]["problem"], problem)
        lines = self.lines()
        self.assertEqual([lines[2][0], *lines[2][2:5]],
                         ["-", "-", "-", "failed"])
        self.assertEqual(lines[2][6], f"reload: {problem} (and 1 more)")
        self.assertEqual(lines[0][6], "rollback to 7: generation 7 is not "
                         "kept; there are no others")

    def test_what_fails_again_and_again(self):
        """By cron, each minute: a row that counts."""
        self.table("words", b"wrong\n")
        for _ in range(5):
            self.refused()
        row, _ = self.rows()
        self.assertEqual((row["times"], row["problems"]), (5, 1))
        self.assertLessEqual(row["since"], row["time"])
        self.assertRegex(self.lines()[0][6], "^reload, 5 times since "
                         f"{TIME}: .*words.tsv:1: no TAB ")
        self.load("right")
        self.reload()
        self.table("words", b"wrong\n")
        self.refused()
        self.assertEqual([row["times"] for row in self.rows()], [1, 1, 5, 1])

    def test_many(self):
        """The oldest go, but not those of what can be gone back to."""
        self.load("b", "generations 2")
        self.reload()
        for number in range(ROWS):
            self.refused("rollback", command=str(100 + number))
        rows = self.rows()
        self.assertEqual(len(rows), ROWS)
        self.assertEqual([row.get("generation") for row in rows[-3:]],
                         [None, 2, 1])
        self.assertEqual(len(self.lines()), ROWS)
        for _ in range(ROWS):
            self.told("rollback")
        rows = self.rows()
        self.assertEqual([row["generation"] for row in rows],
                         list(range(ROWS + 2, 2, -1)))


class Who(HistoryTest):
    """Who asked for it."""

    def test_each_way(self):
        """By signal, by the service manager, by a user."""
        user = pwd.getpwuid(os.geteuid()).pw_name
        self.load("signal")
        self.hang_up(2)
        for pid in (str(self.daemon.pid), "1", "x", ""):
            self.load(f"pid {pid}")
            done = harness.run(program("appmsgctl"), "-s",
                               self.path("control.sock"), "reload",
                               env=harness.environment(MAINPID=pid))
            self.assertEqual(done.returncode, 0)
        control = ("control", os.geteuid(), user)
        self.assertEqual(
            [(row["by"], row.get("uid"), row.get("user"))
             for row in self.rows()],
            [control] * 3 + [("systemd", None, None), ("SIGHUP", None, None),
                             ("start", None, None)])
        self.assertEqual([line[5] for line in self.lines()],
                         [user] * 3 + ["systemd", "SIGHUP", "-"])

    def test_several_at_once(self):
        """Orders that one load fulfils are one row."""
        self.table("words", numbered(20000))
        asked = [subprocess.Popen(
            [program("appmsgctl"), "-s", self.path("control.sock"), "-q",
             "--force", "reload"], env=harness.environment())
            for _ in range(12)]
        for process in asked:
            self.assertEqual(process.wait(harness.DEADLINE), 0)
        rows = self.rows()[:-1]
        self.assertEqual(sum(row["times"] + row["others"] for row in rows),
                         len(asked))
        for row, line in zip(rows, self.lines()):
            if row["others"] > 0:
                self.assertIn(f', and {row["others"]} more asked', line[6])


if __name__ == "__main__":
    harness.main()
