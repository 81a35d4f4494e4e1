# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Threads that ask for everything at once, and look at each reply.

The tables change meanwhile, from one version to the next: a reply is wholly
of one of them.
"""

import http.client
import json
import os
import random
import signal
import socket
import struct
import sys
import threading

import harness
import openmetrics
import tables
from harness import (DEADLINE, LOOPBACK, Peer, binary, kept, no_match,
                     plain_reply, quoted, request, search, to_json)

KEYS = 1500
VERSIONS = 3
BLOBS = 5
ENTRIES = 300           # of the configuration itself
QUERIES = 60            # searches that are asked
BATCH = 40              # requests that are sent together
WAYS = ("prefix", "suffix", "substring", "fuzzy", "regex", "words")
CHANGES = ("reload", "rollback", "diff")


class World:
    """What is asked, and what may be answered."""

    def __init__(self, rng):
        self.keys = [f"{rng.choice(('key', 'word', 'ö'))}{number:04} "
                     f"{rng.choice(('ab', 'ba', 'abab'))}"
                     for number in range(KEYS)]
        self.versions = [{key: f"{version} of {key}" for key in self.keys}
                         for version in range(VERSIONS)]
        self.files = [(tables.tsv(words.items()), tables.jsonl(
            (f"more {key}", text) for key, text in words.items()))
            for words in self.versions]
        self.queries = [self.query(rng) for _ in range(QUERIES)]

    def query(self, rng):
        """A search's content, and the contents that may answer it."""
        key, way = rng.choice(self.keys), rng.choice(WAYS)
        start = rng.randrange(4)
        text = {"prefix": key[:rng.randrange(1, 9)],
                "suffix": key[rng.randrange(5, len(key)):],
                "substring": key[start:start + rng.randint(1, 4)],
                "fuzzy": key[:start] + "x" + key[start + 1:],
                "regex": rng.choice((f"^{key[:5]}", "[0-4] a", "no.such")),
                "words": " ".join(key.split()[::-1])[:-1]}
        limit = rng.choice((1, 10, 100))
        found = tables.Reference(self.versions[0]).search(way, text[way])
        return tables.wanted(text[way], way, limit=limit, table="words"), {
            tables.matches(text[way], [(k, version[k]) for k, _ in found],
                           limit) for version in self.versions}

    @staticmethod
    def blob(number, version):
        return b"%d " % version * 500 * (number + 1)

    # A request, and a function that looks at the reply to it

    def hit(self, rng, number):
        key = rng.choice(self.keys)
        texts = {version[key] for version in self.versions}

        def check(reply):
            assert reply.result in texts, reply
            assert reply.header["id"] == number, reply

        return search(key, **kept(id=number)), check

    def miss(self, rng, number):
        key = f"nö {number} {rng.random()}"

        def check(reply):
            assert reply.result == no_match(key), reply
            assert reply.header["id"] == str(number), reply

        return search(key, **kept(id=str(number))), check

    def match(self, rng, number):
        content, contents = rng.choice(self.queries)

        def check(reply):
            assert reply.content in contents, (content, reply)
            assert reply.header["id"] == number, reply

        return request(content, **kept(id=number)), check

    def suggest(self, rng, number):
        key = rng.choice(self.keys)[:-1] + "x"

        def check(reply):
            assert reply.result == no_match(key), reply
            near = reply.header["suggestions"]
            assert 1 <= len(near) <= 5, reply
            assert set(near) <= set(self.keys), reply

        return search(key, **kept(suggest=rng.randint(1, 5))), check

    def explain(self, rng, number):
        place = rng.randrange(KEYS)
        key = self.keys[place]
        texts = {version[key] for version in self.versions}

        def check(reply):
            assert reply.result in texts, reply
            assert reply.header["table"] == "words", reply
            assert reply.header["file"].endswith("/words.tsv"), reply
            assert reply.header["line"] == place + 1, reply

        return search(key, **kept(explain=True)), check

    def bytes(self, rng, number):
        which = rng.randrange(BLOBS)
        contents = {self.blob(which, version) for version in range(VERSIONS)}

        def check(reply):
            assert reply.content in contents, reply

        return binary(b"b%d" % which, **kept()), check

    def ask(self, rng, number):
        """Any of these."""
        kind = rng.choices((self.hit, self.miss, self.match, self.suggest,
                            self.explain, self.bytes),
                           (9, 5, 3, 1, 2, 1))[0]
        return kind(rng, number)


