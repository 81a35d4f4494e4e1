#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The numbers tell what happened: each moves by what was done, none else.

Every test does one thing and compares all numbers from before and after it,
so a counter that moves with another one's events is found as well.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from counting import BYTES, GROUPS, StatsTest
from harness import (DEADLINE, LOOPBACK, RING, Peer, answer, ask, binary,
                     kept, request, search, thorough, to_json)

TIMES = ("p50-us", "p90-us", "p99-us", "p999-us", "max-us")
LONG = f"{int(DEADLINE * 4)}s"
SEARCHES = "prefix,suffix,substring,fuzzy,regex,words,text"
OTHER_ERROR = {("other", None, "error"): 1}


class Requests(StatsTest):
    """Rows of actions, ways and outcomes."""

    def serve(self, *lines, **kwargs):
        self.write("words.tsv", "".join(
            f"word{n}\tnumber {n}\n" for n in range(1000)))
        self.write("picture", b"\x89PNG")
        return super().serve(
            'binary "picture" file ' + self.path("picture"),
            f"table words file {self.path('words.tsv')} search={SEARCHES}", *lines,
            **kwargs)

    def test_searches(self):
        """Each way and outcome has its row."""
        daemon = self.serve()
        found = {"exact": "ring", "prefix": "word12", "suffix": "d12",
                 "substring": "rd12", "fuzzy": "wrod12", "regex": "^w.*7$",
                 "words": "word7", "text": "12 number"}
        with Peer(daemon.address) as peer:
            peer.ask(search("ring", **kept()))
            for way, key in found.items():
                for text, outcome in ((key, "found"),
                                      ("zzzzzzzzzz", "not-found")):
                    content = {"action": "search", "value": text,
                               "match": way}
                    with self.subTest(way=way, outcome=outcome):
                        self.assert_moves(
                            {("search", way, outcome): 1},
                            lambda: self.assertIn(
                                ("status", outcome),
                                peer.ask(request(to_json(content),
                                                 **kept())).extra))

    def test_plain(self):
        """Plain searches, fast or not, and misses with suggestions."""
        daemon = self.serve()
        with Peer(daemon.address) as peer:
            peer.ask(search("ring", **kept()))
            cases = (
                ("found", search("ring", **kept())),
                ("found", search("ring", **kept(explain=True))),
                ("not-found", search("no", **kept())),
                ("not-found", search("no", **kept(explain=True))),
                ("not-found", search("wrod7", **kept(suggest=3))))
            for outcome, message in cases:
                with self.subTest(message):
                    self.assert_moves({("search", "exact", outcome): 1},
                                      lambda: peer.ask(message))

    def test_pipelined(self):
        """Every request of a wake-up is counted, whatever stands between."""
        daemon = self.serve(f"listen {self.path('socket')}",
                            "limit pipeline 50")
        parts = (search("ring", **kept()), search("no", **kept(id=3)),
                 binary(b"abc", **kept()),
                 search("ring", **kept(explain=True)))
        for n in (1, 7, 100):
            with self.subTest(n=n):
                def doing():
                    peer = self.peer(daemon.address)
                    peer.send(b"".join(parts) * n)
                    for _ in range(len(parts) * n):
                        peer.reply()

                self.assert_moves({
                    "accepted": 1, ("search", "exact", "found"): 2 * n,
                    ("search", "exact", "not-found"): n,
                    ("binary", None, "not-found"): n}, doing)

    def test_batches(self):
        """Hits and misses in a row, in any order, each counted once."""
        daemon = self.serve("workers 1")
        asks = {"h": search("ring", **kept()), "m": search("no", **kept())}
        peer = self.peer(daemon.address)
        for _ in range(20):     # until it knows what they look like
            peer.ask(asks["h"])
        for row in ("hh", "hm", "mh", "mm", "hhh", "hmhh", "hhm" * 5,
                    "h" * 40, "m" * 40, "mh" * 20):
            with self.subTest(row):
                def doing():
                    with daemon.stopped():
                        peer.send(b"".join(asks[kind] for kind in row))
                    for _ in row:
                        peer.reply()

                expected = {"h": ("search", "exact", "found"),
                            "m": ("search", "exact", "not-found")}
                self.assert_moves({expected[kind]: row.count(kind)
                                   for kind in set(row)}, doing)

    def test_binary(self):
        daemon = self.serve()
        for content, outcome in ((b"picture", "found"),
                                 (b"pictures", "not-found"), (b"", "error")):
            with self.subTest(outcome):
                self.assert_moves(
                    {("binary", None, outcome): 1, "accepted": 1,
                     "closed": 1},
                    lambda: ask(daemon.address, binary(content)))

    def test_tables(self):
        daemon = self.serve()
        self.assert_moves(
            {("tables", None, "found"): 1, "accepted": 1, "closed": 1},
            lambda: ask(daemon.address,
                        request(to_json({"action": "tables"}))))

    def test_errors(self):
        """What cannot be answered is counted by what is known of it."""
        daemon = self.serve("limit content 1k")
        searching = {"action": "search", "value": "ring"}
        cases = (
            ("other", None, request(to_json({"action": "x", "value": ""}))),
            ("other", None, request(b"{")),
            ("other", None, request(b"{}")),
            ("other", None, request(b"\xff", content_encoding="x")),
            ("other", None, request(b"", content_length="x")),
            ("other", None, request(b"x" * 1025)),
            ("other", None, harness.encode(b"nothing")),
            ("other", None, request(b"{}", id=[])),
            ("search", None, request(to_json({"action": "search"}))),
            ("search", None, request(to_json({**searching, "value": 1}))),
            ("search", None, request(to_json({**searching, "match": "?"}))),
            ("search", "regex", request(to_json(
                {**searching, "match": "regex", "value": "("}))),
            ("search", None, request(to_json({**searching, "table": "?"}))))
        for action, way, message in cases:
            with self.subTest(message):
                self.assert_moves(
                    {(action, way, "error"): 1, "accepted": 1, "closed": 1},
                    lambda: self.assertIn(b"Error",
                                          ask(daemon.address, message)))

    def test_incomplete(self):
        """Half a request is one that could not be answered; none is none."""
        daemon = self.serve()
        both = {"accepted": 1, "closed": 1}
        self.assert_moves({**OTHER_ERROR, **both},
                          lambda: ask(daemon.address, search("ring")[:-1],
                                      finish=True))
        self.assert_moves(both, lambda: ask(daemon.address, b"",
                                            finish=True))

    def test_busy(self):
        """A message that there is no memory for."""
        daemon = self.serve("limit memory 1m", "limit content 2m")
        message = request(b" " * (2 << 20))
        self.assert_moves(
            {("other", None, "busy"): 1, "accepted": 1, "closed": 1},
            lambda: self.assertIn(b"no memory",
                                  ask(daemon.address, message)))

    def test_sliced(self):
        """What is not done at once, alone or behind others, is counted."""
        self.write("many.tsv", "".join(
            f"{'ab' * 20}{n}\t{n}\n" for n in range(20000)))
        daemon = self.serve(
            f"table many file {self.path('many.tsv')} search=prefix,regex",
            "workers 1")
        quick = request(to_json({"action": "search", "value": "abab",
                                 "match": "prefix", "limit": 1}), **kept())
        long = request(to_json({"action": "search", "value": "(a|b)*[QW]",
                                "match": "regex"}), **kept())
        found = ("search", "prefix", "found")
        missed = ("search", "regex", "not-found")
        with Peer(daemon.address) as peer:
            peer.ask(search("ring", **kept()))

            def assert_sliced(expected, *messages):
                def doing():
                    peer.send(b"".join(messages))
                    for _ in messages:
                        peer.reply()

                self.assert_moves(expected, doing,
                                  ignore=BYTES)

            assert_sliced({found: 1}, quick)
            for count in (1, 2, 4):
                with self.subTest(count):
                    assert_sliced({missed: count, "sliced": count, found: 1},
                                  quick, *[long] * count)

    def test_times(self):
        """Quantiles rise, and none is above the longest."""
        daemon = self.serve()
        with Peer(daemon.address) as peer:
            for _ in range(200):
                peer.ask(search("ring", **kept()))
        (row,) = self.stats()["requests"]
        times = [row[name] for name in TIMES]
        self.assertEqual(row["count"], 200)
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[0], 0)
        self.assertLess(times[-1], DEADLINE * 1e6)
        # And what they were made of.
        bounds = [us for us, _ in row["times"]]
        self.assertEqual(bounds, sorted(set(bounds)))
        self.assertEqual(sum(n for _, n in row["times"]), 200)
        self.assertGreater(min(n for _, n in row["times"]), 0)
        self.assertGreaterEqual(bounds[-1], times[-1])
        self.assertLess(bounds[-1], times[-1] * 1.07 + 0.001)
        self.assertIn(row["p50-us"], bounds + times[-1:])

    def test_time_of_a_long_search(self):
        """All slices are in the time of a search, not only the last one."""
        self.write("many.tsv", "".join(
            f"{'ab' * 20}{n}\t{n}\n" for n in range(thorough(50000, 200000))))
        daemon = self.serve(
            f"table many file {self.path('many.tsv')} search=regex")
        content = {"action": "search", "value": "(a|b)*(b|a)*x",
                   "match": "regex", "table": "many"}
        ask(daemon.address, request(to_json(content), **kept()),
            finish=True)
        stats = self.stats()
        (row,) = stats["requests"]
        self.assertEqual((row["way"], row["count"]), ("regex", 1), row)
        self.assertEqual(stats["sliced"], 1)
        self.assertGreater(row["max-us"], 1000)


