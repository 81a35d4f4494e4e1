#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Entries that weigh something, and matches in that order."""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import to_json
from tables import TableTest, wanted

WEIGHTS = {"apple": 3, "apricot": 9, "apron": 0, "ape": 3, "bear": 4294967295,
           "grape": 5, "pear": 7}


def heaviest(part, way):
    """The keys that match, as (key, answer) pairs, in their order."""
    found = [key for key in WEIGHTS
             if (key.startswith(part) if way == "prefix" else part in key)]
    found.sort(key=lambda key: (-WEIGHTS[key], key))
    return [(key, key.upper()) for key in found]


class Weights(TableTest):
    """In .csv and .jsonl."""

    def csv(self, *options):
        lines = [f"{key},{key.upper()},{weight}"
                 for key, weight in WEIGHTS.items()]
        return self.table("csv", "\n".join(lines).encode(), "weight=3",
                          *options, form="csv")

    def jsonl(self):
        return self.table("jsonl", b"".join(
            to_json({"key": key, "answer": key.upper(), "weight": weight}) +
            b"\n" for key, weight in WEIGHTS.items()), form="jsonl")

    def test_order(self):
        """The greatest first, then by bytes; without "order" by bytes."""
        self.serve(self.csv(), self.jsonl())
        for table in ("csv", "jsonl"):
            for way in ("prefix", "substring"):
                for part in ("", "a", "ap", "apple", "ear", "none"):
                    with self.subTest(table=table, way=way, part=part):
                        found = heaviest(part, way)
                        self.assert_finds(way, part, found, table=table,
                                          order="weight")
        for order in ({}, {"order": "key"}):
            self.assert_finds("prefix", "ap", sorted(heaviest("ap", "prefix")),
                              table="csv", **order)

    def test_pages(self):
        """One key each, up to the last."""
        self.serve(self.csv())
        for way in ("prefix", "substring"):
            found, after = heaviest("a", way), {}
            for number, pair in enumerate(found):
                self.assert_finds(way, "a", [pair],
                                  more=number + 1 < len(found), limit=1,
                                  order="weight", **after)
                after = {"after": pair[0]}

    def test_words(self):
        """Whatever begins with the value, and text beside keys."""
        self.serve(self.table(
            "cities", b"York,an old city,20\nNew York,a big city,80\n"
            b"New Orleans,a city,40\nYorkton,not as old,1\n"
            b"Leeds,near York,30\n", "weight=3", "search=words,text",
            form="csv"))
        cities = [("New York", "a big city"), ("Leeds", "near York"),
                  ("York", "an old city"), ("Yorkton", "not as old")]
        self.assert_finds("text", "York", cities, order="weight")
        self.assert_finds("words", "York", cities[:1] + cities[2:],
                          order="weight")
        self.assert_finds("words", "York", cities[2:], order="weight",
                          after="New York")
        self.assert_finds("words", "York", [cities[2], cities[3], cities[0]])
        self.assert_finds("text", "old", cities[2:], order="weight")

    def test_without_weights(self):
        """A table without them is searched by key."""
        self.serve(self.table("plain", b"b\t1\na\t2\n"))
        self.assert_finds("prefix", "", [("a", "2"), ("b", "1")],
                          order="weight")

    def test_joined(self):
        """Of answers that are joined, the greatest weight counts."""
        self.serve(self.table("words", b"a,1,5\nb,2,6\na,3,7\na,4,\n",
                              "weight=3", "duplicates=join", form="csv"))
        self.assert_finds("prefix", "", [("a", "1\n3\n4"), ("b", "2")],
                          order="weight")

    def test_refused(self):
        """Another order, and a key that weighs nothing as it is not there."""
        self.serve(self.csv())
        for members in ({"order": "size"}, {"order": 1}, {"order": None},
                        {"order": "weight", "after": "none"}):
            reply = self.ask(wanted("a", "prefix", **members))
            self.assertEqual(reply.header["status"], "error", members)
            self.assertEqual(reply.header["error"], "bad-request")

    def test_reload(self):
        """Another weight is another table."""
        self.serve(self.csv())
        before = self.generation()
        WEIGHTS["apron"] = 100
        self.addCleanup(WEIGHTS.__setitem__, "apron", 0)
        self.csv()
        self.reload()
        self.assertNotEqual(self.generation(), before)
        self.assert_finds("prefix", "ap", heaviest("ap", "prefix"),
                          order="weight")


if __name__ == "__main__":
    harness.main()
