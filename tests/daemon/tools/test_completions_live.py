#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What bash, zsh and fish complete of tables and keys, in a terminal.

The shells are real, and what TAB has made of a line is what a program gets
for its arguments.  Keys are such that a shell would do something for, were
they not quoted.
"""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import ssl
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
import tables
from harness import LOOPBACK, client, program, wait_until
from scripted import Server

# Would they be run, each made a file "x".
HOSTILE = ("$(touch x)", "`touch x`", "'; touch x #", '"; touch x #',
           "${x:=$(touch x)}", "; touch x", "| touch x", "& touch x",
           "> x", "a\\; touch x", "$'\\'; touch x", "!touch", "<(touch x)",
           "a b  c", "~", "~root", "*", "[a-z]*", "{a,b}", "#no", "a=b:c@d",
           "W\u00e4hrung \u20ac", "it's", 'say "so"', "back\\slash\\n",
           "\\$(touch x)", "%1", "^a^b")
CONTROL = ("new\nline; touch x", "tab\tkey", "es\x1b[2Jcape", "\u202eover",
           "\x9bc1", "\r", "a\n$(touch x)\n")

PROGRAMS = ("appmsg-client", "appmsgctl", "appmsgd")

SETUP = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
# How the completions are loaded, from FOLDER.
LOAD = {
    "bash": "for name in appmsg-client appmsgctl appmsgd; do "
            ". \"FOLDER/$name\"; done; "
            "bind 'set enable-bracketed-paste off'",
    # All that zsh has takes seconds to load.  Its TAB expands before it
    # completes: a substitution that is typed is run at times, by itself.
    "zsh": "fpath=('FOLDER/zsh' ${(M)fpath:#*/(Base|Zsh)} "
           "${fpath:#*/Completion/*}); autoload -Uz compinit; "
           "compinit -C -D; bindkey -e; bindkey '^I' complete-word",
    "fish": "for name in appmsg-client appmsgctl appmsgd; "
            "source \"FOLDER/fish/$name.fish\"; end",
}


class Terminal:
    """A shell in a terminal, in a folder of its own."""

    def __init__(self, name):
        try:
            self.master, slave = pty.openpty()
        except OSError as error:
            raise unittest.SkipTest(f"no terminals here: {error}")
        self.directory = tempfile.mkdtemp(prefix="appmsg-shell-")
        self.shown = ""
        self.write("record", f"""#!{sys.executable}
import json, os, sys
with open("words.new", "w") as file:
    json.dump(sys.argv[1:], file)
os.rename("words.new", "words.json")
""")
        for one in PROGRAMS:
            self.write(one, f"#!/bin/sh\nexec '{program(one)}' \"$@\"\n")
        self.shell = subprocess.Popen(
            SETUP[name], stdin=slave, stdout=slave, stderr=slave,
            cwd=self.directory, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=harness.environment(
                PS1="", TERM="xterm", HISTFILE="", INPUTRC="/dev/null",
                HOME=self.directory, ZDOTDIR=self.directory,
                PATH=f"{self.directory}:{os.environ['PATH']}"))
        os.close(slave)
        load = LOAD[name].replace("FOLDER", harness.top("completions"))
        self.type(f"{load}; echo re\"\"ady\n")
        self.wait(r"(?<!\")ready")

    def close(self):
        self.shell.kill()
        self.shell.wait()
        os.close(self.master)
        shutil.rmtree(self.directory, ignore_errors=True)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def type(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.master, data):]

    def read(self, left):
        if left <= 0 or not select.select([self.master], [], [], left)[0]:
            raise TimeoutError(f"not shown: {self.shown[-2000:]!r}")
        self.shown += os.read(self.master, 4096).decode("utf-8", "replace")

    def wait(self, pattern):
        """Wait until the terminal has shown something."""
        end = time.monotonic() + harness.DEADLINE
        while not re.search(pattern, self.shown):
            self.read(end - time.monotonic())

    def words(self, line):
        """What a program gets for a line that was typed with its TABs."""
        path = os.path.join(self.directory, "words.json")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        # Then, at the start of the line, what writes the words down.
        self.type(f"{line}\x01record \n")
        end = time.monotonic() + harness.DEADLINE
        while not os.path.exists(path):
            if select.select([self.master], [], [], 0.01)[0]:
                self.read(1)
            elif time.monotonic() > end:
                raise TimeoutError(f"no words: {self.shown[-2000:]!r}")
        with open(path) as file:
            return json.load(file)


class LiveTest(tables.TableTest):
    """A shell, which is the same for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        if shutil.which(cls.SHELL) is None:
            raise unittest.SkipTest(f"no {cls.SHELL} here")
        cls.shell = Terminal(cls.SHELL)
        cls.addClassCleanup(cls.shell.close)

    def words(self, typed):
        return self.shell.words(f"appmsg-client {typed}")

    def assert_untouched(self):
        self.assertEqual(
            sorted(name for name in os.listdir(self.shell.directory)
                   if not name.startswith(".")),
            sorted([*PROGRAMS, "record", "words.json"]))


