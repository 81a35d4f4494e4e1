#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables with mistakes, in their files and in their directives.

All of them are told, with file and line.
"""

import os
import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import LOOPBACK, program, run
from tables import TableTest

# Files with one mistake: its line, and a word of what is told.
BROKEN = {
    "tsv": {
        b"a\tb\nno tab\nc\td\n": (2, "TAB"),
        b"a\tb\n\nc\td\n": (2, "empty line"),
        b"a\tb\nno tab": (2, "TAB"),
        b"a\tb\r\nno tab\r\n": (2, "TAB"),
        b"a\tb\nc\td\0e\n": (2, "NUL"),
        b"a\tb\nc\0\td\n": (2, "NUL"),
        b"a\tb\nc\t\xff\n": (2, "UTF-8"),
        b"a\tb\n\xc3\td\n": (2, "UTF-8"),
        b"a\tb\nc\t\xed\xa0\x80\n": (2, "UTF-8"),
        b"a\tb\nc\t\xc0\x80\n": (2, "UTF-8"),
        b"a\tb\nc\t\xf4\x90\x80\x80\n": (2, "UTF-8"),
        b"a\tb\nc\t\\q\n": (2, "escape"),
        b"a\tb\nc\td\\": (2, "escape"),
        b"a\tb\nc\\\td\n": (2, "escape"),
        b"a\tb\nc\t\\x4\n": (2, "escape"),
        b"a\tb\nc\t\\xgg\n": (2, "escape"),
        b"a\tb\nc\t\\xff\n": (2, "escape"),
        b"a\tb\nc\t\\u1234\n": (2, "escape"),
        b"a\tb\nc\t\\u{}\n": (2, "escape"),
        b"a\tb\nc\t\\u{1f430\n": (2, "escape"),
        b"a\tb\nc\t\\u{110000}\n": (2, "escape"),
        b"a\tb\nc\t\\u{d800}\n": (2, "escape"),
        b"a\tb\nc\t\\u{0000041}\n": (2, "escape"),
        b"a\tb\n\tempty key\n": (2, "key"),
        b"a\tb\n" + b"k" * 1025 + b"\td\n": (2, "1024"),
        b"a\tb\nc\td\na\te\n": (3, '"a".*:1'),
        b"a\tb\n\\x61\te\n": (2, '"a".*:1'),
        b"\xef\xbb\xbfa\tb\n": (1, "byte order mark"),
    },
    "json": {
        b"": (1, "."),
        b"\n\n": (1, "."),
        b"[]": (1, "."),
        b'"a"': (1, "."),
        b'{"a": "b"\n"c": "d"}': (2, "."),
        b'{"a": "b",\n}': (2, "."),
        b'{"a": "b"}\n{"c": "d"}': (2, "."),
        b'{"a": "b",\n"c": 1}': (2, '"c".*string'),
        b'{"a": "b",\n"c": null}': (2, '"c".*string'),
        b'{"a": "b",\n"c": {"d": "e"}}': (2, '"c".*string'),
        b'{"a": "b",\r\n"c": ["d"]}': (2, '"c".*string'),
        b'{"a": "b",\n"c": "\xff"}': (2, "UTF-8"),
        b'{"a": "b",\n"c": "\\ud800"}': (2, "surrogate"),
        b'{"a": "b",\n"\\udc00": "d"}': (2, "surrogate"),
        b'{"a": "b",\n"c": "\\q"}': (2, "."),
        b'{"a": "b",\n"c": "raw\ttab"}': (2, "."),
        b'{"a": "b",\n"c": "d"': (2, "."),
        b'{"a": "b",\n"": "d"}': (2, "key"),
        b'{"a": "b",\n"%s": "d"}' % (b"k" * 1025): (2, "1024"),
        b'{"a": "b",\n"c": "d", "a": "e"}': (2, '"a".*:1'),
        b'{"a": "b",\n\n\n"\\u0061": "e"}': (4, '"a".*:1'),
        b'\xef\xbb\xbf{"a": "b"}': (1, "byte order mark"),
    },
    "jsonl": {
        b'{"key": "a", "answer": "b"}\n{"key": "c"}': (2, "answer"),
        b'{"key": "a", "answer": "b"}\n{"answer": "c"}': (2, "key"),
        b'{"key": "a", "answer": "b"}\n{}': (2, "key|answer"),
        b'{"key": "a", "answer": "b"}\n{"key": 1, "answer": "b"}': (
            2, "key.*string"),
        b'{"key": "a", "answer": "b"}\n{"key": "c", "answer": null}': (
            2, "answer.*string"),
        b'{"key": "a", "answer": "b"}\n[]': (2, "."),
        b'{"key": "a", "answer": "b"}\n"c"\n': (2, "."),
        b'{"key": "a", "answer": "b"}\n{"key": "c"\n': (
            2, "."),
        b'{"key": "a", "answer": "b"}\n\n{"key": "c", "answer": "d"}\n': (
            2, "empty"),
        b'{"key": "a", "answer": "b"}\r\n{"key": "c", "answer": "\xff"}': (
            2, "UTF-8"),
        b'{"key": "a", "answer": "b"}\n{"key": "\\ud800", "answer": "b"}': (
            2, "surrogate"),
        b'{"key": "a", "answer": "b"}\n{"key": "", "answer": "b"}': (
            2, "key"),
        b'{"key": "a", "answer": "b"}\n{"key": "%s", "answer": "b"}'
        % (b"k" * 1025): (2, "1024"),
        b'{"key": "a", "answer": "b"}\n{"key": "a", "answer": "b"}': (
            2, '"a".*:1'),
    },
}

# Table directives with one mistake, and a word that is told.
MISTAKES = {
    "table": "table",
    "table words": "table",
    "table words file": "table",
    "table words fiel words.tsv": "file",
    'table words file ""': "path",
    'table words file "a\\u0000b.tsv"': "NUL",
    'table "" file words.tsv': "name",
    'table "two words" file words.tsv': "name",
    "table w\u00f6rter file words.tsv": "name",
    f"table {'n' * 65} file words.tsv": "name",
    "table main file words.tsv": "main",
    "table words file words.txt": r"\.tsv \.csv \.json \.jsonl \.cdb",
    "table words file words.TSV": "not in small letters",
    "table words file words": r"\.tsv \.csv \.json \.jsonl \.cdb",
    "table words file none.tsv": "none.tsv",
    "table words file words.tsv search=": "search",
    "table words file words.tsv search=prefix,fuzy": "fuzzy",
    "table words file words.tsv search=prefix search=exact": "twice",
    "table words file words.tsv serch=prefix": "search",
    "table words file words.tsv duplicates=frist": "first",
    "table words file words.tsv fold=maybe": "maybe",
    "table words file words.tsv guard=20": "guard",
    "table words file words.tsv guard=100%": "guard",
    "table words file words.tsv guard=-1%": "guard",
    "table words file words.tsv guard=": "guard",
    "table words file words.tsv type=text/plain": "type",
    "table words binary words.tsv search=exact": "search",
    "table words binary words.tsv fold=yes": "fold",
}


class Broken(TableTest):
    """Files that are refused, with file and line."""

    def test_each_mistake(self):
        """One mistake, one line about it."""
        for form, files in BROKEN.items():
            for data, (line, word) in files.items():
                with self.subTest(form, data=data[:60]):
                    self.assertIsNone(tables.read(form, data))
                    found = self.problems(
                        self.table("words", data, form=form))
                    self.assertEqual(len(found), 1, found)
                    path = self.path(f"words.{form}")
                    self.assertEqual(found[0][:2], (path, line), found)
                    self.assertRegex(found[0][2], word)

    def test_mistakes_of_a_cdb(self):
        """It has no lines: the directive's place, the file and the key."""
        tables.needs_cdb()
        cases = {
            "UTF-8": b"+1,1:a->b\n+3,1:bad->\xff\n\n",
            "bad": b"+3,1:bad->\xff\n\n",
            "key": b"+1,1:\xff->b\n\n",
            "1024": b"+1025,1:%s->b\n\n" % (b"k" * 1025),
            "1 to": b"+0,1:->b\n\n",
        }
        for word, text in cases.items():
            with self.subTest(word):
                path = self.path("words.cdb")
                done = run("cdb", "-c", path, stdin=text)
                self.assertEqual(done.returncode, 0, done.stderr)
                found = self.problems(f"table words file {path}")
                self.assertEqual(len(found), 1, found)
                self.assertEqual(found[0][:2], (self.path("check.conf"), 2))
                self.assertRegex(found[0][2], f"{re.escape(path)}: .*{word}")

    def test_all_at_once(self):
        """Every mistake of every table, in order."""
        first = self.table("first", b"a\tb\nwrong\nc\td\na\te\n\\q\tx\n")
        second = self.table("second", b'{"key": "a"}\n{"answer": "b"}\n[\n',
                            form="jsonl")
        found = self.problems(first, second, "table third file none.json")
        places = [(os.path.basename(file), line) for file, line, _ in found]
        self.assertEqual(sorted(places[:3]), [
            ("first.tsv", 2), ("first.tsv", 4), ("first.tsv", 5)])
        self.assertEqual(places[3:], [
            ("second.jsonl", 1), ("second.jsonl", 2), ("second.jsonl", 3),
            ("check.conf", 4)])

    def test_controls_are_escaped(self):
        """What is told of a key is one printable line."""
        for key in ("\x1b[2J", "two\nlines", "\r", "\0", "\x7f"):
            with self.subTest(key):
                found = self.problems(self.table("words", tables.tsv(
                    [(key, "1"), (key, "2")])))
                self.assertEqual(len(found), 1, found)
                self.assertNotRegex(found[0][2], "[^ -~]")

    def test_directives(self):
        """Mistakes of the directive itself."""
        self.write("words.tsv", "a\tb\n")
        for line, word in MISTAKES.items():
            with self.subTest(line):
                found = self.problems(line)
                self.assertEqual(len(found), 1, found)
                self.assertEqual(found[0][:2], (self.path("check.conf"), 2))
                self.assertRegex(found[0][2], word)

    def test_name_given_twice(self):
        """A table's name is its own."""
        line = self.table("words", b"a\tb\n")
        found = self.problems(line, line)
        self.assertEqual([place[:2] for place in found],
                         [(self.path("check.conf"), 3)])
        self.assertIn("words", found[0][2])

    def test_start(self):
        """A start with a wrong table says so, and exits 78."""
        config = self.write_config(f"listen {LOOPBACK} 0",
                                   self.table("words", b"wrong\n"))
        done = run(program("appmsgd"), "-d", "-f", config)
        self.assertEqual(done.returncode, tables.CONFIG)
        self.assertIn(f"{self.path('words.tsv')}:1: ", done.stderr)


if __name__ == "__main__":
    harness.main()
