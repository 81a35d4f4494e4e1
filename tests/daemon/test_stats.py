#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The numbers tell what happened: each moves by what was done, none else.

Every test does one thing and compares all numbers from before and after it,
so a counter that moves with another one's events is found as well.
"""

import json

import harness
import openmetrics
from harness import (DEADLINE, LOOPBACK, RING, Peer, answer, ask, binary,
                     kept, request, search, to_json)

STATUS = ("state", "version", "pid", "uptime", "generation", "loaded",
          "entries", "table-bytes", "held-bytes", "connections", "workers")
PLAIN = ("accepted", "closed", "bytes-in", "bytes-out", "sliced", "reloads",
         "reloads-failed")
GROUPS = {"refused": ("connections", "per-address", "denied"),
          "timeouts": ("idle", "header", "message", "write", "drain")}
TIMES = ("p50-us", "p90-us", "p99-us", "p999-us", "max-us")
LONG = f"{int(DEADLINE * 4)}s"
BYTES = ("bytes-in", "bytes-out")
SEARCHES = "prefix,suffix,substring,fuzzy,regex"
OTHER_ERROR = {("other", None, "error"): 1}


def flat(stats):
    """The counters by name, and the rows' counts by what they count."""
    numbers = {name: stats[name] for name in PLAIN}
    for group, names in GROUPS.items():
        for name in names:
            numbers[f"{group}.{name}"] = stats[group][name]
    for row in stats["requests"]:
        key = (row["action"], row.get("way"), row["outcome"])
        assert key not in numbers, key
        numbers[key] = row["count"]
    return numbers


class StatsTest(harness.DaemonTest):
    def serve(self, *lines, answers=harness.TUTORIAL_LINES, **kwargs):
        if not any(line.startswith("listen ") for line in lines):
            lines = (f"listen {LOOPBACK} 0", *lines)
        return self.start(*lines, self.control_line(), answers=answers,
                          **kwargs)

    def stats(self):
        done = self.control("--json", "stats")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return json.loads(done.stdout)

    def numbers(self):
        return flat(self.stats())

    def assert_moves(self, expected, doing, ignore=BYTES):
        """Doing that changes these numbers so, and no other.

        They are waited for, since a reply may be here before its bytes are
        counted; and they must not go further.
        """
        before = self.numbers()
        doing()

        def moved():
            after = self.numbers()
            return {key: value - before.get(key, 0)
                    for key, value in after.items()
                    if key not in ignore and value != before.get(key, 0)}

        try:
            harness.wait_until(lambda: moved() == expected, "all moved")
        except TimeoutError:
            self.assertEqual(moved(), expected)


class Members(StatsTest):
    def test_members(self):
        """The reply has what status has, and the numbers."""
        daemon = self.serve("workers 3")
        stats = self.stats()
        status = json.loads(self.control("--json", "status").stdout)
        for name in STATUS:
            if name not in ("uptime",):
                self.assertEqual(stats[name], status[name], name)
        self.assertEqual(
            set(stats), {"result", *STATUS, *PLAIN, *GROUPS, "requests",
                         "per-worker", "top-misses", "hot-keys"})
        self.assertEqual(stats["pid"], daemon.pid)
        self.assertEqual(len(stats["per-worker"]), 3)
        for name in ("requests", "top-misses", "hot-keys"):
            self.assertEqual(stats[name], [])
        self.assertEqual(set(flat(stats).values()), {0})

    def test_per_worker(self):
        """The workers' numbers add up to those of all."""
        daemon = self.serve("workers 3")
        peers = [self.peer(daemon.address) for _ in range(9)]
        for number, peer in enumerate(peers):
            for _ in range(number + 1):
                peer.ask(search("ring", **kept()))
        stats = self.stats()
        workers = stats["per-worker"]
        self.assertEqual([w["connections"] for w in workers], [3, 3, 3])
        self.assertEqual(sum(w["requests"] for w in workers), 45)
        self.assertTrue(all(w["requests"] >= 6 for w in workers), workers)
        for name in BYTES:
            harness.wait_until(lambda: sum(
                w[name] for w in self.stats()["per-worker"])
                == self.stats()[name] > 0, f"{name} add up")

    def test_text(self):
        """For people, the same numbers in a table."""
        daemon = self.serve("workers 1")
        for _ in range(3):
            ask(daemon.address, search("ring"))
        done = self.control("stats")
        self.assertEqual(done.returncode, 0, done)
        for line in (r"connections +0 now, 3 accepted, 3 closed",
                     r"refused +0 by limit connections, .*",
                     r"search +exact +found +3( +[0-9.]+){5}",
                     r"0 +3 +0 +[0-9]+ +[0-9]+"):
            self.assertRegex(done.stdout, f"(?m)^{line}$")
        for line in done.stdout.splitlines():
            self.assertLessEqual(len(line), 100)
            self.assertEqual(line, line.rstrip())


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
                 "substring": "rd12", "fuzzy": "wrod12", "regex": "^w.*7$"}
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

    def test_binary(self):
        daemon = self.serve()
        for content, outcome in ((b"picture", "found"),
                                 (b"pictures", "not-found"), (b"", "error")):
            with self.subTest(outcome):
                self.assert_moves(
                    {("binary", None, outcome): 1, "accepted": 1,
                     "closed": 1},
                    lambda: ask(daemon.address, binary(content)))

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
        """More searches than a turn tries at once are worked on later."""
        path = self.path("socket")
        self.serve(f"listen {path}")
        message = request(to_json({"action": "search", "value": "word12",
                                   "match": "prefix"}), **kept())
        with Peer(path) as peer:
            peer.ask(search("ring", **kept()))
            before = self.numbers()
            for count in (2, 3, 6):
                peer.send(message * count)
                for _ in range(count):
                    peer.reply()
            after = self.numbers()
        row = ("search", "prefix", "found")
        self.assertEqual(after[row] - before.get(row, 0), 11)
        # 0, 1 and 2; one that the system interrupted may be one more.
        self.assertGreaterEqual(after["sliced"] - before["sliced"], 3)
        self.assertLess(after["sliced"] - before["sliced"], 11)

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

    def test_time_of_a_long_search(self):
        """All slices are in the time of a search, not only the last one."""
        self.write("many.tsv", "".join(
            f"{'ab' * 20}{n}\t{n}\n" for n in range(200000)))
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
        """Reloads and rollbacks count; diffs do not."""
        daemon = self.serve()
        self.assert_moves({"reloads": 1}, lambda: self.control_ok(
            0, "reload"))
        self.assert_moves({"reloads": 1}, lambda: self.control_ok(
            0, "rollback"))
        self.assert_moves({"reloads": 1}, daemon.hang_up)
        self.assert_moves({}, lambda: self.control_ok(0, "diff"))
        self.configure(self.control_line(), "nonsense")
        self.assert_moves({"reloads-failed": 1}, lambda: self.control_ok(
            1, "reload"))
        self.assert_moves({}, lambda: self.control_ok(1, "diff"))


