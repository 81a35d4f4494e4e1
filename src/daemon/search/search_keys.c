/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Exact and prefix, and the key that is the value.  Suffix and substring, each
 * in groups, one after the other: keys that begin with the value, those where
 * it is at a word's start, and the rest.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include "daemon/table/word.h"

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
	table_id id = table_find_own(search->tables[search->at],
	    (const char *)search->key, search->key_len,
	    (const char *)search->plain, search->plain_len, &entry);

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
	if (search->index->equals)
		return search_equals(search, search_rank_of(search,
		    search->key, search->key_len));
	result = search_push(search, id, 0);
	return result == SEARCH_MORE ? SEARCH_DONE : result;
}

/* Whether the key to go on after is equal to the value. */
static bool
is_after_value(const struct search *search)
{
	const struct search_after *after = &search->after;

	return after->key_len == search->key_len && memcmp(after->key,
	    search->key, search->key_len) == 0;
}

static enum search_result
search_prefix_begin(struct search *search)
{
	const struct index *index = search->index;

	search->lo = index_seek(index, search->key, search->key_len, false,
	    search_after_rank(search));
	/* The value itself is first, so before every key to go on after; but
	 * that may be one of several that are equal to it. */
	if ((search->apart || (search_is_after(search) &&
	    !is_after_value(search))) &&
	    search_is_key(index, search->lo, search->key, search->key_len))
		search->lo = index_behind(index, search->lo);
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

/* Begin a group of the last two, with its first key from a rank on. */
static void
inside_start(struct search *search, enum search_group group, uint32_t from)
{
	search->group = group;
	search_hits_start(search, group == SEARCH_WORDS ? SEARCH_STARTS :
	    SEARCH_INSIDE, from);
}

/* Whether a word of a key begins with the value. */
static bool
inside_has_word(const struct search *search, const uint8_t *key, size_t len)
{
	for (size_t i = 0; i + search->key_len <= len; i++)
		if (memcmp(key + i, search->key, search->key_len) == 0 &&
		    word_starts(key, len, i))
			return true;
	return false;
}

/* The group that the key to go on after is, or would be, in. */
static enum search_group
substring_group_after(const struct search *search)
{
	const uint8_t *key = search->after.key;
	size_t len = search->after.key_len;

	if (len >= search->key_len &&
	    memcmp(key, search->key, search->key_len) == 0)
		return SEARCH_BEGINS;
	return inside_has_word(search, key, len) ? SEARCH_WORDS : SEARCH_REST;
}

/* Find all places but in keys that begin with the value, up to an end. */
static void
substring_find(struct search *search, uint32_t end)
{
	struct search_hits *hits = &search->hits;

	search_hits_find(search, search->key, search->key_len);
	hits->but = search->begin;
	hits->but_n = end - search->begin;
	/* Often no word begins so but at the start of a key. */
	if (hits->starts == hits->but_n)
		hits->words = false;
}

static enum search_result
search_substring_begin(struct search *search)
{
	const struct index *index = search->index;
	uint32_t from = search_after_rank(search);

	search->group = search_is_after(search) ?
	    substring_group_after(search) : SEARCH_BEGINS;
	search->begin = index_seek(index, search->key, search->key_len, false,
	    0);
	if (search->group != SEARCH_BEGINS) {
		substring_find(search, index_seek(index, search->key,
		    search->key_len, true, search->begin));
		inside_start(search, search->group, from);
		return SEARCH_MORE;
	}
	search->lo = from > search->begin ? from : search->begin;
	/* In a round before it was the first. */
	if (search->apart && search_is_key(index, search->lo, search->key,
	    search->key_len))
		search->lo = index_behind(index, search->lo);
	search->hi = search->lo;
	return SEARCH_MORE;
}

static enum search_result
search_substring_work(struct search *search)
{
	for (;;) {
		enum search_result result = search->group == SEARCH_BEGINS ?
		    search_prefix.work(search) : search_hits_work(search, 0);

		/* Every key has the empty string: it begins with it. */
		if (result != SEARCH_DONE || search->more ||
		    search->group == SEARCH_REST || search->key_len == 0)
			return result;
		if (search->group == SEARCH_BEGINS) {
			substring_find(search, search->lo);
			if (search->hits.words) {
				inside_start(search, SEARCH_WORDS, 0);
				continue;
			}
		}
		inside_start(search, SEARCH_REST, 0);
	}
}

static enum search_result
search_suffix_begin(struct search *search)
{
	const struct search_after *after = &search->after;
	size_t len = search->key_len;
	enum search_group group = SEARCH_WORDS;
	struct table_entry entry;

	if (len == 0)
		return search_prefix.begin(search);
	search_hits_find(search, search->key, len + 1);
	/* It is at the end of a key once. */
	search->hits.mixed = false;
	/* The key that is the value was in a round before. */
	if (table_find(search->tables[search->at], (const char *)search->key,
	    len, &entry) != TABLE_NO_ID) {
		search->hits.but = search_rank_of(search, search->key, len);
		search->hits.but_n = index_behind(search->index,
		    search->hits.but) - search->hits.but;
	}
	if (!search->hits.words || (search_is_after(search) &&
	    !(after->key_len >= len && memcmp(after->key + after->key_len -
	    len, search->key, len) == 0 && word_starts(after->key,
	    after->key_len, after->key_len - len))))
		group = SEARCH_REST;
	inside_start(search, group, search_after_rank(search));
	return SEARCH_MORE;
}

static enum search_result
search_suffix_work(struct search *search)
{
	enum search_result result;

	if (search->key_len == 0)
		return search_prefix.work(search);
	result = search_hits_work(search, 0);
	if (result != SEARCH_DONE || search->more ||
	    search->group == SEARCH_REST)
		return result;
	inside_start(search, SEARCH_REST, 0);
	return search_hits_work(search, 0);
}

const struct search_way search_suffix = {
	.begin = search_suffix_begin,
	.work = search_suffix_work,
	.itself = search_itself
};

const struct search_way search_substring = {
	.begin = search_substring_begin,
	.work = search_substring_work,
	.itself = search_itself,
	.is_first = true
};
