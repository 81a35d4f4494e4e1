#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The daemon confines itself, and does all its work inside.

Every other test runs in the sandbox, too, since it is the default; what it
refuses is tried by tests/unit/test_sandbox.c.
"""

import os
import platform
import pwd
import re
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, RING, answer, quoted, search

READ_ALL = 1 << 2       # CAP_DAC_READ_SEARCH
FILTERED = "2"          # of Seccomp in /proc/PID/status
KINDS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
SECCOMP = {"x86_64": 317, "aarch64": 277}
PRCTL = {"x86_64": 157, "aarch64": 167}

# Runs a program in which neither wall can be had, as in some containers.
REFUSING = """#!{python}
import ctypes, os, struct, sys

def code(op, k, true=0, false=0):
    return struct.pack("HBBI", op, true, false, k)

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
REFUSE = 0x00050001     # SECCOMP_RET_ERRNO, EPERM
program = b"".join((
    code(LOAD, 0),                  # the number of the call
    code(EQUAL, 444, 5),            # landlock_create_ruleset
    code(EQUAL, {seccomp}, 4),
    code(EQUAL, {prctl}, 0, 2),
    code(LOAD, 16),                 # its first argument
    code(EQUAL, 22, 1),             # PR_SET_SECCOMP
    code(RETURN, 0x7fff0000),
    code(RETURN, REFUSE)))
buffer = ctypes.create_string_buffer(program)
filter = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, filter, 0, 0) == 0
os.execv({program!r}, sys.argv)
"""


def sandbox_of(daemon):
    """What it logged: the version of Landlock or "no", and "yes" or "no"."""
    return re.search(r"sandboxed landlock=(\w+) seccomp=(\w+)",
                     daemon.log).groups()


class SandboxTest(harness.DaemonTest):
    """Daemons with a control socket."""

    def setUp(self):
        super().setUp()
        if os.environ.get("APPMSG_SANITIZERS") in ("yes", "coverage"):
            self.skipTest("this build needs what a sandbox refuses")
        os.chmod(self.directory, 0o755)
        self.lines = [f"listen {LOOPBACK} 0", self.control_line(),
                      "workers 2"]

    def status(self, daemon, name):
        """A line of each thread's status; they must be the same."""
        tasks = os.listdir(f"/proc/{daemon.pid}/task")
        values = {" ".join(harness.status_of(f"{daemon.pid}/task/{task}",
                                             name)) for task in tasks}
        self.assertEqual(len(values), 1, name)
        return values.pop()

    def capabilities(self, daemon):
        return {kind: int(self.status(daemon, kind), 16) for kind in KINDS}

    def reload(self, *lines):
        """Reload with these lines beside the usual ones."""
        self.write_config(*self.lines, *lines, *harness.TUTORIAL_LINES)
        return self.control("reload")

    def assert_reloads(self, *lines):
        done = self.reload(*lines)
        self.assertEqual(done.returncode, 0, done)


