# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The protocol of Redis, RESP2, for who asks and for who is a node."""


class RedisError(Exception):
    """What a server says that will not answer: its line, without the '-'."""


NIL = b"$-1\r\n"
OK = b"+OK\r\n"


def as_bytes(word):
    return word if isinstance(word, bytes) else str(word).encode()


def bulk(word):
    """A string as a reply has it; None: nil."""
    if word is None:
        return NIL
    word = as_bytes(word)
    return b"$%d\r\n%b\r\n" % (len(word), word)


def array(*items):
    """An array of replies; what is no bytes becomes a number or an array."""
    return b"*%d\r\n" % len(items) + b"".join(
        item if isinstance(item, bytes) else array(*item)
        if isinstance(item, (list, tuple)) else b":%d\r\n" % item
        for item in items)


def error(text):
    return b"-%b\r\n" % as_bytes(text)


def encode(*words):
    """A request."""
    return array(*[bulk(word) for word in words])


def slots(*ranges):
    """What CLUSTER SLOTS says: (FIRST, LAST, (HOST, PORT)...) each.

    A HOST may be None, which is nil.
    """
    return array(*[
        array(first, last, *[
            array(bulk(host), port, bulk("%040x" % port), ())
            for host, port in nodes])
        for first, last, *nodes in ranges])


def read_reply(file):
    """The next reply of a file: bytes, an int, None or a list; an error is a
    RedisError, in a list too."""
    line = file.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError(f"cut reply: {line!r}")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest
    if kind == b"-":
        return RedisError(rest.decode("utf-8", "replace"))
    if kind == b":":
        return int(rest)
    if kind == b"$":
        if rest == b"-1":
            return None
        data = file.read(int(rest) + 2)
        if len(data) != int(rest) + 2:
            raise ConnectionError("cut reply")
        return data[:-2]
    if kind == b"*":
        return None if rest == b"-1" else [
            read_reply(file) for _ in range(int(rest))]
    raise ConnectionError(f"no reply: {line!r}")


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xffff
    return crc


def slot_of(key):
    """The slot of a cluster that a key is in."""
    key = as_bytes(key)
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start)
        if end > start + 1:
            key = key[start + 1:end]
    return crc16(key) % 16384
