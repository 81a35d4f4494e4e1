#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client with several servers: what one leaves, the next one answers."""

import signal
import ssl
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
from harness import (DEADLINE, LOOPBACK, client, environment, free_port,
                     program)
from scripted import Server

KEYS = 100000
SECONDS = harness.slow(3, 30)   # in which they are killed in turn


def kept_reply(connection, key):
    connection.reply(key.upper(), connection="keep-alive", status="found")


def answers(connection):
    while (key := connection.key()) is not None:
        kept_reply(connection, key)


def says(status):
    """Serve every request with this status."""
    def serve(connection):
        while connection.key() is not None:
            connection.reply(f"{status} it is", connection="keep-alive",
                             status=status)
    return serve


def at(*servers):
    """Servers, ports of loopback and names, as the client takes them."""
    names = (getattr(one, "address", one) for one in servers)
    return ",".join(
        one if isinstance(one, str) else
        f"{LOOPBACK}:{one if isinstance(one, int) else one[1]}"
        for one in names)


def ask(servers, *args, **kwargs):
    return client(*args, env=environment(APPMSG_SERVER=servers), **kwargs)


class ServersTest(harness.DaemonTest):
    def assert_answered(self, done, text="K\n"):
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         (text, "", 0))


class Named(ServersTest):
    """How several servers are named."""

    def test_in_the_environment_and_behind_options(self):
        with Server(answers) as server:
            down, up = free_port(), server.port
            self.assert_answered(ask(at(down, up), "search", "k"))
            self.assert_answered(client("-H", at(down, up), "search", "k"))
            # One that writes a blank behind the comma means no other host.
            self.assert_answered(client("-H", f"{at(down)}, {at(up)} ",
                                        "search", "k"))
            self.assert_answered(client("-H", at(down), "-H", at(up),
                                        "search", "k"))
            self.assert_answered(client("-H", at(down), "-H", LOOPBACK,
                                        "-p", up, "search", "k"))
            # The port is that of all of the environment's.
            self.assert_answered(ask(at(down, "127.0.0.9:1", down),
                                     "-p", up, "search", "k"))
            # What -H leaves open, the first of them says.
            self.assert_answered(ask(at(up, down), "-H", LOOPBACK,
                                     "search", "k"))

    def test_sockets_among_them(self):
        path = self.path("socket")
        with Server(answers, path) as local, Server(answers) as server:
            nobody = self.path("nobody")
            for servers in (at(nobody, local), at(free_port(), local),
                            at(nobody, server), at(local, server)):
                self.assert_answered(ask(servers, "search", "k"))
            self.assert_answered(client("-H", at(nobody, server),
                                        "search", "k"))

    def test_a_path_with_a_comma_is_for_the_option(self):
        path = self.path("a,b")
        with Server(answers, path):
            self.assert_answered(client("-U", path, "search", "k"))

    def test_wrong_ones(self):
        for servers in (",", "a,", "a,,b", "a,b:0", f"{LOOPBACK}:1,[x"):
            done = ask(servers, "search", "k")
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertIn("APPMSG_SERVER", done.stderr)


