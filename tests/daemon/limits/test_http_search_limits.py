#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""service=http search=yes: for whom, within which bounds, and from where."""

import json
import socket
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import redis
import tables
import tls
from harness import DEADLINE, LOOPBACK, Peer
from remote import RemoteTest
from web import HttpSearchTest, asking, parse, quote


class Who(HttpSearchTest):
    """allow= and deny=, of the listener and of tables."""

    OPTIONS = "allow=127.0.0.0/8 deny=127.0.0.9"

    def setUp(self):
        super().setUp()
        hr = self.write("hr.tsv", tables.tsv([("boss", "secret")]))
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", "listen 0.0.0.0 0 service=http "
            f"search=yes names=lookup.example {self.OPTIONS}",
            f"table hr file {hr} allow=127.0.0.2")
        self.messages, (_, port) = self.daemon.addresses
        self.http = (LOOPBACK, port)

    def ask_from(self, source, target):
        with socket.create_connection(self.http, DEADLINE,
                                      (source, 0)) as sock:
            sock.sendall(f"GET {target} HTTP/1.1\r\nHost: lookup.example\r\n"
                         "Connection: close\r\n\r\n".encode())
            with sock.makefile("rb") as file:
                got, = parse(file.read())
        return got

    def test_tables_that_one_may_not_ask(self):
        got = self.ask_from("127.0.0.2", "/v1/key/boss")
        self.assertEqual((got.status, got.body), (200, b"secret"))
        self.assertEqual(self.ask_from("127.0.0.3", "/v1/key/boss").status,
                         404)
        got = self.ask_from("127.0.0.3", "/v1/key/boss?table=hr")
        self.assertEqual((got.status, got.body),
                         (403, b'Error: you may not ask table "hr".\n'))
        got = self.ask_from("127.0.0.3", "/v1/search?q=boss&table=hr")
        self.assertEqual((got.status, got.told["status"]), (403, "denied"))
        self.assertEqual(self.ask_from("127.0.0.3", "/v1/tables")
                         .told["tables"], ["main"])
        self.assertEqual(self.ask_from("127.0.0.2", "/v1/tables")
                         .told["tables"], ["main", "hr"])

    def test_who_is_not_let_in(self):
        got = self.ask_from("127.0.0.9", "/v1/key/ring")
        self.assertEqual((got.status, got.body),
                         (403, b"You are not allowed here.\n"))
        self.daemon.wait_log("connection denied peer=127.0.0.9:")


class Bounds(HttpSearchTest):
    """Limits and times are those of all connections."""

    def test_too_many_connections(self):
        self.serve("limit connections 1")
        with Peer(self.http) as peer:
            peer.send(asking("/v1/key/ring"))
            peer.receive(1)
            got, = self.replies()
            self.assertEqual(got.status, 429)
            self.assertEqual(got.headers["Retry-After"], "1")

    def test_times(self):
        self.serve("timeout header 1s", "timeout idle 1s")
        with Peer(self.http) as peer:
            peer.send(asking("/v1/key/ring") + b"GET /v1/")
            self.assertEqual([one.status for one in parse(peer.to_end())],
                             [200, 408])
        with Peer(self.http) as peer:
            self.assertEqual(peer.to_end(), b"")

    def test_an_end_within(self):
        self.serve()
        got = self.replies(asking("/v1/key/ring"), b"GET /v1/key/ri")
        self.assertEqual([one.status for one in got], [200, 400])

    def test_their_input(self):
        """Requests are not read while replies are not taken."""
        self.serve("limit output 64k")
        before = harness.resident(self.daemon.pid)
        with Peer(self.http, rcvbuf=4096) as peer:
            peer.send_until_blocked(asking("/v1/key/ring") * (1 << 18),
                                    self.daemon)
            self.assert_grown(self.daemon, before, 4 << 20)
            self.assertEqual(self.ask("/v1/key/ring").status, 200)

    def test_slow_searches(self):
        """What is behind one waits for it, and nobody else does."""
        words = self.write("words.tsv", tables.tsv(
            [(f"key {i} {i * 7919 % 10007}", "x") for i in range(20000)]))
        self.serve(f"table words file {words} search="
                   "exact,prefix,suffix,substring,fuzzy,regex")
        slow = asking("/v1/search?match=regex&q=" +
                      quote("(.*)(.*)(.*)[xyz]9$"))
        with Peer(self.http) as peer:
            peer.send(slow + asking("/v1/key/ring") + slow +
                      asking("/v1/key/none"))
            for _ in range(20):
                self.assertEqual(self.ask("/v1/key/ring").status, 200)
            peer.finish()
            got = parse(peer.to_end())
        self.assertEqual([one.status for one in got][1::2], [200, 404])
        for one in got[::2]:
            self.assertIn((one.status, one.told["status"]),
                          ((404, "not-found"), (400, "error")))

    def test_long_answers(self):
        """All of one comes, and tables may change meanwhile."""
        text = "\N{SNOWMAN}\"\n" * 300000
        table = self.write("long.jsonl", json.dumps(
            {"key": "long", "answer": text}) + "\n")
        self.serve(f"table long file {table}")
        got = self.replies(*[asking("/v1/key/long")] * 3)
        self.assertEqual([one.body for one in got], [text.encode()] * 3)
        told = self.search(q="long").told
        self.assertEqual(told["matches"], [{"key": "long", "result": text}])


