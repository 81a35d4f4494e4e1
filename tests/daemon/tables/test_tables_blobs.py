#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Binary tables: entries from folders and files.
"""

import os
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import binary, quoted
from tables import FOUND, TableTest


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

    def test_folders_in_a_folder(self):
        """An error, lest what is in them is missed; hidden ones are not."""
        self.write("blobs/a", b"1")
        self.write("blobs/.git/b", b"2")
        self.write("blobs/sub/b", b"2")
        os.symlink(self.path("blobs/.git"), self.path("blobs/link"))
        self.assertEqual(self.problems("table blobs binary blobs"), [
            (self.path("check.conf"), 2,
             f"{self.path('blobs', name)}: Is a directory")
            for name in ("link", "sub")])

    def test_twice(self):
        """Two spellings of one key, and two folders: all files are told."""
        self.write("blobs/A", b"1")
        self.write("blobs/%41", b"2")
        self.write("more/A", b"3")
        self.assertEqual(self.problems("table blobs binary [bm]*o*"), [
            (self.path("check.conf"), 2, f'{self.path(name)}: the key "A" '
             f'was given before, by {self.path("blobs", "%41")}')
            for name in ("blobs/A", "more/A")])

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


if __name__ == "__main__":
    harness.main()
