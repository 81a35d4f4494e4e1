/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DIFF_H
#define DIFF_H

/*
 * What changes from one load to the next, and whether that can be meant.
 */

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct problems;
struct snapshot;

/* Of one table, in entries. */
struct diff_table {
	const char *name;	/* borrowed from the snapshots */
	bool binary;
	size_t old_count;	/* 0 when it was not there */
	size_t new_count;
	size_t added;
	size_t removed;
	size_t changed;		/* the same key, another value */
};

enum diff_sort {
	DIFF_REMOVED,
	DIFF_CHANGED,
	DIFF_ADDED,
	DIFF_SORTS		/* how many there are */
};

struct diff_key {
	const struct diff_table *table;	/* of the same diff */
	const char *key;	/* as it is shown; borrowed likewise */
	size_t len;
};

/* Keys of one sort, for diff_keys.h. */
struct diff_named {
	enum diff_sort sort;
	struct diff_key *list;	/* n of them, owned */
	size_t n;
};

/* A table on other machines, of whose entries nothing is known here. */
struct diff_remote {
	const char *name;	/* borrowed likewise */
	enum diff_sort sort;	/* of the table, or how it is asked */
};

struct diff {
	struct diff_table *tables;	/* n of them, owned */
	size_t n;
	size_t added, removed, changed;	/* of all */
	struct diff_named named[DIFF_SORTS];
	struct diff_remote *remotes;	/* n of them, owned: that differ */
	size_t n_remotes;
};

/*
 * Compare two snapshots, table by table as they are named.
 *
 * diff  set on success; diff_clear()
 *
 * Returns 0, or -1 when out of memory.
 */
int diff_snapshots(const struct snapshot *old, const struct snapshot *new,
    struct diff *diff);

/*
 * Refuse, as problems, tables that lost more keys than their guard= allows:
 * the new one, or the old one of a table that is not named any more.
 */
void diff_guard(const struct diff *, const struct conf *old,
    const struct conf *new, struct problems *problems);

/*
 * Free what it owns; it may be used again.
 */
void diff_clear(struct diff *);

#endif
