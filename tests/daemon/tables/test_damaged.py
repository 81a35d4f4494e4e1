#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Damaged files: the old table goes on, and the error names its place.

Files that are cut short, have bytes flipped, are of another format, cannot
be read, change during the load or are no files at all.  A damage that leaves
a valid file is no damage: then just what it says is served.
"""

import os
import re
import socket
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import quoted, thorough
from tables import FORMATS, TableTest

BY_LINES = ("tsv", "json", "jsonl")
SERVED = FORMATS + ("cdb mmap=yes",)
TRUNCATED = thorough(7, 16)     # files of each format
FLIPPED = thorough(8, 24)
HEADS = thorough(4, 12)         # of a cdb
MOVED = thorough(1, 4)          # in each of three ways
RELOADS = thorough(4, 12)       # while a file changes
SETTLED = 0.035         # seconds without a write before a file is read

ENTRIES = {
    **{f"key {i}": f"answer {i} \u00e9" for i in range(30)},
    "tab\tand\\back": 'quote" and\nline', "\U0001f430": "\U0001f407\0",
    "empty": "", "long": "x" * 3000, "k" * tables.KEY_MAX: "key",
}


class DamagedTest(TableTest):
    """A daemon with a table of one format, whose file is damaged."""

    def setUp(self):
        super().setUp()
        self.rng, self.seed = harness.seeded()
        print(f"APPMSG_SEED={self.seed}", file=sys.stderr)

    def serve_format(self, served, **kwargs):
        """Serve the entries from a file of this format, perhaps with more
        options: its good bytes."""
        form, *options = served.split()
        if form == "cdb":
            tables.needs_cdb()
        self.form = form
        self.file = self.make(form, ENTRIES.items())
        self.serve(" ".join((f"table words file {quoted(self.file)} guard=no",
                             *options)), **kwargs)
        with open(self.file, "rb") as file:
            data = file.read()
        self.assertEqual(tables.read(form, data), ENTRIES)
        return data

    def assert_old(self):
        """The table before the damage goes on."""
        self.assert_serves_entries(ENTRIES)
        self.assertEqual(self.generation(), self.before)

    def assert_told(self, text):
        """The file is named; where it has lines, with a line of it or,
        for the file as a whole, with the line of its directive."""
        first = text.splitlines()[0]
        path, config = re.escape(self.file), re.escape(self.daemon.config)
        pattern = rf"{config}:\d+: {path}: ."
        if self.form in BY_LINES:
            pattern += rf"|{path}:\d+: ."
        else:
            pattern += rf"|{path}: ."
        self.assertRegex(first, f"^(?:{pattern})")
        for line in text.splitlines():
            self.assertNotRegex(line, "[^ -~\u00a0-\U0010ffff]")

    def try_data(self, data, what):
        """Reload with these bytes, and hold it against our own reading."""
        expected = tables.read(self.form, data)
        what = f"{self.form} {what} APPMSG_SEED={self.seed}"
        self.before = self.generation()
        self.write(os.path.basename(self.file), data)
        done = self.control("reload")
        if expected is None:
            self.assertEqual(done.returncode, 1, (what, done))
            self.assert_told(done.stderr)
            self.assert_old()
            return True
        self.assertEqual((done.returncode, done.stderr), (0, ""), what)
        # What is good, and was before, changes nothing.
        self.assertIn(self.generation() - self.before, (0, 1))
        self.assert_serves_entries(expected)
        for key, text in zip(ENTRIES, self.find_all(ENTRIES)):
            self.assertEqual(text, expected.get(key), (what, key))
        return False

    def try_all(self, good, damaged):
        """Each of these; the good file is loaded after what was taken."""
        refused = 0
        for what, data in damaged:
            if self.try_data(data, what):
                refused += 1
            else:
                self.assertFalse(self.try_data(good, "good"))
        self.assertFalse(self.try_data(good, "good"))
        return refused


class Bytes(DamagedTest):
    """Files with wrong bytes."""

    def each_format(self, damages):
        """Try damages(good) of every format."""
        for form in SERVED:
            with self.subTest(form):
                good = self.serve_format(form)
                refused = self.try_all(good, damages(good))
                self.assertGreater(refused, 0)

    def test_truncated(self):
        """Cut short anywhere, to nothing and by one byte too."""
        def damages(good):
            places = [0, 1, len(good) - 1, len(good) - 2, len(good) // 2]
            places += self.rng.sample(range(len(good)),
                                      TRUNCATED - len(places))
            return [(f"cut at {place}", good[:place]) for place in places]

        self.each_format(damages)

    def test_flipped(self):
        """One bit, one byte or several are others."""
        def damages(good):
            for _ in range(FLIPPED):
                data, places = bytearray(good), []
                for _ in range(self.rng.choice((1, 1, 2, 10))):
                    place = self.rng.randrange(len(good))
                    data[place] ^= self.rng.choice(
                        (1 << self.rng.randrange(8),
                         self.rng.randrange(1, 256)))
                    places.append(place)
                yield f"flipped at {places}", bytes(data)

        self.each_format(damages)

    def test_flipped_heads(self):
        """In a cdb, each kind of number that tells where things are."""
        def damages(good):
            for place in [*self.rng.sample(range(2048), HEADS),
                          *range(2048, 2056), len(good) - 1, len(good) - 5,
                          len(good) - 8]:
                data = bytearray(good)
                data[place] ^= self.rng.choice((1, 0x80, 0xff))
                yield f"flipped at {place}", bytes(data)

        for served in ("cdb", "cdb mmap=yes"):
            with self.subTest(served):
                good = self.serve_format(served)
                self.assertGreater(self.try_all(good, damages(good)), 4)

    def test_moved(self):
        """Pieces that are missing, there twice, or zero as after a crash."""
        def damages(good):
            for _ in range(MOVED):
                start = self.rng.randrange(len(good) - 60)
                end = start + self.rng.randrange(1, 60)
                yield f"without {start}-{end}", good[:start] + good[end:]
                yield f"twice {start}-{end}", good[:end] + good[start:]
                yield (f"zeros {start}-{end}",
                       good[:start] + bytes(end - start) + good[end:])
            yield "appended", good + b"\0"
            yield "all zeros", bytes(len(good))
            yield "again", good + good

        self.each_format(damages)

    def test_other_formats(self):
        """A file whose ending promises something else."""
        forms = BY_LINES + (("cdb",) if tables.shutil.which("cdb") else ())
        files = {}
        for form in forms:
            path = self.make(form, ENTRIES.items(), "other")
            with open(path, "rb") as file:
                files[form] = file.read()
        with open(sys.executable, "rb") as file:
            files["program"] = file.read(1 << 20)
        files["random"] = self.rng.randbytes(10000)
        files["utf-16"] = files["json"].decode().encode("utf-16")
        for form in forms:
            with self.subTest(form):
                good = self.serve_format(form)
                self.try_all(good, [(other, data) for other, data
                                    in files.items() if other != form])

    def test_many_mistakes(self):
        """A file of nothing else is told in few lines."""
        good = self.serve_format("tsv")
        self.write("words.tsv", b"wrong\n" * 100000)
        text = self.refused()
        self.assertIn(f"{self.file}:1: ", text)
        self.assertLess(len(text.splitlines()), 1000)
        self.before = 1
        self.assert_old()
        self.try_all(good, [])


class NoFiles(DamagedTest):
    """Names that lead to something else."""

    def replace(self, how):
        """Put something else in the file's place."""
        if os.path.isdir(self.file) and not os.path.islink(self.file):
            os.rmdir(self.file)
        elif os.path.lexists(self.file):
            os.remove(self.file)
        how()

    def a_socket(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(self.file)

    def test_each(self):
        """Nothing, a folder, a FIFO, a socket, a device, a loop of links."""
        for served in SERVED:
            with self.subTest(served):
                good = self.serve_format(served)
                self.before = 1
                other = self.path("other." + self.form)
                cases = {
                    "nothing": lambda: None,
                    "a folder": lambda: os.mkdir(self.file),
                    "a FIFO": lambda: os.mkfifo(self.file),
                    "a socket": self.a_socket,
                    "/dev/null": lambda: os.symlink("/dev/null", self.file),
                    "/dev/zero": lambda: os.symlink("/dev/zero", self.file),
                    "a link to nothing": lambda: os.symlink(
                        "/no/such/file", self.file),
                    "a link to itself": lambda: os.symlink(
                        self.file, self.file),
                    "a loop": lambda: (os.symlink(other, self.file),
                                       os.symlink(self.file, other)),
                }
                for what, how in cases.items():
                    with self.subTest(what):
                        self.replace(how)
                        text = self.refused()
                        self.assertRegex(
                            text.splitlines()[0],
                            rf"^{re.escape(self.daemon.config)}:\d+: "
                            rf"{re.escape(self.file)}: .")
                        self.assert_old()
                self.replace(lambda: os.remove(other))
                self.assertFalse(self.try_data(good, "good"))

    def test_link_to_a_file(self):
        """A link to a file is as good as the file."""
        for form in SERVED:
            with self.subTest(form):
                good = self.serve_format(form)
                self.write("elsewhere/file", good)
                self.replace(lambda: os.symlink(
                    self.path("elsewhere/file"), self.file))
                self.reload()
                self.assert_serves_entries(ENTRIES)

    def test_unreadable(self):
        """A file that only others may read."""
        wrapper = harness.powerless()
        for form in SERVED:
            with self.subTest(form):
                self.serve_format(form, wrapper=wrapper)
                self.before = 1
                os.chmod(self.file, 0)
                self.assertIn(f"{self.file}: Permission denied",
                              self.refused())
                self.assert_old()

    def test_behind_a_glob(self):
        """One wrong file of several."""
        self.write("many/a.tsv", tables.tsv(ENTRIES.items()))
        self.write("many/b.tsv", b"other\tx\n")
        self.serve("table words file many/* guard=no")
        os.remove(self.path("many/b.tsv"))
        os.mkfifo(self.path("many/b.tsv"))
        self.assertIn(f"{self.path('many/b.tsv')}: ", self.refused())
        self.write("many/c.txt", b"")
        text = self.refused()
        for name in ("b.tsv", "c.txt"):
            self.assertIn(f"{self.path('many', name)}: ", text)
        self.before = 1
        self.assert_old()
        self.assertEqual(self.find("other"), "x")

    def test_binary_tables(self):
        """Files and folders of binary entries."""
        self.write("blobs/a", b"old")
        self.serve("table blobs binary blobs/* guard=no")
        os.mkfifo(self.path("blobs/b"))
        self.assertIn(f"{self.path('blobs/b')}: ", self.refused())
        os.remove(self.path("blobs/b"))
        os.symlink("b", self.path("blobs/b"))
        self.assertIn(f"{self.path('blobs/b')}: ", self.refused())
        reply = harness.ask_reply(self.daemon.address, harness.binary(b"a"))
        self.assertEqual(reply.content, b"old")

    def test_start(self):
        """A start does not hang or crash at them either."""
        self.file = self.path("words.tsv")
        for how in (lambda: os.mkfifo(self.file),
                    lambda: os.mkdir(self.file),
                    lambda: os.symlink(self.file, self.file)):
            self.replace(how)
            found = self.problems(f"table words file {self.file}")
            self.assertEqual(len(found), 1, found)
            self.assertEqual(found[0][:2], (self.path("check.conf"), 2))
            self.assertIn(self.file, found[0][2])


class Changing(DamagedTest):
    """Files that change during the load, and look like it."""

    LINES = 20000           # of the file at first
    MORE = 150000           # lines that it grows to at most

    def write(self, name, data):
        return super().write(name, data, age=0)

    def line(self, number):
        """A line of a file that grows, in each format by lines."""
        key, answer = f"key {number}", f"{number * 7919 % 10007}"
        return {"tsv": tables.tsv, "jsonl": tables.jsonl}[self.form](
            [(key, answer)])

    def grow(self, stop):
        """Add lines in a loop, each in one write."""
        with open(self.file, "ab", buffering=0) as file:
            for number in range(self.LINES, self.MORE):
                if stop.is_set():
                    return
                file.write(self.line(number))

    def assert_whole(self):
        """What serves is the file as it was at one moment."""
        count = self.count()
        self.assertGreaterEqual(count, self.LINES)
        numbers = sorted({0, self.LINES - 1, count - 1,
                          *(self.rng.randrange(count) for _ in range(50))})
        for number, text in zip(numbers, self.find_all(
                f"key {number}" for number in numbers)):
            self.assertEqual(text, f"{number * 7919 % 10007}")
        self.assertEqual(self.find_all(
            f"key {number}" for number in range(count, count + 50)),
            [None] * 50)

    def count(self):
        status = self.control("--json", "status")
        return harness.strict_json(status.stdout.encode())["entries"]

    def test_that_grow(self):
        """Either it is refused, or served as it was at one moment."""
        for self.form in ("tsv", "jsonl"):
            with self.subTest(self.form):
                self.file = self.write(f"words.{self.form}", b"".join(
                    map(self.line, range(self.LINES))))
                self.serve(f"table words file {self.file} search=exact")
                stop, generation = threading.Event(), 1
                with harness.background(lambda: self.grow(stop)):
                    try:
                        for _ in range(RELOADS):
                            done = self.control("reload")
                            if done.stdout.startswith("nothing changed"):
                                self.assertEqual(done.returncode, 0)
                            elif done.returncode == 0:
                                generation += 1
                            else:
                                self.assert_told(done.stderr)
                            self.assertEqual(self.generation(), generation)
                            self.assert_whole()
                    finally:
                        stop.set()
                self.reload()
                self.assert_whole()

    def test_that_shrink(self):
        """Cut short in a loop: the old one, or the file at one moment."""
        self.form = "tsv"
        data = b"".join(map(self.line, range(self.LINES)))
        self.file = self.write("words.tsv", data)
        self.serve(f"table words file {self.file} search=exact guard=no")
        ends = [len(data)]
        while ends[-1] > len(data) // 2:
            ends.append(data.rindex(b"\n", 0, ends[-1] - 1) + 1)
        stop = threading.Event()

        def shrink():
            while not stop.is_set():
                self.write("words.tsv", data)
                for end in ends[::50]:
                    os.truncate(self.file, end)

        with harness.background(shrink):
            try:
                for _ in range(RELOADS):
                    done = self.control("reload")
                    if done.returncode != 0:
                        self.assert_told(done.stderr)
                    count = self.count()
                    self.assertEqual(
                        self.find_all([f"key {count - 1}", f"key {count}",
                                       f"key {self.LINES}"]),
                        [f"{(count - 1) * 7919 % 10007}", None, None])
            finally:
                stop.set()
        self.write("words.tsv", data)
        self.reload()
        self.assertEqual(self.count(), self.LINES)

    def test_that_are_overwritten(self):
        """Other bytes in the same places, in a loop: never some of both.

        Unless a write was held up in its middle for longer than a file must
        have been left alone, which only a very busy machine does.
        """
        self.form, count = "tsv", 2000
        files = [tables.tsv((f"key {i}", f"{version} {i}")
                            for i in range(count)) for version in range(2)]
        self.file = self.write("words.tsv", files[0])
        self.serve(f"table words file {self.file} search=exact")
        stop = threading.Event()
        began = longest = 0

        def overwrite():
            nonlocal began, longest
            with open(self.file, "r+b", buffering=0) as file:
                while not stop.is_set():
                    for data in files:
                        began = time.monotonic()
                        os.pwrite(file.fileno(), data, 0)
                        longest = max(longest, time.monotonic() - began)
                        # Often enough that it is never left alone, or just
                        # so long that a load may begin.
                        stop.wait(self.rng.choice((0, .001, 2 * SETTLED)))

        with harness.background(overwrite):
            try:
                for _ in range(10 * RELOADS):
                    longest = 0
                    done = self.control("reload")
                    held = max(longest, time.monotonic() - began)
                    if done.returncode != 0:
                        self.assert_told(done.stderr)
                        continue
                    texts = self.find_all(f"key {i}" for i in
                                          range(0, count, 10))
                    if len({text[0] for text in texts}) > 1:
                        self.assertGreater(held, SETTLED)
            finally:
                stop.set()
        self.reload()

    def test_that_are_replaced(self):
        """Renamed over in a loop, as the manual says: never refused."""
        self.form = "tsv"
        files = [tables.tsv((f"key {i}", f"{version} {i}")
                            for i in range(3000)) for version in range(4)]
        self.file = self.write("words.tsv", files[0])
        self.serve(f"table words file {self.file} search=exact")
        stop = threading.Event()

        def replace():
            while not stop.is_set():
                for data in files:
                    self.write("words.tsv", data)

        with harness.background(replace):
            try:
                for _ in range(RELOADS):
                    done = self.control("reload")
                    if done.returncode != 0:
                        self.assert_told(done.stderr)
                        self.assertIn("changed", done.stderr)
                    texts = self.find_all(f"key {i}" for i in range(0, 3000,
                                                                   37))
                    versions = {text.split()[0] for text in texts}
                    self.assertEqual(len(versions), 1, texts)
            finally:
                stop.set()
        self.reload()


if __name__ == "__main__":
    harness.main()