class MixedTest(tables.TableTest):
    """A daemon with all kinds of listeners and tables."""

    @classmethod
    def setUpClass(cls):
        rng, seed = harness.seeded()
        print(f"APPMSG_SEED={seed}", file=sys.stderr)
        cls.seed = seed
        cls.world = World(rng)

    def setUp(self):
        super().setUp()
        self.over = threading.Event()
        self.counts = {}

    def base(self):
        return [f"listen {LOOPBACK} 0", f"listen {quoted(self.path('sock'))}",
                f"listen {LOOPBACK} 0 service=echo",
                f"listen {LOOPBACK} 0 service=http",
                self.control_line(), "workers 4"]

    def configure_version(self, version, *lines):
        """Write everything anew; the config's path."""
        words, more = self.world.files[version]
        for number in range(BLOBS):
            self.write(f"blobs/b{number}", self.world.blob(number, version))
        return self.write_config(
            *self.base(), *lines,
            f"log access={quoted(self.path('access.log'))}",
            self.table("words", words, f"search=exact,{','.join(WAYS)}"),
            self.table("more", more, "fold=yes", form="jsonl"),
            f"table blobs binary {quoted(self.path('blobs'))}",
            *(harness.answer(f"line {number}", f"{version}")
              for number in range(ENTRIES)))

    def start_version(self, version, *lines, **kwargs):
        self.daemon = harness.Daemon(self.configure_version(version, *lines),
                                     **kwargs)
        self.daemons.append(self.daemon)
        self.addCleanup(self.daemon.stop)
        self.tcp, self.unix, self.echo, self.http = self.daemon.addresses

    def count(self, what):
        """One more of these; for one thread each."""
        self.counts[what] = self.counts.get(what, 0) + 1

    # Threads; each goes on until it is over

    def pipelines(self, rng):
        """Many requests at once; at the end a close, a reset or a half
        close, behind which all is still answered."""
        address = rng.choice((self.tcp, self.unix))
        with Peer(address) as peer:
            for _ in range(rng.randint(1, 20)):
                asks = [self.world.ask(rng, number) for number in
                        range(rng.randint(1, BATCH))]
                peer.send(b"".join(data for data, _ in asks))
                last = rng.random() < .1
                if last:
                    peer.finish()
                for _, check in asks:
                    check(peer.reply())
                    self.count(threading.current_thread().name)
                if last:
                    peer.ended()
                    return
            if rng.random() < .3:
                # They are not waited for.
                peer.send(search("no", **kept()) * 5)
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     struct.pack("ii", 1, 0))

    def singles(self, rng):
        """A connection for each, as old clients do it."""
        address = rng.choice((self.tcp, self.unix))
        key = rng.choice(self.world.keys)
        reply = harness.ask(address, search(key), rng.random() < .5)
        assert reply in {plain_reply(version[key])
                         for version in self.world.versions}, reply
        self.count(threading.current_thread().name)

    def echoes(self, rng):
        data = rng.randbytes(rng.randint(1, 50000))
        with Peer(self.echo) as peer:
            peer.send(data)
            assert peer.receive(len(data)) == data, "another's echo"
            peer.finish()
            peer.ended()
        self.count("echoes")

    def pages(self, rng):
        connection = http.client.HTTPConnection(*self.http, timeout=DEADLINE)
        try:
            for path in rng.sample(("/", "/stats.json", "/metrics",
                                    "/healthz", "/no"), 5):
                ends = rng.choice(("close", "keep-alive"))
                connection.request("GET", path,
                                   headers={"Connection": ends})
                response = connection.getresponse()
                body = response.read()
                assert response.status == (404 if path == "/no" else 200)
                if path == "/stats.json":
                    harness.strict_json(body)
                elif path == "/metrics":
                    openmetrics.read(body.decode())
                self.count("pages")
        finally:
            connection.close()
        with Peer(self.http) as peer:
            peer.send(b"GET / HTTP/1.1\r\nHost")

    def order(self, action, **members):
        """What the control socket says: a reply."""
        with Peer(self.path("control.sock")) as peer:
            peer.send(request(to_json({"action": action, **members})))
            reply = peer.reply()
            self.count(action)
            return reply

    def orders(self, rng):
        """What looks, and changes nothing; a diff perhaps at files that are
        just written."""
        action, members = rng.choice((
            ("status", {}), ("stats", {}), ("stats", {"openmetrics": True}),
            ("explain", {"key": rng.choice(self.world.keys)}),
            ("explain", {"key": "no"}), ("diff", {}), ("tables", {}),
            ("log", {"level": rng.choice(("info", "warn"))})))
        reply = self.order(action, **members)
        wrong = action == "diff" or members.get("key") == "no"
        assert wrong or reply.header["status"] == "found", (action, reply)
        if action == "status":
            assert json.loads(reply.content)["state"] == "serving", reply

    def changes(self, rng):
        """What changes the tables."""
        self.configure_version(rng.randrange(VERSIONS))
        kind = rng.randrange(6)
        if kind == 0:
            self.daemon.hang_up()
        elif kind == 1:
            os.rename(self.path("access.log"), self.path("access.old"))
            self.daemon.signal(signal.SIGUSR1)
            harness.wait_until(lambda: os.path.exists(
                self.path("access.log")), "the access log is opened again")
        else:
            action = CHANGES[kind % 3]
            reply = self.order(action)
            assert action == "rollback" or \
                reply.header["status"] == "found", reply

    def threads(self):
        """All of them, as functions for harness.background()."""
        kinds = [self.pipelines] * 4 + [self.singles] * 2 + [
            self.echoes, self.pages, self.orders, self.orders, self.changes]

        def thread(number, kind):
            def work():
                threading.current_thread().name = \
                    f"{kind.__name__} {number}"
                rng = random.Random(f"{self.seed} {number}")
                try:
                    while not self.over.is_set():
                        kind(rng)
                except BaseException:
                    self.over.set()
                    raise

            return work

        return [thread(*pair) for pair in enumerate(kinds)]
