#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Searches for words: in keys, and in keys and answers.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import LOOPBACK, request, to_json
from tables import FOUND, KEEP, Reference, TableTest, wanted

CITIES = {
    "York, New": "as libraries spell it",
    "America/New_York": "UTC-5",
    "New York": "the big apple, on the Hudson\nin New York",
    "New Yorkshire": "is nowhere",
    "York": "in England",
    "Jersey": "New, too; \"near\" New York\\Hudson",
    "M\u00fcnchen": "Munich; Monaco di Baviera",
    "\u6771\u4eac \u5927\u962a": "Tokyo and Osaka",
}
NEW_YORK = ["New York", "New Yorkshire", "America/New_York", "York, New"]
BOTH = "search=words,text"


def pairs(*keys):
    return [(key, CITIES[key]) for key in keys]


class Words(TableTest):
    """A table of some cities."""

    def setUp(self):
        super().setUp()
        self.lines = tables.tsv(CITIES.items())

    def test_keys(self):
        """Every word, in any order, the last as a beginning."""
        self.serve(self.table("cities", self.lines, BOTH))
        for value, found in {
                "New York": NEW_YORK,
                "York New": ["America/New_York", "New York", "York, New"],
                "York, Ne": ["York, New", "America/New_York", "New York"],
                "Yor New": [], "new york": [], "Hudson": [],
                "M\u00fcn": ["M\u00fcnchen"], "M\u00fc": ["M\u00fcnchen"],
                "\u5927": ["\u6771\u4eac \u5927\u962a"], "\u962a": [],
                "--": [], ", ": []}.items():
            self.assert_finds("words", value, pairs(*found))

    def test_answers(self):
        """Words of both; keys that have all of them come first."""
        self.serve(self.table("cities", self.lines, BOTH))
        for value, found in {
                "New York": [*NEW_YORK, "Jersey"],
                "Hudson": ["Jersey", "New York"],
                "York Hud": ["Jersey", "New York"],
                "England York": ["York"], "York England": ["York"],
                "near": ["Jersey"], "nHudson": [], "nin": [],
                "in York": ["New York", "York"]}.items():
            self.assert_finds("text", value, pairs(*found))

    def test_folded(self):
        """Value, keys and answers without regard to case."""
        line = self.table("cities", self.lines, BOTH, "fold=yes")
        if self.problems(line):
            self.skipTest("built without libutf8proc")
        self.serve(line)
        self.assert_finds("words", "nEW yORK", pairs(
            "New York", "New Yorkshire", "America/New_York", "York, New"))
        self.assert_finds("words", "MU\u0308N", pairs("M\u00fcnchen"))
        self.assert_finds("text", "utc", pairs("America/New_York"))
        self.assert_finds("text", "OSAKA tok", pairs(
            "\u6771\u4eac \u5927\u962a"))

    def test_pages(self):
        """Behind a key, in the order of the whole."""
        self.serve(self.table("cities", self.lines, BOTH))
        found = pairs(*NEW_YORK, "Jersey")
        for limit in (1, 2, 3, 9):
            after, listed = "", []
            while True:
                self.assert_finds("text", "New York", found[len(listed):],
                                  len(found) - len(listed) > limit,
                                  limit=limit, after=after)
                listed = found[:len(listed) + limit]
                if listed == found:
                    break
                after = listed[-1][0]

    def test_tables(self):
        """One after the other; the first that has a key hides it."""
        self.serve(
            'answer "Newark" "an answer line"',
            self.table("one", b"New York\thidden by none\nYork\tNew\n", BOTH),
            self.table("two", self.lines, BOTH),
            self.table("three", b"New Yorker\tof three\n", "search=words"))
        own = ("New York", "hidden by none")
        self.assert_finds("words", "New York", [
            own, *pairs(*NEW_YORK[1:]), ("New Yorker", "of three")])
        # Only two of the tables may be searched so.
        self.assert_finds("text", "York New", [
            own, ("York", "New"), *pairs("America/New_York", "York, New",
                                         "Jersey")])

    def test_allowed(self):
        """Words is a way of small tables, text only where it is named."""
        self.serve(self.table("cities", self.lines))
        self.assert_finds("words", "New York", pairs(*NEW_YORK))
        reply = self.ask(wanted("New York", "text", table="cities"), id=1)
        self.assert_coded(reply, "not-allowed", KEEP, ("id", 1))

    def test_said_everywhere(self):
        """Status and explain name the ways."""
        self.serve(self.table("cities", self.lines, BOTH))
        self.assertRegex(self.control("tables").stdout,
                         r"(?m)^cities\b.*\bexact,words,text\b")
        reply = self.ask(wanted("York Eng", "text"), explain=True)
        self.assertEqual(reply.header["match"], "text")

    def test_reload(self):
        """New words are found, those that are gone are not."""
        line = self.table("cities", self.lines, BOTH)
        self.serve(line)
        self.assert_finds("text", "brand new", [])
        self.write("cities.tsv", "a brand\tnew word\n")
        self.reload("--force")
        self.assert_finds("text", "brand new", [("a brand", "new word")])
        self.assert_finds("words", "New York", [])
        self.change(line.replace(BOTH, "search=prefix"))
        self.reload()
        reply = self.ask(wanted("brand", "words", table="cities"), id=1)
        self.assert_coded(reply, "not-allowed", KEEP, ("id", 1))

    def test_mapped(self):
        """A .cdb that is left in its file."""
        tables.needs_cdb()
        path = self.make("cdb", CITIES.items(), "cities")
        self.serve(f"table cities file {path} mmap=yes {BOTH}")
        reference = Reference(CITIES)
        for value in ("New York", "York Hud", "near", "di mon", "Tok", ""):
            for way in ("words", "text"):
                self.assert_finds(way, value, reference.search(way, value))

    def test_bounds(self):
        """Of words and bytes."""
        self.serve(self.table("cities", self.lines, BOTH))
        self.assert_finds("words", "New " * 31 + "York", pairs(
            "America/New_York", "New York", "New Yorkshire", "York, New"))
        self.assert_finds("words", "York" + " " * 4092, pairs(
            "America/New_York", "New York", "New Yorkshire", "York",
            "York, New"))
        for value, why in (("New " * 33, "more than 32 words"),
                           ("York" + " " * 4093, "longer than 4096 bytes"),
                           ("x" * 500000, "longer than 4096 bytes")):
            for way in ("words", "text"):
                reply = self.ask(wanted(value, way), id=1)
                self.assert_coded(reply, "bad-match", KEEP, ("id", 1))
                self.assertIn(why, reply.result)

    def test_config(self):
        """The ways are words of search=, and are told."""
        self.assertEqual(self.problems(self.table(
            "cities", self.lines, "search=text,words")), [])
        (_, _, why), = self.problems(self.table(
            "cities", self.lines, "search=wrds"))
        self.assertIn("words", why)

    def test_plain(self):
        """Without keep-alive, too; the first match is the result."""
        self.serve(self.table("cities", self.lines, BOTH))
        reply = harness.ask_reply(self.daemon.address, request(
            wanted("York Eng", "text")))
        self.assertEqual(reply.content, tables.matches("York Eng", pairs(
            "York")))
        reply = self.ask(to_json({"action": "search", "value": "York New",
                                  "match": "words", "limit": 1}))
        self.assertEqual(reply.extra, [KEEP, FOUND])
        self.assertIn(b'"more": true', reply.content)


if __name__ == "__main__":
    harness.main()
