/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a list of near keys is filled up with: keys that begin with the query,
 * then those in which each of its words begins a word, then those in which
 * one does; then those that nearly begin with it, and those whose first words
 * have it as their initials.  They are kept as near keys are (search_near.c),
 * as if they were farther ones, all equally alike.
 *
 * Keys all of whose words have the query as their initials are before all:
 * of a few letters nearly each word is near, and few keys have just these.
 */

#include "config.h"

#include <string.h>

#include "daemon/edits/edits.h"
#include "daemon/search/search_way.h"
#include "daemon/table/word.h"

#define FILL_ONE_LEAST	3	/* bytes of a word that is enough alone */
#define FILL_NEARLY_LEAST	4	/* characters of a beginning */
#define FILL_NEARLY_SURE	2	/* of them are as they are */
#define FILL_INITIALS_LEAST	2	/* characters */

/* Find the words of the query; none of one that has more than there may be. */
static void
fill_words(struct search *search)
{
	struct search_fill *fill = &search->fill;
	size_t at = 0, len = search->key_len;

	fill->n = 0;
	if (len > SEARCH_FILL_MAX)
		return;
	while (at < len) {
		size_t from;

		while (at < len && !word_starts(search->key, len, at))
			at++;
		from = at;
		while (at < len && (at == from ||
		    !word_ends(search->key, len, at)))
			at++;
		if (at == from)
			break;
		if (fill->n == SEARCH_FILL_WORDS) {
			fill->n = 0;
			return;
		}
		fill->words[fill->n].at = from;
		fill->words[fill->n++].len = at - from;
	}
}

/* Where in the keys a word is. */
static struct search_range
fill_range(struct search *search, unsigned int i)
{
	const struct search_fill *fill = &search->fill;
	struct search_range range = { .offset = fill->words[i].at };

	search->work += 1000;
	range.n = index_suffixes(search->index, search->key +
	    fill->words[i].at, fill->words[i].len, &range.lo);
	return range;
}

/* Look where the word is that is in the fewest places. */
static void
fill_rarest(struct search *search)
{
	struct search_hits *hits = &search->hits;

	for (unsigned int i = 0; i < search->fill.n; i++) {
		struct search_range range = fill_range(search, i);

		if (i == 0 || range.n < hits->ranges[0].n)
			hits->ranges[0] = range;
	}
	hits->ranges_n = search->fill.n > 0 ? 1 : 0;
}

/* Look where each of them is. */
static void
fill_each(struct search *search)
{
	struct search_hits *hits = &search->hits;

	hits->ranges_n = 0;
	if (search->fill.n < 2)
		return;
	for (unsigned int i = 0; i < search->fill.n; i++)
		if (search->fill.words[i].len >= FILL_ONE_LEAST)
			hits->ranges[hits->ranges_n++] = fill_range(search,
			    i);
}

/* Look whether the query may be initials: it is a short word. */
static void
fill_initials(struct search *search)
{
	struct search_fill *fill = &search->fill;
	size_t len = search->key_len, at = 0;

	fill->initials_n = 0;
	fill_words(search);
	if (fill->n != 1 || fill->words[0].len != len)
		return;
	for (unsigned int n = 0; at < len; n++) {
		if (n == INDEX_INITIALS)
			return;
		fill->initials[n] = index_char(search->key, len, at);
		at += index_char_len(search->key, len, at);
		if (at == len && n + 1 >= FILL_INITIALS_LEAST)
			fill->initials_n = n + 1;
	}
}

/* The keys that begin with some bytes, of those from one on. */
static void
fill_beginning(struct search *search, const uint8_t *str, size_t len,
    uint32_t from)
{
	search->work += 300;
	search->lo = index_seek(search->index, str, len, false, from);
	search->hi = index_seek(search->index, str, len, true, search->lo);
}

/* Go to the next place in the query where an edit is tried. */
static void
fill_edit_at(struct search *search, size_t at)
{
	struct search_fill *fill = &search->fill;

	fill_beginning(search, search->key, at, 0);
	fill->edit = SEARCH_FILL_LEAVE_OUT;
	fill->at = search->lo < search->hi ? at : search->key_len;
	fill->child = search->lo;
	fill->children = fill->end = search->hi;
	search->hi = search->lo;
}

