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

#include "daemon/table/word.h"

#define SEARCH_TEST_WORK	50	/* a test's, and so for the next ones */
#define SEARCH_RANK_WORK	8
#define SEARCH_LOOK_WORK	20	/* where words start in a key */
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

/*
 * Whether a key is none of the others.
 *
 * other  where those are that are not before it; 0 for the first key
 */
static inline bool
search_hits_is_one(const struct search_hits *hits, uint32_t rank,
    size_t *other)
{
	while (*other < hits->others_n && hits->others[*other] < rank)
		++*other;
	return *other == hits->others_n || hits->others[*other] != rank;
}

/* Sort, pass over those that are there twice, and forget what is too far. */
static void
search_hits_pack(struct search *search)
{
	struct search_hits *hits = &search->hits;
	const struct index *index = search->index;
	size_t want = search_want(search), n = 0, other = 0;
	uint32_t last = 0;
	unsigned int bits = 32 - (unsigned int)__builtin_clz(index->n);

	search_hits_sort(hits->ranks, hits->ranks + hits->room, hits->n,
	    bits);
	for (size_t i = 0; i < hits->n && n < want; i++) {
		uint32_t rank = hits->ranks[i];

		if (i > 0 && rank == last)
			continue;
		last = rank;
		if (search_hits_is_one(hits, rank, &other))
			hits->ranks[n++] = rank;
	}
	search->work += (unsigned int)hits->n * (2 + bits / 4);
	if (n == want)
		hits->cut = index->starts[hits->ranks[n - 1]];
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
	search->hits.places = SEARCH_ANYWHERE;
	search->hits.but_n = 0;
	search_hits_collect(&search->hits);
}

/* Look at the places of n, or at the text, whichever finds enough sooner. */
static void
search_hits_choose(struct search *search, size_t n, double each)
{
	const struct index *index = search->index;
	struct search_hits *hits = &search->hits;
	size_t all = hits->ranges[0].n;
	double scan, collect;

	search_hits_collect(hits);
	if (n == 0)
		return;
	collect = (double)n * each + (double)(all - n) / 64;
	scan = (double)search_want(search) * ((double)index->text_len /
	    (double)n / SEARCH_SCAN_BYTES + 20 * (double)all / (double)n +
	    each);
	if (scan < collect) {
		hits->phase = SEARCH_HITS_SCAN;
		hits->whole = false;
		hits->scan = index->starts[hits->from];
		hits->scan_end = hits->scan + (size_t)(collect *
		    SEARCH_SCAN_BYTES);
	}
}

void
search_hits_init(struct search *search, const uint8_t *str, size_t len,
    enum search_verdict (*test)(struct search *, uint32_t, uint32_t))
{
	struct search_hits *hits = &search->hits;

	hits->ranges_n = 1;
	search_hits_init_ranges(search, test);
	hits->str = str;
	hits->str_len = len;
	hits->ranges[0].n = index_suffixes(search->index, str, len,
	    &hits->ranges[0].lo);
	search_hits_choose(search, hits->ranges[0].n, test == NULL ? 1 :
	    SEARCH_TEST_WORK);
}

void
search_hits_find(struct search *search, const uint8_t *str, size_t len)
{
	struct search_hits *hits = &search->hits;
	struct search_range *range = &hits->ranges[0];

	hits->ranges_n = 1;
	hits->str = str;
	hits->str_len = len;
	range->n = index_suffixes(search->index, str, len, &range->lo);
	hits->starts = index_count_starts(search->index, range->lo, range->n);
	hits->words = word_starts(str, len, 0);
	hits->mixed = true;
	hits->but_n = 0;
	hits->whole = false;
	search->work += 1000;
}

void
search_hits_start(struct search *search, enum search_places places,
    uint32_t from)
{
	struct search_hits *hits = &search->hits;

	free(hits->others);
	hits->others = NULL;
	hits->others_n = 0;
	if (places == SEARCH_INSIDE && hits->mixed && hits->whole &&
	    hits->n > 0) {
		hits->others = hits->ranks;
		hits->others_n = hits->n;
		hits->ranks = NULL;
		hits->room = 0;
	}
	if (places == SEARCH_INSIDE && hits->whole)
		hits->mixed = false;
	hits->test = NULL;
	hits->places = places;
	hits->whole = from == 0;
	hits->from = from;
	search_hits_choose(search, places == SEARCH_STARTS ? hits->starts :
	    hits->ranges[0].n - hits->starts, 1);
}

/*
 * Whether a key is wanted that holds the string.
 *
 * sure  it is not needed to look where in it
 */
static inline bool
search_hits_is_wanted(struct search *search, uint32_t rank, bool sure)
{
	const struct search_hits *hits = &search->hits;

	if (rank - hits->but < hits->but_n)
		return false;
	if (sure)
		return true;
	search->work += SEARCH_LOOK_WORK;
	return (hits->words && index_starts_in(search->index, rank, hits->str,
	    hits->str_len)) == (hits->places == SEARCH_STARTS);
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
		if (!search_hits_is_wanted(search, hits->from, hits->places ==
		    SEARCH_ANYWHERE))
			verdict = SEARCH_NO;
		else if (hits->test != NULL)
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
	/* Elsewhere in the key it may be where a word starts. */
	if (!search_hits_is_wanted(search, rank, hits->places !=
	    SEARCH_INSIDE || !hits->mixed || !hits->words))
		return SEARCH_DONE;
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

/*
 * Which of the next places in a range are wanted, a bit for each.
 *
 * n  set to how many that are, 1 to 64
 */
static inline uint64_t
search_hits_next(const struct search *search, const struct search_range *range,
    size_t *n)
{
	const struct search_hits *hits = &search->hits;
	uint64_t bits = index_starts_at(search->index, range->lo + hits->at,
	    range->lo + range->n, n);

	if (hits->places == SEARCH_STARTS)
		return bits;
	if (hits->places == SEARCH_INSIDE)
		bits = ~bits;
	else
		bits = UINT64_MAX;
	return bits & UINT64_MAX >> (64 - *n);
}

static enum search_result
search_hits_look(struct search *search)
{
	const struct index *index = search->index;
	struct search_hits *hits = &search->hits;
	size_t from = index->starts[hits->from], at, n;

	for (; hits->range < hits->ranges_n; hits->range++, hits->at = 0) {
		const struct search_range *range = &hits->ranges[hits->range];

		while (hits->at < range->n) {
			uint64_t bits = search_hits_next(search, range, &n);

			for (at = hits->at; bits != 0; bits &= bits - 1) {
				enum search_result result;

				hits->at = at + (size_t)__builtin_ctzll(bits);
				result = search_hits_place(search, (uint32_t)
				    index->suffixes[range->lo + hits->at],
				    from);
				if (result != SEARCH_DONE)
					return result;
				if (search_tick(search, 1)) {
					hits->at++;
					return SEARCH_MORE;
				}
			}
			hits->at = at + n;
			if (hits->places == SEARCH_STARTS)
				hits->at = index_skip_starts(index,
				    range->lo + hits->at, range->lo +
				    range->n) - range->lo;
			if (search_tick(search, (unsigned int)(1 +
			    (hits->at - at) / INDEX_STARTS)))
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
	hits->whole = false;
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
	if (search->hits.room == 0 && search->hits.others == NULL)
		return;
	free(search->hits.ranks);
	free(search->hits.others);
	search->hits.ranks = search->hits.others = NULL;
	search->hits.n = search->hits.room = search->hits.others_n = 0;
}
