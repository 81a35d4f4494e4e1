# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""How each server is started: on loopback, without the system's settings."""

import getpass
import os
import subprocess
import sys

import wire
from rig import Skip, Trouble, connect


def place(rig, name, unix):
    """An address of its own."""
    if unix:
        return rig.path(name + ".sock")
    return f"127.0.0.1:{rig.free_port()}"


def port(address):
    """Its port."""
    return address.rpartition(":")[2]


def limit(rig, sizes, close=False, unix=False, name="limit"):
    """The server that does no work."""
    address = place(rig, "limit", unix)
    reply = rig.path("reply")
    with open(reply, "wb") as out:
        out.write(b"x" * sizes[1])
    argv = [rig.limit, address, str(sizes[0]), reply]
    return rig.serve(name, argv + (["close"] if close else []), address)


def ready(rig, name):
    """Whether appmsgd has said so."""
    def said():
        with open(rig.log(name)) as log:
            return ": ready " in log.read()
    return said


# More connections than are allowed by default.
ROOM = ("limit connections 15000", "limit per-address 15000",
        "timeout idle 1h")


def appmsgd(rig, lines=(), workers=1, unix=False, name="appmsgd", pin=True,
            usual=ROOM, nofile=None):
    """appmsgd, with a control socket and one answer.

    usual   lines of the configuration that are not the row's own
    nofile  limit of descriptors, soft and hard
    """
    address = place(rig, "appmsgd", unix)
    control = rig.path("control")
    conf = rig.path("conf")
    with open(conf, "w") as out:
        out.write("\n".join([
            f"listen {address.replace(':', ' ')}",
            f"control {control}",
            f"workers {workers}",
            *usual,
            f'answer "ring" "{wire.RING}"',
            *lines]) + "\n")
    argv = [rig.appmsgd, "-d", "-f", conf]
    if nofile:
        argv = ["sh", "-c", f'ulimit -n {nofile}; exec "$@"', "sh", *argv]
    server = rig.serve(name, argv, address, pin=pin, ready=ready(rig, name))
    server.control = control
    server.conf = conf
    return server


def pin_workers(server):
    """Keep the threads that serve on the server's core, others off it."""
    rig = server.rig
    for task in os.listdir(f"/proc/{server.pid}/task"):
        with open(f"/proc/{server.pid}/task/{task}/comm") as comm:
            serves = comm.read().startswith("worker")
        os.sched_setaffinity(int(task), {rig.server_core} if serves
                             else set(rig.cores) - {rig.server_core})


