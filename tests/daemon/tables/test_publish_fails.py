#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsgctl publish that fails: nothing is half there, and nothing is left."""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import nodes
import redis
from harness import background, slow, wait_until
from publishing import LOCK, POINTS, PREFIX, RECORD, PublishTest, entries_of


GARBAGE = (b"+OK\r\n", b":1\r\n", b"$-1\r\n", b"*0\r\n", b"*1\r\n:1\r\n",
           b"$1\r\nx\r\n", b"-ERR no\r\n", b"-MOVED 1 127.0.0.1:1\r\n",
           b"*2147483647\r\n", b"$536870912\r\n", b"*1\r\n" * 100,
           b"\xff\r\n")


class Broken(PublishTest):
    """One server, and what goes wrong at it."""

    def start_publisher(self, entries, *options, look=None, **kwargs):
        self.servers = redis.single(self, 0, *options)
        self.server = self.servers.master
        address = self.server
        if look is not None:
            address = self.between_node = self.between(self.server, look)
        return self.publisher(address, entries, **kwargs)

    def keys(self):
        return sorted(self.server.call("KEYS", "*"))

    def test_locked(self):
        """Who publishes has it alone; the others hear who it is."""
        self.start_publisher(entries_of(10))
        self.server.call("SET", LOCK, "appmsgd of there, process 7 #12",
                         "PX", 100000)
        self.assertIn("somebody else publishes: appmsgd of there, process 7;",
                      self.refused())
        self.assertEqual(self.keys(), [LOCK.encode()])
        self.server.call("DEL", LOCK)
        self.publish()
        self.assert_published(self.servers, entries_of(10))

    def test_overtaken(self):
        """Who slept longer than his lock lasts changes nothing any more."""
        taken = []

        def look(words):
            if words[0] == b"HSET" and b":0" in words[1] and not taken:
                taken.append(words[1])
                self.server.call("SET", LOCK, "another #2")
                for point in POINTS:
                    self.server.call("HSET", point, "writer", "another #2")

        self.start_publisher(entries_of(100), look=look)
        self.assertIn("somebody else began to publish", self.refused())
        self.assertEqual(len(taken), 1)
        self.assertEqual(self.points(self.servers), [{}] * 3)
        self.assertEqual(self.server.call("GET", LOCK), b"another #2")
        # What it wrote is nobody's.
        self.assertEqual(self.record(self.servers), {})
        self.assertEqual(self.server.call("KEYS", PREFIX + "*[0-9]"), [])

    def test_foreign(self):
        """What others have under the prefix stays as it is."""
        self.start_publisher(entries_of(100))
        for key, make, why in (
                (POINTS[1], ("SET", POINTS[1], "x"), "somebody else"),
                (POINTS[2], ("HSET", POINTS[2], "layout", "77"),
                 "somebody else"),
                (RECORD, ("HSET", RECORD, "a", "b"), "somebody else"),
                (RECORD, ("RPUSH", RECORD, "a"), "somebody else"),
                (LOCK, ("RPUSH", LOCK, "a"), "somebody else")):
            with self.subTest(make=make):
                self.server.call(*make)
                dump = self.server.call("DUMP", key)
                self.assertIn(why, self.refused())
                self.assertEqual(self.server.call("DUMP", key), dump)
                self.server.call("DEL", key)
                self.assertEqual(self.keys(), [])

    def test_foreign_bucket(self):
        """So does a bucket that is there before."""
        def look(words):
            if words[0] == b"HSET" and words[1].endswith(b":1") and not seen:
                seen.append(words[1])
                self.server.call("HSET", words[1], "", "theirs")

        seen = []
        self.start_publisher(entries_of(100), look=look)
        self.assertIn("somebody else has keys", self.refused())
        self.assertEqual(len(seen), 1)
        self.assertEqual(self.points(self.servers), [{}] * 3)

    def test_lost(self):
        """What is lost before anybody reads it is noticed."""
        def look(words):
            if words[0] == b"HMGET" and words[1].endswith(b":3") and not seen:
                seen.append(words[1])
                self.server.call("DEL", words[1])

        seen = []
        self.start_publisher(entries_of(100), look=look)
        self.assertIn("entries are lost", self.refused())
        self.assertEqual(self.points(self.servers), [{}] * 3)
        self.assertEqual(self.record(self.servers), {})
        self.publish()
        self.assert_published(self.servers, entries_of(100))

    def test_full(self):
        """A server without room: what is there stays, what came goes."""
        self.start_publisher(entries_of(100))
        old = self.publish()["generation"]
        self.words(entries_of(20000, "x" * 100))
        self.done("reload")
        used = int(self.server.info("memory")["used_memory"])
        self.server.call("CONFIG", "SET", "maxmemory", used + (1 << 20))
        self.assertRegex(self.refused(), r"127\.0\.0\.1:\d+ is full: OOM ")
        self.assertEqual(self.record(self.servers), {old: 4})
        self.assertEqual(len(self.keys()), 4 + len(POINTS) + 1)
        self.assert_published(self.servers, entries_of(100), old)
        self.server.call("CONFIG", "SET", "maxmemory", 0)
        self.publish()
        self.assert_published(self.servers, entries_of(20000, "x" * 100))

    def test_not_allowed(self):
        """A user without the rights, or a wrong password."""
        self.write("password", "secret\n")
        daemon = self.start_publisher(
            entries_of(10), options="user=app password-file="
            + self.path("password"))
        self.assertIn("does not let us in: WRONGPASS", self.refused())
        self.server.call("ACL", "SETUSER", "app", "on", ">secret", "~*",
                         "+@all", "-hset")
        self.assertIn("does not let this user do that: NOPERM",
                      self.refused())
        self.server.call("ACL", "SETUSER", "app", "+hset")
        self.publish()
        self.assert_published(self.servers, entries_of(10))
        self.assertNotIn("secret", daemon.log)

    def test_least_rights(self):
        """The commands that the manual names are enough."""
        self.write("password", "secret\n")
        self.start_publisher(
            entries_of(100), options="user=app password-file="
            + self.path("password"))
        self.server.call(
            "ACL", "SETUSER", "app", "on", ">secret", f"~{PREFIX}*",
            "+cluster|slots", "+del", "+exec", "+get", "+hdel", "+hget",
            "+hgetall", "+hmget", "+hset", "+multi", "+pexpire", "+set",
            "+unlink", "+unwatch", "+wait", "+watch")
        first = self.publish()["generation"]
        self.publish()
        self.publish()
        wait_until(lambda: first not in self.record(self.servers),
                   "the first has gone")
        wait_until(lambda: self.server.call("GET", LOCK) is None,
                   "it is unlocked")

    def test_replica(self):
        """A replica is named where the master should be."""
        servers = redis.single(self, 1)
        self.publisher(servers.replicas[0], entries_of(10))
        self.assertIn("is a replica, where the master has to be named first",
                      self.refused())

    def test_no_replica_takes_it(self):
        """One is named that is none, or is away; the old ones stay."""
        servers = redis.single(self, 0)
        node = self.between(servers.master, lambda words: b":0\r\n"
                            if words[0] == b"WAIT" else None)
        self.publisher(f"{node},127.0.0.1:{redis.free_port()}",
                       entries_of(10))
        self.assertIn(f"no replica of {node} has taken what was written, for "
                      "60 s; its INFO replication tells which it has",
                      self.refused())
        self.assertEqual(self.record(servers), {})

    def test_nobody(self):
        """No server there, one that is none, and one that says nothing."""
        port = redis.free_port()
        self.publisher(f"127.0.0.1:{port}", entries_of(10))
        self.assertIn(f"127.0.0.1:{port}: Connection refused", self.refused())
        for name, answer, why in (
                ("garbage", lambda words, _: b"HTTP/1.1 400\r\n\r\n",
                 "is no reply of Redis"),
                ("nothing", lambda words, _: None, "closed the connection")):
            with self.subTest(name=name):
                self.daemons[-1].stop()
                with nodes.Node(answer) as node:
                    self.publisher(node, entries_of(10))
                    self.assertIn(why, self.refused())

    def test_garbage(self):
        """Whatever the n-th reply is instead of what it should be, what is
        read is whole."""
        left, garbage = [0], [b""]

        def look(_):
            left[0] -= 1
            return garbage[0] if left[0] == 0 else None

        old, new = entries_of(100, "old"), entries_of(120, "new")
        self.start_publisher(old, look=look)
        self.publish()
        before = len(self.between_node.requests)
        self.publish()
        requests = len(self.between_node.requests) - before
        entries = [old, new]
        for n in range(1, requests + 1, slow(12, 1)):
            for reply in GARBAGE:
                with self.subTest(n=n, reply=reply):
                    entries.reverse()
                    self.words(entries[0])
                    self.done("--force", "reload")
                    left[0], garbage[0] = n, reply
                    self.control("--force", "publish", "words", "shared")
                    left[0] = 0
                    self.assert_reads_one_of(self.servers, entries)
                    self.server.call("DEL", LOCK)
        self.publish("--force", "words", "shared")
        self.assert_published(self.servers, entries[0])

    def test_not_yet(self):
        """A server that still reads its own data is asked again."""
        told = []

        def look(words):
            if words[0] != b"SET" or len(told) == 3:
                return None
            told.append(words)
            return b"-LOADING wait\r\n"

        self.start_publisher(entries_of(100), look=look)
        self.publish()
        self.assert_published(self.servers, entries_of(100))

    def test_one_at_a_time(self):
        """A second one is told so; a reload goes on; status says how far."""
        self.start_publisher(entries_of(1000))
        self.assertNotIn("publishing", self.members("status"))
        self.server.stop()
        results = []

        with background(lambda: results.append(
                self.control("publish", "words", "shared"))):
            wait_until(lambda: "publishing" in self.members("status"),
                       "it is under way")
            self.assertIn("something is being published", self.refused())
            self.assertEqual(
                self.members("status")["publishing"],
                {"from": "words", "to": "shared", "share": 0})
            self.assertIn("\npublishing   words to shared, 0%\n",
                          self.done("status") + "\n")
            self.words(entries_of(5, "new"))
            self.done("--force", "reload")
            self.server.go_on()
        self.assertEqual((results[0].returncode, results[0].stderr), (0, ""))
        # The table that served when it was asked for.
        self.assert_published(self.servers, entries_of(1000))
        self.assertNotIn("publishing", self.members("status"))

    def test_unlocked(self):
        """Nor is there a lock then, which the next one would wait for."""
        daemon = self.start_publisher(entries_of(100000))
        with background(lambda: self.control("publish", "words", "shared")):
            wait_until(lambda: self.server.call("GET", LOCK) is not None,
                       "it is under way", poll=.001)
            daemon.terminate()
            self.assertEqual(daemon.wait(), 0)
        self.assertIsNone(self.server.call("GET", LOCK))

    def test_stopped(self):
        """The end of the daemon is its end, too."""
        daemon = self.start_publisher(entries_of(1000))
        self.server.stop()
        results = []
        with background(lambda: results.append(
                self.control("publish", "words", "shared"))):
            wait_until(lambda: "publishing" in self.members("status"),
                       "it is under way")
            daemon.terminate()
            self.assertEqual(daemon.wait(), 0)
        self.server.go_on()
        self.assertEqual(results[0].returncode, 1)
        self.assertIn("the daemon is stopping", results[0].stderr)
        self.assertEqual(self.points(self.servers), [{}] * 3)


if __name__ == "__main__":
    harness.main()
