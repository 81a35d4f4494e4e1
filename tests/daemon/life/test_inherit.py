#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Sockets from the service manager, by a socket unit or from its keeping."""

import grp
import os
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
import manager
from harness import LOOPBACK, RING, kept, plain_reply, search

CLOEXEC = 0o2000000     # as /proc shows it
NONBLOCK = 0o4000
GRACE = 0.18    # seconds; a little less than the daemon waits for requests


def line(address):
    """The listen line for a socket's address."""
    if isinstance(address, str):
        return f"listen {address}"
    return f"listen {address[0]} {address[1]}"


class Activation(manager.ManagedTest):
    """What a socket unit hands over."""

    def test_served_from_the_first_byte(self):
        """Requests that came before the daemon are answered."""
        socks = [self.listener(), self.listener(self.path("one")),
                 self.listener()]
        addresses = [sock.getsockname() for sock in socks]
        peers = [self.peer(address) for address in addresses]
        for peer in peers:
            peer.send(search("ring"))
        # In another order than the lines, and one that has none inherited.
        daemon = self.manage(
            *map(line, addresses), f"listen {LOOPBACK} 0",
            sockets=socks[::-1], names=["c", "b", "a"])
        for peer in peers:
            self.assertEqual(peer.to_end(), plain_reply(RING))
        self.assertEqual(daemon.addresses[:3], addresses)
        self.assertEqual(daemon.log.count("inherited=yes"), 3)
        self.assertNotIn("not configured", daemon.log)
        self.assert_serves(daemon.addresses[3])

    def test_control(self):
        """The control line has its socket, too."""
        path = self.path("control.sock")
        sock = self.listener(path)
        daemon = self.manage(self.control_line(), sockets=[sock])
        self.assertIn("serving", self.control("status").stdout)
        daemon.stop()
        self.assertTrue(os.path.exists(path))

    @unittest.skipUnless(harness.has_ipv6(), "no IPv6 on the loopback")
    def test_ipv6(self):
        """An address of v6 is compared as well as one of v4."""
        sock = self.listener(("::1", 0), socket.AF_INET6)
        daemon = self.manage(line(sock.getsockname()), sockets=[sock])
        self.assertIn("inherited=yes", daemon.log)
        self.assert_serves(daemon.address)

    @unittest.skipUnless(harness.has_ipv6(), "no IPv6 on the loopback")
    def test_v6_is_v6_only(self):
        """A socket that takes IPv4 too is none for the line "::"."""
        for only, status in ((1, 0), (0, 78)):
            sock = socket.socket(socket.AF_INET6)
            self.addCleanup(sock.close)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
            sock.bind(("::", 0))
            sock.listen()
            listen = line(sock.getsockname())
            if status == 0:
                self.manage(listen, sockets=[sock]).stop()
                continue
            with self.assertRaisesRegex(AssertionError, "takes IPv4 too"):
                self.manage(listen, sockets=[sock])

    def test_unit_in_the_way(self):
        """It goes on listening: that is told, and not waited for."""
        notified = manager.Notified(self.path("notify"))
        self.addCleanup(notified.close)
        pairs = [((LOOPBACK, 0), "0.0.0.0"), (("0.0.0.0", 0), LOOPBACK)]
        if harness.has_ipv6():
            pairs += [(("::1", 0), "::"), (("::", 0), "::1"),
                      (("::", 0), LOOPBACK)]
        for address, listen in pairs:
            sock = self.listener(address, socket.AF_INET6 if ":" in address[0]
                                 else socket.AF_INET)
            port = sock.getsockname()[1]
            with self.subTest(address=address, listen=listen), \
                    self.assertRaisesRegex(
                        AssertionError, r"\.conf:1: cannot listen on .*: "
                        "Address already in use; the socket unit has this "
                        "port at an address of no listen line"):
                self.manage(f"listen {listen} {port}", sockets=[sock],
                            env=notified.environment())
        notified.forget()
        self.assertEqual(notified.told, [])

    def test_flags(self):
        """Closed on exec, and non-blocking, whatever they came with."""
        sock = self.listener()
        daemon = self.manage(line(sock.getsockname()), sockets=[sock])
        harness.needs_proc()
        with open(f"/proc/{daemon.pid}/fdinfo/3") as file:
            fields = dict(row.split(":\t") for row in file if ":\t" in row)
        flags = int(fields["flags"], 8)
        self.assertEqual(flags & CLOEXEC, CLOEXEC)
        self.assertEqual(flags & NONBLOCK, NONBLOCK)

    def test_one_that_is_shut_down(self):
        """Its owner ends it: the daemon says so, and does not spin."""
        socks = [self.listener(), self.listener()]
        messages, http = (line(sock.getsockname()) for sock in socks)
        daemon = self.manage(messages, f"listen {LOOPBACK} 0",
                             f"{http} service=http", "workers 1",
                             sockets=socks)
        for sock in socks:
            sock.shutdown(socket.SHUT_RDWR)
        daemon.wait_log("accept paused before=0: Invalid argument")
        daemon.wait_log(
            r"accept paused service=http before=\d+: Invalid argument")
        harness.wait_until(daemon.is_idle, "it does not spin")
        self.assert_serves(daemon.addresses[1])

    def test_one_that_no_line_names(self):
        """It is told, and closed, so that the kernel refuses its peers."""
        sock = self.listener()
        address = sock.getsockname()
        daemon = self.manage(sockets=[sock])
        self.assertIn("inherited socket is not configured, closed "
                      f"address={LOOPBACK}:{address[1]}", daemon.log)
        sock.close()
        with self.assertRaises(ConnectionRefusedError):
            harness.Peer(address)
        self.assert_serves(daemon.address)

    def test_port_0(self):
        """It is no address: the socket is not for that line."""
        sock = self.listener()
        daemon = self.manage(f"listen {LOOPBACK} 0", sockets=[sock])
        self.assertNotIn("inherited=yes", daemon.log)
        self.assertNotEqual(daemon.port, sock.getsockname()[1])
        self.assert_serves(daemon.address)

    def test_what_cannot_be_listened_on(self):
        """A pipe, a datagram socket and a closed descriptor are left out."""
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        sock = self.listener()
        daemon = self.manage(
            line(sock.getsockname()), env={"LISTEN_FDS": "5"},
            sockets=[read, self.listener(kind=socket.SOCK_DGRAM), sock])
        self.assertEqual(daemon.log.count("no listening stream socket"), 4)
        self.assert_serves(sock.getsockname())

    def test_of_another_process(self):
        """LISTEN_PID of somebody else: nothing of it is ours."""
        sock = self.listener()
        for pid in ("1", "0", "-1", "self ", ""):
            with self.subTest(pid=pid):
                daemon = self.manage(sockets=[sock], env={"LISTEN_PID": pid})
                self.assertNotIn("nherited", daemon.log)
                daemon.stop()

    def test_wrong_number(self):
        """A LISTEN_FDS that is no number is told."""
        for number in ("x", "-1", "99999999999"):
            with self.subTest(number=number):
                daemon = self.manage(sockets=[self.listener()],
                                     env={"LISTEN_FDS": number})
                self.assertIn("LISTEN_FDS is ", daemon.log)
                self.assert_serves(daemon.address)
                daemon.stop()

    def test_path_that_is_gone(self):
        """Such a socket can never be reached: a new one is bound."""
        path = self.path("socket")
        sock = self.listener(path)
        os.unlink(path)
        daemon = self.manage(f"listen {path}", sockets=[sock])
        self.assertIn("not configured", daemon.log)
        self.assert_serves(path)
        daemon.stop()
        self.assertFalse(os.path.exists(path))

    def test_in_the_background(self):
        """The number of the process changes; the sockets stay its own."""
        sock = self.listener()
        pidfile = self.path("pid")
        config = self.configure(line(sock.getsockname()),
                                f"pidfile {pidfile}")
        subprocess.run(
            ["sh", "-c", 'LISTEN_PID=$$ exec "$@" 3<&0 0</dev/null', "sh",
             harness.program("appmsgd"), "-f", config], check=True,
            stdin=sock, timeout=harness.DEADLINE, stderr=subprocess.DEVNULL,
            env=harness.environment(LISTEN_FDS="1"))
        address = sock.getsockname()
        sock.close()
        self.assert_serves(address)
        with open(pidfile) as file:
            os.kill(int(file.read()), 15)

        def gone():
            try:
                harness.Peer(address).close()
            except ConnectionRefusedError:
                return True
            except ConnectionResetError:
                pass
            return False

        harness.wait_until(gone, "the daemon has ended")

    def test_still_open_after_the_end(self):
        """Who comes between two daemons is served by the second."""
        socks = [self.listener(), self.listener(self.path("one"))]
        addresses = [sock.getsockname() for sock in socks]
        for _ in range(3):
            daemon = self.manage(*map(line, addresses), sockets=socks)
            for address in addresses:
                self.assert_serves(address)
            daemon.stop()
            self.assertNotIn("cannot", daemon.log)
            peers = [self.peer(address) for address in addresses]
            for peer in peers:
                peer.send(search("ring"))
            daemon = self.manage(*map(line, addresses), sockets=socks)
            for peer in peers:
                self.assertEqual(peer.to_end(), plain_reply(RING))
            daemon.stop()


