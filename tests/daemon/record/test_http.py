#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""service=http: the numbers, for people and for programs, and for no other."""

import contextlib
import email.utils
import http.client
import json
import os
import re
import socket
import sys
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import openmetrics
from harness import DEADLINE, LOOPBACK, Peer


def asking(first, *fields):
    """A request of these lines, and a Host:."""
    lines = [first, "Host: localhost", *fields, "", ""]
    return "\r\n".join(lines).encode()


class Response:
    """One of those that a peer got."""

    def __init__(self, head):
        first, *fields = head.decode().split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 ([0-9]{3}) [A-Za-z ]+", first)
        assert found, first
        self.status = int(found[1])
        self.headers = dict(field.split(": ", 1) for field in fields)
        assert len(self.headers) == len(fields), fields
        assert email.utils.parsedate_to_datetime(self.headers["Date"])
        self.length = int(self.headers["Content-Length"])
        self.body = b""


def parse(data, heads=()):
    """All responses in some bytes; those to HEAD are told by their number."""
    responses = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, head
        response = Response(head)
        if len(responses) not in heads:
            response.body = data[:response.length]
            assert len(response.body) == response.length, response.body
            data = data[response.length:]
        responses.append(response)
    return responses


def receive(peer):
    """The next response, to GET; the connection stays."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += peer.receive(1)
    response = Response(data[:-4])
    response.body = peer.receive(response.length)
    return response


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("appmsgd", timeout=DEADLINE)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(self._path)


class HttpTest(harness.DaemonTest):
    """A daemon with its pages, and who looks at them."""

    def setUp(self):
        super().setUp()
        self.serve()

    def serve(self, *lines):
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 service=http",
            f"listen {self.path('http.sock')} service=http mode=0600", *lines)
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

    @staticmethod
    def replies(address, *pieces, heads=()):
        """All responses to what is sent, of which the last one closes."""
        with Peer(address) as peer:
            peer.send_pieces(pieces)
            return parse(peer.to_end(), heads)

    def ask(self, key):
        with Peer(self.messages) as peer:
            peer.send(harness.search(key))
            peer.to_end()

    def stats(self, address=None):
        return json.loads(self.get("/stats.json", address=address).body)


class Http(HttpTest):
    """One listener for messages, one for browsers, one for a monitor."""

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

    def test_tables(self):
        """As appmsgctl tells of them, but for what it counts then."""
        told = harness.wait_until(
            lambda: [row for row in self.stats()["tables"]
                     if "hidden" in row], "what they hide is counted")
        self.assertEqual([sorted(row) for row in told], [
            ["bytes", "digest", "entries", "hidden", "kind", "loaded",
             "table", "ways"]] * len(told))
        self.assertEqual(told[0]["ways"][:2], ["exact", "prefix"])
        self.assertEqual([(row["table"], row["kind"], row["entries"])
                          for row in told],
                         [("main", "answer", len(harness.TUTORIAL_LINES))])

    def test_metrics_are_openmetrics(self):
        self.ask("ring")
        response = self.get("/metrics")
        self.assertEqual(response.status, 200)
        self.assertTrue(response.headers["Content-Type"].startswith(
            "application/openmetrics-text; version=1.0.0"))
        self.assertTrue(response.body.endswith(b"\n# EOF\n"))
        self.assertIn(b"# TYPE appmsgd_", response.body)

    def test_metrics_are_what_they_were(self):
        """Who would rather have text/plain gets it, with all that is in
        OpenMetrics."""
        self.ask("ring")
        plain = "text/plain;version=0.0.4;q=0.6"
        response = self.get("/metrics", headers={
            "Accept": "application/openmetrics-text;q=0.5," + plain})
        self.assertEqual(response.headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        lines = response.body.decode().splitlines()
        for line in lines:
            self.assertRegex(line, "^# (TYPE|HELP) [a-z_]+ |"
                             r"^[a-z_]+(\{[^}]*\})? [0-9.]+$")
        types = {line.split()[2]: line.split()[3] for line in lines
                 if line.startswith("# TYPE ")}
        self.assertEqual(set(types.values()), {"gauge", "counter",
                                               "histogram"})
        samples = {re.split("[ {]", line)[0] for line in lines
                   if not line.startswith("#")}
        for sample in samples:
            family = re.sub("_(bucket|sum|count)$", "", sample)
            kind = types.get(sample) or types[family]
            self.assertEqual(kind == "counter", sample.endswith("_total"))
        accept = {"Accept": "application/openmetrics-text," + plain}
        new = self.get("/metrics", headers=accept).body.decode()
        self.assertEqual(samples, {
            re.split("[ {]", line)[0] for line in new.splitlines()
            if not line.startswith("#")})

    def test_the_process(self):
        """What it takes of the system, within the sandbox."""
        harness.needs_proc()
        before = time.time()
        got = openmetrics.read(self.get("/metrics").body.decode())

        def value(name):
            return got["process_" + name].value()

        fds = len(os.listdir(f"/proc/{self.daemon.pid}/fd"))
        self.assertTrue(fds - 2 <= value("open_fds") <= fds + 2)
        self.assertGreater(value("max_fds"), value("open_fds"))
        resident = harness.resident(self.daemon.pid)
        self.assertTrue(resident / 2 < value("resident_memory_bytes") <
                        resident * 2)
        self.assertGreater(value("virtual_memory_bytes"),
                           value("resident_memory_bytes"))
        self.assertTrue(0 < value("cpu_seconds") < 1000)
        self.assertTrue(before - 1000 < value("start_time_seconds") <=
                        time.time())
        told = self.stats()["process"]
        self.assertEqual(told["descriptors-limit"], value("max_fds"))
        self.assertEqual(sorted(told), [
            "cpu-us", "descriptors", "descriptors-limit", "resident-bytes",
            "virtual-bytes"])

    def test_the_past(self):
        """What came is in the second that it came in, and stays."""
        def known():
            return json.loads(self.get("/history.json").body)

        harness.wait_until(lambda: known()["seconds"]["age-ms"],
                           "a second is over", poll=0.05)
        for _ in range(3):
            self.ask("ring")
        harness.wait_until(lambda: sum(known()["seconds"]["requests"]) == 3,
                           "they are in it", poll=0.05)
        seconds = known()["seconds"]
        lengths = {len(column) for column in seconds.values()}
        self.assertEqual(len(lengths), 1, seconds)
        self.assertEqual(sorted(seconds["age-ms"], reverse=True),
                         seconds["age-ms"])
        self.assertEqual([n > 0 for n in seconds["requests"]],
                         [us > 0 for us in seconds["p99-us"]])
        self.assertEqual(sorted(known()["tens"]), sorted(seconds))

    def test_health(self):
        response = self.get("/healthz")
        self.assertEqual((response.status, response.body),
                         (200, b"serving\n"))

    def test_unix_socket(self):
        self.assertEqual(self.stats(self.unix)["state"], "serving")
        self.assertEqual(os.stat(self.unix).st_mode & 0o777, 0o600)

    def test_head_has_no_body(self):
        for path in ("/", "/stats.json", "/metrics", "/x"):
            self.replies(self.http, asking(
                f"HEAD {path} HTTP/1.1", "Connection: close"), heads=[0])
            whole, bare = (self.get(path, method=method)
                           for method in ("GET", "HEAD"))
            self.assertEqual(bare.status, whole.status, path)
            self.assertEqual(bare.headers["Content-Type"],
                             whole.headers["Content-Type"])
            self.assertGreater(int(bare.headers["Content-Length"]), 0)

    def test_connections_stay(self):
        connection = self.connection()
        for _ in range(3):
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            self.assertEqual((response.status, response.read()),
                             (200, b"serving\n"))

    def test_connections_close(self):
        for request in (asking("GET / HTTP/1.1", "Connection: close"),
                        asking("GET / HTTP/1.0")):
            response, = self.replies(self.http, request)
            self.assertEqual(response.status, 200)
            self.assertEqual(response.headers["Connection"], "close")

    def test_the_old_may_stay(self):
        with Peer(self.http) as peer:
            for _ in range(2):
                peer.send(asking("GET /healthz HTTP/1.0",
                                 "Connection: keep-alive"))
                response = receive(peer)
                self.assertEqual(response.headers["Connection"],
                                 "keep-alive")

    def test_pipelining(self):
        """Replies keep their order, however the requests are cut."""
        paths = ["/healthz", "/x", "/metrics", "/"] * 5
        data = b"".join(asking(f"GET {path} HTTP/1.1") for path in paths)
        data += asking("HEAD / HTTP/1.1", "Connection: close")
        for address in (self.http, self.unix):
            for pieces in ([data], [data[:700], data[700:]],
                           harness.bytewise(data)):
                got = self.replies(address, *pieces, heads=[len(paths)])
                self.assertEqual([len(r.body) > 1000 for r in got[:-1]],
                                 [len(path) == 1 or "m" in path
                                  for path in paths])
                self.assertEqual([r.status for r in got],
                                 [404 if path == "/x" else 200
                                  for path in paths] + [200])

    def test_turns(self):
        """What is left when a turn ends needs no more bytes to go on."""
        self.daemon.stop()
        self.serve("limit pipeline 1")
        first = asking("GET /healthz HTTP/1.1", "X: " + "y" * 500)
        for address in (self.http, self.unix):
            with Peer(address) as peer:
                peer.send(first[:500])
                # It is read by the thread that answers this.
                self.assertEqual(self.get("/healthz").status, 200)
                peer.send(first[500:] + asking("GET /x HTTP/1.1") * 3)
                for status in (200, 404, 404, 404):
                    self.assertEqual(receive(peer).status, status)

    def test_half_close(self):
        """What was asked is answered, a part of it is told to be one."""
        for address in (self.http, self.unix):
            whole = asking("GET /healthz HTTP/1.1")
            for data, statuses in ((whole * 2, [200, 200]),
                                   (whole + whole[:-1], [200, 400]),
                                   (b"\r\n", []), (b"", []), (b"G", [400])):
                with Peer(address) as peer:
                    peer.send(data)
                    peer.finish()
                    self.assertEqual(
                        [r.status for r in parse(peer.to_end())], statuses,
                        data)

    def test_other_paths(self):
        for path in ("/favicon.ico", "/stats", "//", "/..", "/%00", "/?/"):
            status = 200 if path == "/?/" else 404
            self.assertEqual(self.get(path).status, status, path)

    def test_it_only_reads(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
            response = self.get("/", method=method)
            self.assertEqual(response.status, 405, method)
            self.assertEqual(response.headers["Allow"], "GET, HEAD")
            response = self.get("/", method=method, body=b"x" * 100)
            self.assertEqual(response.status, 405, method)
        self.assertEqual(self.get("/", method="BREW").status, 501)
        self.assertEqual(self.get("/", body=b"x" * 100).status, 413)

    def test_names_are_refused(self):
        """A web page cannot read it through a name that leads here."""
        port = self.http[1]
        for host in ("127.0.0.1", f"127.0.0.1:{port}", "localhost",
                     f"LOCALHOST:{port}", "[::1]", f"[::1]:{port}"):
            self.assertEqual(self.get("/stats.json", headers={
                "Host": host}).status, 200, host)
        for host in ("evil.example", f"evil.example:{port}", "", "localhost.x",
                     "127.0.0.1.example", "[x]", "a" * 300, "[::1]:",
                     "localhost:", "evil.example:80", "127.1"):
            response = self.get("/stats.json", headers={"Host": host})
            self.assertEqual(response.status, 421, host)
            self.assertNotIn(b"uptime", response.body)
        # Those are no hosts at all.
        for host in ("[::1", "[::1]evil.example", "[::1].evil",
                     f"[::1]{port}", "[::1]:x", "[[::1]]", "::1",
                     f"::1:{port}", "localhost:80x", "localhost:80:80",
                     "localhost:-1", "localhost:evil.example",
                     "127.0.0.1:evil.example", "x@localhost", "localhost/",
                     "127.0.0.1 x"):
            response = self.get("/stats.json", headers={"Host": host})
            self.assertEqual(response.status, 400, host)
            self.assertNotIn(b"uptime", response.body)

    def test_targets_name_hosts(self):
        """Of two names that of the target counts."""
        for target, host, status in (
                ("http://localhost/healthz", "evil.example", 200),
                ("http://evil.example/healthz", "localhost", 421),
                ("https://localhost/healthz", "localhost", 421),
                ("http://x@localhost/healthz", "localhost", 400)):
            self.assertEqual(self.get(target, headers={
                "Host": host}).status, status, target)

    def test_names_on_unix_sockets(self):
        """Who can connect there is let in, under any name."""
        for host, status in (("evil.example", 200), ("", 200), ("a/b", 400)):
            self.assertEqual(self.get("/healthz", address=self.unix, headers={
                "Host": host}).status, status, host)

    def test_too_much_is_refused(self):
        self.assertEqual(self.get("/", headers={"X": "x" * 9000}).status, 431)
        self.assertEqual(self.get("/" + "x" * 9000).status, 414)
        self.assertEqual(self.get("/", headers={"X": "x" * 7000}).status, 200)

    def test_what_is_no_request(self):
        for data, status in (
                (b"GET /\r\n\r\n", 400), (b"GET / HTTP/1.1\n\n", 400),
                (b"\x16\x03\x01\2\0\1\0\1\xfc", 400),
                (b"GET / HTTP/1.1\r\n\r\n", 400),
                (b"GET / HTTP/1.1\r\nHost: localhost\r\n x: y\r\n", 400),
                (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
                (asking("GET / HTTP/1.1", "Transfer-Encoding: br"), 501)):
            response, = self.replies(self.http, data, data)
            self.assertEqual(response.status, status, data)
            self.assertEqual(response.headers["Connection"], "close")

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

    def test_drain_ends_idle_ones(self):
        """Connections that only wait do not hold up the end."""
        peers = [self.peer(address) for address in (self.http, self.unix)
                 for _ in range(3)]
        for peer in peers:
            peer.send(asking("GET /healthz HTTP/1.1"))
            self.assertEqual(receive(peer).status, 200)
        self.daemon.terminate()
        for peer in peers:
            peer.ended()
        self.assertEqual(self.daemon.wait(), 0)

    def test_drain_finishes_requests(self):
        """What was begun is answered, and told that it is the last one."""
        for address in (self.http, self.unix):
            data = asking("GET /healthz HTTP/1.1")
            with Peer(address) as peer:
                peer.send(data * 2)
                self.assertEqual(receive(peer).status, 200)
                self.assertEqual(receive(peer).status, 200)
                peer.send(data[:20])
                # The one in that thread is behind it.
                self.assertEqual(self.get("/healthz").status, 200)
                self.daemon.terminate()
                harness.wait_until(
                    lambda: not harness.is_listening(self.http[1]),
                    "nobody listens any more")
                peer.send(data[20:])
                response, = parse(peer.to_end())
                self.assertEqual((response.status, response.body),
                                 (503, b"not serving\n"))
                self.assertEqual(response.headers["Connection"], "close")
            self.assertEqual(self.daemon.wait(), 0)
            self.daemon.stop()
            self.serve()

    def test_drain_accepts_what_waits(self):
        """Who has connected before the end is answered."""
        with self.daemon.stopped():
            peers = [self.peer(address) for address in (self.http, self.unix)
                     for _ in range(30)]
            for peer in peers:
                peer.send(asking("GET /x HTTP/1.1"))
            self.daemon.terminate()
        for peer in peers:
            response, = parse(peer.to_end())
            self.assertEqual(response.status, 404)
        self.assertEqual(self.daemon.wait(), 0)

    def test_drain_waits_for_readers(self):
        """Who takes replies slowly gets all of them."""
        data = asking("GET / HTTP/1.1") * 200
        with Peer(self.http, rcvbuf=4096) as peer:
            peer.send(data)
            first = receive(peer)
            self.daemon.terminate()
            self.daemon.wait_log("draining by=SIGTERM")
            got = parse(peer.to_end())
            self.assertEqual({r.body for r in got}, {first.body})
            self.assertEqual(len(got), 199)
        self.assertEqual(self.daemon.wait(), 0)

    def test_other_limits_are_for_others(self):
        """Connections for messages are none of these, and the reverse."""
        self.daemon.stop()
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 service=http",
            "limit connections 1", "limit per-address 1")
        self.messages, self.http = self.daemon.addresses
        peers = [self.peer(self.http) for _ in range(10)]
        for peer in peers:
            peer.send(asking("GET /healthz HTTP/1.1"))
            self.assertEqual(receive(peer).status, 200)
        with Peer(self.messages) as peer:
            reply = peer.ask(harness.search("ring", **harness.kept()))
            self.assertEqual(reply.result, harness.RING)
            self.assertEqual(self.stats()["connections"], 1)
        for peer in peers:
            peer.send(asking("GET /healthz HTTP/1.1"))
            self.assertEqual(receive(peer).status, 200)

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


if __name__ == "__main__":
    harness.main()
