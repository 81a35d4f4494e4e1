/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A table in the order of its buckets: each entry once, in the bucket in which
 * whoever asks looks for it.
 */

#include "config.h"

#include "daemon/publish/publish_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/base/problems.h"
#include "daemon/remote/bucket.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/fold.h"
#include "folder.h"

static const atomic_bool never, at_once = true;

/* The only one that has a file, of n lines, each with a key of its own if that
 * is wanted. */
static struct generation *
load(size_t n, const char *key, bool many, const char *options)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen;
	char text[256];
	FILE *f = fopen(folder_path("t.tsv"), "w");

	assert_non_null(f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s %zu\tx %zu\n", key, many ? i : 0, i);
	assert_int_equal(fclose(f), 0);
	snprintf(text, sizeof(text), LISTEN "table t file t.tsv%s\n",
	    options);
	gen = generation_load(folder_write_text("F", text), NULL, &problems);
	assert_non_null(gen);
	return gen;
}

static const struct table *
table_of(const struct generation *gen)
{
	size_t n;
	const struct table *const *tables = snapshot_tables(gen->snap, &n);

	assert_int_equal(n, 2);
	return tables[1];
}

/* Each entry that is there is in its bucket, and has not been there before. */
static void
assert_whole(const struct publish_order *o)
{
	size_t sum = 0, n;
	uint64_t bytes = 0;

	for (size_t bucket = 0; bucket < o->n_buckets; bucket++) {
		const table_id *ids = publish_order_bucket(o, bucket, &n);
		struct table_entry e;

		for (size_t i = 0; i < n; i++) {
			table_entry(o->table, ids[i], &e);
			assert_true(bucket_hash(e.key, e.key_len) %
			    o->n_buckets == bucket);
			/* They keep the order that they have in the table. */
			assert_true(i == 0 || ids[i] > ids[i - 1]);
			bytes += e.key_len + e.value_len;
		}
		sum += n;
	}
	assert_int_equal(sum, table_count(o->table));
	assert_int_equal(bytes, o->bytes);
}

static void
each_entry_is_in_its_bucket(void **state)
{
	static const size_t counts[] = { 0, 1, 31, 32, 33, 1000, 20000 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct generation *gen = load(counts[i], "key", true, "");
		struct publish_order o;

		assert_int_equal(publish_order(&o, table_of(gen), &never),
		    PUBLISH_SORTED);
		assert_int_equal(o.n, counts[i]);
		assert_int_equal(o.n_buckets, bucket_count(counts[i]));
		assert_whole(&o);
		publish_order_clear(&o);
		generation_unref(gen);
	}
}

/* Those that another one replaced are not there. */
static void
the_last_of_a_key_counts(void **state)
{
	struct generation *gen = load(100, "key", false, " duplicates=last");
	struct publish_order o;
	struct table_entry e;
	size_t n;

	(void)state;
	assert_int_equal(publish_order(&o, table_of(gen), &never),
	    PUBLISH_SORTED);
	table_entry(o.table, *publish_order_bucket(&o, 0, &n), &e);
	assert_int_equal(n, 1);
	assert_memory_equal(e.value, "x 99", 4);
	publish_order_clear(&o);
	generation_unref(gen);
}

/* By the key as it is compared. */
static void
folded_keys_are_hashed_as_they_are_compared(void **state)
{
	struct generation *gen;
	struct publish_order o;

	(void)state;
	if (!fold_available())
		skip();
	gen = load(1000, "KEY", true, " fold=yes");
	assert_int_equal(publish_order(&o, table_of(gen), &never),
	    PUBLISH_SORTED);
	assert_whole(&o);
	publish_order_clear(&o);
	generation_unref(gen);
}

static void
what_is_too_long_is_named(void **state)
{
	struct generation *gen;
	struct publish_order o;
	struct table_entry e;
	char *text = malloc(PUBLISH_ANSWER_MAX + 16);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', PUBLISH_ANSWER_MAX + 16);
	memcpy(text, "short\ty\nlong\t", 13);
	folder_write("t.tsv", text, PUBLISH_ANSWER_MAX + 13);
	gen = generation_load(folder_write_text("F", LISTEN
	    "table t file t.tsv\n"), NULL, &(struct problems)PROBLEMS_INIT);
	assert_non_null(gen);
	assert_int_equal(publish_order(&o, table_of(gen), &never),
	    PUBLISH_SORTED);
	publish_order_clear(&o);
	generation_unref(gen);
	folder_write("t.tsv", text, PUBLISH_ANSWER_MAX + 14);
	gen = generation_load(folder_path("F"), NULL,
	    &(struct problems)PROBLEMS_INIT);
	assert_non_null(gen);
	assert_int_equal(publish_order(&o, table_of(gen), &never),
	    PUBLISH_TOO_LONG);
	table_entry(o.table, o.long_id, &e);
	assert_int_equal(e.key_len, 4);
	publish_order_clear(&o);
	generation_unref(gen);
	free(text);
}

static void
it_can_be_stopped(void **state)
{
	struct generation *gen = load(100, "key", true, "");
	struct publish_order o;

	(void)state;
	assert_int_equal(publish_order(&o, table_of(gen), &at_once),
	    PUBLISH_STOPPED);
	publish_order_clear(&o);
	generation_unref(gen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_entry_is_in_its_bucket),
		cmocka_unit_test(the_last_of_a_key_counts),
		cmocka_unit_test(folded_keys_are_hashed_as_they_are_compared),
		cmocka_unit_test(what_is_too_long_is_named),
		cmocka_unit_test(it_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
