# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Rows about peers that mean no good: what they cost, and what others see.

Each compares attacked with quiet on the same server in one run.  A probe is
a connection of its own, with a request each few milliseconds whatever comes
back, so that one that is held up counts as often as it held others up.

names: header names that the server would mistake for each other.  hoard: one
address that fills the memory for all.  blobs: large entries that nobody
takes.  unread: pipelines whose replies nobody reads.  gone: searches of peers
that have left.
"""

import contextlib
import json
import os
import time

import attackers
import servers
import wire
from attackers import hoard, slow_table
from rig import LOAD_PRIORITY, Trouble, cpu_seconds, memory
from swarm import Plan, Swarm, source, until

MB = 1e6
PACE = ["-i", "0.004"]
ATTACK_BYTES = 1.3e6        # a second, of four attackers together


# What several rows do

def tcp(address):
    """An address as the attackers take it."""
    host, port = address.split(":")
    return host, int(port)


def status(server):
    """What its administrator is told."""
    return json.loads(servers.control(server, "--json", "status"))


def one_ask(rig, server, ask=None):
    """A pack of one request: of the one answer, or another."""
    ask = ask or wire.request("ring")
    return wire.write_pack(rig.path("pack"),
                           [(ask, *wire.learn(server.address, [ask]))])


@contextlib.contextmanager
def probe(rig, row, server, pack, found, window=None):
    """Append to found what a probe sees of all that is done meanwhile."""
    window = window or max(3, rig.window)
    process = rig.start_load(server, pack, conns=1, window=window,
                             warm=0.1, extra=PACE)
    yield
    found.append(rig.finish_load(row, server, process))


def probed(rig, row, server, pack, attack, name="appmsgd", begin=False):
    """p99 beside an attack against that without, each in all rounds.

    attack  makes a context
    begin   its beginning is measured, and apart from that what follows
    Returns both figures.
    """
    quiet, beside, later = [], [], []
    for _ in range(rig.rounds):
        with probe(rig, row, server, pack, quiet):
            pass
        with contextlib.ExitStack() as stack:
            if not begin:
                stack.enter_context(attack())
            with probe(rig, row, server, pack, beside):
                if begin:
                    stack.enter_context(attack())
            if begin:
                with probe(rig, row, server, pack, later):
                    pass
    if later:
        rig.figure(row, f"{name}, later on", later, main="p99_us")
    return (rig.figure(row, f"{name}, quiet", quiet, main="p99_us"),
            rig.figure(row, f"{name}, attacked", beside, main="p99_us"))


@contextlib.contextmanager
def instrument():
    """This thread, and those it starts, measure: others do not delay them."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, LOAD_PRIORITY)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def times(rig, row, name, quiet, beside, bound=2.0):
    """The ratio of both p99, with its bound, if any."""
    ratio = beside["p99_us"] / quiet["p99_us"]
    if bound is None:
        rig.figure(row, f"{name}, p99 to quiet", [{"ratio": ratio}],
                   main="ratio")
    else:
        rig.ratio(row, f"{name}: others' p99 to quiet", ratio, bound, "<=",
                  steady=False)


def calm_memory(server, seconds=10):
    """VmRSS, once it stays as it is for half a second."""
    last, since = memory(server.pid), time.monotonic()
    end = since + seconds
    while time.monotonic() < end and time.monotonic() - since < 0.5:
        time.sleep(0.05)
        now = memory(server.pid)
        if abs(now - last) > 1 << 18:
            last, since = now, time.monotonic()
    return memory(server.pid)


def calm_cpu(server, seconds=30, share=0.02, over=0.25):
    """CPU seconds until it takes less than a share of a core."""
    start = last = cpu_seconds(server.pid)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(over)
        now = cpu_seconds(server.pid)
        if now - last < share * over:
            return now - start
        last = now
    return cpu_seconds(server.pid) - start


# names

@contextlib.contextmanager
def name_attack(address, ask, reply, rate):
    """Four connections, each with four of these in flight."""
    with Swarm() as swarm:
        swarm.add(4, Plan(address, ask * 4, reply=4 * len(reply),
                          rate=rate / 4, bound=source(0)))
        time.sleep(0.2)
        before, began = swarm.sent(), time.monotonic()
        yield lambda: (swarm.sent() - before) / (time.monotonic() - began)


