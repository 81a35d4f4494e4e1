#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables from files: four formats, several tables, and where answers stand.

What is in a file is served as it is; what is wrong in it is told with file
and line; of several tables the first that has a key answers.
"""

import os
import re

import harness
import tables
from harness import LOOPBACK, binary, program, quoted, run, search
from tables import FORMATS, FOUND, KEEP, TableTest, line_of

AWKWARD = {
    "plain": "text",
    "empty answer": "",
    "two words ": " leading and trailing ",
    'quote"': 'say "hello"',
    "back\\slash": "\\n is no newline, \\\\ is two",
    "tab\tkey": "tab\tin\tthe answer",
    "line\nkey": "line\nline\r\nline",
    "carriage\rkey": "\rstart, end\r",
    "NUL\0key": "\0both\0",
    "controls \x01\x1f\x7f": "".join(map(chr, range(0x20))) + "\x7f",
    "\u00e9\u4e2d\U0001f430": "\u2028\ufeff\U0010ffff\u0301",
    "#": "no comment",
    "{": "}",
    "k": "a" * 100000 + "\U0001f430" * 1000,
    "k" * tables.KEY_MAX: "the longest key",
    "\u4e2d" * (tables.KEY_MAX // 3): "so many bytes, too",
    " ": "a blank",
}

# Lines of a .tsv: what they hold.
SPELLINGS = {
    r"a\tb	c": ("a\tb", "c"),
    r"a\\tb	c\\": ("a\\tb", "c\\"),
    r"\x41\x7f\x00	\x0a": ("A\x7f\0", "\n"),
    r"\u{1f430}\u{41}	\u{10FFFF}\u{0}\u{00e9}": (
        "\U0001f430A", "\U0010ffff\0\u00e9"),
    r"\n\r\0	\0\r\n": ("\n\r\0", "\0\r\n"),
    "a	b	c		": ("a", "b\tc\t\t"),
    "a	": ("a", ""),
    " a 	 b ": (" a ", " b "),
    '"a"	"b"': ('"a"', '"b"'),
    "#a	b": ("#a", "b"),
    "a	\x01\x0b\x0c\x7f": ("a", "\x01\x0b\x0c\x7f"),
    "a	b\rc": ("a", "b\rc"),
    "a	\u2028\u0085": ("a", "\u2028\u0085"),
}

# Files with one mistake: its line, and a word of what is told.
BROKEN = {
    "tsv": {
        b"a\tb\nno tab\nc\td\n": (2, "TAB"),
        b"a\tb\n\nc\td\n": (2, "TAB"),
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
        b'\xef\xbb\xbf{"a": "b"}': (1, "."),
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
    "table words file words.txt": r"\.tsv \.json \.jsonl \.cdb",
    "table words file words": r"\.tsv \.json \.jsonl \.cdb",
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


class Formats(TableTest):
    """What the four formats can hold."""

    def test_the_same_from_each(self):
        """Awkward keys and answers come back from every format."""
        for form in FORMATS:
            with self.subTest(form):
                if form == "cdb":
                    tables.needs_cdb()
                path = self.make(form, AWKWARD.items())
                daemon = self.serve(f"table words file {path}")
                self.assert_serves_entries(AWKWARD)
                for key, text in AWKWARD.items():
                    self.assertEqual(harness.ask(daemon.address, search(key)),
                                     harness.plain_reply(text))
                for key in ("", "Plain", "plain\0", "plai", "k" * 1023,
                            "k" * 1025, "NUL", "k" * 5000):
                    self.assertIsNone(self.find(key), key)

    def test_spellings(self):
        """Escapes and blanks of a .tsv."""
        for line, (key, answer) in SPELLINGS.items():
            with self.subTest(line):
                data = f"{line}\nlast\tanswer".encode()
                self.assertEqual(tables.read_tsv(data),
                                 {key: answer, "last": "answer"})
                config = self.write_config(
                    f"listen {LOOPBACK} 0", self.table("words", data))
                if "\0" in key:
                    continue
                done = run(program("appmsgd"), "-n", "-q", key, "-f", config)
                self.assertEqual(
                    (done.returncode, done.stderr), (0, ""), line)
                self.assertEqual(done.stdout, answer + "\n")

    def test_spellings_are_served(self):
        """The same, all in one file, as clients see them."""
        data, entries = b"", {}
        for number, (line, (key, answer)) in enumerate(SPELLINGS.items()):
            data += f"{number} {line}\n".encode()
            entries[f"{number} {key}"] = answer
        self.serve(self.table("words", data))
        self.assert_serves_entries(entries)

    def test_crlf(self):
        """Lines may end as on other systems, the last one not at all."""
        files = {
            "tsv": b"a\tb\r\nc\td \r\ne\tf",
            "json": b'{\r\n"a": "b",\r\n\r\n"c": "d ", "e": "f"\r\n}\r\n',
            "jsonl": b'{"key": "a", "answer": "b"}\r\n{"key": "c", "answer":'
                     b' "d "}\r\n{"answer": "f", "key": "e"}',
        }
        for form, data in files.items():
            with self.subTest(form):
                self.serve(self.table("words", data, form=form))
                self.assert_serves_entries({"a": "b", "c": "d ", "e": "f"})

    def test_spellings_of_json(self):
        """Escapes, blanks and what else an object of a .jsonl has."""
        text = (b'{"\\u0061\\ud83d\\ude00": "\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000'
                b'\\u001f\\u00e9" ,"\xc3\xa9":"\x7f"  }\n \t\r\n')
        self.serve(self.table("words", text, form="json"))
        self.assert_serves_entries({
            "a\U0001f600": '"\\/\b\f\n\r\t\0\x1f\u00e9', "\u00e9": "\x7f"})
        text = (b' { "since" : [1, {"key": null}], "key" : "a\\n", "answer" '
                b': "\\u00e9" , "key2": "x"} \n'
                b'{"key": "x", "key": "b", "answer": 1, "answer": "2"}\n'
                b'\n \t\r\n\n')
        self.serve(self.table("words", text, form="jsonl"))
        self.assert_serves_entries({"a\n": "\u00e9", "b": "2"})
        self.assertIsNone(self.find("x"))

    def test_nothing_in_it(self):
        """Files without entries are tables without entries."""
        empty = [self.table("a", b""), self.table("b", b"{}", form="json"),
                 self.table("c", b"", form="jsonl"),
                 self.table("d", b"\n", form="jsonl")]
        if tables.shutil.which("cdb"):
            path = self.make("cdb", [], "e")
            empty.append(f"table e file {path}")
        self.serve(*empty)
        self.assertIsNone(self.find("key"))
        for name in "abcde"[:len(empty)]:
            self.assertIsNone(self.find("key", table=name))
            self.assert_finds("prefix", "", [], table=name)

    def test_what_the_client_prints(self):
        """Printed results of appmsg-client can be loaded again."""
        entries = {key: answer for key, answer in AWKWARD.items()
                   if "\0" not in key}
        daemon = self.serve(
            f"table words file {self.make('json', entries.items())}")
        done = harness.client("-p", daemon.port, "search", "--", *entries)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.serve(self.table("again", done.stdout))
        self.assert_serves_entries(entries)

    def test_many_lines(self):
        """A file that is long, with long lines, and the same in order."""
        entries = {f"key {i}": f"{i} " + "x" * (i % 300)
                   for i in range(30000)}
        entries["long"] = "y" * (5 << 20)
        self.serve(self.table("words", tables.tsv(entries.items())))
        keys = [*list(entries)[::97], "long", "key 29999"]
        self.assert_serves_entries({key: entries[key] for key in keys})
        reply = self.ask({"value": "key 29999"}, explain=True)
        self.assertEqual(reply.header["line"], 30000)


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
        self.reload()
        for key, text in {"main": None, "a": None, "b": "new b",
                          "d": "new d"}.items():
            self.assertEqual(self.find(key), text, key)
        reply = self.ask({"value": "a", "table": "first"})
        self.assert_coded(reply, "no-table", KEEP)
        self.assertEqual(self.find("d", table="third"), "new d")


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
        }[how]
        self.serve(self.table("words", self.DATA, f"duplicates={how}"))
        return wanted

    def test_first_and_last(self):
        """The first or the last one counts, everywhere."""
        for how in ("first", "last"):
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

    def test_over_files_and_formats(self):
        """Files count in their order, and a cdb's records."""
        self.write("words/a.tsv", "x\t1\ny\t2\n")
        self.write("words/b.json", '{"y": "3", "z": "4", "z": "5"}')
        self.serve("table first file words/* duplicates=first",
                   "table last file words/* duplicates=last")
        for key, (first, last) in {"x": "11", "y": "23", "z": "45"}.items():
            self.assertEqual(self.find(key, table="first"), first)
            self.assertEqual(self.find(key, table="last"), last)

    def test_in_a_cdb(self):
        """A cdb may have a key more than once."""
        path = self.make("cdb", [("a", "1"), ("b", "2"), ("a", "3")])
        config = self.write_config(f"listen {LOOPBACK} 0",
                                   f"table words file {path}")
        done = run(program("appmsgd"), "-n", "-f", config)
        self.assertEqual(done.returncode, tables.CONFIG)
        self.assertRegex(done.stderr, f'{re.escape(path)}.*"a".*before')
        self.serve(f"table first file {path} duplicates=first",
                   f"table last file {path} duplicates=last")
        self.assertEqual(self.find("a", table="first"), "1")
        self.assertEqual(self.find("a", table="last"), "3")

    def test_folded(self):
        """Keys that differ in case only are the same with fold=yes."""
        data = "Stra\u00dfe\t1\nx\t2\nSTRASSE\t3\n".encode()
        found = self.problems(self.table("words", data, "fold=yes"))
        if "libutf8proc" in found[0][2]:
            self.skipTest("built without libutf8proc")
        self.assertEqual([place[:2] for place in found],
                         [(self.path("words.tsv"), 3)])
        self.serve(self.table("words", data, "fold=yes", "duplicates=last"),
                   self.table("plain", data))
        for key in ("strasse", "STRASSE", "Stra\u00dfe", "stra\u1e9ee"):
            self.assertEqual(self.find(key, table="words"), "3")
        self.assertIsNone(self.find("strasse", table="plain"))
        self.assertEqual(self.find("Stra\u00dfe", table="plain"), "1")


