#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Reloads that change a table on other machines while it is asked."""

import itertools
import json
import sys

sys.path.insert(1, sys.path[0] + "/..")

import buckets
import harness
import redis
from harness import thorough, wait_until
from remote import RemoteTest
from remote_load import Load

ROUNDS = thorough(10, 50)
KEYS = [f"key {i}" for i in range(1000)]


class Reload(RemoteTest):
    def setUp(self):
        super().setUp()
        self.single = redis.single(self, 1)
        self.one = self.publish(self.single, {k: f"1 {k}" for k in KEYS},
                                prefix="one:")
        self.two = self.publish(self.single, {k: f"2 {k}" for k in KEYS},
                                prefix="two:")

    def lines(self):
        """One after the other, each differs in something."""
        servers = str(self.single), str(self.single.master)
        return itertools.cycle(
            self.line(where, "redis", f"prefix={prefix}:", *options)
            for prefix, where, options in zip(
                itertools.chain.from_iterable(itertools.repeat(
                    ("one", "one", "two", "two", "one"), 8)),
                itertools.cycle(servers),
                itertools.cycle((["cache=no"], ["deadline=9s"], [],
                                 ["replicas=no"], ["cache=64k"], [],
                                 ["deadline=8s", "cache=no"]))))

    def check(self, *data, **kwargs):
        lines = self.lines()
        self.serve("workers 4", next(lines), **kwargs)
        self.wait_for("found", KEYS[0])
        with Load(self.daemon.address, *data) as load:
            for i in range(ROUNDS):
                before = load.count("found")
                self.configure("workers 4", next(lines), self.control_line(),
                               answers=[f'answer "near" "{i}"'])
                done = self.control("reload")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                wait_until(lambda before=before: load.count("found") >
                           before + 200, "lookups come")
        self.assertEqual(load.wrong[:3], [], load.summary())
        self.assertEqual(load.count("unavailable"), 0, load.summary())

    def test_something_else_changes(self):
        """The table's cache stays, it is seen, and what is published then."""
        line = self.line(self.single, "redis", "prefix=one:")
        self.serve("workers 1", line)
        self.wait_for("found", KEYS[0])
        for i in range(3):
            self.configure("workers 1", line, self.control_line(),
                           answers=[f'answer "near" "{i}"'])
            self.assertEqual(self.control("reload").returncode, 0)
            peer = self.peer(self.daemon.address)
            for cached in ((i > 0, True), (True,))[i > 0]:
                peer.send(harness.search(KEYS[1], explain=True,
                                         **harness.kept()))
                reply = peer.reply()
                self.assertEqual(reply.result, self.one[KEYS[1]])
                if cached:
                    self.assertIs(reply.header["cached"], True)
            row = json.loads(self.control("--json", "tables").stdout)[
                "tables"][-1]
            self.assertEqual((row["table"], row["up"]), ("shared", True))
        self.publish(self.single, {k: f"3 {k}" for k in KEYS},
                     prefix="one:")
        peer = self.peer(self.daemon.address)
        wait_until(lambda: self.ask_one(peer, KEYS[1]).result ==
                   f"3 {KEYS[1]}", "the new edition is seen")

    def test_all_changes(self):
        self.check(self.one, self.two)

    def test_nobody_goes_back(self):
        """While another table is published, again and again."""
        self.serve(self.line(self.single, "redis", "prefix=one:"),
                   "workers 4")
        peer = self.peer(self.daemon.address)
        self.wait_for("found", KEYS[0], peer)
        last, table, seen = 0, self.published, set()
        for number in range(thorough(3, 10)):
            table = buckets.publish(
                self.single, {"key 0": str(number)}, prefix="one:",
                before=table)
            self.configure("workers 4", self.line(
                self.single, "redis", "prefix=one:",
                f"deadline={number + 2}s"), self.control_line(),
                answers=[f'answer "near" "{number}"'])
            done = self.control("reload")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

            def is_there(number=number):
                nonlocal last
                result = self.ask_one(peer, "key 0").result
                now = 0 if result == "1 key 0" else int(result) + 1
                self.assertGreaterEqual(now, last)
                last = now
                seen.add(now)
                return now == number + 1

            wait_until(is_there, "it is seen")


if __name__ == "__main__":
    harness.main()
