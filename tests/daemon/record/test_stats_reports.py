#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The numbers in their three forms, and the lists of keys."""

import json
import sys
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import openmetrics
from counting import BYTES, GROUPS, PLAIN, STATUS, StatsTest, flat
from harness import LOOPBACK, Peer, ask, binary, kept, request, search, to_json


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
                         "per-worker", "process", "top-misses", "hot-keys",
                         "tables", "certificates", "remote",
                         "unavailable"})
        self.assertEqual([(t["table"], t["entries"], t["bytes"] > 0)
                          for t in stats["tables"]],
                         [("main", status["entries"], True)])
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
        self.assertEqual(sum(w["connections"] for w in workers), 9)
        self.assertEqual(sum(w["requests"] for w in workers), 45)
        self.assertGreater(len([w for w in workers if w["requests"]]), 1)
        for name in BYTES:
            harness.wait_until(lambda: sum(
                w[name] for w in self.stats()["per-worker"])
                == self.stats()[name] > 0, f"{name} add up")

    def test_text(self):
        """For people, the same numbers in a table."""
        daemon = self.serve("workers 1")
        for _ in range(3):
            ask(daemon.address, search("ring"))
        # A peer sees the end of its connection before that is counted.
        harness.wait_until(lambda: self.numbers()["closed"] == 3,
                           "all connections are closed")
        done = self.control("stats")
        self.assertEqual(done.returncode, 0, done)
        for line in (r"connections +0 now, 3 accepted, 3 closed, "
                     r"0 over limit memory",
                     r"refused +0 by limit connections, .*",
                     r"search +exact +found +3( +[0-9.]+){5}",
                     r"bytes +\d+ bytes in, \d+ bytes out",
                     r"0 +3 +0 +[0-9]+ bytes +[0-9]+ bytes"):
            self.assertRegex(done.stdout, f"(?m)^{line}$")
        for line in done.stdout.splitlines():
            self.assertLessEqual(len(line), 100)
            self.assertEqual(line, line.rstrip())


class Keys(StatsTest):
    """The keys that were found and missed most often.

    Up to 256 lookups a second and worker are all counted.
    """

    def lists(self):
        stats = self.stats()
        for entry in stats["hot-keys"] + stats["top-misses"]:
            self.assertEqual(list(entry), ["key", "count", "least", "most"])
            self.assertLessEqual(1, entry["least"])
            self.assertLessEqual(entry["least"], entry["count"])
            self.assertLessEqual(entry["count"], entry["most"])
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
        for entry in self.stats()["hot-keys"]:
            self.assertEqual(entry["least"], entry["most"])

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
            self.assertIn(f"{1:12} {1:12} {1:12}  {shown}\n", text)

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

    def ask_all(self, daemon, messages):
        """All at once: more than are told in a second."""
        with Peer(daemon.address) as peer:
            with harness.background(lambda: peer.send(b"".join(messages))):
                for _ in messages:
                    peer.reply()

    def test_many(self):
        """Many are sampled, and the frequent ones still lead."""
        daemon = self.serve("workers 1")
        batch = [search("often" if n % 4 == 0 else f"rare {n}", **kept())
                 for n in range(1000)]
        for _ in range(30):
            self.ask_all(daemon, batch)
        _, missed = self.lists()
        self.assertEqual(missed[0][0], "often")
        self.assertGreater(missed[0][1], 7500 / 2)
        self.assertLess(missed[0][1], 7500 * 2)
        # What is no more than an estimate says so.
        (often, *_) = self.stats()["top-misses"]
        self.assertLess(often["least"], often["count"])
        self.assertLess(often["count"], often["most"])
        self.assertRegex(self.control("stats").stdout,
                         f"(?m)^ +{often['count']} +{often['least']} +"
                         f"{often['most']}  often$")

    def test_asked_once(self):
        """What came once is never shown as more, however many there are."""
        daemon = self.serve("workers 1")
        self.ask_all(daemon, [search(f"no {n}", **kept())
                              for n in range(20000)])
        _, missed = self.lists()
        self.assertEqual({count for _, count in missed} - {1}, set())


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
            self.assertRegex(name, "^(appmsgd|process)_[a-z_]+$")

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
                ("kept_generations", "kept"), ("kept_bytes", "kept-bytes"),
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

    def test_tables(self):
        """A number for each table, that of all together."""
        self.write("words.tsv", "word\tx\nring\ty\n")
        self.write("blobs/one", "1")
        before = int(time.time())
        self.serve(f"table words file {self.path('words.tsv')}",
                   f"table a.b-c binary {self.path('blobs')}")
        families = openmetrics.read(self.metrics())
        tables = {("main", "answer"): len(harness.TUTORIAL_LINES),
                  ("words", "file"): 2, ("a.b-c", "binary"): 1}
        samples = {name: [(labels["table"], labels["kind"])
                          for _, labels, _ in family.samples]
                   for name, family in families.items()
                   if name.startswith("appmsgd_table_")
                   and name not in ("appmsgd_table_bytes", "appmsgd_table")}
        self.assertEqual(samples, {f"appmsgd_table_{name}": list(tables)
                                   for name in ("entries", "memory_bytes",
                                                "loaded_time_seconds")})
        for (table, kind), entries in tables.items():
            for name, least, most in (
                    ("entries", entries, entries), ("memory_bytes", 1, 1e6),
                    ("loaded_time_seconds", before, time.time())):
                value = families[f"appmsgd_table_{name}"].value(
                    table=table, kind=kind)
                self.assertTrue(least <= value <= most, (table, name, value))

    def test_digests(self):
        """As status and tables have them."""
        self.write("words.tsv", "word\tx\nring\ty\n")
        self.serve(f"table words file {self.path('words.tsv')}")
        families = openmetrics.read(self.metrics())
        self.assertEqual(
            [labels for _, labels, _ in families["appmsgd_tables"].samples],
            [{"digest": self.told("status")["digest"]}])
        self.assertEqual(
            [labels for _, labels, _ in families["appmsgd_table"].samples],
            [{name: row[name] for name in ("table", "kind", "digest")}
             for row in self.told("tables")["tables"]])

    def told(self, command):
        return json.loads(self.control("--json", command).stdout)

    def test_no_table(self):
        """A family without a sample is none."""
        self.serve(answers=[])
        self.assertNotIn("table_entries", self.metrics())

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
