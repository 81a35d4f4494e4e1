#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What a request may ask of its connection, and what replies say of it.

Keep-alive, ids, error words and explain: members of a header that a plain
request does not have, and whose replies come with members of their own.
"""

import json
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (ABSENT, LOOPBACK, RING, binary, kept, no_match,
                     plain_reply, request, search, to_json)

KEEP = ("connection", "keep-alive")
CLOSE = ("connection", "close")
FOUND = ("status", "found")
MISSED = ("status", "not-found")

# Requests whose framing is intact: the error's word, content, and members.
FRAMED = {
    "JSON that is none": ("bad-json", b"{action: search}", {}),
    "no UTF-8": ("bad-encoding", b'{"action": "search", "value": "\xff"}', {}),
    "65 levels": ("bad-json", b"[" * 65 + b"]" * 65, {}),
    "an array": ("bad-request", b'["search", "ring"]', {}),
    "an empty object": ("bad-request", b"{}", {}),
    "no value": ("bad-request", b'{"action": "search"}', {}),
    "no action": ("bad-request", b'{"value": "ring"}', {}),
    "a number as value": ("bad-request",
                          b'{"action": "search", "value": 1}', {}),
    "half a pair": ("bad-request",
                    b'{"action": "search", "value": "\\ud800"}', {}),
    "an unknown action": ("bad-action",
                          b'{"action": "find", "value": "ring"}', {}),
    "an unknown encoding": ("bad-encoding", b"{}",
                            {"content_encoding": "utf-9"}),
    "a number as type": ("bad-header", b"{}", {"content_type": 1}),
    "a number as encoding": ("bad-header", b"{}", {"content_encoding": 1}),
    "no type": ("bad-header", b"{}", {"content_type": ABSENT}),
    "no encoding": ("bad-header", b"{}", {"content_encoding": ABSENT}),
    "no byteorder": ("bad-header", b"{}", {"byteorder": ABSENT}),
}

# Lengths after which nobody knows where the next message starts.
LENGTHS = {
    "negative": ("bad-length", -1),
    "a float": ("bad-length", 37.5),
    "a string": ("bad-length", "37"),
    "null": ("bad-length", None),
    "2^40": ("too-large", 2**40),
    "2^64": ("too-large", 2**64),
    "2^64 and 37": ("too-large", 2**64 + 37),
}

BAD_IDS = {"a float": 1.5, "null": None, "true": True, "a list": [1],
           "an object": {}, "2^53 + 1": 2**53 + 1,
           "-2^53 - 1": -2**53 - 1, "257 bytes": "i" * 257}


class Connection(harness.DaemonTest):
    """When the connection stays."""

    def test_each_request_decides_anew(self):
        """It stays as long as each request says keep-alive."""
        peer = self.peer(self.start().address)
        for _ in range(3):
            self.assert_answer(peer.ask(search("ring", **kept())), RING,
                               KEEP, FOUND)
        self.assertEqual(peer.ask(search("ring")).raw, plain_reply(RING))
        peer.ended()

    def test_any_other_value_means_close(self):
        """Only exactly keep-alive keeps."""
        address = self.start().address
        for value in ("close", "Keep-Alive", "keep-alive ", "", 1, True,
                      None, ["keep-alive"], {"keep-alive": True}):
            with self.subTest(value=value):
                self.assert_answer(
                    harness.ask_reply(address,
                                      search("ring", connection=value)),
                    RING, CLOSE, FOUND)

    def test_escaped_spelling(self):
        """Header members may be spelled in any way that JSON has."""
        peer = self.peer(self.start().address)
        usual = search("ring")
        content = usual[usual.index(b"}") + 1:]
        header = to_json({"byteorder": "", "content-type": "",
                          "content-encoding": "utf-8",
                          "content-length": len(content)})
        header = header.replace(b'"content-type": ""',
                                b'"content\\u002dtype":"text\\/json"')
        header = header[:-1] + b',"\\u0063onnection":"keep\\u002Dalive"}'
        self.assert_answer(peer.ask(harness.encode(header, content)), RING,
                           KEEP, FOUND)
        self.assert_answer(peer.ask(search("ring", **kept())), RING, KEEP,
                           FOUND)

    def test_listener_that_keeps(self):
        """keep-alive=yes: plain requests get plain replies and stay."""
        daemon = self.start(f"listen {LOOPBACK} 0 keep-alive=yes")
        peer = self.peer(daemon.address)
        for _ in range(3):
            self.assertEqual(peer.ask(search("ring")).raw, plain_reply(RING))
        self.assert_answer(peer.ask(search("ring", id=1)), RING, ("id", 1),
                           FOUND)
        self.assert_error(peer.ask(request(b"{}")))
        self.assert_answer(peer.ask(search("ring", **kept())), RING, KEEP,
                           FOUND)
        self.assert_answer(peer.ask(search("ring", connection="close")),
                           RING, CLOSE, FOUND)
        peer.ended()

    def test_what_comes_after_the_last_reply_is_not_answered(self):
        """One reply, then the end, whatever is sent behind; no reset."""
        daemon = self.start()
        for behind in (search("morpheus"), b"x" * (1 << 20), b"\0"):
            with self.subTest(len(behind)):
                answer = harness.ask(daemon.address,
                                     search("ring") + behind)
                self.assertEqual(answer, plain_reply(RING))


class Members(harness.DaemonTest):
    """Members of replies, in their order."""

    def setUp(self):
        super().setUp()
        picture = self.write("logo", b"\x89PNG")
        self.daemon = self.start(f'binary "logo" file {picture}')

    def ask(self, message):
        return harness.ask_reply(self.daemon.address, message)

    def test_plain(self):
        """Plain requests, errors too, get the four members and no other."""
        for message in (search("ring"), search("x"), binary(b"x"),
                        binary(b"logo"), request(b"{}"), binary(b"")):
            self.assertEqual(self.ask(message).extra, [])

    def test_id_alone(self):
        """An id brings itself and a status."""
        self.assert_answer(self.ask(search("ring", id="a")), RING,
                           ("id", "a"), FOUND)
        self.assert_answer(self.ask(search("x", id=5)), no_match("x"),
                           ("id", 5), MISSED)
        self.assertEqual(self.ask(binary(b"x", id=5)).extra,
                         [("id", 5), MISSED])
        self.assertEqual(self.ask(binary(b"logo", id=5)).extra,
                         [("id", 5), FOUND])

    def test_connection_and_id(self):
        """Their order is that of the contract, not that of the request."""
        for members in ({"connection": "x", "id": 1},
                        {"id": 1, "connection": "x"}):
            self.assert_answer(self.ask(search("ring", **members)), RING,
                               CLOSE, ("id", 1), FOUND)

    def test_ids(self):
        """All integers within 2^53 and strings up to 256 bytes."""
        for value in (0, -1, 10**15, 2**53, -2**53, "", "\0", "i" * 256,
                      "\0" * 256, "é" * 128, "\U0001f430" * 64, '"\\\n',
                      "\x7f\u2028"):
            with self.subTest(value):
                self.assert_answer(self.ask(search("ring", id=value)), RING,
                                   ("id", value), FOUND)

    def test_escaped_id(self):
        """The length of an id is that of its text, not of its spelling."""
        text = "\U0001f430" * 64
        message = search("ring", id="ID")
        content = message[message.index(b"}") + 1:]
        header = message[2:message.index(b"}") + 1]
        header = header.replace(b'"ID"', json.dumps(text).encode())
        self.assert_answer(self.ask(harness.encode(header, content)), RING,
                           ("id", text), FOUND)

    def test_found_though_empty(self):
        """An empty answer is found and empty."""
        daemon = self.start(answers=[harness.answer("empty", "")])
        reply = harness.ask_reply(daemon.address, search("empty", id=1))
        self.assert_answer(reply, "", ("id", 1), FOUND)
        self.assertEqual(harness.ask(daemon.address, search("empty")),
                         plain_reply(""))


class Errors(harness.DaemonTest):
    """What an error says, and what becomes of the connection."""

    def setUp(self):
        super().setUp()
        self.address = self.start().address

    def test_kept_where_framing_is_intact(self):
        """The next request on the connection is answered right."""
        peer = self.peer(self.address)
        for name, (code, content, members) in FRAMED.items():
            with self.subTest(name):
                message = request(content, **kept(id=name), **members)
                self.assert_coded(peer.ask(message), code, KEEP,
                                  ("id", name))
                self.assert_answer(peer.ask(search("ring", **kept())), RING,
                                   KEEP, FOUND)

    def test_closed_where_not_asked_to_stay(self):
        """The same errors, without keep-alive."""
        for name, (code, content, members) in FRAMED.items():
            with self.subTest(name):
                message = request(content, id=name, **members)
                self.assert_coded(harness.ask_reply(self.address, message),
                                  code, ("id", name))

    def test_empty_binary(self):
        """A binary request without a byte is an error, and kept."""
        peer = self.peer(self.address)
        reply = peer.ask(binary(b"", **kept()))
        self.assert_error(reply)
        self.assertEqual(reply.extra[:2], [KEEP, ("status", "error")])
        self.assert_answer(peer.ask(search("ring")), RING)

    def test_lengths_close(self):
        """After a wrong or too large length nothing can follow."""
        for name, (code, length) in LENGTHS.items():
            with self.subTest(name):
                reply = harness.ask_reply(self.address, request(
                    b"x" * 37, content_length=length, **kept()))
                self.assert_error(reply)
                if reply.extra:
                    self.assertEqual(reply.extra, [
                        CLOSE, ("status", "error"), ("error", code)])

    def test_unreadable_header_closes(self):
        """A header that is no JSON object is answered once."""
        for header in (b"", b"{", b"[]", b"\xff", b'{"a": 1, "a": 1}'):
            with self.subTest(header):
                reply = harness.ask_reply(self.address, harness.encode(
                    header, search("ring")))
                self.assert_error(reply)

    def test_bad_ids(self):
        """An id that cannot come back is told, and the connection kept."""
        peer = self.peer(self.address)
        for name, value in BAD_IDS.items():
            with self.subTest(name):
                reply = peer.ask(search("ring", **kept(id=value)))
                self.assert_coded(reply, "bad-id", KEEP)


class Explain(harness.DaemonTest):
    """Where an answer stands."""

    def loaded(self, reply):
        """The time of the load, which must be one."""
        loaded = reply.header["loaded"]
        self.assertRegex(loaded, r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
        return loaded

    def test_where_the_answer_stands(self):
        """Table, generation, file and line, behind the status."""
        part = self.write_config("# a comment", harness.answer("in", "X"),
                                 name="part.conf")
        daemon = self.start(f"include {part}",
                            answers=[harness.answer("out", "Y")])
        config = daemon.config
        for key, text, file, line in (("in", "X", part, 2),
                                      ("out", "Y", config, 3)):
            with self.subTest(key):
                reply = harness.ask_reply(daemon.address, search(
                    key, id=1, explain=True))
                self.assert_answer(
                    reply, text, ("id", 1), FOUND, ("table", "main"),
                    ("generation", 1), ("loaded", self.loaded(reply)),
                    ("file", file), ("line", line), ("match", "exact"),
                    *harness.digests(reply, 2))

    def test_binary(self):
        """A binary entry is explained too."""
        picture = self.write("logo", b"\x89PNG")
        daemon = self.start(f'binary "logo" file {picture}')
        reply = harness.ask_reply(daemon.address, binary(
            b"logo", explain=True, **kept(connection="close")))
        self.assertEqual(reply.content, b"\x89PNG")
        self.assertEqual(reply.extra, [
            CLOSE, FOUND, ("table", "main"), ("generation", 1),
            ("loaded", self.loaded(reply)), ("file", daemon.config),
            ("line", 2), ("match", "exact"), *harness.digests(
                reply, 1 + len(harness.TUTORIAL))])

    def test_alone(self):
        """explain needs neither id nor connection."""
        daemon = self.start()
        reply = harness.ask_reply(daemon.address,
                                  search("ring", explain=True))
        self.assertEqual(reply.result, RING)
        self.assertEqual(reply.header["table"], "main")
        self.assertEqual(reply.header["generation"], 1)
        self.assertEqual(reply.header["file"], daemon.config)

    def test_not_asked(self):
        """Anything but true, and a miss: nothing stands anywhere."""
        daemon = self.start()
        for value in (False, None, 1, "true", [True]):
            with self.subTest(value):
                reply = harness.ask_reply(daemon.address, search(
                    "ring", id=1, explain=value))
                self.assert_answer(reply, RING, ("id", 1), FOUND)
        reply = harness.ask_reply(daemon.address, search(
            "no such", id=1, explain=True))
        self.assertEqual(reply.extra[:2], [("id", 1), MISSED])
        self.assertNotIn("line", reply.header)


if __name__ == "__main__":
    harness.main()
