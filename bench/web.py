# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Answers over HTTP beside nginx, which serves the same bytes as files.

http b is 64 connections with one request each in flight, http c is 64 with
32, http d is a connection per request.  nginx keeps its files open, and
sends them out of the page cache.
"""

import os

import servers
import wire
from fast import CONNS, DEPTH, floors

KEYS = 1000


def entries():
    """Keys, and answers of some 20 to 400 bytes."""
    return [(f"key-{i}", f"answer {i} " * (2 + i % 30)) for i in range(KEYS)]


def ask(path, close):
    """A GET, as curl sends it."""
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: curl/8\r\n"
            "Accept: */*\r\n" + ("Connection: close\r\n" if close else "")
            + "\r\n").encode()


def appmsgd(rig):
    """appmsgd with the answers as a table; asked over HTTP."""
    table = rig.path("web.tsv")
    with open(table, "w", encoding="utf-8") as out:
        out.writelines(f"{key}\t{answer}\n" for key, answer in entries())
    address = servers.place(rig, "web", False)
    app = servers.appmsgd(rig, [
        f"listen {address.replace(':', ' ')} service=http search=yes",
        f"table web file {table} search=exact,prefix"])
    app.address = address
    return app


def nginx(rig):
    """nginx with the answers as files."""
    folder = rig.path("files")
    os.makedirs(os.path.join(folder, "v1", "key"))
    for key, answer in entries():
        with open(os.path.join(folder, "v1", "key", key), "w",
                  encoding="utf-8") as out:
            out.write(answer)
    os.chmod(folder, 0o755)
    address = servers.place(rig, "files", False)
    web = servers.nginx(rig, more=f"""
    server {{
        listen {address} backlog=4096;
        root {folder};
        sendfile on;
        tcp_nopush on;
        open_file_cache max={2 * KEYS} inactive=1h;
        open_file_cache_valid 1h;
        charset utf-8;
    }}
""")
    web.address = address
    return web


def run(rig, name, server, paths, close):
    """A pack of all requests, and what it is loaded with."""
    asks = [ask(path, close) for path in paths]
    keeps = [ask(path, False) for path in paths]
    replies = wire.learn(server.address, keeps, read=servers.read_http)
    if close:
        # That it closes is the same for each.
        more = [wire.learn(server.address, asks[:1],
                           read=servers.read_http)[0]]
        extra = len(more[0]) - len(replies[0])
        replies = [reply + b"x" * max(extra, 0) if extra >= 0
                   else reply[:extra] for reply in replies]
    pack = wire.write_pack(rig.path("web.pack"), [
        (one, wire.unknown(reply)) for one, reply in zip(asks, replies)])
    return name, server, pack, 1, {}


def mode(rig, row, depth=1, close=False):
    """One of the modes; returns the figures by server."""
    paths = [f"/v1/key/{key}" for key, _ in entries()]
    found = [f"/v1/search?q={key[:-1]}&match=prefix" for key, _ in entries()]

    def start():
        app = appmsgd(rig)
        runs = [run(rig, "appmsgd", app, paths, close),
                run(rig, "appmsgd, ten by prefix", app, found, close)]
        web = servers.try_start(rig, row, nginx)
        if web is not None:
            runs.append(run(rig, "nginx", web, paths, close))
        return runs

    return rig.compare_anew(row, start, conns=CONNS, depth=depth,
                            mode="connect" if close else "keepalive")


def row_http(rig):
    """The three modes."""
    floors(rig, "http b", mode(rig, "http b"), [("nginx", 1.0)])
    floors(rig, "http c", mode(rig, "http c", depth=DEPTH), [("nginx", 2.0)])
    floors(rig, "http d", mode(rig, "http d", close=True), [("nginx", 1.0)])
