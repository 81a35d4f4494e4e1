/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Keys that are equal once folded, and not in their bytes: each is found, and
 * a search that is read page by page gives each once, whatever the threads that
 * built the table, and be they all that it has.
 */

#include "config.h"

#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/table/digest.h"

#define LETTERS		9
#define SPELLINGS	(1u << LETTERS)	/* of one key, in upper and lower */
#define SEGMENTS	4
#define TIMES		3		/* that each is there */
#define EACH_SLICE	1000000	/* us: one is enough */

/* The n-th spelling of a key, which a number follows. */
static size_t
spell(char *key, unsigned int n, unsigned int number)
{
	for (unsigned int i = 0; i < LETTERS; i++)
		key[i] = (char)((n >> i & 1 ? 'A' : 'a') + (char)i);
	return LETTERS + (size_t)sprintf(key + LETTERS, "%u", number);
}

/* All spellings of two keys, each with the number of its line, in some order;
 * segments of a file that lie behind each other. */
static struct table *
build(enum table_duplicates duplicates, unsigned int ways,
    unsigned int threads)
{
	const unsigned int all = 2 * SPELLINGS * TIMES / SEGMENTS;
	struct table_options options = { .name = "t", .ways = ways,
	    .duplicates = duplicates, .fold = true };
	struct table_builder *b = table_builder_new(&options, SEGMENTS *
	    TABLE_SEGMENT_ROOM(all * 100));
	struct problems problems = PROBLEMS_INIT;
	char key[32], value[16];
	struct table *t;

	assert_non_null(b);
	for (unsigned int i = 0; i < SEGMENTS; i++) {
		struct table_segment *s = table_builder_segment(b, "f",
		    all * 100);

		assert_non_null(s);
		table_segment_set_line(s, i * all + 1);
		for (unsigned int j = 0; j < all; j++) {
			unsigned int line = i * all + j;
			size_t len = spell(key, line * 7 % SPELLINGS,
			    line % (2 * SPELLINGS) / SPELLINGS);

			assert_int_equal(table_segment_add(s, key, len,
			    value, (size_t)sprintf(value, "%u", line + 1),
			    j + 1), 0);
		}
	}
	t = table_builder_finish(b, threads, &problems);
	assert_non_null(t);
	assert_int_equal(problems.n, 0);
	assert_int_equal(table_count(t), 2 * SPELLINGS);
	assert_true(table_has_equals(t));
	return t;
}

/* The answer of a spelling. */
static void
answer(char *text, enum table_duplicates duplicates, unsigned int n,
    unsigned int number)
{
	for (unsigned int line = 0; line < 2 * SPELLINGS * TIMES; line++) {
		if (line * 7 % SPELLINGS != n ||
		    line % (2 * SPELLINGS) / SPELLINGS != number)
			continue;
		if (*text != '\0' && duplicates == TABLE_DUPLICATES_FIRST)
			continue;
		if (*text != '\0' && duplicates == TABLE_DUPLICATES_JOIN)
			sprintf(text + strlen(text), "\\n%u", line + 1);
		else
			sprintf(text, "%u", line + 1);
	}
}

/* Every key by its bytes, and by others the first of all. */
static void
check_found(const struct table *t, enum table_duplicates duplicates)
{
	char own[32], key[32], text[64];
	struct table_entry e, first;
	table_id id = TABLE_NO_ID;
	size_t len, walked = 0;

	for (unsigned int n = 0; n < 2 * SPELLINGS; n++) {
		len = spell(own, n % SPELLINGS, n / SPELLINGS);
		spell(key, 0, n / SPELLINGS);
		text[0] = '\0';
		answer(text, duplicates, n % SPELLINGS, n / SPELLINGS);
		assert_int_not_equal(table_find_own(t, key, len, own, len,
		    &e), TABLE_NO_ID);
		assert_int_equal(e.shown_len, len);
		assert_memory_equal(e.shown, own, len);
		assert_int_equal(e.value_len, strlen(text));
		assert_memory_equal(e.value, text, e.value_len);
	}
	/* Capitals are before small letters. */
	spell(own, SPELLINGS - 1, 1);
	spell(key, 0, 1);
	id = table_find(t, key, len, &first);
	assert_memory_equal(first.shown, own, len);
	assert_int_equal(table_find_own(t, key, len, "ABC", 3, &e), id);
	assert_memory_equal(e.shown, own, len);
	for (id = TABLE_NO_ID; table_next(t, &id, &e); walked++)
		assert_int_equal(table_find_own(t, e.key, e.key_len, e.shown,
		    e.shown_len, &first), id);
	assert_int_equal(walked, table_count(t));
}

