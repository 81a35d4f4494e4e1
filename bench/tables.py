# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Rows about tables: loading, searching, replacing them."""

import json
import os
import random
import signal
import statistics
import threading
import time

import servers
import wire
from rig import Skip, Trouble, connect, cpu_seconds, memory

WORDS = "/usr/share/dict/american-english-huge"
DEPTH = 32
PIPELINED = 8
MS = 1000

# These mean the same to dictd, which takes no notice of case, and find the
# same words, fewer than 1,000 each.
EXPRESSIONS = [
    "^un.*gly$", "^q[^u]", "^a.*b.*c.*d$", "ss.*ss$", "ing.*ing",
    "^w[aeiou]{2}", "k.k.k", "^(mono|di|tri)chrom", "^over.*ly$",
    "^[bcdfg]{3}", "tion.*tion", "^s.*z$", "uu", "vv", "^z.*z",
    "[aeiou]{5}", "x[^aeiou]x", "^ja.*es$", "wkw", "^ps.*ic$", "(ab){2}",
    "k(n|m)o.*ing$", "d(g|j)m.*s$", "^h.*h.*h"]


# Loading

def row_load(rig):
    """A large table: time and memory, against cdb on the same data."""
    n = 500000 if rig.quick else 10000000
    scale = f"{n} entries"
    table = rig.path("table.tsv")
    raw = wire.write_tsv(table, n)
    try:
        cdb = rig.program("cdb")
    except Skip as why:
        cdb = None
        rig.skip("load", str(why))
    loads, makes = [], []
    for _ in range(1 if rig.quick else max(3, rig.rounds)):
        began = time.monotonic()
        app = servers.appmsgd(rig, [f"table t file {table} search=exact"],
                              pin=False)
        took = time.monotonic() - began
        end, peak = memory(app.pid), memory(app.pid, "VmHWM")
        loads.append({
            "entries_per_second": n / took, "seconds": took,
            "cpu_seconds": cpu_seconds(app.pid),
            "overhead_bytes_per_entry": (end - raw) / n,
            "peak_to_end": peak / end})
        app.stop()
        if cdb is None:
            continue
        target = rig.path("cdb")
        began = time.monotonic()
        process = rig.spawn([cdb, "-c", "-m", target, table],
                            set(rig.cores))
        if process.wait() != 0:
            raise Trouble("cdb fails")
        took = time.monotonic() - began
        rig.end(process)
        os.unlink(target)
        makes.append({"entries_per_second": n / took, "seconds": took})
    app = rig.figure("load", "appmsgd", loads, main="entries_per_second")
    if makes:
        other = rig.figure("load", "cdb", makes, main="entries_per_second")
        rig.ratio("load", "entries a second to cdb",
                  app["entries_per_second"] / other["entries_per_second"],
                  1.0, scale=scale)
    rig.ratio("load", "million entries a second",
              app["entries_per_second"] / 1e6, 2.0, scale=scale, unit=" M")
    rig.ratio("load", "bytes an entry beside the data",
              app["overhead_bytes_per_entry"], 16, "<=", scale, " B")
    rig.ratio("load", "peak to end of memory", app["peak_to_end"], 1.3,
              "<=", scale)


def row_large(rig):
    """Exact lookups in a large table against those in a small one."""
    n, small = (500000 if rig.quick else 10000000), 1000
    count = 50000 if rig.quick else 1000000
    runs = []
    for size in (small, n):
        table = rig.path("table.tsv")
        wire.write_tsv(table, size)
        name = f"{size} keys"
        app = servers.appmsgd(
            rig, [f"table t file {table} search=exact"], name=name)
        # As many requests for both: the load generator's memory counts.
        pack = wire.write_pack(rig.path("pack"), wire.number_items(
            app.address, size, wire.asked(size, count)))
        runs.append((name, app, pack, 1, {}))
    for mode, depth, bound in (("b", 1, 1.5), ("c", DEPTH, 2.0)):
        figures = rig.compare(f"large {mode}", runs, depth=depth)
        rig.ratio("large", f"cost to that of {small} keys, mode {mode}",
                  figures[f"{small} keys"]["per_cpu_second"]
                  / figures[f"{n} keys"]["per_cpu_second"], bound, "<=",
                  f"{n} keys")


