#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client tables: which tables a server lets this client ask."""

import json
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, client, request, to_json
from scripted import Server, ask


def replier(content, **members):
    """A server that says this to everybody."""
    def serve(connection):
        if connection.request() is not None:
            connection.send(request(to_json(content), connection="close",
                                    **members))

    return Server(serve)


class Daemons(harness.DaemonTest):
    """Of appmsgd, and of the tutorial's server."""

    def assert_done(self, done, status, stdout, stderr=""):
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         (stdout, stderr, status))

    def serve(self, *lines, answers=harness.TUTORIAL_LINES):
        self.write("words.tsv", "a\t1\n")
        return self.start(*lines, answers=answers)

    def test_names(self):
        """In the order that they are asked in."""
        daemon = self.serve("table words file words.tsv",
                            "table also.these file words.tsv",
                            "table hr file words.tsv allow=10.0.0.0/8")
        for shape in ((), ("--tsv",), ("-q",), ("--color=always",)):
            self.assert_done(client("-p", daemon.port, *shape, "tables"), 0,
                             "main\nwords\nalso.these\n")
        done = client("-p", daemon.port, "--json", "tables")
        self.assert_done(done, 0, done.stdout)
        names = ["main", "words", "also.these"]
        self.assertEqual(
            json.loads(done.stdout),
            {"found": True, "status": "found", "result": "\n".join(names),
             "tables": names})
        self.assertEqual(done.stdout.count("\n"), 1)
        for name in names:
            self.assertEqual(
                client("-p", daemon.port, "-T", name, "search",
                       "x").returncode, 1)

    def test_none(self):
        daemon = self.serve(f"listen {LOOPBACK} 0", answers=())
        done = client("-p", daemon.port, "tables")
        self.assert_done(done, 1, "", f"appmsg-client: {LOOPBACK}:"
                         f"{daemon.port}: no table may be asked\n")
        self.assert_done(client("-p", daemon.port, "-q", "tables"), 1, "")
        done = client("-p", daemon.port, "--json", "tables")
        self.assertEqual(json.loads(done.stdout), {
            "found": False, "status": "not-found", "result": "No tables.",
            "tables": []})
        self.assertEqual(done.returncode, 1)

    def test_over_a_unix_socket(self):
        path = self.path("sock")
        self.serve(f"listen {path}", "table words file words.tsv")
        self.assert_done(client("-U", path, "tables"), 0, "main\nwords\n")

    def test_the_tutorials_server(self):
        port = self.original("app-server.py", LOOPBACK, "PORT")
        done = client("-p", port, "tables")
        self.assertEqual((done.returncode, done.stdout), (65, ""))
        self.assertIn('invalid action "tables"', done.stderr)


class Replies(unittest.TestCase):
    """Of any server."""

    def assert_told(self, exit_status, words, content, **members):
        with replier(content, **members) as server:
            done = ask(server, "tables")
        self.assertEqual((done.returncode, done.stdout), (exit_status, ""),
                         done)
        self.assertIn(words, done.stderr)
        self.assertTrue(done.stderr[:-1].isprintable(), done.stderr)

    def test_failures(self):
        for members, status in (
                ({"status": "error", "error": "bad-action"}, 65),
                ({"status": "busy"}, 75), ({"status": "unavailable"}, 75),
                ({"status": "denied"}, 77)):
            with self.subTest(members):
                self.assert_told(status, "Error: so\\x1b.",
                                 {"result": "Error: so\x1b."}, **members)
                with replier({"result": "x"}, **members) as server:
                    done = ask(server, "--json", "tables")
                self.assertEqual(done.returncode, status)
                self.assertEqual(json.loads(done.stdout), {
                    "found": False, **members, "result": "x"})

    def test_one_that_does_not_know_it(self):
        self.assert_told(65, 'Error: invalid action',
                         {"result": 'Error: invalid action "tables".'})
        for status in ({"status": "found"}, {"status": "not-found"}, {}):
            self.assert_told(76, "does not know the action tables",
                             {"result": "x"}, **status)

    def test_what_are_no_names(self):
        for tables in (None, "a", {"a": 1}, [1], ["a", None], [["a"]]):
            with self.subTest(tables):
                self.assert_told(76, "reply",
                                 {"result": "", "tables": tables},
                                 status="found")
        self.assert_told(76, "reply", {"tables": ["a"]}, status="found")

    def test_hostile_names(self):
        names = ["a\nb", "\x1b[2J", "\t", "\u202e", "c\0d", ""]
        with replier({"result": "x", "tables": names},
                     status="found") as server:
            done = ask(server, "tables")
        self.assertEqual(done.stdout, "a\\nb\n\\x1b[2J\n\\t\n\\u{202e}\n"
                                      "c\\x00d\n\n")

    def test_what_is_asked(self):
        seen = []

        def serve(connection):
            seen.append(connection.request())
            connection.send(request(to_json(
                {"result": "a", "tables": ["a"]}), status="found",
                connection="close"))

        with Server(serve) as server:
            ask(server, "tables")
        (header, content), = seen
        self.assertEqual(json.loads(content), {"action": "tables"})
        self.assertEqual(header["connection"], "close")

    def test_wrong_calls(self):
        for args, words in ((("tables", "x"), "tables takes no text"),
                            (("-m", "prefix", "tables"),
                             "search and bench only"),
                            (("-T", "x", "tables"),
                             "search and bench only"),
                            (("-c", "2", "tables"), "echo and bench only")):
            with self.subTest(args):
                done = client(*args)
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    harness.main()
