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

	if (i < top->n) {
		top->counts[i] += n;
		return;
	}
	if (i < TOP_SIZE)
		top->n++;
	else
		i = find_lowest(top);
	top->hashes[i] = hash;
	top->taken[i] = top->counts[i];
	top->counts[i] += n;
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

static struct top_key
top_key(const struct top *top, size_t i)
{
	struct top_key k = { .hash = top->hashes[i],
	    .count = top->counts[i] - top->taken[i], .len = top->lens[i],
	    .key = top->keys[i] };

	if (k.len > TOP_KEY_MAX) {
		k.cut = true;
		k.len = TOP_KEY_MAX;
		k.len -= cut_short(k.key + k.len);
	}
	return k;
}

size_t
top_merge(const struct top *lists, size_t n, struct top_key *keys)
{
	size_t all = 0, merged = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < lists[i].n; j++)
			keys[all++] = top_key(&lists[i], j);
	qsort(keys, all, sizeof(*keys), compare_hashes);
	for (size_t i = 0; i < all; i++)
		if (merged > 0 && keys[merged - 1].hash == keys[i].hash)
			keys[merged - 1].count += keys[i].count;
		else
			keys[merged++] = keys[i];
	qsort(keys, merged, sizeof(*keys), compare_counts);
	return merged;
}
