#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""When appmsg-client sends, waits, connects again and gives up."""

import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import DEADLINE, cut, to_json
from scripted import Server, ask

QUIET = 0.2     # seconds in which a client would have sent more


def kept_reply(connection, key):
    connection.reply(key.upper(), connection="keep-alive", status="found")


def expected(keys):
    return "".join(f"{key}\t{key.upper()}\n" for key in keys)


class FoundTest(unittest.TestCase):
    def assert_found(self, done, keys):
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        self.assertEqual(done.stdout, expected(keys))


class KeepAliveTest(FoundTest):
    def test_several_keys_ask_for_the_connection_to_stay(self):
        seen = []

        def serve(connection):
            while (got := connection.request()) is not None:
                seen.append(got[0].get("connection"))
                connection.reply("x", connection="keep-alive")

        with Server(serve) as server:
            ask(server, "search", "a", "b")
        self.assertEqual(seen, ["keep-alive", "keep-alive"])

    def test_nothing_follows_before_the_server_keeps_the_connection(self):
        def serve(connection):
            key = connection.key()
            if connection.number < 2:
                self.assertFalse(connection.has_more(QUIET))
            connection.reply(key.upper())

        keys = [f"k{i}" for i in range(20)]
        with Server(serve) as server:
            self.assert_found(ask(server, "search", *keys), keys)
            self.assertEqual(next(server.count), len(keys))

    def test_many_leave_at_once(self):
        """A write for many keys, as the kernel is asked for it."""
        strace = shutil.which("strace")
        if strace is None:
            self.skipTest("no strace here")

        def serve(connection):
            while (key := connection.key()) is not None:
                kept_reply(connection, key)

        keys = [f"k{i}" for i in range(300)]
        with Server(serve) as server, \
                tempfile.NamedTemporaryFile("r", encoding="utf-8") as log:
            done = harness.run(
                strace, "-o", log.name, "-e", "trace=sendto",
                harness.program("appmsg-client"), "-p", str(server.port),
                "search", *keys,
                env=harness.environment(ASAN_OPTIONS="detect_leaks=0"))
            if done.returncode != 0 and "ptrace" in done.stderr:
                self.skipTest("strace may not look at it")
            self.assert_found(done, keys)
            self.assertLess(log.read().count("sendto("), 30)

    def test_then_many_follow_without_a_reply(self):
        def serve(connection):
            kept_reply(connection, connection.key())
            waiting = [connection.key() for _ in range(60)]
            for key in waiting:
                kept_reply(connection, key)
            while (key := connection.key()) is not None:
                kept_reply(connection, key)

        keys = [f"k{i}" for i in range(1000)]
        text = "".join(key + "\n" for key in keys).encode()
        with Server(serve) as server:
            self.assert_found(ask(server, "search", "-", stdin=text), keys)
            self.assertEqual(next(server.count), 1)

    def test_but_not_without_bound(self):
        most = []

        def serve(connection):
            kept_reply(connection, connection.key())
            waiting = [connection.key() for _ in range(64)]
            while connection.has_more(QUIET):
                waiting.append(connection.key())
            most.append(len(waiting))
            for key in waiting:
                kept_reply(connection, key)
            while (key := connection.key()) is not None:
                kept_reply(connection, key)

        keys = [f"k{i}" for i in range(2000)]
        with Server(serve) as server:
            self.assert_found(ask(server, "search", *keys), keys)
        self.assertLessEqual(most[0], 1024)

    def test_replies_in_pieces_of_any_size(self):
        rng, seed = harness.seeded()

        def serve(connection):
            kept_reply(connection, connection.key())
            waiting = b""
            while (key := connection.key()) is not None:
                waiting += harness.request(
                    to_json({"result": key.upper()}), status="found",
                    connection="keep-alive")
                if rng.random() < 0.1 or not connection.has_more(QUIET / 10):
                    for piece in cut(rng, waiting, rng.randint(1, 40)):
                        connection.send(piece)
                    waiting = b""

        keys = [f"k{i}" for i in range(1000)]
        with self.subTest(seed=seed), Server(serve) as server:
            self.assert_found(ask(server, "search", *keys), keys)

    def test_ten_thousand_keys(self):
        def serve(connection):
            while (key := connection.key()) is not None:
                kept_reply(connection, key)

        keys = [f"key {i}" for i in range(10000)]
        text = "".join(key + "\n" for key in keys).encode()
        with Server(serve) as server:
            self.assert_found(ask(server, "search", "-", stdin=text), keys)

    def test_a_key_is_asked_for_before_the_next_one_comes(self):
        def serve(connection):
            while (key := connection.key()) is not None:
                kept_reply(connection, key)

        with Server(serve) as server, subprocess.Popen(
                [harness.program("appmsg-client"), "-p", str(server.port),
                 "search", "-"], stdin=subprocess.PIPE, bufsize=0,
                stdout=subprocess.PIPE, env=harness.environment()) as process:
            for key in ("a", "b", "c"):
                process.stdin.write(key.encode() + b"\n")
                self.assertEqual(process.stdout.readline().decode(),
                                 expected([key]))
            process.stdin.close()
            self.assertEqual(process.wait(DEADLINE), 0)


