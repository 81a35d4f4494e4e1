/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HUMAN_H
#define HUMAN_H

/*
 * Numbers as people read them, for texts that no program has to understand:
 * to two digits or a little more, in the unit that fits.
 */

#include <stddef.h>
#include <stdint.h>

#define HUMAN_SIZE	64	/* bytes of each text, with its NUL */

/*
 * 1023 bytes, 4.5 KB, 18 MB: a KB is 1024 bytes, as in a configuration, and so
 * on.
 *
 * text  of HUMAN_SIZE bytes; set
 *
 * Returns text; so does the next one.
 */
const char *human_bytes(uint64_t bytes, char *text);

/*
 * 12 s, 5 min 3 s, 1 day, 2 days 23 h: two units at most, what is less is
 * left out.
 *
 * seconds  0 or more
 */
const char *human_span(int64_t seconds, char *text);

/*
 * 0 entries, 1 entry, 12345 entries: the whole number.
 *
 * one, many  what there is one of, and what there are more of: words of at
 *            most 40 bytes
 */
const char *human_count(uint64_t n, const char *one, const char *many,
    char *text);

#endif
