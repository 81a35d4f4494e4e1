#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What the four formats of tables can hold.

What is in a file is served as it is, however it is spelled there.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import LOOPBACK, program, run, search
from tables import FORMATS, TableTest

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


if __name__ == "__main__":
    harness.main()
