#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Listeners with tls=yes: what comes over them is what comes over others.

Whatever way the records are cut, and whatever way the end is told, the bytes
of the replies are those of a plain connection, and close_notify follows.
"""

import contextlib
import random
import socket
import ssl
import subprocess
import sys

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
import tls
from harness import (LOOPBACK, RING, Peer, binary, environment, kept,
                     plain_reply, request, search, thorough, to_json)
from message import cut
from tls import TlsPeer

LONG = "x" * 100000
KEEP = kept()
MANY = 240         # messages of the protocol's own; 16 are taken


def messages(rng, n):
    """Requests of many lengths, kept, and what closes behind the last."""
    data = bytearray()
    for i in range(n):
        kind = rng.randrange(6)
        if kind == 0:
            data += search("long", **KEEP)
        elif kind == 1:
            data += binary(bytes(rng.randrange(20000)), **kept(id=i))
        elif kind == 2:
            data += search("r" * rng.randrange(1, 900), **kept(id=i))
        elif kind == 3:
            data += request(to_json({"action": "search", "match": "prefix",
                                     "value": "ri"}), **KEEP)
        else:
            data += search("ring", **KEEP)
    return bytes(data)


class TlsTest(harness.DaemonTest):
    """One daemon: TLS first, then plain, then an echo."""

    def setUp(self):
        super().setUp()
        self.mine = tls.make_localhost(self.directory)

    def serve(self, *lines, listen="", **kwargs):
        return self.start(
            f"certificate {self.mine.cert} key={self.mine.key}",
            f"listen {LOOPBACK} 0 tls=yes{listen}",
            f"listen {LOOPBACK} 0",
            f"listen {LOOPBACK} 0 tls=yes service=echo",
            f'answer "long" "{LONG}"', *lines, **kwargs)

    def connect(self, daemon, *args, **kwargs):
        peer = TlsPeer(daemon.address, *args, **kwargs)
        self.addCleanup(peer.close)
        return peer

    def s_client(self, daemon, *args, stdin=b""):
        """What openssl's own client says, and its exit status."""
        certificates.run_openssl("version")
        done = subprocess.run(
            ["openssl", "s_client", "-connect",
             f"{LOOPBACK}:{daemon.port}", *args],
            input=stdin, capture_output=True, env=environment(),
            timeout=harness.DEADLINE, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "replace"), \
            done.returncode


