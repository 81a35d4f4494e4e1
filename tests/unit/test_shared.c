/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables that several loads own.
 */

#include "config.h"

#include "daemon/builder/builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/table/table.h"

static void
add(struct table_builder *b, const char *file, unsigned int line,
    const char *key, const char *value)
{
	const struct table_entry e = { .key = key, .key_len = strlen(key),
	    .value = value, .value_len = strlen(value) };

	assert_int_equal(table_builder_add(b, file, line, &e), 0);
}

static void
expect_at(const struct table *t, const char *key, const char *file,
    unsigned int line)
{
	struct table_entry e;
	const char *in_file;
	unsigned int at_line;
	table_id id = table_find(t, key, strlen(key), &e);

	assert_int_not_equal(id, TABLE_NO_ID);
	table_locate(t, id, &in_file, &at_line);
	assert_string_equal(in_file, file);
	assert_int_equal(at_line, line);
}

/* What its makers called it is theirs to free; the last owner frees it. */
static void
a_table_outlives_its_makers(void **state)
{
	char name[] = "shared", file[] = "file.tsv", other[] = "other.tsv";
	const struct table_options options = { .name = name,
	    .ways = TABLE_WAY(TABLE_EXACT) };
	struct problems problems = PROBLEMS_INIT;
	struct table_builder *b = table_builder_new(&options, 4096);
	struct table *t;

	(void)state;
	assert_non_null(b);
	add(b, file, 1, "a", "1");
	add(b, other, 7, "b", "2");
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
	expect_at(t, "a", "file.tsv", 1);
	expect_at(t, "b", "other.tsv", 7);
	table_unref(t);
	table_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_outlives_its_makers)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
