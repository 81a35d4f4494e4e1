/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DIFF_KEYS_H
#define DIFF_KEYS_H

/*
 * Which keys a diff is about: some of each sort, so that many new ones do not
 * hide a few that are gone.
 */

#include <stddef.h>

#include "daemon/snapshot/diff.h"

struct buf;
struct snapshot;
struct tell;

#define DIFF_KEYS	20	/* of each sort, where nothing is said */
#define DIFF_KEYS_MAX	1000

/*
 * Find the keys of what diff_snapshots() counted.
 *
 * most  of each sort; 0: none
 *
 * They are borrowed from the snapshots.  Walks the tables that changed until
 * there are enough, and calls pace().
 *
 * Returns 0, or -1 when out of memory.
 */
int diff_keys_find(struct diff *, const struct snapshot *old,
    const struct snapshot *new, size_t most);

/*
 * Append a line for each key that was found, with a line end before it, and
 * one for each sort of which there are more.
 *
 * most  of each sort; fewer than were found, perhaps
 *
 * Returns 0, or -1 when out of memory.
 */
int diff_keys_text(const struct diff *, size_t most, struct buf *);

/*
 * The same for each table on other machines that is another one.
 */
int diff_remotes_text(const struct diff *, struct buf *);

/*
 * Add the arrays "remote" and "keys" to an object, as appmsgctl(8) lists the
 * members.
 */
void diff_keys_tell(const struct diff *, size_t most, struct tell *);

#endif
