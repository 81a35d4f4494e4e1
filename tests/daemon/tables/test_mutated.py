#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Thousands of files with small mistakes, by appmsgd -n and reloads.

Whatever a file says, the daemon ends well and in time, and agrees with our
own reading of it: either each entry is served, or the file is refused, with
the line that is wrong.  APPMSG_MUTATIONS multiplies how many are tried,
APPMSG_SEED repeats a run.
"""

import os
import re
import struct
import sys
import urllib.parse

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import (LOOPBACK, kept, program, quoted, request, run, thorough,
                     to_json)
from tables import CONFIG, TableTest

TIMES = int(os.environ.get("APPMSG_MUTATIONS", "1"))
BATCHES = thorough(4, 10) * TIMES       # of each format
BATCH = 40              # files, and tables of one config
CONFIGS = thorough(60, 150) * TIMES
FOLDERS = thorough(12, 30) * TIMES
LONG_AGO = 1000000000   # a file that was just written is waited for

ENTRIES = [
    ("a", "answer"), ("key 2", "answer 2"), ("\u00e9", "\u20ac \U0001f430"),
    ("tab\tand\\back", 'quote" and\nline'), ("empty", ""), ("nul\0", "\0\r"),
    ("long", "x" * 200), ("z", "\u007f\u0080 / \\/ "),
]

# What is often wrong in a file of each format, beside its bytes.
TOKENS = {
    "tsv": [b"\t", b"\n", b"\r\n", b"\n\n", b"\\", b"\\x", b"\\x7f", b"\\x80",
            b"\\u{}", b"\\u{d800}", b"\\u{10ffff}", b"\\u{110000}",
            b"\\u{1f430", b"\\n", b"\\0", b"\0", b"\t\t", b"a\tb\n"],
    "json": [b'"', b"{", b"}", b"[", b"]", b",", b":", b'"a":"b"', b"null",
             b"1e5", b"\\u0000", b"\\ud800", b"\\udc00", b"\\ud83d\\udc30",
             b"\\", b"\n", b'"a": "again",', b"{}", b"//", b"-", b" \t"],
    "cdb": [struct.pack("<I", n) for n in
            (0, 1, 8, 2047, 2048, 2056, 2**31, 2**32 - 1)],
    "conf": [b"#", b'"', b"\\\n", b"\n", b" ", b"\t", b"=", b"\\u0000",
             b"\\ud800", b"answer a b\n", b"include more.conf\n", b"*",
             b"0", b"99999999999999999999", b"k", b"file", b"table ",
             b"yes", b"no", b"listen ", b" guard=", b"%", b"/"],
}
TOKENS["jsonl"] = TOKENS["json"] + [
    b'{"key": "k", "answer": "n"}\n', b'"key"', b'"answer"', b"\n\n"]
BYTES = b"\0\t\n\r \"\\{}%=\x7f\x80\xbf\xc0\xef\xf4\xff"


def mutate_once(rng, data, tokens):
    """The data with one small change."""
    at, other = (rng.randrange(len(data) + 1) for _ in range(2))
    length = rng.choice((1, 1, 2, 4, 8, 50))
    kind = rng.randrange(8)
    if kind == 0 and at < len(data):
        return (data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)])
                + data[at + 1:])
    if kind == 1:
        return data[:at] + bytes([rng.choice(BYTES)]) + data[at + 1:]
    if kind == 2:
        return data[:at] + data[at + length:]
    if kind == 3:
        return data[:at] + data[other:other + length] + data[at:]
    if kind == 4:
        return data[:at] + data[other:other + length] + data[at + length:]
    if kind == 5:
        return data[:at]
    token = rng.choice(tokens)
    return data[:at] + token + data[at + (kind - 6) * len(token):]


def mutate_numbers(rng, data):
    """A cdb with some number changed a little, or to another of it."""
    places = [8 * rng.randrange(256) + 4 * rng.randrange(2),
              4 * rng.randrange(len(data) // 4)]
    at, other = rng.choice(places), 4 * rng.randrange(len(data) // 4)
    number = struct.unpack_from("<I", data, rng.choice((at, other)))[0]
    number += rng.choice((0, 0, 1, -1, 8, -8, 2**31))
    return (data[:at] + struct.pack("<I", number % 2**32)
            + data[at + 4:])


def mutate(rng, data, form):
    """The data with one to four changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if form == "cdb" and len(data) > 2056 and rng.random() < 0.7:
            data = mutate_numbers(rng, data)
        else:
            data = mutate_once(rng, data, TOKENS[form])
    return data


