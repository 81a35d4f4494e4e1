#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The config: what it takes, and what is told of what it does not.

appmsgd -n reads it and says everything that is wrong, -T shows what it comes
to, and -n -q answers a key from it, all without a socket.
"""

import errno
import os
import re
import socket
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import RING, answer, program, quoted, run

LISTEN = f"listen {harness.LOOPBACK} 0"
USAGE, SYSTEM, CONFIG = 64, 71, 78

# Lines with one mistake each, and a word that the message must have.
MISTAKES = {
    "listn 127.0.0.1 0": "listen",
    "anser ring x": "answer",
    "incldue x.conf": "include",
    "timeuot idle 5s": "timeout",
    "wokers 2": "workers",
    "timeout idel 5s": "idle",
    "timeout messages 5s": "message",
    "limit conections 5": "connections",
    "limit per-adress 5": "per-address",
    "listen 127.0.0.1 0 servce=echo": "service",
    "listen 127.0.0.1 0 keepalive=yes": "keep-alive",
    "listen 127.0.0.1 0 service=ecko": "echo",
    "listen 127.0.0.1 0 service=echo service=echo": "twice",
    "listen 127.0.0.1 0 keep-alive=yes keep-alive=no": "twice",
    "log level=info level=debug": "twice",
    "log levl=info": "level",
    "log level=inof": "info",
    "log level=warning": 'did you mean "warn"',
    "port 65432": "there are listen, .*control, .*answer",
    "listen 127.0.0.1 0 keep-alive=maybe": "maybe",
    "listen 127.0.0.1 0 keep-alive": "keep-alive",
    "listen 127.0.0.1 65536": "65536",
    "listen 127.0.0.1 http": "http",
    "listen 127.0.0.1 -1": "-1",
    "listen 127.0.0.1 65432;": 'did you mean "65432"',
    "listen 65432": 'did you mean "127.0.0.1 65432"',
    "listen localhost 0": "127.0.0.1",
    "listen * 0": "0.0.0.0",
    "listen 0 0": "0.0.0.0",
    "listen 127.1 0": "127.0.0.1",
    "listen 010.0.0.1 0": "10.0.0.1",
    "listen ::ffff:127.0.0.1 0": "did you mean \"127.0.0.1\"",
    "listen 127.0.0.1": "port",
    "listen": "listen",
    "listen relative/path": "relative/path|port|path",
    "listen /tmp/s mode=888": "mode|octal",
    "listen /tmp/t mode=rw": "mode|octal",
    "listen 127.0.0.1 0 allow=10.0.0.0/33": "allow|10.0.0.0",
    "listen 127.0.0.1 0 allow=ten": "allow|ten",
    "listen 127.0.0.1 0 allow=010.0.0.0/8": "10.0.0.0/8",
    "listen 127.0.0.1 0 allow=*": "0.0.0.0/0,::/0",
    "timeout idle 300ms": "300ms",
    "timeout idle 5d": "5d",
    "timeout idle 5w": "5w",
    "timeout idle -5s": "-5s",
    "timeout idle 1.5s": "1.5s",
    "timeout idle": "timeout",
    "limit content 1t": "1t",
    "limit content ten": "ten",
    "limit content -1": "-1",
    "limit content 0x10": "0x10",
    "limit content 99999999999999999999": "9999",
    "limit connections 0": "0",
    "limit header 65536": "65536|65535",
    "workers 0": "0",
    "workers many": "many.*auto",
    "user no-such-user-here": "no-such-user-here",
    "answer key": "answer",
    "answer key text more": "answer",
    'answer "" text': "key",
    f"answer {'k' * 1025} text": "key",
    'answer "unclosed text': "quot|string",
    "answer 'key' text": "quotes",
    "answer \u201ckey\u201d text": "quotes",
    'answer "key" "wrong \\x escape"': "escape|string",
    'answer "key" "half \\ud800"': "surrogate|pair|string|Unicode",
    'answer "key""text" x': "quot|blank|word",
    'binary "logo" /no/such/file': "binary|file",
    'binary "logo" file /no/such/file': "/no/such/file",
    'binary "logo" file /etc/passwd typ=image/png': "type",
    "include /no/such/file.conf": "/no/such/file.conf",
    "pidfile": "pidfile",
    "pidfile relative.pid": "absolute",
}


class ConfigTest(harness.DaemonTest):
    """Runs appmsgd for its exit status and what it prints."""

    def appmsgd(self, *args):
        return run(program("appmsgd"), *args)

    def check(self, *lines, options=("-n",)):
        """Check a config of these lines."""
        return self.appmsgd(*options, "-f", self.write_config(*lines))

    def assert_fine(self, *lines):
        """A config without a mistake: no word about it."""
        done = self.check(*lines)
        self.assertEqual((done.returncode, done.stderr), (0, ""), lines)

    def problems(self, done):
        """The lines that tell mistakes: file, line number, message."""
        self.assertEqual(done.returncode, CONFIG, done)
        found = []
        for line in (done.stdout + done.stderr).splitlines():
            match = re.fullmatch(r"(/[^:]*):(\d+): (.+)", line)
            self.assertIsNotNone(match, f"no file:line: message: {line}")
            found.append((match[1], int(match[2]), match[3]))
        return found

    def query(self, key, *lines):
        """The answer to a key, or None where there is none."""
        done = self.check(*lines, options=("-n", "-q", key))
        if done.returncode == 1:
            return None
        self.assertEqual((done.returncode, done.stderr), (0, ""), lines)
        return done.stdout.removesuffix("\n")


class Places(ConfigTest):
    """Where a start makes files, which -n does not."""

    def test_missing_folders(self):
        """Each is told, and by a start as well."""
        lines = [f"listen {self.path('no', 'socket')}",
                 f"pidfile {self.path('none', 'pid')}",
                 f"log access={self.path('not', 'log')}",
                 f"control {self.path('made', 'control.sock')}"]
        for option in ("-n", "-d"):
            done = self.check(*lines, options=(option,))
            self.assertEqual(
                [(line, message) for _, line, message in self.problems(done)],
                [(i, f"the folder of {line.split('=')[-1].split()[-1]} "
                     "is missing")
                 for i, line in enumerate(lines[:3], 1)])
        self.assertEqual(os.listdir(self.directory), ["appmsgd.conf"])

    def test_no_folder(self):
        """A file in its place."""
        self.write("file", "")
        done = self.check(f"listen {self.path('file', 'socket')}")
        self.assertIn("is missing", self.problems(done)[0][2])

    def test_one_path_for_two(self):
        """Two sockets, one of them through a link, or the control socket."""
        os.mkdir(self.path("folder"))
        os.symlink("folder", self.path("link"))
        paths = [self.path(name, "one") for name in ("folder", "link")]
        first = f"listen {paths[0]}"
        for lines, (line, path), other in (
                ((first, f"listen {paths[1]}"), (2, paths[1]), 1),
                ((f"control {paths[1]}", LISTEN, first), (3, paths[0]), 1)):
            for option in ("-n", "-d"):
                done = self.check(*lines, options=(option,))
                config = self.path("appmsgd.conf")
                self.assertEqual(self.problems(done), [
                    (config, line,
                     f"{path} is the socket of {config}:{other}, too")])
        self.assert_fine(first, f"listen {self.path('link', 'two')}",
                         f"control {self.path('link', 'three')}")

    def test_made_by_the_service(self):
        """They need not be there before the service is started."""
        self.assert_fine("listen /run/appmsgd/appmsgd.sock",
                         "log access=/var/log/appmsgd/access.log")

    def test_nothing_is_touched(self):
        """A socket that listens, dead ones, files: all stay."""
        path = self.path("socket")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
        before = os.stat(path)
        self.assert_fine(f"listen {path}",
                         f"pidfile {self.path('pid')}",
                         f"log access={self.path('log')}")
        self.assertEqual(os.stat(path), before)
        self.assertEqual(sorted(os.listdir(self.directory)),
                         ["appmsgd.conf", "socket"])

class Mistakes(ConfigTest):
    """What is wrong is told, all of it, with its place."""

    def test_five_mistakes_five_lines(self):
        """All are reported at once, in order, and nothing else."""
        done = self.check(
            "# line 1", LISTEN, "listn 127.0.0.1 1",
            "timeout idle soon", 'answer "open', answer("ring", RING),
            f"{LISTEN} colour=red", "limit conections 5")
        path = self.path("appmsgd.conf")
        found = self.problems(done)
        self.assertEqual([place[:2] for place in found],
                         [(path, line) for line in (3, 4, 5, 7, 8)])
        self.assertIn("listen", found[0][2])
        self.assertIn("connections", found[4][2])

    def test_start_with_mistakes(self):
        """A start says the same, exits 78, and serves nobody."""
        path = self.path("socket")
        config = self.write_config(f"listen {path}", "listn x", "limit y 1")
        for options in (("-d",), ()):
            with self.subTest(options):
                done = self.appmsgd(*options, "-f", config)
                self.assertEqual(done.returncode, CONFIG)
                for line in (2, 3):
                    self.assertIn(f"{config}:{line}: ", done.stderr)
                self.assertFalse(os.path.exists(path))

    def test_each_mistake(self):
        """Each is one problem, and its message names the word in hand."""
        for line, word in MISTAKES.items():
            with self.subTest(line):
                done = self.check(LISTEN, answer("ring", RING), line)
                found = self.problems(done)
                self.assertEqual(len(found), 1, found)
                self.assertEqual(found[0][1], 3)
                self.assertRegex(found[0][2], word)

    def test_all_mistakes_at_once(self):
        """As many lines as mistakes, up to ten of them."""
        mistakes = list(MISTAKES)
        for at in range(0, len(mistakes), 10):
            some = mistakes[at:at + 10]
            found = self.problems(self.check(LISTEN, *some))
            self.assertEqual([line for _, line, _ in found],
                             [2 + i for i in range(len(some))])
        done = self.check(LISTEN, *mistakes)
        self.assertTrue(done.stderr.endswith(
            f"\nand {len(mistakes) - 10} more in "
            f"{self.path('appmsgd.conf')}\n"), done.stderr)

    def test_first_line_of_a_continued_one(self):
        """A directive over several lines is named by its first."""
        found = self.problems(self.check(
            LISTEN, "limit \\", "  content \\", "  much", "listn"))
        self.assertEqual([line for _, line, _ in found], [2, 5])

    def test_in_an_included_file(self):
        """The file that has the mistake is named, and all files read."""
        first = self.write_config("# 1", "listn", name="conf.d/a.conf")
        second = self.write_config("wokers 1", name="conf.d/b.conf")
        found = self.problems(self.check(
            LISTEN, "include conf.d/*.conf", "limit content much"))
        self.assertEqual([place[:2] for place in found], [
            (first, 2), (second, 1), (self.path("appmsgd.conf"), 3)])

    def test_verbose(self):
        """What is right is told, and how many entries there are."""
        for n, entries in ((0, "0 entries"), (1, "1 entry"),
                           (2, "2 entries")):
            done = self.check(LISTEN, *harness.TUTORIAL_LINES[:n],
                              options=("-n", "-v"))
            self.assertEqual(
                (done.returncode, done.stdout),
                (0, f"{self.path('appmsgd.conf')}: {entries}, no "
                    "problems\n"))

    def test_no_config(self):
        """A config that is not there, or a folder."""
        for path in (self.path("none.conf"), self.directory):
            done = self.appmsgd("-n", "-f", path)
            self.assertEqual(done.returncode, CONFIG)
            self.assertIn(path, done.stderr)

    def test_controls_are_escaped(self):
        """Whatever a word holds, its problem is one printable line."""
        for word in ("\\u001b[2J\\u0007", "two\\nlines", "\\r"):
            with self.subTest(word):
                done = self.check(LISTEN, f'listen "{word}" 0')
                self.assertEqual(len(self.problems(done)), 1)
                self.assertNotRegex(done.stderr, "[^\n -~]")

    def test_bytes_that_are_no_text(self):
        """Answers must be text, so the config's bytes must be UTF-8."""
        for line in (b"answer key \xff", b'answer "key" "\xc3"',
                     b"answer \xed\xa0\x80 text", b"answer key a\0b",
                     b'answer "key" "a\tb"',
                     b'binary key file /etc/passwd type="\xff"'):
            with self.subTest(line):
                path = self.write("x.conf", LISTEN.encode() + b"\n" + line)
                found = self.problems(self.appmsgd("-n", "-f", path))
                self.assertEqual([place[:2] for place in found],
                                 [(path, 2)])

    def test_include_of_itself(self):
        """A circle of includes is a mistake, and ends."""
        path = self.path("appmsgd.conf")
        self.assertEqual(self.problems(self.check(
            LISTEN, "include appmsgd.conf")),
            [(path, 2, f"{path} includes itself")])
        inner = self.write_config("include appmsgd.conf", name="inner.conf")
        self.assertEqual(self.problems(self.check(
            LISTEN, "include inner.conf")),
            [(inner, 1, f"{path} includes itself")])


