#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsgctl publish: a table of files becomes one in Redis.

Whatever happens meanwhile, what is read there is one whole generation.
"""

import json
import sys
import tempfile
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import buckets
import harness
import redis
from harness import background, kept, slow, wait_until
from publishing import LOCK, POINTS, PREFIX, PublishTest, entries_of
from scripted import Server, run_in_terminal

SEEN = 2            # seconds in which others read what was published
STRANGE = {
    "ring": 'The "One" ring, \\ and \U0001f48d',
    "\U0001f436": "",
    " ": "blank",
    "long": "x" * 5000,
}


class Whole(PublishTest):
    """A real cluster, of three masters with a replica each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        redis.needs_redis()
        cls.folder = tempfile.TemporaryDirectory(prefix="appmsg-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.servers = redis.Cluster(cls.folder.name)
        cls.addClassCleanup(cls.servers.end)

    def setUp(self):
        super().setUp()
        for server in self.servers.masters():
            server.call("FLUSHALL")

    def start_publisher(self, entries, **kwargs):
        return self.publisher(self.servers, entries, "redis-cluster",
                              **kwargs)

    def agree(self):
        """Whether the nodes know of the same slots."""
        try:
            self.servers.cli("--cluster", "check",
                             str(self.servers.servers[0]))
        except AssertionError:
            return False
        return True

    def test_all_there(self):
        """Each entry, as a reply has it; on the replicas, too."""
        entries = {**STRANGE, **entries_of(5000)}
        daemon = self.start_publisher(entries)
        reply = self.publish()
        self.assertEqual(self.assert_published(self.servers, entries),
                         reply["generation"])
        self.assertEqual((reply["from"], reply["to"], reply["before"]),
                         ("words", "shared", 0))
        self.assertEqual(reply["entries"], len(entries))
        # That of the table it comes from.
        self.assertEqual(reply["digest"], next(
            table["digest"] for table in self.members("tables")["tables"]
            if table["table"] == "words"))
        self.assertEqual({point["digest"] for point
                          in self.points(self.servers)}, {reply["digest"]})
        # Each where another hand puts it.
        for name, bucket in buckets.Published(
                PREFIX, reply["generation"], entries).contents().items():
            self.assertEqual(self.hash_at(self.servers, name), bucket)
        self.assertEqual(sum(int(server.info("keyspace")["db0"].split(",")[0]
                                 .removeprefix("keys="))
                             for server in self.servers.replicas()),
                         reply["buckets"] + len(POINTS) + 1)
        self.assertEqual(self.servers.server_of(LOCK).call("GET", LOCK), None)
        daemon.wait_log(r"published from=words to=shared generation="
                        rf"{reply['generation']} ")
        self.assertIn(f"generation {reply['generation']} of \"shared\"",
                      reply["result"])

    def test_answered(self):
        """The daemon that published finds it all there, and so does another;
        of the next one, too."""
        entries = {**STRANGE, **entries_of(3000)}
        daemons = [self.start_publisher(entries), harness.Daemon(
            self.write_config(
                f"listen {harness.LOOPBACK} 0",
                f"table shared redis-cluster {self.servers}",
                name="reader.conf"))]
        self.addCleanup(daemons[1].stop)
        self.publish()
        for daemon in daemons:
            self.assert_answers(daemon, entries)
        self.words(entries_of(50, "new"))
        self.done("--force", "reload")
        self.publish("--force", "words", "shared")
        for daemon in daemons:
            self.assert_answers(daemon, entries_of(50, "new"))

    def test_seen_soon(self):
        """Another daemon looks each second: each worker of it reads what was
        published within two."""
        self.start_publisher(entries_of(100))
        reader = harness.Daemon(self.write_config(
            f"listen {harness.LOOPBACK} 0", "workers 2",
            f"table shared redis-cluster {self.servers}",
            name="reader.conf"))
        self.addCleanup(reader.stop)
        self.publish()
        peers = [self.peer(reader.address) for _ in range(4)]
        took = []
        for i in range(slow(3, 5)):
            self.words(entries_of(100, f"new {i}"))
            self.done("reload")
            self.publish()
            began = time.monotonic()
            for peer in peers:
                wait_until(lambda peer=peer, i=i: peer.ask(harness.search(
                    "key 7", **kept())).result == f"new {i} 7", "it is seen")
            took.append(time.monotonic() - began)
        print("seen after", *(f"{t:.2f} s" for t in took), file=sys.stderr)
        # Twice as long on a busy machine, and of most of them.
        self.assertLess(sorted(took)[len(took) // 2], 2 * SEEN)

    def test_main_and_none(self):
        """The answer lines, and a table without entries."""
        self.start_publisher({}, answers=[harness.answer("a", "b")])
        self.publish("main", "shared")
        self.assert_published(self.servers, {"a": "b"})
        self.publish("--force", "words", "shared")
        self.assert_published(self.servers, {})

    def test_back(self):
        """What was before is read again, under a higher number."""
        self.start_publisher(entries_of(100, "old"))
        self.assertIn("nothing that was published before",
                      self.refused("--rollback", "shared"))
        old = self.publish()["generation"]
        self.assertIn("nothing that was published before",
                      self.refused("--rollback", "shared"))
        self.words(entries_of(200, "new"))
        self.done("reload")
        new = self.publish()["generation"]
        self.assertGreater(new, old)
        self.assert_published(self.servers, entries_of(200, "new"), new)
        reply = self.publish("--rollback", "shared")
        self.assertEqual(self.assert_published(
            self.servers, entries_of(100, "old"), old), reply["generation"])
        self.assertGreater(reply["generation"], new)
        self.assertNotIn("from", reply)
        again = self.publish("--rollback", "shared")
        self.assertEqual(self.assert_published(
            self.servers, entries_of(200, "new"), new), again["generation"])

    def test_lost_before(self):
        """What has lost entries is not gone back to."""
        self.start_publisher(entries_of(100, "old"))
        old = self.publish()["generation"]
        self.words(entries_of(100, "new"))
        self.done("reload")
        self.publish()
        bucket = f"{PREFIX}{old}:2"
        self.servers.server_of(bucket).call("DEL", bucket)
        self.assertIn("entries are lost",
                      self.refused("--rollback", "shared"))
        self.assert_published(self.servers, entries_of(100, "new"))

    def test_older_go(self):
        """Of three the first is removed, when nobody reads it any more."""
        self.start_publisher(entries_of(100))
        first, second, third = [self.publish()["generation"]
                                for _ in range(3)]
        wait_until(lambda: first not in self.record(self.servers),
                   "the first has gone")
        self.assertEqual(self.record(self.servers), {second: 4, third: 4})
        self.assert_gone(self.servers, first, 4)
        self.assert_published(self.servers, entries_of(100), third)
        self.publish("--rollback", "shared")
        self.assert_published(self.servers, entries_of(100), second)

    def test_guard(self):
        """A table that has lost too much is not published."""
        self.start_publisher(entries_of(100), words_options="guard=10%")
        self.publish()
        self.words(entries_of(90))
        self.done("reload")
        self.publish()
        self.words(entries_of(80))
        self.done("--force", "reload")
        self.assertIn("10 entries fewer than the 90 that are published, more "
                      "than guard=10%", self.refused())
        self.assert_published(self.servers, entries_of(90))
        self.publish("--force", "words", "shared")
        self.assert_published(self.servers, entries_of(80))

    def test_moved_slots(self):
        """Slots move to another master meanwhile."""
        entries = entries_of(20000)
        self.start_publisher(entries)
        self.publish()
        done = []

        def move():
            one, two, _ = self.servers.masters()
            try:
                for _ in range(slow(1, 5)):
                    for way in (one, two), (two, one):
                        wait_until(self.agree, "the nodes agree")
                        self.servers.move(*way, 50)
            finally:
                done.append(True)

        with background(move):
            while not done:
                reply = self.publish()
        self.assertEqual(self.assert_published(self.servers, entries),
                         reply["generation"])


class Bar(PublishTest):
    """What appmsgctl shows of it, by a control socket of the test's."""

    STATES = [{}, {"publishing": 7}, {"publishing": {}},
              {"publishing": {"to": "\x1b[2J", "share": 0}},
              {"publishing": {"to": "shared", "share": 50}},
              {"publishing": {"to": "shared", "share": 101}},
              {"publishing": {"to": "shared", "share": 100}}]

    def show(self, *args, states=tuple(STATES)):
        """Run it in a terminal: its status, and the bytes that came."""
        states = list(states)
        all_told = threading.Event()

        def serve(connection):
            got = connection.request()
            if json.loads(got[1])["action"] == "publish":
                all_told.wait(harness.DEADLINE)
                connection.reply("done it", status="found")
            elif states:
                connection.send(harness.request(harness.to_json(
                    {"result": "x", **states.pop(0)}), status="found"))
            else:
                all_told.set()

        if not states:
            all_told.set()
        with Server(serve, self.path("bar.sock")) as server:
            return run_in_terminal("-s", server.address, *args, "publish",
                                   "words", "shared", name="appmsgctl")

    def test_bar(self):
        """It grows, is spelled, and is gone at the end."""
        status, shown = self.show()
        self.assertEqual(status, 0)
        name = b"\\x1b[2J"
        self.assertEqual(
            shown.decode().split("\r"),
            ["", " [" + " " * 40 + "]   0%",
             name.decode() + " [" + " " * 40 + "]   0%",
             "shared [" + "#" * 20 + " " * 20 + "]  50%",
             "shared [" + "#" * 40 + "] 100%",
             "\x1b[Kdone it\n"])

    def test_no_bar(self):
        """What is done at once has none."""
        self.assertEqual(self.show(states=()), (0, b"done it\n"))


class Named(PublishTest):
    """What cannot be published, and to what; no server is asked."""

    def test_names(self):
        """Tables that are not, or not of the right kind."""
        self.words(entries_of(1))
        self.write("one.bin", "x")
        where = "redis 127.0.0.1:1"
        self.serve(f"table words file {self.path('words.tsv')}",
                   f"table bytes binary {self.path('one.bin')}",
                   f"table shared {where}",
                   f"table live {where} prefix=other: live=yes")
        for args, why in (
                (("nothing", "shared"), "no table of that name to publish"),
                (("words", "nothing"),
                 "no table of that name to publish to"),
                (("words", "main"), "no table of that name to publish to"),
                (("words", "words"), "is not on other machines"),
                (("shared", "words"), "which is named last, is not on other"),
                (("words", "live"), "is live=yes"),
                (("shared", "shared"), "is itself on other machines"),
                (("bytes", "shared"), "binary entries cannot be")):
            with self.subTest(args=args):
                self.assertIn(why, self.refused(*args))
        with harness.Peer(self.path("control.sock")) as peer:
            reply = peer.ask(harness.request(harness.to_json({
                "action": "publish", "from": "words", "to": "shared",
                "rollback": True})))
        self.assertIn("only the table to publish to is said", reply.result)

    def test_words(self):
        """A command line that is none."""
        self.serve()
        for args in (("publish",), ("publish", "a"),
                     ("publish", "a", "b", "c"), ("reload", "--rollback"),
                     ("publish", "--rollback"), ("publish", b"\xff", "b"),
                     ("publish", "a", "b", "--keys=1")):
            with self.subTest(args=args):
                self.failed(*args, status=64)
        self.assertIn("needs a FROM and a TO",
                      self.failed("publish", status=64))
        self.assertIn("needs a TO",
                      self.failed("publish", "--rollback", status=64))
        self.assertIn("takes a TO alone, and no FROM", self.failed(
            "publish", "--rollback", "words", "shared", status=64))


if __name__ == "__main__":
    harness.main()
