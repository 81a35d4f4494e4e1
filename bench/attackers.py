# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Clients that mean no good, for the rows about them and for tests.

Most are a Swarm that follows some Plan; what an attack is like is here, what
it is worth is judged elsewhere.
"""

import contextlib
import functools
import json
import random
import socket
import time

from swarm import Plan, Swarm, reset, source, until
from wire import encode, read_from

PER_ADDRESS = 1000          # connections: the limit that is default


# What is sent

def message(body, header=None, **members):
    """A request: header, members of it with _ for -, and content.

    header  raw bytes, instead of the usual one
    """
    if header is None:
        usual = {"byteorder": "little", "content-type": "text/json",
                 "content-encoding": "utf-8", "content-length": len(body)}
        usual.update({k.replace("_", "-"): v for k, v in members.items()})
        header = usual
    return encode(header, body)


def search(key, keep=True, **content):
    """A search; keep: the connection stays."""
    body = json.dumps({"action": "search", "value": key, **content},
                      ensure_ascii=False).encode()
    return message(body, **({"connection": "keep-alive"} if keep else {}))


def binary(key):
    """A binary request that keeps its connection."""
    return message(key, content_type="binary/x", content_encoding="binary",
                   connection="keep-alive")


def named(names, key="ring"):
    """A search whose header has members of these names, as JSON has them."""
    body = json.dumps({"action": "search", "value": key}).encode()
    head = (b'{"byteorder":"little","content-type":"text/json",'
            b'"content-encoding":"utf-8","content-length":%d,'
            b'"connection":"keep-alive"' % len(body))
    head += b"".join(b',"%s":0' % name.encode() for name in names) + b"}"
    return message(body, header=head)


LETTERS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
           "0123456789-_")
PRIME, BASIS, WORD = 16777619, 2166136261, 0xffffffff


def fnv1a(text, state=BASIS):
    """The 32-bit hash of bytes."""
    for byte in text:
        state = (state ^ byte) * PRIME & WORD
    return state


@functools.cache
def colliding(count=250, size=55):
    """Names of one FNV-1a hash, with an escape, as JSON spells them.

    The hash can be run backwards.  All states that three letters lead to
    from the common beginning are kept; from the state at the end, four
    letters back lead into one of them every 16,384 times.
    """
    prefix = "x" * (size - 9)
    inverse = pow(PRIME, -1, 1 << 32)
    start = fnv1a(b"/" + prefix.encode())
    codes = LETTERS.encode()
    forward = {}
    for a in codes:
        one = (start ^ a) * PRIME & WORD
        for b in codes:
            two = (one ^ b) * PRIME & WORD
            for c in codes:
                forward[(two ^ c) * PRIME & WORD] = (a, b, c)
    names = []
    for d in range(len(codes) ** 2):
        end = 0x12345678
        last = codes[d % 64], codes[d // 64]
        for byte in last:
            end = end * inverse & WORD ^ byte
        for c in codes:
            three = end * inverse & WORD ^ c
            for b in codes:
                found = forward.get(three * inverse & WORD ^ b)
                if found:
                    tail = bytes((*found, b, c, last[1], last[0])).decode()
                    names.append("\\/" + prefix + tail)
        if len(names) >= count:
            break
    return names[:count]


def harmless(count=250, size=55):
    """Names of the same form, without that."""
    dice = random.Random(3)
    return ["\\/" + "x" * (size - 9) + "".join(dice.choices(LETTERS, k=7))
            for _ in range(count)]


# One connection that is honest

class Peer:
    """Blocking, with replies read whole."""

    def __init__(self, address, bound=None, seconds=20):
        unix = isinstance(address, str)
        self.sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self.sock.settimeout(seconds)
        try:
            if bound and not unix:
                self.sock.bind((bound, 0))
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise
        if not unix:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """That."""
        self._stream.close()
        self.sock.close()

    def reply(self):
        """Header and content of the next reply; raises EOFError."""
        header, content = read_from(self._stream)
        return json.loads(header), content

    def ask(self, data):
        """Send a request and read its reply."""
        self.sock.sendall(data)
        return self.reply()


def in_two_pieces(address, data, pause=0.03, bound=None):
    """The status of a request on a connection of its own, in two pieces.

    Or what went wrong.
    """
    try:
        with Peer(address, bound, 5) as peer:
            peer.sock.sendall(data[:-5])
            time.sleep(pause)
            with contextlib.suppress(OSError):
                peer.sock.sendall(data[-5:])
            return peer.reply()[0].get("status")
    except (OSError, EOFError) as why:
        return type(why).__name__


def ask_and_vanish(address, data, count, pause=0.005):
    """Connections that ask, and are closed at once: by a reset, if TCP."""
    for _ in range(count):
        with contextlib.suppress(OSError):
            peer = Peer(address)
            peer.sock.sendall(data)
            time.sleep(pause)
            peer._stream.close()
            reset(peer.sock)


# Attacks

def hoard(swarm, address, ask, bound, count=600):
    """One address that asks much and never reads."""
    swarm.add(count, Plan(address, ask * 90, reads=False, rcvbuf=2048,
                          bound=bound))
    swarm.settle()


def slow_table(path, n=400000):
    """Keys that an expression backtracks in."""
    keys = (f"{i * 2654435761 % (1 << 24):024b}".translate(
        {48: 97, 49: 98}) for i in range(n))
    with open(path, "w") as out:
        out.writelines(f"{k}\tx\n" for k in keys)
    return path


def spread(swarm, count, plan_from, first=0):
    """Add clients from as many addresses as the limit for one asks for.

    plan_from  makes the plan of an address
    """
    added = []
    while count > 0:
        added += swarm.add(min(count, PER_ADDRESS),
                           plan_from(source(first)))
        count -= PER_ADDRESS
        first += 1
    return added


def crowd(swarm, address, idle, slow):
    """Idle clients, and some that send a byte each half second."""
    spread(swarm, idle, lambda bound: Plan(address, bound=bound))
    spread(swarm, slow, lambda bound: Plan(
        address, drip=search("ring") * 10, every=0.5, again=True,
        bound=bound), first=100)


def slow_plans(address, big, bound):
    """What clients do in each phase, and what their time begins with."""
    ask = search("ring")
    head = ask[:len(ask) - 30]
    return {
        "idle": (Plan(address, bound=bound), "sent_at"),
        "length": (Plan(address, b"\0", bound=bound), "sent_at"),
        "header": (Plan(address, ask[:20], drip=ask[20:100], every=0.2,
                        bound=bound), "sent_at"),
        "content": (Plan(address, head, drip=ask[len(head):-1], every=0.3,
                         bound=bound), "sent_at"),
        "replies": (Plan(address, big * 3000, reads=False, rcvbuf=4096,
                         bound=bound), "started"),
        "linger": (Plan(address, b"\xff\xff", drip=b"x" * 100000, every=0.07,
                        stays=True, bound=bound), "end_at")}


def slow_lines(seconds):
    """The configuration for slow_times()."""
    return [f"timeout {name} {seconds}s" for name in (
        "idle", "header", "message", "write", "drain")]


def slow_times(address, big, seconds, count, phases=None):
    """How long clients lasted, by phase: so far for those that still do.

    big  a request with a large reply, for those that do not read
    """
    found = {}
    with Swarm() as swarm:
        groups = {}
        for i, (name, (plan, since)) in enumerate(slow_plans(
                address, big, None).items()):
            if phases and name not in phases:
                continue
            plan.bound = source(200 + i)
            groups[name] = swarm.add(count, plan), since
        until(lambda: swarm.alive() == 0, 2.6 * seconds)
        for name, (clients, since) in groups.items():
            found[name] = [(c.ended or time.monotonic()) - getattr(c, since)
                           for c in clients]
    return found


def time_until_served(address, seconds=20):
    """How long until a new client gets its answer."""
    began = time.monotonic()
    ask = search("ring")
    while time.monotonic() - began < seconds:
        with contextlib.suppress(OSError, EOFError):
            with Peer(address, seconds=seconds) as peer:
                if peer.ask(ask)[0].get("status") == "found":
                    return time.monotonic() - began
        time.sleep(0.005)
    return time.monotonic() - began


def burst(address, count=300):
    """Seconds until each of many new clients has its answer."""
    with Swarm() as swarm:
        clients = swarm.add(count, Plan(
            address, search("ring", keep=False),
            bound=source(0)), at_once=count)
        until(lambda: swarm.alive() == 0, 30)
        return sorted((c.got_at or time.monotonic()) - c.started
                      for c in clients)
