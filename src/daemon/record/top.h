/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TOP_H
#define TOP_H

/*
 * The keys that come most often, in constant memory: Metwally's Space-Saving.
 * A key that is not among the followed ones takes the place of the one with
 * the lowest count, and goes on from that count; what it took over may be
 * another key's, and is not told.  So each count told is at most the true one,
 * and a key with more than 1/128 of all is never missed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_SIZE	128	/* keys that are followed */
#define TOP_KEY_MAX	128	/* bytes of a key that are kept */

/* Zeroed memory is an empty one.  Arrays apart, to be looked through fast. */
struct top {
	size_t n;			/* followed so far */
	uint64_t hashes[TOP_SIZE];
	uint64_t counts[TOP_SIZE];
	uint64_t taken[TOP_SIZE];	/* of counts: from who was there before */
	uint32_t lens[TOP_SIZE];	/* of the whole key */
	char keys[TOP_SIZE][TOP_KEY_MAX];
};

/* A key of several lists put together. */
struct top_key {
	uint64_t hash;
	uint64_t count;
	size_t len;		/* of what is kept: whole characters */
	bool cut;		/* the key is longer */
	const char *key;	/* borrowed from a list */
};

/*
 * Count a key.
 *
 * key, len  any bytes; copied
 * hash      of them; keys with the same one are taken for one
 * n         how often it came
 */
void top_add(struct top *, const char *key, size_t len, uint64_t hash,
    uint64_t n);

/*
 * Put lists together.
 *
 * lists  n of them
 * keys   of n * TOP_SIZE elements; filled, the most frequent first
 *
 * Returns how many there are.
 */
size_t top_merge(const struct top *lists, size_t n, struct top_key *keys);

#endif
