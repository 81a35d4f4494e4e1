# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Ask appmsgd, or any server that speaks appmsg-protocol(7).

Nothing but the standard library is needed, and this one file.

A look-up; None is a miss, and everything else that is no answer is raised:

    >>> import appmsg
    >>> client = appmsg.Client("127.0.0.1:65432")
    >>> client.get("ring")
    'In the caves beneath the Misty Mountains. 💍'
    >>> client.get("no such key", "nothing")
    'nothing'

All there is to a reply:

    >>> reply = client.search("rin", suggest=3)
    >>> reply.status, reply.suggestions
    ('not-found', ('ring',))
    >>> for match in client.search("r", match="prefix", limit=100).matches:
    ...     print(match.key, match.result)
    ring In the caves beneath the Misty Mountains. 💍
    >>> client.search("ring", explain=True).header["table"]
    'words'

Very many, in their order, over one connection and without waiting in between:

    >>> [reply.found for reply in client.search_many(["ring", "nothing"])]
    [True, False]

The tables that this client may ask, in their order:

    >>> client.tables()
    ['words']

Servers that give the same answers, the first of which that works is asked, and
what it leaves unanswered the next one; half a minute later the first is gone
back to, if it is there again.  Without servers, those of the environment's
APPMSG_SERVER are asked, or 127.0.0.1:

    >>> client = appmsg.Client("127.0.0.1:1, 127.0.0.1:65432", timeout=3)
    >>> "ring" in client
    True

TLS is for those that are written as appmsgs://HOST:PORT; context= has whom to
trust and what to show, as in the module ssl:

    appmsg.Client("appmsgs://lookup.example.org:65433",
                  context=ssl.create_default_context(cafile="ca.pem"))

In asyncio, any number of tasks may ask at once, over one connection:

    async with appmsg.AsyncClient("/run/appmsgd/appmsgd.sock") as client:
        await asyncio.gather(*(client.get(key) for key in keys))

A Client is for one thread at a time, and an AsyncClient for one event loop.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import itertools
import json
import math
import os
import select
import socket
import ssl
import sys
import time
from typing import Any, Deque, Dict, Iterable, Iterator, List, Optional, Tuple

__all__ = ["AsyncClient", "Busy", "Client", "Denied", "Error", "Failed",
           "Match", "ProtocolError", "Refused", "Reply", "Server", "TimedOut",
           "Unavailable", "servers"]

PORT = 65432
TIMEOUT = 10.0              # seconds, for a reply
MAX_CONTENT = 64 << 20      # bytes of a reply
DEPTH = 256                 # requests on their way
PIECE = 1 << 16             # bytes that are read at once
RETURN = 30.0               # seconds, then the first server is looked at
LOOK = 0.25                 # seconds, at most, for that
ALPN = "appmsg/1"


class Error(Exception):
    """Whatever this module raises, but for wrong arguments."""


class Failed(Error, ConnectionError):
    """No server could be asked."""


class TimedOut(Error, TimeoutError):
    """No server has answered in time."""


class ProtocolError(Failed):
    """What a server has sent is no reply."""


