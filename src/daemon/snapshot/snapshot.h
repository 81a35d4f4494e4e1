/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SNAPSHOT_H
#define SNAPSHOT_H

/*
 * All that the daemon answers from at one time: the tables of one load.
 * Immutable, and so read by all workers without a lock; who keeps it for
 * how long is generation.h's matter.
 *
 * Answers and binary entries have keys of their own.  Tables are asked in
 * order: first "main", of the answer and binary lines, then the others as
 * they are named.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "daemon/table/table.h"

struct appmsg_str;
struct conf_remote;
struct digest;
struct snapshot;

/*
 * A table that answers later, since who has its entries must be asked.  It is
 * one of the tables of answers, and asked in its turn, but only for a key as it
 * is: it cannot be searched.  What it says is request/lookup.h's matter.
 */
struct later {
	const char *name;	/* borrowed as long as the snapshot */
	const struct conf_remote *what;	/* likewise: who is asked, and how;
					   NULL: that is known otherwise */
};

enum snapshot_found {
	SNAPSHOT_MISSED,
	SNAPSHOT_FOUND,
	SNAPSHOT_LATER		/* not before a table that answers later */
};

/* What a lookup found; borrowed as long as the snapshot. */
struct snapshot_answer {
	const char *text;	/* an answer's: JSON-escaped; a blob's: bytes */
	size_t text_len;
	const char *type;	/* a blob's: JSON-escaped */
	size_t type_len;
	const struct table *table;
	table_id id;
};

/*
 * Start a snapshot, without tables.
 *
 * Returns it, owned by the caller, snapshot_free(); or NULL with errno.
 */
struct snapshot *snapshot_new(void);

/*
 * Add a table, behind the others.
 *
 * t       the caller's reference, taken whatever the outcome
 * binary  its entries are bytes, as blobs.h makes them, not answers
 *
 * Returns 0, or -1 with errno.
 */
int snapshot_add(struct snapshot *, struct table *t, bool binary);

/*
 * Say that no table will be added; but for snapshot_digest(), it serves as
 * well without that.
 *
 * Returns 0, or -1 when out of memory.
 */
int snapshot_end(struct snapshot *);

/*
 * What all its tables are, in their order, by their names and digests; that
 * they may not be asked by everybody means nothing.  Borrowed as long as the
 * snapshot; zeros before snapshot_end().
 */
const struct digest *snapshot_digest(const struct snapshot *);

/*
 * Whether a table is told of: those of lines that nobody wrote are not.
 */
bool snapshot_is_told(const struct table *);

/*
 * The table that a snapshot has under a name, for a load that may come to the
 * same.
 *
 * Returns it, borrowed as long as the snapshot, whose owner may take a
 * reference; or NULL.
 */
struct table *snapshot_old(const struct snapshot *, const char *name,
    bool binary);

/*
 * The table that answers later that a snapshot has under a name, likewise; or
 * NULL.
 */
const struct later *snapshot_old_later(const struct snapshot *,
    const char *name);

/*
 * Whether two snapshots have the same tables: not such as are alike, but
 * themselves, in their order.
 */
bool snapshot_is_same(const struct snapshot *, const struct snapshot *);

/*
 * How many files its tables are made of, and how many of them were read for
 * it; 0 as long as nobody says so.
 */
void snapshot_set_files(struct snapshot *, size_t all, size_t read);
size_t snapshot_files(const struct snapshot *, size_t *read);

/*
 * A part of a snapshot: the same tables in the same order, but for some.
 *
 * is_in  asked for each table's name, binary ones and such as answer later
 *        included
 *
 * Returns it, owned by the caller, snapshot_free(), with references to the
 * tables; or NULL when out of memory.
 */
struct snapshot *snapshot_part(const struct snapshot *,
    bool (*is_in)(const char *name, const void *arg), const void *arg);

/*
 * Free a snapshot.  NULL is allowed.
 */
void snapshot_free(struct snapshot *);

/* The tables of answers, n of them, in order; borrowed. */
const struct table *const *snapshot_tables(const struct snapshot *,
    size_t *n);

/* The same without those behind the first one that answers later. */
const struct table *const *snapshot_first_tables(const struct snapshot *,
    size_t *n);

/* The tables of binary entries, likewise. */
const struct table *const *snapshot_blobs(const struct snapshot *, size_t *n);

/*
 * The table of answers with a name, escapes and all; or NULL.
 */
const struct table *snapshot_table(const struct snapshot *,
    const struct appmsg_str *name);

/*
 * The i-th of those that answer later, from 0 on, in order; NULL: there are no
 * more.
 *
 * before  set to how many of the other tables of answers are asked before it
 */
const struct later *snapshot_later_at(const struct snapshot *, size_t i,
    size_t *before);

/*
 * The names of the tables of answers in the order that they are asked in, one
 * a call, those that answer later among them; the ones that are not told of,
 * see snapshot_is_told(), are left out.
 *
 * at  all 0 for the first one
 *
 * Returns the name, borrowed as long as the snapshot; NULL: that was all.
 */
struct snapshot_place {
	size_t table, asked;
};
const char *snapshot_next_name(const struct snapshot *,
    struct snapshot_place *at);

/*
 * Add a table that answers later.
 *
 * later   copied; with one more reference to what it has
 * before  how many of the other tables of answers are asked before it; it is
 *         behind those that answer later and were added so before
 *
 * Returns 0, or -1 when out of memory.
 */
int snapshot_add_later(struct snapshot *, const struct later *,
    size_t before);

/*
 * The one with a name, or NULL.
 */
const struct later *snapshot_later(const struct snapshot *,
    const struct appmsg_str *name);

/*
 * Find the answer for a key of 0 or more bytes of UTF-8.
 *
 * only  look into this table; NULL: into all, in order
 */
enum snapshot_found snapshot_find(const struct snapshot *,
    const struct table *only, const char *key, size_t key_len,
    struct snapshot_answer *);

/*
 * The same in all tables, with the key's table_hash() in hand.
 */
enum snapshot_found snapshot_find_hashed(const struct snapshot *, uint64_t hash,
    const char *key, size_t key_len, struct snapshot_answer *);

/*
 * Where to begin behind what snapshot_find_hashed() has asked.
 */
size_t snapshot_first_later(const struct snapshot *);

/*
 * The table there, borrowed; NULL: none answers later.
 */
const struct later *snapshot_later_first(const struct snapshot *);

/*
 * The same, to be gone on with behind a table that has answered.
 *
 * at     0 to begin with; moved behind the table that is to be asked next
 * later  set to it with SNAPSHOT_LATER
 */
enum snapshot_found snapshot_find_from(const struct snapshot *, size_t *at,
    const char *key, size_t key_len, struct snapshot_answer *,
    const struct later **later);

/*
 * Find the binary entry whose key is just these bytes.
 */
bool snapshot_find_blob(const struct snapshot *, const char *key,
    size_t key_len, struct snapshot_answer *);

/*
 * The text of an answer, as it was in its file.
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
