#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client --trace: what it tells of messages and connections is what
went over the wire.
"""

import json
import re
import socket
import ssl
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
from access import unescaped
from harness import LOOPBACK, binary, client, free_port, request, to_json
from scripted import Server, ask

LINE = re.compile(r" *\d+\.\d{3} ms ([*<>]) (.*)")


def traced(stderr):
    """The lines of the trace: pairs of a sign and what is behind it."""
    lines = [LINE.fullmatch(line) for line in stderr.splitlines()]
    return [match.groups() for match in lines if match]


def messages(trace, way):
    """Bytes of whole messages that went this way."""
    found = []
    for sign, text in trace:
        if sign != way:
            continue
        if match := re.fullmatch(r"length (..) (..): (\d+)", text):
            length = bytes.fromhex(match[1] + match[2])
            assert int.from_bytes(length, "big") == int(match[3]), text
            found.append(length)
        elif text.startswith("header "):
            found[-1] += unescaped(text[7:])
        else:
            match = re.fullmatch(r"content of (\d+) bytes(?: (.*))?", text)
            content = unescaped(match[2] or "")
            assert len(content) == int(match[1]), text
            found[-1] += content
    return found


def events(trace, **names):
    """What is told of connections, with names for addresses."""
    told = []
    for sign, text in trace:
        if sign != "*":
            continue
        for name, address in names.items():
            text = text.replace(address, name)
        told.append(re.sub(rf"{LOOPBACK}:\d+", "OWN", text))
    return told


class Recorder:
    """Answers each request by one of the replies; data is all that came."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.data = []

    def __call__(self, connection):
        while self.replies:
            before = bytearray()
            take = connection._take

            def keep(length):
                taken = take(length)
                before.extend(taken)
                return taken

            connection._take = keep
            got = connection.request()
            connection._take = take
            if got is None:
                return
            self.data.append(bytes(before))
            reply = self.replies.pop(0)
            if reply is None:
                return
            connection.send(reply)
            if b'"connection": "keep-alive"' not in reply:
                return


def reply(text, status="found", connection="close", **members):
    return request(to_json({"result": text, **members}),
                   connection=connection, status=status)


class TraceTest(unittest.TestCase):
    """Against servers that know what went over the wire."""

    def trace(self, replies, *args, **kwargs):
        """The trace of a run, its events with S for the server."""
        recorder = Recorder(*replies)
        with Server(recorder) as server:
            self.done = ask(server, "--trace", *args, **kwargs)
            name = f"{LOOPBACK}:{server.port}"
        trace = traced(self.done.stderr)
        self.assertEqual(messages(trace, ">"), recorder.data)
        return trace, events(trace, S=name)


