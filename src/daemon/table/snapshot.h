/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SNAPSHOT_H
#define SNAPSHOT_H

/*
 * All that the daemon answers from at one time: the tables of one load.
 * Immutable, and so read by all workers without a lock; who keeps it for
 * how long is generation.h's matter.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/problems.h"

struct conf;
struct snapshot;

/* What a lookup found; borrowed as long as the snapshot. */
struct snapshot_answer {
	const char *text;	/* an answer's: JSON-escaped; a blob's: bytes */
	size_t text_len;
	const char *type;	/* a blob's: JSON-escaped */
	size_t type_len;
	const char *table;	/* its name */
	const char *file;	/* where it stands */
	unsigned int line;
};

/*
 * Build the tables that a configuration names.
 *
 * conf      borrowed as long as the snapshot
 * problems  gets all that is wrong with them
 *
 * Returns the snapshot, owned by the caller, snapshot_free(); or NULL, with
 * at least one problem.
 */
struct snapshot *snapshot_load(const struct conf *conf,
    struct problems *problems);

/*
 * Free a snapshot.  NULL is allowed.
 */
void snapshot_free(struct snapshot *);

/*
 * Find the answer for a key of 0 or more bytes of UTF-8.
 */
bool snapshot_find(const struct snapshot *, const char *key, size_t key_len,
    struct snapshot_answer *);

/*
 * Find the binary entry whose key is just these bytes.
 */
bool snapshot_find_blob(const struct snapshot *, const char *key,
    size_t key_len, struct snapshot_answer *);

/*
 * The text of an answer, as it was in the configuration.
 *
 * len  set on success
 *
 * Returns it, owned by the caller, free(3); or NULL when out of memory.
 */
char *snapshot_answer_text(const struct snapshot_answer *, size_t *len);

/*
 * How many entries all tables have, binary ones included.
 */
size_t snapshot_count(const struct snapshot *);

/*
 * How many bytes of memory the tables take.
 */
size_t snapshot_memory(const struct snapshot *);

#endif
