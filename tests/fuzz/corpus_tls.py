# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Inputs of fuzz_tls: eight bytes of setup, and what a peer says."""

import struct

OLD, NOTIFY, FIN, DAMAGE, SMALL, LATE, WHOLE, TICKET = (
    1 << bit for bit in range(8))


def tls(said=b"", flags=0, times=1, cuts=0, damage=0, how=1):
    """An input: what is said, so many times."""
    return struct.pack(">BBHI", flags, times - 1, cuts,
                       damage << 8 | how) + said


TEXT = bytes(range(256)) * 4

TLS = {
    "nothing": tls(),
    "nothing_notify": tls(flags=NOTIFY),
    "nothing_both": tls(flags=NOTIFY | FIN | WHOLE),
    "text": tls(TEXT, NOTIFY),
    "text_fin": tls(TEXT, FIN),
    "text_both": tls(TEXT, NOTIFY | FIN, cuts=7),
    "text_old": tls(TEXT, OLD | NOTIFY, cuts=9),
    "text_old_fin": tls(TEXT, OLD | FIN, cuts=9),
    "small": tls(TEXT, NOTIFY | SMALL, cuts=3),
    "small_old": tls(TEXT, OLD | FIN | SMALL, cuts=5),
    "long": tls(TEXT, NOTIFY | WHOLE, times=200, cuts=11),
    "long_late": tls(TEXT, FIN | LATE, times=250, cuts=13),
    "long_late_old": tls(TEXT, OLD | NOTIFY | LATE, times=250, cuts=17),
    "ticket": tls(TEXT, NOTIFY | TICKET),
    "ticket_old": tls(TEXT, NOTIFY | OLD | TICKET),
    **{f"damaged_{where}": tls(TEXT, NOTIFY | DAMAGE, times=4, damage=where)
       for where in (0, 1, 3, 5, 6, 9, 43, 100, 330, 380, 450, 600, 1700)},
    # Of a unix socket the kernel wakes up for less than is waited for.
    "damaged_hello": tls(TEXT, NOTIFY | DAMAGE, times=4, damage=8, how=31),
    "damaged_old": tls(TEXT, OLD | FIN | DAMAGE, times=4, damage=350),
    "damaged_small": tls(TEXT, SMALL | DAMAGE, damage=700),
    "damaged_none": tls(TEXT, NOTIFY | DAMAGE, damage=16000),
}
