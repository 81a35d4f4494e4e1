/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLE_H
#define TABLE_H

/*
 * An immutable table of answers: built once, then read by any number of
 * threads without a lock.
 *
 * Keys and values lie behind each other in one arena; the index is an open
 * addressing table of 8-byte slots, each an arena offset and some bits of
 * the key's hash, so that a miss rarely touches the arena.  What a value is,
 * is the business of who builds the table: answers are kept JSON-escaped, as
 * they are sent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;
struct table_builder;

/* An entry as it lies in the arena; borrowed as long as the table. */
struct table_entry {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
	uint64_t origin;	/* the number given to table_builder_add() */
};

/*
 * Start a table.
 *
 * Returns the builder, or NULL when out of memory.
 */
struct table_builder *table_builder_new(void);

/*
 * Add an entry.
 *
 * key, key_len      copied, as value
 * value, value_len
 * origin            any number that tells the caller where it is from
 *
 * Returns 0, or -1 with errno.
 */
int table_builder_add(struct table_builder *, const char *key,
    size_t key_len, const char *value, size_t value_len, uint64_t origin);

/*
 * Index what was added.
 *
 * builder    taken, whatever the outcome
 * twice_cb   called for each key that was added again, with the entry that
 *            was first and the one that is not in the table for it; NULL:
 *            nobody minds
 *
 * Returns the table, owned by the caller, table_free(); or NULL with errno.
 */
struct table *table_builder_finish(struct table_builder *builder,
    void (*twice_cb)(const struct table_entry *first,
    const struct table_entry *again, void *arg), void *arg);

void table_builder_free(struct table_builder *);

/*
 * Free a table.  NULL is allowed.
 */
void table_free(struct table *);

/*
 * Find the entry with a key.
 *
 * entry  filled when there is one
 *
 * Returns whether there is one.
 */
bool table_find(const struct table *, const char *key, size_t key_len,
    struct table_entry *entry);

/*
 * How many entries it has.
 */
size_t table_count(const struct table *);

/*
 * How many bytes of memory it takes.
 */
size_t table_memory(const struct table *);

#endif