class Refused(Error):
    """The server has answered, and gives no answer.

    The text is the server's; reply is the whole of it, in which code is a word
    of the manual's ERROR CODES.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.result)
        self.reply = reply


class Busy(Refused):
    """The server has reached a limit; later, it may answer."""


class Denied(Refused):
    """The server does not let this client ask."""


class Unavailable(Refused):
    """Who has the answer cannot be asked now: this is no miss."""


@dataclasses.dataclass(frozen=True)
class Match:
    """A key that a search has found, and its answer."""

    key: str
    result: str


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a server says to one request.

    status       "found", "not-found", "error", "busy", "denied" or
                 "unavailable"; told by the text where the server says none
    result       the answer, or a text for people; "" where it is bytes
    content      the bytes as they came
    header       all of the header, as of "explain"
    matches      of a search with match=
    more         whether there are more than these
    suggestions  keys that were perhaps meant, by suggest=
    """

    status: str
    result: str
    content: bytes
    header: Dict[str, Any]
    matches: Tuple[Match, ...] = ()
    more: bool = False
    suggestions: Tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there is an answer."""
        return self.status == "found"

    @property
    def code(self) -> Optional[str]:
        """The word for what is wrong with the request."""
        return self.header.get("error")

    def check(self) -> Reply:
        """This reply, if it says whether there is an answer.

        Raises Busy, Denied, Unavailable or, of a request in error, Refused.
        """
        if self.status in ("found", "not-found"):
            return self
        kinds = {"busy": Busy, "denied": Denied, "unavailable": Unavailable}
        raise kinds.get(self.status, Refused)(self)


@dataclasses.dataclass(frozen=True)
class Server:
    """Where one is: path of a unix socket, or host and port."""

    host: str = ""
    port: int = PORT
    path: str = ""
    tls: bool = False

    def __str__(self) -> str:
        if self.path:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'appmsgs://' if self.tls else ''}{host}:{self.port}"


def servers(text: str) -> List[Server]:
    """The servers that a text names, as APPMSG_SERVER does.

    Raises ValueError, where one of them is none.
    """
    return [_server(word.strip()) for word in text.split(",")]


def _server(word: str) -> Server:
    scheme, mark, rest = word.rpartition("://")
    if mark and scheme not in ("appmsg", "appmsgs"):
        raise ValueError(f"{word!r}: no appmsg:// and no appmsgs://")
    if rest.startswith("/") and not mark:
        return Server(path=rest)
    if rest.startswith("["):
        host, bracket, port = rest[1:].partition("]")
        good = bracket and (not port or port.startswith(":"))
        port = port[1:]
    elif rest.count(":") > 1:
        host, port, good = rest, "", True
    else:
        host, colon, port = rest.partition(":")
        good = not colon or port
    if not good or not host or any(c in host for c in " /[]"):
        raise ValueError(f"{word!r}: no HOST, HOST:PORT or /PATH")
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError(f"{word!r}: no name of a host") from None
    if port and not (port.isascii() and port.isdigit() and
                     0 < int(port) < 65536):
        raise ValueError(f"{word!r}: no port from 1 to 65535")
    return Server(host, int(port or PORT), tls=scheme == "appmsgs")


# ------------------------------------------------------------------ messages

def _message(header: Dict[str, Any], content: bytes) -> bytes:
    text = json.dumps({**header, "content-length": len(content)},
                      ensure_ascii=False).encode()
    if len(text) > 0xffff:
        raise ValueError("the header is too long")
    return len(text).to_bytes(2, "big") + text + content


class _Asked:
    """A request that has no reply yet."""

    __slots__ = ("data", "future", "id", "key")

    def __init__(self, number: int, header: Dict[str, Any], content: bytes,
                 key: Optional[str] = None) -> None:
        self.data = _message({"byteorder": sys.byteorder, **header,
                              "connection": "keep-alive", "id": number},
                             content)
        self.id = number
        self.key = key
        self.future: Any = None


def _search(number: int, value: str, explain: bool = False,
            suggest: Optional[int] = None, **members: Any) -> _Asked:
    header = {"content-type": "text/json", "content-encoding": "utf-8"}
    more: Dict[str, Any] = {"explain": True} if explain else {}
    if suggest is not None:
        more["suggest"] = suggest
    content = {"action": "search", "value": value,
               **{k: v for k, v in members.items() if v is not None}}
    return _Asked(number, {**header, **more},
                  json.dumps(content, ensure_ascii=False).encode(), value)


def _tables(number: int) -> _Asked:
    return _Asked(number, {
        "content-type": "text/json", "content-encoding": "utf-8"},
        b'{"action": "tables"}')


def _binary(number: int, content: bytes) -> _Asked:
    return _Asked(number, {
        "content-type": "binary/custom-client-binary-type",
        "content-encoding": "binary"}, content)


def _object(data: bytes, what: str) -> Dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProtocolError(f"{what} is no object of JSON")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ProtocolError("the reply has no text where one belongs")
    return value


def _guess(result: str, key: Optional[str]) -> str:
    """What a server that says no status means, as the tutorial's spells it."""
    if result in (f'No match for "{key}".', f"No match for '{key}'."):
        return "not-found"
    return "error" if result.startswith("Error: ") else "found"


