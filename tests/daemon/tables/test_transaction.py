#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A reload is a transaction: it says what changes, and whether it can be.

appmsgctl reload, diff and rollback count what was added, removed and
changed; a table that lost too much is refused until it is meant.
"""

import os
import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import binary, quoted
from transaction import TransactionTest, numbered


class Counts(TransactionTest):
    """+added -removed ~changed."""

    def test_reload_says_it(self):
        """With the generation that serves, and the time it took."""
        self.table("words", b"key 0\tother\nkey 1\t1\nkey 2\t2\nkey 3\t3\n"
                   b"key 4\t4\nkey 5\t5\nkey 6\t6\nkey 7\t7\nkey 8\t8\n"
                   b"new\tx\nnew too\ty\n")
        text = self.reload()
        self.assertEqual(self.counts(text), (2, 1, 1))
        self.assertRegex(text, r"\bgeneration 2\b")
        self.assertRegex(text, r"\b11 entries\b")
        self.assertRegex(text, r"\bin \d+\.\d+ s\b")
        self.assertEqual(self.find("key 0"), "other")
        self.assertIsNone(self.find("key 9"))
        self.assertEqual(self.find("new too"), "y")

    def test_nothing_to_count(self):
        """The same entries, in another order and another spelling."""
        self.table("words", b"".join(
            b"key \\x3%d\t%d\r\n" % (i, i) for i in reversed(range(10))))
        self.assertEqual(self.told("reload"), (0, 0, 0))
        self.assertEqual(self.generation(), 2)

    def test_of_another_format(self):
        """What is compared is what is served, not files."""
        path = self.make("json", [(f"key {i}", f"{i}") for i in range(10)],
                         "other")
        self.change(f"table words file {path}")
        self.assertEqual(self.told("diff"), (0, 0, 0))
        self.assertEqual(self.told("reload"), (0, 0, 0))

    def test_escaped_answers(self):
        """An answer that is escaped in replies is the same all the same."""
        data = b'{"key 0": "\\u0001\\n\\"\\u00e9"}'
        self.change(self.table("words", data, "guard=no", form="json"))
        self.assertEqual(self.told("reload"), (0, 9, 1))
        self.change(self.table("words", 'key 0\t\\x01\\n"\u00e9\n'.encode()))
        self.assertEqual(self.told("reload"), (0, 0, 0))

    def test_all_tables_together(self):
        """Answers and binary entries, old, new and gone tables."""
        self.write("blobs/a", b"1")
        self.write("blobs/b", b"2")
        self.change(self.line, 'answer "x" "y"',
                    self.table("more", b"a\tb\nc\td\n", "guard=no"),
                    f"table blobs binary {quoted(self.path('blobs'))}")
        self.assertEqual(self.told("reload"), (5, 0, 0))
        self.write("blobs/a", b"one")
        self.table("words", numbered(10, "new {}"))
        self.change('answer "z" "y"', self.line,
                    f"table blobs binary {quoted(self.path('blobs'))}")
        self.assertEqual(self.told("reload"), (1, 3, 11))

    def test_blob_types(self):
        """Another type is a change."""
        self.write("blobs/a", b"1")
        line = f"table blobs binary {quoted(self.path('blobs'))}"
        self.change(self.line, line)
        self.reload()
        self.change(self.line, f"{line} type=image/png")
        self.assertEqual(self.told("reload"), (0, 0, 1))

    def test_duplicates(self):
        """Of keys that come twice only the one that counts is counted."""
        data = numbered(10) + b"key 1\tagain\n"
        self.change(self.table("words", data, "duplicates=first"))
        self.assertEqual(self.told("reload"), (0, 0, 0))
        self.change(self.table("words", data, "duplicates=last"))
        self.assertEqual(self.told("reload"), (0, 0, 1))

    def test_folded_keys(self):
        """Keys are compared as their tables do."""
        self.change(self.table("words", b"Key 0\t0\nKEY 1\t1\n", "fold=yes",
                               "guard=no"))
        done = self.control("reload")
        if "libutf8proc" in done.stderr:
            self.skipTest("built without libutf8proc")
        self.table("words", b"kEY 0\t0\nkey 2\t2\n")
        self.assertEqual(self.told("reload"), (1, 1, 0))

    def test_many(self):
        """Counts are right for some ten thousand keys."""
        self.table("words", numbered(30000))
        self.assertEqual(self.told("reload"), (29990, 0, 0))
        self.table("words", tables.tsv(
            (f"key {i}", f"{i}" if i % 3 else f"new {i}")
            for i in range(1000, 31000)))
        self.assertEqual(self.told("reload"), (1000, 1000, 9666))


class Diff(TransactionTest):
    """appmsgctl diff says it without doing it."""

    def test_says_it(self):
        """The same counts; nothing is published."""
        self.table("words", numbered(9) + b"new\tx\n")
        for _ in range(3):
            self.assertEqual(self.told("diff"), (1, 1, 0))
            self.assertEqual(self.find("key 9"), "9")
            self.assertIsNone(self.find("new"))
            self.assertEqual(self.generation(), 1)
        text = self.control("diff").stdout
        self.assertRegex(text, r"\bgeneration 1\b")
        self.assertEqual(self.told("reload"), (1, 1, 0))
        self.assertEqual(self.generation(), 2)
        self.assertIn("nothing", self.control("diff").stdout)

    def test_what_the_guard_would_refuse(self):
        """It fails as a reload would."""
        self.table("words", numbered(2))
        self.assertIn("lost 8 of 10 keys", self.refused(command="diff"))
        self.assertEqual(self.find("key 9"), "9")

    def test_mistakes(self):
        """It fails as a reload would, with file and line."""
        self.table("words", b"wrong\n")
        text = self.refused(command="diff")
        self.assertIn(f"{self.path('words.tsv')}:1: ", text)
        self.assertEqual(self.find("key 9"), "9")

    def test_what_only_a_start_changes(self):
        """That too is told."""
        self.write_config(*self.base()[:-1], "workers 2", self.line)
        self.assertRegex(self.refused(command="diff"), r"\bworkers\b")

    def test_rollback_goes_where_it_was(self):
        """A diff between does not count."""
        self.table("words", numbered(11))
        self.reload()
        self.table("words", numbered(12))
        self.assertEqual(self.told("diff"), (1, 0, 0))
        self.assertEqual(self.told("rollback"), (0, 1, 0))
        self.assertIsNone(self.find("key 10"))


class Guard(TransactionTest):
    """Tables that lost too many keys."""

    def test_refuses(self):
        """More than 20% by default; told at the directive's place."""
        self.table("words", numbered(7) + b"x\ty\nz\ta\nb\tc\nd\te\n")
        text = self.refused()
        self.assertIn(f"{self.daemon.config}:5: ", text)
        for word in ('"words"', "3 of 10", "20%", "--force",
                     "generation 1 goes on"):
            self.assertIn(word, text)
        self.assertEqual((self.find("key 9"), self.find("x")), ("9", None))
        self.assertEqual(self.generation(), 1)

    def test_the_share(self):
        """Just so much is allowed; changes and additions do not count."""
        self.table("words", numbered(8, "new {}") + b"x\ty\n")
        self.assertEqual(self.told("reload"), (1, 2, 8))
        self.assertEqual(self.find("key 1"), "new 1")

    def test_force(self):
        """reload --force takes it; the next one is guarded again."""
        self.table("words", numbered(1))
        self.refused()
        self.assertEqual(self.told("--force", "reload"), (0, 9, 0))
        self.assertEqual((self.find("key 0"), self.find("key 1")),
                         ("0", None))
        self.table("words", b"x\ty\n")
        self.refused()
        self.assertEqual(self.told("reload", "--force"), (1, 1, 0))

    def test_force_is_no_excuse(self):
        """Mistakes are mistakes."""
        self.table("words", b"wrong\n")
        self.assertIn("words.tsv:1: ", self.refused("--force"))
        self.assertEqual(self.find("key 9"), "9")

    def test_force_is_for_reload(self):
        """With anything else it is a mistake of usage."""
        for command in ("diff", "rollback", "status"):
            self.assertEqual(
                self.control("--force", command).returncode, 64)

    def test_set(self):
        """guard= of the new config counts."""
        cases = (("guard=no", 0, True), ("guard=0%", 9, False),
                 ("guard=0%", 10, True), ("guard=50%", 5, True),
                 ("guard=50%", 4, False), ("guard=99%", 1, True),
                 ("guard=99%", 0, False), ("guard=20%", 8, True))
        for option, left, taken in cases:
            with self.subTest(option, left=left):
                self.change(self.table("words", numbered(10)))
                self.reload("--force")
                self.change(self.table("words", numbered(left), option))
                done = self.control("reload")
                self.assertEqual(done.returncode, 0 if taken else 1, done)
                self.assertEqual(self.find("key 9"),
                                 "9" if not taken or left == 10 else None)

    def test_by_signal(self):
        """SIGHUP is guarded too, and the log says why."""
        self.table("words", b"x\ty\n")
        self.daemon.hang_up()
        self.daemon.wait_log(rf"{re.escape(self.daemon.config)}:5: .*words")
        self.daemon.wait_log("generation 1 goes on")
        self.assertEqual(self.find("key 9"), "9")

    def test_each_table(self):
        """All that lost too much are told, the others don't make up."""
        lines = [self.line, self.table("two", numbered(100)),
                 self.table("three", numbered(10))]
        self.change(*lines)
        self.reload()
        self.table("words", numbered(1))
        self.table("two", numbered(200))
        self.table("three", b"")
        text = self.refused()
        self.assertIn(":5: ", text)
        self.assertNotIn(":6: ", text)
        self.assertIn(":7: ", text)

    def test_binary_tables(self):
        """They are guarded as well."""
        for number in range(5):
            self.write(f"blobs/{number}", b"x")
        self.change(self.line, "table blobs binary blobs")
        self.reload()
        os.remove(self.path("blobs/0"))
        self.assertEqual(self.told("reload"), (0, 1, 0))
        os.remove(self.path("blobs/1"))
        self.assertIn('"blobs"', self.refused())
        reply = harness.ask_reply(self.daemon.address, binary(b"1"))
        self.assertEqual(reply.content, b"x")

    def test_a_file_that_is_gone(self):
        """That is a mistake, force or not; an empty one a loss."""
        os.remove(self.path("words.tsv"))
        for options in ((), ("--force",)):
            self.assertIn("words.tsv", self.refused(*options))
        self.table("words", b"")
        self.refused()
        self.reload("--force")
        self.assertIsNone(self.find("key 9"))

    def test_a_table_that_is_gone(self):
        """It lost all: told where it was, unless its guard was no."""
        more = self.table("more", numbered(3), "guard=99%")
        self.change(self.line, "include tables*.conf")
        self.write_config(more, self.table("free", numbered(4), "guard=no"),
                          self.table("empty", b""), "table blobs binary b*",
                          name="tables.conf")
        self.write("blobs/0", b"x")
        self.reload()
        os.remove(self.path("tables.conf"))
        for command in ("reload", "diff"):
            text = self.refused(command=command)
            for line, name in ((1, "more"), (4, "blobs")):
                self.assertRegex(text, rf'tables.conf:{line}: .*"{name}" .*is '
                                 rf'gone.*guard=.*--force')
            self.assertNotRegex(text, '"(words|free|empty)"')
        self.assertEqual(self.find("key 2", table="more"), "2")
        self.assertEqual(self.told("reload", "--force"), (0, 8, 0))
        self.assertEqual(self.told("rollback"), (8, 0, 0))

    def test_another_name_is_another_table(self):
        """Even of the same file; the old name is gone."""
        self.change(self.line.replace(" words ", " others "))
        text = self.refused()
        self.assertIn('"words"', text)
        self.assertNotIn('"others"', text)
        self.reload("--force")

    def test_another_kind_is_a_loss(self):
        """Answers that became binary entries are answers lost."""
        self.change("table words binary words.tsv")
        self.assertIn("lost 10 of 10 keys", self.refused())


