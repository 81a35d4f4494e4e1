# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The programs as they were built, how they are run, and what is seen of them.

They are named by the environment:

    APPMSGD, APPMSGCTL, APPMSG_CLIENT   the built programs, absolute paths
    APPMSG_TOP                          the top of the source tree
"""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from waits import DEADLINE, POLL, wait_until

LOOPBACK = "127.0.0.1"
SANITIZERS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer",
              "WARNING: ThreadSanitizer")


def program(name):
    """The absolute path of a built program: appmsgd, appmsgctl, ..."""
    variable = name.replace("-", "_").upper()
    path = os.environ.get(variable)
    assert path, f"{variable} is not set"
    # What libtool left there is a script that finds the library, and takes
    # ten times as long as what it starts.
    folder, base = os.path.split(path)
    libs = os.path.join(folder, ".libs")
    with open(path, "rb") as file:
        if (file.read(2) != b"#!"
                or not os.path.exists(os.path.join(libs, base))):
            return path
    os.environ["LD_LIBRARY_PATH"] = libs
    return os.path.join(libs, base)


def top(*parts):
    """A path below the top of the source tree."""
    default = os.path.join(os.path.dirname(__file__), "..", "..")
    return os.path.join(os.environ.get("APPMSG_TOP", default), *parts)


def no_reports(text):
    """Fail when a sanitizer reported something in a program's output."""
    for mark in SANITIZERS:
        assert mark not in text, f"a sanitizer reports:\n{text}"


def environment(**more):
    """The environment programs run in: UTF-8, no bytecode files."""
    env = dict(os.environ, LC_ALL="C.UTF-8", PYTHONUTF8="1",
               PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    env.pop("APPMSG_SERVER", None)
    for name in ("NOTIFY_SOCKET", "APPMSGCTL_SOCKET", "XDG_CONFIG_HOME",
                 "XDG_RUNTIME_DIR"):
        env.pop(name, None)
    env.update(more)
    return env


def run(*argv, stdin=b"", env=None, timeout=DEADLINE, **kwargs):
    """Run a program to its end; returncode, stdout, stderr as text."""
    done = subprocess.run(argv, input=stdin, capture_output=True,
                          timeout=timeout, env=env or environment(), **kwargs)
    done.stdout = done.stdout.decode("utf-8", "backslashreplace")
    done.stderr = done.stderr.decode("utf-8", "backslashreplace")
    no_reports(done.stderr)
    return done


def powerless():
    """What to put before a command that is to have no more rights than any
    user, though root may run it."""
    if os.geteuid() != 0:
        return ()
    command = ("setpriv", "--bounding-set=-all")
    if shutil.which(command[0]) is None or run(*command, "true").returncode:
        raise unittest.SkipTest("nothing here takes root's rights away")
    return command


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

    def is_idle(self):
        """Whether no thread does anything between two looks.

        One that goes round in a circle never is.
        """
        before = self._naps()
        time.sleep(POLL)
        return before is not None and before == self._naps()

    def _naps(self):
        """How often each thread went to sleep; None while one is awake."""
        needs_proc()
        counts = {}
        for task in os.listdir(f"/proc/{self.pid}/task"):
            thread = f"{self.pid}/task/{task}"
            if status_of(thread, "State")[0] != "S":
                return None
            counts[task] = status_of(thread, "voluntary_ctxt_switches")
        return counts

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
                lambda: all(status_of(task, "State")[0] == "T"
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
