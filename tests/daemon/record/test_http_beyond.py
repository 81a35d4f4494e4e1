#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""service=http beyond loopback: for whom, under which names, and what."""

import os
import socket
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import DEADLINE, LOOPBACK
from test_http import HttpTest, asking, parse


class Beyond(HttpTest):
    """A listener that others than this machine may reach."""

    def serve(self, *lines):
        self.daemon = self.start(
            f"listen {LOOPBACK} 0",
            "listen 0.0.0.0 0 service=http allow=127.0.0.0/31,192.0.2.0/24 "
            "names=lookup.example.org,b", *lines)
        self.messages, (_, port) = self.daemon.addresses
        self.http = (LOOPBACK, port)

    def test_names(self):
        for host, status in (
                ("lookup.example.org", 200), ("LOOKUP.EXAMPLE.ORG:80", 200),
                ("b", 200), (LOOPBACK, 200), ("10.1.2.3:8080", 200),
                ("[2001:db8::1]", 200), ("localhost", 421),
                ("lookup.example.org.evil.example", 421),
                ("evil.example", 421), ("lookup.example.org,b", 421)):
            response = self.get("/stats.json", headers={"Host": host})
            self.assertEqual(response.status, status, host)

    def test_no_keys(self):
        """Nor what may name one, unless a line says so."""
        self.ask("a secret")
        self.write_config('answer "a secret" "x" "y"')
        self.daemon.hang_up()
        harness.wait_until(lambda: self.stats()["reloads-failed"] == 1,
                           "a reload has failed")
        for path in ("/stats.json", "/history.json", "/metrics", "/"):
            self.assertNotIn(b"secret", self.get(path).body)
        told = self.stats()
        self.assertNotIn("hot-keys", told)
        self.assertNotIn("top-misses", told)
        self.assertEqual(sorted(told["last-reload"]), ["outcome", "problems",
                                                       "time"])
        self.daemon.stop()
        self.daemon = self.start(
            f"listen {LOOPBACK} 0",
            "listen 0.0.0.0 0 service=http keys=yes allow=127.0.0.1")
        self.messages, (_, port) = self.daemon.addresses
        self.http = (LOOPBACK, port)
        self.ask("a secret")
        self.assertEqual(self.stats()["top-misses"][0]["key"], "a secret")

    def test_others_are_denied(self):
        """Told so, and logged once."""
        for _ in range(3):
            with socket.create_connection(
                    self.http, DEADLINE, ("127.0.0.9", 0)) as sock:
                sock.sendall(asking("GET /stats.json HTTP/1.1"))
                with sock.makefile("rb") as file:
                    response, = parse(file.read())
            self.assertEqual((response.status, response.body),
                             (403, b"You are not allowed here.\n"))
        self.daemon.wait_log("connection denied service=http "
                             "peer=127.0.0.9:")
        self.assertEqual(self.daemon.log.count("connection denied"), 1)
        self.assertEqual(self.get("/healthz").status, 200)

    def test_denied_ones_are_few(self):
        """Who may not look and does not go holds nothing up."""
        denied = []
        for _ in range(100):
            denied.append(socket.create_connection(
                self.http, DEADLINE, ("127.0.0.9", 0)))
            self.addCleanup(denied[-1].close)
        harness.wait_until(lambda: self.get("/healthz").status == 200,
                           "others are served")
        harness.needs_proc()
        fds = os.listdir(f"/proc/{self.daemon.pid}/fd")
        self.assertLess(len(fds), 60)
        self.daemon.terminate()
        for sock in denied:
            sock.close()
        self.assertEqual(self.daemon.wait(), 0)


class Rules(HttpTest):
    """allow= and deny= of several, which a reload changes."""

    def lines(self, *rules):
        places = ("0.0.0.0 0 names=localhost", self.path("one"),
                  f"{LOOPBACK} 0")
        return (f"listen {LOOPBACK} 0", self.control_line(),
                *(f"listen {place} service=http {rule}"
                  for place, rule in zip(places, rules)))

    def serve(self, *lines):
        self.daemon = self.start(*self.lines("allow=127.0.0.1", "", ""),
                                 *lines)

    def statuses(self):
        """What each listener says to this process."""
        found = []
        for address in self.daemon.addresses[1:]:
            unix = isinstance(address, str)
            family = socket.AF_UNIX if unix else socket.AF_INET
            with socket.socket(family) as sock:
                sock.settimeout(DEADLINE)
                sock.connect(address if unix else (LOOPBACK, address[1]))
                sock.sendall(asking("GET /healthz HTTP/1.1",
                                    "Connection: close"))
                with sock.makefile("rb") as file:
                    response, = parse(file.read())
                found.append(response.status)
        return found

    def test_reloads(self):
        self.assertEqual(self.statuses(), [200, 200, 200])
        own = f"user:{os.geteuid()}"
        for rules, statuses in (
                (("allow=10.0.0.0/8", f"allow={own}", "deny=127.0.0.1"),
                 [403, 200, 403]),
                (("allow=127.0.0.0/8 deny=127.0.0.1", f"deny={own}",
                  "deny=::1"), [403, 403, 200]),
                (("allow=0.0.0.0/0", "deny=group:4294967294", ""),
                 [200, 200, 200])):
            self.configure(*self.lines(*rules))
            done = self.control("reload")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(self.statuses(), statuses, rules)


class Config(harness.DaemonTest):
    """Where it may listen."""

    def test_who_may_look_is_named(self):
        for line, why in (
                ("listen 0.0.0.0 0 service=http", "needs allow="),
                ("listen 192.0.2.1 8080 service=http", "needs allow="),
                ("listen :: 8080 service=http names=x", "needs allow="),
                (f"listen {LOOPBACK} 0 service=http keep-alive=yes",
                 "not for service=http"),
                (f"listen {LOOPBACK} 0 service=http names=a:80",
                 "not a host name"),
                (f"listen {LOOPBACK} 0 keys=no", "is for service=http")):
            done = harness.run(harness.program("appmsgd"), "-n", "-f",
                               self.configure(line))
            self.assertEqual(done.returncode, 78, line)
            self.assertRegex(done.stderr, rf":1: .*{why}", line)
            self.assertNotIn("warning", done.stderr, line)


if __name__ == "__main__":
    harness.main()