class Next(ServersTest):
    """Who is asked when one does not answer."""

    def test_one_that_hangs_leaves_time(self):
        """It accepts, and says nothing, for a share of the time only."""
        for args in (("search", "k"), ("binary", "k")):
            with Server(None) as hung, Server(answers) as server:
                if args[0] == "binary":
                    server.serve = lambda connection: connection.reply(
                        connection.request()[1].decode().upper())
                start = time.monotonic()
                done = ask(at(hung, server), "-t", "4", *args)
                self.assertGreaterEqual(time.monotonic() - start, 1.9)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("K", done.stdout)

    def test_one_that_hangs_after_some_replies(self):
        def serve(connection):
            for _ in range(3):
                kept_reply(connection, connection.key())
            connection.to_end()

        keys = [f"k{i}" for i in range(50)]
        with Server(serve) as hung, Server(answers) as server:
            done = ask(at(hung, server), "-t", "3", "search", *keys)
        self.assert_answered(done, "".join(f"{key}\t{key.upper()}\n"
                                           for key in keys))

    def test_all_of_them_hang(self):
        with Server(None) as one, Server(None) as two:
            start = time.monotonic()
            done = ask(at(one, two), "-t", "0.5", "search", "k")
            self.assertGreaterEqual(time.monotonic() - start, 0.5)
        self.assertEqual((done.returncode, done.stdout), (75, ""))
        self.assertEqual(done.stderr, "".join(
            f"appmsg-client: {at(server)}: reply: timed out\n"
            for server in (one, two)))

    def test_all_of_them_are_down(self):
        path, port = self.path("nobody"), free_port()
        done = ask(at(path, port), "search", "k")
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 2, lines)
        for line, name in zip(lines, (path, at(port))):
            self.assertTrue(line.startswith(
                f"appmsg-client: {name}: cannot connect: "), line)

    def test_the_first_failure_is_the_exit(self):
        with Server(lambda connection: connection.key()) as closing:
            for servers, status in ((at(closing, free_port()), 76),
                                    (at(free_port(), closing), 69)):
                done = ask(servers, "search", "k")
                self.assertEqual(done.returncode, status, done.stderr)

    def test_no_reply_at_all_goes_on(self):
        def foreign(connection):
            connection.key()
            connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with Server(foreign) as other, Server(answers) as server:
            self.assert_answered(ask(at(other, server), "search", "k"))

    def test_what_was_not_answered_and_no_more(self):
        """The next one gets it, in order, whatever was asked before."""
        asked = []

        def serve(connection):
            for _ in range(7):
                kept_reply(connection, connection.key())
            connection.key()
            connection.reset()

        def rest(connection):
            while (key := connection.key()) is not None:
                asked.append(key)
                kept_reply(connection, key)

        keys = [f"k{i}" for i in range(60)]
        with Server(serve) as first, Server(rest) as second:
            done = ask(at(first, second), "search", *keys)
            self.assertEqual(next(first.count), 1)
        self.assert_answered(done, "".join(f"{key}\t{key.upper()}\n"
                                           for key in keys))
        self.assertEqual(asked, keys[7:])

    def test_one_that_closes_after_each_reply_is_good_enough(self):
        def serve(connection):
            connection.reply(connection.key().upper())

        keys = [f"k{i}" for i in range(20)]
        with Server(serve) as first, Server(answers) as second:
            done = ask(at(first, second), "search", *keys)
            self.assertEqual(next(first.count), len(keys))
            self.assertEqual(next(second.count), 0)
        self.assertEqual(done.returncode, 0)

    def test_ping_is_about_the_one_that_answers(self):
        def serve(connection):
            connection.reply(connection.key().upper())

        with Server(None) as hung, Server(serve) as server:
            done = ask(at(hung, server), "-t", "4", "ping")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, rf"\A{at(server)}: answered in ")
            # For its own time, beside that of the one that hangs.
            self.assertEqual(next(server.count), 2)


class Said(ServersTest):
    """What a server says of itself, and what it says of the request."""

    def test_busy_and_unavailable_go_on(self):
        for status in ("busy", "unavailable"):
            with Server(says(status)) as first, Server(answers) as second:
                self.assert_answered(ask(at(first, second), "search", "k"))
                self.assert_answered(ask(at(first, second), "search", "k",
                                         "j"), "k\tK\nj\tJ\n")

    def test_when_all_say_so_that_is_the_answer(self):
        for status in ("busy", "unavailable"):
            with Server(says(status)) as one, Server(says(status)) as two:
                for servers in (at(one, two), at(one, free_port()),
                                at(free_port(), one)):
                    done = ask(servers, "search", "k")
                    self.assertEqual(
                        (done.stdout, done.stderr, done.returncode),
                        ("", f"{status} it is\n", 75))

    def test_the_reply_of_one_that_has_gone_stays(self):
        """It was there, with another one, when the connection ended."""
        def going(connection):
            connection.key()
            connection.reply("A", connection="keep-alive", status="found")
            connection.key()
            connection.key()
            connection.send(b"".join(
                harness.request(harness.to_json({"result": text}),
                                connection=word, status=status)
                for text, word, status in (("B", "keep-alive", "found"),
                                           ("Gone.", "close", "busy"))))

        with Server(going) as server:
            down = free_port()
            done = ask(at(server, down), "search", "a", "b", "c")
        self.assertEqual((done.stdout, done.returncode),
                         ("a\tA\nb\tB\n", 75), done.stderr)
        self.assertIn("Gone.", done.stderr)

    def test_many_that_nobody_can_answer(self):
        """They are not taken from one to the other each time."""
        keys = [f"k{i}" for i in range(200)]
        with Server(says("unavailable")) as one, \
                Server(says("unavailable")) as two:
            done = ask(at(one, two), "search", *keys)
            self.assertLess(next(one.count) + next(two.count), 20)
        self.assertEqual((done.stdout, done.returncode), ("", 75))
        self.assertEqual(done.stderr.count("unavailable it is"), len(keys))

    def test_denied_and_error_are_answers(self):
        for status, exit_status in (("denied", 77), ("error", 65)):
            with Server(says(status)) as first, Server(answers) as second:
                done = ask(at(first, second), "search", "k")
                self.assertEqual(next(second.count), 0)
            self.assertEqual((done.stderr, done.returncode),
                             (f"{status} it is\n", exit_status))


