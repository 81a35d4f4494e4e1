# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Everything at once, for long: whether it stays right, and as it was.

Loads whose every reply is compared, honest clients that send by pieces or
connect anew each time, reloads that change a table and rollbacks, the
administrator's commands and the pages go on all the time, while attackers
take turns.  A cycle is one turn of each of them; memory is compared from
cycle to cycle, and descriptors from beginning to end.
"""

import contextlib
import http.client
import itertools
import os
import random
import statistics
import threading
import time

import attackers
import servers
import wire
from attack import MB, status, tcp
from attack_conns import descriptors
from attackers import hoard, slow_plans, slow_table
from rig import Server, Trouble, memory
from swarm import Plan, Swarm, source, until

CYCLE = 60                  # seconds, or a quarter of a short run
WARM = 5                    # cycles
HONEST = "127.0.0.2"
WAYS = "exact,prefix,suffix,substring,fuzzy,regex"


class Soak:
    """A server, those who use it, and what they saw."""

    def __init__(self, rig, seconds):
        self.rig = rig
        self.cycle = min(CYCLE, seconds / 4)
        self.cycles = max(4, round(seconds / self.cycle))
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.counts = {}
        self.wrong = []
        self.samples = []
        self.version = 0
        self._start()

    def _start(self):
        rig = self.rig
        self.flip = rig.path("flip.tsv")
        self._flip_table()
        words, numbers = rig.path("words.tsv"), rig.path("numbers.tsv")
        with open(words, "w") as out:
            out.writelines(f"{k}\t{wire.mixed_value(k)}\n"
                           for k in wire.syllables(20000))
        wire.write_tsv(numbers, 50000)
        blob, big = rig.path("blob"), rig.path("big.tsv")
        with open(blob, "wb") as out:
            out.write(random.Random(6).randbytes(2 << 20))
        with open(big, "w") as out:
            out.write(f"big\t{'x' * (64 << 10)}\n")
        self.unix, self.page = rig.path("sock"), rig.free_port()
        self.app = servers.appmsgd(rig, [
            f"listen {self.unix}",
            f"listen 127.0.0.1 {self.page} service=http",
            f"table flip file {self.flip} search=exact guard=no",
            f"table words file {words} search={WAYS}",
            f"table numbers file {numbers} search=exact",
            f"table big file {big} search=exact",
            f"table slow file {slow_table(rig.path('slow.tsv'), 20000)}"
            " search=regex",
            f'binary "blob" file {blob}',
            *(f"timeout {name} {seconds}s" for name, seconds in (
                ("header", 2), ("message", 2), ("write", 2), ("drain", 1)))],
            workers=2, pin=False, usual=(
                "limit connections 3000", "limit memory 64m",
                "timeout idle 10s"))
        self.address = tcp(self.app.address)
        self.named = attackers.named(attackers.colliding())
        self.named_reply, = wire.learn(self.app.address, [self.named])

    def _flip_table(self):
        """Replace the table that changes with each reload."""
        self.version += 1
        with open(self.flip + ".new", "w") as out:
            out.writelines(f"flip{i}\t{self.version % 2}\n"
                           for i in range(100))
        os.rename(self.flip + ".new", self.flip)

    # What happened

    def count(self, what, n=1):
        """Add to one of the counts."""
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + n

    def bad(self, what):
        """Something wrong, by its text."""
        with self.lock:
            self.wrong.append(what)

    def forever(self, pause, acts):
        """A thread's work: each of them in turn."""
        for act in itertools.cycle(acts):
            if self.over.wait(pause):
                return
            try:
                act()
            except (OSError, EOFError, Trouble,
                    http.client.HTTPException) as why:
                self.bad(f"{act.__name__}: {type(why).__name__}: {why}")

    # Honest clients

    def plain(self):
        """A connection for one request, compared byte by byte."""
        body = attackers.search("ring", keep=False)
        with attackers.Peer(self.address, HONEST) as peer:
            peer.sock.sendall(body)
            got = peer._stream.read()
        if not hasattr(self, "plain_reply"):
            self.plain_reply = got
        if not got or got != self.plain_reply:
            self.bad(f"plain: {got[:200]!r}")
        self.count("plain")

    def pieces(self):
        """A request in two pieces."""
        got = attackers.in_two_pieces(self.address, attackers.search("ring"),
                                      bound=HONEST)
        if got != "found":
            self.bad(f"two pieces: {got}")
        self.count("two pieces")

    def flipped(self):
        """A key whose answer changes: one of both."""
        with attackers.Peer(self.unix) as peer:
            header, body = peer.ask(attackers.search("flip7"))
        if header.get("status") != "found" or body not in (
                b'{"result": "0"}', b'{"result": "1"}'):
            self.bad(f"flip: {header} {body[:100]!r}")
        self.count("flip")

    # The administrator

    def reload(self):
        """With a table that changed."""
        self._flip_table()
        servers.control(self.app, "reload", seconds=30)
        self.count("reload")

    def rollback(self):
        """To the one before."""
        servers.control(self.app, "rollback", seconds=30)
        self.count("rollback")

    def others(self):
        """Commands that only look."""
        for words in (["status"], ["stats"], ["diff"], ["explain", "ring"],
                      ["stats", "--openmetrics"], ["log", "info"]):
            servers.control(self.app, *words, seconds=30)
            self.count("command")

    def pages(self):
        """All that the pages serve."""
        for path in ("/", "/stats.json", "/metrics", "/healthz"):
            with contextlib.closing(http.client.HTTPConnection(
                    "127.0.0.1", self.page, timeout=20)) as web:
                web.request("GET", path)
                reply = web.getresponse()
                if reply.status != 200 or not reply.read():
                    self.bad(f"page {path}: {reply.status}")
            self.count("page")

    def sample(self):
        """Memory and descriptors."""
        self.samples.append((time.monotonic(), memory(self.app.pid)))

    # Attackers, each for a while

    def names(self, swarm, bound):
        """Names of one hash."""
        swarm.add(4, Plan(self.address, self.named * 4, bound=bound,
                          reply=4 * len(self.named_reply), rate=325000))

    def hoards(self, swarm, bound):
        """Much asked and nothing read, from one address."""
        hoard(swarm, self.address, attackers.search(
            "", match="prefix", table="words", limit=1000), bound, 300)

    def blobs(self, swarm, bound):
        """Large entries that nobody takes."""
        swarm.add(60, Plan(self.address, attackers.binary(b"blob"),
                           reads=False, rcvbuf=4096, bound=bound))

    def crowds(self, swarm, bound):
        """Idle ones and such as send a byte now and then."""
        swarm.add(500, Plan(self.address, bound=bound, again=True))
        swarm.add(200, Plan(self.address, every=0.5, again=True, bound=bound,
                            drip=attackers.search("ring")))

    def slows(self, swarm, bound):
        """Slow ones in each phase."""
        for plan, _ in slow_plans(self.address, attackers.search("big"),
                                  bound).values():
            plan.again = True
            swarm.add(30, plan)

    def unread(self, swarm, bound):
        """Pipelines whose replies nobody reads."""
        swarm.add(20, Plan(self.address, attackers.search("big") * 5000,
                           reads=False, bound=bound))

    def floods(self, swarm, bound):
        """Connections above what one address may have, again and again."""
        swarm.add(1100, Plan(self.address, attackers.search("ring"),
                             again=True, bound=bound))

    def gone(self, swarm, bound):
        """Searches of such as leave."""
        ask = attackers.search(r"(?:aa|bb|ab|ba)+x", match="regex",
                               table="slow", limit=1000)
        attackers.ask_and_vanish(self.address, ask, 10)

    def attack(self):
        """A thread's work: all of them, in turn, a cycle's part each."""
        kinds = [self.names, self.hoards, self.blobs, self.crowds,
                 self.slows, self.unread, self.floods, self.gone]
        end = time.monotonic()
        for i, kind in enumerate(itertools.cycle(kinds)):
            # By the clock, so that each cycle sees the same.
            end += self.cycle / len(kinds)
            try:
                with Swarm() as swarm:
                    kind(swarm, source(500 + i % len(kinds)))
                    self.over.wait(max(0, end - time.monotonic()))
                self.count(kind.__name__)
            except OSError as why:
                self.bad(f"attack {kind.__name__}: {why}")
            if self.over.is_set():
                return

    # All of it

    def packs(self):
        """Requests whose replies are the same in each generation."""
        keys = wire.syllables(20000)
        dice = random.Random(7)
        # Some are not there.
        numbers = dice.sample(range(60000), 3000)
        asked = [wire.request(wire.key(i), ident=i) for i in numbers]
        for i, reply in zip(numbers, wire.learn(self.app.address, asked)):
            if (wire.content(reply)["result"] == wire.value(i)) != (
                    i < 50000):
                self.bad(f"{wire.key(i)}: {reply[-100:]!r}")
        for _ in range(600):
            key = dice.choice(keys)
            for way, part in (("prefix", key[:6]), ("suffix", key[-6:]),
                              ("substring", key[3:10]), ("exact", key),
                              ("fuzzy", key[:5] + "x" + key[6:])):
                asked.append(wire.request(part, match=way, table="words",
                                          limit=20))
        dice.shuffle(asked)
        return wire.write_pack(self.rig.path("pack"), zip(
            asked, wire.learn(self.app.address, asked)))

    def load(self, pack):
        """Both loads, for a cycle; one that fails is told, and goes on."""
        local = Server(self.rig, "unix", self.app.process, self.unix)
        loads = [(server, self.rig.start_load(
            server, pack, pin=False, conns=conns, window=self.cycle,
            warm=0.1, extra=["-i", "0.01", "-r"]))
            for server, conns in ((self.app, 20), (local, 10))]
        for server, process in loads:
            try:
                one = self.rig.finish_load("soak", server, process)
            except Trouble as why:
                self.bad(str(why))
                continue
            self.count("replies", one["replies"])
            for key in ("wrong", "stale", "failed"):
                if one[key]:
                    self.bad(f"{one[key]} {key} replies")

    def run(self):
        """Returns the times between cycles."""
        pack = self.packs()
        work = [(self.forever, (0.05, [self.plain, self.flipped,
                                       self.pieces])),
                (self.forever, (1.0, [self.reload, self.others,
                                      self.rollback])),
                (self.forever, (1.0, [self.pages])),
                (self.forever, (0.25, [self.sample])), (self.attack, ())]
        threads = [threading.Thread(target=target, args=args, daemon=True)
                   for target, args in work]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        marks = [began + i * self.cycle for i in range(self.cycles + 1)]
        while time.monotonic() < marks[-1]:
            self.load(pack)
            self.rig.say(f"soak        {time.monotonic() - began:.0f} s: "
                         f"{memory(self.app.pid) / MB:.1f} MB, "
                         f"{len(self.wrong)} wrong")
        self.over.set()
        for thread in threads:
            thread.join()
        return marks


