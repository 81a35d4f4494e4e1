/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What comes first; and page by page, each after the last key of the one before,
 * a search finds what it finds at once: every match, once, in the same order.
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

#include "daemon/builder/builder.h"
#include "roll.h"

#define EACH_SLICE	1000000	/* us: one is enough */
#define KEYS		100000
#define ALL		1000000	/* more than there are */

/* Names of some words, with a number: from, from + step, ... of them. */
static void
keys_names(struct keys *keys, unsigned int from, unsigned int step,
    unsigned int n, bool folds)
{
	static const char *const words[] = { "ring", "Road", "string", "a",
		"Ring", "\xc3\xa4hre", "e", "spring-ring" };
	static const char *const between[] = { " ", "", "-", "_", ", " };
	struct text *texts = calloc(n, sizeof(*texts));

	for (unsigned int i = 0; i < n; i++) {
		unsigned int k = from + i * step;

		texts[i].len = (size_t)snprintf(texts[i].p,
		    sizeof(texts[i].p), "%s%s%s%s%u", words[k % 8],
		    between[k / 8 % 5], words[k / 40 % 8],
		    between[k / 320 % 5], k / 7);
	}
	keys->table = reference_table(texts, n, WAYS_ALL, folds);
	keys->keys = keys->shown = NULL;
	free(texts);
}

/* One page: the matches after the last one of those before. */
static size_t
page(const struct keys *keys, size_t n, struct search_query *query,
    const struct search_match *expected, size_t left)
{
	const struct search_match *list;
	enum search_result result;
	struct table_entry e;
	struct search *search = reference_search(keys, n, query,
	    roll(4) == 0 ? 0 : EACH_SLICE, &result);
	size_t got;
	bool more;

	assert_int_equal(result, SEARCH_DONE);
	got = search_matches(search, &list, &more);
	assert_int_equal(got, left < query->limit ? left : query->limit);
	assert_int_equal(more, left > query->limit);
	for (size_t i = 0; i < got; i++) {
		assert_ptr_equal(list[i].table, expected[i].table);
		assert_true(list[i].id == expected[i].id);
	}
	if (got > 0) {
		table_entry(list[got - 1].table, list[got - 1].id, &e);
		query->after = e.shown;
		query->after_len = e.shown_len;
	}
	search_free(search);
	return got;
}

/* All pages of a search, of sizes up to most. */
static void
walk(const struct keys *keys, size_t n, enum table_way way, const char *value,
    unsigned int most, size_t at_least)
{
	struct search_query query = { .way = way, .key = value,
	    .key_len = strlen(value), .distance = 2, .limit = ALL };
	const struct search_match *expected;
	enum search_result result;
	struct search *whole;
	size_t all, at = 0;
	bool more;

	if (!(WAYS_ALL & TABLE_WAY(way)))
		return;
	whole = reference_search(keys, n, &query, EACH_SLICE, &result);
	assert_int_equal(result, SEARCH_DONE);
	all = search_matches(whole, &expected, &more);
	assert_true(all >= at_least);
	do {
		query.limit = 1 + roll(most);
		at += page(keys, n, &query, expected + at, all - at);
	} while (at < all);
	assert_int_equal(page(keys, n, &query, NULL, 0), 0);
	search_free(whole);
}

static void
a_table_is_walked_whole(void **state)
{
	struct keys keys;

	(void)state;
	keys_names(&keys, 0, 1, KEYS, false);
	walk(&keys, 1, TABLE_PREFIX, "", 999, KEYS);
	walk(&keys, 1, TABLE_PREFIX, "ring", 77, 1000);
	walk(&keys, 1, TABLE_SUFFIX, "", 1001, KEYS);
	walk(&keys, 1, TABLE_SUFFIX, "7", 301, 1000);
	walk(&keys, 1, TABLE_SUBSTRING, "ring", 501, 1000);
	walk(&keys, 1, TABLE_SUBSTRING, "ring1", 3, 1000);
	walk(&keys, 1, TABLE_FUZZY, "ring ring 14285", 3, 8);
	walk(&keys, 1, TABLE_REGEX, "(r|R)ing", 501, 1000);
	walk(&keys, 1, TABLE_REGEX, "ing.*99", 51, 100);
	table_unref(keys.table);
}

