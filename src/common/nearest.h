/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef NEAREST_H
#define NEAREST_H

/*
 * The word that somebody who mistyped may have meant.
 */

#include <stddef.h>

/*
 * Find the known word with the fewest insertions, deletions, changes and
 * swaps of neighbours away from a mistyped one.
 *
 * word   as typed
 * known  n words, NULLs are passed over; the first of equals wins
 *
 * Returns one of known, or NULL where none is near: at most 1 step for words
 * of up to 3 letters, 2 up to 7, else 3; or else the only one that the word
 * begins, or that begins it, with 3 letters or more: warn for warning.
 */
const char *nearest(const char *word, const char *const *known, size_t n);

#endif
