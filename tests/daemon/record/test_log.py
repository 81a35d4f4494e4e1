#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What peers send reaches the log escaped, and keys not without being asked.
"""

import os
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import ask, binary, encode, kept, request, search

MARK = "a-key-to-be-found"
FORGED = "forged ready generation=9"


class Log(harness.DaemonTest):
    """Log lines of what peers did."""

    def provoke(self, daemon):
        """Everything a daemon might want to log about a peer."""
        nasty = f"{MARK}\n{FORGED}\x1b[31m\x07\r\x7f\u0085\u2028\u202e"
        address = daemon.address
        for message in (search(nasty), search(nasty, id=nasty),
                        search(nasty, content_type=nasty),
                        search(nasty, content_encoding=nasty),
                        search(nasty, content_length=nasty),
                        search("ring", connection=nasty),
                        request(harness.to_json(
                            {"action": nasty, "value": nasty})),
                        binary(nasty.encode()), encode(nasty.encode()),
                        encode(b"{}", nasty.encode())):
            ask(address, message, finish=True)
        ask(address, nasty.encode(), finish=True)
        daemon.stop()
        return daemon.log

    def assert_clean(self, log):
        """Lines of printable text, none of them forged."""
        for line in log.split("\n"):
            self.assertTrue(line.isprintable(), repr(line))
            self.assertFalse(line.startswith(FORGED), line)

    def test_debug(self):
        """At level debug nothing of a peer's text is raw."""
        for args, line in (((), "log level=debug"), (("-v",), "")):
            self.assert_clean(self.provoke(self.start(line, args=args)))

    def test_info(self):
        """At level info no key is in the log."""
        log = self.provoke(self.start())
        self.assert_clean(log)
        self.assertNotIn(MARK, log)


class Names(harness.DaemonTest):
    """What a unix peer calls itself, which may be anything."""

    def refused(self, name):
        """The peer's name in the line that tells that it was refused."""
        daemon = self.start(f"listen {self.path('socket')}",
                            "limit connections 1", "workers 1")
        first = self.peer(daemon.address)
        first.ask(search("ring", **kept()))
        with socket.socket(socket.AF_UNIX) as peer:
            peer.bind(name)
            peer.connect(daemon.address)
            line = daemon.wait_log("connection refused .*")[0]
        first.close()
        daemon.stop()
        self.assertTrue(line.isprintable(), line)
        found = re.fullmatch(r"connection refused limit=connections "
                             r"peer=(\S+) before=0", line)
        self.assertIsNotNone(found, line)
        return found[1]

    def test_names_are_one_word(self):
        """Escaped, with their blanks."""
        for name, spelled in (
                (b"x before=0 fake=1", r"x\x20before=0\x20fake=1"),
                (b"  x ", r"\x20\x20x\x20"),
                (f"\n{FORGED}\x1b[31m".encode(),
                 r"\nforged\x20ready\x20generation=9\x1b[31m"),
                ("\u009b31m\u202e\u2066\u2028".encode(),
                 r"\u{9b}31m\u{202e}\u{2066}\u{2028}"),
                (b"\xff\xc3\\", r"\xff\xc3\\"),
                ("\U0001f48d\u00e4".encode(), "\U0001f48d\u00e4")):
            path = os.fsencode(self.directory) + b"/" + name
            self.assertEqual(self.refused(path), self.path(spelled))
        self.assertEqual(self.refused(b"\0abstract\n peer=x"), "unix")


class Repeats(harness.DaemonTest):
    """What comes again and again is counted."""

    def test_warnings_that_peers_cause(self):
        """One line for the first; the rest with the next one or at the end.
        """
        daemon = self.start(f"listen {harness.LOOPBACK} 0 allow=10.0.0.0/8",
                            "workers 1")
        for _ in range(5):
            with harness.Peer(daemon.address) as peer:
                self.assertEqual(peer.reply().header["status"], "denied")
        daemon.stop()
        self.assertEqual(daemon.log.count("connection denied peer="), 1)
        self.assertIn("connection denied more=4\n", daemon.log)

    def test_equal_lines(self):
        """The first is logged, the number of the others before the next."""
        path = self.path("log")
        daemon = self.start(self.control_line(),
                            f"log access={harness.quoted(path)}")
        os.unlink(path)
        os.mkdir(path)
        sent = 5
        for _ in range(sent):
            daemon.signal(signal.SIGUSR1)
            self.assertEqual(self.control("status").returncode, 0)
        daemon.stop()
        told = re.findall(r"^appmsgd: cannot open the access log again",
                          daemon.log, re.MULTILINE)
        self.assertEqual(len(told), 1)
        times = re.search(r"^appmsgd: repeated (\d+) times: "
                          r"cannot open the access log again file=.*: Is a "
                          r"directory$", daemon.log, re.MULTILINE)
        self.assertIsNotNone(times)
        self.assertLess(int(times[1]), sent)

    def test_priorities(self):
        """Only what goes to the journal has them."""
        taken = socket.create_server((harness.LOOPBACK, 0))
        self.addCleanup(taken.close)
        busy = self.write_config(
            f"listen {harness.LOOPBACK} {taken.getsockname()[1]}",
            name="busy.conf")
        wrong = self.write("wrong.conf",
                           f"listen {self.path('none', 'socket')}\n")
        with open(self.path("journal"), "w+b") as journal:
            info = os.fstat(journal.fileno())
            for stream, start in (
                    (f"{info.st_dev}:{info.st_ino}", "<4>"),
                    (f"{info.st_dev}:{info.st_ino + 1}", ""),
                    ("nonsense", "")):
                for config, text in (
                        (busy, (start or "appmsgd: ")
                         + "cannot listen address="),
                        (wrong, f"{start}{wrong}:1: ")):
                    with self.subTest(stream, config=config):
                        journal.seek(0)
                        journal.truncate()
                        subprocess.run(
                            [harness.program("appmsgd"), "-d", "-f", config],
                            stderr=journal, timeout=harness.DEADLINE,
                            env=harness.environment(JOURNAL_STREAM=stream))
                        journal.seek(0)
                        self.assertEqual(
                            journal.read().decode()[:len(text)], text)


if __name__ == "__main__":
    harness.main()
