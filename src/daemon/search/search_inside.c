/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Suffix and substring, each in groups, one after the other: keys that begin
 * with the value, those where it is at a word's start, and the rest.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include "daemon/table/word.h"

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
		search->lo++;
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
		search->hits.but_n = 1;
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
