#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Searches for two words, beside PostgreSQL with an index of trigrams.

    APPMSGD=./appmsgd bench/trigrams.py [KEYS]

Keys of two to five words, some far more common than others; each search is
for a common word and another one of the same key, first 10 by bytes.  Told is
the CPU that the server takes for one, asked one by one over a unix socket.
"""

import glob
import math
import os
import pwd
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wire

WORDS = "/usr/share/dict/american-english-huge"
QUERIES = 2000


def phrases(count):
    """Keys, and the words that they are made of, the common ones first."""
    dice = random.Random(11)
    with open(WORDS, encoding="utf-8") as source:
        words = [w for w in source.read().split() if w.isascii()
                 and w.isalpha() and w.islower()]
    words = dice.sample(words, 30000)

    def some():
        return words[int(math.exp(dice.random() * math.log(30001))) - 1]

    keys = set()
    while len(keys) < count:
        keys.add(" ".join(some() for _ in range(dice.randint(2, 5))))
    keys = sorted(keys)
    common = set(words[:100])
    queries = []
    while len(queries) < QUERIES:
        own = list(dict.fromkeys(dice.choice(keys).split()))
        dice.shuffle(own)
        first = next((w for w in own if w in common), None)
        if first is not None and len(own) > 1:
            queries.append((first, next(w for w in own if w != first)))
    return keys, queries


def cpu(pid):
    """Seconds of a process, by its clock, as clock_getcpuclockid(3) has it."""
    return time.clock_gettime(~pid << 3 | 2)


def waits(ready):
    for _ in range(600):
        if ready():
            return
        time.sleep(0.1)
    sys.exit("trigrams: a server is not ready")


def serves(path):
    """Wait until the table does, which is later than its socket is there."""
    waits(lambda: os.path.exists(path))
    with wire.connect(path) as sock, sock.makefile("rb") as stream:
        sock.settimeout(600)
        sock.sendall(wire.request("a", match="words", limit=1))
        wire.read_reply(stream)


def ours(folder, keys, queries):
    """CPU and times of appmsgd, and how many it found."""
    table, path = f"{folder}/keys.tsv", f"{folder}/sock"
    with open(table, "w") as out:
        out.writelines(f"{key}\tx\n" for key in keys)
    with open(f"{folder}/conf", "w") as out:
        out.write(f"listen {path}\ntable t file {table} search=words\n")
    daemon = subprocess.Popen([os.environ["APPMSGD"], "-d", "-f",
                               f"{folder}/conf"], stderr=subprocess.DEVNULL)
    try:
        serves(path)
        with wire.connect(path) as sock, sock.makefile("rb") as stream:
            times, found, before = [], 0, cpu(daemon.pid)
            for pair in queries:
                start = time.perf_counter()
                sock.sendall(wire.request(" ".join(pair), match="words",
                                          limit=10))
                reply = wire.content(wire.read_reply(stream))
                times.append(time.perf_counter() - start)
                found += len(reply["matches"])
            return cpu(daemon.pid) - before, times, found
    finally:
        daemon.terminate()
        daemon.wait()


def theirs(folder, keys, queries):
    """The same of PostgreSQL."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        return None
    user = "postgres" if os.getuid() == 0 else None
    data = f"{folder}/pg"
    os.mkdir(data, 0o700)
    if user is not None:
        os.chmod(folder, 0o755)
        os.chown(data, *pwd.getpwnam(user)[2:4])

    def start(program, *args, **kwargs):
        return subprocess.Popen(
            [f"{found[-1]}/{program}", *args], user=user, cwd="/",
            stderr=subprocess.DEVNULL, **kwargs)

    if start("initdb", "-D", data, "-A", "trust", "-U", "x", "--no-locale",
             "-E", "UTF8", stdout=subprocess.DEVNULL).wait() != 0:
        return None
    server = start("postgres", "-D", data, "-k", data, "-h", "",
                   "-c", "fsync=off", "-c", "shared_buffers=512MB")
    try:
        waits(lambda: glob.glob(f"{data}/.s.PGSQL.5432"))
        shell = start("psql", "-h", data, "-U", "x", "-d", "postgres", "-AtqX",
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                      text=True)

        def say(text):
            shell.stdin.write(text)
            shell.stdin.flush()

        def until(end):
            lines = []
            for line in shell.stdout:
                if line == end + "\n":
                    break
                lines.append(line)
            return lines

        say("CREATE EXTENSION pg_trgm; CREATE TABLE t (k text COLLATE "
            "\"C\");\nCOPY t FROM STDIN;\n"
            + "".join(f"{key}\n" for key in keys) + "\\.\n"
            "CREATE INDEX ON t USING gin (k gin_trgm_ops); VACUUM ANALYZE t;"
            "\nSELECT pg_backend_pid();\n\\echo ready\n")
        pid = int(until("ready")[-1])
        times, count, before = [], 0, cpu(pid)
        for first, last in queries:
            start_time = time.perf_counter()
            say(f"SELECT k FROM t WHERE k ~ '\\m{first}\\M' AND "
                f"k ~ '\\m{last}' ORDER BY k LIMIT 10;\n\\echo end\n")
            count += len(until("end"))
            times.append(time.perf_counter() - start_time)
        result = cpu(pid) - before, times, count
        shell.stdin.close()
        shell.wait()
        return result
    finally:
        server.terminate()
        server.wait()


def main():
    """Measure both, and print a line each."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    if not os.path.exists(WORDS):
        sys.exit(f"trigrams: {WORDS} is not there (wamerican-huge)")
    keys, queries = phrases(count)
    folder = tempfile.mkdtemp(prefix="trigrams-")
    try:
        for name, measure, some in (
                ("appmsgd words", ours, queries),
                ("PostgreSQL pg_trgm", theirs, queries[:200])):
            result = measure(folder, keys, some)
            if result is None:
                print(f"{name}: skipped, it is not installed")
                continue
            seconds, times, found = result
            print(f"{name}: {len(keys)} keys, {len(some)} queries, "
                  f"{1e6 * seconds / len(some):.0f} us of CPU a query, "
                  f"median {1e6 * statistics.median(times):.0f} us, "
                  f"{found / len(some):.1f} found", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
