/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The key that a search goes on after: in which table it stands, whether it is
 * the value, and where its bytes are in the order of that table's keys, be it
 * one of them or not; and the keys that are equal to the value, of which it may
 * be one.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/table/fold.h"

int
search_after_init(struct search_after *after, const char *key, size_t len)
{
	after->plain = malloc(len);
	if (after->plain == NULL)
		return -1;
	memcpy(after->plain, key, len);
	after->plain_len = len;
	return 0;
}

void
search_after_clear(struct search_after *after)
{
	free(after->plain);
	free(after->folded);
	memset(after, 0, sizeof(*after));
}

/* The key as a table compares it. */
static int
after_key(struct search_after *after, const struct table *table)
{
	bool marks = table_drops_marks(table);

	after->key = after->plain;
	after->key_len = after->plain_len;
	if (!table_folds(table))
		return 0;
	if (after->folded == NULL || after->marks != marks) {
		free(after->folded);
		after->marks = marks;
		after->folded = malloc(FOLD_ROOM(after->plain_len));
		if (after->folded == NULL || fold_as(marks,
		    (const char *)after->plain, after->plain_len,
		    (char *)after->folded, &after->folded_len) == -1)
			return -1;
	}
	after->key = after->folded;
	after->key_len = after->folded_len;
	return 0;
}

/* Whether it is the value, as the table compares them in which it stands. */
static enum search_result
after_compare(struct search *search, const struct table *table)
{
	struct search_after *after = &search->after;
	const uint8_t *value;
	enum search_result result;
	size_t len;

	if (!search->apart)
		return SEARCH_MORE;
	result = search_value_as(search, table, &value, &len);
	after->is_value = result == SEARCH_MORE && len == after->key_len &&
	    memcmp(value, after->key, len) == 0;
	return result == SEARCH_FAILED ? result : SEARCH_MORE;
}

/* How many tables have entries: others, as main often is, do not count. */
static size_t
after_count_filled(const struct search *search)
{
	size_t n = 0;

	for (size_t i = 0; i < search->n; i++)
		n += table_count(search->tables[i]) > 0;
	return n;
}

enum search_result
search_after_find(struct search *search)
{
	struct search_after *after = &search->after;
	size_t filled = after_count_filled(search);
	struct table_entry entry;

	after->found = true;
	if (search->n == 0)
		return SEARCH_MORE;
	for (after->at = 0; after->at < search->n; after->at++) {
		const struct table *table = search->tables[after->at];

		if (table_count(table) == 0 && filled > 0)
			continue;
		if (after_key(after, table) == -1)
			return SEARCH_FAILED;
		if (filled <= 1 || table_find(table,
		    (const char *)after->key, after->key_len, &entry) !=
		    TABLE_NO_ID)
			return after_compare(search, table);
	}
	search->why = "no table has the key to go on after; name one table";
	return SEARCH_LOST;
}

uint32_t
search_after_own(const struct search *search, uint32_t rank)
{
	return search_rank_own(search, rank, search->after.plain,
	    search->after.plain_len);
}

bool
search_after_is_found(const struct search *search)
{
	const struct search_after *after = &search->after;
	const struct table *table = search->tables[after->at];
	struct table_entry entry;

	return table_find_own(table, (const char *)after->key,
	    after->key_len, (const char *)after->plain, after->plain_len,
	    &entry) == table_find_own(table, (const char *)search->key,
	    search->key_len, (const char *)search->plain, search->plain_len,
	    &entry);
}

uint32_t
search_after_seek(const struct search *search)
{
	const struct search_after *after = &search->after;
	const struct index *index = search->index;
	uint32_t rank;

	rank = index_seek(index, after->key, after->key_len, false, 0);
	return search_is_key(index, rank, after->key, after->key_len) ?
	    search_after_own(search, rank) + 1 : rank;
}

/* Where they are, and which is the first of interest. */
static void
search_equals_begin(struct search *search, uint32_t first)
{
	struct search_equals *equals = &search->equals;
	const struct search_after *after = &search->after;
	uint32_t own;

	*equals = (struct search_equals){ .begun = true, .own = true };
	if (first == SEARCH_NO_RANK)
		return;
	equals->first = search_rank_own(search, first, search->plain,
	    search->plain_len);
	equals->own = false;
	equals->at = first;
	equals->end = index_behind(search->index, first);
	if (after->plain == NULL || after->at != search->at ||
	    !search_is_key(search->index, first, after->key, after->key_len))
		return;
	own = search_after_own(search, first);
	equals->own = true;
	if (own != equals->first)
		equals->at = own + 1;
}

uint32_t
search_equals_next(struct search *search, uint32_t first)
{
	struct search_equals *equals = &search->equals;

	if (!equals->begun)
		search_equals_begin(search, first);
	if (!equals->own) {
		equals->own = true;
		return equals->first;
	}
	if (equals->at < equals->end && equals->at == equals->first)
		equals->at++;
	return equals->at < equals->end ? equals->at++ : SEARCH_NO_RANK;
}

enum search_result
search_equals(struct search *search, uint32_t first)
{
	uint32_t rank;

	while ((rank = search_equals_next(search, first)) != SEARCH_NO_RANK) {
		enum search_result result = search_push(search,
		    index_id(search->index, rank), 0);

		if (result != SEARCH_MORE || search_tick(search, 5))
			return result;
	}
	return SEARCH_DONE;
}