class State(SandboxTest):
    """What the kernel says of the process."""

    def test_default(self):
        """All threads are filtered, and can get no rights."""
        daemon = self.start(*self.lines)
        self.assertEqual(self.status(daemon, "NoNewPrivs"), "1")
        seccomp = sandbox_of(daemon)[1]
        self.assertEqual(self.status(daemon, "Seccomp"),
                         FILTERED if seccomp == "yes" else "0")
        self.assert_serves(daemon.address)

    def test_off(self):
        """sandbox no: no filter, but no new rights either."""
        before = harness.status_of("self", "Seccomp")[0]
        daemon = self.start(*self.lines, "sandbox no")
        self.assertEqual(self.status(daemon, "Seccomp"), before)
        self.assertEqual(self.status(daemon, "NoNewPrivs"), "1")
        self.assertNotIn("sandboxed", daemon.log)
        self.assert_serves(daemon.address)

    def test_capabilities(self):
        """None is left but the one to read, and that to who had it."""
        had = int(harness.status_of("self", "CapPrm")[0], 16)
        for line in ("sandbox yes", "sandbox no"):
            with self.subTest(line):
                daemon = self.start(*self.lines, line)
                caps = self.capabilities(daemon)
                if os.geteuid() == 0:
                    self.assertEqual(caps.pop("CapBnd"), 0)
                else:
                    caps.pop("CapBnd")
                self.assertEqual(caps, {
                    "CapInh": 0, "CapAmb": 0, "CapPrm": had & READ_ALL,
                    "CapEff": had & READ_ALL})
                daemon.stop()

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_user(self):
        """With user, no capability is left anywhere, and no way to one."""
        for line in ("sandbox yes", "sandbox no"):
            with self.subTest(line):
                daemon = self.start(*self.lines, "user nobody", line)
                self.assertEqual(self.capabilities(daemon),
                                 dict.fromkeys(KINDS, 0))
                self.assertEqual(self.status(daemon, "NoNewPrivs"), "1")
                # Not to be traced by that user's other processes.
                self.assertEqual(os.stat(f"/proc/{daemon.pid}/status").st_uid,
                                 0)
                daemon.stop()

    def test_names(self):
        """Threads have names, though none may write another's."""
        daemon = self.start(*self.lines)

        def names():
            found = set()
            for task in os.listdir(f"/proc/{daemon.pid}/task"):
                with open(f"/proc/{daemon.pid}/task/{task}/comm") as file:
                    found.add(file.read().strip())
            return found

        harness.wait_until(lambda: {"worker 0", "worker 1"} <= names(),
                           "each worker has named itself")


