#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsgctl publish that ends at any moment, or loses a master.

What is read is whole, and the next one clears up.
"""

import os
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import redis
from harness import background, slow, wait_until
from publishing import LOCK, POINTS, PREFIX, PublishTest, entries_of


class Gone(PublishTest):
    """A cluster that loses a master."""

    def test_master(self):
        """It says which one; when the cluster is well again, all is."""
        servers = redis.cluster(self)
        self.publisher(servers, entries_of(100), "redis-cluster")
        self.publish()
        self.words(entries_of(5000, "new"))
        self.done("reload")
        lost = servers.server_of(POINTS[0])
        lost.stop()
        results = []
        with background(lambda: results.append(
                self.control("publish", "words", "shared"))):
            wait_until(lambda: "publishing" in self.members("status"),
                       "it is under way")
            lost.kill()
        self.assertEqual(results[0].returncode, 1)
        self.assertRegex(results[0].stderr, rf"cannot publish .*: {lost}: ")
        wait_until(lambda: servers.is_ok() and len(servers.masters()) == 3,
                   "another one is master")
        # Where that was its own, the lock has not gone yet.
        servers.server_of(LOCK).call("DEL", LOCK)
        self.assert_published(servers, entries_of(100))
        self.publish()
        self.assert_published(servers, entries_of(5000, "new"))


class Killed(PublishTest):
    """A publisher that ends at any moment."""

    def start(self, *lines, answers=(), **kwargs):
        """Start a daemon that need not end well."""
        daemon = harness.Daemon(self.configure(*lines, answers=answers))
        self.daemons.append(daemon)
        self.addCleanup(daemon.kill)
        return daemon

    def test_at_each_request(self):
        """Killed before the n-th request is done: what is read is whole, and
        the next one clears up."""
        servers = redis.single(self)
        server = servers.master
        left = [0]

        def look(_):
            left[0] -= 1
            if left[0] == 0:
                self.daemons[-1].process.kill()

        between = self.between(server, look)
        generations = entries_of(150, "old"), entries_of(170, "new")
        self.publisher(between, generations[0])
        read = {self.publish()["generation"]}
        before = len(between.requests)
        read.add(self.publish()["generation"])
        requests = len(between.requests) - before
        self.assertGreater(requests, 40)
        self.daemons[-1].stop()
        for n in range(1, requests + 1, slow(5, 1)):
            with self.subTest(n=n):
                self.publisher(between, generations[1])
                left[0] = n
                self.assertNotEqual(
                    self.control("publish", "words", "shared").returncode, 0)
                self.daemons[-1].kill()
                left[0] = 0
                self.assert_reads_one_of(servers, generations)
                # Its lock would be over at last.
                server.call("DEL", LOCK)
                os.unlink(self.path("control.sock"))
                self.publisher(between, generations[0])
                read |= {int(point["number"])
                         for point in self.points(servers)}
                read.add(self.publish("--force", "words", "shared")
                         ["generation"])
                self.assert_published(servers, generations[0])
                self.assertEqual(self.there(servers) - read, set())
                self.daemons[-1].stop()

    def test_readers(self):
        """Killed at any request, while another daemon is asked: each answer
        is one of a generation that was finished, and none goes back."""
        dice, seed = harness.seeded()
        server = redis.single(self).master
        left = [0]

        def look(_):
            left[0] -= 1
            if left[0] == 0:
                self.daemons[-1].process.kill()

        between = self.between(server, look)
        self.publisher(between, entries_of(2000, "0"))
        self.publish()
        requests = len(between.requests)
        looks = [0]

        def count(words):
            looks[0] += words[1].decode() in POINTS if words[1:] else 0

        reader = harness.Daemon(self.write_config(
            f"listen {harness.LOOPBACK} 0",
            f"table shared redis {self.between(server, count)}",
            name="reader.conf"))
        self.addCleanup(reader.kill)
        peer = self.peer(reader.address)
        wait_until(lambda: self.generation(peer, 0) == 0, "it is read")
        seen, done = [0], []

        def ask():
            """On one connection, again and again."""
            i = 0
            while not done:
                i = (i + 7) % 2000
                seen.append(self.generation(peer, i))
                if seen[-1] is None or seen[-1] < seen[-2]:
                    return

        def looked():
            """The pointers are looked at, and what they say is asked."""
            then, asked = looks[0] + 4, len(seen)
            wait_until(lambda: looks[0] >= then, "pointers are looked at")
            wait_until(lambda: len(seen) > asked + 100 or seen[-1] is None,
                       "the reader is asked")

        rounds = slow(5, 50)
        with background(ask):
            try:
                for n in range(1, rounds):
                    self.daemons[-1].kill()
                    server.call("DEL", LOCK)
                    self.publisher(between, entries_of(2000, f"{n}"))
                    left[0] = dice.randint(1, requests)
                    self.control("publish", "words", "shared")
                    looked()
                self.daemons[-1].kill()
                left[0] = 0
                server.call("DEL", LOCK)
                self.publisher(between, entries_of(2000, f"{rounds}"))
                self.publish()
                wait_until(lambda: seen[-1] in (None, rounds),
                           "the last one is seen")
            finally:
                done.append(True)
        self.assertNotIn(None, seen, f"seed {seed}")
        self.assertEqual(seen, sorted(seen), f"seed {seed}")
        self.assertEqual(seen[-1], rounds, f"seed {seed}")

    @staticmethod
    def generation(peer, i):
        """The number that an answer says; None: there is none."""
        peer.send(harness.search(f"key {i}", **harness.kept()))
        reply = peer.reply()
        if ("status", "found") not in reply.extra:
            return None
        number, key = reply.result.split()
        return int(number) if key == str(i) else None

    def there(self, servers):
        """Generations of which there are buckets, or lines in the record."""
        return self.record(servers).keys() | {
            int(key.split(b":")[2]) for server in servers
            for key in server.call("KEYS", PREFIX + "*[0-9]")}


if __name__ == "__main__":
    harness.main()
