#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The access log: what a line says, and that it is a whole one, wherever it
can be written.
"""

import datetime
import os
import re
import resource
import stat
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from access import LINE, AccessTest, unescaped
from harness import (ABSENT, LOOPBACK, binary, encode, kept, quoted, request,
                     search, to_json)


class Fields(AccessTest):
    """What a line says."""

    def check(self, line, reply, **fields):
        expected = {"error": None, "key_bytes": None, "table": "-",
                    "key": "-", "ask": "-",
                    "bytes": str(len(reply.raw)), **fields}
        got = {name: line[name] for name in expected}
        self.assertEqual(got, expected)

    def test_a_lookup(self):
        """Found and missed; time and peer are true."""
        daemon = self.start()
        before = datetime.datetime.now(datetime.timezone.utc)
        with harness.Peer(daemon.address) as peer:
            name = "%s:%d" % peer.sock.getsockname()
            found = peer.ask(search("ring", **kept()))
            missed = peer.ask(search("rung", **kept()))
            again = peer.ask(search("ring", **kept(id=1)))
        after = datetime.datetime.now(datetime.timezone.utc)
        lines = self.wait_lines(3)
        lookup = {"ask": "exact"}
        self.check(lines[0], found, key='"ring"', status="found",
                   table="main", **lookup)
        self.check(lines[1], missed, key='"rung"', status="not-found",
                   **lookup)
        self.check(lines[2], again, key='"ring"', status="found",
                   table="main", **lookup)
        for line in lines:
            self.assertEqual(line["peer"], name)
            self.assertIsNone(line["listen"])
            self.assertLess(int(line["us"]), 10_000_000)
            when = datetime.datetime.fromisoformat(
                line["time"].replace("Z", "+00:00"))
            millisecond = datetime.timedelta(milliseconds=1)
            self.assertLessEqual(before - millisecond, when)
            self.assertLessEqual(when, after)

    def test_the_ways_to_ask(self):
        """Searches, tables, binary requests, suggestions."""
        self.write("words.tsv", "ring\t1\nrings\t2\n")
        self.write("logo", b"\x89PNG")
        daemon = self.start("table words file words.tsv search=prefix,fuzzy",
                            'binary "logo" file logo', answers=())
        rows = []
        for way in ("exact", "prefix", "fuzzy"):
            rows.append((request(harness.to_json(
                {"action": "search", "value": "ring", "match": way})),
                {"ask": way, "key": '"ring"',
                 "status": "found", "table": "words"}))
        rows += [
            (request(harness.to_json({"action": "search", "value": "rings",
                                      "table": "words"})),
             {"ask": "exact", "key": '"rings"',
              "status": "found", "table": "words"}),
            (search("rinx", suggest=3),
             {"ask": "exact", "key": '"rinx"',
              "status": "not-found"}),
            (binary(b"logo"), {"ask": "binary", "key": '"logo"',
                               "status": "found", "table": "main"}),
            (request(harness.to_json({"action": "tables", "value": "x"})),
             {"ask": "tables", "status": "found"}),
            (binary(b"\xff\x00"), {"ask": "binary",
                                   "key": '"\\xff\\x00"',
                                   "status": "not-found"})]
        for i, (data, fields) in enumerate(rows):
            with self.subTest(fields):
                reply = self.asked(daemon, data)
                self.check(self.wait_lines(i + 1)[i], reply, **fields)

    def test_long_searches(self):
        """Many at once, so that most are answered later."""
        self.write("words.tsv", "".join(
            f"{i:06d}\t{i}\n" for i in range(20000)))
        daemon = self.start("table words file words.tsv search=regex",
                            answers=())
        keys = [f"[0-9]*{i}[0-9]$" for i in range(40)]
        with harness.Peer(daemon.address) as peer:
            peer.send(b"".join(request(harness.to_json(
                {"action": "search", "value": key, "match": "regex"}),
                **kept()) for key in keys))
            replies = [peer.reply() for _ in keys]
        # Those that are done sooner have their line sooner.
        lines = {line["key"]: line for line in self.wait_lines(40)}
        self.assertEqual(len(lines), 40)
        for key, reply in zip(keys, replies):
            self.check(lines[f'"{key}"'], reply, ask="regex",
                       key=f'"{key}"', table="words", status="found")

    def test_errors(self):
        """Each with its word, and what was understood before it."""
        daemon = self.start("limit content 1k")
        asked = {"ask": "search", "key": '"ring"'}
        rows = [
            (request(b"{"), {"error": "bad-json"}),
            (request(b"[]"), {"error": "bad-request"}),
            (request(harness.to_json({"action": "fly", "value": "x"})),
             {"error": "bad-action"}),
            (search("ring", content_encoding="klingon"),
             {"error": "bad-encoding"}),
            (request(harness.to_json({"action": "search", "value": "ring",
                                      "match": "odd"})),
             {**asked, "error": "bad-match"}),
            (request(harness.to_json({"action": "search", "value": "ring",
                                      "table": "none"})),
             {**asked, "error": "no-table"}),
            (request(harness.to_json({"action": "search", "value": "ring",
                                      "match": "regex"})),
             {**asked, "ask": "regex", "error": "not-allowed"}),
            (search("ring", id=1.5), {"error": "bad-id"}),
            (binary(b""), {"ask": "binary", "key": '""',
                           "error": "bad-request"}),
            (encode(b"{}"), {"error": "bad-header"}),
            (search("ring", content_length=ABSENT), {"error": "bad-header"}),
            (request(b"x" * 2000), {"error": "too-large"}),
            (search("ring")[:-1], {"error": "incomplete"})]
        for i, (data, fields) in enumerate(rows):
            with self.subTest(fields):
                reply = self.asked(daemon, data,
                                   finish=fields["error"] == "incomplete")
                line = self.wait_lines(i + 1)[i]
                fields.setdefault("error", None)
                if fields["error"] in ("bad-header", "bad-length"):
                    fields["error"] = line["error"]
                    self.assertIn(line["error"], ("bad-header",
                                                  "bad-length"))
                self.check(line, reply, status="error", **fields)

    def test_timeout(self):
        """A message that does not come in time is an error, too."""
        daemon = self.start("timeout message 1s")
        reply = self.asked(daemon, search("ring")[:-1])
        self.check(self.wait_lines(1)[0], reply, status="error",
                   error="timeout")

    def test_refused(self):
        """Busy and denied connections have their lines too."""
        daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 allow=10.0.0.0/8",
            "limit connections 1", "workers 1")
        with harness.Peer(daemon.addresses[0]) as peer:
            peer.ask(search("ring", **kept()))
            with harness.Peer(daemon.addresses[0]) as other:
                busy = other.reply()
            with harness.Peer(daemon.addresses[1]) as other:
                denied = other.reply()
        lines = self.wait_lines(3)
        self.check(lines[1], busy, status="busy")
        self.check(lines[2], denied, status="denied")
        self.assertTrue(lines[2]["listen"].endswith(
            f":{daemon.addresses[1][1]}"))

    def test_addresses(self):
        """Of several listeners: a path that has a blank, a port, IPv6."""
        path = self.path("a b.sock")
        lines = [f"listen {quoted(path)}", f"listen {LOOPBACK} 0"]
        if harness.has_ipv6():
            lines.append("listen ::1 0")
        daemon = self.start(*lines)
        for i, address in enumerate(daemon.addresses):
            with harness.Peer(address) as peer:
                peer.ask(search("ring"))
                own = peer.sock.getsockname()
            line = self.wait_lines(i + 1)[i]
            if i == 0:
                self.assertEqual((line["peer"], line["listen"]),
                                 ("unix", path.replace(" ", "\\x20")))
                self.assertEqual(line["uid"], str(os.geteuid()))
            else:
                host = LOOPBACK if i == 1 else "[::1]"
                self.assertEqual((line["peer"], line["listen"]), (
                    f"{host}:{own[1]}", f"{host}:{address[1]}"))
                self.assertIsNone(line["uid"])

    def test_users(self):
        """Of unix sockets each line says whose process asked, also one that
        may not ask."""
        paths = [self.path("one"), self.path("two")]
        self.write("t.tsv", "a\tb\n")
        daemon = self.start(f"listen {paths[0]}",
                            f"listen {paths[1]} deny=unix", "workers 1",
                            "table t file t.tsv deny=unix")
        asked = [search("ring", **kept()) * 40,
                 search("\n" * 300, **kept()),
                 search("ring", **kept(explain=True)),
                 request(to_json({"action": "search", "value": "a",
                                  "table": "t"}), **kept())]
        with harness.Peer(daemon.addresses[0]) as peer:
            peer.send(b"".join(asked))
            for _ in range(43):
                peer.reply()
        with harness.Peer(daemon.addresses[1]) as peer:
            peer.reply()
        lines = self.wait_lines(44)
        self.assertEqual({line["uid"] for line in lines},
                         {str(os.geteuid())})
        self.assertEqual([line["status"] for line in lines[-4:]],
                         ["not-found", "found", "denied", "denied"])

    def test_listeners_that_are_not_asked(self):
        """Echoes and the page of numbers have no lines."""
        daemon = self.start(f"listen {LOOPBACK} 0",
                            f"listen {LOOPBACK} 0 service=echo",
                            f"listen {LOOPBACK} 0 service=http")
        harness.ask(daemon.address, search("ring"))
        self.assertIsNone(self.wait_lines(1)[0]["listen"])

    def test_keys_are_escaped(self):
        """Nothing of a key breaks a line, and all of it can be read back."""
        # Of two workers, the other one's first line may come before the last.
        daemon = self.start("workers 1")
        forged = 'x" status=found table=main\ntime=2026-01-01T00:00:00.000Z'
        keys = ["", " ", '"', "\\", '\\"', "\\x41", "\\u{41}", "a\nb\r\tc",
                "\0\x01\x1b[31m\x7f", "\u0085\u009b", "\u2028\u202e\u2066",
                "\U0001f48d\u00e4", forged, "a=b key=c", "'"]
        with harness.Peer(daemon.address) as peer:
            for key in keys:
                peer.ask(search(key, **kept()))
        # The same by the other way, which a member that is new to it takes.
        with harness.Peer(daemon.address) as peer:
            for key in keys:
                peer.ask(search(key, **kept(explain=True)))
        for line, key in zip(self.wait_lines(2 * len(keys)), keys + keys):
            self.assertEqual(unescaped(line["key"][1:-1]), key.encode(),
                             line)

    def test_long_keys_are_cut(self):
        """At a character, with the length that the key has."""
        daemon = self.start("limit content 1m")
        keys = ["k" * 256, "k" * 257, "k" * 255 + "\u00e4", "\n" * 128,
                "\n" * 129, "\U0001f48d" * 65, "k" * 500000]
        with harness.Peer(daemon.address) as peer:
            for key in keys:
                peer.ask(search(key, **kept()))
        for line, key in zip(self.wait_lines(len(keys)), keys):
            text = unescaped(line["key"][1:-1]).decode()
            self.assertTrue(key.startswith(text))
            self.assertLessEqual(len(line["key"]) - 2, 256)
            if text == key:
                self.assertIsNone(line["key_bytes"])
            else:
                self.assertEqual(line["key_bytes"], str(len(key.encode())))
                self.assertGreater(len(line["key"].encode()) - 2, 252)
        self.assertEqual([line["key_bytes"] is None
                          for line in self.logged()],
                         [True, False, False, True, False, False, False])


class Only(AccessTest):
    """only=: which requests have lines."""

    def ask_all(self, daemon):
        """In every way that there is, each with its own key."""
        with harness.Peer(daemon.address) as peer:
            # In one batch, whose first and last are hits.
            peer.send(b"".join(search(key, **kept()) for key in
                               ("ring", "no-1", "rings", "no-2", "ring")))
            for _ in range(5):
                peer.reply()
            for key, members in (("ring", {}), ("no-3", {})):
                peer.ask(search(key, **kept(explain=True), **members))
            for key, match in (("ri", "prefix"), ("no-4", "prefix"),
                               ("err-1", "regex")):
                peer.ask(request(harness.to_json(
                    {"action": "search", "value": key, "match": match}),
                    **kept()))
            peer.ask(binary(b"logo", **kept()))
            peer.ask(binary(b"no-5", **kept()))
            peer.ask(request(harness.to_json(
                {"action": "search", "value": "err-2", "table": "none"}),
                **kept()))
            peer.ask(search("ring", **kept()))

    def serve(self, only):
        self.write("words.tsv", "ring\t1\nrings\t2\n")
        self.write("logo", b"\x89PNG")
        self.lines = ["table words file words.tsv search=prefix",
                      'binary "logo" file logo', "workers 1",
                      self.control_line()]
        return self.start(f"log only={only}", *self.lines, answers=())

    def keys(self, count):
        return [line["key"].strip('"') for line in self.wait_lines(count)]

    def test_misses(self):
        """Each one, its line as it always is, and not one hit."""
        daemon = self.serve("misses")
        self.ask_all(daemon)
        self.assertEqual(self.keys(5), [f"no-{i}" for i in range(1, 6)])
        lines = self.logged()
        self.assertEqual({line["status"] for line in lines}, {"not-found"})
        self.assertEqual(len({line["peer"] for line in lines}), 1)
        self.assertNotEqual(lines[0]["peer"], "-")
        self.assertEqual([line["ask"] for line in lines],
                         ["exact", "exact", "exact", "prefix", "binary"])

    def test_errors(self):
        daemon = self.serve("errors")
        self.ask_all(daemon)
        self.assertEqual(self.keys(2), ["err-1", "err-2"])

    def test_all(self):
        daemon = self.serve("all")
        self.ask_all(daemon)
        self.assertEqual(len(self.keys(14)), 14)

    def test_reload(self):
        """It takes another one, and the file goes on."""
        daemon = self.serve("misses")
        self.ask_all(daemon)
        self.keys(5)
        self.write_config(f"listen {LOOPBACK} 0", *self.lines,
                          f"log access={quoted(self.log)} only=errors")
        self.control("reload")
        self.ask_all(daemon)
        self.assertEqual(self.keys(7)[5:], ["err-1", "err-2"])


class Writing(AccessTest):
    """How lines get to the file."""

    def test_off_by_default(self):
        """No file is made, and what answers does not change."""
        for line in ("log level=info", "log access=no"):
            daemon = harness.DaemonTest.start(self, line)
            self.assert_serves(daemon.address)
            daemon.stop()
            self.assertEqual(os.listdir(self.directory), ["appmsgd.conf"])

    def test_mode(self):
        """Others may not read who asked for what."""
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        self.start()
        self.assertEqual(stat.S_IMODE(os.stat(self.log).st_mode), 0o640)

    def test_lines_are_written_together(self):
        """Far fewer writes than lines."""
        daemon = self.start("workers 1")
        harness.needs_proc()

        def writes():
            try:
                with open(f"/proc/{daemon.pid}/io") as file:
                    text = file.read()
            except PermissionError:
                self.skipTest("no counts of system calls here")
            return int(re.search(r"syscw: (\d+)", text)[1])

        before = writes()
        with harness.Peer(daemon.address) as peer:
            data = b"".join(search(f"key {i}", **kept())
                            for i in range(4000))
            with harness.background(lambda: peer.send(data)):
                for _ in range(4000):
                    peer.reply()
        lines = self.wait_lines(4000)
        self.assertEqual([line["key"] for line in lines],
                         [f'"key {i}"' for i in range(4000)])
        self.assertLess(writes() - before, 400)

    def test_lines_are_there_at_once(self):
        """A reply's line is not held back for others."""
        daemon = self.start()
        for i in range(20):
            self.assert_serves(daemon.address)
            self.wait_lines(i + 1)

    def test_what_is_there_stays(self):
        """The file is appended to, also by the next daemon."""
        for i in range(3):
            daemon = self.start()
            self.assert_serves(daemon.address)
            daemon.stop()
            self.assertEqual(len(self.logged()), i + 1)

    def test_workers_do_not_mix_lines(self):
        """Many workers, connections and bytes, and every line is whole."""
        daemon = self.start("workers 4")
        n = 12

        def load(number):
            def run():
                with harness.Peer(daemon.address) as peer:
                    for part in range(4):
                        peer.send(b"".join(
                            search(f"{number}-{part * 500 + i}-" + "x" * 150,
                                   **kept()) for i in range(500)))
                        for _ in range(500):
                            peer.reply()
            return run

        with harness.background(*map(load, range(n))):
            pass
        keys = [line["key"].strip('"') for line in self.wait_lines(n * 2000)]
        self.assertEqual(len(set(keys)), n * 2000)
        for number in range(n):     # in order for each connection
            own = [key.split("-")[1] for key in keys
                   if key.startswith(f"{number}-")]
            self.assertEqual(own, [str(i) for i in range(2000)])

    def test_full_device(self):
        """Lines are lost and told, replies are not."""
        daemon = self.start("timeout idle 5s", log="/dev/full")
        for _ in range(5):
            self.assert_serves(daemon.address)
        found = daemon.wait_log(
            r"access log lines lost file=/dev/full lines=(\d+): No space")
        told = int(found[1])
        daemon.stop()       # what was not told is told at the end
        told += sum(int(n) for n in re.findall(
            r"access log lines lost file=/dev/full lines=(\d+)$",
            daemon.log, re.MULTILINE))
        self.assertEqual(told, 5)
        self.assertEqual(daemon.log.count(": No space"), 1)

    def test_full_disk(self):
        """A line that was cut spoils no other one."""
        daemon = self.start("workers 1")
        self.assert_serves(daemon.address)
        self.wait_lines(1)
        room = os.path.getsize(self.log) + 50   # for half a line
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE,
                         (room, resource.RLIM_INFINITY))
        for _ in range(10):
            self.assert_serves(daemon.address)
        daemon.wait_log(r"access log lines lost file=\S+ lines=\d+: ")
        self.assertEqual(os.path.getsize(self.log), room)
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        for _ in range(3):
            self.assert_serves(daemon.address)

        def text():
            with open(self.log) as file:
                return file.read()

        def whole():
            return [bool(LINE.fullmatch(line))
                    for line in text().split("\n")[:-1]]

        harness.wait_until(lambda: whole()[-3:] == [True] * 3
                           and False in whole(), "the last lines are there")
        # Of ten and three, those may be whole that came before the disk was
        # full, and those that left after.
        daemon.stop()
        self.assertEqual(whole().count(False), 1)
        self.assertEqual(whole().index(False), text()[:room].count("\n"))


if __name__ == "__main__":
    harness.main()