class Connections(StatsTest):
    """Connections, and what ends or refuses them."""

    def test_accepted_and_closed(self):
        daemon = self.serve()
        peer = self.peer(daemon.address)
        harness.wait_until(lambda: self.numbers()["accepted"] == 1,
                           "it is accepted")
        self.assert_moves({"accepted": 1, ("search", "exact", "found"): 1},
                          lambda: self.peer(daemon.address).ask(
                              search("ring", **kept())))
        self.assert_moves({"closed": 1}, peer.close)
        self.assertEqual(self.stats()["connections"], 1)

    def test_refused_by_connections(self):
        daemon = self.serve("limit connections 2")
        peers = [self.peer(daemon.address) for _ in range(2)]
        for peer in peers:
            peer.ask(search("ring", **kept()))
        self.assert_moves({"refused.connections": 3},
                          lambda: [ask(daemon.address, b"")
                                   for _ in range(3)])

    def test_refused_by_per_address(self):
        daemon = self.serve("limit per-address 2")
        peers = [self.peer(daemon.address) for _ in range(2)]
        for peer in peers:
            peer.ask(search("ring", **kept()))
        self.assert_moves({"refused.per-address": 3},
                          lambda: [ask(daemon.address, b"")
                                   for _ in range(3)])

    def test_denied(self):
        daemon = self.serve(f"listen {LOOPBACK} 0 allow=192.0.2.0/24")
        self.assert_moves({"refused.denied": 3},
                          lambda: [ask(daemon.address, b"")
                                   for _ in range(3)])

    def test_echo(self):
        daemon = self.serve(f"listen {LOOPBACK} 0 service=echo")
        with Peer(daemon.address) as peer:
            peer.send(b"x")
            peer.receive(1)
            harness.wait_until(lambda: self.numbers()["bytes-out"] == 1,
                               "it is counted")

            def doing():
                peer.send(b"hello")
                peer.receive(5)

            self.assert_moves({("echo", None, "done"): 1, "bytes-in": 5,
                               "bytes-out": 5}, doing, ignore=())

    def test_bytes(self):
        """Every byte, also of what waits to be taken."""
        big = "x" * (8 << 20)
        daemon = self.serve(answers=[answer("big", big)])
        reply = harness.plain_reply(big)
        message = search("big")

        def doing():
            with Peer(daemon.address, rcvbuf=4096) as peer:
                peer.send(message)
                self.assertEqual(peer.to_end(), reply)

        self.assert_moves(
            {"accepted": 1, "closed": 1, "bytes-in": len(message),
             "bytes-out": len(reply), ("search", "exact", "found"): 1},
            doing, ignore=())

    def test_bytes_that_were_not_taken(self):
        """What the system never took was not sent."""
        daemon = self.serve(answers=[answer("big", "x" * (16 << 20))])

        def doing():
            with Peer(daemon.address, rcvbuf=4096) as peer:
                peer.send(search("big"))
                peer.receive(100)

        self.assert_moves({"accepted": 1, "closed": 1,
                           ("search", "exact", "found"): 1}, doing)
        self.assertLess(self.stats()["bytes-out"], 16 << 20)
        self.assertGreaterEqual(self.stats()["bytes-out"], 100)


