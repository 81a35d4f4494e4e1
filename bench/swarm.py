# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Many connections at once, each of which follows a plan.

A thread serves them all.  This needs nothing but Python, and knows nothing of
a rig or of messages: an address is (host, port) or the path of a unix socket,
and what is sent is bytes.

    with Swarm() as swarm:
        swarm.add(600, Plan(address, first=ask * 90, reads=False))
        swarm.settle()
        ...                     # they sit there, and never read
        swarm.alive()           # how many of them still do
"""

import contextlib
import errno
import heapq
import random
import select
import socket
import struct
import threading
import time

CHUNK = 1 << 18
AT_ONCE = 128               # connections opened without a pause
PAUSE = 0.02                # that pause, so that they are accepted meanwhile


def until(condition, seconds=20):
    """Wait for a condition; whether it came true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def source(i):
    """One of many addresses of this machine; the first is 127.0.1.1."""
    return f"127.0.{1 + i // 250}.{1 + i % 250}"


def dial(address, bound=None, rcvbuf=None):
    """A socket that connects and does not block, from an address."""
    unix = isinstance(address, str)
    sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    try:
        sock.setblocking(False)
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        if not unix:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if bound and not unix:
            sock.bind((bound, 0))
        failed = sock.connect_ex(address)
        if failed not in (0, errno.EINPROGRESS, errno.EAGAIN):
            raise OSError(failed, "connect")
    except OSError:
        sock.close()
        raise
    return sock


