#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables on other machines: what is found there, and what is not known."""

import random
import re
import string
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import buckets
import harness
import nodes
import redis
from harness import DEADLINE, kept, no_match, search, wait_until
from remote import FOUND, KEEP, LATE, LOCAL, MISSED, UNAVAILABLE, RemoteTest

DATA = {f"key {i} \N{RABBIT FACE}": f'answer {i}\t"{i}"' for i in range(2000)}


class Real(RemoteTest):
    """Redis as it is."""

    def test_a_server(self):
        single = redis.single(self)
        self.publish(single, DATA)
        self.serve(self.line(single))
        self.check(DATA)

    def test_one_with_a_password(self):
        single = redis.single(self, password="open sesame")
        self.publish(single, DATA)
        right = self.write("right", "open sesame\n")
        self.serve(self.line(single, "redis", f"password-file={right}"))
        self.check(DATA)

    def test_a_password_is_not_left_behind(self):
        """In no buffer, neither of who asks nor of who publishes."""
        password = "".join(random.choices(string.ascii_letters, k=40))
        single = redis.single(self, password=password)
        file = self.write("password", password + "\n")
        self.write("words.tsv", "".join(map("{}\tx\n".format, range(5000))))
        self.serve(f"table words file {self.path('words.tsv')}",
                   self.line(single, "redis", f"password-file={file}"))
        done = self.control("publish", "words", "shared")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.wait_for("found", "77")
        if harness.sanitized(self.daemon.pid):
            self.skipTest("sanitizers keep too much memory")
        said = f"${len(password)}\r\n{password}"
        self.assertTrue(self.has_in_memory(self.daemon.pid, password))
        self.assertFalse(self.has_in_memory(self.daemon.pid, said))

    def has_in_memory(self, pid, text):
        """Whether the process has it anywhere that it writes."""
        try:
            with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
                    open(f"/proc/{pid}/mem", "rb", 0) as memory:
                for line in maps:
                    where, rights, _, _, inode = line.split()[:5]
                    if rights[:2] == "rw" and inode == "0":
                        start, end = (int(n, 16) for n in where.split("-"))
                        memory.seek(start)
                        if text.encode() in memory.read(end - start):
                            return True
        except PermissionError as error:
            self.skipTest(f"its memory cannot be read: {error}")
        return False

    def test_one_that_does_not_take_it(self):
        single = redis.single(self, password="open sesame")
        self.publish(single, DATA)
        self.serve(self.line(single, "redis", "deadline=100ms"))
        self.assertEqual(self.status(next(iter(DATA))), "unavailable")
        wait_until(lambda: "it wants a password" in self.daemon.log,
                   "that is told")
        wait_until(lambda: self.cause() == "refused", "that is why")
        wait_until(lambda: ", down: refused" in self.control("tables").stdout,
                   "appmsgctl knows")
        single.servers[0].kill()
        wait_until(lambda: self.cause() == "down", "nobody is there")

    def cause(self):
        """Why a lookup is not answered."""
        peer = self.peer(self.daemon.address)
        peer.send(search("none", explain=True))
        return peer.reply().header["cause"]

    def test_a_cluster(self):
        cluster = redis.cluster(self)
        self.publish(cluster, DATA)
        self.serve(self.line(cluster, "redis-cluster"))
        self.check(DATA)
        with self.subTest("known from one node"):
            self.daemon.stop()
            self.serve(self.line(cluster.servers[4], "redis-cluster",
                                 "cache=no"))
            self.check(DATA)
        with self.subTest("plain keys"):
            self.daemon.stop()
            self.set_plain(cluster)
            self.serve(self.line(cluster, "redis-cluster", "live=yes",
                                 "prefix=plain:"))
            self.check(self.PLAIN)

    PLAIN = {"a": "1", "{a}b": 'quoted "2"', "a{}b": "line\n\x01",
             "\N{RABBIT FACE}": "\N{RABBIT FACE}", "empty": ""}

    def set_plain(self, cluster):
        buckets.run_all(cluster, [("SET", f"plain:{key}", text.encode())
                                  for key, text in self.PLAIN.items()])


