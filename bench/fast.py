# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Rows about the cost of a request and of a connection.

b is 64 connections with one request each in flight, c is 64 with 32, d is
a connection per request.  The figure is replies per second of the
server's CPU time, which holds on a machine that does other things too.
"""

import json
import os
import time

import servers
import wire
from rig import memory

CONNS = 64
DEPTH = 32


def one_key(rig, row, depth=1, close=False, unix=False):
    """Everybody answers for one key.  Returns the figures by server."""
    options = {"depth": depth, "mode": "connect" if close else "keepalive"}
    ask = wire.request("ring", keep=not close)
    sizes = []

    def start():
        app = servers.appmsgd(rig, unix=unix)
        reply, = wire.learn(app.address, [ask])
        sizes[:] = len(ask), len(reply)
        app_pack = wire.write_pack(rig.path("app.pack"), [(ask, reply)])
        bare = servers.limit(rig, sizes, close=close, unix=unix)
        bare_pack = wire.write_pack(rig.path("limit.pack"),
                                    [(ask, wire.unknown(reply))])
        return [("limit", bare, bare_pack, 1, {}),
                ("appmsgd", app, app_pack, 1, {})] + (
                    [] if unix else peers_of_one_key(rig, row, ask, close))

    figures = rig.compare_anew(row, start, conns=CONNS, **options)
    figures["limit"]["sizes"] = sizes
    return figures


def peers_of_one_key(rig, row, ask, close):
    """The other servers, with one key each."""
    runs = []
    cache = servers.try_start(rig, row, servers.memcached)
    if cache is not None:
        servers.memcached_fill(cache, [("ring", wire.RING)])
        pack = wire.write_pack(rig.path("pack"), [
            wire.memcached_item("ring", wire.RING)])
        runs.append(("memcached", cache, pack, 1, {}))
        if row == "c":
            pack = wire.write_pack(rig.path("pack"), [
                wire.memcached_many("ring", wire.RING, 32)])
            runs.append(("memcached 32-key get", cache, pack, 32,
                         {"depth": 1}))
    store = servers.try_start(rig, row, servers.redis)
    if store is not None:
        servers.redis_fill(store, [("ring", wire.RING)])
        pack = wire.write_pack(rig.path("pack"), [
            wire.redis_item("ring", wire.RING)])
        runs.append(("redis", store, pack, 1, {}))
    web = servers.try_start(rig, row, servers.nginx)
    if web is not None:
        asked = wire.http_request(not close)
        reply, = wire.learn(web.address, [asked], read=servers.read_http)
        pack = wire.write_pack(rig.path("pack"),
                               [(asked, wire.unknown(reply))])
        runs.append(("nginx", web, pack, 1, {}))
    if close:
        old = servers.try_start(rig, row, servers.tutorial)
        if old is not None:
            reply, = wire.learn_tutorial(old.address, ask)
            pack = wire.write_pack(rig.path("pack"), [(ask, reply)])
            runs.append(("tutorial", old, pack, 1, {}))
    return runs


def floors(rig, row, figures, bounds, scale=""):
    """appmsgd against others, by replies per CPU-second."""
    for name, bound in bounds:
        if name in figures:
            rig.ratio(row, f"appmsgd to {name}",
                      figures["appmsgd"]["per_cpu_second"]
                      / figures[name]["per_cpu_second"], bound, scale=scale)


def row_b(rig):
    """64 connections, depth 1."""
    floors(rig, "b", one_key(rig, "b"),
           [("limit", 0.92), ("memcached", 1.0), ("redis", 1.0)])


def row_c(rig):
    """64 connections, depth 32."""
    floors(rig, "c", one_key(rig, "c", depth=DEPTH),
           [("limit", 0.72), ("redis", 1.9), ("memcached 32-key get", 1.5)])


def row_d(rig):
    """A connection per request."""
    floors(rig, "d", one_key(rig, "d", close=True),
           [("limit", 0.95), ("tutorial", 6.5), ("nginx", 1.1)])


def row_unix(rig):
    """Mode b over a unix socket."""
    floors(rig, "unix", one_key(rig, "unix", unix=True), [("limit", 0.80)])


def row_random(rig):
    """Many keys, asked at random, in modes b and c."""
    n = 100000 if rig.quick else 1000000
    numbers = wire.asked(n, n // 5)
    scale = f"{n} keys"
    table = rig.path("table.tsv")
    wire.write_tsv(table, n)
    app = servers.appmsgd(rig, [f"table t file {table} search=exact"])
    items = list(wire.number_items(app.address, n, numbers))
    sizes = wire.limit_sizes(items[:1])
    bare = servers.limit(rig, sizes)
    runs = [("limit", bare, wire.write_pack(
                rig.path("pack"), wire.limit_items(items, sizes)), 1, {}),
            ("appmsgd", app, wire.write_pack(
                rig.path("pack"), items), 1, {})]
    for name, start, fill, item in (
            ("memcached", servers.memcached, servers.memcached_fill,
             wire.memcached_item),
            ("redis", servers.redis, servers.redis_fill, wire.redis_item)):
        server = servers.try_start(rig, "random", start)
        if server is None:
            continue
        before = memory(server.pid)
        fill(server, ((wire.key(i), wire.value(i)) for i in range(n)))
        each = (memory(server.pid) - before) / n - 80
        rig.figure("memory", f"{name}, {n} keys",
                   [{"overhead_bytes_per_entry": each}],
                   main="overhead_bytes_per_entry")
        pack = wire.write_pack(rig.path("pack"), (
            item(wire.key(i), wire.value(i)) for i in numbers))
        runs.append((name, server, pack, 1, {}))
    if not rig.quick:
        rig.compare("random b", runs, conns=CONNS, depth=1)
    figures = rig.compare("random c", runs, conns=CONNS, depth=DEPTH)
    floors(rig, "random", figures, [("redis", 3.5)], scale)


def row_access(rig):
    """Mode c with and without an access log."""
    log = rig.path("access.log")
    runs = []
    sizes = []

    def empty():
        sizes.append(os.path.getsize(log))
        os.truncate(log, 0)

    for name, lines in (("appmsgd", ()),
                        ("appmsgd, log on", (f"log access={log}",))):
        app = servers.appmsgd(rig, lines, name=name.replace(",", ""))
        ask = wire.request("ring")
        pack = wire.write_pack(rig.path("pack"), [
            (ask, *wire.learn(app.address, [ask]))])
        runs.append((name, app, pack, 1, {}))
    figures = rig.compare("access", runs, conns=CONNS, depth=DEPTH,
                          after=empty)
    if any(size == 0 for size in sizes[1::2]):
        rig.problem("access", "there are no lines in the log")
    rig.ratio("access", "appmsgd with the log to without",
              figures["appmsgd, log on"]["per_cpu_second"]
              / figures["appmsgd"]["per_cpu_second"], 0.75)


def row_mixed(rig):
    """Keys of all lengths, with escapes, half of them misses, in mode c."""
    n = 5000 if rig.quick else 50000
    keys = wire.mixed_keys(2 * n)
    here = set(keys[::2])
    table = rig.path("table.json")
    with open(table, "w") as out:
        json.dump({k: wire.mixed_value(k) for k in here}, out,
                  ensure_ascii=False)
    app = servers.appmsgd(rig, [f"table t file {table} search=exact"])
    asked = [wire.request(k, ident=i) for i, k in enumerate(keys)]
    replies = wire.learn(app.address, asked)
    found = sum(b'"found"' in reply for reply in replies)
    if found != n:
        rig.problem("mixed", f"{found} of {n} found")
    items = list(zip(asked, replies))
    sizes = wire.limit_sizes(items)
    bare = servers.limit(rig, sizes)
    runs = [("limit", bare, wire.write_pack(
                rig.path("pack"), wire.limit_items(items, sizes)), 1, {}),
            ("appmsgd", app, wire.write_pack(
                rig.path("pack"), items), 1, {})]
    store = servers.try_start(rig, "mixed", servers.redis)
    if store is not None:
        servers.redis_fill(store, ((k, wire.mixed_value(k)) for k in here))
        runs.append(("redis", store, wire.write_pack(rig.path("pack"), (
            wire.redis_item(k, wire.mixed_value(k) if k in here else None)
            for k in keys)), 1, {}))
    figures = rig.compare("mixed", runs, conns=CONNS, depth=DEPTH)
    floors(rig, "mixed", figures, [("limit", 0.35), ("redis", 1.0)])


def row_workers(rig):
    """Two workers against one; the load shares the cores."""
    ask = wire.request("ring")

    def start():
        runs = []
        for workers in (1, 2):
            name = f"appmsgd {workers}"
            app = servers.appmsgd(rig, workers=workers, name=name, pin=False)
            pack = wire.write_pack(rig.path("pack"), [
                (ask, *wire.learn(app.address, [ask]))])
            runs.append((name, app, pack, 1, {}))
        return runs

    figures = rig.compare_anew("workers", start, conns=CONNS, pin=False)
    rig.ratio("workers", "2 workers to 1, per CPU-second",
              figures["appmsgd 2"]["per_cpu_second"]
              / figures["appmsgd 1"]["per_cpu_second"], 0.90)


def row_idle(rig):
    """What a connection costs that does nothing."""
    n = 2000 if rig.quick else 10000
    ask = wire.request("ring")

    def start(name):
        if name == "limit":
            return servers.limit(rig, (len(ask), 10)), (ask, b"\xff" * 10)
        if name == "appmsgd":
            server = servers.appmsgd(rig)
            return server, (ask, *wire.learn(server.address, [ask]))
        if name == "memcached":
            server = servers.memcached(rig)
            servers.memcached_fill(server, [("ring", wire.RING)])
            return server, wire.memcached_item("ring", wire.RING)
        if name == "redis":
            server = servers.redis(rig)
            servers.redis_fill(server, [("ring", wire.RING)])
            return server, wire.redis_item("ring", wire.RING)
        server = servers.nginx(rig)
        asked = wire.http_request(True)
        return server, (asked, *wire.learn(server.address, [asked],
                                           read=servers.read_http))

    for name in ("limit", "appmsgd", "memcached", "redis", "nginx"):
        sides = {}
        for what in ("never used", "after a request"):
            started = servers.try_start(
                rig, "idle", lambda _, name=name: start(name))
            if started is None:
                break
            server, item = started
            pack = wire.write_pack(rig.path("pack"), [item])
            one = rig.load("idle", server, None if what == "never used"
                           else pack, conns=n, mode="idle")
            server.stop()
            sides[what] = one["bytes_each"]
            rig.figure("idle", f"{name}, {what}", [one], main="bytes_each")
        if name == "appmsgd":
            rig.ratio("idle", "bytes an idle connection",
                      max(sides.values()), 1500, "<=", f"{n} connections",
                      unit=" B")


def row_keys(rig):
    """The cost of a request against the number of keys, for a picture."""
    for n in (1000, 10000, 100000, 1000000, 10000000):
        if rig.quick and n > 100000:
            break
        table = rig.path("table.tsv")
        wire.write_tsv(table, n)
        app = servers.appmsgd(rig, [f"table t file {table} search=exact"])
        count = 20000 if rig.quick else 200000
        pack = wire.write_pack(rig.path("pack"), wire.number_items(
            app.address, n, wire.asked(n, count)))
        rig.compare("keys b", [(str(n), app, pack, 1, {})], conns=CONNS)
        rig.compare("keys c", [(str(n), app, pack, 1, {})], conns=CONNS,
                    depth=DEPTH)
        rig.stop_all()


def row_connections(rig):
    """The cost of a request against the number of connections."""
    app = servers.appmsgd(rig)
    ask = wire.request("ring")
    reply, = wire.learn(app.address, [ask])
    bare = servers.limit(rig, (len(ask), len(reply)))
    runs = [("limit", bare, wire.write_pack(
                rig.path("pack"), [(ask, wire.unknown(reply))]), 1, {}),
            ("appmsgd", app, wire.write_pack(
                rig.path("pack"), [(ask, reply)]), 1, {})]
    runs += [run for run in peers_of_one_key(rig, "connections", ask, False)
             if run[0] != "nginx"]
    for conns in (1, 8, 64, 512, 4096):
        rig.compare(f"conns {conns}", runs, conns=conns)
        time.sleep(0.2)
