#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client bench: what it asks, what it counts, how it says so.

Servers that do something wrong are in test_client_bench_wrong.py.  How fast
anything is is looked at nowhere: only whether the numbers fit each other.
"""

import json
import re
import signal
import subprocess
import ssl
import sys

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
from harness import LOOPBACK, client, environment, program, wait_until
from scripted import Server, run_in_terminal

ALL = "exact,prefix,suffix,substring,fuzzy,regex"
COUNTED = ("found", "not-found", "error", "busy", "denied", "unavailable")


def answers(connection):
    """Keep the connection, and have every key but those with a minus."""
    try:
        while (got := connection.request()) is not None:
            header, content = got
            key = json.loads(content)["value"]
            members = {"connection": "keep-alive", "id": header["id"]}
            if key.startswith("-"):
                connection.reply(harness.no_match(key), status="not-found",
                                 **members)
            else:
                connection.reply(f"<{key}>", status="found", **members)
    except (OSError, AssertionError):    # the client has enough
        pass


class BenchTest(harness.DaemonTest):
    def bench(self, *args, status=0, stderr="", **kwargs):
        """Run it with --json: the object that it prints."""
        done = client("bench", "--json", *args, **kwargs)
        self.assertEqual((done.returncode, done.stderr), (status, stderr),
                         done.stdout)
        self.assertEqual(done.stdout.count("\n"), 1)
        result = json.loads(done.stdout)
        self.assert_fits(result)
        return result

    def assert_fits(self, result):
        """Whether its numbers fit each other."""
        replies = sum(result[name] for name in COUNTED)
        self.assertEqual(result["requests"], replies)
        self.assertEqual(sum(part["requests"]
                             for part in result["histogram"]), replies)
        bounds = [part["up-to-ms"] for part in result["histogram"]]
        self.assertEqual(bounds, sorted(bounds))
        times = result["latency-ms"]
        row = [times[name] for name in ("p50", "p90", "p99", "p99.9", "max")]
        self.assertEqual(row, sorted(row))
        self.assertLessEqual(times["mean"], times["max"])
        self.assertGreater(result["seconds"], 0)

    def keys(self, *keys):
        return self.write("keys", "".join(key + "\n" for key in keys))


class Daemons(BenchTest):
    def test_over_tcp_and_a_unix_socket(self):
        path = self.path("sock")
        daemon = self.start(f"listen {LOOPBACK} 0", f"listen {path}")
        for where in ((LOOPBACK, daemon.port), (f"{LOOPBACK}:{daemon.port}",),
                      ("-p", daemon.port), (path,), ("-U", path)):
            result = self.bench(*where, "--requests", 200)
            self.assertEqual((result["found"], result["requests"]),
                             (200, 200))
            self.assertEqual((result["keys"], result["keys-of"]),
                             (3, "server"))
            self.assertEqual((result["connections"], result["depth"],
                              result["opened"], result["lost"]),
                             (16, 1, 16, 0))
            self.assertEqual((result["failed"], result["errors"]), ({}, {}))
            self.assertEqual((result["tls"], result["keeps"],
                              result["ended-early"]), (False, True, False))
            self.assertGreater(result["client"]["drives"], 0)
            self.assertGreater(result["client"]["cpu-us"], 0)

    def test_bytes(self):
        """They are those of requests and replies, all of them."""
        with Server(answers) as server:
            result = self.bench(LOOPBACK, server.port, "--requests", 100,
                                "-c", 2, "--keys", self.keys("a"))
        self.assertEqual(result["bytes-sent"] % 100, 0)
        self.assertEqual(result["bytes-received"] % 100, 0)
        self.assertGreater(result["bytes-sent"], 100 * len('"a"'))

    def test_from_the_environment(self):
        daemon = self.start()
        done = client("bench", "--requests", 5, "--json", env=environment(
            APPMSG_SERVER=f"{LOOPBACK}:{daemon.port}"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["found"], 5)

    def test_text(self):
        daemon = self.start()
        done = client("bench", LOOPBACK, daemon.port, "--requests", 100,
                      "-c", 4, "--depth", 8)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        time = r"\d+(\.\d+)? (us|ms|s)"
        self.assertRegex(done.stdout, "".join((
            rf"\Aserver       {LOOPBACK}:{daemon.port}\n",
            r"asked for    3 keys that it names, at random \(seed 1\)\n",
            r"load         4 connections, 8 requests in flight on each, "
            r"from \d threads?\n",
            r"requests     100 answered in \d+\.\d\d s: \d+ a second\n",
            r"             100 found\n",
            r"bytes        \d.* sent, \d.* received\n",
            r"connections  4 opened, 0 lost\n",
            rf"latency      p50 {time}, p90 {time}, p99 {time}, "
            rf"p99.9 {time}, max {time}\n",
            rf"(  up to     {time} +\d+ +\d+\.\d%( [#.]+)?\n)+",
            r"this client  \d+\.\d\d us of CPU a request, \d+% of "
            r"its threads?\n",
            r"             drove a server without work to \d+ a second by "
            r"\d+%: it\n",
            r"             can drive \d+; what was measured is \d+% of "
            r"that\n(warning: .*\n         .*\n)?\Z")))
        for line in done.stdout.splitlines():
            self.assertLessEqual(len(line), 80)
            self.assertEqual(line, line.rstrip())

    def test_duration(self):
        """What is asked before it is not counted."""
        with Server(answers) as server:
            result = self.bench(LOOPBACK, server.port, "--duration", "0.3",
                                "--warm-up", "0.2", "-c", 2)
        self.assertGreaterEqual(result["seconds"], 0.3)
        self.assertGreater(result["found"], 0)

    def test_threads(self):
        daemon = self.start()
        for threads, connections, depth in ((2, 4, 8), (3, 3, 1)):
            result = self.bench(LOOPBACK, daemon.port, "--requests", 1001,
                                "--threads", threads, "-c", connections,
                                "--depth", depth)
            self.assertEqual((result["found"], result["threads"],
                              result["opened"]),
                             (1001, threads, connections))

    def test_ways_and_tables(self):
        table = self.write("cities.tsv", "paris\tF\nparma\tI\nrome\tI\n")
        daemon = self.start(f"table cities file {table} search={ALL}",
                            f"table main search={ALL}")
        where = (LOOPBACK, daemon.port, "--requests", 30)
        for way in ALL.split(","):
            result = self.bench(*where, "-T", "cities", "-m", way, "-n", 2)
            self.assertEqual((result["found"], result["keys"]), (30, 3), way)
        result = self.bench(*where, "-m", "fuzzy", "-d", 1)
        self.assertEqual((result["found"], result["keys"]), (30, 6))

    def test_keys_for_regular_expressions(self):
        """They are the server's keys, not patterns."""
        daemon = self.start("table main search=prefix,regex",
                            answers=(harness.answer("c++ (1)", "a"),
                                     harness.answer("[x", "b")))
        result = self.bench(LOOPBACK, daemon.port, "--requests", 20,
                            "-m", "regex")
        self.assertEqual((result["found"], result["errors"]), (20, {}))

    def test_a_server_without_keys(self):
        table = self.write("cities.tsv", "paris\tF\n")
        daemon = self.start(f"table cities file {table} search=exact",
                            answers=())
        result = self.bench(LOOPBACK, daemon.port, "--requests", 20)
        self.assertEqual((result["not-found"], result["keys-of"]),
                         (20, "tutorial"))

    def test_many_keys(self):
        """More than are kept in mind, some of which are missed."""
        keys = [f"{'-' if i % 3 == 0 else ''}{i}" for i in range(9000)]
        with Server(answers) as server:
            result = self.bench(LOOPBACK, server.port, "--requests", 900,
                                "--in-order", "-c", 3, "--depth", 20,
                                "--keys", self.keys(*keys))
        self.assertEqual((result["found"], result["not-found"],
                          result["keys"]), (600, 300, 9000))

    def test_no_more_than_needed(self):
        """Fewer requests than connections."""
        daemon = self.start()
        result = self.bench(LOOPBACK, daemon.port, "--requests", 3)
        self.assertEqual((result["found"], result["opened"]), (3, 16))

    def test_over_tls(self):
        if "without TLS" in client("--tls", "bench", "-p", "1").stderr:
            self.skipTest("appmsg-client is without TLS here")
        made = certificates.make(self.directory, "server",
                                 names=(f"IP:{LOOPBACK}",))
        daemon = self.start(f"certificate {made.cert} key={made.key}",
                            f"listen {LOOPBACK} 0 tls=yes")
        for more in (("-c", 4), ("-c", 4, "--depth", 50), ("--threads", 2)):
            result = self.bench(LOOPBACK, daemon.port, "--requests", 500,
                                "--tls", "--ca", made.cert, *more)
            self.assertEqual((result["found"], result["tls"],
                              result["lost"]), (500, True, 0))
        done = client("bench", LOOPBACK, daemon.port, "--tls")
        self.assertEqual((done.returncode, done.stdout), (76, ""))
        self.assertIn("certificate", done.stderr)

    def test_handshakes_that_hang(self):
        """-t is over for all of them at once; each alone might take 10 s."""
        if "without TLS" in client("--tls", "bench", "-p", "1").stderr:
            self.skipTest("appmsg-client is without TLS here")
        made = certificates.make(self.directory, "server",
                                 names=(f"IP:{LOOPBACK}",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.cert, made.key)

        def serve(connection):
            if connection.number > 0:
                connection.to_end()
                return
            connection.sock = context.wrap_socket(connection.sock,
                                                  server_side=True)
            while (got := connection.request()) is not None:
                connection.reply("x", status="found", id=got[0]["id"],
                                 connection="keep-alive")
            connection.sock.close()

        with Server(serve) as server:
            done = client("-t", 2, "--tls", "--ca", made.cert, "bench",
                          LOOPBACK, server.port, "-c", 3, timeout=20)
        self.assertEqual(done.returncode, 75, done)

    def test_the_tutorials_server(self):
        """It has no ids, names no keys, and closes after each reply."""
        port = self.original("app-server.py", LOOPBACK, "PORT")
        result = self.bench(LOOPBACK, port, "--requests", 60, "--depth", 9)
        self.assertEqual((result["found"], result["keys-of"],
                          result["keeps"], result["depth"], result["opened"],
                          result["lost"]), (60, "tutorial", False, 1, 60, 0))
        result = self.bench(LOOPBACK, port, "--requests", 20, "--in-order",
                            "-c", 3, "--keys", self.keys("ring", "no"))
        self.assertEqual((result["found"], result["not-found"]), (10, 10))
        result = self.bench(LOOPBACK, port, "--rate", 50, "--requests", 10)
        self.assertEqual(result["found"], 10)


class Asked(BenchTest):
    """What a server hears."""

    def asked(self, *args, **kwargs):
        """The keys that it is asked for, and by what ids."""
        heard = []

        def serve(connection):
            connection.request_plain = connection.request

            def request():
                got = connection.request_plain()
                if got is not None and connection.number > 0:
                    heard.append((json.loads(got[1])["value"], got[0]["id"]))
                return got

            connection.request = request
            answers(connection)

        with Server(serve) as server:
            result = self.bench(LOOPBACK, server.port, "-c", 1, *args,
                                **kwargs)
        self.assertEqual(result["requests"], len(heard))
        return [key for key, _ in heard], [number for _, number in heard]

    def test_the_same_keys_by_the_same_seed(self):
        keys = self.keys(*"abcdefghij")
        args = ("--keys", keys, "--requests", 60)
        first, ids = self.asked(*args)
        self.assertEqual(len(set(ids)), 60)
        self.assertEqual(set(first), set("abcdefghij"))
        self.assertEqual(self.asked(*args)[0], first)
        self.assertEqual(self.asked(*args, "--depth", 7)[0], first)
        self.assertEqual(self.asked(*args, "--seed", 1)[0], first)
        self.assertNotEqual(self.asked(*args, "--seed", 2)[0], first)

    def test_in_order(self):
        keys = self.keys("a", "b", "c", "ä", "")
        asked, _ = self.asked("--keys", keys, "--requests", 12, "--in-order")
        self.assertEqual(asked, [*"abcä", ""] * 2 + ["a", "b"])

    def test_from_standard_input(self):
        asked, _ = self.asked("--keys", "-", "--requests", 4, "--in-order",
                              stdin=b"x\r\ny\r\nz")
        self.assertEqual(asked, ["x", "y", "z", "x"])


class Rates(BenchTest):
    def test_as_many_as_are_due(self):
        """By time, however late; and by their number."""
        with Server(answers) as server:
            result = self.bench(LOOPBACK, server.port, "--rate", 200,
                                "--duration", "0.5", "--depth", 50)
            self.assertEqual(result["found"] + result["unsent"], 100)
            self.assertEqual(result["rate"], 200)
            result = self.bench(LOOPBACK, server.port, "--rate", 1000,
                                "--requests", 50, "--threads", 2)
            self.assertEqual((result["found"], result["unsent"]), (50, 0))

    def test_what_a_server_lets_wait_counts(self):
        """It stalls once: all that was due meanwhile is late, too."""
        stalled = []

        def serve(connection):
            plain = connection.reply

            def reply(*args, **members):
                if connection.number > 0:
                    stalled.append(None)
                    if len(stalled) == 5:
                        connection.has_more(0.5)    # there is none
                plain(*args, **members)

            connection.reply = reply
            answers(connection)

        with Server(serve) as server:
            result = self.bench(LOOPBACK, server.port, "-c", 1, "--rate",
                                100, "--requests", 60)
        late = sum(part["requests"] for part in result["histogram"]
                   if part["up-to-ms"] > 100)
        self.assertGreater(late, 20)
        self.assertEqual(result["found"], 60)

    def test_a_server_that_does_not_keep_up(self):
        """What was due and could not be sent is a failure."""
        def serve(connection):
            plain = connection.reply

            def reply(*args, **members):
                if connection.number > 0:
                    connection.has_more(0.02)
                plain(*args, **members)

            connection.reply = reply
            answers(connection)

        with Server(serve) as server:
            result = self.bench(LOOPBACK, server.port, "-c", 1, "--rate",
                                1000, "--duration", "0.3", status=1)
        self.assertGreater(result["unsent"], 0)
        self.assertEqual(result["found"] + result["unsent"], 300)


class Shown(BenchTest):
    def test_quiet(self):
        daemon = self.start()
        done = client("bench", "-q", LOOPBACK, daemon.port, "--requests", 5)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "", ""))

    def test_a_line_on_a_terminal(self):
        """It is gone when the report comes; -q has none."""
        daemon = self.start()
        where = ("bench", LOOPBACK, str(daemon.port), "--duration", "1.2")
        status, shown = run_in_terminal(*where)
        self.assertEqual(status, 0, shown)
        self.assertRegex(shown, rb"\r\x1b\[K\d s: \d+ requests/s, p99 "
                         rb"\d+\.\d{3} ms, 0 failed\r\x1b\[K")
        report = shown.rpartition(b"\r\x1b[K")[2]
        self.assertTrue(report.startswith(b"server "), report)
        self.assertEqual(run_in_terminal(*where, "-q"), (0, b""))

    def interrupt(self, number, *args):
        """Run it, and send it a signal once it asks: status and outputs."""
        replies = []

        def serve(connection):
            plain = connection.reply

            def reply(*args, **members):
                plain(*args, **members)
                replies.append(connection.number)

            connection.reply = reply
            answers(connection)

        with Server(serve) as server, subprocess.Popen(
                [program("appmsg-client"), "bench", LOOPBACK,
                 str(server.port), "--duration", "600", "-c", "2",
                 "--warm-up", "0", *args], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env=environment()) as process:
            wait_until(lambda: {1, 2} <= set(replies) and len(replies) > 50,
                       "it has replies")
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=harness.DEADLINE)
        return process.returncode, stdout, stderr

    def test_ended_early(self):
        """What was measured is reported."""
        for number in (signal.SIGINT, signal.SIGTERM):
            status, stdout, stderr = self.interrupt(number, "--json")
            self.assertEqual((status, stderr), (0, ""))
            result = json.loads(stdout)
            self.assert_fits(result)
            self.assertTrue(result["ended-early"])
            self.assertGreater(result["found"], 0)
            self.assertEqual(result["failed"], {})
        status, stdout, stderr = self.interrupt(signal.SIGINT)
        self.assertEqual((status, stderr), (0, ""))
        self.assertRegex(stdout, r"\d s, then ended early: \d+ a second\n")

    def test_ended_by_the_time_for_the_call(self):
        with Server(answers) as server:
            result = self.bench(
                LOOPBACK, server.port, "--duration", 600, "--warm-up", 0,
                "-t", 2, status=75, stderr=f"appmsg-client: {LOOPBACK}:"
                f"{server.port}: the time was over before all was "
                "measured\n")
        self.assertTrue(result["ended-early"])