class Drain(HttpSearchTest):
    """The end of the daemon."""

    def test_what_has_come_is_answered(self):
        self.serve()
        with Peer(self.http) as peer:
            peer.send(asking("/v1/key/ring"))
            peer.receive(1)
            peer.send(asking("/v1/key/ring") * 2)
            self.daemon.terminate()
            data = peer.to_end()
        got = parse(b"H" + data)
        self.assertEqual([one.status for one in got], [200] * 3)
        self.assertEqual(self.daemon.wait(), 0)


class Enciphered(HttpSearchTest):
    """Over TLS."""

    OPTIONS = "tls=yes"

    def test_answers(self):
        mine = tls.make_localhost(self.directory)
        self.serve(f"certificate {mine.cert} key={mine.key}")
        with socket.create_connection(self.http, DEADLINE) as plain:
            context = tls.context(mine, protocols=("h2", "http/1.1"))
            with context.wrap_socket(plain,
                                     server_hostname="localhost") as sock:
                sock.sendall(asking("/v1/key/ring") +
                             asking("https://localhost/v1/key/ring") +
                             asking("http://localhost/v1/key/ring") +
                             asking("ftp://localhost/v1/key/ring",
                                    "Connection: close"))
                with sock.makefile("rb") as file:
                    got = parse(file.read())
        self.assertEqual([one.status for one in got], [200, 200, 200, 421])
        # Who speaks without is told so.
        self.assertEqual(self.ask("/v1/key/ring").status, 400)


class Remote(RemoteTest):
    """Tables that answer later."""

    def serve_http(self, line):
        self.serve(f"listen {LOOPBACK} 0",
                   f"listen {LOOPBACK} 0 service=http search=yes", line)
        return self.daemon.addresses[1]

    def ask(self, address, *targets):
        with Peer(address) as peer:
            peer.send(b"".join(map(asking, targets)))
            peer.finish()
            return parse(peer.to_end())

    def test_what_cannot_be_asked(self):
        address = self.serve_http(
            f"table shared redis {LOOPBACK}:{harness.free_port()} "
            "deadline=100ms")
        late, near, listed = self.ask(
            address, "/v1/key/far", "/v1/key/near", "/v1/search?q=far")
        self.assertEqual((late.status, late.body), (
            503, b'Error: the table "shared" cannot be asked now.\n'))
        self.assertEqual(late.headers["Retry-After"], "1")
        self.assertEqual((near.status, near.body), (200, b"at hand"))
        self.assertEqual((listed.status, listed.told["status"]),
                         (503, "unavailable"))

    def test_what_is_there(self):
        data = {f"key {i}/\N{SNOWMAN}": f'answer "{i}"' for i in range(50)}
        single = redis.single(self)
        self.publish(single, data)
        address = self.serve_http(self.line(single))
        targets = [f"/v1/key/{quote(key)}" for key in data]

        def all_found():
            got = self.ask(address, *targets, "/v1/key/none")
            return got if {one.status for one in got} == {200, 404} else None

        got = harness.wait_until(all_found, "it is asked")
        self.assertEqual([one.body.decode() for one in got[:-1]],
                         list(data.values()))
        one, = self.ask(address, "/v1/search?explain=yes&q=" +
                        quote("key 7/\N{SNOWMAN}"))
        self.assertEqual(one.told["matches"], [
            {"key": "key 7/\N{SNOWMAN}", "result": 'answer "7"'}])
        self.assertEqual(one.told["table"], "shared")


if __name__ == "__main__":
    harness.main()
