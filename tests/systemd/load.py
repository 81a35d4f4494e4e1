#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Peers that ask without a pause until SIGTERM, and count what goes wrong.

    load.py ADDRESS...      HOST:PORT, or the path of a unix socket

Half of them make a connection for each request, half ask for theirs to stay.
In the end a line tells how many were answered, how many could not connect
(refused), how many connected but got no whole reply (lost), how many were
answered otherwise (wrong), and the longest time between asking and reply, in
milliseconds.  Exit status 1 if anything went wrong, or nothing was asked.
"""

import os
import signal
import sys
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "daemon"))

from message import kept, search, to_json     # noqa: E402
from peer import Ended, Peer                    # noqa: E402

PEERS = 2       # of each kind, at each address
RESULT = "In the caves beneath the Misty Mountains. \U0001f48d"
CONTENT = to_json({"result": RESULT})
PLAIN, STAYING = search("ring"), search("ring", **kept())


class Load:
    def __init__(self):
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.counts = dict.fromkeys(
            ("answered", "refused", "lost", "wrong", "worst"), 0)
        self.first = {}

    def count(self, what, why=None):
        with self.lock:
            self.counts[what] += 1
            if why is not None:
                self.first.setdefault(what, repr(why))

    def connect(self, address):
        if not address.startswith("/"):
            host, port = address.rsplit(":", 1)
            address = (host, int(port))
        try:
            return Peer(address)
        except OSError as problem:
            self.count("refused", problem)
            return None

    def ask(self, peer, request, began):
        """Whether the connection stays."""
        try:
            reply = peer.ask(request)
        except (OSError, Ended) as problem:
            self.count("lost", problem)
            return False
        except AssertionError as problem:
            self.count("wrong", problem)
            return False
        if reply.content == CONTENT:
            self.count("answered")
        else:
            self.count("wrong", reply)
        took = int((time.monotonic() - began) * 1000)
        with self.lock:
            self.counts["worst"] = max(self.counts["worst"], took)
        return reply.header.get("connection") == "keep-alive"

    def peer(self, address, request):
        while not self.done.is_set():
            began = time.monotonic()
            peer = self.connect(address)
            if peer is None:
                continue
            with peer:
                while self.ask(peer, request, began):
                    if self.done.is_set():
                        break
                    began = time.monotonic()

    def run(self, addresses):
        signal.signal(signal.SIGTERM, lambda *_: self.done.set())
        peers = [threading.Thread(target=self.peer, args=(address, request))
                 for address in addresses for request in (PLAIN, STAYING)
                 for _ in range(PEERS)]
        for peer in peers:
            peer.start()
        print("asking", flush=True)
        self.done.wait()
        for peer in peers:
            peer.join()
        print(*(f"{name}={count}" for name, count in self.counts.items()),
              *(f"{what}: {why}" for what, why in self.first.items()))
        bad = sum(self.counts[w] for w in ("refused", "lost", "wrong"))
        return 1 if bad or not self.counts["answered"] else 0


if __name__ == "__main__":
    sys.exit(Load().run(sys.argv[1:]))
