/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches whose matches are known: many of them, and none; and what cannot be
 * searched by or for.
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

#define EACH_SLICE	1000000	/* us: one is enough */

#define QUERY(w, text, d, most) \
	{ .way = (w), .key = (text), .key_len = sizeof(text) - 1, \
	    .distance = (d), .limit = (most) }

/* Numbers of so many digits, after a beginning. */
static void
keys_numbers(struct keys *keys, const char *beginning, unsigned int digits,
    unsigned int n, unsigned int step)
{
	struct text *texts = calloc(n, sizeof(*texts));

	for (unsigned int i = 0; i < n; i++)
		texts[i].len = (size_t)snprintf(texts[i].p,
		    sizeof(texts[i].p), "%s%0*u", beginning, (int)digits,
		    (n - 1 - i) * step);
	keys->table = reference_table(texts, n, WAYS_ALL, false);
	keys->keys = keys->shown = NULL;
	free(texts);
}

/* The matches among those numbers, by looking at each. */
static void
check_numbers(const struct search_query *query, unsigned int n,
    const struct search_match *list, size_t count, bool more)
{
	size_t found = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct text key, text;
		struct table_entry entry;
		unsigned int distance;

		key.len = (size_t)snprintf(key.p, sizeof(key.p), "key%05u", i);
		text.len = query->key_len;
		memcpy(text.p, query->key, text.len);
		if (!reference_matches(&key, &text, query, false, &distance))
			continue;
		if (found < count) {
			table_entry(list[found].table, list[found].id,
			    &entry);
			assert_memory_equal(entry.key, key.p, key.len);
		}
		found++;
	}
	assert_int_equal(count, found < query->limit ? found : query->limit);
	assert_int_equal(more, found > query->limit);
}

static bool
table_key_before(const struct table_entry *a, const struct table_entry *b)
{
	size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
	int c = memcmp(a->key, b->key, len);

	return c < 0 || (c == 0 && a->key_len < b->key_len);
}

/* More of them than fit any buffer: in order, all, none twice. */
static void
many_matches_are_in_order(void **state)
{
	static const struct search_query queries[] = {
		QUERY(TABLE_PREFIX, "k", 0, 100000),
		QUERY(TABLE_PREFIX, "", 0, 100000),
		QUERY(TABLE_SUBSTRING, "0", 0, 100000),
		QUERY(TABLE_SUBSTRING, "00", 0, 1000),
		QUERY(TABLE_SUBSTRING, "ey", 0, 5),
		QUERY(TABLE_SUBSTRING, "99", 0, 7),
		QUERY(TABLE_SUBSTRING, "y1", 0, 1000),
		QUERY(TABLE_SUBSTRING, "y19", 0, 5),	/* at the end */
		QUERY(TABLE_SUBSTRING, "97", 0, 90),
		QUERY(TABLE_SUBSTRING, "007", 0, 13),
		QUERY(TABLE_SUBSTRING, "1", 0, 3000),
		QUERY(TABLE_SUFFIX, "77", 0, 30),
		QUERY(TABLE_SUFFIX, "7", 0, 900),
		QUERY(TABLE_SUFFIX, "", 0, 1000),
		QUERY(TABLE_FUZZY, "key09990", 2, 1000),
		QUERY(TABLE_FUZZY, "kye01234", 2, 20),
		QUERY(TABLE_REGEX, "9.*9", 0, 10),
		QUERY(TABLE_REGEX, "99.*9", 0, 10),
		QUERY(TABLE_REGEX, "^key1.*1$", 0, 1000)
	};
	struct keys keys;

	(void)state;
	keys_numbers(&keys, "key", 5, 20000, 1);
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		const struct search_match *a, *b;
		enum search_result result;
		struct search *one, *many;
		bool more_a, more_b;
		size_t n;

		if (!(WAYS_ALL & TABLE_WAY(queries[i].way)))
			continue;
		one = reference_search(&keys, 1, &queries[i], EACH_SLICE,
		    &result);
		assert_int_equal(result, SEARCH_DONE);
		many = reference_search(&keys, 1, &queries[i], 0, &result);
		assert_int_equal(result, SEARCH_DONE);
		n = search_matches(one, &a, &more_a);
		assert_int_equal(search_matches(many, &b, &more_b), n);
		assert_int_equal(more_a, more_b);
		assert_true(n > 0 && n <= queries[i].limit);
		if (queries[i].way != TABLE_FUZZY)
			check_numbers(&queries[i], 20000, a, n, more_a);
		reference_regex_forget();
		for (size_t j = 0; j < n; j++) {
			struct table_entry entry, before;

			assert_true(a[j].id == b[j].id);
			if (j == 0 || a[j].distance != a[j - 1].distance ||
			    a[j].like != a[j - 1].like) {
				assert_true(j == 0 || a[j].distance !=
				    a[j - 1].distance ||
				    a[j].like > a[j - 1].like);
				continue;
			}
			table_entry(keys.table, a[j].id, &entry);
			table_entry(keys.table, a[j - 1].id, &before);
			assert_true(table_key_before(&before, &entry));
		}
		search_free(one);
		search_free(many);
	}
	keys_clear(&keys);
}

