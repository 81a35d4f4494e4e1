#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What is told of tables on other machines that are there: where an answer is
from, what is published, and what went to and fro."""

import functools
import json
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import redis
from harness import background, program, run, search, wait_until
from remote import RemoteTest

DATA = {f"key {i}": f"answer {i}" for i in range(100)}


class Told(RemoteTest):
    """One server, published to, and a table behind it."""

    def setUp(self):
        super().setUp()
        self.server = redis.single(self)
        self.publish(self.server, DATA)
        self.write("behind.tsv", "key 1\thidden\nelsewhere\there\n")
        self.serve(self.line(self.server), "workers 1",
                   "table behind file behind.tsv")
        self.address = str(self.server)

    def told(self, *args, status=0):
        done = self.control("--json", *args)
        self.assertEqual((done.returncode, done.stderr), (status, ""), done)
        return json.loads(done.stdout)

    def wait_looked_at(self):
        """The server's own client knows what is published."""
        wait_until(lambda: self.told("status")["remote-tables-up"] == 1,
                   "the table is up")

    def test_in_the_reply(self):
        self.wait_for("found", "key 1")
        peer = self.peer(self.daemon.address)
        peer.send(search("key 2", explain=True, connection="keep-alive"))
        header = peer.reply().header
        self.assertEqual(
            {name: header[name] for name in ("table", "source", "published",
                                             "node", "cached", "match")},
            {"table": "shared", "source": "redis",
             "published": self.published.number, "node": self.address,
             "cached": False, "match": "exact"})
        peer.send(search("key 2", explain=True, connection="keep-alive"))
        header = peer.reply().header
        self.assertIs(header["cached"], True)
        self.assertNotIn("node", header)
        self.assertNotIn("stale", header)

    def test_by_the_client(self):
        self.wait_for("found", "key 1")
        host, port = self.daemon.address[:2]
        where = ("-H", host, "-p", str(port), "--explain")
        done = run(program("appmsg-client"), *where, "search", "key 3")
        self.assertEqual((done.returncode, done.stdout), (0, "answer 3\n"))
        self.assertRegex(
            done.stderr, r"\Akey 3: table shared, redis at "
            rf"{self.address}, published {self.published.number}, exact, "
            r"generation 1 of \S+\n\Z")
        done = run(program("appmsg-client"), *where, "--json", "search",
                   "key 3")
        told = json.loads(done.stdout)
        self.assertEqual((told["source"], told["cached"]), ("redis", True))

    def test_explain(self):
        self.wait_looked_at()
        told = self.told("explain", "key 1")
        result = told.pop("result")
        del told["loaded"]
        hides = told.pop("hides")
        self.assertEqual(told, {
            "answer": "answer 1", "table": "shared", "source": "redis",
            "node": self.address, "published": self.published.number,
            "cached": False, "stale": False, "match": "exact",
            "generation": 1})
        self.assertEqual([(row["table"], row["answer"]) for row in hides],
                         [("behind", "hidden")])
        self.assertIn("answer      answer 1\ntable       shared\n"
                      f"source      redis\nnode        {self.address}\n",
                      result)
        self.assertIn("\nhides       behind, ", result)

    def test_explain_what_is_missed_there(self):
        """The tables behind it are asked; then keys that are near."""
        self.wait_looked_at()
        told = self.told("explain", "elsewhere")
        self.assertEqual((told["table"], told["answer"]),
                         ("behind", "here"))
        told = self.told("explain", "elsewere", status=1)
        self.assertEqual([row["key"] for row in told["near"]],
                         ["elsewhere"])

    def test_many_explain_at_once(self):
        """Each gets its own, though nobody waits for another."""
        self.wait_looked_at()

        def ask(i):
            self.assertEqual(self.told("explain", f"key {i}")["answer"],
                             f"answer {i}")

        with background(*(functools.partial(ask, i) for i in range(8))):
            pass

    def test_tables(self):
        self.wait_looked_at()
        row, = [row for row in self.told("tables")["tables"]
                if row["table"] == "shared"]
        self.assertEqual(
            {name: row[name] for name in ("kind", "servers", "entries", "up",
                                          "published", "servers-up")},
            {"kind": "redis", "servers": [self.address],
             "entries": len(DATA), "up": True,
             "published": self.published.number, "servers-up": 1})
        line = self.control("tables").stdout.splitlines()[2]
        self.assertRegex(line, rf"^shared +redis +{len(DATA)} +- +- +\S+ "
                         rf".*{self.address}, up$")

    def test_metrics(self):
        self.wait_looked_at()
        self.wait_for("found", "key 1")
        self.status("key 1")
        metrics = self.control("stats", "--openmetrics").stdout
        labels = '{table="shared",kind="redis"}'
        for line in (f"table_up{labels} 1",
                     f"table_published{labels} {self.published.number}",
                     f"table_published_entries{labels} {len(DATA)}"):
            self.assertIn(f"appmsgd_{line}\n", metrics)
        self.assertRegex(metrics, r"appmsgd_remote_cached_total [1-9]")
        self.assertRegex(metrics, r"appmsgd_remote_requests_total [1-9]")

    def test_gone(self):
        """What was up is told to be down, and why."""
        self.wait_looked_at()
        self.server.servers[0].kill()
        wait_until(lambda: self.told("status")["remote-tables-up"] == 0,
                   "the table is down")
        line = self.control("tables").stdout.splitlines()[2]
        self.assertRegex(line, r", down: down$")
        host, port = self.daemon.address[:2]
        done = run(program("appmsg-client"), "-H", host, "-p", str(port),
                   "--explain", "search", "key 1")
        self.assertEqual((done.returncode, done.stdout), (75, ""))
        # The one who answers may not know yet.
        self.assertRegex(
            done.stderr, r'\AError: the table "shared" cannot be asked now\.\n'
            r"key 1: table shared, redis, (published \d+, )?"
            r"not asked: (down|deadline), generation 1 of \S+\n\Z")
        told = self.told("explain", "key 1", status=1)
        self.assertEqual(told["table"], "shared")

    def test_no_cluster(self):
        """A server that is in none is told by that."""
        daemon = self.start(f"table c redis-cluster {self.address}")
        daemon.wait_log("it is no server of a cluster, so the table's kind "
                        f"is redis table=c server={self.address}")


if __name__ == "__main__":
    harness.main()
