# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Rows about TLS: requests, handshakes, idle connections, a batch.

All servers have the same certificate and get the same cipher, TLS 1.3 with
AES-128-GCM.  limit-tls is the server that does no work behind it.
"""

import contextlib
import getpass
import json
import os
import shutil
import subprocess
import time

import fast
import servers
import wire
from rig import Skip, Trouble

BURST = 500


class Keys:
    """Certificates for a row, made by openssl(1)."""

    def __init__(self, rig):
        self.openssl = rig.program("openssl")
        self.cert, self.key, self.both = (
            rig.path(name) for name in ("cert.pem", "key.pem", "both.pem"))
        self.make(rig, self.cert, self.key, self.both)
        # One that is its own authority is enough for a client.
        self.mine, mine_key, self.mine_both = (
            rig.path(name) for name in ("mine.pem", "mine.key", "mine2.pem"))
        self.make(rig, self.mine, mine_key, self.mine_both)

    def make(self, rig, cert, key, both):
        """One, of P-256, its key, and a file with both."""
        done = subprocess.run(
            [self.openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
             "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", key, "-out", cert], capture_output=True, check=False)
        if done.returncode != 0:
            raise Trouble(f"openssl: {done.stderr.decode()}")
        with open(both, "wb") as out:
            for path in (cert, key):
                with open(path, "rb") as part:
                    out.write(part.read())


def encrypted(server, address):
    """A server that was started is now asked at its other address."""
    server.plain = server.address
    server.address = address
    return server


def new_address(rig):
    """Of a listener."""
    return servers.place(rig, "tls", False)


def appmsgd(rig, keys, client=False, lines=(), name="appmsgd"):
    """appmsgd, plain and over TLS."""
    said = subprocess.run([rig.appmsgd, "-V"], capture_output=True,
                          check=True).stdout.decode()
    if "\nTLS: none" in said:
        raise Skip("appmsgd was built without TLS")
    address = new_address(rig)
    asks = f" client-ca={keys.mine}" if client else ""
    return encrypted(servers.appmsgd(rig, [
        f"certificate {keys.cert} key={keys.key}",
        f"listen {address.replace(':', ' ')} tls=yes{asks}", *lines],
        name=name), address)


def limit(rig, keys, sizes, close=False):
    """The server that does no work."""
    if shutil.which(rig.limit_tls) is None:
        raise Skip("limit-tls is not built")
    address = new_address(rig)
    reply = rig.path("reply")
    with open(reply, "wb") as out:
        out.write(b"x" * sizes[1])
    argv = [rig.limit_tls, address, str(sizes[0]), reply,
            keys.both]
    return rig.serve("limit", argv + (["close"] if close else []), address)


def memcached(rig, keys, client=False):
    """memcached with one thread; client: asks for a certificate."""
    plain, address = new_address(rig), new_address(rig)
    options = f"ssl_chain_cert={keys.cert},ssl_key={keys.key}"
    if client:
        options += f",ssl_verify_mode=2,ssl_ca_cert={keys.mine}"
    program = rig.program("memcached")
    if "ssl_chain_cert" not in subprocess.run(
            [program, "-h"], capture_output=True, check=True).stdout.decode():
        raise Skip("memcached was built without TLS")
    return encrypted(rig.serve("memcached", [
        program, "-l", f"notls:{plain},{address}", "-Z", "-o", options,
        "-U", "0", "-t", "1", "-m", "1024", "-c", "15000",
        "-u", getpass.getuser()], plain), address)


def redis(rig, keys):
    """Redis that keeps nothing on disk."""
    plain, address = new_address(rig), new_address(rig)
    return encrypted(rig.serve("redis", [
        rig.program("redis-server"), "--bind", "127.0.0.1",
        "--port", servers.port(plain), "--tls-port", servers.port(address),
        "--tls-cert-file", keys.cert, "--tls-key-file", keys.key,
        "--tls-ca-cert-file", keys.mine, "--tls-auth-clients", "no",
        "--save", "", "--appendonly", "no", "--protected-mode", "no",
        "--maxclients", "15000", "--dir", rig.folder], plain), address)


def nginx(rig, keys, client=False):
    """nginx that answers from a map."""
    address = new_address(rig)
    asks = (f"ssl_verify_client on; ssl_client_certificate {keys.mine};"
            if client else "")
    return encrypted(servers.nginx(rig, more=f"""
    server {{
        listen {address} ssl backlog=4096;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {keys.cert};
        ssl_certificate_key {keys.key};
        {asks}
        location / {{
            return 200 $answer;
        }}
    }}