# Searching

def word_queries(words, count):
    """Ways to ask for words: way, dictd's name, options, queries, floor."""
    dice = random.Random(5)
    plain = [w for w in words if w.isascii() and w.isalpha()
             and w.islower()]
    long = [w for w in plain if len(w) >= 8]

    def near(word):
        at = dice.randrange(len(word))
        letter = dice.choice("abcdefghijklmnopqrstuvwxyz")
        return dice.choice([word[:at] + letter + word[at + 1:],
                            word[:at] + word[at + 1:],
                            word[:at] + letter + word[at:]])

    def middle(word):
        at = dice.randrange(1, len(word) - 5)
        return word[at:at + 5]

    def some(of):
        return [dice.choice(of) for _ in range(count)]

    return [
        ("exact", "exact", {}, some(plain), 15, 64),
        ("prefix", "prefix", {}, [w[:5] for w in some(long)], 10, 64),
        ("fuzzy", "lev", {"distance": 1}, [near(w) for w in some(long)],
         10, 64),
        ("suffix", "suffix", {}, [w[-5:] for w in some(long)], 100, 4),
        ("substring", "substring", {}, [middle(w) for w in some(long)],
         100, 4),
        ("regex", "re", {}, EXPRESSIONS, 5, 4),
        # "cat" has cat's, too; ours also cats, whose beginning it is.
        ("words", "word", {}, some(plain), 50, 4)]


def row_words(rig):
    """The words of a dictionary, against dictd."""
    if not os.path.exists(WORDS):
        rig.skip("words", f"{WORDS} is not there (wamerican-huge)")
        return
    with open(WORDS, encoding="utf-8") as source:
        words = source.read().split("\n")[:-1]
    table = rig.path("words.tsv")
    with open(table, "w") as out:
        out.writelines(f"{w}\t{w}\n" for w in words)
    app = servers.appmsgd(rig, [
        f"table words file {table} "
        "search=exact,prefix,suffix,substring,fuzzy,regex,words"])
    peer = servers.try_start(rig, "words", servers.dictd, words)
    for way, theirs, options, queries, floor, conns in word_queries(
            words, 60 if rig.quick else 300):
        asked = [wire.request(q, match=way, limit=1000, table="words",
                              **options) for q in queries]
        replies = wire.learn(app.address, asked, batch=8)
        contents = [wire.content(r) for r in replies]
        here = [i for i, c in enumerate(contents)
                if c.get("more") is False]
        if not here:
            raise Trouble(f"{way}: {contents[0]}")
        slow = conns < 64
        window = rig.window * (2 if slow else 1)
        pack = wire.write_pack(rig.path("pack"), [
            (asked[i], replies[i]) for i in here])
        runs = [(f"appmsgd {way}", app, pack, 1, {})]
        if peer is not None:
            theirs_asked = [wire.dict_request(theirs, queries[i])
                            for i in here]
            theirs_got = wire.learn(peer.address, theirs_asked, batch=16,
                                    read=wire.read_dict, greeting=True)
            agree(rig, way, [contents[i] for i in here], theirs_got)
            # Its replies tell times, so that their bytes differ.
            pack = wire.write_pack(rig.path("pack"), [
                (q, wire.unknown(r))
                for q, r in zip(theirs_asked, theirs_got)])
            runs.append((f"dictd {way}", peer, pack, 1, {"extra": ["-g"]}))
            if way in ("exact", "prefix") and not rig.quick:
                runs.append((f"dictd {way}, acks at once", peer, pack, 1,
                             {"extra": ["-g", "-q"]}))
        # One by one, small queries cost mostly what the kernel takes; many
        # at a time show the servers.
        for depth in (1, PIPELINED) if way == "exact" else (1,):
            named = [(name if depth == 1 else f"{name}, {depth} at a time",
                      *rest) for name, *rest in runs]
            figures = rig.compare("words", named, conns=conns, depth=depth,
                                  window=window)
            if peer is None:
                continue
            mine, theirs_too = (figures[named[i][0]]["per_cpu_second"]
                                for i in (0, 1))
            rig.ratio("words", f"appmsgd to dictd, {way}", mine / theirs_too,
                      floor, scale=f"depth {depth}")


