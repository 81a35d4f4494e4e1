#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Two daemons behind haproxy, by the configuration among the examples: one of
them is restarted, or killed, each second, and nobody is left without answer.
"""

import os
import re
import shutil
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import (LOOPBACK, RING, Daemon, Peer, kept, search,
                     slow, wait_until)

SECONDS = slow(4, 20)   # that one of them comes and goes, each
CLIENTS = 8
PAUSE = slow(0.002, 0)  # between requests, so that others get to run
TRIES = 20                  # of a request, before it has failed
ASK = search("ring", **kept())
EXAMPLE = "etc/haproxy.cfg"


class Client:
    """Asks on kept connections until it is told to stop."""

    def __init__(self, address):
        self.address = address
        self.asked = self.again = self.slowest = 0
        self.peer = None

    def connect(self):
        if self.peer is None:
            self.peer = Peer(self.address)

    def close(self):
        if self.peer is not None:
            self.peer.close()
            self.peer = None

    def ask(self):
        """One request, asked again where a connection ends without reply."""
        for _ in range(TRIES):
            try:
                self.connect()
                reply = self.peer.ask(ASK)
            except (OSError, AssertionError):
                self.again += 1
                self.close()
                continue
            assert reply.result == RING, reply
            if dict(reply.extra)["connection"] != "keep-alive":
                self.close()
            return
        raise AssertionError("not answered")

    def run(self, stop):
        try:
            while not stop.is_set():
                start = time.monotonic()
                self.ask()
                self.asked += 1
                self.slowest = max(self.slowest, time.monotonic() - start)
                time.sleep(PAUSE)
        finally:
            self.close()


class HaproxyTest(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
        self.haproxy = shutil.which("haproxy", path=path)
        if self.haproxy is None:
            self.skipTest("no haproxy here")
        self.ports = [harness.free_port() for _ in range(2)]
        self.running = [None, None]
        for index in range(2):
            self.start_one(index)
        self.address = (LOOPBACK, harness.free_port())
        self.start_haproxy()

    def start_one(self, index):
        config = self.write_config(f"listen {LOOPBACK} {self.ports[index]}",
                                   *harness.TUTORIAL_LINES,
                                   # Nobody is there, which is not their end.
                                   f"table away redis {LOOPBACK}:1",
                                   name=f"{index}.conf")
        self.running[index] = Daemon(config)
        self.addCleanup(self.running[index].kill)

    def start_haproxy(self):
        """With the example, whose addresses are others here."""
        with open(os.path.join(os.environ["APPMSG_TOP"], EXAMPLE),
                  encoding="utf-8") as file:
            text = file.read()
        text, changed = re.subn(r"(?m)^\tbind .*$",
                                f"\tbind {LOOPBACK}:{self.address[1]}", text)
        self.assertEqual(changed, 1)
        ports = iter(self.ports)
        text, changed = re.subn(
            r"(?m)^(\tserver \w+) [0-9.]+:65432 ",
            lambda match: f"{match[1]} {LOOPBACK}:{next(ports)} ", text)
        self.assertEqual(changed, 2)
        config = self.write("haproxy.cfg", text)
        done = harness.run(self.haproxy, "-c", "-f", config)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.spawn(self.haproxy, "-db", "-f", config)
        wait_until(self.is_served, "haproxy serves")

    def is_served(self):
        try:
            with Peer(self.address) as peer:
                peer.ask(search("ring"))
        except (OSError, AssertionError):
            return False
        return True

    def ask_while(self, change):
        """Let clients ask while one after the other is changed; the clients.
        """
        stop = threading.Event()
        clients = [Client(self.address) for _ in range(CLIENTS)]

        with harness.background(*(
                lambda client=client: client.run(stop)
                for client in clients)):
            end = time.monotonic() + SECONDS
            turn = 0
            try:
                while time.monotonic() < end:
                    change(turn % 2)
                    turn += 1
                    # A second, in which haproxy sees that it is back.
                    stop.wait(1)
            finally:
                stop.set()
        for client in clients:
            self.assertGreater(client.asked, 0)
        print("asked:", sum(client.asked for client in clients),
              "asked again:", sum(client.again for client in clients),
              f"slowest: {max(client.slowest for client in clients):.3f} s")
        return clients

    def test_restarts(self):
        """One that is told to end answers what it was asked.

        Nobody has to ask again, but for a connection that the kernel made in
        the moment in which the listener closes; a busy machine has some.
        """
        restarts = [0, 0]

        def restart(index):
            restarts[index] += 1
            self.running[index].terminate()
            self.assertEqual(self.running[index].wait(), 0)
            self.start_one(index)

        clients = self.ask_while(restart)
        self.assertLessEqual(sum(client.again for client in clients),
                             sum(restarts))

    def test_crashes(self):
        """What one that is killed leaves is asked again, and answered."""
        def crash(index):
            self.running[index].kill()
            self.start_one(index)

        self.ask_while(crash)

    def test_one_stays_down(self):
        self.running[0].kill()
        for _ in range(20):
            client = Client(self.address)
            client.ask()
            client.close()


if __name__ == "__main__":
    harness.main()