class Wire(TraceTest):
    """Bytes, and the ends of connections."""

    CONNECTED = "S: connected to S from OWN"

    def test_a_search(self):
        answer = reply("text \\ \n \U0001f430")
        trace, told = self.trace([answer], "search", "k\u00e4y")
        self.assertEqual((self.done.returncode, self.done.stdout),
                         (0, "text \\ \n \U0001f430\n"))
        self.assertEqual(messages(trace, "<"), [answer])
        self.assertEqual(told, [self.CONNECTED,
                                "S: closed by the server with this reply"])
        self.assertEqual("".join(sign for sign, _ in trace), "*>>><<<*")
        self.assertEqual(len(trace), len(self.done.stderr.splitlines()))

    def test_times_rise(self):
        self.trace([reply("x")], "search", "k")
        times = [float(line.split()[0])
                 for line in self.done.stderr.splitlines()]
        self.assertEqual(times, sorted(times))
        self.assertGreaterEqual(times[0], 0)

    def test_several_keys(self):
        """The first alone, the others as soon as it is kept."""
        kept = [reply(f"{i}", connection="keep-alive") for i in range(4)]
        trace, told = self.trace(kept, "search", "a", "b", "c", "d")
        self.assertEqual(messages(trace, "<"), kept)
        self.assertEqual(self.done.stdout, "a\t0\nb\t1\nc\t2\nd\t3\n")
        self.assertEqual("".join(sign for sign, _ in trace),
                         "*" ">>><<<" ">>>>>>>>>" "<<<<<<<<<" "*")
        self.assertEqual(told, [self.CONNECTED, "S: closed by us"])

    def test_a_server_that_closes_after_each(self):
        answers = [reply("1"), reply("2")]
        trace, told = self.trace(answers, "search", "a", "b")
        self.assertEqual(self.done.stdout, "a\t1\nb\t2\n")
        end = "S: closed by the server with this reply"
        self.assertEqual(told, [self.CONNECTED, end] * 2)
        self.assertEqual(messages(trace, "<"), answers)

    def test_closed_without_an_answer(self):
        """It is connected to once more where it was of use."""
        def twice(connection):
            connection.request()

        with Server(twice) as server:
            done = ask(server, "--trace", "search", "a")
            name = f"{LOOPBACK}:{server.port}"
            self.assertEqual(next(server.count), 2)
        self.assertEqual(done.returncode, 76)
        self.assertEqual(events(traced(done.stderr), S=name), [
            self.CONNECTED,
            "S: closed by the server, as was a second connection"])
        first = reply("1", connection="keep-alive")
        recorder = Recorder(first, None, reply("2"))
        with Server(recorder) as server:
            done = ask(server, "--trace", "search", "a", "b")
            name = f"{LOOPBACK}:{server.port}"
        trace = traced(done.stderr)
        self.assertEqual(done.stdout, "a\t1\nb\t2\n")
        told = events(trace, S=name)
        self.assertEqual(told[:1] + told[2:], [
            self.CONNECTED, self.CONNECTED,
            *([told[3]] if len(told) == 5 else []),
            "S: closed by the server with this reply"])
        self.assertTrue(told[1].startswith("S: closed by the server"))
        self.assertEqual(messages(trace, ">")[-2:],
                         [recorder.data[1]] * 2)

    def test_no_reply_at_all(self):
        trace, told = self.trace([b"\0\4nope"], "search", "a")
        self.assertEqual(self.done.returncode, 76)
        self.assertEqual(len(told), 2)
        self.assertTrue(told[1].startswith("S: closed by us: "), told)
        self.assertEqual(messages(trace, "<"), [])

    def test_long_contents_are_cut(self):
        """At a character, with the count of the rest."""
        text = "\u00e4" * 1000
        answer = reply(text)
        recorder = Recorder(answer)
        with Server(recorder) as server:
            done = ask(server, "--trace", "search", "k")
        line, = [text for sign, text in traced(done.stderr)
                 if sign == "<" and text.startswith("content")]
        match = re.fullmatch(r"content of (\d+) bytes (\S+ \S+)\.\.\. and "
                             r"(\d+) bytes more", line)
        self.assertEqual(int(match[1]), len(answer) - answer.index(b"}") - 1)
        shown = unescaped(match[2])
        self.assertTrue(shown.decode().endswith("\u00e4"))
        self.assertEqual(len(shown) + int(match[3]), int(match[1]))
        self.assertEqual(done.stdout, text + "\n")

    def test_hostile_bytes(self):
        """Nothing of the server's reaches a terminal as it is."""
        answer = request(to_json({"result": "a\x1b[2J\x9b\u202e\x7f"}),
                         connection="close", status="found",
                         other="\x1b]0;x\x07\u2028")
        trace, _ = self.trace([answer], "search", "k")
        self.assertEqual(messages(trace, "<"), [answer])
        self.assertTrue(self.done.stderr.replace("\n", "").isprintable(),
                        self.done.stderr)

    def test_binary(self):
        answer = binary(bytes(range(256)), connection="close",
                        status="found")
        trace, _ = self.trace([answer], "binary", "-",
                              stdin=b"\0\xff\n\\ key")
        self.assertEqual(messages(trace, "<"), [answer])
        self.assertEqual(messages(trace, ">")[0][-8:], b"\0\xff\n\\ key")

    def test_tables_and_ping(self):
        answer = reply("a", tables=["a"])
        trace, _ = self.trace([answer], "tables")
        self.assertEqual(messages(trace, "<"), [answer])
        self.assertEqual(self.done.stdout, "a\n")
        answer = reply('No match for "".', status="not-found")
        trace, _ = self.trace([answer], "ping")
        self.assertEqual(messages(trace, "<"), [answer])
        self.assertIn("answered in", self.done.stdout)

    def test_other_shapes_stay(self):
        for shape, text in (("--json", '{"key":"k","found":true,'
                             '"status":"found","result":"x"}\n'),
                            ("--tsv", "k\tx\n"), ("-q", "x\n")):
            self.trace([reply("x")], shape, "search", "k")
            self.assertEqual(self.done.stdout, text)

    def test_wrong_calls(self):
        for args in (("echo", "x"), ("compare", "a"), ("check",)):
            with self.subTest(args):
                done = client("--trace", *args)
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertIn("--trace is for search, tables, binary and "
                              "ping only", done.stderr)


