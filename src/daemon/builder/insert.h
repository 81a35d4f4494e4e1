/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLE_INSERT_H
#define TABLE_INSERT_H

/*
 * The last step of a table's making: every entry of the arena gets its slot,
 * in several threads at once.
 */

#include "daemon/builder/builder.h"

struct digest_sum;
struct problems;

/*
 * Fill the slots, which must be more than the entries and empty, and count.
 * The outcome is the same whatever the threads: of entries whose keys have the
 * same bytes the first is kept, or the last for TABLE_DUPLICATES_LAST; the
 * others are marked; or all are joined for TABLE_DUPLICATES_JOIN, see join.h.
 * Keys that are equal only once folded are all kept.
 *
 * sum       of all entries; those that are marked are taken from it
 * problems  gets every key that came twice, for TABLE_DUPLICATES_ERROR
 *
 * Returns 0, or -1 when out of memory.
 */
int insert_all(struct table *, const struct table_options *,
    unsigned int threads, struct digest_sum *sum, struct problems *problems);

#endif
