#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A reload changes the answers and loses no request.

On SIGHUP and by appmsgctl reload, which ends when the new table serves.  A
config that is wrong, or that changes what a reload cannot, keeps the old one
and is told with file and line.
"""

import contextlib
import os
import re
import signal
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, answer, kept, plain_reply, search, thorough

KEEP = ("connection", "keep-alive")
FOUND = ("status", "found")
RELOADS = thorough(15, 50)
LOADERS = 3             # connections that ask during the reloads
DEPTH = 32              # requests each has under way


class ReloadTest(harness.DaemonTest):
    """A daemon with a control socket and one answer."""

    def setUp(self):
        super().setUp()
        self.base = [f"listen {LOOPBACK} 0", self.control_line()]
        self.daemon = self.start(*self.base, "workers 2",
                                 answers=[answer("key", "1")])

    def change(self, *lines):
        """Replace the config by these lines behind the base."""
        return self.write_config(*self.base, "workers 2", *lines)

    def ask(self, key="key"):
        return harness.ask(self.daemon.address, search(key))

    def assert_now(self, text):
        """The answer is this one, on each of a few new connections."""
        for _ in range(8):
            self.assertEqual(self.ask(), plain_reply(text))

    def generation(self):
        reply = harness.ask_reply(self.daemon.address,
                                  search("key", explain=True))
        return reply.header["generation"]

    def wait_reloaded(self, generation):
        """Wait until all workers have it, which is when it is logged."""
        self.daemon.wait_log(f"reloaded generation={generation} ")

    def assert_reloads(self):
        done = self.control("reload")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def assert_refused(self, *patterns):
        """appmsgctl reload fails, and prints what is wrong."""
        done = self.control("reload")
        self.assertNotEqual(done.returncode, 0)
        for pattern in patterns:
            self.assertRegex(done.stdout + done.stderr, pattern)
        return done


class Reload(ReloadTest):
    """Changes that a reload applies."""

    def test_by_signal(self):
        """SIGHUP: the new answer comes."""
        self.change(answer("key", "2"))
        self.daemon.hang_up()
        self.wait_reloaded(2)
        self.assert_now("2")
        self.assertEqual(self.generation(), 2)

    def test_by_control(self):
        """appmsgctl reload: when it ends only new answers come."""
        for number in range(2, 10):
            self.change(answer("key", str(number)))
            self.assert_reloads()
            self.assert_now(str(number))
            self.assertEqual(self.generation(), number)

    def test_signals_in_a_row(self):
        """However many come while it reloads, the last config counts."""
        for number in range(2, 40):
            self.change(answer("key", str(number)))
            self.daemon.hang_up()
        message = search("key", explain=True)

        def last():
            reply = harness.ask_reply(self.daemon.address, message)
            return reply.result == "39" and reply.header["generation"]

        self.wait_reloaded(harness.wait_until(last, "the last answer comes"))
        self.assert_now("39")

    def test_many_at_once(self):
        """Reloads that overlap: each ends when what it asked for serves."""
        def reload():
            self.assert_reloads()
            self.assert_now("2")

        self.change(answer("key", "2"))
        with harness.background(*[reload] * 10):
            pass
        self.assertEqual(self.control("reload").returncode, 0)

    def test_kept_connections_see_it(self):
        """A connection that was there before gets the new answers."""
        peers = [self.peer(self.daemon.address) for _ in range(8)]
        message = search("key", **kept())
        for peer in peers:
            self.assert_answer(peer.ask(message), "1", KEEP, FOUND)
        self.change(answer("key", "2"))
        self.assert_reloads()
        for peer in peers:
            self.assert_answer(peer.ask(message), "2", KEEP, FOUND)

    def test_new_files(self):
        """It may name files that the first config did not."""
        self.write_config(answer("key", "included"), name="new.conf")
        picture = self.write("logo", b"\x89PNG")
        self.change("include new.conf", f"binary logo file {picture}")
        self.assert_reloads()
        self.assert_now("included")
        reply = harness.ask_reply(self.daemon.address,
                                  harness.binary(b"logo"))
        self.assertEqual(reply.content, b"\x89PNG")
        self.write("logo", b"GIF89a")
        self.assert_reloads()
        reply = harness.ask_reply(self.daemon.address,
                                  harness.binary(b"logo"))
        self.assertEqual(reply.content, b"GIF89a")

    def test_limits_are_applied(self):
        """Limits and timeouts are those of the new config."""
        message = harness.request(b" " * 3000, id=1)
        reply = harness.ask_reply(self.daemon.address, message)
        self.assertEqual(reply.header["error"], "bad-json")
        self.change(answer("key", "2"), "limit content 2k")
        self.assert_reloads()
        reply = harness.ask_reply(self.daemon.address, message)
        self.assertEqual(reply.header["error"], "too-large")

    def test_removed_answers(self):
        """What is not there any more is not found."""
        self.change(answer("other", "2"))
        self.assert_reloads()
        self.assertEqual(self.ask(), plain_reply(harness.no_match("key")))

    def test_request_under_way(self):
        """A request begun before the reload is answered after it."""
        message = search("key", **kept())
        peer = self.peer(self.daemon.address)
        peer.send(message[:-5])
        self.change(answer("key", "2"))
        self.assert_reloads()
        self.assert_answer(peer.ask(message[-5:]), "2", KEEP, FOUND)


class Refused(ReloadTest):
    """Changes that keep the old config."""

    def test_wrong_config(self):
        """Every mistake is printed, and the old answers stay."""
        config = self.change(answer("key", "2"), "listn x", "limit y 1")
        self.assert_refused(f"(?m)^{re.escape(config)}:5: .*listen",
                            f"(?m)^{re.escape(config)}:6: .")
        self.assert_now("1")
        self.assertEqual(self.generation(), 1)

    def test_wrong_config_by_signal(self):
        """The mistakes are logged, and the old answers stay."""
        config = self.change(answer("key", "2"), "listn x")
        self.daemon.hang_up()
        self.daemon.wait_log(f"{re.escape(config)}:5: .*listen")
        self.assert_now("1")
        self.change(answer("key", "3"))
        self.assert_reloads()
        self.assert_now("3")

    def test_missing_file(self):
        """A file that is not there is a mistake of the line naming it."""
        config = self.change(answer("key", "2"),
                             "binary logo file /no/such/file")
        self.assert_refused(f"(?m)^{re.escape(config)}:5: .*/no/such/file")
        self.assert_now("1")

    def test_what_only_a_start_changes(self):
        """listen, control, user and workers: refused by name."""
        base, workers = self.base, "workers 2"
        changes = {
            "listen": [base[0] + " keep-alive=yes", base[1], workers],
            "listen (more)": [*base, f"listen {LOOPBACK} 0", workers],
            "control": [base[0], f"control {self.path('other')}", workers],
            "control (none)": [base[0], workers],
            "workers": [*base, "workers 1"],
            "user": [*base, workers, "user nobody"],
        }
        for name, lines in changes.items():
            with self.subTest(name):
                self.write_config(*lines, answer("key", "2"))
                self.assert_refused(rf"\b{name.split()[0]}\b.*"
                                    r"\bsystemctl restart\b")
                self.assert_now("1")
        self.write_config(*base, workers, answer("key", "2"))
        self.assert_reloads()
        self.assert_now("2")

    def test_config_that_is_gone(self):
        """Without a config file the old one goes on."""
        os.remove(self.daemon.config)
        self.assert_refused(re.escape(self.daemon.config))
        self.assert_now("1")


class Control(ReloadTest):
    """appmsgctl besides reload."""

    def test_status(self):
        """Generation and entries, as numbers."""
        for count in (1, 3):
            self.change(*(answer(f"key{i}", "x") for i in range(count)))
            self.assert_reloads()
            done = self.control("status")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            found = dict(re.findall(r"(?m)^(generation|entries) +(\d+)$",
                                    done.stdout))
            self.assertEqual(found["entries"], str(count), done.stdout)
        self.assertEqual(found["generation"], "3")

    def test_nobody_there(self):
        """Without a daemon: an error that names the socket."""
        path = self.path("nobody")
        for command in ("reload", "status"):
            done = harness.run(harness.program("appmsgctl"), "-s", path,
                               command)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(path, done.stderr)

    def test_socket_is_the_owners(self):
        """Others must not reload or stop the daemon."""
        mode = os.stat(self.path("control.sock")).st_mode
        self.assertEqual(mode & 0o007, 0)

    def test_peers_that_say_nonsense(self):
        """Whatever is sent to the control socket, the daemon goes on."""
        path = self.path("control.sock")
        for data in (b"", b"\0", b"nonsense\n", b"reload", b"x" * 100000,
                     b"reload\n" * 100, bytes(70000)):
            with harness.Peer(path) as peer:
                try:
                    peer.send(data)
                    peer.finish()
                    peer.to_end()
                except (BrokenPipeError, ConnectionResetError):
                    pass    # it need not hear such a peer out
        self.assert_now("1")
        self.assertEqual(self.control("status").returncode, 0)


class UnderLoad(ReloadTest):
    """Reloads while many ask."""

    def loader(self, stop, counts):
        """Ask with many requests under way; answers never get older."""
        newest = asked = answered = 0
        with harness.Peer(self.daemon.address) as peer:
            while not stop.is_set() or answered < asked:
                while asked < answered + DEPTH and not stop.is_set():
                    peer.send(search("key", **kept(id=asked)))
                    asked += 1
                if answered < asked:
                    reply = peer.reply()
                    self.assertEqual(reply.extra,
                                     [KEEP, ("id", answered), FOUND])
                    number = int(reply.result)
                    self.assertGreaterEqual(number, newest)
                    newest = number
                    answered += 1
        counts.append(answered)

    def test_no_request_is_lost(self):
        """Reloads, by signal and by appmsgctl, under pipelined load."""
        stop, counts = threading.Event(), []
        with harness.background(*[lambda: self.loader(stop, counts)]
                                * LOADERS):
            try:
                for number in range(2, RELOADS + 2):
                    self.change(answer("key", str(number)))
                    if number % 2:
                        self.assert_reloads()
                    else:
                        self.daemon.hang_up()
                        self.wait_reloaded(number)
                    self.assertEqual(self.ask(), plain_reply(str(number)))
            finally:
                stop.set()
        self.assertEqual(len(counts), LOADERS)
        self.assertGreater(min(counts), 0)
        self.assert_now(str(RELOADS + 1))
        self.assertEqual(self.generation(), RELOADS + 1)


class Start(harness.DaemonTest):
    """What comes while the first load is under way."""

    def test_signals(self):
        """They end nothing, and the reload follows when it serves."""
        config = self.configure(f"listen {LOOPBACK} 0", self.control_line(),
                                "log level=debug")

        # A file that was written just now is waited for.
        def touch():
            soon = time.time() + 0.2
            os.utime(config, (soon, soon))

        touch()
        daemon = self.spawn(harness.program("appmsgd"), "-d", "-f", config)
        files = f"/proc/{daemon.pid}/fd"

        def reading():
            self.assertIsNone(daemon.poll())
            with contextlib.suppress(OSError):
                if config in map(os.readlink, (f"{files}/{n}" for n
                                               in os.listdir(files))):
                    return True
            touch()
            return False

        harness.wait_until(reading, "it reads the config", poll=0)
        for number in (signal.SIGHUP, signal.SIGUSR1):
            daemon.send_signal(number)
        harness.wait_until(lambda: re.search(
            r"^last reload  .*, done$", self.control("status").stdout, re.M),
            "it has reloaded")
        daemon.terminate()
        self.assertEqual(daemon.wait(harness.DEADLINE), 0)


if __name__ == "__main__":
    harness.main()