static void
several_tables_are_walked_one_after_the_other(void **state)
{
	struct keys keys[3];

	(void)state;
	/* The second has every other key of the first, and half of its own. */
	keys_names(&keys[0], 0, 1, 10000, false);
	keys_names(&keys[1], 0, 2, 10000, false);
	keys_names(&keys[2], 5000, 3, 10000, false);
	walk(keys, 3, TABLE_PREFIX, "", 99, 20000);
	walk(keys, 3, TABLE_PREFIX, "r", 77, 1000);
	walk(keys, 3, TABLE_SUFFIX, "7", 77, 1000);
	walk(keys, 3, TABLE_SUBSTRING, "ing", 77, 1000);
	walk(keys, 3, TABLE_FUZZY, "ring ring 228", 3, 10);
	walk(keys, 3, TABLE_REGEX, "g.*7", 77, 1000);
	for (size_t i = 0; i < 3; i++)
		table_unref(keys[i].table);
}

static void
tables_that_fold_are_walked_by_the_keys_that_they_show(void **state)
{
	struct keys keys[2];
	struct text probe = { "A", 1 };

	(void)state;
	if (fold("A", 1, probe.p, &probe.len) == -1)
		skip();
	keys_names(&keys[0], 0, 3, 5000, false);
	keys_names(&keys[1], 0, 2, 5000, true);
	walk(keys, 2, TABLE_PREFIX, "R", 99, 1000);
	walk(keys, 2, TABLE_SUFFIX, "7", 99, 500);
	walk(keys, 2, TABLE_SUBSTRING, "RING", 99, 100);
	walk(keys, 2, TABLE_FUZZY, "RING ring 228", 3, 5);
	walk(keys, 2, TABLE_REGEX, "ring", 99, 1000);
	for (size_t i = 0; i < 2; i++)
		table_unref(keys[i].table);
}

/* What the keys are that one table finds after a key. */
static void
expect_after(const struct keys *keys, size_t n, enum table_way way,
    const char *value, const char *after, const char *expected)
{
	const struct search_query query = { .way = way, .key = value,
	    .key_len = strlen(value), .distance = 2, .limit = 1000,
	    .after = after,
	    .after_len = strlen(after) };
	const struct search_match *list;
	enum search_result result;
	struct search *search;
	struct table_entry e;
	char got[256] = "";
	size_t len = 0, count;
	bool more;

	search = reference_search(keys, n, &query, EACH_SLICE, &result);
	if (expected == NULL) {
		assert_int_equal(result, SEARCH_LOST);
		assert_non_null(search_why(search));
		search_free(search);
		return;
	}
	assert_int_equal(result, SEARCH_DONE);
	count = search_matches(search, &list, &more);
	for (size_t i = 0; i < count; i++) {
		table_entry(list[i].table, list[i].id, &e);
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%.*s|",
		    (int)e.shown_len, e.shown);
		assert_true(len < sizeof(got));
	}
	assert_string_equal(got, expected);
	search_free(search);
}

/* Fill a table with keys that have a bar between them. */
static void
keys_of(struct keys *keys, const char *list, unsigned int ways, bool folds)
{
	struct text texts[16];
	size_t n = 0;

	while (*list != '\0') {
		size_t len = strcspn(list, "|");

		memcpy(texts[n].p, list, len);
		texts[n++].len = len;
		list += len + (list[len] == '|');
	}
	keys->table = reference_table(texts, n, ways, folds);
	keys->keys = keys->shown = NULL;
}