def row_names(rig):
    """A header of names with one hash."""
    app = servers.appmsgd(rig)
    asks = {"harmless": attackers.named(attackers.harmless()),
            "colliding": attackers.named(attackers.colliding())}
    replies, runs = {}, []
    for name, ask in asks.items():
        replies[name], = wire.learn(app.address, [ask])
        runs.append((f"{name} names", app, one_ask(rig, app, ask), 1, {}))
    figures = rig.compare("names", runs, conns=1, depth=4)
    rig.ratio("names", "CPU of colliding to harmless names",
              figures["harmless names"]["per_cpu_second"]
              / figures["colliding names"]["per_cpu_second"], 1.2, "<=",
              scale=f"header of {len(asks['colliding'])} B")
    pack = one_ask(rig, app)
    for name, rate, what in (("harmless", ATTACK_BYTES, "1.3 MB/s"),
                             ("colliding", ATTACK_BYTES, "1.3 MB/s"),
                             ("colliding", 0, "all they can")):
        beside_names(rig, app, pack, name, asks[name], replies[name], rate,
                     what)


def beside_names(rig, app, pack, name, ask, reply, rate, what):
    """What a probe sees beside four that send them."""
    sent = []

    @contextlib.contextmanager
    def attack():
        with name_attack(tcp(app.address), ask, reply, rate) as speed:
            yield
            sent.append({"mb_per_second": speed() / MB})
        # What they left in the sockets is not the next one's.
        calm_cpu(app)

    _, beside = probed(rig, "names", app, pack, attack, f"{name} {what}")
    rig.figure("names", f"{name} {what}, sent", sent, main="mb_per_second")
    if name == "colliding" and rate:
        rig.ratio("names", "others' p99 beside four attackers",
                  beside["p99_us"] / 1000, 2, "<=", scale=what, unit=" ms",
                  steady=False)


# hoard

def row_hoard(rig):
    """600 connections of one address, defaults; another's small requests."""
    table = rig.path("table.tsv")
    with open(table, "w") as out:
        out.writelines(f"{k}\t{wire.mixed_value(k)}\n"
                       for k in wire.syllables(20000))
    app = servers.appmsgd(rig, [f"table w file {table} search=exact,prefix"],
                          usual=())
    ask = attackers.search("", match="prefix", table="w", limit=1000)
    small = attackers.search("ring")
    tries = 20 if rig.quick else 60

    def share():
        got = [attackers.in_two_pieces(tcp(app.address), small,
                                       bound="127.0.0.2")
               for _ in range(tries)]
        return sum(one == "found" for one in got) / tries

    before, quiet = memory(app.pid), share()
    with Swarm() as swarm:
        hoard(swarm, tcp(app.address), ask, source(0))
        calm_cpu(app)
        beside = share()
        grown = calm_memory(app) - before
        rig.figure("hoard", "one address, 600 connections", [{
            "found_quiet": quiet, "found_beside": beside,
            "sent_mb": swarm.sent() / MB, "grown_mb": grown / MB,
            "held_mb": status(app).get("held-bytes", 0) / MB,
            "alive": swarm.alive()}], main="found_beside")
    rig.ratio("hoard", "share of others' two-piece requests found",
              beside, 1.0, steady=False)
    rig.ratio("hoard", "memory held to limit memory", grown / (256 << 20),
              1.1, "<=", steady=False)


# blobs

def row_blobs(rig):
    """60 peers ask for an entry of 8 MB and never read."""
    blob = rig.path("blob")
    data = os.urandom(8 << 20)
    with open(blob, "wb") as out:
        out.write(data)
    app = servers.appmsgd(rig, ["limit memory 64m",
                                f'binary "big" file {blob}'])
    ask = attackers.binary(b"big")
    before = memory(app.pid)
    with Swarm() as swarm:
        swarm.add(60, Plan(tcp(app.address), ask, reads=False, rcvbuf=4096,
                           bound=source(0)))
        swarm.settle()
        held = calm_memory(app) - before
        with attackers.Peer(tcp(app.address)) as peer:
            header, body = peer.ask(ask)
        if header.get("status") == "found" and body != data:
            rig.problem("blobs", "a peer got other bytes")
        counted = status(app).get("held-bytes", 0)
        alive = swarm.alive()
    until(lambda: status(app)["connections"] == 0)
    left = calm_memory(app) - before
    rig.figure("blobs", "60 peers, 8 MB each", [{
        "grown_mb": held / MB, "held_mb": counted / MB, "alive": alive,
        "left_mb": left / MB, "other_found": header.get("status") ==
        "found"}], main="grown_mb")
    rig.ratio("blobs", "memory held", held / MB, 72, "<=",
              scale="limit memory 64m", unit=" MB", steady=False)
    rig.ratio("blobs", "memory left when all are gone", left / MB, 8, "<=",
              unit=" MB", steady=False)


