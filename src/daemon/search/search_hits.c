/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The keys that hold a string, in their order, as many as are wanted.
 *
 * The suffix array knows where the string is, in an order of its own.  If
 * there are few such places, all are looked at, and of what is found only
 * the first keys are kept, sorted now and then: what is behind the last of
 * them is passed over by one comparison.  If there are very many, reading
 * the text from its start finds enough of them sooner.  That may turn out
 * wrong, as they may all be at its end; so it is given up when it has taken
 * as long as the other way would have.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <stdlib.h>
#include <string.h>

#define SEARCH_TEST_WORK	50	/* a test's, and so for the next ones */
#define SEARCH_RANK_WORK	8
#define SEARCH_SCAN_BYTES	2	/* scanned in a unit of work */
#define SEARCH_SCAN_MOST	16384	/* bytes between looks at the clock */
#define SEARCH_RANKS_LEAST	64
#define SEARCH_FEW		32	/* that insertion sorts quicker */

static void
search_hits_sort_few(uint32_t *ranks, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint32_t rank = ranks[i];
		size_t j = i;

		for (; j > 0 && ranks[j - 1] > rank; j--)
			ranks[j] = ranks[j - 1];
		ranks[j] = rank;
	}
}

/* Sort them; they are less than 2 to the power of bits. */
static void
search_hits_sort(uint32_t *ranks, uint32_t *spare, size_t n,
    unsigned int bits)
{
	uint32_t *from = ranks, *to = spare, *tmp;

	if (n <= SEARCH_FEW) {
		search_hits_sort_few(ranks, n);
		return;
	}
	for (unsigned int shift = 0; shift < bits; shift += 8) {
		uint32_t counts[256] = { 0 }, at = 0;

		for (size_t i = 0; i < n; i++)
			counts[from[i] >> shift & 0xff]++;
		for (unsigned int i = 0; i < 256; i++) {
			uint32_t here = counts[i];

			counts[i] = at;
			at += here;
		}
		for (size_t i = 0; i < n; i++)
			to[counts[from[i] >> shift & 0xff]++] = from[i];
		tmp = from;
		from = to;
		to = tmp;
	}
	if (from != ranks)
		memcpy(ranks, from, n * sizeof(*ranks));
}

/* Sort, pass over those that are there twice, and forget what is too far. */
static void
search_hits_pack(struct search *search)
{
	struct search_hits *hits = &search->hits;
	const struct index *index = search->index;
	size_t want = search_want(search), n = 0;
	unsigned int bits = 32 - (unsigned int)__builtin_clz(index->n);

	search_hits_sort(hits->ranks, hits->ranks + hits->room, hits->n,
	    bits);
	for (size_t i = 0; i < hits->n; i++)
		if (n == 0 || hits->ranks[i] != hits->ranks[n - 1])
			hits->ranks[n++] = hits->ranks[i];
	search->work += (unsigned int)hits->n * (2 + bits / 4);
	if (n >= want) {
		n = want;
		hits->cut = index->starts[hits->ranks[n - 1]];
	}
	hits->n = n;
}

static int
search_hits_add(struct search *search, uint32_t rank)
{
	struct search_hits *hits = &search->hits;
	size_t most = 4 * search_want(search) + SEARCH_RANKS_LEAST;

	if (hits->n == hits->room && hits->room >= most)
		search_hits_pack(search);
	if (hits->n == hits->room) {
		size_t room = hits->room == 0 ? SEARCH_RANKS_LEAST :
		    hits->room * 4;
		uint32_t *ranks;

		if (room > most)
			room = most;
		ranks = reallocarray(hits->ranks, room,
		    2 * sizeof(*ranks));
		if (ranks == NULL)
			return -1;
		hits->ranks = ranks;
		hits->room = room;
	}
	hits->ranks[hits->n++] = rank;
	return 0;
}

static void
search_hits_collect(struct search_hits *hits)
{
	hits->phase = SEARCH_HITS_COLLECT;
	hits->range = 0;
	hits->at = 0;
	hits->n = 0;
	hits->given = 0;
	hits->cut = SIZE_MAX;
}

void
search_hits_init_ranges(struct search *search,
    enum search_verdict (*test)(struct search *, uint32_t, uint32_t))
{
	search->hits.test = test;
	search->hits.from = search_after_rank(search);
	search->hits.str = NULL;
	search_hits_collect(&search->hits);
}

void
search_hits_init(struct search *search, const uint8_t *str, size_t len,
    enum search_verdict (*test)(struct search *, uint32_t, uint32_t))
{
	const struct index *index = search->index;
	struct search_hits *hits = &search->hits;
	double each = test == NULL ? 1 : SEARCH_TEST_WORK, scan, collect;

	hits->ranges_n = 1;
	search_hits_init_ranges(search, test);
	hits->str = str;
	hits->str_len = len;
	hits->scan = index->starts[hits->from];
	hits->ranges[0].n = index_suffixes(index, str, len,
	    &hits->ranges[0].lo);
	if (hits->ranges[0].n == 0)
		return;
	collect = (double)hits->ranges[0].n * each;
	scan = (double)search_want(search) * ((double)index->text_len /
	    (double)hits->ranges[0].n / SEARCH_SCAN_BYTES + 20 + each);
	if (scan < collect) {
		hits->phase = SEARCH_HITS_SCAN;
		hits->scan_end = (size_t)(collect * SEARCH_SCAN_BYTES);
	}
}

