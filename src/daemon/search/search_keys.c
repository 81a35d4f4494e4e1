/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Exact and prefix, and the key that is the value.
 */

#include "config.h"

#include "daemon/search/search_way.h"

static enum search_result
search_exact_begin(struct search *search)
{
	/* It has one match at most: nothing is behind that. */
	return search->after.plain != NULL ? SEARCH_DONE : SEARCH_MORE;
}

/* As a plain lookup: the first table that has it. */
static enum search_result
search_exact_work(struct search *search)
{
	struct table_entry entry;
	table_id id = table_find(search->tables[search->at],
	    (const char *)search->key, search->key_len, &entry);

	if (id == TABLE_NO_ID)
		return SEARCH_DONE;
	if (search_push(search, id, 0) == SEARCH_FAILED)
		return SEARCH_FAILED;
	search->at = search->n;
	return SEARCH_DONE;
}

const struct search_way search_exact = {
	.begin = search_exact_begin,
	.work = search_exact_work
};

enum search_result
search_itself(struct search *search)
{
	struct table_entry entry;
	table_id id = table_find(search->tables[search->at],
	    (const char *)search->key, search->key_len, &entry);
	enum search_result result;

	if (id == TABLE_NO_ID)
		return SEARCH_DONE;
	result = search_push(search, id, 0);
	return result == SEARCH_MORE ? SEARCH_DONE : result;
}

static enum search_result
search_prefix_begin(struct search *search)
{
	const struct index *index = search->index;

	search->lo = index_seek(index, search->key, search->key_len, false,
	    search_after_rank(search));
	/* The value itself is first, so before every key to go on after. */
	if ((search->apart || search_is_after(search)) &&
	    search_is_key(index, search->lo, search->key, search->key_len))
		search->lo++;
	search->hi = search->lo;
	return SEARCH_MORE;
}

/* Keys from lo to hi are known to match; more may follow them. */
static enum search_result
search_prefix_work(struct search *search)
{
	const struct index *index = search->index;

	for (;;) {
		enum search_result result;

		if (search->lo == search->hi) {
			size_t want = search_want(search);
			uint32_t to = index->n - search->lo > want ?
			    search->lo + (uint32_t)want : index->n;

			search->hi = index_lower(index, search->key,
			    search->key_len, true, search->lo, to);
			if (search->lo == search->hi)
				return SEARCH_DONE;
		}
		result = search_push(search, index_id(index, search->lo++),
		    0);
		if (result != SEARCH_MORE)
			return result;
		if (search_tick(search, 5))
			return SEARCH_MORE;
	}
}

const struct search_way search_prefix = {
	.begin = search_prefix_begin,
	.work = search_prefix_work,
	.itself = search_itself,
	.is_first = true
};
