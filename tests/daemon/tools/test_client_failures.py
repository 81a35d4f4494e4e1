#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client's options, the server it finds, and each exit for a failure.
"""

import contextlib
import errno
import functools
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import shim
from harness import (DEADLINE, LOOPBACK, client, environment, plain_reply,
                     request, to_json)
from scripted import Server, ask

# Names are looked up for ever; addresses are read as they are.
STUCK_LOOK_UPS = """
#include <netdb.h>
#include <unistd.h>
int getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **list)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	while (hints == NULL || !(hints->ai_flags & AI_NUMERICHOST))
		pause();
	return real(host, port, hints, list);
}
"""


def serve_yes(connection):
    if connection.request() is not None:
        connection.reply("yes")


def sender(data):
    """A server that reads, sends these bytes, and waits for the end."""
    def serve(connection):
        connection.sock.recv(1000)
        connection.send(data)
        connection.to_end()
    return Server(serve)


class UsageTest(unittest.TestCase):
    def assert_usage(self, *args, words="", env=None):
        done = client(*args, env=environment(**(env or {})))
        self.assertEqual((done.returncode, done.stdout), (64, ""), args)
        self.assertIn(words, done.stderr)
        self.assertIn("--help", done.stderr)

    def test_wrong_calls(self):
        for args in ((), ("frob", "x"), ("search",), ("binary",), ("echo",),
                     ("binary", "a", "b"), ("-x", "search", "k"),
                     ("--frob", "search", "k"), ("search", "k", "-t"),
                     ("-c", "2", "search", "k"), ("search", "--"),
                     ("-q", "echo", "k")):
            with self.subTest(args):
                self.assert_usage(*args)

    def test_wrong_values(self):
        for option, values in (
                ("-t", ("0", "-1", "x", "1e3", "inf", "nan", " 1", "1s", "",
                        ".", "1.2.3", "0.0001", "1000001")),
                ("-c", ("0", "-1", "10001", "x", "")),
                ("-p", ("0", "65536", "99999999999999999999", "")),
                ("-H", ("", "x" * 300)),
                ("-U", ("", "/" + "x" * 300))):
            for value in values:
                with self.subTest(option=option, value=value):
                    self.assert_usage(option, value, "echo", "k")

    def test_what_is_allowed_is_said(self):
        for args, words in (
                (("-t", "0", "search", "k"), "from 0.001 to 1000000"),
                (("-c", "x", "echo", "k"), "from 1 to 10000"),
                (("-p", "0", "search", "k"), "from 1 to 65535"),
                (("-H", "", "search", "k"), "from 1 to 255 bytes"),
                (("-U", "", "search", "k"), "from 1 to 107 bytes"),
                (("-H", f"{LOOPBACK}:", "search", "k"), "HOST:PORT"),
                (("-H", "a,,b", "search", "k"), "with commas"),
                (("-H", "a,b", "echo", "k"), "for one server"),
                (("search",), "search KEY..."),
                (("binary",), "nothing to send; binary TEXT"),
                (("binary", "a", "b"), "in quotes"),
                (("search", "-5"), "goes behind --")):
            with self.subTest(args):
                self.assert_usage(*args, words=words)
        self.assert_usage("search", "k", words="HOST:PORT",
                          env={"APPMSG_SERVER": "::::"})
        self.assertNotIn("behind", client("search", "k", "-t").stderr)

    def test_who_forgot_the_action_is_told(self):
        for args, words in (
                (("ring",), "did you mean: search ring"),
                (("new", "york"), "did you mean: search new ..."),
                (("serach", "ring"), "did you mean: search\n"),
                (("ehco", "x"), "did you mean: echo\n"),
                (("get", "ring"), "did you mean: search\n"),
                (("get",), "did you mean: search get\n"),
                (("help",), "did you mean: --help, or"),
                (("reload",), "did you mean: appmsgctl reload, or search"),
                (("\x1b[2J",), "did you mean: search \\x1b[2J\n")):
            with self.subTest(args):
                self.assert_usage(*args, words=words)

    def test_a_socket_and_a_host_exclude_each_other(self):
        self.assert_usage("-U", "/s", "-H", "h", "search", "k")
        self.assert_usage("-U", "/s", "-p", "7", "search", "k")

    def test_a_wrong_server_in_the_environment(self):
        for value in ("host:", ":7", "host:99999", "[::1", "[::1]7", "[]:7",
                      "/" + "x" * 300, "x" * 300):
            with self.subTest(value):
                self.assert_usage("search", "k", words="APPMSG_SERVER",
                                  env={"APPMSG_SERVER": value})

    def test_a_key_that_is_no_utf8_is_named(self):
        done = client("-p", "1", "search", "ok", os.fsdecode(b"a\xff\x1b"))
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertIn("a\\xff\\x1b", done.stderr)

    def test_an_unknown_service(self):
        done = client("-p", "no-such-service", "search", "k")
        self.assertEqual(done.returncode, 64)

    def test_a_socket_path_that_is_too_long(self):
        done = client("-U", "/tmp/" + "x" * 150, "search", "k")
        self.assertEqual(done.returncode, 64)

    def test_help_and_version(self):
        for option in ("--help", "-V", "--version"):
            done = client("search", option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(client("-V").stdout,
                         r"\Aappmsg-client \(appmsgd\) \d+\.\d+\.\d+\n")
        text = client("--help").stdout
        self.assertTrue(text.startswith("Usage: appmsg-client [OPTION]... "))
        for option in ("-H", "-p", "-U", "-t", "-c", "--json", "--help",
                       "--version"):
            self.assertIn(option, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)


class WhereTest(harness.DaemonTest):
    def assert_reaches(self, *args, server=None):
        env = environment(**({"APPMSG_SERVER": server} if server else {}))
        done = client(*args, env=env)
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ("yes\n", "", 0))

    def test_options_stand_anywhere(self):
        with Server(serve_yes) as server:
            self.assert_reaches("search", "-p", server.port, "k")
            self.assert_reaches("search", "k", "-p", server.port)
            self.assert_reaches("search", "-p", server.port, "--", "-k")
            self.assert_reaches(f"--port={server.port}", "search", "k",
                                f"--host={LOOPBACK}", "--timeout=9.5")

    def test_the_environment_names_the_server(self):
        with Server(serve_yes) as server:
            self.assert_reaches("search", "k",
                                server=f"{LOOPBACK}:{server.port}")
            self.assert_reaches("search", "k",
                                server=f"[{LOOPBACK}]:{server.port}")

    def test_options_come_before_the_environment(self):
        with Server(serve_yes) as server:
            port = server.port
            self.assert_reaches("-p", port, "search", "k",
                                server=f"{LOOPBACK}:1")
            self.assert_reaches("-H", LOOPBACK, "search", "k",
                                server=f"no-such-host.invalid:{port}")
            self.assert_reaches("-p", port, "search", "k", server="/no")
        path = self.path("socket")
        with Server(serve_yes, path):
            self.assert_reaches("-U", path, "search", "k", server="[x")
            self.assert_reaches("search", "k", server=path)

    @unittest.skipUnless(harness.has_ipv6(), "no ::1 here")
    def test_ipv6(self):
        with Server(serve_yes, "::1") as server:
            port = server.port
            self.assert_reaches("-H", "::1", "-p", port, "search", "k")
            self.assert_reaches("search", "k", server=f"[::1]:{port}")
            self.assert_reaches("-p", port, "search", "k", server="[::1]")
            self.assert_reaches("-p", port, "search", "k", server="::1")


class SeveralAddressesTest(harness.DaemonTest):
    """A hosts file of our own, seen in a mount namespace."""

    def run_with_hosts(self, hosts, *args):
        if shutil.which("unshare") is None:
            self.skipTest("no unshare here")
        wrapper = ("unshare", "--user", "--map-root-user", "--mount", "sh",
                   "-c", 'mount --bind "$1" /etc/hosts && '
                   'mount --bind "$2" /etc/nsswitch.conf && shift 2 && '
                   'exec "$@"', "sh", self.write("hosts", hosts),
                   self.write("nsswitch.conf", "hosts: files\n"))
        if harness.run(*wrapper, "true").returncode != 0:
            self.skipTest("no mount namespace here")
        return harness.run(*wrapper, harness.program("appmsg-client"),
                           *map(str, args))

    def test_the_next_is_tried_after_a_refusal(self):
        for hosts in (f"::1 many\n{LOOPBACK} many\n",
                      f"127.0.0.9 many\n127.0.0.8 many\n{LOOPBACK} many\n"):
            with Server(serve_yes) as server:
                done = self.run_with_hosts(hosts, "-H", "many", "-p",
                                           server.port, "search", "k")
            self.assertEqual((done.stdout, done.stderr, done.returncode),
                             ("yes\n", "", 0))

    def test_one_that_swallows_leaves_time_for_the_next(self):
        hosts = f"127.0.0.9 many\n{LOOPBACK} many\n"
        with Server(serve_yes) as server, \
                Server(None, ("127.0.0.9", server.port), backlog=0) as full:
            fillers = self.fill(full.address)
            done = self.run_with_hosts(hosts, "-H", "many", "-p",
                                       server.port, "-t", 2, "search", "k")
            for filler in fillers:
                filler.close()
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ("yes\n", "", 0))

    def fill(self, address):
        """Fill the queue of a socket that does not accept."""
        fillers = []
        while True:
            filler = socket.socket()
            fillers.append(filler)
            filler.settimeout(0.2)
            try:
                filler.connect(address)
            except TimeoutError:
                return fillers

    def test_all_refuse(self):
        done = self.run_with_hosts(
            f"127.0.0.9 many\n{LOOPBACK} many\n", "-H", "many", "-p",
            harness.free_port(), "search", "k")
        self.assertEqual(done.returncode, 69)

    def test_an_unknown_name(self):
        done = self.run_with_hosts(f"{LOOPBACK} other\n", "-H", "many",
                                   "search", "k")
        self.assertEqual(done.returncode, 68)
        self.assertIn("many", done.stderr)


class NoServerTest(harness.DaemonTest):
    def test_refused(self):
        done = client("-p", harness.free_port(), "search", "k")
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        self.assertIn(os.strerror(errno.ECONNREFUSED), done.stderr)
        done = client("-U", self.path("nobody"), "search", "k")
        self.assertEqual(done.returncode, 69)

    def test_a_socket_that_denies(self):
        path = self.path("socket")
        with Server(serve_yes, path):
            os.chmod(path, 0)
            os.chmod(self.directory, 0o755)
            argv = [harness.program("appmsg-client"), "-U", path, "search",
                    "k"]
            if os.getuid() == 0:
                argv[:0] = ["setpriv", "--reuid=65534", "--clear-groups"]
                if harness.run(*argv[:3], "test", "-x",
                               argv[3]).returncode != 0:
                    self.skipTest("nobody may not run the client here")
            self.assertEqual(harness.run(*argv).returncode, 77)


class TimeoutTest(harness.DaemonTest):
    def assert_timeout(self, seconds, run):
        start = time.monotonic()
        done = run()
        took = time.monotonic() - start
        self.assertEqual((done.returncode, done.stdout), (75, ""))
        self.assertIn("timed out", done.stderr)
        # Else it would end in minutes, or never.
        self.assertTrue(seconds <= took < seconds + DEADLINE / 2, took)

    def test_a_server_that_never_accepts(self):
        with Server(None) as server:
            self.assert_timeout(0.3, lambda: ask(
                server, "-t", "0.3", "search", "k"))
            self.assert_timeout(0.3, lambda: ask(
                server, "-t", ".3", "binary", "k"))

    def test_a_unix_socket_with_a_full_queue(self):
        with Server(None, self.path("socket"), backlog=0) as server:
            fillers = []
            while True:
                filler = self.enterContext(socket.socket(socket.AF_UNIX))
                filler.setblocking(False)
                fillers.append(filler)
                if filler.connect_ex(server.address) != 0:
                    break
            self.assert_timeout(0.3, lambda: ask(
                server, "-t", "0.3", "search", "k"))

    def test_a_trickle_does_not_move_the_deadline(self):
        def serve(connection):
            connection.request()
            with contextlib.suppress(OSError):
                for byte in harness.bytewise(plain_reply("x" * 100000)):
                    connection.send(byte)
                    time.sleep(0.01)

        with Server(serve) as server:
            self.assert_timeout(0.5, lambda: ask(
                server, "-t", "0.5", "search", "k"))

    def test_the_deadline_is_for_all_keys_together(self):
        def serve(connection):
            with contextlib.suppress(OSError):
                while connection.request() is not None:
                    time.sleep(0.1)
                    connection.reply("x", connection="keep-alive")

        # The time must do for two of them on a busy machine, and not for all.
        for seconds in (0.5, 1, 1.5):
            with Server(serve) as server:
                done = ask(server, "-t", seconds, "search",
                           *"abcdefghijklmnop")
            self.assertEqual(done.returncode, 75)
            if done.stdout.startswith("a\tx\nb\tx\n"):
                break
        self.assertTrue(done.stdout.startswith("a\tx\nb\tx\n"), done.stdout)

    def test_waiting_for_keys_counts(self):
        reader, writer = os.pipe()
        with Server(serve_yes) as server, os.fdopen(writer, "wb"), \
                os.fdopen(reader, "rb") as keys:
            done = subprocess.run(
                [harness.program("appmsg-client"), "-p", str(server.port),
                 "-t", "0.3", "search", "-"], stdin=keys,
                capture_output=True, timeout=DEADLINE)
        self.assertEqual((done.returncode, done.stdout), (75, b""))


    def test_a_look_up_that_hangs(self):
        """It is left alone at the deadline; an address needs none."""
        variables = shim.preload(self, STUCK_LOOK_UPS)
        run = functools.partial(client, env=environment(**variables))
        self.assert_timeout(0.3, lambda: run(
            "-H", "somewhere.example", "-t", "0.3", "search", "k"))
        with Server(serve_yes) as server:
            self.assertEqual(run("-p", server.port, "search", "k").stdout,
                             "yes\n")


class ForeignServerTest(unittest.TestCase):
    def assert_foreign(self, data, *args):
        with sender(data) as server:
            done = ask(server, *(args or ("search", "k")))
        self.assertEqual((done.returncode, done.stdout), (76, ""), data)
        self.assertNotEqual(done.stderr, "")

    def test_other_protocols_are_told_at_once(self):
        for data in (b"HTTP/1.1 400 Bad Request\r\n\r\n",
                     b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail ESMTP\r\n",
                     b"\x15\x03\x01\x00\x02\x02\x28", b"-ERR\r\n",
                     b"\0\0", b"\0\x01{", b"\0\x02[]", b"\0\x02{}"):
            with self.subTest(data):
                self.assert_foreign(data)
                self.assert_foreign(data, "binary", "k")

    def test_replies_that_are_none(self):
        for content in (b"", b"{}", b"[]", b'{"result": 7}', b'"result"',
                        b'{"result": "\xff"}', b'{"result": "\\ud800"}',
                        b'{"result": "x"', b'{"result": "x"} x'):
            with self.subTest(content):
                self.assert_foreign(request(content))
        self.assert_foreign(request(to_json({"result": "x"}),
                                    content_type="text/plain"))
        self.assert_foreign(request(b"x", content_length=1 << 62))
        self.assert_foreign(request(b"x", content_length="1"))

    def test_an_end_instead_of_a_reply(self):
        for data in (b"", b"\0", plain_reply("x")[:-1]):
            def serve(connection):
                connection.request()
                connection.send(data)

            with self.subTest(data), Server(serve) as server:
                self.assertEqual(ask(server, "search", "k").returncode, 76)

    def test_a_reset_instead_of_a_reply(self):
        def serve(connection):
            connection.request()
            connection.reset()

        with Server(serve) as server:
            self.assertEqual(ask(server, "search", "k").returncode, 76)

    def test_a_boast_takes_no_memory(self):
        """A header that announces a gigabyte, and then nothing."""
        header = to_json({"byteorder": "little", "content-type": "text/json",
                          "content-encoding": "utf-8",
                          "content-length": 1 << 30})
        with sender(harness.encode(header, b"x")) as server, subprocess.Popen(
                [harness.program("appmsg-client"), "-p", str(server.port),
                 "-t", "0.3", "search", "k"], stderr=subprocess.DEVNULL,
                env=environment()) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 75)
        self.assertLess(usage.ru_maxrss, 200 * 1024)    # in KiB


class NamedTest(harness.DaemonTest):
    """Each message names the server that it is about."""

    def assert_named(self, name, done, words):
        self.assertRegex(done.stderr, r"\A(appmsg-client: [^\n]*\n)+\Z")
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(f"appmsg-client: {name}: "), line)
        self.assertIn(words, done.stderr)

    def test_by_host_and_port(self):
        with sender(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
            self.assert_named(f"{LOOPBACK}:{server.port}",
                              ask(server, "search", "a", "b"),
                              "stopped before the key: a")
        with Server(None) as server:
            for args in (("search", "k"), ("binary", "k"), ("echo", "k")):
                self.assert_named(f"{LOOPBACK}:{server.port}",
                                  ask(server, "-t", "0.1", *args),
                                  "timed out")
        with sender(b"x") as server:
            self.assert_named(f"{LOOPBACK}:{server.port}",
                              ask(server, "echo", "k"), "connection 1: ")
        port = harness.free_port()
        self.assert_named(f"{LOOPBACK}:{port}",
                          client("-p", port, "search", "k"), "onnection")
        self.assert_named("[::1]:no-such", client(
            "-H", "::1", "-p", "no-such", "search", "k"), "service")

    def test_by_path(self):
        path = self.path("socket")
        self.assert_named(path, client("-U", path, "search", "k"),
                          os.strerror(errno.ENOENT))
        with Server(None, path) as server:
            self.assert_named(path, ask(server, "-t", "0.1", "search", "k"),
                              "timed out")


class OutputTest(unittest.TestCase):
    def run_shell(self, server, command):
        return harness.run(
            "sh", "-c", command, "sh", harness.program("appmsg-client"),
            "-p", str(server.port))

    def test_a_full_disk_is_noticed(self):
        with Server(serve_yes) as server:
            for command in ('"$@" search k >/dev/full',
                            '"$@" search k j >/dev/full',
                            '"$@" --json search k >/dev/full',
                            '"$@" --help >/dev/full',
                            '"$@" -V >/dev/full'):
                done = self.run_shell(server, command)
                self.assertEqual(done.returncode, 74, command)
                self.assertIn(os.strerror(errno.ENOSPC), done.stderr)

    def test_a_closed_output_is_noticed(self):
        with Server(serve_yes) as server:
            done = self.run_shell(server, '"$@" search k >&-')
        self.assertEqual(done.returncode, 74)

    def test_closed_streams_are_never_the_socket(self):
        def serve(connection):
            connection.request()
            connection.reply("Error: x")
            self.assertEqual(connection.to_end(), b"")

        with Server(serve) as server:
            done = self.run_shell(server, '"$@" search k <&- >&- 2>&-')
        self.assertEqual(done.returncode, 65)

    def test_a_broken_pipe_is_noticed_and_ends_it(self):
        def serve(connection):
            with contextlib.suppress(OSError):
                while connection.request() is not None:
                    connection.reply("x" * 1000, connection="keep-alive")

        with Server(serve) as server:
            done = self.run_shell(
                server, 'trap "" PIPE; yes | { "$@" search -; '
                'echo status $? >&2; } | head -n 1')
        self.assertIn("status 74", done.stderr)
        self.assertIn(os.strerror(errno.EPIPE), done.stderr)

    def test_standard_input_that_cannot_be_read(self):
        with Server(None) as server:
            for command in ('"$@" search - </', '"$@" binary - </',
                            '"$@" search - <&-'):
                done = self.run_shell(server, command)
                self.assertEqual(done.returncode, 74, command)


if __name__ == "__main__":
    harness.main()
