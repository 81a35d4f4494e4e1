#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""allow= and deny= of listeners and tables: who may ask what.

All of it under the sandbox, as a daemon is by default.
"""

import contextlib
import functools
import os
import sys
import threading
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import LOOPBACK, Peer, binary, kept, no_match, request, to_json

HR, OTHER = 41005, 41006    # groups that nobody is in
ALICE, BOB, CAROL = 41001, 41002, 41003
TABLES = ("hr", "lab", "all")
DENIED = "Error: you are not allowed here."


def find(key, table=None, **header):
    """A request that keeps the connection."""
    content = {"action": "search", "value": key}
    if table is not None:
        content["table"] = table
    return request(to_json(content), **kept(**header))


@contextlib.contextmanager
def process(uid, gid=0, groups=()):
    """Be somebody else meanwhile, as the kernel tells whoever is asked."""
    old = os.geteuid(), os.getegid(), os.getgroups()
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(old[0])
        os.setegid(old[1])
        os.setgroups(old[2])


class WhoTest(harness.DaemonTest):
    """A daemon with three tables, and rules."""

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        for name in TABLES:
            self.write(f"{name}.tsv", f"ring\tof {name}\nof-{name}\tyes\n")
        self.write("logos/logo", "<svg>")

    def lines(self, listeners, **rules):
        """A configuration; of rules, those of tables."""
        return (*(f"listen {listener}" for listener in listeners),
                self.control_line(),
                *(f"table {name} file {name}.tsv search=prefix,fuzzy "
                  + rules.get(name, "") for name in TABLES),
                "table logos binary logos " + rules.get("logos", ""))

    def serve(self, *listeners, **rules):
        self.listeners = listeners
        return self.start(*self.lines(listeners, **rules), answers=())

    def change(self, *listeners, **rules):
        """Reload with other rules."""
        self.configure(*self.lines(listeners or self.listeners, **rules),
                       answers=())
        done = self.control("reload")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def assert_asks(self, peer, *tables):
        """Just these are there, for one whose connection stays."""
        named = peer.ask(request(to_json({"action": "tables"}), **kept()))
        self.assertEqual(
            harness.strict_json(named.content)["tables"],
            [name for name in TABLES if name in tables])
        first = next((name for name in TABLES if name in tables), None)
        reply = peer.ask(find("ring"))
        self.assertEqual(reply.result, no_match("ring") if first is None
                         else f"of {first}")
        for name in TABLES:
            in_turn = peer.ask(find(f"of-{name}"))
            named = peer.ask(find(f"of-{name}", name))
            if name in tables:
                self.assertEqual(in_turn.result, "yes", name)
                self.assertEqual(named.result, "yes", name)
                continue
            self.assertEqual(in_turn.result, no_match(f"of-{name}"))
            self.assertEqual(
                named.result, f'Error: you may not ask table "{name}".')
            self.assertEqual(named.extra, [("connection", "keep-alive"),
                                           ("status", "denied")])

    def assert_kept_out(self, address, **kwargs):
        with Peer(address, **kwargs) as peer:
            peer.send(find("ring") * 3)
            reply = peer.reply()
            self.assertEqual(reply.result, DENIED)
            self.assertEqual(reply.header["status"], "denied")
            peer.ended()


class Addresses(WhoTest):
    """Clients that come from somewhere."""

    RULES = {"hr": "allow=127.1.0.0/16,127.2.2.2,::1 deny=127.1.6.0/24",
             "lab": "deny=127.3.0.0/16,127.2.2.2/31,::/0",
             "logos": "allow=127.1.0.0/16"}
    ROWS = (
        # Where from, and what of it is there: by the first listener, which
        # lets everybody in but 127.9.0.0/16, by the second, for
        # 127.1.0.0/16, and by the third, for 127.0.0.0/9 without 127.2.2.2.
        ("127.0.0.1", "lab all", None, "lab all"),
        ("127.1.0.0", "hr lab all", "hr lab all", "hr lab all"),
        ("127.1.5.255", "hr lab all", "hr lab all", "hr lab all"),
        ("127.1.6.0", "lab all", "lab all", "lab all"),
        ("127.1.6.255", "lab all", "lab all", "lab all"),
        ("127.1.7.0", "hr lab all", "hr lab all", "hr lab all"),
        ("127.1.255.254", "hr lab all", "hr lab all", "hr lab all"),
        ("127.2.0.0", "lab all", None, "lab all"),
        ("127.2.2.1", "lab all", None, "lab all"),
        ("127.2.2.2", "hr all", None, None),
        ("127.2.2.3", "all", None, "all"),
        ("127.3.0.1", "all", None, "all"),
        ("127.3.255.254", "all", None, "all"),
        ("127.4.0.0", "lab all", None, "lab all"),
        ("127.9.0.1", None, None, "lab all"),
        ("127.9.255.254", None, None, "lab all"),
        ("127.10.0.0", "lab all", None, "lab all"),
        ("127.127.255.254", "lab all", None, "lab all"),
        ("127.128.0.0", "lab all", None, None),
    )

    def test_each(self):
        """By listener and table: found, denied, or not there."""
        daemon = self.serve("0.0.0.0 0 deny=127.9.0.0/16",
                            "0.0.0.0 0 allow=127.1.0.0/16",
                            "0.0.0.0 0 allow=127.0.0.0/9 deny=127.2.2.2",
                            **self.RULES)
        for source, *expected in self.ROWS:
            for (_, port), tables in zip(daemon.addresses, expected):
                with self.subTest(source=source, tables=tables):
                    if tables is None:
                        self.assert_kept_out((LOOPBACK, port), source=source)
                        continue
                    with Peer((LOOPBACK, port), source=source) as peer:
                        self.assert_asks(peer, *tables.split())
                        self.assert_logo(peer, source.startswith("127.1."))

    def assert_logo(self, peer, there):
        reply = peer.ask(binary(b"logo", **kept()))
        self.assertEqual(reply.content, b"<svg>" if there else
                         b"First 10 bytes of request: logo")

    @unittest.skipUnless(harness.has_ipv6(), "no IPv6 on the loopback")
    def test_ipv6(self):
        daemon = self.serve("::1 0 allow=::1", "::1 0 allow=::/128",
                            "::1 0 deny=2001:db8::/32", "::1 0 deny=::1",
                            "::1 0 allow=0.0.0.0/0", **self.RULES)
        for address, expected in zip(daemon.addresses,
                                     ("hr all", None, "hr all", None, None)):
            if expected is None:
                self.assert_kept_out(address)
            else:
                self.assert_asks(self.peer(address), *expected.split())

    def test_what_is_hidden_is_searched_by_nobody(self):
        """Ways to search, near keys, and where an answer stands."""
        daemon = self.serve(f"{LOOPBACK} 0", hr="allow=10.0.0.0/8")
        peer = self.peer(daemon.address)

        def matches(way, value):
            content = harness.strict_json(peer.ask(request(to_json(
                {"action": "search", "value": value, "match": way}),
                **kept())).content)
            return [match["key"] for match in content["matches"]]

        self.assertEqual(matches("prefix", "of-"), ["of-lab", "of-all"])
        self.assertEqual(matches("fuzzy", "of-hrr"), [])
        reply = peer.ask(find("of-hrr", suggest=3))
        self.assertEqual(reply.header["suggestions"], [])
        reply = peer.ask(find("of-hr", explain=True))
        self.assertNotIn("table", reply.header)
        self.assertNotIn("file", reply.header)
        reply = peer.ask(find("ring", explain=True))
        self.assertEqual(reply.header["table"], "lab")
        # The administrator is told all.
        told = self.control("explain", "ring").stdout
        self.assertIn("of hr", told)

    def test_a_batch_goes_on(self):
        """One that is denied is a reply like any other, in its place."""
        daemon = self.serve(f"{LOOPBACK} 0", hr="allow=10.0.0.0/8")
        peer = self.peer(daemon.address)
        asked = [find("ring"), find("ring", "hr"), find("of-hr"),
                 find("ring", "all")] * 50
        peer.send(b"".join(asked))
        got = [peer.reply().result for _ in asked]
        self.assertEqual(got, [
            "of lab", 'Error: you may not ask table "hr".',
            no_match("of-hr"), "of all"] * 50)

    def test_the_client_says_denied(self):
        """appmsg-client ends with 77, of a table, too."""
        daemon = self.serve(f"{LOOPBACK} 0", hr="allow=10.0.0.0/8")
        for table, status in (("hr", 77), ("lab", 0)):
            done = harness.client("-p", daemon.port, "search", "-T", table,
                                  "ring")
            self.assertEqual(done.returncode, status, done)


class Reloads(WhoTest):
    """Rules change; connections stay."""

    def test_tables(self):
        """An open connection is looked at anew, back and forth."""
        daemon = self.serve(f"{LOOPBACK} 0", self.path("socket"))
        peers = [self.peer(daemon.address) for _ in range(4)]
        local = self.peer(self.path("socket"))
        for peer in (*peers, local):
            self.assert_asks(peer, *TABLES)
        for rule, of_peers, of_local in (
                ("allow=10.0.0.0/8", "lab all", "lab all"),
                ("allow=127.0.0.0/8", "hr lab all", "lab all"),
                ("deny=127.0.0.0/8", "lab all", "hr lab all"),
                ("allow=unix", "lab all", "hr lab all"),
                (f"allow=user:{os.geteuid()}", "lab all", "hr lab all"),
                (f"deny=group:{os.getegid()}", "hr lab all", "lab all"),
                ("", "hr lab all", "hr lab all"),
                ("deny=127.0.0.1,unix", "lab all", "lab all")):
            with self.subTest(rule=rule):
                self.change(hr=rule)
                for peer in peers:
                    self.assert_asks(peer, *of_peers.split())
                self.assert_asks(local, *of_local.split())
        done = self.control("rollback")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for peer in (*peers, local):
            self.assert_asks(peer, *TABLES)

    def test_under_load(self):
        """Each reply is by one rule or the other, and by the new one as soon
        as the reload is done."""
        daemon = self.serve(f"{LOOPBACK} 0", self.path("socket"))
        over = threading.Event()
        denied = 'Error: you may not ask table "hr".'
        batch = (find("ring") + find("of-hr", "hr")) * 10

        def ask(address):
            with Peer(address) as peer:
                while not over.is_set():
                    peer.send(batch)
                    for _ in range(10):
                        self.assertIn(peer.reply().result,
                                      ("of hr", "of lab"))
                        self.assertIn(peer.reply().result, ("yes", denied))

        with harness.background(*(functools.partial(ask, address) for address
                                  in daemon.addresses * 3)):
            try:
                for i in range(harness.thorough(10, 100)):
                    self.change(hr="deny=127.0.0.0/8,unix" if i % 2 == 0
                                else "")
                    for address in daemon.addresses:
                        with Peer(address) as peer:
                            self.assertEqual(
                                peer.ask(find("ring")).result,
                                "of lab" if i % 2 == 0 else "of hr")
            finally:
                over.set()

    def test_listeners(self):
        """Who comes is looked at anew; who is there stays."""
        listeners = (f"{LOOPBACK} 0", self.path("socket"))
        daemon = self.serve(*listeners)
        peers = [self.peer(address) for address in daemon.addresses]
        for ruled in ((f"{LOOPBACK} 0 allow=10.0.0.0/8",
                       self.path("socket") + " deny=unix"),
                      (f"{LOOPBACK} 0 deny=127.0.0.1",
                       self.path("socket") + f" deny=user:{os.geteuid()}")):
            self.change(*ruled)
            for address, peer in zip(daemon.addresses, peers):
                self.assert_kept_out(address)
                self.assert_asks(peer, *TABLES)
            self.change(*listeners)
            for address in daemon.addresses:
                self.assert_asks(self.peer(address), *TABLES)

    def test_addresses_stay(self):
        """All else of a listener is for a restart."""
        self.serve(f"{LOOPBACK} 0 allow=127.0.0.0/8")
        self.configure(*self.lines([f"{LOOPBACK} 0 allow=127.0.0.0/8 "
                                    "keep-alive=yes"]), answers=())
        done = self.control("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn(":1: a reload cannot change listen", done.stderr)

    def test_wrong_rules(self):
        """A reload that is wrong changes nothing."""
        daemon = self.serve(f"{LOOPBACK} 0", hr="allow=10.0.0.0/8")
        peer = self.peer(daemon.address)
        for rule, told in (
                ("allow=group:no-such", 'unknown group "no-such" in allow='),
                ("allow=127.0.0.1/8", "has bits behind its mask"),
                ("deny=unix", "unix in deny= needs a unix socket"),
                ("allow=cn:x", "cn: in allow= needs a listener with "
                 "tls=yes and client-ca="),
                ("allow=all", '"all" in allow= is no client')):
            self.configure(*self.lines(self.listeners, hr=rule), answers=())
            done = self.control("reload")
            self.assertEqual(done.returncode, 1)
            self.assertIn(":3: ", done.stderr)
            self.assertIn(told, done.stderr)
            self.assert_asks(peer, "lab", "all")


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Processes(WhoTest):
    """Clients by unix sockets, which only root can be all of."""

    ROWS = (
        # Who it is, and what is there: by a socket of everybody's, by one
        # for HR and ALICE without BOB, and by one without root and HR.
        ((ALICE, OTHER, ()), "lab all", "lab all", "lab all"),
        ((ALICE, HR, ()), "hr lab all", "hr lab all", None),
        ((ALICE, OTHER, (7, HR, 9)), "hr lab all", "hr lab all", None),
        ((ALICE, OTHER, (7, 8, 9)), "lab all", "lab all", "lab all"),
        ((BOB, HR, ()), "hr all", None, None),
        ((BOB, OTHER, (HR,)), "hr all", None, None),
        ((BOB, OTHER, ()), "all", None, "all"),
        ((CAROL, OTHER, ()), "lab all", None, "lab all"),
        ((CAROL, HR, ()), "lab all", "lab all", None),
        ((CAROL, OTHER, (HR, 7)), "lab all", "lab all", None),
        ((HR, OTHER, ()), "lab all", None, "lab all"),
        ((0, 0, ()), "lab all", None, None),
        ((0, HR, ()), "hr lab all", "hr lab all", None),
        ((65534, 65534, ()), "lab all", None, "lab all"),
        ((ALICE, OTHER, tuple(range(50000, 50300))), "lab all", "lab all",
         "lab all"),
        ((ALICE, OTHER, (*range(50000, 50300), HR)), "hr lab all",
         "hr lab all", None),
    )

    RULES = {"hr": f"allow=group:{HR} deny=user:{CAROL}",
             "lab": f"allow=unix deny=user:{BOB},10.0.0.0/8"}

    def check(self):
        paths = [self.path(name) for name in ("one", "two", "three")]
        options = ("", f" allow=group:{HR},user:{ALICE} deny=user:{BOB}",
                   f" deny=user:root,group:{HR}")
        self.serve(*(path + option for path, option in zip(paths, options)),
                   f"{LOOPBACK} 0", **self.RULES)
        for who, *expected in self.ROWS:
            for path, tables in zip(paths, expected):
                with self.subTest(who=who[:2], path=path), process(*who):
                    if tables is None:
                        self.assert_kept_out(path)
                    else:
                        with Peer(path) as peer:
                            self.assert_asks(peer, *tables.split())

    def test_each(self):
        self.check()

    def test_as_another_user(self):
        """A daemon that is not root any more is told the same."""
        lines = self.lines
        self.lines = lambda *args, **kwargs: ("user nobody",
                                              *lines(*args, **kwargs))
        self.check()

    def test_what_it_was_then(self):
        """Who has connected is asked about, whoever holds the socket."""
        path = self.path("socket")
        self.serve(path, f"{LOOPBACK} 0", **self.RULES)
        with process(ALICE, HR):
            alice = self.peer(path)
        with process(BOB, OTHER):
            bob = self.peer(path)
        self.assert_asks(alice, "hr", "lab", "all")
        self.assert_asks(bob, "all")
        self.change(hr=f"deny=group:{HR}", lab=f"allow=user:{BOB}")
        self.assert_asks(alice, "all")
        self.assert_asks(bob, "hr", "lab", "all")

    def test_names(self):
        """As the databases of users and groups have them."""
        path = self.path("socket")
        self.serve(path, hr="allow=user:nobody", lab="deny=group:root")
        self.assert_asks(self.peer(path), "all")
        with process(65534, OTHER):
            self.assert_asks(self.peer(path), "hr", "lab", "all")


class As(WhoTest):
    """appmsgd -n -q KEY --as CLIENT."""

    ROWS = (
        # A client, and what answers "ring"; None: no listener lets it in.
        ("127.0.0.1", "lab"), ("10.1.2.3", "hr"), ("10.6.6.6", "lab"),
        ("127.9.0.1", None), ("::1", None), ("2001:db8::1", None),
        ("unix", "all"), ("user:root", "hr"), (f"user:{BOB}", None),
        (f"group:{HR}", "hr"), (f"user:{ALICE},group:{HR}", "hr"),
        (f"user:{ALICE}", "all"), ("unix,group:root", "all"),
        (f"group:{OTHER},group:{HR}", "hr"),
    )

    def setUp(self):
        super().setUp()
        self.config = self.configure(*self.lines(
            ("192.0.2.1 0 deny=127.9.0.0/16", "::1 0 service=echo",
             self.path("socket") + f" deny=user:{BOB}"),
            hr=f"allow=10.0.0.0/8,user:0,group:{HR} deny=10.6.6.0/24",
            lab="deny=unix"), answers=())

    def ask(self, client, *options, key="ring"):
        done = harness.run(harness.program("appmsgd"), "-n", "-q", key,
                           "--as", client, *options, "-f", self.config)
        return done.returncode, done.stdout, done.stderr

    def test_each(self):
        for client, table in self.ROWS:
            with self.subTest(client=client):
                self.assertEqual(self.ask(client), (
                    1, "", f"appmsgd: no listen line lets {client} in\n")
                    if table is None else (0, f"of {table}\n", ""))

    def test_loopback(self):
        """Who is elsewhere does not come in by an address of loopback."""
        self.config = self.configure(
            f"listen {LOOPBACK} 0", "listen ::1 0",
            "listen 192.0.2.1 0 allow=192.0.2.0/24 deny=192.0.2.66",
            answers=('answer "ring" "of main"',))
        for client in ("192.0.2.66", "10.1.2.3", "2001:db8::1"):
            self.assertEqual(self.ask(client), (
                1, "", f"appmsgd: no listen line lets {client} in\n"))
        for client in ("192.0.2.7", "127.0.0.1", "127.8.0.1", "::1"):
            self.assertEqual(self.ask(client), (0, "of main\n", ""))

    def test_what_is_hidden(self):
        """It is not found, nor said to be hidden."""
        self.assertEqual(self.ask("unix", key="of-hr"),
                         (1, "", no_match("of-hr") + "\n"))
        _, told, _ = self.ask("unix", "-v")
        self.assertNotIn("hides", told)
        _, told, _ = self.ask("user:0", "-v")
        self.assertIn("\nhides       all, ", told)

    def test_no_client(self):
        for client, why in (
                ("10.0.0.0/8", "a network is no client"),
                ("10.0.0.1,unix", "from an address or by a unix socket"),
                ("user:no-such", 'unknown user "no-such" in --as'),
                ("", '"" in --as is no client')):
            status, out, told = self.ask(client)
            self.assertEqual((status, out), (64, ""))
            self.assertIn(why, told)
        done = harness.run(harness.program("appmsgd"), "-n", "--as", "unix",
                           "-f", self.config)
        self.assertEqual(done.returncode, 64)
        self.assertIn("--as needs -q", done.stderr)


if __name__ == "__main__":
    harness.main()
