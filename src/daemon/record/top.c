/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Looked through from end to end: that is for a few keys a millisecond, since
 * stats.c samples them.
 */

#include "config.h"

#include "daemon/record/top.h"

#include <stdlib.h>
#include <string.h>

/* Standard deviations that a count may be off. */
#define DEVIATIONS	3

/*
 * The variance of how often a key came that was never drawn is this many
 * squares of one in how many are: exp(-2 * DEVIATIONS) is the chance of more.
 */
#define NEVER_DRAWN	4

static size_t
find(const struct top *top, uint64_t hash)
{
	size_t i;

	for (i = 0; i < top->n && top->hashes[i] != hash; i++)
		continue;
	return i;
}

static size_t
find_lowest(const struct top *top)
{
	size_t lowest = 0;

	for (size_t i = 1; i < top->n; i++)
		if (top->counts[i] < top->counts[lowest])
			lowest = i;
	return lowest;
}

void
top_add(struct top *top, const char *key, size_t len, uint64_t hash,
    uint64_t n)
{
	size_t i = find(top, hash);
	/* Drawn with the chance 1/n, it stands for n, or for none. */
	double variance = (double)n * (double)(n - 1);

	if (i < top->n) {
		top->counts[i] += n;
		top->variances[i] += variance;
		return;
	}
	if (i < TOP_SIZE)
		top->n++;
	else
		i = find_lowest(top);
	top->hashes[i] = hash;
	top->taken[i] = top->counts[i];
	top->counts[i] += n;
	top->variances[i] = variance;
	top->lens[i] = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
	if (len > 0)
		memcpy(top->keys[i], key, len < TOP_KEY_MAX ? len :
		    TOP_KEY_MAX);
}

static int
compare_hashes(const void *a, const void *b)
{
	const struct top_key *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Among equals by the bytes, so that a report is the same each time. */
static int
compare_counts(const void *a, const void *b)
{
	const struct top_key *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	order = memcmp(x->key, y->key, len);
	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Bytes before end that begin a character of UTF-8 but do not finish it. */
static size_t
cut_short(const char *end)
{
	for (size_t n = 1; n <= 3; n++) {
		unsigned char c = (unsigned char)end[-(ptrdiff_t)n];

		if ((c & 0xc0) != 0x80)
			return n < (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u :
			    c >= 0xc0 ? 2u : 1u) ? n : 0;
	}
	return 0;
}

/* That a list adds to the variance of each of what it has not counted. */
static double
list_doubt(const struct top *top)
{
	return top->every > 1 ? (double)(top->every - 1) : 0;
}

/* How often a key may have come that a list does not follow. */
static double
list_before(const struct top *top)
{
	return top->n == TOP_SIZE ? (double)top->counts[find_lowest(top)] : 0;
}

/* What it may have come before is less where it is followed. */
static struct top_key
top_key(const struct top *top, size_t i, double before)
{
	struct top_key k = { .hash = top->hashes[i],
	    .count = top->counts[i] - top->taken[i], .len = top->lens[i],
	    .variance = top->variances[i],
	    .before = (double)top->taken[i] - before,
	    .key = top->keys[i] };

	k.doubt = list_doubt(top) * k.before;

	if (k.len > TOP_KEY_MAX) {
		k.cut = true;
		k.len = TOP_KEY_MAX;
		k.len -= cut_short(k.key + k.len);
	}
	return k;
}

/* By Newton, from above; one call is not worth another library. */
static double
square_root(double x)
{
	double root = x < 1 ? 1 : x, next;

	if (x <= 0)
		return 0;
	while ((next = (root + x / root) / 2) < root)
		root = next;
	return root;
}

/* A part of a key that another list has, too. */
static void
key_add(struct top_key *key, const struct top_key *part)
{
	key->count += part->count;
	key->variance += part->variance;
	key->before += part->before;
	key->doubt += part->doubt;
}

/* Its bounds, rounded outwards.  Returns whether there is anything to tell. */
static bool
key_bound(struct top_key *key, double before, double doubt)
{
	double below = DEVIATIONS * square_root(key->variance),
	    above = DEVIATIONS * square_root(key->variance + doubt +
	    key->doubt);

	if (below >= (double)key->count)
		return false;
	key->least = key->count - (uint64_t)below - (below > 0);
	key->most = key->count + (uint64_t)(before + key->before) +
	    (uint64_t)above + (above > 0);
	return key->least > 0;
}

/* Each key once, its parts put together. */
static size_t
merge_parts(struct top_key *keys, size_t n)
{
	size_t merged = 0;

	qsort(keys, n, sizeof(*keys), compare_hashes);
	for (size_t i = 0; i < n; i++)
		if (merged > 0 && keys[merged - 1].hash == keys[i].hash)
			key_add(&keys[merged - 1], &keys[i]);
		else
			keys[merged++] = keys[i];
	return merged;
}

size_t
top_merge(const struct top *lists, size_t n, struct top_key *keys)
{
	double before = 0, doubt = 0;
	size_t all = 0, told = 0;

	for (size_t i = 0; i < n; i++) {
		double most = list_before(&lists[i]);

		before += most + (double)lists[i].lost;
		doubt += list_doubt(&lists[i]) * (most + NEVER_DRAWN *
		    (double)lists[i].every);
		for (size_t j = 0; j < lists[i].n; j++)
			keys[all++] = top_key(&lists[i], j, most);
	}
	all = merge_parts(keys, all);
	for (size_t i = 0; i < all; i++)
		if (key_bound(&keys[i], before, doubt))
			keys[told++] = keys[i];
	qsort(keys, told, sizeof(*keys), compare_counts);
	return told;
}
