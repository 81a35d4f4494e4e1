#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables from files: several of them, and where answers stand.

Of several tables the first that has a key answers, of several files of one
table all do, and explain tells which. What formats hold is in
test_tables_formats.py, what is wrong in test_tables_broken.py, and bytes are
in test_tables_blobs.py.
"""

import os
import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import LOOPBACK, program, quoted, run
from tables import ALL_WAYS, FORMATS, FOUND, KEEP, TableTest, line_of


class Globs(TableTest):
    """A table of several files."""

    def test_sorted(self):
        """Files of all formats that a pattern matches, in order."""
        self.write("words/b.tsv", "b\tsecond\n")
        self.write("words/a.jsonl", '{"key": "a", "answer": "first"}\n')
        self.write("words/c.json", '{"c": "third"}')
        self.write("words/a.txt", "not this")
        self.serve("table words file words/?.[jt]s*")
        self.assert_serves_entries({"a": "first", "b": "second",
                                    "c": "third"})
        self.assert_finds("prefix", "", [
            ("a", "first"), ("b", "second"), ("c", "third")])
        for key, name in (("a", "a.jsonl"), ("b", "b.tsv"), ("c", "c.json")):
            reply = self.ask({"value": key}, explain=True)
            self.assertEqual(reply.header["file"],
                             self.path("words", name))

    def test_nothing_matches(self):
        """A pattern may match nothing, and more at the next reload."""
        self.serve("table words file words/*.tsv",
                   "table more file none/*.tsv")
        self.assertIsNone(self.find("a"))
        self.write("words/a.tsv", "a\tb\n")
        self.reload()
        self.assertEqual(self.find("a"), "b")
        os.remove(self.path("words/a.tsv"))
        self.write("words/b.tsv", "c\td\n")
        self.assertIn("guard", self.refused())
        self.assertEqual(self.find("a"), "b")
        self.reload("--force")
        self.assertEqual((self.find("a"), self.find("c")), (None, "d"))

    def test_beside_its_config(self):
        """A relative path is that of the file which names it."""
        self.write("conf.d/words.tsv", "a\tincluded\n")
        self.write("words.tsv", "b\tbeside\n")
        self.write_config("table included file words.tsv",
                          name="conf.d/x.conf")
        self.serve("include conf.d/*.conf", "table beside file words.tsv")
        self.assertEqual(self.find("a", table="included"), "included")
        self.assertEqual(self.find("b", table="beside"), "beside")

    def test_twice_over_files(self):
        """Duplicates in two files of a table name both places."""
        self.write("words/a.tsv", "x\t1\ny\t2\n")
        self.write("words/b.tsv", "z\t3\ny\t4\n")
        found = self.problems("table words file words/*.tsv")
        self.assertEqual([place[:2] for place in found],
                         [(self.path("words/b.tsv"), 2)])
        self.assertIn(f"{self.path('words/a.tsv')}:2", found[0][2])

    def test_odd_names(self):
        """Blanks and characters of patterns, where the name is quoted."""
        path = self.write("two words #1.tsv", "a\tb\n")
        self.serve(f"table words file {quoted(path)}")
        self.assertEqual(self.find("a"), "b")


class Several(TableTest):
    """Which table answers."""

    def setUp(self):
        super().setUp()
        self.serve(
            self.table("first", b"a\tfirst a\nb\tfirst b\n"),
            'answer "main" "main main"', 'answer "a" "main a"',
            self.table("second", b'{"b": "second b", "c": "second c"}',
                       form="json"),
            self.table("empty", b""))

    def test_in_order(self):
        """main first, then as they are named; a key hides later ones."""
        for key, text in {"main": "main main", "a": "main a", "b": "first b",
                          "c": "second c", "d": None}.items():
            self.assertEqual(self.find(key), text, key)

    def test_by_name(self):
        """Only the one that is asked for."""
        expected = {
            "main": {"main": "main main", "a": "main a"},
            "first": {"a": "first a", "b": "first b"},
            "second": {"b": "second b", "c": "second c"},
            "empty": {},
        }
        for table, entries in expected.items():
            for key in ("main", "a", "b", "c", "d"):
                self.assertEqual(self.find(key, table=table),
                                 entries.get(key), (table, key))
                reply = self.ask({"value": key, "table": table},
                                 explain=True)
                self.assertEqual(reply.header.get("table"),
                                 table if key in entries else None)

    def test_no_table(self):
        """A name that no table has, and what is no name."""
        for name in ("third", "", "First", "first ", "first\0", "fir", 1,
                     None, True, ["first"], {}):
            with self.subTest(name):
                reply = self.ask({"value": "a", "table": name}, id=1)
                self.assert_coded(reply, "no-table", KEEP, ("id", 1))
        reply = harness.ask_reply(self.daemon.address, harness.request(
            b'{"action": "search", "value": "a", "table": "third"}'))
        self.assert_error(reply)
        self.assertEqual(reply.extra, [])
        self.assertEqual(self.find("b", table="second"), "second b")

    def test_last_member_counts(self):
        """Of several, and however it is spelled."""
        for name in ('"third", "table": "second"', '"\\u0073econd"'):
            reply = self.ask(b'{"action": "search", "value": "b", "table": '
                             b'%s}' % name.encode())
            self.assert_answer(reply, "second b", KEEP, FOUND)

    def test_tables_that_come_and_go(self):
        """A reload may name others, in another order."""
        lines = [self.table("second", b"b\tnew b\n", "guard=no"),
                 self.table("third", b"d\tnew d\n")]
        self.change(*lines)
        self.assertIn('"first"', self.refused())
        self.reload("--force")
        for key, text in {"main": None, "a": None, "b": "new b",
                          "d": "new d"}.items():
            self.assertEqual(self.find(key), text, key)
        reply = self.ask({"value": "a", "table": "first"})
        self.assert_coded(reply, "no-table", KEEP)
        self.assertEqual(self.find("d", table="third"), "new d")


class Names(TableTest):
    """The action "tables"."""

    CONTENT = b'{"action": "tables"}'

    def names(self, **header):
        reply = harness.ask_reply(
            self.daemon.address, harness.request(self.CONTENT, **header))
        content = harness.strict_json(reply.content)
        self.assertEqual(list(content), ["result", "tables"])
        return content["result"], content["tables"], reply.extra

    def test_in_their_order(self):
        """Those that are asked, empty ones too, but for main."""
        self.serve(self.table("b", b"x\t1\n"), self.table("a.b-C_1", b""),
                   self.table("words", b"y\t2\n"))
        names = ["b", "a.b-C_1", "words"]
        self.assertEqual(self.names(), ("\n".join(names), names, []))
        self.assertEqual(self.names(id=7)[2],
                         [("id", 7), ("status", "found")])
        for name in names:
            reply = self.ask({"value": "none", "table": name})
            self.assert_answer(reply, harness.no_match("none"), KEEP,
                               ("status", "not-found"))

    def test_those_of_binary_entries_are_none(self):
        self.write("icons/one", "1")
        self.serve("table icons binary icons",
                   "binary logo file icons/one",
                   self.table("words", b"y\t2\n"), "answer a b")
        self.assertEqual(self.names()[1], ["main", "words"])

    def test_none(self):
        self.serve()
        self.assertEqual(self.names(connection="close"),
                         ("No tables.", [], [("connection", "close"),
                                             ("status", "not-found")]))

    def test_many_on_one_connection(self):
        """Among others, in the order of the requests."""
        self.serve(self.table("words", b"y\t2\n"))
        with harness.Peer(self.daemon.address) as peer:
            peer.send(b"".join(
                harness.request(self.CONTENT, id=i, **harness.kept())
                + harness.search("y", id=-i, **harness.kept())
                for i in range(1, 200)))
            for i in range(1, 200):
                reply = peer.reply()
                self.assertEqual(reply.header["id"], i)
                self.assertEqual(reply.content, b'{"result": "words", '
                                                b'"tables": ["words"]}')
                reply = peer.reply()
                self.assert_answer(reply, "2", KEEP, ("id", -i), FOUND)

    def test_after_a_reload(self):
        self.serve(self.table("words", b"y\t2\n"))
        self.change(self.table("new", b"y\t3\n"),
                    self.table("words", b"y\t2\n"))
        self.reload()
        self.assertEqual(self.names()[1], ["new", "words"])


class Duplicates(TableTest):
    """Keys that come twice in one table."""

    DATA = b"a\t1\nb\t2\na\t3\nc\t4\na\t5\nb\t6\n"

    def test_error(self):
        """Each is told, with the place of both; it is the default."""
        for options in ((), ("duplicates=error",)):
            found = self.problems(self.table("words", self.DATA, *options))
            path = self.path("words.tsv")
            self.assertEqual([place[:2] for place in found],
                             [(path, 3), (path, 5), (path, 6)])
            for (_, _, text), key, line in zip(found, "aab", (1, 1, 2)):
                self.assertIn(f'"{key}"', text)
                self.assertIn(f"{path}:{line}", text)

    def serve_duplicates(self, how):
        wanted = {
            "first": {"a": ("1", 1), "b": ("2", 2), "c": ("4", 4)},
            "last": {"a": ("5", 5), "b": ("6", 6), "c": ("4", 4)},
            "join": {"a": ("1\n3\n5", 1), "b": ("2\n6", 2), "c": ("4", 4)},
        }[how]
        self.serve(self.table("words", self.DATA, f"duplicates={how}"))
        return wanted

    def test_first_last_and_join(self):
        """The first or the last one counts, or all do, everywhere."""
        for how in ("first", "last", "join"):
            with self.subTest(how):
                expected = self.serve_duplicates(how)
                for key, (text, line) in expected.items():
                    self.assertEqual(self.find(key), text)
                    reply = self.ask({"value": key}, explain=True)
                    self.assertEqual(reply.header["line"], line)
                self.assert_finds("prefix", "", [
                    (key, text) for key, (text, _) in expected.items()])
                status = self.control("status").stdout
                self.assertRegex(status, r"entries\W+3\b")
                self.assertIn("nothing", self.control("reload").stdout)

    def test_over_files_and_formats(self):
        """Files count in their order, and a cdb's records."""
        self.write("words/a.tsv", "x\t1\ny\t2\n")
        self.write("words/b.json", '{"y": "3", "z": "4", "z": "5"}')
        self.serve("table first file words/* duplicates=first",
                   "table last file words/* duplicates=last",
                   "table join file words/* duplicates=join")
        for key, (first, last) in {"x": "11", "y": "23", "z": "45"}.items():
            self.assertEqual(self.find(key, table="first"), first)
            self.assertEqual(self.find(key, table="last"), last)
            self.assertEqual(self.find(key, table="join"),
                             first if key == "x" else f"{first}\n{last}")
        for key, file, line in (("y", "a.tsv", 2), ("z", "b.json", 1)):
            header = self.ask({"value": key, "table": "join"},
                              explain=True).header
            self.assertEqual((header["file"], header["line"]),
                             (self.path(f"words/{file}"), line))

    def test_in_a_cdb(self):
        """A cdb may have a key more than once."""
        path = self.make("cdb", [("a", "1"), ("b", "2"), ("a", "3")])
        config = self.write_config(f"listen {LOOPBACK} 0",
                                   f"table words file {path}")
        done = run(program("appmsgd"), "-n", "-f", config)
        self.assertEqual(done.returncode, tables.CONFIG)
        self.assertRegex(done.stderr, f'{re.escape(path)}.*"a".*before')
        self.serve(f"table first file {path} duplicates=first",
                   f"table last file {path} duplicates=last",
                   f"table join file {path} duplicates=join")
        self.assertEqual(self.find("a", table="first"), "1")
        self.assertEqual(self.find("a", table="last"), "3")
        self.assertEqual(self.find("a", table="join"), "1\n3")

    def test_folded(self):
        """With fold=yes, too, only the same bytes are duplicates."""
        data = ("Stra\u00dfe\t1\nx\t2\nSTRASSE\t3\nStra\u00dfe\t4\n"
                ).encode()
        found = self.problems(self.table("words", data, "fold=yes"))
        if "libutf8proc" in found[0][2]:
            self.skipTest("built without libutf8proc")
        self.assertEqual([place[:2] for place in found],
                         [(self.path("words.tsv"), 4)])
        self.serve(self.table("words", data, "fold=yes", "duplicates=last"),
                   self.table("first", data, "fold=yes", "duplicates=first"),
                   self.table("joined", data, "fold=yes", "duplicates=join"),
                   self.table("plain", data, "duplicates=first"))
        for table, text in (("words", "4"), ("first", "1"),
                            ("joined", "1\n4")):
            self.assertEqual(self.find("Stra\u00dfe", table=table), text)
            for key in ("strasse", "STRASSE", "stra\u1e9ee"):
                self.assertEqual(self.find(key, table=table), "3")
            self.assert_finds("prefix", "stra", [
                ("STRASSE", "3"), ("Stra\u00dfe", text)], table=table)
        self.assertIsNone(self.find("strasse", table="plain"))
        self.assertEqual(self.find("Stra\u00dfe", table="plain"), "1")