class Syntax(ConfigTest):
    """Words, quotes, comments, lines."""

    def test_words(self):
        """Spellings of a key and its answer, as -q gives them back."""
        cases = {
            "answer ring text": "text",
            "\t answer\t\tring \t text \t": "text",
            'answer "ring" "two words"': "two words",
            'answer "r\\u0069ng" "\\ud83d\\ude00 \\" \\\\ \\/"':
            "\U0001f600 \" \\ /",
            "answer ring text # a comment": "text",
            "answer ring a#b": "a#b",
            'answer ring "# no comment"': "# no comment",
            'answer ring "x" # "': "x",
            "answer ring #x\nanswer ring y": None,
            "answer \\\nring \\\n  text": "text",
            "answer \\\r\nring \\\r\n  text\r": "text",
            "answer ring text\r": "text",
            "answer ring back\\slash": "back\\slash",
            "answer ring \u00e9\u4e2d\U0001f430": "\u00e9\u4e2d\U0001f430",
            "\n\n  \n#\nanswer ring text": "text",
        }
        for text, expected in cases.items():
            with self.subTest(text):
                if expected is None:
                    self.problems(self.check(LISTEN, text))
                else:
                    self.assertEqual(self.query("ring", LISTEN, text),
                                     expected)

    def test_key_in_another_encoding(self):
        """It is named, and what nobody sees is shown."""
        done = self.check(LISTEN, options=("-n", "-q", "caf\udce9"))
        self.assertEqual((done.returncode, done.stderr), (
            64, "appmsgd: the key is not UTF-8, but perhaps Latin-1 "
            "(iconv -f latin1 -t utf-8)\n"))
        done = self.check(LISTEN, options=("-n", "-q", "\ufeffring"))
        self.assertEqual((done.returncode, done.stderr), (
            1, "appmsgd: the key begins with a byte order mark\n"
            'No match for "\\u{feff}ring".\n'))

    def test_last_line_without_newline(self):
        """The last line need not end."""
        path = self.write("x.conf", f"{LISTEN}\nanswer ring text")
        done = self.appmsgd("-n", "-q", "ring", "-f", path)
        self.assertEqual((done.returncode, done.stdout), (0, "text\n"))

    def test_quoted_options(self):
        """An option's value may be quoted, a path too."""
        path = self.path("a socket # 1")
        self.assert_fine(LISTEN, f'listen {quoted(path)} mode="0600"')
        daemon = self.start(f'listen {quoted(path)} mode="0600"',
                            "listen 127.0.0.1 0 service=\"echo\"")
        self.assert_serves(path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with harness.Peer(daemon.addresses[1]) as peer:
            peer.send(b"x")
            self.assertEqual(peer.receive(1), b"x")

    def test_numbers(self):
        """Units, and what -T makes of them."""
        for spelling, value in (("2048", 2048), ("2k", 2048),
                                ("3m", 3 << 20), ("1g", 1 << 30)):
            with self.subTest(spelling):
                shown = self.shown(f"limit content {spelling}")
                self.assertIn(self.size(shown["limit content"]), (value,))
        for spelling, value in (("90s", 90), ("2m", 120), ("1h", 3600),
                                ("1d", 86400), ("1500ms", 1.5)):
            with self.subTest(spelling):
                shown = self.shown(f"timeout idle {spelling}")
                self.assertEqual(self.time(shown["timeout idle"]), value)

    def shown(self, *lines):
        """What -T prints: the first words and the last of each line."""
        done = self.check(LISTEN, *lines, options=("-T",))
        self.assertEqual((done.returncode, done.stderr), (0, ""), lines)
        return dict(line.rsplit(None, 1) for line in
                    done.stdout.splitlines() if " " in line)

    def size(self, text):
        unit = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
        return int(text.rstrip("kmg")) * unit.get(text[-1], 1)

    def time(self, text):
        number, unit = re.fullmatch(r"(\d+)(\D+)", text).groups()
        unit = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000}[unit]
        return int(number) * unit / 1000


