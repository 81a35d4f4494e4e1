#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What appmsgctl prints for people and, with --json, for programs.

The commands but reload, diff and rollback, whose counts are in
test_transaction.py; of those, how they fail.
"""

import json
import os
import re
import socket
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from control import ControlTest
from harness import LOOPBACK, RING, answer, kept, search

LONG = f"timeout drain {int(harness.DEADLINE * 4)}s"
MESSAGE = search("ring", **kept())
KEEP = ("connection", "keep-alive")
CLOSE = ("connection", "close")
FOUND = ("status", "found")
PROBLEMS_MAX = 100
BAD = 'unknown directive "anser"; did you mean "answer"?'


class Status(ControlTest):
    """appmsgctl status."""

    def test_text_and_members_agree(self):
        daemon = self.serve(answers=[answer("a", "b"), answer("c", "d")])
        peers = [self.peer(daemon.address) for _ in range(3)]
        for peer in peers:
            peer.ask(search("a", **kept()))
        reply = self.members("status")
        lines = reply.pop("result").split("\n")
        self.assertEqual(lines.pop(0), "serving")
        text = dict(re.split(r" {2,}", line) for line in lines)
        # To a tenth, and less than that is ten of it.
        size = re.fullmatch(r"(\d\.\d|\d\d+) KB of tables, 0 bytes held "
                            r"for peers", text["memory"])
        self.assertIsNotNone(size, text["memory"])
        self.assertAlmostEqual(float(size[1]), reply["table-bytes"] / 1024,
                               delta=0.06 if "." in size[1] else 0.51)
        self.assertRegex(text["uptime"], r"^(\d+ min )?\d+ (s|min)$")
        for name in ("version", "pid", "generation", "loaded", "digest",
                     "entries", "connections", "workers"):
            self.assertEqual(text[name], str(reply[name]))
        self.assertEqual(text["log level"], reply["log-level"])
        self.assertRegex(reply.pop("loaded"),
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$")
        self.assertRegex(reply.pop("digest"), "^[0-9a-f]{32}$")
        self.assertEqual(reply.pop("version"), self.version())
        self.assertGreater(reply.pop("table-bytes"), 0)
        self.assertGreaterEqual(reply.pop("uptime"), 0)
        self.assertEqual(reply, {
            "state": "serving", "pid": daemon.pid, "generation": 1,
            "entries": 2, "held-bytes": 0, "connections": 3, "workers": 2,
            "kept": 0, "kept-bytes": 0, "log-level": "info", "last-reload": {"outcome": "none"}})

    def version(self):
        done = harness.run(harness.program("appmsgctl"), "-V")
        return done.stdout.split()[1]

    def test_plain(self):
        self.serve()
        lines = self.done("status").split("\n")
        self.assertEqual(lines[0], "serving")
        self.assertIn("kept         0 generations, 0 bytes", lines)
        self.assertEqual(len(lines), 15)


class Quiet(ControlTest):
    """appmsgctl reload -q, as cron runs it."""

    def said(self, *args):
        done = self.control(*args)
        return done.returncode, done.stdout, done.stderr

    def test_silent_when_nothing_is_wrong(self):
        self.serve()
        for words in (("reload", "-q"), ("--quiet", "reload"),
                      ("-q", "--json", "reload"),
                      ("-q", "--force", "reload")):
            self.assertEqual(self.said(*words), (0, "", ""), words)
        # By force there is another one, changed or not.
        self.assertEqual(self.members("status")["generation"], 2)

    def test_what_is_wrong_is_said(self):
        self.serve()
        self.configure(self.control_line(), "listn x")
        loud = self.said("reload")
        self.assertEqual(loud[0], 1)
        self.assertEqual(self.said("-q", "reload"), loud)
        self.assertEqual(self.said("-q", "--json", "reload")[0::2], (1, ""))
        self.assertIn("listn", self.said("-q", "--json", "reload")[1])

    def test_only_reloads(self):
        """The others are asked for what they say."""
        self.serve()
        status, out, err = self.said("-q", "status")
        self.assertEqual((status, out), (64, ""))
        self.assertIn("--quiet is for reload", err)


class Explain(ControlTest):
    """appmsgctl explain KEY."""

    def test_members(self):
        """The parts of the text, each by its name."""
        file = self.write("words.tsv", "a\tb\nkey\tone\\n\"two\" \U0001f43e\n")
        daemon = self.serve(f"table words file {file}")
        reply = self.members("explain", "key")
        result = reply.pop("result")
        loaded = reply.pop("loaded")
        self.assertEqual(reply, {
            "answer": 'one\n"two" \U0001f43e', "table": "words",
            "file": file, "line": 2, "match": "exact", "generation": 1,
            "hides": []})
        for text in ("words", f"{file}:2", "exact", "1", loaded):
            self.assertRegex(result, f"(?m) {re.escape(text)}$")
        reply = self.members("explain", "ring")
        self.assertEqual(
            [reply[name] for name in ("answer", "table", "file", "line")],
            [RING, "main", daemon.config, 6])

    def test_nul(self):
        """It ends no answer."""
        self.serve(answers=['answer key "a\\u0000b"'])
        self.assertEqual(self.members("explain", "key")["answer"], "a\0b")

    def test_file_without_lines(self):
        """There is no member for what nobody knows."""
        data = json.dumps({"key": "value"})
        file = self.write("a.json", data)
        self.serve(f"table words file {file}")
        reply = self.members("explain", "key")
        self.assertEqual((reply["file"], reply["answer"]), (file, "value"))

    def test_name_of_a_file_that_is_no_utf8(self):
        """It is escaped: JSON has no other bytes."""
        path = self.path("b\udcff.tsv")
        with open(path, "w") as out:
            out.write("key\tvalue\n")
        self.serve(f"table words file {self.path('b*.tsv')}")
        self.assertEqual(self.members("explain", "key")["file"],
                         self.path("b\\xff.tsv"))

    def test_key_is_text(self):
        """Else there is nothing that could be asked."""
        self.serve()
        self.assertIn("the key is not UTF-8, but perhaps Latin-1",
                      self.failed("explain", "ring\udcff", status=64))
        self.assertIn("the key begins with a byte order mark",
                      self.failed("explain", "\ufeffring"))

    def test_miss(self):
        """Fails, and says of which generation."""
        self.serve()
        self.assertIn("no table has", self.failed("explain", "none"))
        reply = self.members("explain", "none", status=1)
        del reply["result"]
        self.assertEqual(reply, {"generation": 1, "near": []})

    def test_what_is_hidden(self):
        """The same key in later tables, in their order."""
        for name, text in (("a", "key\tof a\n"), ("b", "other\tx\n"),
                           ("c", "x\tx\nkey\tof\\nc\n")):
            self.write(f"{name}.tsv", text)
        self.write("d.json", json.dumps({"key": "of d"}))
        daemon = self.serve(*[f"table {name} file {self.path(name)}.tsv"
                              for name in "abc"],
                            f"table d file {self.path('d.json')}",
                            answers=[answer("key", "of main")])
        hidden = [("a", "of a", self.path("a.tsv"), 1),
                  ("c", "of\nc", self.path("c.tsv"), 2),
                  ("d", "of d", self.path("d.json"), 1)]
        reply = self.members("explain", "key")
        self.assertEqual(
            [(row["table"], row["answer"], row["file"], row["line"])
             for row in reply["hides"]], hidden)
        self.assertEqual(reply["table"], "main")
        lines = [f"hides       {name}, {file}:{line}: "
                 + text.replace("\n", "\\n")
                 for name, text, file, line in hidden]
        self.assertEqual(self.done("explain", "key").splitlines()[6:], lines)
        done = harness.run(harness.program("appmsgd"), "-n", "-v", "-q",
                           "key", "-f", daemon.config)
        self.assertEqual(done.stdout.splitlines()[7:], lines)
        self.assertEqual(self.members("explain", "other")["hides"], [])

    def test_near_keys(self):
        """Of a key that is missing; nearest first, five at most."""
        self.write("words.tsv", "bern\tx\nberlin\tx\nbe\x1b\\r\ty\n"
                   + "".join(f"word {n}\tx\n" for n in range(9)))
        self.write("no.tsv", "berm\tx\n")
        self.serve(f"table words file {self.path('words.tsv')}",
                   f"table no file {self.path('no.tsv')} search=prefix",
                   answers=[answer("berne", "x")])
        for key, near in (
                ("berner", [("berne", "main"), ("bern", "words")]),
                ("be", [("be\x1b\r", "words"), ("bern", "words")]),
                ("word", [(f"word {n}", "words") for n in range(5)]),
                ("nothing", []), ("x" * 5000, [])):
            reply = self.members("explain", key, status=1)
            self.assertEqual([(row["key"], row["table"])
                              for row in reply["near"]], near)
            self.assertEqual(self.failed("explain", key).splitlines(), [
                "no table has an answer for that key",
                *["near        " + key.replace("\x1b", "\\x1b")
                  .replace("\r", "\\r") for key, _ in near]])

    def test_near_keys_of_many(self):
        """Who asks for more at once is told all the same."""
        self.serve(answers=[answer(f"{n:05}", "x") for n in range(20000)])
        peers = [self.peer(self.path("control.sock")) for _ in range(10)]
        for peer in peers:
            peer.send(harness.request(harness.to_json(
                {"action": "explain", "key": "0123x"})))
        for peer in peers:
            reply = json.loads(peer.reply().content)
            self.assertEqual(len(reply["near"]), 5)
            self.assertEqual(reply["near"][0]["key"], "01230")


class Failures(ControlTest):
    """What is wrong is told with file and line, and fails."""

    def test_each_command(self):
        self.serve()
        bad = self.write_config(*self.base, "anser")
        self.assertEqual(self.failed("diff").split("\n"), [
            f"{bad}:4: {BAD}",
            "a reload would fail, generation 1 goes on", ""])
        self.assertEqual(self.failed("reload").split("\n"), [
            f"{bad}:4: {BAD}",
            "reload failed, generation 1 goes on", ""])
        self.assertEqual(self.failed("rollback").split("\n"), [
            "there is no earlier generation",
            "rollback failed, generation 1 goes on", ""])

    def test_json(self):
        """All of it is on standard output then."""
        self.serve()
        bad = self.write_config(*self.base, "anser")
        for command in ("reload", "diff"):
            reply = self.members(command, status=1)
            self.assertEqual(reply["problems"],
                             [f"{bad}:4: {BAD}"])
            self.assertEqual(reply["more-problems"], 0)
            self.assertEqual(reply["generation"], 1)

    def test_more_than_are_told(self):
        """Of a file the first ten are told, and a hundred in all."""
        self.serve()
        bad = self.write_config(*self.base, *["bad"] * 1017)
        for command in ("reload", "diff"):
            lines = self.failed(command).split("\n")
            self.assertEqual(len(lines), 10 + 3)
            self.assertEqual(lines[-4].split(" ")[0], f"{bad}:13:")
            self.assertEqual(lines[-3], f"and 1,007 more in {bad}")
        files = [self.path(f"{i}.tsv") for i in range(PROBLEMS_MAX + 7)]
        for path in files:
            with open(path, "w") as out:
                out.write("no TAB\n")
        self.write_config(*self.base, "table words file " +
                          self.path("*.tsv"))
        for command in ("reload", "diff"):
            lines = self.failed(command).split("\n")
            self.assertEqual(len(lines), PROBLEMS_MAX + 3)
            self.assertEqual(lines[-3], "and 7 more")
            reply = self.members(command, status=1)
            self.assertEqual(len(reply["problems"]), PROBLEMS_MAX)
            self.assertEqual(reply["more-problems"], 7)
        for path in files[7:]:
            os.remove(path)
        self.assertNotIn(" more", self.failed("reload"))

    def test_no_file_hides_another(self):
        """Its duplicates are counted, by a line that says what to do."""
        self.serve()
        words, other = self.path("words.tsv"), self.path("x.tsv")
        with open(words, "w") as out:
            out.write("a\tb\n" * 9209)
        with open(other, "w") as out:
            out.write("wrong\n")
        self.write_config(*self.base, f"table words file {words}",
                          f"table others file {other}")
        lines = self.failed("reload").split("\n")
        self.assertEqual(lines[9:12], [
            f'{words}:11: the key "a" was given before, at {words}:1 '
            "(duplicates=first or last keeps one, join all)",
            f"and 9,198 more in {words}",
            f"{other}:1: no TAB between key and answer"])

    def test_no_daemon(self):
        """The first thing to look at is asked for."""
        path = self.path("nobody.sock")

        def told(why):
            done = harness.run(harness.program("appmsgctl"), "-s", path,
                               "status")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (
                69, "", f"appmsgctl: {path}: {why}; is appmsgd running?\n"))

        told("No such file or directory")
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(path)
        told("Connection refused")

    def test_done(self):
        self.serve()
        for command in ("diff", "reload", "reload --force", "rollback"):
            reply = self.members(*command.split())
            self.assertEqual(
                (reply["problems"], reply["more-problems"]), ([], 0))

    def test_unknown_command_of_another_version(self):
        """The daemon says so; appmsgctl itself knows none that it lacks."""
        self.serve()
        with harness.Peer(self.path("control.sock")) as peer:
            peer.send(harness.request(harness.to_json({"action": "x\n"})))
            reply = peer.reply()
        self.assertEqual(reply.header["status"], "error")
        self.assertIn("no such command", reply.result)

    def test_without_descriptors(self):
        """It pauses, and says so in a line, until there are some again."""
        daemon = self.start(self.control_line(), "workers 1",
                            nofile=(60, 60))
        waiting = [self.peer(self.path("control.sock")) for _ in range(60)]
        daemon.wait_log("accept paused service=control before=0: Too many")
        self.assertLess(daemon.log.count("\n"), 20)
        for peer in waiting:
            peer.close()
        self.assertEqual(self.control("status").returncode, 0)


class LogLevel(ControlTest):
    """appmsgctl log LEVEL."""

    def level(self):
        return self.members("status")["log-level"]

    def test_at_once(self):
        daemon = self.serve()
        self.assertEqual(self.done("log", "debug"),
                         "log level was info, is now debug\n")
        self.assertEqual(self.level(), "debug")
        daemon.wait_log("log level old=info new=debug")
        after = len(daemon.lines)
        with self.peer(daemon.address) as peer:
            peer.ask(MESSAGE)
        daemon.wait_log("session=", after)
        reply = self.members("log", "warn")
        del reply["result"]
        self.assertEqual(reply, {"old": "debug", "new": "warn"})
        self.done("reload")     # a line of level info, did it not say warn
        daemon.stop()
        self.assertIn("log level old=debug new=warn", daemon.log)
        self.assertNotIn("reload", daemon.log)

    def test_reload_sets_the_configured_one(self):
        # The tests wait for lines of level info: so this one comes later.
        self.serve()
        self.base.append("log level=warn")
        self.write_config(*self.base)
        self.done("reload")
        self.assertEqual(self.level(), "warn")
        self.done("log", "debug")
        self.done("reload")
        self.assertEqual(self.level(), "warn")
        self.done("log", "info")
        self.write_config(*self.base, "anser")
        self.failed("reload")
        self.assertEqual(self.level(), "info")

    def test_above_the_option(self):
        """Of appmsgd -v, which a reload and a rollback bring back."""
        self.serve(args=("-v",))
        for command in ("reload", "reload --force", "rollback"):
            self.assertEqual(self.level(), "debug")
            self.done("log", "warn")
            self.assertEqual(self.level(), "warn")
            self.done(*command.split())
        self.assertEqual(self.level(), "debug")

    def test_unknown(self):
        self.serve()
        said = self.failed("log", "loud")
        for level in ("warn", "info", "debug"):
            self.assertIn(level, said)
        self.assertEqual(self.level(), "info")

    def test_told(self):
        """Without a level the present one is said; it is no change."""
        daemon = self.serve()
        self.assertEqual(self.done("log"), "log level is info\n")
        self.done("log", "warn")
        self.assertEqual(self.members("log"), {
            "result": "log level is warn", "level": "warn"})
        self.assertEqual(self.level(), "warn")
        daemon.stop()
        self.assertEqual(daemon.log.count("control command=log"), 1)

    def test_usage(self):
        self.serve()
        for args in (("log", "info", "debug"), ("drain", "now")):
            self.failed(*args, status=64)


class Drain(ControlTest):
    """appmsgctl drain."""

    def test_idle(self):
        """It is told before the daemon goes, each time."""
        for _ in range(20):
            daemon = self.serve()
            self.assertEqual(self.done("drain"),
                             "draining, 0 connections\n")
            self.assertEqual(daemon.wait(), 0)
            daemon.process.stderr.close()

    def test_what_was_asked_is_finished(self):
        """No more is accepted, what is half there is answered, it ends."""
        daemon = self.serve(LONG)
        peer = self.peer(daemon.address)
        self.assert_answer(peer.ask(MESSAGE), RING, KEEP, FOUND)
        peer.send(MESSAGE[:-3])
        reply = self.members("drain")
        self.assertEqual(reply, {"result": "draining, 1 connection",
                                 "state": "draining", "connections": 1})
        daemon.wait_log("draining by=control connections=1")
        # A second time it only tells, and nothing new is begun.
        self.assertEqual(self.done("drain"), "draining, 1 connection\n")
        self.assertEqual(self.members("status")["state"], "draining")
        for command in ("reload", "diff", "rollback"):
            self.assertIn("is stopping", self.failed(command))

        def refused():
            try:
                harness.Peer(daemon.address).close()
            except (ConnectionRefusedError, ConnectionResetError):
                return True
            return False

        harness.wait_until(refused, "the listener refuses")
        peer.send(MESSAGE[-3:])
        self.assert_answer(peer.reply(), RING, CLOSE, FOUND)
        peer.ended()
        self.assertEqual(daemon.wait(), 0)

    def test_signal_ends_it_at_once(self):
        """As a second signal does after a first."""
        daemon = self.serve(LONG)
        peer = self.peer(daemon.address)
        peer.ask(MESSAGE)
        peer.send(MESSAGE[:-3])
        self.done("drain")
        daemon.wait_log("draining")
        daemon.terminate()
        self.assertEqual(daemon.wait(), 0)
        self.assertIn("stopping at once", daemon.log)

    def test_reload_under_way(self):
        """Who waits for one is told why there will be none, and when."""
        lines = [answer(f"key {i}", "text") for i in range(100000)]
        daemon = self.serve(answers=lines)
        said = []
        with harness.background(
                lambda: said.append(self.control("reload"))):
            daemon.wait_log("control command=reload")
            self.done("drain")
            self.assertEqual(daemon.wait(), 0)
        # It may have been quicker.
        if said[0].returncode != 0:
            self.assertEqual((said[0].returncode, said[0].stderr),
                             (1, "the daemon is stopping\n"))


if __name__ == "__main__":
    harness.main()