static enum search_result
search_hits_scan(struct search *search, unsigned int distance)
{
	const struct index *index = search->index;
	struct search_hits *hits = &search->hits;

	while (hits->from < index->n) {
		const uint8_t *from = index->text + hits->scan, *p;
		size_t len = index->text_len - hits->scan;
		enum search_verdict verdict = SEARCH_YES;

		if (hits->scan >= hits->scan_end) {
			search_hits_collect(hits);
			return SEARCH_MORE;
		}
		if (len > SEARCH_SCAN_MOST + hits->str_len)
			len = SEARCH_SCAN_MOST + hits->str_len;
		p = memmem(from, len, hits->str, hits->str_len);
		if (p == NULL) {
			if (hits->scan + len == index->text_len)
				return SEARCH_DONE;
			hits->scan += len - hits->str_len + 1;
			if (search_tick(search, (unsigned int)len /
			    SEARCH_SCAN_BYTES))
				return SEARCH_MORE;
			continue;
		}
		hits->scan = (size_t)(p - index->text);
		hits->from = index_rank(index, (uint32_t)hits->scan);
		if (hits->test != NULL)
			verdict = hits->test(search, hits->from,
			    (uint32_t)hits->scan);
		if (verdict == SEARCH_AGAIN)
			return SEARCH_MORE;
		if (verdict == SEARCH_TOO_LATE)
			return SEARCH_LATE;
		hits->scan = index->starts[++hits->from];
		if (verdict == SEARCH_YES) {
			enum search_result result = search_push(search,
			    index_id(index, hits->from - 1), distance);

			if (result != SEARCH_MORE)
				return result;
		}
		if (search_tick(search, 20 + (unsigned int)(index->text +
		    hits->scan - from) / SEARCH_SCAN_BYTES))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

/*
 * Look at one place in the suffix array.
 *
 * from  where the text of interest starts
 *
 * Returns SEARCH_DONE, or why to leave, perhaps to look at it again.
 */
static inline enum search_result
search_hits_place(struct search *search, uint32_t pos, size_t from)
{
	struct search_hits *hits = &search->hits;
	enum search_verdict verdict = SEARCH_YES;
	uint32_t rank;

	if (pos < from || pos >= hits->cut)
		return SEARCH_DONE;
	rank = index_rank(search->index, pos);
	if (hits->test != NULL)
		verdict = hits->test(search, rank, pos);
	if (verdict == SEARCH_AGAIN)
		return SEARCH_MORE;
	if (verdict == SEARCH_TOO_LATE)
		return SEARCH_LATE;
	if (verdict == SEARCH_YES && search_hits_add(search, rank) == -1)
		return SEARCH_FAILED;
	search->work += SEARCH_RANK_WORK;
	return SEARCH_DONE;
}

static enum search_result
search_hits_look(struct search *search)
{
	const struct index *index = search->index;
	struct search_hits *hits = &search->hits;
	size_t from = index->starts[hits->from];

	for (; hits->range < hits->ranges_n; hits->range++, hits->at = 0) {
		const struct search_range *range = &hits->ranges[hits->range];

		while (hits->at < range->n) {
			enum search_result result = search_hits_place(search,
			    (uint32_t)index->suffixes[range->lo + hits->at],
			    from);

			if (result != SEARCH_DONE)
				return result;
			hits->at++;
			if (search_tick(search, 1))
				return SEARCH_MORE;
		}
	}
	if (hits->n > 0)
		search_hits_pack(search);
	hits->phase = SEARCH_HITS_GIVE;
	return SEARCH_DONE;
}

static enum search_result
search_hits_give(struct search *search, unsigned int distance)
{
	struct search_hits *hits = &search->hits;

	while (hits->given < hits->n) {
		uint32_t rank = hits->ranks[hits->given++];
		enum search_result result = search_push(search,
		    index_id(search->index, rank), distance);

		if (result != SEARCH_MORE)
			return result;
		hits->from = rank + 1;
		if (search_tick(search, 5))
			return SEARCH_MORE;
	}
	if (hits->cut == SIZE_MAX || hits->from >= search->index->n)
		return SEARCH_DONE;
	/* Some were hidden, and behind them there may be more. */
	search_hits_collect(hits);
	return SEARCH_MORE;
}

enum search_result
search_hits_work(struct search *search, unsigned int distance)
{
	struct search_hits *hits = &search->hits;

	for (;;) {
		enum search_result result = SEARCH_DONE;

		switch (hits->phase) {
		case SEARCH_HITS_SCAN:
			result = search_hits_scan(search, distance);
			if (hits->phase != SEARCH_HITS_SCAN)
				continue;
			return result;
		case SEARCH_HITS_COLLECT:
			result = search_hits_look(search);
			if (result != SEARCH_DONE)
				return result;
			break;
		case SEARCH_HITS_GIVE:
			result = search_hits_give(search, distance);
			if (hits->phase != SEARCH_HITS_GIVE)
				continue;
			return result;
		}
	}
}

void
search_hits_clear(struct search *search)
{
	free(search->hits.ranks);
	search->hits.ranks = NULL;
	search->hits.n = search->hits.room = 0;
}