class Daemons(ServersTest):
    """With appmsgd itself."""

    def test_one_that_is_full(self):
        """Over limit connections it says busy, and closes."""
        full, other = self.start("limit connections 1"), self.start()
        self.peer(full.address)
        harness.wait_until(lambda: client("-p", full.address[1], "search",
                                          "ring").returncode == 75, "busy")
        self.assert_answered(
            ask(at(full.address[1], other.address[1]), "search", "ring"),
            harness.RING + "\n")

    def test_one_is_killed_amid_many_keys(self):
        self.write("table.tsv", "".join(f"k{i}\tv{i}\n"
                                        for i in range(KEYS)))
        table = f"table t file {self.path('table.tsv')}"
        killed = harness.Daemon(self.configure(table))
        self.addCleanup(killed.kill)
        other = self.start(table)
        lines = []
        with subprocess.Popen(
                [program("appmsg-client"), "search", "-"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env=environment(APPMSG_SERVER=at(
                    killed.address[1], other.address[1]))) as process:
            def feed():
                for i in range(KEYS):
                    process.stdin.write(b"k%d\n" % i)
                process.stdin.close()

            feeder = threading.Thread(target=feed)
            feeder.start()
            for line in process.stdout:
                lines.append(line)
                if len(lines) == KEYS // 3:
                    killed.signal(signal.SIGKILL)
            feeder.join(DEADLINE)
            self.assertEqual(process.wait(DEADLINE), 0)
        self.assertEqual(len(lines), KEYS)
        self.assertEqual(lines, [b"k%d\tv%d\n" % (i, i)
                                 for i in range(KEYS)])

    def test_one_after_the_other_is_killed(self):
        """And back a moment later, while keys come and come."""
        ports = [free_port() for _ in range(2)]
        running = {}

        def start(port):
            running[port] = harness.Daemon(self.write_config(
                f"listen {LOOPBACK} {port}", *harness.TUTORIAL_LINES,
                name=f"{port}.conf"))
            self.addCleanup(running[port].kill)

        for port in ports:
            start(port)
        asked = 0
        stop = threading.Event()
        with subprocess.Popen(
                [program("appmsg-client"), "search", "-"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(APPMSG_SERVER=at(*ports))) as process:
            def feed():
                nonlocal asked
                while not stop.is_set():
                    process.stdin.write(b"ring\nmissing\n" * 500)
                    asked += 500
                process.stdin.close()

            counts = [0, 0]

            def count(index, stream):
                for _ in stream:
                    counts[index] += 1

            with harness.background(
                    feed, lambda: count(0, process.stdout),
                    lambda: count(1, process.stderr)):
                for turn in range(SECONDS):
                    stop.wait(1)
                    running[ports[turn % 2]].kill()
                    start(ports[turn % 2])
                stop.set()
            self.assertEqual(process.wait(DEADLINE), 1)
        # A line a miss, and one that counts them.
        self.assertEqual(counts, [asked, asked + 1])
        self.assertGreater(asked, 1000)


class Tls(ServersTest):
    """One of them is asked over TLS, others are not."""

    def setUp(self):
        super().setUp()
        if "without TLS" in client("--tls", "search", "k", "-p", "1").stderr:
            self.skipTest("appmsg-client is without TLS here")
        self.own = certificates.make(self.directory, "own",
                                     names=(f"IP:{LOOPBACK}",))
        self.other = certificates.make(self.directory, "other",
                                       names=(f"IP:{LOOPBACK}",))

    def serving(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)

        def serve(connection):
            try:
                connection.sock = context.wrap_socket(connection.sock,
                                                      server_side=True)
            except OSError:
                return
            with connection.sock:
                answers(connection)
        return Server(serve)

    def test_one_among_others(self):
        def plain_text(connection):
            connection.send(b"220 mail ESMTP\r\n")

        with self.serving(self.own) as tls, Server(plain_text) as plain:
            secure = f"appmsgs://{at(tls)}"
            for servers in (at(free_port(), secure), at(secure, free_port()),
                            f"appmsgs://{at(plain)},{secure}"):
                self.assert_answered(ask(servers, "--ca", self.own.cert,
                                         "-t", "4", "search", "k"))

    def test_one_that_is_not_proven(self):
        with self.serving(self.other) as false, self.serving(self.own) as true:
            false_one, true_one = (f"appmsgs://{at(one)}"
                                   for one in (false, true))
            self.assert_answered(ask(at(false_one, true_one), "--ca",
                                     self.own.cert, "search", "k"))
            done = ask(at(false_one, free_port()), "--ca", self.own.cert,
                       "search", "k")
        self.assertEqual((done.returncode, done.stdout), (76, ""))
        self.assertIn(f"{at(false)}: the server is not proven to be the one: "
                      "self-signed", done.stderr)


if __name__ == "__main__":
    harness.main()
