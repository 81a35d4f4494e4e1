/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HIDDEN_H
#define HIDDEN_H

/*
 * Entries that nobody is answered with who does not name their table, since
 * an earlier one has the same key.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "daemon/table/table.h"

/*
 * Count the entries of a table that are hidden: those whose key, as it is
 * shown, a lookup finds in a table before it.
 *
 * tables  in their order
 * which   of them is counted
 * stop    may be set by another thread, and then this returns soon
 * count   set when 0 is returned
 *
 * May take as long as a walk over all entries with a lookup in each table
 * before it, and calls pace().
 *
 * Returns 0, or -1: stopped, or out of memory.
 */
int hidden_count(const struct table *const *tables, size_t which,
    const atomic_bool *stop, size_t *count);

#endif