static void
one_table_need_not_have_the_key(void **state)
{
	struct keys keys;

	(void)state;
	keys_of(&keys, "b|bb|bbb|bd|d", WAYS_ALL, false);
	expect_after(&keys, 1, TABLE_PREFIX, "b", "", "b|bb|bbb|bd|");
	/* The value itself is before all others, those that do not match, too. */
	expect_after(&keys, 1, TABLE_PREFIX, "b", "a", "bb|bbb|bd|");
	expect_after(&keys, 1, TABLE_PREFIX, "b", "b", "bb|bbb|bd|");
	expect_after(&keys, 1, TABLE_PREFIX, "b", "bb", "bbb|bd|");
	expect_after(&keys, 1, TABLE_PREFIX, "b", "bba", "bbb|bd|");
	expect_after(&keys, 1, TABLE_PREFIX, "b", "bc", "bd|");
	expect_after(&keys, 1, TABLE_PREFIX, "b", "bd", "");
	expect_after(&keys, 1, TABLE_PREFIX, "b", "z", "");
	expect_after(&keys, 1, TABLE_FUZZY, "bb", "bb", "b|bbb|bd|d|");
	expect_after(&keys, 1, TABLE_FUZZY, "bb", "bp", "bd|d|");
	expect_after(&keys, 1, TABLE_FUZZY, "bb", "xxxx", "");
	expect_after(&keys, 1, TABLE_EXACT, "b", "", "b|");
	expect_after(&keys, 1, TABLE_EXACT, "b", "a", "");
	table_unref(keys.table);
}

static void
of_several_tables_one_has_the_key(void **state)
{
	struct keys keys[3];

	(void)state;
	keys_of(&keys[0], "a|c|e", WAYS_ALL, false);
	keys_of(&keys[1], "b|f", TABLE_WAY(TABLE_EXACT),
	    false);
	keys_of(&keys[2], "b|c|d", WAYS_ALL, false);
	expect_after(keys, 3, TABLE_PREFIX, "", "", "a|c|e|d|");
	expect_after(keys, 3, TABLE_PREFIX, "", "c", "e|d|");
	expect_after(keys, 3, TABLE_PREFIX, "", "e", "d|");
	/* What may not be searched so has no matches before it, either. */
	expect_after(keys, 3, TABLE_PREFIX, "", "b", "d|");
	expect_after(keys, 3, TABLE_PREFIX, "", "f", "d|");
	expect_after(keys, 3, TABLE_PREFIX, "", "d", "");
	expect_after(keys, 3, TABLE_PREFIX, "", "g", NULL);
	/* By distance, any table may have what is behind. */
	expect_after(keys, 3, TABLE_FUZZY, "c", "", "c|a|e|d|");
	expect_after(keys, 3, TABLE_FUZZY, "c", "c", "a|e|d|");
	expect_after(keys, 3, TABLE_FUZZY, "c", "b", "d|");
	expect_after(keys, 3, TABLE_FUZZY, "cd", "c", "d|a|e|");
	expect_after(keys, 3, TABLE_FUZZY, "cd", "f", "");
	/* Others that are empty do not count. */
	table_unref(keys[0].table);
	table_unref(keys[1].table);
	keys_of(&keys[0], "", WAYS_ALL, false);
	keys_of(&keys[1], "", WAYS_ALL, false);
	expect_after(keys, 3, TABLE_PREFIX, "", "bb", "c|d|");
	for (size_t i = 0; i < 3; i++)
		table_unref(keys[i].table);
}

