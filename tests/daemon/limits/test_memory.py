# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What is held for peers, and whose limit memory is."""

import json
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (LOOPBACK, answer, binary, kept, quoted, request, resident,
                     search, to_json, wait_until)

MEGABYTE = 1 << 20
LONG = "x" * 30000      # an answer that is copied for each reply
FOUND = ("status", "found")


class MemoryTest(harness.DaemonTest):
    """A daemon whose peers do not read."""

    def start_with(self, *lines, **kwargs):
        return self.start(self.control_line(), *lines, **kwargs)

    def status(self):
        done = self.control("--json", "status")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def held(self):
        return self.status()["held-bytes"]

    def never_reads(self, address, data, source=None):
        """A connection that asks, and takes no reply."""
        peer = self.peer(address, source=source, rcvbuf=4096)
        peer.sock.setblocking(False)
        try:
            peer.sock.send(data)
        except BlockingIOError:
            pass
        return peer

    def asks_in_two(self, address, source=None, data=None):
        """The status of a request that comes in two pieces."""
        data = data or search("ring", **kept())
        with harness.Peer(address, source=source) as peer:
            peer.send(data[:-5])
            peer.send(data[-5:])
            return dict(peer.reply().extra)["status"]


class OfOneAddressTest(MemoryTest):
    """One address, with many connections."""

    def test_leaves_room_for_all_others(self):
        unix = self.path("s.sock")
        daemon = self.start_with(
            "workers 2", "limit memory 16m", f"listen {LOOPBACK} 0",
            f"listen {quoted(unix)}",
            answers=(*harness.TUTORIAL_LINES, answer("long", LONG)))
        data = search("long", **kept()) * 300
        for _ in range(80):
            self.never_reads(daemon.address, data)
        wait_until(lambda: self.held() > 7 * MEGABYTE, "much is held")
        for _ in range(20):
            self.assertEqual(
                self.asks_in_two(daemon.address, "127.0.0.2"), "found")
            self.assertEqual(self.asks_in_two(unix), "found")
        # Half of the limit, and what was under way when that was reached.
        self.assertLess(self.held(), 10 * MEGABYTE)
        self.assertGreater(self.stats()["over-memory"], 0)
        daemon.wait_log("connection ended limit=memory peer=127.0.0.1:")

    def stats(self):
        return json.loads(self.control("--json", "stats").stdout)

    def test_may_still_ask_what_it_takes_at_once(self):
        daemon = self.start_with(
            "limit memory 4m",
            answers=(*harness.TUTORIAL_LINES, answer("long", LONG)))
        data = search("long", **kept()) * 300
        for _ in range(40):
            self.never_reads(daemon.address, data)
        wait_until(lambda: self.held() > MEGABYTE, "much is held")
        for _ in range(20):
            self.assert_serves(daemon.address)


class OfManyAddressesTest(MemoryTest):
    """More peers than have a half each."""

    def test_those_that_hold_most_end(self):
        daemon = self.start_with(
            "workers 1", "limit memory 8m", "limit content 4m",
            answers=(*harness.TUTORIAL_LINES, answer("long", LONG)))
        data = search("long", **kept()) * 300
        for i in range(4):
            for _ in range(20):
                self.never_reads(daemon.address, data, f"127.0.0.{i + 2}")
        wait_until(lambda: self.held() > 5 * MEGABYTE, "much is held")
        large = to_json({"action": "search", "value": "ring",
                         "more": "x" * MEGABYTE})

        # The first ones may be refused: that is what makes room.
        def is_found():
            try:
                return self.asks_in_two(daemon.address,
                                        data=request(large, **kept())) \
                    == "found"
            except (OSError, AssertionError):
                return False
        wait_until(is_found, "a large request is answered")
        daemon.wait_log("connection ended limit=memory")