def agree(rig, way, contents, replies):
    """Keep how often both find as many words."""
    def count(reply):
        first = reply.split(None, 2)
        return int(first[1]) if first[0] == b"152" else 0

    same = sum(len(c["matches"]) == count(r)
               for c, r in zip(contents, replies))
    rig.figure("words found", way, [{
        "queries": len(contents), "as_many_as_dictd": same,
        "matches": sum(len(c["matches"]) for c in contents)}],
        main="as_many_as_dictd")


def each_cost(server, requests):
    """CPU seconds of the server for each request, asked one by one."""
    costs = []
    with connect(server.address) as sock, sock.makefile("rb") as stream:
        before = cpu_seconds(server.pid)
        for request in requests:
            sock.sendall(request)
            wire.read_reply(stream)
            after = cpu_seconds(server.pid)
            costs.append(after - before)
            before = after
    return costs


def synthetic(rig):
    """A table of made-up keys; returns its path and the keys."""
    n = 100000 if rig.quick else 1000000
    keys = wire.syllables(n)
    table = rig.path("table.tsv")
    with open(table, "w") as out:
        out.writelines(f"{k}\t{wire.value(i)}\n"
                       for i, k in enumerate(keys))
    return table, keys


def row_search(rig):
    """Searches in a table of made-up keys, limit 10."""
    table, keys = synthetic(rig)
    scale = f"{len(keys)} keys"
    app = servers.appmsgd(rig, [
        f"table t file {table} search=exact,prefix,substring,fuzzy"])
    dice = random.Random(6)
    count = 500 if rig.quick else 5000
    some = [dice.choice(keys) for _ in range(count)]

    def pack(requests):
        replies = wire.learn(app.address, requests)
        return wire.write_pack(rig.path("pack"), zip(requests, replies))

    def edited(text):
        for _ in range(2):
            at = dice.randrange(len(text))
            text = (text[:at] + dice.choice("abcdeiostu")
                    + text[at + dice.randrange(2):])
        return text

    def part(text):
        size = dice.randint(4, 8)
        at = dice.randrange(17 - size)
        return text[at:at + size]

    figures = rig.compare("search", [
        ("exact", app, pack([wire.request(k) for k in some]), 1, {}),
        ("prefix", app, pack([
            wire.request(k[:dice.randint(4, 8)], match="prefix")
            for k in some]), 1, {})])
    rig.ratio("search", "cost of prefix to exact, mode b",
              figures["exact"]["per_cpu_second"]
              / figures["prefix"]["per_cpu_second"], 3, "<=", scale)
    for way, options, queries, bound in (
            ("substring", {}, [part(k) for k in some], 100),
            ("fuzzy", {"distance": 2}, [edited(k) for k in some], 2000)):
        rounds = []
        for _ in range(rig.rounds):
            costs = [1e6 * c for c in each_cost(app, [
                wire.request(q, match=way, **options) for q in queries])]
            rounds.append({
                "median_us": statistics.median(costs),
                "mean_us": statistics.mean(costs),
                "p99_us": sorted(costs)[len(costs) * 99 // 100]})
        figure = rig.figure("search", way, rounds, main="median_us")
        rig.ratio("search", f"CPU a query, {way}, median",
                  figure["median_us"], bound, "<=", scale, " us")


def row_fairness(rig):
    """Exact lookups while somebody asks what costs most."""
    table, keys = synthetic(rig)
    scale = f"{len(keys)} keys"
    app = servers.appmsgd(rig, [
        f"table t file {table} search=exact,substring,fuzzy,regex"])
    asked = [wire.request(k) for k in keys[::len(keys) // 1000]]
    pack = wire.write_pack(rig.path("pack"), zip(
        asked, wire.learn(app.address, asked)))
    kinds = {
        "fuzzy": [keys[7][:8] + "q" + keys[9][8:], "a" * 16, "ab",
                  keys[5][::-1], "bababababababaqq", "x" * 40, keys[99]],
        "substring": ["a", "b", "ba", "e", "aqa", "zuzuzuq"],
        "regex": ["(.+)+(.+)+(.+)+q$", ".*a.*e.*i.*o.*u.*q", "(a|e|.)*q$",
                  "([a-z]+)*1", ".*.*.*.*1", "(.*)b\\1\\1\\1"]}
    rig.compare("fairness", [("quiet", app, pack, 1, {})], conns=8)
    for way, queries in kinds.items():
        requests = [wire.request(q, match=way, limit=1000)
                    for q in queries]
        # Those that cost most, again and again.
        costs = each_cost(app, requests)
        worst = sorted(range(len(costs)), key=lambda i: -costs[i])[:3]
        with Hostile(app, [requests[i] for i in worst]) as hostile:
            figures = rig.compare(
                "fairness", [(f"beside {way}", app, pack, 1, {})], conns=8)
        figure = figures[f"beside {way}"]
        figure["searches"] = hostile.done
        figure["worst_search_cpu_ms"] = MS * max(costs)
        if hostile.done == 0:
            rig.problem("fairness", f"no {way} search ended")
        rig.ratio("fairness", f"p99 of exact lookups beside {way}",
                  figure["p99_us"] / 1000, 5, "<=", scale, " ms")


class Hostile:
    """A client that asks the same expensive things in a thread."""

    def __init__(self, server, requests):
        self.done = 0
        self._requests = requests
        self._sock = connect(server.address)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with self._sock.makefile("rb") as stream:
            while not self._end.is_set():
                for request in self._requests:
                    self._sock.sendall(request)
                    wire.read_reply(stream)
                    self.done += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        self._sock.close()


# Replacing

class Pair:
    """Two tables that take turns as one file, and what each answers.

    others  so many tables of as many entries, which do not change, before it
    """

    def __init__(self, rig, n, others=0):
        self.rig = rig
        apart = n // 100
        self.files = rig.path("first.tsv"), rig.path("second.tsv")
        self.table = rig.path("table.tsv")
        wire.write_tsv(self.files[0], n, "-")
        wire.write_tsv(self.files[1], n, "+", first=apart)
        self.n = n
        self.turn = 0
        self.place(0)
        lines = []
        for i in range(others):
            path = rig.path(f"other{i}.tsv")
            wire.write_tsv(path, n, first=(i + 1) * 10 ** 9)
            lines.append(f"table other{i} file {path} search=exact")
        self.server = servers.appmsgd(rig, [
            *lines, f"table t file {self.table} search=exact"], pin=False)
        servers.pin_workers(self.server)
        self.pack = self.make_pack(apart)

    def place(self, which):
        """Put a table where the daemon looks for it."""
        new = self.table + ".new"
        os.link(self.files[which], new)
        os.replace(new, self.table)
        self.turn = which

    def make_pack(self, apart):
        """Requests with both replies: a key may be in one table only."""
        address = self.server.address
        here = wire.template(address, wire.key(0), wire.value(0))
        none = wire.template(address, wire.key(10 ** 11),
                             wire.key(10 ** 11))
        count = self.n // 5
        items = []
        for i in wire.asked(self.n + apart, count):
            name = wire.key(i)
            items.append((
                wire.request(name),
                here(wire.value(i, "-")) if i < self.n else none(name),
                here(wire.value(i, "+")) if i >= apart else none(name)))
        return wire.write_pack(self.rig.path("pack"), items)

    def load(self, row, reloads, memories=None):
        """Load with reloads meanwhile; only what is right may come."""
        if self.turn != 0:
            self.place(0)
            servers.control(self.server, "reload")
        process = self.rig.start_load(
            self.server, self.pack, depth=DEPTH, window=36000,
            extra=["-r"])
        try:
            time.sleep(self.rig.warm + 0.1)
            for i in range(reloads):
                self.place(1 - self.turn)
                process.send_signal(signal.SIGUSR1)
                servers.control(self.server, "reload")
                process.send_signal(signal.SIGUSR2)
                if memories is not None:
                    memories.append(memory(self.server.pid))
                # For the new replies alone, and for the signals' order.
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        return self.rig.finish_load(row, self.server, process)

    def quiet(self, row):
        """The same load, and nothing else."""
        if self.turn != 0:
            self.place(0)
            servers.control(self.server, "reload")
        return self.rig.load(row, self.server, self.pack, depth=DEPTH,
                             window=2 * self.rig.window, extra=["-r"])


def row_reload(rig):
    """One reload of a large table in mode c."""
    pair = Pair(rig, 200000 if rig.quick else 1000000)
    quiet, during = [], []
    for _ in range(rig.rounds):
        quiet.append(pair.quiet("reload"))
        during.append(pair.load("reload", 1))
    before = rig.figure("reload", "quiet", quiet, main="p99_us")
    after = rig.figure("reload", "during a reload", during, main="p99_us")
    rig.ratio("reload", "p99 during a reload to quiet",
              after["p99_us"] / before["p99_us"], 2, "<=",
              f"{pair.n} entries")
    rig.ratio("reload", "replies lost or wrong", sum(
        r[k] for r in during for k in ("wrong", "stale", "failed")), 0,
        "<=")


def one_reload(server, *options):
    """How long one took, what it read, and how much more memory than before
    it had at its height or, where the kernel lets only root ask anew for
    that, at its end."""
    most = "VmHWM"
    try:
        with open(f"/proc/{server.pid}/clear_refs", "w") as file:
            file.write("5")
    except PermissionError:
        most = "VmRSS"
    before = memory(server.pid)
    told = json.loads(servers.control(server, "--json", "reload", *options))
    return {"ms": told["milliseconds"], "read": told["files-read"],
            "memory": memory(server.pid, most) - before}


def row_ten(rig):
    """Ten tables, one of which changes, against all of them read again."""
    n, count = (20000 if rig.quick else 100000), 10
    scale = f"{count} tables of {n} entries"
    paths = [rig.path(f"ten{i}.tsv") for i in range(count)]
    for i, path in enumerate(paths):
        wire.write_tsv(path, n, first=i * 10 ** 9)
    server = servers.appmsgd(rig, [
        f"table t{i} file {path}" for i, path in enumerate(paths)], pin=False)
    time.sleep(0.1)     # what was written just now would be read once more
    ones, alls = [], []
    for i in range(max(3, rig.rounds)):
        wire.write_tsv(paths[i] + ".new", n, "+-"[i % 2], first=i * 10 ** 9)
        os.replace(paths[i] + ".new", paths[i])
        ones.append(one_reload(server))
        alls.append(one_reload(server, "--force"))
    one = rig.figure("ten", "one changed", ones, main="ms")
    full = rig.figure("ten", "all read again", alls, main="ms")
    rig.ratio("ten", "files that are read", one["read"], 1, "<=", scale)
    rig.ratio("ten", "time of one changed to all read",
              one["ms"] / full["ms"], 0.2, "<=", scale)
    rig.ratio("ten", "memory of one changed to all read",
              one["memory"] / full["memory"], 0.2, "<=", scale)
    rig.stop_all()
    reloads(rig, "ten", n, count - 1)


def row_reloads(rig):
    """Many reloads between two tables under pipelined load."""
    reloads(rig, "reloads", 200000 if rig.quick else 1000000)


def reloads(rig, row, n, others=0):
    """The same, beside other tables."""
    pair = Pair(rig, n, others)
    count = 10 if rig.quick else 200
    scale = f"{count} reloads of {pair.n} entries"
    if others:
        scale += f", {others + 1} tables"
    before = rig.figure(row, "quiet", [pair.quiet(row)],
                        main="p99_us")
    memories = []
    began = time.monotonic()
    one = pair.load(row, count, memories)
    one["seconds_a_reload"] = (time.monotonic() - began) / count
    one["memory_after_3"] = memories[2]
    one["memory_later"] = memories[min(99, count - 1)]
    after = rig.figure(row, f"{count} reloads", [one], main="p99_us")
    rig.ratio(row, "p99 during reloads to quiet",
              after["p99_us"] / before["p99_us"], 2, "<=", scale)
    rig.ratio(row, "replies lost, wrong or out of date",
              one["wrong"] + one["stale"] + one["failed"], 0, "<=", scale)
    if not rig.quick:
        rig.ratio(row, "million replies", one["replies"] / 1e6, 1.0,
                  scale=scale, unit=" M")
    rig.ratio(row, f"memory after {min(100, count)} to after 3",
              one["memory_later"] / one["memory_after_3"], 1.1, "<=", scale)
