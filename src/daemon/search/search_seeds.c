/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Places in the suffix array where all keys within a small distance of a
 * query show up.
 *
 * Cut the query in one piece more than there may be edits: an edit changes
 * one piece, so that one at least is in the key as it was.  Only the
 * exchange of the two characters at a cut changes two.  Then the query with
 * those exchanged is one edit nearer, and of that, with two edits, either
 * the piece far from the cut or the two pieces at it together are in the
 * key; with one edit, or with both cuts so, it is the key.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <stdlib.h>
#include <string.h>

#define SEEDS_CHARS	2	/* the least in a piece */

struct seeds {
	struct search *search;
	const uint32_t *ends;
	size_t n;		/* characters */
	size_t left;		/* hits that are still worth it */
};

/* Add where characters from to to of a variant of the query are. */
static bool
seeds_add(struct seeds *seeds, const uint8_t *str, size_t from, size_t to)
{
	struct search_hits *hits = &seeds->search->hits;
	struct search_range *range = &hits->ranges[hits->ranges_n];
	size_t offset = seeds->ends[from], len = seeds->ends[to] - offset;

	/* All of it is a whole key. */
	if (from == 0 && to == seeds->n)
		len++;
	range->offset = offset;
	range->n = index_suffixes(seeds->search->index, str + offset, len,
	    &range->lo);
	seeds->search->work += 1000;
	if (range->n > seeds->left)
		return false;
	seeds->left -= range->n;
	if (range->n > 0)
		hits->ranges_n++;
	return true;
}

/* Exchange the characters on both sides of a cut. */
static void
seeds_swap(const struct seeds *seeds, uint8_t *str, size_t cut)
{
	const uint8_t *key = seeds->search->key;
	const uint32_t *ends = seeds->ends;
	size_t before = ends[cut] - ends[cut - 1];
	size_t behind = ends[cut + 1] - ends[cut];

	memcpy(str + ends[cut - 1], key + ends[cut], behind);
	memcpy(str + ends[cut - 1] + behind, key + ends[cut - 1], before);
}

static bool
seeds_one(struct seeds *seeds, uint8_t *str)
{
	const uint8_t *key = seeds->search->key;
	size_t cut = seeds->n / 2;

	seeds_swap(seeds, str, cut);
	return seeds_add(seeds, key, 0, cut) &&
	    seeds_add(seeds, key, cut, seeds->n) &&
	    seeds_add(seeds, str, 0, seeds->n);
}

static bool
seeds_two(struct seeds *seeds, uint8_t *str)
{
	const uint8_t *key = seeds->search->key;
	size_t a = seeds->n / 3, b = seeds->n - a, n = seeds->n;

	if (!seeds_add(seeds, key, 0, a) || !seeds_add(seeds, key, a, b) ||
	    !seeds_add(seeds, key, b, n))
		return false;
	seeds_swap(seeds, str, a);
	if (!seeds_add(seeds, str, 0, b))
		return false;
	seeds_swap(seeds, str, b);
	if (!seeds_add(seeds, str, 0, n))
		return false;
	memcpy(str, key, seeds->ends[b - 1]);
	return seeds_add(seeds, str, a, n);
}

bool
search_seeds(struct search *search, const uint32_t *ends, size_t n,
    unsigned int distance, size_t most)
{
	struct seeds seeds = { search, ends, n, most };
	uint8_t *str;
	bool done;

	search->hits.ranges_n = 0;
	if (search->index->suffixes == NULL ||
	    n < SEEDS_CHARS * ((size_t)distance + 1) ||
	    (str = malloc(search->key_len + 1)) == NULL)
		return false;
	memcpy(str, search->key, search->key_len + 1);
	done = distance == 1 ? seeds_one(&seeds, str) :
	    seeds_two(&seeds, str);
	free(str);
	return done;
}
