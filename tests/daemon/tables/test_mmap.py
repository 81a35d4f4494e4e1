#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables with mmap=yes: a .cdb is served from where it is.

The answers are those of the same file without it; a file that is renamed
over or removed is there as long as a generation needs it, and no longer.
Damaged files are tried in test_damaged.py, random searches in
test_search_random.py.
"""

import itertools
import os
import re
import sys
import threading

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import LOOPBACK, program, quoted, run, search, thorough
from tables import TableTest

RELOADS = thorough(4, 12)       # while the file is replaced
KEYS = 3000

AWKWARD = {
    "plain": "text", "empty": "", "quote\"": 'say "hello"',
    "back\\slash": "\\n", "line\nkey": "line\nline\r\n", "NUL\0key": "\0",
    "tab": "\t", "delete": "\x7f", "controls": "\x01\x1f",
    "\u00e9\u4e2d\U0001f430": "\u2028\ufeff\U0010ffff\u0301",
    "k" * tables.KEY_MAX: "the longest key", " ": "a blank",
    "long": "a" * 100000, "long\n": "a" * 100000 + "\n",
}


def numbered(version, count=KEYS):
    """Entries of which each fifth has to be escaped in replies."""
    return [(f"key {i}", f"{version} {i}" + "\n" * (i % 5 == 0))
            for i in range(count)]


class MapTest(TableTest):
    """A daemon with tables that are mapped."""

    def setUp(self):
        super().setUp()
        tables.needs_cdb()

    def mapped(self, name, entries, *options):
        """Write a table's file; the directive that names it."""
        path = self.make("cdb", entries, name)
        return " ".join((f"table {name} file {quoted(path)} mmap=yes",
                         *options))

    def maps(self):
        """What of the test's folder the daemon has mapped, sorted."""
        with open(f"/proc/{self.daemon.pid}/maps", encoding="utf-8") as file:
            found = re.findall(r" (/.*\.cdb(?: \(deleted\))?)\n", file.read())
        return sorted(os.path.relpath(path, self.path(""))
                      for path in found if path.startswith(self.path("")))

    def wait_maps(self, expected):
        """Old tables are freed by a thread of its own, soon."""
        harness.wait_until(lambda: self.maps() == expected,
                           f"these are mapped: {expected}")


