#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What appmsgctl tells of the tables that serve."""

import os
import sys
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from control import ControlTest
from harness import answer, request, to_json

DEFAULT = list(tables.DEFAULT_WAYS)


class Tables(ControlTest):
    """appmsgctl tables."""

    def table(self, name, keys, *options, kind="file"):
        """A directive of a table with these keys."""
        path = self.write(f"{name}.tsv",
                          tables.tsv([(key, name) for key in keys]))
        return " ".join(("table", name, kind, path, *options))

    def rows(self):
        """The objects by name and whether they are of binary entries."""
        reply = self.members("tables")
        rows = {(row["table"], row["binary"]): row
                for row in reply["tables"]}
        self.assertEqual(len(rows), len(reply["tables"]))
        return rows

    def hidden(self):
        return {name: row["hidden"] for (name, _), row in self.rows().items()}

    def test_members(self):
        blob = self.write("blobs/one", "1")
        logo = self.write("logo.bin", "2")
        daemon = self.serve(
            self.table("words", ["a", "ring"], "search=exact,regex"),
            f"binary logo file {logo}",
            f"table blobs binary {os.path.dirname(blob)}",
            self.table("empty", []), f"include {self.path('*.more')}")
        reply = self.members("tables")
        self.assertEqual(reply["generation"], 1)
        loaded = self.members("status")["loaded"]
        expected = [
            ("main", "answer", daemon.config, 3, 0, DEFAULT),
            ("words", "file", self.path("words.tsv"), 2, 1,
             ["exact", "regex"]),
            ("empty", "file", self.path("empty.tsv"), 0, 0, DEFAULT),
            ("main", "binary", daemon.config, 1, 0, ["exact"]),
            ("blobs", "binary", os.path.dirname(blob), 1, 0, ["exact"])]
        for row, (name, kind, file, entries, hidden, ways) in zip(
                reply["tables"], expected, strict=True):
            self.assertGreater(row.pop("bytes"), 0)
            # In the same second, or in the one before.
            self.assertLessEqual(row["loaded"][:-5], loaded[:-5])
            self.assertRegex(row.pop("loaded"), r"^20.*[-+]\d{4}$")
            self.assertRegex(row.pop("digest"), "^[0-9a-f]{32}$")
            self.assertEqual(row, {
                "table": name, "kind": kind, "binary": kind == "binary",
                "files": [file], "entries": entries, "hidden": hidden,
                "ways": ways, "fold": False, "mmap": False})

    def test_text(self):
        """A line a table, in columns."""
        for n in range(3):
            self.write(f"many{n}.tsv", f"{n}\tx\n")
        daemon = self.serve(
            f"table a-long-name file {self.path('many*.tsv')} search=exact")
        lines = self.done("tables").splitlines()
        self.assertEqual(lines[0].split(), [
            "table", "kind", "entries", "memory", "hidden", "loaded", "ways",
            "digest", "files"])
        for line, name, kind, entries, ways, files in (
                (lines[1], "main", "answer", "3", ",".join(DEFAULT),
                 daemon.config),
                (lines[2], "a-long-name", "file", "3", "exact",
                 f"{self.path('many0.tsv')} and 2 more")):
            self.assertRegex(
                line, rf"^{name} +{kind} +{entries} +[0-9.]+ KB +0  "
                rf"\d{{4}}-\d\d-\d\dT[0-9:]+[-+]\d{{4}}  {ways} +[0-9a-f]{{32}}  {files}$")
        self.assertEqual(len(lines), 3)
        # Words begin, and numbers end, where their heads do.
        for word, end in (("kind", False), ("entries", True),
                          ("hidden", True), ("ways", False)):
            at = lines[0].index(word) + (len(word) if end else 0)
            for line in lines[1:]:
                self.assertEqual(line[at - 1] == " ", not end)
        self.assertEqual(len({line.index(" 20") for line in lines[1:]}), 1)

    def test_name_of_a_file_that_is_no_utf8(self):
        path = self.path("b\udcff.tsv")
        with open(path, "w") as out:
            out.write("key\tvalue\n")
        self.serve(f"table words file {self.path('b*.tsv')}")
        self.assertEqual(self.rows()["words", False]["files"],
                         [self.path("b\\xff.tsv")])
        self.assertIn(self.path("b\\xff.tsv"), self.done("tables"))

    def test_no_table(self):
        self.serve(answers=[])
        self.assertEqual(self.members("tables")["tables"], [])
        self.assertEqual(len(self.done("tables").splitlines()), 1)

    def test_what_is_hidden(self):
        """By one before it or several, by fewer or by more keys."""
        many = [f"{i}" for i in range(1000)]
        self.serve(
            self.table("few", ["1", "2", "x"]), self.table("most", many),
            self.table("same", many[1:]), self.table("again", ["1", "y"]),
            self.table("other", ["z"]),
            answers=[answer("1", "main"), answer("y", "main")])
        self.assertEqual(self.hidden(), {
            "main": 0, "few": 1, "most": 2, "same": 999, "again": 2,
            "other": 0})

    def test_what_is_hidden_when_folded(self):
        """As lookups find it."""
        if "libutf8proc" in self.check_fold():
            self.skipTest("built without libutf8proc")
        self.serve(
            self.table("upper", ["A", "B"]),
            self.table("folded", ["a", "B", "c"], "fold=yes"),
            self.table("lower", ["a", "A", "C", "d"]), answers=[])
        self.assertEqual(self.hidden(), {"upper": 0, "folded": 1, "lower": 3})

    def check_fold(self):
        config = self.configure(self.table("f", ["a"], "fold=yes"))
        return harness.run(harness.program("appmsgd"), "-n", "-f",
                           config).stderr

    def test_after_reloads(self):
        """Those that serve now; a table that was read again says so."""
        self.serve(self.table("words", ["a"]))
        before = self.rows()["words", False]
        self.table("words", ["a", "ring"])
        harness.wait_until(
            lambda: time.strftime("%S") != before["loaded"][17:19],
            "another second")
        self.done("reload", "--force")
        after = self.rows()["words", False]
        self.assertEqual((before["entries"], after["entries"]), (1, 2))
        self.assertEqual(after["hidden"], 1)
        self.assertNotEqual(before["loaded"], after["loaded"])
        self.done("rollback")
        self.assertEqual(self.rows()["words", False], before)
        self.assertEqual(self.members("tables")["generation"], 3)

    def test_many_ask_at_once(self):
        """Each is told, whatever changes meanwhile."""
        daemon = self.serve(self.table("words", [f"{i}" for i in range(999)]))
        peers = [self.peer(self.path("control.sock")) for _ in range(20)]
        for peer in peers:
            peer.send(request(to_json({"action": "tables"})))
        self.done("reload")
        for peer in peers[:5]:
            peer.close()
        for peer in peers[5:]:
            reply = peer.reply()
            self.assertEqual(reply.header["status"], "found")
            self.assertIn('"entries": 999', reply.content.decode())
        daemon.stop()

    def test_while_it_drains(self):
        daemon = self.serve(f"timeout drain {int(harness.DEADLINE * 4)}s",
                            self.table("words", ["a"]))
        peer = self.peer(daemon.address)
        message = harness.search("a", **harness.kept())
        peer.ask(message)
        peer.send(message[:-3])
        self.done("drain")
        self.assertIn("words", self.done("tables"))
        peer.send(message[-3:])
        peer.reply()
        self.assertEqual(daemon.wait(), 0)

    def test_the_end_comes_meanwhile(self):
        """Who waits is told why there is no more."""
        keys = [f"key {i}" for i in range(200000)]
        daemon = self.serve("log level=debug", *[
            self.table(f"t{n}", keys, "search=exact") for n in range(4)])
        peers = [self.peer(self.path("control.sock")) for _ in range(20)]
        for peer in peers:
            peer.send(request(to_json({"action": "tables"})))
        daemon.wait_log("control command=tables")
        daemon.terminate()
        self.assertEqual(daemon.wait(), 0)
        told = b"".join(peer.to_end() for peer in peers)
        # Some may not have been heard any more.
        self.assertEqual(
            told.count(b'"found"') + told.count(b"the daemon is stopping"),
            told.count(b'"status"'))
        self.assertGreater(told.count(b'"status"'), 0)


if __name__ == "__main__":
    harness.main()