class Keys:
    """Those of a server."""

    def serve_keys(self):
        self.keys = harness.thorough(HOSTILE[::3] + CONTROL[::2],
                                     HOSTILE + CONTROL)
        self.serve(*(self.table(f"t{i}", tables.tsv([(key, "v")]),
                                "search=prefix")
                     for i, key in enumerate(self.keys)),
                   self.table("cities", tables.tsv(
                       [("Bergen", "1"), ("B\u00e4r road", "2"),
                        ("a:b:c d", "3"), ("-dash", "4")]),
                       "search=prefix fold=yes"))
        self.where = f"-p {self.daemon.port}"

    def test_hostile_keys(self):
        """Each is one word, as it is in the table, and nothing is run."""
        self.serve_keys()
        # Of a line with a dollar and such fish asks nobody anything.
        at_once = 1 if self.SHELL == "fish" else 8
        for first in range(0, len(self.keys), at_once):
            some = range(first, min(first + at_once, len(self.keys)))
            expected = ["search"]
            for i in some:
                key = self.keys[i]
                expected += ["-T", f"t{i}"]
                # What is no line, or its tilde, fish has no way to take.
                if self.SHELL != "fish" or not (key in CONTROL or
                                                key.startswith("~")):
                    expected.append(key)
            with self.subTest(expected):
                words = self.words(f"{self.where} search " + "".join(
                    f" -T t{i} \t" for i in some))
                self.assertEqual(words[3:], expected)
                self.assert_untouched()

    def test_what_is_begun(self):
        """With quotes and without, in any case where the table folds."""
        self.serve_keys()
        road = "B\u00e4r road"
        for typed, key in (("ber\t", "Bergen"), ("B\u00e4\t", road),
                           ("a:b\t", "a:b:c d"), ("a:\t", "a:b:c d"),
                           ("'B\u00e4r\t", road), ("\"B\u00e4r r\t", road),
                           ("B\u00e4r\\ \t", road)):
            with self.subTest(typed):
                self.assertEqual(
                    self.words(f"{self.where} -T cities search {typed}")[5:],
                    ["search", key])

    def test_one_of_many(self):
        """More than are shown begin with nothing."""
        self.serve(self.table("many", tables.tsv(
            [(f"a{i:03}", "v") for i in range(200)] + [("zebra", "v")]),
            "search=prefix"))
        self.assertEqual(
            self.words(f"-p {self.daemon.port} search ze\t")[3:],
            ["search", "zebra"])

    def test_behind_two_dashes(self):
        """A key may begin with one."""
        self.serve_keys()
        self.assertEqual(
            self.words(f"{self.where} -T cities search -- -d\t")[5:],
            ["search", "--", "-dash"])

    def test_what_is_typed_is_not_run_either(self):
        self.serve_keys()
        for typed in (f"{self.where} -H $(touch x) search \t",
                      f"{self.where} search \"$(touch x)\t",
                      f"{self.where} -T `touch x` search \t"):
            with self.subTest(typed):
                self.assertEqual(self.shell.words(
                    f"appmsg-client {typed}\x15true "), ["true"])
                self.assert_untouched()


