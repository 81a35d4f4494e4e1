#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables from .csv files, as spreadsheets and others write them.

Each file is served with the entries that Python's csv module finds in it, or
refused with the file and the line that is wrong.
"""

import csv
import io
import json
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from tables import TableTest

MARK = b"\xef\xbb\xbf"
KEY = "k" * 1024
# More than could be told apart by comparing each with each.
NAMES = b",".join(b"n%d" % n for n in range(500000))
csv.field_size_limit(1 << 20)

# Files that are served: bytes, options, and the separator for Python.
RIGHT = [
    (b"", "", ","),
    (MARK, "", ","),
    (b"ring,In the caves\nelf,Fair\n", "", ","),
    (b"ring,In the caves\nelf,Fair", "", ","),
    (b"ring,In the caves\r\nelf,Fair\r\n", "", ","),
    (b"ring,In the caves\r\nelf,Fair", "", ","),
    (b"ring,one\r\nelf,two\nman,three\r\n", "", ","),
    (b'"ring","In the caves"\n"elf","Fair"\n', "", ","),
    (b'"ring","In the caves"\r\n"elf","Fair"', "", ","),
    (b'ring,"caves, dark"\n', "", ","),
    (b'"a,b","c,d"\n', "", ","),
    (b'ring,"He said ""no"""\n', "", ","),
    (b'"""",""""""\n', "", ","),
    (b'"say ""a""","""b"""\nx,""\n', "", ","),
    (b'ring,"two\nlines"\nelf,1\n', "", ","),
    (b'ring,"two\r\nlines"\r\nelf,1\r\n', "", ","),
    (b'"a\nkey","\n"\nelf,"\n\n\n"\n', "", ","),
    (b'ring,"a lone \r in quotes"\n', "", ","),
    (b'ring,"a ""quote"" and\n""another"""\n', "", ","),
    (b"ring,\nelf,\n", "", ","),
    (b" ring , in the caves \n", "", ","),
    (b"ring,tab\tand \\ backslash\n", "", ","),
    (b"ring,it's\n", "", ","),
    (b"a,b,c,d\ne,f,g,h\n", "", ","),
    (b"a,b,,\ne,f,,\n", "", ","),
    (MARK + b"ring;caves\nelf;fair\n", "", ";"),
    (MARK + b'"ring";"caves; dark"\r\n', "", ";"),
    (b"ring;1,5\nelf;2,5\nman;10\n", "", ";"),
    (b"ring\tcaves\nelf\tfair\n", "", "\t"),
    (b'ring\t"a\tb"\n', "", "\t"),
    (b"ring|caves|x\n", "separator=|", "|"),
    (b"ring:caves\n", "separator=:", ":"),
    (b"a b\nc d\n", 'separator=" "', " "),
    (b"ring\tcaves, dark\n", "separator=tab", "\t"),
    (b"a,b;c,d\n", "separator=;", ";"),
    ("Zürich,Größe 🐰\n中国,北京\n".encode(), "", ","),
    (MARK + "Zürich;Größe\n".encode(), "", ";"),
    (b"\xc2\xa0ring,\xe2\x80\xa8line\n", "", ","),
    (f"{KEY},the longest key\n".encode(), "", ","),
    (b'ring,"' + b"x" * 300000 + b'"\nelf,1\n', "", ","),
    (b"".join(b"%d,%d\n" % (i, i * i) for i in range(20000)), "", ","),
    (b"\x01,\x7f\x1f\x0b\n", "", ","),
    (b"#,no comment\n", "", ","),
    (b"ring,1\n\n\n", "", ","),
    (b"ring,1\r\n\r\n", "", ","),
    (b"key,answer\nring,caves\n", "", ","),
    (b'answer,id,key\ncaves,1,ring\n', "", ","),
    (b'"key";"answer"\r\n"ring";"caves"\r\n', "", ";"),
    (b"name,text\nring,caves\n", "header=yes", ","),
    (b"name,text\nring,caves\n", "key=name answer=text", ","),
    (b"text,id,name\ncaves,1,ring\n", "key=name answer=text", ","),
    (b'text;"full name"\ncaves;ring\n', 'key="full name" answer=text', ";"),
    (b"id,name,text\n1,ring,caves\n", "key=2 header=yes", ","),
    (b"1,ring,caves\n", "key=2", ","),
    (b"caves,ring\n", "key=2 answer=1", ","),
    (b"ring,caves\n", "key=1 answer=1", ","),
    (b"key,answer\nring,caves\n", "header=no", ","),
    (b"name,n,text\nring,1,caves\nelf,2,\"a\nb\"\n", "answer=*", ","),
    (b"name;n\nring;\"a \"\"b\"\"\"\n", "key=name answer=*", ";"),
    ("Größe,\"a \"\"b\"\"\",c\\d\n1,é\t\\,\x01\n".encode(), "answer=*", ","),
]

