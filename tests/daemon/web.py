# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Answers over HTTP: who asks for them, and what comes, byte for byte."""

import json
import re
import urllib.parse

import harness
from harness import LOOPBACK, Peer

HOST = "Host: localhost"


def asking(target, *fields, method="GET"):
    """A request of these lines."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", HOST, *fields, "",
                        ""]).encode()


class Response:
    """The first one of some bytes."""

    def __init__(self, data, bare=False):
        head, end, rest = data.partition(b"\r\n\r\n")
        assert end, data
        first, *fields = head.decode().split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 ([0-9]{3}) [A-Za-z ]+", first)
        assert found, first
        self.status = int(found[1])
        self.headers = dict(field.split(": ", 1) for field in fields)
        assert len(self.headers) == len(fields), fields
        assert ("Content-Length" in self.headers) == (self.status != 304)
        self.length = int(self.headers.get("Content-Length", 0))
        n = 0 if bare else self.length
        assert len(rest) >= n, (len(rest), n)
        self.body, self.rest = rest[:n], rest[n:]

    @property
    def told(self):
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)


def parse(data, heads=()):
    """All of them; those to HEAD are told by their number."""
    found = []
    while data:
        found.append(Response(data, len(found) in heads))
        data = found[-1].rest
    return found


def quote(key):
    return urllib.parse.quote(key, safe="")


class HttpSearchTest(harness.DaemonTest):
    """A daemon that is asked over HTTP."""

    OPTIONS = ""

    def serve(self, *lines, **kwargs):
        self.daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 service=http "
            f"search=yes {self.OPTIONS}", *lines, **kwargs)
        self.messages, self.http = self.daemon.addresses
        return self.daemon

    def replies(self, *requests, heads=(), address=None):
        """All that comes until the connection ends."""
        with Peer(address or self.http) as peer:
            peer.send(b"".join(requests))
            peer.finish()
            return parse(peer.to_end(), heads)

    def ask(self, target, *fields, method="GET", **kwargs):
        found, = self.replies(asking(target, *fields, method=method),
                              heads=(0,) if method == "HEAD" else (),
                              **kwargs)
        return found

    def search(self, *fields, **params):
        return self.ask("/v1/search?" + urllib.parse.urlencode(params),
                        *fields)