static void
each_finds_itself_whatever_the_threads(void **state)
{
	static const enum table_duplicates duplicates[] = {
		TABLE_DUPLICATES_FIRST, TABLE_DUPLICATES_LAST,
		TABLE_DUPLICATES_JOIN };

	(void)state;
	if (!fold_available())
		skip();
	for (size_t i = 0; i < 3; i++) {
		char digests[2][DIGEST_TEXT_SIZE];

		for (unsigned int threads = 1; threads <= 4; threads++) {
			struct table *t = build(duplicates[i],
			    TABLE_WAY(TABLE_EXACT), threads);

			check_found(t, duplicates[i]);
			digest_text(table_digest(t), digests[threads > 1]);
			if (threads > 1)
				assert_string_equal(digests[0], digests[1]);
			table_unref(t);
		}
	}
}

/* All matches of a query at once; the array is the caller's. */
static struct search_match *
find_all(const struct keys *keys, struct search_query query, size_t *n)
{
	struct search_match *all = calloc(2 * SPELLINGS, sizeof(*all));
	const struct search_match *list;
	enum search_result result;
	struct search *search;
	bool more;

	query.limit = 2 * SPELLINGS;
	search = reference_search(keys, 1, &query, EACH_SLICE, &result);
	assert_int_equal(result, SEARCH_DONE);
	*n = search_matches(search, &list, &more);
	assert_false(more);
	memcpy(all, list, *n * sizeof(*all));
	search_free(search);
	return all;
}

/* Page by page, in slices that are as short as can be. */
static void
check_pages(const struct keys *keys, struct search_query query)
{
	struct search_match *all;
	struct table_entry e;
	size_t n, at = 0;
	bool more = true;

	all = find_all(keys, query, &n);
	assert_true(n >= SPELLINGS);
	while (more) {
		const struct search_match *list;
		enum search_result result;
		struct search *search = reference_search(keys, 1, &query, 0,
		    &result);
		size_t got = search_matches(search, &list, &more);

		assert_int_equal(result, SEARCH_DONE);
		assert_int_equal(got, n - at < query.limit ? n - at :
		    query.limit);
		assert_int_equal(more, n - at > query.limit);
		for (size_t i = 0; i < got; i++)
			assert_int_equal(list[i].id, all[at + i].id);
		at += got;
		search_free(search);
		if (!more)
			break;
		table_entry(keys->table, all[at - 1].id, &e);
		query.after = e.shown;
		query.after_len = e.shown_len;
	}
	assert_int_equal(at, n);
	free(all);
}

/* The value is first, then what is equal to it, in the order of bytes. */
static void
check_first(const struct keys *keys, struct search_query query,
    const char *first)
{
	struct table_entry e, before = { 0 };
	struct search_match *all;
	size_t n;

	all = find_all(keys, query, &n);
	assert_true(n >= SPELLINGS);
	for (size_t i = 0; i < SPELLINGS; i++) {
		table_entry(keys->table, all[i].id, &e);
		if (i == 0)
			assert_memory_equal(e.shown, first, e.shown_len);
		if (i > 1)
			assert_true(table_shown_cmp(&before, &e) < 0);
		before = e;
	}
	free(all);
}

static void
every_way_walks_them_all(void **state)
{
	static const size_t limits[] = { 1, 7, SPELLINGS - 1, SPELLINGS,
	    SPELLINGS + 1 };
	const unsigned int ways = WAYS_ALL | TABLE_WAY(TABLE_WORDS) |
	    TABLE_WAY(TABLE_TEXT);
	char one[32];
	size_t len = spell(one, 5, 1);
	struct keys keys = { .fold = true };

	(void)state;
	if (!fold_available())
		skip();
	keys.table = build(TABLE_DUPLICATES_FIRST, ways, 2);
	for (enum table_way way = TABLE_PREFIX; way < TABLE_WAYS; way++) {
		struct search_query query = { .way = way, .key = one,
		    .key_len = len, .distance = 2 };

		if (!(ways & TABLE_WAY(way)))
			continue;
		check_first(&keys, query, one);
		for (size_t i = 0; i < sizeof(limits) / sizeof(*limits);
		    i++) {
			query.limit = limits[i];
			query.after_len = 0;
			check_pages(&keys, query);
		}
		query.key_len = LETTERS - 2;
		query.limit = 100;
		query.by_weight = true;
		/* All of both keys, if a suffix is no such. */
		if (way != TABLE_SUFFIX && way != TABLE_FUZZY)
			check_pages(&keys, query);
	}
	table_unref(keys.table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finds_itself_whatever_the_threads),
		cmocka_unit_test(every_way_walks_them_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
