#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What appmsg-client(1) says of exit codes and of what is printed, where no
other file has it: failures of the system, and members of objects.
"""

import base64
import contextlib
import errno
import json
import os
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import shim
from harness import LOOPBACK, client, encode, environment, request, to_json
from scripted import Server, ask, run_in_terminal

# Of the two calls that make a connection, one fails as the variable says; and
# no memory is there for much at once.
FAILING = """
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
static int fails(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL)
		return 0;
	errno = atoi(value);
	return 1;
}
int socket(int domain, int type, int protocol)
{
	int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");

	return domain == AF_INET && fails("FAIL_SOCKET") ? -1 :
	    real(domain, type, protocol);
}
int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	int (*real)(int, const struct sockaddr *, socklen_t) =
	    dlsym(RTLD_NEXT, "connect");

	return to->sa_family == AF_INET && fails("FAIL_CONNECT") ? -1 :
	    real(fd, to, len);
}
void *realloc(void *old, size_t size)
{
	void *(*real)(void *, size_t) = dlsym(RTLD_NEXT, "realloc");

	return size > 1 << 20 && fails("FAIL_MEMORY") ? NULL :
	    real(old, size);
}
"""


def replier(content, **members):
    """A server that says this to everybody."""
    def serve(connection):
        while connection.request() is not None:
            connection.send(request(to_json(content) if not isinstance(
                content, bytes) else content, **members))

    return Server(serve)


class System(harness.DaemonTest):
    """What the system refuses: 71, or 69 where it is the network."""

    ACTIONS = (("search", "k"), ("search", "k", "l"), ("binary", "k"),
               ("tables",), ("ping",), ("echo", "k"), ("compare", "HERE"))

    def setUp(self):
        super().setUp()
        harness.program("appmsg-client")    # which may change ours
        self.variables = shim.preload(self, FAILING)

    def run_failing(self, variable, number, *args):
        name = f"{LOOPBACK}:{harness.free_port()}"
        args = [name if arg == "HERE" else arg for arg in args]
        where = () if name in args else ("-H", name)
        return client(*where, *args, env=environment(
            **self.variables, **{variable: str(int(number))}))

    def assert_failure(self, variable, number, status):
        for args in self.ACTIONS:
            with self.subTest(args):
                done = self.run_failing(variable, number, *args)
                self.assertEqual((done.returncode, done.stdout),
                                 (status, ""), done)
                self.assertIn(os.strerror(number), done.stderr)

    def test_no_descriptors(self):
        for number in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS):
            self.assert_failure("FAIL_SOCKET", number, 71)

    def test_no_way_to_the_host(self):
        for number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            self.assert_failure("FAIL_CONNECT", number, 69)

    def test_the_system_denies(self):
        self.assert_failure("FAIL_CONNECT", errno.EACCES, 77)

    def test_the_network_gives_up(self):
        self.assert_failure("FAIL_CONNECT", errno.ETIMEDOUT, 75)

    def test_no_memory(self):
        def serve(connection):
            connection.request()
            with contextlib.suppress(OSError):
                connection.reply("x" * (4 << 20), connection="close")

        with Server(serve) as server:
            for args in (("search", "k"), ("--json", "search", "k")):
                done = ask(server, *args, env=environment(
                    **self.variables, FAIL_MEMORY="12"))
                self.assertEqual((done.returncode, done.stdout), (71, ""))
                self.assertIn("out of memory", done.stderr)


class Denied(harness.DaemonTest):
    """77, of a table that is not this client's."""

    def test_a_table_by_name(self):
        self.write("hr.tsv", "a\tb\n")
        daemon = self.start("table hr file hr.tsv allow=10.0.0.0/8")
        text = 'Error: you may not ask table "hr".'
        done = client("-p", daemon.port, "-T", "hr", "search", "a")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (77, "", text + "\n"))
        done = client("-p", daemon.port, "--json", "-T", "hr", "search", "a")
        self.assertEqual(json.loads(done.stdout), {
            "key": "a", "found": False, "status": "denied", "result": text})
        self.assertEqual(done.returncode, 77)


