#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The access log: one whole line a request, wherever it can be written.

Each line is read back here by a grammar that takes nothing but what
appmsgd.conf(5) says, and keys are unescaped, so that a line which could be
taken for another one fails.
"""

import datetime
import os
import pathlib
import pwd
import re
import resource
import signal
import stat
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (ABSENT, LOOPBACK, answer, binary, encode, kept, quoted,
                     request, search)

SYSTEM = 71
LINE = re.compile(
    r'time=(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)'
    r' peer=(?P<peer>\S+)(?: listen=(?P<listen>\S+))?'
    r' ask=(?P<ask>exact|prefix|suffix|substring|fuzzy|regex|search|binary|-)'
    r' key=(?P<key>"(?:[^"\\]|\\["\\nrt]|\\x[0-9a-f]{2}|\\u\{[0-9a-f]+\})*"|-)'
    r' status=(?P<status>found|not-found|error|busy|denied)'
    r' table=(?P<table>[\w.-]+)'
    r' bytes=(?P<bytes>\d+) us=(?P<us>\d+)'
    r'(?: error=(?P<error>[a-z-]+))?'
    r'(?: key-bytes=(?P<key_bytes>\d+))?')
ESCAPE = re.compile(rb'\\(?:(["\\nrt])|x([0-9a-f]{2})|u\{([0-9a-f]+)\})')
NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def unescaped(text):
    """The bytes that an escaped key stands for."""
    def one(match):
        if match[1]:
            return NAMED.get(match[1], match[1])
        return (bytes([int(match[2], 16)]) if match[2]
                else chr(int(match[3], 16)).encode())

    return ESCAPE.sub(one, text.encode())


class AccessTest(harness.DaemonTest):
    """A daemon with an access log."""

    def setUp(self):
        super().setUp()
        self.log = self.path("access.log")

    def logged(self, path=None):
        """The lines, as dicts; each must be whole."""
        with open(path or self.log, encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(text == "" or text.endswith("\n"), text[-300:])
        lines = []
        for line in text.split("\n")[:-1]:
            self.assertTrue(line.isprintable(), line)
            match = LINE.fullmatch(line)
            self.assertIsNotNone(match, line)
            lines.append(match.groupdict())
        return lines

    def wait_lines(self, count, path=None):
        """Wait for so many lines; no more may come."""
        path = path or self.log

        def there():
            if not os.path.exists(path):
                return count == 0
            with open(path, "rb") as file:
                return file.read().count(b"\n") >= count

        harness.wait_until(there, f"{path} has {count} lines")
        lines = self.logged(path)
        self.assertEqual(len(lines), count)
        return lines

    def start(self, *lines, log=None, **kwargs):
        return super().start(f"log access={quoted(log or self.log)}", *lines,
                             **kwargs)

    def asked(self, daemon, data, finish=False):
        """The reply to one request on a connection of its own."""
        with harness.Peer(daemon.address) as peer:
            peer.send(data)
            if finish:
                peer.finish()
            return peer.reply()

    def control(self, *args):
        done = super().control(*args)
        self.assertEqual(done.returncode, 0, done)
        return done


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
            else:
                host = LOOPBACK if i == 1 else "[::1]"
                self.assertEqual((line["peer"], line["listen"]), (
                    f"{host}:{own[1]}", f"{host}:{address[1]}"))

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


class Reopening(AccessTest):
    """The file is renamed, or another one is configured."""

    def setUp(self):
        super().setUp()
        self.base = [f"listen {LOOPBACK} 0", self.control_line(),
                     "workers 2"]
        self.daemon = self.start(*self.base)
        self.ask(1)

    def ask(self, count, path=None):
        """One more request, which is the last line of a file."""
        self.assert_serves(self.daemon.address)
        self.wait_lines(count, path)

    def change(self, *lines):
        self.write_config(*self.base, *lines, answer("ring", harness.RING))

    def rotate(self, number):
        os.rename(self.log, f"{self.log}.{number}")

    def wait_made(self):
        """Wait until the log is made again and written to.

        It is there a moment before lines go there; but who answers to
        appmsgctl has done with it.
        """
        harness.wait_until(lambda: os.path.exists(self.log),
                           "the log is made again")
        self.control("status")

    def test_signals(self):
        """SIGUSR1 just opens it again, SIGHUP reloads too."""
        self.rotate(1)
        self.ask(2, f"{self.log}.1")    # the old file until then
        self.daemon.signal(signal.SIGUSR1)
        self.wait_made()
        self.ask(1)
        self.assertNotIn("reloaded", self.daemon.log)
        self.rotate(2)
        self.daemon.hang_up()
        self.daemon.wait_log("reloaded generation=2")
        self.ask(1)
        self.assertEqual(len(self.logged(f"{self.log}.1")), 2)

    def test_reload_that_fails(self):
        """Who rotates logs counts on it, whatever is wrong elsewhere."""
        self.rotate(1)
        self.change(f"log access={quoted(self.log)}", "wibble")
        done = harness.DaemonTest.control(self, "reload")
        self.assertNotEqual(done.returncode, 0)
        self.wait_made()
        self.daemon.wait_log("reload failed")
        self.ask(1)

    def test_other_path(self):
        """A reload goes to another file, to none, and back."""
        other = self.path("other.log")
        self.change(f"log access={quoted(other)}")
        self.control("reload")
        self.ask(1, other)
        self.change("log access=no")
        self.control("reload")
        self.assert_serves(self.daemon.address)
        self.control("rollback")
        self.ask(2, other)
        self.change(f"log access={quoted(self.log)}")
        self.control("reload")
        self.ask(2)
        self.assertEqual(len(self.logged(other)), 2)

    def test_no_table(self):
        """What is found no more is not logged as found."""
        self.write_config(*self.base, f"log access={quoted(self.log)}")
        self.control("reload", "--force")
        harness.ask(self.daemon.address, search("ring"))
        lines = self.wait_lines(2)
        self.assertEqual([(line["status"], line["table"]) for line in lines],
                         [("found", "main"), ("not-found", "-")])

    def test_path_that_cannot_be_opened(self):
        """The reload fails with file and line, the old file goes on."""
        for path in (self.path("none", "x.log"), self.directory):
            self.change(f"log access={quoted(path)}")
            done = harness.DaemonTest.control(self, "reload")
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(
                done.stdout + done.stderr, re.escape(self.path(
                    "appmsgd.conf")) + ":4: cannot open the access log "
                + re.escape(path))
        self.ask(2)

    def test_cannot_be_opened_again(self):
        """It is told, and the file that was open goes on."""
        self.rotate(1)
        os.mkdir(self.log)
        self.daemon.signal(signal.SIGUSR1)
        self.daemon.wait_log("cannot open the access log again file=")
        self.ask(2, f"{self.log}.1")

    def test_during_load(self):
        """No line is lost or cut while the file is renamed again and again.
        """
        rounds = 20
        n = 200
        with harness.Peer(self.daemon.address) as peer:
            for i in range(rounds):
                peer.send(b"".join(search(f"{i}-{j}", **kept())
                                   for j in range(n)))
                self.rotate(i)
                self.daemon.signal(signal.SIGUSR1)
                self.wait_made()
                for _ in range(n):
                    peer.reply()

        logs = [self.path(name) for name in os.listdir(self.directory)
                if name.startswith("access.log")]

        # A write of many lines is not seen whole at once.
        def count():
            return sum(pathlib.Path(log).read_bytes().count(b"\n")
                       for log in logs)

        harness.wait_until(lambda: count() >= 1 + rounds * n, "all lines")
        keys = [line["key"] for log in logs for line in self.logged(log)]
        self.assertEqual(sorted(keys), sorted(['"ring"'] + [
            f'"{i}-{j}"' for i in range(rounds) for j in range(n)]))


class Starting(AccessTest):
    """A log that cannot be written to is not gone without."""

    def fails(self, path, *lines):
        config = self.configure(f"log access={quoted(path)}", *lines)
        done = harness.run(harness.program("appmsgd"), "-d", "-f", config)
        self.assertEqual(done.returncode, SYSTEM, done)
        self.assertIn(f"{config}:2: cannot open the access log {path}: ",
                      done.stderr)
        return done.stderr

    def test_failures(self):
        """No folder, a folder, a pipe."""
        self.assertIn("No such file", self.fails(self.path("none", "x")))
        self.assertIn("directory", self.fails(self.directory))
        os.mkfifo(self.path("pipe"))
        self.fails(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.assertIn("neither a regular file nor a device",
                      self.fails(self.path("pipe")))

    def test_check_makes_no_file(self):
        """appmsgd -n looks at nothing but the configuration."""
        config = self.configure(f"log access={quoted(self.log)}")
        done = harness.run(harness.program("appmsgd"), "-n", "-f", config)
        self.assertEqual(done.returncode, 0, done)
        self.assertFalse(os.path.exists(self.log))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_user(self):
        """It is opened with the rights that open it again later."""
        os.chmod(self.directory, 0o755)
        self.assertIn("Permission denied", self.fails(self.log,
                                                      "user nobody"))
        account = pwd.getpwnam("nobody")
        folder = self.path("log")
        os.mkdir(folder, 0o750)
        os.chown(folder, account.pw_uid, account.pw_gid)
        log = os.path.join(folder, "access.log")
        daemon = self.start("user nobody", self.control_line(), log=log)
        self.assert_serves(daemon.address)
        self.wait_lines(1, log)
        self.assertEqual(os.stat(log).st_uid, account.pw_uid)
        os.rename(log, log + ".1")
        daemon.signal(signal.SIGUSR1)
        harness.wait_until(lambda: os.path.exists(log), "it is made again")
        self.control("status")      # and what made it is done
        self.assert_serves(daemon.address)
        self.wait_lines(1, log)


if __name__ == "__main__":
    harness.main()
