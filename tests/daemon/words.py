# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Words of a text: runs of letters, marks and numbers."""

import unicodedata


def in_word(c):
    """Whether it is a letter, a mark or a number."""
    return unicodedata.category(c)[0] in "LMN"


def begins(text, word):
    """Whether a word in a text begins with one."""
    return any(other.startswith(word) for other in words_of(text))


def starts_word(text, at):
    """Whether a word starts there."""
    has = [in_word(c) for c in text[max(at - 1, 0):at + 1]]
    return has[-1:] == [True] and (at == 0 or not has[0])


def words_of(text):
    """All of them, in their order."""
    return "".join(c if in_word(c) else " " for c in text).split()


def has_words(wanted_words, words):
    """Whether all are there, the last as a beginning."""
    *whole, last = wanted_words
    return (set(whole) <= set(words)
            and any(word.startswith(last) for word in words))
