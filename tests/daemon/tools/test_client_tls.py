#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client over TLS: servers that prove who they are, and that do not.
"""

import os
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
from harness import LOOPBACK, client, environment, plain_reply, program
from scripted import Server, ask


def over_tls(context, serve):
    """Serve behind a handshake; one that fails is the client's to tell."""
    def run(connection):
        try:
            connection.sock = context.wrap_socket(connection.sock,
                                                  server_side=True)
        except (OSError, ssl.SSLError):
            return
        with connection.sock:
            serve(connection)
    return run


def answers(connection):
    """Answer each search with its key, and keep the connection."""
    while (key := connection.key()) is not None:
        connection.reply(f"<{key}>", status="found",
                         connection="keep-alive")


class Cut:
    """A TLS connection whose records arrive in pieces of some bytes.

    first   what goes with the end of the handshake
    """

    def __init__(self, context, sock, size, first=b""):
        self.sock, self.size = sock, size
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing,
                                    server_side=True)
        self._do(self._shake, first)

    def _shake(self, first):
        self.tls.do_handshake()
        if first:
            self.tls.write(first)

    def _flush(self):
        data = self.outgoing.read()
        for start in range(0, len(data), self.size):
            self.sock.sendall(data[start:start + self.size])

    def _do(self, call, *args):
        while True:
            try:
                result = call(*args)
            except ssl.SSLWantReadError:
                self._flush()
                data = self.sock.recv(1 << 16)
                if not data:
                    return b""
                self.incoming.write(data)
                continue
            self._flush()
            return result

    def recv(self, size):
        return self._do(self.tls.read, size)

    def sendall(self, data):
        view = memoryview(data)
        while view:
            view = view[self._do(self.tls.write, view):]


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if "without TLS" in client("--tls", "search", "k", "-p", "1").stderr:
            raise unittest.SkipTest("appmsg-client is without TLS here")
        directory = tempfile.TemporaryDirectory(prefix="appmsgd-tls-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        cls.authority = certificates.make(cls.directory, "authority",
                                          authority=True)
        cls.server = certificates.make(
            cls.directory, "server", by=cls.authority,
            names=("DNS:localhost", "DNS:*.lookup.example", f"IP:{LOOPBACK}"))
        cls.mine = certificates.make(cls.directory, "mine", by=cls.authority)
        cls.other = certificates.make(cls.directory, "other")

    def context(self, certificate=None, wants=False):
        """What a server does; wants: a certificate of the client."""
        certificate = certificate or self.server
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        if wants:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.authority.cert)
        return context

    def serving(self, serve=answers, context=None):
        return Server(over_tls(context or self.context(), serve))

    def ask(self, server, *args, **kwargs):
        """Of its address; or by another name for it, behind -H."""
        where = () if "-H" in args else ("-H", LOOPBACK)
        return client(*where, "-p", server.port, "--tls", "--ca",
                      self.authority.cert, *args, **kwargs)

    def assert_told(self, done, status, *words):
        self.assertEqual((done.returncode, done.stdout), (status, ""),
                         done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)