def changed_lines(old, new):
    """The numbers of lines that differ; None if lines came or went."""
    old, new = old.split(b"\n"), new.split(b"\n")
    if len(old) != len(new):
        return None
    return {i for i, (a, b) in enumerate(zip(old, new), 1) if a != b}


class MutatedTest(TableTest):
    """Files of many sorts, and what is said of them."""

    def setUp(self):
        super().setUp()
        self.rng, seed = harness.seeded()
        print(f"APPMSG_SEED={seed}", file=sys.stderr)

    def write_old(self, name, data):
        """A file that nobody writes any more: its path."""
        path = self.write(name, data)
        os.utime(path, (LONG_AGO, LONG_AGO))
        return path

    def config_of(self, lines, name="check.conf"):
        return self.write_old(name, "".join(f"{line}\n" for line in lines))

    def told(self, config, what):
        """What appmsgd -n says of a config: (file, line, message) each;
        None where it is fine."""
        done = run(program("appmsgd"), "-n", "-f", config)
        if done.returncode == 0:
            self.assertEqual((done.stdout, done.stderr), ("", ""), what)
            return None
        self.assertEqual(done.returncode, CONFIG, (what, done))
        found = []
        for line in done.stderr.splitlines():
            match = re.fullmatch(r"(/[^:]*):(\d+): (.+)", line)
            # Of that file there are ten besides.
            if re.fullmatch(r"and [\d,]+ more in /.+", line):
                continue
            if match is None:
                self.assertRegex(line, r"^and \d+ more$|"
                                 r"^/[^:]*: no listen directive$", what)
                found.append((None, 0, line))
            else:
                found.append((match[1], int(match[2]), match[3]))
        self.assertTrue(found, what)
        return found


class Tables(MutatedTest):
    """Tables of each format."""

    def batch(self, seed, form):
        """Some mutations, each with its entries, or None."""
        found = []
        for number in range(BATCH):
            data = mutate(self.rng, seed, form)
            path = self.write_old(f"{number}.{form}", data)
            found.append((path, data, tables.read(form, data)))
        return found

    def lines_for(self, files, *options):
        return [" ".join((f"table t{number} file {quoted(path)} guard=no",
                          *options))
                for number, (path, *_) in enumerate(files)]

    def assert_place(self, seed, data, problem):
        """The line is one of those that were changed, or of a key that
        is also in such a line."""
        path, line, message = problem
        self.assertLessEqual(1, line)
        self.assertLessEqual(line, data.count(b"\n") + 1, problem)
        changed = changed_lines(seed, data)
        if changed is None:
            return
        if path.endswith(".json"):
            # What ends too early goes on; what misses at the end, misses
            # in the last line that has something.
            self.assertTrue(line >= min(changed) or "unfinished" in message,
                            (problem, data))
            return
        again = re.search(rf" at {re.escape(path)}:(\d+) \(", message)
        lines = {line} | ({int(again[1])} if again else set())
        self.assertTrue(lines & changed, (problem, changed, data))

    def refuse(self, form, seed, files, *options):
        """Each of them is refused, in its own lines."""
        if not files:
            return
        lines = (f"listen {LOOPBACK} 0", *self.lines_for(files, *options))
        config = self.config_of(lines)
        told = self.told(config, files[0])
        self.assertIsNotNone(told, files)
        if any(path is None for path, *_ in told):      # "and 7 more"
            self.assertGreater(len(files), 1, told)
            half = len(files) // 2
            self.refuse(form, seed, files[:half], *options)
            self.refuse(form, seed, files[half:], *options)
            return
        for number, (path, data, _) in enumerate(files):
            mine = [p for p in told if p[0] == path]
            whole = [p for p in told if p[:2] == (config, number + 2)]
            self.assertTrue(mine or whole, (path, data[-400:], told))
            if form == "cdb":
                self.assertEqual(mine, [])
                for _, _, message in whole:
                    self.assertTrue(message.startswith(f"{path}: "), message)
                continue
            self.assertEqual(whole, [], data)
            for problem in mine:
                self.assert_place(seed, data, problem)

    def accept(self, files, *options):
        """Each of them is served whole."""
        self.change(*self.lines_for(files, *options))
        self.reload("--force")
        for number, (path, data, entries) in enumerate(files):
            keys = list(entries)
            self.link.send(b"".join(request(
                to_json({"action": "search", "value": key,
                         "table": f"t{number}"}), **kept(id=i))
                for i, key in enumerate(keys)))
            for i, key in enumerate(keys):
                reply = self.link.reply()
                self.assertEqual((reply.header["id"], reply.result),
                                 (i, entries[key]), (path, data))

    def try_format(self, form, *options):
        if form == "cdb":
            tables.needs_cdb()
        path = self.make(form, ENTRIES, name="seed")
        with open(path, "rb") as file:
            seed = file.read()
        self.assertEqual(tables.read(form, seed), dict(ENTRIES))
        self.serve()
        refused = 0
        for _ in range(BATCHES):
            files = self.batch(seed, form)
            wrong = [file for file in files if file[2] is None]
            self.refuse(form, seed, wrong, *options)
            self.accept([file for file in files if file[2] is not None],
                        *options)
            refused += len(wrong)
        # What all are, tells nothing.
        self.assertGreater(refused, BATCHES * BATCH / 10)
        self.assertLess(refused, BATCHES * BATCH * 99 / 100)

    def test_tsv(self):
        self.try_format("tsv")

    def test_json(self):
        self.try_format("json")

    def test_jsonl(self):
        self.try_format("jsonl")

    def test_cdb(self):
        self.try_format("cdb")

    def test_mapped_cdb(self):
        self.try_format("cdb", "mmap=yes")


