/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Prefix, substring, words and text by weight: the weightiest keys first, and
 * of equal ones the first by its bytes.  Each key of a table that weighs has a
 * place in that order (index_weights), and a search is for the least places.  A
 * table that does not weigh is searched as without.
 *
 * The keys that begin with a string are neighbours.  The first of them comes
 * from the tree of least places, the next one out of what is left of it and
 * right of it, and so on: a heap of runs of ranks, of which there is one more
 * for each match.  That works from the weightiest on only.  Behind a key, and
 * where a good part of all keys match, the order is followed for a while, which
 * then is quicker.  Where that is not enough behind a key, and where few match,
 * all of these are looked at, and as many are kept as are wanted, as it is done
 * for substring.
 *
 * How many keys hold a string is not known before they are found, but of how
 * many places they are to be found is.  Where that is many, the order is
 * followed first, and the keys on it are looked at, as long as enough of them
 * match; else all that is found is, each once.
 *
 * Words are found by search_words.c in that order.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <stdlib.h>
#include <string.h>

#define NO_PLACE	UINT32_MAX
#define FOLLOW_SHARE	8	/* places followed, of all that would be
				   looked at */
#define TEST_WORK	60	/* of one of those, and for each byte 1 */
#define HEAP_ROOM	16	/* runs at first */
#define LEAST_WORK	100	/* of one step in the tree */
#define KEEP_WORK	20	/* of one that is kept */

struct search_weight_tuning search_weight_tuning = {
	.follow_most = 1024,
	.follow_part = 64,
	.look_most = 128
};

/* Ranks from lo up to hi, and the least place among them. */
struct run {
	uint32_t place;
	uint32_t lo, hi;
};

struct search_weight {
	enum { FROM_TREE, FOLLOW, LOOK, GIVE, WORDS } phase;
	bool inside;		/* substring: hits, not ranks */
	uint32_t lo, hi;	/* ranks */
	size_t from, n;		/* hits: in the suffix array */
	uint32_t behind;	/* only places from here on */
	bool start;		/* it began with the weightiest */
	struct run *runs;	/* owned: a heap; the least is first */
	size_t runs_n, runs_room;
	uint32_t follow;	/* the place in hand */
	uint32_t follow_to;
	uint32_t followed, met;	/* inside: from where on, and how many
				   matched */
	size_t at;		/* of ranks or hits that are looked at */
	uint32_t *kept;		/* owned: places, a heap; the greatest is
				   first; then sorted */
	size_t kept_n, want, given;
};

/* Whether that is how the table in hand is searched. */
static bool
is_weighed(const struct search *search)
{
	return search->index->weights != NULL;
}

static const struct search_way *
plain_way(const struct search *search)
{
	if (search_is_for_words(search))
		return &search_words;
	return search->wanted == TABLE_PREFIX ? &search_prefix :
	    &search_substring;
}