# unread

BIG = "x" * (64 << 10)


def unread_servers(rig):
    """Name, server, what the attackers send, a probe's pack."""
    table = rig.path("table.tsv")
    with open(table, "w") as out:
        out.write(f"big\t{BIG}\n")
    app = servers.appmsgd(rig, [f"table t file {table} search=exact"])
    yield "appmsgd", app, attackers.search("big"), 10000, one_ask(rig, app)
    for name, start, fill, item, count in (
            ("memcached", servers.memcached, servers.memcached_fill,
             wire.memcached_item, 10000),
            # This one would take all there is.
            ("redis", servers.redis, servers.redis_fill, wire.redis_item,
             120)):
        server = servers.try_start(rig, "unread", start)
        if server is None:
            continue
        fill(server, [("ring", wire.RING), ("big", BIG)])
        pack = wire.write_pack(rig.path("pack"), [
            item("ring", wire.RING)])
        yield name, server, item("big", BIG)[0], count, pack


def row_unread(rig):
    """50 clients pipeline requests for 64 KiB and read no reply."""
    for name, server, ask, count, pack in unread_servers(rig):
        grown = []

        @contextlib.contextmanager
        def attack(server=server, ask=ask, count=count, grown=grown):
            before = calm_memory(server)
            with Swarm() as swarm:
                swarm.add(50, Plan(tcp(server.address), ask * count,
                                   reads=False, bound=source(0)))
                swarm.settle()
                grown.append({
                    "requests": count, "alive": swarm.alive(),
                    "grown_mb": (calm_memory(server) - before) / MB})
                yield

        quiet, beside = probed(rig, "unread", server, pack, attack, name,
                                  begin=True)
        figure = rig.figure("unread", f"{name}, memory", grown,
                            main="grown_mb")
        times(rig, "unread", name, quiet, beside,
              2.0 if name == "appmsgd" else None)
        if name == "appmsgd":
            rig.ratio("unread", "memory for 50 clients",
                      figure["grown_mb"], 56, "<=", unit=" MB",
                      scale="limit output 1m", steady=False)
        server.stop()
    few_unread(rig)


def few_unread(rig):
    """20 of them, at the limit of output that is the default."""
    _, app, ask, count, _ = next(unread_servers(rig))
    before = memory(app.pid)
    with Swarm() as swarm:
        swarm.add(20, Plan(tcp(app.address), ask * count, reads=False,
                           bound=source(0)))
        swarm.settle()
        grown = calm_memory(app) - before
    rig.ratio("unread", "memory for 20 clients", grown / MB, 22, "<=",
              unit=" MB", scale="limit output 1m", steady=False)


# gone

SLOW = r"(?:aa|bb|ab|ba)+x"


def row_gone(rig):
    """40 peers ask what takes long, and vanish."""
    table = slow_table(rig.path("slow.tsv"), 100000 if rig.quick else 400000)
    unix = rig.path("sock")
    app = servers.appmsgd(rig, [
        f"listen {unix}", f"table re file {table} search=regex"])
    ask = attackers.search(SLOW, match="regex", table="re", limit=1000)
    start = cpu_seconds(app.pid)
    with attackers.Peer(tcp(app.address)) as peer:
        if peer.ask(ask)[0].get("status") != "not-found":
            raise Trouble("the search finds something")
    one = cpu_seconds(app.pid) - start
    for what, address in (("reset", tcp(app.address)), ("unix", unix)):
        attackers.ask_and_vanish(address, ask, 40)
        start = cpu_seconds(app.pid)
        until(lambda: status(app)["connections"] == 0, 40)
        calm_cpu(app)
        gone = cpu_seconds(app.pid) - start
        left = status(app)["connections"]
        rig.figure("gone", f"40 searches, {what}", [{
            "cpu_of_one": one, "cpu_seconds": gone, "connections": left}],
            main="cpu_seconds")
        rig.ratio("gone", f"CPU for peers that are gone, {what}", gone, 0.2,
                  "<=", unit=" s", steady=False)
