/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words by weight in a table that is large enough for long lists and many
 * windows over them: each word has the same keys in both orders, and what is
 * found is what looking at every key in that order finds.
 */

#include "config.h"

#include "daemon/index/index_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/index/index_private.h"
#include "daemon/index/index_words_private.h"
#include "daemon/search/search.h"
#include "roll.h"

#define EACH_SLICE	1000000	/* us */
#define KEYS		60000
#define KEY_LEN		15	/* of seven digits, a blank, seven digits */
#define WORDS		200000	/* that there may be */

/* Two words a key; the second, and often the first, is the same in many. */
static struct table *
many(unsigned int threads)
{
	struct table_options options = { .name = "t",
	    .ways = TABLE_WAY(TABLE_WORDS),
	    .duplicates = TABLE_DUPLICATES_FIRST };
	size_t bytes = KEYS * TABLE_ENTRY_ROOM(KEY_LEN, 0);
	struct table_builder *builder = table_builder_new(&options,
	    TABLE_SEGMENT_ROOM(bytes));
	struct table_segment *segment = table_builder_segment(builder, "f",
	    bytes);
	struct problems problems = PROBLEMS_INIT;
	struct table *table;
	char key[2 * KEY_LEN];

	assert_non_null(segment);
	for (unsigned int i = 0; i < KEYS; i++) {
		unsigned int a = roll(roll(4) == 0 ? 5 : WORDS);
		unsigned int b = roll(roll(3) == 0 ? 7 : WORDS);

		snprintf(key, sizeof(key), "%07u %07u", a, b);
		assert_int_equal(table_segment_add_weighed(segment,
		    &(struct table_entry){ .key = key, .key_len = KEY_LEN,
		    .value = "" }, roll(1000), i + 1), 0);
	}
	table = table_builder_finish(builder, threads, &problems);
	assert_non_null(table);
	return table;
}

/* Whether a word of a key begins with a string. */
static bool
key_has(const struct index *index, uint32_t rank, const char *str, size_t len)
{
	size_t key_len;
	const uint8_t *key = index_key(index, rank, &key_len);

	assert_int_equal(key_len, KEY_LEN);
	return memcmp(key, str, len) == 0 || memcmp(key + 8, str, len) == 0;
}

/* The keys of a word by weight are those by rank. */
static void
weighed_words_have_the_same_keys(void **state)
{
	struct table *table = many(3);
	const struct index *index = table_index(table);
	const uint32_t *order = index->weights->order;
	uint8_t *has = calloc(index->n, 1);

	(void)state;
	assert_int_equal(index->words->n, index->weighed_words->n);
	for (uint32_t i = 0; i < index->words->n; i++) {
		struct index_cursor cursor, weighed;

		index_words_cover(index->words, i, i + 1, &cursor);
		index_words_cover(index->weighed_words, i, i + 1, &weighed);
		assert_int_equal(cursor.n, weighed.n);
		for (; cursor.rank != INDEX_NO_RANK; index_cursor_next(
		    &cursor))
			has[cursor.rank] = 1;
		for (; weighed.rank != INDEX_NO_RANK; index_cursor_next(
		    &weighed)) {
			assert_int_equal(has[order[weighed.rank]], 1);
			has[order[weighed.rank]] = 0;
		}
	}
	free(has);
	table_unref(table);
}

/* Whether a key has words, the last as a beginning. */
static bool
has_all(const struct index *index, uint32_t rank, const char *value)
{
	size_t len = strlen(value);

	/* Seven digits each, but for the last one. */
	for (; len > 8; value += 8, len -= 8)
		if (!key_has(index, rank, value, 7))
			return false;
	return key_has(index, rank, value, len);
}

/* A page by weight, behind a key or from the first on, against all keys. */
static void
check_weighed(const struct table *table, const char *value, uint32_t from,
    size_t limit)
{
	const struct index *index = table_index(table);
	const uint32_t *order = index->weights->order;
	struct search_query query = { .way = TABLE_WORDS, .key = value,
	    .key_len = strlen(value), .limit = limit, .by_weight = true };
	const struct search_match *list;
	struct search *search;
	size_t n, i = 0;
	bool more;

	if (from > 0)
		query.after = (const char *)index_key(index, order[from - 1],
		    &query.after_len);
	search = search_new(&table, 1, &query);
	assert_non_null(search);
	while (search_step(search, roll(2) * EACH_SLICE) == SEARCH_MORE)
		;
	n = search_matches(search, &list, &more);
	for (; from < index->n && i < n; from++)
		if (has_all(index, order[from], value))
			assert_true(list[i++].id == index_id(index,
			    order[from]));
	assert_int_equal(i, n);
	while (from < index->n && !has_all(index, order[from], value))
		from++;
	assert_int_equal(more, from < index->n);
	assert_true(n == limit || !more);
	search_free(search);
}

static void
the_weightiest_come_first(void **state)
{
	static const size_t limits[] = { 1, 10, 10, 300, 1000 };
	struct table *table = many(2);
	const struct index *index = table_index(table);

	(void)state;
	for (unsigned int i = 0; i < 600; i++) {
		char value[2 * KEY_LEN];
		size_t len;
		const uint8_t *key = index_key(index, roll(index->n), &len);

		/* Words of a key in both orders, or any; the last is cut. */
		if (roll(2) == 0)
			snprintf(value, sizeof(value), "%.7s %.7s", key + 8,
			    key);
		else
			snprintf(value, sizeof(value), "%07u %07u", roll(7),
			    roll(3) == 0 ? roll(7) : roll(WORDS));
		value[roll(3) == 0 ? 1 + roll(7) : 9 + roll(7)] = '\0';
		check_weighed(table, value, roll(3) == 0 ? roll(index->n) : 0,
		    limits[roll(5)]);
	}
	table_unref(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weighed_words_have_the_same_keys),
		cmocka_unit_test(the_weightiest_come_first)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
