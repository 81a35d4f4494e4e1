/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a list of near keys is filled up with: keys that begin with the query,
 * then those in which each of its words begins a word, then those in which
 * one does.  They are kept as near keys are (search_near.c), as if they were
 * farther ones, all equally alike.
 */

#include "config.h"

#include <string.h>

#include "daemon/edits/edits.h"
#include "daemon/search/search_way.h"
#include "daemon/table/word.h"

#define FILL_ONE_LEAST	3	/* bytes of a word that is enough alone */

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

void
search_fill_start(struct search *search, enum search_fill_stage stage)
{
	const struct index *index = search->index;
	unsigned int ways = table_ways(search->tables[search->at]);

	search->fill.stage = stage;
	search->lo = search->hi = 0;
	search->hits.range = 0;
	search->hits.at = 0;
	search->hits.ranges_n = 0;
	if (stage == SEARCH_FILL_PREFIX) {
		if (!(ways & TABLE_WAY(TABLE_PREFIX)) ||
		    search->key_len == 0 || search->key_len > SEARCH_FILL_MAX)
			return;
		search->lo = index_seek(index, search->key, search->key_len,
		    false, 0);
		search->hi = index_seek(index, search->key, search->key_len,
		    true, search->lo);
		return;
	}
	if (!(ways & TABLE_WAY(TABLE_SUBSTRING)) || index->suffixes == NULL)
		return;
	if (stage == SEARCH_FILL_WORDS_ALL) {
		fill_words(search);
		fill_rarest(search);
	} else {
		fill_each(search);
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

/* Whether a key was found before, as a nearer one. */
static bool
fill_is_known(const struct search *search, uint32_t rank)
{
	table_id id = index_id(search->index, rank);

	for (size_t i = search->first; i < search->near.from; i++)
		if (search->list[i].id == id)
			return true;
	return false;
}

static enum search_result
fill_add(struct search *search, uint32_t rank)
{
	if (fill_is_known(search, rank))
		return SEARCH_MORE;
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

enum search_result
search_fill_work(struct search *search)
{
	if (search->fill.stage != SEARCH_FILL_PREFIX)
		return fill_places(search);
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