class Mistakes(harness.DaemonTest):
    def test_wrong_calls(self):
        for args, words in (
                (("bench", "a", "1", "2"), "a host and a port at most"),
                (("bench", "a", "x y"), "wrong port"),
                (("bench", "a:1", "2"), "named twice"),
                (("bench", "-H", "a", "b"), "named twice"),
                (("bench", "a,b"), "for one server"),
                (("bench", "--depth", "0"), "wrong depth: 0; from 1 to"),
                (("bench", "-c", "0"), "from 1 to 10000"),
                (("bench", "-c", "1000", "--depth", "1001"), "in flight"),
                (("bench", "-c", "2", "--threads", "3"), "each needs one"),
                (("bench", "--duration", "0"), "wrong duration: 0"),
                (("bench", "--duration", "1e3"), "wrong duration"),
                (("bench", "--duration", "1", "--requests", "1"),
                 "cannot go with --requests"),
                (("bench", "--requests", "-1"), "wrong number of requests"),
                (("bench", "--rate", "0"), "wrong rate"),
                (("bench", "--seed", "x"), "wrong seed"),
                (("bench", "--warm-up", "-1"), "wrong warm-up"),
                (("bench", "--explain"), "for search only"),
                (("bench", "--suggest", "1"), "for search only"),
                (("bench", "-n", "1"), "-n is for -m only"),
                (("search", "--depth", "2", "k"), "--depth is for bench"),
                (("ping", "--keys", "k"), "--keys is for bench only")):
            with self.subTest(args):
                done = client(*args)
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertIn(words, done.stderr)

    def test_keys_that_cannot_be_read(self):
        for data, status, words in (
                (None, 66, "No such file"), (b"", 65, "no key in it"),
                (b"a\n\xff\n", 65, ":2: key is "),
                ("a\n".encode("utf-16"), 65, ":1: key is ")):
            path = self.path("absent")
            if data is not None:
                path = self.write("keys", data)
            done = client("bench", "-p", 1, "--keys", path)
            self.assertEqual((done.returncode, done.stdout), (status, ""))
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertIn(path, done.stderr)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    harness.main()
