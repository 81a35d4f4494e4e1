#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""service=http: the numbers, for people and for programs, and for no other."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import DEADLINE, LOOPBACK, Peer


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("appmsgd", timeout=DEADLINE)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(self._path)


class Http(harness.DaemonTest):
    """One listener for messages, one for browsers, one for a monitor."""

    def setUp(self):
        super().setUp()
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 service=http",
            f"listen {self.path('http.sock')} service=http mode=0600")
        self.messages, self.http, self.unix = self.daemon.addresses

    def connection(self, address=None):
        address = address or self.http
        made = (UnixConnection(address) if isinstance(address, str) else
                http.client.HTTPConnection(*address, timeout=DEADLINE))
        self.addCleanup(made.close)
        return made

    def get(self, path, method="GET", headers=None, address=None, body=None):
        """Ask; returns the response with its body read."""
        connection = self.connection(address)
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        response.body = response.read()
        return response

    def ask(self, key):
        with Peer(self.messages) as peer:
            peer.send(harness.search(key))
            peer.to_end()

    def stats(self, address=None):
        return json.loads(self.get("/stats.json", address=address).body)

    def test_the_page_needs_nothing_from_elsewhere(self):
        response = self.get("/")
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Type"],
                         "text/html; charset=utf-8")
        with open(harness.top("src/daemon/http/page.html"), "rb") as page:
            self.assertEqual(response.body, page.read())
        self.assertNotRegex(response.body, rb"(?i)https?:|src=|@import|url\(")
        policy = response.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)

    def test_the_numbers_move(self):
        before = self.stats()
        for _ in range(3):
            self.ask("ring")
        self.ask("rung")
        after = self.stats()
        self.assertEqual(after["state"], "serving")
        self.assertEqual(after["accepted"] - before["accepted"], 4)
        counts = {(r["action"], r["outcome"]): r["count"]
                  for r in after["requests"]}
        self.assertEqual(counts["search", "found"], 3)
        self.assertEqual(counts["search", "not-found"], 1)

    def test_metrics_are_openmetrics(self):
        self.ask("ring")
        response = self.get("/metrics")
        self.assertEqual(response.status, 200)
        self.assertTrue(response.headers["Content-Type"].startswith(
            "application/openmetrics-text; version=1.0.0"))
        self.assertTrue(response.body.endswith(b"\n# EOF\n"))
        self.assertIn(b"# TYPE appmsgd_", response.body)

    def test_health(self):
        response = self.get("/healthz")
        self.assertEqual((response.status, response.body),
                         (200, b"serving\n"))

    def test_unix_socket(self):
        self.assertEqual(self.stats(self.unix)["state"], "serving")
        self.assertEqual(os.stat(self.unix).st_mode & 0o777, 0o600)

    def test_head_has_no_body(self):
        response = self.get("/", method="HEAD")
        self.assertEqual((response.status, response.body), (200, b""))

    def test_connections_stay(self):
        connection = self.connection()
        for _ in range(3):
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            self.assertEqual((response.status, response.read()),
                             (200, b"serving\n"))

    def test_other_paths(self):
        for path in ("/favicon.ico", "/stats", "//", "/..", "/%00", "/?/"):
            status = 200 if path == "/?/" else 404
            self.assertEqual(self.get(path).status, status, path)

    def test_it_only_reads(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
            self.assertIn(self.get("/", method=method).status, (405, 501),
                          method)
        self.assertEqual(self.get("/", body=b"x" * 100).status, 413)

    def test_names_are_refused(self):
        """A web page cannot read it through a name that leads here."""
        port = self.http[1]
        for host in ("127.0.0.1", f"127.0.0.1:{port}", "localhost",
                     f"LOCALHOST:{port}", "[::1]", f"[::1]:{port}"):
            self.assertEqual(self.get("/stats.json", headers={
                "Host": host}).status, 200, host)
        for host in ("evil.example", f"evil.example:{port}", "", "localhost.x",
                     "127.0.0.1.example", "[::1", "[x]", "a" * 300,
                     "[::1]evil.example", "[::1].evil", f"[::1]{port}",
                     "[::1]:", "[::1]:x", "[[::1]]", "::1", f"::1:{port}",
                     "localhost:", "localhost:80x", "localhost:80:80",
                     "localhost:-1", "localhost:evil.example",
                     "127.0.0.1:evil.example", "evil.example:80",
                     "x@localhost", "localhost/", "127.0.0.1 x", "127.1"):
            response = self.get("/stats.json", headers={"Host": host})
            self.assertEqual(response.status, 421, host)
            self.assertNotIn(b"uptime", response.body)

    def test_too_much_is_refused(self):
        response = self.get("/", headers={"X": "x" * 9000})
        self.assertIn(response.status, (400, 413, 431))

    def test_garbage(self):
        """What is not HTTP ends its connection, and nothing else."""
        for bytes_ in (b"\0\0\0\0\n\n", b"GET\r\n\r\n", b"\xff" * 20000,
                       harness.search("ring")):
            with Peer(self.http) as peer:
                with contextlib.suppress(OSError):
                    peer.send(bytes_)
                    peer.finish()
                    peer.to_end()
        self.assertEqual(self.get("/healthz").status, 200)

    def test_messages_do_not_wait_for_it(self):
        """Half a request holds up nobody."""
        with Peer(self.http) as slow:
            slow.send(b"GET / HTTP/1.1\r\nHost: local")
            self.ask("ring")
            self.assertEqual(self.get("/healthz").status, 200)

    def test_listeners_end_with_the_daemon(self):
        self.get("/healthz")
        self.daemon.stop()
        with self.assertRaises(ConnectionRefusedError):
            self.get("/healthz")
        self.assertFalse(os.path.exists(self.unix))

    def test_without_descriptors(self):
        """Pages have those that are for them, and pause without any more."""
        self.daemon.stop()
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 service=http",
            "workers 1", "limit connections 1", nofile=(80, 80))
        self.messages, self.http = self.daemon.addresses
        peers = [self.peer(self.http) for _ in range(100)]
        self.assertEqual(self.get("/healthz").status, 200)
        self.ask("ring")
        self.assertLess(self.daemon.log.count("\n"), 20)
        for peer in peers:
            peer.close()
        self.assertEqual(self.get("/healthz").status, 200)
        self.ask("ring")

    def test_the_page_shows_the_numbers(self):
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser is None:
            raise unittest.SkipTest("no chromium here")
        for _ in range(5):
            self.ask("ring")
        self.ask("<b>not there</b>")
        self.write_config("listn")
        for failed in (1, 2):
            self.daemon.hang_up()
            harness.wait_until(
                lambda n=failed: self.stats()["reloads-failed"] == n,
                "a reload has failed")
        seen = threading.Event()

        def go_on():
            # Times are those of what comes while the page is looked at.
            while not seen.wait(0.001):
                for _ in range(5):
                    self.ask("ring")
                self.ask("<b>not there</b>")

        with harness.background(go_on):
            try:
                done = subprocess.run(
                    [browser, "--headless", "--no-sandbox", "--disable-gpu",
                     f"--user-data-dir={self.path('browser')}",
                     f"--screenshot={self.path('page.png')}",
                     "--window-size=1200,1300",
                     "--virtual-time-budget=4000", "--dump-dom",
                     f"http://{LOOPBACK}:{self.http[1]}/"],
                    capture_output=True, text=True, timeout=4 * DEADLINE,
                    check=False)
            finally:
                seen.set()
        page = done.stdout
        self.assertRegex(page, r'id="state"[^>]*>serving<', done.stderr)
        self.assertRegex(page, r'id="found"[^>]*>8[34]\.[0-9]%<')
        self.assertRegex(page, r'id="p99"[^>]*>[0-9.]+ [µm]?s<')
        self.assertIn("&lt;b&gt;not there&lt;/b&gt;", page)
        self.assertNotIn("<b>not there", page)
        # Failed reloads are none of those that were done.
        self.assertRegex(page, r"were done</td><td>0</td></tr><tr>"
                         r"<td>and that failed</td><td>2<")
        for curve in ("curve", "half", "late"):
            self.assertRegex(page, f'id="{curve}" d="M[0-9.,LMh]+"')
        self.assertIn("message, write, drain</td><td>0, 0, 0, 0, 0<", page)
        self.assertNotRegex(done.stderr, r"Content Security|Uncaught")
        picture = os.environ.get("APPMSG_SCREENSHOT")
        if picture:
            shutil.copy(self.path("page.png"), picture)


class Config(harness.DaemonTest):
    """Where it may listen."""

    def test_only_where_nobody_else_looks(self):
        for line, why in (
                ("listen 0.0.0.0 0 service=http", "loopback"),
                ("listen 192.0.2.1 8080 service=http", "loopback"),
                ("listen :: 8080 service=http", "loopback"),
                (f"listen {LOOPBACK} 0 service=http keep-alive=yes",
                 "not for service=http"),
                (f"listen {LOOPBACK} 0 service=http allow=127.0.0.1",
                 "allow= is not for service=http")):
            done = harness.run(harness.program("appmsgd"), "-n", "-f",
                               self.configure(line))
            self.assertEqual(done.returncode, 78, line)
            self.assertRegex(done.stderr, rf":1: .*{why}", line)


if __name__ == "__main__":
    harness.main()