def opened(server):
    """Descriptors that a server has."""
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def row_soak(rig):
    """All of it, for rig.minutes."""
    descriptors(4000)
    soak = Soak(rig, 60 * rig.minutes)
    status(soak.app)
    before = opened(soak.app)
    marks = soak.run()
    until(lambda: status(soak.app)["connections"] == 0, 60)
    until(lambda: opened(soak.app) <= before)
    after = opened(soak.app)
    medians = [statistics.median(
        size for at, size in soak.samples if a <= at < b)
        for a, b in zip(marks, marks[1:])]
    warm = min(WARM, len(medians) // 4)
    scale = f"{rig.minutes:g} min"
    for i, median in enumerate(medians):
        rig.figures.setdefault("soak", {})[f"cycle {i + 1}"] = {
            "median_mb": median / MB}
    rig.figure("soak", "done", [{**soak.counts, "wrong": len(soak.wrong),
                                 "before": before, "after": after}],
               main="replies")
    for text in sorted(set(soak.wrong))[:10]:
        rig.problem("soak", f"{soak.wrong.count(text)} times: {text}")
    rig.ratio("soak", "answers, commands and pages wrong or lost",
              len(soak.wrong), 0, "<=", scale, steady=False)
    rig.ratio("soak", "memory of the last cycles to that after the first",
              max(medians[-2:]) / medians[warm], 1.01, "<=", scale,
              steady=False)
    rig.ratio("soak", "descriptors more than at the start", after - before,
              0, "<=", scale, steady=False)
