/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLE_H
#define TABLE_H

/*
 * An immutable table of answers: built once, then read by any number of
 * threads without a lock.
 *
 * Keys and values lie behind each other in one arena, a reserved range of
 * addresses that several threads fill at once, a segment each; the order of
 * addresses is the order of the files and their lines.  The index is an open
 * addressing table of 8-byte slots, each an arena offset and some bits of
 * the key's hash, so that a miss rarely touches the arena.  Which file and
 * line an entry is from, is kept for each 256th and counted on from there.
 * What a value is, is the business of who builds the table: answers are kept
 * JSON-escaped, as they are sent.
 *
 * A table may leave keys and values in files that are mapped: then the arena
 * has only a few bytes of numbers an entry.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "daemon/table/way.h"

struct digest;
struct index;			/* of search/ */
struct table;

/* An entry as it lies in the arena or in a mapped file; borrowed as long as
 * the table. */
struct table_entry {
	const char *key;	/* what is compared: folded where fold is on */
	size_t key_len;
	const char *shown;	/* the key as the file has it */
	size_t shown_len;
	const char *value;
	size_t value_len;
};

/* Where an entry was; its id.  Ids rise with files and lines. */
typedef uint64_t table_id;

/*
 * Find the entry with a key; for a table with fold, already folded: of several
 * whose keys are equal so, the first in the order of their bytes.
 *
 * entry  filled when there is one
 *
 * Returns its id, or TABLE_NO_ID.
 */
table_id table_find(const struct table *, const char *key, size_t key_len,
    struct table_entry *entry);

#define TABLE_NO_ID	UINT64_MAX

/*
 * The hash of a key, the same for all tables; as long as there is a table.
 */
uint64_t table_hash(const char *key, size_t key_len);

/*
 * table_find() with the key's hash in hand.
 */
table_id table_find_hashed(const struct table *, uint64_t hash,
    const char *key, size_t key_len, struct table_entry *entry);

/*
 * The same in a table with fold, for a key that was asked for: of several, the
 * one whose key has just its bytes, if there is one.
 *
 * key, key_len  folded
 * own, own_len  as it was asked for
 */
table_id table_find_own(const struct table *, const char *key,
    size_t key_len, const char *own, size_t own_len,
    struct table_entry *entry);

/*
 * Find what an entry of one table is in another one: the entry whose key has
 * the same bytes; or one with an equal key, if that is the only one in both.
 *
 * was  filled when there is one
 *
 * Returns its id, or TABLE_NO_ID.
 */
table_id table_find_again(const struct table *other,
    const struct table *, const struct table_entry *,
    struct table_entry *was);

/*
 * For who has several keys to find: call the first for each of them, the
 * second for each, then table_find_hashed() for each, so that the waiting
 * for memory overlaps.
 */
void table_prefetch(const struct table *, uint64_t hash);
void table_prefetch_entry(const struct table *, uint64_t hash);

/*
 * The entry with an id.
 */
void table_entry(const struct table *, table_id, struct table_entry *);

/*
 * The order of the bytes of keys as their files have them: as memcmp(3), a key
 * before those that begin with it.
 */
int table_shown_cmp(const struct table_entry *, const struct table_entry *);

/*
 * Walk all entries in order; those that another one replaced are passed
 * over.
 *
 * id  where the walk is; TABLE_NO_ID at first
 *
 * Returns whether there was one more, with id and entry set.
 */
bool table_next(const struct table *, table_id *id, struct table_entry *);

/*
 * What an entry weighs in the order of matches; 0 where nothing is said.
 */
uint32_t table_weight(const struct table *, table_id);

/*
 * Where an entry stands; line is 0 where the file has no lines.
 */
void table_locate(const struct table *, table_id, const char **file,
    unsigned int *line);

/*
 * Which of its file's entries one is, from 1: where a file has no lines.
 */
size_t table_record(const struct table *, table_id id);

const char *table_name(const struct table *);
bool table_folds(const struct table *);
bool table_weighs(const struct table *);	/* some entry is not 0 */
bool table_has_equals(const struct table *);	/* and folds; some keys are so */
bool table_drops_marks(const struct table *);	/* and folds; fold_as() */
size_t table_key_max(const struct table *);	/* bytes, once folded */
unsigned int table_ways(const struct table *);	/* the set, never 0 */
const struct index *table_index(const struct table *);	/* NULL: exact only */
size_t table_count(const struct table *);
time_t table_loaded(const struct table *);	/* when it was built */

/*
 * What its entries are; borrowed as long as the table.
 */
const struct digest *table_digest(const struct table *);

/*
 * The files that its entries are from, in order, with a NULL behind the last;
 * one may be there twice.
 */
const char *const *table_files(const struct table *);

#endif