def _reply(asked: Optional[_Asked], header: Dict[str, Any],
           content: bytes) -> Reply:
    """A reply of its parts; asked is None for what came unasked."""
    key = asked.key if asked else None
    number = header.get("id", asked.id if asked else None)
    if asked and (type(number) is not int or number != asked.id):
        raise ProtocolError("the reply is to another request")
    if header.get("content-type") != "text/json":
        status = header.get("status", "not-found" if content.startswith(
            b"First 10 bytes of request: ") else "found")
        return Reply(str(status), "", content, header)
    body = _object(content, "the content")
    result = _text(body.get("result"))
    matches = body.get("matches", [])
    words = header.get("suggestions", [])
    if not isinstance(matches, list) or not isinstance(words, list) or \
            not all(isinstance(m, dict) for m in matches):
        raise ProtocolError("the reply's matches are none")
    return Reply(
        str(header.get("status", _guess(result, key))), result, content,
        header,
        tuple(Match(_text(m.get("key")), _text(m.get("result")))
              for m in matches),
        body.get("more") is True, tuple(map(_text, words)))


def _names(reply: Reply) -> List[str]:
    """What the reply to _tables() names."""
    names = _object(reply.check().content, "the content").get("tables")
    if not isinstance(names, list):
        raise ProtocolError("the reply names no tables")
    return list(map(_text, names))


class _Talk:
    """One connection's bytes, and what was asked and has no reply.

    The first request goes alone: only a reply says that the connection is
    kept, and whoever closes after it would lose what is behind.
    """

    def __init__(self, asked: Deque[_Asked], max_content: int) -> None:
        self.asked = asked          # shared with those before and after
        self.max_content = max_content
        self.kept = False           # the last reply has said so
        self.n_sent = 0             # of asked
        self.data = bytearray()     # that came and is no reply yet

    def to_send(self) -> bytes:
        """What is to be sent now; it is taken for sent."""
        if not self.kept and self.n_sent > 0:
            return b""
        end = len(self.asked) if self.kept else min(1, len(self.asked))
        new = itertools.islice(self.asked, self.n_sent, end)
        self.n_sent = max(end, self.n_sent)
        return b"".join(asked.data for asked in new)

    def _take(self) -> Optional[Tuple[Dict[str, Any], bytes]]:
        """The first whole message that has come, or None."""
        if len(self.data) < 2:
            return None
        begin = 2 + int.from_bytes(self.data[:2], "big")
        if len(self.data) < begin:
            return None
        header = _object(bytes(self.data[2:begin]), "the header")
        length = header.get("content-length")
        if type(length) is not int or length < 0:
            raise ProtocolError("the header has no length")
        if length > self.max_content:
            raise ProtocolError(f"the reply has {length} bytes")
        if len(self.data) < begin + length:
            return None
        content = bytes(self.data[begin:begin + length])
        del self.data[:begin + length]
        return header, content

    def received(self, data: bytes) -> Iterator[Tuple[_Asked, Reply]]:
        """The replies that are whole with these bytes; none where it ended."""
        if not data:
            raise Failed("the connection was closed")
        self.data += data
        while (message := self._take()) is not None:
            if not self.asked:
                raise ProtocolError("a reply came that nobody has asked for")
            reply = _reply(self.asked[0], *message)
            self.kept = reply.header.get("connection") == "keep-alive"
            self.n_sent = max(self.n_sent - 1, 0)
            yield self.asked.popleft(), reply
            if not self.kept:
                self.n_sent = 0
                return