# Files that are refused: bytes, options, line and words.
WRONG = [
    (b'ring,"caves\nelf,1\n', "", 1, "in quotes begins here .* at byte 6"),
    (b'a,1\nring,"caves\nelf,1\n', "", 2, "quotes .*does not end"),
    (b'a,1\nring,"caves" dark\n', "", 2, "behind the closing .*byte 13"),
    (b'a,1\nring,"ca\nves" dark\n', "", 3, "opened in line 2"),
    (b'a,1\nring,5" pipe\n', "", 2, "a quote in a field .*byte 7"),
    (b'a,1\nring, "caves"\n', "", 2, "a quote in a field"),
    (b'a,1\nri"ng,x\n', "", 2, "a quote in a field"),
    (b"a,1\nring\n", "", 2, "1 column, .* has 2"),
    (b"a,1\nring,1,2\n", "", 2, "3 columns, .* has 2"),
    (b"a,1,2\n\"x\ny\",1\n", "", 2, "2 columns, .* has 3"),
    (b"a,1\n\nb,2\n", "", 2, "an empty line"),
    (b"\na,1\n", "", 1, "an empty line"),
    (b"a,1\n,2\n", "", 2, "1 to 1024 bytes, not 0"),
    (b"a,1\n;,\n", "", None, None),
    (f"a,1\nk{KEY},2\n".encode(), "", 2, "not 1025"),
    (b"a,1\nring,\0\n", "", 2, "raw NUL"),
    (b'a,1\nring,"x\n\0"\n', "", 3, "raw NUL"),
    (b"a,1\nZ\xfcrich,2\n", "", 2, "perhaps Latin-1"),
    (b"a,1\nring,\x93x\x94\n", "", 2, "perhaps Windows-1252"),
    (b"a,1\nring,\xc3\n", "", 2, "UTF-8"),
    ("a,1\nb,2\n".encode("utf-16"), "", 1, "UTF-16"),
    ("ring,1\nelf,2\n".encode("utf-16-le"), "", 1, "UTF-16"),
    (b"a,1\rb,2\r", "", 1, "carriage return"),
    (b"a,1\nb,2\rc,3\n", "", 2, "carriage return"),
    (b"ring,1;5\nelf,2;5\nman,10\n", "", 3, '1 column.*";"'),
    (b"a\nb\n", "", 1, "answer is column 2, .* there is 1"),
    (b"a,1\n", "key=7", 1, "key is column 7, .* there are 2"),
    (b"a;1\n", "separator=:", 1, "separator="),
    (b"name,text\na,1\n", "key=nmae", 1, 'did you mean "name"'),
    (b"name,text\na,1\n", "answer=price", 1, '"price".*the answer'),
    (b"name,x,name\na,1,2\n", "key=name", 1, 'both named "name"'),
    (b"name,,\na,1,2\n", "answer=*", 1, 'both named ""'),
    (b"b,a,c,a,b\n", "answer=*", 1, 'columns 2 and 4 are both named "a"'),
    (NAMES + b",n7\n", "answer=*", 1, "columns 8 and 500001 are both"),
    (b"name,t\xe9\na,1\n", "answer=*", 1, "Latin-1"),
    (b"a,1\nb,2\n\"a\",3\n", "", 3, '"a" was given before, at .*:1'),
    (b'key,"ans\nwer"\na,1\na,2\n', "header=yes", 4, "before, at .*:3"),
]
RIGHT = [row for row in RIGHT if row[2] is not None]
WRONG = [row for row in WRONG if row[2] is not None]


def words(options):
    """Options as a dict."""
    found = {}
    for part in options.replace('"full name"', "full\0name").split():
        name, _, value = part.partition("=")
        found[name] = value.replace("\0", " ")
    return found


def expected(data, options, separator):
    """The entries that Python finds, in order."""
    text = data.removeprefix(MARK).decode()
    rows = [row for row in csv.reader(io.StringIO(text, newline=""),
                                      delimiter=separator, strict=True) if row]
    said = words(options)
    names = [said[name] for name in ("key", "answer")
             if name in said and not said[name].isdigit()]
    head = rows[0] if rows else []
    own = {"key", "answer"} <= set(head) and said.get("header") != "no"
    header = own or names or said.get("header") == "yes"

    def column(name, default):
        word = said.get(name, name if own else None)
        if word is None:
            return default
        return int(word) - 1 if word.isdigit() else head.index(word)

    key = column("key", 0)
    entries = {}
    for row in rows[1:] if header else rows:
        if said.get("answer") == "*":
            entries[row[key]] = json.dumps(dict(zip(head, row)),
                                           ensure_ascii=False)
        else:
            entries[row[key]] = row[column("answer", key + 1)]
    return entries