"""), address)


def own_runs(rig, row, keys, close=False, client=False):
    """appmsgd and, before it, the server without work."""
    ask = wire.request("ring", keep=not close)
    app = appmsgd(rig, keys, client)
    reply, = wire.learn(app.plain, [ask])
    runs = []
    bare = None
    if not client:
        bare = servers.try_start(rig, row, limit, keys,
                                 (len(ask), len(reply)), close)
    if bare is not None:
        pack = wire.write_pack(rig.path("pack"), [(ask, wire.unknown(reply))])
        runs.append(("limit", bare, pack, 1, {}))
    pack = wire.write_pack(rig.path("pack"), [(ask, reply)])
    return [*runs, ("appmsgd", app, pack, 1, {})]


def nginx_run(rig, row, keys, close=False, client=False):
    """nginx, if it is here."""
    web = servers.try_start(rig, row, nginx, keys, client=client)
    if web is None:
        return []
    asked = wire.http_request(not close)
    reply, = wire.learn(web.plain, [asked], read=servers.read_http)
    pack = wire.write_pack(rig.path("pack"), [(asked, wire.unknown(reply))])
    return [("nginx", web, pack, 1, {})]


def store_runs(rig, row, keys):
    """Redis and memcached, if they are here."""
    runs = []
    for name, start, fill, item in (
            ("redis", redis, servers.redis_fill, wire.redis_item),
            ("memcached", memcached, servers.memcached_fill,
             wire.memcached_item)):
        server = servers.try_start(rig, row, start, keys)
        if server is None:
            continue
        address, server.address = server.address, server.plain
        fill(server, [("ring", wire.RING)])
        server.address = address
        pack = wire.write_pack(rig.path("pack"), [item("ring", wire.RING)])
        runs.append((name, server, pack, 1, {}))
    return runs


def row_tls(rig):
    """Requests: one at a time, 32 at a time, and those in a record each."""
    for row, depth, split, bounds in (
            ("tls b", 1, False, (("limit", 0.93), ("nginx", 1.25),
                                 ("redis", 1.12), ("memcached", 1.05))),
            ("tls c", fast.DEPTH, False, (("limit", 0.85), ("redis", 1.35))),
            ("tls record", fast.DEPTH, True, (
                ("limit", 0.9), ("nginx", 7), ("redis", 8)))):
        def start(row=row):
            keys = Keys(rig)
            return [*own_runs(rig, row, keys), *nginx_run(rig, row, keys),
                    *store_runs(rig, row, keys)]

        figures = rig.compare_anew(
            row, start, conns=fast.CONNS, depth=depth,
            extra=["-S" if split else "-s"])
        fast.floors(rig, row, figures, bounds)


def row_handshakes(rig):
    """A handshake and a request for each connection."""
    for row, client, resume, bound in (
            ("tls full", False, False, 1.0),
            ("tls resumed", False, True, 0.95),
            ("tls client", True, False, 1.0)):
        def start(row=row, client=client):
            keys = Keys(rig)
            runs = [*own_runs(rig, row, keys, True, client),
                    *nginx_run(rig, row, keys, True, client)]
            mine = ["-C", keys.mine_both] if client else []
            again = ["-R"] if resume else []
            return [(*run[:4], {"extra": ["-s", *again, *mine]})
                    for run in runs]

        figures = rig.compare_anew(row, start, conns=fast.CONNS,
                                   mode="connect")
        fast.floors(rig, row, figures, [("nginx", bound)])


def row_hellos(rig):
    """Many handshakes at once: what another client waits for its reply."""
    keys = Keys(rig)
    runs = [*own_runs(rig, "hellos", keys)[-1:], *nginx_run(rig, "hellos", keys),
            *store_runs(rig, "hellos", keys)]
    figures = {}
    for name, server, pack, _, _ in runs:
        rounds = []
        for _ in range(rig.rounds):
            rounds.append(one_burst(rig, server, pack))
        figures[name] = rig.figure("hellos", name, rounds, main="worst_ms")
    rig.ratio("hellos", "longest wait of another client",
              figures["appmsgd"]["worst_ms"], 10, "<=",
              f"{BURST} handshakes at once", " ms", steady=False)


def before_others(pid, priority):
    """Where it may be, nothing else that runs here is measured."""
    with contextlib.suppress(PermissionError):
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setscheduler(int(task), os.SCHED_FIFO,
                                  os.sched_param(priority))


def one_burst(rig, server, pack):
    """The worst wait of a client without them, and with them."""
    before_others(server.pid, 10)
    quiet = rig.start_load(server, pack, conns=1, window=0.5, extra=["-s"])
    before_others(quiet.pid, 20)
    quiet = rig.finish_load("hellos", server, quiet)
    process = rig.start_load(server, pack, conns=1, window=36000, warm=0.3,
                             extra=["-s"])
    before_others(process.pid, 20)
    time.sleep(0.6)
    burst = rig.start_load(server, None, conns=BURST, mode="hellos",
                           extra=["-s"])
    # It is not what measures.
    before_others(burst.pid, 5)
    out, err = burst.communicate()
    rig.processes.remove(burst)
    result = rig.finish_load("hellos", server, process, stop=True)
    if burst.returncode != 0:
        raise Trouble(f"{server.name}: {err.decode().strip()}")
    return {"worst_ms": result["max_us"] / 1000,
            "quiet_ms": quiet["max_us"] / 1000,
            "all_ms": json.loads(out)["all_ms"]}


def row_tls_idle(rig):
    """What a connection costs that does nothing after a request."""
    n = 1000 if rig.quick else 3000
    keys = Keys(rig)
    for name, make in (
            ("appmsgd", lambda: own_runs(rig, "tls idle", keys)[-1:]),
            ("nginx", lambda: nginx_run(rig, "tls idle", keys)),
            ("stores", lambda: store_runs(rig, "tls idle", keys))):
        started = make()
        for run, server, pack, _, _ in started:
            one = rig.load("tls idle", server, pack, conns=n, mode="idle",
                           extra=["-s"])
            figure = rig.figure("tls idle", run, [one], main="bytes_each")
            if name == "appmsgd":
                rig.ratio("tls idle", "bytes an idle connection",
                          figure["bytes_each"], 16384, "<=",
                          f"{n} connections")
        for run in started:
            run[1].stop()


def row_batch(rig):
    """A batch of keys by appmsg-client, over TLS and in plain."""
    n = 100000 if rig.quick else 1000000
    keys = Keys(rig)
    table = rig.path("table.tsv")
    wire.write_tsv(table, n)
    app = appmsgd(rig, keys, lines=[f"table t file {table} search=exact"])
    asked = rig.path("asked")
    with open(asked, "w") as out:
        out.writelines(f"{wire.key(i)}\n" for i in range(n))
    times = {"plain": [], "tls": []}
    for _ in range(rig.rounds):
        for how, address, extra in (
                ("plain", app.plain, ()),
                ("tls", app.address, ("--tls", "--ca", keys.cert))):
            host, port = address.split(":")
            with open(asked, "rb") as source:
                began = time.monotonic()
                done = subprocess.run(
                    [rig.client, "-H", host, "-p", port, *extra, "-q",
                     "search", "-"], stdin=source, check=False,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                took = time.monotonic() - began
            if done.returncode != 0:
                raise Trouble(f"appmsg-client: {done.stderr.decode()}")
            times[how].append({"seconds": took, "keys_per_second": n / took})
    figures = {how: rig.figure("tls batch", how, rounds,
                               main="keys_per_second")
               for how, rounds in times.items()}
    rig.ratio("tls batch", "keys a second over TLS to plain",
              figures["tls"]["keys_per_second"]
              / figures["plain"]["keys_per_second"], 0.8, scale=f"{n} keys")
