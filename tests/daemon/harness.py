# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What the daemon tests share: a daemon, its peers, and their wire.

A test starts the real appmsgd in a temporary directory and talks to it over
plain sockets.  The wire is written here a second time, from its description
and with Python's own json, so that a mistake in the C library cannot hide
behind itself.

The programs are named by the environment:

    APPMSGD, APPMSGCTL, APPMSG_CLIENT   the built programs, absolute paths
    APPMSG_TOP                          the top of the source tree
    APPMSG_ORIGINALS                    optional: the tutorial's programs
    APPMSG_JSON_SUITE                   optional: the JSON test suite

Nothing here sleeps for a fixed time: every wait is for a condition, and ends
at DEADLINE with a failure.  A connection that is reset is a failure too,
since a reply may have been lost with it.
"""

import contextlib
import fcntl
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

DEADLINE = 30.0     # seconds any one wait may take
POLL = 0.01         # seconds between two looks at a condition
TRIES = 10          # of what a busy machine may spoil
LOOPBACK = "127.0.0.1"

TUTORIAL = {
    "morpheus": "Follow the white rabbit. \U0001f430",
    "ring": "In the caves beneath the Misty Mountains. \U0001f48d",
    "\U0001f436": "\U0001f43e Playing ball! \U0001f3d0",
}
RING = TUTORIAL["ring"]

REQUIRED = ("byteorder", "content-type", "content-encoding",
            "content-length")
SANITIZERS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer",
              "WARNING: ThreadSanitizer")
ABSENT = object()   # as a header member: leave it out


# The environment

def program(name):
    """The absolute path of a built program: appmsgd, appmsgctl, ..."""
    variable = name.replace("-", "_").upper()
    path = os.environ.get(variable)
    assert path, f"{variable} is not set"
    return path


def top(*parts):
    """A path below the top of the source tree."""
    default = os.path.join(os.path.dirname(__file__), "..", "..")
    return os.path.join(os.environ.get("APPMSG_TOP", default), *parts)


def originals():
    """The folder of the tutorial's programs; skips the test without it."""
    folder = os.environ.get("APPMSG_ORIGINALS")
    if not folder:
        raise unittest.SkipTest("APPMSG_ORIGINALS is not set")
    if not os.path.isfile(os.path.join(folder, "app-server.py")):
        raise AssertionError(f"no app-server.py in {folder}")
    return os.path.abspath(folder)


def json_suite(kind):
    """Names and bytes of the suite's y_, n_ or i_ files, sorted."""
    folder = os.environ.get("APPMSG_JSON_SUITE")
    if not folder:
        raise unittest.SkipTest("APPMSG_JSON_SUITE is not set")
    below = os.path.join(folder, "test_parsing")
    if os.path.isdir(below):
        folder = below
    files = []
    for name in sorted(os.listdir(folder)):
        if name.startswith(kind) and name.endswith(".json"):
            with open(os.path.join(folder, name), "rb") as file:
                files.append((name, file.read()))
    return files


def seeded(default=None):
    """A random generator, and its seed to be told on failure.

    APPMSG_SEED repeats a run.
    """
    seed = os.environ.get("APPMSG_SEED", default)
    seed = random.randrange(1 << 32) if seed is None else int(seed)
    return random.Random(seed), seed


# The wire

def to_json(value):
    """JSON text as the tutorial's programs spell it."""
    return json.dumps(value, ensure_ascii=False).encode()


def encode(header, content=b""):
    """A message: length, header, content.  header: a dict, or raw bytes."""
    if isinstance(header, dict):
        header = to_json(header)
    return struct.pack(">H", len(header)) + header + content


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


