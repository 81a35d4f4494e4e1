#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A reload costs what changed, and is none where nothing did.

It says how many files it read: those that are as they were when they were
read are not, whatever else changes, and those that are not, are, whatever
somebody makes them look like.  Where neither the configuration nor a table
changed, there is no new generation.
"""

import os
import sys
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import thorough
from tables import TableTest

TABLES = 10
RELOADS = thorough(40, 200)
PAST = 0.1              # seconds; the daemon wants 0.04 by a coarse clock
SAME = "nothing changed, generation {} goes on"


class Ten(TableTest):
    """A daemon with ten tables of a file each."""

    def setUp(self):
        super().setUp()
        self.lines = [self.table(f"t{i}", self.text(i, "old"))
                      for i in range(TABLES)]
        self.settle(f"t{TABLES - 1}.tsv")
        self.serve(*self.lines)

    def text(self, number, word):
        return tables.tsv([(f"key {number}", word), ("key", f"{number}")])

    def settle(self, name):
        """Wait until the times of the file written last are past, so that
        who reads it then is sure to see each change."""
        path = self.path(name)
        harness.wait_until(lambda: time.time() - os.stat(path).st_ctime > PAST,
                           "it is a moment old")

    def settled(self, name, data):
        """Write a file, and wait for that."""
        self.write(name, data)
        self.settle(name)

    def told(self, *options):
        """What reload says with --json, beside what others test."""
        done = self.control("--json", "reload", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return harness.strict_json(done.stdout.encode())

    def assert_reloads(self, read, generation, files=TABLES):
        """Another generation, for which so many files were read."""
        reply = self.told()
        self.assertEqual(
            (reply["generation"], reply["changed"], reply["files"],
             reply["files-read"]), (generation, True, files, read))
        if files > 1:
            self.assertIn(f", {read} of {files} files read, in ",
                          reply["result"])
        self.assertEqual(self.generation(), generation)

    def assert_same(self, read, generation, files=TABLES):
        """The same generation; so many files had to be read to know that."""
        reply = self.told()
        self.assertEqual(
            (reply["generation"], reply["changed"], reply["files"],
             reply["files-read"]), (generation, False, files, read))
        self.assertIn(SAME.format(generation) +
                      f", {read} of {files} files read, in ", reply["result"])
        self.assertEqual(self.generation(), generation)

    def word(self, number):
        return self.find(f"key {number}")


class Files(Ten):
    """What of them is read."""

    def test_one_of_ten(self):
        """It alone; all others answer as before, and are told so."""
        self.settled("t3.tsv", self.text(3, "new"))
        self.assert_reloads(1, 2)
        for number in range(TABLES):
            self.assertEqual(self.word(number),
                             "new" if number == 3 else "old")
            self.assertEqual(self.find("key", table=f"t{number}"),
                             str(number))
        explained = self.control("explain", "key 7").stdout
        self.assertIn(self.path("t7.tsv") + ":1", explained)
        self.assertRegex(explained, r"generation +2\n")

    def test_none(self):
        """Nor is there a new generation, whoever asks how often."""
        for _ in range(3):
            self.assert_same(0, 1)
        self.daemon.hang_up()
        self.assert_same(0, 1)
        self.assertIn("there is no earlier generation",
                      self.refused(command="rollback"))
        self.assertNotIn("reloaded", self.daemon.log)
        status = harness.strict_json(
            self.control("--json", "status").stdout.encode())
        self.assertEqual(status["last-reload"]["outcome"], "done")

    def test_all_by_force(self):
        reply = self.told("--force")
        self.assertEqual((reply["generation"], reply["changed"],
                          reply["files-read"]), (2, True, TABLES))
        self.assert_same(0, 2)

    def test_touched(self):
        """It is read, and found to be as it was; the next one knows."""
        os.utime(self.path("t3.tsv"))
        self.assert_same(1, 1)
        self.assert_same(0, 1)
        self.settled("t4.tsv", self.text(4, "old"))
        self.assert_same(1, 1)
        self.assert_same(0, 1)

    def test_made_to_look_the_same(self):
        """Another file, or other bytes, of the same size and time."""
        path, generation = self.path("t3.tsv"), 1
        for number in range(10):
            before = os.stat(path)
            data = self.text(3, f"{number:03}")
            if number % 2:
                with open(path, "r+b") as file:
                    file.write(data)
            else:
                self.write("t3.tsv", data)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            generation += 1
            self.assert_reloads(1, generation)
            self.assertEqual(self.word(3), f"{number:03}")

    def test_led_elsewhere(self):
        """A link, or a folder, that is another one now."""
        for name in ("one", "two"):
            self.settled(f"{name}/x.tsv", f"x\t{name}\n")
        os.symlink("one", self.path("link"))
        self.change(*self.lines, "table x file link/x.tsv")
        self.assert_reloads(1, 2, TABLES + 1)
        os.symlink("two", self.path("link.new"))
        os.rename(self.path("link.new"), self.path("link"))
        self.assert_reloads(1, 3, TABLES + 1)
        self.assertEqual(self.find("x"), "two")
        os.rename(self.path("two"), self.path("three"))
        os.rename(self.path("one"), self.path("two"))
        self.assert_reloads(1, 4, TABLES + 1)
        self.assertEqual(self.find("x"), "one")

    def test_gone(self):
        """That is a mistake, as ever; and so is one that became wrong."""
        os.remove(self.path("t3.tsv"))
        self.assertIn("t3.tsv: No such file", self.refused())
        self.write("t3.tsv", "wrong\n")
        self.assertIn("t3.tsv:1: ", self.refused())
        self.assertEqual((self.word(3), self.generation()), ("old", 1))
        self.settled("t3.tsv", self.text(3, "old"))
        self.assert_same(1, 1)

    def test_found_by_patterns(self):
        """One more in a table, in a folder, or in the configuration."""
        self.settled("more1.tsv", "1\tone\n")
        self.settled("blobs/a", "A")
        lines = [*self.lines, "table more file more*.tsv",
                 "table blobs binary blobs", "include also*.conf"]
        self.change(*lines)
        self.assert_reloads(2, 2, TABLES + 2)
        self.settled("more2.tsv", "2\ttwo\n")
        self.assert_reloads(2, 3, TABLES + 3)
        self.assertEqual(self.find("2"), "two")
        self.settled("blobs/b", "B")
        self.assert_reloads(2, 4, TABLES + 4)
        self.write("also.conf", "answer also yes\n")
        self.assert_reloads(0, 5, TABLES + 4)
        self.assertEqual(self.find("also"), "yes")
        self.assertEqual(self.word(9), "old")

    def test_options(self):
        """Of one table: that is made anew, and no other."""
        self.lines[2] += " duplicates=last"
        self.change(*self.lines)
        self.assert_reloads(1, 2)
        self.lines[2] += " search=exact"
        self.change(*self.lines)
        self.assert_reloads(1, 3)
        self.lines[2] += " guard=no"
        self.change(*self.lines)
        self.assert_reloads(0, 4)
        self.assert_same(0, 4)


class Generations(Ten):
    """What is kept, and gone back to."""

    def test_reloads_do_not_push_out(self):
        """What served before the last change is there after many."""
        self.settled("t3.tsv", self.text(3, "wrong"))
        self.assert_reloads(1, 2)
        for _ in range(5):
            self.assert_same(0, 2)
            self.settled("t3.tsv", self.text(3, "wrong"))
            self.assert_same(1, 2)
        self.assertIn("generation 3 serves as 1 did",
                      self.control("rollback").stdout)
        self.assertEqual(self.word(3), "old")

    def test_reload_after_rollback(self):
        """What serves is compared with, not what was loaded last."""
        self.settled("t3.tsv", self.text(3, "new"))
        self.assert_reloads(1, 2)
        self.control("rollback")
        self.assertEqual(self.word(3), "old")
        self.assert_reloads(1, 4)
        self.assertEqual(self.word(3), "new")
        self.control("rollback")
        self.settled("t3.tsv", self.text(3, "old"))
        # Its bytes are those that serve, but the file is another one.
        self.assert_same(1, 5)
        self.assert_same(0, 5)

    def test_settings_alone(self):
        """They are applied, and gone back from, with the same tables."""
        self.change(*self.lines, "limit content 100")
        self.assert_reloads(0, 2)
        long = harness.search("x" * 200, id=1)
        reply = harness.ask_reply(self.daemon.address, long)
        self.assertEqual(reply.header["error"], "too-large")
        self.control("rollback")
        reply = harness.ask_reply(self.daemon.address, long)
        self.assertEqual(reply.header["status"], "not-found")
        self.change(*self.lines, "# a comment")
        self.assert_reloads(0, 4)
        self.assertEqual(self.word(9), "old")

    def test_diffs(self):
        """They read no more, and leave nothing behind."""
        self.settled("t3.tsv", self.text(3, "new"))
        for _ in range(2):
            text = self.control("diff").stdout
            self.assertEqual(text, "a reload would change generation 1: "
                             "+0 added -0 removed ~1 changed\n"
                             "~ t3 key 3\n")
        self.assert_reloads(1, 2)
        self.assertEqual(self.control("diff").stdout, "a reload would change "
                         "nothing, generation 2 would go on\n")

    def test_many(self):
        """Tables come and go; what both generations have is there once."""
        def maps():
            with open(f"/proc/{self.daemon.pid}/maps") as file:
                return len(file.readlines())

        counts = []
        for number in range(RELOADS):
            which = number % TABLES
            self.settled(f"t{which}.tsv", self.text(which, f"at {number}"))
            self.assert_reloads(1, number + 2)
            self.assertEqual(self.word(which), f"at {number}")
            counts.append(maps())
        # A table that was forgotten would be some of them, each time.
        self.assertLess(counts[-1], counts[RELOADS // 4] + RELOADS // 4)

    def test_told_per_table(self):
        """When it was read, and that is kept."""
        def loaded():
            told = harness.strict_json(
                self.control("--json", "tables").stdout.encode())
            return {t["table"]: t["loaded"] for t in told["tables"]}

        before = loaded()

        def later():
            self.settled("t3.tsv", self.text(3, os.urandom(4).hex()))
            self.reload()
            return loaded()["t3"] != before["t3"]

        harness.wait_until(later, "the clock shows another second")
        now = loaded()
        self.assertEqual({t: now[t] for t in now if t != "t3"},
                         {t: before[t] for t in now if t != "t3"})


if __name__ == "__main__":
    harness.main()
