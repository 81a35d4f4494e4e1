# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What was published, as it lies in Redis, read by plain requests."""

import socket

import nodes
from buckets import TAGS, escaped
from control import ControlTest
from harness import DEADLINE, kept, no_match, request, to_json, wait_until
from resp import encode, slot_of

PREFIX = "appmsg:shared:"
POINTS = tuple(f"{PREFIX}point:{tag}" for tag in TAGS)
RECORD = PREFIX + "begun"
LOCK = PREFIX + "lock"


def entries_of(n, what="answer", first=0):
    return {f"key {i}": f"{what} {i}" for i in range(first, first + n)}


class Between(nodes.Node):
    """A node that hands each request on to a real one, with a look at it.

    look    called with each request, a list of words, before that; an error
            that it returns, as bytes, is the reply
    """

    def __init__(self, server, look=lambda words: None):
        self.server = server
        self.look = look
        self.ways = {}      # by connection: a socket, and a file of it
        super().__init__(self.hand_on)

    def hand_on(self, words, connection):
        reply = self.look(words)
        if reply is not None:
            return reply
        if connection not in self.ways:
            sock = socket.create_connection(self.server.address, DEADLINE)
            self.ways[connection] = sock, sock.makefile("rb")
        sock, file = self.ways[connection]
        sock.sendall(encode(*words))
        return self.raw_reply(file)

    def raw_reply(self, file):
        """The bytes of a reply."""
        line = file.readline()
        if line[:1] == b"$" and line[1:3] != b"-1":
            return line + file.read(int(line[1:]) + 2)
        if line[:1] == b"*" and line[1:3] != b"-1":
            return line + b"".join(self.raw_reply(file)
                                   for _ in range(int(line[1:])))
        return line

    def __exit__(self, *args):
        super().__exit__(*args)
        for sock, file in self.ways.values():
            file.close()
            sock.close()


class PublishTest(ControlTest):
    """A daemon that publishes the table words, of a file, to shared."""

    def words(self, entries):
        """Write the file."""
        self.write("words.tsv", "".join(
            key + "\t" + text.replace("\\", "\\\\") + "\n"
            for key, text in entries.items()))

    def publisher(self, servers, entries, kind="redis", options="",
                  words_options="", **kwargs):
        """Start it."""
        self.words(entries)
        return self.serve(
            f"table words file {self.path('words.tsv')} {words_options}",
            f"table shared {kind} {servers} {options}", **kwargs)

    def publish(self, *args):
        """It works: the reply."""
        return self.members("publish", *(args or ("words", "shared")))

    def refused(self, *args):
        """It does not: why."""
        return self.members("publish", *(args or ("words", "shared")),
                            status=1)["result"]

    def between(self, server, look):
        """A Between, that ends with the test."""
        return self.enterContext(Between(server, look))

    # What is there.

    def hash_at(self, servers, key):
        words = servers.server_of(key).call("HGETALL", key)
        return dict(zip(words[::2], words[1::2]))

    def points(self, servers):
        """What the pointers say, each a dict; and none but the fields that
        all know."""
        return [{name.decode(): value.decode() for name, value
                 in self.hash_at(servers, point).items()
                 if name != b"writer"} for point in POINTS]

    def record(self, servers):
        """Generations of which buckets may be there, with their number."""
        return {int(number): int(n) for number, n
                in self.hash_at(servers, RECORD).items()}

    def buckets(self, servers, number, n):
        """All of them, in any order, each a dict."""
        wanted = {}
        for i in range(n):
            key = f"{PREFIX}{number}:{i}"
            slot = slot_of(key)
            wanted.setdefault(slot, []).append(key)
        by_server = {}
        for slot, keys in wanted.items():
            by_server.setdefault(servers.server_of(slot), []).extend(keys)
        return [dict(zip(words[::2], words[1::2]))
                for server, keys in by_server.items()
                for words in server.calls(*[("HGETALL", key)
                                            for key in keys])]

    def assert_gone(self, servers, number, buckets):
        self.assertEqual(self.buckets(servers, number, buckets),
                         [{}] * buckets)

    def assert_published(self, servers, entries, number=None):
        """These are read: the generation of the pointers."""
        points = self.points(servers)
        self.assertEqual(points, [points[0]] * 3)
        point = points[0]
        self.assertEqual(int(point["entries"]), len(entries))
        self.assertEqual(self.read(servers, int(point["number"]),
                                   int(point["buckets"])),
                         {key.encode(): escaped(text)
                          for key, text in entries.items()})
        if number is not None:
            self.assertEqual(int(point["number"]), number)
        return int(point["generation"])

    def assert_reads_one_of(self, servers, generations):
        """Whichever pointer one reads first."""
        for point in self.points(servers):
            self.assertIn(
                self.read(servers, int(point["number"]),
                          int(point["buckets"])),
                [{key.encode(): escaped(text)
                  for key, text in entries.items()}
                 for entries in generations])

    def assert_answers(self, daemon, entries):
        """A daemon finds all in the table shared, and nothing else."""
        peer = self.peer(daemon.address)

        def ask(keys):
            peer.send(b"".join(
                request(to_json({"action": "search", "value": key,
                                 "table": "shared"}), **kept())
                for key in keys))
            return [peer.reply() for _ in keys]

        first = next(iter(entries))
        wait_until(lambda: ask([first])[0].result == entries[first],
                   "it is read")
        keys = [*entries, *(key + "?" for key in entries)]
        for i in range(0, len(keys), 500):
            for key, reply in zip(keys[i:i + 500], ask(keys[i:i + 500])):
                self.assertEqual(reply.result,
                                 entries.get(key, no_match(key)))

    def read(self, servers, number, buckets):
        """All that a generation has; each bucket has a seal of its own, and
        each key is in one of them."""
        found = {}
        seals = set()
        for bucket in self.buckets(servers, number, buckets):
            seals.add(int(bucket.pop(b"")))
            self.assertFalse(bucket.keys() & found.keys())
            found.update(bucket)
        self.assertEqual(seals, set(range(buckets)))
        return found


__all__ = ["Between", "LOCK", "POINTS", "PREFIX", "PublishTest", "RECORD",
           "entries_of"]
