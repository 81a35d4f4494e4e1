#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What appmsg-client makes of replies: what it prints and exits with."""

import base64
import json
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (DEADLINE, bytewise, no_match, plain_reply, request,
                     to_json)
from scripted import Server, ask, run_in_terminal

HOSTILE = "a\x1b[31mb\x9bc\u202ed\x7fe\\f"


def replier(*args, **kwargs):
    """A server that gives every request the same reply."""
    def serve(connection):
        while connection.request() is not None:
            connection.reply(*args, **kwargs)
    return Server(serve)


def sender(data):
    """A server that answers one request with these bytes."""
    def serve(connection):
        connection.request()
        connection.send(data)
    return Server(serve)


def in_terminal(server, *args):
    """What a terminal shows of appmsg-client."""
    return run_in_terminal("-p", str(server.port), *args)[1].decode()


class DoneTest(unittest.TestCase):
    def assert_done(self, done, status, stdout, stderr=""):
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         (stdout, stderr, status))


class ReplyTest(DoneTest):
    def assert_reply(self, exit_status, stdout, stderr, result, **members):
        with replier(result, **members) as server:
            self.assert_done(ask(server, "search", "k"), exit_status,
                             stdout, stderr)

    def test_the_status_decides(self):
        for status, exit_status in (("found", 0), ("not-found", 1),
                                    ("error", 65), ("busy", 75),
                                    ("unavailable", 75), ("denied", 77)):
            with self.subTest(status):
                found = exit_status == 0
                self.assert_reply(
                    exit_status, "text\n" if found else "",
                    "" if found else "text\n", "text", connection="close",
                    status=status)

    def test_a_status_outranks_the_text(self):
        self.assert_reply(0, no_match("k") + "\n", "", no_match("k"),
                          status="found")
        self.assert_reply(0, "Error: no\n", "", "Error: no", status="found")

    def test_without_a_known_status_the_text_decides(self):
        for members in ({}, {"status": "new-word"}, {"status": 7}):
            with self.subTest(members):
                self.assert_reply(1, "", no_match("k") + "\n", no_match("k"),
                                  **members)
                newer = "No match for 'k'."     # the tutorial's since 2022
                self.assert_reply(1, "", newer + "\n", newer, **members)
                self.assert_reply(65, "", "Error: bad\n", "Error: bad",
                                  **members)
                self.assert_reply(0, no_match("q") + "\n", "", no_match("q"),
                                  **members)
                self.assert_reply(0, "error: x\n", "", "error: x", **members)

    def test_an_empty_answer_is_found(self):
        self.assert_reply(0, "\n", "", "")

    def test_an_answer_with_newlines_and_nul_is_printed_as_it_is(self):
        self.assert_reply(0, "a\n\tb\0c\x1b\\d\n", "", "a\n\tb\0c\x1b\\d")

    def test_every_spelling_of_the_result(self):
        content = (b' { "x" : [1, {"result": 2}] , "r\\u0065sult" : '
                   b'"\\ud83d\\udc30\\/\\u00e4" } ')
        with sender(request(content)) as server:
            self.assert_done(ask(server, "search", "k"), 0,
                             "\U0001f430/\u00e4\n")

    def test_a_reply_in_single_bytes(self):
        def serve(connection):
            connection.request()
            for byte in bytewise(plain_reply("slow")):
                connection.send(byte)

        with Server(serve) as server:
            self.assert_done(ask(server, "search", "k"), 0, "slow\n")

    def test_a_reply_of_many_megabytes(self):
        text = "0123456789" * 1000000
        self.assert_reply(0, text + "\n", "", text)

    def test_the_request_is_the_originals_with_two_members(self):
        seen = []

        def serve(connection):
            seen.append(connection.request())
            connection.reply("yes")

        with Server(serve) as server:
            ask(server, "search", 'a"\\\n\x1fä')
        header, content = seen[0]
        self.assertEqual(content, to_json(
            {"action": "search", "value": 'a"\\\n\x1fä'}))
        self.assertEqual(list(header), [
            "byteorder", "content-type", "content-encoding",
            "content-length", "connection", "suggest"])
        self.assertEqual(header["connection"], "close")
        self.assertEqual(header["suggest"], 3)
        self.assertEqual(header["content-type"], "text/json")
        self.assertEqual(header["content-encoding"], "utf-8")