class Fake(RemoteTest):
    """A node that does as it should, and is looked into."""

    def setUp(self):
        super().setUp()
        self.node = nodes.node(self)

    def serve(self, *lines, **kwargs):
        return super().serve("workers 1", *lines, **kwargs)

    def found(self, key, peer):
        reply = self.ask_one(peer, key)
        return reply.result if FOUND in reply.extra else None

    def test_what_is_known_is_not_asked(self):
        self.publish(self.node, {"a": "1"})
        self.serve(self.line(self.node))
        self.wait_for("not-found")
        self.assertEqual(self.status("a"), "found")
        self.assertEqual(self.status("b"), "not-found")
        before = self.lookups()
        for _ in range(10):
            self.check({"a": "1"}, ["b"])
        self.assertEqual(self.lookups(), before)

    def lookups(self):
        return sum(words[-1] == b"" for words in self.node.requests)

    def test_no_key_is_none(self):
        """Though what seals a bucket has that name there."""
        self.publish(self.node, {"a": "1"})
        self.serve(self.line(self.node, "redis", "cache=no"))
        self.wait_for("not-found")
        peer = self.peer(self.daemon.address)
        self.assert_answer(self.ask_one(peer, ""), no_match(""), KEEP, MISSED)
        named = harness.to_json({"action": "search", "value": "",
                                 "table": "shared"})
        peer.send(harness.request(named, **kept()))
        self.assert_answer(peer.reply(), no_match(""), KEEP, MISSED)
        done = self.control("explain", "")
        self.assertIn("no table has an answer", done.stdout + done.stderr)

    def test_what_is_too_long_is_not_asked(self):
        """No such key can have been published."""
        long = "x" * 1024
        self.publish(self.node, {long: "1"})
        self.serve(self.line(self.node, "redis", "cache=no"))
        self.wait_for("not-found")
        self.assertEqual(self.status(long), "found")
        before = self.lookups()
        self.assertEqual(self.status(long + "x"), "not-found")
        self.assertEqual(self.status("x" * 100000), "not-found")
        self.assertEqual(self.lookups(), before)

    def test_an_answer_when_a_message_is_late(self):
        """Both at once, which a search beside them makes likely."""
        self.write("words.tsv", "".join(f"key {i} {i * 7919 % 10007}\tx\n"
                                        for i in range(20000)))
        self.publish(self.node, {"a": "1"})
        self.serve(self.line(self.node, "redis", "cache=no", "deadline=60s"),
                   "table words file words.tsv search=regex",
                   "timeout message 1s", "timeout idle 15m")
        self.wait_for("not-found")
        busy = self.peer(self.daemon.address)
        busy.send(harness.request(harness.to_json({
            "action": "search", "value": "(.*)(.*)(.*)[xyz]9$",
            "table": "words", "match": "regex"}), **kept()) * 20)
        for _ in range(3):
            go_on = threading.Event()
            self.addCleanup(go_on.set)
            sent = threading.Event()

            def answer(words, connection):
                if words[-1] != b"":
                    return self.node.usual(words, connection)
                go_on.wait(DEADLINE)
                connection.send(self.node.usual(words))
                sent.set()
                return b""

            self.node.answer = answer
            before = self.lookups()
            peer = self.peer(self.daemon.address)
            peer.send(search("a", **kept()) + search("near")[:-1])
            wait_until(lambda: self.lookups() > before, "it is asked")
            late = time.monotonic() + 1.5
            with self.daemon.stopped():
                go_on.set()
                sent.wait(DEADLINE)
                wait_until(lambda: time.monotonic() > late, "it is late")
            self.assert_answer(peer.reply(), "1", KEEP, FOUND)
            self.assert_error(peer.reply())
            peer.ended()

    def test_memory_of_what_was_found(self):
        """Behind an answer that does not come it is held, within limits."""
        hung = nodes.node(self, lambda words, connection: b"")
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def answer(words, connection):
            if words[0] == b"GET":
                go_on.wait(DEADLINE)
            return self.node.usual(words, connection)

        def joined():
            return int(re.search(r"(\d+) joined",
                                 self.control("stats").stdout)[1])

        self.node.data[b"key-a"] = b"x" * 100000
        self.serve(self.line(self.node, "redis", "live=yes", "prefix=key-",
                             "deadline=60s"),
                   f"table hung redis {hung} deadline=60s live=yes",
                   "limit memory 4m")

        def ask(table):
            content = harness.to_json({"action": "search", "value": "a",
                                       "table": table})
            return harness.request(content, **kept())

        self.node.answer = answer
        other = self.peer(self.daemon.address)
        peer = self.peer(self.daemon.address)
        other.send(ask("hung") + ask("shared"))
        peer.send(ask("hung") + ask("shared") * 100)
        # Else it would hold less than what ends it, and not be read on.
        wait_until(lambda: joined() > 90, "nearly all are asked")
        go_on.set()
        peer.ended()
        self.daemon.wait_log("connection ended limit=memory ")
        self.assertEqual(self.status("near"), "found")
        hung.answer = None
        hung.hang_up()
        self.assert_answer(other.reply(), no_match("a"), KEEP, MISSED)
        self.assert_answer(other.reply(), "x" * 100000, KEEP, FOUND)

    def test_memory_of_keys(self):
        """Of those that are asked for so much is kept, whoever is gone."""
        self.node.answer = lambda words, connection: (
            self.node.usual(words) if words[0] == b"PING" else b"")
        self.serve(self.line(self.node, "redis", "live=yes", "deadline=60s"),
                   "limit memory 1g", "timeout drain 1s")
        long = "k" * 900000
        for i in range(18):
            asked = len(self.node.requests)
            peer = self.peer(self.daemon.address)
            peer.send(search(f"{i} {long}", **kept()))
            wait_until(lambda: len(self.node.requests) > asked, "it is asked")
        self.assertEqual(self.status(f"one more {long}"), "busy")
        asked = len(self.node.requests)
        peer.send(search("a short one", **kept()))
        wait_until(lambda: len(self.node.requests) > asked, "it is asked")

    def test_the_same_is_asked_once(self):
        """What is asked meanwhile waits for the answer."""
        self.publish(self.node, {"a": "1"})
        self.serve(self.line(self.node, "redis", "cache=no"))
        self.wait_for("not-found")
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def answer(words, connection):
            if words[-1] == b"":
                go_on.wait(DEADLINE)
            return self.node.usual(words, connection)

        self.node.answer = answer
        before = self.lookups()
        peer = self.peer(self.daemon.address)
        peer.send(search("a", **kept()) * 100)
        self.assertEqual(self.status("near"), "found")
        go_on.set()
        for _ in range(100):
            self.assert_answer(peer.reply(), "1", KEEP, FOUND)
        # In one piece, or some.
        self.assertLess(self.lookups() - before, 20)

    def test_the_newest_counts(self):
        """And no older one ever again."""
        old = buckets.publish(self.node, {"a": "old", "b": "gone"})
        self.serve(self.line(self.node))
        self.check({"a": "old", "b": "gone"})
        peer = self.peer(self.daemon.address)
        new = buckets.publish(self.node, {"a": "new", "c": "here"},
                              before=old)
        wait_until(lambda: self.found("a", peer) == "new", "it is new")
        self.check({"a": "new", "c": "here"}, ["b"])
        asked = self.points()
        buckets.point(self.node, old)
        wait_until(lambda: self.points() >= asked + 6, "it is looked")
        self.check({"a": "new", "c": "here"}, ["b"])
        with self.subTest("unless it has a higher number"):
            buckets.point(self.node, old, new, new.number + 1)
            wait_until(lambda: self.found("a", peer) == "old", "it is old")
            self.check({"a": "old", "b": "gone"}, ["c"])

    def points(self):
        return sum(b"generation" in words for words in self.node.requests)

    def test_folded_keys(self):
        table = buckets.publish(self.node, {"straße": "x"})
        folded = buckets.Published(table.prefix, table.number + 1,
                                   {"strasse": "folded"})
        folded.fold = 1
        for name, fields in folded.contents().items():
            self.node.run("HSET", name, *buckets.pairs(fields))
        folded.fields = lambda before="": {
            **buckets.Published.fields(folded, before), f"{before}fold": 1}
        buckets.point(self.node, folded)
        self.serve(self.line(self.node))
        self.wait_for("not-found")
        for key in ("strasse", "STRASSE", "Straße"):
            self.assertEqual(self.status(key), "found", key)

    def test_nothing_is_published(self):
        """It is not known to be empty."""
        self.serve(self.line(self.node))
        self.assertEqual(self.status("a"), "unavailable")
        self.assertEqual(self.status("near"), "found")
        self.publish(self.node, {"a": "1"})
        self.wait_for("found", "a")

    def test_an_unknown_table_hides_the_next_one(self):
        """Whoever is before it is asked, and answers; who is behind is not."""
        table = self.write("behind.tsv", "behind\tyes\n")
        self.serve(self.line(self.node, "redis", "deadline=100ms"),
                   f"table behind file {table}")
        peer = self.peer(self.daemon.address)
        self.assert_answer(self.ask_one(peer, "near"), LOCAL["near"], KEEP,
                           FOUND)
        self.assert_answer(self.ask_one(peer, "behind"), LATE, KEEP,
                           UNAVAILABLE)
        self.publish(self.node, {"a": "1"})
        self.wait_for("found", "behind")
        self.assert_answer(self.ask_one(peer, "c"), no_match("c"), KEEP,
                           MISSED)

    def test_plain_keys_are_asked_each_time(self):
        self.node.run("SET", "p:a", "1")
        self.serve(self.line(self.node, "redis", "live=yes", "prefix=p:"))
        peer = self.peer(self.daemon.address)
        for i in range(5):
            self.node.run("SET", "p:a", f"{i}")
            self.assertEqual(self.found("a", peer), f"{i}")
        del self.node.data[b"p:a"]
        self.assertEqual(self.status("a"), "not-found")

    def test_a_stale_one_is_better_than_none(self):
        self.node.run("SET", "p:a", "1")
        self.serve(self.line(self.node, "redis", "live=yes", "prefix=p:",
                             "stale=1h", "deadline=100ms"))
        self.assertEqual(self.status("a"), "found")
        self.assertEqual(self.status("b"), "not-found")
        self.node.answer = lambda words, connection: b"-ERR no\r\n"
        self.assertEqual(self.status("a"), "found")
        self.assertEqual(self.status("b"), "unavailable")


if __name__ == "__main__":
    harness.main()
