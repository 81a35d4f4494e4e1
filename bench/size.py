#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""How many machines a table needs, out of what was measured.

    size.py [--key BYTES] [--answer BYTES] [--mdoc] [RESULTS.json ...]

Prints, for entries and for requests a second, memory and cores: of tables
that each machine has whole, and of such as a Redis Cluster has.  By default
the figures are those of results.json and remote.json beside this file, and an
entry is what they were measured with.  Of several files the last one that has
a row counts.  --mdoc has the rows of appmsgd-scaling(7), where tests/manuals.sh
looks for them.
"""

import argparse
import json
import os

ENTRIES = (10 ** 6, 10 ** 7, 10 ** 8, 10 ** 9, 10 ** 10)
RATES = (10 ** 5, 10 ** 6, 10 ** 7)
GENERATIONS = 3     # at a reload: the new, the serving, the one to go back to
COPIES = 2          # of a cluster's data: a master's and a replica's
BUSY = .65          # of a core, that it is to have to do at most
KEY, ANSWER = 16, 64


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="Size a table's machines.")
    parser.add_argument("--key", type=int, default=KEY, metavar="BYTES")
    parser.add_argument("--answer", type=int, default=ANSWER,
                        metavar="BYTES")
    parser.add_argument("--mdoc", action="store_true")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("results", nargs="*", default=[
        os.path.join(here, name) for name in ("results.json", "remote.json")])
    return parser.parse_args()


def figures(paths):
    """What was measured, by row and server."""
    found = {}
    for path in paths:
        with open(path) as source:
            found.update(json.load(source)["figures"])
    return found


def of(found, row, server, name):
    """One of them, or None where nobody measured it."""
    return found.get(row, {}).get(server, {}).get(name)


def size(count):
    """Bytes as a person says them."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            break
        count /= 1000
    else:
        unit = "TB"
    return f"{count:.3g} {unit}"


def span(seconds):
    """Seconds likewise."""
    for unit in ("s", "min"):
        if seconds < 120:
            break
        seconds /= 60
    else:
        unit = "h"
    return f"{seconds:.2g} {unit}" if seconds < 10 else f"{seconds:.0f} {unit}"


def told(value, how=size):
    """A cell of a table."""
    return "not measured" if value is None else how(value)


def memory(found, data):
    """Lines about entries."""
    over = of(found, "load", "appmsgd", "overhead_bytes_per_entry")
    load = of(found, "load", "appmsgd", "entries_per_second")
    remote = of(found, "publish", "appmsgd", "overhead_bytes_per_entry")
    publish = of(found, "publish", "appmsgd", "entries_per_second")

    def each(n, bytes_over, times):
        return None if bytes_over is None else n * (data + bytes_over) * times

    yield (f"{'entries':>14}{'a machine':>14}{'at a reload':>14}{'load':>9}"
           f"{'cluster':>14}{'publishing':>14}{'publish':>14}")
    for n in ENTRIES:
        yield "".join([
            f"{n:>14,}",
            f"{told(each(n, over, GENERATIONS - 1)):>14}",
            f"{told(each(n, over, GENERATIONS)):>14}",
            f"{told(load and n / load, span):>9}",
            f"{told(each(n, remote, COPIES * (GENERATIONS - 1))):>14}",
            f"{told(each(n, remote, COPIES * GENERATIONS)):>14}",
            f"{told(publish and n / publish, span):>14}"])


def cores(found):
    """Lines about requests."""
    one = of(found, "b", "appmsgd", "per_cpu_second")
    many = of(found, "random c", "appmsgd", "per_cpu_second")
    front = of(found, "remote", "through the cluster", "per_cpu_second")
    masters = of(found, "masters", "a lookup", "lookups_per_cpu_second")

    def need(rate, each, busy=1):
        return told(each and rate / each / busy, lambda n: f"{n:.2g}")

    yield (f"{'a second':>14}{'one at a time':>16}{'32 in flight':>16}"
           f"{'through a cluster':>20}{'its masters':>14}")
    for rate in RATES:
        yield (f"{rate:>14,}{need(rate, one):>16}{need(rate, many):>16}"
               f"{need(rate, front):>20}{need(rate, masters, BUSY):>14}")


def rough(count):
    """As size(), of two digits."""
    number, unit = size(float(f"{count:.1e}")).split()
    return f"{float(number):g} {unit}"


def mdoc(found, data):
    """The same as rows of the manual, which has less of it."""
    over = of(found, "load", "appmsgd", "overhead_bytes_per_entry")
    remote = of(found, "publish", "appmsgd", "overhead_bytes_per_entry")
    for n in ENTRIES[1:]:
        here, there = n * (data + over), COPIES * n * (data + remote)
        yield " Ta ".join([f".It {n:,}", *(
            rough(each * times) for each in (here, there)
            for times in (GENERATIONS - 1, GENERATIONS))])
    for line in list(cores(found))[1:]:
        yield ".It " + " Ta ".join(line.split())


def main():
    """Print it."""
    args = options()
    found = figures(args.results)
    if args.mdoc:
        print(*mdoc(found, args.key + args.answer), sep="\n")
        return
    print(f"Entries of {args.key} + {args.answer} bytes; memory, and time\n")
    print(*memory(found, args.key + args.answer), sep="\n")
    print("\nRequests a second; cores\n")
    print(*cores(found), sep="\n")
    print(f"""
A machine has {GENERATIONS - 1} generations of a table, and {GENERATIONS} at a reload; a cluster has
as many, in {COPIES} copies.  One at a time: each of 64 connections waits for its
reply.  A master is to be busy for {BUSY:.0%} of a core, of which it has one.""")


if __name__ == "__main__":
    main()