class Tables:
    """The names that go behind -T."""

    def test_names(self):
        """However it is said where the server is."""
        path = self.path("sock")
        self.serve(self.table("cities", b"a\tb\n"),
                   self.table("other", b"a\tb\n"))
        port = self.daemon.port
        for typed in (f"-p {port} -T ci\t", f"--port={port} -T ci\t",
                      f"-qp{port} -T ci\t", f"-U {path} -T ci\t",
                      f"-H {LOOPBACK} --port {port} -q -T ci\t"):
            with self.subTest(typed):
                self.assertEqual(self.words(typed)[-1], "cities")
        self.assertEqual(self.words(f"-p {port} --table=o\t")[-1],
                         "--table=other")
        self.shell.type(f"export APPMSG_SERVER={path}\n")
        self.assertEqual(self.words("-T ci\t")[-1], "cities")
        self.shell.type("export APPMSG_SERVER=\n")

    def test_over_tls(self):
        if "without TLS" in client("--tls", "search", "k").stderr:
            self.skipTest("appmsg-client is without TLS here")
        own = certificates.make(self.directory, "own",
                                names=(f"IP:{LOOPBACK}",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.cert, own.key)

        def serve(connection):
            connection.sock = context.wrap_socket(connection.sock,
                                                  server_side=True)
            names(connection, "secret")
            connection.sock.close()

        with Server(serve) as server:
            self.assertEqual(
                self.words(f"-p {server.port} --tls --ca {own.cert} "
                           "-T s\t")[-1], "secret")

    def test_hostile_names(self):
        """What is no name is not offered."""
        with Server(lambda connection: names(
                connection, "$(touch x)", "`touch x`", "a b", "; touch x",
                "good", "\n", "go\nod", "-x", "")) as server:
            self.assertEqual(self.words(f"-p {server.port} -T g\t")[-1],
                             "good")
            self.words(f"-p {server.port} -T \t\t")
        self.assert_untouched()


class Hanging:
    """A server that says nothing."""

    def test_time_is_limited(self):
        """The client leaves by itself, and the shell goes on."""
        ended = []

        def hang(connection):
            connection.to_end()
            ended.append(connection.number)

        with Server(hang) as server:
            for i, typed in enumerate(("search a\t", "-T a\t")):
                self.assertEqual(
                    self.words(f"-p {server.port} {typed}")[-1], "a")
                wait_until(lambda: len(ended) > i, "it was asked")

    def test_how_long(self):
        """By what the client is called with, at the only place."""
        name = {"bash": "appmsg-client", "zsh": "zsh/_appmsg-client",
                "fish": "fish/appmsg-client.fish"}[self.SHELL]
        with open(harness.top("completions", name)) as file:
            self.assertEqual(file.read().count("-t 0.2 -q "), 1)


class Options:
    """What the programs themselves say."""

    def test_options_and_commands(self):
        for typed, expected in (
                ("appmsg-client --trac\t", ["--trace"]),
                ("appmsg-client --color=alw\t", ["--color=always"]),
                ("appmsg-client --order=w\t", ["--order=weight"]),
                ("appmsg-client --order k\t", ["--order", "key"]),
                ("appmsg-client -m subs\t", ["-m", "substring"]),
                ("appmsg-client pi\t", ["ping"]),
                ("appmsg-client -p 1 ta\t", ["-p", "1", "tables"]),
                ("appmsgctl rel\t", ["reload"]),
                ("appmsgctl log de\t", ["log", "debug"]),
                ("appmsgctl --openm\t", ["--openmetrics"]),
                ("appmsgctl --json rol\t", ["--json", "rollback"]),
                ("appmsgd --foreg\t", ["--foreground"])):
            with self.subTest(typed):
                self.assertEqual(self.shell.words(typed)[1:], expected)


def names(connection, *those):
    """Answer that these are the tables."""
    if connection.request() is not None:
        connection.send(harness.request(harness.to_json(
            {"result": "", "tables": those}), status="found",
            connection="close"))


class Bash(Keys, Tables, Hanging, Options, LiveTest):
    SHELL = "bash"


class Zsh(Keys, Tables, Hanging, Options, LiveTest):
    SHELL = "zsh"


class Fish(Keys, Tables, Hanging, Options, LiveTest):
    SHELL = "fish"


if __name__ == "__main__":
    harness.main()
