# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A daemon with some of everything, and what it answers.

It has tables of all formats that may be searched in all ways, binary entries,
an included file, an access log, and listens in every way.  There are two
versions of the tables, a and b, with the same keys: whatever goes wrong, each
answer is of one version, and all are of the same.
"""

import os
import re
import shutil
import sys
import time

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "daemon"))

import harness      # noqa: E402
import tables       # noqa: E402
from harness import LOOPBACK, binary, kept, quoted, request     # noqa: E402
from harness import search, to_json     # noqa: E402

HANG = 6.0          # seconds after which an answer does not come any more
QUIET = .2          # after which it is looked whether all has come
LARGE = 3 << 19     # bytes of an answer above limit output
MEANWHILE = re.compile(
    rb'("generation": |"loaded": )("[^"]*"|\d+)')
GONE = (BrokenPipeError, ConnectionResetError)


class Hang(Exception):
    """Neither an answer nor an end."""


def exchange(address, data, wanted=None, many=None, pieces=False,
             finish=False):
    """Ask on a connection of its own.

    wanted  so many bytes are read; None: all until the end
    many    or so many messages, when nothing more comes
    pieces  send it so, each when the one before is read (unix only)
    Returns the bytes that came, and whether the connection has ended.
    """
    with harness.Peer(address) as peer:
        peer.sock.settimeout(HANG)
        try:
            if pieces:
                peer.send_pieces(harness.cut(pieces, data, 9), taken=True)
            else:
                peer.send(data)
            if finish:
                peer.finish()
        except GONE:
            pass        # there may be a reply all the same
        except TimeoutError:
            raise Hang("is not read") from None
        return receive(peer, wanted, many)


def receive(peer, wanted=None, many=None):
    """Read as exchange() does."""
    came, end = bytearray(), time.monotonic() + HANG
    peer.sock.settimeout(QUIET)
    while wanted is None or len(came) < wanted:
        try:
            part = peer.sock.recv(1 << 18)
        except GONE:
            return bytes(came), True
        except TimeoutError:
            if many is not None and len(messages(bytes(came))) >= many:
                break
            if time.monotonic() > end:
                raise Hang(f"nothing after {bytes(came[-99:])!r}") from None
            continue
        if not part:
            return bytes(came), True
        came += part
        end = time.monotonic() + HANG
    return bytes(came), False


def still(data):
    """The bytes without what differs each time."""
    return MEANWHILE.sub(rb"\1", data)


class Question:
    """What is asked, and how.

    where   unix, tcp or echo
    last    the connection ends with the answer
    """

    def __init__(self, data, where="tcp", last=False, pieces=None,
                 finish=False):
        self.data = data
        self.where = where
        self.last = last
        self.how = {"pieces": pieces, "finish": finish}
        self.right = None
        self.many = None        # messages of the right answer

    def learn(self, world):
        """Ask a daemon that nothing is wrong with."""
        came = self.data if self.where == "echo" else exchange(
            world.at[self.where], self.data, finish=True)[0]
        self.many = None if self.where == "echo" else len(messages(came))
        self.right = came
        self.right = still(self.ask(world)[0])

    def ask(self, world):
        """Returns what came, and whether the connection has ended."""
        if self.last:
            return exchange(world.at[self.where], self.data, **self.how)
        return exchange(world.at[self.where], self.data, len(self.right),
                        self.many, **self.how)


def keep(content, **members):
    """A request on a connection that stays."""
    return request(to_json({"action": "search", **content}),
                   **kept(**members))


def questions(rng):
    """All kinds of requests, by name."""
    hit = search("ring", **kept(id=7))
    found = {
        "hit": Question(search("ring"), last=True),
        "hit kept": Question(hit),
        "unix": Question(hit, "unix"),
        "miss": Question(search('a "\u0001\u00e9"', **kept()) * 3),
        "pipelined": Question(b"".join(
            search(f"tsv {i:02} word", **kept(id=f"n{i}")) +
            keep({"value": f"k{i}", "match": "prefix"}, id=i)
            for i in range(30)) + search("ring"), last=True),
        "pieces": Question(hit * 3, "unix", pieces=rng),
        "long": Question(search("x" * 300000, **kept())),
        "long pieces": Question(search("x" * 300000, **kept()), "unix",
                                pieces=rng),
        "large": Question(search("large", **kept())),
        "large closing": Question(search("large") + hit, last=True),
        "large unix": Question(search("large"), "unix", last=True),
        "suggest": Question(keep({"value": "rnig"}, suggest=5)),
        "explain": Question(keep({"value": "tsv 01 word"}, explain=True,
                                 id='\u00e9"')),
        "explain json": Question(keep({"value": "json 01 word"},
                                      explain=True)),
        "fold": Question(keep({"value": "STRASSE 3"}) * 2),
        "fold long": Question(keep({"value": "\u00c9" * 900,
                                    "match": "prefix"})),
        "blob": Question(binary(b"logo", **kept()) +
                         binary(b"blob/2", **kept())),
        "blob miss": Question(binary(b"no such blob", **kept())),
        "utf-16": Question(request(
            '{"action": "search", "value": "ring"}'.encode("utf-16"),
            content_encoding="utf-16", **kept())),
        "bad header": Question(b"\0\2{}", last=True),
        "bad json": Question(request(b'{"action": ', **kept())),
        "bad regex": Question(keep({"value": "(a", "match": "regex"})),
        "denied": Question(keep({"value": "tsv 01 word",
                                 "table": "secret"}) * 2),
        "no table": Question(keep({"value": "a", "table": "none"})),
        "too large": Question(b"\xff\xff{", last=True),
        "incomplete": Question(hit[:-3], last=True, finish=True),
        "half close": Question(hit * 2, last=True, finish=True),
        "echo": Question(rng.randbytes(200000), "echo"),
    }
    for way, value in (("exact", "ring"), ("prefix", "tsv"),
                       ("suffix", "word"), ("substring", "o"),
                       ("fuzzy", "tsv 01 wrd"), ("regex", "(1|2)+ .*d$")):
        found[way] = Question(keep({"value": value, "match": way,
                                    "limit": 1000}))
    return found


class World(tables.TableTest):
    """Files and daemons of it."""

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.rng, self.seed = harness.seeded()
        self.forms = [form for form in tables.FORMATS
                      if form != "cdb" or shutil.which("cdb")]
        self.version = None
        self.keys = []
        self.write("blobs/blob%2F2", b"\xff\0two" * 100)
        self.write("logo.png", b"\x89PNG\0")
        self.put("a")

    # Its files

    def entries(self, form, version):
        return [(f"{form} {i:02} word", f'{version} "{i}" of {form}')
                for i in range(25)]

    def lines(self, version):
        """The config's, beside those of tables."""
        return [
            f"listen {LOOPBACK} 0",
            f"listen {quoted(self.path('sock'))} deny=group:4294967294 "
            f"allow=unix",
            f"listen {LOOPBACK} 0 service=echo",
            f"listen {LOOPBACK} 0 service=http",
            f"listen {quoted(self.path('http.sock'))} service=http",
            f"listen {LOOPBACK} 0 service=http search=yes",
            self.control_line(), "workers 2", "timeout header 1s",
            "timeout drain 2s",
            f"log level=info access={quoted(self.path('access.log'))}",
            f"pidfile {quoted(self.path('pid'))}",
            f"include {quoted(self.path('more.conf'))}",
            f"binary logo file {quoted(self.path('logo.png'))} type=image/x",
            f"table blobs binary {quoted(self.path('blobs'))}",
            harness.answer("ring", harness.RING),
            harness.answer("version", version),
            # Nobody is ever answered from it, whatever fails.
            self.table("secret", "".join(
                f"{form} {i:02} word\tis a secret\n"
                for form in self.forms for i in range(25)),
                "allow=10.0.0.0/8,user:4294967294", tables.ALL_WAYS),
        ]

    def put(self, version):
        """Write the files of a version."""
        lines = self.lines(version)
        self.keys = ["ring", "version", "large", "included"]
        for form in self.forms:
            entries = self.entries(form, version)
            self.keys += [key for key, _ in entries]
            path = self.make(form, entries, name=form)
            lines.append(f"table {form} file {quoted(path)} "
                         f"{tables.ALL_WAYS}")
            if form == "cdb":
                lines.append(f"table mapped file {quoted(path)} mmap=yes")
        folded = [(f"Stra\u00dfe {i}", f"{version} {i}") for i in range(9)]
        self.keys += [key for key, _ in folded]
        lines.append(self.table("folded", tables.tsv(folded), "fold=yes",
                                tables.ALL_WAYS))
        lines.append(self.table("big", f"large\t{version * LARGE}\n",
                                "search=exact"))
        self.write("more.conf", harness.answer("included", version) + "\n")
        self.config = self.write_config(*lines)
        self.version = version

    # A daemon

    def begin(self, env):
        """Start it with the shim."""
        daemon = harness.Daemon(self.config,
                                env=harness.environment(**env))
        self.daemons[:] = [daemon]
        self.note(daemon)
        return daemon

    def note(self, daemon):
        """Where to ask it."""
        self.at = dict(zip(("tcp", "unix", "echo", "http", "http unix",
                            "search"), daemon.addresses))
        self.at["control"] = self.path("control.sock")

    def order(self, action, **members):
        """Ask the control socket: status and content, or None where the
        connection ended before.
        """
        data = request(to_json({"action": action, **members}))
        told = messages(exchange(self.at["control"], data)[0])
        if not told:
            return None
        return told[0][0]["status"], harness.strict_json(told[0][1])

    def whole(self):
        """Everything that the tables answer, as bytes."""
        data = b"".join(search(key, **kept(id=key)) for key in self.keys)
        for way, value in (("prefix", ""), ("suffix", "d"),
                           ("substring", "a"), ("fuzzy", "tsv 0 word"),
                           ("regex", ".")):
            data += keep({"value": value, "match": way, "limit": 1000})
        data += binary(b"logo", **kept()) + binary(b"blob/2", **kept())
        came, _ = exchange(self.at["unix"], data, finish=True)
        return came


def messages(came):
    """All whole messages of some bytes, as (header, content)."""
    found = []
    while len(came) >= 2:
        length = int.from_bytes(came[:2], "big")
        if len(came) < 2 + length:
            break
        header = harness.strict_json(came[2:2 + length])
        end = 2 + length + header["content-length"]
        if len(came) < end:
            break
        found.append((header, came[2 + length:end]))
        came = came[end:]
    return found


def get(address, path="/healthz"):
    """An HTTP page: its status, headers' bytes, body; None: no whole one."""
    data = (f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\n\r\n").encode()
    came, _ = exchange(address, data)
    head, blank, body = came.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: *(\d+)", head, re.M)
    if not blank or (length and len(body) < int(length[1])):
        return None
    assert length or head[9:12] != b"200", head
    return int(head[9:12]), body
