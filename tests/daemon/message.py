# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The bytes of messages, of which Python has no other writing here.

It is made from their description and with Python's own json, so that a mistake
in the C library cannot hide behind itself.  The tests of the daemon stand on
it, those under systemd, the corpora of the fuzzers and the benchmarks; so it
knows nothing of any of them.
"""

import json
import struct
import sys

REQUIRED = ("byteorder", "content-type", "content-encoding",
            "content-length")
ABSENT = object()   # as a header member: leave it out


def to_json(value):
    """JSON text as the tutorial's programs spell it."""
    return json.dumps(value, ensure_ascii=False).encode()


def encode(header, content=b""):
    """A message: length, header, content.  header: a dict, or raw bytes."""
    if isinstance(header, dict):
        header = to_json(header)
    return struct.pack(">H", len(header)) + header + content


def read(take):
    """The next message: its header, as raw bytes, and its content.

    take    a function that returns exactly so many of the next bytes
    """
    header = take(struct.unpack(">H", take(2))[0])
    return header, take(json.loads(header).get("content-length"))


def read_from(stream):
    """The next message of a file object, likewise; raises EOFError."""
    def take(length):
        data = stream.read(length)
        if len(data) < length:
            raise EOFError("closed")
        return data

    return read(take)


def first(data):
    """The message at the front of data: its header, as raw bytes, and its
    content; None while it is cut."""
    if len(data) < 2:
        return None
    start = 2 + struct.unpack_from(">H", data)[0]
    if len(data) < start:
        return None
    header = bytes(data[2:start])
    end = start + json.loads(header)["content-length"]
    return None if len(data) < end else (header, bytes(data[start:end]))


def request(content, **members):
    """A request with the usual header.

    members replace or follow the usual ones, with _ for -; ABSENT leaves
    one out.
    """
    header = {
        "byteorder": sys.byteorder,
        "content-type": "text/json",
        "content-encoding": "utf-8",
        "content-length": len(content),
    }
    header.update({k.replace("_", "-"): v for k, v in members.items()})
    header = {k: v for k, v in header.items() if v is not ABSENT}
    return encode(header, content)


def search(key, **members):
    """A search for key, spelled as the tutorial's client does."""
    return request(to_json({"action": "search", "value": key}), **members)


def binary(content, **members):
    """A binary request, spelled as the tutorial's client does."""
    usual = {"content_type": "binary/custom-client-binary-type",
             "content_encoding": "binary"}
    return request(content, **{**usual, **members})


def kept(**members):
    """The header members that ask for the connection to stay."""
    return {"connection": "keep-alive", **members}


def no_match(key):
    """The text of a miss."""
    return f'No match for "{key}".'


def first_bytes(content):
    """The content of the reply to a binary request without an entry."""
    return b"First 10 bytes of request: " + content[:10]


def plain_reply(result):
    """All bytes of the reply to a plain search, as the tutorial's."""
    return request(to_json({"result": result}))


def plain_binary_reply(content):
    """All bytes of the reply to a plain binary request."""
    return request(first_bytes(content), content_encoding="binary",
                   content_type="binary/custom-server-binary-type")


def strict_json(data):
    """Read JSON; members must be unique and numbers finite."""
    def unique(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), f"twice a member: {names}"
        return dict(pairs)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(data.decode("utf-8"), object_pairs_hook=unique,
                      parse_constant=refuse)


class Reply:
    """A received message; its form is checked as it is made."""

    def __init__(self, header, content):
        self.raw = encode(header, content)
        self.content = content
        self.header = strict_json(header)
        assert tuple(self.header)[:4] == REQUIRED, self.header
        assert type(self.header["content-length"]) is int, self.header
        assert self.header["byteorder"] == sys.byteorder, self.header

    @property
    def extra(self):
        """The members after the first four, in order."""
        return list(self.header.items())[4:]

    @property
    def result(self):
        """The text of a reply that has a result and nothing else."""
        assert self.header["content-type"] == "text/json", self.header
        assert self.header["content-encoding"] == "utf-8", self.header
        content = strict_json(self.content)
        assert list(content) == ["result"], content
        assert isinstance(content["result"], str), content
        return content["result"]

    def __repr__(self):
        return f"<Reply {self.header} {self.content[:200]!r}>"


def cut(rng, data, pieces):
    """Cut data into so many pieces at random places."""
    pieces = min(pieces, len(data))
    places = sorted(rng.sample(range(1, len(data)), pieces - 1))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)])]


def bytewise(data):
    """Cut data into single bytes."""
    return [data[i:i + 1] for i in range(len(data))]
