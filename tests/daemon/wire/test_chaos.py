#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Many clients that do whatever they like, all at once: each reply that is
read is the right one, and nothing is left behind.

What a client does next is random, and so is what the administrator does
meanwhile.  Now and then the daemon is stopped, so that it meets much of that
in one wake-up.  APPMSG_SEED repeats the choices, but not the moments.
"""

import collections
import contextlib
import json
import os
import random
import re
import select
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import message
import tables
from chaos import BIG, CLOSE, KEEP, WAYS, Ask, Asker, World
from harness import DEADLINE, LOOPBACK, kept, no_match, search, to_json
from tables import MISSED, TableTest

CLIENTS = 40            # at a time
STEPS = harness.thorough(800, 1600)     # of all clients in a round
PER_ADDRESS = 8         # of them at least
LATE = to_json({"result": "Error: the message did not come in time."})
GONE = (BrokenPipeError, ConnectionResetError)
LINE = re.compile(r"time=\S+ peer=\S+ listen=\S+ ask=\S+ key=(-|\".*\") "
                  r"status=\S+ table=\S+ bytes=\d+ us=\d+( error=\S+)?"
                  r"( key-bytes=\d+)?( uid=\d+)?")

# What a reload may change to; whether clients may be told busy then, and
# whether they may be too late, or too slow for their replies.
LIMITS = (
    (False, False, ((), ("limit output 4k", "limit pipeline 1"),
                    ("limit output 16k", "limit pipeline 3"))),
    (True, False, (
        ("limit memory 1m", "limit output 4k", "limit pipeline 2"),
        ("limit memory 1m",))),
    (True, False, (
        ("limit connections 20", "limit output 4k"),
        (f"limit per-address {PER_ADDRESS}", "limit pipeline 1"))),
    (False, True, (
        tuple(f"timeout {name} 1s" for name in
              ("idle", "header", "message", "write", "drain")),
        ("limit output 4k",))),
)


class Client:
    """A connection, what it sends, and what it still has to be told."""

    def __init__(self, chaos, address, echo):
        self.chaos = chaos
        self.rng = chaos.rng
        self.echo = echo
        rcvbuf = self.rng.choice((None, None, 2048))
        self.peer = harness.Peer(address, rcvbuf=rcvbuf)
        self.peer.sock.setblocking(False)
        self.slow = self.rng.random() < .3      # reads little
        self.out = bytearray()
        self.came = bytearray()
        self.asks = collections.deque()
        self.queued = 0         # bytes ever put into out
        self.last_end = None    # where the last request with a reply ends
        self.finished = False   # sends no more
        self.over = False       # has its last reply

    def __str__(self):
        return (f"{self.peer.sock} echo={self.echo} sent={self.sent} "
                f"unsent={len(self.out)} finished={self.finished} "
                f"over={self.over} asks="
                f"{[(a.end, len(a.data)) for a in self.asks]}")

    @property
    def sent(self):
        return self.queued - len(self.out)

    def fileno(self):
        return self.peer.sock.fileno()

    def ask(self):
        """Some requests more; behind the last one they are in vain."""
        if self.finished or len(self.out) > 1 << 20:
            return
        for _ in range(self.rng.choice((1, 1, 2, 5, 30))):
            ask = self.chaos.asker.make()
            self.out += ask.data
            self.queued += len(ask.data)
            ask.end = self.queued
            if self.echo or self.last_end is None:
                self.asks.append(ask)
            if ask.last and self.last_end is None:
                self.last_end = ask.end

    def may_be_gone(self, sent):
        """Whether the daemon may have closed when so much was sent."""
        return (self.chaos.busy or self.chaos.late or self.chaos.draining
                or (self.last_end is not None and not self.echo
                    and sent > self.last_end))

    def push(self, most=None):
        """Send so many bytes, if they are taken."""
        if not self.out:
            return
        try:
            sent = self.peer.sock.send(self.out[:most])
        except BlockingIOError:
            return
        except GONE:
            assert self.may_be_gone(self.sent + 1), "closed while sending"
            self.end()
            return
        del self.out[:sent]

    def read(self, most=1 << 16):
        try:
            data = self.peer.sock.recv(most)
        except BlockingIOError:
            return
        except GONE:
            assert self.may_be_gone(self.sent), "reset"
            self.end()
            return
        self.came += data
        if self.echo:
            self.take_echo()
        else:
            self.take_replies()
        if not data:
            self.take_end()

    def take_echo(self):
        while self.came and self.asks:
            data = self.asks[0].data
            count = min(len(data), len(self.came))
            assert self.came[:count] == data[:count], "another's echo"
            del self.came[:count]
            self.asks[0].data = data[count:]
            if not self.asks[0].data:
                self.asks.popleft()
        assert not self.came, "more than was sent"

    def take_replies(self):
        while (parts := message.first(self.came)) is not None:
            reply = harness.Reply(*parts)
            del self.came[:len(reply.raw)]
            self.take(reply)

    def take(self, reply):
        assert not self.over, ("after the last one", reply)
        if ((self.chaos.busy and ("status", "busy") in reply.extra)
                or (self.chaos.late and reply.content == LATE)):
            self.over = True
            self.asks.clear()
            return
        assert self.asks, ("nothing was asked", reply)
        ask = self.asks.popleft()
        if self.chaos.draining and CLOSE in reply.extra:
            ask.extra = None
            self.over = True
        ask.check(reply)
        self.over = self.over or ask.last

    def take_end(self):
        if not self.chaos.late and not self.chaos.draining:
            assert not self.came, ("a cut reply", self.came[:200])
        if not (self.chaos.busy or self.chaos.late or self.chaos.draining):
            assert self.finished or self.last_end is not None, "closed"
            lost = [ask for ask in self.asks if ask.data]
            assert not lost, ("no reply", lost[0].data, len(lost))
        self.end()

    def end(self):
        self.asks.clear()
        self.peer.close()
        self.chaos.clients.remove(self)

    def finish(self):
        """Send no more; what was sent in part is wrong then."""
        if self.finished:
            return
        self.finished = True
        sent = self.sent
        self.queued = sent
        self.out.clear()
        with contextlib.suppress(OSError):
            self.peer.finish()
        while self.asks and self.asks[-1].end > sent:
            ask = self.asks.pop()
            cut = len(ask.data) - (ask.end - sent)
            if cut <= 0:
                continue
            if self.echo:
                ask.data = ask.data[:cut]
            else:
                ask = Ask(b"in part", None, None, True)
                self.last_end = sent
            self.asks.append(ask)
            break

    def leave(self):
        """Close, in one of two ways."""
        if self.rng.randrange(2):
            self.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
        self.end()

    def step(self):
        kind = self.rng.random()
        if kind < .3:
            self.ask()
        elif kind < .6:
            self.push(self.rng.choice((1, 10, 100, 1000, None)))
        elif kind < .94:
            if not self.slow or self.rng.randrange(10) == 0:
                self.read(self.rng.choice((1, 100, 1 << 16)))
        elif kind < .97:
            self.finish()
        else:
            self.leave()


class Chaos(TableTest):
    """Over TCP, a unix socket and to the echo."""

    @classmethod
    def setUpClass(cls):
        cls.rng, cls.seed = harness.seeded()
        print(f"APPMSG_SEED={cls.seed}", file=sys.stderr)
        cls.world = World(cls.rng)

    def setUp(self):
        super().setUp()
        harness.needs_proc()
        self.asker = Asker(self.rng, self.world)
        self.clients = []
        self.busy = self.late = self.draining = False

    def configure_all(self, limits, version, access=True):
        """Write config and tables anew; the config's path."""
        log = harness.quoted(self.path("access.log")) if access else "no"
        return self.write_config(
            f"listen {LOOPBACK} 0",
            f"listen {harness.quoted(self.path('sock'))}",
            f"listen {LOOPBACK} 0 service=echo", self.control_line(),
            f"workers {self.workers}", f"log access={log}", *limits,
            self.table("big", tables.tsv(BIG.items()), "search=exact"),
            self.table("words", tables.tsv(version.items()),
                       f"search={','.join(WAYS)}"))

    # The administrator

    def administer(self, rng, choices):
        """One thing an administrator does."""
        kind = rng.randrange(5)
        if kind < 2:
            self.configure_all(rng.choice(choices),
                               rng.choice(self.world.versions),
                               rng.randrange(4) > 0)
            if kind == 0:
                self.reload()
            else:
                self.daemon.hang_up()
        elif kind == 2:
            self.control("rollback")
        elif kind == 3:
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.path("access.log"), self.path(
                    f"access.{len(os.listdir(self.directory))}.log"))
            self.daemon.signal(signal.SIGUSR1)
        else:
            self.stats()

    @contextlib.contextmanager
    def administrator(self, choices):
        """Work at it until the end of the round."""
        done = threading.Event()
        rng = random.Random(self.rng.random())

        def work():
            while not done.is_set():
                self.administer(rng, choices)

        with harness.background(work):
            try:
                yield
            finally:
                done.set()

    def stats(self):
        done = self.control("--json", "stats")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    # The clients

    def connect(self):
        which = self.rng.choice((0, 0, 0, 1, 1, 1, 2))
        try:
            client = Client(self, self.daemon.addresses[which], which == 2)
        except (ConnectionRefusedError, ConnectionResetError,
                FileNotFoundError):
            assert self.draining, "refused"
            return
        self.clients.append(client)

    def step(self):
        if len(self.clients) < CLIENTS and self.rng.randrange(4) == 0:
            self.connect()
        if self.clients:
            self.rng.choice(self.clients).step()

    def run_clients(self, steps):
        """Many steps; now and then the daemon sees many at once."""
        stopped = 0
        try:
            for _ in range(steps):
                self.step()
                if stopped > 0:
                    stopped -= 1
                    if stopped == 0:
                        self.daemon.signal(signal.SIGCONT)
                elif self.rng.randrange(300) == 0:
                    self.daemon.signal(signal.SIGSTOP)
                    stopped = self.rng.choice((10, 100, 300))
        finally:
            self.daemon.signal(signal.SIGCONT)

    def finish_clients(self):
        """Each sends what it began, or not, and reads to the end."""
        end = time.monotonic() + DEADLINE
        for client in self.clients:
            # By its probes of a small window TCP may take minutes.
            client.peer.sock.setsockopt(socket.SOL_SOCKET,
                                        socket.SO_RCVBUF, 1 << 20)
            if self.rng.randrange(3) == 0:
                client.finish()
        while self.clients:
            assert time.monotonic() < end, (
                "no end", [str(client) for client in self.clients])
            readable, writable, _ = select.select(
                self.clients, [c for c in self.clients if c.out], [], 1)
            for client in writable:
                client.push()
            for client in list(self.clients):
                if not client.out:
                    client.finish()
            for client in readable:
                if client in self.clients:
                    client.read()

    # What is left

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def assert_clean(self, before):
        """Nothing of all that is left, and as many as may are served."""
        def is_clean():
            stats = self.stats()
            return (stats["connections"] == stats["held-bytes"] == 0
                    and stats["accepted"] == stats["closed"]
                    and all(worker["connections"] == 0
                            for worker in stats["per-worker"])
                    and self.descriptors() == before)

        try:
            harness.wait_until(is_clean, "nothing is left")
        except TimeoutError as problem:
            raise AssertionError((
                self.stats()["result"], self.descriptors(), before,
                self.clients)) from problem
        for address in self.daemon.addresses[:2]:
            with contextlib.ExitStack() as stack:
                for _ in range(PER_ADDRESS):
                    peer = stack.enter_context(harness.Peer(address))
                    self.assert_answer(peer.ask(search("none", **kept())),
                                       no_match("none"), KEEP, MISSED)

    def assert_logged(self):
        """Whole lines, whatever came in between."""
        for name in os.listdir(self.directory):
            if not name.startswith("access."):
                continue
            with open(self.path(name), encoding="utf-8") as file:
                for line in file:
                    self.assertIsNotNone(LINE.fullmatch(line[:-1]), line)

    def settle(self, limits):
        """Reload, twice so that a rollback leads to nothing older."""
        for version in self.world.versions:
            self.configure_all(limits, version)
            self.reload()

    def chaos(self, workers):
        self.workers = workers
        self.daemon = harness.Daemon(
            self.configure_all((), self.world.versions[0]))
        self.daemons.append(self.daemon)
        self.addCleanup(self.daemon.stop)
        self.addCleanup(self.daemon.signal, signal.SIGCONT)
        before = self.descriptors()
        self.assert_clean(before)
        for self.busy, self.late, choices in LIMITS:
            self.settle(choices[0])
            with self.administrator(choices):
                self.run_clients(STEPS)
                self.finish_clients()
            self.settle(choices[-1])
            self.assert_clean(before)
        for _ in range(100):
            self.step()
        self.draining = True
        self.daemon.terminate()
        while self.daemon.process.poll() is None and self.clients:
            self.step()
            if self.clients and self.rng.randrange(20) == 0:
                self.rng.choice(self.clients).leave()
        self.assertEqual(self.daemon.wait(), 0)
        self.assert_logged()

    def tearDown(self):
        for client in list(self.clients):
            client.peer.close()
        super().tearDown()

    def test_one_worker(self):
        self.chaos(1)

    def test_two_workers(self):
        self.chaos(2)


if __name__ == "__main__":
    harness.main()