class Served(TlsTest):
    def test_plain_and_kept(self):
        daemon = self.serve()
        proven = tls.context(self.mine)
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ctx = tls.context(self.mine, most=most)
            with self.connect(daemon, ctx) as peer:
                peer.send(search("ring"))
                self.assertEqual(peer.to_end(), plain_reply(RING))
            with self.connect(daemon, ctx) as peer:
                for _ in range(3):
                    self.assertEqual(peer.ask(search("ring", **KEEP)).content,
                                     to_json({"result": RING}))
                peer.send(search("ring"))
                self.assertEqual(peer.to_end(), plain_reply(RING))
        # All in the first flight that can have it.
        peer = self.connect(daemon, proven, start=False)
        with self.assertRaises(ssl.SSLWantReadError):
            peer.tls.do_handshake()
        peer.flush()
        while True:
            peer._more()
            try:
                peer.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
        peer.tls.write(search("ring"))
        peer.flush()
        self.assertEqual(peer.to_end(), plain_reply(RING))

    def test_echo(self):
        daemon = self.serve()
        with TlsPeer(daemon.addresses[2]) as peer:
            peer.send(b"\0\1any bytes")
            self.assertEqual(peer.receive(11), b"\0\1any bytes")
            peer.notify()
            peer.ended()

    def test_versions_and_ciphers(self):
        """What has known flaws is refused by an alert."""
        daemon = self.serve()
        for args, words in (
                (("-tls1_3",), "New, TLSv1.3"),
                (("-tls1_2",), "New, TLSv1.2"),
                (("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"),
                 "alert protocol version"),
                (("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
                 "alert handshake failure"),
                (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"),
                 "alert handshake failure"),
                (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"),
                 "New, TLSv1.2"),
                (("-alpn", "h2,appmsg/1"), "ALPN protocol: appmsg/1"),
                (("-alpn", "h2"), "alert no application protocol"),
                (("-servername", "nobody.example"), "Verification")):
            with self.subTest(args):
                text, _ = self.s_client(daemon, *args, "-CAfile",
                                        self.mine.cert)
                self.assertIn(words, text)

    def test_nothing_is_negotiated_anew(self):
        """Renegotiation is refused; so are more than 16 messages of the
        protocol's own in a row."""
        daemon = self.serve()
        text, _ = self.s_client(daemon, "-tls1_2", stdin=b"R\n")
        self.assertIn("no renegotiation", text)
        process = subprocess.Popen(
            ["openssl", "s_client", "-tls1_3", "-connect",
             f"{LOOPBACK}:{daemon.port}", "-msg"], env=environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        sent = 0
        # It takes a word at a time, and tells of each message that it sends.
        for line in process.stdout:
            if b"NewSessionTicket" in line or b"KeyUpdate" in line:
                if sent == MANY:
                    break
                sent += 1
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(b"k\n")
                    process.stdin.flush()
        process.kill()
        process.communicate()
        # It may have sent more before it read the end.
        self.assertIn(sent - 1, range(17, MANY - 1))

    def test_plain_client_is_told(self):
        daemon = self.serve()
        for data in (search("ring"), b"GET / HTTP/1.1\r\n\r\n", b"\x80\x2e",
                     b"\x16\x04xxxx"):
            with Peer(daemon.address) as peer:
                peer.send(data)
                self.assertEqual(peer.reply().result,
                                 "Error: this port speaks TLS.")
                peer.ended()
        with Peer(daemon.addresses[2]) as peer:
            peer.send(b"any")
            peer.ended()

    def test_refused_by_address(self):
        """Before the handshake, by an alert."""
        daemon = self.serve(listen=" allow=192.0.2.1")
        with Peer(daemon.address) as peer:
            self.assertEqual(peer.to_end(), bytes((21, 3, 1, 0, 2, 2, 49)))
        text, _ = self.s_client(daemon)
        self.assertIn("alert access denied", text)


class Cut(TlsTest):
    """Requests in records cut anywhere, sent in pieces cut anywhere."""

    def run_one(self, daemon, rng, ctxs):
        data = messages(rng, rng.randrange(1, 12))
        with Peer(daemon.addresses[1]) as plain:
            plain.send(data)
            plain.finish()
            wanted = plain.to_end()
        with TlsPeer(daemon.address, rng.choice(ctxs)) as peer:
            pieces = cut(rng, data, rng.choice((1, 1, 3, 30)))
            sealed = b"".join(
                peer.encipher(piece, rng.choice((16384, 16384, 16383, 1000)))
                for piece in pieces)
            end = rng.choice(("close_notify", "FIN", "both"))
            if rng.random() < 0.5:
                for piece in cut(rng, sealed, rng.choice((2, 5, 40))):
                    peer.peer.send(piece)
            else:
                peer.peer.send(sealed)
            if end != "FIN":
                peer.notify()
            if end != "close_notify":
                peer.finish()
            self.assertEqual(peer.to_end(), wanted, end)

    def test_at_random(self):
        daemon = self.serve("timeout idle 100s", "timeout drain 100s")
        rng, seed = harness.seeded()
        ctxs = [tls.context(),
                tls.context(most=ssl.TLSVersion.TLSv1_2)]
        for run in range(thorough(150, 10000)):
            with self.subTest(f"APPMSG_SEED={seed}, run {run}"):
                self.run_one(daemon, rng, ctxs)
        daemon.stop()

    def test_around_the_largest_record(self):
        daemon = self.serve()
        rng = random.Random(1)
        data = messages(rng, 40)
        with Peer(daemon.addresses[1]) as plain:
            plain.send(data)
            plain.finish()
            wanted = plain.to_end()
        for record in (16383, 16384, 8192, 40):
            for size in (None, 16384, 16389, 16405, 16406, 16407, 65536):
                with self.connect(daemon) as peer:
                    peer.send(data, record, size)
                    peer.finish()
                    self.assertEqual(peer.to_end(), wanted)

    def test_bytewise(self):
        """The first message of a handshake, too."""
        daemon = self.serve("limit pipeline 3")
        peer = self.connect(daemon, start=False)
        with self.assertRaises(ssl.SSLWantReadError):
            peer.tls.do_handshake()
        peer.flush(1)
        peer.handshake()
        peer.send(search("ring", **KEEP) * 2, record=1, size=1)
        for _ in range(2):
            self.assertEqual(peer.reply().content, to_json({"result": RING}))
        # A fragment of a byte in each record.
        other = self.connect(daemon, start=False)
        with self.assertRaises(ssl.SSLWantReadError):
            other.tls.do_handshake()
        hello = other.made()
        other.peer.send(b"".join(
            hello[:3] + b"\0\1" + hello[i:i + 1]
            for i in range(5, len(hello))))
        other.handshake()
        other.send(search("ring"))
        self.assertEqual(other.to_end(), plain_reply(RING))


class Broken(TlsTest):
    """Peers that break the rules."""

    def hello(self, daemon):
        peer = self.connect(daemon, start=False)
        with self.assertRaises(ssl.SSLWantReadError):
            peer.tls.do_handshake()
        return peer, peer.made()

    def assert_serves(self, daemon):
        with self.connect(daemon) as peer:
            peer.send(search("ring"))
            self.assertEqual(peer.to_end(), plain_reply(RING))

    def test_hello_cut_at_each_byte(self):
        daemon = self.serve()
        _, data = self.hello(daemon)
        for length in range(0, len(data), thorough(7, 1)):
            with Peer(daemon.address) as peer:
                peer.send(data[:length])
                peer.finish()
                peer.ended()
        self.assert_serves(daemon)

    def test_hello_damaged_at_each_byte(self):
        """Answered by something of TLS, or by a plain word, and closed."""
        daemon = self.serve("timeout handshake 1s")
        _, data = self.hello(daemon)
        rng, seed = harness.seeded()
        for at in range(0, len(data), thorough(5, 1)):
            bad = bytearray(data)
            bad[at] ^= 1 << rng.randrange(8)
            with self.subTest(f"APPMSG_SEED={seed}, byte {at}"), \
                    Peer(daemon.address) as peer:
                peer.send(bytes(bad))
                peer.finish()
                got = peer.to_end()
                self.assertTrue(not got or got[0] in (21, 22)
                                or b"speaks TLS" in got, got)
        self.assert_serves(daemon)

    def test_requests_before_the_handshake(self):
        daemon = self.serve()
        peer, data = self.hello(daemon)
        peer.peer.send(data + search("ring"))
        self.assertIn(peer.peer.to_end()[0], (21, 22))
        self.assert_serves(daemon)

    def test_damaged_records(self):
        """What came before them is answered; then an alert, bad_record_mac,
        and the end."""
        daemon = self.serve()
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for before in range(3):
                with self.connect(daemon, tls.context(most=most)) as peer:
                    for _ in range(before):
                        self.assertEqual(
                            peer.ask(search("ring", **KEEP)).content,
                            to_json({"result": RING}))
                    sealed = bytearray(peer.encipher(search("ring")))
                    sealed[-1] ^= 1
                    peer.peer.send(sealed)
                    with self.assertRaisesRegex(ssl.SSLError, "BAD_RECORD"):
                        peer.some()
                    peer.peer.to_end()
        self.assert_serves(daemon)

    def test_ends_within_a_record(self):
        daemon = self.serve()
        for way in ("FIN", "reset", "close_notify"):
            with self.connect(daemon) as peer:
                sealed = peer.encipher(search("ring", **KEEP))
                peer.peer.send(sealed + sealed[:20]
                               if way == "FIN" else sealed)
                self.assertEqual(peer.reply().content,
                                 to_json({"result": RING}))
                if way == "FIN":
                    peer.finish()
                    peer.ended()
                elif way == "reset":
                    peer.peer.send(sealed[:20])
                    peer.peer.sock.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER,
                        b"\1\0\0\0\0\0\0\0")
                else:
                    # The first bytes of a message, and the end.
                    peer.send(search("ring", **KEEP)[:30])
                    peer.notify()
                    self.assertIn(b"the message is incomplete",
                                  peer.to_end())
        self.assert_serves(daemon)

    def test_empty_records_and_alerts(self):
        """Thousands of what says nothing end the connection."""
        daemon = self.serve()
        # Warnings in plain, of TLS 1.2, before the handshake.
        with Peer(daemon.address) as peer:
            peer.send(bytes((21, 3, 3, 0, 2, 1, 90)) * 1000)
            self.assertIn("speaks TLS", peer.to_end().decode())
        peer, data = self.hello(daemon)
        peer.peer.send(data)
        peer._more()
        try:
            peer.peer.send(bytes((21, 3, 3, 0, 2, 1, 90)) * 5000)
            peer.peer.send(bytes((23, 3, 3, 0, 0)) * 5000)
            self.assertIsNotNone(peer.peer.to_end())
        except ConnectionError:
            pass
        self.assert_serves(daemon)


if __name__ == "__main__":
    harness.main()
