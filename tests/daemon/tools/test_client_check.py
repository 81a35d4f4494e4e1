#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""appmsg-client check: what it says of servers, good and bad ones.

Little is a server in a few lines that keeps every point; each of the others
has one fault that beginners make, which is to be found and named.
"""

import codecs
import concurrent.futures
import json
import os
import re
import sys
import threading
import time

sys.path.insert(1, sys.path[0] + "/..")

import harness
import tls
from harness import DEADLINE, LOOPBACK, RING, client, free_port, originals, quoted
from scripted import Server

ANSWERS = {"ring": RING}
PATIENT = "30"              # seconds for all, of a server that is to be right


class Wrong(Exception):
    """A request that is answered with an error; fatal: and the end."""

    def __init__(self, text, fatal=False):
        super().__init__(text)
        self.fatal = fatal


class Little:
    """A server for scripted.Server; methods are what others get wrong."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, connection):
        data = bytearray()
        try:
            while self.serve_one(connection.sock, data):
                pass
        except (OSError, EOFError):
            pass

    def receive(self, sock, data):
        part = sock.recv(1 << 16)
        if not part:
            raise EOFError
        data += part

    def take(self, sock, data, length):
        while len(data) < length:
            self.receive(sock, data)
        taken = bytes(data[:length])
        del data[:length]
        return taken

    def read(self, sock, data):
        """Header and content of a request."""
        length = int.from_bytes(self.take(sock, data, 2), "big")
        if length > 16384:
            raise Wrong("too long", True)
        header = self.header(self.take(sock, data, length))
        length = header.get("content-length")
        if type(length) is not int or not 0 <= length < 1 << 20:
            raise Wrong("wrong length", True)
        return header, self.take(sock, data, length)

    def header(self, data):
        def unique(pairs):
            if len(dict(pairs)) < len(pairs):
                raise Wrong("twice", True)
            return dict(pairs)

        try:
            header = json.loads(data, object_pairs_hook=unique)
        except (ValueError, RecursionError):
            raise Wrong("no JSON", True) from None
        if not isinstance(header, dict):
            raise Wrong("no object", True)
        return header

    def text(self, header, content):
        return codecs.decode(content, header["content-encoding"])

    def answer(self, header, content):
        """Type and bytes of the reply's content."""
        if header.get("content-type") != "text/json":
            if "content-type" not in header:
                raise Wrong("no type")
            return "binary/x", b"First 10 bytes of request: " + content[:10]
        try:
            query = json.loads(self.text(header, content))
            if query["action"] != "search":
                raise Wrong("unknown action")
            key = query["value"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise Wrong("no search") from None
        if not isinstance(key, str):
            raise Wrong("no text")
        text = ANSWERS.get(key, f'No match for "{key}".')
        return "text/json", self.encode({"result": text})

    def encode(self, value):
        return json.dumps(value, ensure_ascii=False).encode()

    def length(self, content):
        return len(content)

    def message(self, request, kind, content, **members):
        header = {"byteorder": sys.byteorder, "content-type": kind,
                  "content-encoding": "utf-8",
                  "content-length": self.length(content)}
        if "connection" in request:
            header["connection"] = ("keep-alive" if self.keeps(request)
                                    else "close")
            header["status"] = "found"
        if "id" in request:
            header["id"] = request["id"]
        header.update(members)
        text = json.dumps(header).encode()
        return self.prefix(len(text)) + text + content

    def prefix(self, length):
        return length.to_bytes(2, "big")

    def keeps(self, request):
        return request.get("connection") == "keep-alive"

    def serve_one(self, sock, data):
        """One request; whether there may be another."""
        header = {}
        try:
            header, content = self.read(sock, data)
            kind, content = self.answer(header, content)
        except Wrong as wrong:
            if wrong.fatal:
                header = {}
            kind, content = "text/json", self.encode(
                {"result": f"Error: {wrong}"})
        sock.sendall(self.message(header, kind, content))
        return self.keeps(header)


class LittleEndian(Little):
    def prefix(self, length):
        return length.to_bytes(2, "little")


class NoPrefix(Little):
    def prefix(self, length):
        return b""


class FourBytes(Little):
    def prefix(self, length):
        return length.to_bytes(4, "big")


class Characters(Little):
    def length(self, content):
        return len(content.decode(errors="replace"))


class NewLine(Little):
    def message(self, request, kind, content, **members):
        return super().message(request, kind, content, **members) + b"\n"


class NoResult(Little):
    def encode(self, value):
        return super().encode({"answer": value["result"]})


class OneRecv(Little):
    """It takes what one recv() returns for a message."""

    def take(self, sock, data, length):
        if not data:
            self.receive(sock, data)
        if len(data) < length:
            raise EOFError
        return super().take(sock, data, length)


class TwoAtOnce(Little):
    """It takes for granted that the first recv() has both bytes."""

    def take(self, sock, data, length):
        if length == 2 and not data:
            self.receive(sock, data)
            if len(data) < 2:
                raise EOFError
        return super().take(sock, data, length)


class UntilEnd(Little):
    """It reads until the client ends its side."""

    def receive(self, sock, data):
        while part := sock.recv(1 << 16):
            data += part


class Drops(Little):
    """It forgets what came behind a message."""

    def serve_one(self, sock, data):
        more = super().serve_one(sock, data)
        data.clear()
        return more


class OneByOne(Little):
    """It serves one connection after the other."""

    def __call__(self, connection):
        with self.lock:
            super().__call__(connection)


class Searches(Little):
    """It looks for the key with an expression."""

    def answer(self, header, content):
        found = re.search(rb'"value": "(.*?)"', content)
        if header.get("content-type") == "text/json" and not found:
            raise Wrong("no value")
        return super().answer(header, content)


class AlwaysUtf8(Little):
    def text(self, header, content):
        return content.decode()


class Silent(Little):
    """It has no words for errors."""

    def serve_one(self, sock, data):
        try:
            kind, content = self.answer(*self.read(sock, data))
        except Wrong:
            time.sleep(3)
            return False
        sock.sendall(self.message({}, kind, content))
        return False


class WrongId(Little):
    def __init__(self):
        super().__init__()
        self.last = 0

    def message(self, request, kind, content, **members):
        if "id" in request:
            members["id"], self.last = self.last, request["id"]
        return super().message(request, kind, content, **members)


class NeverCloses(Little):
    def serve_one(self, sock, data):
        super().serve_one(sock, data)
        return True


class ClosesKept(Little):
    def serve_one(self, sock, data):
        super().serve_one(sock, data)
        return False


class Dies(Little):
    """It ends with the first client that leaves early."""

    over = False

    def __call__(self, connection):
        if self.over:
            connection.reset()
            return
        super().__call__(connection)

    def receive(self, sock, data):
        try:
            super().receive(sock, data)
        except (EOFError, OSError):
            self.over = True
            raise


# What is found of each: the first point, or all of them, and words of what
# is said of the first.
FAULTS = {
    LittleEndian: ("a search is answered", "wrong way around"),
    NoPrefix: ("a search is answered", "two bytes .* are missing"),
    FourBytes: ("a search is answered", "four bytes, not two"),
    UntilEnd: ("a search is answered", "nothing came for"),
    Characters: ("the reply has as many bytes as it says", "bytes more came"),
    NewLine: ("the reply has as many bytes as it says", "1 bytes more came"),
    NoResult: ("the reply's content has a result", '"result"'),
    OneRecv: ("a request may come a byte at a time", "closed|broke"),
    TwoAtOnce: ("a request may come a byte at a time", "closed|broke"),
    Searches: ("the content may have blanks and escapes",
               "no JSON object|another one"),
    AlwaysUtf8: ("the content may be in UTF-16", "another one"),
    Silent: ("an unknown action is an error", "nothing came"),
    OneByOne: ("a client that says nothing does not hold up another",
               "nothing came"),
    Dies: ("a client that leaves .* is no end", "broke|closed|connected"),
    WrongId: ("an id that is a number comes back", "another id"),
    ClosesKept: ("an id that is a number comes back", "closed|broke"),
    Drops: ("fifty requests at once are answered in their order",
            "nothing came|another id"),
    NeverCloses: ("a request may ask to close the connection again",
                  "it stays open"),
}


def points(done):
    """Which points are kept, which not, and which are not judged."""
    kept, broken, skipped = [], [], []
    for line in done.stdout.splitlines():
        match = re.fullmatch(
            r"(ok|not ok) (\d+) - (.*?)(?: # SKIP (.*))?", line)
        if not match:
            continue
        word, number, title, skip = match.groups()
        (skipped if skip else kept if word == "ok" else broken).append(title)
        assert int(number) == len(kept) + len(broken) + len(skipped)
    return kept, broken, skipped


class Check(harness.DaemonTest):
    def check(self, *args):
        return client("-t", PATIENT, "check", *map(str, args))

    def assert_all_kept(self, done, skipped=0):
        kept, broken, not_judged = points(done)
        self.assertEqual((broken, len(not_judged), done.stderr,
                          done.returncode), ([], skipped, "", 0), done)
        self.assertGreaterEqual(len(kept), 40)
        self.assertIn(f"1..{len(kept) + skipped}\n", done.stdout)
        self.assertIn(f"\n# {len(kept)} of ", done.stdout)

    def test_appmsgd(self):
        """Over all that it listens on."""
        daemon = self.start(
            f"listen {LOOPBACK} 0", f"listen {LOOPBACK} 0 keep-alive=yes",
            f"listen {quoted(self.path('sock'))}")
        for address in daemon.addresses[:2]:
            self.assert_all_kept(self.check(*address))
        self.assert_all_kept(self.check(self.path("sock")))
        self.assert_all_kept(client("-U", self.path("sock"), "-t", PATIENT,
                                    "check"))

    def test_over_tls(self):
        mine = tls.make_localhost(self.directory)
        daemon = self.start(
            f"listen {LOOPBACK} 0 tls=yes",
            f"certificate {quoted(mine.cert)} key={quoted(mine.key)}")
        done = client("-t", PATIENT, "--tls", "--ca", mine.cert, "check", LOOPBACK,
                      str(daemon.port))
        self.assert_all_kept(done, skipped=1)
        self.assertIn("# SKIP over TLS", done.stdout)

    def test_little(self):
        with Server(Little()) as server:
            self.assert_all_kept(self.check(*server.address))

    def test_faults(self):
        """Each fault is the first thing that is found."""
        self.assertGreaterEqual(len(FAULTS), 12)

        def checked(kind):
            with Server(kind()) as server:
                return client("-t", "5" if kind is Silent else PATIENT,
                              "check", *map(str, server.address))

        with concurrent.futures.ThreadPoolExecutor(9) as pool:
            results = list(pool.map(checked, FAULTS))
        for done, (kind, (title, seen)) in zip(results, FAULTS.items()):
            with self.subTest(kind.__name__):
                broken = points(done)[1]
                self.assertRegex(broken[0], f"^{title}$", done.stdout)
                text = re.search(r"^not ok.*\n#   seen: ((?:.*\n#     )*.*)",
                                 done.stdout, re.MULTILINE)[1]
                self.assertRegex(re.sub(r"\n#\s+", " ", text), seen)
                self.assertRegex(done.stdout, r"(?m)^#   why: ")
                self.assertEqual(
                    done.returncode, 75 if kind in (Silent, UntilEnd) else
                    76 if title == "a search is answered" else 1)
                self.assertEqual("Bail out!" in done.stdout,
                                 done.returncode != 1)

    def test_keeps_unasked(self):
        """A server that keeps the connection without being asked is right."""
        class Keeps(Little):
            def serve_one(self, sock, data):
                super().serve_one(sock, data)
                return True

            def keeps(self, request):
                return False

        with Server(Keeps()) as server:
            done = self.check(*server.address)
        self.assertEqual(points(done)[1], [], done.stdout)

    def tutorials(self, change=lambda text: text):
        """What is found of the tutorial's server."""
        port = free_port()
        for name in ("app-server.py", "libserver.py"):
            with open(os.path.join(originals(), name),
                      encoding="utf-8") as file:
                self.write(name, change(file.read()))
        self.spawn(sys.executable, self.path("app-server.py"), LOOPBACK,
                   str(port))
        harness.wait_until(lambda: harness.is_listening(port), "it listens")
        return points(self.check(LOOPBACK, port))

    def test_tutorial(self):
        """Its own mistakes, and no others; today's text of a miss, too."""
        def of_today(text):
            changed = text.replace("""f'No match for "{query}".'""",
                                   '''f"No match for '{query}'."''')
            return changed

        for change in harness.slow([of_today], [str, of_today]):
            kept, broken, skipped = self.tutorials(change)
            self.assertEqual(
                [title for title in broken if not title.endswith(
                    (" is an error", " is not kept waiting"))], [])
            self.assertEqual(len(broken), 19)
            self.assertIn("an unknown action is an error", kept)
            self.assertEqual(len(skipped), 8)

    def test_hangs(self):
        """One that accepts, or not even that, is told in time."""
        class Hangs(Little):
            """All but the search that is asked first is too much for it."""

            def serve_one(self, sock, data):
                try:
                    content = self.read(sock, data)[1]
                except Wrong:
                    content = b""
                if b'"value": "ring"}' not in content:
                    time.sleep(3)
                    return False
                kind, content = self.answer({
                    "content-type": "text/json",
                    "content-encoding": "utf-8"}, content)
                sock.sendall(self.message({}, kind, content))
                return False

        with Server(None) as deaf, Server(Hangs()) as server:
            done = client("check", *map(str, deaf.address))
            self.assertEqual(done.returncode, 75)
            self.assertRegex(done.stdout, "nothing came for (999|1000) ms")
            begin = time.monotonic()
            args = harness.slow(["-t", "4"], [])
            done = client(*args, "check", *map(str, server.address))
            self.assertLess(time.monotonic() - begin, 25)
        self.assertEqual(done.returncode, 75, done)
        self.assertIn("\nBail out! the time is over", done.stdout)

    def test_busy(self):
        """A server that is busy in between has done nothing wrong."""
        class Busy(Little):
            count = 0

            def message(self, request, kind, content, **members):
                self.count += 1
                if "status" not in members and "connection" in request and \
                        self.count % 7 == 0:
                    kind, content = "text/json", self.encode(
                        {"result": "Error: too busy."})
                    members["status"] = "busy"
                return super().message(request, kind, content, **members)

        with Server(Busy()) as server:
            done = self.check(*server.address)
        self.assertEqual((points(done)[1], done.returncode), ([], 0),
                         done.stdout)
        self.assertIn("# SKIP it says that it is busy", done.stdout)

    def test_json(self):
        with Server(NoResult()) as server:
            done = client("--json", "check", *map(str, server.address))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["point"] for line in lines],
                         list(range(1, len(lines) + 1)))
        bad = [line for line in lines if not line["ok"]]
        self.assertEqual(bad[0]["title"], "the reply's content has a result")
        self.assertEqual(list(bad[0]), ["point", "ok", "title", "seen",
                                        "why"])
        self.assertEqual(done.returncode, 1)

    def test_json_of_what_is_not_judged(self):
        class Closes(Little):
            def keeps(self, request):
                return False

        with Server(Closes()) as server:
            done = client("--json", "check", *map(str, server.address))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        skipped = [line for line in lines if "skip" in line]
        self.assertTrue(skipped)
        for line in skipped:
            self.assertEqual(list(line), ["point", "ok", "title", "skip"])
        self.assertEqual(done.returncode, 0)

    def test_quiet(self):
        """Nothing is printed but what is wrong."""
        with Server(Little()) as server:
            done = client("-q", "-t", PATIENT, "check", *map(str, server.address))
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "", ""))

    def test_hostile(self):
        """What a server says reaches no terminal as it is."""
        class Escapes(Little):
            def encode(self, value):
                return super().encode({"result": "\x1b[2J\x9b31m" * 20})

        with Server(Escapes()) as server:
            done = self.check(*server.address)
        self.assertIn("not ok", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        self.assertNotIn("\x9b", done.stdout)

    def test_nobody(self):
        done = self.check(LOOPBACK, free_port())
        self.assertEqual((done.returncode, done.stdout), (69, ""))
        self.assertIn("refused", done.stderr)

    def test_wrong_calls(self):
        for args, text in (
                (("check", "a", "1", "b"), "a host and a port at most"),
                (("-H", "a", "check", "b"), "the host is named twice"),
                (("-U", "/a", "check", "b"), "the host is named twice"),
                (("-p", "1", "check", "b", "2"), "the port is named twice"),
                (("check", "a:1", "2"), "the port is named twice"),
                (("check", "[::1]:1", "2"), "the port is named twice"),
                (("check", "/a", "2"), "a unix socket has no port"),
                (("check", "a,b"), "check is for one server"),
                (("-m", "prefix", "check"), "for search and bench only")):
            done = client(*args)
            self.assertEqual(done.returncode, 64)
            self.assertIn(text, done.stderr)


if harness.slow(False, True):
    class SlowNetwork(harness.DaemonTest):
        def test_slow_network(self):
            """Only what is waited for in vain counts."""
            class Late(Little):
                def __call__(self, connection):
                    time.sleep(.5)
                    super().__call__(connection)

            with Server(Late()) as server:
                begin = time.monotonic()
                done = client("check", *map(str, server.address),
                              timeout=4 * DEADLINE)
            self.assertGreater(time.monotonic() - begin, 20)
            self.assertNotIn("Bail out!", done.stdout)


if __name__ == "__main__":
    harness.main()