class Proven(TlsTest):
    """Servers that are the ones that are asked for."""

    def test_search(self):
        with self.serving() as server:
            done = self.ask(server, "search", "ring")
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, "<ring>\n", ""))
            done = self.ask(server, "search", "-",
                            stdin=b"".join(b"%d\n" % i for i in range(3000)))
            self.assertEqual(done.returncode, 0)
            self.assertEqual(done.stdout, "".join(
                f"{i}\t<{i}>\n" for i in range(3000)))

    def test_versions(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            with self.serving(context=context) as server:
                self.assertEqual(self.ask(server, "search", "k").stdout,
                                 "<k>\n")

    def test_names(self):
        """The host's, an address, another that was said."""
        with self.serving() as server:
            for more in (("-H", "localhost"), ("-H", LOOPBACK),
                         ("--server-name", "localhost"),
                         ("--server-name", "a.lookup.example"),
                         ("--server-name", LOOPBACK)):
                done = self.ask(server, *more, "search", "k")
                self.assertEqual(done.stdout, "<k>\n", (more, done.stderr))

    def test_names_that_are_none(self):
        """They are told as such, and nobody is asked."""
        for name in ("", "x" * 256):
            done = client("--tls", "--server-name", name, "search", "k")
            self.assert_told(done, 64, "a server's name has 1 to 255 bytes")

    def test_its_own_certificate(self):
        """It is as good as that of its authority."""
        with self.serving() as server:
            done = ask(server, "--tls", "--ca", self.server.cert, "search",
                       "k")
            self.assertEqual(done.stdout, "<k>\n", done.stderr)

    def test_server_in_the_environment(self):
        with self.serving() as server:
            for name, status in ((f"appmsgs://{LOOPBACK}:{server.port}", 0),
                                 (f"appmsg://{LOOPBACK}:{server.port}", 64)):
                done = client("--ca", self.authority.cert, "search", "k",
                              env=environment(APPMSG_SERVER=name))
                self.assertEqual(done.returncode, status, done.stderr)
            # Another host is asked over TLS, too.
            done = client(
                "--ca", self.authority.cert, "-H", "localhost", "search", "k",
                env=environment(
                    APPMSG_SERVER=f"appmsgs://127.0.0.2:{server.port}"))
            self.assertEqual(done.stdout, "<k>\n", done.stderr)

    def test_what_the_server_sees(self):
        """The name that was asked for, what we speak, no old versions."""
        seen = []

        def look(connection):
            seen.append((connection.sock.selected_alpn_protocol(),
                         connection.sock.version()))
            answers(connection)
        context = self.context()
        context.set_alpn_protocols(["appmsg/1"])
        context.sni_callback = lambda sock, name, context: seen.append(name)
        with self.serving(look, context) as server:
            self.ask(server, "--server-name", "a.lookup.example", "search", "k")
            self.ask(server, "search", "k")
        # An address is no name that SNI could have.
        self.assertEqual(seen, ["a.lookup.example", ("appmsg/1", "TLSv1.3"),
                                None, ("appmsg/1", "TLSv1.3")])

    def test_records_in_pieces(self):
        """A long reply, some bytes at a time, and a record a reply."""
        text = "x" * 100000
        for size in (1, 7, 1000, 1 << 20):
            def serve(connection, size=size):
                connection.sock = Cut(self.context(), connection.sock, size)
                key = connection.key()
                connection.reply(key if size == 1 else text)
            with Server(serve) as server:
                done = self.ask(server, "search", "k")
                self.assertEqual(done.stdout, ("k" if size == 1 else text)
                                 + "\n", done.stderr)

    def test_long_request_and_reply(self):
        """Both are under way at once, and nobody waits for nobody."""
        def serve(connection):
            _, content = connection.request()
            connection.send(harness.request(
                content, content_type="binary/custom-server-binary-type",
                content_encoding="binary", status="found"))
        data = os.urandom(1 << 21)
        with self.serving(serve) as server:
            done = subprocess.run(
                [program("appmsg-client"), "--tls", "--ca",
                 self.authority.cert, "-p", str(server.port), "binary", "-"],
                input=data, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout, data)

    def test_echo(self):
        def serve(connection):
            while data := connection.sock.recv(1 << 16):
                connection.sock.sendall(data)
        with self.serving(serve) as server:
            text = "x" * 100000
            done = self.ask(server, "-c", "10", "echo", "hello", text)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout, f"hello\n{text}\n" * 10)

    def test_end(self):
        """With close_notify or without, what has come is all there is."""
        def with_notify(connection):
            connection.key()
            connection.send(plain_reply("yes"))
            connection.sock.unwrap()

        def without(connection):
            connection.key()
            connection.send(plain_reply("yes"))
            connection.sock.detach()

        def within(connection):
            connection.key()
            connection.send(plain_reply("yes")[:-1])
            connection.sock.unwrap()
        for serve in (with_notify, without):
            with self.serving(serve) as server:
                self.assertEqual(self.ask(server, "search", "k").stdout,
                                 "yes\n")
        with self.serving(within) as server:
            self.assert_told(self.ask(server, "search", "k"), 76,
                             "closed by the server")

    def test_we_say_the_end(self):
        """So that the server knows that nothing was cut off."""
        ends = []

        def serve(connection):
            connection.key()
            connection.reply("yes")
            ends.append(connection.sock.recv(1))   # raises without the words
        with self.serving(serve) as server:
            self.ask(server, "search", "k")
        self.assertEqual(ends, [b""])


    def test_a_reply_with_the_end_of_the_handshake(self):
        """Of TLS 1.2, where the server has the last word of that."""
        context = self.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        busy = harness.request(
            harness.to_json({"result": "Come back later."}),
            connection="close", status="busy")

        def serve(connection):
            Cut(context, connection.sock, 1 << 16, first=busy)
            connection.to_end()

        with Server(serve) as server:
            done = self.ask(server, "search", "k")
        self.assert_told(done, 75, "Come back later.")