def reset(sock):
    """Close it so that the peer gets a reset."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
    sock.close()


class Plan:
    """What a connection does."""

    def __init__(self, address, first=b"", *, reads=True, drip=b"", every=0.5,
                 again=False, stays=False, bound=None, rcvbuf=None, reply=0,
                 rate=0):
        """
        first   sent at once, as fast as it is taken
        reads   whether it reads at all
        drip    sent byte by byte behind that, a byte each so many seconds
        every   those
        again   a connection that ends is made anew
        stays   goes on sending when the server has sent its end
        bound   the address it comes from; None: the usual one
        reply   bytes after which first is sent again; 0: never
        rate    bytes a second that this may amount to; 0: any
        """
        self.address = address
        self.first = first
        self.reads = reads
        self.drip = drip
        self.every = every
        self.again = again
        self.stays = stays
        self.bound = bound
        self.rcvbuf = rcvbuf
        self.reply = reply
        self.rate = rate


class Client:
    """A connection of a swarm, and what became of it."""

    def __init__(self, plan):
        self.plan = plan
        self.sock = None
        self.out = b""          # not taken yet
        self.dripped = 0        # bytes of drip
        self.started = 0.0      # when it was opened
        self.sent_at = 0.0      # when all of first was taken
        self.got_at = 0.0       # when something came last
        self.end_at = 0.0       # when the server's end came, if it stays
        self.ended = 0.0        # when the server ended it; 0: not yet
        self.how = ""           # "end", "reset", "refused"
        self.sent = 0           # bytes, over all of its connections
        self.total = 0          # bytes received, over all
        self.got = 0            # those of this one, and of its reply
        self.mask = 0


class Swarm:
    """Connections, served by a thread of their own."""

    def __init__(self):
        self.clients = []
        self.busy_at = time.monotonic()
        self._poll = select.epoll()
        self._by_fd = {}
        self._due = []
        self._n_due = 0
        self._lock = threading.RLock()
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.leave()

    def add(self, count, plan, at_once=AT_ONCE):
        """Open connections, so many without a pause; returns their Clients.
        """
        added = []
        for i in range(count):
            client = Client(plan)
            added.append(client)
            with self._lock:
                self.clients.append(client)
                self._open(client)
            if i % at_once == at_once - 1:
                time.sleep(PAUSE)
        return added

    def settle(self, quiet=0.3, seconds=20):
        """Wait until nothing was sent or received for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if time.monotonic() - self.busy_at > quiet:
                return
            time.sleep(0.02)

    def alive(self):
        """How many connections stand."""
        with self._lock:
            return sum(c.sock is not None and not c.ended
                       for c in self.clients)

    def sent(self):
        """Bytes that were taken from all of them."""
        return sum(c.sent for c in self.clients)

    def leave(self, hard=False):
        """Close all; hard: by resets."""
        self._stop = True
        if self._thread.is_alive():
            self._thread.join()
        for client in self.clients:
            if client.sock is not None:
                (reset if hard else socket.socket.close)(client.sock)
                client.sock = None
        self._by_fd.clear()
        if not self._poll.closed:
            self._poll.close()

    # The thread

    def _later(self, when, client, what):
        self._n_due += 1
        heapq.heappush(self._due, (when, self._n_due, client, what,
                                   client.sock))

    def _open(self, client):
        plan = client.plan
        client.started = time.monotonic()
        client.out = memoryview(plan.first)
        client.dripped = client.got = 0
        client.ended = 0.0
        try:
            client.sock = dial(plan.address, plan.bound, plan.rcvbuf)
        except OSError:
            client.sock = None
            self._end(client, "refused")
            return
        self._by_fd[client.sock.fileno()] = client
        client.mask = select.EPOLLOUT | (
            select.EPOLLIN if plan.reads else select.EPOLLRDHUP)
        self._poll.register(client.sock, client.mask)

    def _watch(self, client, mask):
        if client.mask != mask:
            client.mask = mask
            self._poll.modify(client.sock, mask)

    def _end(self, client, how):
        """The server ended it."""
        now = time.monotonic()
        if client.sock is not None:
            fd = client.sock.fileno()
            self._poll.unregister(fd)
            self._by_fd.pop(fd, None)
            client.sock.close()
            client.sock = None
        client.ended = now
        client.how = how
        if client.plan.again and not self._stop:
            self._later(now + (0.01 if how != "refused" else 0.1), client,
                        self._open_again)

    def _open_again(self, client):
        if client.sock is None:
            self._open(client)

    def _write(self, client):
        if client.out:
            try:
                n = client.sock.send(client.out)
            except BlockingIOError:
                return
            client.out = client.out[n:]
            client.sent += n
            self.busy_at = time.monotonic()
        if client.out:
            return
        self._watch(client, client.mask & ~select.EPOLLOUT)
        client.sent_at = time.monotonic()
        if client.plan.drip:
            self._later(client.sent_at + client.plan.every * random.random(),
                        client, self._drip)

    def _drip(self, client):
        drip = client.plan.drip
        if client.sock is None or client.dripped == len(drip):
            return
        try:
            client.dripped += client.sock.send(
                drip[client.dripped:client.dripped + 1])
            client.sent += 1
        except BlockingIOError:
            pass
        except OSError:
            self._end(client, "reset")
            return
        self._later(time.monotonic() + client.plan.every, client, self._drip)

    def _read(self, client):
        try:
            part = client.sock.recv(CHUNK)
        except BlockingIOError:
            return
        if not part:
            if client.plan.stays:
                client.end_at = time.monotonic()
                self._watch(client, client.mask & ~select.EPOLLIN)
            else:
                self._end(client, "end")
            return
        client.got_at = self.busy_at = time.monotonic()
        client.got += len(part)
        client.total += len(part)
        plan = client.plan
        if plan.reply and client.got >= plan.reply:
            client.got -= plan.reply
            due = (client.started + client.sent / plan.rate if plan.rate
                   else 0)
            if due > time.monotonic():
                self._later(due, client, self._ask)
            else:
                self._ask(client)

    def _ask(self, client):
        if client.sock is None:
            return
        client.out = memoryview(client.plan.first)
        self._watch(client, client.mask | select.EPOLLOUT)

    def _serve(self, fd, events):
        client = self._by_fd.get(fd)
        if client is None:
            return
        try:
            if events & select.EPOLLIN:
                self._read(client)
            elif events & (select.EPOLLHUP | select.EPOLLERR):
                self._end(client, "reset")
            elif events & select.EPOLLRDHUP:
                self._end(client, "end")
            if events & select.EPOLLOUT and client.sock is not None:
                self._write(client)
        except OSError:
            if client.sock is not None:
                self._end(client, "reset")

    def _run(self):
        while not self._stop:
            wait = 0.05
            if self._due:
                wait = min(wait, max(0, self._due[0][0] - time.monotonic()))
            events = self._poll.poll(wait)
            with self._lock:
                for fd, what in events:
                    self._serve(fd, what)
                now = time.monotonic()
                while self._due and self._due[0][0] <= now:
                    _, _, client, act, sock = heapq.heappop(self._due)
                    # Not what was meant for the connection before this one.
                    if sock is client.sock:
                        act(client)