class Explain(TableTest):
    """Table, file, line, generation, load time and way of match."""

    ENTRIES = [("a", "1"), ("b\n", "2"), ("c", "line\nline"), ("d", "4")]

    def test_each_format(self):
        """In replies, in this order; a cdb has no lines."""
        for form in FORMATS:
            with self.subTest(form):
                if form == "cdb":
                    tables.needs_cdb()
                path = self.make(form, self.ENTRIES)
                self.serve(f"table words file {path}")
                for number, (key, text) in enumerate(self.ENTRIES):
                    reply = self.ask({"value": key}, id=1, explain=True)
                    loaded = reply.header.pop("loaded")
                    self.assertRegex(
                        loaded, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                    line = line_of(form, number)
                    self.assert_answer(
                        reply, text, KEEP, ("id", 1), FOUND,
                        ("table", "words"), ("generation", 1),
                        ("file", path), *([("line", line)] if line else []),
                        ("match", "exact"), *harness.digests(reply, 4))

    def test_order_of_members(self):
        """As the manual says it."""
        self.serve(self.table("words", b"a\tb\n"))
        reply = self.ask({"value": "a"}, explain=True)
        self.assertEqual([name for name, _ in reply.extra], [
            "connection", "status", "table", "generation", "loaded", "file",
            "line", "match", "digest", "generation-digest", "entries"])

    def test_other_lines(self):
        """CRLF, empty lines of a .json, the main table."""
        files = {
            "tsv": b"a\tb\r\n\\n\tx\r\nkey\ty\r\n",
            "json": b'\r\n\n{"a":\n"key"\r\n,\n\n  "key"\n:\n"y"}',
            "jsonl": b'{"key":"a","answer":"b"}\r\n{"key":"c","answer":"\\n"}'
                     b'\r\n{"key": "key", "answer": "y"}\n\n',
        }
        lines = {"tsv": 3, "json": 7, "jsonl": 3}
        for form, data in files.items():
            with self.subTest(form):
                daemon = self.serve(self.table("words", data, form=form),
                                    'answer "here" "x"')
                reply = self.ask({"value": "key"}, explain=True)
                self.assertEqual(reply.result, "y")
                self.assertEqual(reply.header["line"], lines[form])
                reply = self.ask({"value": "here"}, explain=True)
                self.assertEqual(
                    [reply.header[name] for name in ("table", "file", "line")],
                    ["main", daemon.config, 6])

    def test_misses(self):
        """Nothing stands anywhere, but there is a generation."""
        self.serve(self.table("words", b"a\tb\n"))
        reply = self.ask({"value": "b"}, explain=True)
        self.assertEqual([name for name, _ in reply.extra], [
            "connection", "status", "generation", "loaded",
            "generation-digest", "entries"])

    def test_searches(self):
        """Of the best match, and the way it was found."""
        self.serve(self.table("one", b"xa\t1\n", ALL_WAYS),
                   self.table("two", b"b\t2\nxyz\t3\n", ALL_WAYS))
        for way, key, table, line in (
                ("prefix", "xy", "two", 2), ("suffix", "a", "one", 1),
                ("substring", "b", "two", 1), ("fuzzy", "xyy", "two", 2),
                ("regex", "^.y", "two", 2), ("exact", "b", "two", 1)):
            with self.subTest(way):
                reply = self.ask(tables.wanted(key, way), explain=True)
                self.assertEqual(
                    [reply.header[name] for name in (
                        "status", "table", "line", "match")],
                    ["found", table, line, way])

    def test_appmsgctl(self):
        """appmsgctl explain KEY, for people."""
        path = self.make("json", self.ENTRIES)
        self.serve(f"table words file {path}")
        done = self.control("explain", "c")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(" line\\nline\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^table +words$")
        self.assertRegex(done.stdout, rf"(?m)^file +{re.escape(path)}:4$")
        self.assertRegex(done.stdout, r"(?m)^generation +1$")
        self.assertRegex(done.stdout, r"(?m)^loaded +\d{4}-")
        done = self.control("explain", "none")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr)
        for args in ((), ("a", "b")):
            self.assertEqual(self.control("explain", *args).returncode, 64)

    def test_query(self):
        """appmsgd -n -q KEY -v says it without serving."""
        path = self.make("jsonl", self.ENTRIES)
        config = self.write_config(f"listen {LOOPBACK} 0",
                                   f"table words file {path}")
        base = [program("appmsgd"), "-f", config, "-n"]
        done = run(*base, "-q", "c")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "line\nline\n", ""))
        done = run(*base, "-q", "c", "-v")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"{path}:3", done.stdout)
        self.assertIn("words", done.stdout)
        done = run(*base, "-q", "none")
        self.assertEqual((done.returncode, done.stdout), (1, ""))


class Show(TableTest):
    """appmsgd -T."""

    def test_tables(self):
        """What it shows is a config that comes to the same."""
        lines = [self.table("one", b"a\tb\n", "search=prefix,regex",
                            "duplicates=last", "guard=no"),
                 self.table("two", b"{}", "guard=5%", form="json"),
                 f"table three binary {quoted(self.path('blobs'))} "
                 "type=image/png"]
        self.write("blobs/x", b"x")
        config = self.write_config(f"listen {LOOPBACK} 0", *lines)
        shown = run(program("appmsgd"), "-T", "-f", config)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        again = self.write("shown.conf", shown.stdout)
        second = run(program("appmsgd"), "-T", "-f", again)
        self.assertEqual(second.stdout, shown.stdout)
        for word in ("table one file", "regex", "duplicates=last",
                     "guard=no", "guard=5%", "table three binary",
                     "image/png"):
            self.assertIn(word, shown.stdout)


if __name__ == "__main__":
    harness.main()
