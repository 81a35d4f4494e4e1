/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef MATCHES_H
#define MATCHES_H

/*
 * Entries that a search found, and the names of tables, as JSON arrays.
 */

#include <stddef.h>

#include "daemon/base/buf.h"

struct search_match;
struct snapshot;

/*
 * Append keys and their texts: [{"key": KEY, "result": TEXT}, ...].
 *
 * list, n  of them; list may be NULL when n is 0
 * most     bytes after which no further one begins; the first one does
 * told     set to how many there are in the array
 *
 * Returns 0, or -1 when out of memory; so does the next one.
 */
int matches_add(struct buf *, const struct search_match *list, size_t n,
    size_t most, size_t *told);

/*
 * Append the keys alone: [KEY, ...].
 */
int matches_add_keys(struct buf *, const struct search_match *list, size_t n);

/*
 * Append the names of all tables of answers: [NAME, ...]; or as the inside of
 * a string, with newlines between them.
 *
 * n  set to how many there are
 */
int matches_add_names(struct buf *, const struct snapshot *, size_t *n);
int matches_add_name_lines(struct buf *, const struct snapshot *);

#endif
