#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Measure appmsgd against its peers and against a server without work.

    bench.py [--quick] [--rows NAME,...] [--rounds N] [--minutes N]
             [--out DIR] [--name NAME] [--compare FILE] [--readme FILE]

APPMSGD, APPMSGCTL, LOADGEN and LIMIT name the programs; "make bench" sets
them.  APPMSG_ORIGINALS names the folder of the tutorial's programs, if
they are there.  Peers that are not installed are skipped, by name.
The rows about hostile peers run only when they are named: "attack" stands
for all but "soak", which is long.

Writes results.json, results.txt and, with gnuplot, pictures.  The exit
status is 1 when a reply was wrong or lost, when a row could not be
measured, or, with --compare, when a ratio fell by more than 10% against
the results in FILE.
"""

import argparse
import os
import signal
import sys
import time
import traceback

import attack
import attack_conns
import attack_pieces
import client
import encrypted
import fast
import remote
import report
import soak
import tables
import web
from rig import Rig, Skip

ROWS = {
    "b": fast.row_b, "c": fast.row_c, "d": fast.row_d,
    "unix": fast.row_unix, "random": fast.row_random,
    "access": fast.row_access, "mixed": fast.row_mixed,
    "workers": fast.row_workers, "idle": fast.row_idle,
    "reload": tables.row_reload, "load": tables.row_load,
    "large": tables.row_large,
    "words": tables.row_words, "search": tables.row_search,
    "fairness": tables.row_fairness, "reloads": tables.row_reloads,
    "ten": tables.row_ten, "remote": remote.row_remote, "hung": remote.row_hung,
    "tls": encrypted.row_tls, "handshakes": encrypted.row_handshakes,
    "hellos": encrypted.row_hellos, "tls-idle": encrypted.row_tls_idle,
    "batch": encrypted.row_batch, "client": client.row_client,
    "http": web.row_http,
    "keys": fast.row_keys, "connections": fast.row_connections}
ATTACKS = {
    "names": attack.row_names, "hoard": attack.row_hoard,
    "blobs": attack.row_blobs, "unread": attack.row_unread,
    "gone": attack.row_gone, "crowd": attack_conns.row_crowd,
    "slow": attack_conns.row_slow, "nofile": attack_conns.row_nofile,
    "accept": attack_conns.row_accept, "piece": attack_pieces.row_piece}
ROWS.update(ATTACKS, soak=soak.row_soak)
NOT_QUICK = ("keys", "connections")
NAMED_ONLY = ("soak", *ATTACKS)


def options():
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Measure appmsgd against its peers.")
    parser.add_argument("--quick", action="store_true",
                        help="one round, short, smaller tables")
    parser.add_argument("--rows", metavar="NAME,...",
                        help="of attack " + " ".join(ROWS))
    parser.add_argument("--rounds", type=int, metavar="N",
                        help="how often (3; quick: 1)")
    parser.add_argument("--minutes", type=float, metavar="N",
                        help="how long the soak is (30; quick: 1)")
    parser.add_argument("--out", metavar="DIR", default=".",
                        help="where the results go (.)")
    parser.add_argument("--name", metavar="NAME", default="results",
                        help="what they are called (results)")
    parser.add_argument("--compare", metavar="FILE",
                        help="results.json to hold these against")
    parser.add_argument("--readme", metavar="FILE",
                        help="put the newest figures into it")
    args = parser.parse_args()
    if args.rows:
        args.rows = [row for word in args.rows.split(",")
                     for row in (ATTACKS if word == "attack" else [word])]
        unknown = [row for row in args.rows if row not in ROWS]
        if unknown:
            parser.error(f"no row {unknown[0]}; there are " + " ".join(ROWS))
    else:
        args.rows = [row for row in ROWS if row not in NAMED_ONLY
                     and not (args.quick and row in NOT_QUICK)]
    if args.rounds is None:
        args.rounds = 1 if args.quick else 3
    if args.minutes is None:
        args.minutes = 1 if args.quick else 30
    return args


def measure(rig, rows):
    """All rows; one that fails does not keep the others from running."""
    for row in rows:
        began = time.monotonic()
        try:
            ROWS[row](rig)
        except Skip as why:
            rig.skip(row, str(why))
        except Exception as why:
            traceback.print_exc()
            rig.problem(row, f"{type(why).__name__}: {why}")
        finally:
            rig.stop_all()
        rig.say(f"{row:<12}took {time.monotonic() - began:.1f} s")


def main():
    """Measure, write, compare."""
    args = options()
    before = report.read(args.compare) if args.compare else None
    os.makedirs(args.out, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    rig = Rig(args.quick, args.rounds, args.minutes)
    try:
        measure(rig, args.rows)
    finally:
        rig.close()
    results = report.results(rig)
    report.write(results, args.out, args.name)
    report.draw(results, args.out)
    if args.readme:
        report.readme(results, args.readme)
    with open(os.path.join(args.out, args.name + ".txt")) as text:
        print(text.read(), end="")
    fallen = report.compare(results, before) if before else []
    for line in fallen:
        print(f"*** {line} ***")
    return 1 if fallen or rig.problems else 0


if __name__ == "__main__":
    sys.exit(main())
