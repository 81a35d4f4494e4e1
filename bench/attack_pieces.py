# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""How much CPU time one legal request may take in one piece.

One connection asks what is dear; another asks for an exact key, over and
over, until the dear one is answered.  With one worker, the CPU time that the
server takes between a question of the second and its answer is what the
first one cost in one piece, give or take the other's own.  It is CPU time,
so that what else runs on the machine does not count.
"""

import contextlib
import ctypes
import json
import multiprocessing
import os
import random
import statistics
import struct
import threading
import time

import attackers
import servers
import wire
from attack import calm_cpu, tcp
from rig import Trouble, cpu_seconds

BOUND_MS = 5
CONTENT = 1 << 20           # bytes: the limit that is default
HEADER = 65535              # the most that the limit may be
NAME = 255                  # of each of 250 names in such a header
PIPELINE = 1 << 20          # bytes of many requests at once
TURN = 256                  # that many of them: the limit that is default
FORK = multiprocessing.get_context("fork")
WAYS = "exact,prefix,suffix,substring,fuzzy,regex"


# The server

def long_keys(n, seed):
    """Keys of 1,000 bytes that differ at their ends, and of two letters."""
    dice = random.Random(seed)
    return sorted({"".join(dice.choices("ab", k=1000)) for _ in range(n)})


def write_table(path, keys, answer="x"):
    """A table with one answer for all."""
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(f"{k}\t{answer}\n" for k in keys)
    return path


def start(rig):
    """A server with a table of each kind that may be dear."""
    few = rig.quick
    tables = {
        "words": (wire.syllables(50000 if few else 400000), "x", ""),
        "long": (long_keys(1000 if few else 5000, 1), "x", ""),
        "folded": ([("ä" * 490) + k[:20] for k in long_keys(
            500 if few else 3000, 2)], "x", "fold=yes"),
        "big": ([f"k{i:04d}" for i in range(200)], "y" * (64 << 10), "")}
    return servers.appmsgd(rig, [f"limit header {HEADER}"] + [
        f"table {name} file {write_table(rig.path(name + '.tsv'), *what[:2])}"
        f" search={WAYS} {what[2]}" for name, what in tables.items()])


# The requests

def fill(unit, size, between=","):
    """As many of a JSON text as fit."""
    return between.join([unit] * (size // (len(unit) + len(between))))


def header_cases():
    """Headers of the greatest length."""
    body = b'{"action":"search","value":"ring"}'
    base = ('{"byteorder":"little","content-type":"text/json",'
            '"content-encoding":"utf-8","content-length":%d,'
            '"connection":"keep-alive",' % len(body))
    room = HEADER - len(base) - 10

    def of(member):
        return attackers.message(body, header=(base + member + "}").encode())

    deep = "[" * 62 + "]" * 62
    yield "names of one hash", attackers.named(
        attackers.colliding(size=NAME))
    yield "harmless names", attackers.named(attackers.harmless(size=NAME))
    yield "arrays, 63 deep", of('"x":[' + fill(deep, room) + "]")
    yield "numbers", of('"x":[' + fill("0", room) + "]")
    yield "escapes", of('"x":"' + fill("\\u00e9", room, "") + '"')
    yield "strings", of('"x":[' + fill('""', room) + "]")


def content_cases():
    """Contents of the greatest length."""
    def of(member, **header):
        text = '{"action":"search","value":"ring",%s}' % member
        return attackers.message(text.encode(
            header.get("content_encoding", "utf-8")),
            connection="keep-alive", **header)

    def value(text, room, **more):
        body = json.dumps({"action": "search", "value": "@", **more})
        return attackers.message(body.replace("@", fill(
            text, room, "")).encode(), connection="keep-alive")

    room = CONTENT - 200
    deep = "[" * 60 + "]" * 60
    members = "{" + ",".join(f'"a{i}":0' for i in range(256)) + "}"
    yield "arrays, 62 deep", of('"x":[' + fill(deep, room) + "]")
    yield "numbers", of('"x":[' + fill("0", room) + "]")
    yield "objects of 256", of('"x":[' + fill(members, room) + "]")
    yield "strings", of('"x":[' + fill('"a"', room) + "]")
    yield "escapes", of('"x":"' + fill("\\u00e9", room, "") + '"')
    yield "two-byte text", of('"x":"' + fill("é", room // 2, "") + '"')
    yield "UTF-16", of('"x":"' + fill("é", room // 2, "") + '"',
                       content_encoding="utf-16")
    yield "UTF-32", of('"x":"' + fill("\U0001f48d", room // 4, "") + '"',
                       content_encoding="utf-32")
    yield "ISO 8859-1", of('"x":"' + fill("é", room, "") + '"',
                           content_encoding="iso-8859-1")
    yield "ISO 8859-1 key", attackers.message(
        ('{"action":"search","value":"%s"}' % fill("é", room, "")).encode(
            "iso-8859-1"), content_encoding="iso-8859-1",
        connection="keep-alive")
    yield "blanks", of(" " * room + '"x":0')
    for name, unit in (("letters", "a"), ("escapes", "\\u00e9"),
                       ("controls", "\\u0001"),
                       ("pairs", "\\ud83d\\udc8d")):
        yield f"key of {name}", value(unit, room)
    yield "folded key", value("\\u00c4", room, table="folded")
    for way in WAYS.split(","):
        yield f"{way} key of 1 MB", value("a", room, match=way, limit=1000)
    yield "suggest for 1 MB", suggest("a" * room)
    yield "binary", attackers.binary(b"x" * CONTENT)


def suggest(key, **content):
    """A miss that asks what was meant."""
    body = json.dumps({"action": "search", "value": key, **content})
    return attackers.message(body.encode(), connection="keep-alive",
                             suggest=5)


EXPRESSIONS = {
    "(a|b)*c": "^(a|b)*[c-z]", "backtracks": "(?:aa|bb|ab|ba)+x",
    "quantified": "(?:(?:[ab]{1,9}){1,9}){1,9}x", "all": ".*.*.*q9z$",
    "classes": "[\\p{L}\\p{N}]" * 70, "many ways": "|".join(
        f"a{i}b" for i in range(190)), "repeats": "(a{1,200}b){1,9}",
    "behind": "(?<=" + "a" * 200 + ")z", "any case": "(?i)" + "ſK" * 200}


def search_cases():
    """Each way to search, where it is dear."""
    long = long_keys(1, 9)[0]
    for table in ("words", "long", "folded", "big"):
        for way, key in (("prefix", ""), ("suffix", ""), ("substring", "a"),
                         ("fuzzy", "abababababababab")):
            yield f"{table}: {way}", attackers.search(
                key, match=way, table=table, limit=1000)
    for table in ("words", "long", "folded"):
        for way in ("prefix", "suffix", "substring", "fuzzy"):
            yield f"{table}: {way}, long key", attackers.search(
                long, match=way, table=table, limit=1000)
        yield f"{table}: suggest", suggest("abababababababac", table=table)
        yield f"{table}: suggest, long", suggest(long[:-3], table=table)
        for name, expression in EXPRESSIONS.items():
            yield f"{table}: regex {name}", attackers.search(
                expression, match="regex", table=table, limit=1000)
    yield "fuzzy in all", attackers.search("abababab", match="fuzzy",
                                           limit=1000)


# Measuring

class WorkerClock:
    """CPU time of the one thread that serves.

    The clock of a process, seen from another, moves with the timer's ticks
    only while it runs; a counter of the kernel's is exact.
    """

    CALLS = {"x86_64": 298, "aarch64": 241}     # perf_event_open(2)
    SOFTWARE, TASK_CLOCK, SIZE = 1, 1, 128

    def __init__(self, server):
        self.pid = server.pid
        self.fd = -1
        call = self.CALLS.get(os.uname().machine)
        attr = struct.pack("IIQ", self.SOFTWARE, self.SIZE, self.TASK_CLOCK)
        attr = ctypes.create_string_buffer(attr, self.SIZE)
        if call:
            self.fd = ctypes.CDLL(None).syscall(
                call, attr, self.worker(), -1, -1, 0)
        if self.fd < 0:
            server.rig.skip("piece", "no counter of the kernel's: figures "
                            "are right to a tick of its timer only")

    def worker(self):
        """The thread's number."""
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/comm") as comm:
                if comm.read().startswith("worker"):
                    return int(task)
        raise Trouble("no thread is called worker")

    def seconds(self):
        """What it took so far."""
        if self.fd < 0:
            return cpu_seconds(self.pid)
        return struct.unpack("Q", os.read(self.fd, 8))[0] / 1e9


