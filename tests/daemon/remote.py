# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A daemon with a table on other machines, and what it says of that."""

import buckets
from harness import DaemonTest, kept, no_match, search, wait_until

KEEP = ("connection", "keep-alive")
FOUND = ("status", "found")
MISSED = ("status", "not-found")
UNAVAILABLE = ("status", "unavailable")
LATE = 'Error: the table "shared" cannot be asked now.'
LOCAL = {"near": "at hand"}


class RemoteTest(DaemonTest):
    """A daemon with such a table, "shared", and another one's answers."""

    def publish(self, where, data, **kwargs):
        self.published = buckets.publish(where, data, **kwargs)
        return data

    def line(self, where, kind="redis", *options):
        return " ".join((f"table shared {kind} {where}", *options))

    def serve(self, *lines, **kwargs):
        self.daemon = self.start(
            *lines, self.control_line(),
            answers=['answer "near" "at hand"'], **kwargs)
        return self.daemon

    def ask_one(self, peer, key):
        peer.send(search(key, **kept()))
        return peer.reply()

    def status(self, key="no such key", peer=None):
        """What comes of a lookup: a status."""
        if peer is None:
            peer = self.peer(self.daemon.address)
        return dict(self.ask_one(peer, key).extra)["status"]

    def wait_for(self, status, key="no such key", peer=None):
        """Each worker knows by itself: of a connection, it is for all time."""
        peer = peer or self.peer(self.daemon.address)
        wait_until(lambda: self.status(key, peer) == status,
                   f"{key} is {status}")

    def check(self, data, missed=("no such key", "key -1")):
        """All that is published is found, and nothing else."""
        peer = self.peer(self.daemon.address)
        self.wait_for("not-found", peer=peer)
        keys = [*data, *missed, *LOCAL]
        for i in range(0, len(keys), 500):
            peer.send(b"".join(search(key, **kept())
                               for key in keys[i:i + 500]))
            for key in keys[i:i + 500]:
                found = {**data, **LOCAL}.get(key)
                if found is None:
                    self.assert_answer(peer.reply(), no_match(key), KEEP,
                                       MISSED)
                else:
                    self.assert_answer(peer.reply(), found, KEEP, FOUND)
