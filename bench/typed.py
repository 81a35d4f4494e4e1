#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What somebody waits for who types, and is shown how it may go on.

    APPMSGD=./appmsgd APPMSG_CLIENT=./appmsg-client bench/typed.py [KEYS [RATE]]

Keys of two to five words, with weights, few of them great; some are typed
letter by letter, half of them by how much they weigh, and after each letter the
first 10 are asked for: by 64 connections, so many a second whatever the server
does.  Told are the times from when a request was due, as percentiles.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import trigrams

CONNECTIONS = 64
TYPED = 2000
SECONDS = 10


def typed(keys, weights):
    """What stands there after each letter of some keys."""
    dice = random.Random(12)
    some = dice.choices(keys, weights, k=TYPED // 2)
    some += dice.sample(keys, TYPED // 2)
    dice.shuffle(some)
    return [key[:end + 1] for key in some for end in range(len(key))]


def measure(path, asked, rate, way, order):
    """The client's numbers."""
    done = subprocess.run(
        [os.environ["APPMSG_CLIENT"], "-U", path, "-c", str(CONNECTIONS),
         "-m", way, "-n", "10", "--order", order, "--keys", asked,
         "--in-order", "--rate", str(rate), "--duration", str(SECONDS),
         "--json", "bench"], stdout=subprocess.PIPE, check=False)
    got = json.loads(done.stdout)
    if done.returncode != 0 or got["found"] != got["requests"]:
        sys.exit(f"typed: {way} by {order}: {done.stdout.decode()}")
    return got


def main():
    """Measure, and print a line for each way and order."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    if not os.path.exists(trigrams.WORDS):
        sys.exit(f"typed: {trigrams.WORDS} is not there (wamerican-huge)")
    keys, _ = trigrams.phrases(count)
    dice = random.Random(13)
    weights = [int(dice.paretovariate(1)) for _ in keys]
    folder = tempfile.mkdtemp(prefix="typed-")
    table, path = f"{folder}/keys.csv", f"{folder}/sock"
    asked = f"{folder}/asked"
    with open(table, "w", encoding="utf-8") as out:
        out.writelines(f"{key},x,{weight}\n"
                       for key, weight in zip(keys, weights))
    with open(asked, "w", encoding="utf-8") as out:
        out.writelines(f"{text}\n" for text in typed(keys, weights))
    with open(f"{folder}/conf", "w", encoding="utf-8") as out:
        out.write(f"listen {path}\ntable t file {table} weight=3 header=no "
                  "search=prefix,substring,words\n")
    with subprocess.Popen([os.environ["APPMSGD"], "-d", "-f",
                           f"{folder}/conf"],
                          stderr=subprocess.DEVNULL) as daemon:
        try:
            trigrams.serves(path)
            for way, order in (("prefix", "key"), ("prefix", "weight"),
                               ("words", "key"), ("words", "weight"),
                               ("substring", "weight")):
                before = trigrams.cpu(daemon.pid)
                got = measure(path, asked, rate, way, order)
                took = trigrams.cpu(daemon.pid) - before
                late = got["latency-ms"]
                print(f"{way} by {order}: {len(keys)} keys, "
                      f"{got['requests']} requests, {rate} a second, "
                      f"{1e6 * took / got['requests']:.0f} us of CPU each; "
                      f"median {late['p50']:.3f} ms, 99% in "
                      f"{late['p99']:.3f} ms, 99.9% in "
                      f"{late['p99.9']:.3f} ms", flush=True)
        finally:
            daemon.terminate()
            daemon.wait()
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
