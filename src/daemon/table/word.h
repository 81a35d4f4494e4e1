/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WORD_H
#define WORD_H

/*
 * What a word is: a run of letters, digits and marks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether a character is part of a word: its general category (Unicode) is
 * one of letters, marks and numbers.  Built without libutf8proc, ASCII is told
 * apart only, and all other characters are.
 *
 * c  any number; those that are no character are no part of a word
 */
bool word_has(uint32_t c);

/*
 * Whether a word starts at a place in a text: its character there is part of
 * one, and that before, if there is one, is not.
 *
 * text, len  UTF-8
 * at         where a character starts, less than len
 */
bool word_starts(const void *text, size_t len, size_t at);

/*
 * Whether a word ends at a place: the character before it, if there is one, is
 * part of one, and that there, if there is one, is not.
 *
 * at  where a character starts, or len
 */
bool word_ends(const void *text, size_t len, size_t at);

/*
 * Find the next word of a text.
 *
 * text, len  UTF-8; of other bytes none is part of a word
 * start      set when there is one
 * end        where to look from, 0 at first; set to where the word ends, or
 *            to len
 *
 * Returns whether there is one.
 */
bool word_next(const void *text, size_t len, size_t *start, size_t *end);

#endif
