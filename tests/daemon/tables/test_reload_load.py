#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Reloads between two tables of many entries, under pipelined load.

No reply is lost and none refused; each is wholly of the old or of the new
table, and of the new one when it was asked after the reload had ended.
"""

import os
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import LOOPBACK, kept, quoted, request, search, thorough
from tables import KEEP, TableTest, wanted

ENTRIES = thorough(15000, 50000)
RELOADS = thorough(5, 20)
LONG = "600s"           # for all the reloads
DEPTH = 64              # requests that each connection has under way
CHANGE = {1: "odd", 0: "even"}      # a table's word, by its generation


def word_of(generation):
    return CHANGE[generation % 2]


def entries(word):
    """One of the two tables; each has keys that the other has not."""
    for number in range(ENTRIES):
        yield f"key {number}", f"{word} {number * 7919 % ENTRIES}"
    for number in range(100):
        yield f"{word} only {number}", word


class UnderLoad(TableTest):
    """Two tables in turn, connections over TCP and unix sockets."""

    def setUp(self):
        super().setUp()
        self.files = {word: tables.tsv(entries(word))
                      for word in CHANGE.values()}
        self.acknowledged = 1
        self.stop = threading.Event()
        self.counts = {}

    def base(self):
        return [f"listen {LOOPBACK} 0", f"listen {quoted(self.path('sock'))}",
                self.control_line(), "workers 2"]

    def question(self, number):
        """A request, and a function that checks the reply to it."""
        members = kept(id=number, explain=True)
        place = number * 31 % ENTRIES
        kind = number % 8
        if kind < 5:
            return (search(f"key {place}", **members),
                    lambda reply, word: self.check_result(
                        reply, f"{word} {place * 7919 % ENTRIES}"))
        if kind < 7:
            asked = CHANGE[kind % 2]
            key = f"{asked} only {place % 100}"
            return (search(key, **members),
                    lambda reply, word: self.check_result(
                        reply, word if word == asked else None, key))
        key = f"key {place // 10 + 500}"
        return (request(wanted(key, "prefix", limit=20), **members),
                lambda reply, word: self.check_matches(reply, key, word))

    def check_result(self, reply, text, key=None):
        self.assertEqual(reply.header["status"],
                         "not-found" if text is None else "found", reply)
        self.assertEqual(reply.result,
                         harness.no_match(key) if text is None else text)

    def check_matches(self, reply, key, word):
        """All matches are of one table."""
        content = harness.strict_json(reply.content)
        self.assertGreater(len(content["matches"]), 0)
        for match in content["matches"]:
            number = int(match["key"].removeprefix("key "))
            self.assertTrue(match["key"].startswith(key))
            self.assertEqual(match["result"],
                             f"{word} {number * 7919 % ENTRIES}")

    def loader(self, name, address):
        """Ask without a pause; replies never get older."""
        waiting, newest, asked, answered = [], 1, 0, 0
        with harness.Peer(address) as peer:
            while waiting or not self.stop.is_set():
                batch = b""
                while len(waiting) < DEPTH and not self.stop.is_set():
                    data, check = self.question(asked)
                    # What has ended by now, the reply must know.
                    waiting.append((asked, self.acknowledged, check))
                    batch += data
                    asked += 1
                if batch:
                    peer.send(batch)
                for _ in range(min(len(waiting), DEPTH // 2)):
                    number, least, check = waiting.pop(0)
                    reply = peer.reply()
                    self.assertEqual(reply.extra[:2],
                                     [KEEP, ("id", number)])
                    generation = reply.header["generation"]
                    self.assertGreaterEqual(generation, max(least, newest))
                    newest = generation
                    check(reply, word_of(generation))
                    answered += 1
        self.counts[name] = (asked, answered, newest)

    def change_table(self, generation):
        self.write("words.tsv", self.files[word_of(generation)])

    def reloads(self):
        """The reloads, each acknowledged before the next one."""
        try:
            for generation in range(2, RELOADS + 2):
                self.change_table(generation)
                text = self.reload()
                self.assertIn("+100 added -100 removed "
                              f"~{ENTRIES} changed", text)
                self.acknowledged = generation
                for address in self.daemon.addresses:
                    self.assertEqual(
                        harness.ask(address, search("key 0")),
                        harness.plain_reply(f"{word_of(generation)} 0"))
        finally:
            self.stop.set()

    def run_load(self, act):
        """The load of four connections while something happens."""
        addresses = self.daemon.addresses * 2
        with harness.background(
                *(lambda i=i, a=a: self.loader(i, a)
                  for i, a in enumerate(addresses))):
            try:
                act()
            finally:
                self.stop.set()
        self.assertEqual(len(self.counts), len(addresses))
        for asked, answered, newest in self.counts.values():
            self.assertEqual(asked, answered)
            self.assertGreater(asked, DEPTH)
            self.assertGreater(newest, 1)

    def serve_words(self):
        self.change_table(1)
        # On a slow machine the link is idle for minutes.
        self.serve(*(f"timeout {name} {LONG}" for name in ("idle", "write")),
                   f"table words file {self.path('words.tsv')} guard=no "
                   "search=exact,prefix")

    def test_no_reply_is_lost(self):
        """Reloads by appmsgctl."""
        self.serve_words()
        self.run_load(self.reloads)
        self.assertEqual(self.generation(), RELOADS + 1)

    def test_rollbacks(self):
        """The same with rollbacks, which load nothing."""
        def rollbacks():
            self.change_table(2)
            self.reload()
            self.acknowledged = 2
            for generation in range(3, 3 + 2 * RELOADS):
                done = self.control("rollback")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.acknowledged = generation

        self.serve_words()
        self.run_load(rollbacks)

    def test_new_connections(self):
        """Connections that are new with each request: none is refused."""
        def asker():
            number = 0
            while not self.stop.is_set():
                least = self.acknowledged
                address = self.daemon.addresses[number % 2]
                reply = harness.ask_reply(address, search(
                    f"key {number % ENTRIES}", explain=True, id=number))
                generation = reply.header["generation"]
                self.assertGreaterEqual(generation, least)
                self.assertEqual(
                    reply.result, f"{word_of(generation)} "
                    f"{number * 7919 % ENTRIES}")
                number += 1
            counts.append(number)

        counts = []
        self.serve_words()
        with harness.background(asker, asker):
            self.reloads()
        self.assertEqual(len(counts), 2)
        self.assertGreater(min(counts), 0)

    def test_large_replies_meanwhile(self):
        """Replies that wait to be sent are of the table that made them."""
        self.serve_words()
        peers = [self.peer(address, rcvbuf=4096)
                 for address in self.daemon.addresses * 4]
        message = request(wanted("key ", "prefix", limit=1000),
                          **kept(explain=True))
        for peer in peers:
            peer.send(message * 20)
        for generation in (2, 3, 4):
            self.change_table(generation)
            self.reload()
            for peer in peers:
                peer.send(message)
        for peer in peers:
            newest = 1
            for _ in range(23):
                reply = peer.reply()
                generation = reply.header["generation"]
                self.assertGreaterEqual(generation, newest)
                newest = generation
                words = {match["result"].split()[0] for match in
                         harness.strict_json(reply.content)["matches"]}
                self.assertEqual(words, {word_of(generation)})
            self.assertEqual(newest, 4)


class BesideOthers(UnderLoad):
    """The same, where nine more tables do not change: they are shared."""

    OTHERS = 9
    FEW = 500           # entries of each

    def serve_words(self):
        self.change_table(1)
        lines = []
        for i in range(self.OTHERS):
            name = f"other{i}"
            lines.append(self.table(name, tables.tsv(
                (f"{name} {n}", f"{i} {n * 31 % self.FEW}")
                for n in range(self.FEW))))
        path = self.path(f"other{self.OTHERS - 1}.tsv")
        harness.wait_until(
            lambda: time.time() - os.stat(path).st_ctime > 0.1,
            "their times are past, so that each change would show")
        self.serve(*(f"timeout {name} {LONG}" for name in ("idle", "write")),
                   *lines[:4],
                   f"table words file {self.path('words.tsv')} guard=no "
                   "search=exact,prefix", *lines[4:])

    def question(self, number):
        """One of four is for a table that does not change."""
        if number % 4:
            return super().question(number)
        i, n = number // 4 % self.OTHERS, number * 7 % self.FEW
        named = {"table": f"other{i}"} if number % 8 else {}
        return (request(harness.to_json(
            {"action": "search", "value": f"other{i} {n}", **named}),
            **kept(id=number, explain=True)),
            lambda reply, word: self.check_result(
                reply, f"{i} {n * 31 % self.FEW}"))

    def reload(self, *options):
        text = super().reload(*options)
        self.assertIn(f", 1 of {self.OTHERS + 1} files read, ", text)
        return text


if __name__ == "__main__":
    harness.main()
