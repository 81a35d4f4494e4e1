#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Long searches of some do not make others wait.

On one worker and very many keys, clients ask the most expensive searches there
are.  Nothing is timed: what is counted is how many replies to exact lookups
come between the searches' own.
"""

import select
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import kept, request, search, thorough
from tables import ALL_WAYS, FOUND, KEEP, TableTest, wanted

KEYS = thorough(60000, 200000)
LEAST = 10              # lookups that are answered during one long search
TRIES = 20              # to be that quick, where others have the machine

# Expressions that look at every key and find nothing; PCRE2 sees no text in
# them that a key must have.
REGEXES = (".*.*.*[QW].*", "(.*)(.*)[QW]$", "(a|b|c|d|e|f|[0-9])+[A-Z]",
           r"(\w+ )*[XYZ]", ".*.*.*[XYZ]x?$")


def entries():
    for number in range(KEYS):
        mixed = number * 2654435761 % 2**32
        yield f"key {mixed:08x} {number % 97}", f"answer {number}"


class FairnessTest(TableTest):
    """One worker, so that all share it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = dict(entries())
        cls.keys = list(cls.data)
        cls.file = tables.tsv(cls.data.items())

    def setUp(self):
        super().setUp()
        self.serve(self.table("words", self.file, ALL_WAYS))

    def lookup(self, number):
        """One exact lookup, answered right: over the link."""
        key = self.keys[number * 7919 % KEYS]
        reply = self.link.ask(search(key, **kept(id=number)))
        self.assert_answer(reply, self.data[key], KEEP, ("id", number),
                           FOUND)

    def is_readable(self, peer):
        return bool(select.select([peer.sock], [], [], 0)[0])

    def lookups_until_reply(self, peer):
        """How many lookups are answered before the peer's reply is."""
        count = 0
        while not self.is_readable(peer):
            self.lookup(count)
            count += 1
        return count

    def assert_passed(self, least, scenario):
        """So many pass in one run of the scenario, which counts them.

        The client, too, may be held up while a search goes on; were it the
        daemon, none of many runs would come so far.
        """
        most = 0
        for _ in range(TRIES):
            most = max(most, scenario())
            if most >= least:
                return
        self.assertGreaterEqual(most, least)

    def assert_searched(self, reply, key, *extra):
        """Nothing was found, or it takes longer than a search may."""
        if reply.header["status"] == "error":
            self.assert_coded(reply, "timeout", *extra)
        else:
            self.assertEqual(reply.content, tables.matches(key, []))


class OneAfterTheOther(FairnessTest):
    """A search, and the lookups of another connection."""

    def test_regex(self):
        """Each of the expressions lets many others pass."""
        for address in self.daemon.addresses:
            for pattern in REGEXES:
                with self.subTest(pattern), harness.Peer(address) as peer:
                    def passing():
                        peer.send(request(wanted(pattern, "regex"),
                                          **kept(id=pattern)))
                        count = self.lookups_until_reply(peer)
                        self.assert_searched(peer.reply(), pattern, KEEP,
                                             ("id", pattern))
                        return count

                    self.assert_passed(LEAST, passing)

    def test_many_searches_of_one(self):
        """Thousands of searches, each too short for a slice of its own."""
        queries = [f"key {i % 10}  " for i in range(2000)]
        peer = self.peer(self.daemon.address)

        def send():
            for number, key in enumerate(queries):
                peer.send(request(wanted(key, "fuzzy"), **kept(id=number)))

        with harness.background(send):
            count, answered = 0, 0
            while answered < len(queries):
                self.lookup(count)
                count += 1
                while answered < len(queries) and self.is_readable(peer):
                    self.assertEqual(peer.reply().header["id"], answered)
                    answered += 1
        self.assertGreaterEqual(count, LEAST)

    def test_large_replies_unread(self):
        """A client that asks for much and reads nothing stops itself only.
        """
        ways = {"prefix": "key ", "suffix": "6", "substring": "e",
                "regex": "k"}
        peers = {}
        for way, key in ways.items():
            peers[way] = self.peer(self.daemon.address)
            peers[way].send(request(wanted(key, way, limit=1000),
                                    **kept()) * 100)
        for number in range(10 * LEAST):
            self.lookup(number)
        for way, peer in peers.items():
            for _ in range(100):
                content = harness.strict_json(peer.reply().content)
                self.assertEqual(len(content["matches"]), 1000)
                self.assertIs(content["more"], True)

    def test_pipelined_lookups(self):
        """A whole run of lookups passes one search, in its order."""
        peer = self.peer(self.daemon.address)
        pattern = REGEXES[0]

        def passing():
            peer.send(request(wanted(pattern, "regex"), **kept(id="slow")))
            count = 0
            while not self.is_readable(peer):
                keys = [self.keys[(count + i) * 31 % KEYS]
                        for i in range(100)]
                self.link.send(b"".join(
                    search(key, **kept(id=count + i))
                    for i, key in enumerate(keys)))
                for i, key in enumerate(keys):
                    self.assert_answer(self.link.reply(), self.data[key],
                                       KEEP, ("id", count + i), FOUND)
                count += 100
            self.assert_searched(peer.reply(), pattern, KEEP, ("id", "slow"))
            return count

        self.assert_passed(5 * LEAST, passing)