def key_of(name):
    """The key of a file of a binary table; None: it must be refused."""
    if re.search(r"%(?![0-9a-fA-F]{2})", name):
        return None
    return urllib.parse.unquote_to_bytes(name)


class Folders(MutatedTest):
    """Binary tables: names that mean keys, and any bytes."""

    NAMES = ("plain", "a%2Fb", "100%25", "%C3%A9", "\u00e9", "x" * 200, "%41")
    PIECES = ("%", "%00", "%2f", "%zz", "%4", "A", "%41", ".", "\\", " ",
              "\u20ac", "\n", "%e9")

    def name(self):
        name = self.rng.choice(self.NAMES)
        for _ in range(self.rng.choice((0, 0, 1, 1, 2))):
            at = self.rng.randrange(len(name) + 1)
            cut = self.rng.randrange(3)
            name = (name[:at] + self.rng.choice(self.PIECES)
                    + name[at + cut:])
        return name

    def test_names(self):
        """A wrong one refuses all, and is named; else each is a key."""
        self.serve()
        outcomes = set()
        for number in range(FOLDERS):
            names = {self.name() for _ in range(self.rng.randrange(12))}
            names -= {"", ".", ".."}
            # Whatever is drawn, there is one of each sort.
            if number < 2:
                names = ({"plain"}, {"wrong%"})[number]
            for name in names:
                self.write_old(f"{number}/{name}", name.encode() + b"\0\xff")
            os.makedirs(self.path(str(number)), exist_ok=True)
            seen = sorted(name for name in names if name[0] != ".")
            keys = [key_of(name) for name in seen]
            good = None not in keys and len(set(keys)) == len(keys)
            outcomes.add(good)
            line = f"table b binary {quoted(self.path(str(number)))} guard=no"
            config = self.config_of([f"listen {LOOPBACK} 0", line])
            told = self.told(config, names)
            self.assertEqual(told is None, good, names)
            for path, at, message in told or ():
                self.assertEqual((path, at), (config, 2))
                self.assertTrue(message.startswith(self.path(str(number))),
                                message)
            if not good:
                continue
            self.change(line)
            self.reload("--force")
            for name, key in zip(seen, keys):
                reply = self.link.ask(harness.binary(key, **kept()))
                self.assertEqual(reply.content, name.encode() + b"\0\xff",
                                 key)
        self.assertEqual(outcomes, {True, False})


