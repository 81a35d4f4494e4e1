#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Who may ask, by the certificate that a client has proven to be its own."""

import ssl
import sys

sys.path.insert(1, sys.path[0] + "/..")

import access
import certificates
import harness
import tls
from harness import LOOPBACK, Peer, kept, program, run, search, to_json
from tls import TlsPeer

KEEP = kept()
DENIED = ("status", "denied")

# What each certificate has: subject, alternative names.
CLIENTS = {
    "payroll": ("/CN=payroll.example", ()),
    "alternative": ("/CN=x", ("DNS:payroll.example",)),
    "wild": ("/CN=*.example", ("DNS:a.lab.example",)),
    "twice": ("/CN=one/CN=payroll.example", ()),
    "other": ("/CN=payroll.example.org",
              ("URI:spiffe://example/lab", "email:Lab@Example.ORG")),
    "bare": ("/O=nobody", ()),
}
WORDS = {
    "cn:payroll.example": {"payroll", "twice"},
    "dns:payroll.example": {"alternative"},
    "dns:*.lab.example": {"wild"},
    "dns:*.example": {"alternative"},
    "uri:spiffe://example/lab": {"other"},
    "email:Lab@example.org": {"other"},
    "cert": set(CLIENTS),
    "192.0.2.1": set(),
    "127.0.0.1": set(CLIENTS),
}


class ByCertificate(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.mine = tls.make_localhost(self.directory)
        self.ca = certificates.make(self.directory, "ca", authority=True)
        self.contexts = {
            name: tls.context(mine=certificates.make(
                self.directory, name, names, by=self.ca, subject=subject))
            for name, (subject, names) in CLIENTS.items()}
        self.words = list(WORDS)
        for number, word in enumerate(self.words):
            self.write(f"t{number}.tsv", f"key {number}\tyes\n")

    def lines(self, listen="", more=""):
        tables = (f"table t{n} file t{n}.tsv allow={word}{more}"
                  for n, word in enumerate(self.words))
        return (f"certificate {self.mine.cert} key={self.mine.key}",
                f"listen {LOOPBACK} 0 tls=yes client-ca={self.ca.cert}"
                f"{listen}", self.control_line(), *tables)

    def reload(self):
        done = run(program("appmsgctl"), "-s", self.path("control.sock"),
                   "reload")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def seen(self, peer):
        """The words whose tables a client may ask; found, denied by name."""
        found = set()
        for number, word in enumerate(self.words):
            reply = peer.ask(search(f"key {number}", **KEEP))
            if b"yes" in reply.content:
                found.add(word)
        return found

    def wanted(self, name):
        return {word for word, names in WORDS.items() if name in names}

    def test_tables(self):
        """By each word, before and after a reload, on the connection that is
        there."""
        daemon = self.start(*self.lines())
        peers = {}
        for name, ctx in self.contexts.items():
            with self.subTest(name):
                peer = peers[name] = TlsPeer(daemon.address, ctx)
                self.addCleanup(peer.close)
                self.assertEqual(self.seen(peer), self.wanted(name))
        self.configure(*self.lines(more=" deny=cn:payroll.example"))
        self.control("reload")
        for name, peer in peers.items():
            with self.subTest(name):
                self.assertEqual(
                    self.seen(peer), set() if name in ("payroll", "twice")
                    else self.wanted(name))

    def test_listener(self):
        """Who is not let in is told so, in its encrypted connection."""
        daemon = self.start(*self.lines(" allow=cn:payroll.example,192.0.2.1"
                                        " deny=dns:a.lab.example"))
        for name, ctx in self.contexts.items():
            with self.subTest(name), TlsPeer(daemon.address, ctx) as peer:
                peer.send(search("key 8", **KEEP))
                if name in ("payroll", "twice"):
                    self.assertIn(b"yes", peer.reply().content)
                else:
                    self.assertEqual(peer.reply().result,
                                     "Error: you are not allowed here.")
                    peer.ended()

    def test_listener_by_address(self):
        """Where no certificate could help, there is no handshake."""
        daemon = self.start(*self.lines(" allow=cn:payroll.example"
                                        " deny=127.0.0.0/8"))
        with Peer(daemon.address) as peer:
            self.assertEqual(peer.to_end(), bytes((21, 3, 1, 0, 2, 2, 49)))

    def test_access_log(self):
        """It says who has asked, as far as a certificate does."""
        path = self.path("access.log")
        daemon = self.start(*self.lines(), f"log access={path}")
        names = ("payroll", "bare", "twice", "odd")
        self.contexts["odd"] = tls.context(mine=certificates.make(
            self.directory, "odd", by=self.ca,
            subject='/CN=a "b"\n key="x' + "y" * 40))
        for name in names:
            with TlsPeer(daemon.address, self.contexts[name]) as peer:
                peer.ask(search("x", **KEEP))
        daemon.stop()
        with open(path, encoding="utf-8") as file:
            lines = [access.LINE.fullmatch(line[:-1]) for line in file]
        self.assertEqual([line and line["cn"] for line in lines], [
            "payroll.example", None, "one",
            'a \\"b\\"\\n key=\\"x' + "y" * 40])

    def test_tickets(self):
        """Who comes by one is who he was."""
        daemon = self.start(*self.lines())
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ctx = self.contexts["payroll"]
            ctx.maximum_version = most
            with TlsPeer(daemon.address, ctx) as peer:
                self.assertEqual(self.seen(peer), self.wanted("payroll"))
                session = peer.tls.session
            with TlsPeer(daemon.address, ctx, session=session) as peer:
                self.assertEqual(self.seen(peer), self.wanted("payroll"))
                self.assertTrue(peer.tls.session_reused)


if __name__ == "__main__":
    harness.main()
