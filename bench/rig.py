# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Processes on their cores, load on others, and what was measured.

A Rig owns a temporary folder, every process that it starts and every
figure.  Servers run on the first core that this process may use, the
load generator and this process on the second.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PR_SET_PDEATHSIG = 1
START_SECONDS = 600
LOAD_PRIORITY = -15


class Skip(Exception):
    """A peer is not here."""


class Trouble(Exception):
    """A server or the load generator did not do its part."""


def cpu_seconds(pid):
    """CPU time of all threads of a process, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid, name="VmRSS"):
    """Bytes, from the kernel's status of a process."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    raise Trouble(f"process {pid} has no {name}")


def connect(address, seconds=60):
    """A blocking connection to 127.0.0.1:PORT or /path."""
    if address.startswith("/"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(seconds)
        sock.connect(address)
        return sock
    host, port = address.split(":")
    sock = socket.create_connection((host, int(port)), seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Server:
    """A running server: its name, process and address."""

    def __init__(self, rig, name, process, address):
        self.rig = rig
        self.name = name
        self.process = process
        self.pid = process.pid
        self.address = address

    def wait(self, ready=None):
        """Wait until it takes connections, or until ready() holds."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Trouble(f"{self.name} ended at once: "
                              + self.rig.tail(self.name))
            if ready is not None:
                if ready():
                    return self
            else:
                with contextlib.suppress(OSError):
                    connect(self.address).close()
                    return self
            time.sleep(0.002)
        raise Trouble(f"{self.name} does not start")

    def stop(self):
        """End it, with its children."""
        self.rig.end(self.process)


class Rig:
    """Where, how long and how often; and the results."""

    def __init__(self, quick, rounds, minutes=30):
        self.quick = quick
        self.rounds = rounds
        self.minutes = minutes
        self.window = 0.5 if quick else 1.5
        self.warm = 0.15 if quick else 0.4
        self.loadgen = os.environ.get("LOADGEN", "./loadgen")
        self.limit = os.environ.get("LIMIT", "./limit")
        self.appmsgd = os.environ.get("APPMSGD", "./appmsgd")
        self.appmsgctl = os.environ.get("APPMSGCTL", "./appmsgctl")
        # Only some rows want these.
        self.limit_tls = os.environ.get("LIMIT_TLS", "./limit-tls")
        self.client = os.environ.get("APPMSG_CLIENT", "./appmsg-client")
        self.pipelined = os.environ.get("PIPELINED", "bench/pipelined")
        self.originals = os.environ.get("APPMSG_ORIGINALS")
        for program in (self.loadgen, self.limit, self.appmsgd,
                        self.appmsgctl):
            if shutil.which(program) is None:
                raise SystemExit(f"bench: {program}: not there; "
                                 "is it built and is its variable set?")
        self.cores = sorted(os.sched_getaffinity(0))
        self.server_core = self.cores[0]
        self.load_core = self.cores[-1]
        os.sched_setaffinity(0, {self.load_core})
        self.folder = tempfile.mkdtemp(prefix="appmsgd-bench-")
        os.chmod(self.folder, 0o755)
        self.processes = []
        self.n_files = 0
        self.figures = {}
        self.ratios = []
        self.problems = []
        self.skipped = []
        self._libc = ctypes.CDLL(None)

    # Files and processes

    def path(self, name):
        """A new path in the temporary folder."""
        self.n_files += 1
        return os.path.join(self.folder, f"{self.n_files}.{name}")

    def log(self, name):
        """Where a server's messages go."""
        return os.path.join(self.folder, name.replace(" ", "-") + ".log")

    def tail(self, name):
        """The last of them."""
        with contextlib.suppress(OSError), open(self.log(name)) as log:
            return log.read()[-500:].strip()
        return ""

    def program(self, name):
        """Where a peer is installed."""
        found = shutil.which(name, path=os.environ.get("PATH", "")
                             + ":/usr/sbin:/sbin:/usr/local/sbin")
        if found is None:
            raise Skip(f"{name} is not installed")
        return found

    @staticmethod
    def free_port():
        """A port that nobody has now."""
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            return sock.getsockname()[1]

    def spawn(self, argv, cores, **options):
        """Start a process on its cores; it ends when this one does."""
        def prepare():
            os.sched_setaffinity(0, cores)
            self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        process = subprocess.Popen(
            argv, preexec_fn=prepare, start_new_session=True,
            stdin=subprocess.DEVNULL, **options)
        self.processes.append(process)
        return process

    def serve(self, name, argv, address, pin=True, ready=None, quiet=False,
              cores=None):
        """Start a server and wait for it.

        cores  where it runs, if not where servers do
        """
        if cores is None:
            cores = {self.server_core} if pin else set(self.cores)
        with open(os.devnull if quiet else self.log(name), "wb") as log:
            process = self.spawn(argv, cores, stdout=log, stderr=log)
        return Server(self, name, process, address).wait(ready)

    def end(self, process):
        """Kill a process that spawn() started, and its children."""
        if process in self.processes:
            self.processes.remove(process)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_all(self):
        """End what runs, and remove the files of a row."""
        for process in list(self.processes):
            self.end(process)
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)

    def close(self):
        """Leave nothing."""
        self.stop_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Load

    def load_argv(self, server, pack, *, conns=64, depth=1, mode="keepalive",
                  window=None, warm=None, count=None, extra=()):
        """The load generator's command line."""
        argv = [self.loadgen, "-c", str(conns), "-d", str(depth),
                "-m", mode, "-p", str(server.pid),
                "-t", str(window or self.window),
                "-w", str(self.warm if warm is None else warm), *extra]
        if count:
            argv += ["-n", str(count)]
        return argv + [server.address] + ([pack] if pack else [])

    def start_load(self, server, pack, pin=True, **options):
        """Start the load generator.

        It is the instrument: what else runs on its core must not be
        measured as the server's delay.  Where it shares the server's cores
        it is one among equals.
        """
        process = self.spawn(self.load_argv(server, pack, **options),
                             {self.load_core} if pin else set(self.cores),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with contextlib.suppress(PermissionError):
            if pin:
                os.setpriority(os.PRIO_PROCESS, process.pid, LOAD_PRIORITY)
        return process

    def finish_load(self, row, server, process, stop=False):
        """Its numbers; what was wrong becomes a problem of the row."""
        if stop:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        self.processes.remove(process)
        if not out:
            raise Trouble(f"{server.name}: loadgen: {err.decode().strip()}")
        result = json.loads(out)
        bad = {k: result[k] for k in ("wrong", "stale", "failed")
               if result.get(k)}
        if bad:
            self.problem(row, f"{server.name}: {bad} in "
                         f"{result['replies']} replies")
        return result

    def load(self, row, server, pack, pin=True, **options):
        """Load a server and return what the load generator says."""
        process = self.start_load(server, pack, pin, **options)
        return self.finish_load(row, server, process)

    def compare(self, row, runs, after=None, **options):
        """Load servers in turn, round by round.

        runs: (name, server, pack, replies that one of its replies counts
        for, options of its own).  after: called behind each load.
        """
        results = {run[0]: [] for run in runs}
        for _ in range(self.rounds):
            for name, server, pack, factor, own in runs:
                one = self.load(row, server, pack, **{**options, **own})
                for key in ("replies", "per_second", "per_cpu_second"):
                    one[key] *= factor
                results[name].append(one)
                if after is not None:
                    after()
        return {name: self.figure(row, name, values)
                for name, values in results.items()}

    def compare_anew(self, row, start, **options):
        """As compare(), but with all servers started anew for each round.

        A process keeps the luck of its memory and sockets for life, which
        is worth several per cent either way.
        start: makes the runs, files included
        """
        results = {}
        for _ in range(self.rounds if self.quick else max(5, self.rounds)):
            for name, server, pack, factor, own in start():
                one = self.load(row, server, pack, **{**options, **own})
                for key in ("replies", "per_second", "per_cpu_second"):
                    one[key] *= factor
                results.setdefault(name, []).append(one)
            self.stop_all()
        return {name: self.figure(row, name, values)
                for name, values in results.items()}

    # Results

    def figure(self, row, name, results, main="per_cpu_second"):
        """Keep the median and spread of each number; return the medians."""
        figure = {}
        for key, value in results[0].items():
            values = [one[key] for one in results]
            # A word is the first one's.
            figure[key] = (value if isinstance(value, str)
                           else statistics.median(values))
        values = [one[main] for one in results]
        middle = statistics.median(values)
        figure["rounds"] = values
        figure["spread"] = ((max(values) - min(values)) / 2 / middle
                            if middle else 0)
        self.figures.setdefault(row, {})[name] = figure
        self.say(f"{row:<12}{name:<22}  " + "  ".join(
            f"{key}={figure[key]:.6g}" for key in (
                main, "per_second", "p50_us", "p99_us") if key in figure))
        return figure

    def ratio(self, row, what, measured, floor, sense=">=", scale="",
              unit="", steady=True):
        """Keep one of the numbers that have a bound.

        steady  it is worth to be compared with what it was before
        """
        good = measured >= floor if sense == ">=" else measured <= floor
        self.ratios.append({
            "row": row, "what": what, "measured": round(measured, 4),
            "sense": sense, "floor": floor, "unit": unit, "scale": scale,
            "ok": good, "steady": steady})
        self.say(f"{row:<12}{what}: {measured:.4g}{unit} {sense} {floor}"
                 f"{unit} {'ok' if good else 'BELOW'}")

    def problem(self, row, text):
        """Something that must not be."""
        self.problems.append(f"{row}: {text}")
        self.say(f"{row:<12}WRONG: {text}")

    def skip(self, row, text):
        """A peer that is not here."""
        if f"{row}: {text}" in self.skipped:
            return
        self.skipped.append(f"{row}: {text}")
        self.say(f"{row:<12}skipped: {text}")

    @staticmethod
    def say(text):
        """Tell how it goes."""
        print(text, file=sys.stderr, flush=True)
