#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""How often a misspelled word's right one is suggested, beside aspell.

    spelling.py [--appmsgd PATH] [--most N] [LIST...]

The table has aspell's words.  The lists are codespell's, from its package,
and files: of lines "wrong->right", of lines "right: wrong wrong ...", or of
"$right" and a line for each wrong one, as in Mitton's collections; also those
that $APPMSG_SPELLING names, with ":" between them.  A pair counts where aspell
has the right word and not the wrong one, and both are one word; the same pairs
for both.  What is not installed is told and left out.

The order of near keys was tuned on the half of codespell's pairs whose right
words have an even CRC-32, so that only the other half is measured here, and on
some of Birkbeck's; none of what is in Norvig's two lists, in Wikipedia's and
in aspell's own.

Both are asked for a word at a time, by one connection or pipe.  CPU is that of
the server's process, its part of the network included.
"""

import argparse
import ast
import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "tests",
                             "daemon"))

from message import encode, read_from, to_json       # noqa: E402

CODESPELL = ("/usr/lib/python3/dist-packages/codespell_lib/data/"
             "dictionary.txt")
COUNTRIES = "/usr/share/iso-codes/json/iso_3166-1.json"
WORD = re.compile(r"[A-Za-z'-]+")

# What people call countries that the standard calls something else.
EVERYDAY = {
    "Russia": "RU", "Bolivia": "BO", "Iran": "IR", "Taiwan": "TW",
    "Tanzania": "TZ", "Vietnam": "VN", "Syria": "SY", "Brunei": "BN",
    "South Korea": "KR", "North Korea": "KP", "Moldova": "MD",
    "Venezuela": "VE", "Laos": "LA", "Czech Republic": "CZ",
    "Macedonia": "MK", "Palestine": "PS", "Turkey": "TR",
    "Micronesia": "FM", "Vatican City": "VA", "Falkland Islands": "FK",
    "Great Britain": "GB", "USA": "US", "UK": "GB", "Swaziland": "SZ",
    "Ivory Coast": "CI",
}


def pairs_of(text):
    """(wrong, right) of a list in any of its forms."""
    if "->" in text:
        for line in text.splitlines():
            wrong, _, right = line.partition("->")
            yield wrong, right
    elif text.startswith("$"):
        right = ""
        for line in text.splitlines():
            if line.startswith("$"):
                right = line[1:]
            elif line:
                yield line.split()[0], right
    elif "{" in text:           # Norvig's, which are Python
        listed = ast.literal_eval(text[text.index("{"):text.rindex("}") + 1])
        for right, wrong in listed.items():
            yield from ((word, right) for word in wrong.split())
    else:
        for line in text.splitlines():
            right, _, wrong = line.partition(":")
            yield from ((word, right) for word in wrong.split())


def read_list(path, words, keep=lambda right: True):
    """The pairs of a file that count."""
    with open(path, encoding="latin-1") as f:
        return [(wrong, right) for wrong, right in
                dict.fromkeys(pairs_of(f.read()))
                if right in words and wrong not in words and keep(right)
                and WORD.fullmatch(wrong) and WORD.fullmatch(right)]


def lists(options, words):
    """Name and pairs of all that there are."""
    found = []
    if os.path.exists(CODESPELL):
        found.append(("codespell", read_list(
            CODESPELL, words, lambda right: zlib.crc32(right.encode()) & 1)))
    else:
        print("codespell is not installed", file=sys.stderr)
    paths = options.lists + [path for path in os.environ.get(
        "APPMSG_SPELLING", "").split(":") if path]
    for path in paths:
        found.append((os.path.splitext(os.path.basename(path))[0],
                      read_list(path, words)))
    rng = random.Random(1)
    return [(name, rng.sample(pairs, options.most)
             if len(pairs) > options.most else pairs)
            for name, pairs in found if pairs]


def cpu(pid):
    """Seconds of CPU of a process, all its threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat",
                  encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


