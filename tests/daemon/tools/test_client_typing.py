#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client without an action: the lines that it keeps for later times,
and servers that are slow, gone, several or hostile.
"""

import contextlib
import json
import os
import socket
import stat
import sys
import tempfile
import threading
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, free_port, no_match, request, to_json
from scripted import Server
from typed import Client

EVIL = ("a\x1b]0;title\x07b", "c\x9b31m\u202ed", "\r\n\x08\x7f\0", "e\u2066f",
        "\x1b[2J\x1b[H", "g\ufeffh\u2028")


def answer_all(connection):
    """Every key is its own answer, and found in every other way as well."""
    while (got := connection.request()) is not None:
        asked = json.loads(got[1])
        found = {"result": asked["value"]}
        if "match" in asked:
            found.update(matches=[{"key": asked["value"], "result": "x"}],
                         more=False)
        connection.send(request(to_json(found), status="found",
                                connection="keep-alive"))


class TypingTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="appmsg-")
        self.addCleanup(folder.cleanup)
        self.directory = folder.name

    def open(self, server, *args, **kwargs):
        """The client at its first prompt."""
        shown = Client(self, "-p", str(getattr(server, "port", server)),
                       *args, **kwargs)
        shown.wait_text("ends.\n")
        shown.wait_text(">")
        return shown


class HistoryTest(TypingTest):
    PATH = ".local/state/appmsg-client/history"

    def lines(self, path=PATH):
        with open(os.path.join(self.directory, path)) as file:
            return file.read().split("\n")[:-1]

    def say(self, server, *lines, **kwargs):
        """One run, in which these lines are typed."""
        shown = self.open(server, **kwargs)
        for line in lines:
            shown.ask(line, ">")
        shown.leave()
        return shown

    def test_lines_come_back_in_the_next_run(self):
        with Server(answer_all) as server:
            self.say(server, "one", "two", "two", " hidden", "\\x on", "ä")
            self.assertEqual(self.lines(), ["one", "two", "\\x on", "ä"])
            shown = self.open(server)
            shown.type("\x10")      # as the arrow that goes up
            shown.wait_line("appmsg> ä")
            shown.type("\x10\x10")
            shown.wait_line("appmsg> two")
            shown.ask("", "two\nappmsg>")
            # The one before is of another run.
            shown.ask("two", "\nappmsg>")
            shown.type("\x12on")    # Ctrl-R
            shown.wait(lambda: shown.text.endswith("> \\x on\nbck:on"),
                       "the line is found")
            shown.type("\x03")
            shown.wait_line("appmsg>")
            shown.leave()
        self.assertEqual(self.lines(),
                         ["one", "two", "\\x on", "ä", "two"])
        state = os.stat(os.path.join(self.directory, self.PATH))
        self.assertEqual(stat.S_IMODE(state.st_mode), 0o600)
        for folder in (".local", ".local/state",
                       os.path.dirname(self.PATH)):
            state = os.stat(os.path.join(self.directory, folder))
            self.assertEqual(stat.S_IMODE(state.st_mode), 0o700, folder)

    def test_its_place(self):
        state = os.path.join(self.directory, "state")
        with Server(answer_all) as server:
            self.say(server, "one", XDG_STATE_HOME=state)
            self.assertEqual(self.lines("state/appmsg-client/history"),
                             ["one"])
            self.say(server, "two", XDG_STATE_HOME="not/absolute")
            self.assertEqual(self.lines(), ["two"])
        self.assertFalse(os.path.exists("not"))

    def test_without_a_place(self):
        with Server(answer_all) as server:
            shown = self.say(server, "one", HOME=None, XDG_STATE_HOME=None)
            self.assertNotIn("history", shown.text)
            os.mkdir(self.directory + "/.local")
            with open(self.directory + "/.local/state", "w"):
                pass        # where a folder should be
            shown = self.say(server, "one")
            self.assertEqual(shown.text.count("no history is kept: "), 1)
            self.assertEqual(shown.text.count("\none\n"), 1)

    def test_what_is_no_file_is_left_alone(self):
        folder = os.path.join(self.directory, os.path.dirname(self.PATH))
        os.makedirs(folder)
        path = os.path.join(self.directory, self.PATH)
        with Server(answer_all) as server:
            for make in (os.mkfifo, lambda path: os.symlink("/dev/null",
                                                            path)):
                make(path)
                shown = self.say(server, "one")
                self.assertIn("no history is kept: ", shown.text)
                os.unlink(path)

    def test_two_runs_at_once_keep_each_others_lines(self):
        with Server(answer_all) as server:
            both = [self.open(server) for _ in range(2)]
            for i in range(10):
                for name, shown in zip("ab", both):
                    shown.ask(f"{name}{i}", ">")
            for shown in both:
                shown.leave()
        self.assertEqual(self.lines(), [f"{name}{i}" for i in range(10)
                                        for name in "ab"])

    def test_it_stays_short(self):
        folder = os.path.join(self.directory, os.path.dirname(self.PATH))
        os.makedirs(folder)
        path = os.path.join(self.directory, self.PATH)
        with Server(answer_all) as server:
            for n in (1999, 2000, 500_000):
                with open(path, "w") as file:
                    file.writelines(f"line {i}\n" for i in range(n))
                self.say(server, "new")
                first = 0 if n < 2000 else n - 1000
                self.assertEqual(self.lines(), [
                    *(f"line {i}" for i in range(first, n)), "new"])
        self.assertEqual(os.listdir(folder), ["history"])

    def test_a_cut_file_is_read(self):
        os.makedirs(os.path.join(self.directory, os.path.dirname(self.PATH)))
        with open(os.path.join(self.directory, self.PATH), "wb") as file:
            file.write(b"\n\none\n\xff\x1b[2J\n\0two\nend")
        with Server(answer_all) as server:
            shown = self.say(server, "more")
        self.assertEqual(shown.problems, [])


class SlowTest(TypingTest):
    """Nobody waits for a server against his will."""

    def hanging(self):
        """A server that answers "quick" alone."""
        def serve(connection):
            while (got := connection.key()) is not None:
                if got == "quick":
                    connection.reply("at once", status="found",
                                     connection="keep-alive")
        return Server(serve)

    def test_a_search_is_broken_off(self):
        with self.hanging() as server:
            shown = self.open(server)
            for _ in range(3):
                shown.ask("slow")
                shown.type("\x03")
                shown.wait_text("Broken off.\nappmsg>")
                shown.ask("quick", "at once\nappmsg>")
            shown.leave()

    def test_so_is_one_that_does_not_even_connect(self):
        with Server(None, backlog=0) as server, \
                contextlib.ExitStack() as others:
            # Once its backlog is full, connecting hangs.
            for _ in range(4):
                sock = others.enter_context(socket.socket())
                sock.setblocking(False)
                sock.connect_ex(server.address)
            shown = Client(self, "-p", str(server.port))
            shown.wait_text("No server is connected to yet.\n")
            shown.wait_text("appmsg>")
            shown.ask("k")
            shown.type("\x03")
            shown.wait_text("Broken off.\nappmsg>")
            shown.leave()

    def test_each_search_has_its_time(self):
        with self.hanging() as server:
            shown = self.open(server, "-t", "0.3")
            for _ in range(2):
                shown.ask("slow", f"{LOOPBACK}:{server.port}: reply: timed "
                          "out\nappmsg>")
                shown.ask("quick", "at once\nappmsg>")
            shown.leave()

    def test_a_signal_ends_it(self):
        with self.hanging() as server:
            shown = self.open(server)
            shown.ask("slow")
            shown.process.terminate()
            self.assertEqual(shown.wait_end(), -15)
            self.assertTrue(shown.is_restored())

    def test_completion_does_not_hold_up_typing(self):
        """An answer that comes late is there for the next TAB."""
        asked, go = threading.Event(), threading.Event()

        def serve(connection):
            while (got := connection.request()) is not None:
                content = json.loads(got[1])
                if "match" in content:
                    asked.set()
                    go.wait(harness.DEADLINE)
                connection.send(request(to_json({
                    "result": "x", "more": False,
                    "matches": [{"key": "slow key", "result": "x"}]}),
                    status="found", connection="keep-alive"))

        with Server(serve) as server:
            shown = self.open(server)
            shown.type("sl")
            shown.tab_until(asked.is_set, "it is asked for")
            shown.type("o")
            shown.wait_line("appmsg> slo")
            # A search does not wait behind it.
            shown.ask("", "x\nappmsg>")
            asked.clear()
            shown.type("sl")
            shown.tab_until(asked.is_set, "it is asked for again")
            go.set()
            shown.tab_line("appmsg> slow key")
            shown.leave()

    def test_a_late_answer_is_not_that_of_tables(self):
        """Both are of a text that is empty."""
        asked, go = threading.Event(), threading.Event()

        def serve(connection):
            while (got := connection.request()) is not None:
                content = {"result": "x"}
                if json.loads(got[1])["action"] == "tables":
                    content["tables"] = ["cities"]
                else:
                    asked.set()
                    go.wait(harness.DEADLINE)
                    content.update(matches=[], more=False)
                connection.send(request(to_json(content), status="found",
                                        connection="keep-alive"))

        with Server(serve) as server:
            shown = self.open(server)
            shown.tab_until(asked.is_set, "it is asked for")
            shown.type("\\T ")
            shown.wait_line("appmsg> \\T")
            go.set()
            shown.tab_line("appmsg> \\T cities")
            shown.type("\x15")
            shown.leave()

    def test_what_is_typed_meanwhile_is_not_lost(self):
        go = threading.Event()

        def serve(connection):
            while (got := connection.key()) is not None:
                go.wait(harness.DEADLINE)
                connection.reply("re " + got, status="found",
                                 connection="keep-alive")

        with Server(serve) as server:
            shown = self.open(server)
            shown.ask("one")
            shown.type("two\rthr\x04\x04")
            go.set()
            shown.wait_text("re one\nappmsg> two\nre two\nappmsg> thr")
            shown.leave()


class LostTest(TypingTest):
    def test_a_server_that_is_down_is_told(self):
        port = free_port()
        shown = Client(self, "-p", str(port))
        told = shown.wait_text("A line is a key")
        self.assertIn(f"{LOOPBACK}:{port}: ", told)
        self.assertIn("Connection refused", told)
        shown.wait_text("appmsg>")
        shown.ask("k", "Connection refused\nappmsg>")

    def test_it_is_connected_to_again(self):
        def serve(connection):
            got = connection.key()
            if got is not None:
                connection.reply(f"{got} {connection.number}",
                                 status="found", connection="keep-alive")

        with Server(serve) as server:
            shown = self.open(server)
            shown.ask("k", "k 0\nappmsg>")
            shown.ask("k", "k 1\nappmsg>")
            port = server.port
        shown.ask("k", "Connection refused\nappmsg>")
        with Server(serve, (LOOPBACK, port)):
            shown.ask("k", "k 0\nappmsg>")
            shown.leave()

    def test_the_next_of_several_is_asked(self):
        def serve(connection):
            while (got := connection.request()) is not None:
                connection.reply("second", status="found",
                                 connection="keep-alive")

        with Server(serve) as server:
            first = f"{LOOPBACK}:{free_port()}"
            second = f"{LOOPBACK}:{server.port}"
            shown = Client(self, APPMSG_SERVER=f"{first},{second}")
            shown.wait_text(f"Connected to {second}.\n")
            shown.ask("k", "second\nappmsg>")
            shown.ask("\\r", f"{second} answered in ")
            shown.wait_text(f"\n  {first}\n* {second}\nappmsg>")
            shown.leave()

    def test_one_that_does_not_know_what_is_asked(self):
        def serve(connection):      # as the tutorial's
            got = connection.key()
            if got is not None:
                connection.reply(no_match(got))

        with Server(serve) as server:
            shown = self.open(server)
            shown.ask("k", no_match("k") + "\nappmsg>")
            shown.ask("\\m prefix", "prefix>")
            shown.ask("k", "does not know what \\m is for\nprefix>")
            shown.ask("\\m")
            shown.ask("\\T t", "t>")
            shown.ask("k", "does not know what \\T is for\nt>")
            shown.type("x\t\t\x15")
            shown.ask("\\x on", "t>")
            shown.ask("\\T", "appmsg>")
            shown.ask("k", "does not say where answers stand\nappmsg>")
            shown.leave()


class TablesTest(TypingTest):
    """Servers that say which tables there are."""

    def test_they_are_listed_and_completed(self):
        replies = iter((["cities", "words", "cars"],) * 3 + (
            [], None, "cities", [1], {}, ["a\x1b[2J"]))

        def serve(connection):
            while (got := connection.request()) is not None:
                self.assertEqual(json.loads(got[1]), {"action": "tables"})
                connection.send(request(to_json(
                    {"result": "some", "tables": next(replies)}),
                    status="found", connection="keep-alive"))

        with Server(serve) as server:
            shown = self.open(server)
            shown.ask("\\l", "cities  words   cars\nappmsg>")
            shown.type("\\T w")
            shown.tab_line("appmsg> \\T words")
            shown.ask("", "words>")
            shown.type("\\T x\t\x15")
            shown.wait_line("words>")
            shown.ask("\\l", "no table may be asked\nwords>")
            for _ in range(4):
                shown.ask("\\l", "reply: not the appmsg protocol\nwords>")
            shown.ask("\\l", "a\\x1b[2J\nwords>")
            shown.leave()


class HostileTest(TypingTest):
    """Nothing that a server sends is obeyed by the terminal."""

    def test_answers_matches_suggestions_and_errors(self):
        def serve(connection):
            while (got := connection.request()) is not None:
                header, asked = got[0], json.loads(got[1])
                evil = EVIL[int(asked["value"][1:] or 0)]
                content = {"result": evil}
                members = {"status": "found", "connection": "keep-alive"}
                if "match" in asked:
                    content.update(more=True, matches=[
                        {"key": evil, "result": evil},
                        {"key": evil * 9, "result": evil * 99}])
                elif asked["value"].startswith("m"):
                    members.update(status="not-found", suggestions=[evil])
                elif asked["value"].startswith("e"):
                    members.update(status="error", error=evil)
                if header.get("explain"):
                    members.update(table=evil, generation=1, loaded=evil,
                                   file=evil, line=3)
                connection.send(request(to_json(content), **members))

        with Server(serve) as server:
            shown = self.open(server, "--explain")
            for i in range(len(EVIL)):
                for key in (f"f{i}", f"m{i}", f"e{i}"):
                    shown.ask(key, "appmsg>")
                shown.type(f"t{i}\t\t\x15")
                shown.ask("\\r", "answered in ", "appmsg>")
            shown.ask("\\m prefix", "prefix>")
            for i in range(len(EVIL)):
                shown.ask(f"f{i}", "KEY ", "and more", "prefix>")
            shown.leave()
        self.assertEqual(shown.problems, [])
        for char in "\x9b\u202e\u2066\ufeff\u2028\x7f":
            self.assertNotIn(char, shown.raw)
        self.assertIn("a\\x1b]0;title\\x07b", shown.text)

    def test_no_key_becomes_a_command(self):
        """What is typed is one, with its backslash; the server's is none."""
        def serve(connection):
            while (got := connection.request()) is not None:
                asked = json.loads(got[1])
                found = {"result": f"re {asked['value']}"}
                if "match" in asked:
                    found.update(matches=[{"key": "q", "result": "x"}],
                                 more=False)
                connection.send(request(to_json(found), status="found",
                                        connection="keep-alive"))

        with Server(serve) as server:
            shown = self.open(server)
            shown.type("\\\\x\t")
            shown.type("\r")
            shown.wait_text("re \\x\nappmsg>")
            shown.leave()

    def test_keys_of_marks_without_end(self):
        """A character has so many marks, and no more."""
        marks = "a" + "\u0301" * 50000

        def serve(connection):
            while connection.request() is not None:
                connection.send(request(to_json(
                    {"result": "x", "more": False, "matches": [
                        {"key": marks, "result": marks}]}),
                    status="found", connection="keep-alive"))

        with Server(serve) as server:
            shown = self.open(server, "-m", "prefix")
            shown.ask("a", "KEY", "\nprefix>")
            shown.leave()
        self.assertNotIn("\u0301" * 9, shown.raw)
        self.assertLess(len(shown.raw), 3000)

    def test_what_is_no_reply(self):
        replies = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xff{",
                   request(b"[]"), request(b'{"result": 3}'), b"", b"\0\2{}",
                   request(to_json({"result": "x", "matches": [{}]}))]

        def serve(connection):
            if connection.request() is not None:
                connection.send(replies[connection.number - 1]
                                if connection.number else b"")

        with Server(serve) as server:
            shown = self.open(server, "-m", "prefix")
            for _ in replies:
                shown.ask("k", f"{LOOPBACK}:{server.port}: ", "prefix>")
            shown.leave()

    def test_a_long_answer_is_broken_off(self):
        def serve(connection):
            while connection.request() is not None:
                connection.send(request(to_json(
                    {"result": "long " * (1 << 20)}), status="found",
                    connection="keep-alive"))

        with Server(serve) as server:
            shown = self.open(server)
            shown.ask("k", "long long")
            shown.type("\x03")
            shown.wait_text("appmsg>")
            self.assertLess(len(shown.raw), 4 << 20)
            shown.leave()


if __name__ == "__main__":
    harness.main()
