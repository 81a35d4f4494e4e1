# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Replies that no honest server sends, and what a client must make of them.

What is right is told from appmsg-protocol(7) and appmsg-client(1) with
Python's json, not with a line of the library.
"""

import json
import re
import struct

DEPTH_MAX = 64
MEMBERS_MAX = 256
ID_MAX = 256

BAD = 76            # not the protocol, or an end without an answer
STATUSES = {"found": 0, "not-found": 1, "error": 65, "busy": 75,
            "denied": 77, "unavailable": 75}


# JSON as the protocol has it

class Object(list):
    """The members of an object, in order, as pairs."""

    def last(self, name):
        found = None
        for other, value in self:
            if other == name:
                found = value
        return found


class Number(str):
    """A number as it stands in the text."""


def read_json(data):
    """The value of a text; ValueError when it is none."""
    def refuse(constant):
        raise ValueError(constant)

    def check(value, depth):
        if isinstance(value, (Object, list)) and depth == DEPTH_MAX:
            raise ValueError("nested too deeply")
        if isinstance(value, Object):
            if len(value) > MEMBERS_MAX:
                raise ValueError("too many members")
            for _, member in value:
                check(member, depth + 1)
        elif isinstance(value, list):
            for element in value:
                check(element, depth + 1)

    try:
        value = json.loads(data.decode(), object_pairs_hook=Object,
                           parse_constant=refuse, parse_int=Number,
                           parse_float=Number)
        check(value, 0)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def is_text(value):
    """Whether a value is a string, and not half a surrogate pair."""
    return type(value) is str and not re.search("[\ud800-\udfff]", value)


def is_integer(value, low, high):
    """Whether a value is a number spelled as an integer, within bounds."""
    return (isinstance(value, Number) and
            re.fullmatch("-?[0-9]+", value, re.ASCII) is not None and
            len(value) < 30 and low <= int(value) <= high)


def read_header(data):
    """The members of a header; ValueError when a client cannot go on."""
    header = read_json(data)
    if not isinstance(header, Object):
        raise ValueError("no object")
    names = [name for name, _ in header]
    if len(set(names)) < len(names):
        raise ValueError("a member twice")
    length = header.last("content-length")
    if not isinstance(length, Number) or not re.fullmatch(
            "[0-9]+", length, re.ASCII):
        raise ValueError("no length")
    if "byteorder" not in names:
        raise ValueError("no byteorder")
    for name in ("content-type", "content-encoding"):
        if type(header.last(name)) is not str:
            raise ValueError(name)
    identity = header.last("id")
    if "id" in names and not is_integer(identity, -2**53, 2**53) and not (
            is_text(identity) and len(identity.encode()) <= ID_MAX):
        raise ValueError("id")
    if "suggest" in names and not is_integer(header.last("suggest"), 0, 5):
        raise ValueError("suggest")
    return header


def read_message(data, most):
    """A message at the front: header and content; None when it is cut."""
    if len(data) > 2 and data[2:3] not in (b"{", b" ", b"\t", b"\n", b"\r"):
        raise ValueError("another protocol")
    if len(data) < 2:
        return None
    end = 2 + struct.unpack(">H", data[:2])[0]
    if len(data) < end:
        return None
    header = read_header(data[2:end])
    length = header.last("content-length").lstrip("0") or "0"
    if len(length) > 15 or int(length) > most:
        raise ValueError("too large")
    if len(data) - end < int(length):
        return None
    return header, data[end:end + int(length)]


def read_result(content):
    """The text of a content; ValueError when it has none."""
    value = read_json(content)
    if not isinstance(value, Object) or not is_text(value.last("result")):
        raise ValueError("no result")
    return value.last("result")


def copied(header, name):
    """A string of the header that a client copies, or None."""
    value = header.last(name)
    if type(value) is not str:
        return None
    if not is_text(value):
        raise ValueError(name)
    return value


def is_json(header):
    return header.last("content-type") == "text/json"


def of_search(header, content, key):
    """The exit status for the reply to a search."""
    if not is_json(header):
        return BAD
    copied(header, "error")
    copied(header, "content-type")
    result = read_result(content)
    status = header.last("status")
    if type(status) is str and status in STATUSES:
        return STATUSES[status]
    if result in (f'No match for "{key}".', f"No match for '{key}'."):
        return 1
    return 65 if result.startswith("Error: ") else 0


def of_match(header, content, key):
    """The same for the reply to a search by "match"."""
    status = of_search(header, content, key)
    if status not in (0, 1):
        return status
    matches = read_json(content).last("matches")
    if type(matches) is not list:
        return BAD
    for match in matches:
        if not isinstance(match, Object) or not all(
                type(match.last(name)) is str for name in ("key", "result")):
            return BAD
    return status


def of_binary(header, content, _):
    """The same for the reply to a binary request."""
    copied(header, "error")
    copied(header, "content-type")
    status = header.last("status")
    known = type(status) is str and status in STATUSES
    if is_json(header) and not known:
        try:
            return 65 if read_result(content).startswith("Error: ") else 0
        except ValueError:
            return 0
    return STATUSES[status] if known else 0


def expected(action, key, data, most, at_end):
    """The exit status for bytes that a server sends.

    most    bytes of a content that are taken
    at_end  the status when they are cut
    """
    try:
        message = read_message(data, most)
        if message is None:
            return at_end
        of_action = {"search": of_search, "match": of_match}
        return of_action.get(action, of_binary)(*message, key)
    except ValueError:
        return BAD


# Replies

TERMINAL = ("\x1b[2J", "\x1b]0;x\x07", "\x9b31m", "\u202e", "\u2028", "\r",
            "\b\b", "\x7f", "\0", "\x1bPq", "\ufeff", "\u2066", "\n", "\t")


def text(rng, key):
    """A text that a server may answer with."""
    kind = rng.randrange(12)
    if kind == 0:
        quote = rng.choice("\"'")
        return f"No match for {quote}{key}{quote}."
    if kind == 1:
        return "Error: " + rng.choice(TERMINAL)
    if kind == 2:
        return "x" * rng.choice((0, 1, 1000, 20000))
    return "".join(rng.choice(TERMINAL + ("a", "é", "\U0001f430", '"', "\\"))
                   for _ in range(rng.randrange(1, 40)))


def wrong_type(rng):
    """A value of any type."""
    return rng.choice((None, True, False, 0, -1, 1.5, 10**30, "", "x", [],
                       {}, [[]], {"a": {"b": []}}, "\0", "\x1b[31m", "é"))


def deep(rng):
    """A value that is nested about as deeply as may be, or far more so."""
    depth = rng.choice((DEPTH_MAX - 2, DEPTH_MAX - 1, DEPTH_MAX, 300))
    return b"[" * depth + b"]" * depth


def matches(rng, key):
    """What is found by "match", or not quite."""
    found = [{"key": text(rng, key), "result": text(rng, key)}
             for _ in range(rng.choice((0, 1, 3, 20)))]
    if rng.randrange(4) == 0:
        found.append(wrong_type(rng))
    if rng.randrange(8) == 0:
        found.append({"key": wrong_type(rng), "result": wrong_type(rng)})
    return wrong_type(rng) if rng.randrange(16) == 0 else found


def content(rng, key):
    """A content and its type."""
    kind = rng.randrange(20)
    if kind == 0:
        return rng.randbytes(rng.randrange(40)), "application/x"
    if kind == 1:
        return rng.choice((b"", b"{}", b"[]", b"null", b'{"result":',
                           b'{"result": "\xff"}', b'{"result": "\\ud800"}',
                           b'{"result": 1, "result": "yes"}',
                           b'{"result": "yes", "result": 1}',
                           b'{"r\\u0065sult": "yes"}',
                           b"\xef\xbb\xbf{\"result\": \"x\"}",
                           b'{"result": "a\tb"}')), "text/json"
    if kind == 2:
        return b'{"result": "x", "y": ' + deep(rng) + b"}", "text/json"
    if kind == 3:
        members = {str(i): 0 for i in range(rng.choice((254, 255, 256)))}
        return json.dumps({**members, "result": "x"}).encode(), "text/json"
    if kind == 4:
        return json.dumps({"result": wrong_type(rng)}).encode(), "text/json"
    members = {"result": text(rng, key)}
    if rng.randrange(2) == 0:
        members["matches"] = matches(rng, key)
        members["more"] = rng.choice((True, False, None, 7, "x"))
    spelled = json.dumps(members, ensure_ascii=rng.randrange(2) == 0)
    return spelled.encode(), "text/json"


def header(rng, length, kind):
    """The header for a content of a length and type, as bytes."""
    members = {"byteorder": "little", "content-type": kind,
               "content-encoding": "utf-8", "content-length": length}
    for name, values in (
            ("connection", ("close", "keep-alive", None, 7)),
            ("id", (1, "x", None, "y" * 300)),
            ("status", (*STATUSES, *STATUSES, "other", 5, "\x1b[31m")),
            ("error", ("bad-json", "\x1b[2J", "a\0b", 7, "\u202e")),
            ("suggest", (0, 9)), ("x", ({}, [], "y")),
            ("suggestions", ([], ["k\x1b[2J", "\u202e\n"], [7], [[]], "k")),
            ("table", ("\x9b31m", 7, None)), ("generation", (1, -1, "1")),
            ("loaded", ("\x1b[2J", {})), ("file", ("a\0b\r", [])),
            ("line", (7, 10**30, 1.5)), ("match", ("\x1b", True))):
        if rng.randrange(4) == 0:
            members[name] = rng.choice(values)
    if rng.randrange(8) == 0:
        members["content-length"] = rng.choice((
            0, length + 1, max(length - 1, 0), -1, 1 << 30, 1 << 31, 1 << 32,
            1 << 63, 1 << 64, 10**40, 1.0, str(length), None))
    if rng.randrange(16) == 0:
        members[rng.choice(list(members))] = wrong_type(rng)
    if rng.randrange(24) == 0:
        del members[rng.choice(list(members))]
    spelled = json.dumps(members, ensure_ascii=rng.randrange(2) == 0).encode()
    if rng.randrange(16) == 0:
        spelled = spelled[:-1] + b', "z": ' + deep(rng) + b"}"
    if rng.randrange(16) == 0:
        spelled = spelled[:-1] + b', "status": "found"}'
    return spelled


def damage(rng, data):
    """A few bytes other than they were."""
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at:at + rng.randrange(1, 9)]
        elif kind == 2:
            data[at:at] = rng.choice((b"\0", b'"', b"\\", b"\xff", b"{", b"]",
                                      b"\x1b[31m", b"00", b"\\u0000", b"\n"))
        else:
            data[at:] = b""
    return bytes(data)


def reply(rng, key):
    """What a hostile server sends instead of a reply."""
    body, kind = content(rng, key)
    head = header(rng, len(body), kind)
    length = len(head)
    if rng.randrange(16) == 0:
        length = rng.choice((0, 1, length - 1, length + 1, 65535))
    data = struct.pack(">H", length) + head + body
    if rng.randrange(4) == 0:
        data = damage(rng, data)
    if rng.randrange(20) == 0:
        data = rng.choice((b"", b"\0", b"\0\2{}", b"HTTP/1.1 200 OK\r\n\r\n",
                           rng.randbytes(50), b"\xff\xff{" + b"x" * 70000))
    return data