class Peer:
    """A client's connection, made of a plain socket."""

    def __init__(self, address, source=None, sndbuf=None, rcvbuf=None):
        unix = isinstance(address, str)
        family = socket.AF_UNIX if unix else (
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.address = address
        self.unix = unix
        try:
            self.sock.settimeout(DEADLINE)
            if sndbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF,
                                     sndbuf)
            if rcvbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                     rcvbuf)
            if source:
                self.sock.bind((source, 0))
            self.sock.connect(address)
            if not unix:
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY,
                                     1)
        except OSError:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_pieces(self, pieces, taken=False):
        """Send piece by piece.

        taken: each is read by the daemon before the next is sent, which the
        kernel tells of unix sockets only.
        """
        for piece in pieces:
            self.sock.sendall(piece)
            if taken and self.unix:
                self.wait_taken()

    def wait_taken(self):
        """Wait until the peer has read all that was sent (unix only)."""
        wait_until(lambda: not self._unread(), "all is read", poll=0)

    def wait_readable(self):
        """Wait until there is something to read, or the end."""
        ready = select.select([self.sock], [], [], DEADLINE)[0]
        if not ready:
            raise TimeoutError("no answer")

    def _unread(self):
        size = fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4)
        return struct.unpack("i", size)[0]

    def send_until_blocked(self, data):
        """Send until nothing is taken for a second; how much was."""
        sent = 0
        self.sock.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while sent < len(data):
                sent += self.sock.send(data[sent:sent + 65536])
        self.sock.settimeout(DEADLINE)
        return sent

    def finish(self):
        """Send the end of input; replies may still come."""
        self.sock.shutdown(socket.SHUT_WR)

    def receive(self, length):
        """Exactly so many bytes."""
        data = bytearray()
        while len(data) < length:
            part = self.sock.recv(min(length - len(data), 1 << 20))
            if not part:
                raise AssertionError(
                    f"closed after {bytes(data)!r}, {length} bytes wanted")
            data += part
        return bytes(data)

    def reply(self):
        """The next message."""
        header = self.receive(struct.unpack(">H", self.receive(2))[0])
        length = json.loads(header).get("content-length")
        return Reply(header, self.receive(length))

    def to_end(self):
        """All bytes until the peer's end."""
        data = bytearray()
        while part := self.sock.recv(1 << 16):
            data += part
        return bytes(data)

    def ended(self):
        """Nothing more comes but the end."""
        rest = self.to_end()
        assert not rest, f"unexpected {rest[:300]!r}"

    def ask(self, data):
        """Send a request and receive its reply; the connection stays."""
        self.send(data)
        return self.reply()


def ask(address, data, finish=False):
    """One request on a connection of its own: all bytes of the answer."""
    with Peer(address) as peer:
        peer.send(data)
        if finish:
            peer.finish()
        return peer.to_end()


def ask_reply(address, data, finish=False):
    """One request on a connection of its own: its one reply."""
    with Peer(address) as peer:
        peer.send(data)
        if finish:
            peer.finish()
        reply = peer.reply()
        peer.ended()
        return reply


def cut(rng, data, pieces):
    """Cut data into so many pieces at random places."""
    pieces = min(pieces, len(data))
    places = sorted(rng.sample(range(1, len(data)), pieces - 1))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)])]


def bytewise(data):
    """Cut data into single bytes."""
    return [data[i:i + 1] for i in range(len(data))]


# Processes

def wait_until(condition, what, poll=POLL):
    """Wait until condition() is true; returns what it returned.

    poll    seconds between two looks
    """
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain until {what}")
        time.sleep(poll)
    return value


def in_time(seconds, scenario, prepare=None):
    """Run a scenario that shows something only when nobody is held up.

    scenario    a function; what it finds counts if it took less than so
                many seconds, else it is run again
    prepare     called before each run, whose time does not count; what it
                returns the scenario is called with
    Returns what it returned; skips the test on a machine that is never
    quick enough.
    """
    for _ in range(TRIES):
        args = (prepare(),) if prepare else ()
        began = time.monotonic()
        try:
            result = scenario(*args)
        except TimeoutError:
            raise
        except (AssertionError, OSError):
            if time.monotonic() - began < seconds:
                raise
        else:
            if time.monotonic() - began < seconds:
                return result
    raise unittest.SkipTest("the machine is too busy for this")