class Keys(StatsTest):
    """The keys that were found and missed most often.

    Up to 256 lookups a second and worker are all counted.
    """

    def lists(self):
        stats = self.stats()
        return [[(entry["key"], entry["count"]) for entry in stats[name]]
                for name in ("hot-keys", "top-misses")]

    def test_found_and_missed(self):
        """Each in its list with its count, fast or not, by any worker."""
        daemon = self.serve("workers 3")
        asked = {"ring": 7, "morpheus": 4, "no": 5, "nothing": 6}
        for key, count in asked.items():
            for n in range(count):
                members = kept(explain=True) if n % 2 else kept()
                self.peer(daemon.address).ask(search(key, **members))
        self.assertEqual(self.lists(), [[("ring", 7), ("morpheus", 4)],
                                        [("nothing", 6), ("no", 5)]])

    def test_pipelined(self):
        daemon = self.serve()
        with Peer(daemon.address) as peer:
            peer.send((search("ring", **kept()) + search("no", **kept())
                       + search("ring", **kept())) * 40)
            for _ in range(120):
                peer.reply()
        self.assertEqual(self.lists(), [[("ring", 80)], [("no", 40)]])

    def test_other_requests(self):
        """Only exact lookups are about a key."""
        self.write("words.tsv", "word\tx\n")
        daemon = self.serve(
            f"table words file {self.path('words.tsv')} search=prefix")
        for match in ("exact", "prefix"):
            for key in ("word", "nothing"):
                ask(daemon.address, request(to_json({
                    "action": "search", "value": key, "match": match})))
        ask(daemon.address, binary(b"word"))
        self.assertEqual(self.lists(), [[("word", 1)], [("nothing", 1)]])

    def test_escaped(self):
        """Whatever keys are made of, they are told on one line, and cut."""
        daemon = self.serve()
        keys = {"a\x1b[2Jb\nc": "a\\x1b[2Jb\\nc", "\u202eabc": "\\u{202e}abc",
                "": "", "e\u0301": "e\u0301", "\\": "\\\\",
                "\0": "\\x00", "\U0001f48d" * 100: "\U0001f48d" * 32 + "...",
                "x" * 2000: "x" * 128 + "..."}
        for key in keys:
            ask(daemon.address, search(key))
        hot, missed = self.lists()
        self.assertEqual(hot, [])
        self.assertEqual(dict(missed), dict.fromkeys(keys.values(), 1))
        text = self.control("stats").stdout
        self.assertTrue(all(line.isprintable()
                            for line in text.split("\n")), text)
        for shown in keys.values():
            self.assertIn(f"           1  {shown}\n", text)

    def test_at_most_twenty(self):
        daemon = self.serve()
        for n in range(30):
            for _ in range(2 if n % 3 == 0 else 1):
                ask(daemon.address, search(f"key {n}"))
        _, missed = self.lists()
        self.assertEqual(len(missed), 20)
        self.assertEqual([count for _, count in missed],
                         [2] * 10 + [1] * 10)
        self.assertEqual({key for key, _ in missed[:10]},
                         {f"key {n}" for n in range(0, 30, 3)})

    def test_many(self):
        """Many are sampled, and the frequent ones still lead."""
        daemon = self.serve("workers 1")
        batch = b"".join(
            search("often" if n % 4 == 0 else f"rare {n}", **kept())
            for n in range(1000))
        with Peer(daemon.address) as peer:
            for _ in range(30):
                with harness.background(lambda: peer.send(batch)):
                    for _ in range(1000):
                        peer.reply()
        _, missed = self.lists()
        self.assertEqual(missed[0][0], "often")
        self.assertGreater(missed[0][1], 7500 / 2)
        self.assertLess(missed[0][1], 7500 * 2)