class Csv(TableTest):
    """One file each."""

    def test_enough(self):
        """There are more than 60 of them, and each is another one."""
        files = [(data, options) for data, options, *_ in RIGHT + WRONG]
        self.assertEqual(len(set(files)), len(files))
        self.assertGreater(len(files), 60)

    def test_right(self):
        """As Python reads it, each in a table of its own."""
        lines = [self.table(f"t{number}", data, options, "search=exact",
                            form="csv")
                 for number, (data, options, _) in enumerate(RIGHT)]
        self.serve(*lines)
        for number, row in enumerate(RIGHT):
            entries = expected(*row)
            found = [self.find(key, table=f"t{number}") for key in entries]
            self.assertEqual(dict(zip(entries, found)), entries, row)
        shown = json.loads(self.control("tables", "--json").stdout)
        counts = {one["table"]: one["entries"] for one in shown["tables"]}
        for number, row in enumerate(RIGHT):
            self.assertEqual(counts[f"t{number}"], len(expected(*row)), row)

    def test_wrong(self):
        """The first line that is told is the one with the mistake."""
        for number, (data, options, line, text) in enumerate(WRONG):
            with self.subTest(data=data[:80], options=options):
                table = self.table(f"t{number}", data, options, form="csv")
                path, told, message = self.problems(table)[0]
                self.assertEqual((path, told),
                                 (self.path(f"t{number}.csv"), line), message)
                self.assertRegex(message, text)

    def test_directives(self):
        """Options that fit no file."""
        path = self.write("a.csv", b"a,1\n")
        other = self.write("a.tsv", b"a\t1\n")
        for file, options, text in (
                (path, "key=0", "1 to 16384"), (path, "key=", "1 to 16384"),
                (path, "answer=99999", "1 to 16384"),
                (path, "separator=ab", "one character"),
                (path, "separator=", "one character"),
                (path, "separator=\u00e9", "one character"),
                (path, "header=maybe", "maybe"),
                (path, "key=name header=no", "header=no says"),
                (path, "answer=* header=no", "header=no says"),
                (path, "mmap=yes", "cdb"),
                (other, "key=2", "the table has none"),
                (other, "separator=;", "the table has none")):
            with self.subTest(options):
                message = self.problems(f"table t file {file} {options}")
                self.assertRegex(message[0][2], text)

    def test_explained(self):
        """An answer stands where its record begins; a glob takes .csv."""
        self.write("words.d/b.csv", b'x,"1\n2\n"\nring,caves\n')
        self.write("words.d/a.tsv", b"elf\tfair\n")
        self.serve(f"table words file {self.path('words.d')}/* header=no")
        self.assertEqual(self.find("elf"), "fair")
        done = self.control("explain", "ring")
        self.assertIn(f"{self.path('words.d')}/b.csv:4", done.stdout)

    def test_unchanged(self):
        """A file that is as it was is not read; another option reads it."""
        line = self.table("words", b"a,1,2\nb,3,4\n", form="csv")
        self.serve(line)
        before = self.generation()
        self.reload()
        self.assertEqual(self.generation(), before)
        self.change(line + " answer=3")
        self.reload()
        self.assertEqual((self.find("a"), self.find("b")), ("2", "4"))
        self.change(line + " answer=3 separator=,")
        self.reload()
        self.assertEqual(self.find("b"), "4")

    def test_random(self):
        """Whatever Python writes is read as it was."""
        rng, seed = harness.seeded()
        lines, all_entries = [], []
        for number in range(40):
            separator = rng.choice(",;\t|")
            quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL,
                                  csv.QUOTE_NONNUMERIC))
            # With "\n" Python leaves others' "\r" without quotes.
            ends = "\r\n" if quoting == csv.QUOTE_MINIMAL else rng.choice(
                ("\n", "\r\n"))
            entries = {
                "".join(rng.choices('ab"\n,;\t\r \\é', k=rng.randint(1, 6))):
                "".join(rng.choices('ab"\n,;\t\r \\é', k=rng.randint(0, 9)))
                for _ in range(rng.randint(1, 60))}
            out = io.StringIO(newline="")
            writer = csv.writer(out, delimiter=separator, quoting=quoting,
                                lineterminator=ends)
            for key, answer in entries.items():
                writer.writerow((key, answer))
            name = "tab" if separator == "\t" else separator
            lines.append(self.table(f"t{number}", out.getvalue().encode(),
                                    f"separator={name} header=no",
                                    form="csv"))
            all_entries.append(entries)
        self.serve(*lines)
        for number, entries in enumerate(all_entries):
            for key, answer in entries.items():
                self.assertEqual(self.find(key, table=f"t{number}"), answer,
                                 f"seed {seed}, table {number}")


if __name__ == "__main__":
    harness.main()