def no_reports(text):
    """Fail when a sanitizer reported something in a program's output."""
    for mark in SANITIZERS:
        assert mark not in text, f"a sanitizer reports:\n{text}"


def environment(**more):
    """The environment programs run in: UTF-8, no bytecode files."""
    env = dict(os.environ, LC_ALL="C.UTF-8", PYTHONUTF8="1",
               PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    env.pop("APPMSG_SERVER", None)
    env.pop("NOTIFY_SOCKET", None)
    env.update(more)
    return env


def run(*argv, stdin=b"", env=None, **kwargs):
    """Run a program to its end; returncode, stdout, stderr as text."""
    done = subprocess.run(argv, input=stdin, capture_output=True,
                          timeout=DEADLINE, env=env or environment(), **kwargs)
    done.stdout = done.stdout.decode("utf-8", "backslashreplace")
    done.stderr = done.stderr.decode("utf-8", "backslashreplace")
    no_reports(done.stderr)
    return done


def client(*args, **kwargs):
    """Run appmsg-client."""
    return run(program("appmsg-client"), *map(str, args), **kwargs)


def needs_proc():
    """Skip where /proc is not mounted, as in a bare chroot."""
    if not os.path.exists("/proc/self/status"):
        raise unittest.SkipTest("no /proc here")


def status_of(pid, name):
    """A line of /proc/PID/status, as words."""
    needs_proc()
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return line.split()[1:]
    raise AssertionError(f"process {pid} has no {name}")


def resident(pid):
    """Bytes of memory a process has resident."""
    return int(status_of(pid, "VmRSS")[0]) * 1024


def cpu_of(pid):
    """Seconds of CPU time a process took so far, as the kernel counts."""
    needs_proc()
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sanitized(pid):
    """Whether a process runs under AddressSanitizer, by its shadow."""
    return int(status_of(pid, "VmSize")[0]) > 1 << 30


def measurable():
    """An environment in which freed memory shows as free."""
    return environment(ASAN_OPTIONS="quarantine_size_mb=1:"
                       + os.environ.get("ASAN_OPTIONS", ""))


def free_port():
    """A TCP port of the loopback that nobody has now."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        return sock.getsockname()[1]


def is_listening(port):
    """Whether somebody listens on a TCP port; without connecting to it."""
    needs_proc()
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file][1:]
    return any(row[3] == "0A" and int(row[1].split(":")[1], 16) == port
               for row in rows)


def has_ipv6():
    """Whether ::1 can be listened on."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def quoted(text):
    """A word of the config that stands for any text."""
    return json.dumps(text, ensure_ascii=False)


def answer(key, text):
    """A line of the config."""
    return f"answer {quoted(key)} {quoted(text)}"


TUTORIAL_LINES = tuple(answer(*pair) for pair in TUTORIAL.items())


class Daemon:
    """An appmsgd in the foreground, its log and its addresses."""

    def __init__(self, config, args=(), env=None, nofile=None,
                 wrapper=(), pass_fds=()):
        """Start it.

        config      path
        args        further options
        nofile      soft and hard limit of descriptors
        wrapper     a command that becomes the daemon, which follows it
        pass_fds    descriptors that stay open for it
        """
        self.config = config
        self.addresses = []
        self.lines = []
        self._closed = False
        self._news = threading.Condition()

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, nofile)

        self.process = subprocess.Popen(
            [*wrapper, program("appmsgd"), "-d", "-f", config, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=env or environment(),
            pass_fds=pass_fds,
            preexec_fn=limit if nofile else None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.wait_log(r"ready generation=")
        except AssertionError:
            self.kill()
            raise
        self._find_addresses()

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        """Where the first listen directive led to."""
        return self.addresses[0]

    @property
    def port(self):
        return self.address[1]

    @property
    def log(self):
        """All that was logged so far."""
        with self._news:
            return "".join(self.lines)

    def _read(self):
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.decode("utf-8", "backslashreplace"))
                self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()

    def _find_addresses(self):
        for line in self.lines:
            if "ready generation=" in line:
                break
            found = re.search(r"listening address=(.*) service=", line)
            if found is None:
                continue
            address = found[1]
            if not address.startswith("/"):
                host, port = address.rsplit(":", 1)
                address = (host.strip("[]"), int(port))
            self.addresses.append(address)

    def wait_log(self, pattern, after=0):
        """Wait for a logged line; returns the match.

        after: how many lines of the log not to look at.
        """
        expression = re.compile(pattern)
        end = time.monotonic() + DEADLINE
        with self._news:
            while True:
                for line in self.lines[after:]:
                    if found := expression.search(line):
                        return found
                left = end - time.monotonic()
                if self._closed or left <= 0:
                    raise AssertionError(
                        f"not logged: {pattern}\n" + "".join(self.lines))
                self._news.wait(left)

    def signal(self, number):
        self.process.send_signal(number)

    def hang_up(self):
        """Send SIGHUP."""
        self.signal(signal.SIGHUP)

    def terminate(self):
        """Send SIGTERM."""
        self.signal(signal.SIGTERM)

    @contextlib.contextmanager
    def stopped(self):
        """What is sent within is all there when the daemon looks."""
        needs_proc()
        self.signal(signal.SIGSTOP)
        try:
            wait_until(
                lambda: all(status_of(int(task), "State")[0] == "T"
                            for task in os.listdir(f"/proc/{self.pid}/task")),
                "all threads are stopped")
            yield
        finally:
            self.signal(signal.SIGCONT)

    def wait(self):
        """Wait for its end; returns the exit status."""
        status = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return status

    def stop(self):
        """End it as an administrator does, and require a clean end."""
        if self.process.poll() is None:
            self.terminate()
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("does not end on SIGTERM") from None
        self.process.stderr.close()
        no_reports(self.log)
        assert status == 0, f"ended with {status}"

    def kill(self):
        """End it for good, as a failed test leaves it."""
        self.process.kill()
        self.wait()
        self.process.stderr.close()


class DaemonTest(unittest.TestCase):
    """A test with a directory of its own, and daemons that end with it."""

    maxDiff = 4000

    def setUp(self):
        base = tempfile.gettempdir()
        if len(base) > 60:      # the path of a unix socket is short
            base = "/tmp"
        self.directory = tempfile.mkdtemp(prefix="appmsg-", dir=base)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.daemons = []

    def run(self, result=None):
        """As unittest does; a test that failed shows the daemons' logs."""
        bad = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > bad:
            for daemon in getattr(self, "daemons", ()):
                print(f"--- log of appmsgd -f {daemon.config}",
                      daemon.log[-8000:], "---", sep="\n", file=sys.stderr)

    @contextlib.contextmanager
    def subTest(self, *args, **kwargs):
        """As unittest does; but after a wait in vain the test ends.

        Else a daemon that answers nothing would be waited for each time.
        """
        in_vain = None
        with super().subTest(*args, **kwargs):
            try:
                yield
            except TimeoutError as problem:
                in_vain = problem
                raise
        if in_vain is not None:
            raise in_vain

    # Files and processes

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def write(self, name, data):
        """Write a file of the directory, aside and renamed: its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(data, str):
            data = data.encode()
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.rename(path + ".new", path)
        return path

    def write_config(self, *lines, name="appmsgd.conf"):
        return self.write(name, "".join(line + "\n" for line in lines))

    def configure(self, *lines, answers=TUTORIAL_LINES):
        """Write the config: the lines and answers; its path.

        Without a listen line: one on a free loopback port.
        """
        if not any(line.startswith("listen ") for line in lines):
            lines = (f"listen {LOOPBACK} 0", *lines)
        return self.write_config(*lines, *answers)

    def start(self, *lines, answers=TUTORIAL_LINES, **kwargs):
        """Start a daemon with a config made of these lines."""
        daemon = Daemon(self.configure(*lines, answers=answers), **kwargs)
        self.daemons.append(daemon)
        self.addCleanup(daemon.stop)
        return daemon

    def peer(self, address, **kwargs):
        """A connection that is closed at the latest when the test ends."""
        peer = Peer(address, **kwargs)
        self.addCleanup(peer.close)
        return peer

    def spawn(self, *argv, **kwargs):
        """Start a helper process that is killed when the test ends."""
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(), **{"stdout": subprocess.DEVNULL, **kwargs})

        def end():
            process.kill()
            process.wait(DEADLINE)
            if process.stdout:
                process.stdout.close()

        self.addCleanup(end)
        return process

    def original(self, name, *args, port=None):
        """Run a server of the tutorial; args may say PORT.

        port    the one written in its source, which a copy replaces
        Returns its port.
        """
        own = free_port()
        script = (os.path.join(originals(), name) if port is None
                  else self.original_copy(name, port, own))
        args = [str(own) if arg == "PORT" else arg for arg in args]
        process = self.spawn(sys.executable, script, *args)

        def is_up():
            assert process.poll() is None, f"{name} ended at its start"
            return is_listening(own)

        wait_until(is_up, f"{name} listens")
        return own

    def original_copy(self, name, old_port, new_port):
        """A copy of a program of the tutorial, with another port: its path.
        """
        with open(os.path.join(originals(), name)) as file:
            text = file.read()
        self.assertEqual(text.count(str(old_port)), 1, name)
        return self.write(name, text.replace(str(old_port), str(new_port)))

    def control(self, *args):
        """Run appmsgctl on the control socket of control_line()."""
        return run(program("appmsgctl"), "-s", self.path("control.sock"),
                   *args)

    def control_line(self):
        return f"control {quoted(self.path('control.sock'))}"

    # What a reply must be

    def assert_serves(self, address):
        """A plain search on a new connection is answered right."""
        self.assertEqual(ask(address, search("ring")), plain_reply(RING))

    def assert_answer(self, reply, result, *extra):
        """A reply with this result and exactly these further members."""
        self.assertEqual(reply.extra, list(extra), reply)
        self.assertEqual(reply.result, result, reply)

    def assert_grown(self, daemon, before, most):
        """Memory has grown by less since it was looked at before.

        The daemon is one started with env=measurable().
        """
        if sanitized(daemon.pid):
            most += 16 << 20
        self.assertLess(resident(daemon.pid) - before, most)

    def assert_error(self, reply):
        """A reply whose content is one "result" that says Error."""
        self.assertTrue(reply.result.startswith("Error: "), reply)

    def assert_coded(self, reply, code, *before):
        """An error reply that has these members, then status and error."""
        self.assert_error(reply)
        self.assertEqual(
            reply.extra, [*before, ("status", "error"), ("error", code)],
            reply)


@contextlib.contextmanager
def background(*targets):
    """Run functions in threads meanwhile; what they raise is raised."""
    problems = []

    def guarded(target):
        try:
            target()
        except BaseException as problem:    # handed on below
            problems.append(problem)

    threads = [threading.Thread(target=guarded, args=(target,))
               for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(2 * DEADLINE)
        if problems:    # of which the rest may be the consequence
            raise problems[0]


def main():
    """Run the tests of the calling file; exit 77 when all were skipped."""
    result = unittest.main(exit=False, verbosity=2).result
    if not result.wasSuccessful():
        sys.exit(1)
    skipped = [test for test, _ in result.skipped
               if isinstance(test, unittest.TestCase)]
    sys.exit(77 if len(skipped) >= result.testsRun else 0)