class Json(TransactionTest):
    """appmsgctl --json, for programs."""

    def test_reload(self):
        """Every count of every table."""
        self.write("blobs/a", b"x")
        self.change(self.line, self.table("more", b"a\tb\n"),
                    "table blobs binary blobs")
        self.table("words", numbered(9, "{}") + b"x\ty\nz\ta\n")
        for command, generation in (("diff", 1), ("reload", 2)):
            reply = self.json(command)
            self.assertEqual(list(reply), [
                "result", "generation", "changed", "files", "files-read",
                "milliseconds", "tables", "problems", "more-problems",
                *(["remote", "keys"] if command == "diff" else [])])
            self.assertEqual(
                (reply["generation"], reply["changed"], reply["files"]),
                (generation, True, 3))
            self.assertGreaterEqual(reply["milliseconds"], 0)
            self.assertEqual(reply["problems"], [])
            self.assertEqual(
                {table.pop("table"): table for table in reply["tables"]}, {
                    "main": {"binary": False, "entries": 0, "added": 0,
                             "removed": 0, "changed": 0},
                    "words": {"binary": False, "entries": 11, "added": 2,
                              "removed": 1, "changed": 0},
                    "more": {"binary": False, "entries": 1, "added": 1,
                             "removed": 0, "changed": 0},
                    "blobs": {"binary": True, "entries": 1, "added": 1,
                              "removed": 0, "changed": 0}})
            self.assertEqual(self.counts(reply["result"]), (4, 1, 0))

    def test_failure(self):
        """The problems are in it, and the exit status tells."""
        self.table("words", b"wrong\nagain\n")
        for command in ("diff", "reload"):
            reply = self.json(command, status=1)
            path = self.path("words.tsv")
            self.assertEqual([line.rsplit(": ", 1)[0]
                              for line in reply["problems"]],
                             [f"{path}:1", f"{path}:2"])
            self.assertEqual(reply["generation"], 1)
        self.table("words", b"")
        reply = self.json("reload", status=1)
        self.assertIn("--force", reply["problems"][0])
        table, = (table for table in reply["tables"]
                  if table["table"] == "words")
        self.assertEqual((table["entries"], table["removed"]), (0, 10))

    def test_rollback(self):
        """It has the same members."""
        reply = self.json("rollback", status=1)
        self.assertEqual(len(reply["problems"]), 1)
        self.table("words", numbered(11))
        self.reload()
        reply = self.json("rollback")
        self.assertEqual(reply["generation"], 3)
        words = [table for table in reply["tables"]
                 if table["table"] == "words"]
        self.assertEqual(words, [{
            "table": "words", "binary": False, "entries": 10, "added": 0,
            "removed": 1, "changed": 0}])

    def test_explain(self):
        """explain KEY."""
        reply = self.json("explain", "key 3")
        self.assertIn(f"{self.path('words.tsv')}:4", reply["result"])
        self.json("explain", "none", status=1)

    def test_status(self):
        """Numbers are numbers."""
        status = self.json("status")
        self.assertEqual((status["generation"], status["entries"]), (1, 10))