class NotProven(TlsTest):
    """Servers that nobody should tell what he looks for."""

    def assert_unproven(self, certificate, *words, more=()):
        asked = []
        with self.serving(asked.append,
                          self.context(certificate)) as server:
            self.assert_told(self.ask(server, *more, "search", "k"), 76,
                             "not proven", *words)
        self.assertEqual(asked, [])

    def test_another_name(self):
        self.assert_unproven(None, "hostname mismatch",
                             more=("--server-name", "other"))
        self.assert_unproven(None, "hostname mismatch",
                             more=("--server-name", "a.b.lookup.example"))
        self.assert_unproven(None, "IP address mismatch",
                             more=("--server-name", "127.0.0.2"))

    def test_name_in_the_subject_only(self):
        """An alternative name that is another decides."""
        self.assert_unproven(certificates.make(
            self.directory, "localhost", by=self.authority,
            names=("DNS:other",)), "hostname mismatch",
            more=("-H", "localhost"))

    def test_another_authority(self):
        self.assert_unproven(self.other, "self-signed")
        with self.serving() as server:
            self.assert_told(ask(server, "--tls", "search", "k"), 76,
                             "not proven")

    def test_signed_by_one_that_may_not(self):
        self.assert_unproven(certificates.make(
            self.directory, "forged", by=self.mine,
            names=(f"IP:{LOOPBACK}",)))

    def test_old_certificate(self):
        self.assert_unproven(certificates.make(
            self.directory, "old", by=self.authority, days=0,
            names=(f"IP:{LOOPBACK}",)), "expired")


