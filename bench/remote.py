# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Rows about tables on other machines: a Redis Cluster of three masters.

Who serves is on the server's core, the cluster and who asks on the other,
so that what is compared is CPU time: of the server a lookup, and of all
masters together.
"""

import contextlib
import os
import re
import subprocess
import time

import servers
import wire
from rig import Skip, Trouble, cpu_seconds, memory

MASTERS = 3
START_SECONDS = 60
DEPTH = 32


def cluster(rig):
    """Three masters without replicas.  Returns them."""
    program, cli = rig.program("redis-server"), rig.program("redis-cli")
    masters = []
    while len(masters) < MASTERS:
        address = servers.place(rig, "node", False)
        port = int(servers.port(address))
        if port > 55535:        # its bus has a port 10,000 above
            continue
        folder = rig.path("node")
        os.mkdir(folder)
        masters.append(rig.serve(f"node {len(masters)}", [
            program, "--port", str(port), "--bind", "127.0.0.1",
            "--dir", folder, "--cluster-enabled", "yes",
            "--cluster-config-file", "nodes.conf",
            "--cluster-node-timeout", "5000", "--save", "",
            "--appendonly", "no", "--maxclients", "10000"],
            address, cores={rig.load_core}))
    subprocess.run([cli, "--cluster", "create",
                    *(one.address for one in masters), "--cluster-yes"],
                   stdout=subprocess.DEVNULL, check=True,
                   timeout=START_SECONDS)
    end = time.monotonic() + START_SECONDS
    while not all(is_whole(cli, one) for one in masters):
        if time.monotonic() > end:
            raise Trouble("the cluster does not come to be")
        time.sleep(.05)
    return masters


def is_whole(cli, node):
    """Whether a node knows who has each slot."""
    said = subprocess.run(
        [cli, "-p", servers.port(node.address), "cluster", "info"],
        stdout=subprocess.PIPE, check=True, timeout=START_SECONDS).stdout
    return b"cluster_state:ok" in said


def used(rig, masters):
    """Bytes that they have for data, as Redis counts them."""
    cli, total = rig.program("redis-cli"), 0
    for one in masters:
        said = subprocess.run(
            [cli, "-p", servers.port(one.address), "info", "memory"],
            stdout=subprocess.PIPE, check=True).stdout.decode()
        total += int(re.search(r"used_memory:(\d+)", said).group(1))
    return total


def row_remote(rig):
    """Publishing; lookups through a cluster, in the cache, and at home."""
    n = 100000 if rig.quick else 1000000
    scale = f"{n} keys"
    try:
        masters = cluster(rig)
    except Skip as why:
        rig.skip("remote", str(why))
        return
    table = rig.path("table.tsv")
    raw = wire.write_tsv(table, n)
    seeds = ",".join(one.address for one in masters)
    shared = f"table shared redis-cluster {seeds} prefix=bench: deadline=10s"
    local = f"table t file {table} search=exact guard=no"
    home = servers.appmsgd(rig, [local], name="at home")
    # The first one is asked first: what it answers is not looked for at home.
    through = servers.appmsgd(rig, [f"{shared} cache=no", local],
                              name="through the cluster")
    cached = servers.appmsgd(rig, [f"{shared} cache=16m", local],
                             name="from the cache")
    publish(rig, through, masters, n, raw)
    some = wire.asked(n, min(n, 200000))
    pack = wire.write_pack(rig.path("pack"), wire.number_items(
        home.address, n, some))
    few = wire.write_pack(rig.path("few"), wire.number_items(
        home.address, n, some[:20000]))
    for server in (through, cached):
        wait_for(server)
    rig.load("remote", cached, few, depth=DEPTH)
    lookups(rig, masters, [
        ("at home", home, pack, 1, {}),
        ("through the cluster", through, pack, 1, {})], scale)
    figures = rig.compare("remote few", [
        ("at home", home, few, 1, {}),
        ("from the cache", cached, few, 1, {})], depth=DEPTH)
    rig.ratio("remote", "cost from the cache to a local one",
              figures["at home"]["per_cpu_second"]
              / figures["from the cache"]["per_cpu_second"], 1.25, "<=",
              scale)


def wait_for(server):
    """Until it has seen what was published."""
    end = time.monotonic() + START_SECONDS
    ask = wire.request(wire.key(0), table="shared")
    while wire.value(0).encode() not in wire.learn(server.address, [ask])[0]:
        if time.monotonic() > end:
            raise Trouble(f"{server.name} finds nothing")
        time.sleep(.05)


def publish(rig, server, masters, n, raw):
    """All entries, once a round.  Keeps figures of it."""
    before = used(rig, masters)
    rounds = []
    for number in range(1 if rig.quick else 3):
        began = time.monotonic()
        servers.control(server, "publish", "t", "shared", seconds=600)
        took = time.monotonic() - began
        one = {"entries_per_second": n / took, "seconds": took}
        if number == 0:
            bytes_each = (used(rig, masters) - before - raw) / n
        rounds.append({**one, "overhead_bytes_per_entry": bytes_each})
    figure = rig.figure("publish", "appmsgd", rounds,
                        main="entries_per_second")
    rig.ratio("publish", "thousand entries a second",
              figure["entries_per_second"] / 1000, 300, unit=" k",
              scale=f"{n} entries", steady=False)
    rig.ratio("publish", "bytes an entry in Redis beside the data",
              figure["overhead_bytes_per_entry"], 20, "<=",
              f"{n} entries", " B")


def lookups(rig, masters, runs, scale):
    """At home and through the cluster, and what the masters need for it."""
    needs = []
    with contextlib.suppress(ProcessLookupError):
        def cpu():
            return sum(cpu_seconds(one.pid) for one in masters)

        figures = {}
        for _ in range(rig.rounds):
            for name, server, pack, _, _ in runs:
                before = cpu()
                one = rig.load("remote", server, pack, depth=DEPTH)
                if name != "at home":
                    needs.append({"lookups_per_cpu_second":
                                  one["replies"] / (cpu() - before)})
                figures.setdefault(name, []).append(one)
    found = {name: rig.figure("remote", name, values)
             for name, values in figures.items()}
    rig.figure("masters", "a lookup", needs, main="lookups_per_cpu_second")
    rig.ratio("remote", "cost through the cluster to a local one",
              found["at home"]["per_cpu_second"]
              / found["through the cluster"]["per_cpu_second"], 3, "<=",
              scale)
    rig.ratio("remote", "megabytes of the daemon",
              memory(runs[1][1].pid) / 1e6, 500, "<=", scale, " MB",
              steady=False)