class LostConnectionTest(FoundTest):
    def test_what_was_not_answered_is_asked_again(self):
        def serve(connection):
            for _ in range(7):
                if (key := connection.key()) is None:
                    return
                kept_reply(connection, key)
            # Taking the rest first closes without a reset.
            if connection.number % 2:
                while connection.has_more(QUIET / 10):
                    connection.key()

        keys = [f"k{i}" for i in range(50)]
        with Server(serve) as server:
            self.assert_found(ask(server, "search", *keys), keys)

    def test_a_server_that_says_close_is_left_at_once(self):
        def serve(connection):
            kept_reply(connection, connection.key())
            if (key := connection.key()) is not None:
                connection.reply(key.upper(), connection="close")
                connection.to_end()

        keys = [f"k{i}" for i in range(9)]
        with Server(serve) as server:
            self.assert_found(ask(server, "search", *keys), keys)
            self.assertEqual(next(server.count), 5)

    def test_a_connection_without_any_answer_is_a_failure(self):
        def serve(connection):
            if connection.number == 0:
                kept_reply(connection, connection.key())
                connection.key()

        with Server(serve) as server:
            done = ask(server, "search", "a", "b", "c")
            self.assertEqual(next(server.count), 2)
        self.assertEqual((done.stdout, done.returncode), ("a\tA\n", 76))
        self.assertIn("stopped before the key: b\n", done.stderr)

    def test_a_busy_server_is_not_asked_on(self):
        def serve(connection):
            connection.key()
            connection.reply("Error: busy", status="busy")

        with Server(serve) as server:
            done = ask(server, "search", "a", "b", "c")
            self.assertEqual(next(server.count), 1)
        self.assertEqual((done.stdout, done.returncode), ("", 75))

    def test_a_reply_before_the_request_was_read_whole(self):
        def serve(connection):
            connection.sock.recv(10)
            connection.reply("Error: too large", status="error")

        with Server(serve) as server:
            done = ask(server, "binary", "-", stdin=bytes(20000000))
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ("", "Error: too large\n", 65))


class FullPipesTest(unittest.TestCase):
    def test_large_requests_and_replies_at_once(self):
        """A client that wrote all before it read would wait for ever."""
        size = 1 << 18

        def serve(connection):
            while (got := connection.request()) is not None:
                connection.reply("x" * size, connection="keep-alive")

        keys = "".join("k" * size + "\n" for _ in range(20)).encode()
        with Server(serve) as server:
            done = ask(server, "search", "-", stdin=keys)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(done.stdout), 20 * (2 * size + 2))


class EchoTest(unittest.TestCase):
    def echo(self, serve, *args):
        with Server(serve) as server:
            return ask(server, *args)

    @staticmethod
    def back(connection):
        while data := connection.sock.recv(1000):
            connection.send(data)

    def test_prints_what_comes_back(self):
        done = self.echo(self.back, "echo", "one", "", "two\nlines")
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ("one\n\ntwo\nlines\n", "", 0))

    def test_all_connections_are_there_at_once(self):
        barrier = threading.Barrier(50)

        def serve(connection):
            barrier.wait(DEADLINE)
            self.back(connection)

        done = self.echo(serve, "-c", 50, "echo", "hi")
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ("hi\n" * 50, "", 0))

    def test_megabytes_both_ways(self):
        text = "0123456789abcdef" * 8000
        done = self.echo(self.back, "-c", 4, "echo", *[text] * 10)
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        self.assertEqual(done.stdout, (text + "\n") * 40)

    def test_a_difference_is_a_failure(self):
        def serve(connection):
            connection.sock.recv(1000)
            connection.send(b"heLlo")

        done = self.echo(serve, "echo", "hello")
        self.assertEqual((done.stdout, done.returncode), ("heLlo\n", 76))
        self.assertIn("differs at byte 3\n", done.stderr)

    def test_another_service_is_named(self):
        """Of messages, it replies with something else from the start."""
        def serve(connection):
            connection.sock.recv(1000)
            connection.reply("Error: the header is too large.")

        done = self.echo(serve, "echo", "hello")
        self.assertEqual(done.returncode, 76)
        self.assertIn("differs at byte 1; is that an echo service?\n",
                      done.stderr)

    def test_too_much_is_a_difference(self):
        def serve(connection):
            connection.sock.recv(1000)
            connection.send(b"hello!")

        done = self.echo(serve, "echo", "hello")
        self.assertEqual((done.stdout, done.returncode), ("hello!\n", 76))

    def test_an_early_end_is_a_failure(self):
        def serve(connection):
            connection.sock.recv(1000)
            connection.send(b"hel")

        done = self.echo(serve, "echo", "hello")
        self.assertEqual((done.stdout, done.returncode), ("hel\n", 76))

    def test_one_bad_connection_spoils_the_call_but_not_the_others(self):
        def serve(connection):
            if connection.number == 1:
                connection.sock.recv(1)
                connection.reset()
            else:
                self.back(connection)

        done = self.echo(serve, "-c", 3, "echo", "hi")
        self.assertEqual((done.stdout, done.returncode), ("hi\nhi\n", 76))
        self.assertIn("connection 2: ", done.stderr)

    def test_silence_ends_at_the_timeout(self):
        def serve(connection):
            connection.to_end()

        done = self.echo(serve, "-t", "0.2", "-c", 2, "echo", "hi")
        self.assertEqual((done.stdout, done.returncode), ("", 75))

    def test_json_has_an_object_for_each_text(self):
        done = self.echo(self.back, "--json", "-c", 2, "echo", "a", "b")
        self.assertEqual(done.stdout, "".join(
            f'{{"connection":{c},"key":"{t}","found":true,"result":"{t}"}}\n'
            for c in (1, 2) for t in ("a", "b")))


if __name__ == "__main__":
    harness.main()