class Include(ConfigTest):
    """Files in files."""

    def test_include(self):
        """Relative to the file that names it, also one level deeper."""
        self.write_config("include deep/*.conf", name="conf.d/a.conf")
        self.write_config(answer("ring", "deep"),
                          name="conf.d/deep/x.conf")
        lines = (LISTEN, "include conf.d/a.conf")
        self.assertEqual(self.query("ring", *lines), "deep")

    def test_glob(self):
        """A glob takes all that match and no others, sorted."""
        for name in ("b", "a", "c"):
            self.write_config(answer(name, name.upper()), "x",
                              name=f"conf.d/{name}.conf")
        self.write_config("a mistake", name="conf.d/a.conf.bak")
        found = self.problems(self.check(LISTEN, "include conf.d/*.conf"))
        self.assertEqual([os.path.basename(file) for file, _, _ in found],
                         ["a.conf", "b.conf", "c.conf"])

    def test_glob_that_matches_nothing(self):
        """No match, no mistake; with or without the folder."""
        os.mkdir(self.path("empty.d"))
        self.assert_fine(LISTEN, "include empty.d/*.conf")
        self.assert_fine(LISTEN, "include no-such-folder.d/*.conf")

    def test_absolute_path(self):
        """A path may be absolute, and quoted."""
        path = self.write_config(answer("ring", "X"), name="a b.conf")
        self.assertEqual(
            self.query("ring", LISTEN, f"include {quoted(path)}"), "X")


