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
import signal
import socket
import subprocess
import threading
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


class Askers:
    """Clients that ask for what only the cluster has: so many a second, and
    whether they are answered or not."""

    CLIENTS = 4

    def __init__(self, server):
        host, port = server.address.rsplit(":", 1)
        self.socks = [socket.create_connection((host, int(port)))
                      for _ in range(self.CLIENTS)]
        for sock in self.socks:
            sock.setblocking(False)
        self.over = threading.Event()
        self.bytes = 0
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for sock in self.socks:
            sock.close()

    def _run(self):
        number = 0
        while not self.over.wait(1 / self.CLIENTS):
            sock = self.socks[number % self.CLIENTS]
            with contextlib.suppress(BlockingIOError):
                while got := sock.recv(1 << 16):
                    self.bytes += len(got)
            with contextlib.suppress(BlockingIOError):
                sock.sendall(b"".join(
                    wire.request(f"none {number} {i}", table="shared")
                    for i in range(DEPTH)))
            number += 1


def row_hung(rig):
    """Local lookups while the cluster hangs that others ask, and while it
    does not."""
    n = 10000
    try:
        masters = cluster(rig)
    except Skip as why:
        rig.skip("hung", str(why))
        return
    table = rig.path("table.tsv")
    wire.write_tsv(table, n)
    seeds = ",".join(one.address for one in masters)
    server = servers.appmsgd(rig, [
        f"table t file {table} search=exact guard=no",
        f"table shared redis-cluster {seeds} prefix=bench:"])
    servers.control(server, "publish", "t", "shared", seconds=600)
    wait_for(server)
    pack = wire.write_pack(rig.path("pack"), wire.number_items(
        server.address, n, range(n)))
    found = {"the cluster answers": [], "the cluster hangs": []}
    with Askers(server):
        rig.load("hung", server, pack)
        for _ in range(max(5, rig.rounds)):
            for name, results in found.items():
                hangs = name == "the cluster hangs"
                for one in masters:
                    os.kill(one.pid, signal.SIGSTOP if hangs
                            else signal.SIGCONT)
                time.sleep(1)
                results.append(rig.load("hung", server, pack))
    for one in masters:
        os.kill(one.pid, signal.SIGCONT)
    figures = {name: rig.figure("hung", name, results, main="p99_us")
               for name, results in found.items()}
    rig.ratio("hung", "99th percentile of a local lookup while the cluster "
              "hangs", figures["the cluster hangs"]["p99_us"]
              / figures["the cluster answers"]["p99_us"], 1.2, "<=",
              f"{Askers.CLIENTS * DEPTH} lookups a second of it",
              steady=False)
