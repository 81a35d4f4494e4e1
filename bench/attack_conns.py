# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Rows about many connections, of peers that do little or nothing.

crowd: idle ones and some that send a byte now and then.  slow: how near to
its deadline each is closed.  nofile: more clients than descriptors.  accept:
how long new ones wait beside busy ones.
"""

import contextlib
import resource
import statistics
import subprocess
import time

import attackers
import servers
import wire
from attack import instrument, one_ask, probed, status, tcp, times
from attackers import (burst, crowd, slow_lines, slow_times,
                       time_until_served)
from rig import Skip, Trouble, cpu_seconds
from swarm import Plan, Swarm, until


def descriptors(wanted):
    """Have so many in this process, and in those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Skip(f"{hard} descriptors, {wanted} are needed")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


# crowd

def row_crowd(rig):
    """10,000 idle ones, 1,000 slow ones and a normal one."""
    idle, slow = 10000, 1000
    descriptors(idle + slow + 200)
    app = servers.appmsgd(rig, usual=("limit connections 15000",
                                      "timeout idle 1h"))
    pack = one_ask(rig, app)
    counts = []

    @contextlib.contextmanager
    def attack():
        with Swarm() as swarm:
            crowd(swarm, tcp(app.address), idle, slow)
            until(lambda: status(app)["connections"] >= idle + slow)
            counts.append({"connections": status(app)["connections"]})
            yield
        until(lambda: status(app)["connections"] == 0)

    quiet, beside = probed(rig, "crowd", app, pack, attack)
    rig.figure("crowd", "connections", counts, main="connections")
    times(rig, "crowd", f"{idle} idle and {slow} slow ones", quiet, beside)


# slow

def row_slow(rig):
    """500 slow clients in each phase, closed when their time is over."""
    count = 500
    seconds = 3 if rig.quick else 10
    descriptors(8 * count)
    table = rig.path("table.tsv")
    with open(table, "w") as out:
        out.write(f"big\t{'x' * (64 << 10)}\n")
    app = servers.appmsgd(rig, [f"table t file {table} search=exact"]
                          + slow_lines(seconds),
                          usual=("limit connections 15000",
                                 "limit output 64k"))
    with instrument():
        found = slow_times(tcp(app.address), attackers.search("big"),
                           seconds, count)
    for phase, lasted in found.items():
        shares = sorted(t / seconds for t in lasted)
        worst = max(abs(s - 1) for s in shares)
        rig.figure("slow", phase, [{
            "clients": len(shares), "first": shares[0],
            "median": statistics.median(shares), "last": shares[-1],
            "overdue": sum(s > 2.5 for s in shares)}], main="last")
        rig.ratio("slow", f"{phase}: farthest from the deadline", worst,
                  0.1, "<=", scale=f"{seconds} s", steady=False)


# nofile

class Calls:
    """How the administrator's program fares."""

    def __init__(self, server):
        self.server = server
        self.done = self.failed = 0
        self.slowest = 0.0

    def try_both(self):
        """Status and reload."""
        for word in ("status", "reload"):
            began = time.monotonic()
            try:
                servers.control(self.server, word, seconds=2)
            except Trouble:
                self.failed += 1
            else:
                self.done += 1
            self.slowest = max(self.slowest, time.monotonic() - began)


def log_lines(server):
    """How many there are."""
    with open(server.rig.log(server.name)) as log:
        return sum(1 for _ in log)


def row_nofile(rig):
    """200 clients and 48 descriptors, with the limits that are default."""
    seconds = 3 if rig.quick else 10
    for hold in (True, False):
        app = servers.appmsgd(rig, usual=(), nofile=48)
        calls = Calls(app)
        plan = Plan(tcp(app.address), attackers.search("ring", keep=hold),
                    again=True)
        what = "that stay" if hold else "that come again"
        with Swarm() as swarm:
            swarm.add(200, plan)
            time.sleep(0.5)
            cpu, lines = cpu_seconds(app.pid), log_lines(app)
            began = time.monotonic()
            while time.monotonic() - began < seconds:
                time.sleep(0.25)
                if hold:
                    calls.try_both()
            took = time.monotonic() - began
            cpu = cpu_seconds(app.pid) - cpu
            lines = log_lines(app) - lines - calls.done
            answered = sum(c.total > 0 for c in swarm.clients)
        back = time_until_served(tcp(app.address))
        rig.figure("nofile", f"200 clients {what}", [{
            "core": cpu / took, "log_lines": lines, "answered": answered,
            "calls_done": calls.done, "calls_failed": calls.failed,
            "slowest_call_s": calls.slowest, "back_s": back}], main="core")
        if hold:
            judge_nofile(rig, cpu / took, lines, calls)
        rig.ratio("nofile", "seconds until back", back, 1.0, "<=",
                  scale=what, unit=" s", steady=False)
        app.stop()


def judge_nofile(rig, core, lines, calls):
    """The bounds of it."""
    rig.ratio("nofile", "of a core", core, 0.05, "<=", steady=False)
    rig.ratio("nofile", "log lines", lines, 10, "<=", steady=False)
    rig.ratio("nofile", "status and reload served",
              calls.done / (calls.done + calls.failed), 1.0, steady=False)


# accept

def row_accept(rig):
    """300 new connections, alone and beside 200 busy ones."""
    app = servers.appmsgd(rig)
    ask = wire.request("ring")
    pack = wire.write_pack(rig.path("pack"), [
        (ask, *wire.learn(app.address, [ask]))])
    waits = {"alone": [], "beside 200": []}
    for _ in range(max(3, rig.rounds)):
        waits["alone"].append(burst(tcp(app.address)))
        # Not before the new ones: nobody is the instrument here.
        load = rig.spawn(rig.load_argv(app, pack, conns=200, depth=600,
                                       window=60),
                         {rig.load_core}, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
        time.sleep(0.7)
        waits["beside 200"].append(burst(tcp(app.address)))
        rig.finish_load("accept", app, load, stop=True)
    figures = {name: rig.figure("accept", f"300 new ones, {name}", [{
        "median_ms": 1000 * statistics.median(one),
        "last_ms": 1000 * one[-1],
        "answered": sum(t < 30 for t in one)}
        for one in several], main="median_ms")
        for name, several in waits.items()}
    rig.ratio("accept", "median wait of new ones beside busy ones",
              figures["beside 200"]["median_ms"], 50, "<=", unit=" ms",
              steady=False)