class Show(ConfigTest):
    """-T: effective values."""

    def test_values(self):
        """What was said and what was not, with exit status 0."""
        done = self.check(LISTEN, "limit connections 77", "workers 3",
                          "log level=debug", options=("-T",))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^limit connections 77\b")
        self.assertRegex(done.stdout, r"(?m)^workers 3\b")
        self.assertRegex(done.stdout, r"(?m)^log .*level=debug\b")
        for name in ("idle", "header", "message", "write", "drain",
                     "handshake"):
            self.assertRegex(done.stdout, rf"(?m)^timeout {name} \d+[smh]\b")
        for name in ("per-address", "header", "content", "output",
                     "pipeline", "memory"):
            self.assertRegex(done.stdout, rf"(?m)^limit {name} \d+")

    def test_wrong_config(self):
        """A wrong config has no values."""
        self.problems(self.check(LISTEN, "wokers 3", options=("-T",)))


class Query(ConfigTest):
    """-n -q KEY: an answer without a server."""

    def test_found(self):
        """Printed as it is, exit status 0."""
        done = self.check(LISTEN, *harness.TUTORIAL_LINES,
                          options=("-n", "-q", "ring"))
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, RING + "\n", ""))
        for long in (("--check", "--query", "ring"),
                     ("--check", "--query=ring")):
            done = self.check(LISTEN, *harness.TUTORIAL_LINES, options=long)
            self.assertEqual((done.returncode, done.stdout),
                             (0, RING + "\n"))

    def test_missing(self):
        """Exit status 1, and nothing on standard output."""
        done = self.check(LISTEN, *harness.TUTORIAL_LINES,
                          options=("-n", "-q", "no such"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))

    def test_found_though_empty(self):
        """An empty answer is found."""
        self.assertEqual(self.query("ring", LISTEN, answer("ring", "")), "")

    def test_wrong_config(self):
        """Exit status 78, and no answer, but the mistakes."""
        done = self.check(LISTEN, *harness.TUTORIAL_LINES, "wokers 3",
                          options=("-n", "-q", "ring"))
        self.problems(done)
        self.assertNotIn("Misty", done.stdout)

    def test_no_socket_is_touched(self):
        """Neither a live socket nor a dead one, nor a missing folder."""
        path = self.path("socket")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
            before = os.stat(path)
            self.assert_fine(f"listen {path}")
            sock.listen()
            self.assert_fine(f"listen {path}")
        self.assert_fine(f"listen {path}", f"control {path}.ctl")
        after = os.stat(path)
        self.assertEqual((before.st_ino, before.st_mtime_ns),
                         (after.st_ino, after.st_mtime_ns))
        self.assertFalse(os.path.exists(path + ".ctl"))
        with socket.socket() as sock:
            sock.bind((harness.LOOPBACK, 0))
            sock.listen()
            port = sock.getsockname()[1]
            self.assert_fine(f"listen {harness.LOOPBACK} {port}")


