#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Who may use the control socket: root, the daemon's user, one group.

The system's modes keep others out; where those are opened, the daemon does.
"""

import glob
import grp
import os
import pwd
import shutil
import stat
import subprocess
import sys
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, program, quoted

USER = "nobody"         # whom the daemon becomes
STRANGER = 54321        # a user and a group that nobody is in
OTHERS = 8              # connections of strangers that are kept for a while


class PeersTest(harness.DaemonTest):
    """A daemon with a control socket that a group may use."""

    def serve(self, group, *lines):
        os.chmod(self.directory, 0o755)
        self.socket = self.path("control.sock")
        option = "" if group is None else f" group={group}"
        self.base = [f"listen {LOOPBACK} 0", self.control_line() + option,
                     *lines]
        return self.start(*self.base)

    def mode(self):
        return stat.S_IMODE(os.stat(self.socket).st_mode)


class Own(PeersTest):
    """Without a right but one's own."""

    def own_group(self):
        try:
            return grp.getgrgid(os.getegid()).gr_name
        except KeyError:
            self.skipTest("this process is in a group without a name")

    def test_without_a_group(self):
        self.serve(None)
        self.assertEqual(self.mode(), 0o600)
        self.assertEqual(self.control("status").returncode, 0)

    def test_with_a_group(self):
        group = self.own_group()
        daemon = self.serve(group)
        self.assertEqual(self.mode(), 0o660)
        self.assertEqual(os.stat(self.socket).st_gid, os.getegid())
        self.assertEqual(self.control("status").returncode, 0)
        shown = harness.run(program("appmsgd"), "-T", "-f", daemon.config)
        self.assertIn(f"control {quoted(self.socket)} "
                      f"group={quoted(group)}\n", shown.stdout)

    def test_reload_cannot_change_it(self):
        self.serve(self.own_group())
        self.write_config(self.base[0], self.control_line())
        done = self.control("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn(":2: a reload cannot change control", done.stderr)

    def test_unknown_group(self):
        """Told with file and line, before anything starts."""
        config = self.write_config(f"listen {LOOPBACK} 0",
                                   f"{self.control_line()} group=no-such")
        for args in (("-n",), ("-d",)):
            done = harness.run(program("appmsgd"), *args, "-f", config)
            self.assertEqual((done.returncode, done.stderr), (
                78, f'{config}:2: unknown group "no-such"\n'))

    def test_group_of_others(self):
        """Who cannot give it away does not start."""
        group = "root" if os.geteuid() != 0 else Others.GROUP
        config = self.write_config(f"listen {LOOPBACK} 0",
                                   f"{self.control_line()} group={group}")
        done = harness.run(*harness.powerless(), program("appmsgd"), "-d",
                           "-f", config)
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"{config}:2: cannot give the control socket to "
                      f"group={group}: ", done.stderr)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Others(PeersTest):
    """Processes of other users, which only root can start."""

    GROUP = "games"

    def setUp(self):
        super().setUp()
        try:
            self.gid = grp.getgrnam(self.GROUP).gr_gid
            self.user = pwd.getpwnam(USER)
        except KeyError as missing:
            self.skipTest(str(missing))
        self.copy_program()

    def copy_program(self):
        """A copy with its library: the build may be in a private folder."""
        source = program("appmsgctl")
        self.program = shutil.copy(source, self.directory)
        for lib in glob.glob(os.path.join(os.path.dirname(source),
                                          "libappmsg.so*")):
            shutil.copy(lib, self.directory)

    def become(self, uid, gid=STRANGER, groups=(), args=("status",)):
        """Run appmsgctl as somebody: its process id, status and output."""
        process = subprocess.Popen(
            [self.program, "-s", self.socket, *args], user=uid, group=gid,
            extra_groups=groups, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
            text=True, env=harness.environment(
                LD_LIBRARY_PATH=self.directory))
        out, errors = process.communicate(timeout=harness.DEADLINE)
        harness.no_reports(errors)
        return process.pid, process.returncode, out, errors

    def assert_allowed(self, *args, **kwargs):
        _, status, out, errors = self.become(*args, **kwargs)
        self.assertEqual((status, errors), (0, ""))
        self.assertTrue(out.startswith("serving\n"), out)

    def assert_refused(self, *args, **kwargs):
        """By the daemon or by the system: the status is the same."""
        pid, status, out, errors = self.become(*args, **kwargs)
        self.assertEqual((status, out), (77, ""), errors)
        self.assertNotEqual(errors, "")
        return pid, errors

    def test_modes_keep_others_out(self):
        self.serve(None)
        for uid in (STRANGER, self.user.pw_uid):
            _, said = self.assert_refused(uid)
            self.assertIn("Permission denied; try as root, or with control "
                          "group=", said)

    def test_who_comes_in_all_the_same(self):
        """A socket that was opened for all still serves no stranger."""
        daemon = self.serve(None)
        os.chmod(self.socket, 0o666)
        pid, said = self.assert_refused(STRANGER, args=("reload",))
        self.assertEqual(
            said, f"uid {STRANGER} may not control this daemon\n")
        daemon.wait_log(rf"control denied uid={STRANGER} gid={STRANGER} "
                        rf"pid={pid} before=0$")
        self.assert_allowed(0)
        self.assertNotIn("reload", daemon.log)

    def test_json(self):
        """The reason is one object, and the status the same."""
        self.serve(None)
        os.chmod(self.socket, 0o666)
        _, status, out, errors = self.become(
            STRANGER, args=("--json", "status"))
        self.assertEqual((status, errors, out), (77, "", (
            f'{{"result":"uid {STRANGER} may not control this daemon"}}\n')))

    def test_members_of_the_group(self):
        """By their first group or by another one."""
        self.serve(self.GROUP)
        where = os.stat(self.socket)
        self.assertEqual((where.st_uid, where.st_gid, self.mode()),
                         (0, self.gid, 0o660))
        self.assert_allowed(STRANGER, self.gid)
        self.assert_allowed(STRANGER, groups=[7, self.gid, 9])
        self.assert_allowed(0)
        self.assert_refused(STRANGER)
        self.assert_refused(STRANGER, groups=[7, 9])
        os.chmod(self.socket, 0o666)
        self.assert_allowed(STRANGER, self.gid)
        self.assert_allowed(STRANGER, groups=[7, self.gid, 9])
        self.assert_refused(STRANGER)
        self.assert_refused(STRANGER, groups=[7, 9])

    def test_the_daemon_s_user(self):
        """Besides root and a group: the user that it becomes."""
        for group, gid in ((None, self.user.pw_gid), (self.GROUP, self.gid)):
            daemon = self.serve(group, f"user {USER}")
            where = os.stat(self.socket)
            self.assertEqual((where.st_uid, where.st_gid),
                             (self.user.pw_uid, gid))
            self.assert_allowed(self.user.pw_uid)
            self.assert_allowed(0)
            if group is not None:
                self.assert_allowed(STRANGER, groups=[gid])
            os.chmod(self.socket, 0o666)
            self.assert_refused(STRANGER)
            daemon.stop()

    def test_warnings_are_counted(self):
        """One who tries often is told of once, the next one at once."""
        daemon = self.serve(None)
        os.chmod(self.socket, 0o666)
        for _ in range(5):
            self.assert_refused(STRANGER)
        self.assert_refused(STRANGER + 1)
        daemon.wait_log(f"uid={STRANGER + 1} .* before=4$")
        self.assertEqual(daemon.log.count("control denied"), 2)

    def test_strangers_do_not_crowd_out(self):
        """However many of them connect and wait, root is served."""
        self.serve(None)
        os.chmod(self.socket, 0o666)
        child = subprocess.Popen(
            [sys.executable, "-c", CROWD, self.socket],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with child:
            self.assertEqual(child.stdout.readline(), b"closed 192\n")
            self.assert_allowed(0)
            child.stdin.close()
            self.assertEqual(child.wait(harness.DEADLINE), 0)


# Becomes a stranger and connects 200 times; says when all but those that are
# kept were closed.
CROWD = f"""
import os, select, socket, sys
os.setgroups([])
os.setresgid({STRANGER}, {STRANGER}, {STRANGER})
os.setresuid({STRANGER}, {STRANGER}, {STRANGER})
crowd = [socket.socket(socket.AF_UNIX) for _ in range(200)]
for one in crowd:
    one.connect(sys.argv[1])
left = set(crowd)
while len(left) > {OTHERS}:
    for one in select.select(list(left), [], [])[0]:
        assert one.recv(1) == b""
        left.remove(one)
print("closed", 200 - len(left), flush=True)
sys.stdin.read()
"""


if __name__ == "__main__":
    harness.main()