class Together(FairnessTest):
    """Many searches of many at once."""

    def test_all_ways_at_once(self):
        """Ten clients search; each lookup is answered meanwhile."""
        peers = [self.peer(self.daemon.addresses[number % 2])
                 for number in range(10)]

        def passing():
            for number, peer in enumerate(peers):
                messages = [("regex", REGEXES[number % 5]),
                            ("fuzzy", f"kez {number:08x}"),
                            ("substring", f"{number}")]
                peer.send(b"".join(
                    request(wanted(key, way, limit=1000), **kept(id=i))
                    for i, (way, key) in enumerate(messages)))
            first = 0
            while not any(map(self.is_readable, peers)):
                self.lookup(first)
                first += 1
            count = first
            for peer in peers:
                for number in range(3):
                    count += self.lookups_until_reply(peer)
                    self.assertEqual(peer.reply().header["id"], number)
            return min(first, count // 2)

        self.assert_passed(LEAST, passing)

    def test_cheap_searches_pass_expensive_ones(self):
        """A search that began later and is short ends earlier."""
        slow = self.peer(self.daemon.address)

        def passing():
            slow.send(request(wanted(REGEXES[0], "regex"),
                              **kept(id="slow")))
            passed = 0
            while not self.is_readable(slow):
                key = self.keys[passed]
                reply = self.ask(wanted(key, "fuzzy", distance=1, limit=1))
                self.assertIn(harness.to_json(key), reply.content)
                reply = self.ask(wanted(key[:10], "prefix"))
                self.assertIn(harness.to_json(key), reply.content)
                passed += 1
            slow.reply()
            return passed

        self.assert_passed(LEAST // 4, passing)

    def test_new_connections(self):
        """They are accepted and answered during a search."""
        slow = self.peer(self.daemon.address)

        def passing():
            slow.send(request(wanted(REGEXES[0], "regex"),
                              **kept(id="slow")))
            count = 0
            while not self.is_readable(slow):
                key = self.keys[count]
                self.assertEqual(
                    harness.ask(self.daemon.addresses[count % 2],
                                search(key)),
                    harness.plain_reply(self.data[key]))
                count += 1
            slow.reply()
            return count

        self.assert_passed(LEAST, passing)

    def test_reload_meanwhile(self):
        """A reload does not wait for the end of a search."""
        slow = self.peer(self.daemon.address)
        slow.send(request(wanted(REGEXES[0], "regex"),
                          **kept(id="slow", explain=True)))
        self.lookup(1)
        self.change(self.table("words", b"other\tnew\n", "guard=no"))
        self.reload()
        self.assertEqual(self.find("other"), "new")
        self.assertEqual(slow.reply().header["generation"], 1)


if __name__ == "__main__":
    harness.main()
