#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Each system call that the daemon makes while it serves fails, now and
then, in each way that Linux has for it.

strace(1) attaches to a daemon, refuses some of its calls while it does some
of everything, and leaves; what comes of it is judged as when memory fails.
Here it is a sample, another one each time; APPMSG_SEED repeats it.
slow_syscalls.py takes all of them.
"""

import collections
import functools
import os
import re
import shutil
import subprocess
import time
import unittest

import acts
import trial
import world
from trial import Ill
from world import Hang, harness

SAMPLE = 12         # cases
REST = 1.0          # seconds within which a daemon is idle, if it ever is
MANY = 8            # calls of a thread of which each fails, then some
LATEST = {"accept4": 2}     # where service is back in a second only

# What may happen to each.  Of those that read and write it is what sockets
# and files have in common, with what else they are used for.
ERRORS = {
    "accept4": "EAGAIN EINTR ECONNABORTED EMFILE ENFILE ENOBUFS ENOMEM EPERM "
               "EPROTO",
    "brk": "ENOMEM",
    "clock_nanosleep": "EINTR",
    "clone": "EAGAIN ENOMEM",
    "clone3": "EAGAIN ENOMEM ENOSYS",
    "dup3": "EBUSY EINTR EMFILE",
    "epoll_wait": "EINTR",
    "fadvise64": "EINVAL",
    "fstat": "EIO ENOMEM",
    "getdents64": "EIO ENOMEM",
    "getpeername": "ENOBUFS ENOTCONN",
    "getrandom": "EAGAIN EINTR ENOSYS",
    "getsockname": "ENOBUFS",
    "getsockopt": "ENOBUFS",
    "ioctl": "EINVAL",
    "lseek": "EINVAL",
    "madvise": "EAGAIN ENOMEM",
    "mmap": "EAGAIN ENOMEM",
    "mprotect": "ENOMEM",
    "mremap": "EAGAIN ENOMEM",
    "munmap": "ENOMEM",
    "newfstatat": "EACCES EIO ENOENT ENOMEM",
    "openat": "EACCES EINTR EIO EMFILE ENFILE ENOENT ENOMEM",
    "poll": "EINTR ENOMEM",
    "pread64": "EINTR EIO",
    "read": "EAGAIN EINTR",
    "readv": "EAGAIN ECONNRESET EINTR ENOMEM ETIMEDOUT",
    "recvfrom": "EAGAIN ECONNRESET EINTR ENOMEM ETIMEDOUT",
    "sendto": "EAGAIN ECONNRESET EINTR ENOBUFS ENOMEM EPIPE",
    "setpriority": "EACCES EPERM",
    "setsockopt": "ENOBUFS ENOMEM",
    "shutdown": "ENOTCONN",
    "writev": "EAGAIN ECONNRESET EINTR ENOBUFS ENOMEM EPIPE",
}

# Of files only: to an eventfd nothing of the kind happens.
LOG_ERRORS = {"write": "EAGAIN EDQUOT EINTR EIO ENOSPC"}

# They cannot fail, but by a mistake or by a signal that is handled anyhow;
# or but for one use that strace(1) does not know from others, and the shim
# does: epoll_ctl(2) may have no memory for what is added.
SAFE = ("clock_gettime close epoll_ctl exit futex geteuid getpid getppid "
        "gettid getuid prctl prlimit64 restart_syscall rseq rt_sigprocmask "
        "rt_sigreturn sched_yield set_robust_list write").split()

ASKED = ("hit", "unix", "pipelined", "long pieces", "large", "large unix",
         "half close", "incomplete", "echo", "prefix", "regex", "blob")

PAGES = (("http", "/stats.json"), ("http unix", "/healthz"),
         ("search", "/v1/search?q=tsv&match=prefix"))


class Syscalls(acts.Requests, acts.Pages, acts.Control, acts.Reloads):
    """A daemon, and strace when it is wanted."""

    most = SAMPLE

    def setUp(self):
        super().setUp()
        if shutil.which("strace") is None:
            raise unittest.SkipTest("no strace here")
        self.asked = {}
        self.strace = None
        self.addCleanup(self.detach)

    def renew(self):
        super().renew()
        while len(self.asked) < 2:
            self.asked[self.serving] = self.learn()
            for page in PAGES:
                self.get_once(*page)
            self.reload_once()

    # What it does meanwhile

    def serve_all(self):
        """All but loads; raises the first thing that is wrong."""
        asked = self.asked[self.serving]
        tries = [functools.partial(self.ask_once, asked[name])
                 for name in ASKED]
        tries += [functools.partial(self.order_once, name)
                  for name in ("status", "stats")]
        tries += [functools.partial(self.get_once, *page) for page in PAGES]
        problems = []
        for one in tries:
            try:
                one()
            except (Ill, Hang) as problem:
                problems.append(problem)
            except (AssertionError, ValueError, KeyError) as problem:
                problems.append(Ill(f"wrong: {problem!r}"))
            except OSError:
                pass        # the judge tells what became of the daemon
        if problems:
            raise problems[0]

    def scenarios(self):
        return {"serve": self.serve_all, "reload": self.reload_once,
                "rollback": self.rollback_once, "diff": self.diff_once}

    def calm(self):
        self.detach()

    def attach(self, *options):
        """Have strace look at the daemon, and refuse what options say."""
        tasks = f"/proc/{self.daemon.pid}/task"
        self.strace = strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-p", str(self.daemon.pid), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)

        def attached():
            if strace.poll() is not None:
                raise unittest.SkipTest(
                    f"strace: {strace.stderr.read().decode()[:200]}")
            return all(harness.status_of(f"{self.daemon.pid}/task/{task}",
                                         "TracerPid") != ["0"]
                       for task in os.listdir(tasks))

        harness.wait_until(attached, "strace is attached", poll=.001)

    def at_rest(self):
        """Whether no thread is on its way through a system call."""
        tasks = f"/proc/{self.daemon.pid}/task"
        try:
            return all(harness.status_of(f"{self.daemon.pid}/task/{task}",
                                         "State")[0] == "S"
                       for task in os.listdir(tasks))
        except OSError:     # one has ended
            return False

    def detach(self):
        if self.strace is not None:
            # When it goes, a call that it is just refusing fails with ENOSYS,
            # which no kernel says of it.
            end = time.monotonic() + REST
            while (self.daemon is not None and time.monotonic() < end
                   and not self.at_rest()):
                time.sleep(.002)
            self.strace.terminate()
            self.strace.wait(harness.DEADLINE)
            self.strace.stderr.close()
        self.strace = None

    def calls(self, scenario):
        """Its system calls: how often a thread makes each."""
        out = self.path("strace.out")
        self.attach("-o", out)
        scenario()
        self.detach()
        with open(out, errors="replace") as file:
            found = collections.Counter(
                re.findall(r"(?m)^(\d+) +(\w+)\(", file.read()))
        calls = collections.Counter()
        for (_, name), count in found.items():
            calls[name] = max(calls[name], count)
        return calls

    # The cases

    def cases(self, scenario, calls):
        """All of (scenario, options of strace, words)."""
        found = []
        for errors, options in ((ERRORS, ()), (LOG_ERRORS, (
                "-P", self.path("access.log")))):
            for name, count in sorted(calls.items()):
                for error in errors.get(name, "").split():
                    for when in self.whens(name, count):
                        case = f"{name}:error={error}:when={when}"
                        found.append((scenario, [
                            *options, "-e", f"trace={name}",
                            "-e", f"inject={case}"], case))
        return found

    def whens(self, name, count):
        """Which calls of a thread fail: the first ones, some, and many."""
        latest = LATEST.get(name, MANY)
        whens = list(range(1, min(count, latest) + 1))
        if count > latest:
            whens.append(self.rng.randint(latest + 1, count))
        # Of a loop's only call strace(1) may leave one half done at its end.
        return whens if name == "epoll_wait" else [*whens, "1+2"]

    def try_case(self, scenario, options, case):
        self.ensure()
        problem, phase = None, f"{scenario}, {case}"
        try:
            self.attach("-o", "/dev/null", *options)
            self.scenarios()[scenario]()
        except (Ill, Hang) as found:
            problem = found
        except (AssertionError, ValueError, KeyError) as found:
            problem = Ill(f"wrong: {found!r}")
        except OSError:
            pass        # the judge tells what became of the daemon
        finally:
            self.detach()
        try:
            self.judge()
            self.serving = self.settled()
        except (Ill, Hang) as found:
            problem = found if problem is None or self.ended() else problem
            self.put_away()
        if problem is not None:
            self.found(phase, 0, problem, case.rpartition(":")[0])

    def test_serving(self):
        self.renew()
        cases, known = [], {*ERRORS, *LOG_ERRORS, *SAFE}
        for name, scenario in self.scenarios().items():
            scenario()
            calls = self.calls(scenario)
            if self.most is None:
                self.assertEqual(set(calls) - known, set(),
                                 "calls of which this test knows nothing")
            cases += self.cases(name, calls)
        if self.most is not None:
            cases = self.rng.sample(cases, min(self.most, len(cases)))
        for number, case in enumerate(cases, 1):
            self.try_case(*case)
            if number % 200 == 0:
                self.finish("system calls")
        self.finish("system calls")
        self.tell()


if __name__ == "__main__":
    harness.main()
