# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The row about appmsg-client: keys from standard input, and what Redis' own
program takes for the same ones, given in the same way."""

import os
import subprocess
import time

import servers
import wire
from rig import Skip, Trouble


def timed(rig, argv, asked, out):
    """Run a program on the core of those who ask, from file to file.

    Returns seconds, its own CPU seconds, and its memory at most, in bytes.
    """
    most = 0
    with open(asked, "rb") as source, open(out, "wb") as sink:
        began = time.monotonic()
        process = subprocess.Popen(
            ["taskset", "-c", str(rig.load_core), *argv], stdin=source,
            stdout=sink)
        # What wait4(2) says of memory is that of who started it, too.
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid != 0:
                break
            most = max(most, peak(process.pid))
            time.sleep(.01)
        took = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Trouble(f"{argv[0]} ended with {process.returncode}")
    return took, usage.ru_utime + usage.ru_stime, most


def peak(pid):
    """The most memory that a process had, in bytes; 0 when it has ended."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def lines(path):
    """How many there are."""
    with open(path, "rb") as file:
        return sum(1 for _ in file)


DEPTH = 256


def libraries(rig, runs, keys, n):
    """What it costs a program to ask with each library, and which is less."""
    rounds = {}
    for _ in range(rig.rounds):
        for name, server in runs:
            done = subprocess.run(
                ["taskset", "-c", str(rig.load_core), rig.pipelined, name,
                 server.address, keys, str(DEPTH)], check=False,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if done.returncode == 77:
                rig.skip("library", done.stderr.decode())
                continue
            if done.returncode != 0:
                raise Trouble(f"pipelined: {done.stderr.decode()}")
            asked, size, cpu = done.stdout.split()
            if int(asked) != n or int(size) == 0:
                raise Trouble(f"pipelined: {done.stdout.decode()}")
            rounds.setdefault(name, []).append(
                {"requests_per_cpu_second": n / float(cpu)})
    found = {name: rig.figure("library", name, values,
                              main="requests_per_cpu_second")
             for name, values in rounds.items()}
    if len(found) == 2:
        rig.ratio("library", "requests a CPU second to hiredis",
                  found["appmsg"]["requests_per_cpu_second"]
                  / found["hiredis"]["requests_per_cpu_second"], 1.5,
                  scale=f"{n} keys, {DEPTH} at once")


def row_client(rig):
    """A batch of keys over a unix socket, by all who can; and what the
    libraries behind them cost."""
    n = 100000 if rig.quick else 1000000
    table = rig.path("table.tsv")
    wire.write_tsv(table, n)
    app = servers.appmsgd(rig, [f"table t file {table} search=exact"],
                          unix=True)
    keys, gets = rig.path("keys"), rig.path("gets")
    with open(keys, "w") as file, open(gets, "w") as calls:
        for i in wire.asked(n, n):
            file.write(f"{wire.key(i)}\n")
            calls.write(f"GET {wire.key(i)}\n")
    runs = [("appmsg-client", [rig.client, "-U", app.address, "search", "-"],
             keys, n)]
    try:
        redis = servers.redis(rig, unix=True)
        cli = [rig.program("redis-cli"), "-s", redis.address]
    except Skip as why:
        rig.skip("client", str(why))
    else:
        servers.redis_fill(redis, ((wire.key(i), wire.value(i))
                                   for i in range(n)))
        runs += [("redis-cli", cli, gets, n),
                 ("redis-cli --pipe", [*cli, "--pipe"], gets, None)]
        libraries(rig, [("appmsg", app), ("hiredis", redis)], keys, n)
    rounds = {name: [] for name, *_ in runs}
    out = rig.path("out")
    for number in range(rig.rounds):
        for name, argv, asked, answers in runs:
            if name == "redis-cli" and number > 0:
                continue        # half a minute is enough of it
            took, cpu, memory = timed(rig, argv, asked, out)
            if answers is not None and lines(out) != answers:
                raise Trouble(f"{name}: {lines(out)} answers of {answers}")
            rounds[name].append({
                "keys_per_second": n / took, "keys_per_cpu_second": n / cpu,
                "megabytes": memory / 1e6})
    figures = {name: rig.figure("client", name, values,
                                main="keys_per_second")
               for name, values in rounds.items()}
    mine = figures["appmsg-client"]
    scale = f"{n} keys"
    rig.ratio("client", "million keys a second from standard input",
              mine["keys_per_second"] / 1e6, 1, unit=" M", scale=scale,
              steady=False)
    rig.ratio("client", "its memory", mine["megabytes"], 16, "<=", scale,
              " MB", steady=False)
    for name, floor in (("redis-cli", 10), ("redis-cli --pipe", 2)):
        if name in figures:
            rig.ratio("client", f"keys a second to {name}",
                      mine["keys_per_second"]
                      / figures[name]["keys_per_second"], floor, scale=scale)