class Usage(ConfigTest):
    """Options of the three programs."""

    def test_help_and_version(self):
        """On standard output, exit status 0, and nothing said besides."""
        versions = set()
        for name in ("appmsgd", "appmsgctl", "appmsg-client"):
            for option in ("--help", "-V", "--version"):
                with self.subTest(name=name, option=option):
                    done = run(program(name), option)
                    self.assertEqual((done.returncode, done.stderr),
                                     (0, ""))
                    self.assertIn(name, done.stdout)
                    if option != "--help":
                        number = re.search(r"\d+\.\d+[.\w]*", done.stdout)
                        versions.add(number[0])
        self.assertEqual(len(versions), 1, versions)

    def test_a_full_disk_is_noticed(self):
        """What could not be printed is not said to be done."""
        config = self.write_config(LISTEN, answer("ring", RING))
        for name, words, status in (
                ("appmsgd", ("--help",), 71),
                ("appmsgd", ("-V",), 71),
                ("appmsgd", ("-f", config, "-n", "-q", "ring"), 71),
                ("appmsgd", ("-f", config, "-T"), 71),
                ("appmsgctl", ("--help",), 74),
                ("appmsgctl", ("-V",), 74)):
            done = run("sh", "-c", '"$@" >/dev/full', "sh", program(name),
                       *words)
            self.assertEqual(done.returncode, status, done)
            self.assertIn(os.strerror(errno.ENOSPC), done.stderr)

    def test_usage(self):
        """A wrong call ends with 64, and says so on standard error."""
        config = self.write_config(LISTEN)
        wrong = (
            ("appmsgd", "--no-such-option"),
            ("appmsgd", "-f", config, "-n", "argument"),
            ("appmsgd", "-f"),
            ("appmsgd", "-f", config, "-q", "ring"),
            ("appmsgctl",),
            ("appmsgctl", "--no-such-option"),
            ("appmsgctl", "-s"),
            ("appmsgctl", "-s", "/tmp/none", "no-such-command"),
            ("appmsgctl", "-s", "/tmp/none", "reload", "too", "much"),
            ("appmsg-client",),
            ("appmsg-client", "search"),
            ("appmsg-client", "no-such-action", "x"),
            ("appmsg-client", "--no-such-option", "search", "x"),
            ("appmsg-client", "-p", "x y", "-t", "soon", "search", "x"),
        )
        for name, *args in wrong:
            with self.subTest(name=name, args=args):
                done = run(program(name), *args)
                self.assertEqual(done.returncode, USAGE, done)
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, rf".\nTry '{name} --help' ")

    def test_what_was_meant(self):
        """A file without its option, words of other daemons and programs."""
        for name, args, words in (
                ("appmsgd", ["my.conf"], "goes behind -f"),
                ("appmsgctl", ["stop"], '"appmsgctl drain", or "systemctl '
                 'stop appmsgd"'),
                ("appmsgctl", ["restart"], '"systemctl restart appmsgd"'),
                ("appmsgctl", ["get", "ring"], '"appmsg-client search"'),
                ("appmsgctl", ["frobnicate"], "--help names all"),
                ("appmsgctl", ["stauts"], '"status"')):
            with self.subTest(name=name, args=args):
                done = run(program(name), *args)
                self.assertEqual(done.returncode, USAGE, done)
                self.assertIn(words, done.stderr)

    def test_no_control_socket(self):
        """What -s takes, where it was given something else."""
        for path, words in (
                (f"{harness.LOOPBACK}:1", "-s takes the path of the"),
                (self.write_config(LISTEN), "it is no socket"),
                (self.path("none"), "is appmsgd running?")):
            with self.subTest(path):
                done = run(program("appmsgctl"), "-s", path, "status")
                self.assertEqual(done.returncode, 69, done)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    harness.main()
