#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Certificates: what is wrong with them is told by file and line, a reload
takes new ones or changes nothing, and who is connected notices neither.
"""

import json
import os
import shutil
import ssl
import sys
import threading

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
import tls
from harness import (LOOPBACK, RING, background, kept, plain_reply, program,
                     run, search, thorough, to_json)
from tls import TlsPeer

KEEP = kept()


class CertificatesTest(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        tls.needed()

    def make(self, name="server", *more, **kwargs):
        return certificates.make(
            self.directory, name, ("DNS:localhost", *more), **kwargs)

    def lines(self, *certs, listen=""):
        return (*(f"certificate {c.cert} key={c.key}" for c in certs),
                f"listen {LOOPBACK} 0 tls=yes keep-alive=yes{listen}",
                f"control {self.path('control')}")

    def reload(self):
        return run(program("appmsgctl"), "-s", self.path("control"),
                   "reload")

    def named(self, daemon, ctx=None, name="localhost"):
        """The names of the certificate that a client is shown."""
        with TlsPeer(daemon.address, ctx, name=name) as peer:
            cert = ssl.DER_cert_to_PEM_cert(peer.tls.getpeercert(True))
        path = self.write("shown.pem", cert)
        return ssl._ssl._test_decode_cert(path)

    def shown(self, daemon, **kwargs):
        """The CN of it."""
        subject = self.named(daemon, **kwargs)["subject"]
        return dict(pair for rdn in subject for pair in rdn)["commonName"]


class Checked(CertificatesTest):
    """What -n says, with file and line; a start says the same."""

    def check(self, *lines):
        config = self.configure(*lines)
        done = run(program("appmsgd"), "-n", "-f", config)
        return done.returncode, done.stderr.replace(config, "CONF")

    def assert_wrong(self, line, words, *lines):
        status, said = self.check(*lines)
        self.assertEqual(status, 78, said)
        self.assertIn(f"CONF:{line}: ", said)
        self.assertIn(words, said)
        self.assertEqual(len(said.splitlines()), 1, said)

    def test_lines(self):
        listen = f"listen {LOOPBACK} 0"
        for line, words, lines in (
                (1, "tls=yes needs a certificate line",
                 (f"{listen} tls=yes",)),
                (1, "client-ca= needs tls=yes",
                 (f"{listen} client-ca=ca.pem",)),
                (1, "\"maybe\" is neither yes nor no",
                 (f"{listen} tls=maybe",)),
                (1, "tls= is for addresses",
                 (f"listen {self.path('s')} tls=yes",)),
                (1, "tls= is not for service=http without search=yes",
                 (f"{listen} tls=yes service=http",)),
                (2, "cannot read the certificate", ("certificate none.pem",)),
                (2, "unknown option \"keys\"; did you mean \"key\"?",
                 ("certificate none.pem keys=x",)),
                (2, "it must be: certificate FILE [key=FILE]",
                 ("certificate",))):
            with self.subTest(words):
                status, said = self.check(*lines)
                self.assertEqual(status, 78)
                self.assertIn(f"CONF:{line}: ", said)
                self.assertIn(words, said)

    def test_files(self):
        good, other = self.make(), self.make("other")
        old = self.make("old", days=0)
        locked, junk = self.path("locked.key"), self.write("junk", "junk\n")
        certificates.run_openssl("ec", "-in", good.key, "-out", locked,
                                 "-aes128", "-passout", "pass:x")
        listen = f"listen {LOOPBACK} 0 tls=yes"
        for words, lines in (
                (f"the key {other.key} does not fit the certificate "
                 f"{good.cert}", (f"certificate {good.cert} key={other.key}",)),
                (f"cannot read the key {self.path('no')}: No such file",
                 (f"certificate {good.cert} key=no",)),
                ("has a passphrase, which nobody could type",
                 (f"certificate {good.cert} key={locked}",)),
                (f"no private key in PEM in {junk}",
                 (f"certificate {good.cert} key={junk}",)),
                (f"no private key in PEM in {good.cert}",
                 (f"certificate {good.cert}",)),
                (f"no certificate in PEM in {junk}",
                 (f"certificate {junk} key={good.key}",)),
                (f"no certificate in PEM in {good.key}",
                 (f"certificate {good.key} key={good.key}",)),
                (f"cannot read the certificate {self.directory}: Is a dir",
                 (f"certificate {self.directory}",)),
                (f"the certificate {old.cert} ended 2",
                 (f"certificate {old.cert} key={old.key}",))):
            with self.subTest(words):
                self.assert_wrong(1, words, *lines, listen)
        again = f"certificate {good.cert} key={good.key}"
        self.assert_wrong(2, "this certificate was given before, at ",
                          again, again, listen)
        for ca, words in ((junk, "no certificate in PEM in client-ca"),
                          ("none", "cannot read client-ca")):
            self.assert_wrong(2, words, again, f"{listen} client-ca={ca}")
        # What holds both is one file.
        with open(good.cert, "a") as file, open(good.key) as key:
            file.write(key.read())
        os.chmod(good.cert, 0o600)
        status, said = self.check(f"certificate {good.cert}", listen)
        self.assertEqual((status, said), (0, ""))
        # Truncated at any line.
        with open(good.cert) as file:
            text = file.read().splitlines(True)
        for n in range(1, len(text) - 1, thorough(3, 1)):
            cut = self.write("cut", "".join(text[:n]))
            status, _ = self.check(f"certificate {cut}", listen)
            self.assertEqual(status, 78)

    def test_warnings(self):
        soon = self.make("soon", days=3)
        os.chmod(soon.key, 0o644)
        status, said = self.check(*self.lines(soon))
        self.assertEqual(status, 0)
        self.assertRegex(said, r"CONF:1: warning: others may read the key "
                         rf"{soon.key} \(mode 0644\)\n")
        self.assertRegex(said, r"CONF:1: warning: the certificate "
                         rf"{soon.cert} ends 2.*, in [23] days\n")
        daemon = self.start(*self.lines(soon))
        self.assertIn("conf:1: others may read the key", daemon.log)

    def test_shown_again(self):
        """What -T says means the same."""
        good, ca = self.make(), self.make("ca", authority=True)
        config = self.configure(
            *self.lines(good, listen=f" client-ca={ca.cert}"),
            "limit handshakes 7")
        first = run(program("appmsgd"), "-T", "-f", config)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn(f'certificate "{good.cert}" key="{good.key}"\n',
                      first.stdout)
        self.assertIn(f'tls=yes client-ca="{ca.cert}"', first.stdout)
        self.assertIn("limit handshakes 7\n", first.stdout)
        again = run(program("appmsgd"), "-T", "-f",
                    self.write("again", first.stdout))
        self.assertEqual(again.stdout, first.stdout)


class Names(CertificatesTest):
    def test_by_name(self):
        """The first certificate that has the name; else the first of all."""
        certs = [self.make("one"),
                 certificates.make(self.directory, "two",
                                   ("DNS:two.example", "DNS:*.more.example")),
                 certificates.make(self.directory, "three",
                                   ("DNS:a.more.example",), key="RSA"),
                 certificates.make(self.directory, "four.example")]
        daemon = self.start(*self.lines(*certs))
        for name, cn in (("localhost", "one"), ("two.example", "two"),
                         ("TWO.example", "two"), ("a.more.example", "two"),
                         ("more.example", "one"),
                         ("a.b.more.example", "one"),
                         ("four.example", "four.example"),
                         ("nobody.example", "one"), (None, "one")):
            with self.subTest(name):
                self.assertEqual(self.shown(daemon, name=name), cn)


class Asked(CertificatesTest):
    def test_within_a_handshake(self):
        """Who was not asked for a certificate yet is not let in by a
        listener that wants one by now."""
        server, ca = self.make(), self.make("ca", authority=True)
        daemon = self.start(*self.lines(server))
        with TlsPeer(daemon.address, start=False) as peer:
            try:
                peer.tls.do_handshake()
            except ssl.SSLWantReadError:
                peer.flush()
            peer.peer.wait_readable()
            self.configure(*self.lines(server,
                                       listen=f" client-ca={ca.cert}"))
            self.assertEqual(self.reload().returncode, 0)
            peer.handshake()
            reply = peer.ask(search("ring", **KEEP))
        self.assertIn(b"you are not allowed here", reply.content)


class RolledBack(CertificatesTest):
    """What comes back is who may ask, not what proved the server."""

    def rollback(self):
        done = run(program("appmsgctl"), "-s", self.path("control"),
                   "rollback")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_client_ca(self):
        server, other = self.make(), self.make("other")
        ca = self.make("ca", authority=True)
        mine = tls.context(mine=self.make("mine", by=ca))
        asks = f" client-ca={ca.cert}"

        def serve(cert, listen):
            return (*self.lines(cert, listen=listen), "generations 4")

        def asked(ctx=None):
            try:
                with TlsPeer(daemon.address, ctx) as peer:
                    peer.send(search("ring", **KEEP))
                    return peer.reply().content == to_json({"result": RING})
            except ssl.SSLError as error:
                self.assertIn("CERTIFICATE_REQUIRED", str(error))
                return False

        daemon = self.start(*serve(server, asks))
        self.assertEqual((asked(), asked(mine)), (False, True))
        self.configure(*serve(other, ""))
        self.assertEqual(self.reload().returncode, 0)
        self.assertEqual((asked(), asked(mine)), (True, True))
        self.rollback()
        self.assertEqual((asked(), asked(mine)), (False, True))
        self.assertEqual(self.shown(daemon, ctx=mine), "other")
        self.rollback()
        self.assertEqual((asked(), asked(mine)), (True, True))


class Reloaded(CertificatesTest):
    def test_taken_or_not(self):
        one, two = self.make("one"), self.make("two")
        daemon = self.start(*self.lines(one))
        open_one = TlsPeer(daemon.address)
        self.addCleanup(open_one.close)
        self.assertEqual(self.shown(daemon), "one")
        # A key of another one: nothing changes, and it is named.
        shutil.copy(two.cert, one.cert)
        done = self.reload()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"the key {one.key} does not fit the certificate "
                      f"{one.cert}", done.stdout + done.stderr)
        self.assertEqual(self.shown(daemon), "one")
        shutil.copy(two.key, one.key)
        done = self.reload()
        self.assertEqual(done.returncode, 0)
        self.assertIn("generation 2 serves", done.stdout)
        self.assertEqual(self.shown(daemon), "two")
        self.assertEqual(open_one.ask(search("ring")).content,
                         to_json({"result": RING}))
        # Tables that are wrong keep the certificates, too.
        three = self.make("three")
        self.configure(*self.lines(three), "table x file none.tsv")
        self.assertEqual(self.reload().returncode, 1)
        self.assertEqual(self.shown(daemon), "two")
        self.configure(*self.lines(three))
        self.assertEqual(self.reload().returncode, 0)
        self.assertEqual(self.shown(daemon), "three")
        # And what is given back does not take old ones back.
        self.assertEqual(run(program("appmsgctl"), "-s",
                             self.path("control"), "rollback").returncode, 0)
        self.assertEqual(self.shown(daemon), "three")

    def test_replaced_while_it_is_read(self):
        """Whatever a reload finds, it takes a pair that fits, or says which
        file is wrong and goes on with the one before."""
        pairs = [self.make("one"), self.make("two")]
        mine = self.make("mine")
        data = []
        for pair in pairs:
            with open(pair.cert, "rb") as cert, open(pair.key, "rb") as key:
                data.append((cert.read(), key.read()))
        daemon = self.start(*self.lines(mine))
        over = threading.Event()

        def replace():
            at = 0
            while not over.is_set():
                at += 1
                # In place, so that there are halves, too.
                for path, text in zip((mine.cert, mine.key), data[at % 2]):
                    with open(path, "wb", buffering=0) as file:
                        for i in range(0, len(text), 100):
                            file.write(text[i:i + 100])

        with background(replace):
            try:
                for _ in range(thorough(8, 300)):
                    done = self.reload()
                    said = done.stdout + done.stderr
                    if done.returncode != 0:
                        self.assertTrue(mine.cert in said or mine.key in said,
                                        said)
                    self.assertIn(self.shown(daemon), ("mine", "one", "two"))
            finally:
                over.set()
        for path, text in zip((mine.cert, mine.key), data[0]):
            with open(path, "wb") as file:
                file.write(text)
        self.assertEqual(self.reload().returncode, 0)
        self.assertEqual(self.shown(daemon), "one")

    def test_key_is_read_once(self):
        """Who has no right to it any more may still reload tables."""
        one = self.make("one")
        daemon = self.start(*self.lines(one))
        os.rename(one.key, one.key + ".away")
        done = self.reload()
        self.assertEqual(done.returncode, 0)
        self.assertIn("generation 1 ", done.stdout)
        # Written anew with the same bytes, too.
        with open(one.cert, "rb") as file:
            data = file.read()
        os.unlink(one.cert)
        self.write(os.path.basename(one.cert), data)
        self.assertEqual(self.reload().returncode, 0)
        self.assertEqual(self.shown(daemon), "one")
        self.write(os.path.basename(one.cert), data + b"\n")
        done = self.reload()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot read the key {one.key}", done.stdout +
                      done.stderr)
        self.assertEqual(self.shown(daemon), "one")

    def test_client_ca(self):
        """Which clients are let in a reload says, and no ticket lets in
        who is not any more."""
        server = self.make()
        first, second = (self.make(name, authority=True)
                         for name in ("first", "second"))
        mine = certificates.make(self.directory, "mine", by=first)
        other = certificates.make(self.directory, "other", by=second)
        daemon = self.start(*self.lines(
            server, listen=f" client-ca={first.cert}"))
        ctx = tls.context(mine=mine)
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for bad in (tls.context(most=most),
                        tls.context(mine=other, most=most)):
                with self.assertRaises(ssl.SSLError):
                    with TlsPeer(daemon.address, bad) as peer:
                        peer.send(search("ring"))
                        peer.some()
        with TlsPeer(daemon.address, ctx) as peer:
            peer.ask(search("ring"))
            session = peer.tls.session
        with TlsPeer(daemon.address, ctx, session=session) as peer:
            peer.ask(search("ring"))
            self.assertTrue(peer.tls.session_reused)
            session = peer.tls.session
        with open(first.cert) as file:
            was = file.read()
        shutil.copy(second.cert, first.cert)
        self.assertEqual(self.reload().returncode, 0)
        with self.assertRaises(ssl.SSLError):
            with TlsPeer(daemon.address, ctx, session=session) as peer:
                peer.send(search("ring"))
                peer.some()
        with TlsPeer(daemon.address, tls.context(mine=other)) as peer:
            peer.ask(search("ring"))
        # Both of them, and then it is another authority again.
        with open(first.cert, "a") as file:
            file.write(was)
        self.assertEqual(self.reload().returncode, 0)
        with TlsPeer(daemon.address, ctx, session=session) as peer:
            peer.ask(search("ring"))
            self.assertFalse(peer.tls.session_reused)

    def test_tickets_over_workers_and_reloads(self):
        one = self.make("one")
        daemon = self.start(*self.lines(one), "workers 2")
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ctx = tls.context(one, most=most)
            with TlsPeer(daemon.address, ctx) as peer:
                peer.ask(search("ring"))
                session = peer.tls.session
            for i in range(8):
                if i % 3 == 2:
                    self.assertEqual(self.reload().returncode, 0)
                # Those that are open take turns with the workers.
                open_one = TlsPeer(daemon.address, ctx, session=session)
                self.addCleanup(open_one.close)
                open_one.ask(search("ring"))
                self.assertTrue(open_one.tls.session_reused)

    def test_under_load(self):
        """Nothing is lost, whatever certificates come and go."""
        certs = [self.make(name) for name in ("one", "two")]
        used = certificates.Certificate(self.path("used.pem"),
                                        self.path("used.key"))
        for part in ("cert", "key"):
            shutil.copy(getattr(certs[0], part), getattr(used, part))
        daemon = self.start(*self.lines(used), "workers 2")
        over, answered = threading.Event(), []

        def ask():
            n = 0
            while not over.is_set():
                with TlsPeer(daemon.address) as peer:
                    for _ in range(5):
                        reply = peer.ask(search("ring"))
                        assert reply.content == to_json({"result": RING})
                        n += 1
            answered.append(n)

        def change():
            try:
                for i in range(thorough(20, 100)):
                    for part in ("cert", "key"):
                        shutil.copy(getattr(certs[i % 2], part),
                                    getattr(used, part))
                    done = self.reload()
                    assert done.returncode == 0, done.stderr
            finally:
                over.set()

        with background(ask, ask, change):
            pass
        self.assertGreater(min(answered), 0)
        daemon.stop()


class Counted(CertificatesTest):
    def stats(self):
        done = run(program("appmsgctl"), "-s", self.path("control"),
                   "--json", "stats")
        return json.loads(done.stdout)

    def test_handshakes(self):
        one = self.make()
        daemon = self.start(*self.lines(one))
        ctx = tls.context(one)
        with TlsPeer(daemon.address, ctx) as peer:
            peer.ask(search("ring"))
            session = peer.tls.session
        again = TlsPeer(daemon.address, ctx, session=session)
        self.addCleanup(again.close)
        again.ask(search("ring"))
        with harness.Peer(daemon.address) as peer:
            peer.send(b"plain")
            peer.reply()
        harness.wait_until(lambda: self.stats()["tls"]["failed"] == 1
                           and self.stats()["tls"]["closed"] == 1,
                           "it is counted")
        ends = self.stats()["certificates"]
        self.assertEqual([c["name"] for c in ends], ["localhost"])
        lines = run(program("appmsgctl"), "-s", self.path("control"),
                    "stats").stdout
        self.assertRegex(lines, r"(?m)^certificate  localhost, until 20")
        self.assertRegex(lines, r"(?m)^TLS          1 now, 2 handshakes, "
                         r"1 of them by tickets, 1 failed, 0 timed out$")
        metrics = run(program("appmsgctl"), "-s", self.path("control"),
                      "stats", "--openmetrics").stdout
        self.assertRegex(metrics, "appmsgd_certificate_not_after_seconds"
                         r'{number="1",name="localhost"} [0-9]{10}\n')
        self.assertIn("appmsgd_tls_connections 1\n", metrics)

        wanted = {"handshakes": 2, "failed": 1, "resumed": 1, "closed": 1}
        self.assertEqual(self.stats()["tls"], wanted)

    def test_drain(self):
        """All that was asked is answered, and close_notify follows."""
        daemon = self.start(*self.lines(self.make()))
        peers = [TlsPeer(daemon.address) for _ in range(20)]
        for peer in peers:
            self.addCleanup(peer.close)
            peer.ask(search("ring"))
        with daemon.stopped():
            for peer in peers:
                peer.send(search("ring") * 50)
            daemon.terminate()
        for peer in peers:
            data = peer.to_end()
            self.assertEqual(data.count(b"result"), 50)
        self.assertEqual(daemon.wait(), 0)


if __name__ == "__main__":
    harness.main()