class _Turns:
    """Whose turn it is: each server once, and again when one has answered."""

    def __init__(self, given: Optional[str]) -> None:
        if given is None:
            given = os.environ.get("APPMSG_SERVER") or "127.0.0.1"
        self.servers = servers(given)
        self.at = 0
        self.left = len(self.servers)
        self.due = math.inf         # when to look at the first one

    def begin(self) -> None:
        """Each may be tried."""
        self.left = len(self.servers)

    def leave(self) -> bool:
        """The next one is due; whether there is one that was not tried."""
        self.at = (self.at + 1) % len(self.servers)
        self.left -= 1
        return self.left > 0

    def answered(self) -> None:
        """The server that is asked has."""
        if self.at == 0:
            self.due = math.inf
        elif self.due == math.inf:
            self.due = time.monotonic() + RETURN

    def is_due(self) -> bool:
        """Whether to look now if the first one is back; once in a while."""
        now = time.monotonic()
        if now < self.due:
            return False
        self.due = now + RETURN
        return True

    @property
    def server(self) -> Server:
        """The one that is to be asked."""
        return self.servers[self.at]


def _context(server: Server,
             given: Optional[ssl.SSLContext]) -> Optional[ssl.SSLContext]:
    if not server.tls:
        return None
    if given is None:
        given = ssl.create_default_context()
        given.set_alpn_protocols([ALPN])
    return given


# What can go wrong with one server, and not with the next.
_BROKEN = (OSError, Failed)


def _of(server: Server, error: BaseException) -> Error:
    """What went wrong with a server, which is named."""
    if isinstance(error, Error):
        return error
    kind = TimedOut if isinstance(error, TimeoutError) else Failed
    return kind(f"{server}: {error}")


def _is_elsewhere(reply: Reply) -> bool:
    """Whether another server may say more."""
    return reply.status in ("busy", "unavailable")


# ------------------------------------------------------------------ blocking

def _connect(sock: socket.socket, address: Any, until: float) -> None:
    """As connect(), which for a unix socket does not wait for its queue."""
    while True:
        try:
            return sock.connect(address)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise TimeoutError("timed out") from None
            time.sleep(0.005)


def _connected(server: Server, until: float) -> socket.socket:
    """A socket that is connected, to one of a host's addresses, in turn."""
    if server.path:
        places: List[Any] = [
            (socket.AF_UNIX, socket.SOCK_STREAM, 0, "", server.path)]
    else:
        places = list(socket.getaddrinfo(server.host, server.port, 0,
                                         socket.SOCK_STREAM))
    error: OSError = TimeoutError("timed out")
    for n, (family, kind, protocol, _, address) in enumerate(places):
        left = until - time.monotonic()
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as e:            # such as without IPv6
            error = e
            continue
        sock.settimeout(max(0.001, left / (len(places) - n)))
        try:
            _connect(sock, address, until)
        except OSError as e:
            error = e
            sock.close()
            continue
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise error


