#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Clients whose certificates are strange, and handshakes that end anywhere:
nobody gets a name that is not his, and others are served.
"""

import base64
import ssl
import sys

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
import tls
from harness import LOOPBACK, kept, search, thorough
from peer import Ended
from tls import TlsPeer

KEEP = kept()
ALLOWED = "payroll.example"
LONG = "x" * 60
REFUSED = (ssl.SSLError, Ended, ConnectionError)


def read_part(der, at):
    """Where the contents of what is encoded at a place begin and end."""
    length, at = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7f
        length = int.from_bytes(der[at:at + size], "big")
        at += size
    return at, at + length


def encode_part(tag, body):
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + len(body).to_bytes(size, "big") + body


class TlsClientsTest(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.mine = tls.make_localhost(self.directory)
        self.ca = self.make("ca", authority=True)

    def make(self, name, *names, by=None, **kwargs):
        return certificates.make(self.directory, name, names, by=by, **kwargs)

    def serve(self):
        self.write("t.tsv", "key\tyes\n")
        return self.start(
            f"certificate {self.mine.cert} key={self.mine.key}",
            f"listen {LOOPBACK} 0 tls=yes client-ca={self.ca.cert}",
            f"table t file t.tsv allow=cn:{ALLOWED},dns:{ALLOWED}")

    def asked(self, daemon, cert):
        """Whether who shows this one may ask; None: there is no handshake."""
        try:
            with TlsPeer(daemon.address, tls.context(mine=cert)) as peer:
                return b"yes" in peer.ask(search("key", **KEEP)).content
        except REFUSED:
            return None

    def assert_serves(self, daemon):
        self.assertIs(self.asked(daemon, self.good), True)

    @property
    def good(self):
        if not hasattr(self, "_good"):
            self._good = self.make("good", by=self.ca,
                                   subject=f"/CN={ALLOWED}")
        return self._good


class Names(TlsClientsTest):
    def changed(self, cert, old, new):
        """The same certificate with other bytes in it, signed anew."""
        with open(cert.cert, encoding="ascii") as file:
            pem = file.read()
        der = ssl.PEM_cert_to_DER_cert(
            pem[:pem.index("-----END CERTIFICATE-----") + 26])
        at, _ = read_part(der, 0)
        _, end = read_part(der, at)
        _, last = read_part(der, end)
        self.assertEqual((len(old), der[at:end].count(old)), (len(new), 1))
        tbs = der[at:end].replace(old, new)
        with open(self.path("tbs"), "wb") as file:
            file.write(tbs)
        certificates.run_openssl(
            "dgst", "-sha256", "-sign", self.ca.key, "-out",
            self.path("signature"), self.path("tbs"))
        with open(self.path("signature"), "rb") as file:
            signature = encode_part(3, b"\0" + file.read())
        made = base64.encodebytes(encode_part(
            0x30, tbs + der[end:last] + signature)).decode()
        self.write("changed.pem", "-----BEGIN CERTIFICATE-----\n"
                   f"{made}-----END CERTIFICATE-----\n")
        return certificates.Certificate(self.path("changed.pem"), cert.key)

    def test_zero_in_a_name(self):
        """It ends no name; and the same without it is let in."""
        daemon = self.serve()
        for subject, names in ((f"/CN={ALLOWED}_evil.example", ()),
                               ("/CN=x", (f"DNS:{ALLOWED}_evil.example",))):
            with self.subTest(subject):
                cert = self.make("odd", *names, by=self.ca, subject=subject)
                self.assertIs(self.asked(daemon, cert), False)
                odd = self.changed(cert, b"_evil", b"\0evil")
                self.assertIs(self.asked(daemon, odd), False)
                good = self.changed(
                    self.make("plain", by=self.ca,
                              subject=f"/CN={ALLOWED[:-1]}_"),
                    ALLOWED[:-1].encode() + b"_", ALLOWED.encode())
                self.assertIs(self.asked(daemon, good), True)


class Sizes(TlsClientsTest):
    def test_chain_of_twenty(self):
        """Ten between a client and its authority are enough."""
        daemon = self.serve()
        by = self.ca
        for depth in range(20):
            by = self.make(f"ca{depth}", by=by, authority=True)
            if depth in (0, 7, 19):
                cert = self.make("deep", by=by, subject=f"/CN={ALLOWED}")
                self.assertIs(self.asked(daemon, cert),
                              True if depth < 10 else None, depth)
        self.assert_serves(daemon)

    def test_of_many_kilobytes(self):
        daemon = self.serve()
        for kb, may in ((8, True), (48, True), (64, None), (90, None)):
            names = [f"DNS:{i:04}.{LONG}" for i in range(kb * 1024 // 67)]
            cert = self.make("large", *names, by=self.ca,
                             subject=f"/CN={ALLOWED}")
            self.assertIs(self.asked(daemon, cert), may, kb)
        self.assert_serves(daemon)

    def test_the_servers_own(self):
        """A chain of twenty, and names for 64 KB."""
        by = self.ca
        for depth in range(20):
            by = self.make(f"ca{depth}", by=by, authority=True)
        names = [f"DNS:{i:04}.{LONG}" for i in range(1000)]
        self.mine = self.make("server", "DNS:localhost", *names, by=by)
        daemon = self.serve()
        ctx = tls.context(self.ca, mine=self.good)
        with TlsPeer(daemon.address, ctx) as peer:
            self.assertIn(b"yes", peer.ask(search("key", **KEEP)).content)


class Cut(TlsClientsTest):
    def second_flight(self, daemon, ctx):
        """A client that has to send its second one, and that."""
        peer = TlsPeer(daemon.address, ctx, start=False)
        self.addCleanup(peer.close)
        while True:
            try:
                peer.tls.do_handshake()
                return peer, peer.made()
            except ssl.SSLWantReadError:
                made = peer.made()
                # That of TLS 1.2 waits for an answer.
                if made and made[0] == 22 and made[5] != 1:
                    return peer, made
                peer.peer.send(made)
                self.assertTrue(peer._more())

    def test_second_flight_cut_at_each_byte(self):
        """By an end, or by a reset, while others come and go."""
        daemon = self.serve()
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ctx = tls.context(mine=self.good, most=most)
            _, data = self.second_flight(daemon, ctx)
            for length in range(0, len(data), thorough(53, 1)):
                peer, data = self.second_flight(daemon, ctx)
                peer.peer.send(data[:length])
                if length % 2 == 0:
                    peer.peer.finish()
                    peer.peer.to_end()
                peer.close()
        self.assert_serves(daemon)

    def test_second_flight_in_single_bytes(self):
        daemon = self.serve()
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ctx = tls.context(mine=self.good, most=most)
            peer, data = self.second_flight(daemon, ctx)
            for i in range(len(data)):
                peer.peer.send(data[i:i + 1])
            peer.handshake()
            self.assertIn(b"yes", peer.ask(search("key", **KEEP)).content)

    def test_second_flight_damaged(self):
        """An alert, or nothing, and the end."""
        daemon = self.serve()
        rng, seed = harness.seeded()
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ctx = tls.context(mine=self.good, most=most)
            _, data = self.second_flight(daemon, ctx)
            for at in range(0, len(data), thorough(41, 1)):
                peer, data = self.second_flight(daemon, ctx)
                bad = bytearray(data)
                bad[at % len(bad)] ^= 1 << rng.randrange(8)
                with self.subTest(f"APPMSG_SEED={seed}, byte {at}"):
                    peer.peer.send(bytes(bad))
                    peer.peer.finish()
                    try:
                        got = peer.peer.to_end()
                    except ConnectionError:
                        got = b""
                    self.assertNotIn(b"yes", got)
        self.assert_serves(daemon)


if __name__ == "__main__":
    harness.main()
