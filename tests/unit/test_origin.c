/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What several loads need to own a table: names, a count, and what it was made
 * of.
 */

#include "config.h"

#include "daemon/table/origin.h"

#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/table/table.h"

/* What its makers called it is theirs to free; the last owner frees it. */
static void
a_table_outlives_its_makers(void **state)
{
	char name[] = "shared", file[] = "file.tsv", other[] = "other.tsv";
	const struct table_options options = { .name = name,
	    .ways = TABLE_WAY(TABLE_EXACT) };
	const struct table_entry e = { .key = "a", .key_len = 1,
	    .value = "1", .value_len = 1 }, f = { .key = "b", .key_len = 1,
	    .value = "2", .value_len = 1 };
	struct problems problems = PROBLEMS_INIT;
	struct table_builder *b = table_builder_new(&options, 4096);
	struct table_entry found;
	unsigned int line;
	const char *at;
	struct table *t;

	(void)state;
	assert_non_null(b);
	assert_int_equal(table_builder_add(b, file, 1, &e), 0);
	assert_int_equal(table_builder_add(b, other, 7, &f), 0);
	t = table_builder_finish(b, 1, &problems);
	assert_non_null(t);
	memset(name, 'x', strlen(name));
	memset(file, 'x', strlen(file));
	memset(other, 'x', strlen(other));
	assert_ptr_equal(table_ref(t), t);
	table_unref(t);
	assert_string_equal(table_name(t), "shared");
	assert_string_equal(table_files(t)[0], "file.tsv");
	assert_string_equal(table_files(t)[1], "other.tsv");
	assert_null(table_files(t)[2]);
	table_locate(t, table_find(t, "b", 1, &found), &at, &line);
	assert_string_equal(at, "other.tsv");
	assert_int_equal(line, 7);
	table_unref(t);
	table_unref(NULL);
}

/* It is that of nothing else, and no proof of anything. */
static void
an_origin_that_is_not_known(void **state)
{
	const struct stat sb = { .st_size = 1 };
	struct origin origins[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct origin_sum sum;

		origin_start(&sum);
		origin_file(&sum, "a", &sb, i == 0);
		origins[i] = origin_end(&sum);
	}
	assert_true(origin_is_same(origins[0], origins[0]));
	assert_int_equal(origins[0].hash, origins[1].hash);
	assert_false(origin_is_same(origins[0], origins[1]));
	assert_false(origin_is_same(origins[1], origins[0]));
	assert_false(origin_is_same(origins[1], origins[1]));
}

/* Each part of a file's look is one, and where a text ends. */
static void
origins_differ(void **state)
{
	const struct stat looks[] = {
		{ .st_dev = 0 }, { .st_dev = 1 }, { .st_ino = 1 },
		{ .st_size = 1 }, { .st_mtim = { 1, 0 } },
		{ .st_mtim = { 0, 1 } }, { .st_ctim = { 1, 0 } },
		{ .st_ctim = { 0, 1 } }
	};
	struct origin origins[sizeof(looks) / sizeof(*looks) + 2];
	size_t n = 0;

	(void)state;
	for (; n < sizeof(looks) / sizeof(*looks); n++) {
		struct origin_sum sum;

		origin_start(&sum);
		origin_file(&sum, "a", &looks[n], true);
		origins[n] = origin_end(&sum);
	}
	for (size_t len = 1; len <= 2; len++, n++) {
		struct origin_sum sum;

		origin_start(&sum);
		origin_bytes(&sum, "aaa", len);
		origin_bytes(&sum, "aaa", 3 - len);
		origins[n] = origin_end(&sum);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			assert_true(origin_is_same(origins[i], origins[j]) ==
			    (i == j));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_outlives_its_makers),
		cmocka_unit_test(an_origin_that_is_not_known),
		cmocka_unit_test(origins_differ)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
