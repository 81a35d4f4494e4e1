#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Whatever cannot be had, memory, mappings, threads or places of epoll(7):
one at a time, in every kind of work, and all that come behind it.

Here it is a sample, another one each time; APPMSG_SEED repeats it.
slow_allocations.py takes all of them.
"""

import contextlib
import functools
import signal
import subprocess

import acts
import trial
import world
from world import harness

SAMPLE = 6          # of each kind of work
STOPS = 2           # of each, which take a second
KINDS = 10          # of work
REST = 40           # how often all that come behind one fail, in any case


class Allocations(trial.Trial):
    """What all kinds of work have in common."""

    most = SAMPLE       # of each kind; None: all
    rest = REST

    def phases(self, acts):
        """Go over kinds of work: functions by name."""
        names = list(acts)
        if self.most is not None and len(names) > KINDS:
            names = self.rng.sample(names, KINDS)
        for i, name in enumerate(names, 1):
            self.phase(name, acts[name], self.most, self.most or self.rest)
            if i % KINDS == 0:
                self.finish(name)
        self.finish(type(self).__name__)
        self.tell()


class Requests(acts.Requests, Allocations):
    """Requests over all listeners."""

    def test_requests(self):
        self.renew()
        self.phases({name: functools.partial(self.ask_once, question)
                     for name, question in self.learn().items()})


class Encrypted(acts.Encrypted, Allocations):
    """The same over TLS, and what it takes to come to that."""

    def test_handshakes(self):
        self.renew()
        asked = {"hit": world.search("ring"),
                 "large": world.search("large"),
                 "many": world.search("ring", **world.kept()) * 30
                 + world.search("ring")}
        self.answers = {data: world.still(world.exchange(
            self.at["tcp"], data)[0]) for data in asked.values()}
        for data in asked.values():
            self.assertEqual(self.ask_encrypted(data), self.answers[data])
        self.phases({
            f"{name}{', by a ticket' if resume else ''}": functools.partial(
                self.encrypted_once, data, resume)
            for name, data in asked.items() for resume in (False, True)})


class Remote(acts.Remote, Allocations):
    """Lookups in a table on another machine."""

    grown = 400     # blocks of lookups are kept for the next ones

    def test_lookups(self):
        self.renew()
        self.phases({
            f"{key}{', connecting' if hang_up else ''}, {many}":
            functools.partial(self.far_once, key, hang_up, many)
            for key in ("far 1", "far none") for hang_up in (False, True)
            for many in (1, 20)})


class Published(acts.Published, Allocations):
    """A table that is published, and the way back."""

    grown = 400     # the thread that does it has an arena of its own
    rest = 10       # each is two publications

    def test_publish(self):
        self.renew()
        self.phases({
            "publish": functools.partial(self.publish_once, **self.WHAT),
            "go back": functools.partial(self.publish_once, to="shared",
                                         rollback=True)})


class Certificates(acts.Certificates, Allocations):
    """New certificates while connections come."""

    def test_reloads_of_certificates(self):
        self.renew()
        self.phases({"reload of certificates": self.change_once})


class Pages(acts.Pages, Allocations):
    """The status page, and what programs read there."""

    def test_pages(self):
        self.phases({
            f"{where} {path}": functools.partial(self.get_once, where, path)
            for path in ("/", "/stats.json", "/metrics", "/healthz", "/none")
            for where in ("http", "http unix")})

    def test_answers(self):
        """Over HTTP."""
        self.phases({path: functools.partial(self.get_once, "search", path)
                     for path in (
                         "/search", "/v1/tables", "/v1/key/ring",
                         "/v1/key/none", "/v1/key/large", "/v1/key/%",
                         "/v1/search?q=tsv&match=prefix&explain=yes",
                         "/v1/search?q=(1%7C2)%2B+.*d$&match=regex",
                         "/v1/search?q=x&table=secret")})


class Control(acts.Control, Allocations):
    """What the control socket is asked."""

    def test_commands(self):
        orders = {"status": {}, "stats": {}, "tables": {},
                  "history": {},
                  "log": {"level": "info"},
                  "explain": {"key": "tsv 01 word"}, "none": {}}
        acts = {action: functools.partial(self.order_once, action, **members)
                for action, members in orders.items()}
        acts["stats openmetrics"] = functools.partial(
            self.order_once, "stats", openmetrics=True)
        acts["explain miss"] = functools.partial(
            self.order_once, "explain", key="no such key")
        acts["log none"] = functools.partial(
            self.order_once, "log", level="nothing")
        self.phases(acts)


class Reloads(acts.Reloads, Allocations):
    """Loads, good and bad, and the way back: all or nothing."""

    def test_reloads(self):
        self.renew()
        self.phases({"reload": self.reload_once, "forced": self.force_once,
                     "diff": self.diff_once, "rollback": self.rollback_once,
                     "bad reload": self.bad_once,
                     "SIGHUP": self.hang_up_once})


class Starts(Allocations):
    """The way up, and the way down: each with a process of its own."""

    def setUp(self):
        super().setUp()
        self.renew()
        self.wanted = self.whole()
        self.sandbox = self.sandboxed()

    def sandboxed(self):
        """What keeps the daemon in: by the kernel, and as it works."""
        self.page.set(probed=-1, probe=1)
        self.whole()
        words = [harness.status_of(self.daemon.pid, name) for name in
                 ("NoNewPrivs", "Seccomp")]
        return words, self.page.probed

    def launch(self, n, rest):
        """Start one in which the nth acquisition fails: is it ready?"""
        self.put_away()
        self.page.clear()
        self.page.arm(n, rest)
        daemon = harness.Daemon.__new__(Candidate)
        with contextlib.suppress(AssertionError,
                                 subprocess.TimeoutExpired):
            daemon.__init__(self.config, env=harness.environment(
                **self.page.environment))
        self.page.disarm()
        return daemon

    def start_once(self, n, rest):
        """Whether something failed; its outcome is judged."""
        daemon = self.launch(n, rest)
        failed = self.page.failed
        self.daemons[:] = [daemon]
        self.learn_places()
        name = "start, and the rest" if rest else "start"
        problem = None
        if daemon.is_ready:
            problem = self.ready_problem(daemon)
        elif daemon.process.returncode == -signal.SIGKILL:
            problem = "neither ready nor at an end"
        elif daemon.process.returncode not in (71, 78):
            problem = (f"ended with {daemon.process.returncode} at "
                       + self.places.name(self.page.crash))
        elif not daemon.log:
            problem = "ended without a word"
        if problem is not None:
            self.found(name, n, problem)
        return failed

    def ready_problem(self, daemon):
        """What a daemon that started all the same lacks, or None."""
        self.note(daemon)
        self.daemon = daemon
        try:
            if self.whole() != self.wanted:
                return "is ready, with other tables"
            if self.sandboxed() != self.sandbox:
                return f"is ready, with the sandbox {self.sandboxed()}"
            if trial.spins(daemon.pid, .01) and trial.spins(
                    daemon.pid, .5):
                return "spins"
            daemon.stop()
        except (OSError, AssertionError, world.Hang) as problem:
            return f"is ready, but {problem!r}"
        finally:
            self.daemon = None
            daemon.kill()
        return None

    def test_starts(self):
        self.addCleanup(setattr, harness, "DEADLINE", harness.DEADLINE)
        harness.DEADLINE = world.HANG
        self.page.clear()
        self.start_once(0, False)
        self.page.clear()
        daemon = self.launch(0, False)
        count = self.page.seen
        daemon.stop()
        for n in self.sample(count, self.most and 2 * self.most):
            self.start_once(n, False)
        for n in self.sample(count, self.most or REST):
            self.start_once(n, True)
        self.tell()

    def stop_once(self, name, order, n, rest):
        """Ask it to end, with a fault: it ends, by itself and well."""
        self.renew()
        peer = self.bystander
        with self.page.armed_at(n, rest):
            with_order = order()
            try:
                status = self.daemon.process.wait(world.HANG)
            except subprocess.TimeoutExpired:
                status = None
        if not with_order and status is None:
            self.daemon.kill()      # was not even asked
        elif status is None:
            self.found(name, n, "does not end")
        elif status != 0:
            self.found(name, n, f"ended with {status} at "
                       + self.places.name(self.page.crash))
        peer.close()
        self.put_away()
        return self.page.seen

    def drain(self):
        """By the control socket; whether it said yes."""
        try:
            told = self.order("drain")
        except (OSError, world.Hang):
            return False
        return told is not None and told[0] == "found"

    def terminate(self):
        self.daemon.terminate()
        return True

    def test_stops(self):
        for name, order in (("drain", self.drain),
                            ("SIGTERM", self.terminate)):
            count = self.stop_once(name, order, 0, False)
            for n in self.sample(count, self.most and STOPS):
                self.stop_once(name, order, n, False)
            for n in self.sample(count, self.most and 1 or REST):
                self.stop_once(f"{name}, and the rest", order, n, True)
        self.tell()


class Candidate(harness.Daemon):
    """A daemon that may never be ready."""

    is_ready = False

    def _find_addresses(self):
        super()._find_addresses()
        self.is_ready = True

    def kill(self):
        """Give one that is about to end the time for it."""
        with contextlib.suppress(AssertionError,
                                 subprocess.TimeoutExpired):
            self.process.wait(.5)
        super().kill()


if __name__ == "__main__":
    harness.main()