class _Link:
    """A connected socket that waits neither to send nor to receive."""

    def __init__(self, server: Server, context: Optional[ssl.SSLContext],
                 name: Optional[str], seconds: float) -> None:
        until = time.monotonic() + seconds
        self.wants_write = False    # TLS, to go on with what it reads
        self.sock = _connected(server, until)
        try:
            self.sock.setblocking(False)
            context = _context(server, context)
            if context is not None:
                self.sock = context.wrap_socket(
                    self.sock, server_hostname=name or server.host,
                    do_handshake_on_connect=False)
                self._shake_hands(self.sock, until)
        except BaseException:
            self.close()
            raise

    def _shake_hands(self, sock: ssl.SSLSocket, until: float) -> None:
        while True:
            try:
                return sock.do_handshake()
            except ssl.SSLWantReadError:
                to_send = False
            except ssl.SSLWantWriteError:
                to_send = True
            self.wait(to_send, until - time.monotonic())
            if time.monotonic() >= until:
                raise TimeoutError("timed out")

    def close(self) -> None:
        """End the connection."""
        self.sock.close()

    def send(self, data: memoryview) -> int:
        """How many bytes went out."""
        try:
            return self.sock.send(data) if data else 0
        except (BlockingIOError, ssl.SSLWantReadError,
                ssl.SSLWantWriteError):
            return 0

    def receive(self) -> Optional[bytes]:
        """What has come; b"" at the end, None where there is nothing."""
        self.wants_write = False
        try:
            return self.sock.recv(PIECE)
        except ssl.SSLWantWriteError:
            self.wants_write = True
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        return None

    def wait(self, to_send: bool, seconds: float) -> None:
        """Until one of the two may go on."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | (
            select.POLLOUT if to_send or self.wants_write else 0))
        poll.poll(max(0, seconds) * 1000 + 1)


class Client:
    """A client that waits for its replies.

    servers      as the module's servers() takes them
    timeout      seconds for a reply, all servers together; what the system
                 takes to look up a host's name is not within it
    context      for TLS; by default the system's authorities are trusted
    server_name  that its certificate is to have, where it is not the host
    max_content  bytes of a reply; one that is longer is an error
    """

    def __init__(self, servers: Optional[str] = None, *,
                 timeout: float = TIMEOUT,
                 context: Optional[ssl.SSLContext] = None,
                 server_name: Optional[str] = None,
                 max_content: int = MAX_CONTENT) -> None:
        self._turns = _Turns(servers)
        self._timeout = timeout
        self._context = context
        self._name = server_name
        self._numbers = itertools.count(1)
        self._asked: Deque[_Asked] = collections.deque()
        self._asking = False        # an iterator has it
        self._closed = 0            # times
        self._max_content = max_content
        self._link: Optional[_Link] = None
        self._talk = _Talk(self._asked, max_content)
        self._out = memoryview(b"")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the next request makes another."""
        self._closed += 1
        self._drop()

    def _drop(self) -> None:
        self._leave()
        self._asked.clear()

    def get(self, key: str, default: Any = None, *,
            table: Optional[str] = None) -> Any:
        """The answer to a key, or default where there is none."""
        reply = self.search(key, table=table).check()
        return reply.result if reply.found else default

    def __contains__(self, key: str) -> bool:
        return self.search(key).check().found

    def search(self, value: str, *, match: Optional[str] = None,
               table: Optional[str] = None, limit: Optional[int] = None,
               distance: Optional[int] = None, after: Optional[str] = None,
               order: Optional[str] = None, suggest: Optional[int] = None,
               explain: bool = False) -> Reply:
        """The reply to one search; the words are those of the protocol.

        An error, as of a table that is not there, is not raised: see status.
        """
        return self._one(_search(
            next(self._numbers), value, explain, suggest, match=match,
            table=table, limit=limit, distance=distance, after=after,
            order=order))

    def search_many(self, values: Iterable[str], *,
                    match: Optional[str] = None, table: Optional[str] = None,
                    limit: Optional[int] = None,
                    distance: Optional[int] = None,
                    order: Optional[str] = None,
                    suggest: Optional[int] = None, explain: bool = False,
                    depth: int = DEPTH) -> Iterator[Reply]:
        """The replies to all of them, in their order.

        values is read as replies come, depth of them ahead.  Leave the
        iterator to its end, or close it, before the client is asked again.
        """
        return self._ask((_search(
            next(self._numbers), value, explain, suggest, match=match,
            table=table, limit=limit, distance=distance,
            order=order)
            for value in values), depth)

    def tables(self) -> List[str]:
        """The names of the tables that this client may ask, in their order.

        Raises Refused where the server does not tell.
        """
        return _names(self._one(_tables(next(self._numbers))))

    def binary(self, content: bytes) -> Reply:
        """The reply to a binary request."""
        return self._one(_binary(next(self._numbers), content))

    def _one(self, asked: _Asked) -> Reply:
        (reply,) = self._ask([asked])
        return reply

    # Of what was asked, the oldest is waited for; the link is one that works,
    # as far as is known, or None.

    def _ask(self, requests: Iterable[_Asked],
             depth: int = DEPTH) -> Iterator[Reply]:
        source = iter(requests)
        if depth < 1:
            raise ValueError("depth is at least 1")
        if self._asking:
            raise RuntimeError("an earlier search_many() has not ended")
        self._asking = True
        closed = self._closed
        try:
            while True:
                if self._closed != closed:
                    raise Failed("the client was closed")
                self._asked.extend(itertools.islice(
                    source, depth - len(self._asked)))
                if not self._asked:
                    return
                yield from self._replies()
        finally:
            self._asking = False
            if self._asked:         # left, or failed
                self._drop()

    def _leave(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None
        self._out = memoryview(b"")
        self._talk = _Talk(self._asked, self._max_content)

    def _return(self, seconds: float) -> None:
        """To the first server, if it can be had in time."""
        if self._link is not None:
            try:
                link = _Link(self._turns.servers[0], self._context,
                             self._name, seconds)
            except _BROKEN:
                return
            self._leave()
            self._link = link
        self._turns.at = 0

    def _replies(self) -> Iterator[Reply]:
        """One or more replies, from the first server that has them."""
        deadline = time.monotonic() + self._timeout
        if self._talk.n_sent == 0 and self._turns.is_due():
            self._return(min(LOOK, self._timeout / 4))
        error: Optional[Error] = None
        second_best: Optional[Reply] = None
        self._turns.begin()
        is_old = self._link is not None     # it may have ended meanwhile
        while True:
            now = time.monotonic()
            share = (deadline - now) / max(1, self._turns.left)
            try:
                replies = self._receive(now + share)
                if not replies:
                    raise TimedOut(f"{self._turns.server}: no reply in time")
                if not _is_elsewhere(replies[0]):
                    self._turns.answered()
                    yield from replies
                    return
                second_best = replies[0]
            except TimedOut as e:
                error, is_old = e, False
            except _BROKEN as e:
                error = _of(self._turns.server, e)
            self._leave()
            if is_old:
                is_old = False      # the same server, once more
            elif not self._turns.leave():
                break
        if second_best is None:
            assert error is not None
            raise error
        self._asked.popleft()
        yield second_best

    def _receive(self, until: float) -> List[Reply]:
        """The next replies; none where the time is over.

        Only the first of them may be one that another server could better:
        it stays asked.
        """
        if self._link is None:
            self._link = _Link(self._turns.server, self._context, self._name,
                               max(0.001, until - time.monotonic()))
        link = self._link
        while True:
            self._out = self._out or memoryview(self._talk.to_send())
            try:
                sent = link.send(self._out)
            except (BrokenPipeError, ConnectionResetError):
                sent, self._out = 0, memoryview(b"")    # it may have said why
            self._out = self._out[sent:]
            data = link.receive()
            if data is not None:
                replies = self._whole(data)
                if replies:
                    return replies
            elif not sent:
                left = until - time.monotonic()
                if left <= 0:
                    return []
                link.wait(bool(self._out), left)

    def _whole(self, data: bytes) -> List[Reply]:
        replies: List[Reply] = []
        try:
            for asked, reply in self._talk.received(data):
                if _is_elsewhere(reply):
                    self._asked.appendleft(asked)
                    if not replies:
                        return [reply]
                    self._leave()       # those before it first
                    return replies
                replies.append(reply)
        except Failed:
            if not replies:             # likewise
                raise
            self._leave()
        if replies and not self._talk.kept:
            self._leave()
        return replies


# ------------------------------------------------------------------- asyncio

class AsyncClient:
    """A client for asyncio; the arguments are those of Client.

    Requests of all tasks go over one connection, which is made by the first
    of them, and made again when it has ended.
    """

    def __init__(self, servers: Optional[str] = None, *,
                 timeout: float = TIMEOUT,
                 context: Optional[ssl.SSLContext] = None,
                 server_name: Optional[str] = None,
                 max_content: int = MAX_CONTENT) -> None:
        self._turns = _Turns(servers)
        self._timeout = timeout
        self._context = context
        self._name = server_name
        self._max_content = max_content
        self._numbers = itertools.count(1)
        self._asked: Deque[_Asked] = collections.deque()
        self._work: Optional[asyncio.Task[None]] = None
        self._new: Optional[asyncio.Event] = None
        self._made = False          # a connection

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection; whoever waits is told that it has failed."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
            await asyncio.wait([work])
        self._fail(Failed("the client was closed"))

    async def get(self, key: str, default: Any = None, *,
                  table: Optional[str] = None) -> Any:
        """The answer to a key, or default where there is none."""
        reply = (await self.search(key, table=table)).check()
        return reply.result if reply.found else default

    async def search(self, value: str, *, match: Optional[str] = None,
                     table: Optional[str] = None, limit: Optional[int] = None,
                     distance: Optional[int] = None,
                     after: Optional[str] = None,
                     order: Optional[str] = None,
                     suggest: Optional[int] = None,
                     explain: bool = False) -> Reply:
        """The reply to one search; the words are those of the protocol.

        An error, as of a table that is not there, is not raised: see status.
        """
        return await self._ask(_search(
            next(self._numbers), value, explain, suggest, match=match,
            table=table, limit=limit, distance=distance, after=after,
            order=order))

    async def tables(self) -> List[str]:
        """The names of the tables that this client may ask, in their order.

        Raises Refused where the server does not tell.
        """
        return _names(await self._ask(_tables(next(self._numbers))))

    async def binary(self, content: bytes) -> Reply:
        """The reply to a binary request."""
        return await self._ask(_binary(next(self._numbers), content))

    async def _ask(self, asked: _Asked) -> Reply:
        asked.future = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        if self._work is None or self._work.done():
            self._new = asyncio.Event()
            self._work = asyncio.create_task(self._run())
        assert self._new is not None
        self._new.set()
        try:
            return await asyncio.wait_for(asked.future, self._timeout)
        except asyncio.TimeoutError:
            raise TimedOut("no reply in time") from None

    def _fail(self, error: Error) -> None:
        while self._asked:
            future = self._asked.popleft().future
            if not future.done():
                future.set_exception(error)

    # One task has the connection: it asks what there is, one server after the
    # other, until there is nothing left and the connection has ended.

    async def _run(self) -> None:
        self._turns.begin()
        held: List[Tuple[_Asked, Reply]] = []   # if no other one is better
        while self._asked:
            progress = self._made = False
            error: Error = Failed("")
            try:
                progress = await self._connection(held)
            except (asyncio.TimeoutError, TimeoutError):
                error = TimedOut(f"{self._turns.server}: no reply in time")
            except Exception as e:
                error = _of(self._turns.server, e)
            self._forget()
            if not self._asked:
                return
            if progress:
                self._turns.begin()
            elif not self._turns.leave():
                self._give_up(held, error)
                self._turns.begin()

    def _forget(self) -> None:
        """What nobody waits for any more is not asked again."""
        wanted = [a for a in self._asked if not a.future.done()]
        self._asked.clear()
        self._asked.extend(wanted)

    def _give_up(self, held: List[Tuple[_Asked, Reply]],
                 error: Error) -> None:
        """No server has an answer to the oldest, or can be asked at all."""
        if held and held[0][0] is self._asked[0]:
            self._asked.popleft().future.set_result(held[0][1])
        elif self._made:
            self._asked.popleft().future.set_exception(error)
        else:
            self._fail(error)
        held.clear()

    async def _open(self, server: Server) -> Tuple[asyncio.StreamReader,
                                                   asyncio.StreamWriter]:
        if not server.path:
            context = _context(server, self._context)
            return await asyncio.open_connection(
                server.host, server.port, ssl=context,
                server_hostname=(self._name or server.host) if context
                else None, happy_eyeballs_delay=0.25)
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.setblocking(False)
            while True:
                try:
                    sock.connect(server.path)
                    return await asyncio.open_unix_connection(sock=sock)
                except BlockingIOError:     # its queue is full
                    await asyncio.sleep(0.005)
        except BaseException:
            sock.close()
            raise

    async def _opened(self, server: Server, share: float) -> Tuple[
            asyncio.StreamReader, asyncio.StreamWriter]:
        """The same in time; wait_for() might lose that we are cancelled."""
        opening = asyncio.ensure_future(self._open(server))
        try:
            done, _ = await asyncio.wait([opening], timeout=share)
        except asyncio.CancelledError:
            if opening.done() and not opening.cancelled() and \
                    opening.exception() is None:
                opening.result()[1].close()
            opening.cancel()
            raise
        if not done:
            opening.cancel()
            raise asyncio.TimeoutError
        return opening.result()

    async def _first(self) -> Optional[Tuple[asyncio.StreamReader,
                                             asyncio.StreamWriter]]:
        """The first server, if it can be had in time."""
        try:
            return await self._opened(self._turns.servers[0],
                                      min(LOOK, self._timeout / 4))
        except (asyncio.TimeoutError, OSError):
            return None

    async def _connection(self, held: List[Tuple[_Asked, Reply]]) -> bool:
        """Ask over one connection, to its end; whether it has answered."""
        share = self._timeout / len(self._turns.servers)
        reader, writer = await self._opened(self._turns.server, share)
        self._made = True
        talk = _Talk(self._asked, self._max_content)
        progress = False
        reading: Optional[asyncio.Future[bytes]] = None
        due: Optional[float] = None     # of the oldest's reply
        try:
            while True:
                if not talk.n_sent and self._asked and self._turns.is_due():
                    first = await self._first()
                    if first is not None:
                        if reading is not None:
                            reading.cancel()
                            reading = None
                        writer.close()
                        reader, writer = first
                        talk = _Talk(self._asked, self._max_content)
                        progress = False
                        self._turns.at = 0
                        self._turns.begin()
                writer.write(talk.to_send())
                if due is None and talk.n_sent:
                    due = time.monotonic() + share
                if reading is None:
                    reading = asyncio.ensure_future(reader.read(PIECE))
                if not await self._wait(reading, due):
                    continue
                data, reading = reading.result(), None
                for asked, reply in talk.received(data):
                    if _is_elsewhere(reply):
                        self._asked.appendleft(asked)
                        held[:] = [(asked, reply)]
                        return progress
                    progress = True
                    self._turns.answered()
                    due = None
                    held.clear()
                    if not asked.future.done():
                        asked.future.set_result(reply)
                if progress and not talk.kept:
                    return True
        except _BROKEN as e:
            if progress and not isinstance(e, TimeoutError):
                return True         # it has ended, as any may
            raise
        finally:
            if reading is not None:
                reading.cancel()
            writer.close()

    async def _wait(self, reading: asyncio.Future[bytes],
                    due: Optional[float]) -> bool:
        """For bytes, or for something to ask; whether there are bytes."""
        assert self._new is not None
        self._new.clear()
        new = asyncio.ensure_future(self._new.wait())
        both: List[asyncio.Future[Any]] = [reading, new]
        try:
            done, _ = await asyncio.wait(
                both, return_when=asyncio.FIRST_COMPLETED,
                timeout=None if due is None else
                max(0.0, due - time.monotonic()))
        finally:
            new.cancel()
        if not done:
            raise asyncio.TimeoutError
        return reading in done
