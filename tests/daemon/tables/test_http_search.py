#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""service=http search=yes: answers for browsers and for curl."""

import json
import re
import sys
import urllib.parse

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import LOOPBACK, Peer, answer
from web import HOST, HttpSearchTest, asking, parse, quote

ODD = ["a/b", "..", ".", "a\0b", "?", "#", "+", "a b", "%", "100%", "%41",
       "&", "=", "\N{SNOWMAN}", "\N{RABBIT FACE}", "/", "//x", "\\", '"',
       "<b>", "\r\nX: y", "a" * 1024]
ANSWERS = [answer(key, f"odd {key}") for key in ODD]


class Answers(HttpSearchTest):
    """What is found, and how it is told."""

    def setUp(self):
        super().setUp()
        self.table = self.write("words.tsv", tables.tsv(
            [(f"word {i:02}", f"number {i}") for i in range(30)]))
        self.serve(f"table words file {self.table} guard=no search="
                   "exact,prefix,suffix,substring,fuzzy,regex,words,text",
                   f"log access={self.path('access.log')}",
                   answers=[*harness.TUTORIAL_LINES, *ANSWERS])

    def test_keys(self):
        for key in ODD:
            for spelled in (quote(key), "".join(
                    f"%{byte:02x}" for byte in key.encode())):
                got = self.ask(f"/v1/key/{spelled}")
                self.assertEqual((got.status, got.body),
                                 (200, f"odd {key}".encode()), spelled)
                self.assertEqual(got.headers["Content-Type"],
                                 "text/plain; charset=utf-8")
        # As they are, where a target may have them so.
        for key in ("a/b", "..", ".", "+", "&", "=", "/", "//x"):
            self.assertEqual(self.ask(f"/v1/key/{key}").status, 200, key)

    def test_misses(self):
        got = self.ask("/v1/key/%3Cscript%3E")
        self.assertEqual((got.status, got.body),
                         (404, b'No match for "<script>".\n'))
        self.assertEqual(got.headers["Content-Type"],
                         "text/plain; charset=utf-8")
        self.assertNotIn("ETag", got.headers)
        told = self.search(q="nothing", match="prefix").told
        self.assertEqual(told, {"result": 'No match for "nothing".',
                                "matches": [], "more": False,
                                "status": "not-found"})

    def test_a_table_alone(self):
        self.assertEqual(self.ask("/v1/key/word%2007").body, b"number 7")
        self.assertEqual(self.ask("/v1/key/word%2007?table=words").status,
                         200)
        self.assertEqual(self.ask("/v1/key/word%2007?table=main").status,
                         404)
        got = self.ask("/v1/key/word%2007?table=none")
        self.assertEqual((got.status, got.body),
                         (400, b"Error: there is no such table.\n"))

    def test_searches(self):
        """As a message has it, whatever the way."""
        got = self.search(q="word 1", match="prefix", limit=2)
        self.assertEqual(got.status, 200)
        self.assertEqual(got.told, {
            "result": "number 10", "matches": [
                {"key": "word 10", "result": "number 10"},
                {"key": "word 11", "result": "number 11"}],
            "more": True, "status": "found"})
        with Peer(self.messages) as peer:
            for n, (way, q) in enumerate((
                    ("exact", "ring"), ("prefix", "w"), ("suffix", "7"),
                    ("substring", "o"), ("fuzzy", "wrd 07"),
                    ("fuzzy", "rg"), ("regex", "^word .*3$"), ("words", "07 word"),
                    ("text", "07 number"), ("prefix", "none"))):
                peer.send(harness.request(
                    tables.wanted(q, way, limit=7), **harness.kept(id=n)))
                reply = peer.reply()
                told = self.search(q=q, match=way, limit=7).told
                self.assertEqual(told.pop("status"),
                                 reply.header["status"])
                self.assertNotEqual(reply.header["status"], "error")
                self.assertEqual(told, json.loads(reply.content))

    def test_pages(self):
        """All of them come, each once, behind the last of those before."""
        keys, after = [], ""
        more = True
        while more:
            told = self.search(q="word", match="prefix", limit=7,
                               table="words", after=after).told
            keys += [one["key"] for one in told["matches"]]
            after, more = keys[-1], told["more"]
        self.assertEqual(keys, [f"word {i:02}" for i in range(30)])

    def test_where_an_answer_stands(self):
        told = self.search(q="word 04", explain="yes").told
        self.assertEqual((told["table"], told["file"], told["line"]),
                         ("words", self.table, 5))
        self.assertNotIn("table", self.search(q="word 04",
                                              explain="no").told)

    def test_tables(self):
        self.assertEqual(self.ask("/v1/tables").told, {
            "result": "main\nwords", "tables": ["main", "words"],
            "status": "found"})

    def test_blanks(self):
        """A plus sign is one where forms write it so, and only there."""
        self.assertEqual(self.ask("/v1/search?q=a+b").told["result"],
                         "odd a b")
        self.assertEqual(self.ask("/v1/search?q=%2B").told["result"],
                         "odd +")
        self.assertEqual(self.ask("/v1/key/a+b").status, 404)

    def test_what_is_wrong(self):
        """Is told, and the connection stays."""
        wrong = {
            "/v1/search": "there is no q", "/v1/search?": "there is no q",
            "/v1/search?q=%": "percent", "/v1/search?q=%4": "percent",
            "/v1/search?q=%4g": "percent", "/v1/search?q=%ff": "UTF-8",
            "/v1/search?q=%ED%A0%80": "UTF-8",
            "/v1/search?q=%c0%af": "UTF-8",
            "/v1/search?q=a&q=b": "twice",
            "/v1/search?q=a&Match=exact": "other than q, match, ",
            "/v1/search?q=a&%6datch=exact": "order and explain",
            "/v1/search?q=a&x": "other than q",
            "/v1/search?q=a&match=most": "match is none of",
            "/v1/search?q=a&limit=0": "limit is not",
            "/v1/search?q=a&limit=1001": "limit is not",
            "/v1/search?q=a&limit=18446744073709551617": "limit is not",
            "/v1/search?q=a&limit=": "limit is not",
            "/v1/search?q=a&distance=3": "distance is",
            "/v1/search?q=a&order=size": "order is",
            "/v1/search?q=a&after=" + "b" * 1025: "after is longer",
            "/v1/search?q=a&explain=1": "explain is",
            "/v1/search?q=(&match=regex": "Error: ",
            "/v1/search?q=a&table=none": "no such table",
            "/v1/key/%": "percent", "/v1/key/%fe": "UTF-8",
            "/v1/key/": "there is no key", "/v1/key/a?q=b": "other than table",
            "/v1/tables?q=b": "there are none here"}
        got = self.replies(*map(asking, wrong), asking("/v1/key/ring"))
        self.assertEqual(len(got), len(wrong) + 1)
        for (target, words), one in zip(wrong.items(), got):
            self.assertEqual(one.status, 400, target)
            self.assertIn(words.encode(), one.body, target)
            self.assertNotIn("ETag", one.headers)
        self.assertEqual(got[-1].status, 200)

    def test_what_is_refused(self):
        for target, method, fields, status in (
                ("/", "POST", (), 405), ("/v1/key/ring", "DELETE", (), 405),
                ("/v1/key/ring", "OPTIONS", (), 405),
                ("/v1/key/ring", "BREW", (), 501),
                ("/v1/key/ring", "GET", ("Content-Length: 1",), 413),
                ("/v1/key/ring", "GET", ("Transfer-Encoding: chunked",),
                 413),
                ("/v1/key/ring", "GET", ("Content-Length: 0",) * 2, 400),
                ("/v1/key/ring", "GET", ("Content-Length: 0",
                                         "Transfer-Encoding: chunked"), 400),
                ("/v1/key/" + "a" * 1025, "GET", (), 414),
                ("/v1/key/" + "a" * 9000, "GET", (), 414),
                ("/v1/key/ring", "GET", ("X: " + "y" * 9000,), 431),
                ("/v1/keys", "GET", (), 404), ("/v1/", "GET", (), 404),
                ("/stats.json", "GET", (), 404),
                ("/metrics", "GET", (), 404), ("/search/", "GET", (), 404)):
            got = self.ask(target, *fields, method=method)
            self.assertEqual(got.status, status, (target[:40], method))
        self.assertEqual(self.ask("/v1/key/ring", method="POST")
                         .headers["Allow"], "GET, HEAD")

    def test_nothing_is_smuggled(self):
        """What a body may hide is never taken for a request."""
        for fields in (("Content-Length: 4",),
                       ("Transfer-Encoding: chunked",),
                       ("Content-Length : 0",), ("Content-Length: +0",),
                       (" Content-Length: 0",)):
            got = self.replies(asking("/v1/key/ring", *fields),
                               asking("/v1/key/morpheus"))
            self.assertEqual(len(got), 1, fields)
            self.assertIn(got[0].status, (400, 413))
            self.assertEqual(got[0].headers["Connection"], "close")

    def test_other_names(self):
        """A page of elsewhere cannot have a browser ask under its name."""
        for host, status in (("evil.example", 421), ("127.0.0.1:80", 200),
                             ("[::1]", 200), ("localhost.evil.example", 421)):
            got, = self.replies(f"GET /v1/key/ring HTTP/1.1\r\nHost: {host}"
                                "\r\n\r\n".encode())
            self.assertEqual(got.status, status, host)

    def test_heads(self):
        """HEAD tells what GET would bring."""
        for target in ("/v1/key/ring", "/v1/key/none", "/search",
                       "/v1/search?q=ring", "/v1/search?q=none",
                       "/v1/search?q=w&match=prefix", "/v1/search", "/x"):
            full = self.ask(target)
            head = self.ask(target, method="HEAD")
            self.assertEqual(head.body, b"")
            self.assertEqual(head.status, full.status)
            for got in (full, head):
                del got.headers["Date"]
            self.assertEqual(head.headers, full.headers)

    def test_pipelined(self):
        """Replies keep their order, in however many pieces requests come."""
        keys = [ODD[i % len(ODD)] for i in range(100)]
        data = b"".join(asking(f"/v1/key/{quote(key)}") if i % 3 else
                        asking(f"/v1/search?match=fuzzy&q={quote(key)}")
                        for i, key in enumerate(keys))
        for step in (len(data), 4999, 61):
            with Peer(self.http) as peer:
                peer.send_pieces([data[i:i + step]
                                  for i in range(0, len(data), step)])
                peer.finish()
                got = parse(peer.to_end())
            self.assertEqual(len(got), len(keys))
            for i, key in enumerate(keys):
                if i % 3:
                    self.assertEqual(got[i].body, f"odd {key}".encode())
                else:
                    self.assertEqual(got[i].told["matches"][0]["key"], key)

    def test_old_ones(self):
        """HTTP/1.0 closes unless it is asked to stay."""
        ask = f"GET /v1/key/ring HTTP/1.0\r\n{HOST}\r\n"
        keep = ask + "Connection: keep-alive\r\n\r\n"
        got = self.replies(keep.encode(), ask.encode() + b"\r\n",
                           keep.encode())
        self.assertEqual([one.headers["Connection"] for one in got],
                         ["keep-alive", "close"])

    def test_tags(self):
        """Who has an answer is told whether it is still the one."""
        got = self.ask("/v1/key/word%2003")
        tag = got.headers["ETag"]
        self.assertRegex(tag, '^"[0-9a-f]{16}"$')
        self.assertEqual(got.headers["Cache-Control"], "private, no-cache")
        for field, status in ((tag, 304), (f'"x", W/{tag}', 304), ("*", 304),
                              ('"0123456789abcdef"', 200), ("", 200),
                              (tag[1:-1], 200), (tag + "x", 200)):
            again = self.ask("/v1/key/word%2003", f"If-None-Match: {field}")
            self.assertEqual(again.status, status, field)
            self.assertEqual(again.headers["ETag"], tag)
            self.assertEqual(again.body, b"" if status == 304 else
                             b"number 3")
        # Neither other answers nor reloads change that, but its own.
        self.write("words.tsv", tables.tsv(
            [("word 03", "number 3"), ("new", "x")]), age=50)
        self.reload()
        self.assertEqual(self.ask("/v1/key/new").status, 200)
        self.assertEqual(self.ask("/v1/key/word%2003",
                                  f"If-None-Match: {tag}").status, 304)
        self.write("words.tsv", tables.tsv([("word 03", "drei")]), age=10)
        self.reload()
        again = self.ask("/v1/key/word%2003", f"If-None-Match: {tag}")
        self.assertEqual((again.status, again.body), (200, b"drei"))
        self.assertNotEqual(again.headers["ETag"], tag)
        self.assertEqual(self.ask("/v1/key/none",
                                  "If-None-Match: *").status, 404)
        tag = self.search(q="word").headers.get("ETag")
        self.assertIsNone(tag)
        tag = self.search(q="word", match="prefix").headers["ETag"]
        self.assertEqual(self.search(f"If-None-Match: {tag}", q="word",
                                     match="prefix").status, 304)

    def reload(self):
        seen = self.daemon.log.count("reloaded")
        self.daemon.hang_up()
        harness.wait_until(lambda: self.daemon.log.count("reloaded") > seen,
                           "it is reloaded")

    def test_what_browsers_are_told(self):
        for target in ("/v1/key/ring", "/v1/search?q=%3Cb%3E", "/v1/tables",
                       "/v1/key/none", "/v1/search"):
            headers = self.ask(target, "Origin: https://a.example").headers
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Content-Security-Policy"],
                             "default-src 'none'; frame-ancestors 'none'")
            self.assertFalse([name for name in headers
                              if name.startswith("Access-Control")])
            self.assertNotIn("Vary", headers)

    def test_the_page_needs_nothing_from_elsewhere(self):
        with open(harness.top("src/daemon/http/page_search.html"),
                  "rb") as file:
            page = file.read()
        for path in ("/", "/search"):
            got = self.ask(path)
            self.assertEqual(got.body, page)
            self.assertEqual(got.headers["Content-Type"],
                             "text/html; charset=utf-8")
            self.assertIn("default-src 'none'; style-src 'unsafe-inline'; "
                          "script-src 'unsafe-inline'; connect-src 'self'; ",
                          got.headers["Content-Security-Policy"])
        self.assertNotRegex(page, rb"(?i)https?:|src=|@import|url\(|"
                            rb"innerHTML|insertAdjacent|document\.write|eval")

    def test_the_access_log(self):
        for target in ("/v1/key/ring", "/v1/key/a%0D%0Ab", "/search",
                       "/v1/search?q=w&match=prefix", "/v1/tables", "/x",
                       "/v1/search?q=word+01&table=words", "/healthz"):
            self.ask(target)
        self.daemon.stop()
        with open(self.path("access.log"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        told = [re.sub(" us=[0-9]+", "", line.partition(" ask=")[2])
                for line in lines]
        told = [re.sub(" bytes=[0-9]+", "", line) for line in told]
        self.assertEqual(told, [
            'exact key="ring" status=found table=main',
            'exact key="a\\r\\nb" status=not-found table=-',
            "page key=- status=found table=-",
            'prefix key="w" status=found table=words',
            "tables key=- status=found table=-",
            "- key=- status=error table=- error=bad-request",
            'exact key="word 01" status=found table=words',
            "health key=- status=found table=-"])
        self.assertIn(f" listen={LOOPBACK}:{self.http[1]} ", lines[0])


class Told(HttpSearchTest):
    """What is counted is counted whoever asks."""

    def test_numbers(self):
        self.serve(self.control_line())
        for target in ("/v1/key/ring", "/v1/key/ring", "/v1/key/none",
                       "/v1/search?q=r&match=prefix", "/v1/tables",
                       "/v1/search?q=%"):
            self.ask(target)
        told = json.loads(self.control("--json", "stats").stdout)
        counts = {(r["action"], r.get("way"), r["outcome"]): r["count"]
                  for r in told["requests"]}
        self.assertEqual(counts["search", "exact", "found"], 2)
        self.assertEqual(counts["search", "exact", "not-found"], 1)
        self.assertEqual(counts["search", "prefix", "found"], 1)
        self.assertEqual([(k["key"], k["count"]) for k in told["hot-keys"]],
                         [("ring", 2)])
        self.assertEqual([k["key"] for k in told["top-misses"]], ["none"])
        self.assertEqual(told["accepted"], 6)


class Origins(HttpSearchTest):
    """Pages of elsewhere that may read answers are named."""

    OPTIONS = "origin=https://a.example,http://b.example:8080"

    def test_named_ones(self):
        self.serve()
        for origin, named in (("https://a.example", True),
                              ("http://b.example:8080", True),
                              ("http://a.example", False),
                              ("https://a.example.evil.example", False),
                              ("https://a.exampl", False),
                              ("https://a.example,http://b.example:8080",
                               False), ("null", False), ("", False)):
            for target in ("/v1/key/ring", "/v1/search?q=none"):
                headers = self.ask(target, f"Origin: {origin}").headers
                self.assertEqual(headers.get("Access-Control-Allow-Origin"),
                                 origin if named else None)
                self.assertEqual(headers["Vary"], "Origin")
        self.assertNotIn("Access-Control-Allow-Origin",
                         self.ask("/v1/key/ring").headers)


class Config(harness.DaemonTest):
    """What a line may say."""

    def check(self, line, *words):
        self.configure(line)
        done = harness.run(harness.program("appmsgd"), "-n", "-f",
                           self.path("appmsgd.conf"))
        self.assertEqual(done.returncode, 78 if words else 0, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_lines(self):
        http = f"listen {LOOPBACK} 0 service=http"
        self.check(f"{http} search=yes")
        self.check(f"{http} search=no")
        self.check(f"{http} search=yes origin=https://a.example,"
                   "http://[::1]:80,http://localhost")
        self.check(f"{http} tls=yes",
                   "tls= is not for service=http without search=yes")
        self.check(f"listen {LOOPBACK} 0 search=yes",
                   "search=yes is for service=http")
        self.check(f"listen {LOOPBACK} 0 service=echo search=yes",
                   "search=yes is for service=http")
        self.check(f"{http} origin=https://a.example",
                   "origin= is for search=yes")
        self.check(f"{http} search=yes keys=yes",
                   "keys= is for the status page")
        self.check("listen 0.0.0.0 0 service=http search=yes",
                   "beyond loopback needs allow=")
        for origin in ("a.example", "https://", "*", "null", "https://A.b",
                       "https://a.example/", "ftp://a.example", "https://[]",
                       "https://a.example:", "https://a b", "https://a,",
                       "https://a,,https://b", "https://x:y"):
            self.check(f'{http} search=yes origin="{origin}"',
                       "in origin= is not an origin such as")

    def test_it_is_shown(self):
        self.configure(f"listen {LOOPBACK} 8080 service=http search=yes "
                       "origin=https://a.example")
        done = harness.run(harness.program("appmsgd"), "-T", "-f",
                           self.path("appmsgd.conf"))
        self.assertIn(f"listen {LOOPBACK} 8080 service=http search=yes "
                      "origin=https://a.example\n", done.stdout)

    def test_it_is_the_same_after_a_reload(self):
        self.daemon = self.start(f"listen {LOOPBACK} 0", self.control_line(),
                                 f"listen {LOOPBACK} 0 service=http "
                                 "search=yes origin=https://a.example")
        self.configure(f"listen {LOOPBACK} 0", self.control_line(),
                       f"listen {LOOPBACK} 0 service=http search=yes "
                       "origin=https://b.example")
        done = self.control("reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("listen", done.stderr)


if __name__ == "__main__":
    harness.main()
