/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A search from table to table, in slices of time.  How a single table is
 * searched is in search_*.c.
 */

#include "config.h"

#include "daemon/search/search.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/search/search_way.h"

/* All the time that a search gets, in nanoseconds of its slices. */
#define SEARCH_TIME	INT64_C(2000000000)

/* Bytes that a way holds besides: for a walk of the longest key, for each of
 * the query's; for a pattern's machine code and its stack. */
#define FUZZY_HELD	((size_t)2 * TABLE_KEY_MAX)
#define FUZZY_CHAR_HELD	28
#define REGEX_HELD	((size_t)64 << 10)

static const struct search_way *
search_way(const struct search_query *query)
{
	if (query->by_weight && (query->way == TABLE_PREFIX ||
	    query->way == TABLE_SUBSTRING || query->way == TABLE_WORDS ||
	    query->way == TABLE_TEXT))
		return &search_weight;
	switch (query->way) {
	case TABLE_EXACT:
		return &search_exact;
	case TABLE_PREFIX:
		return &search_prefix;
	case TABLE_SUFFIX:
		return &search_suffix;
	case TABLE_SUBSTRING:
		return &search_substring;
	case TABLE_FUZZY:
		return &search_fuzzy;
	case TABLE_REGEX:
		return &search_regex;
	case TABLE_WORDS:
	case TABLE_TEXT:
		return &search_words;
	case TABLE_WAYS:
		break;
	}
	return NULL;
}

struct search *
search_new(const struct table *const *tables, size_t n,
    const struct search_query *query)
{
	/* The tables and the value lie behind it: most searches are short, and
	 * cost little but what is allocated. */
	struct search *search = malloc(sizeof(*search) +
	    n * sizeof(*search->tables) + query->key_len + 1 +
	    (query->fill ? SEARCH_FILL_ROOM : 0));

	if (search == NULL)
		return NULL;
	memset(search, 0, sizeof(*search));
	search->way = search_way(query);
	search->wanted = query->way;
	search->limit = query->limit;
	search->distance = query->distance;
	search->fill.wanted = query->fill;
	search->n = n;
	search->apart = search->itself = search->way != NULL &&
	    search->way->itself != NULL && (n > 1 || !search->way->is_first ||
	    (n == 1 && table_has_equals(tables[0])));
	search->plain_len = query->key_len;
	search->tables = (const struct table **)(search + 1);
	search->plain = (uint8_t *)(search->tables + n);
	if (query->after_len > 0 && search_after_init(&search->after,
	    query->after, query->after_len) == -1) {
		search_free(search);
		return NULL;
	}
	if (n > 0)
		memcpy(search->tables, tables, n * sizeof(*tables));
	if (query->key_len > 0)
		memcpy(search->plain, query->key, query->key_len);
	/* So a string that ends a key is the query with one byte more. */
	search->plain[query->key_len] = INDEX_END;
	search->fill.edited = search->plain + query->key_len + 1;
	return search;
}

/* Whether all matches of a table are before the key to go on after. */
static bool
search_is_past(const struct search *search)
{
	const struct search_after *after = &search->after;

	/* By distance, what is behind may be in every table. */
	if (after->plain == NULL || search->wanted == TABLE_FUZZY)
		return false;
	if (search->itself)
		return !after->is_value || search->at < after->at ||
		    (search->at == after->at &&
		    !table_has_equals(search->tables[search->at]));
	return !after->is_value && search->at < after->at;
}

static enum search_result
search_begin(struct search *search)
{
	const struct table *table = search->tables[search->at];
	unsigned int ways = TABLE_WAY(search->wanted);
	enum search_result result;

	search->first = search->found;
	search->equals.begun = false;
	if (search->fill.wanted)
		ways |= TABLE_WAY(TABLE_PREFIX) | TABLE_WAY(TABLE_SUBSTRING);
	/* It is only there to hide what it has. */
	if (!(table_ways(table) & ways) || search_is_past(search))
		return SEARCH_DONE;
	if (search_is_for_words(search) &&
	    search->plain_len > SEARCH_VALUE_MAX) {
		search->why = "the value is longer than 4096 bytes";
		return SEARCH_BAD;
	}
	result = search_compare_as(search, table);
	if (result != SEARCH_MORE)
		return result;
	search->index = table_index(table);
	/* Only exact is searched without one. */
	if (search->index == NULL && search->way != &search_exact)
		return SEARCH_DONE;
	return search->itself ? SEARCH_MORE : search->way->begin(search);
}

/* Go on to the next table, or round. */
static void
search_next(struct search *search)
{
	search->at++;
	search->begun = false;
	if (search->at == search->n && search->itself) {
		search->itself = false;
		search->at = 0;
	}
}

static enum search_result
search_work(struct search *search)
{
	enum search_result result;

	if (search->after.plain != NULL && !search->after.found &&
	    (result = search_after_find(search)) != SEARCH_MORE)
		return result;
	while (search->at < search->n && !search->more) {
		if (!search->begun) {
			result = search_begin(search);
			search->begun = true;
		} else {
			result = search->itself ? search->way->itself(search) :
			    search->way->work(search);
			if (result == SEARCH_MORE)
				return result;
		}
		if (result == SEARCH_DONE)
			search_next(search);
		else if (result != SEARCH_MORE)
			return result;
		if (search->at < search->n && !search->more &&
		    search_tick(search, 100))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

enum search_result
search_step(struct search *search, int64_t slice_us)
{
	int64_t start = clock_ns();
	enum search_result result;

	search->now = start;
	search->until = start + slice_us * 1000;
	search->work = 0;
	search->work_most = slice_us * 250 < SEARCH_WORK ?
	    (unsigned int)slice_us * 250 : SEARCH_WORK;
	result = search_work(search);
	if (result == SEARCH_DONE && search->wanted == TABLE_FUZZY)
		search_near_merge(search);
	if (result == SEARCH_MORE) {
		search->spent += clock_ns() - start;
		if (search->spent > SEARCH_TIME)
			return SEARCH_LATE;
	}
	return result;
}

size_t
search_matches(const struct search *search, const struct search_match **list,
    bool *more)
{
	*list = search->list;
	*more = search->more;
	return search->found;
}

const char *
search_why(const struct search *search)
{
	return search->why;
}

size_t
search_held(const struct search *search)
{
	size_t held = sizeof(*search) + search->n * sizeof(*search->tables) +
	    search->plain_len + search->folded_len[0] +
	    search->folded_len[1] + search->hidden_room +
	    search->after.plain_len + search->after.folded_len +
	    search->room * sizeof(*search->list) +
	    (search->hits.room * 2 + search->hits.others_n) *
	    sizeof(*search->hits.ranks);

	if (search->fill.wanted)
		held += SEARCH_FILL_ROOM;
	if (search->fuzzy != NULL)
		held += FUZZY_HELD + search->key_len * FUZZY_CHAR_HELD;
	if (search->regex != NULL)
		held += REGEX_HELD;
	if (search->words != NULL)
		held += search_words_held(search->words);
	return held + search_weight_held(search);
}

void
search_free(struct search *search)
{
	if (search == NULL)
		return;
	if (search->way != NULL && search->way->end != NULL)
		search->way->end(search);
	search_hits_clear(search);
	free(search->folded[0]);
	free(search->folded[1]);
	if (search->after.plain != NULL)
		search_after_clear(&search->after);
	free(search->hidden);
	free(search->list);
	free(search);
}
