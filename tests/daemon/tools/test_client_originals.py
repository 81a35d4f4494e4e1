#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client and the servers of the tutorial."""

import os
import shutil
import sys
import unittest.mock

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import TUTORIAL, client, no_match


class OriginalTest(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        harness.originals()     # skips

    def assert_done(self, done, status, stdout, stderr=""):
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         (stdout, stderr, status))


class AppServerTest(OriginalTest):
    def setUp(self):
        super().setUp()
        self.port = self.original("app-server.py", harness.LOOPBACK, "PORT")

    def ask(self, *args, **kwargs):
        return client("-p", self.port, *args, **kwargs)

    def test_prints_the_answer_of_each_key(self):
        for key, answer in TUTORIAL.items():
            self.assert_done(self.ask("search", key), 0, answer + "\n")

    def test_tells_a_miss_by_its_text(self):
        self.assert_done(self.ask("search", "nope"), 1, "",
                         no_match("nope") + "\n")
        key = 'a"b\\c'
        self.assert_done(self.ask("search", key), 1, "", no_match(key) + "\n")

    def test_tells_a_miss_by_the_text_that_it_has_since_2022(self):
        folder = shutil.copytree(harness.originals(), self.path("newer"))
        with open(f"{folder}/libserver.py", encoding="utf-8") as file:
            text = file.read()
        self.assertIn("f'No match for \"{query}\".'", text)
        with open(f"{folder}/libserver.py", "w", encoding="utf-8") as file:
            file.write(text.replace("f'No match for \"{query}\".'",
                                    "f\"No match for '{query}'.\""))
        with unittest.mock.patch.dict(os.environ,
                                      {"APPMSG_ORIGINALS": folder}):
            self.port = self.original("app-server.py", harness.LOOPBACK,
                                      "PORT")
        self.assert_done(self.ask("search", "nope"), 1, "",
                         "No match for 'nope'.\n")
        self.assert_done(self.ask("search", "ring"), 0,
                         TUTORIAL["ring"] + "\n")

    def test_connects_again_for_each_of_several_keys(self):
        done = self.ask("search", "ring", "nope", "morpheus")
        self.assert_done(
            done, 1, f"ring\t{TUTORIAL['ring']}\n"
            f"morpheus\t{TUTORIAL['morpheus']}\n", no_match("nope") + "\n"
            f"appmsg-client: 127.0.0.1:{self.port}: 1 of 3 keys not found\n")

    def test_takes_keys_from_standard_input(self):
        done = self.ask("search", "-", stdin=b"ring\nmorpheus")
        self.assert_done(done, 0, f"ring\t{TUTORIAL['ring']}\n"
                         f"morpheus\t{TUTORIAL['morpheus']}\n")

    def test_asks_for_two_hundred_keys(self):
        keys = ["ring", "morpheus"] * 100
        done = self.ask("search", *keys)
        self.assert_done(done, 0, "".join(
            f"{key}\t{TUTORIAL[key]}\n" for key in keys))

    def test_sends_binary(self):
        self.assert_done(self.ask("binary", "hello binary world"), 0,
                         "First 10 bytes of request: hello bina")
        big = b"0123456789" * 100000
        self.assert_done(self.ask("binary", "-", stdin=big), 0,
                         "First 10 bytes of request: 0123456789")


class EchoServersTest(OriginalTest):
    def test_echo_server_serves_one_connection(self):
        port = self.original("echo-server.py", port=28137)
        self.assert_done(client("-p", port, "echo", "Hello, world"), 0,
                         "Hello, world\n")

    def test_twenty_connections_at_the_multi_connection_server(self):
        port = self.original("multiconn-server.py", harness.LOOPBACK, "PORT")
        texts = ("Message 1 from client.", "Message 2 from client.")
        done = client("-p", port, "-c", 20, "echo", *texts)
        self.assert_done(done, 0, "".join(t + "\n" for t in texts) * 20)

    def test_more_than_the_buffers_between_hold(self):
        port = self.original("multiconn-server.py", harness.LOOPBACK, "PORT")
        text = "0123456789abcdef" * 6000
        done = client("-p", port, "-c", 3, "echo", *[text] * 8)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, (text + "\n") * 24)


if __name__ == "__main__":
    harness.main()
