#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client without an action: what one who types sees.

What is kept of it for later times, and what servers that are slow, gone or
hostile make of it, is in test_client_typing.py.
"""

import signal
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import client, no_match
from typed import Client

CITIES = {"Bergen": "Norway " + "and its rain " * 9 + "end",
          "Berlin": "Germany", "Bern": "Switzerland",
          "New Delhi": "India", "New York": "America",
          "Straße": "street", "東京": "日本", "\\slash": "C:\\",
          "tab\tkey": "x"}
WORDS = {f"word{i:03}": f"number {i}" for i in range(120)}


class TypedTest(tables.TableTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.serve(
            self.table("cities", tables.tsv(CITIES.items()),
                       tables.ALL_WAYS + " fold=yes"),
            self.table("words", tables.tsv(WORDS.items()),
                       tables.ALL_WAYS))
        self.name = f"127.0.0.1:{self.daemon.port}"

    def open(self, *args, **kwargs):
        """The client at its first prompt."""
        shown = Client(self, "-p", str(self.daemon.port), *args, **kwargs)
        shown.wait_text("ends.\n")
        return shown


class AskTest(TypedTest):
    def test_a_line_is_a_key(self):
        shown = Client(self, "-p", str(self.daemon.port))
        shown.wait_text(f"Connected to {self.name}.\nA line is a key; \\? "
                        "shows the commands, Ctrl-D ends.\nappmsg>")
        shown.ask("Berlin", "Germany\nappmsg>")
        shown.ask("New York", "America\nappmsg>")
        shown.ask("  東京", "日本\nappmsg>")
        shown.ask("\\\\slash", "C:\\\nappmsg>")
        shown.ask("berlim", f"{no_match('berlim')}\n"
                  'Did you mean "Berlin"?\nappmsg>')
        shown.ask("quit", no_match("quit") + "\n")
        shown.wait_text("\\q or Ctrl-D ends the program.\nappmsg>")
        shown.ask("\\q")
        self.assertEqual(shown.wait_end(), 0)

    def test_the_end_of_the_input(self):
        shown = self.open()
        shown.wait_text("appmsg>")
        shown.type("\x04")
        self.assertEqual(shown.wait_end(), 0)
        self.assertTrue(shown.text.endswith("\n"), shown.text)

    def test_matches_are_a_table(self):
        shown = self.open("-m", "prefix")
        shown.wait_text("prefix>")
        shown.ask("ber", "KEY     RESULT\n")
        rows = shown.wait_text("\nprefix>").split("\n")
        self.assertEqual([row[:8] for row in rows],
                         ["Bergen  ", "        ", "Berlin  ", "Bern    "])
        self.assertEqual(" ".join(row[8:] for row in rows[:2]),
                         CITIES["Bergen"])
        self.assertTrue(all(len(row) <= 80 for row in rows), rows)

    def test_it_is_as_wide_as_the_terminal(self):
        shown = self.open("-m", "prefix")
        shown.wait_text("prefix>")
        for columns in (120, 40, 20, 79):
            shown.resize(columns)
            shown.ask("berg", "KEY     RESULT\n")
            rows = shown.wait_text("\nprefix>").split("\n")
            self.assertLessEqual(max(map(len, rows)), columns, rows)
            self.assertGreater(max(map(len, rows)), columns - 14, rows)
            self.assertLessEqual(len(rows), 4)
        # What has no place in four lines ends with a mark.
        shown.resize(30)
        shown.ask("berg", "KEY     RESULT\n")
        self.assertTrue(shown.wait_text("\nprefix>").endswith("…"))

    def test_wide_characters_and_escapes_count_as_they_show(self):
        shown = self.open("-m", "regex")
        shown.wait_text("regex>")
        shown.ask("^(東京|Bern|tab\\x09key)$", "KEY       RESULT\n")
        self.assertEqual(sorted(shown.wait_text("\nregex>").split("\n")),
                         ["Bern      Switzerland", "tab\\tkey  x",
                          "東京      日本"])

    def test_more_is_told(self):
        shown = self.open("-m", "prefix", "-T", "words")
        shown.wait_text("prefix words>")
        shown.ask("word", "KEY      RESULT\n")
        rows = shown.wait_text("\nprefix words>").split("\n")
        self.assertEqual(rows[-1], "... and more: \\n 50")
        self.assertEqual(len(rows), 11)
        shown.ask("\\n 200", "At most 200 matches.\n")
        shown.ask("word", "KEY      RESULT\n")
        rows = shown.wait_text("\nprefix words>").split("\n")
        self.assertEqual(len(rows), 120)

    def test_errors_are_a_line(self):
        shown = self.open("-m", "regex")
        shown.ask("(", "Error: ")
        self.assertNotIn("\n", shown.wait_text("\nregex>"))
        shown.ask("\\m")
        shown.ask("\\T no such table", "no such table>")
        shown.ask("k", "Error: ")
        self.assertNotIn("\n", shown.wait_text("\nno such table>"))

    def test_explanations(self):
        shown = self.open("--explain")
        shown.ask("Berlin", "Germany\n")
        shown.wait_text("Berlin: table cities, ")
        shown.wait_text("appmsg>")
        shown.ask("\\x", "Where answers stand is not told.\n")
        shown.ask("Berlin", "Germany\nappmsg>")
        shown.ask("\\x on", "Where answers stand is told.\n")
        shown.ask("\\x off", "Where answers stand is not told.\n")

    def test_who_answers(self):
        shown = self.open("-H", f"{self.name},127.0.0.1:1")
        shown.ask("\\r", f"{self.name} answered in ")
        shown.wait_text(", generation 1 of ")
        shown.wait_text(f"\n* {self.name}\n  127.0.0.1:1\nappmsg>")

    def test_options_that_want_an_action(self):
        for args in (("-q",), ("--json",), ("-c", "2"), ("--tsv",),
                     ("--trace",), ("-m", "prefix", "--after", "k")):
            shown = Client(self, *args)
            self.assertEqual(shown.wait_end(), 64)
            shown.wait_text("-c, -q, --after, --json, --tsv and --trace want")
        shown = Client(self, "--depth", "2")
        self.assertEqual(shown.wait_end(), 64)
        shown.wait_text("--depth is for bench only")

    def test_without_a_terminal_an_action_is_missing(self):
        done = client("-p", self.daemon.port)
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertIn("missing action", done.stderr)


class CommandTest(TypedTest):
    def test_prompt_names_what_is_in_force(self):
        shown = self.open()
        for line, prompt in (
                ("\\m prefix", "prefix>"), ("\\T cities", "prefix cities>"),
                ("\\m", "cities>"), ("\\m   fuzzy", "fuzzy cities>"),
                ("\\d 1", "fuzzy 1 cities>"), ("\\T", "fuzzy 1>"),
                ("\\d", "fuzzy>"), ("\\m exact", "exact>"),
                ("\\m", "appmsg>"),
                ("\\T " + "x" * 60, "x" * 24 + ">")):
            shown.ask(line, prompt)

    def test_what_is_set_is_asked(self):
        shown = self.open("-T", "words", "--suggest", "0")
        shown.ask("Berlin", no_match("Berlin") + "\nwords>")
        shown.ask("\\T cities")
        shown.ask("berlim", no_match("berlim") + "\ncities>")
        shown.ask("\\s 1", "Up to 1 suggestions")
        shown.ask("berlim", 'Did you mean "Berlin"?\ncities>')
        shown.ask("\\m fuzzy")
        shown.ask("Berln", "KEY     RESULT\nBerlin  Germany\nBern    Switz")
        shown.ask("\\d 1")
        shown.ask("Berln", "KEY     RESULT\nBerlin  Germany\nBern    Switz")
        shown.ask("\\n 1", "At most 1 matches.\n")
        shown.ask("Berln", "KEY     RESULT\nBerlin  Germany\n"
                  "... and more: \\n 5\nfuzzy 1 cities>")

    def test_mistakes_are_a_line(self):
        shown = self.open()
        for line, told in (
                ("\\foo", "Unknown command: \\foo; \\? shows"),
                ("\\", "Unknown command: \\; \\? shows"),
                ("\\z", "Unknown command: \\z; \\? shows"),
                ("\\m prefx", "Wrong way to match: prefx; did you mean "
                 "prefix? there are exact, prefix, "),
                ("\\n 0", "Wrong number of matches: 0; it is from 1 to "
                 "1000."),
                ("\\d 3", "Wrong distance: 3; it is from 1 to 2."),
                ("\\s x", "Wrong number of suggestions: x; it is from 0 to "
                 "5."),
                ("\\x maybe", "Wrong word: maybe; it is on or off."),
                ("\\q now", "\\q takes no word.")):
            with self.subTest(line):
                shown.ask(line, told)
                shown.wait_text("appmsg>")

    def test_help_fits_a_terminal(self):
        shown = self.open()
        shown.wait_text("appmsg>")
        shown.ask("\\?", "A line is a key")
        told = shown.wait_text("\nappmsg>")
        for letter in "mTndsxlrq?":
            self.assertIn(f"\n  \\{letter} ", told + " ")
        self.assertLess(max(map(len, told.split("\n"))), 80)


class CompleteTest(TypedTest):
    def test_keys(self):
        """The whole line is one, and gets the letters that the table has."""
        shown = self.open()
        shown.type("be")
        shown.tab("appmsg> Ber")
        shown.tab("Bergen  Berlin  Bern\nappmsg> Ber")
        shown.type("l")
        shown.tab("lin")
        shown.ask("", "Germany\n")
        shown.type("new")
        shown.tab("appmsg> New")
        shown.type("y")
        shown.tab(" York")
        shown.ask("", "America\n")
        shown.type("strass")
        shown.tab("appmsg> Straße")
        shown.ask("", "street\n")
        shown.type("\\\\sl")
        shown.tab("appmsg> \\\\slash")
        shown.ask("", "C:\\\n")
        self.assertEqual(shown.problems, [])

    def test_columns_are_as_wide_as_the_terminal(self):
        shown = self.open("-T", "words")
        shown.resize(50)
        shown.type("word00")
        rows = shown.tab("\nwords> word00").split("\n")[-2:]
        self.assertEqual(rows, ["word000  word002  word004  word006  word008",
                                "word001  word003  word005  word007  "
                                "word009"])

    def test_of_a_part_nothing_is_filled_in(self):
        """The first 50 of 120 words share more than all do."""
        shown = self.open("-T", "words")
        shown.type("w")
        shown.tab("... and more\nwords> w")
        shown.type("ord1")
        rows = shown.tab("\nwords> word1")
        self.assertNotIn("more", rows)

    def test_what_cannot_be_typed_is_not_filled_in(self):
        shown = self.open()
        shown.type("ta")
        shown.tab("appmsg> tab")
        shown.type("\t")
        shown.type("\x03")
        shown.ask("Bern", "Switzerland\n")
        self.assertEqual(shown.problems, [])

    def test_in_the_middle_of_a_line_it_does_nothing(self):
        shown = self.open()
        shown.type("ber\x01\t\x05lin")
        shown.wait_text("appmsg> berlin")
        shown.ask("", "Germany\n")

    def test_tables(self):
        shown = self.open()
        shown.ask("\\l", "cities  words\nappmsg>")
        shown.type("\\T w")
        shown.tab_line("appmsg> \\T words")
        shown.ask("", "words>")

    def test_commands(self):
        shown = self.open()
        shown.type("\\m\tpre\t\r")
        shown.wait_text("\nprefix>")
        shown.type("\\m s\t\t")
        shown.wait_text("suffix     substring\nprefix> \\m su")
        shown.type("b\t\r")
        shown.wait_text("\nsubstring>")
        shown.type("\\\t\t")
        shown.wait_text("\\m  \\T  ")
        shown.type("x\toff\r")
        shown.wait_text("Where answers stand is not told.\n")


class EndTest(TypedTest):
    """The terminal is as it was before, however it ends."""

    def test_by_a_command_or_the_end(self):
        for typed in ("\\q\r", "\x04"):
            shown = self.open()
            shown.wait_text("appmsg>")
            self.assertFalse(shown.is_restored())
            shown.type(typed)
            self.assertEqual(shown.wait_end(), 0)
            self.assertTrue(shown.is_restored())

    def test_by_a_signal(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            shown = self.open()
            shown.wait_text("appmsg>")
            shown.type("half a li")
            shown.wait_text("half a li")
            shown.process.send_signal(number)
            self.assertEqual(shown.wait_end(), -number)
            self.assertTrue(shown.is_restored())

    def test_control_c_forgets_the_line(self):
        shown = self.open()
        shown.type("half a li")
        shown.wait_text("appmsg> half a li")
        shown.type("\x03")
        shown.wait_text("\nappmsg>")
        shown.ask("Bern", "Switzerland\nappmsg>")
        shown.type("\x03")
        shown.wait_text("\nappmsg>")
        shown.ask("Bern", "Switzerland\n")

    def test_a_stop_gives_the_terminal_back(self):
        """To a shell, which goes on with it."""
        script = ('set -m; "$@"; echo stopped; stty -a; echo on; '
                  "fg >/dev/null")
        shown = self.open(before=("sh", "-c", script, "sh"))
        shown.type("Ber")
        shown.wait_text("appmsg> Ber")
        shown.type("\x1a")
        shown.wait_text("stopped\n")
        flags = shown.wait_text("\non\n").split()
        self.assertIn("icanon", flags)
        self.assertIn("echo", flags)
        shown.wait_text("appmsg> Ber")
        shown.type("lin\r")
        shown.wait_text("lin\nGermany\nappmsg>")
        shown.type("\x04")
        self.assertEqual(shown.wait_end(), 0)
        self.assertTrue(shown.is_restored())


class ResizeTest(TypedTest):
    def test_while_a_line_is_typed(self):
        shown = self.open()
        shown.type("Ber")
        shown.wait_text("appmsg> Ber")
        shown.resize(40)
        shown.wait(lambda: shown.raw.count("appmsg> Ber") == 2,
                   "the line is shown again")
        shown.type("lin\r")
        shown.wait_text("Germany\n")


if __name__ == "__main__":
    harness.main()
