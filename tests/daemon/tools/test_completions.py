#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What bash completes for the three programs, as it is installed.

No daemon is needed: what is completed comes from the programs themselves.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import program

PROGRAMS = ("appmsgctl", "appmsgd", "appmsg-client")
COMMANDS = {
    "appmsgctl": ["diff", "drain", "explain", "history", "log", "publish",
                  "reload", "rollback", "status", "tables", "top"],
    "appmsg-client": ["bench", "binary", "check", "compare", "echo", "ping",
                      "search", "tables"],
}

# Complete the last of the words, as readline would call it: $1 the file of
# completions, $2 a program's path.
ASK = r"""
. "$1"
name=${2##*/} path=$2
shift 2
[[ $(complete -p "$name") =~ \ -F\ ([^ ]+) ]] || exit 3
COMP_WORDS=("$path" "$@") COMP_CWORD=$#
"${BASH_REMATCH[1]}" "$path" "${COMP_WORDS[COMP_CWORD]}"
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""


@unittest.skipUnless(shutil.which("bash"), "no bash here")
class Completions(harness.DaemonTest):
    """Words that end in what is to be completed."""

    def complete(self, name, *words):
        """What the last word may be; words as readline splits them."""
        done = harness.run("bash", "--norc", "-uc", ASK, "bash",
                           harness.top("completions", name), program(name),
                           *words, cwd=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return sorted(done.stdout.splitlines())

    def options(self, name):
        """As --help has them, with the = of those that take a value."""
        done = harness.run(program(name), "--help")
        return sorted(set(re.findall(r"(?m)^ {2,6}(?:-\w, )?(--[a-z-]+=?)",
                                     done.stdout)))

    def test_every_option(self):
        for name in PROGRAMS:
            options = self.options(name)
            self.assertIn("--help", options)
            self.assertEqual(self.complete(name, "--"), options)
            self.assertEqual(self.complete(name, "--versi"), ["--version"])
            self.assertEqual(self.complete(name, "--none"), [])

    def test_options_with_a_value(self):
        """They end in =, so that no blank is put behind them."""
        for name, option in (("appmsgctl", "--socket"), ("appmsgd", "--conf"),
                             ("appmsg-client", "--unix")):
            found = self.complete(name, option)
            self.assertEqual(len(found), 1)
            self.assertTrue(found[0].endswith("="), found)

    def test_commands(self):
        for name, commands in COMMANDS.items():
            for command in commands:    # a new one may be there besides
                self.assertIn(command, self.complete(name, ""))
                self.assertIn(command, self.complete(name, command[:2]))
        self.assertEqual(self.complete("appmsgctl", "dr"), ["drain"])
        self.assertEqual(self.complete("appmsgctl", "xx"), [])
        self.assertEqual(self.complete("appmsg-client", ""),
                         COMMANDS["appmsg-client"])

    def test_commands_behind_options(self):
        for words in (("--json",), ("-s", "x"), ("--socket", "=", "x"),
                      ("-i", "x"), ("--instance", "=", "x"),
                      ("--socket", "x", "--force"), ("--keys", "=", "3"),
                      ("--keys", "3"), ("-d", "3"), ("-n", "3"),
                      ("--count", "=", "3"), ("--delay", "3")):
            self.assertEqual(self.complete("appmsgctl", *words, "rel"),
                             ["reload"])
        for words in (("--json",), ("-U", "x"), ("--unix", "=", "x")):
            self.assertEqual(self.complete("appmsg-client", *words, "se"),
                             ["search"])

    def test_one_command_is_enough(self):
        """Behind it are its own words, and options."""
        for words in (("status", ""), ("explain", ""), ("reload", "s"),
                      ("-s", "x", "diff", ""), ("log", "debug", "")):
            self.assertEqual(self.complete("appmsgctl", *words), [])
        self.assertEqual(self.complete("appmsgctl", "reload", "--fo"),
                         ["--force"])
        self.assertEqual(self.complete("appmsg-client", "search", "e"), [])
        self.assertEqual(self.complete("appmsgd", "-n", ""),
                         self.options("appmsgd"))

    def test_levels(self):
        """Those that the daemon knows."""
        levels = self.complete("appmsgctl", "log", "")
        self.assertEqual(self.complete("appmsgctl", "log", "d"), ["debug"])
        self.start(self.control_line())
        said = self.control("log", "none").stderr
        self.assertEqual(
            levels, sorted(said.split("there are ")[1].strip().split(", ")))

    def test_ways_to_match(self):
        for words in (("-m", ""), ("--match", "="), ("search", "-m", "")):
            self.assertEqual(
                self.complete("appmsg-client", *words),
                ["exact", "fuzzy", "prefix", "regex", "substring", "suffix",
                 "text", "words"])
        self.assertEqual(self.complete("appmsg-client", "--match", "=", "pr"),
                         ["prefix"])

    def test_files(self):
        """Where an option wants a path."""
        self.write("a b.sock", "")
        self.write("other", "")
        for name, options in (("appmsgctl", ("-s", "--socket")),
                              ("appmsgd", ("-f", "--config")),
                              ("appmsg-client", ("-U", "--unix"))):
            for option in options:
                self.assertEqual(self.complete(name, option, ""),
                                 ["a b.sock", "other"])
                self.assertEqual(self.complete(name, option, "a"),
                                 ["a b.sock"])
            self.assertEqual(self.complete(name, option, "="),
                             ["a b.sock", "other"])
            self.assertEqual(self.complete(name, option, "=", "o"),
                             ["other"])

    def test_instances(self):
        """Those that have a configuration, where the daemon looks."""
        folder = self.path("etc", "appmsgd")
        for name in ("red.conf", "green.conf", "blue.conf.new"):
            self.write(f"etc/appmsgd/{name}", "")
        for name in PROGRAMS[:2]:
            self.write(name, "#!/bin/sh\necho '(default "
                       f"{os.path.dirname(folder)}/appmsgd.conf;'\n")
            os.chmod(self.path(name), 0o755)
        for words, found in ((("-i", ""), ["green", "red"]),
                             (("--instance", "=", "r"), ["red"])):
            done = harness.run("bash", "--norc", "-uc", ASK, "bash",
                               harness.top("completions", "appmsgctl"),
                               self.path("appmsgctl"), *words)
            self.assertEqual((sorted(done.stdout.split()), done.stderr),
                             (found, ""))
        self.assertEqual(self.complete("appmsgctl", "-i", "no-such"), [])

    def test_values_that_nobody_knows(self):
        for words in (("-q", ""), ("--query", "="), ("--query", "=", "a")):
            self.assertEqual(self.complete("appmsgd", *words), [])
        for words in (("--keys", ""), ("--keys", "="), ("--keys", "=", "1"),
                      ("-d", ""), ("-n", "1"), ("--delay", "="),
                      ("--count", "=", "1")):
            self.assertEqual(self.complete("appmsgctl", *words), [])
        for words in (("-p", ""), ("--port", "="), ("-t", ""), ("-c", "1"),
                      ("-T", ""), ("--table", "="), ("-n", ""), ("-d", ""),
                      ("--suggest", "=")):
            self.assertEqual(self.complete("appmsg-client", *words), [])

    def test_program_that_is_not_there(self):
        """Completes nothing, and says nothing."""
        done = harness.run("bash", "--norc", "-uc", ASK, "bash",
                           harness.top("completions", "appmsgctl"),
                           self.path("appmsgctl"), "")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "", ""))

    def test_in_a_terminal(self):
        """TAB in a shell with readline: words split as it does it."""
        self.write("the socket", "")
        try:
            master, slave = pty.openpty()
        except OSError as error:
            self.skipTest(f"no terminals here: {error}")
        self.addCleanup(os.close, master)
        shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=slave,
            stdout=slave, stderr=slave, cwd=self.directory,
            start_new_session=True, env=harness.environment(
                PS1="", TERM="dumb", HISTFILE="", INPUTRC="/dev/null",
                PATH=f"{os.path.dirname(program('appmsgctl'))}:"
                     f"{os.environ['PATH']}"))
        os.close(slave)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        os.write(master, b". '%s'; bind 'set enable-bracketed-paste off'; "
                         b"echo re\"\"ady\n"
                 % harness.top("completions", "appmsgctl").encode())
        self.wait_shown(master, r"ready\r\n")
        # Then, at the start of the line, what shows the words.
        os.write(master, b"appmsgctl --so\tthe\t--js\tlo\tde\t"
                         b"\x01printf '<%s>' \n")
        self.wait_shown(master, r"<appmsgctl><--socket=the socket><--json>"
                                r"<log><debug>")

    def wait_shown(self, master, pattern):
        """Wait until the terminal has shown something."""
        shown, end = "", time.monotonic() + harness.DEADLINE
        while not re.search(pattern, shown):
            left = end - time.monotonic()
            if left <= 0 or not select.select([master], [], [], left)[0]:
                raise TimeoutError(f"{pattern} was not shown: {shown!r}")
            shown += os.read(master, 4096).decode()


if __name__ == "__main__":
    harness.main()
