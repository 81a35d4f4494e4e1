/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLE_JOIN_H
#define TABLE_JOIN_H

/*
 * What becomes of entries that do not count, when every key has its slot:
 * they are marked, or their answers are joined in one that does count.
 */

#include <stddef.h>

#include "daemon/builder/builder.h"

struct digest_sum;
struct problems;

/* The most bytes of a joined answer, JSON-escaped as it is. */
#define JOIN_MAX	((size_t)64 << 20)

/*
 * Mark an entry as replaced by another one, and take it from the sum of all.
 */
void join_mark(const struct table *, table_id id, struct digest_sum *sum);

/*
 * Give each key that came again an entry with all its answers, a line each, in
 * the order of files and lines.  It has the place of the first, its key as that
 * has it, and the greatest of their weights; that and all others are marked.
 *
 * The table's last piece of memory is addresses that nobody has, for these
 * entries; afterwards there is nothing left of them that is not needed.
 *
 * ids       n of them, rising: the entries that came again; those that came
 *           first are in the slots
 * sum       of all entries, before and after
 * problems  gets answers that would be too long
 *
 * Returns 0, or -1 with errno.
 */
int join_all(struct table *, const struct table_options *,
    const table_id *ids, size_t n, struct digest_sum *sum,
    struct problems *problems);

#endif
