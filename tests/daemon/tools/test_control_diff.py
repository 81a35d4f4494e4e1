#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Which keys appmsgctl diff names; how many there are is in
test_transaction.py."""

import os
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from control import ControlTest
from harness import answer, request, to_json

DEFAULT = 20
MOST = 1000


class Keys(ControlTest):
    """appmsgctl diff, with --keys or not."""

    def table(self, name, entries, *options):
        path = self.write(f"{name}.tsv", tables.tsv(entries))
        return " ".join(("table", name, "file", path, "guard=no", *options))

    def lines(self, *args):
        """What is printed behind the sentence."""
        first, *lines = self.done("diff", *args).splitlines()
        self.assertRegex(first, r"^a reload would change generation 1: ")
        return lines

    def test_each_sort(self):
        """Removed ones first, then changed and added, as they stand."""
        self.serve(self.table("words", [("a", "1"), ("b", "2"), ("c", "3")]),
                   self.table("gone", [("x", "1")]),
                   answers=[answer("z", "1"), answer("y", "1")])
        self.write_config(
            *self.base[:3],
            self.table("words", [("d", "1"), ("c", "4"), ("b", "2"),
                                 ("e", "1")]),
            self.table("new", [("n", "1")]), answer("z", "2"))
        self.assertEqual(self.lines(), [
            "- main y", "- words a", "- gone x", "~ main z", "~ words c",
            "+ words d", "+ words e", "+ new n"])
        self.assertEqual(self.members("diff")["keys"], [
            {"change": change, "table": table, "binary": False, "key": key}
            for change, table, key in (
                ("removed", "main", "y"), ("removed", "words", "a"),
                ("removed", "gone", "x"), ("changed", "main", "z"),
                ("changed", "words", "c"), ("added", "words", "d"),
                ("added", "words", "e"), ("added", "new", "n"))])

    def test_nothing(self):
        self.serve()
        self.assertEqual(self.done("diff"), "a reload would change nothing, "
                         "generation 1 would go on\n")
        self.assertEqual(self.members("diff")["keys"], [])
        self.configure(*self.base, "# a comment is a change, too")
        self.assertEqual(self.lines(), [])
        self.assertEqual(self.members("diff")["keys"], [])
        self.assertNotIn("keys", self.members("reload"))
        self.assertEqual(len(self.done("reload").splitlines()), 1)

    def test_how_many(self):
        """Of each sort for itself; the others are counted."""
        keys = [f"{i}" for i in range(2 * MOST + 10)]
        self.serve(self.table("words", [(k, "1") for k in keys[:MOST]]),
                   self.table("more", [(k, "1") for k in keys[:30]]))
        self.table("words", [(k, "2") for k in keys[5:]])
        self.table("more", [(k, "1") for k in keys[26:30]])
        removed = [f"- words {k}" for k in keys[:5]] + [
            f"- more {k}" for k in keys[:26]]
        changed = [f"~ words {k}" for k in keys[5:MOST]]
        added = [f"+ words {k}" for k in keys[MOST:]]
        self.assertEqual(len(added), MOST + 10)
        for args, most in (((), DEFAULT), (("--keys", "3"), 3),
                           (("--keys=31",), 31), (("--keys=30",), 30),
                           ((f"--keys={MOST}",), MOST)):
            expected = []
            for lines, sort in ((removed, "removed"), (changed, "changed"),
                                (added, "added")):
                expected += lines[:most]
                if len(lines) > most:
                    expected.append(f"{lines[0][0]} and "
                                    f"{len(lines) - most} more {sort}")
            self.assertEqual(self.lines(*args), expected)
            told = self.members("diff", *args)["keys"]
            self.assertEqual(len(told), sum(
                min(len(lines), most) for lines in (removed, changed, added)))
        self.assertEqual(self.lines("--keys", "0"), [])
        self.assertEqual(self.members("diff", "--keys", "0")["keys"], [])

    def test_many_ask_at_once(self):
        """One load may be for several: each is told as many as it wants."""
        self.serve(self.table("words", [("a", "1")]))
        self.table("words", [(f"{i}", "1") for i in range(100)])
        wanted = [7, 0, 50, 1, 99, 100, 3]
        peers = []
        for keys in wanted:
            peers.append(self.peer(self.path("control.sock")))
            peers[-1].send(request(to_json({"action": "diff",
                                            "keys": keys})))
        for keys, peer in zip(wanted, peers):
            told = harness.strict_json(peer.reply().content)["keys"]
            self.assertEqual(
                len([key for key in told if key["change"] == "added"]), keys)

    def test_escaped(self):
        """Whatever a key is made of: a line each."""
        os.makedirs(self.path("blobs"))
        self.serve(self.table("words", []),
                   f"table blobs binary {self.path('blobs')}")
        self.table("words", [("a\x1b[2J\n\0", "1"), ("\u202e\\", "1")])
        self.write("blobs/%ff%00%0a", "1")
        self.assertEqual(self.lines(), [
            "+ words a\\x1b[2J\\n\\x00", "+ words \\u{202e}\\\\",
            "+ blobs \\xff\\x00\\n"])
        self.assertEqual(
            [(key["key"], key["binary"])
             for key in self.members("diff")["keys"]],
            [("a\x1b[2J\n\0", False), ("\u202e\\", False),
             ("\\xff\\x00\\n", True)])

    def test_as_they_are_shown(self):
        """Folded keys as the file has them."""
        self.serve(self.table("words", [("Key", "1")]))
        self.write_config(*self.base[:3], self.table(
            "words", [("KEY", "1"), ("Other", "1")], "fold=yes"))
        done = self.control("diff")
        if "libutf8proc" in done.stderr:
            self.skipTest("built without libutf8proc")
        self.done("reload")
        self.table("words", [("kEy", "2"), ("Third", "1")])
        lines = self.done("diff").splitlines()[1:]
        self.assertEqual(lines, ["- words Other", "~ words kEy",
                                 "+ words Third"])

    def test_what_a_guard_refuses(self):
        """Those that would be lost are named all the same."""
        path = self.write("words.tsv", tables.tsv([("a", "1"), ("b", "2")]))
        self.serve(f"table words file {path}")
        self.write("words.tsv", tables.tsv([("b", "2")]))
        *_, sentence, key = self.failed("diff").splitlines()
        self.assertEqual(sentence,
                         "a reload would fail, generation 1 goes on")
        self.assertEqual(key, "- words a")

    def test_usage(self):
        self.serve()
        for args in (("--keys", "1001", "diff"), ("--keys", "-1", "diff"),
                     ("--keys=x", "diff"), ("--keys=1", "reload"),
                     ("--keys=0", "status"), ("diff", "--keys")):
            self.failed(*args, status=64)

    def test_what_the_daemon_takes(self):
        self.serve()
        for keys in (-1, 1001, 1.0, "1", True, None):
            with self.peer(self.path("control.sock")) as peer:
                reply = peer.ask(request(to_json({"action": "diff",
                                                  "keys": keys})))
            self.assertEqual(reply.header["status"], "error")
            self.assertIn('"keys" is no number', reply.result)


if __name__ == "__main__":
    harness.main()