class Blobs(TableTest):
    """Binary tables from folders and files."""

    FILES = {
        "logo": b"logo", "%00%ff": bytes([0, 255]), "a%2fb": b"a/b",
        "100%25": b"100%", "two words": b"two words",
        "caf\u00e9": "caf\u00e9".encode(),
        "%C3%A9t%C3%A9": b"\xc3\xa9t\xc3\xa9",
        "%2Ehidden": b".hidden", "x.png": b"x.png",
    }

    def blob(self, key, **members):
        return harness.ask_reply(self.daemon.address,
                                 binary(key, **members))

    def assert_blob(self, key, content,
                    content_type="application/octet-stream"):
        reply = self.blob(key)
        self.assertEqual(reply.content, content)
        self.assertEqual(reply.extra, [])
        self.assertEqual(reply.header["content-type"], content_type)
        self.assertEqual(reply.header["content-encoding"], "binary")

    def assert_no_blob(self, key):
        self.assertEqual(self.blob(key).content, harness.first_bytes(key))

    def test_folder(self):
        """Each file is an entry, its key any bytes."""
        for name, key in self.FILES.items():
            self.write(f"blobs/{name}", b"bytes of \0" + key)
        self.write("blobs/.hidden", b"passed over")
        self.write("blobs/empty", b"")
        self.serve(f"table blobs binary {quoted(self.path('blobs'))}")
        for key in self.FILES.values():
            self.assert_blob(key, b"bytes of \0" + key)
        self.assert_blob(b"empty", b"")
        for key in (b"hidden", b"log", b"logo\0", b"%00%ff", b"none"):
            self.assert_no_blob(key)
        self.assertIsNone(self.find("logo"))

    def test_files_and_types(self):
        """Files and patterns name entries too, and type= their type."""
        self.write("a.png", b"png a")
        self.write("b.png", b"png b")
        self.write("c%0a.gif", b"gif c")
        self.serve('table png binary *.png type=image/png',
                   f'table gif binary {self.path("c%0a.gif")}',
                   "table none binary *.bmp")
        self.assert_blob(b"a.png", b"png a", "image/png")
        self.assert_blob(b"b.png", b"png b", "image/png")
        self.assert_blob(b"c\n.gif", b"gif c")
        reply = self.blob(b"a.png", id=1)
        self.assertEqual(reply.extra, [("id", 1), FOUND])

    def test_order(self):
        """binary lines first, then the tables in order."""
        for folder in ("one", "two"):
            for name in ("a", folder):
                self.write(f"{folder}/{name}", f"{folder} {name}")
        self.write("line", b"of a line")
        self.serve("table one binary one", "table two binary two",
                   f"binary two file {self.path('line')}")
        self.assert_blob(b"a", b"one a")
        self.assert_blob(b"one", b"one one")
        self.assert_blob(b"two", b"of a line")

    def test_wrong_names(self):
        """Names that are no key are told, all of them."""
        names = ("100%", "%4", "%zz", "%-1")
        for name in names:
            self.write(f"blobs/{name}", b"x")
        self.write("blobs/fine", b"x")
        found = self.problems("table blobs binary blobs")
        self.assertEqual(len(found), len(names), found)
        for _, line, text in found:
            self.assertEqual(line, 2)
            self.assertRegex(text, "(100%|%4|%zz|%-1): .*hex")

    def test_twice(self):
        """Two spellings of one key."""
        self.write("blobs/A", b"1")
        self.write("blobs/%41", b"2")
        found = self.problems("table blobs binary blobs")
        self.assertEqual(len(found), 1, found)
        self.assertIn('"A"', found[0][2])

    def test_not_there(self):
        """A path without a file."""
        found = self.problems("table blobs binary none")
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0][:2], (self.path("check.conf"), 2))
        self.assertIn(self.path("none"), found[0][2])

    def test_reload(self):
        """Files that come, change and go."""
        for name in "abcdefghij":
            self.write(f"blobs/{name}", b"old")
        self.serve("table blobs binary blobs")
        self.write("blobs/a", b"new")
        self.write("blobs/k", b"more")
        os.remove(self.path("blobs/j"))
        self.assertIn("+1 added -1 removed ~1 changed", self.reload())
        self.assert_blob(b"a", b"new")
        self.assert_blob(b"b", b"old")
        self.assert_blob(b"k", b"more")
        self.assert_no_blob(b"j")
        for name in "abcdefgh":
            os.remove(self.path("blobs", name))
        self.assertIn("blobs", self.refused())
        self.assert_blob(b"a", b"new")

    def test_explain(self):
        """Where a binary entry stands."""
        self.write("blobs/logo", b"x")
        daemon = self.serve("table blobs binary blobs")
        header = self.blob(b"logo", id=1, explain=True).header
        self.assertEqual(header["table"], "blobs")
        self.assertEqual(header["generation"], 1)
        self.assertIn((header["file"], header["line"]), (
            (daemon.config, 5), (self.path("blobs/logo"), 0)))


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
                        ("match", "exact"))

    def test_order_of_members(self):
        """As the manual says it."""
        self.serve(self.table("words", b"a\tb\n"))
        reply = self.ask({"value": "a"}, explain=True)
        self.assertEqual([name for name, _ in reply.extra], [
            "connection", "status", "table", "generation", "loaded", "file",
            "line", "match"])

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
            "connection", "status", "generation", "loaded"])

    def test_searches(self):
        """Of the best match, and the way it was found."""
        ways = "search=" + ",".join(tables.WAYS)
        self.serve(self.table("one", b"xa\t1\n", ways),
                   self.table("two", b"b\t2\nxyz\t3\n", ways))
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