/*
 * Where the first edit of interest is, from a place on: none is before the
 * query's latter half, if no key has that as it is.
 */
static size_t
fill_first_edit(struct search *search, size_t sure)
{
	const uint8_t *key = search->key;
	size_t half = search->key_len / 2, before, lo;

	while (half > sure && (key[half] & 0xc0) == 0x80)
		half--;
	if (search->index->suffixes == NULL || half <= sure)
		return sure;
	before = half;
	do
		before--;
	while ((key[before] & 0xc0) == 0x80);
	search->work += 1000;
	return index_suffixes(search->index, key + half, search->key_len -
	    half, &lo) > 0 ? sure : before;
}

/* Begin with the query as it is, which has no edit. */
static void
fill_start_nearly(struct search *search)
{
	size_t len = search->key_len, at = 0, sure = 0, n = 0;

	search->fill.at = len;
	if (len > SEARCH_FILL_MAX)
		return;
	for (; at < len && n < FILL_NEARLY_LEAST; n++) {
		if (n == FILL_NEARLY_SURE)
			sure = at;
		at += index_char_len(search->key, len, at);
	}
	if (n == FILL_NEARLY_LEAST)
		fill_edit_at(search, fill_first_edit(search, sure));
}

/* Go through the keys that may have the query as initials. */
static void
fill_start_initials(struct search *search)
{
	struct search_fill *fill = &search->fill;

	if (fill->stage == SEARCH_FILL_BEFORE)
		fill_initials(search);
	if (fill->initials_n > 0)
		index_initials_find(search->index, fill->initials,
		    fill->initials_n, fill->stage == SEARCH_FILL_BEFORE,
		    &search->lo, &search->hi);
}

/* Which ways a table must be searched in for a stage. */
static unsigned int
fill_ways(enum search_fill_stage stage)
{
	switch (stage) {
	case SEARCH_FILL_PREFIX:
		return TABLE_WAY(TABLE_PREFIX);
	case SEARCH_FILL_NEARLY:
		return TABLE_WAY(TABLE_PREFIX) | TABLE_WAY(TABLE_FUZZY);
	case SEARCH_FILL_WORDS_ALL:
	case SEARCH_FILL_WORDS_ONE:
	case SEARCH_FILL_INITIAL:
	case SEARCH_FILL_BEFORE:
	case SEARCH_FILL_STAGES:
		break;
	}
	return TABLE_WAY(TABLE_SUBSTRING);
}

void
search_fill_start(struct search *search, enum search_fill_stage stage)
{
	unsigned int needed = fill_ways(stage);

	search->fill.stage = stage;
	search->fill.at = search->key_len;
	search->lo = search->hi = 0;
	search->hits.range = 0;
	search->hits.at = 0;
	search->hits.ranges_n = 0;
	if ((table_ways(search->tables[search->at]) & needed) != needed ||
	    (needed == TABLE_WAY(TABLE_SUBSTRING) &&
	    search->index->suffixes == NULL))
		return;
	switch (stage) {
	case SEARCH_FILL_PREFIX:
		if (search->key_len > 0 && search->key_len <= SEARCH_FILL_MAX)
			fill_beginning(search, search->key, search->key_len,
			    0);
		break;
	case SEARCH_FILL_WORDS_ALL:
		fill_words(search);
		fill_rarest(search);
		break;
	case SEARCH_FILL_WORDS_ONE:
		fill_each(search);
		break;
	case SEARCH_FILL_NEARLY:
		fill_start_nearly(search);
		break;
	case SEARCH_FILL_INITIAL:
	case SEARCH_FILL_BEFORE:
		fill_start_initials(search);
		break;
	case SEARCH_FILL_STAGES:
		break;
	}
}

/* Whether a word of the query begins one in a key. */
static bool
fill_has(const struct search *search, const uint8_t *key, size_t len,
    unsigned int i)
{
	const uint8_t *word = search->key + search->fill.words[i].at, *p = key;

	while ((p = memmem(p, len - (size_t)(p - key), word,
	    search->fill.words[i].len)) != NULL) {
		if (word_starts(key, len, (size_t)(p - key)))
			return true;
		p++;
	}
	return false;
}

