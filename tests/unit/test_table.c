/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables as their builder makes them: what is found, in which order, where it
 * stood, and what becomes of keys that come again.
 */

#include "config.h"

#include "daemon/table/table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/table/fold.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define LARGE	((size_t)64 << 20)

static const struct table_options exact = { .name = "test",
    .ways = TABLE_WAY(TABLE_EXACT) };

static struct table_builder *
new_builder(enum table_duplicates duplicates, size_t bytes)
{
	struct table_options options = exact;
	struct table_builder *b;

	options.duplicates = duplicates;
	b = table_builder_new(&options, bytes);
	assert_non_null(b);
	return b;
}

static void
add(struct table_segment *s, const char *key, const char *value,
    unsigned int line)
{
	assert_int_equal(table_segment_add(s, key, strlen(key), value,
	    strlen(value), line), 0);
}

static struct table *
finish(struct table_builder *b)
{
	struct problems problems = PROBLEMS_INIT;
	struct table *t = table_builder_finish(b, 2, &problems);

	if (t == NULL)
		problems_print(&problems, stderr);
	assert_non_null(t);
	assert_int_equal(problems.n, 0);
	return t;
}

static void
assert_found(const struct table *t, const char *key, const char *value,
    const char *file, unsigned int line)
{
	struct table_entry e, again;
	const char *in_file;
	unsigned int at_line;
	table_id id;

	table_prefetch(t, table_hash(key, strlen(key)));
	table_prefetch_entry(t, table_hash(key, strlen(key)));
	id = table_find(t, key, strlen(key), &e);
	assert_int_not_equal(id, TABLE_NO_ID);
	assert_int_equal(e.key_len, strlen(key));
	assert_memory_equal(e.key, key, e.key_len);
	assert_int_equal(e.value_len, strlen(value));
	assert_memory_equal(e.value, value, e.value_len);
	table_entry(t, id, &again);
	assert_memory_equal(&e, &again, sizeof(e));
	table_locate(t, id, &in_file, &at_line);
	assert_string_equal(in_file, file);
	assert_int_equal(at_line, line);
}

static void
assert_missing(const struct table *t, const char *key)
{
	struct table_entry e;

	table_prefetch(t, table_hash(key, strlen(key)));
	table_prefetch_entry(t, table_hash(key, strlen(key)));
	assert_int_equal(table_find(t, key, strlen(key), &e), TABLE_NO_ID);
}

static void
test_empty(void **state)
{
	struct table_builder *b = new_builder(TABLE_DUPLICATES_ERROR, 0);
	struct table_entry e;
	table_id id = TABLE_NO_ID;
	struct table *t;

	(void)state;
	t = finish(b);
	assert_int_equal(table_count(t), 0);
	assert_missing(t, "");
	assert_missing(t, "a");
	assert_false(table_next(t, &id, &e));
	assert_string_equal(table_name(t), "test");
	assert_false(table_folds(t));
	assert_null(table_index(t));
	assert_true(table_memory(t) > 0);
	table_unref(t);
	table_unref(NULL);
	table_builder_free(NULL);
}

static void
test_segments(void **state)
{
	struct table_builder *b = new_builder(TABLE_DUPLICATES_ERROR,
	    3 * TABLE_SEGMENT_ROOM(1000));
	struct table_segment *one, *two, *none;
	static const char *const order[] = { "b", "a", "", "d", "c" };
	struct table_entry e;
	table_id id = TABLE_NO_ID, before = 0;
	struct table *t;

	(void)state;
	one = table_builder_segment(b, "one.tsv", 1000);
	none = table_builder_segment(b, "none.tsv", 1000);
	two = table_builder_segment(b, "two.tsv", 1000);
	assert_non_null(one);
	assert_non_null(two);
	assert_non_null(none);
	add(two, "d", "4", 1);
	add(one, "b", "2", 7);
	add(two, "c", "", 100000);
	add(one, "a", "1", 7);
	assert_int_equal(table_segment_add(one, "e\0f", 3, "\0", 1, 9), 0);
	table_segment_set_line(two, 11);
	t = finish(b);
	assert_int_equal(table_count(t), 5);
	assert_found(t, "b", "2", "one.tsv", 7);
	assert_found(t, "a", "1", "one.tsv", 7);
	assert_found(t, "d", "4", "two.tsv", 11);
	assert_found(t, "c", "", "two.tsv", 100010);
	assert_missing(t, "e");
	assert_missing(t, "bb");
	assert_int_not_equal(table_find(t, "e\0f", 3, &e), TABLE_NO_ID);
	assert_int_equal(e.value_len, 1);
	for (size_t i = 0; i < COUNT(order); i++) {
		assert_true(table_next(t, &id, &e));
		assert_true(i == 0 || id > before);
		before = id;
		if (i != 2)
			assert_memory_equal(e.key, order[i], 1);
		assert_ptr_equal(e.shown, e.key);
		assert_int_equal(e.shown_len, e.key_len);
	}
	assert_false(table_next(t, &id, &e));
	table_unref(t);
}

