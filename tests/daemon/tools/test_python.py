#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The client of python/: what its docstring shows, and servers of all kinds."""

import asyncio
import contextlib
import doctest
import gc
import json
import subprocess
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
import tls
from harness import (DEADLINE, LOOPBACK, RING, environment, free_port, quoted,
                     to_json, top)
from scripted import Server
from test_client_servers import answers, at
from tables import TableTest, tsv

sys.path.insert(1, top("python"))

import appmsg                                               # noqa: E402

SECONDS = harness.slow(2, 30)   # in which servers are killed in turn
MANY = harness.slow(10000, 100000)
SHORT = 0.5                     # seconds, of a client that waits in vain


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, DEADLINE))


def both(servers, key, **kwargs):
    """What both clients make of a search: replies, or what was raised."""
    made = []
    with appmsg.Client(servers, **kwargs) as client:
        try:
            made.append(client.search(key))
        except appmsg.Error as error:
            made.append(error)

    async def ask():
        async with appmsg.AsyncClient(servers, **kwargs) as client:
            try:
                return await client.search(key)
            except appmsg.Error as error:
                return error

    made.append(run(ask()))
    return made


class Daemon(TableTest):
    """Against the daemon."""

    def test_docstring(self):
        daemon = self.serve(self.table("words", tsv([("ring", RING)]),
                                       "search=prefix,fuzzy"))
        text = appmsg.__doc__.replace("65432", str(daemon.port))
        test = doctest.DocTestParser().get_doctest(text, {}, "appmsg", None, 0)
        self.assertGreater(len(test.examples), 8)
        runner = doctest.DocTestRunner()
        shown = []
        runner.run(test, out=shown.append)
        self.assertEqual((runner.failures, "".join(shown)), (0, ""))

    def test_unix_and_binary(self):
        self.serve(self.table("words", tsv([("ring", RING)])))
        with appmsg.Client(self.path("sock")) as client:
            self.assertEqual(client.get("ring"), RING)
            self.assertIsNone(client.get("rings"))
            self.assertNotIn("rings", client)
            reply = client.binary(b"0123456789abc")
            self.assertEqual((reply.status, reply.content), (
                "not-found", b"First 10 bytes of request: 0123456789"))
            with self.assertRaises(appmsg.Refused) as caught:
                client.get("ring", table="none")
            self.assertEqual(caught.exception.reply.code, "no-table")
            self.assertEqual(client.get("ring"), RING)

    def test_tables(self):
        """Those that may be asked, in their order, by both."""
        daemon = self.serve(self.table("b", b""), self.table("a", b""),
                            self.table("hidden", b"", "allow=unix"))

        async def ask(where):
            async with appmsg.AsyncClient(where) as client:
                return await client.tables()

        for where, names in ((f"{LOOPBACK}:{daemon.port}", ["b", "a"]),
                             (self.path("sock"), ["b", "a", "hidden"])):
            with appmsg.Client(where) as client:
                self.assertEqual(client.tables(), names)
            self.assertEqual(run(ask(where)), names)

    def test_pages(self):
        """All matches, some at a time, by both."""
        keys = [f"key {n:02}" for n in range(25)]
        daemon = self.serve(self.table("words", tsv(
            (key, "x") for key in keys), "search=prefix"))
        where = f"{LOOPBACK}:{daemon.port}"
        found, after = [], None
        with appmsg.Client(where) as client:
            while len(found) < len(keys) + 1:
                reply = client.search("key", match="prefix", limit=7,
                                      after=after)
                if not reply.found:
                    break
                found += [match.key for match in reply.matches]
                after = found[-1]
        self.assertEqual(found, keys)

        async def ask():
            async with appmsg.AsyncClient(where) as client:
                return await client.search("key", match="prefix",
                                           after="key 20")

        self.assertEqual([match.key for match in
                          asyncio.run(ask()).matches], keys[21:])

    def test_order(self):
        """The weightiest first, by both."""
        daemon = self.serve(self.table(
            "weighed", b"a1,v,1\na2,v,3\na3,v,2\n", "weight=3",
            form="csv"))
        where = f"{LOOPBACK}:{daemon.port}"
        with appmsg.Client(where) as client:
            replies = [client.search("a", match="prefix", order="weight"),
                       *client.search_many(["a"], match="prefix",
                                           order="weight")]

        async def ask():
            async with appmsg.AsyncClient(where) as client:
                return await client.search("a", match="prefix",
                                           order="weight")

        for reply in (*replies, asyncio.run(ask())):
            self.assertEqual([match.key for match in reply.matches],
                             ["a2", "a3", "a1"])

    def test_many(self):
        """Thousands in their order, by both, over one connection."""
        daemon = self.serve(self.table("words", tsv(
            (f"key {n}", f"answer {n}") for n in range(1000))))
        keys = [f"key {n * 7919 % 1100}" for n in range(MANY)]
        right = [key.replace("key", "answer") if int(key[4:]) < 1000 else None
                 for key in keys]
        where = f"{LOOPBACK}:{daemon.port}"
        with appmsg.Client(where) as client:
            self.assertEqual([reply.result if reply.found else None
                              for reply in client.search_many(keys)], right)

        async def ask():
            got = []
            async with appmsg.AsyncClient(where) as client:
                for start in range(0, len(keys), 5000):
                    got += await asyncio.gather(
                        *map(client.get, keys[start:start + 5000]))
            return got

        self.assertEqual(run(ask()), right)

    def test_long(self):
        """Both sides fill what lies between them, and nobody waits for ever.
        """
        text = "x" * 60000
        daemon = self.serve(self.table("words", tsv([("k", text)])))
        with appmsg.Client(f"{LOOPBACK}:{daemon.port}") as client:
            for reply in client.search_many(["k", "k" * 50000] * 200):
                self.assertIn(reply.result, (text, harness.no_match(
                    "k" * 50000)))

    def test_left(self):
        """What is left of an iterator does not shift what comes after."""
        daemon = self.serve(self.table("words", tsv(
            (f"{n}", f"answer {n}") for n in range(1000))))
        with appmsg.Client(f"{LOOPBACK}:{daemon.port}") as client:
            for number in range(20):
                replies = client.search_many(str(n) for n in range(1000))
                self.assertEqual(next(replies).result, "answer 0")
                with self.assertRaises(RuntimeError):
                    client.get("5")
                replies.close()
                self.assertEqual(client.get(str(number)), f"answer {number}")

    def test_cancelled(self):
        """A task that is given up takes no other's reply."""
        daemon = self.serve(self.table("words", tsv(
            (f"{n}", f"answer {n}") for n in range(1000))))

        async def ask():
            async with appmsg.AsyncClient(
                    f"{LOOPBACK}:{daemon.port}") as client:
                tasks = [asyncio.create_task(client.get(str(n)))
                         for n in range(1000)]
                await asyncio.sleep(0)
                for task in tasks[::3]:
                    task.cancel()
                return await asyncio.gather(*tasks, return_exceptions=True)

        for number, got in enumerate(run(ask())):
            if number % 3 == 0:
                self.assertIsInstance(got, asyncio.CancelledError)
            else:
                self.assertEqual(got, f"answer {number}")

    def test_idle(self):
        """A connection that has ended meanwhile is made again, unnoticed."""
        daemon = self.serve("timeout idle 1s", self.table(
            "words", tsv([("ring", RING)])))
        where = f"{LOOPBACK}:{daemon.port}"

        async def ask():
            async with appmsg.AsyncClient(where) as client:
                first = await client.get("ring")
                await asyncio.sleep(1.5)
                return first, await client.get("ring")

        self.assertEqual(run(ask()), (RING, RING))
        with appmsg.Client(where) as client:
            self.assertEqual(client.get("ring"), RING)
            time.sleep(1.5)
            self.assertEqual(client.get("ring"), RING)

    def test_killed_in_turn(self):
        """Two servers, one after the other gone: every key is answered once.
        """
        lines = self.table("words", tsv(
            (f"{n}", f"answer {n}") for n in range(1000)))
        ports = [free_port(), free_port()]
        configs = [self.write_config(f"listen {LOOPBACK} {port}", lines,
                                     name=f"{port}.conf") for port in ports]
        daemons = [harness.Daemon(config) for config in configs]
        over = threading.Event()
        wrong = []
        count = [0, 0]

        def blocking():
            with appmsg.Client(at(*ports)) as client:
                while not over.is_set():
                    for n, reply in enumerate(client.search_many(
                            str(n) for n in range(1000))):
                        if reply.result != f"answer {n}":
                            wrong.append(reply)
                        count[0] += 1

        async def in_tasks():
            async with appmsg.AsyncClient(at(*ports)) as client:
                while not over.is_set():
                    got = await asyncio.gather(*(
                        client.get(str(n)) for n in range(1000)))
                    if got != [f"answer {n}" for n in range(1000)]:
                        wrong.append(got)
                    count[1] += len(got)

        def guarded(function):
            try:
                function()
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=guarded, args=(f,)) for f in (
            blocking, lambda: asyncio.run(in_tasks()))]
        for thread in threads:
            thread.start()
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end:
                for n in (0, 1):
                    daemons[n].kill()
                    time.sleep(0.1)
                    daemons[n] = harness.Daemon(configs[n])
                    time.sleep(0.3)
        finally:
            over.set()
            for thread in threads:
                thread.join(DEADLINE)
            for daemon in daemons:
                daemon.stop()
        self.assertEqual(wrong, [])
        self.assertGreater(min(count), 1000)


