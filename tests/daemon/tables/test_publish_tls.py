#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsgctl publish to servers by TLS: they prove who they are, or get no word
of ours, and why is told.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
import nodes
import redis
import tls
from harness import LOOPBACK
from publishing import PublishTest, entries_of
from relay import relay
from scripted import Server

PASSWORD = "open sesame"
HERE = f"IP:{LOOPBACK}"


class Publish(PublishTest):
    """A daemon that trusts one authority."""

    def setUp(self):
        super().setUp()
        tls.needed()
        self.authority = certificates.make(self.directory, "authority",
                                           authority=True)
        self.server = certificates.make(self.directory, "server", (HERE,),
                                        by=self.authority)
        self.options = f"tls=yes ca={self.authority.cert} deadline=1s"

    def test_to_a_server(self):
        single = redis.single(self, 1, tls=self.server, password=PASSWORD)
        self.write("password", PASSWORD)
        entries = {**entries_of(20000), "long": "x" * 300000}
        daemon = self.publisher(
            single, entries, options=self.options +
            f" password-file={self.path('password')}")
        self.publish()
        self.assert_published(single, entries)
        self.assert_answers(daemon, {"long": entries["long"],
                                     "key 7": "answer 7"})

    def test_to_a_cluster(self):
        cluster = redis.cluster(self, tls=self.server)
        entries = entries_of(5000)
        daemon = self.publisher(cluster, entries, "redis-cluster",
                                options=self.options)
        self.publish()
        self.assert_published(cluster, entries)
        self.assert_answers(daemon, entries)

    def test_byte_by_byte(self):
        single = redis.single(self, tls=self.server)
        way = relay(self, single.master)
        way.narrow = True
        entries = entries_of(200)
        self.publisher(way, entries, options=self.options)
        self.publish()
        self.assert_published(single, entries)

    def test_to_strangers(self):
        itself = certificates.make(self.directory, "itself", (HERE,))
        node = nodes.node(self, tls=itself)
        self.publisher(node, entries_of(10), options=self.options)
        self.assertIn(f"{node}: certificate verify failed: self-signed certificate",
                      self.refused())
        self.assertEqual(node.requests, [])

    def test_cut(self):
        """In the handshake; and silent."""
        single = redis.single(self, tls=self.server)
        way = relay(self, single.master)
        way.limit = 500
        self.publisher(way, entries_of(10), options=self.options)
        self.assertIn("it closed the connection", self.refused())
        way.ends = False
        self.assertIn("its handshake takes too long", self.refused())

    def test_to_plain_ones(self):
        got = []

        def serve(connection):
            got.append(connection.sock.recv(1 << 16))
            connection.send(b"-ERR no\r\n")

        self.write("password", PASSWORD)
        with Server(serve) as server:
            self.publisher(f"{LOOPBACK}:{server.port}", entries_of(10),
                           options=self.options +
                           f" password-file={self.path('password')}")
            self.assertIn("what it speaks is not TLS", self.refused())
        self.assertNotIn(PASSWORD.encode(), b"".join(got))
        self.assertNotIn(b"AUTH", b"".join(got))


if __name__ == "__main__":
    harness.main()
