# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Lookups in a table on other machines, as many as there can be, and what
comes of each."""

import random
import threading
import time

from harness import Peer, kept, no_match, search

DEPTH = 16


class Load:
    """Clients that ask while the test does something.

    data    what is published, or several of such, of which any answer is
            right; a key that is in none is asked, too
    """

    def __init__(self, address, *data, clients=4):
        self.address = address
        self.data = data
        self.keys = list(data[0])
        self.stop = False
        self.counts = {}
        self.wrong = []
        self.slowest = 0.0
        self.first_unavailable = None
        self.last_unavailable = None
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(i,))
                        for i in range(clients)]

    def __enter__(self):
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        for thread in self.threads:
            thread.join()

    def count(self, status):
        with self.lock:
            return self.counts.get(status, 0)

    def _judge(self, key, reply):
        status = dict(reply.extra)["status"]
        right = [data[key] for data in self.data if key in data]
        if status == "found" and reply.result not in right:
            status = "wrong"
        elif status == "not-found" and len(right) == len(self.data):
            status = "false"
        if status in ("wrong", "false"):
            self.wrong.append((key, str(reply)))
        return status

    def _run(self, number):
        choose = random.Random(number)
        try:
            with Peer(self.address) as peer:
                while not self.stop:
                    self._round(peer, choose)
        except BaseException as problem:
            self.wrong.append(problem)
            raise

    def _round(self, peer, choose):
        keys = [choose.choice(self.keys) if choose.random() < 0.9
                else f"none {choose.random()}" for _ in range(DEPTH)]
        before = time.monotonic()
        peer.send(b"".join(search(key, **kept()) for key in keys))
        statuses = [self._judge(key, peer.reply()) for key in keys]
        took = time.monotonic() - before
        with self.lock:
            self.slowest = max(self.slowest, took)
            for status in statuses:
                self.counts[status] = self.counts.get(status, 0) + 1
            if "unavailable" in statuses:
                self.last_unavailable = time.monotonic() - self.began
                if self.first_unavailable is None:
                    self.first_unavailable = self.last_unavailable

    def outage(self):
        """For how many seconds some were told that it is unavailable."""
        return (0 if self.first_unavailable is None
                else self.last_unavailable - self.first_unavailable)

    def summary(self):
        return (f"{self.counts} slowest={self.slowest:.3f} "
                f"outage={self.outage():.3f} "
                f"last unavailable={self.last_unavailable}")