class OpenMetrics(StatsTest):
    """The text for collectors."""

    def metrics(self):
        done = self.control("stats", "--openmetrics")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def serve_all(self):
        """A daemon that was asked all sorts of things."""
        daemon = self.serve("workers 2", f"listen {LOOPBACK} 0",
                            f"listen {LOOPBACK} 0 allow=192.0.2.0/24",
                            f"listen {LOOPBACK} 0 service=echo")
        for message in (search("ring"), search("ring"), search("no"),
                        binary(b"x"), request(b"{")):
            ask(daemon.address, message)
        ask(daemon.addresses[1], b"")
        ask(daemon.addresses[2], b"echo", finish=True)
        self.assertEqual(self.control("reload").returncode, 0)
        harness.wait_until(lambda: self.numbers()["closed"] == 6,
                           "all connections are closed")
        return daemon

    def test_form_at_first(self):
        """A strict reader takes it when nothing has happened."""
        self.serve()
        openmetrics.read(self.metrics())

    def test_form(self):
        """And after all sorts of requests."""
        self.serve_all()
        families = openmetrics.read(self.metrics())
        for name in families:
            self.assertRegex(name, "^appmsgd_[a-z_]+$")

    def test_other_reader(self):
        """So does the reader of those who collect."""
        try:
            from prometheus_client.openmetrics import parser
        except ImportError:
            self.skipTest("no prometheus_client")
        self.serve_all()
        families = list(parser.text_string_to_metric_families(
            self.metrics()))
        self.assertIn("appmsgd_request_duration_seconds",
                      [family.name for family in families])

    def test_numbers(self):
        """It has the numbers that the object has."""
        self.serve_all()
        families = openmetrics.read(self.metrics())
        stats = self.stats()

        def value(name, **labels):
            return families["appmsgd_" + name].value(**labels)

        for name, member in (
                ("generation", "generation"), ("entries", "entries"),
                ("table_bytes", "table-bytes"), ("workers", "workers"),
                ("held_bytes", "held-bytes"), ("connections", "connections"),
                ("connections_accepted", "accepted"),
                ("connections_closed", "closed"),
                ("received_bytes", "bytes-in"), ("sent_bytes", "bytes-out"),
                ("searches_sliced", "sliced")):
            self.assertEqual(value(name), stats[member], name)
        self.assertEqual(value("build", version=stats["version"]), 1)
        self.assertEqual(value("draining"), 0)
        for reason in GROUPS["refused"]:
            self.assertEqual(value("connections_refused", reason=reason),
                             stats["refused"][reason])
        for kind in GROUPS["timeouts"]:
            self.assertEqual(value("timeouts", kind=kind),
                             stats["timeouts"][kind])
        self.assertEqual(value("reloads", result="done"), 1)
        self.assertEqual(value("reloads", result="failed"), 0)
        self.assertEqual(stats["refused"]["denied"], 1)
        for n, worker in enumerate(stats["per-worker"]):
            for name, member in (("requests", "requests"),
                                 ("connections", "connections"),
                                 ("received_bytes", "bytes-in"),
                                 ("sent_bytes", "bytes-out")):
                self.assertEqual(value("worker_" + name, worker=str(n)),
                                 worker[member])

    def test_times(self):
        """A histogram for each row, around the times of the object."""
        self.serve_all()
        points = openmetrics.read(self.metrics())[
            "appmsgd_request_duration_seconds"].points()
        rows = self.stats()["requests"]
        self.assertEqual(len(rows), 5)
        self.assertEqual(len(points), len(rows))
        for row in rows:
            labels = frozenset((name, row[name])
                               for name in ("action", "way", "outcome")
                               if name in row)
            *buckets, count, total = points[labels]
            self.assertEqual(count[2], row["count"])
            longest = row["max-us"] / 1e6
            self.assertLessEqual(total[2], row["count"] * longest + 1e-12)
            for _, bucket, value in buckets[:-1]:
                if float(bucket["le"]) >= longest:
                    self.assertEqual(value, row["count"])
                else:
                    self.assertLess(value, row["count"])

    def test_json(self):
        """As JSON it is the one member."""
        self.serve()
        done = self.control("--json", "--openmetrics", "stats")
        text = json.loads(done.stdout)
        self.assertEqual(list(text), ["result"])
        openmetrics.read(text["result"] + "\n")

    def test_only_stats(self):
        """Other commands have no such form."""
        self.serve()
        done = self.control("--openmetrics", "status")
        self.assertEqual(done.returncode, 64, done)


if __name__ == "__main__":
    harness.main()