static void
the_value_and_words_come_first(void **state)
{
	struct keys keys;

	(void)state;
	if (WAYS_ALL == WAYS_OTHERS)
		skip();
	keys_of(&keys, "a ring|bring|de-ring|nose-ring ring|ring|ring a ring|"
	    "ringing|spring|the ringing|wiring", WAYS_ALL, false);
	expect_after(&keys, 1, TABLE_SUBSTRING, "ring", "",
	    "ring|ring a ring|ringing|a ring|de-ring|nose-ring ring|"
	    "the ringing|bring|spring|wiring|");
	expect_after(&keys, 1, TABLE_SUBSTRING, "ring", "ringing",
	    "a ring|de-ring|nose-ring ring|the ringing|bring|spring|wiring|");
	expect_after(&keys, 1, TABLE_SUBSTRING, "ring", "c ring",
	    "de-ring|nose-ring ring|the ringing|bring|spring|wiring|");
	expect_after(&keys, 1, TABLE_SUBSTRING, "ring", "x", "");
	expect_after(&keys, 1, TABLE_SUFFIX, "ring", "",
	    "ring|a ring|de-ring|nose-ring ring|ring a ring|bring|spring|"
	    "wiring|");
	expect_after(&keys, 1, TABLE_SUFFIX, "ring", "ring",
	    "a ring|de-ring|nose-ring ring|ring a ring|bring|spring|wiring|");
	expect_after(&keys, 1, TABLE_SUFFIX, "-ring", "", "de-ring|");
	table_unref(keys.table);
	/* What no word begins with is in the last group. */
	keys_of(&keys, "-a|a -a|a-a|b-a|\xc3\xa4-a", WAYS_ALL, false);
	expect_after(&keys, 1, TABLE_SUBSTRING, "-a", "",
	    "-a|a -a|a-a|b-a|\xc3\xa4-a|");
	expect_after(&keys, 1, TABLE_SUBSTRING, "a", "",
	    "a -a|a-a|-a|b-a|\xc3\xa4-a|");
	table_unref(keys.table);
}

static void
an_expression_that_is_a_key_comes_first(void **state)
{
	struct keys keys;

	(void)state;
	if (!(WAYS_ALL & TABLE_WAY(TABLE_REGEX)))
		skip();
	keys_of(&keys, "a.c|abc|axxy|x+y|xa.c|xy", WAYS_ALL, false);
	expect_after(&keys, 1, TABLE_REGEX, "a.c", "", "a.c|abc|xa.c|");
	expect_after(&keys, 1, TABLE_REGEX, "a.c", "a.c", "abc|xa.c|");
	/* That is none of what it matches. */
	expect_after(&keys, 1, TABLE_REGEX, "x+y", "", "axxy|xy|");
	expect_after(&keys, 1, TABLE_REGEX, "x+y", "axxy", "xy|");
	expect_after(&keys, 1, TABLE_REGEX, "x+y", "x+y", "axxy|xy|");
	table_unref(keys.table);
}

/* The value of a later table is before all others, unless it is hidden. */
static void
the_value_comes_first_of_all_tables(void **state)
{
	struct keys keys[3];
	struct text probe = { "A", 1 };

	(void)state;
	if (fold("A", 1, probe.p, &probe.len) == -1)
		skip();
	keys_of(&keys[0], "ringing|the ring", WAYS_ALL, false);
	keys_of(&keys[1], "RING|Ringing", WAYS_ALL, true);
	keys_of(&keys[2], "ring|rings", WAYS_ALL, false);
	expect_after(keys, 3, TABLE_PREFIX, "ring", "",
	    "RING|ringing|Ringing|rings|");
	expect_after(keys, 3, TABLE_PREFIX, "ring", "RING",
	    "ringing|Ringing|rings|");
	expect_after(&keys[2], 1, TABLE_PREFIX, "ring", "RING", "rings|");
	if (WAYS_ALL & TABLE_WAY(TABLE_SUBSTRING))
		expect_after(keys, 3, TABLE_SUBSTRING, "ring", "",
		    "RING|ringing|the ring|Ringing|rings|");
	if (WAYS_ALL & TABLE_WAY(TABLE_REGEX))
		expect_after(keys, 3, TABLE_REGEX, "ring", "",
		    "RING|ringing|the ring|Ringing|rings|");
	for (size_t i = 0; i < 3; i++)
		table_unref(keys[i].table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_walked_whole),
		cmocka_unit_test(
		    several_tables_are_walked_one_after_the_other),
		cmocka_unit_test(
		    tables_that_fold_are_walked_by_the_keys_that_they_show),
		cmocka_unit_test(one_table_need_not_have_the_key),
		cmocka_unit_test(of_several_tables_one_has_the_key),
		cmocka_unit_test(the_value_and_words_come_first),
		cmocka_unit_test(an_expression_that_is_a_key_comes_first),
		cmocka_unit_test(the_value_comes_first_of_all_tables)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