class Servers(harness.DaemonTest):
    """Which of several, and which of its addresses."""

    def trace(self, *args, **kwargs):
        done = client("--trace", *args, **kwargs)
        return done, traced(done.stderr)

    def test_one_that_is_down(self):
        down = f"{LOOPBACK}:{free_port()}"
        recorder = Recorder(reply("x"))
        with Server(recorder) as server:
            up = f"{LOOPBACK}:{server.port}"
            done, trace = self.trace("-H", f"{down},{up}", "search", "k")
        self.assertEqual(done.stdout, "x\n")
        self.assertEqual(events(trace, UP=up, DOWN=down), [
            "DOWN: cannot connect: Connection refused",
            "UP: connected to UP from OWN",
            "UP: closed by the server with this reply"])
        self.assertEqual(messages(trace, ">"), recorder.data)

    def test_none_is_there(self):
        down = f"{LOOPBACK}:{free_port()}"
        done, trace = self.trace("-H", down, "search", "k")
        self.assertEqual(done.returncode, 69)
        self.assertEqual(events(trace, DOWN=down),
                         ["DOWN: cannot connect: Connection refused"])

    def test_one_that_is_busy(self):
        busy, good = Recorder(reply("Error: x", "busy")), Recorder(reply("x"))
        with Server(busy) as first, Server(good) as second:
            names = {"A": f"{LOOPBACK}:{first.port}",
                     "B": f"{LOOPBACK}:{second.port}"}
            done, trace = self.trace("-H", ",".join(names.values()),
                                     "search", "k")
        self.assertEqual(done.stdout, "x\n")
        self.assertEqual(events(trace, **names), [
            "A: connected to A from OWN",
            "A: closed by us: it cannot answer now",
            "B: connected to B from OWN",
            "what was not answered is asked again",
            "B: closed by the server with this reply"])
        self.assertEqual(messages(trace, ">"), busy.data + good.data)

    def test_one_that_hangs(self):
        """The time is over, which is told; the connection is ours to close.
        """
        def hang(connection):
            connection.to_end()

        with Server(hang) as server:
            name = f"{LOOPBACK}:{server.port}"
            done, trace = self.trace("-H", name, "-t", "1", "search", "k")
        self.assertEqual(done.returncode, 75)
        self.assertEqual(events(trace, S=name),
                         ["S: connected to S from OWN", "S: closed by us"])
        self.assertEqual(len(messages(trace, ">")), 1)

    def test_a_unix_socket(self):
        path = self.path("sock")
        with Server(Recorder(reply("x")), path):
            done, trace = self.trace("-U", path, "search", "k")
        self.assertEqual(done.stdout, "x\n")
        self.assertEqual(events(trace, S=path),
                         ["S: connected",
                          "S: closed by the server with this reply"])

    def test_descriptors_that_are_not_ours(self):
        """A socket that was there before is no connection."""
        ours, theirs = socket.socketpair()
        with ours, theirs, Server(Recorder(reply("x"))) as server:
            name = f"{LOOPBACK}:{server.port}"
            done, trace = self.trace("-H", name, "search", "k",
                                     pass_fds=(theirs.fileno(),))
        self.assertEqual(events(trace, S=name), [
            "S: connected to S from OWN",
            "S: closed by the server with this reply"])

    def test_over_tls(self):
        """The plain bytes."""
        if "without TLS" in client("--tls", "search", "k").stderr:
            self.skipTest("appmsg-client is without TLS here")
        certificate = certificates.make(self.directory, "own",
                                        names=(f"IP:{LOOPBACK}",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        recorder = Recorder(reply("x"))

        def serve(connection):
            connection.sock = context.wrap_socket(connection.sock,
                                                  server_side=True)
            recorder(connection)
            connection.sock.close()

        with Server(serve) as server:
            name = f"{LOOPBACK}:{server.port}"
            done, trace = self.trace("-H", name, "--tls", "--ca",
                                     certificate.cert, "search", "k")
        self.assertEqual(done.stdout, "x\n")
        self.assertEqual(messages(trace, ">"), recorder.data)
        self.assertEqual(messages(trace, "<"), [reply("x")])
        self.assertEqual(events(trace, S=name)[0],
                         "S: connected to S from OWN, over TLS")

    def test_appmsgd(self):
        """Both sides are real; many keys on one connection."""
        daemon = self.start()
        done, trace = self.trace("-p", daemon.port, "search", "-",
                                 stdin=b"ring\nmorpheus\n" * 200)
        self.assertEqual(len(done.stdout.splitlines()), 400)
        replies = messages(trace, "<")
        self.assertEqual(len(messages(trace, ">")), 400)
        self.assertEqual(len(replies), 400)
        for raw in replies:
            header = json.loads(raw[2:2 + int.from_bytes(raw[:2], "big")])
            self.assertEqual(header["status"], "found")
        self.assertEqual(events(trace, S=f"{LOOPBACK}:{daemon.port}"),
                         ["S: connected to S from OWN", "S: closed by us"])


if __name__ == "__main__":
    harness.main()
