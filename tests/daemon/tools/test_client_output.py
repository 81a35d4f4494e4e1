#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What appmsg-client search prints: as text, --tsv and --json, in colour or
not, for each way in which a search may end.
"""

import json
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import client, request, to_json
from scripted import Server, ask, run_in_terminal

# What a key is answered; one with a "matches" if it was asked to.
REPLIES = {
    "hit": ({"result": "an\tanswer\\\n\u202e"}, {"status": "found"}),
    "other": ({"result": ""}, {"status": "found"}),
    "t\tb": ({"result": "of TAB"}, {"status": "found"}),
    "miss": ({"result": 'No match for "miss".'}, {"status": "not-found"}),
    "wrong": ({"result": "Error: so\nwhat."},
              {"status": "error", "error": "bad-request"}),
    "away": ({"result": "Error: cannot be asked."},
             {"status": "unavailable"}),
    "full": ({"result": "Error: too many."}, {"status": "busy"}),
    "closed": ({"result": "Error: not you."}, {"status": "denied"}),
    "pre": ({"result": "1", "matches": [
        {"key": "prefix", "result": "1"},
        {"key": "PRElate\x1b", "result": "2\t\\"}], "more": True},
        {"status": "found"}),
    "none": ({"result": 'No match for "none".', "matches": [],
              "more": False}, {"status": "not-found"}),
}
KEY, MARKED, END = "\x1b[36m", "\x1b[1;31m", "\x1b[m"


def answers(connection):
    """A server that knows these, and keeps connections."""
    while (got := connection.request()) is not None:
        header, content = got
        reply, members = REPLIES[json.loads(content)["value"]]
        connection.send(request(to_json(reply), **{
            "connection": header.get("connection", "close"), **members}))
        if header.get("connection") != "keep-alive":
            return


class ShapeTest(unittest.TestCase):
    """Each is exit status, standard output and standard error."""

    def assert_shape(self, args, status, stdout, stderr=None, **kwargs):
        with self.subTest(args), Server(answers) as server:
            done = ask(server, *args, **kwargs)
            self.assertEqual(done.returncode, status, done)
            self.assertEqual(done.stdout, stdout)
            if stderr is not None:
                self.assertEqual(
                    done.stderr.replace(f"127.0.0.1:{server.port}", "S"),
                    stderr)


class Tsv(ShapeTest):
    """KEY<TAB>RESULT, whatever the count."""

    def tsv(self, *args, **kwargs):
        self.assert_shape(("--tsv", "search", *args[0]), *args[1:], **kwargs)

    def test_hit(self):
        self.tsv(("hit",), 0, "hit\tan\\tanswer\\\\\\n\\u{202e}\n", "")
        self.tsv(("other",), 0, "other\t\n", "")
        self.tsv(("t\tb",), 0, "t\\tb\tof TAB\n", "")

    def test_miss(self):
        self.tsv(("miss",), 1, "", 'No match for "miss".\n')
        self.tsv(("-q", "miss"), 1, "", "")

    def test_several(self):
        self.tsv(("hit", "miss", "t\tb"), 1,
                 "hit\tan\\tanswer\\\\\\n\\u{202e}\nt\\tb\tof TAB\n",
                 'No match for "miss".\n'
                 "appmsg-client: S: 1 of 3 keys not found\n")

    def test_batch(self):
        self.tsv(("-",), 0, "other\t\nt\\tb\tof TAB\n", "",
                 stdin=b"other\nt\tb\n")
        self.tsv(("-",), 0, "other\t\n", "", stdin=b"other\n")
        self.tsv(("-",), 0, "", "", stdin=b"")

    def test_matches(self):
        """Then what was asked for is a third column."""
        more = ("appmsg-client: S: more keys match; "
                "-n shows up to 1000, --after the next\n")
        self.tsv(("-m", "prefix", "pre"), 0,
                 "prefix\t1\tpre\nPRElate\\x1b\t2\\t\\\\\tpre\n", more)
        self.tsv(("-m", "prefix", "none"), 1, "", 'No match for "none".\n')
        self.tsv(("-m", "prefix", "-q", "pre", "none"), 1,
                 "prefix\t1\tpre\nPRElate\\x1b\t2\\t\\\\\tpre\n", "")
        self.tsv(("-m", "prefix", "-q", "-"), 0,
                 "prefix\t1\tpre\nPRElate\\x1b\t2\\t\\\\\tpre\n", "",
                 stdin=b"pre\n")

    def test_failures(self):
        """They are no lines of standard output."""
        self.tsv(("wrong",), 65, "", "wrong: Error: so\\nwhat.\n")
        self.tsv(("away",), 75, "", "away: Error: cannot be asked.\n")
        self.tsv(("full",), 75, "", "full: Error: too many.\n")
        self.tsv(("closed",), 77, "", "closed: Error: not you.\n")
        self.tsv(("other", "wrong", "miss"), 65, "other\t\n")

    def test_wrong_calls(self):
        for args, words in (
                (("--tsv", "--json", "search", "k"), "cannot go with --json"),
                (("--tsv", "binary", "k"), "for search and tables only"),
                (("--tsv", "ping"), "for search and tables only"),
                (("--tsv", "echo", "k"), "for search and tables only"),
                (("--color", "search", "k"), "there are auto, always and"),
                (("--color=red", "search", "k"), "there are auto, always"),
                (("--color=", "search", "k"), "there are auto, always")):
            with self.subTest(args):
                done = client(*args)
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertIn(words, done.stderr)


class Text(ShapeTest):
    """The same as text."""

    def text(self, *args, **kwargs):
        self.assert_shape(("search", *args[0]), *args[1:], **kwargs)

    def test_one_key(self):
        self.text(("hit",), 0, "an\tanswer\\\n\u202e\n", "")
        self.text(("other",), 0, "\n", "")
        self.text(("miss",), 1, "", 'No match for "miss".\n')
        self.text(("wrong",), 65, "", "Error: so\nwhat.\n")
        self.text(("away",), 75, "", "Error: cannot be asked.\n")
        self.text(("full",), 75, "", "Error: too many.\n")
        self.text(("closed",), 77, "", "Error: not you.\n")

    def test_several_and_batch(self):
        for args, given in ((("other", "wrong", "miss"), ""),
                            (("-",), "other\nwrong\nmiss\n")):
            self.text(args, 65, "other\t\n",
                      "wrong: Error: so\\nwhat.\n"
                      'No match for "miss".\n'
                      "appmsg-client: S: 1 of 3 keys not found\n",
                      stdin=given.encode())
        self.text(("away", "hit"), 75,
                  "hit\tan\\tanswer\\\\\\n\\u{202e}\n",
                  "away: Error: cannot be asked.\n")

    def test_matches(self):
        self.text(("-m", "prefix", "pre"), 0,
                  "prefix\t1\nPRElate\\x1b\t2\\t\\\\\n",
                  "appmsg-client: S: more keys match; -n shows up to 1000, --after the next\n")
        self.text(("-m", "prefix", "-n", "2", "pre", "none"), 1,
                  "prefix\t1\nPRElate\\x1b\t2\\t\\\\\n",
                  'No match for "none".\n'
                  "appmsg-client: S: 1 of 2 keys not found\n")


class Json(ShapeTest):
    """The same as objects; nothing goes to standard error."""

    def test_each(self):
        for key, (reply, members) in REPLIES.items():
            status = members["status"]
            match = "matches" in reply
            expected = {"key": key, "found": status == "found",
                        "status": status}
            if "error" in members:
                expected["error"] = members["error"]
            exits = {"found": 0, "not-found": 1, "error": 65, "denied": 77}
            with self.subTest(key), Server(answers) as server:
                done = ask(server, "--json", *(("-m", "prefix") if match
                                               else ()), "search", key)
                self.assertEqual(json.loads(done.stdout),
                                 {**expected, **reply})
                self.assertEqual(done.stdout.count("\n"), 1)
                self.assertEqual(done.stderr, "")
                self.assertEqual(done.returncode, exits.get(status, 75))

    def test_several_and_batch(self):
        for args, given in ((("hit", "miss", "away"), ""),
                            (("-",), "hit\nmiss\naway\n")):
            with Server(answers) as server:
                done = ask(server, "--json", "search", *args, stdin=given.encode())
            self.assertEqual(
                [(line["key"], line["status"])
                 for line in map(json.loads, done.stdout.splitlines())],
                [("hit", "found"), ("miss", "not-found"),
                 ("away", "unavailable")])
            self.assertEqual((done.returncode, done.stderr), (75, ""))


class Color(tables.TableTest):
    """Keys, and what of them was searched for."""

    ENTRIES = {"Bergen": "Norway", "Berlin": "Germany", "x\x1bber": "1",
               "\u00c4rger": "2", "tab\tber": "3"}

    def setUp(self):
        super().setUp()
        self.serve(self.table("cities", tables.tsv(self.ENTRIES.items()),
                              tables.ALL_WAYS, "fold=yes"))

    def ask(self, *args):
        return client("-p", self.daemon.port, *args)

    def assert_colored(self, args, *lines):
        done = self.ask("--color=always", *args)
        self.assertEqual(done.stdout.splitlines(), list(lines))

    def test_what_matched(self):
        self.assert_colored(
            ("-m", "prefix", "search", "ber"),
            f"{MARKED}Ber{END}{KEY}gen{END}\tNorway",
            f"{MARKED}Ber{END}{KEY}lin{END}\tGermany")
        self.assert_colored(
            ("-m", "suffix", "search", "ER"),
            f"{KEY}tab\\tb{END}{MARKED}er{END}\t3",
            f"{KEY}x\\x1bb{END}{MARKED}er{END}\t1",
            f"{KEY}\u00c4rg{END}{MARKED}er{END}\t2")
        self.assert_colored(
            ("-m", "substring", "search", "RG"),
            f"{KEY}Be{END}{MARKED}rg{END}{KEY}en{END}\tNorway",
            f"{KEY}\u00c4{END}{MARKED}rg{END}{KEY}er{END}\t2")
        self.assert_colored(
            ("-m", "prefix", "search", "\u00c4r"),
            f"{MARKED}\u00c4r{END}{KEY}ger{END}\t2")

    def test_where_that_is_not_known(self):
        """The key alone; of case, ASCII's is known."""
        self.assert_colored(("-m", "prefix", "search", "\u00e4r"),
                            f"{KEY}\u00c4rger{END}\t2")
        for way, value in (("exact", "berlin"), ("fuzzy", "Berlim"),
                           ("regex", "^berl")):
            with self.subTest(way):
                self.assert_colored(("-m", way, "-n", 1, "search", value),
                                    f"{KEY}Berlin{END}\tGermany")
        self.assert_colored(("-m", "prefix", "-n", 1, "search", ""),
                            f"{KEY}Bergen{END}\tNorway")

    def test_keys_of_several(self):
        self.assert_colored(("search", "bergen", "x\x1bber"),
                            f"{KEY}bergen{END}\tNorway",
                            f"{KEY}x\\x1bber{END}\t1")
        self.assert_colored(("search", "bergen"), "Norway")

    def test_near_keys(self):
        done = self.ask("--color=always", "search", "Berlim")
        self.assertEqual(done.stderr, 'No match for "Berlim".\n'
                         f'Did you mean "{KEY}Berlin{END}"?\n')

    def test_never_in_shapes_for_programs(self):
        for shape in ("--tsv", "--json"):
            done = self.ask("--color=always", shape, "-m", "prefix",
                            "search", "ber")
            self.assertIn("Bergen", done.stdout)
            self.assertNotIn("\x1b", done.stdout)

    def test_when(self):
        """On a terminal that can, unless nobody wants it."""
        plain = {"TERM": "xterm", "NO_COLOR": ""}
        for environ, options, colored in (
                (plain, (), True),
                ({**plain, "NO_COLOR": "1"}, (), False),
                ({**plain, "NO_COLOR": "0"}, (), False),
                ({**plain, "TERM": "dumb"}, (), False),
                ({**plain, "TERM": ""}, (), False),
                (plain, ("--color=never",), False),
                ({"TERM": "dumb", "NO_COLOR": "1"}, ("--color=always",),
                 True),
                ({**plain, "NO_COLOR": "1"}, ("--color=auto",), False),
                (plain, ("--color", "auto"), True)):
            with self.subTest(environ=environ, options=options):
                status, shown = run_in_terminal(
                    "-p", str(self.daemon.port), *options, "-m", "prefix",
                    "search", "ber", environ=environ)
                self.assertEqual(status, 0)
                self.assertIn(b"gen", shown)
                self.assertEqual(b"\x1b" in shown, colored)
                self.assertEqual(shown.count(b"\x1b"),
                                 8 if colored else 0)

    def test_a_pipe_is_no_terminal(self):
        harness.program("appmsg-client")    # which may change ours
        done = client("-p", self.daemon.port, "-m", "prefix", "search",
                      "ber", env=harness.environment(TERM="xterm"))
        self.assertEqual((done.stdout, done.stderr),
                         ("Bergen\tNorway\nBerlin\tGermany\n", ""))

    def test_hostile_keys(self):
        """What is between our escapes has none of theirs."""
        keys = ["\x1b[31mpre", "pre\x1b]0;x\x07", "p\u202ere", "\x9bpre"]

        def serve(connection):
            connection.request()
            connection.send(request(to_json(
                {"result": "", "matches": [
                    {"key": key, "result": key} for key in keys],
                 "more": False}), status="found", connection="close"))

        for way in ("prefix", "suffix", "substring", "fuzzy"):
            with self.subTest(way), Server(serve) as server:
                done = ask(server, "--color=always", "-m", way, "search",
                           "pre")
            text = done.stdout
            for ours in (KEY, MARKED, END):
                text = text.replace(ours, "")
            self.assertEqual(len(text.splitlines()), len(keys))
            self.assertTrue(text.replace("\n", "").replace("\t", "")
                            .isprintable(), text)


if __name__ == "__main__":
    harness.main()
