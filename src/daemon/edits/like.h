/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LIKE_H
#define LIKE_H

/*
 * How alike a key and a query are, beyond the number of edits between them:
 * what orders keys that are equally far.  appmsg-protocol(7) says how it is
 * reckoned, so that others can.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * Reckon what the edits between two texts cost.
 *
 * query, n    its characters
 * key, key_n  those of the key, at most EDITS_MAX edits from the query
 * most        above this it need not be exact
 *
 * Returns the cost, 0 for equal texts; less is more alike.
 */
unsigned int like_cost(const uint32_t *query, size_t n,
    const uint32_t *key, size_t key_n, unsigned int most);

#endif