class Answers(MapTest):
    """The same as without it."""

    def test_awkward(self):
        """Plain answers from the file, and those that must be escaped."""
        daemon = self.serve(self.mapped("words", AWKWARD.items()))
        self.assertEqual(self.maps(), ["words.cdb"])
        self.assert_serves_entries(AWKWARD)
        for key, text in AWKWARD.items():
            self.assertEqual(harness.ask(daemon.address, search(key)),
                             harness.plain_reply(text))
        for key in ("", "Plain", "plai", "plain\0", "k" * 1023, "k" * 1025):
            self.assertIsNone(self.find(key), key)

    def test_duplicates(self):
        """All ways with keys that come again, escaped or not."""
        entries = [("a", "1"), ("b", "2"), ("a", "3\n"), ("c", "\t"),
                   ("c", "plain")]
        config = self.write_config(f"listen {LOOPBACK} 0",
                                   self.mapped("words", entries))
        path = self.path("words.cdb")
        done = run(program("appmsgd"), "-n", "-f", config)
        self.assertEqual(done.returncode, tables.CONFIG)
        self.assertRegex(done.stderr, f'{re.escape(path)}.*"a".*before')
        self.assertRegex(done.stderr, f'{re.escape(path)}.*"c".*before')
        self.serve(*(f"table {how} file {path} mmap=yes duplicates={how}"
                     for how in ("first", "last", "join")))
        for table, expected in (
                ("first", {"a": "1", "b": "2", "c": "\t"}),
                ("last", {"a": "3\n", "b": "2", "c": "plain"}),
                ("join", {"a": "1\n3\n", "b": "2", "c": "\t\nplain"})):
            for key, text in expected.items():
                self.assertEqual(self.find(key, table=table), text)
            self.assert_finds("prefix", "", sorted(expected.items()),
                              table=table)

    def test_folded(self):
        """Keys that folding changes are copied."""
        line = self.mapped("words", [("Stra\u00dfe", "1"), ("lower", "2"),
                                     ("UPPER", "\n")], "fold=yes")
        found = self.problems(line)
        if found and "libutf8proc" in found[0][2]:
            self.skipTest("built without libutf8proc")
        self.serve(line)
        for key, text in (("strasse", "1"), ("STRASSE", "1"), ("LOWER", "2"),
                          ("upper", "\n")):
            self.assertEqual(self.find(key), text)
        self.assert_finds("prefix", "", [
            ("lower", "2"), ("Stra\u00dfe", "1"), ("UPPER", "\n")])

    def test_several_files(self):
        """A pattern; each answer says which file it is from."""
        os.mkdir(self.path("many"))
        for number in range(5):
            self.make("cdb", [(f"{number}/{i}", f"{i}") for i in range(400)],
                      f"many/{number}")
        self.make("cdb", [], "many/5")
        self.serve("table words file many/*.cdb mmap=yes")
        for number in range(5):
            self.assert_serves_entries(
                {f"{number}/{i}": f"{i}" for i in range(0, 400, 7)})
            reply = self.ask({"value": f"{number}/7"}, explain=True)
            self.assertEqual(reply.header["file"],
                             self.path(f"many/{number}.cdb"))
            self.assertNotIn("line", reply.header)
        done = self.control("explain", "3/399")
        self.assertIn(self.path("many/3.cdb"), done.stdout)

    def test_asked_without_serving(self):
        """appmsgd -n -q answers from it, and -T shows it."""
        line = self.mapped("words", AWKWARD.items())
        config = self.write_config(f"listen {LOOPBACK} 0", line)
        for key, text in (("plain", "text"), ("tab", "\t")):
            done = run(program("appmsgd"), "-n", "-q", key, "-f", config)
            self.assertEqual((done.returncode, done.stdout),
                             (0, text + "\n"))
        done = run(program("appmsgd"), "-T", "-f", config)
        self.assertRegex(done.stdout, r"(?m)^table words .* mmap=yes\b")
        shown = self.write("shown.conf", done.stdout)
        done = run(program("appmsgd"), "-n", "-q", "plain", "-f", shown)
        self.assertEqual(done.stdout, "text\n")

    def test_memory(self):
        """The file's bytes are not among those of the tables."""
        entries = [(f"{i}", f"{i}" * 50000) for i in range(1, 9)]
        size = sum(len(answer) for _, answer in entries)
        self.serve(self.mapped("words", entries, "search=exact"))
        self.assert_serves_entries(dict(entries))
        status = harness.strict_json(
            self.control("--json", "status").stdout.encode())
        self.assertLess(status["table-bytes"], size // 10)
        self.change(self.mapped("words", entries, "search=exact").replace(
            "mmap=yes", "mmap=no"))
        self.assertIn("+0 added -0 removed ~0 changed", self.reload())
        status = harness.strict_json(
            self.control("--json", "status").stdout.encode())
        self.assertGreater(status["table-bytes"], size)


class Mistakes(MapTest):
    """Where it cannot be."""

    def test_each(self):
        """Told at the directive's place."""
        self.make("cdb", [("a", "b")])
        self.write("words.tsv", "a\tb\n")
        self.write("mixed/a.cdb", b"")
        self.write("mixed/b.json", "{}")
        for line, word in {
                "table words file words.tsv mmap=yes":
                f"{re.escape(self.path('words.tsv'))}: mmap=yes .* .cdb",
                "table words file words.cdb mmap=maybe": "maybe",
                "table words file words.cdb mmap=": "yes",
                "table words file words.cdb mmap=yes mmap=yes": "twice",
                "table words file words.cdb map=yes": "mmap",
                "table words binary words.cdb mmap=yes": "mmap",
                "table words file mixed/*.json mmap=yes": "mmap=yes"}.items():
            with self.subTest(line):
                found = self.problems(line)
                self.assertEqual(len(found), 1, found)
                self.assertEqual(found[0][:2], (self.path("check.conf"), 2))
                self.assertRegex(found[0][2], word)
        found = self.problems("table words file mixed/* mmap=yes")
        self.assertEqual([place[:2] for place in found],
                         [(self.path("check.conf"), 2)] * 2)
        for (_, _, text), name in zip(found, ("a.cdb", "b.json")):
            self.assertIn(name, text)

    def test_of_the_file(self):
        """Those of a .cdb are told as without it."""
        for text in (b"+3,1:bad->\xff\n\n", b"+1,1:\xff->b\n\n",
                     b"+1025,1:%s->b\n\n" % (b"k" * 1025), b"+0,1:->b\n\n"):
            path = self.path("words.cdb")
            done = run("cdb", "-c", path, stdin=text)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = self.problems(f"table words file {path}")
            self.assertEqual(len(found), 1, found)
            self.assertEqual(
                found, self.problems(f"table words file {path} mmap=yes"))


class Generations(MapTest):
    """Files come and go; a mapping is that of its generation."""

    def test_renamed_over(self):
        """The old file is mapped as long as it may be rolled back to."""
        self.serve(self.mapped("words", numbered("one")))
        self.mapped("words", numbered("two"))
        self.assert_serves_entries(dict(numbered("one")))
        self.wait_maps(["words.cdb (deleted)"])
        self.assertIn(f"~{KEYS} changed", self.control("diff").stdout)
        self.wait_maps(["words.cdb (deleted)"])
        self.assertIn(f"~{KEYS} changed", self.reload())
        self.assert_serves_entries(dict(numbered("two")))
        self.wait_maps(["words.cdb", "words.cdb (deleted)"])
        self.mapped("words", numbered("three"))
        self.reload()
        self.assert_serves_entries(dict(numbered("three")))
        self.wait_maps(["words.cdb", "words.cdb (deleted)"])
        # The same file is mapped once, however many have it, as soon as it is
        # old enough to be known by its times.
        line = self.mapped("words", numbered("three"))
        numbers = itertools.count()

        def is_mapped_once():
            self.change(line, f"# {next(numbers)}")
            self.reload()
            return self.maps() == ["words.cdb"]
        harness.wait_until(is_mapped_once, "it is mapped once")
        for _ in range(2):
            self.reload("--force")
        self.wait_maps(["words.cdb", "words.cdb"])

    def test_rollback_to_a_removed_file(self):
        """Neither needs its name."""
        line = self.mapped("words", numbered("one"))
        self.serve(line)
        self.mapped("words", numbered("two", KEYS + 1))
        self.reload()
        os.remove(self.path("words.cdb"))
        self.assert_serves_entries(dict(numbered("two", KEYS + 1)))
        self.assertIn("words.cdb", self.refused())
        self.assertIn("-1 removed", self.control("rollback").stdout)
        self.assert_serves_entries(dict(numbered("one")))
        self.assertIsNone(self.find(f"key {KEYS}"))
        self.wait_maps(["words.cdb (deleted)"] * 2)
        self.mapped("words", numbered("three"))
        self.reload()
        self.assert_serves_entries(dict(numbered("three")))

    def test_guard(self):
        """A table that lost too much is refused, and its file let go."""
        self.serve(self.mapped("words", numbered("one")))
        self.mapped("words", numbered("two", KEYS // 2))
        self.assertIn(f"lost {KEYS // 2} of {KEYS} keys", self.refused())
        self.assert_serves_entries(dict(numbered("one")))
        self.wait_maps(["words.cdb (deleted)"])
        self.reload("--force")
        self.assert_serves_entries(dict(numbered("two", KEYS // 2)))

    def test_between_mapped_and_read(self):
        """The option itself may change."""
        line = self.mapped("words", numbered("one"))
        self.serve(line)
        for other in (line.replace("yes", "no"), line):
            self.change(other)
            self.assertIn("+0 added -0 removed ~0 changed", self.reload())
            self.assert_serves_entries(dict(numbered("one")))

    def test_replaced_all_the_time(self):
        """Renamed over while it is loaded and served: never some of both."""
        self.serve(self.mapped("words", numbered("0"), "search=exact"))
        files = []
        for version in range(4):
            tables.cdb(numbered(f"{version}"), self.path("made"))
            with open(self.path("made"), "rb") as file:
                files.append(file.read())
        stop = threading.Event()

        def replace():
            while not stop.is_set():
                for data in files:
                    self.write("words.cdb", data)

        with harness.background(replace):
            try:
                for _ in range(RELOADS):
                    done = self.control("reload")
                    if done.returncode != 0:
                        self.assertIn("changed", done.stderr)
                    texts = self.find_all(f"key {i}"
                                          for i in range(0, KEYS, 37))
                    self.assertEqual(
                        len({text.split()[0] for text in texts}), 1, texts)
            finally:
                stop.set()
        self.reload()


if __name__ == "__main__":
    harness.main()
