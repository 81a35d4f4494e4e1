#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables on other machines where nobody is.

Nothing waits for them: neither start nor reload nor a lookup elsewhere; and
what only they might know is "unavailable", and never a miss.
"""

import json
import os
import re
import socket
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import answer, ask_reply, request, search, to_json

CLOSE = ("connection", "close")
UNAVAILABLE = ("status", "unavailable")
DOWN = 'Error: the table "shared" cannot be asked now.'


class Down(harness.DaemonTest):
    """A daemon with a table that nobody has, between two that are here."""

    def setUp(self):
        super().setUp()
        self.write("behind.tsv", "behind\there\n")
        nobody = socket.socket()        # it never listens
        nobody.bind((harness.LOOPBACK, 0))
        self.addCleanup(nobody.close)
        self.server = f"{harness.LOOPBACK}:{nobody.getsockname()[1]}"

    def table(self, *options, name="shared"):
        return " ".join((f"table {name} redis {self.server}", *options))

    def serve(self, *lines, **kwargs):
        return self.start(self.control_line(), *lines,
                          "table behind file behind.tsv",
                          answers=[answer("here", "yes")], **kwargs)

    def reload(self, *lines):
        listen = f"listen {harness.LOOPBACK} 0"
        self.write_config(listen, self.control_line(), *lines,
                          "table behind file behind.tsv",
                          answer("here", "yes"))
        return self.control("reload")

    def ask_kept(self, daemon, key, **members):
        content = to_json({"action": "search", "value": key, **members})
        return ask_reply(daemon.address, request(content, connection="close"))

    def assert_says(self, daemon, key, result, *extra, **members):
        reply = self.ask_kept(daemon, key, **members)
        self.assert_answer(reply, result, CLOSE, *extra)

    def test_answers(self):
        """What is before it is answered; what is behind it may be hidden."""
        daemon = self.serve(self.table())
        found = ("status", "found")
        self.assert_says(daemon, "here", "yes", found)
        self.assert_says(daemon, "behind", DOWN, UNAVAILABLE)
        self.assert_says(daemon, "none", DOWN, UNAVAILABLE)
        self.assert_says(daemon, "behind", "here", found, table="behind")
        self.assert_says(daemon, "none", DOWN, UNAVAILABLE, table="shared")
        reply = ask_reply(daemon.address, search("none"))
        self.assert_answer(reply, DOWN)

    def test_empty_key(self):
        """It is no table's: a daemon that serves says so, whoever is down."""
        daemon = self.serve(self.table())
        missed = harness.no_match("")
        for members in ({}, {"table": "shared"}, {"suggest": 3}):
            reply = self.ask_kept(daemon, "", **members)
            self.assertEqual((reply.result, dict(reply.extra)["status"]),
                             (missed, "not-found"))
        self.assert_answer(ask_reply(daemon.address, search("")), missed)
        host, port = daemon.address
        done = harness.run(harness.program("appmsg-client"), "-H", host,
                           "-p", str(port), "ping")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        told = self.control("explain", "")
        self.assertNotIn("shared", told.stdout + told.stderr)

    def test_explained_and_counted(self):
        daemon = self.serve(self.table())
        reply = ask_reply(daemon.address, search("none", explain=True))
        self.assertEqual(
            {name: reply.header[name] for name in ("table", "source",
                                                   "generation")},
            {"table": "shared", "source": "redis", "generation": 1})
        cause = reply.header["cause"]
        self.assertIn(cause, ("down", "deadline"))
        self.assertEqual(reply.result, DOWN)
        done = self.control("stats", "--openmetrics")
        self.assertIn(f'appmsgd_unavailable_total{{cause="{cause}"}} 1\n',
                      done.stdout)

    def test_told(self):
        """By tables, in their order, status, stats and metrics."""
        self.serve(self.table(), self.table("live=yes", name="other"))
        self.maxDiff = None
        lines = self.control("tables").stdout.splitlines()
        self.assertEqual([line.split()[:2] for line in lines],
                         [["table", "kind"], ["main", "answer"],
                          ["shared", "redis"], ["other", "redis"],
                          ["behind", "file"]])
        self.assertIn(self.server, lines[2])
        told = json.loads(self.control("--json", "tables").stdout)
        row = told["tables"][1]
        self.assertEqual(
            {name: row[name] for name in ("servers", "prefix", "live",
                                          "entries", "ways")},
            {"servers": [self.server], "prefix": "appmsg:shared:",
             "live": False, "entries": 0, "ways": ["exact"]})
        self.assertIn("remote       0 of 2 tables up\n",
                      self.control("status").stdout)
        told = json.loads(self.control("--json", "status").stdout)
        self.assertEqual((told["remote-tables"], told["remote-tables-up"]),
                         (2, 0))
        stats = self.control("stats").stdout
        self.assertIn("remote       0 of 2 tables up, ", stats)
        self.assertIn("unavailable  0 deadline, 0 down, ", stats)
        metrics = self.control("stats", "--openmetrics").stdout
        self.assertIn('appmsgd_table_up{table="other",kind="redis"} 0\n',
                      metrics)
        self.assertNotIn('table_entries{table="shared"', metrics)

    def test_explained_to_the_administrator(self):
        self.serve(self.table())
        done = self.control("explain", "none")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r'\Athe table "shared" cannot be asked '
                         r"now: (down|deadline)\n\Z")
        told = self.control("--json", "explain", "behind")
        self.assertEqual(told.returncode, 1)
        told = json.loads(told.stdout)
        self.assertEqual((told["generation"], told["table"]), (1, "shared"))
        self.assertIn(told["cause"], ("down", "deadline"))
        done = self.control("explain", "here")
        self.assertEqual(done.returncode, 0, done)

    def test_access_log(self):
        log = self.path("access.log")
        daemon = self.serve(self.table(), f"log access={log}")
        ask_reply(daemon.address, search("none"))
        daemon.stop()
        with open(log) as file:
            self.assertRegex(file.read(), r'key="none" status=unavailable '
                             r"table=shared bytes=\d+ ")

    def test_only_for_some(self):
        """For whom it is not there, there is a miss."""
        daemon = self.serve(self.table("allow=10.0.0.1"))
        missed = ("status", "not-found")
        self.assert_says(daemon, "none", harness.no_match("none"), missed)
        reply = self.ask_kept(daemon, "none", table="shared")
        self.assertEqual(reply.header["status"], "denied")

    def test_exact_only(self):
        daemon = self.serve(self.table())
        reply = self.ask_kept(daemon, "none", table="shared", match="prefix")
        self.assertEqual(reply.header["error"], "not-allowed")

    def test_reload(self):
        """It is changed, taken away, and brought back."""
        daemon = self.serve(self.table())
        self.assertEqual(self.reload(self.table("cache=no")).returncode, 0)
        self.assert_says(daemon, "none", DOWN, UNAVAILABLE)
        self.assertEqual(self.reload().returncode, 0)
        self.assert_says(daemon, "behind", "here", ("status", "found"))
        done = self.reload(self.table(), self.table(name="two"))
        self.assertEqual(done.returncode, 0, done)
        self.assert_says(daemon, "none", DOWN, UNAVAILABLE)

    def test_diff(self):
        self.serve(self.table(), self.table(name="gone"))
        listen = f"listen {harness.LOOPBACK} 0"
        self.write_config(listen, self.control_line(),
                          self.table("cache=no"), self.table(name="new"),
                          "table behind file behind.tsv",
                          answer("here", "yes"))
        done = self.control("diff")
        self.assertEqual((done.returncode, done.stdout), (
            0, "a reload would change generation 1: +0 added -0 removed "
            "~0 changed\n- gone, on other machines\n"
            "~ shared, on other machines\n+ new, on other machines\n"))
        told = json.loads(self.control("--json", "diff").stdout)
        self.assertEqual(told["remote"], [
            {"change": "removed", "table": "gone"},
            {"change": "changed", "table": "shared"},
            {"change": "added", "table": "new"}])

    def test_the_first_one_needs_a_restart(self):
        daemon = self.serve()
        done = self.reload(self.table())
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, re.escape(daemon.config) + ":3: a reload"
                         " cannot bring the first table on other machines, "
                         "which the sandbox keeps it from; restart for that")
        self.assert_says(daemon, "behind", "here", ("status", "found"))

    def test_password_that_others_may_read(self):
        path = self.write("secret", "s3cret\n")
        os.chmod(path, 0o644)
        daemon = self.serve(self.table("password-file=secret"))
        daemon.wait_log(rf"others may read the password in {path} "
                        r"\(mode 0644\)")
        self.assertNotIn("s3cret", daemon.log)


if __name__ == "__main__":
    harness.main()