static bool
fill_matches(struct search *search, uint32_t rank, uint32_t pos)
{
	size_t len, at = pos - search->index->starts[rank];
	const uint8_t *key = index_key(search->index, rank, &len);

	search->work += (unsigned int)len;
	if (!word_starts(key, len, at))
		return false;
	if (search->fill.stage == SEARCH_FILL_WORDS_ONE)
		return true;
	for (unsigned int i = 0; i < search->fill.n; i++)
		if (!fill_has(search, key, len, i))
			return false;
	return true;
}

static enum search_result
fill_add(struct search *search, uint32_t rank)
{
	if (search->fill.stage == SEARCH_FILL_BEFORE)
		return search_near(search, rank, 0, 0);
	return search_near(search, rank, EDITS_MAX + 1 +
	    (unsigned int)search->fill.stage, 0);
}

static enum search_result
fill_places(struct search *search)
{
	const struct index *index = search->index;
	uint32_t pos;

	while (search_hits_place_next(&search->hits, index->suffixes, &pos)) {
		uint32_t rank = index_rank(index, pos);
		enum search_result result;

		if (search_near_may(search, rank, 0) &&
		    fill_matches(search, rank, pos) && (result =
		    fill_add(search, rank)) != SEARCH_MORE)
			return result;
		if (search_tick(search, 10))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

static enum search_result
fill_prefix(struct search *search)
{
	while (search->lo < search->hi && search_near_may(search, search->lo,
	    0)) {
		enum search_result result = fill_add(search, search->lo++);

		if (result != SEARCH_MORE)
			return result;
		if (search_tick(search, 10))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

/* The keys that begin with the edited query, where a word of theirs ends. */
static enum search_result
fill_edited(struct search *search)
{
	const struct index *index = search->index;
	size_t end = search->fill.edited_len;

	while (search->lo < search->hi && search_near_may(search, search->lo,
	    0)) {
		enum search_result result = SEARCH_MORE;
		size_t len;
		const uint8_t *key = index_key(index, search->lo, &len);

		if (len < end || memcmp(key, search->fill.edited, end) != 0)
			return SEARCH_DONE;
		if (word_ends(key, len, end))
			result = fill_add(search, search->lo++);
		else if (len == end)
			search->lo++;
		else	/* nor do those that go on alike have one there */
			search->lo = index_seek(index, key, end +
			    index_char_len(key, len, end), true, search->lo);
		if (result != SEARCH_MORE)
			return result;
		if (search_tick(search, 150))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

/* Go to the first key that may begin with the edited query. */
static void
fill_look(struct search *search)
{
	const struct search_fill *fill = &search->fill;

	search->work += 200;
	search->hi = fill->end;
	search->lo = index_lower(search->index, fill->edited,
	    fill->edited_len, false, fill->child, fill->end);
}

/*
 * Make the edited query: up to the place as it is, then some bytes, then what
 * is behind another place.
 */
static void
fill_edit(struct search *search, const uint8_t *put, size_t put_len,
    size_t behind)
{
	struct search_fill *fill = &search->fill;
	size_t len = fill->at;

	memcpy(fill->edited, search->key, len);
	memcpy(fill->edited + len, put, put_len);
	len += put_len;
	memcpy(fill->edited + len, search->key + behind,
	    search->key_len - behind);
	fill->edited_len = len + search->key_len - behind;
	fill_look(search);
}

/* Try another character of the keys at the place; or go to the next one. */
static void
fill_next_child(struct search *search, size_t next)
{
	struct search_fill *fill = &search->fill;
	const uint8_t *key;
	size_t len, bytes;

	/* Those that end there are equal, and have none. */
	if (fill->child < fill->children) {
		index_key(search->index, fill->child, &len);
		if (len == fill->at)
			fill->child = index_behind(search->index,
			    fill->child);
	}
	if (fill->child >= fill->children) {
		fill_edit_at(search, next);
		return;
	}
	key = index_key(search->index, fill->child, &len);
	bytes = index_char_len(key, len, fill->at);
	if (fill->edit == SEARCH_FILL_REPLACE) {
		fill->end = index_seek(search->index, key, fill->at + bytes,
		    true, fill->child);
		fill_edit(search, key + fill->at, bytes, next);
		fill->edit = SEARCH_FILL_INSERT;
		return;
	}
	fill_edit(search, key + fill->at, bytes, fill->at);
	fill->edit = SEARCH_FILL_REPLACE;
	fill->child = fill->end;
}

/* Make the next edit; or none, and then no key is of interest. */
static void
fill_next_edit(struct search *search)
{
	struct search_fill *fill = &search->fill;
	const uint8_t *key = search->key;
	size_t len = search->key_len;
	size_t next = fill->at + index_char_len(key, len, fill->at), last;

	switch (fill->edit) {
	case SEARCH_FILL_LEAVE_OUT:
		fill->edit = SEARCH_FILL_EXCHANGE;
		fill_edit(search, key, 0, next);
		break;
	case SEARCH_FILL_EXCHANGE:
		fill->edit = SEARCH_FILL_REPLACE;
		if (next == len)
			break;
		last = next + index_char_len(key, len, next);
		fill_edit(search, key + next, last - next, last);
		/* The one before it goes in behind it. */
		memmove(fill->edited + last, fill->edited + fill->at + last -
		    next, len - last);
		memcpy(fill->edited + fill->at + last - next, key + fill->at,
		    next - fill->at);
		fill->edited_len = len;
		fill_look(search);
		break;
	case SEARCH_FILL_REPLACE:
	case SEARCH_FILL_INSERT:
		fill_next_child(search, next);
		break;
	}
}

/*
 * Keys that have the query, with an edit, as a beginning: each edit that makes
 * a beginning of some keys is tried, behind what is sure.
 */
static enum search_result
fill_nearly(struct search *search)
{
	for (;;) {
		enum search_result result = fill_edited(search);

		if (result != SEARCH_DONE ||
		    search->fill.at >= search->key_len)
			return result;
		fill_next_edit(search);
		if (search_tick(search, 100))
			return SEARCH_MORE;
	}
}

/* Whether the query is the initials of a key, or the first of them. */
static bool
fill_has_initials(const struct search *search, uint32_t rank, bool small)
{
	const struct search_fill *fill = &search->fill;
	uint32_t initials[INDEX_INITIALS];
	unsigned int n = index_initials(search->index, rank, small, initials);

	return (fill->stage == SEARCH_FILL_BEFORE ? n == fill->initials_n :
	    n >= fill->initials_n) && memcmp(initials, fill->initials,
	    fill->initials_n * sizeof(*initials)) == 0;
}

static enum search_result
fill_walk_initials(struct search *search)
{
	while (search->lo < search->hi) {
		uint32_t rank = index_initials_rank(search->index,
		    search->lo++);
		enum search_result result = SEARCH_MORE;

		if (search_near_may(search, rank, 0)) {
			search->work += 200;
			if (fill_has_initials(search, rank, true) ||
			    fill_has_initials(search, rank, false))
				result = fill_add(search, rank);
		} else if (search->fill.stage == SEARCH_FILL_BEFORE) {
			/* Those behind it have greater ranks. */
			return SEARCH_DONE;
		}
		if (result != SEARCH_MORE)
			return result;
		if (search_tick(search, 5))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

enum search_result
search_fill_work(struct search *search)
{
	switch (search->fill.stage) {
	case SEARCH_FILL_PREFIX:
		return fill_prefix(search);
	case SEARCH_FILL_WORDS_ALL:
	case SEARCH_FILL_WORDS_ONE:
		return fill_places(search);
	case SEARCH_FILL_NEARLY:
		return fill_nearly(search);
	case SEARCH_FILL_INITIAL:
	case SEARCH_FILL_BEFORE:
		return fill_walk_initials(search);
	case SEARCH_FILL_STAGES:
		break;
	}
	return SEARCH_DONE;
}