class Aspell:
    """Its pipe."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["aspell", "-a", "-d", "en_US"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.pid = self.process.pid

    def suggest(self, word):
        """What it suggests, best first."""
        self.process.stdin.write(f"^{word}\n")
        self.process.stdin.flush()
        found = []
        while (line := self.process.stdout.readline().strip()) != "":
            if line.startswith("&"):
                found = line.split(": ", 1)[1].split(", ")
        return found

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Appmsgd:
    """A server of some keys."""

    def __init__(self, program, keys, options=""):
        self.folder = tempfile.mkdtemp()
        table, conf, path = (os.path.join(self.folder, name)
                             for name in ("keys.tsv", "conf", "socket"))
        with open(table, "w", encoding="utf-8") as f:
            f.write("".join(f"{key}\t{answer}\n"
                            for key, answer in keys.items()))
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"listen {path}\nworkers 1\n"
                    f"table keys file {table} {options}\n")
        self.process = subprocess.Popen([program, "-d", "-f", conf],
                                        stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.stream = self.socket.makefile("rb")

    def suggest(self, word):
        """What it suggests, best first."""
        content = to_json({"action": "search", "value": word})
        self.socket.sendall(encode({
            "byteorder": "little", "content-type": "text/json",
            "content-encoding": "utf-8", "content-length": len(content),
            "connection": "keep-alive", "suggest": 5}, content))
        header, _ = read_from(self.stream)
        return json.loads(header)["suggestions"]

    def close(self):
        self.stream.close()
        self.socket.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def measure(server, pairs):
    """Shares of right words, first and among five, and microseconds."""
    for wrong, _ in pairs[:20]:     # files and memory as they will be
        server.suggest(wrong)
    before = cpu(server.pid)
    found = [server.suggest(wrong) for wrong, _ in pairs]
    spent = cpu(server.pid) - before
    n = len(pairs)
    return (100 * sum(right in list[:1] for list, (_, right)
                      in zip(found, pairs)) / n,
            100 * sum(right in list[:5] for list, (_, right)
                      in zip(found, pairs)) / n, 1e6 * spent / n)


def spelling(options):
    """All lists by both."""
    dumped = subprocess.run(["aspell", "-d", "en_US", "dump", "master"],
                            check=True, capture_output=True, text=True)
    words = set(dumped.stdout.split("\n")) - {""}
    print("| list | pairs | appmsgd first | in five | us | "
          "aspell first | in five | us |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with contextlib.closing(Aspell()) as theirs, contextlib.closing(Appmsgd(
            options.appmsgd, dict.fromkeys(words, "x"))) as ours:
        for name, pairs in lists(options, words):
            a, b = measure(ours, pairs), measure(theirs, pairs)
            print(f"| {name} | {len(pairs):,} | " + " | ".join(
                f"{n[0]:.1f} % | {n[1]:.1f} % | {n[2]:.0f}" for n in (a, b))
                + " |", flush=True)


def everyday(options, names, what):
    """Everyday names in a table of some."""
    with contextlib.closing(Appmsgd(options.appmsgd, names,
                                    "fold=marks")) as server:
        missed = [name for name, code in EVERYDAY.items()
                  if name not in names and code not in (
                      names[key] for key in server.suggest(name))]
    asked = sum(name not in names for name in EVERYDAY)
    print(f"\n{what}: {asked - len(missed)} of {asked} everyday names "
          f"have the right one among five; not {', '.join(missed)}")


def countries(options):
    """Everyday names in tables of the standard's."""
    with open(COUNTRIES, encoding="utf-8") as f:
        entries = json.load(f)["3166-1"]
    names = {entry["name"]: entry["alpha_2"] for entry in entries}
    everyday(options, names, "countries")
    official = {entry["official_name"]: entry["alpha_2"] for entry in entries
                if "official_name" in entry}
    everyday(options, {**official, **names},
             "countries, with their official names")


def main():
    top = os.path.join(os.path.dirname(__file__), "..")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--appmsgd", default=os.path.join(top, "appmsgd"))
    parser.add_argument("--most", type=int, default=4000,
                        help="pairs of a list, drawn with a fixed seed")
    parser.add_argument("lists", nargs="*", metavar="LIST")
    options = parser.parse_args()
    if shutil.which("aspell"):
        spelling(options)
    else:
        print("aspell is not installed", file=sys.stderr)
    if os.path.exists(COUNTRIES):
        countries(options)
    else:
        print("iso-codes is not installed", file=sys.stderr)


if __name__ == "__main__":
    main()