class Timeouts(StatsTest):
    """One of the five times is short, and only its counter moves."""

    def serve_short(self, name, *lines, **kwargs):
        return self.serve(*(
            f"timeout {other} {'1s' if other == name else LONG}"
            for other in GROUPS["timeouts"]), *lines, **kwargs)

    def test_idle(self):
        daemon = self.serve_short("idle")
        self.assert_moves({"timeouts.idle": 1, "accepted": 1, "closed": 1},
                          lambda: ask(daemon.address, b""))

    def test_header(self):
        daemon = self.serve_short("header")
        self.assert_moves(
            {"timeouts.header": 1, "accepted": 1, "closed": 1,
             **OTHER_ERROR},
            lambda: ask(daemon.address, search("ring")[:20]))

    def test_message(self):
        daemon = self.serve_short("message")
        self.assert_moves(
            {"timeouts.message": 1, "accepted": 1, "closed": 1,
             **OTHER_ERROR},
            lambda: ask(daemon.address, search("ring")[:-1]))
        self.assertLess(self.stats()["requests"][0]["max-us"], 1e6)

    def test_write(self):
        daemon = self.serve_short(
            "write", answers=[answer("big", "x" * (16 << 20))])
        self.assert_moves(
            {"timeouts.write": 1, "accepted": 1, "closed": 1,
             ("search", "exact", "found"): 1},
            lambda: self.peer(daemon.address, rcvbuf=4096).send(
                search("big")))

    def test_drain(self):
        daemon = self.serve_short("drain")

        def doing():
            peer = self.peer(daemon.address)
            peer.send(search("ring") + b"more")
            self.assert_answer(peer.reply(), RING)
            peer.ended()

        self.assert_moves(
            {"timeouts.drain": 1, "accepted": 1, "closed": 1,
             ("search", "exact", "found"): 1}, doing)


class Reloads(StatsTest):
    def control_ok(self, status, *args):
        done = self.control(*args)
        self.assertEqual(done.returncode, status, done)

    def test_reloads(self):
        """Reloads, of what did not change too, and rollbacks; no diffs."""
        daemon = self.serve()
        for command in ("reload", "reload --force", "rollback"):
            self.assert_moves({"reloads": 1}, lambda c=command:
                              self.control_ok(0, *c.split()))
        self.assert_moves({"reloads": 1}, daemon.hang_up)
        self.assert_moves({}, lambda: self.control_ok(0, "diff"))
        self.configure(self.control_line(), "nonsense")
        self.assert_moves({"reloads-failed": 1}, lambda: self.control_ok(
            1, "reload"))
        self.assert_moves({}, lambda: self.control_ok(1, "diff"))


if __name__ == "__main__":
    harness.main()
