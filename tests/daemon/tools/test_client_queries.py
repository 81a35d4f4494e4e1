#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client asking in all ways that the protocol has.

What it sends is seen by servers of the test's own, what it prints with
appmsgd, and what servers that know nothing of it get is told.
"""

import json
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import TUTORIAL, client, no_match, request, to_json
from scripted import Server, ask, run_in_terminal

CITIES = {"Bergen": "Norway", "Berlin": "Germany", "Bern": "Switzerland",
          "tab\tkey": "line\nanswer\\", "x\x1bkey": "\u202e"}
OTHERS = {"bern": "a word", "only": "here"}


class SentTest(unittest.TestCase):
    """The members of header and content."""

    def sent(self, *args):
        seen = []

        def serve(connection):
            while (got := connection.request()) is not None:
                seen.append(got)
                connection.send(request(
                    to_json({"result": "x", "matches": [], "more": False}),
                    status="not-found", connection="close"))

        with Server(serve) as server:
            ask(server, *args)
        return [({name: value for name, value in header.items()
                  if name in ("suggest", "explain")}, json.loads(content))
                for header, content in seen]

    def test_each_option(self):
        plain = {"action": "search", "value": "k"}
        for args, header, members in (
                (("--suggest", 0), {}, {}),
                (("--suggest=5",), {"suggest": 5}, {}),
                ((), {"suggest": 3}, {}),
                (("-q",), {}, {}),
                (("-q", "--suggest", 1), {"suggest": 1}, {}),
                (("--explain", "-q"), {"explain": True}, {}),
                (("-T", 'a"\u00e4'), {"suggest": 3}, {"table": 'a"\u00e4'}),
                (("--table=",), {"suggest": 3}, {"table": ""}),
                *((("-m", way), {}, {"match": way}) for way in tables.WAYS),
                (("--match=prefix", "--limit=1000"), {},
                 {"match": "prefix", "limit": 1000}),
                (("-m", "fuzzy", "-d", 1, "-n", 1), {},
                 {"match": "fuzzy", "distance": 1, "limit": 1}),
                (("-m", "suffix", "--after", "\u00e4 b"), {},
                 {"match": "suffix", "after": "\u00e4 b"}),
                (("-m", "prefix", "--order=weight"), {},
                 {"match": "prefix", "order": "weight"}),
                (("-m", "prefix", "--order", "key", "--after", "a"), {},
                 {"match": "prefix", "order": "key", "after": "a"}),
                (("-m", "fuzzy", "--distance=2"), {},
                 {"match": "fuzzy", "distance": 2})):
            with self.subTest(args):
                self.assertEqual(self.sent(*args, "search", "k"),
                                 [(header, {**plain, **members})])

    def test_several_keys_have_suggestions_when_asked_for(self):
        for args in (("search", "a", "b"), ("search", "-")):
            self.assertTrue(all(not header
                                for header, _ in self.sent(*args)))
        self.assertEqual([header for header, _ in self.sent(
            "--suggest", 2, "search", "a", "b")], [{"suggest": 2}] * 2)

    def test_wrong_calls(self):
        for args, words in (
                (("-m", "prefx", "search", "k"), "did you mean prefix? "),
                (("-m", "x", "search", "k"), "exact, prefix, suffix, substr"),
                (("-n", "3", "search", "k"), "-n is for -m"),
                (("-m", "exact", "-n", "0", "search", "k"), "from 1 to 1000"),
                (("-m", "exact", "-n", "1001", "search", "k"), "1 to 1000"),
                (("-m", "fuzzy", "-d", "3", "search", "k"), "from 1 to 2"),
                (("-m", "exact", "-d", "1", "search", "k"), "-m fuzzy"),
                (("-d", "1", "search", "k"), "-m fuzzy"),
                (("--suggest", "6", "search", "k"), "from 0 to 5"),
                (("--suggest", "1", "-m", "exact", "search", "k"),
                 "cannot go with -m"),
                (("-T", b"\xff".decode("utf-8", "surrogateescape"), "search",
                  "k"), "UTF-8"),
                (("-m", "exact", "binary", "k"), "for search and bench only"),
                (("--explain", "echo", "k"), "for search only"),
                (("--after", "k", "ping"), "for search only"),
                (("--after", "k", "search", "k"), "--after is for -m only"),
                (("--after", "k", "-m", "prefix", "search", "-"),
                 "for a single key"),
                (("--after", "k", "-m", "prefix", "search", "a", "b"),
                 "for a single key"),
                (("--after", b"\xff".decode("utf-8", "surrogateescape"), "-m",
                  "prefix", "search", "k"), "UTF-8"),
                (("--order", "wieght", "-m", "prefix", "search", "k"),
                 "wrong order: wieght; did you mean weight? there are key and"),
                (("--order", "x", "-m", "prefix", "search", "k"),
                 "wrong order: x; there are key and weight"),
                (("--order", "key", "search", "k"), "--order is for -m only"),
                (("--order", "key", "-m", "prefix", "tables"),
                 "--order are for search and bench only"),
                (("--suggest", "0", "binary", "k"), "for search only"),
                (("-T", "t", "binary", "k"), "for search and bench only")):
            with self.subTest(args):
                done = client(*args)
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertIn(words, done.stderr)


class ServedTest(tables.TableTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.serve(
            self.table("cities", tables.tsv(CITIES.items()),
                       tables.ALL_WAYS + " fold=yes"),
            self.table("others", tables.tsv(OTHERS.items()),
                       "search=exact"))
        self.name = f"127.0.0.1:{self.daemon.port}"

    def ask(self, *args, **kwargs):
        return client("-p", self.daemon.port, *args, **kwargs)

    def assert_done(self, done, status, stdout, stderr=""):
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         (stdout, stderr, status))


class MatchTest(ServedTest):
    def test_matches_are_lines_best_first(self):
        self.assert_done(self.ask("-m", "prefix", "search", "ber"), 0,
                         "Bergen\tNorway\nBerlin\tGermany\n"
                         "Bern\tSwitzerland\n")
        self.assert_done(self.ask("-m", "fuzzy", "search", "Berln"), 0,
                         "Berlin\tGermany\nBern\tSwitzerland\n"
                         "Bergen\tNorway\n")
        self.assert_done(self.ask("-m", "fuzzy", "-d", 1, "search", "Berln"),
                         0, "Berlin\tGermany\nBern\tSwitzerland\n")
        self.assert_done(self.ask("-m", "exact", "search", "BERN"), 0,
                         "Bern\tSwitzerland\n")

    def test_a_line_is_a_line(self):
        self.assert_done(self.ask("-m", "suffix", "search", "key"), 0,
                         "tab\\tkey\tline\\nanswer\\\\\n"
                         "x\\x1bkey\t\\u{202e}\n")

    def test_nor_does_a_terminal_get_more(self):
        status, shown = run_in_terminal("-p", str(self.daemon.port), "-m",
                                        "suffix", "search", "key",
                                        environ={"TERM": "dumb"})
        self.assertEqual((status, shown.decode()),
                         (0, "tab\\tkey\tline\\nanswer\\\\\n"
                          "x\\x1bkey\t\\u{202e}\n"))

    def test_a_limit_that_nobody_set_is_told(self):
        entries = {f"k{i:02}": "v" for i in range(11)}
        self.daemon = self.serve(self.table(
            "many", tables.tsv(entries.items()), tables.ALL_WAYS))
        ten = "".join(f"k{i:02}\tv\n" for i in range(10))
        self.assert_done(
            self.ask("-m", "prefix", "search", "k"), 0, ten,
            f"appmsg-client: 127.0.0.1:{self.daemon.port}: more keys match; "
            "-n shows up to 1000, --after the next\n")
        self.assert_done(self.ask("-m", "prefix", "--after=k09", "search",
                                  "k"), 0, "k10\tv\n")
        self.assert_done(self.ask("-m", "prefix", "--after=k10", "search",
                                  "k"), 1, "", no_match("k") + "\n")
        self.assert_done(self.ask("-m", "prefix", "-q", "search", "k"), 0,
                         ten)
        self.assert_done(self.ask("-m", "prefix", "-n", 10, "search", "k"),
                         0, ten)
        self.assert_done(self.ask("-m", "prefix", "-n", 11, "search", "k"),
                         0, ten + "k10\tv\n")

    def test_the_weightiest_first(self):
        self.daemon = self.serve(self.table(
            "weighed", b"a1,v,1\na2,v,3\na3,v,2\n", "weight=3",
            form="csv"))
        for order, keys in (("weight", "231"), ("key", "123")):
            self.assert_done(self.ask("-m", "prefix", "--order", order,
                                      "search", "a"), 0,
                             "".join(f"a{k}\tv\n" for k in keys))
        self.assert_done(self.ask("-m", "prefix", "--order=weight",
                                  "--after=a2", "search", "a"), 0,
                         "a3\tv\na1\tv\n")

    def test_several_values(self):
        self.assert_done(
            self.ask("-m", "prefix", "-n", 1, "search", "-",
                     stdin=b"berg\r\nno\r\nbern\r\n"), 1,
            "Bergen\tNorway\nBern\tSwitzerland\n",
            f"{no_match('no')}\nappmsg-client: {self.name}: "
            "1 of 3 keys not found\n")

    def test_a_miss_and_errors(self):
        self.assert_done(self.ask("-m", "suffix", "search", "zz"), 1, "",
                         no_match("zz") + "\n")
        done = self.ask("-m", "regex", "search", "(")
        self.assertEqual((done.returncode, done.stdout), (65, ""))
        self.assertTrue(done.stderr.startswith("Error: "))
        done = self.ask("-T", "others", "-m", "prefix", "search", "b")
        self.assertEqual((done.returncode, done.stdout), (65, ""))
        self.assertTrue(done.stderr.endswith(
            f"appmsg-client: {self.name}: search= in its appmsgd.conf allows "
            "ways to search a table, but for one on other machines\n"),
            done.stderr)

    def test_one_table(self):
        self.assert_done(self.ask("search", "bern"), 0, "Switzerland\n")
        self.assert_done(self.ask("-T", "others", "search", "bern"), 0,
                         "a word\n")
        self.assert_done(self.ask("--table=cities", "search", "only"), 1, "",
                         no_match("only") + "\n")
        self.assertEqual(self.ask("-T", "no", "search", "x").returncode, 65)

    def test_json(self):
        done = self.ask("--json", "-m", "prefix", "-n", 1, "search", "ber",
                        "tab", "no")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertEqual([json.loads(line)
                          for line in done.stdout.splitlines()], [
            {"key": "ber", "found": True, "status": "found",
             "result": "Norway",
             "matches": [{"key": "Bergen", "result": "Norway"}],
             "more": True},
            {"key": "tab", "found": True, "status": "found",
             "result": "line\nanswer\\",
             "matches": [{"key": "tab\tkey", "result": "line\nanswer\\"}],
             "more": False},
            {"key": "no", "found": False, "status": "not-found",
             "result": no_match("no"), "matches": [], "more": False}])


class SuggestTest(ServedTest):
    def test_a_single_miss_has_near_keys(self):
        self.assert_done(self.ask("search", "berlim"), 1, "",
                         f"{no_match('berlim')}\nDid you mean \"Berlin\"?\n")
        self.assert_done(self.ask("search", "berln"), 1, "",
                         f"{no_match('berln')}\n"
                         "Did you mean \"Berlin\", \"Bern\", \"Bergen\"?\n")
        self.assert_done(self.ask("search", "nothing like it"), 1, "",
                         no_match("nothing like it") + "\n")
        self.assert_done(self.ask("--suggest", 0, "search", "berlim"), 1, "",
                         no_match("berlim") + "\n")
        self.assert_done(self.ask("-q", "search", "berlim"), 1, "")
        self.assert_done(self.ask("search", "berlin"), 0, "Germany\n")

    def test_they_are_escaped(self):
        self.assert_done(self.ask("search", "x-key"), 1, "",
                         f"{no_match('x-key')}\n"
                         "Did you mean \"x\\x1bkey\", "
                         "\"tab\\tkey\"?\n")

    def test_of_several_keys_when_asked_for(self):
        self.assert_done(
            self.ask("--suggest", 1, "search", "berlim", "bern", "no"), 1,
            "bern\tSwitzerland\n",
            f"{no_match('berlim')}\nDid you mean \"Berlin\"?\n"
            f"{no_match('no')}\nappmsg-client: {self.name}: "
            "2 of 3 keys not found\n")

    def test_json(self):
        done = self.ask("--json", "search", "berlim")
        self.assert_done(done, 1, '{"key":"berlim","found":false,"status":'
                         '"not-found","result":"No match for \\"berlim\\".",'
                         '"suggestions":["Berlin"]}\n')


class ExplainTest(ServedTest):
    def test_where_the_answer_stands(self):
        self.assert_explained(self.ask("--explain", "search", "bern"), 0,
                              "Switzerland\n", "bern: table cities, "
                              + self.path("cities.tsv") + ":3, exact, ")
        self.assert_explained(
            self.ask("--explain", "-m", "prefix", "-n", 2, "search", "ber"),
            0, "Bergen\tNorway\nBerlin\tGermany\n", "ber: table cities, "
            + self.path("cities.tsv") + ":1, prefix, ")

    def test_which_load_has_none(self):
        done = self.ask("--explain", "search", "zz")
        self.assertTrue(done.stderr.startswith(no_match("zz") + "\n"))
        done.stderr = done.stderr.removeprefix(no_match("zz") + "\n")
        self.assert_explained(done, 1, "", "zz: ")

    def assert_explained(self, done, status, stdout, start):
        self.assertEqual((done.stdout, done.returncode), (stdout, status))
        self.assertTrue(done.stderr.startswith(start), done.stderr)
        self.assertRegex(done.stderr[len(start):],
                         r"\Ageneration \d+ of \d{4}-[0-9T:-]+Z\n\Z")

    def test_json(self):
        line = json.loads(self.ask("--json", "--explain", "search",
                                   "bern").stdout)
        self.assertEqual(list(line), [
            "key", "found", "status", "result", "table", "generation",
            "loaded", "file", "line", "match", "digest",
            "generation-digest", "entries"])
        self.assertEqual((line["table"], line["line"], line["match"]),
                         ("cities", 3, "exact"))


class OtherServersTest(unittest.TestCase):
    """Those that do not know what is asked for, or reply with nonsense."""

    def assert_reply(self, code, stdout, stderr, args, content, **members):
        def serve(connection):
            while connection.request() is not None:
                connection.send(request(to_json(content), **members))

        with Server(serve) as server:
            done = ask(server, *args)
            stderr = stderr.replace("NAME", "appmsg-client: "
                                    f"{server.address[0]}:{server.port}")
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         (stdout, stderr, code), (args, content))

    def test_an_answer_to_another_question_is_none(self):
        for result in ("x", no_match("k")):
            self.assert_reply(76, "", "NAME: does not know -m\n",
                              ("-m", "prefix", "search", "k"),
                              {"result": result})
            self.assert_reply(76, "", "NAME: does not know -T\n",
                              ("-T", "t", "search", "k"), {"result": result})
        self.assert_reply(65, "", "Error: x\n", ("-m", "exact", "search",
                                                 "k"), {"result": "Error: x"})

    def test_suggestions_and_explanations_may_be_missing(self):
        self.assert_reply(1, "", no_match("k") + "\n",
                          ("--suggest", 5, "search", "k"),
                          {"result": no_match("k")})
        self.assert_reply(0, "x\n", "NAME: does not say where answers stand\n",
                          ("--explain", "search", "k"), {"result": "x"})

    def test_what_is_of_another_type_is_not_there(self):
        for value in (None, 7, "x", {}, [1], ["a", []], [["a"]]):
            self.assert_reply(1, "", no_match("k") + "\n", ("search", "k"),
                              {"result": no_match("k")}, suggestions=value)
        self.assert_reply(
            0, "x\n", "k: generation 1\n", ("--explain", "search", "k"),
            {"result": "x"}, table=[], generation=1, file=7, line="x",
            match=None, loaded={})
        for value in ("1", [], None, 1.5):
            self.assert_reply(
                0, "x\n", "NAME: does not say where answers stand\n",
                ("--explain", "search", "k"), {"result": "x"},
                generation=value)

    def test_matches_that_are_none_are_no_reply(self):
        for value in (None, 7, {}, [7], [{}], [{"key": "x"}],
                      [{"key": 7, "result": "x"}],
                      [{"key": "x", "result": None}]):
            self.assert_reply(
                76, "", "NAME: reply: not the appmsg protocol\n",
                ("-m", "exact", "search", "k"),
                {"result": "x", "matches": value}, status="found")


class OriginalTest(harness.DaemonTest):
    """The tutorial's server, which ignores what it does not know."""

    def test_answers_what_it_can(self):
        port = self.original("app-server.py", harness.LOOPBACK, "PORT")
        done = client("-p", port, "--suggest", 3, "search", "ring", "rimg")
        self.assertEqual((done.stdout, done.returncode),
                         (f"ring\t{TUTORIAL['ring']}\n", 1))
        done = client("-p", port, "-m", "prefix", "search", "ring")
        self.assertEqual((done.stdout, done.returncode), ("", 76))
        self.assertIn("does not know -m", done.stderr)


if __name__ == "__main__":
    harness.main()