static enum search_result
search_text(const struct keys *keys, enum table_way way, const char *text,
    size_t len, char *why, size_t why_len)
{
	const struct search_query query = { .way = way, .key = text,
	    .key_len = len, .distance = 2, .limit = 1000 };
	enum search_result result;
	struct search *search = reference_search(keys, 1, &query, 1000,
	    &result);

	if (result == SEARCH_BAD)
		snprintf(why, why_len, "%s", search_why(search));
	search_free(search);
	return result;
}

static void
wrong_regular_expressions_are_told(void **state)
{
	static const struct {
		const char *regex, *why;
	} rows[] = {
		{ "a(b", "at offset 3" },
		{ "[", "at offset 1" },
		{ "a**", "" },
		{ "\\C", "\\C" },
		{ "(?<=a*)b", "lookbehind" },
		{ "((a{1,99}){1,99}){1,99}", "too large" }
	};
	char why[256], many[2000];
	struct keys keys;

	(void)state;
#ifndef HAVE_PCRE2
	skip();
#endif
	keys_numbers(&keys, "key", 2, 10, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (search_text(&keys, TABLE_REGEX, rows[i].regex,
		    strlen(rows[i].regex), why, sizeof(why)) == SEARCH_BAD)
			assert_non_null(strstr(why, rows[i].why));
		else
			assert_string_equal(rows[i].why, "");
	}
	memset(many, 'a', sizeof(many));
	assert_int_equal(search_text(&keys, TABLE_REGEX, many, sizeof(many),
	    why, sizeof(why)), SEARCH_BAD);
	memset(many, '(', sizeof(many));
	assert_int_equal(search_text(&keys, TABLE_REGEX, many, 1000, why,
	    sizeof(why)), SEARCH_BAD);
	assert_int_equal(search_text(&keys, TABLE_REGEX, "\xff", 1, why,
	    sizeof(why)), SEARCH_BAD);
	keys_clear(&keys);
}

/* Long keys that regular expressions may take for ever on. */
static void
regular_expressions_without_end_are_ended(void **state)
{
	static const char *const rows[] = { "([ab]+)*[0-9]", "(\\w+)*\\d",
		"(a|b|ab)*(?=[cd])[0-9]", "(?:a?){99}(?:a+)*[xyz]",
		"(a*)*\\1(.*)*[01]" };
	static struct text texts[2];
	struct keys keys;
	char why[256];

	(void)state;
#ifndef HAVE_PCRE2
	skip();
#endif
	for (size_t i = 0; i < sizeof(texts[0].p); i++)
		texts[0].p[i] = "ab"[i % 7 == 0];
	texts[0].len = sizeof(texts[0].p);
	texts[1].p[0] = 'b';
	texts[1].len = 1;
	keys.table = reference_table(texts, 2, WAYS_ALL, false);
	keys.keys = keys.shown = NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(search_text(&keys, TABLE_REGEX, rows[i],
		    strlen(rows[i]), why, sizeof(why)), SEARCH_LATE);
	/* One that just is slow, which takes it a character at a time. */
	assert_int_equal(search_text(&keys, TABLE_REGEX, "\\w+\\d", 6,
	    why, sizeof(why)), SEARCH_DONE);
	keys_clear(&keys);
}

/* Longer than any key, in bytes and in characters. */
static void
long_queries_find_nothing(void **state)
{
	char many[20000], why[256];
	struct keys keys;

	(void)state;
	memset(many, 'k', sizeof(many));
	keys_numbers(&keys, "k", 1, 5, 1);
	for (enum table_way way = TABLE_EXACT; way < TABLE_REGEX; way++)
		if (WAYS_ALL & TABLE_WAY(way))
			for (size_t len = 1; len < sizeof(many); len = 2 * len
			    + 1)
				assert_int_equal(search_text(&keys, way, many,
				    len, why, sizeof(why)), SEARCH_DONE);
	keys_clear(&keys);
}

/* Two keys, of which the second is not UTF-8, on these lines. */
static void
check_not_utf8(unsigned int first, unsigned int second, const char *told)
{
	const struct table_options options = { .name = "t",
	    .ways = TABLE_WAY(TABLE_EXACT) | TABLE_WAY(TABLE_PREFIX),
	    .said_file = "conf", .said_line = 3 };
	struct problems problems = PROBLEMS_INIT;
	struct table_builder *builder = table_builder_new(&options, 4096);
	struct table_segment *segment;

	assert_non_null(builder);
	segment = table_builder_segment(builder, "f", 1024);
	assert_non_null(segment);
	assert_int_equal(table_segment_add(segment, "a", 1, "v", 1, first),
	    0);
	assert_int_equal(table_segment_add(segment, "a\xff", 2, "v", 1,
	    second), 0);
	assert_null(table_builder_finish(builder, 1, &problems));
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.list[0].text, told);
	problems_clear(&problems);
}

static void
keys_that_are_not_utf8_have_no_index(void **state)
{
	(void)state;
	check_not_utf8(1, 7, "f:7: the key is not UTF-8");
	/* Without lines, as in a .cdb. */
	check_not_utf8(0, 0, "conf:3: f: record 2: the key is not UTF-8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_matches_are_in_order),
		cmocka_unit_test(wrong_regular_expressions_are_told),
		cmocka_unit_test(regular_expressions_without_end_are_ended),
		cmocka_unit_test(long_queries_find_nothing),
		cmocka_unit_test(keys_that_are_not_utf8_have_no_index)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
