# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors

"""How near and how alike a key and a value are, as appmsg-protocol(7) says
it."""

import unicodedata

VOWELS = "aeiouy"
MOST = 3                            # edits between the two
ALIKE = (VOWELS, "bp", "ckqsxz", "dt", "fvw", "gj", "mn")


def distance(a, b, most):
    """Edits from a to b: insert, leave out, replace a character, or
    exchange two neighbours; none is edited twice.

    Of the matrix only what can be at most most is filled.
    """
    before, above = None, list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i] + [most + 1] * len(b)
        for j in range(max(1, i - most), min(len(b), i + most) + 1):
            y = b[j - 1]
            least = min(above[j] + 1, row[j - 1] + 1,
                        above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                least = min(least, before[j - 2] + 1)
            row[j] = least
        before, above = above, row
    return above[-1]


def letter(c):
    """What a character is but for case and marks."""
    return unicodedata.normalize("NFD", c)[0].lower()[0]


def replaced(a, b):
    """One character in place of another."""
    a, b = letter(a), letter(b)
    if a == b:
        return 2
    return 4 if any(a in group and b in group for group in ALIKE) else 8


def alone(text, at, vowel, other):
    """A character that only this text has."""
    c = text[at]
    if c in (text[at - 1:at], text[at + 1:at + 2]):
        return 0
    if letter(c) == "e" and at + 1 == len(text):
        return 0
    return vowel if letter(c) in VOWELS else other


def common(a, b):
    """How many characters both begin with."""
    same = 0
    while same < min(len(a), len(b)) and a[same] == b[same]:
        same += 1
    return same


def cost(value, key):
    """The edits' cost; less is more alike."""
    first = common(value, key)
    last = common(value[first:][::-1], key[first:][::-1])
    n, m = len(value) - last, len(key) - last

    best = {}                       # by so much of value and key: edits, cost

    def edit(i, j, to_i, to_j, price):
        """A way that ends with one edit."""
        edits, before = best.get((i, j), (MOST + 1, 0))
        at_start = 4 if i == j == 0 else 0
        at_end = 2 if (to_i, to_j) == (len(value), len(key)) else 0
        return edits + 1, before + price + at_start + at_end

    for i in range(first, n + 1):
        # What is farther from the diagonal takes more edits than there are.
        for j in range(max(first, i - MOST), min(m, i + MOST) + 1):
            ways = [(0, 0)] if i == j == first else []
            if i > first and j > first:
                ways.append(best[i - 1, j - 1]
                            if value[i - 1] == key[j - 1] else
                            edit(i - 1, j - 1, i, j,
                                 replaced(value[i - 1], key[j - 1])))
            if j > first:
                ways.append(edit(i, j - 1, i, j, alone(key, j - 1, 2, 4)))
            if i > first:
                ways.append(edit(i - 1, j, i, j, alone(value, i - 1, 6, 8)))
            if (min(i, j) > first + 1 and value[i - 1] == key[j - 2]
                    and value[i - 2] == key[j - 1]):
                ways.append(edit(i - 2, j - 2, i, j, -2))
            best[i, j] = min(ways)
    return best[n, m][1] + n - first + m - first