class Explain(TransactionTest):
    """appmsgctl explain KEY after changes."""

    def test_after_reloads(self):
        """Where it stands now."""
        def places():
            done = self.control("explain", "key 5")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return (re.search(r"(?m)^file +.*:(\d+)$", done.stdout)[1],
                    re.search(r"(?m)^generation +(\d+)$", done.stdout)[1])

        self.assertEqual(places(), ("6", "1"))
        self.table("words", b"first\tx\n" + numbered(10))
        self.assertEqual(places(), ("6", "1"))
        self.reload()
        self.assertEqual(places(), ("7", "2"))
        self.told("rollback")
        self.assertEqual(places(), ("6", "3"))

    def test_the_first_table(self):
        """The one that answers."""
        self.change(self.line, 'answer "key 5" "of a line"')
        self.reload()
        done = self.control("explain", "key 5")
        self.assertIn(" of a line\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^table +main$")

    def test_awkward_keys(self):
        """Bytes of answers reach no terminal."""
        self.change(self.table("words", tables.tsv(
            [("\x1b[2J\u00e9 \\", "\x1b[2J\x07\u00e9\n\0")]), "guard=no"))
        self.reload()
        done = self.control("explain", "\x1b[2J\u00e9 \\")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(" \\x1b[2J\\x07\u00e9\\n\\x00\n", done.stdout)
        self.assertNotRegex(done.stdout, "[\0-\x09\x0b-\x1f\x7f]")


if __name__ == "__main__":
    harness.main()
