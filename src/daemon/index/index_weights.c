/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Keys by what they weigh: each has a place of its own in that order, so that
 * a search compares places and need not know weights.  Over the places, in the
 * order of ranks, stands a tree of the least ones, 16 to a node: the weightiest
 * of a million keys that are neighbours by their bytes is known after some
 * hundred comparisons.
 */

#include "config.h"

#include "daemon/index/index_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/thread/pace.h"

#define DIGIT_BITS	8
#define DIGITS		(1u << DIGIT_BITS)

/* A key that is to be sorted. */
struct weighed {
	uint32_t weight;
	uint32_t rank;
};

/* One digit of a radix sort, the greatest first; what is equal stays in its
 * order. */
static void
sort_by(const struct weighed *from, struct weighed *to, uint32_t n,
    unsigned int shift)
{
	uint32_t starts[DIGITS] = { 0 }, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		starts[from[i].weight >> shift & (DIGITS - 1)]++;
	for (unsigned int d = DIGITS; d-- > 0;) {
		uint32_t count = starts[d];

		starts[d] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (i % PACE_ENTRIES == 0)
			pace();
		to[starts[from[i].weight >> shift & (DIGITS - 1)]++] =
		    from[i];
	}
}

/* Fill order and the places, by weight and then by rank. */
static int
find_places(const struct index *index, const struct table *table,
    struct index_weights *w)
{
	struct weighed *a = malloc((index->n + 1) * sizeof(*a));
	struct weighed *b = malloc((index->n + 1) * sizeof(*b)), *swap;
	int error = a != NULL && b != NULL ? 0 : -1;

	for (uint32_t i = 0; error == 0 && i < index->n; i++) {
		if (i % PACE_ENTRIES == 0)
			pace();
		a[i] = (struct weighed){ table_weight(table, index_id(index,
		    i)), i };
	}
	/* An even number of times: it ends in a. */
	for (unsigned int shift = 0; error == 0 && shift < 32;
	    shift += DIGIT_BITS) {
		sort_by(a, b, index->n, shift);
		swap = a;
		a = b;
		b = swap;
	}
	for (uint32_t i = 0; error == 0 && i < index->n; i++) {
		w->order[i] = a[i].rank;
		w->levels[0][a[i].rank] = i;
	}
	free(a);
	free(b);
	return error;
}

/* One level more, of the least places of the last one. */
static int
add_level(struct index_weights *w)
{
	const uint32_t *below = w->levels[w->levels_n - 1];
	uint32_t size = w->sizes[w->levels_n - 1];
	uint32_t n = (size + INDEX_FAN - 1) / INDEX_FAN;
	uint32_t *level = malloc((n + 1) * sizeof(*level));

	if (level == NULL)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t least = UINT32_MAX;

		for (uint32_t j = i * INDEX_FAN; j < size &&
		    j < (i + 1) * INDEX_FAN; j++)
			if (below[j] < least)
				least = below[j];
		level[i] = least;
	}
	w->levels[w->levels_n] = level;
	w->sizes[w->levels_n++] = n;
	return 0;
}

int
index_weigh(struct index *index, const struct table *table)
{
	struct index_weights *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	index->weights = w;
	w->order = malloc((index->n + 1) * sizeof(*w->order));
	w->levels[0] = malloc((index->n + 1) * sizeof(*w->levels[0]));
	w->sizes[0] = index->n;
	w->levels_n = 1;
	if (w->order == NULL || w->levels[0] == NULL ||
	    find_places(index, table, w) == -1)
		return -1;
	while (w->sizes[w->levels_n - 1] > INDEX_FAN &&
	    w->levels_n < INDEX_HEIGHT)
		if (add_level(w) == -1)
			return -1;
	return 0;
}

void
index_weights_free(struct index_weights *w)
{
	if (w == NULL)
		return;
	free(w->order);
	for (unsigned int i = 0; i < w->levels_n; i++)
		free(w->levels[i]);
	free(w);
}

size_t
index_weights_memory(const struct index_weights *w)
{
	size_t bytes;

	if (w == NULL)
		return 0;
	bytes = sizeof(*w) + w->sizes[0] * sizeof(*w->order);
	for (unsigned int i = 0; i < w->levels_n; i++)
		bytes += w->sizes[i] * sizeof(*w->levels[i]);
	return bytes;
}

uint32_t
index_least(const struct index_weights *w, uint32_t lo, uint32_t hi)
{
	uint32_t least = UINT32_MAX;

	for (unsigned int i = 0; lo < hi; i++) {
		const uint32_t *level = w->levels[i];
		bool top = i + 1 == w->levels_n;

		for (; lo < hi && (top || lo % INDEX_FAN != 0); lo++)
			if (level[lo] < least)
				least = level[lo];
		for (; lo < hi && hi % INDEX_FAN != 0; hi--)
			if (level[hi - 1] < least)
				least = level[hi - 1];
		lo /= INDEX_FAN;
		hi /= INDEX_FAN;
	}
	return least;
}