/* Behind which place it is to go on, where that is in the table in hand. */
static enum search_result
find_behind(struct search *search)
{
	const struct search_after *after = &search->after;
	const struct index *index = search->index;
	const uint8_t *key;
	uint32_t rank;
	size_t len;

	search->weight->behind = 0;
	if (!search_is_after(search))
		return SEARCH_MORE;
	rank = index_seek(index, after->key, after->key_len, false, 0);
	if (rank < index->n) {
		key = index_key(index, rank, &len);
		if (len == after->key_len &&
		    memcmp(key, after->key, len) == 0) {
			rank = search_after_own(search, rank);
			search->weight->behind =
			    index->weights->levels[0][rank] + 1;
			return SEARCH_MORE;
		}
	}
	search->why = "the table does not have the key to go on after, which "
	    "so weighs nothing";
	return SEARCH_LOST;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer forgets who owns the runs as soon as they are w's. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static int
runs_add(struct search *search, uint32_t lo, uint32_t hi)
{
	struct search_weight *w = search->weight;
	struct run run = { index_least(search->index->weights, lo, hi), lo,
	    hi }, *runs;
	size_t room, i;

	if (lo == hi)
		return 0;
	if (w->runs_n == w->runs_room) {
		room = w->runs_room == 0 ? HEAP_ROOM : 2 * w->runs_room;
		runs = reallocarray(w->runs, room, sizeof(*runs));
		if (runs == NULL)
			return -1;
		w->runs = runs;
		w->runs_room = room;
	}
	for (i = w->runs_n++; i > 0 && run.place <
	    w->runs[(i - 1) / 2].place; i = (i - 1) / 2)
		w->runs[i] = w->runs[(i - 1) / 2];
	w->runs[i] = run;
	return 0;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/* The run with the least place; there is one. */
static struct run
runs_take(struct search_weight *w)
{
	struct run first = w->runs[0], last = w->runs[--w->runs_n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->runs_n) {
		if (child + 1 < w->runs_n && w->runs[child + 1].place <
		    w->runs[child].place)
			child++;
		if (last.place <= w->runs[child].place)
			break;
		w->runs[i] = w->runs[child];
		i = child;
	}
	w->runs[i] = last;
	return first;
}

static enum search_result
from_tree(struct search *search)
{
	const struct index *index = search->index;
	struct search_weight *w = search->weight;

	while (w->runs_n > 0) {
		struct run run = runs_take(w);
		uint32_t rank = index->weights->order[run.place];
		enum search_result result;

		if (runs_add(search, run.lo, rank) == -1 ||
		    runs_add(search, rank + 1, run.hi) == -1)
			return SEARCH_FAILED;
		/* What is before that was followed. */
		result = run.place < w->behind ? SEARCH_MORE :
		    search_push(search, index_id(index, rank), 0);
		if (result != SEARCH_MORE)
			return result;
		if (search_tick(search, 2 * LEAST_WORK))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

/* Whether a key on the way matches. */
static bool
is_met(struct search *search, uint32_t rank)
{
	struct search_weight *w = search->weight;
	const uint8_t *key;
	size_t len;
	bool met;

	if (!w->inside)
		return rank >= w->lo && rank < w->hi;
	key = index_key(search->index, rank, &len);
	met = memmem(key, len, search->key, search->key_len) != NULL;
	search->work += TEST_WORK + (unsigned int)len;
	w->met += met;
	return met;
}

/*
 * Whether to go on twice as far: where as many are wanted as are met before as
 * many keys are looked at as there are to be looked at else.
 */
static bool
goes_on(struct search *search)
{
	struct search_weight *w = search->weight;
	uint32_t n = w->follow - w->followed, left = search->index->n -
	    w->follow;

	if (!w->inside || n == 0 ||
	    (uint64_t)w->want * n > (uint64_t)w->met * w->n)
		return false;
	w->follow_to = w->follow + (n < left ? n : left);
	return true;
}

/* Go along the order of all keys, for a while. */
static enum search_result
follow(struct search *search)
{
	const struct index *index = search->index;
	struct search_weight *w = search->weight;

	while (w->follow < w->follow_to) {
		uint32_t rank = index->weights->order[w->follow++];

		if (is_met(search, rank)) {
			enum search_result result = search_push(search,
			    index_id(index, rank), 0);

			if (result != SEARCH_MORE)
				return result;
		}
		if (search_tick(search, 1))
			return SEARCH_MORE;
	}
	if (w->follow == index->n)
		return SEARCH_DONE;
	if (goes_on(search))
		return SEARCH_MORE;
	w->behind = w->follow;
	if (!w->start || w->inside) {
		w->phase = LOOK;
		return SEARCH_MORE;
	}
	w->phase = FROM_TREE;
	return runs_add(search, w->lo, w->hi) == -1 ? SEARCH_FAILED :
	    SEARCH_MORE;
}

/* Put a place into the heap of kept ones instead of its greatest. */
static void
sink(struct search_weight *w, uint32_t place)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->kept_n) {
		if (child + 1 < w->kept_n && w->kept[child + 1] >
		    w->kept[child])
			child++;
		if (place >= w->kept[child])
			break;
		w->kept[i] = w->kept[child];
		i = child;
	}
	w->kept[i] = place;
}

static bool
is_wanted(const struct search_weight *w, uint32_t place)
{
	return place >= w->behind && (w->kept_n < w->want ||
	    place < w->kept[0]);
}

static void
keep(struct search *search, uint32_t place)
{
	struct search_weight *w = search->weight;
	size_t i;

	if (!is_wanted(w, place))
		return;
	search->work += KEEP_WORK;
	/* A key may hold a string more than once. */
	if (w->inside) {
		search->work += (unsigned int)w->kept_n / 4;
		for (i = 0; i < w->kept_n; i++)
			if (w->kept[i] == place)
				return;
	}
	if (w->kept_n == w->want) {
		sink(w, place);
		return;
	}
	for (i = w->kept_n++; i > 0 && place > w->kept[(i - 1) / 2];
	    i = (i - 1) / 2)
		w->kept[i] = w->kept[(i - 1) / 2];
	w->kept[i] = place;
}

static int
compare_places(const void *a, const void *b)
{
	uint32_t p = *(const uint32_t *)a, q = *(const uint32_t *)b;

	return p < q ? -1 : p > q;
}

static void
keep_rank(struct search *search, uint32_t rank)
{
	keep(search, search->index->weights->levels[0][rank]);
}

/* All are looked at: on to what was kept. */
static enum search_result
sort_kept(struct search_weight *w)
{
	if (w->kept_n > 0)
		qsort(w->kept, w->kept_n, sizeof(*w->kept), compare_places);
	w->given = 0;
	w->phase = GIVE;
	return SEARCH_MORE;
}

/* Look at all that match, and keep the least places. */
static enum search_result
look(struct search *search)
{
	const struct index *index = search->index;
	struct search_weight *w = search->weight;
	size_t n = w->inside ? w->n : w->hi - w->lo;

	while (w->at < n) {
		uint32_t rank = !w->inside ? w->lo + (uint32_t)w->at :
		    index_rank(index, (uint32_t)index->suffixes[w->from +
		    w->at]);

		w->at++;
		keep_rank(search, rank);
		if (search_tick(search, w->inside ? 10 : 1))
			return SEARCH_MORE;
	}
	return sort_kept(w);
}

static enum search_result
give(struct search *search)
{
	const struct index *index = search->index;
	struct search_weight *w = search->weight;

	while (w->given < w->kept_n) {
		uint32_t rank = index->weights->order[w->kept[w->given++]];
		enum search_result result = search_push(search,
		    index_id(index, rank), 0);

		if (result != SEARCH_MORE)
			return result;
		if (search_tick(search, 5))
			return SEARCH_MORE;
	}
	if (w->kept_n < w->want)
		return SEARCH_DONE;
	/* Some were hidden, and behind them there may be more. */
	w->behind = w->kept[w->kept_n - 1] + 1;
	w->phase = LOOK;
	w->at = 0;
	w->kept_n = 0;
	return SEARCH_MORE;
}

/* What matches in the table in hand. */
static void
find_matches(struct search *search)
{
	const struct index *index = search->index;
	struct search_weight *w = search->weight;

	if (w->inside) {
		w->n = index_suffixes(index, search->key, search->key_len,
		    &w->from);
		return;
	}
	w->lo = search->key_len == 0 ? 0 : index_seek(index, search->key,
	    search->key_len, false, 0);
	w->hi = search->key_len == 0 ? index->n : index_seek(index,
	    search->key, search->key_len, true, w->lo);
}

/* What to begin with, of n keys in all. */
static void
choose_phase(struct search_weight *w, uint32_t n)
{
	uint32_t matches = w->hi - w->lo, most;

	if (matches <= search_weight_tuning.look_most)
		w->phase = LOOK;
	else if (!w->start || matches >= n /
	    search_weight_tuning.follow_part)
		w->phase = FOLLOW;
	else
		w->phase = FROM_TREE;
	most = w->start ? search_weight_tuning.follow_most :
	    matches / FOLLOW_SHARE;
	w->follow = w->behind;
	w->follow_to = most < n - w->follow ? w->follow + most : n;
}

/* The same where keys are looked into. */
static void
choose_inside(struct search_weight *w, uint32_t n)
{
	/* One of these matches, where enough do to go on. */
	uint64_t most = w->n / w->want;

	w->phase = w->n > search_weight_tuning.look_most ? FOLLOW : LOOK;
	w->followed = w->follow = w->behind;
	w->follow_to = most < n - w->follow ? w->follow + (uint32_t)most : n;
	w->met = 0;
}

static enum search_result
search_weight_begin(struct search *search)
{
	struct search_weight *w = search->weight;
	enum search_result result;

	if (!is_weighed(search))
		return plain_way(search)->begin(search);
	if (w == NULL) {
		w = search->weight = calloc(1, sizeof(*w));
		if (w == NULL)
			return SEARCH_FAILED;
		w->kept = reallocarray(NULL, search->limit + 1,
		    sizeof(*w->kept));
		if (w->kept == NULL)
			return SEARCH_FAILED;
	}
	if ((result = find_behind(search)) != SEARCH_MORE)
		return result;
	w->want = search_want(search);
	w->runs_n = w->kept_n = w->at = 0;
	w->start = w->behind == 0;
	w->inside = search->wanted == TABLE_SUBSTRING && search->key_len > 0;
	if (search_is_for_words(search)) {
		w->phase = WORDS;
		result = search_words_begin_weighed(search, w->behind);
		if (result != SEARCH_DONE)
			return result;
	}
	find_matches(search);
	if (w->inside)
		choose_inside(w, search->index->n);
	else
		choose_phase(w, search->index->n);
	if (w->phase == FROM_TREE && runs_add(search, w->lo, w->hi) == -1)
		return SEARCH_FAILED;
	return SEARCH_MORE;
}

static enum search_result
search_weight_work(struct search *search)
{
	enum search_result result = SEARCH_MORE;

	if (!is_weighed(search))
		return plain_way(search)->work(search);
	switch (search->weight->phase) {
	case FROM_TREE:
		result = from_tree(search);
		break;
	case FOLLOW:
		result = follow(search);
		break;
	case LOOK:
		result = look(search);
		break;
	case GIVE:
		result = give(search);
		break;
	case WORDS:
		result = search_words.work(search);
		break;
	}
	return result;
}

static void
search_weight_end(struct search *search)
{
	struct search_weight *w = search->weight;

	search_words.end(search);
	if (w == NULL)
		return;
	free(w->runs);
	free(w->kept);
	free(w);
	search->weight = NULL;
}

size_t
search_weight_held(const struct search *search)
{
	const struct search_weight *w = search->weight;

	return w == NULL ? 0 : sizeof(*w) + w->runs_room * sizeof(*w->runs) +
	    (search->limit + 1) * sizeof(*w->kept);
}

const struct search_way search_weight = {
	.begin = search_weight_begin,
	.work = search_weight_work,
	.end = search_weight_end
};
