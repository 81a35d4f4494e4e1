/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef COLOR_H
#define COLOR_H

/*
 * Keys in colour, and in another one what of them was searched for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/options/options.h"

/*
 * Whether colours go to a stream: by default to a terminal that is not dumb,
 * unless $NO_COLOR says that nobody wants them.
 */
bool color_is_wanted(enum options_color, FILE *file);

/*
 * Print a key as output_field() does, in colour.
 *
 * start, marked  the part of it that was searched for; marked 0: none is known
 */
void color_key(FILE *file, const char *key, size_t len, size_t start,
    size_t marked);

/*
 * Find what of a key that matches was searched for.  Where the table compares
 * keys without regard to case, this knows ASCII's letters only.
 *
 * way    one of query_ways
 * start  set when not 0 is returned
 *
 * Returns how many bytes these are; 0 when that is not known, as with fuzzy
 * and regex, or is all of it, as with exact.
 */
size_t color_find(const char *way, const char *key, size_t len,
    const char *asked, size_t asked_len, size_t *start);

#endif