class SeveralKeysTest(DoneTest):
    def test_key_and_result_are_escaped_fields_of_a_line(self):
        with replier("x\ty\nz\\\x85\u2028") as server:
            done = ask(server, "search", "a\tb\nc\\", "k")
        text = "x\\ty\\nz\\\\\\u{85}\\u{2028}\n"
        self.assert_done(done, 0, f"a\\tb\\nc\\\\\t{text}k\t{text}")

    def test_a_miss_and_an_error_are_lines_of_standard_error(self):
        def serve(connection):
            for status in ("not-found", "error", "found"):
                key = connection.key()
                connection.reply(f"{key}\n{status}", status=status,
                                 connection="keep-alive")
            connection.to_end()

        with Server(serve) as server:
            done = ask(server, "search", "a", "b", "c")
        self.assert_done(done, 65, "c\tc\\nfound\n",
                         "a\\nnot-found\nb: b\\nerror\n"
                         f"appmsg-client: {server.address[0]}:{server.port}: "
                         "1 of 3 keys not found\n")

    def test_long_texts_on_standard_error_are_cut(self):
        def serve(connection):
            while (key := connection.key()) is not None:
                connection.reply(no_match(key), connection="keep-alive",
                                 status="not-found" if key[:2] == "m\u00e9"
                                 else "error")

        # The cut is before the character that would be halved.
        missed, wrong = "m" + "\u00e9" * 1000, "w" * 2000
        start = no_match(missed)[:15 + 504] + "... (2017 bytes)\n"
        with Server(serve) as server:
            self.assert_done(ask(server, "search", missed), 1, "", start)
            self.assert_done(
                ask(server, "search", missed, wrong), 65, "", f"{start}"
                f"{'w' * 1024}... (2000 bytes): No match for \""
                f"{'w' * 1010}... (2016 bytes)\n"
                f"appmsg-client: {server.address[0]}:{server.port}: "
                "1 of 2 keys not found\n")

    def test_a_last_line_counts_misses(self):
        def serve(connection):
            while (key := connection.key()) is not None:
                missed = key in ("b", "d")
                connection.reply(no_match(key) if missed else key,
                                 status="not-found" if missed else "found",
                                 connection="keep-alive")

        with Server(serve) as server:
            name = f"{server.address[0]}:{server.port}"
            done = ask(server, "search", "a", "-", "d", stdin=b"b\nc\n")
            self.assert_done(
                done, 1, "a\ta\nc\tc\n",
                f"{no_match('b')}\n{no_match('d')}\n"
                f"appmsg-client: {name}: 2 of 4 keys not found\n")
            self.assert_done(ask(server, "search", "a", "c"), 0,
                             "a\ta\nc\tc\n")
            self.assert_done(ask(server, "search", "b"), 1, "",
                             no_match("b") + "\n")
            self.assert_done(
                ask(server, "search", "b", "d"), 1, "",
                f"{no_match('b')}\n{no_match('d')}\n"
                f"appmsg-client: {name}: 2 of 2 keys not found; one with "
                "blanks goes in quotes\n")

    def test_quiet_says_nothing_of_misses(self):
        for option in ("-q", "--quiet"):
            with replier(no_match("b"), status="not-found") as server:
                self.assert_done(ask(server, option, "search", "b", "b"), 1,
                                 "")
                self.assert_done(ask(server, option, "search", "b"), 1, "")
            with replier("no", status="error") as server:
                self.assert_done(ask(server, option, "search", "b"), 65, "",
                                 "no\n")
        with sender(request(b"First", status="not-found",
                            content_type="a/b")) as server:
            self.assert_done(ask(server, "-q", "binary", "x"), 1, "")
        with replier(no_match("b")) as server:
            done = ask(server, "-q", "--json", "search", "b")
            self.assertIn('"found":false', done.stdout)

    def test_the_first_failure_decides_before_any_miss(self):
        statuses = {"a": "not-found", "b": "denied", "c": "error"}

        def serve(connection):
            while (key := connection.key()) is not None:
                connection.reply(key, status=statuses[key])

        with Server(serve) as server:
            self.assertEqual(
                ask(server, "search", "a", "b", "c").returncode, 77)
            self.assertEqual(
                ask(server, "search", "c", "b", "a").returncode, 65)

    def test_lines_of_standard_input_are_keys(self):
        with replier("r", connection="keep-alive") as server:
            done = ask(server, "search", "-", stdin=b"a b\n\nc\r\nd\0e\nf")
        self.assert_done(
            done, 0, "a b\tr\n\tr\nc\tr\nd\\x00e\tr\nf\tr\n")

    def test_standard_input_stands_among_words(self):
        with replier("r") as server:
            done = ask(server, "search", "a", "-", "b", stdin=b"1\n2\n")
        self.assert_done(done, 0, "a\tr\n1\tr\n2\tr\nb\tr\n")

    def test_no_line_at_all_asks_nothing(self):
        with Server(None) as server:
            self.assert_done(ask(server, "search", "-"), 0, "")

    def test_a_line_that_is_no_text_is_left_out_and_told(self):
        with replier("r") as server:
            done = ask(server, "search", "-", stdin=b"a\nb\xff\nc\n")
        self.assert_done(
            done, 64, "a\tr\nc\tr\n",
            "appmsg-client: standard input, line 2: not UTF-8, but perhaps "
            "Latin-1 (iconv -f latin1 -t utf-8)\n")

    def test_what_a_spreadsheet_saved_is_named(self):
        for text, stdout, words in (
                ("\ufeffring\r\nb\r\n".encode(), "b\tr\n",
                 "1: a byte order mark before the key\n"),
                ("\ufeffring\r\nb\r\n".encode("utf-16-le"), "",
                 "1: UTF-16, not UTF-8 (iconv -f utf-16 -t utf-8)\n"),
                ("ring\nb\n".encode("utf-16-be"), "",
                 "1: UTF-16, not UTF-8 (iconv -f utf-16be -t utf-8)\n")):
            with self.subTest(text), replier("r") as server:
                self.assert_done(ask(server, "search", "-", stdin=text), 64,
                                 stdout, "appmsg-client: standard input, "
                                 "line " + words)