class Ours(TlsTest):
    """Our certificate, where a server wants one."""

    def contexts(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context(wants=True)
            context.minimum_version = context.maximum_version = version
            yield context

    def test_let_in(self):
        joined = os.path.join(self.directory, "joined.pem")
        with open(joined, "w", encoding="ascii") as file:
            for part in (self.mine.cert, self.mine.key):
                with open(part, encoding="ascii") as source:
                    file.write(source.read())
        for context in self.contexts():
            with self.serving(context=context) as server:
                for more in (("--cert", self.mine.cert, "--key",
                              self.mine.key), ("--cert", joined)):
                    done = self.ask(server, *more, "search", "k")
                    self.assertEqual(done.stdout, "<k>\n", done.stderr)

    def test_not_let_in(self):
        for context in self.contexts():
            with self.serving(context=context) as server:
                for more in ((), ("--cert", self.other.cert, "--key",
                                  self.other.key)):
                    done = self.ask(server, *more, "search", "k")
                    self.assertEqual(done.stdout, "")
                    self.assertEqual(done.returncode, 77, done.stderr)
                    self.assertIn("lets us not in: ", done.stderr)

    def test_files(self):
        """What is wrong with them is told before anybody is asked."""
        none = os.path.join(self.directory, "none")
        empty = os.path.join(self.directory, "empty")
        locked = os.path.join(self.directory, "locked")
        with open(empty, "w", encoding="ascii"):
            pass
        certificates.run_openssl("ec", "-in", self.mine.key, "-out", locked,
                                 "-aes128", "-passout", "pass:secret")
        for more, word in (
                (("--ca", none), f"{none}: No such file"),
                (("--ca", empty), f"{empty}: "),
                (("--ca", self.directory), f"{self.directory}: "),
                (("--cert", none), f"{none}: No such file"),
                (("--cert", self.mine.cert), f"{self.mine.cert}: "),
                (("--cert", self.mine.cert, "--key", empty), f"{empty}: "),
                (("--cert", self.mine.cert, "--key", locked), f"{locked}: "),
                (("--cert", self.mine.cert, "--key", self.other.key),
                 "key values mismatch")):
            done = client("--tls", *more, "-p", "1", "search", "k")
            self.assertEqual((done.returncode, done.stdout), (64, ""),
                             done.stderr)
            self.assertIn(word, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_options_that_do_not_go_together(self):
        for args in (("--ca", "x"), ("--cert", "x"), ("--server-name", "x"),
                     ("--tls", "--key", "x"), ("--tls", "-U", "/x")):
            done = client(*args, "search", "k")
            self.assertEqual(done.returncode, 64, args)
            self.assertIn("--help", done.stderr)


class Bad(TlsTest):
    """Servers that speak something else, or nothing."""

    def test_no_tls(self):
        def foreign(data):
            def serve(connection):
                connection.sock.recv(1000)
                connection.send(data)
                connection.to_end()
            return serve
        for data in (plain_reply("yes"), b"HTTP/1.1 400 Bad Request\r\n\r\n",
                     b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 100,
                     b"\x16\x03\x03\x00\x01\xff" * 10, os.urandom(1000)):
            with Server(foreign(data)) as server:
                done = self.ask(server, "search", "k")
                self.assertEqual((done.returncode, done.stdout), (76, ""),
                                 (data, done.stderr))
                self.assertEqual(done.stderr.count("\n"), 1)
        with Server(foreign(plain_reply("yes"))) as server:
            self.assert_told(self.ask(server, "search", "k"), 76,
                             f"{LOOPBACK}:{server.port}: ", "speaks no TLS")

    def test_end_of_the_connection(self):
        with Server(lambda connection: connection.sock.recv(1)) as server:
            self.assertEqual(self.ask(server, "search", "k").returncode, 76)
        with Server(lambda connection: connection.reset()) as server:
            self.assertEqual(self.ask(server, "search", "k").returncode, 76)

    def test_no_handshake(self):
        """The deadline is for all of it."""
        with Server(lambda connection: connection.to_end()) as server:
            self.assert_told(self.ask(server, "-t", "0.3", "search", "k"),
                             75, "timed out")

    def test_endless_handshake(self):
        """Nor is it longer for one that trickles."""
        def serve(connection):
            connection.sock.recv(1000)
            try:
                while True:
                    connection.send(b"\x16\x03\x03\x40\x00")
                    connection.send(b"\0" * 0x4000)
                    connection.sock.settimeout(0.05)
                    try:
                        if not connection.sock.recv(1000):
                            return
                    except TimeoutError:
                        pass
            except OSError:
                pass
        with Server(serve) as server:
            done = self.ask(server, "-t", "1", "search", "k")
            self.assertIn(done.returncode, (75, 76), done.stderr)

    def test_damage_behind_a_reply(self):
        """What came whole before it is used."""
        def serve(connection):
            for _ in range(2):
                connection.key()
            raw = socket.socket(fileno=os.dup(connection.sock.fileno()))
            connection.reply("yes", status="found", connection="keep-alive")
            with raw:
                raw.sendall(b"\x17\x03\x03\x00\x20" + b"\0" * 32)
                connection.sock.detach()
                raw.setblocking(True)
                while raw.recv(1000):
                    pass

        def first(connection):
            connection.reply("first", status="found",
                             connection="keep-alive")
            serve(connection)
        with self.serving(first) as server:
            done = self.ask(server, "search", "a", "b", "c")
            self.assertEqual(done.returncode, 76, done.stderr)
            self.assertEqual(done.stdout, "a\tfirst\nb\tyes\n")


if __name__ == "__main__":
    harness.main()
