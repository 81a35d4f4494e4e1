# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Redis for tests: real servers and clusters.

Each is redis-server(1), in a folder of the test, on ports of the loopback that
are free, and ended by its pid when the test ends.  Without redis-server and
redis-cli the test is skipped.

    cluster = redis.cluster(test)       six nodes, a replica for each master
    single = redis.single(test, 1)      one server, and a replica

What a table is there for appmsgd, buckets.py makes.  Servers that are broken
are in nodes.py.
"""

import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import unittest

from harness import DEADLINE, LOOPBACK, environment, wait_until
from resp import RedisError, encode, read_reply, slot_of

PORTS = range(20000, 32000)     # below those that the kernel deals
BUS = 10000                     # a cluster's nodes speak at port + BUS
NODE_TIMEOUT = 1000             # milliseconds


def needs_redis():
    """Skip the test without Redis."""
    for name in ("redis-server", "redis-cli"):
        if shutil.which(name) is None:
            raise unittest.SkipTest(f"{name} is not installed")


class RedisServer:
    """A redis-server, that runs from its making on.

    options   more of its options, "--appendonly", "yes"
    password  that it wants of everybody
    tls       a certificates.Certificate: it speaks nothing else
    """

    def __init__(self, directory, *options, cluster=False, password=None,
                 tls=None):
        needs_redis()
        self.directory = directory
        self.password = password
        self.tls = tls
        self.log = os.path.join(directory, "log")
        self.process = None
        self.port = None
        self.cluster = cluster
        self.options = [
            "--bind", LOOPBACK, "--dir", directory, "--logfile", self.log,
            "--save", "", "--appendonly", "no", "--daemonize", "no"]
        if cluster:
            self.options += ["--cluster-enabled", "yes",
                             "--cluster-config-file", "nodes.conf",
                             "--cluster-node-timeout", str(NODE_TIMEOUT)]
        if password:
            self.options += ["--requirepass", password,
                             "--masterauth", password]
        if tls:
            self.options += ["--tls-cert-file", tls.cert,
                             "--tls-key-file", tls.key,
                             "--tls-ca-cert-file", tls.cert,
                             "--tls-auth-clients", "no",
                             "--tls-replication", "yes",
                             "--tls-cluster", "yes"]
        self.options += options
        os.makedirs(directory, exist_ok=True)
        while not self._try_to_start():
            pass

    def _try_to_start(self):
        """On a port that nobody seems to have; whether it was free."""
        self.port = free_port(self.cluster)
        self.start(wait=False)
        wait_until(lambda: self.process.poll() is not None or self.answers(),
                   "redis-server answers")
        if self.process.poll() is None:
            return True
        with open(self.log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        assert "Address already in use" in text, text[-2000:]
        return False

    @property
    def address(self):
        return LOOPBACK, self.port

    def __str__(self):
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def start(self, wait=True):
        """Run it, again on its port and in its folder."""
        ports = (["--port", "0", "--tls-port", str(self.port)] if self.tls
                 else ["--port", str(self.port)])
        self.process = subprocess.Popen(
            ["redis-server", *ports, *self.options], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment())
        if wait:
            wait_until(self.answers, "redis-server answers")

    def kill(self):
        """End it as a crash does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(DEADLINE)

    def stop(self):
        """Let it hang, till go_on()."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def connect(self):
        sock = socket.create_connection(self.address, DEADLINE)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            sock = context.wrap_socket(sock)
        return sock

    def calls(self, *requests):
        """The replies to several requests, sent at once; each is a tuple."""
        requests = list(requests)
        if self.password:
            requests.insert(0, ("AUTH", self.password))
        with self.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(b"".join(encode(*words) for words in requests))
            replies = [read_reply(file) for _ in requests]
        return replies[1:] if self.password else replies

    def call(self, *words):
        """The reply to a request; an error is raised."""
        reply = self.calls(words)[0]
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def answers(self):
        """Whether it answers, be it that it still loads."""
        try:
            return self.calls(("PING",)) == [b"PONG"]
        except OSError:
            return False

    def info(self, section):
        """What INFO says, by names."""
        lines = self.call("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


def free_port(cluster=False):
    """A port that nobody has now, and neither that of its bus."""
    while True:
        port = random.choice(PORTS)
        try:
            for number in (port, port + BUS)[:1 + cluster]:
                with socket.socket() as sock:
                    sock.bind((LOOPBACK, number))
        except OSError:
            continue
        return port


class Servers:
    """Several servers, that end together."""

    def __init__(self):
        self.servers = []

    def end(self):
        for server in self.servers:
            server.kill()

    def __iter__(self):
        return iter(self.servers)

    def __str__(self):
        """As a configuration names them."""
        return ",".join(map(str, self.servers))


class Single(Servers):
    """A server and its replicas, in whose memory is the same."""

    def __init__(self, directory, replicas=0, *options, **kwargs):
        super().__init__()
        try:
            self.master = self._add(directory, options, kwargs)
            self.replicas = [
                self._add(directory, (*options, "--replicaof", LOOPBACK,
                                      str(self.master.port)), kwargs)
                for _ in range(replicas)]
            wait_until(self.is_synced, "the replicas have it all")
        except BaseException:
            self.end()
            raise

    def _add(self, directory, options, kwargs):
        server = RedisServer(
            os.path.join(directory, f"redis{len(self.servers)}"),
            "--repl-diskless-sync-delay", "0", *options, **kwargs)
        self.servers.append(server)
        return server

    def is_synced(self):
        return all(replica.info("replication")["master_link_status"] == "up"
                   for replica in self.replicas)

    def server_of(self, _):
        return self.master


class Cluster(Servers):
    """A cluster of three masters, or so, with so many replicas each."""

    def __init__(self, directory, *options, masters=3, replicas=1, **kwargs):
        super().__init__()
        try:
            for i in range(masters * (1 + replicas)):
                self.servers.append(RedisServer(
                    os.path.join(directory, f"redis{i}"),
                    "--repl-diskless-sync-delay", "0", *options,
                    cluster=True, **kwargs))
            self.cli("--cluster", "create", *map(str, self.servers),
                     "--cluster-replicas", str(replicas), "--cluster-yes")
            self.wait_ok()
            wait_until(lambda: len(self.replicas()) == masters * replicas,
                       "the replicas know that they are")
            wait_until(self.is_synced, "the replicas have it all")
            wait_until(lambda: self.is_told(1 + replicas),
                       "everybody knows of everybody")
        except BaseException:
            self.end()
            raise

    def is_told(self, nodes):
        """Whether each server names so many of each slot."""
        return all(len(slots) == 2 + nodes for server in self.servers
                   for slots in server.call("CLUSTER", "SLOTS"))

    def cli(self, *args):
        """Run redis-cli to its end, with the options that any server needs;
        what it says."""
        one = self.servers[0]
        more = ["--tls", "--cacert", one.tls.cert] if one.tls else []
        env = environment()
        if one.password:
            env["REDISCLI_AUTH"] = one.password
        done = subprocess.run(["redis-cli", *more, *args], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=2 * DEADLINE, check=False, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def running(self):
        return [server for server in self.servers
                if server.process.poll() is None]

    def is_ok(self):
        """Whether each that runs says so."""
        return all(b"cluster_state:ok" in server.call("CLUSTER", "INFO")
                   for server in self.running())

    def wait_ok(self):
        wait_until(self.is_ok, "cluster_state:ok")

    def is_synced(self):
        return all(info["role"] == "master"
                   or info["master_link_status"] == "up"
                   for info in (server.info("replication")
                                for server in self.running()))

    def _by_role(self, role):
        return [server for server in self.running()
                if server.info("replication")["role"] == role]

    def masters(self):
        """Those that are masters now and run."""
        return self._by_role("master")

    def replicas(self):
        return self._by_role("slave")

    def by_port(self, port):
        return next(server for server in self.servers if server.port == port)

    def nodes_of(self, slot):
        """The servers that a slot has: its master, then its replicas.

        slot    or a key in it
        """
        slot = slot if isinstance(slot, int) else slot_of(slot)
        for first, last, *nodes in self.running()[0].call("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return [self.by_port(node[1]) for node in nodes]
        raise AssertionError(f"nobody has slot {slot}")

    def server_of(self, key):
        return self.nodes_of(key)[0]

    def id_of(self, server):
        return server.call("CLUSTER", "MYID").decode()

    def move(self, source, target, count):
        """Give slots of one master to another, with all that is in them."""
        return self.cli("--cluster", "reshard", str(source), "--cluster-from",
                        self.id_of(source), "--cluster-to",
                        self.id_of(target), "--cluster-slots", str(count),
                        "--cluster-yes")


def cluster(test, *options, **kwargs):
    """A Cluster in the test's folder, which ends with it."""
    return _ended(test, Cluster(test.path(), *options, **kwargs))


def single(test, replicas=0, *options, **kwargs):
    return _ended(test, Single(test.path(), replicas, *options, **kwargs))


def _ended(test, servers):
    test.addCleanup(servers.end)
    return servers
