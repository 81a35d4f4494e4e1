# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What the tests of the daemon's numbers share."""

import json

import harness
from harness import LOOPBACK

STATUS = ("state", "version", "pid", "uptime", "generation", "loaded", "digest",
          "last-reload", "entries", "table-bytes", "kept", "kept-bytes",
          "held-bytes", "connections", "workers", "log-level")
PLAIN = ("accepted", "closed", "over-memory", "bytes-in", "bytes-out",
         "sliced", "reloads", "reloads-failed")
GROUPS = {"refused": ("connections", "per-address", "denied"),
          "timeouts": ("idle", "handshake", "header", "message", "write",
                       "drain"),
          "tls": ("handshakes", "failed", "resumed", "closed")}
BYTES = ("bytes-in", "bytes-out")
VARIES = (*BYTES, "sliced")     # the latter with the speed of the machine


def flat(stats):
    """The counters by name, and the rows' counts by what they count."""
    numbers = {name: stats[name] for name in PLAIN}
    for group, names in GROUPS.items():
        for name in names:
            numbers[f"{group}.{name}"] = stats[group][name]
    for row in stats["requests"]:
        key = (row["action"], row.get("way"), row["outcome"])
        assert key not in numbers, key
        numbers[key] = row["count"]
    return numbers


class StatsTest(harness.DaemonTest):
    def serve(self, *lines, answers=harness.TUTORIAL_LINES, **kwargs):
        if not any(line.startswith("listen ") for line in lines):
            lines = (f"listen {LOOPBACK} 0", *lines)
        return self.start(*lines, self.control_line(), answers=answers,
                          **kwargs)

    def stats(self):
        done = self.control("--json", "stats")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return json.loads(done.stdout)

    def numbers(self):
        return flat(self.stats())

    def assert_moves(self, expected, doing, ignore=VARIES):
        """Doing that changes these numbers so, and no other.

        They are waited for, since a reply may be here before its bytes are
        counted; and they must not go further.
        """
        before = self.numbers()
        doing()

        def moved():
            after = self.numbers()
            return {key: value - before.get(key, 0)
                    for key, value in after.items()
                    if key not in ignore and value != before.get(key, 0)}

        try:
            harness.wait_until(lambda: moved() == expected, "all moved")
        except TimeoutError:
            self.assertEqual(moved(), expected)
