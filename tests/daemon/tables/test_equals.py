#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Keys that are equal once folded: the very bytes are looked up first.
"""

import itertools
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import to_json
from tables import ALL_WAYS, Reference, TableTest, wanted

# AB and Ab, resume with and without marks, and what has no equal.
ENTRIES = {"Ab": "1", "AB": "2", "abc": "3", "Basic": "4", "BASIC": "5",
           "Stra\u00dfe": "6", "STRASSE": "7", "caf\u00e9": "8",
           "cafe\u0301": "9", "Zoo": "10", "ZOO": "11", "r\u00e9sum\u00e9": "12",
           "resume": "13", "Resum\u00e9": "14"}

# Bits of these letters that are capitals: 512 keys, of which no two differ
# otherwise.
MANY = {"".join(letter.upper() if bit else letter for letter, bit in zip(
    "manyfolds", bits)): str(number) for number, bits in enumerate(
        itertools.product((0, 1), repeat=9))}


def csv(entries):
    """The bytes of a .csv."""
    return b"key,answer\n" + "".join(
        f"{key},{answer}\n" for key, answer in entries.items()).encode()


class Equal(TableTest):
    """Each is a key of its own."""

    def setUp(self):
        super().setUp()
        if self.problems(self.table("probe", b"a\tb\n", "fold=yes")):
            self.skipTest("built without libutf8proc")

    def lines(self, entries=None, *options, name="words"):
        """A table of them, from a .tsv."""
        return self.table(name, tables.tsv((entries or ENTRIES).items()),
                          *(options or ("fold=yes",)))

    def assert_found(self, table):
        """Each finds itself; what is none of them the first by its bytes."""
        self.assertEqual({key: self.find(key, table=table)
                          for key in ENTRIES}, ENTRIES)
        for key, text in {"ab": "2", "aB": "2", "ABC": "3", "basic": "5",
                          "strasse": "7", "CAF\u00c9": "9",
                          "zoO": "11"}.items():
            self.assertEqual(self.find(key, table=table), text, key)

    def test_formats(self):
        """Whatever they are read from, and with or without a copy."""
        self.make("json", ENTRIES.items(), "json")
        self.make("jsonl", ENTRIES.items(), "jsonl")
        lines = [self.lines(name="tsv"),
                 f"table json file {self.path('json.json')} fold=yes",
                 f"table jsonl file {self.path('jsonl.jsonl')} fold=yes",
                 self.table("csv", csv(ENTRIES), "fold=yes", form="csv")]
        if harness.shutil.which("cdb"):
            path = self.make("cdb", ENTRIES.items(), "cdb")
            lines += [f"table cdb file {path} fold=yes",
                      f"table mapped file {path} fold=yes mmap=yes"]
        self.serve(*lines)
        for line in lines:
            with self.subTest(line):
                self.assert_found(line.split()[1])

    def test_several_files(self):
        """Of one table: it does not matter which of them has a key."""
        parts = [dict(list(ENTRIES.items())[i::3]) for i in range(3)]
        for number, part in enumerate(parts):
            self.write(f"part{number}.tsv", tables.tsv(part.items()))
        self.serve(f"table words file {self.path('part*.tsv')} fold=yes")
        self.assert_found("words")

    def test_marks(self):
        """With fold=marks, what differs by them is equal, too."""
        self.serve(self.lines(ENTRIES, "fold=marks"))
        self.assert_serves_entries(ENTRIES)
        self.assertEqual(self.find("RESUME"), "14")
        self.assert_finds("prefix", "resume", [
            (key, ENTRIES[key]) for key in (
                "resume", "Resum\u00e9", "r\u00e9sum\u00e9")])

    def test_explain(self):
        """The line of the key that answers."""
        self.serve(self.lines())
        lines = list(ENTRIES)
        for key, found in (("Ab", "Ab"), ("AB", "AB"), ("ab", "AB")):
            header = self.ask({"value": key}, explain=True).header
            self.assertEqual(header["line"], lines.index(found) + 1)
            done = self.control("explain", key)
            self.assertIn(f"words.tsv:{lines.index(found) + 1}\n",
                          done.stdout)

    def test_several_tables(self):
        """The first that has an equal key answers, and hides the others."""
        self.serve(self.lines({"AB": "1", "Ab": "2"}, "fold=yes", name="one"),
                   self.lines({"ab": "3", "abc": "4"}, "fold=no", name="two"),
                   self.lines({"aB": "5", "ABC": "6", "Abc": "7", "x": "8"},
                              "fold=yes", name="three"))
        for key, text in {"AB": "1", "Ab": "2", "ab": "1", "abc": "4",
                          "ABC": "6", "Abc": "7", "aBc": "6"}.items():
            self.assertEqual(self.find(key), text, key)
        self.assert_finds("prefix", "ab", [
            ("AB", "1"), ("Ab", "2"), ("abc", "4"), ("ABC", "6"),
            ("Abc", "7")])
        self.assert_finds("substring", "Abc", [("Abc", "7"), ("ABC", "6")])
        self.assert_finds("substring", "abc", [
            ("abc", "4"), ("ABC", "6"), ("Abc", "7")])
        self.assert_finds("substring", "abc", [("Abc", "7")], after="ABC")
        self.assert_finds("substring", "Abc", [("ABC", "6")], after="Abc")

    def test_exact(self):
        """One match, as a lookup has it."""
        self.serve(self.lines())
        self.assert_finds("exact", "Ab", [("Ab", "1")])
        self.assert_finds("exact", "aB", [("AB", "2")])

    def test_order(self):
        """The very bytes, what is equal to them, and then the rest."""
        self.serve(self.lines(ENTRIES, "fold=yes", ALL_WAYS))
        for way in ("prefix", "substring", "words", "text", "regex"):
            self.assert_finds(way, "Ab", [("Ab", "1"), ("AB", "2"),
                                          ("abc", "3")])
            self.assert_finds(way, "aB", [("AB", "2"), ("Ab", "1"),
                                          ("abc", "3")])
        self.assert_finds("suffix", "Ab", [("Ab", "1"), ("AB", "2")])
        self.assert_finds("fuzzy", "Ab", [("Ab", "1"), ("AB", "2"),
                                          ("abc", "3")])

    def walk(self, way, value, limit):
        """All matches of a way, page by page."""
        found, after, more = [], {}, True
        while more:
            content = harness.json.loads(self.ask(
                wanted(value, way, limit=limit, **after)).content)
            found += [match["key"] for match in content["matches"]]
            more, after = content["more"], {"after": found[-1]}
            self.assertLessEqual(len(content["matches"]), limit)
        return found

    def test_many(self):
        """Hundreds of them: all are found, and each way walks them once."""
        entries = {**MANY, "manyfold": "x", "Manyfolds!": "y", "no": "z"}
        self.serve(self.lines(entries, "fold=yes", ALL_WAYS))
        self.assert_serves_entries(entries)
        reference = Reference(entries, fold=True)
        for way in ("prefix", "suffix", "substring", "fuzzy", "words", "text",
                    "regex"):
            for value in ("mAnYfOlDs", "manyf" if way in (
                    "prefix", "words", "text", "regex") else "MANYFOLDS"):
                found = [key for key, _ in reference.search(way, value)]
                self.assertGreaterEqual(len(found), len(MANY))
                for limit in (50, len(MANY) - 1, len(MANY), 1000):
                    with self.subTest(way, value=value, limit=limit):
                        self.assertEqual(self.walk(way, value, limit), found)

    def test_weights(self):
        """By weight, the value is where that puts it."""
        keys = [("Ab", 1), ("AB", 5), ("ab", 1), ("aBc", 5)]
        self.serve(self.table("words", b"".join(
            to_json({"key": key, "answer": "x", "weight": weight}) + b"\n"
            for key, weight in keys), "fold=yes", form="jsonl"))
        found = ["AB", "aBc", "Ab", "ab"]
        for at in range(3):
            self.assert_finds("prefix", "ab", [
                (key, "x") for key in found[at + 1:]], order="weight",
                after=found[at])
        self.assert_finds("prefix", "ab", [(key, "x") for key in found],
                          order="weight")

    def test_suggestions(self):
        """Each of those that are near."""
        self.serve(self.lines())
        reply = self.ask({"value": "basix"}, suggest=5)
        self.assertEqual(reply.header["suggestions"], ["BASIC", "Basic"])

    def test_reload(self):
        """What came and went of them is told, and of which."""
        self.serve(self.lines(ENTRIES, "fold=yes", "guard=no"))
        changed = {**ENTRIES, "aB": "15", "BASIC": "16"}
        del changed["Zoo"]
        self.lines(changed)
        self.assertEqual(self.control("diff").stdout.splitlines()[1:], [
            "- words Zoo", "~ words BASIC", "+ words aB"])
        self.assertIn("+1 added -1 removed ~1 changed", self.reload())
        self.assert_serves_entries(changed)
        self.assertEqual(self.find("Zoo"), "11")
        self.lines(dict(reversed(changed.items())))
        self.assertIn("+0 added -0 removed ~0 changed", self.reload())

    def test_publish(self):
        """Not to other machines, where keys lie folded."""
        self.serve(self.lines(), "table shared redis 127.0.0.1:1 prefix=x:")
        self.assertIn("keys are the same once folded", self.control(
            "publish", "words", "shared").stderr)


if __name__ == "__main__":
    harness.main()