def ask_dear(address, data, count, told):
    """Ask, in a process of its own, which says when all is answered."""
    os.nice(5)
    said = "nothing"
    try:
        with attackers.Peer(address, seconds=60) as peer:
            sender = threading.Thread(target=peer.sock.sendall,
                                      args=(data * count,), daemon=True)
            told.send("asks")
            sender.start()
            for _ in range(count):
                header = peer.reply()[0]
                said = header.get("error") or header.get("status")
    except (OSError, EOFError) as why:
        said = type(why).__name__
    told.send(said)


def greatest(server, clock, ask, data, count, seconds):
    """Milliseconds of CPU and of time that a probe waited at most."""
    here, there = FORK.Pipe()
    dear = FORK.Process(target=ask_dear, daemon=True, args=(
        tcp(server.address), data, count, there))
    cpu = wall = 0
    said = None
    with attackers.Peer(tcp(server.address)) as probe:
        probe.ask(ask)
        dear.start()
        here.recv()
        end = time.monotonic() + seconds
        while said is None and time.monotonic() < end:
            if here.poll(0):
                said = here.recv()
            began, spent = time.monotonic(), clock.seconds()
            probe.ask(ask)
            cpu = max(cpu, clock.seconds() - spent)
            wall = max(wall, time.monotonic() - began)
    if said is None:
        dear.terminate()
        calm_cpu(server)
    dear.join()
    return 1000 * cpu, 1000 * wall, said or "works"


