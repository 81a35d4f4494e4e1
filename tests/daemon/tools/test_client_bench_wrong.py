#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client bench: servers that break, lie, hang or die under it.

What they do wrong is counted by its name, and what they do right is counted,
too; the program ends as it should.  Connection 0 is the one that looks at the
server; what is wrong comes on those behind it.
"""

import json
import socket
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, client, free_port, request, to_json
from scripted import Server

KEPT = {"connection": "keep-alive"}


def reply_to(header, result="x", **members):
    """A right reply, but for what members say."""
    return request(to_json({"result": result}), **{
        "connection": "keep-alive", "id": header["id"], "status": "found",
        **members})


def serving(wrong):
    """Serve right where it looks, and by wrong(connection, n, header) where
    it counts; n is the number of the request on its connection."""
    def serve(connection):
        n = 0
        try:
            while (got := connection.request()) is not None:
                if connection.number == 0:
                    connection.send(reply_to(got[0]))
                elif wrong(connection, n, got[0]):
                    return
                n += 1
        except (OSError, AssertionError):    # the client has gone
            pass

    return Server(serve)


class WrongTest(harness.DaemonTest):
    def bench(self, server, *args, status=1):
        """Run it with one connection: what it has counted."""
        done = client("bench", LOOPBACK, server.port, "--json", "-c", 1,
                      "--requests", 20, *args)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def assert_nothing(self, server, status, *words, args=()):
        """Nothing is measured, and that is told."""
        done = client("bench", LOOPBACK, server.port, "-c", 1,
                      "--requests", 3, *args)
        self.assertEqual((done.returncode, done.stdout), (status, ""),
                         done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)


class Closing(WrongTest):
    def test_some_connections_are_kept(self):
        """The one that was looked at was not, and those that come are."""
        def serve(connection):
            while (got := connection.request()) is not None:
                keeps = connection.number > 1
                connection.send(reply_to(got[0], connection="keep-alive"
                                         if keeps else "close"))
                if not keeps:
                    return

        with Server(serve) as server:
            self.assertEqual(self.bench(server, status=0)["requests"], 20)


class Replies(WrongTest):
    def test_statuses(self):
        """Each is counted, an error by its code."""
        parts = (("not-found", {}), ("error", {"error": "bad-request"}),
                 ("error", {"error": "made-up"}), ("busy", {}),
                 ("denied", {}), ("unavailable", {}))

        def wrong(connection, n, header):
            status, more = parts[n % len(parts)]
            connection.send(reply_to(header, status=status, **more))

        with serving(wrong) as server:
            done = self.bench(server, "--requests", 60)
        self.assertEqual([done[name] for name in (
            "found", "not-found", "error", "busy", "denied", "unavailable")],
            [0, 10, 20, 10, 10, 10])
        self.assertEqual(done["errors"], {"bad-request": 10, "other": 10})
        self.assertEqual(done["failed"], {})

    def test_an_error_without_an_id(self):
        """It may come so, and then it is about the oldest request."""
        def wrong(connection, n, header):
            more = {} if n % 2 else {"id": harness.ABSENT, "status": "error",
                                     "error": "bad-header"}
            connection.send(reply_to(header, **more))

        with serving(wrong) as server:
            done = self.bench(server)
        self.assertEqual((done["found"], done["error"], done["failed"]),
                         (10, 10, {}))

    def test_replies_that_are_none(self):
        for name, make in (
                ("wrong-id", lambda header: reply_to(header, id=5)),
                ("wrong-id", lambda header: reply_to(header, id="x")),
                ("wrong-id",
                 lambda header: reply_to(header, id=harness.ABSENT)),
                ("no-reply", lambda header: request(
                    b"[]", id=header["id"], **KEPT)),
                ("no-reply", lambda header: request(
                    b'{"result": 1}', id=header["id"], **KEPT)),
                ("no-reply", lambda header: request(
                    b"xy", id=header["id"], content_type="text", **KEPT)),
                ("foreign", lambda header: b"HTTP/1.1 400 Bad Request\r\n"),
                ("foreign", lambda header: b"\0\7{\"a\": 1}"),
                ("foreign", lambda header: bytes(300)),
                ("foreign", lambda header: request(
                    b"", content_length=1 << 60, **KEPT))):
            def wrong(connection, n, header, make=make):
                connection.send(make(header) if n == 3 else reply_to(header))

            with self.subTest(name), serving(wrong) as server:
                done = self.bench(server, "--depth", 2)
                self.assertGreater(done["found"], 0)
                self.assertGreater(done["failed"][name], 0)
                self.assertEqual(done["failed"].keys() - {name, "behind"},
                                 set())
                self.assertEqual(done["found"] +
                                 sum(done["failed"].values()), 20)
                self.assertGreater(done["lost"], 0)

            def always(connection, n, header, make=make):
                connection.send(make(header))

            with serving(always) as server:
                self.assert_nothing(server, 76, "no request was answered")

    def test_known_bytes_with_a_wrong_id(self):
        """A reply that came before is none to another request."""
        def wrong(connection, n, header):
            if n % 5 == 4:
                header = {"id": header["id"] - 1}
            connection.send(reply_to(header))

        with serving(wrong) as server:
            done = self.bench(server)
        self.assertEqual((done["found"], done["failed"]),
                         (16, {"wrong-id": 4}))

    def test_more_replies_than_requests(self):
        def wrong(connection, n, header):
            connection.send(reply_to(header) + reply_to(header))

        with serving(wrong) as server:
            done = self.bench(server)
        self.assertGreater(done["found"], 0)
        self.assertGreater(done["unasked"] +
                           done["failed"].get("wrong-id", 0), 0)

    def test_long_contents(self):
        """They are counted, whether or not they are looked at."""
        for size in (1000, 70000, 300000):
            def right(connection, n, header, size=size):
                connection.send(reply_to(header, "x" * size))

            with serving(right) as server:
                done = self.bench(server, "--depth", 3, status=0)
            self.assertEqual(done["found"], 20)
            self.assertGreater(done["bytes-received"], 20 * size)

    def test_in_pieces(self):
        """However a reply is cut, it is one."""
        def right(connection, n, header):
            data = reply_to(header, "\u20ac" * 20)
            for start in range(0, len(data), 1 + n * 9):
                connection.send(data[start:start + 1 + n * 9])

        with serving(right) as server:
            done = self.bench(server, "--depth", 4, status=0)
        self.assertEqual((done["found"], done["lost"]), (20, 0))

    def test_nothing_of_a_server_reaches_the_terminal(self):
        def serve(connection):
            header, _ = connection.request()
            connection.send(reply_to(header, "no \x1b[31m\u202e",
                                     status="denied"))

        with Server(serve) as server:
            self.assert_nothing(server, 77, r"no \x1b[31m\u{202e}")


class Connections(WrongTest):
    def test_closed_after_each_reply_without_a_word(self):
        """The reply says that it stays."""
        def wrong(connection, n, header):
            connection.send(reply_to(header))
            return True

        with serving(wrong) as server:
            done = self.bench(server)
        self.assertGreater(done["found"], 0)
        self.assertEqual(done["found"] + sum(done["failed"].values()), 20)
        self.assertGreater(done["lost"], 0)
        self.assertEqual(done["failed"].keys() - {"closed", "broken"}, set())

    def test_closed_after_each_reply_as_it_says(self):
        """It looked as if connections stayed."""
        def wrong(connection, n, header):
            connection.send(reply_to(header, connection="close"))
            return True

        with serving(wrong) as server:
            done = self.bench(server, status=0)
        self.assertEqual((done["found"], done["failed"]), (20, {}))
        self.assertGreaterEqual(done["opened"], 20)

    def test_ends(self):
        """Inside of a reply, before it, and by a reset."""
        def cut(connection, n, header):
            connection.send(reply_to(header)[:-3])
            return True

        def before(connection, n, header):
            return True

        def reset(connection, n, header):
            connection.reset()
            return True

        for name, how in (("cut", cut), ("closed", before),
                          ("broken", reset)):
            def wrong(connection, n, header, how=how):
                if n == 2:
                    return how(connection, n, header)
                connection.send(reply_to(header))
                return False

            with self.subTest(name), serving(wrong) as server:
                done = self.bench(server)
                self.assertEqual(done["found"] + done["failed"][name], 20)
            with serving(how) as server:
                self.assert_nothing(server, 76, "no request was answered")

    def test_hangs(self):
        """From the first request on, and later."""
        def wrong(connection, n, header, after=0):
            if n < after:
                connection.send(reply_to(header))

        with serving(wrong) as server:
            self.assert_nothing(server, 75, "ended before anything was "
                                "measured", args=("-t", 3))
        with serving(lambda *args: wrong(*args, after=5)) as server:
            done = self.bench(server, "-t", 3, status=75)
        self.assertEqual((done["found"], done["ended-early"]), (5, True))

    def test_says_nothing_at_all(self):
        with Server(lambda connection: connection.to_end()) as server:
            self.assert_nothing(server, 75, "timed out", args=("-t", "0.3"))

    def test_dies(self):
        """What was measured until then is reported."""
        def wrong(connection, n, header):
            connection.send(reply_to(header))
            if n == 9:
                server.stopping = True
                server.sock.shutdown(socket.SHUT_RDWR)
                return True
            return False

        server = serving(wrong)
        done = client("bench", LOOPBACK, server.port, "--json", "-c", 1,
                      "--duration", 600, "--warm-up", 0, "-t", 3)
        server.sock.close()
        result = json.loads(done.stdout)
        self.assertEqual(done.returncode, 75)
        self.assertEqual(result["found"], 10)
        self.assertGreater(result["not-made"], 0)
        self.assertTrue(result["ended-early"])

    def test_is_busy(self):
        """It says so to connections that have not asked yet."""
        busy = request(to_json({"result": "Error: busy"}), connection="close",
                       status="busy")

        def serve(connection):
            if connection.number == 0:
                while (got := connection.request()) is not None:
                    connection.send(reply_to(got[0]))
            else:
                connection.send(busy)

        with Server(serve) as server:
            done = client("bench", LOOPBACK, server.port, "-c", 2, "--json",
                          "--requests", 4, "-t", 3)
        # To those that have asked by then it is a reply.
        if done.returncode == 1:
            self.assertEqual(json.loads(done.stdout)["busy"], 4)
        else:
            self.assertEqual((done.returncode, done.stdout), (75, ""))
            self.assertIn("it is busy", done.stderr)

    def test_more_connections_than_it_takes(self):
        """It is loaded over those that it takes, and that is told."""
        daemon = self.start("limit connections 6")
        done = client("bench", LOOPBACK, daemon.port, "--json", "-c", 12,
                      "--requests", 300)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        result = json.loads(done.stdout)
        self.assertEqual(result["found"] + result["busy"] +
                         sum(result["failed"].values()), 300)
        self.assertGreater(result["found"], 0)
        self.assertGreater(result["not-made"] + result["busy"], 0)
        self.assertGreater(result["opened"], 0)

    def test_nobody_is_there(self):
        done = client("bench", LOOPBACK, free_port())
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        self.assertIn("refused", done.stderr)

    def test_asked_for_what_it_has_not(self):
        daemon = self.start()
        done = client("bench", LOOPBACK, daemon.port, "-T", "none")
        self.assertEqual((done.returncode, done.stdout), (65, ""))
        self.assertIn('no such table', done.stderr)


if __name__ == "__main__":
    harness.main()
