# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Requests and replies of each protocol, and the data they are about."""

import json
import os
import random
import struct
import sys

from rig import Trouble, connect

# Behind bench itself, where some names are the same.
sys.path.append(os.path.join(os.path.dirname(__file__), "..", "tests",
                             "daemon"))

from message import encode, first, read_from        # noqa: E402

RING = "In the caves beneath the Misty Mountains. \U0001f48d"
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


# Data

def key(i):
    """One of many keys: 16 bytes."""
    return f"key:{i:012d}"


def value(i, mark="-"):
    """Its value: 64 bytes."""
    return f"{i:020d}{mark}{ALPHABET}"


def write_tsv(path, n, mark="-", first=0):
    """A table of n entries; returns how many bytes keys and values have."""
    with open(path, "w") as out:
        for start in range(first, first + n, 10000):
            stop = min(start + 10000, first + n)
            out.write("".join(f"key:{i:012d}\t{i:020d}{mark}{ALPHABET}\n"
                              for i in range(start, stop)))
    return 80 * n


def asked(n, count):
    """Numbers of entries to ask for, at random, the same each time."""
    dice = random.Random(1)
    if count <= n:
        return dice.sample(range(n), count)
    return [dice.randrange(n) for _ in range(count)]


def mixed_keys(n):
    """Keys of 4 to 40 bytes, a third of them with something to escape."""
    dice = random.Random(2)
    letters = ALPHABET + " .-_"
    special = '"\\\t\n/é€\U0001f48d'
    keys = set()
    while len(keys) < n:
        size = dice.randint(4, 40)
        text = "".join(dice.choices(letters, k=size))
        if dice.random() < 1 / 3:
            at = dice.randrange(size)
            text = text[:at] + dice.choice(special) + text[at + 1:]
        while len(text.encode()) > 40:
            text = text[:-1]
        keys.add(text)
    return sorted(keys, key=lambda text: (hash_of(text), text))


def hash_of(text):
    """Some order that is neither sorted nor different each time."""
    return int.from_bytes(text.encode()[:12], "big") * 2654435761 % 2 ** 32


def mixed_value(text):
    """An answer of 20 to 100 bytes, which has escapes if its key has."""
    return f"{text} = \u201c{text[::-1]}\u201d {len(text)}"


def syllables(n):
    """Keys of 16 letters in which something can be searched."""
    dice = random.Random(4)
    parts = [c + v for c in "bcdfghjklmnprstvwxyz" for v in "aeiou"]
    keys = set()
    while len(keys) < n:
        keys.add("".join(dice.choices(parts, k=8)))
    return sorted(keys)


# Packs, which loadgen replays

def write_pack(path, items):
    """(request, reply) pairs, or (request, reply, other reply)."""
    with open(path, "wb") as out:
        magic = None
        part = []
        for item in items:
            if magic is None:
                magic = b"PAC2" if len(item) == 3 else b"PACK"
                out.write(magic)
            part.append(struct.pack(f"<{len(item)}I", *map(len, item)))
            part.extend(item)
            if len(part) > 30000:
                out.write(b"".join(part))
                part.clear()
        out.write(b"".join(part))
    return path


def unknown(reply):
    """A reply of the same length, whatever its bytes."""
    return b"\xff" * len(reply)


# appmsgd

def request(text, keep=True, ident=None, **content):
    """A search, as the usual clients spell it."""
    body = json.dumps({"action": "search", "value": text, **content},
                      ensure_ascii=False).encode()
    header = {"byteorder": "little", "content-type": "text/json",
              "content-encoding": "utf-8", "content-length": len(body)}
    if keep:
        header["connection"] = "keep-alive"
    if ident is not None:
        header["id"] = ident
    return encode(header, body)


def read_reply(stream):
    """The bytes of one reply."""
    try:
        return encode(*read_from(stream))
    except EOFError:
        raise Trouble("the server closed the connection") from None


def content(reply):
    """The object that a reply has."""
    return json.loads(first(reply)[1])


def learn(address, requests, batch=64, read=read_reply, greeting=False):
    """What a server replies to each of the requests."""
    replies = []
    with connect(address) as sock, sock.makefile("rb") as stream:
        if greeting:
            stream.readline()
        for i in range(0, len(requests), batch):
            part = requests[i:i + batch]
            sock.sendall(b"".join(part))
            replies.extend(read(stream) for _ in part)
    return replies


def learn_tutorial(address, ask):
    """What the tutorial's server replies: it closes after each."""
    with connect(address) as sock, sock.makefile("rb") as stream:
        sock.sendall(ask)
        return [stream.read()]


def template(address, text, answer):
    """Makes a reply of an answer that is as long as a known one."""
    reply, = learn(address, [request(text)])
    before, found, after = reply.partition(answer.encode())
    if not found:
        raise Trouble(f"no answer in {reply!r}")
    return lambda other: before + other.encode() + after


def number_items(address, n, numbers, mark="-"):
    """Requests and replies of appmsgd for entries of write_tsv()."""
    reply = template(address, key(0), value(0, mark))
    return ((request(key(i)), reply(value(i, mark))) for i in numbers)


def limit_sizes(items):
    """Mean length of requests and of replies."""
    items = list(items)
    return (round(sum(len(i[0]) for i in items) / len(items)),
            round(sum(len(i[1]) for i in items) / len(items)))


def limit_items(items, sizes):
    """The same requests, all of one length, for the limit server."""
    reply = b"\xff" * sizes[1]
    for item in items:
        yield (item[0] * 2)[:sizes[0]], reply


# The peers

def memcached_item(text, answer):
    """A text get."""
    name, body = text.encode(), answer.encode()
    return (b"get %s\r\n" % name,
            b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (name, len(body), body))


def memcached_many(text, answer, count):
    """One get of many keys."""
    get, reply = memcached_item(text, answer)
    return (b"get" + get[3:-2] * count + b"\r\n",
            reply[:-5] * count + b"END\r\n")


def redis_item(text, answer):
    """A GET; without an answer, a miss."""
    name = text.encode()
    ask = b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(name), name)
    if answer is None:
        return ask, b"$-1\r\n"
    body = answer.encode()
    return ask, b"$%d\r\n%s\r\n" % (len(body), body)


def http_request(keep):
    """A GET of /ring."""
    return (b"GET /ring HTTP/1.1\r\nHost: x\r\n"
            + (b"" if keep else b"Connection: close\r\n") + b"\r\n")


def dict_request(way, text):
    """A MATCH of the DICT protocol."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'MATCH words {way} "{quoted}"\r\n'.encode()


def read_dict(stream):
    """The bytes of one reply of the DICT protocol."""
    reply = b""
    while True:
        line = stream.readline()
        if not line:
            raise Trouble("dictd closed the connection")
        reply += line
        if line[:1] in b"2345" and line[:3].isdigit():
            return reply
