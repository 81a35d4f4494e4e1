#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The client of python/ and its servers: which is asked, and when another."""

import asyncio
import contextlib
import os
import sys
from unittest import mock

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, RING, free_port
from scripted import Server
from test_client_servers import answers, at, kept_reply, says
from test_python import appmsg, both, run


def named(name):
    """Serve every request with this answer."""
    def serve(connection):
        while connection.key() is not None:
            kept_reply(connection, name)
    return serve


class Servers(harness.DaemonTest):
    """Which servers are named, and which is asked."""

    def test_names(self):
        for text, right in (
                ("a", appmsg.Server("a")),
                (" a:1 ", appmsg.Server("a", 1)),
                ("[::1]", appmsg.Server("::1")),
                ("[::1]:65535", appmsg.Server("::1", 65535)),
                ("fe80::1", appmsg.Server("fe80::1")),
                ("/run/x y", appmsg.Server(path="/run/x y")),
                ("appmsg://a:2", appmsg.Server("a", 2)),
                ("appmsgs://[::1]:3", appmsg.Server("::1", 3, tls=True))):
            self.assertEqual(appmsg.servers(text), [right])
            self.assertEqual(appmsg.servers(str(right)), [right])
        self.assertEqual([s.host for s in appmsg.servers("a, b:1")],
                         ["a", "b"])
        for text in ("", "a,", "a:", "a:0", "a:65536", "a:x", "[::1",
                     "[::1]x", ":1", "http://a", "a b", "appmsg:///x",
                     "a..b", "x" * 64):
            with self.assertRaises(ValueError, msg=text):
                appmsg.Client(text)

    def test_environment(self):
        with Server(answers) as server, mock.patch.dict(
                os.environ, APPMSG_SERVER=at(free_port(), server)):
            with appmsg.Client() as client:
                self.assertEqual(client.get("k"), "K")

    def test_next(self):
        """Who is away, busy, or breaks off is left for the next one."""
        def cut(connection):
            connection.request()
            connection.send(b"\0\x67{")

        def garbage(connection):
            connection.request()
            connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        for first in (None, says("busy"), says("unavailable"), cut, garbage):
            with contextlib.ExitStack() as stack:
                away = free_port() if first is None else \
                    stack.enter_context(Server(first))
                server = stack.enter_context(Server(answers))
                for reply in both(at(away, server), "k"):
                    self.assertEqual(getattr(reply, "result", reply), "K")

    def test_return(self):
        """To the first one, once it is back, with nothing on its way."""
        def is_asked(client, name):
            self.assertEqual(client.get("k"), name)
            self.assertEqual(
                {reply.result for reply in client.search_many("abc")},
                {name})

        for after, name in ((0.0, "FIRST"), (3600.0, "SECOND")):
            port = free_port()
            with self.subTest(after), \
                    mock.patch.object(appmsg, "RETURN", after), \
                    Server(named("second")) as second, \
                    appmsg.Client(at(port, second)) as client:
                for _ in range(3):
                    is_asked(client, "SECOND")
                with Server(named("first"), (LOOPBACK, port)):
                    for _ in range(3):
                        is_asked(client, name)
                    client.close()
                is_asked(client, "SECOND")

    def test_return_of_tasks(self):
        """The same by asyncio."""
        async def is_asked(client, name):
            self.assertEqual(set(await asyncio.gather(
                *map(client.get, "abc"))), {name})

        async def ask(port, second, name):
            async with appmsg.AsyncClient(at(port, second)) as client:
                for _ in range(3):
                    await is_asked(client, "SECOND")
                with Server(named("first"), (LOOPBACK, port)):
                    for _ in range(3):
                        await is_asked(client, name)
                    await client.close()
                await is_asked(client, "SECOND")

        for after, name in ((0.0, "FIRST"), (3600.0, "SECOND")):
            with self.subTest(after), \
                    mock.patch.object(appmsg, "RETURN", after), \
                    Server(named("second")) as second:
                run(ask(free_port(), second, name))

    def test_no_tables(self):
        """Who knows none, or not what they are."""
        def none(connection):
            connection.request()
            connection.send(harness.request(
                b'{"result": "No tables.", "tables": []}',
                connection="keep-alive", status="not-found"))

        def odd(connection):
            connection.request()
            connection.reply("a\nb")

        def unknown(connection):
            connection.request()
            connection.reply('Error: invalid action "tables".')

        with Server(none) as server, appmsg.Client(at(server)) as client:
            self.assertEqual(client.tables(), [])
        for serve, error in ((odd, appmsg.ProtocolError),
                             (unknown, appmsg.Refused)):
            with Server(serve) as server, \
                    appmsg.Client(at(server)) as client, \
                    self.assertRaises(error):
                client.tables()

    def test_all_busy(self):
        with Server(says("busy")) as one, Server(says("unavailable")) as two:
            for reply in both(at(one, two), "k"):
                self.assertEqual(reply.status, "unavailable")
                with self.assertRaises(appmsg.Unavailable):
                    reply.check()
            with appmsg.Client(at(one)) as client, \
                    self.assertRaises(appmsg.Busy):
                client.get("k")

    def test_tutorial(self):
        """One that closes after each reply, and knows no status."""
        def serve(connection):
            key = connection.key()
            connection.reply(
                f"No match for '{key}'." if key == "b" else key.upper())

        with Server(serve) as server:
            with appmsg.Client(at(server)) as client:
                self.assertEqual([r.status for r in client.search_many("abc")],
                                 ["found", "not-found", "found"])

            async def ask():
                async with appmsg.AsyncClient(at(server)) as client:
                    return await asyncio.gather(*map(client.get, "abc"))

            self.assertEqual(run(ask()), ["A", None, "C"])

    def test_original(self):
        """The tutorial's own server."""
        port = self.original("app-server.py", LOOPBACK, "PORT")
        for reply in both(at(port), "ring"):
            self.assertEqual((reply.result, reply.status), (RING, "found"))


if __name__ == "__main__":
    harness.main()
