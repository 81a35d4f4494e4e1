#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables on other machines by TLS: who is asked has proven who he is, nothing
is said in the clear, and what goes wrong is "unavailable", in time and with
its reason in the log.
"""

import sys

sys.path.insert(1, sys.path[0] + "/..")

import certificates
import harness
import nodes
import redis
import tls
from harness import LOOPBACK, kept, program, run, search, slow, wait_until
from relay import relay
from remote import RemoteTest
from scripted import Server

DATA = {f"key {i}": f"answer {i}" for i in range(500)}
PASSWORD = "open sesame"
HERE = f"IP:{LOOPBACK}"
PROOF = "certificate verify failed: "


class TlsTest(RemoteTest):
    """Those who trust one authority, and a server that has its word."""

    def setUp(self):
        super().setUp()
        tls.needed()
        self.authority = self.make("authority", authority=True)
        self.server = self.make("server", (HERE,), by=self.authority)
        self.write("password", PASSWORD + "\n")

    def make(self, name, names=(), **kwargs):
        return certificates.make(self.directory, name, names, **kwargs)

    def secret(self, where, kind="redis", *options, ca=None):
        return self.line(where, kind, "tls=yes",
                         f"ca={(ca or self.authority).cert}", *options)

    def with_password(self, where, *options, **kwargs):
        return self.secret(
            where, "redis", f"password-file={self.path('password')}",
            "deadline=1s", "cache=no", *options, **kwargs)

    def node(self, certificate=None, **kwargs):
        """A scripted one, that says what is right."""
        node = nodes.node(self, tls=certificate or self.server, **kwargs)
        self.publish(node, DATA)
        return node

    def assert_unavailable(self, why):
        """It is, and nothing else, with the reason in the log."""
        self.assertEqual(self.status("key 1"), "unavailable")
        self.daemon.wait_log(
            rf"table on another machine: {why} table=shared server=")
        self.assertEqual(self.status("near"), "found")


class Real(TlsTest):
    """Redis as it is, from the sandbox."""

    def test_a_server(self):
        single = redis.single(self, 1, tls=self.server, password=PASSWORD)
        self.publish(single, DATA)
        self.serve(self.with_password(single), "sandbox yes")
        self.check(DATA)

    def test_one_that_is_killed(self):
        single = redis.single(self, tls=self.server)
        self.publish(single, DATA)
        self.serve(self.secret(single, "redis", "cache=no"))
        self.wait_for("found", "key 1")
        single.master.kill()
        self.wait_for("unavailable", "key 1")
        single.master.start()
        self.publish(single, DATA)
        self.wait_for("found", "key 1")

    def test_a_cluster(self):
        cluster = redis.cluster(self, tls=self.server)
        self.publish(cluster, DATA)
        self.serve(self.secret(cluster.servers[0], "redis-cluster",
                               "cache=no"), "workers 2")
        self.check(DATA)
        with self.subTest("a slot moves"):
            source, target = cluster.masters()[:2]
            cluster.move(source, target, 300)
            self.check(DATA)

    def test_one_that_is_plain(self):
        single = redis.single(self)
        self.publish(single, DATA)
        self.serve(self.with_password(single))
        self.assert_unavailable(
            "(what it speaks is not TLS|its handshake takes too long|"
            "it ends the connection in the handshake)")

    def test_one_that_is_not(self):
        """But was said to be."""
        single = redis.single(self, tls=self.server)
        self.serve(self.line(single, "redis", "deadline=1s"))
        self.assert_unavailable(".* as one does that wants TLS")

    def test_one_that_wants_a_certificate(self):
        single = redis.single(self, tls=self.server)
        single.master.call("CONFIG", "SET", "tls-auth-clients", "yes")
        self.serve(self.with_password(single))
        self.assert_unavailable("TLS failed: .*certificate required")


class Strange(TlsTest):
    """Servers that do not prove what they should hear no word."""

    def test_certificates(self):
        other = self.make("other", authority=True)
        for name, why, kwargs in (
                ("stranger", "unable to get local issuer certificate|"
                 "self-signed certificate in certificate chain",
                 {"names": (HERE,), "by": other}),
                ("itself", "self-signed certificate", {"names": (HERE,)}),
                ("elsewhere", "IP address mismatch",
                 {"names": ("IP:127.0.0.2",), "by": self.authority}),
                ("named", "IP address mismatch",
                 {"names": ("DNS:localhost",), "by": self.authority,
                  "subject": f"/CN={LOOPBACK}"}),
                ("ended", "certificate has expired",
                 {"names": (HERE,), "by": self.authority, "days": 0})):
            with self.subTest(name):
                node = self.node(self.make(name, **kwargs))
                self.serve(self.with_password(node))
                self.assert_unavailable(f"{PROOF}({why})")
                wait_until(lambda node=node: len(node.connections) > 2,
                           "it is tried again")
                self.assertEqual(node.requests, [])
                self.daemon.stop()

    def test_warnings(self):
        """No more than one a second."""
        node = self.node(self.make("itself", (HERE,)))
        self.serve(self.with_password(node), "workers 1")
        peer = self.peer(self.daemon.address)
        tries = slow(5, 20)
        with harness.background(lambda: [
                self.status("key 1", peer) for _ in range(10 * tries)]):
            wait_until(lambda: len(node.connections) > tries,
                       "it is tried again")
        times = [line.split()[0] for line in self.daemon.log.splitlines()
                 if PROOF in line]
        self.assertLess(len(times), len(node.connections))

    def test_one_that_a_cluster_names(self):
        """MOVED and the map are believed, but not whom they name."""
        bad = self.node(self.make("itself", (HERE,)))
        good = self.node()

        def answer(words, _):
            if words[0] == b"CLUSTER":
                return nodes.slots((0, 16383, (LOOPBACK, bad.port)))
            return good.usual(words)

        good.answer = answer
        self.serve(self.secret(
            good, "redis-cluster", f"password-file={self.path('password')}",
            "deadline=1s"))
        self.assert_unavailable(PROOF + "self-signed certificate")
        self.assertEqual(bad.requests, [])

    def test_ones_that_are_plain(self):
        """What they get is no word of ours; whatever they say."""
        for reply, why in (
                (b"-ERR Protocol error: unbalanced quotes\r\n",
                 "what it speaks is not TLS"),
                (b"HTTP/1.1 400 Bad Request\r\n\r\n",
                 "what it speaks is not TLS"),
                (b"", "its handshake takes too long"),
                (None, "it ends the connection in the handshake")):
            with self.subTest(reply):
                got = []

                def serve(connection, reply=reply, got=got):
                    got.append(connection.sock.recv(1 << 16))
                    if reply is None:
                        return
                    connection.send(reply)
                    try:
                        got.append(connection.to_end())
                    except ConnectionError:
                        pass

                with Server(serve) as server:
                    self.serve(self.with_password(
                        f"{LOOPBACK}:{server.port}"))
                    self.assert_unavailable(why)
                    self.daemon.stop()
                sent = b"".join(got)
                self.assertTrue(sent.startswith(b"\x16\x03"), sent)
                for word in (b"AUTH", b"PING", PASSWORD.encode(), b"appmsg"):
                    self.assertNotIn(word, sent)


class Shaky(TlsTest):
    """A way to a server on which anything may happen."""

    def setUp(self):
        super().setUp()
        self.target = self.node()
        self.relay = relay(self, self.target)

    def serve(self, *lines, **kwargs):
        return super().serve(
            self.with_password(self.relay, "deadline=400ms"), "workers 1",
            *lines, **kwargs)

    def with_password(self, where, *options, **kwargs):
        return self.secret(
            where, "redis", f"password-file={self.path('password')}",
            "cache=no", *options, **kwargs)

    def handshake(self):
        """How many bytes come back, about, until the first reply is there.

        The worker's connection is one, and that of who reads for appmsgctl
        may be another.
        """
        self.serve()
        self.wait_for("found", "key 1")
        self.assertNotIn(PASSWORD.encode(), self.relay.sent)
        self.assertNotIn(b"appmsg", self.relay.sent)
        self.assertIn([b"AUTH", PASSWORD.encode()], self.target.requests)
        return self.relay.back // len(self.relay.pairs)

    def test_bytes_one_at_a_time(self):
        self.relay.narrow = True
        self.serve("timeout drain 1s")
        self.wait_for("found", "key 1")

    def test_cut_anywhere(self):
        """And silent from there on, or at an end; then all is well."""
        length = self.handshake()
        for ends in (True, False):
            for limit in range(1, length, length // slow(3, 60) + 1):
                with self.subTest(limit=limit, ends=ends):
                    self.relay.limit, self.relay.ends = limit, ends
                    self.relay.hang_up()
                    self.wait_for("unavailable", "key 1")
                    self.assertEqual(self.status("near"), "found")
                    self.relay.limit = None
                    self.relay.hang_up()
                    self.wait_for("found", "key 1")

    def test_cut_in_a_record(self):
        """Of a reply, of which nothing is taken."""
        self.serve()
        self.wait_for("found", "key 1")

        def answer(words, connection):
            reply = self.target.usual(words, connection)
            if words[0] == b"HMGET" and b"key 1" in words:
                # What ends the connection is no alert, but the way.
                self.relay.limit = 0
                connection.send(reply[:5])
                self.relay.hang_up()
                return None
            return reply

        self.target.answer = answer
        self.assertEqual(self.status("key 1"), "unavailable")
        self.target.answer = self.relay.limit = None
        self.wait_for("found", "key 1")

    def test_nobody_waits(self):
        """For a handshake that does not come on, but who asks there."""
        self.relay.limit, self.relay.ends = 1, False
        self.serve()
        peer = self.peer(self.daemon.address)
        other = self.peer(self.daemon.address)
        peer.send(search("key 1", **kept()))
        for _ in range(100):
            self.assertEqual(self.ask_one(other, "near").result, "at hand")
        self.assertEqual(dict(peer.reply().extra)["status"], "unavailable")
        self.daemon.wait_log("its handshake takes too long")

    def test_changed_on_the_way(self):
        """A record that somebody touched is none."""
        self.serve()
        self.wait_for("found", "key 1")
        send, touched = self.relay._send, []

        def touch(sock, data):
            if sock.getpeername()[1] != self.target.port and not touched:
                touched.append(True)
                data = data[:-1] + bytes([data[-1] ^ 1])
            return send(sock, data)

        self.relay._send = touch
        self.status("key 1")
        self.daemon.wait_log("TLS failed: ")
        self.wait_for("found", "key 1")


class Told(TlsTest):
    """Files that are no certificates, by file and line; and reloads."""

    def test_what_is_wrong(self):
        self.write("empty.pem", "")
        self.write("text.pem", "no certificate\n")
        for ca, why in (("none.pem", "cannot read ca {}: No such file or "
                         "directory"),
                        ("empty.pem", "no certificate in PEM in ca {}: "),
                        ("text.pem", "no certificate in PEM in ca {}: ")):
            with self.subTest(ca):
                config = self.configure(
                    f"listen {LOOPBACK} 0",
                    f"table shared redis {LOOPBACK}:1 tls=yes ca={ca}")
                done = run(program("appmsgd"), "-n", "-f", config)
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertIn(f"{config}:2: " + why.format(self.path(ca)),
                              done.stderr)

    def test_what_is_shown(self):
        config = self.configure(f"listen {LOOPBACK} 0",
                                self.secret(f"{LOOPBACK}:1"))
        done = run(program("appmsgd"), "-T", "-f", config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f" tls=yes ca={self.authority.cert}", done.stdout
                      .replace('"', ""))

    def trust(self, certificate):
        with open(certificate.cert, encoding="ascii") as file:
            self.write("ca.pem", file.read())

    def test_reload(self):
        """Another authority counts for what is connected from then on, and
        a file that is none changes nothing."""
        node = self.node()
        other = self.make("other", authority=True)
        self.trust(self.authority)
        self.serve(self.line(node, "redis", "tls=yes", "ca=ca.pem",
                             "cache=no"), "generations 3")
        self.wait_for("found", "key 1")
        self.write("ca.pem", "none\n")
        done = self.control("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no certificate in PEM in ca", done.stderr)
        self.assertEqual(self.status("key 1"), "found")
        self.trust(other)
        self.assertEqual(self.control("reload").returncode, 0)
        self.wait_for("unavailable", "key 1")
        self.daemon.wait_log(PROOF)
        self.trust(self.authority)
        self.assertEqual(self.control("reload").returncode, 0)
        self.wait_for("found", "key 1")
        self.assertEqual(self.control("rollback").returncode, 0)
        self.wait_for("unavailable", "key 1")

    def test_reload_of_something_else(self):
        """Who is connected stays so."""
        node = self.node()
        lines = (self.secret(node, "redis", "cache=no"),
                 self.control_line())
        self.serve(*lines[:1])
        self.wait_for("found", "key 1")
        before = len(node.connections)
        self.configure(*lines, answers=['answer "near" "by"'])
        self.assertEqual(self.control("reload").returncode, 0)
        self.wait_for("found", "key 1")
        self.assertEqual(len(node.connections), before)


if __name__ == "__main__":
    harness.main()