class Tls(harness.DaemonTest):
    def test_tls(self):
        mine = tls.make_localhost(self.directory)
        other = certificates.make(self.directory, "other", ("DNS:other",))
        daemon = self.start(
            f"listen {LOOPBACK} 0 tls=yes",
            f"certificate {quoted(mine.cert)} key={quoted(mine.key)}")
        where = f"appmsgs://localhost:{daemon.port}"

        def trusting(certificate):
            return {"context": appmsg.ssl.create_default_context(
                cafile=certificate.cert)}

        for reply in both(where, "ring", **trusting(mine)):
            self.assertEqual(reply.result, RING)
        for error in (*both(where, "ring", **trusting(other)),
                      *both(where, "ring", server_name="other",
                            **trusting(mine)), *both(where, "ring")):
            self.assertIsInstance(error, appmsg.Failed)
            self.assertIn("certificate", str(error).lower())
        with appmsg.Client(where, **trusting(mine)) as client:
            for reply in client.search_many(["ring"] * 5000):
                self.assertEqual(reply.result, RING)


class Hostile(harness.DaemonTest):
    """Replies that are none, late, or in pieces."""

    RIGHT = harness.request(
        to_json({"result": "K"}), connection="keep-alive", id=1,
        status="found")

    def serve(self, data, wait=0):
        """A server that sends this for each request, and then waits."""
        def serve(connection):
            with contextlib.suppress(OSError):
                while connection.request() is not None:
                    for part in data:
                        connection.send(part)
                        time.sleep(wait)
                connection.to_end()
        return Server(serve)

    def test_pieces(self):
        for size in (1, 2, 7, 100):
            parts = [self.RIGHT[i:i + size]
                     for i in range(0, len(self.RIGHT), size)]
            with self.serve(parts) as server:
                for reply in both(at(server), "k"):
                    self.assertEqual(reply.result, "K")

    def test_cut(self):
        """The end comes behind any byte: it is told, and not waited for."""
        for length in range(len(self.RIGHT)):
            def serve(connection):
                connection.request()
                connection.send(self.RIGHT[:length])

            with Server(serve) as server:
                for error in both(at(server), "k"):
                    self.assertIsInstance(error, appmsg.Failed)

    def test_wrong(self):
        def reply(header, content=b'{"result": "K"}'):
            text = to_json(header)
            return len(text).to_bytes(2, "big") + text + content

        good = {"content-type": "text/json", "content-length": 15, "id": 1}
        for data in (
                b"\0\x02[]", b"\0\x01x", b"\0\0", b"\xff\xff" + b"[" * 65535,
                reply({**good, "content-length": -1}),
                reply({**good, "content-length": "15"}),
                reply({**good, "content-length": True}),
                reply({**good, "content-length": 15.0}),
                reply({**good, "content-length": 1 << 60}),
                reply({**good, "id": 2}), reply({**good, "id": True}),
                reply(good, b"[1,2,3,4,5,6,7]"),
                reply(good, b'{"result": 1  }'),
                reply(good, b'{"result": "\xff"}'),
                reply({**good, "suggestions": [1]}),
                reply({**good, "suggestions": "a"}),
                reply({**good, "content-length": 32},
                      b'{"result": "K", "matches": [1]} '),
                reply(good) * 2):
            with self.serve([data]) as server:
                for error in both(at(server), "k"):
                    if data == reply(good) * 2:     # unasked, behind it
                        self.assertEqual(error.result, "K")
                    else:
                        self.assertIsInstance(error, appmsg.ProtocolError,
                                              data[:100])

    def test_behind_good_ones(self):
        """What is wrong takes nothing from the replies before it."""
        keys = [f"k{i}" for i in range(30)]

        def spoils(connection):
            key = connection.key()
            connection.reply(key.upper(), connection="keep-alive", id=1,
                             status="found")
            data = b""
            for number in range(2, 12):
                request = connection.request()
                if request is None:
                    return
                key = json.loads(request[1])["value"]
                data += harness.request(
                    to_json({"result": key.upper()}), status="found",
                    connection="keep-alive", id=request[0]["id"])
            connection.send(data + b"\0\0")

        def good(connection):
            while (request := connection.request()) is not None:
                connection.send(harness.request(
                    to_json({"result": json.loads(
                        request[1])["value"].upper()}), status="found",
                    connection="keep-alive", id=request[0]["id"]))

        def first_only(connection):
            with contextlib.suppress(OSError):
                spoils(connection)

        with Server(first_only) as one, Server(good) as two:
            with appmsg.Client(at(one, two)) as client:
                self.assertEqual([r.result for r in client.search_many(keys)],
                                 [key.upper() for key in keys])

            async def ask():
                async with appmsg.AsyncClient(at(one, two)) as client:
                    return await asyncio.gather(*map(client.get, keys))

            self.assertEqual(run(ask()), [key.upper() for key in keys])

    def test_one_too_long(self):
        """It is told of that one, and the others are answered."""
        def serve(connection):
            with contextlib.suppress(OSError):
                while (request := connection.request()) is not None:
                    key = json.loads(request[1])["value"]
                    connection.send(harness.request(
                        to_json({"result": key * (5000 if key == "k5" else 1)}
                                ), connection="keep-alive", status="found",
                        id=request[0]["id"]))

        async def ask(server):
            async with appmsg.AsyncClient(at(server), max_content=5000
                                          ) as client:
                return await asyncio.gather(
                    *(client.get(f"k{i}") for i in range(10)),
                    return_exceptions=True)

        with Server(serve) as server:
            got = run(ask(server))
        self.assertIsInstance(got.pop(5), appmsg.ProtocolError)
        self.assertEqual(got, [f"k{i}" for i in range(10) if i != 5])

    def test_hung_under_load(self):
        """New requests are no reason to wait longer for the old ones."""
        async def ask(servers):
            async with appmsg.AsyncClient(servers, timeout=4 * SHORT
                                          ) as client:
                tasks = []
                for _ in range(20):
                    tasks.append(asyncio.create_task(client.get("k")))
                    await asyncio.sleep(SHORT / 5)
                return await asyncio.gather(*tasks)

        with self.serve([]) as mute, Server(answers) as server:
            self.assertEqual(run(ask(at(mute, server))), ["K"] * 20)

    def test_closed_at_any_time(self):
        """close() is not waited for in vain, wherever it finds the rest."""
        async def close_after(turns, address):
            client = appmsg.AsyncClient(address, timeout=DEADLINE)
            task = asyncio.create_task(client.search("k"))
            for _ in range(turns):
                await asyncio.sleep(0)
            await asyncio.wait_for(client.close(), DEADLINE / 2)
            await asyncio.wait([task])
            task.exception()

        with self.serve([]) as tcp, \
                Server(lambda c: c.to_end(), self.path("s")) as unix:
            for address in (at(tcp), unix.address):
                for turns in range(12):
                    run(close_after(turns, address))
            # asyncio's race of a name's addresses leaves the socket of a
            # connection that is cancelled as it is made.
            gc.collect()

    def test_late(self):
        """A server that says nothing, or a byte now and then."""
        trickle = [bytes([b]) for b in self.RIGHT]
        with self.serve([]) as mute, self.serve(trickle, .05) as slow, \
                Server(None) as deaf:
            for server in (mute, slow, deaf):
                begin = time.monotonic()
                for error in both(at(server), "k", timeout=SHORT):
                    self.assertIsInstance(error, appmsg.TimedOut)
                self.assertGreaterEqual(time.monotonic() - begin, 2 * SHORT)
            with Server(answers) as server:
                for reply in both(at(mute, server), "k", timeout=2 * SHORT):
                    self.assertEqual(getattr(reply, "result", reply), "K")

    def test_imported_alone(self):
        """Nothing but the standard library is needed."""
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-W", "error", "-c",
             "import sys; sys.path.insert(0, sys.argv[1]); import appmsg",
             top("python")], env=environment(), check=False,
            stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


if __name__ == "__main__":
    harness.main()
