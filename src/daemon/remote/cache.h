/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CACHE_H
#define CACHE_H

/*
 * What a worker was told about the keys of one table on another machine:
 * answers, and that there is none.  A ring of bytes, in which the oldest
 * makes room for the newest, but for a second chance of what was found since;
 * and an index of it.  All memory is there at the start, as far as the kernel
 * gives it before it is touched; after that nothing is allocated.
 *
 * An entry has a stamp, a number that means nothing here: the generation that
 * it is of, or the time when it was told.  Who finds it says whether it still
 * counts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;

/* What is known of a key. */
struct cache_entry {
	uint64_t stamp;
	const char *value;	/* NULL: the table does not have the key */
	size_t value_len;
};

#define CACHE_MIN	((size_t)64 << 10)
#define CACHE_MAX	((size_t)16 << 30)

/*
 * Make an empty one.
 *
 * bytes  that it has in all, index included; CACHE_MIN to CACHE_MAX, else the
 *        nearest
 *
 * Returns it, or NULL: out of memory.
 */
struct cache *cache_new(size_t bytes);

/*
 * Free it.  NULL is a cache that keeps nothing, here and below.
 */
void cache_free(struct cache *);

/*
 * Find what is known of a key.
 *
 * hash   of the key, by which nobody outside can make many alike: table_hash()
 * entry  filled if there is something; its value is in the ring until the next
 *        call but this one
 *
 * Returns whether there is.
 */
bool cache_find(struct cache *, uint64_t hash, const char *key,
    size_t key_len, struct cache_entry *entry);

/*
 * A key of this hash will be looked for: fetch the slot of the index where it
 * should be; and, again, what that leads to.
 */
void cache_fetch(const struct cache *, uint64_t hash, bool again);

/*
 * Keep what is known of a key, in place of what was, unless that has a higher
 * stamp.  What would take more than an eighth of the cache is not kept, nor
 * what was known before of that key.
 *
 * key, entry  copied; the value may not be one in this ring
 */
void cache_put(struct cache *, uint64_t hash, const char *key,
    size_t key_len, const struct cache_entry *entry);

/*
 * Forget all.
 */
void cache_clear(struct cache *);

/*
 * How many keys something is known of, and how many bytes it has in all.
 */
size_t cache_count(const struct cache *);
size_t cache_bytes(const struct cache *);

#endif
