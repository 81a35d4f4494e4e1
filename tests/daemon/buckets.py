# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables as appmsgctl publish leaves them in Redis, made without it.

The layout is that of src/daemon/remote/bucket.h; the hash is libxxhash's.
"""

import ctypes
import time
import unittest

import nodes
import redis
import resp

ENTRIES = 32            # of a bucket
TAGS = ("{a}", "{b}", "{c}")


def xxh3(data, library=[]):
    """XXH3 of bytes, 64 bits, seed 0; skips the test without libxxhash."""
    if not library:
        try:
            library.append(ctypes.CDLL("libxxhash.so.0"))
        except OSError:
            raise unittest.SkipTest("libxxhash.so.0 is not there") from None
        library[0].XXH3_64bits.restype = ctypes.c_uint64
        library[0].XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return library[0].XXH3_64bits(data, len(data))


def escaped(text):
    """An answer as it is kept: the inside of a JSON string, UTF-8."""
    short = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r"}
    return "".join(
        "\\" + c if c in '"\\' else c if ord(c) >= 32
        else "\\" + short.get(ord(c), f"u{ord(c):04x}")
        for c in text).encode()


def seal_of(words):
    """That of the bucket which a request, HMGET BUCKET KEY "", asks."""
    return resp.bulk(words[1].rpartition(b":")[2])


class Published:
    """A table that was put into Redis.

    number   of its buckets
    buckets  how many
    """

    def __init__(self, prefix, number, data):
        self.prefix = prefix
        self.number = number
        self.entries = {key.encode(): escaped(text)
                        for key, text in data.items()}
        self.buckets = max(1, -(-len(data) // ENTRIES))

    def name(self, bucket):
        return f"{self.prefix}{self.number}:{bucket}"

    def bucket_of(self, key):
        """The name of the bucket that a key is in."""
        return self.name(xxh3(key.encode()) % self.buckets)

    def contents(self):
        """Each bucket's name and its fields."""
        contents = {self.name(i): {b"": str(i).encode()}
                    for i in range(self.buckets)}
        for key, value in self.entries.items():
            contents[self.name(xxh3(key) % self.buckets)][key] = value
        return contents

    def fields(self, before=""):
        return {f"{before}number": self.number,
                f"{before}buckets": self.buckets,
                f"{before}entries": len(self.entries), f"{before}fold": 0,
                f"{before}digest": "",
                f"{before}published": "2026-11-30T01:02:03Z"}


NOTHING = {"before-number": 0, "before-buckets": 0, "before-entries": 0,
           "before-fold": 0, "before-digest": "", "before-published": ""}


def pairs(fields):
    return [word for pair in fields.items() for word in pair]


def run_all(where, requests):
    """Run requests, the key of each its second word, where each belongs."""
    if isinstance(where, nodes.Node):
        for words in requests:
            where.run(*words)
        return
    of = {}
    if isinstance(where, redis.Cluster):
        ranges = where.running()[0].call("CLUSTER", "SLOTS")
        of = {slot: where.by_port(nodes[0][1])
              for first, last, *nodes in ranges
              for slot in range(first, last + 1)}
    servers = {}
    for words in requests:
        server = of[resp.slot_of(words[1])] if of else where.master
        servers.setdefault(server, []).append(words)
    for server, some in servers.items():
        for i in range(0, len(some), 1000):
            for reply in server.calls(*some[i:i + 1000]):
                if isinstance(reply, resp.RedisError):
                    raise reply


def publish(where, data, prefix="appmsg:shared:", before=None, number=None):
    """Publish a dict of keys and answers: a Published.

    where   a redis.Cluster, a redis.Single or a nodes.Node
    before  the Published before, if there is one
    """
    if number is None:
        number = max(int(time.time() * 1000),
                     before.number + 1 if before else 1)
    table = Published(prefix, number, data)
    run_all(where, [("HSET", name, *pairs(fields))
                    for name, fields in table.contents().items()])
    point(where, table, before)
    return table


def point(where, table, before=None, generation=None):
    """Let the pointers say a table."""
    fields = {"layout": 1, "generation": generation or table.number,
              **table.fields(),
              **(before.fields("before-") if before else NOTHING)}
    run_all(where, [("HSET", f"{table.prefix}point:{tag}", *pairs(fields))
                    for tag in TAGS])
