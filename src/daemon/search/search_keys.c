/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Exact, prefix, suffix and substring.
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
	search_exact_begin, search_exact_work, NULL
};

static enum search_result
search_prefix_begin(struct search *search)
{
	search->lo = index_seek(search->index, search->key, search->key_len,
	    false, search_after_rank(search));
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
	search_prefix_begin, search_prefix_work, NULL
};

/* Every key has the empty string: it begins with it. */
static enum search_result
search_suffix_begin(struct search *search)
{
	if (search->key_len == 0)
		return search_prefix_begin(search);
	search_hits_init(search, search->key, search->key_len + 1, NULL);
	return SEARCH_MORE;
}

static enum search_result
search_substring_begin(struct search *search)
{
	if (search->key_len == 0)
		return search_prefix_begin(search);
	search_hits_init(search, search->key, search->key_len, NULL);
	return SEARCH_MORE;
}

static enum search_result
search_keys_work(struct search *search)
{
	if (search->key_len == 0)
		return search_prefix_work(search);
	return search_hits_work(search, 0);
}

const struct search_way search_suffix = {
	search_suffix_begin, search_keys_work, NULL
};

const struct search_way search_substring = {
	search_substring_begin, search_keys_work, NULL
};
