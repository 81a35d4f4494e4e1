#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Real clusters that fail while lookups come: what is published is never told
to be missing, and nothing else is told for it.
"""

import sys
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import redis
from harness import thorough, wait_until
from remote import RemoteTest
from remote_load import Load

COUNT = thorough(5000, 50000)
SECONDS = thorough(3, 10)
MOMENT = .3
READS = ("--cluster-allow-reads-when-down", "yes")


class Fails(RemoteTest):
    """A cluster with a replica for each master."""

    def setUp(self):
        super().setUp()
        self.cluster = redis.cluster(self, *self.options())
        self.data = self.publish(self.cluster, {
            f"key {i}": f"answer {i}" for i in range(COUNT)})
        # A new one does not tell of replicas at once.
        wait_until(self.agrees, "all know of replicas")
        self.begin("deadline=3s")

    def begin(self, *options):
        self.serve(self.line(self.cluster, "redis-cluster", "cache=no",
                             *options), "workers 2")
        self.wait_for("not-found")

    def options(self):
        return READS

    def agrees(self):
        """Whether all nodes know the same, and of replicas."""
        maps = [sorted((first, last, sorted(node[1] for node in nodes))
                       for first, last, *nodes in
                       server.call("CLUSTER", "SLOTS"))
                for server in self.cluster.running()]
        return all(one == maps[0] for one in maps) and all(
            len(nodes) == 2 for _, _, nodes in maps[0])

    def load(self, change, seconds=SECONDS):
        """What comes of lookups while something changes."""
        with Load(self.daemon.address, self.data) as load:
            wait_until(lambda: load.count("found") > 1000, "lookups come")
            change()
            time.sleep(seconds)
        self.assertEqual(load.wrong[:3], [], load.summary())
        print(self.id().split(".", 1)[1], load.summary(), file=sys.stderr)
        return load

    def usual_load(self, change):
        """The same by the deadline that a table has if none is said: some
        may be told that it is unavailable, for a moment."""
        self.daemon.stop()
        self.begin()
        load = self.load(change)
        most = MOMENT * (10 if harness.sanitized(self.daemon.pid) else 1)
        self.assertLessEqual(load.outage(), most, load.summary())

    def test_a_master_is_killed(self):
        self.usual_load(self.cluster.masters()[0].kill)

    def test_a_master_hangs(self):
        master = self.cluster.masters()[0]
        self.usual_load(master.stop)
        master.go_on()

    def test_a_master_comes_back_empty(self):
        """Before anybody took its place; and its replica empties itself."""
        master = self.cluster.masters()[0]

        def come_back():
            master.kill()
            master.start()

        load = self.load(come_back)
        wait_until(lambda: not self.cluster.by_port(master.port).call(
            "DBSIZE"), "it is empty")
        self.assertGreater(load.count("unavailable"), 0, load.summary())

    def test_a_replica_is_new(self):
        """It has nothing for a while; then the master is asked."""
        replica = self.cluster.replicas()[0]

        def come_back():
            replica.kill()
            replica.start()

        load = self.load(come_back)
        self.assertEqual(load.count("unavailable"), 0, load.summary())

    def evict(self):
        """Full masters drop some buckets, as if they were a cache."""
        for master in self.cluster.masters():
            used = int(master.info("memory")["used_memory"])
            master.call("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
            master.call("CONFIG", "SET", "maxmemory", used - (20 << 10))
            master.call("PING")

    def test_all_is_flushed(self):
        """After some were evicted."""
        load = self.load(self.evict, 1)
        self.assertGreater(sum(
            int(master.info("stats")["evicted_keys"])
            for master in self.cluster.masters()), 0)
        self.assertGreater(load.count("unavailable"), 0, load.summary())
        for master in self.cluster.masters():
            master.call("CONFIG", "SET", "maxmemory", 0)

        def flush():
            for master in self.cluster.masters():
                master.call("FLUSHALL")

        self.load(flush, 1)
        peer = self.peer(self.daemon.address)
        self.assertEqual(self.status("key 1", peer), "unavailable")
        with self.subTest("and published again"):
            self.publish(self.cluster, self.data)
            self.wait_for("found", "key 1", peer)
            self.check(self.data)

    def test_right_after_a_publish(self):
        """A master is lost in the moment when it is done: all of it is on its
        replica, and nothing of it is told to be missing."""
        data = {key: text + ", anew" for key, text in self.data.items()}
        self.write("words.tsv", "".join(f"{key}\t{text}\n"
                                        for key, text in data.items()))
        socket = self.path("publisher.sock")
        publisher = harness.Daemon(self.write_config(
            f"listen {harness.LOOPBACK} 0", f"control {socket}",
            f"table words file {self.path('words.tsv')}",
            f"table shared redis-cluster {self.cluster}",
            name="publisher.conf"))
        self.addCleanup(publisher.stop)
        peer = self.peer(self.daemon.address)
        with Load(self.daemon.address, self.data, data) as load:
            wait_until(lambda: load.count("found") > 1000, "lookups come")
            done = harness.run(harness.program("appmsgctl"), "-s", socket,
                               "publish", "words", "shared")
            self.cluster.masters()[0].kill()
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            wait_until(lambda: self.ask_one(peer, "key 1").result
                       == data["key 1"], "it is read")
            time.sleep(SECONDS / 3)
        self.assertEqual(load.wrong[:3], [], load.summary())
        self.cluster.wait_ok()
        with Load(self.daemon.address, data) as after:
            wait_until(lambda: after.count("found") > 5000, "all is right")
        self.assertEqual(after.wrong[:3], [], after.summary())

    def test_slots_move(self):
        first, second, third = self.cluster.masters()

        def move():
            self.cluster.move(first, second, thorough(60, 300))
            wait_until(self.agrees, "all know of it")
            self.cluster.move(second, third, thorough(60, 300))

        load = self.load(move, 1)
        self.assertEqual(load.count("unavailable"), 0, load.summary())


class Usually(Fails):
    """As Redis is where nobody changes what it does."""

    test_right_after_a_publish = None   # as of the others

    def options(self):
        return ()

    def test_a_master_is_killed(self):
        """All is right again a moment after the cluster says so."""
        self.load(self.cluster.masters()[0].kill, 0)
        self.cluster.wait_ok()
        with Load(self.daemon.address, self.data) as load:
            wait_until(lambda: load.count("found") > 1000, "all is right")
        self.assertEqual(load.wrong, [])

    def test_a_master_hangs(self):
        master = self.cluster.masters()[0]
        self.load(master.stop)
        master.go_on()


if __name__ == "__main__":
    harness.main()
