#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client compare: whether servers serve the same."""

import json
import re
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, client, no_match, to_json
from scripted import Server

DIGEST = r"[0-9a-f]{32}"
SAYS = (rf"{DIGEST}, \d+ entries, generation \d+ of "
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n")
OLD = "does not say what it serves"


def replier(*args, **members):
    """A server that gives every request the same reply."""
    def serve(connection):
        while connection.request() is not None:
            connection.reply(*args, **members)
    return Server(serve)


def name(server):
    return f"{LOOPBACK}:{server.port}"


def compare(*words):
    done = client(*words[:-1], "compare", *words[-1])
    return done.returncode, done.stdout, done.stderr


class Daemons(harness.DaemonTest):
    """Two and three of them."""

    def daemon(self, data, *lines, name="words.tsv"):
        """Its tables are read from files of its own."""
        number = len(self.daemons)
        path = self.write(f"{number}/{name}", data)
        return self.start(f"table words file {path}", *lines)

    def names(self):
        return [name(daemon) for daemon in self.daemons]

    def assert_said(self, stdout, names):
        lines = stdout.splitlines(keepends=True)
        for line, server in zip(lines, names, strict=True):
            self.assertRegex(line, rf"\A{re.escape(server)}: {SAYS}\Z")
        return [re.search(DIGEST, line)[0] for line in lines]

    def test_equal(self):
        """In whatever order and format, however they may be searched."""
        self.daemon("a\t1\nb\t2\n")
        self.daemon("b\t2\na\t1\n")
        self.daemon(json.dumps({"b": "2", "a": "1"}), "workers 1",
                    name="words.json")
        for n in (1, 2, 3):
            code, out, err = compare(self.names()[:n])
            self.assertEqual((code, err), (0, ""))
            digests = self.assert_said(out, self.names()[:n])
            self.assertEqual(len(set(digests)), 1)
        self.assertEqual(compare("-q", self.names()), (0, "", ""))

    def test_differing(self):
        """Which ones differ from the first is told, quietly or not."""
        self.daemon("a\t1\nb\t2\n")
        self.daemon("a\t1\nb\t3\n")
        self.daemon("a\t1\nb\t2\n")
        one, two, three = self.names()
        says = (f"appmsg-client: {two}: serves other entries than {one}\n")
        code, out, err = compare([one, two, three])
        self.assertEqual((code, err), (1, says))
        digests = self.assert_said(out, self.names())
        self.assertEqual(digests[0], digests[2])
        self.assertNotEqual(digests[0], digests[1])
        self.assertEqual(compare("-q", [one, two]), (1, "", says))
        self.assertEqual(
            compare("-q", [two, one, three])[2].count("other entries"), 2)

    def test_equal_again(self):
        """After a reload of the one that was behind."""
        self.daemon("a\t1\nb\t2\n")
        late = self.daemon("a\t1\n", "log level=info")
        self.assertEqual(compare("-q", self.names())[0], 1)
        self.write("1/words.tsv", "b\t2\na\t1\n")
        late.hang_up()
        late.wait_log("reloaded generation=2")
        self.assertEqual(compare("-q", self.names()), (0, "", ""))

    def test_one_is_down(self):
        """The others are compared; its failure decides."""
        self.daemon("a\t1\n")
        self.daemon("a\t1\n")
        down = f"{LOOPBACK}:{harness.free_port()}"
        for at in range(3):
            names = self.names()
            names.insert(at, down)
            code, out, err = compare(names)
            self.assertEqual(code, 69)
            self.assert_said(out, self.names())
            self.assertRegex(err, rf"\Aappmsg-client: {down}: cannot connect"
                             r".*\n\Z")

    def test_down_and_differing(self):
        self.daemon("a\t1\n")
        self.daemon("a\t2\n")
        down = f"{LOOPBACK}:{harness.free_port()}"
        code, _, err = compare([down, *self.names()])
        self.assertEqual((code, len(err.splitlines())), (69, 2))

    def test_an_old_one(self):
        """As those of the tutorial, which know no generations."""
        self.daemon("a\t1\n")
        for text in (no_match(""), "No match for ''."):
            with replier(text) as old:
                code, out, err = compare([name(old), *self.names()])
            self.assertEqual(
                (code, err), (76, f"appmsg-client: {name(old)}: {OLD}\n"))
            self.assert_said(out, self.names())

    def test_an_original(self):
        harness.originals()     # skips
        self.daemon("a\t1\n")
        port = self.original("app-server.py", LOOPBACK, "PORT")
        code, out, err = compare([*self.names(), f"{LOOPBACK}:{port}"])
        self.assertEqual(
            (code, err), (76, f"appmsg-client: {LOOPBACK}:{port}: {OLD}\n"))
        self.assert_said(out, self.names())

    def test_json(self):
        self.daemon("a\t1\n")
        self.daemon("a\t2\n")
        code, out, err = compare("--json", self.names())
        self.assertEqual(code, 1)
        self.assertIn("other entries", err)
        said = [json.loads(line) for line in out.splitlines()]
        for row, server, same in zip(said, self.names(), (True, False),
                                     strict=True):
            self.assertEqual(list(row), [
                "server", "same", "generation", "loaded",
                "generation-digest", "entries"])
            self.assertEqual((row["server"], row["same"]), (server, same))
            self.assertEqual(row["entries"], 1 + len(harness.TUTORIAL))

    def test_unix_sockets(self):
        """Named as APPMSG_SERVER may be, which has no say in it."""
        path = self.path("socket")
        daemon = self.daemon("a\t1\n", f"listen {path}",
                             f"listen {LOOPBACK} 0")
        port, = (address[1] for address in daemon.addresses
                 if address != path)
        done = client("compare", path, f"appmsg://{LOOPBACK}:{port}",
                      env=harness.environment(APPMSG_SERVER="nowhere:1"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_said(done.stdout, [path, f"{LOOPBACK}:{port}"])

    def test_what_one_may_not_ask_is_not_compared(self):
        rules = ("allow=192.0.2.0/24", "deny=127.0.0.0/8")
        for number, rule in enumerate(rules):
            path = self.write(f"{number}/hidden.tsv", f"{number}\tx\n")
            self.daemon("a\t1\n", f"table hidden file {path} {rule}")
        self.assertEqual(compare("-q", self.names()), (0, "", ""))


class Servers(unittest.TestCase):
    """Servers that are none of ours, or in no good state."""

    def test_what_is_asked(self):
        """The empty key, in one request, on a connection that closes."""
        seen = []

        def serve(connection):
            while (got := connection.request()) is not None:
                seen.append(got)
                connection.reply(no_match(""), **{
                    "generation-digest": "0" * 32})

        with Server(serve) as server:
            self.assertEqual(compare([name(server)]),
                             (0, f"{name(server)}: {'0' * 32}\n", ""))
        (header, content), = seen
        self.assertEqual(content, to_json({"action": "search", "value": ""}))
        self.assertEqual((header["connection"], header["explain"]),
                         ("close", True))

    def test_what_is_no_answer(self):
        for status, code in (("error", 65), ("busy", 75),
                             ("unavailable", 75), ("denied", 77)):
            with replier("not\tnow", status=status) as server:
                self.assertEqual(compare([name(server)]), (
                    code, "", f"appmsg-client: {name(server)}: not\\tnow\n"))
        with Server(lambda connection: connection.send(b"no")) as server:
            self.assertEqual(compare([name(server)])[:2], (76, ""))

    def test_it_is_said_with_an_error_too(self):
        """Whoever has some of the answers may not be there now."""
        with replier("Error: not now.", status="unavailable", **{
                "generation-digest": "1" * 32}) as server:
            self.assertEqual(compare("-q", [name(server)]), (0, "", ""))

    def test_silence(self):
        """Each has its share of the time."""
        with Server(lambda connection: connection.to_end()) as silent, \
                replier(no_match(""), **{
                    "generation-digest": "1" * 32}) as server:
            code, out, err = compare("-t", "2", [name(silent), name(server)])
        self.assertEqual((code, out), (75, f"{name(server)}: {'1' * 32}\n"))
        self.assertIn(f"{name(silent)}: reply: ", err)

    def test_hostile_members(self):
        """What is no digest is none; what is printed is escaped."""
        for digest in ("1" * 31, "1" * 33, "G" * 32, "", 7, None,
                       "1" * 31 + "\0", "\x1b" * 32, "1" * 1000):
            with replier(no_match(""), **{
                    "generation-digest": digest}) as server:
                self.assertEqual(compare([name(server)]), (
                    76, "", f"appmsg-client: {name(server)}: {OLD}\n"))
        with replier(no_match(""), loaded="\x1b[m", entries="x", **{
                "generation-digest": "1" * 32}) as server:
            self.assertEqual(compare([name(server)])[1],
                             f"{name(server)}: {'1' * 32} of \\x1b[m\n")

    def test_wrong_calls(self):
        for args, words in ((("compare",), "nothing to compare"),
                            (("compare", "a:b:c"), "wrong server: a:b:c"),
                            (("compare", "a", ""), "wrong server: "),
                            (("-H", "a", "compare", "b"), "cannot go with"),
                            (("-U", "/a", "compare", "b"), "cannot go with"),
                            (("compare", "a", "-m", "exact"),
                             "for search and bench only"),
                            (("compare", "a", "-c", "2"), "for echo and bench only")):
            done = client(*args)
            self.assertEqual((done.returncode, done.stdout), (64, ""), args)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    harness.main()