class LargeAnswersTest(MemoryTest):
    """Texts that are sent out of the tables."""

    SIZE = 8 * MEGABYTE

    def setUp(self):
        super().setUp()
        self.blob = self.write("big", self.pattern(1))
        self.lines = ("limit memory 64m", f"binary big file {self.blob}")

    def pattern(self, seed):
        return bytes(range(seed, seed + 250)) * (self.SIZE // 250)

    def request(self):
        return binary(b"big", content_encoding="binary", **kept())

    def test_are_there_once_for_all_peers(self):
        daemon = self.start_with(*self.lines, env=harness.measurable())
        before = resident(daemon.pid)
        peers = [self.never_reads(daemon.address, self.request())
                 for _ in range(30)]
        wait_until(lambda: self.status()["connections"] == len(peers),
                   "all are there")
        self.assert_serves(daemon.address)
        self.assertLess(self.held(), MEGABYTE)
        self.assert_grown(daemon, before, self.SIZE)
        for peer in peers[:3]:
            peer.sock.settimeout(harness.DEADLINE)
            self.assertEqual(peer.reply().content, self.pattern(1))
            peer.send(search("ring"))
            self.assertEqual(peer.reply().result, harness.RING)

    def test_are_whole_behind_and_before_others(self):
        long = "é" * MEGABYTE
        daemon = self.start_with(
            *self.lines, answers=(*harness.TUTORIAL_LINES,
                                  answer("long", long)))
        with harness.Peer(daemon.address) as peer:
            for i in range(3):
                peer.send(search("ring", **kept(id=i)) + self.request() +
                          search("long", **kept(id=i)) +
                          search("none", **kept(id=i)))
                self.assertEqual(peer.reply().result, harness.RING)
                self.assertEqual(peer.reply().content, self.pattern(1))
                reply = peer.reply()
                self.assertEqual(reply.result, long)
                self.assertEqual(reply.extra[1:], [("id", i), FOUND])
                self.assertEqual(peer.reply().result,
                                 harness.no_match("none"))
            peer.send(search("long"))
            peer.finish()
            self.assertEqual(peer.to_end(), harness.plain_reply(long))

    def test_stay_what_they_were_over_reloads(self):
        daemon = self.start_with(*self.lines)
        peer = self.never_reads(daemon.address, self.request())
        wait_until(lambda: self.status()["connections"] == 1, "it is there")
        self.assert_serves(daemon.address)
        for i in range(3):
            self.write("big", self.pattern(2 + i))
            self.assertEqual(self.control("reload").returncode, 0)
            # The newest and the one before it are there anyhow.
            self.assertEqual(self.held() > self.SIZE // 2, i > 0)
        peer.sock.settimeout(harness.DEADLINE)
        self.assertEqual(peer.reply().content, self.pattern(1))
        peer.send(self.request())
        self.assertEqual(peer.reply().content, self.pattern(4))
        wait_until(lambda: self.held() == 0, "nothing is held")

    def test_end_where_they_keep_too_much_of_old_tables(self):
        daemon = self.start_with("limit memory 8m", *self.lines[1:])
        peer = self.never_reads(daemon.address, self.request())
        wait_until(lambda: self.status()["connections"] == 1, "it is there")
        self.assert_serves(daemon.address)
        for i in range(2):
            self.write("big", self.pattern(2 + i))
            self.assertEqual(self.control("reload").returncode, 0)
        daemon.wait_log("connection ended limit=memory")
        wait_until(lambda: self.status()["connections"] == 0, "it is ended")
        peer.close()


class OutputTest(MemoryTest):
    """Peers that pipeline and do not read."""

    def test_hold_no_more_than_its_limit_each(self):
        daemon = self.start_with(
            "limit output 1m", answers=(*harness.TUTORIAL_LINES,
                                        answer("long", "x" * 65000)),
            env=harness.measurable())
        before = resident(daemon.pid)
        data = search("long", **kept()) * 3000
        for _ in range(20):
            self.never_reads(daemon.address, data)
        wait_until(lambda: self.status()["connections"] == 20, "all are there")
        self.assert_serves(daemon.address)
        self.assert_grown(daemon, before, 22 * MEGABYTE)


if __name__ == "__main__":
    harness.main()
