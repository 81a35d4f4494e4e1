/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TOP_H
#define TOP_H

/*
 * The keys that come most often, in constant memory: Metwally's Space-Saving.
 * A key that is not among the followed ones takes the place of the one with
 * the lowest count, and goes on from that count; what it took over may be
 * another key's, and is not told.  So a key with more than 1/128 of all is
 * never missed, and at most that of a key's own is not in its count.
 *
 * When many lookups come, some of them are added in place of all.  What that
 * makes of a count is followed, too, and no count is told without it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_SIZE	128	/* keys that are followed */
#define TOP_KEY_MAX	128	/* bytes of a key that are kept */

/* Zeroed memory is an empty one.  Arrays apart, to be looked through fast. */
struct top {
	size_t n;			/* followed so far */
	uint64_t every;			/* the most that one was added for;
					   0 is 1 */
	uint64_t lost;			/* that could not be added */
	uint64_t hashes[TOP_SIZE];
	uint64_t counts[TOP_SIZE];
	uint64_t taken[TOP_SIZE];	/* of counts: from who was there before */
	double variances[TOP_SIZE];	/* of the rest of counts */
	uint32_t lens[TOP_SIZE];	/* of the whole key */
	char keys[TOP_SIZE][TOP_KEY_MAX];
};

/*
 * A key of several lists put together.  How often it came is within least and
 * most, but for about one in a hundred keys; where every lookup was added and
 * no key was given up, all three are the same.
 */
struct top_key {
	uint64_t hash;
	uint64_t count;		/* since it is followed, about */
	uint64_t least, most;
	double variance;	/* of count */
	double before;		/* at most, before it was followed */
	double doubt;		/* the variance of what is not in count */
	size_t len;		/* of what is kept: whole characters */
	bool cut;		/* the key is longer */
	const char *key;	/* borrowed from a list */
};

/*
 * Count a key.
 *
 * key, len  any bytes; copied
 * hash      of them; keys with the same one are taken for one
 * n         of how many lookups this one was drawn, to stand for all of them
 */
void top_add(struct top *, const char *key, size_t len, uint64_t hash,
    uint64_t n);

/*
 * Put lists together.
 *
 * lists  n of them
 * keys   of n * TOP_SIZE elements; filled, the most frequent first
 *
 * Keys whose count is no more than chance may have made of one are left out.
 *
 * Returns how many there are.
 */
size_t top_merge(const struct top *lists, size_t n, struct top_key *keys);

#endif
