# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Fail something while a daemon does something, and judge what comes of it.

Whatever fails: no signal, no hang, no spin, no lost table, no wrong byte to
anybody, and the next request is answered right.  What is found is gathered,
so that one fault does not hide the others; a daemon that is ill is replaced.
"""

import contextlib
import os
import subprocess
import time

import shim
import world
from world import Hang, exchange, harness, kept, search

BACK = 1.0          # seconds after which service must be back, and
BUSY = 2.0          # how much later a busy machine may be
HANGS = 4           # in a phase, which ends then
SPIN = .5           # of a core, of a daemon that has nothing to do
GROWN = 80          # blocks a phase may leave behind, in caches and lists


class Ill(Exception):
    """What is wrong with a daemon after a fault."""


def cpu_clock(pid):
    """The clock of the CPU time that a process has taken."""
    return (~pid << 3) | 2


def spins(pid, window):
    """Whether it is busy during so many seconds."""
    clock = cpu_clock(pid)
    began, cpu = time.monotonic(), time.clock_gettime(clock)
    time.sleep(window)
    return (time.clock_gettime(clock) - cpu
            > SPIN * (time.monotonic() - began))


def judge_reply(came, ended, right):
    """Raise Ill where a peer was told something that is not so.

    right   what is said when nothing fails
    A peer may get all of that; or its beginning, and the end of the
    connection; or, in place of a reply, that it cannot be given.
    """
    came = world.still(came)
    if came == right or (ended and right.startswith(came)):
        return
    told, should = world.messages(came), world.messages(right)
    for (header, content), wanted in zip(told, should):
        if (header, content) != wanted and not is_apology(header, content):
            raise Ill(f"told {header} {content[:200]}")
    if not told or (len(told) < len(should) and not ended):
        raise Ill(f"wrong bytes {came[-200:]!r}, ended={ended}")


def is_apology(header, content):
    """Whether a reply says that it cannot be given now.

    Where the kernel does not say who asks, no rule of a listener lets him in.
    """
    if (header.get("status"), content) == (
            "denied", b'{"result": "Error: you are not allowed here."}'):
        return True
    return (header.get("status", "busy") in ("busy", "error")
            and header.get("error", "timeout") == "timeout"
            and content.startswith(b'{"result": "Error: '))


class Trial(world.World):
    """A daemon that is tried again and again."""

    grown = GROWN
    serving = None      # which version of its files, where that changes

    def setUp(self):
        super().setUp()
        self.findings = {}
        self.hangs = {}     # by phases
        self.page = shim.Page(self.path("page"))
        self.daemon = None
        self.addCleanup(self.put_away)

    def put_away(self):
        if self.daemon is not None:
            self.bystander.close()
            self.daemon.kill()
        self.daemon = None

    def renew(self):
        """A daemon in place of the one before, and one who stands by."""
        self.put_away()
        self.page.clear()
        self.daemon = self.begin(self.page.environment)
        self.learn_places()
        self.bystander = harness.Peer(self.at["tcp"])
        self.bystander.sock.settimeout(world.HANG)
        self.by_data = search("ring", **kept(id="by"))
        self.by_right = self.bystander.ask(self.by_data).raw
        self.right = exchange(self.at["tcp"], search("ring"))[0]
        time.sleep(.01)
        self.usual = self.state()

    def ensure(self):
        """One that serves."""
        if self.daemon is None or self.ended() is not None:
            self.renew()

    def learn_places(self):
        self.places = shim.Places(self.page.maps, harness.program("appmsgd"))

    def state(self):
        """What must be the same when all is over."""
        return {"descriptors": len(os.listdir(f"/proc/{self.daemon.pid}/fd")),
                "threads": len(os.listdir(f"/proc/{self.daemon.pid}/task")),
                "live": self.page.live}

    def ended(self):
        """What became of a daemon that has ended, or None."""
        if self.daemon.process.poll() is None:
            return None
        if self.page.signal:
            return (f"signal {self.page.signal} at "
                    + self.places.name(self.page.crash))
        return f"ended with {self.daemon.process.returncode}"

    # The judge

    def judge(self):
        """Raise Ill where the daemon is not what it was."""
        try:
            self.judge_service()
        except (Hang, TimeoutError) as problem:
            self.judge_end()
            raise Ill(f"hangs: {problem}") from None
        except (AssertionError, OSError) as problem:
            self.judge_end()
            raise Ill(f"serves no more: {problem!r}") from None
        if (end := self.ended()) is not None:
            raise Ill(end)

    def judge_end(self):
        """Raise Ill where it is about to end, or has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.daemon.process.wait(.1)
        if (end := self.ended()) is not None:
            raise Ill(end)

    def judge_service(self):
        began = time.monotonic()
        came, _ = exchange(self.at["tcp"], search("ring"))
        took = time.monotonic() - began
        assert came == self.right, f"told {came[:200]}"
        if took > BACK + BUSY:
            raise Ill(f"back after {took:.1f} s only")
        self.bystander.send(self.by_data)
        came, _ = world.receive(self.bystander, len(self.by_right))
        assert came == self.by_right, f"a bystander is told {came[:200]}"
        if spins(self.daemon.pid, .002) and spins(self.daemon.pid, .05) \
                and spins(self.daemon.pid, .5):
            raise Ill("spins")

    def judge_rest(self):
        """At the end of a phase: what does not show at once."""
        self.judge_deadlines()
        if spins(self.daemon.pid, .1) and spins(self.daemon.pid, 1):
            raise Ill("spins")
        end = time.monotonic() + world.HANG
        while (left := self.left_behind()) and time.monotonic() < end:
            time.sleep(.05)
        if left:
            raise Ill(f"left behind {left}")

    def left_behind(self):
        state = self.state()
        most = {"descriptors": 0, "threads": 0, "live": self.grown}
        return {name: state[name] - self.usual[name] for name in most
                if state[name] - self.usual[name] > most[name]}

    def judge_deadlines(self):
        """Half a header must be given up after "timeout header"."""
        peers = [harness.Peer(self.at["tcp"]) for _ in range(4)]
        try:
            for peer in peers:
                peer.sock.settimeout(world.HANG)
                peer.send(b"\0")
            for peer in peers:
                world.receive(peer)
        except Hang:
            raise Ill("has no deadlines any more") from None
        finally:
            for peer in peers:
                peer.close()

    # The campaign

    def found(self, phase, n, problem, where=None):
        """Keep a finding: one for each place where something failed.

        where   a word for the place, if the page does not know it
        """
        words = [where] if where else (
            self.places.words(self.page.where) or ["?"])
        own = list(filter(shim.is_own, words))[:3]
        if "hangs" in str(problem) or isinstance(problem, Hang):
            self.hangs[phase] = self.hangs.get(phase, 0) + 1
        key = (str(problem)[:12], *words[:1], *own)
        if self.page.signal:
            key = tuple(self.places.words(self.page.crash)[:3])
        self.findings.setdefault(key, (
            phase, n, str(problem)[:400], " < ".join(words), []))[-1].append(n)

    def try_once(self, phase, n, act, rest=False):
        """Do it while the nth acquisition fails; whether one did."""
        self.ensure()
        problem = None
        with self.page.armed_at(n, rest):
            try:
                act()
            except (Ill, Hang) as found:
                problem = found
            except (AssertionError, ValueError, KeyError) as found:
                problem = Ill(f"wrong: {found!r}")
            except OSError:
                pass    # the judge tells what became of the daemon
            if n and self.page.failed:
                time.sleep(.001)        # for what comes behind the answer
        failed = self.page.failed
        try:
            self.judge()
        except Ill as found:
            problem = found if problem is None or self.ended() else problem
            self.put_away_ill(phase, n, problem)
            return failed
        if problem is not None:
            self.found(phase, n, problem)
            if isinstance(problem, Hang):
                self.put_away()
        return failed

    def put_away_ill(self, phase, n, problem):
        self.found(phase, n, problem)
        self.put_away()

    def count(self, act):
        """How much it acquires, when nothing fails."""
        self.ensure()
        with self.page.armed_at():
            act()
            time.sleep(.005)
        return self.page.seen

    def sample(self, count, most):
        """So many of 1 to count at random, in order; None: all."""
        if most is None or most >= count:
            return range(1, count + 1)
        return sorted(self.rng.sample(range(1, count + 1), most))

    def phase(self, name, act, most=None, rest=None):
        """Fail each thing that is acquired meanwhile, in turn.

        act     does it, and raises Ill where it does not like the outcome
        most    as many as that, chosen at random; None: all
        rest    how often all that come behind fail, too
        """
        self.ensure()
        act()
        count = self.count(act)
        for n in self.sample(count, most):
            self.try_once(name, n, act)
            if self.hangs.get(name, 0) >= HANGS:
                break
        # There may be more of them when something fails.
        n = count + 1
        while (most is None and n < 2 * count + 50
               and self.hangs.get(name, 0) < HANGS
               and self.try_once(name, n, act)):
            n += 1
        for n in self.sample(count, most if rest is None else rest):
            self.try_once(f"{name}, and the rest", n, act, rest=True)
            if self.hangs.get(f"{name}, and the rest", 0) >= HANGS:
                break
    def finish(self, phase):
        """What does not show at once: of all that was tried before."""
        if self.daemon is None:
            return
        try:
            self.judge_rest()
        except Ill as problem:
            self.page.arm()     # forget where
            self.page.disarm()
            self.put_away_ill(phase, 0, problem)

    def tell(self):
        """Fail when there are findings, and tell them."""
        lines = [f"{phase}: n={n} ({len(all_n)} such): {problem}\n"
                 f"      failed at {where}\n" for phase, n, problem, where,
                 all_n in self.findings.values()]
        if lines:
            self.fail(f"{len(lines)} findings, seed {self.seed}\n\n"
                      + "\n".join(lines))