def directives(text):
    """The first word of each logical line, quotes and comments minded."""
    words, at = [], 0
    pattern = re.compile(rb'[^\s"=]*="(?:\\.|[^"\\\n])*"|"(?:\\.|[^"\\\n])*"|'
                         rb'(?:[^ \t\n\\]|\\(?!\r?\n))+')
    first = True
    while at < len(text):
        if text[at] in b" \t":
            at += 1
        elif match := re.compile(rb"\\\r?\n").match(text, at):
            at = match.end()
        elif text[at] in b"\n":
            at, first = at + 1, True
        elif match := re.compile(rb"\r(?=\n|$)").match(text, at):
            at = match.end()
        elif text[at] in b"#":
            end = text.find(b"\n", at)
            at = len(text) if end == -1 else end
        else:
            match = pattern.match(text, at)
            if match is None:
                return None
            if first:
                words.append(match[0].removesuffix(b"\r"))
            first, at = False, match.end()
    return words


class Configs(MutatedTest):
    """Configurations."""

    LINES = (
        "# A configuration",
        f"listen {LOOPBACK} 0 keep-alive=yes allow=127.0.0.0/8,10.0.0.0/8",
        "listen ::1 0 service=echo",
        "listen /var/socket mode=0660",
        "control /var/control group=root",
        'answer "a" "b # no comment"     # one',
        r'answer "nul\u0000key" "\ud83d\udc30 \"quoted\" \\"',
        'answer plain text',
        'answer \\',
        '    over lines',
        'binary logo file blob type="image/png"',
        "table words file words.tsv search=exact,prefix duplicates=first",
        "table blobs binary folder guard=5%",
        "workers 2", "sandbox no",
        "limit connections 1k", "timeout idle 5m",
        "pidfile /var/pid", "log level=warn access=no",
        "include more.conf", "include none/*.conf",
    )

    def setUp(self):
        super().setUp()
        self.write_old("blob", b"bytes")
        self.write_old("folder/one", b"1")
        self.write_old("words.tsv", b"a\tb\n")
        self.write_old("more.conf", b"answer more more\n")

    def shown(self, config):
        """What appmsgd -T says, which must say the same again."""
        done = run(program("appmsgd"), "-T", "-f", config)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        again = run(program("appmsgd"), "-T", "-f",
                    self.write_old("shown.conf", done.stdout))
        self.assertEqual(again.stdout, done.stdout)
        self.assertEqual(again.returncode, 0)
        return done.stdout.encode()

    def assert_all_there(self, config, data):
        """Nothing that was said is missing in what is shown."""
        said, shown = directives(data), directives(self.shown(config))
        self.assertIsNotNone(said, data)
        answers = shown.count(b"answer")        # and one an include, perhaps
        self.assertGreaterEqual(answers, said.count(b"answer"), data)
        self.assertLessEqual(answers, said.count(b"answer")
                             + said.count(b"include"), data)
        for word in (b"listen", b"binary", b"table"):
            self.assertEqual(shown.count(word), said.count(word), data)

    def test_mutations(self):
        """Exit 0 or 78; a line for each mistake, where it is."""
        seed = "".join(f"{line}\n" for line in self.LINES).encode()
        config = self.write_old("c.conf", seed)
        self.assertIsNone(self.told(config, seed))
        self.assert_all_there(config, seed)
        fine = 0
        for _ in range(CONFIGS):
            data = mutate(self.rng, seed, "conf")
            told = self.told(self.write_old("c.conf", data), data)
            if told is None:
                fine += 1
                self.assert_all_there(config, data)
                continue
            for path, line, message in told:
                if path == config:
                    self.assertLessEqual(1, line, data)
                    self.assertLessEqual(line, data.count(b"\n") + 1, data)
        # Of few, chance alone may leave none.
        if CONFIGS >= 150:
            self.assertGreater(fine, CONFIGS / 50)


if __name__ == "__main__":
    harness.main()
