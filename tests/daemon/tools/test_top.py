#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsgctl top: in terminals of every sort, and where there is none."""

import contextlib
import fcntl
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import termios

sys.path.insert(1, sys.path[0] + "/..")

import harness
from control import ControlTest
from harness import kept, program, request, search, to_json
from screen import Screen

USAGE = 64
UNAVAILABLE = 69

# A shell with jobs, as far as it is needed here: it starts a program in front,
# says when that stops, and brings it back when it is told to.  Its terminal is
# standard output; standard input and descriptor 2 are for us.
SHELL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(1, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.dup2(1, 0)
    os.dup2(1, 2)
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    os.tcsetpgrp(1, os.getpgrp())
    if not os.WIFSTOPPED(status):
        os.write(2, b"ended %d\\n" % os.waitstatus_to_exitcode(status))
        break
    os.write(2, b"stopped\\n")
    os.read(0, 1)
    os.tcsetpgrp(1, child)
    os.kill(child, signal.SIGCONT)
"""


class TopTest(ControlTest):
    def screen(self, *size):
        screen = Screen(*size)
        self.addCleanup(screen.close)
        return screen

    def command(self, *args, delay="0.1"):
        return (program("appmsgctl"), "-s", self.path("control.sock"), "top",
                "-d", delay, *args)

    def top(self, screen, *args, term="xterm", delay="0.1", **kwargs):
        """Run it there; it is killed at the end if it is still there."""
        process = screen.run(*self.command(*args, delay=delay),
                             env=harness.environment(TERM=term), **kwargs)

        def end():
            process.kill()
            process.wait()

        self.addCleanup(end)
        return process

    def ended(self, screen, process, status):
        """It has ended so, and the terminal is as it was."""
        screen.wait(lambda: process.poll() is not None, "it has ended")
        screen.read()
        self.assertEqual(process.returncode, status, screen.raw[-500:])
        self.assert_left(screen)

    def assert_left(self, screen):
        self.assertEqual(screen.modes, {
            "alternate": False, "cursor": True, "wrap": True})
        self.assertEqual(screen.flags(), screen.before)
        self.assertEqual(screen.problems, [])

    def assert_entered(self, screen):
        self.assertEqual(screen.modes, {
            "alternate": True, "cursor": False, "wrap": False})
        self.assertFalse(screen.flags()[3] & (termios.ECHO | termios.ICANON))
        self.assertTrue(screen.flags()[3] & termios.ISIG)


class Picture(TopTest):
    """What is shown."""

    def test_numbers(self):
        """Rates, times, tables, workers, keys; those of the last second."""
        self.write("cities.tsv", "Bern\tSwitzerland\n")
        daemon = self.serve("table cities file cities.tsv")
        with harness.Peer(daemon.address) as peer:
            for key in ("ring", "ring", "Bern", "no\x1b[2Jne"):
                peer.ask(search(key, **kept()))
            screen = self.screen()
            process = self.top(screen, delay="0.3")
            screen.wait_text(r"rates since its start")
            text = screen.wait_text(r"rates of the last \d\.\d s") and \
                screen.text
            self.assertRegex(text, rf"^appmsgd {self.version()} serving, "
                             rf"pid {daemon.pid}, up \d+ s; ")
            for pattern in (
                    r"(?m)^generation 1, loaded \d{4}-",
                    r"(?m)^connections  1 now; ",
                    r"(?m)^ +2 +2 +2  ring$", r"(?m)^ +1 +1 +1  Bern$",
                    r"(?m)^ +1 +1 +1  no\\x1b\[2Jne$",
                    r"(?m)^cities +file +1 +[\d.]+ KB  \d{4}-",
                    r"(?m)^main +answer +3 +[\d.]+ KB  \d{4}-",
                    r"(?m)^0 .*\n1 "):
                self.assertRegex(text, pattern)

            def asked():
                peer.ask(search("ring", **kept()))
                screen.read(0.01)
                return re.search(r"(?m)^search exact +found +[\d,.]+ +\d",
                                 screen.text)

            screen.wait(asked, "requests are seen")
            # And no longer, when there are no more.
            screen.wait_text(r"(?m)^requests     0\.0/s: 0\.0 found, 0\.0 ")
            self.assertNotIn("search exact", screen.text)
            screen.wait(lambda: re.search(r"\n0 .*\n1 .*\n+$", screen.text)
                        and len(re.findall(r"(?m)^[01] ", screen.text)) == 2,
                        "what was below is cleared")
        screen.wait_text(r"(?m)^connections  0 now; ")
        self.assert_entered(screen)
        screen.type("q")
        self.ended(screen, process, 0)

    def version(self):
        return harness.run(program("appmsgctl"), "-V").stdout.split()[1]

    def test_failed_reload(self):
        """It is told as soon as it is there, and no longer than it holds."""
        self.serve()
        screen = self.screen()
        process = self.top(screen)
        self.write_config(*self.base, "wrong")
        self.failed("reload")
        screen.wait_whole(r"reload failed \S+: /\S+:4: unknown directive "
                          r'"wrong"')
        self.write_config(*self.base)
        self.done("reload", "--force")
        screen.wait_text(r"(?m)^generation 2, loaded")
        screen.wait(lambda: "reload failed" not in screen.text,
                    "it is not told any more")
        screen.type("q")
        self.ended(screen, process, 0)

    def test_sizes(self):
        """Lines are cut, and as many are there as have room."""
        self.serve()
        screen = self.screen(24, 80)
        process = self.top(screen, delay="60")  # sizes are seen at once
        screen.wait_text("(?m)^worker ")
        for rows, columns in ((10, 40), (50, 132), (1, 5), (3, 300),
                              (24, 80)):
            screen.resize(rows, columns)
            screen.wait(lambda: screen.lines[0].startswith("appms")
                        and screen.lines[-1 if rows < 10 else 8] != "",
                        f"it is drawn in {rows}x{columns}")
        screen.wait_text("(?m)^worker ")
        screen.type("q")
        self.ended(screen, process, 0)

    def test_no_size(self):
        """A terminal that knows none has 24 lines of 80."""
        self.serve()
        screen = self.screen(0, 0)
        screen.rows, screen.columns, screen.lines = 24, 80, [""] * 24
        process = self.top(screen)
        screen.wait_text("(?m)^worker ")
        screen.type("q")
        self.ended(screen, process, 0)


class Ends(TopTest):
    """How it ends, and what is left: nothing."""

    def started(self, **kwargs):
        screen = self.screen()
        process = self.top(screen, **kwargs)
        screen.wait_text("(?m)^worker ")
        self.assert_entered(screen)
        return screen, process

    def test_keys(self):
        """q, Q and control-D; no other one does anything."""
        self.serve()
        for key in ("q", "Q", "\x04"):
            screen, process = self.started(delay="60")
            screen.type("x\n\x1b[A ")
            screen.type(key)
            self.ended(screen, process, 0)

    def test_interrupt(self):
        """Control-C is the signal that it always is."""
        self.serve()
        screen, process = self.started()
        screen.type("\x03")
        self.ended(screen, process, -signal.SIGINT)

    def test_signals(self):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self.serve()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            screen, process = self.started(delay="60")
            process.send_signal(number)
            self.ended(screen, process, -number)

    def test_count(self):
        """-n: after so many pictures, on a terminal too."""
        self.serve()
        screen = self.screen()
        process = self.top(screen, "-n", "3")
        self.ended(screen, process, 0)
        self.assertEqual(screen.raw.count("\x1b[H"), 3)

    def test_terminal_gone(self):
        """Who closes a window ends what is in it."""
        self.serve()
        screen, process = self.started()
        screen.close()
        self.assertEqual(process.wait(harness.DEADLINE), -signal.SIGHUP)

    def test_full(self):
        """A terminal that takes no more does not keep it from ending."""
        self.serve()
        screen, process = self.started()

        def waiting():
            """Bytes that nobody has read."""
            number = fcntl.ioctl(screen.master, termios.FIONREAD, b"\0" * 4)
            return struct.unpack("i", number)[0]

        seen = []
        harness.wait_until(lambda: seen.append(waiting()) or
                           len(set(seen[-5:])) == 1 and seen[-1] > 1000,
                           "it writes no more", 0.2)
        process.terminate()
        self.ended(screen, process, -signal.SIGTERM)


class Jobs(TopTest):
    """Control-Z, and back in front."""

    def test_stop_and_go_on(self):
        self.serve()
        screen = self.screen()
        shell = screen.run(
            sys.executable, "-c", SHELL, *self.command(delay="60"),
            env=harness.environment(TERM="xterm"), stdin=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.addCleanup(shell.stderr.close)
        self.addCleanup(shell.stdin.close)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        for _ in range(3):
            screen.wait_text("(?m)^worker ")
            self.assert_entered(screen)
            screen.type("\x1a")
            screen.wait(lambda: not screen.modes["alternate"], "it is left")
            self.assertEqual(shell.stderr.readline(), b"stopped\n")
            screen.read()
            self.assert_left(screen)
            screen.lines = [""] * screen.rows
            shell.stdin.write(b".")
            shell.stdin.flush()
        screen.wait_text("(?m)^worker ")
        screen.type("q")
        self.assertEqual(shell.stderr.readline(), b"ended 0\n")
        screen.read()
        self.assert_left(screen)


class Gone(TopTest):
    """The daemon goes away, or does not answer."""

    def test_restart(self):
        """It is said, and the next one is found."""
        daemon = self.serve()
        screen = self.screen()
        process = self.top(screen)
        screen.wait_text(r"rates of the last")
        daemon.stop()
        screen.wait_whole(r"^trying again: /\S+: [A-Z][\w ]+ +appmsgd ")
        other = self.serve()
        screen.wait_text(rf"^appmsgd .*, pid {other.pid},")
        screen.wait_text(r"rates of the last")
        screen.type("q")
        self.ended(screen, process, 0)

    def test_silent(self):
        """A key is obeyed meanwhile, and it is told."""
        daemon = self.serve()
        screen = self.screen()
        process = self.top(screen)
        screen.wait_text(r"rates of the last")
        with daemon.stopped():
            screen.wait_whole(r"^trying again: /\S+: no reply in time +app")
            screen.type("q")
            self.ended(screen, process, 0)

    def test_nobody(self):
        """At first it fails as each command does; the terminal is as it was.
        """
        screen = self.screen()
        process = self.top(screen)
        self.ended(screen, process, UNAVAILABLE)
        self.assertIn("is appmsgd running?", screen.raw)
        self.assertNotIn("\x1b", screen.raw)


class Others(TopTest):
    """Somebody else at the control socket."""

    @contextlib.contextmanager
    def replying(self, *replies):
        """To each connection the next one; the last again and again."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path("control.sock"))
            listener.listen()
            listener.settimeout(0.05)
            over = []

            def serve():
                left = list(replies)
                while not over:
                    try:
                        sock, _ = listener.accept()
                    except TimeoutError:
                        continue
                    with sock, contextlib.suppress(OSError):
                        sock.settimeout(harness.DEADLINE)
                        sock.recv(1 << 16)
                        sock.sendall(left.pop(0) if len(left) > 1
                                     else left[0])

            with harness.background(serve):
                try:
                    yield
                finally:
                    over.append(True)

    def test_nothing_moves_the_cursor(self):
        evil = "a\x1b]0;owned\x07\x1b[2J\r\n\x08\x9b31m\u202eb" + "\u00e4" * 99
        members = {name: evil for name in (
            "result", "version", "state", "loaded", "log-level")}
        reply = request(to_json({
            **members, "last-reload": {"outcome": "failed", "time": evil,
                                       "problem": evil},
            "requests": [{"action": evil, "way": evil, "outcome": evil,
                          "count": 1 << 62, "times": [[1e15, 1 << 62]]}],
            "per-worker": [{"requests": 1 << 62, "connections": 1 << 62,
                            "bytes-in": 1 << 62}],
            "tables": [{"table": evil, "kind": evil, "loaded": evil,
                        "entries": 1 << 62, "bytes": 1 << 62}],
            "hot-keys": [{"key": evil, "count": 1 << 62}],
            "top-misses": [{"key": evil}]}), status="found")
        refused = request(to_json({"result": evil}), status="error")
        with self.replying(refused):
            done = harness.run(*self.command())
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertTrue(done.stderr[:-1].isprintable(), done.stderr)
        os.unlink(self.path("control.sock"))
        with self.replying(reply, reply, refused):
            screen = self.screen()
            process = self.top(screen)
            screen.wait_whole(r"^trying again: /\S+: a\\x1b\]0;owned\\x07\\x1b")
            screen.type("q")
            self.ended(screen, process, 0)

    def test_no_reply_of_ours(self):
        """Later it is told and asked again, at first it is a failure."""
        good = request(to_json({"result": ""}), status="found")
        for bad in (b"HTTP/1.1 400 Bad Request\r\n\r\n",
                    request(b"[]", status="found"), b""):
            with self.replying(good, bad):
                screen = self.screen()
                process = self.top(screen)
                screen.wait_text("^trying again: ")
                screen.type("q")
                self.ended(screen, process, 0)
            os.unlink(self.path("control.sock"))
            with self.replying(bad):
                done = harness.run(*self.command("-n", "1"))
                self.assertIn(done.returncode, (UNAVAILABLE, 76), done)
                self.assertEqual(done.stdout, "")
                self.assertNotEqual(done.stderr, "")
            os.unlink(self.path("control.sock"))


class Plain(TopTest):
    """Where no screen is."""

    def test_pipe(self):
        """Pictures one after the other, the first since the start."""
        daemon = self.serve()
        for _ in range(3):
            harness.ask(daemon.address, search("ring"))
        done = harness.run(*self.command("-n", "3"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        pictures = done.stdout.split("\n\nappmsgd ")
        self.assertEqual(len(pictures), 3)
        self.assertIn("rates since its start\n", pictures[0])
        self.assertRegex(pictures[0], r"\nsearch exact     found +[\d.]+ +\d")
        for picture in pictures[1:]:
            self.assertRegex(picture, r"rates of the last \d+\.\d s\n")
        self.assertTrue(done.stdout.isascii())
        self.assertTrue(done.stdout.replace("\n", "").isprintable())
        self.assertTrue(done.stdout.endswith("\n"))

    def test_reader_gone(self):
        """As others it ends when nobody reads."""
        self.serve()
        done = subprocess.run(
            f"{' '.join(self.command())} | head -n 1", shell=True,
            capture_output=True, timeout=harness.DEADLINE,
            env=harness.environment())
        self.assertRegex(done.stdout.decode(), r"^appmsgd .*\n$")
        self.assertEqual(done.stderr, b"")

    def test_full(self):
        self.serve()
        with open("/dev/full", "wb") as full:
            done = subprocess.run(self.command(), stdout=full,
                                  stderr=subprocess.PIPE,
                                  timeout=harness.DEADLINE,
                                  env=harness.environment())
        self.assertEqual(done.returncode, 74)
        self.assertIn(b"No space left", done.stderr)

    def test_dumb(self):
        """A terminal without sequences gets none; keys are obeyed."""
        self.serve()
        for term in ("dumb", ""):
            screen = self.screen(200, 60)
            process = self.top(screen, term=term)
            screen.wait(lambda: screen.raw.count("generation 1") == 3,
                        "there are three")
            screen.type("q")
            screen.wait(lambda: process.poll() is not None, "it has ended")
            screen.read()
            self.assertEqual(process.returncode, 0)
            self.assertEqual(screen.flags(), screen.before)
            self.assertNotIn("\x1b", screen.raw)
            for line in screen.raw.split("\r\n"):
                self.assertLessEqual(len(line), 60)

    def test_no_keys(self):
        """Standard input that is no terminal is not read."""
        self.serve()
        screen = self.screen()
        process = self.top(screen, "-n", "3", stdin=subprocess.DEVNULL)
        self.ended(screen, process, 0)

    def test_usage(self):
        self.serve()
        for args in (("--json", "top"), ("top", "-n", "0"), ("top", "x"),
                     ("top", "-n", "x"), ("top", "-d", "0"),
                     ("top", "-d", "0.09"), ("top", "-d", "3601"),
                     ("top", "-d", "nan"), ("top", "-d", "1x"),
                     ("top", "-d", ""), ("-n", "1", "stats"),
                     ("--delay=1", "status")):
            self.failed(*args, status=USAGE)
        self.assertIn("rates", self.done("top", "--count=1", "--delay=3600"))


if __name__ == "__main__":
    harness.main()
