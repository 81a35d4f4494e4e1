#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Nodes that say what they should not: nobody waits longer than a lookup may
take, nothing grows, nothing wrong is told, and all is well when they are.
"""

import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import buckets
import harness
import nodes
from harness import (DEADLINE, LOOPBACK, free_port, kept, measurable, resident,
                     search, slow)
from remote import FOUND, KEEP, RemoteTest
from remote_load import Load
from resp import NIL, array, bulk, error, slots

DATA = {f"key {i}": f"answer {i}" for i in range(300)}
SECONDS = slow(0.2, 0.3)
MOST = 20 << 20
ROOM = slow(.3, .1)     # seconds, for a machine that has other work
RIGHT = array(bulk("answer"), bulk("1"))


def sealed(make):
    """A reply of the seal that belongs into it."""
    return lambda words, _: make(buckets.seal_of(words))


ERRORS = (
    "NOAUTH Authentication required.", "NOPERM no right for 'hmget'",
    "WRONGTYPE Operation against a key", "LOADING Redis is loading",
    "MASTERDOWN Link with MASTER is down", "TRYAGAIN Multiple keys",
    "CLUSTERDOWN The cluster is down", "ERR unknown", "")

REPLIES = {
    "garbage": b"\x16\x03\x01\x02 garbage \xff\x00\n" * 20,
    "no type": b"hello\r\n",
    "a bulk too large": b"$536870912\r\n",
    "an array too large": b"*2147483647\r\n",
    "a number too large": b"$99999999999999999999\r\n",
    "a negative number": b"*-2\r\n",
    "nested too deep": b"*1\r\n" * 100 + b":1\r\n",
    "a nil": NIL,
    "a nil array": b"*-1\r\n",
    "a number": b":1\r\n",
    "one element": array(bulk("answer")),
    "three elements": sealed(lambda s: array(bulk("answer"), s, s)),
    "an error in it": sealed(lambda s: array(error("ERR no"), s)),
    "no UTF-8": sealed(lambda s: array(bulk(b"\xff\xfe"), s)),
    "a surrogate": sealed(lambda s: array(bulk(b"\\ud83d"), s)),
    "an end of string": sealed(lambda s: array(
        bulk(b'a", "status": "found'), s)),
    "a raw byte": sealed(lambda s: array(bulk(b"a\x01b"), s)),
    "another's seal": sealed(lambda s: array(bulk("answer"), bulk("99999"))),
    "no number as seal": sealed(lambda s: array(bulk("answer"), bulk("x"))),
    "no seal": array(bulk("answer"), NIL),
    "nothing and no seal": array(NIL, NIL),
    **{f"the error {text[:12]}": error(text) for text in ERRORS},
}


class BrokenTest(RemoteTest):
    """A server that is right till its lookups are answered."""

    KIND = "redis"

    def setUp(self):
        super().setUp()
        self.node = nodes.node(self)
        self.publish(self.node, DATA)
        self.serve(self.line(self.node, self.KIND, "deadline=200ms",
                             "cache=no"), "workers 2", env=measurable())
        self.wait_for("found", "key 1")

    def instead(self, reply):
        """From now on lookups are answered so: bytes, or a function."""
        def answer(words, connection):
            if words[-1] != b"":
                return self.node.usual(words, connection)
            return reply(words, connection) if callable(reply) else reply

        self.node.answer = answer

    def check_unavailable(self, reply):
        """While all are answered so, and that it is over then."""
        before = resident(self.daemon.pid)
        lines = len(self.daemon.log.splitlines())
        self.instead(reply)
        with Load(self.daemon.address, DATA, clients=2) as load:
            local = self.peer(self.daemon.address)
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                self.assert_answer(self.ask_one(local, "near"), "at hand",
                                   KEEP, FOUND)
        self.assertEqual(load.wrong, [])
        self.assertEqual(set(load.counts), {"unavailable"}, load.summary())
        self.assertLess(load.slowest, DEADLINE / 2)
        self.assert_grown(self.daemon, before, MOST)
        self.assertLess(len(self.daemon.log.splitlines()) - lines,
                        10 + 4 * SECONDS)
        self.node.answer = None
        self.wait_for("found", "key 2")


class Broken(BrokenTest):
    """That of one table."""

    def test_replies(self):
        for name in list(REPLIES)[::slow(5, 1)]:
            with self.subTest(name):
                self.check_unavailable(REPLIES[name])

    def test_none_at_all(self):
        self.check_unavailable(b"")

    def test_the_end(self):
        self.check_unavailable(lambda *_: None)

    def test_cut_anywhere(self):
        """And the end of the connection behind it."""
        for i in range(0, len(RIGHT), slow(10, 2)):
            with self.subTest(i):
                def cut(words, connection, i=i):
                    connection.send(RIGHT[:i])

                self.check_unavailable(cut)

    def test_cut_and_silent(self):
        for i in range(1, len(RIGHT), slow(17, 5)):
            with self.subTest(i):
                self.check_unavailable(RIGHT[:i])

    def test_a_byte_at_a_time(self):
        done = threading.Event()
        self.addCleanup(done.set)

        def slowly(words, connection):
            nodes.trickle(connection, RIGHT * 10, done.is_set)
            return None

        self.check_unavailable(slowly)

    def test_unasked(self):
        """What could be no answer."""
        for more in (b"+OK\r\n", b":1\r\n", array(bulk("message"),
                     bulk("channel"), bulk("text"))):
            with self.subTest(more):
                self.instead(lambda words, connection, more=more: (
                    self.node.usual(words, connection) + more * 3))
                with Load(self.daemon.address, DATA, clients=2) as load:
                    time.sleep(SECONDS)
                self.assertEqual(load.wrong, [])
                self.node.answer = None
                self.wait_for("found", "key 3")

    def test_out_of_step(self):
        """A reply that is another bucket's ends the connection, on which all
        behind it would be, too."""
        before = len(self.node.connections)
        step = [b""]

        def late(words, connection):
            step[0], said = self.node.usual(words, connection), step[0]
            return said or array(bulk("early"), bulk("0" * 9))

        self.instead(late)
        with Load(self.daemon.address, DATA, clients=2):
            harness.wait_until(
                lambda: len(self.node.connections) > before + 2,
                "it connects anew")
        self.node.answer = None
        self.wait_for("found", "key 4")

    def test_much(self):
        """Whatever comes, the memory is bounded."""
        self.check_unavailable(
            b"*1000\r\n" + bulk(b"x" * (1 << 20)) * 20)


if slow(False, True):
    class BrokenOfCluster(Broken):
        """The same of a node of a cluster."""

        KIND = "redis-cluster"


class BrokenCluster(BrokenTest):
    """A cluster that leads nowhere."""

    KIND = "redis-cluster"

    def to(self, word, port, host=LOOPBACK):
        """MOVED or ASK, of the slot that was asked for."""
        def answer(words, connection):
            slot = buckets.resp.slot_of(words[1])
            return error(f"{word} {slot} {host}:{port}")

        return answer

    def test_redirections(self):
        for word in ("MOVED", "ASK"):
            for name, port, host in (
                    ("nowhere", free_port(), LOOPBACK),
                    ("to itself", self.node.port, LOOPBACK),
                    ("no host", self.node.port, ""),
                    ("an unknown host", 1, "node.example.org"),
                    ("no port", "", LOOPBACK), ("a port", 70000, LOOPBACK)):
                with self.subTest(word + " " + name):
                    self.check_unavailable(self.to(word, port, host))

    def test_a_circle(self):
        other = nodes.node(self)
        for word in ("MOVED", "ASK"):
            with self.subTest(word):
                other.answer = self.circle(other, self.to(word,
                                                          self.node.port))
                self.check_unavailable(self.to(word, other.port))

    def circle(self, node, reply):
        def answer(words, connection):
            return (reply(words, connection) if words[-1] == b""
                    else node.usual(words, connection))

        return answer

    def test_another_node_at_each_time(self):
        """Not as many connections as it names nodes."""
        ports = iter(range(40000, 60000))

        def answer(words, connection):
            return self.to("MOVED", next(ports))(words, connection)

        self.check_unavailable(answer)

    def asked_slots(self):
        return sum(words[0] == b"CLUSTER" for words in self.node.requests)

    def test_slots(self):
        """Maps with holes, and without sense: what is known goes on."""
        port = self.node.port
        for name, reply in {
                "none": array(),
                "holes": slots((5, 9, (LOOPBACK, port))),
                "no host": slots((0, 16383, ("", port))),
                "a nil": slots((0, 16383, (None, port))),
                "a question mark": slots((0, 16383, ("?", port))),
                "a name": slots((0, 16383, ("node.example.org", port))),
                "beyond": slots((0, 99999, (LOOPBACK, port))),
                "backwards": slots((9, 5, (LOOPBACK, port))),
                "an error": error("ERR no"),
                "garbage": b"*1\r\n:5\r\n"}.items():
            with self.subTest(name):
                def answer(words, connection, reply=reply):
                    if words[0] == b"CLUSTER":
                        return reply
                    return self.node.usual(words, connection)

                # A lost connection makes everybody ask for it again.
                self.node.answer = answer
                before = self.asked_slots()
                self.node.hang_up()
                harness.wait_until(
                    lambda before=before: self.asked_slots() > before,
                    "the map is asked for")
                self.wait_for("found", "key 4")
                self.node.answer = None

    def test_a_start_without_slots(self):
        for reply in (array(), error("ERR no"), b"*1\r\n:5\r\n", b""):
            with self.subTest(reply):
                self.daemon.stop()
                self.node.answer = lambda words, connection, reply=reply: (
                    reply if words[0] == b"CLUSTER"
                    else self.node.usual(words, connection))
                self.serve(self.line(self.node, self.KIND,
                                     "deadline=200ms"), "workers 1")
                self.assertEqual(self.status("key 1"), "unavailable")
                self.node.answer = None
                self.wait_for("found", "key 1")


class AtOnce(RemoteTest):
    """A daemon with a table for each way of a server to be broken, all of
    which it is asked for at the same time."""

    LIMIT = 1.0         # seconds a lookup may take, if nothing else is said

    def setUp(self):
        super().setUp()
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        self.late = 0.0     # seconds that this process was, of nothing
        self.took = {}      # by name: the longest lookup, and its number
        self.told = set()

    def kinds(self):
        """Each reply to a lookup, or what makes it, by name."""
        def slowly(words, connection):
            nodes.trickle(connection, RIGHT * 100, self.over.is_set, .5)
            return None

        def cut(words, connection):
            connection.send(RIGHT[:len(RIGHT) // 2])
            return None

        return {**REPLIES, "none": b"", "the end": lambda *_: None,
                "cut": cut, "cut and silent": RIGHT[:-1], "slowly": slowly,
                "much": b"*1000\r\n" + bulk(b"x" * (1 << 20)) * 20}

    def serve_all(self, kinds):
        """A table and a node for each; the nodes are right at first."""
        lines, self.nodes = [], {}
        for i, name in enumerate(kinds):
            node = self.nodes[name] = nodes.node(self)
            buckets.publish(node, DATA, prefix=f"appmsg:t{i}:")
            lines.append(f"table t{i} redis{'-cluster' * (i % 2)} {node} "
                         "cache=no")
        self.serve(*lines, "workers 2", env=measurable())

    def lookup(self, peer, i):
        peer.send(harness.request(harness.to_json({
            "action": "search", "value": "key 1", "table": f"t{i}"}),
            **kept()))
        return dict(peer.reply().extra)["status"]

    def load(self, name, i, peer):
        """Lookups of one table, now and then."""
        longest, n = 0, 0
        while not self.over.wait(.05):
            began = time.monotonic()
            self.told.add((name, self.lookup(peer, i)))
            longest, n = max(longest, time.monotonic() - began), n + 1
        self.took[name] = longest, n

    def sleep(self):
        """How late this process is when it does nothing."""
        while not self.over.is_set():
            began = time.monotonic()
            time.sleep(.01)
            self.late = max(self.late, time.monotonic() - began - .01)

    def test_in_time(self):
        """All are told in the time that a lookup has, and a tenth of it."""
        kinds = self.kinds()
        self.serve_all(kinds)
        peers = [self.peer(self.daemon.address) for _ in kinds]
        for i, peer in enumerate(peers):
            harness.wait_until(lambda i=i, peer=peer: self.lookup(peer, i)
                               == "found", f"t{i} is published")
        before = resident(self.daemon.pid)
        for name, kind in kinds.items():
            node = self.nodes[name]
            node.answer = lambda words, connection, kind=kind, node=node: (
                node.usual(words, connection) if words[-1] != b"" else
                kind(words, connection) if callable(kind) else kind)
        with harness.background(self.sleep, *[
                lambda name=name, i=i, peer=peer: self.load(name, i, peer)
                for i, (name, peer) in enumerate(zip(kinds, peers))]):
            time.sleep(slow(2, 10))
            after = resident(self.daemon.pid)
            self.over.set()
        longest = max(took for took, _ in self.took.values())
        print(f"{sum(n for _, n in self.took.values())} lookups, the longest "
              f"{longest:.3f} s; {self.late:.3f} s late; "
              f"{(after - before) / 1e6:.1f} MB more", file=sys.stderr)
        self.assertEqual({status for _, status in self.told},
                         {"unavailable"}, self.told)
        self.assertLess(longest, 1.1 * self.LIMIT + 2 * self.late + ROOM,
                        self.took)
        self.assert_grown(self.daemon, before, MOST)


class Hung(RemoteTest):
    """A server that hangs for ever."""

    def test_replies_keep_their_order(self):
        """Those behind it wait, and only those; all are there in time."""
        node = nodes.node(self)
        self.publish(node, DATA)
        self.serve(self.line(node, "redis", "deadline=1s", "cache=no"),
                   "workers 1")
        self.wait_for("found", "key 1")
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        node.answer = lambda words, connection: (
            None if go_on.wait(2 * DEADLINE) else None)
        peer = self.peer(self.daemon.address)
        peer.send(b"".join(search(key, **kept(id=i)) for i, key in enumerate(
            ["near", "key 1", "near", "key 2", "near"])))
        self.assertEqual(peer.reply().result, "at hand")
        other = self.peer(self.daemon.address)
        for _ in range(100):
            self.assertEqual(self.ask_one(other, "near").result, "at hand")
        statuses = [dict(peer.reply().extra) for _ in range(4)]
        self.assertEqual([s["id"] for s in statuses], [1, 2, 3, 4])
        self.assertEqual([s["status"] for s in statuses],
                         ["unavailable", "found", "unavailable", "found"])

    def test_neither_start_reload_nor_end_waits(self):
        node = nodes.node(self, lambda words, connection: b"")
        line = self.line(node, "redis", "deadline=3s")
        self.serve(line)
        self.assertEqual(self.status("near"), "found")
        peer = self.peer(self.daemon.address)
        peer.send(search("far", **kept()))
        self.configure(line + " cache=no", self.control_line(),
                       answers=['answer "near" "by"'])
        before = time.monotonic()
        done = self.control("reload")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertLess(time.monotonic() - before, 30)


if __name__ == "__main__":
    harness.main()