class Members(unittest.TestCase):
    """Of objects, and their order."""

    def told(self, server, *args, status=0, **kwargs):
        done = ask(server, "--json", *args, **kwargs)
        self.assertEqual((done.returncode, done.stderr), (status, ""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_binary(self):
        with replier(b"x\n", content_type="a/b", status="found") as server:
            line, = self.told(server, "binary", "k")
        self.assertEqual(list(line.items()), [
            ("key", "k"), ("found", True), ("status", "found"),
            ("type", "a/b"), ("result", "x\n")])
        with replier(b"First 10 bytes of request: k", content_type="a/b",
                     status="not-found") as server:
            line, = self.told(server, "binary", "k", status=1)
        self.assertEqual(list(line.items()), [
            ("key", "k"), ("found", False), ("status", "not-found"),
            ("type", "a/b"), ("result", "First 10 bytes of request: k")])
        for status, code, exit_status in (
                ("error", "bad-request", 65), ("busy", None, 75),
                ("unavailable", None, 75), ("denied", None, 77)):
            more = {"error": code} if code else {}
            with replier({"result": "Error: x"}, status=status,
                         **more) as server:
                line, = self.told(server, "binary", "k", status=exit_status)
            self.assertEqual(list(line.items()), [
                ("key", "k"), ("found", False), ("status", status),
                *more.items(), ("result", "Error: x")])

    def test_a_key_that_is_no_text(self):
        """It is named by its bytes: of binary and echo any are sent."""
        key = b"\xff\0k".replace(b"\0", b"\1")
        with replier(b"x", content_type="a/b", status="found") as server:
            line, = self.told(server, "binary", os.fsdecode(key))
        self.assertEqual(list(line)[:2], ["key", "key-base64"])
        self.assertIsNone(line["key"])
        self.assertEqual(base64.b64decode(line["key-base64"]), key)

        def back(connection):
            while part := connection.sock.recv(4096):
                connection.send(part)

        with Server(back) as server:
            line, = self.told(server, "echo", os.fsdecode(key))
        self.assertEqual(list(line), ["connection", "key", "key-base64",
                                      "found", "result", "result-base64"])
        self.assertEqual(base64.b64decode(line["result-base64"]), key)

    def test_all_of_standard_input(self):
        with replier(b"x", content_type="a/b", status="found") as server:
            line, = self.told(server, "binary", "-", stdin=b"text")
        self.assertEqual((list(line)[0], line["key"]), ("key", None))
        self.assertNotIn("key-base64", line)

    def test_echo_that_is_not_the_same(self):
        def other(connection):
            connection.sock.recv(4096)
            connection.send(b"olleh")

        with Server(other) as server:
            done = ask(server, "--json", "echo", "hello")
        self.assertEqual(done.returncode, 76)
        self.assertEqual(json.loads(done.stdout), {
            "connection": 1, "key": "hello", "found": False,
            "result": "olleh"})

    def test_explained(self):
        """All that a server may say, in the order of the manual."""
        said = {"table": "t", "generation": 3,
                "loaded": "2026-11-30T08:30:00Z", "file": "/f", "line": 7,
                "source": "redis", "published": 9, "node": "10.0.0.1:7000",
                "cached": True, "stale": True, "cause": "down",
                "match": "exact", "digest": "0" * 32,
                "generation-digest": "1" * 32, "entries": 5}
        with replier({"result": "x"}, status="found", **said) as server:
            line, = self.told(server, "--explain", "search", "k")
        self.assertEqual(list(line.items()), [
            ("key", "k"), ("found", True), ("status", "found"),
            ("result", "x"), *said.items()])
        with replier({"result": 'No match for "k".'}, status="not-found",
                     generation=3, suggestions=["kk"]) as server:
            line, = self.told(server, "--explain", "--suggest", 1, "search",
                              "k", status=1)
        self.assertEqual(list(line), ["key", "found", "status", "result",
                                      "generation", "suggestions"])

    def test_compared_with_no_time(self):
        with replier({"result": ""}, **{
                "generation": 3, "generation-digest": "1" * 32,
                "entries": 5}) as server:
            name = f"{LOOPBACK}:{server.port}"
            done = client("--json", "compare", name)
        self.assertEqual(json.loads(done.stdout), {
            "server": name, "same": True, "generation": 3,
            "generation-digest": "1" * 32, "entries": 5})


class Words(unittest.TestCase):
    """Words of the command line, and of standard input."""

    def seen(self, *args, **kwargs):
        keys = []

        def serve(connection):
            while (key := connection.key()) is not None:
                keys.append(key)
                connection.reply("x", connection="keep-alive")

        with Server(serve) as server:
            done = ask(server, *args, **kwargs)
        return done, keys

    def test_keys_with_a_dash(self):
        done, keys = self.seen("search", "--", "-q", "--", "-n")
        self.assertEqual((done.returncode, keys), (0, ["-q", "--", "-n"]))
        done, keys = self.seen("search", "-", stdin=b"-\n--\n\n")
        self.assertEqual((done.returncode, keys), (0, ["-", "--", ""]))
        self.assertEqual(done.stdout, "-\tx\n--\tx\n\tx\n")

    def test_keys_with_odd_bytes(self):
        done, keys = self.seen("search", "a\nb", "c\r", "d")
        self.assertEqual(keys, ["a\nb", "c\r", "d"])
        self.assertEqual(done.stdout, "a\\nb\tx\nc\\r\tx\nd\tx\n")
        done, keys = self.seen("search", "-", stdin=b"a\0b\nc\r\r\n")
        self.assertEqual(keys, ["a\0b", "c\r"])
        self.assertEqual(done.stdout, "a\\x00b\tx\nc\\r\tx\n")

    def test_posixly_correct(self):
        """Options before the action only."""
        harness.program("appmsg-client")
        done, keys = self.seen("search", "k", "-q",
                               env=environment(POSIXLY_CORRECT="1"))
        self.assertEqual((done.returncode, keys), (0, ["k", "-q"]))
        done, keys = self.seen("search", "k", "-q")
        self.assertEqual((done.returncode, keys), (0, ["k"]))


class Sizes(unittest.TestCase):
    """How large a reply may be; more is no reply, at once."""

    def test_contents(self):
        def boast(length):
            return lambda connection: (connection.request(), connection.send(
                encode(to_json({"byteorder": "little",
                                "content-type": "text/json",
                                "content-encoding": "utf-8",
                                "content-length": length}), b"{")))

        for args, most in ((("search", "k"), 1 << 30),
                           (("--json", "search", "k"), 256 << 20)):
            with self.subTest(args), Server(boast(most + 1)) as server:
                done = ask(server, *args)
                self.assertEqual((done.returncode, done.stdout), (76, ""))
                self.assertIn("too large", done.stderr)
            # As long as may be is waited for; here in vain.
            with self.subTest(args), Server(boast(most)) as server:
                done = ask(server, *args)
                self.assertEqual((done.returncode, done.stdout), (76, ""))
                self.assertNotIn("too large", done.stderr)


class Terminal(unittest.TestCase):
    def test_bytes_end_their_line(self):
        """On a terminal; nothing is added elsewhere."""
        with replier(b"x", content_type="a/b", status="found") as server:
            status, shown = run_in_terminal(
                "-p", str(server.port), "binary", "k")
            self.assertEqual((status, shown), (0, b"x\n"))
            self.assertEqual(ask(server, "binary", "k").stdout, "x")


if __name__ == "__main__":
    harness.main()
