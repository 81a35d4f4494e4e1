#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client ping: whether a server serves, how fast, and which load."""

import json
import re
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, client, no_match, to_json
from scripted import Server, ask

TIMES = r"answered in \d+\.\d{3} ms, connected in \d+\.\d{3} ms"


def replier(*args, **members):
    """A server that gives every request the same reply."""
    def serve(connection):
        while connection.request() is not None:
            connection.reply(*args, **members)
    return Server(serve)


class PingDaemon(harness.DaemonTest):
    def test_server_time_and_generation(self):
        """They rise with each reload."""
        daemon = self.start("log level=info")
        for generation in (1, 2):
            done = client("-p", daemon.port, "ping")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, rf"\A{LOOPBACK}:{daemon.port}: "
                             rf"{TIMES}, generation {generation} of "
                             r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n\Z")
            self.configure("log level=info", *["# changed"] * generation)
            daemon.hang_up()
            daemon.wait_log(rf"reloaded generation={generation + 1}")

    def test_json(self):
        daemon = self.start()
        done = client("--json", "-p", daemon.port, "ping")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        said = json.loads(done.stdout)
        self.assertEqual(list(said), ["server", "reply-ms", "connect-ms",
                                      "generation", "loaded",
                                      "generation-digest", "entries"])
        self.assertEqual((said["server"], said["generation"]),
                         (f"{LOOPBACK}:{daemon.port}", 1))
        self.assertGreaterEqual(said["reply-ms"], 0)

    def test_unix_socket_and_quiet(self):
        path = self.path("socket")
        self.start(f"listen {path}")
        self.assertRegex(client("-U", path, "ping").stdout,
                         rf"\A{re.escape(path)}: {TIMES}, generation 1 of ")
        done = client("-q", "-U", path, "ping")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "", ""))


class PingServers(unittest.TestCase):
    """Servers that are others, or in no good state."""

    def test_what_is_asked(self):
        """The empty key, in one request, on a connection that closes."""
        seen = []

        def serve(connection):
            while (got := connection.request()) is not None:
                seen.append(got)
                connection.reply(no_match(""))

        with Server(serve) as server:
            ask(server, "ping")
        (header, content), = seen
        self.assertEqual(content, to_json({"action": "search", "value": ""}))
        self.assertEqual((header["connection"], header["explain"]),
                         ("close", True))

    def test_one_without_generations(self):
        """As an original of the tutorial; also where its table has the key."""
        for text in (no_match(""), "No match for ''.", "an answer"):
            with replier(text) as server:
                done = ask(server, "ping")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, TIMES + r"\n\Z")

    def test_what_is_no_answer(self):
        for status, code in (("error", 65), ("busy", 75),
                             ("unavailable", 75), ("denied", 77)):
            for options in ((), ("--json",), ("-q",)):
                with replier("not\tnow", status=status) as server:
                    done = ask(server, *options, "ping")
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertEqual(done.stderr, "appmsg-client: "
                                 f"{LOOPBACK}:{server.port}: not\\tnow\n")
        with replier("Error: no") as server:
            self.assertEqual(ask(server, "ping").returncode, 65)

    def test_nobody_and_nonsense(self):
        with Server(lambda connection: connection.send(b"no")) as server:
            done = ask(server, "ping")
            self.assertEqual((done.returncode, done.stdout), (76, ""))
        done = ask(server, "ping")
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        self.assertIn(f"{LOOPBACK}:{server.port}: cannot connect",
                      done.stderr)

    def test_silence(self):
        with Server(lambda connection: connection.to_end()) as server:
            done = ask(server, "-t", "0.2", "ping")
        self.assertEqual((done.returncode, done.stdout), (75, ""))

    def test_hostile_members(self):
        """They are not printed, or escaped."""
        with replier(no_match(""), generation="1\x1b", loaded=7) as server:
            self.assertRegex(ask(server, "ping").stdout, TIMES + r"\n\Z")
        with replier(no_match(""), generation=1, loaded="\x1b[m") as server:
            self.assertIn("generation 1 of \\x1b[m\n",
                          ask(server, "ping").stdout)

    def test_wrong_calls(self):
        for args, words in ((("ping", "example.org"), "behind -H"),
                            (("ping", "-m", "exact"), "for search and bench only"),
                            (("ping", "-c", "2"), "for echo and bench only")):
            done = client(*args)
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    harness.main()