class BinaryTest(DoneTest):
    def reply(self, content, **members):
        return sender(request(content, **{
            "content_type": "image/png", "content_encoding": "binary",
            **members}))

    def test_bytes_are_printed_as_they_are(self):
        with self.reply(bytes(range(256))) as server:
            done = subprocess.run(
                [harness.program("appmsg-client"), "-p", str(server.port),
                 "binary", "x"], capture_output=True, timeout=DEADLINE)
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         (bytes(range(256)), b"", 0))

    def test_sends_the_text_and_nothing_else(self):
        seen = []

        def serve(connection):
            seen.append(connection.request())
            connection.send(request(b"", content_type="a/b"))

        with Server(serve) as server:
            self.assert_done(ask(server, "binary", "text"), 0, "")
            self.assert_done(ask(server, "binary", "-", stdin=b"\0\xff\n"),
                             0, "")
            self.assert_done(ask(server, "binary", ""), 0, "")
        self.assertEqual([content for _, content in seen],
                         [b"text", b"\0\xff\n", b""])
        for header, _ in seen:
            self.assertEqual(header["content-type"],
                             "binary/custom-client-binary-type")
            self.assertEqual(header["content-encoding"], "binary")
            self.assertEqual(header["connection"], "close")

    def test_a_miss_by_status_goes_to_standard_error(self):
        with self.reply(b"First", status="not-found") as server:
            self.assert_done(ask(server, "binary", "x"), 1, "", "First\n")

    def test_an_error_reply_goes_to_standard_error(self):
        for members, status in (({}, 65), ({"status": "error"}, 65),
                                ({"status": "busy"}, 75)):
            with replier("Error: no", **members) as server:
                self.assert_done(ask(server, "binary", "x"), status, "",
                                 "Error: no\n")

    def test_json_that_is_no_error_is_bytes(self):
        content = to_json({"result": "Error: x"})
        with sender(request(content, status="found")) as server:
            self.assert_done(ask(server, "binary", "x"), 0, content.decode())
        with sender(request(b"[1]")) as server:
            self.assert_done(ask(server, "binary", "x"), 0, "[1]")


class TerminalTest(unittest.TestCase):
    def test_a_terminal_gets_no_control_characters(self):
        with replier(HOSTILE + "\n\tend") as server:
            self.assertEqual(
                in_terminal(server, "search", "k"),
                "a\\x1b[31mb\\u{9b}c\\u{202e}d\\x7fe\\f\n\tend\n")

    def test_nor_by_a_miss_an_error_or_bytes(self):
        for members in ({"status": "not-found"}, {"status": "error"}):
            with replier(HOSTILE, **members) as server:
                self.assertNotIn("\x1b", in_terminal(server, "search", "k"))
                self.assertNotIn("\x1b", in_terminal(server, "binary", "k"))
        reply = request(b"\x1b[2J\xff\n", content_type="a/b")
        with sender(reply) as server:
            self.assertEqual(in_terminal(server, "binary", "k"),
                             "\\x1b[2J\\xff\n")

    def test_nor_in_json(self):
        with replier(HOSTILE) as server:
            text = in_terminal(server, "--json", "search", "k")
        self.assertEqual(json.loads(text)["result"], HOSTILE)
        self.assertTrue(text[:-1].isascii() and text[:-1].isprintable())