class Work(SandboxTest):
    """What is done after the start."""

    def test_reload_elsewhere(self):
        """Files in folders that nobody had named at the start."""
        daemon = self.start(*self.lines)
        for name in ("a", "b"):
            self.write(f"elsewhere/{name}.tsv", f"{name}\tanswer of {name}\n")
        self.write_config(answer("c", "answer of c"), name="other/c.conf")
        self.assert_reloads(
            f"table t file {quoted(self.path('elsewhere/*.tsv'))}",
            f"include {quoted(self.path('oth*/*.conf'))}")
        for name in ("a", "b", "c"):
            self.assertEqual(
                harness.ask(daemon.address, search(name)),
                harness.plain_reply(f"answer of {name}"))
        for order in (("diff",), ("rollback",), ("explain", "ring")):
            self.assertEqual(self.control(*order).returncode, 0, order)
        self.assert_serves(daemon.address)

    def test_regex_later(self):
        """Without leave for machine code, expressions work without."""
        daemon = self.start(*self.lines)
        self.write("t.tsv", "bern\tSwitzerland\nbergen\tNorway\n")
        done = self.reload("table t file t.tsv search=regex")
        if "PCRE2" in done.stderr:
            self.skipTest("no PCRE2")
        self.assertEqual(done.returncode, 0, done)
        content = harness.to_json({"action": "search", "value": "^b.*n$",
                                   "match": "regex"})
        reply = harness.ask_reply(daemon.address, harness.request(content))
        self.assertEqual([m["key"] for m in harness.strict_json(
            reply.content)["matches"]], ["bergen", "bern"])

    def test_cannot_change(self):
        """A reload says that it takes a restart."""
        daemon = self.start(*self.lines)
        done = self.reload("sandbox no")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{daemon.config}:4: a reload cannot change sandbox; "
                      "restart for that", done.stderr)
        self.assert_reloads("sandbox yes")
        self.assert_serves(daemon.address)

    def test_pidfile(self):
        """It is moved only by who may write to the new folder."""
        os.mkdir(self.path("one"))
        os.mkdir(self.path("two"))
        for line, moves in (("sandbox no", True), ("sandbox yes", False)):
            with self.subTest(line):
                daemon = self.start(*self.lines, line,
                                    f"pidfile {self.path('one/pid')}")
                if not moves and sandbox_of(daemon)[0] == "no":
                    self.skipTest("no Landlock here")
                self.assertTrue(os.path.exists(self.path("one/pid")))
                self.assert_reloads(line, f"pidfile {self.path('two/pid')}")
                self.assertFalse(os.path.exists(self.path("one/pid")))
                self.assertEqual(os.path.exists(self.path("two/pid")), moves)
                if not moves:
                    daemon.wait_log("cannot write pidfile=.*/two/pid")
                daemon.stop()
                self.assertEqual(os.listdir(self.path("two")), [])

    def test_pidfile_in_its_folder(self):
        """There it is moved by all but root."""
        os.mkdir(self.path("run"))
        lines = []
        if os.geteuid() == 0:
            lines.append("user nobody")
            os.chown(self.path("run"), pwd.getpwnam("nobody").pw_uid, -1)
        daemon = self.start(*self.lines, *lines,
                            f"pidfile {self.path('run/one')}")
        self.assert_reloads(*lines, f"pidfile {self.path('run/two')}")
        self.assertEqual(os.listdir(self.path("run")), ["two"])
        with open(self.path("run/two")) as file:
            self.assertEqual(file.read().strip(), str(daemon.pid))
        daemon.stop()
        self.assertEqual(os.listdir(self.path("run")), [])

    def test_access_log(self):
        """It is opened again after it was renamed, and stays in its folder.
        """
        os.mkdir(self.path("log"))
        os.mkdir(self.path("other"))
        log = f"log access={self.path('log/access')}"
        other = f"log access={self.path('other/access')}"
        daemon = self.start(*self.lines, log)
        os.rename(self.path("log/access"), self.path("log/access.1"))
        self.assert_reloads(log)
        self.assert_serves(daemon.address)
        harness.wait_until(
            lambda: os.path.getsize(self.path("log/access")) > 0, "a line")
        if sandbox_of(daemon)[0] == "no":
            self.skipTest("no Landlock here")
        done = self.reload(other)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "access log .*/other/access: "
                         "Permission denied\n.*a restart opens it")
        self.assertEqual(os.listdir(self.path("other")), [])

    def test_paths_are_removed(self):
        """The sockets and the pidfile are gone at the end."""
        os.mkdir(self.path("run"))
        daemon = self.start(*self.lines, f"listen {self.path('run/socket')}",
                            f"pidfile {self.path('run/pid')}")
        self.assertEqual(sorted(os.listdir(self.path("run"))),
                         ["pid", "socket"])
        daemon.stop()
        self.assertEqual(os.listdir(self.path("run")), [])
        self.assertFalse(os.path.exists(self.path("control.sock")))


class Refused(SandboxTest):
    """In a container whose own filter refuses what a sandbox takes."""

    def test_goes_on(self):
        """It warns of each wall, once, and serves."""
        machine = platform.machine()
        if machine not in SECCOMP:
            self.skipTest(f"the numbers of {machine} are not known here")
        script = self.write("appmsgd", REFUSING.format(
            python=sys.executable, seccomp=SECCOMP[machine],
            prctl=PRCTL[machine], program=harness.program("appmsgd")))
        os.chmod(script, 0o755)
        own, os.environ["APPMSGD"] = os.environ["APPMSGD"], script
        try:
            daemon = self.start(*self.lines)
        finally:
            os.environ["APPMSGD"] = own
        self.assertEqual(sandbox_of(daemon), ("no", "no"))
        if os.path.exists("/usr/include/linux/landlock.h"):
            self.assertEqual(daemon.log.count("sandbox without Landlock"), 1)
        self.assertLessEqual(daemon.log.count("sandbox without seccomp"), 1)
        self.assert_reloads()
        self.assertEqual(harness.ask(daemon.address, search("ring")),
                         harness.plain_reply(RING))


if __name__ == "__main__":
    harness.main()
