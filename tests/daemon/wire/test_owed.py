#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Replies that are owed: what is asked behind a search that takes long.

Of two requests of a connection, the access log has the one first that was
answered first.
"""

import json
import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tables
from harness import (LOOPBACK, binary, kept, no_match, quoted, request,
                     resident, search, wait_until)
from tables import FOUND, KEEP, TableTest, wanted

MEGABYTE = 1 << 20
LONG = "x" * 60000      # an answer that is sent out of the tables


class OwedTest(TableTest):
    """A table in which a search can take long."""

    COUNT = 5000
    SLOW = "(.*)(.*)(.*)(.*)[xyz]9$"
    SOON = "7 [0-9]*7$"     # a regular expression that does not

    def setUp(self):
        super().setUp()
        self.data = {f"key {i} {i * 7919 % 10007}": f"answer {i}"
                     for i in range(self.COUNT)}
        self.keys = list(self.data)
        self.log = self.path("access")
        self.words = self.table("words", tables.tsv(self.data.items()),
                                tables.ALL_WAYS)

    def serve_with(self, *lines):
        self.serve(f"log access={quoted(self.log)}", self.words, *lines)
        return self.peer(self.daemon.address)

    def slow(self, **members):
        return request(wanted(self.SLOW, "regex"), **kept(**members))

    def check_slow(self, reply, number):
        """It found nothing, or had not enough time."""
        self.assertEqual(reply.header["id"], number)
        self.assertIn(reply.header["status"], ("not-found", "error"))

    def logged(self):
        """What was answered, in that order: (ask, key)."""
        with open(self.log, encoding="utf-8") as file:
            return re.findall(r' ask=(\S+) key="((?:[^"\\]|\\.)*)"',
                              file.read())

    def wait_logged(self, number):
        wait_until(lambda: len(self.logged()) == number, "all are logged")
        return self.logged()

    def held(self):
        done = self.control("--json", "status")
        return json.loads(done.stdout)["held-bytes"]


class TwoSeconds(OwedTest):
    """Behind a search that takes all the time that it gets."""

    COUNT = 40000

    def test_lookups_are_done_before_the_search(self):
        """A thousand at once; the replies leave in order."""
        peer = self.serve_with()
        keys = self.keys[:1000]
        peer.send(self.slow(id=-1) + b"".join(
            search(key, **kept(id=i)) for i, key in enumerate(keys)))
        self.check_slow(peer.reply(), -1)
        for i, key in enumerate(keys):
            self.assert_answer(peer.reply(), self.data[key], KEEP,
                               ("id", i), FOUND)
        self.assertEqual(self.wait_logged(1001), [
            *(("exact", key) for key in keys), ("regex", self.SLOW)])
        wait_until(lambda: self.held() == 0, "nothing is held")

    def test_that_come_later(self):
        """Not only what was sent with it."""
        peer = self.serve_with()
        peer.send(self.slow(id=0))
        for i in range(1, 6):
            peer.send(search(self.keys[i], **kept(id=i))[:-3])
            peer.send(search(self.keys[i], **kept(id=i))[-3:])
            self.assertEqual(self.wait_logged(i)[-1][1], self.keys[i])
        peer.finish()
        self.check_slow(peer.reply(), 0)
        for i in range(1, 6):
            self.assertEqual(peer.reply().result, self.data[self.keys[i]])
        peer.ended()


class Owed(OwedTest):
    """What is behind a search, and what its replies are."""

    def test_searches_have_their_slices(self):
        """Those that are soon done are, whatever is before them."""
        peer = self.serve_with()
        peer.send(self.slow(id=0) + self.slow(id=1) + b"".join(
            request(wanted(self.SOON, "regex", limit=1 + i), **kept(id=2 + i))
            for i in range(20)))
        for number in range(2):
            self.check_slow(peer.reply(), number)
        found = tables.Reference(self.data).search("regex", self.SOON)
        for i in range(20):
            reply = peer.reply()
            self.assertEqual(reply.header["id"], 2 + i)
            self.assertEqual(reply.content,
                             tables.matches(self.SOON, found, 1 + i))
        self.assertEqual([key for _, key in self.wait_logged(22)],
                         [self.SOON] * 20 + [self.SLOW] * 2)

    def test_long_answers_are_not_copied(self):
        """Texts that leave out of the tables do so behind a search, too."""
        big = self.write("big", b"0123456789" * MEGABYTE)
        peer = self.serve_with(f"binary big file {big}",
                               f'answer long "{LONG}"',
                               "limit memory 8m")
        peer.send(self.slow(id=0) + (
            binary(b"big", content_encoding="binary", **kept()) +
            search("long", **kept()) + search("none", **kept())) * 3)
        self.wait_logged(9)
        self.assertLess(self.held(), MEGABYTE)
        # In another generation than the one that serves by then.
        self.write("big", b"others")
        self.assertEqual(self.control("reload", "--force").returncode, 0)
        self.check_slow(peer.reply(), 0)
        for _ in range(3):
            self.assertEqual(peer.reply().content, b"0123456789" * MEGABYTE)
            self.assertEqual(peer.reply().result, LONG)
            self.assertEqual(peer.reply().result, no_match("none"))

    def test_closing_behind_it(self):
        """A last reply waits for those before it, and nothing follows."""
        for last in (search(self.keys[1]), b"\xff\xff", b"\0\1{"):
            peer = self.serve_with() if last == search(self.keys[1]) else \
                self.peer(self.daemon.address)
            peer.send(self.slow(id=0) + last + search(self.keys[2]))
            self.check_slow(peer.reply(), 0)
            peer.reply()
            peer.ended()


class Bounds(OwedTest):
    """What one connection can make the daemon hold."""

    def flood(self, *lines, count=3):
        """More than is taken: searches, each with thousands behind it."""
        peer = self.serve_with(*lines)
        before = resident(self.daemon.pid)
        data = b"".join(self.slow(id=i) + search(self.keys[i], **kept(id=i)) * 4000
                        for i in range(count))
        most = 0
        sent = got = 0
        peer.sock.setblocking(False)
        replies = bytearray()
        while got < count * 4001:
            try:
                sent += peer.sock.send(data[sent:sent + 65536])
            except BlockingIOError:
                pass
            try:
                replies += peer.sock.recv(65536)
            except BlockingIOError:
                most = max(most, self.held())
            while len(replies) >= 2:
                n = 2 + int.from_bytes(replies[:2], "big")
                if len(replies) < n:
                    break
                header = json.loads(replies[2:n])
                n += header["content-length"]
                if len(replies) < n:
                    break
                self.assertEqual(header["id"], got // 4001)
                del replies[:n]
                got += 1
        return most, resident(self.daemon.pid) - before

    def test_output(self):
        """Replies behind a search are bounded as those in the output are."""
        most, grown = self.flood("limit output 16k")
        self.assertGreater(most, 8 << 10)
        self.assertLess(most, 256 << 10)
        self.assertLess(grown, 8 * MEGABYTE)

    def test_pipeline(self):
        """So many searches at most, and what is behind them waits."""
        peer = self.serve_with("limit pipeline 4")
        peer.send(b"".join(self.slow(id=i) for i in range(4)) +
                  search(self.keys[0], **kept(id=4)))
        for number in range(4):
            self.check_slow(peer.reply(), number)
        self.assertEqual(peer.reply().result, self.data[self.keys[0]])
        self.assertEqual([ask for ask, _ in self.wait_logged(5)][0], "regex")


if __name__ == "__main__":
    harness.main()