class Keeping(manager.ManagedTest):
    """Sockets that one daemon leaves for the next."""

    def setUp(self):
        super().setUp()
        self.manager = manager.Notified(self.path("notify"))
        self.addCleanup(self.manager.close)

    def run_daemon(self, *lines, **kwargs):
        """One that is ready, with what is kept; what it said before."""
        self.manager.told.clear()
        daemon = self.manage(*lines, env=self.manager.environment(),
                             **self.manager.kept(), **kwargs)
        self.manager.wait("READY=1")
        return daemon, list(self.manager.told)

    def test_left_and_found(self):
        """Each once, before READY, and the next daemon has them all."""
        paths = [self.path("one"), self.path("control.sock")]
        lines = (f"listen {LOOPBACK} {harness.free_port()}",
                 f"listen {paths[0]}", f"listen {LOOPBACK} 0",
                 self.control_line())
        daemon, told = self.run_daemon(*lines)
        self.assertEqual(told.count("FDSTORE=1"), 3)    # not port 0's
        self.assertEqual(told.count("FDPOLL=0"), 3)
        self.assertEqual(set(self.manager.store),
                         {f"kept {LOOPBACK}-{daemon.port}",
                          *(f"kept {path}" for path in paths)})
        for _ in range(3):
            daemon.stop()
            for path in paths:
                self.assertTrue(os.path.exists(path), path)
            peers = [self.peer(a) for a in daemon.addresses[:2]]
            daemon, told = self.run_daemon(*lines)
            self.assertNotIn("FDSTORE=1", told)
            self.assertEqual(daemon.log.count("inherited=yes"), 2)
            for peer in peers:
                peer.send(search("ring"))
                self.assertEqual(peer.to_end(), plain_reply(RING))
            self.assertIn("serving", self.control("status").stdout)
            self.assertNotIn("not configured", daemon.log)

    def test_forgotten(self):
        """The manager is told to forget what is not configured any more."""
        old, new = harness.free_port(), harness.free_port()
        daemon, _ = self.run_daemon(f"listen {LOOPBACK} {old}")
        daemon.stop()
        daemon, _ = self.run_daemon(f"listen {LOOPBACK} {new}")
        self.assertEqual(self.manager.removed, [f"kept {LOOPBACK}-{old}"])
        self.assertEqual(list(self.manager.store),
                         [f"kept {LOOPBACK}-{new}"])
        with self.assertRaises(ConnectionRefusedError):
            harness.Peer((LOOPBACK, old))
        self.assert_serves((LOOPBACK, new))

    def test_lines_that_change(self):
        """From each address to each other one, by one start."""
        port = harness.free_port()
        os.mkdir(self.path("folder"))
        os.symlink("folder", self.path("link"))
        addresses = [(LOOPBACK, port), ("0.0.0.0", port),
                     (LOOPBACK, harness.free_port()),
                     self.path("folder", "one"), self.path("folder", "two"),
                     self.path("link", "one")]
        if harness.has_ipv6():
            addresses += [("::1", port), ("::", port)]
        # Each is left for all behind it, and come back to from there.
        pairs = [(one, other) for i, one in enumerate(addresses)
                 for other in addresses[i + 1:]]
        rng, _ = harness.seeded()
        way = [address for pair in harness.thorough(
            rng.sample(pairs, 8), pairs) for address in pair]
        for address in addresses[-1:] + way + addresses[-2:-1]:
            daemon, _ = self.run_daemon(line(address))
            self.assertEqual(len(self.manager.store), 1)
            self.assert_serves(address)
            daemon.stop()

    def test_lines_that_change_places(self):
        """One address becomes two, with another control socket."""
        port = harness.free_port()
        os.symlink(".", self.path("link"))
        before = (f"listen 0.0.0.0 {port}", f"listen {self.path('one')}",
                  self.control_line())
        after = (f"listen {LOOPBACK} {port}", f"listen 127.0.0.2 {port}",
                 f"listen {self.path('link', 'one')}",
                 f"control {self.path('link', 'two')}")
        for lines in (before, after, before):
            daemon, _ = self.run_daemon(*lines)
            for address in daemon.addresses:
                self.assert_serves(address)
            self.assertEqual(len(self.manager.store), len(lines))
            daemon.stop()

    def test_path_through_a_link(self):
        """It is the same socket, and is neither bound nor left anew."""
        os.mkdir(self.path("folder"))
        os.symlink("folder", self.path("link"))
        paths = [self.path(name, "one") for name in ("folder", "link")]
        daemon, _ = self.run_daemon(f"listen {paths[0]}")
        for path in paths[::-1]:
            daemon.stop()
            peer = self.peer(paths[0])
            daemon, told = self.run_daemon(f"listen {path}")
            self.assertIn("inherited=yes", daemon.log)
            self.assertNotIn("FDSTORE=1", told)
            peer.send(search("ring"))
            self.assertEqual(peer.to_end(), plain_reply(RING))
        # Of the same name, in another folder.
        daemon.stop()
        daemon, told = self.run_daemon(f"listen {self.path('one')}")
        self.assertIn("FDSTOREREMOVE=1", told)
        self.assertIn("FDSTORE=1", told)

    def test_path_that_is_given_up(self):
        """It is removed, unless somebody else listens there now."""
        paths = [self.path("one"), self.path("two")]
        self.run_daemon(*(f"listen {path}" for path in paths))[0].stop()
        os.unlink(paths[1])
        sock = self.listener(paths[1])
        self.run_daemon()
        self.assertFalse(os.path.exists(paths[0]))
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(paths[1])
        sock.close()

    def mode(self, path):
        return stat.S_IMODE(os.stat(path).st_mode)

    def test_mode_that_changes(self):
        """Kept or not, a socket has the mode of its line."""
        path = self.path("one")
        for mode in ("0666", "0660", "0600", "0666"):
            daemon, _ = self.run_daemon(f"listen {path} mode={mode}")
            self.assertEqual(self.mode(path), int(mode, 8))
            self.assert_serves(path)
            daemon.stop()
        self.assertIn(f"mode changed path={path} mode=0666", daemon.log)
        daemon, _ = self.run_daemon(f"listen {path} mode=0666")
        self.assertNotIn("mode ", daemon.log)

    def test_mode_of_the_control_socket(self):
        """It is the group's, once the line names one."""
        path, group = self.path("control.sock"), grp.getgrgid(os.getegid())
        for more, mode in (("", 0o600), (f" group={group.gr_name}", 0o660),
                           ("", 0o600)):
            daemon, _ = self.run_daemon(self.control_line() + more)
            self.assertEqual(self.mode(path), mode)
            daemon.stop()

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_group_that_is_taken_away(self):
        """A kept socket goes back to the group that it would be made in."""
        path, gid = self.path("one"), grp.getgrnam("adm").gr_gid
        for more, group in ((" group=adm", gid), ("", os.getegid())):
            daemon, _ = self.run_daemon(f"listen {path} mode=0660{more}")
            self.assertEqual(os.stat(path).st_gid, group)
            self.assert_serves(path)
            daemon.stop()

    def test_mode_that_stays(self):
        """Not even a socket is changed that has another name, too."""
        path = self.path("one")
        daemon, _ = self.run_daemon(f"listen {path} mode=0666")
        daemon.stop()
        os.link(path, self.path("two"))
        daemon, _ = self.run_daemon(f"listen {path} mode=0600")
        self.assertIn(f"mode is as it was path={path} wanted=0600: ",
                      daemon.log)
        self.assertEqual(self.mode(path), 0o666)
        self.assert_serves(path)

    def test_mode_of_a_socket_unit(self):
        """It is that unit's business."""
        path = self.path("one")
        sock = self.listener(path)
        os.chmod(path, 0o640)
        daemon = self.manage(f"listen {path} mode=0666", sockets=[sock],
                             names=["appmsgd.socket"])
        self.assertNotIn("mode ", daemon.log)
        self.assertEqual(self.mode(path), 0o640)

    def test_address_in_use(self):
        """The daemon waits for it, and the manager knows."""
        socks = [self.listener(), self.listener(self.path("one"))]
        lines = [line(sock.getsockname()) for sock in socks]
        last = self.path("last")
        with harness.background(
                lambda: self.run_daemon(*lines, f"listen {last}")):
            for sock in socks:
                while "STATUS=cannot listen, trying again" not in \
                        self.manager.receive():
                    pass
                sock.close()
        self.assertEqual(len(self.manager.store), 3)
        self.assertNotIn("inherited", self.daemons[-1].log)
        self.assertEqual(self.daemons[-1].log.count("listening"), 3)
        for sock in lines:
            self.assertRegex(self.daemons[-1].log, "cannot listen address="
                             r"\S+ line=\S+: Address already in use")
        for address in self.daemons[-1].addresses:
            self.assert_serves(address)

    def test_mistake_beside_an_address_in_use(self):
        """Nothing is waited for, since it would not help."""
        sock = self.listener()
        with self.assertRaisesRegex(AssertionError, "no such address"):
            self.manage(line(sock.getsockname()), "listen 192.0.2.1 7000",
                        env=self.manager.environment())
        self.manager.forget()
        self.assertEqual(self.manager.told, [])

    def test_start_that_fails(self):
        """It says nothing against what it had no use for, and keeps it."""
        lines = (f"listen {LOOPBACK} {harness.free_port()}",
                 f"listen {self.path('socket')}", self.control_line())
        daemon, _ = self.run_daemon(*lines)
        daemon.stop()
        with self.assertRaisesRegex(AssertionError,
                                    "cannot listen") as failed:
            self.manage("listen 192.0.2.1 7000", *lines,
                        env=self.manager.environment(),
                        **self.manager.kept())
        self.assertNotIn("not configured", str(failed.exception))
        daemon, told = self.run_daemon(*lines)
        self.assertEqual(self.manager.removed, [])
        self.assertNotIn("FDSTORE=1", told)
        self.assertEqual(daemon.log.count("inherited=yes"), 2)
        self.assert_serves(daemon.address)

    def test_left_anew(self):
        """A kept socket without its path is forgotten, and another left."""
        path = self.path("socket")
        for _ in range(2):
            daemon, told = self.run_daemon(f"listen {path}")
            self.assertIn("FDSTORE=1", told)
            self.assert_serves(path)
            daemon.stop()
            os.unlink(path)

    def test_not_those_of_a_socket_unit(self):
        """The manager has them already."""
        sock = self.listener()
        daemon = self.manage(line(sock.getsockname()), sockets=[sock],
                             names=["appmsgd.socket"],
                             env=self.manager.environment())
        self.manager.wait("READY=1")
        self.assertEqual(self.manager.store, {})
        daemon.stop()

    def test_restarts_lose_nothing(self):
        """No peer is refused, reset or left without its reply."""
        lines = (f"listen {LOOPBACK} {harness.free_port()}",
                 f"listen {self.path('one')}")
        daemon, _ = self.run_daemon(*lines)
        addresses = list(daemon.addresses)
        done = threading.Event()
        served = [0, 0, 0, 0]

        def answered(peer, message, since):
            """The reply; None where the peer was held up.

            A drain ends connections that are left alone for a while, and
            since then it was.
            """
            sent = None
            try:
                peer.send(message)
                sent = time.monotonic()
                return peer.reply()
            except TimeoutError:
                raise
            except (AssertionError, OSError):
                if (sent or time.monotonic()) - since < GRACE:
                    raise
                return None

        def plain(i):
            while not done.is_set():
                since = time.monotonic()
                with harness.Peer(addresses[i]) as peer:
                    reply = answered(peer, search("ring"), since)
                    if reply is None:
                        continue
                    self.assertEqual(reply.raw, plain_reply(RING))
                    peer.ended()
                served[i] += 1

        def staying(i):
            while not done.is_set():
                since = time.monotonic()
                with harness.Peer(addresses[i]) as peer:
                    stays = True
                    while stays and not done.is_set():
                        reply = answered(peer, search("ring", **kept()),
                                         since)
                        if reply is None:
                            break
                        since = time.monotonic()
                        self.assertEqual(reply.result, RING)
                        stays = reply.header["connection"] == "keep-alive"
                        served[2 + i] += 1

        with harness.background(*(lambda f=f, i=i: f(i)
                                  for f in (plain, staying)
                                  for i in (0, 1))):
            try:
                for _ in range(5):
                    before = list(served)
                    harness.wait_until(
                        lambda: all(a > b + 20 for a, b in
                                    zip(served, before)), "all are served")
                    daemon.stop()
                    daemon, _ = self.run_daemon(*lines)
            finally:
                done.set()


if __name__ == "__main__":
    harness.main()
