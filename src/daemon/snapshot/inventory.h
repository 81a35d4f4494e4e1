/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INVENTORY_H
#define INVENTORY_H

/*
 * Which tables there are, and what is known of each: rows in the order that
 * they are asked in, answers before binary entries.  The tables of answer and
 * binary lines are left out where there are no such lines.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/record/remotes.h"

struct buf;
struct digest;
struct generation;
struct tell;

/* Borrowed as long as the generation. */
struct inventory_row {
	const char *name;
	const char *kind;	/* the configuration's word: "answer" of such
				   lines, "binary", "file", "redis",
				   "redis-cluster" */
	const char *const *files;	/* n of them, any bytes */
	size_t n_files;
	size_t entries;
	size_t bytes;		/* of memory; not what is mapped */
	unsigned int ways;	/* a set */
	bool binary;		/* entries are bytes, not answers */
	bool folds, mapped;
	time_t loaded;
	const struct digest *digest;	/* NULL with remote */
	const struct conf_remote *remote;	/* it is on other machines, so
					   that files, entries and time are
					   not known here; NULL: here */
	struct remote_look look;	/* of that, to be set by who asked
					   for the rows */
	size_t hidden;		/* entries that an earlier table hides; set
				   by inventory_count() */
};

/*
 * One row, at once, however many there are: but for its files, whether they
 * are mapped, and what it hides.
 *
 * i    from 0
 * row  set when true is returned
 *
 * Returns whether there is such a row.
 */
bool inventory_row(const struct generation *, size_t i,
    struct inventory_row *row);

/*
 * All rows, with what is hidden, which may take long: see hidden.h.
 *
 * rows  set to an array, owned by the caller, free(3), when 0 is returned
 * n     how many
 *
 * Returns 0, or -1: stopped, or out of memory.
 */
int inventory_count(const struct generation *, const atomic_bool *stop,
    struct inventory_row **rows, size_t *n);

/*
 * Append a table of lines for people, without the end of the last one.
 *
 * Returns 0, or -1 when out of memory.
 */
int inventory_text(const struct inventory_row *, size_t n, struct buf *);

/*
 * Add an array "tables" to an object, as appmsgctl(8) lists its members.
 */
void inventory_tell(const struct inventory_row *, size_t n, struct tell *);

#endif