def control(server, *words, seconds=None):
    """Ask its administrator's program; returns what it printed.

    seconds  that it may take
    """
    try:
        done = subprocess.run(
            [server.rig.appmsgctl, "-s", server.control, *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Trouble(f"appmsgctl {words}: no end in {seconds} s") from None
    if done.returncode != 0:
        raise Trouble(f"appmsgctl {words}: {done.stdout.decode()}")
    return done.stdout.decode()


def memcached(rig, name="memcached"):
    """memcached with one thread."""
    address = place(rig, "memcached", False)
    return rig.serve(name, [
        rig.program("memcached"), "-l", "127.0.0.1", "-p", port(address),
        "-U", "0", "-t", "1", "-m", "4096", "-c", "15000",
        "-u", getpass.getuser()], address)


def memcached_fill(server, pairs):
    """Set each."""
    with connect(server.address) as sock:
        for part in chunks(pairs, 5000):
            sock.sendall(b"".join(
                b"set %s 0 0 %d noreply\r\n%s\r\n" % (k, len(v), v)
                for k, v in part))
        sock.sendall(b"version\r\n")
        if not sock.recv(100).startswith(b"VERSION"):
            raise Trouble("memcached was not filled")


def redis(rig, name="redis", unix=False):
    """Redis that keeps nothing on disk."""
    address = place(rig, "redis", unix)
    where = (["--port", "0", "--unixsocket", address] if unix else
             ["--port", port(address)])
    return rig.serve(name, [
        rig.program("redis-server"), "--bind", "127.0.0.1", *where, "--save", "", "--appendonly", "no",
        "--protected-mode", "no", "--maxclients", "15000", "--dir", rig.folder], address)


def redis_fill(server, pairs):
    """Set each, without replies."""
    with connect(server.address) as sock:
        sock.sendall(b"CLIENT REPLY OFF\r\n")
        for part in chunks(pairs, 5000):
            sock.sendall(b"".join(
                b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
                % (len(k), k, len(v), v) for k, v in part))
        sock.sendall(b"CLIENT REPLY ON\r\n")
        if sock.recv(100) != b"+OK\r\n":
            raise Trouble("redis was not filled")


def chunks(pairs, size):
    """Lists of some pairs, in bytes."""
    part = []
    for k, v in pairs:
        part.append((k.encode(), v.encode()))
        if len(part) == size:
            yield part
            part = []
    yield part


def nginx(rig, name="nginx", more=""):
    """nginx that answers from a map; more: servers of its configuration."""
    program = rig.program("nginx")
    address = place(rig, "nginx", False)
    folder = rig.path("nginx")
    os.mkdir(folder)
    temporary = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w") as out:
        out.write(f"""daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log stderr crit;
events {{
    worker_connections 15000;
}}
http {{
{temporary}
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    map $uri $answer {{
        default "";
        /ring "{wire.RING}";
    }}
    server {{
        listen {address} backlog=4096;
        location / {{
            return 200 $answer;
        }}
    }}
{more}
}}
""")
    return rig.serve(name, [program, "-p", folder, "-c", conf,
                            "-e", "stderr"], address)


def read_http(stream):
    """The bytes of one reply."""
    head = b""
    length = 0
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            raise Trouble("nginx closed the connection")
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        head += line
    return head + stream.read(length)


def tutorial(rig, name="tutorial"):
    """The server of the Python tutorial."""
    if not rig.originals:
        raise Skip("tutorial: APPMSG_ORIGINALS is not set")
    program = os.path.join(rig.originals, "app-server.py")
    if not os.path.exists(program):
        raise Skip(f"{program} is not there")
    address = place(rig, "tutorial", False)
    return rig.serve(name, [sys.executable, "-B", program, "127.0.0.1",
                            port(address)], address, quiet=True)


def dictd(rig, words, name="dictd"):
    """dictd with a dictionary of the words, letter by letter."""
    program = rig.program("dictd")
    dictfmt = rig.program("dictfmt")
    address = place(rig, "dictd", False)
    folder = rig.path("dictd")
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    base = os.path.join(folder, "words")
    subprocess.run(
        [dictfmt, "-j", "--quiet", "--utf8", "--allchars",
         "--case-sensitive", "--without-headword", "--without-header",
         "--without-url", "--without-time", "--without-ver", base],
        input="".join(f":{w}: {w}\n" for w in words).encode(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C.UTF-8"}, check=True)
    conf = os.path.join(folder, "dictd.conf")
    with open(conf, "w") as out:
        out.write(f"""global {{
    listen_to 127.0.0.1
    port {port(address)}
    limit 1000
    depth 1024
}}
access {{
    allow *
}}
database words {{
    data "{base}.dict"
    index "{base}.index"
}}
""")
    return rig.serve(name, [
        program, "-c", conf, "-p", port(address), "-d", "nodetach",
        "-l", "none", "--limit", "1000", "--depth", "1024",
        "--pid-file", os.path.join(folder, "pid"),
        "--locale", "C.UTF-8"], address, quiet=True)


def try_start(rig, row, start, *args, **options):
    """A peer, or None where it is not installed."""
    try:
        return start(rig, *args, **options)
    except Skip as why:
        rig.skip(row, str(why))
        return None