static void
test_refused(void **state)
{
	struct table_builder *b = new_builder(TABLE_DUPLICATES_ERROR,
	    TABLE_SEGMENT_ROOM(5000));
	struct table_segment *s = table_builder_segment(b, "file", 5000);
	char key[TABLE_KEY_MAX + 1], *value = calloc(1, 10000);

	(void)state;
	assert_non_null(s);
	assert_non_null(value);
	memset(key, 'k', sizeof(key));
	assert_int_equal(table_segment_add(s, key, 0, "", 0, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(table_segment_add(s, key, sizeof(key), "", 0, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(table_segment_add(s, key, sizeof(key) - 1, "", 0, 5),
	    0);
	assert_int_equal(table_segment_add(s, "a", 1, "", 0, 4), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(table_segment_add(s, "a", 1, value, 10000, 5), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(table_segment_add(s, "a", 1, value, 3000, 5), 0);
	assert_null(table_builder_segment(b, "file", LARGE));
	assert_int_equal(errno, ENOSPC);
	table_builder_free(b);
	assert_null(table_builder_new(&exact, (size_t)1 << 41));
	assert_int_equal(errno, EFBIG);
	free(value);
}

static int
add_one(struct table_builder *b, const char *file, unsigned int line,
    const char *key, const char *value)
{
	const struct table_entry e = { .key = key, .key_len = strlen(key),
	    .value = value, .value_len = strlen(value) };

	return table_builder_add(b, file, line, &e);
}

/* What a few lines of a configuration do. */
static void
test_added_one_by_one(void **state)
{
	const char *conf = "appmsgd.conf", *more = "more.conf";
	static char big[100000];
	struct table_builder *b = new_builder(TABLE_DUPLICATES_ERROR,
	    5 * TABLE_ENTRY_ROOM(1, 1) + TABLE_ENTRY_ROOM(1, sizeof(big)));
	struct table *t;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	assert_int_equal(add_one(b, conf, 3, "a", "1"), 0);
	assert_int_equal(add_one(b, conf, 3, "", "1"), -1);
	assert_int_equal(add_one(b, conf, 4, "b", "2"), 0);
	assert_int_equal(add_one(b, more, 1, "c", big), 0);
	assert_int_equal(add_one(b, conf, 6, "d", "4"), 0);
	assert_int_equal(add_one(b, conf, 2, "e", "5"), 0);
	t = finish(b);
	assert_int_equal(table_count(t), 5);
	assert_found(t, "a", "1", conf, 3);
	assert_found(t, "b", "2", conf, 4);
	assert_found(t, "c", big, more, 1);
	assert_found(t, "d", "4", conf, 6);
	assert_found(t, "e", "5", conf, 2);
	table_unref(t);
}

/* Segments with huge pages, which are used in part. */
static void
test_large_segments(void **state)
{
	struct table_builder *b = new_builder(TABLE_DUPLICATES_ERROR,
	    3 * TABLE_SEGMENT_ROOM(LARGE));
	struct table_segment *s[3];
	char key[32], value[200];
	struct table *t;

	(void)state;
	s[0] = table_builder_segment(b, "0", LARGE);
	s[1] = table_builder_segment(b, "1", 1000);
	s[2] = table_builder_segment(b, "2", LARGE);
	for (unsigned int i = 0; i < 3; i++) {
		assert_non_null(s[i]);
		for (unsigned int n = 0; n < (i == 1 ? 2 : 20000); n++) {
			snprintf(key, sizeof(key), "%u-%u", i, n);
			snprintf(value, sizeof(value), "%0*u", 150, n);
			add(s[i], key, value, 3 * n + 1);
		}
	}
	t = finish(b);
	assert_int_equal(table_count(t), 40002);
	assert_true(table_memory(t) < (size_t)9 << 20);
	for (unsigned int n = 0; n < 20000; n += n < 1000 ? 1 : 499) {
		snprintf(value, sizeof(value), "%0*u", 150, n);
		snprintf(key, sizeof(key), "2-%u", n);
		assert_found(t, key, value, "2", 3 * n + 1);
		snprintf(key, sizeof(key), "0-%u", n);
		assert_found(t, key, value, "0", 3 * n + 1);
	}
	assert_missing(t, "1-2");
	table_unref(t);
}

#define AGAIN	" (table main duplicates=first or last keeps one, join all)"

static void
assert_problem(const struct problems *p, size_t i, const char *text)
{
	assert_true(i < p->n);
	assert_string_equal(p->list[i].text, text);
}

static void
assert_again(const struct problems *p, size_t i, const char *text)
{
	assert_memory_equal(p->list[i].text, text, strlen(text));
	assert_string_equal(p->list[i].text + strlen(text), AGAIN);
}

static void
test_duplicates_are_told(void **state)
{
	struct table_builder *b = new_builder(TABLE_DUPLICATES_ERROR,
	    2 * TABLE_SEGMENT_ROOM(10000));
	struct table_segment *one = table_builder_segment(b, "one", 10000);
	struct table_segment *two = table_builder_segment(b, "two", 10000);
	struct problems problems = PROBLEMS_INIT;
	char key[130], text[300];

	(void)state;
	add(one, "a", "1", 1);
	add(one, "b", "2", 2);
	add(one, "a", "3", 5);
	add(two, "b", "4", 1);
	add(two, "a", "5", 2);
	assert_int_equal(table_segment_add(two, "\0\n", 2, "", 0, 3), 0);
	assert_int_equal(table_segment_add(two, "\0\n", 2, "", 0, 4), 0);
	/* 62 bytes and an e with acute, twice: cut between characters */
	memset(key, 'k', 62);
	strcpy(key + 62, "\xc3\xa9\xc3\xa9");
	add(two, key, "", 5);
	add(two, key, "", 6);
	strcpy(key + 63, "\xc3\xa9\xc3\xa9");
	key[62] = 'k';
	add(two, key, "", 7);
	add(two, key, "", 8);
	assert_null(table_builder_finish(b, 2, &problems));
	assert_int_equal(problems.n, 6);
	assert_int_equal(problems.dropped, 0);
	assert_again(&problems, 0,
	    "one:5: the key \"a\" was given before, at one:1");
	assert_again(&problems, 1,
	    "two:1: the key \"b\" was given before, at one:2");
	assert_again(&problems, 2,
	    "two:2: the key \"a\" was given before, at one:1");
	assert_again(&problems, 3,
	    "two:4: the key \"\\\\0\\n\" was given before, at two:3");
	snprintf(text, sizeof(text), "two:6: the key \"%.62s\xc3\xa9...\" was "
	    "given before, at two:5", key);
	assert_again(&problems, 4, text);
	snprintf(text, sizeof(text), "two:8: the key \"%.63s...\" was given "
	    "before, at two:7", key);
	assert_again(&problems, 5, text);
	problems_clear(&problems);
}

static void
test_many_duplicates_are_counted(void **state)
{
	struct table_builder *b = new_builder(TABLE_DUPLICATES_ERROR,
	    2 * TABLE_SEGMENT_ROOM(10000));
	struct table_segment *s = table_builder_segment(b, "file", 10000);
	struct table_segment *other = table_builder_segment(b, "other", 10000);
	struct problems problems = PROBLEMS_INIT;

	(void)state;
	for (unsigned int line = 1; line <= 300; line++)
		add(s, "a", "", line);
	for (unsigned int line = 1; line <= 1000; line++)
		add(other, "a", "", line);
	table_builder_check(b, 2, &problems);
	assert_int_equal(problems.n, 2 * PROBLEMS_FILE_MAX + 2);
	assert_int_equal(problems_count(&problems), 1299);
	assert_again(&problems, PROBLEMS_FILE_MAX - 1,
	    "file:11: the key \"a\" was given before, at file:1");
	assert_problem(&problems, PROBLEMS_FILE_MAX,
	    "and 289 more in file");
	assert_again(&problems, 2 * PROBLEMS_FILE_MAX,
	    "other:10: the key \"a\" was given before, at file:1");
	assert_problem(&problems, 2 * PROBLEMS_FILE_MAX + 1,
	    "and 990 more in other");
	problems_clear(&problems);
}

/* Records are counted in each file, across the blocks of places. */
static void
test_places_without_lines(void **state)
{
	struct table_builder *b = new_builder(TABLE_DUPLICATES_ERROR,
	    2 * TABLE_SEGMENT_ROOM(20000));
	struct problems problems = PROBLEMS_INIT;
	static const char *const files[] = { "x.cdb", "y.cdb" };
	char key[16];

	(void)state;
	for (int f = 0; f < 2; f++) {
		struct table_segment *s = table_builder_segment(b, files[f],
		    20000);

		for (int i = 1; i <= 600; i++) {
			snprintf(key, sizeof(key), "%d.%d", f, i);
			if (f == 1 && i == 513)
				strcpy(key, "0.300");
			if (f == 1 && i == 600)
				strcpy(key, "1.1");
			add(s, key, "", 0);
		}
	}
	assert_null(table_builder_finish(b, 1, &problems));
	assert_int_equal(problems.n, 2);
	assert_again(&problems, 0, "y.cdb: record 513: the key \"0.300\" "
	    "was given before, at record 300 of x.cdb");
	assert_again(&problems, 1, "y.cdb: record 600: the key \"1.1\" "
	    "was given before, at record 1 of y.cdb");
	problems_clear(&problems);
}

static void
test_folded(void **state)
{
	struct table_options options = exact;
	struct problems problems = PROBLEMS_INIT;
	struct table_builder *b;
	struct table_segment *s;
	struct table_entry e;
	struct table *t;

	(void)state;
	if (!fold_available())
		skip();
	options.fold = true;
	b = table_builder_new(&options, TABLE_SEGMENT_ROOM(1000));
	s = table_builder_segment(b, "file", 1000);
	add(s, "Morpheus", "1", 1);
	add(s, "stra\xc3\x9f""e", "2", 2);
	add(s, "plain", "3", 3);
	t = finish(b);
	assert_true(table_folds(t));
	assert_found(t, "morpheus", "1", "file", 1);
	assert_missing(t, "Morpheus");
	assert_found(t, "strasse", "2", "file", 2);
	assert_int_not_equal(table_find(t, "strasse", 7, &e), TABLE_NO_ID);
	assert_int_equal(e.shown_len, 7);
	assert_memory_equal(e.shown, "stra\xc3\x9f""e", 7);
	table_find(t, "plain", 5, &e);
	assert_ptr_equal(e.shown, e.key);
	table_unref(t);

	b = table_builder_new(&options, TABLE_SEGMENT_ROOM(1000));
	s = table_builder_segment(b, "file", 1000);
	add(s, "Neo", "1", 1);
	add(s, "NEO", "2", 2);
	add(s, "Neo", "3", 3);
	assert_null(table_builder_finish(b, 1, &problems));
	assert_int_equal(problems.n, 1);
	assert_again(&problems, 0,
	    "file:3: the key \"Neo\" was given before, at file:1");
	problems_clear(&problems);
}

static void
test_default_ways(void **state)
{
	struct table_options options = exact;
	struct table_builder *b;
	struct table *t;

	(void)state;
	options.ways = 0;
	b = table_builder_new(&options, TABLE_SEGMENT_ROOM(1000));
	add(table_builder_segment(b, "file", 1000), "a", "1", 1);
	t = finish(b);
	assert_int_equal(table_ways(t), (TABLE_WAY(TABLE_WAYS) - 1) &
	    ~(TABLE_WAY(TABLE_REGEX) | TABLE_WAY(TABLE_TEXT)));
	assert_non_null(table_index(t));
	table_unref(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_added_one_by_one),
		cmocka_unit_test(test_large_segments),
		cmocka_unit_test(test_duplicates_are_told),
		cmocka_unit_test(test_many_duplicates_are_counted),
		cmocka_unit_test(test_places_without_lines),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_default_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