class JsonTest(DoneTest):
    def lines(self, done):
        self.assertEqual(done.stderr, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_one_key_is_one_object(self):
        with replier("yes\n", status="found", connection="close") as server:
            done = ask(server, "--json", "search", "k")
        self.assert_done(done, 0, '{"key":"k","found":true,'
                         '"status":"found","result":"yes\\n"}\n')

    def test_misses_and_errors_are_objects_too(self):
        def serve(connection):
            while (key := connection.key()) is not None:
                if key == "bad":
                    connection.reply("Error: x", status="error",
                                     error="bad-id")
                else:
                    connection.reply(no_match(key))

        with Server(serve) as server:
            done = ask(server, "search", "--json", "no", "bad")
        self.assertEqual(done.returncode, 65)
        self.assertEqual(self.lines(done), [
            {"key": "no", "found": False, "status": "not-found",
             "result": no_match("no")},
            {"key": "bad", "found": False, "status": "error",
             "error": "bad-id", "result": "Error: x"}])

    def test_any_text_survives(self):
        text = "\0\x01\x1f\"\\/\x7f\x9b\u2028\ufeff\U0001f430"
        with replier(text) as server:
            done = ask(server, "--json", "search", text.replace("\0", ""))
        self.assertEqual(self.lines(done)[0]["result"], text)
        self.assertEqual(self.lines(done)[0]["key"], text.replace("\0", ""))

    def test_bytes_are_text_or_base64(self):
        with sender(request(b"abc", content_type="a/b")) as server:
            done = ask(server, "--json", "binary", "k")
        self.assertEqual(self.lines(done), [
            {"key": "k", "found": True, "status": "found", "type": "a/b",
             "result": "abc"}])
        for count in range(5):
            data = b"\xff" * 4 + bytes(range(count))
            with sender(request(data, content_type="a/b")) as server:
                done = ask(server, "--json", "binary", "-", stdin=b"k")
            line = self.lines(done)[0]
            self.assertEqual((line["key"], line["result"]), (None, None))
            self.assertEqual(base64.b64decode(line["result-base64"]), data)


class HeavyTest(unittest.TestCase):
    def test_more_values_than_a_reply_has(self):
        """Each would be an object in memory, hundreds of times its text."""
        content = (b'{"result": "x", "tables": ["t"], "matches": [], "more": '
                   b'false, "x": [' + b"[]," * 100000 + b"0]}")
        for args in (["tables"], ["-m", "prefix", "search", "k"]):
            with sender(request(content, status="found")) as server:
                done = ask(server, *args)
                self.assertEqual((done.returncode, done.stdout), (76, ""),
                                 done.stderr)


class ProgressTest(unittest.TestCase):
    """How far it is, when the first of many answers takes a while."""
    KEYS = 600

    def run_slowly(self, *args, **kwargs):
        def serve(connection):
            wait = 1.3
            while connection.request() is not None:
                time.sleep(wait)
                connection.reply("found", connection="keep-alive",
                                 status="found")
                wait = 0

        with Server(serve) as server:
            return run_in_terminal("-p", str(server.port), *args, "search",
                                   *["k"] * self.KEYS, environ={
                                       "TERM": "xterm", "NO_COLOR": "1"},
                                   **kwargs)

    def test_where_only_messages_are_shown(self):
        with tempfile.TemporaryFile() as out:
            status, shown = self.run_slowly(stdout=out)
            out.seek(0)
            self.assertEqual(out.read(), b"k\tfound\n" * self.KEYS)
        self.assertEqual(status, 0)
        self.assertRegex(shown, rb"\A\r\x1b\[K1 keys, \d+ a second")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)

    def test_nowhere_else(self):
        status, shown = self.run_slowly()
        self.assertEqual((status, shown), (0, b"k\tfound\n" * self.KEYS))
        with tempfile.TemporaryFile() as out:
            self.assertEqual(self.run_slowly("-q", stdout=out), (0, b""))


if __name__ == "__main__":
    harness.main()