def measure(server, clock, ask, data, count, seconds):
    """The median of several times the greatest."""
    found = []
    end = time.monotonic() + seconds
    while not found or (len(found) < 15 and time.monotonic() < end):
        found.append(greatest(server, clock, ask, data, count,
                              10 * seconds))
    return {"cpu_ms": statistics.median(one[0] for one in found),
            "wall_ms": statistics.median(one[1] for one in found),
            "times": len(found), "said": found[-1][2]}


@contextlib.contextmanager
def first_of_all():
    """Nothing else runs where this process wants to, if that is allowed.

    What the server does while the probe waits for its core would count.
    """
    usual = os.sched_param(0)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK,
                              os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, usual)


def row_piece(rig):
    """The dearest legal request."""
    app = start(rig)
    with first_of_all():
        measure_all(rig, app)


def measure_all(rig, app):
    """Each alone, and as many as a pipeline may have."""
    clock = WorkerClock(app)
    ask = wire.request("ring")
    seconds = 0.15 if rig.quick else 1
    worst = {}
    for kind, cases in (("header", header_cases()),
                        ("content", content_cases()),
                        ("search", search_cases())):
        for name, data in cases:
            many = max(1, min(8 if b'"regex"' in data else TURN,
                              PIPELINE // len(data)))
            for count in sorted({1, many}):
                one = measure(app, clock, ask, data, count, seconds)
                label = f"{name}" + (f" x{count}" if count > 1 else "")
                rig.figure(f"piece {kind[:1]}", label, [one], main="cpu_ms")
                key = (kind, count > 1)
                if one["cpu_ms"] > worst.get(key, (0, ""))[0]:
                    worst[key] = one["cpu_ms"], f"{label}: {one['said']}"
    for (kind, several), (ms, label) in worst.items():
        rig.say(f"piece       worst {kind}: {label}")
        rig.ratio("piece", f"CPU in one piece, {kind}"
                  + (", pipelined" if several else ""), ms, BOUND_MS, "<=",
                  unit=" ms", steady=False)
