/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Keys by the initials of their words: which of very many keys have some, is
 * known without a look at each.  Instead of the initials there are small
 * numbers of them, so that some keys that are found have others.
 */

#include "config.h"

#include "daemon/index/index_private.h"

#include <stdlib.h>

#include "daemon/table/word.h"
#include "daemon/thread/pace.h"

/* Those of a key as a number: five bits each, the first in the highest, and
 * the lowest for whether it has more. */
#define INITIAL_BITS	5
#define INITIALS_BITS	(INITIAL_BITS * INDEX_INITIALS + 1)
#define TAIL_BITS	16
#define HEADS		(1u << (INITIALS_BITS - TAIL_BITS))
#define SORT_BITS	(INITIALS_BITS / 2)

struct index_initials {
	uint32_t n;
	uint32_t *ranks;	/* owned; by those numbers */
	uint16_t *tails;	/* owned: their low bits */
	uint32_t heads[HEADS + 1];	/* where those with some high bits
					   start */
};

/* 1 to 31; a letter's is its own. */
static uint32_t
initial_number(uint32_t c)
{
	if ((c | 0x20) - 'a' < 26)
		return (c | 0x20) - 'a' + 1;
	return 1 + (c * 0x9e3779b1u >> 16) % 31;
}

static uint32_t
initials_number(const uint32_t *initials, unsigned int n)
{
	uint32_t number = 0;

	for (unsigned int i = 0; i < INDEX_INITIALS; i++)
		number = number << INITIAL_BITS |
		    (i < n ? initial_number(initials[i]) : 0);
	return number << 1 | (n > INDEX_INITIALS);
}

unsigned int
index_initials(const struct index *index, uint32_t rank, bool small,
    uint32_t initials[INDEX_INITIALS])
{
	size_t len, start, end = 0;
	const uint8_t *key = index_key(index, rank, &len);
	unsigned int n = 0;

	while (n <= INDEX_INITIALS && word_next(key, len, &start, &end)) {
		size_t at = start;
		unsigned int chars = 0;

		for (; at < end && chars <= INDEX_INITIALS_SMALL; chars++)
			at += index_char_len(key, end, at);
		if (n > 0 && (chars < 2 ||
		    (!small && chars <= INDEX_INITIALS_SMALL)))
			continue;
		if (n < INDEX_INITIALS)
			initials[n] = index_char(key, end, start);
		n++;
	}
	return n;
}

/* The numbers of all keys above their ranks. */
static uint32_t
initials_gather(const struct index *index, uint64_t *items)
{
	uint32_t initials[INDEX_INITIALS], n = 0;

	for (uint32_t rank = 0; rank < index->n; rank++) {
		unsigned int all = index_initials(index, rank, true, initials);
		uint32_t number = initials_number(initials, all);

		if (rank % PACE_ENTRIES == 0)
			pace();
		if (all < 2)
			continue;
		items[n++] = (uint64_t)number << 32 | rank;
		all = index_initials(index, rank, false, initials);
		if (all >= 2 && initials_number(initials, all) != number)
			items[n++] = (uint64_t)initials_number(initials,
			    all) << 32 | rank;
	}
	return n;
}

/* By some bits of their numbers, those that are equal as they are. */
static void
initials_sort(const uint64_t *from, uint64_t *to, uint32_t n,
    unsigned int shift)
{
	uint32_t places[1u << SORT_BITS] = { 0 }, before = 0;
	const uint64_t mask = (1u << SORT_BITS) - 1;

	for (uint32_t i = 0; i < n; i++)
		places[from[i] >> shift & mask]++;
	for (size_t i = 0; i <= mask; i++) {
		uint32_t here = places[i];

		places[i] = before;
		before += here;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (i % PACE_ENTRIES == 0)
			pace();
		to[places[from[i] >> shift & mask]++] = from[i];
	}
}

static int
initials_take(struct index_initials *all, const uint64_t *items, uint32_t n)
{
	uint32_t head = 0;

	all->ranks = malloc(((size_t)n + 1) * sizeof(*all->ranks));
	all->tails = malloc(((size_t)n + 1) * sizeof(*all->tails));
	if (all->ranks == NULL || all->tails == NULL)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		all->ranks[i] = (uint32_t)items[i];
		all->tails[i] = (uint16_t)(items[i] >> 32);
		while (head <= items[i] >> (32 + TAIL_BITS))
			all->heads[head++] = i;
	}
	while (head <= HEADS)
		all->heads[head++] = n;
	all->n = n;
	return 0;
}

int
index_fill_initials(struct index *index)
{
	size_t room = 2 * (size_t)index->n + 1;
	uint64_t *items = calloc(room, sizeof(*items));
	uint64_t *sorted = malloc(room * sizeof(*sorted));
	int result = -1;

	index->initials = calloc(1, sizeof(*index->initials));
	if (items != NULL && sorted != NULL && index->initials != NULL) {
		uint32_t n = initials_gather(index, items);

		initials_sort(items, sorted, n, 32);
		initials_sort(sorted, items, n, 32 + SORT_BITS);
		result = initials_take(index->initials, items, n);
	}
	free(items);
	free(sorted);
	return result;
}

void
index_initials_free(struct index_initials *all)
{
	if (all == NULL)
		return;
	free(all->ranks);
	free(all->tails);
	free(all);
}

size_t
index_initials_memory(const struct index_initials *all)
{
	return all == NULL ? 0 : sizeof(*all) + ((size_t)all->n + 1) *
	    (sizeof(*all->ranks) + sizeof(*all->tails));
}

/* The first place whose number is not less than one. */
static uint32_t
initials_lower(const struct index_initials *all, uint32_t number)
{
	uint32_t head = number >> TAIL_BITS;
	uint32_t low, high, tail = number & ((1u << TAIL_BITS) - 1);

	if (head >= HEADS)
		return all->n;
	low = all->heads[head];
	high = all->heads[head + 1];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (all->tails[middle] < tail)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
index_initials_find(const struct index *index, const uint32_t *initials,
    unsigned int n, bool whole, uint32_t *lo, uint32_t *hi)
{
	uint32_t number = initials_number(initials, n);
	unsigned int more = whole ? 0 :
	    INITIAL_BITS * (INDEX_INITIALS - n) + 1;

	*lo = initials_lower(index->initials, number);
	*hi = initials_lower(index->initials, number + (1u << more));
}

uint32_t
index_initials_rank(const struct index *index, uint32_t at)
{
	return index->initials->ranks[at];
}
