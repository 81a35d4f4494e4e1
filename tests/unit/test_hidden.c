/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How many keys earlier tables hide, against lookups one by one; tables are
 * small and large before each other, so that both ways to count are gone.
 */

#include "config.h"

#include "daemon/snapshot/hidden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/fold.h"
#include "folder.h"
#include "roll.h"

#define KEYS	300	/* of which each table has some, in some case */
#define TABLES	4

static void
write_keys(const char *name, unsigned int share, bool folds)
{
	FILE *f = fopen(folder_path(name), "w");

	assert_non_null(f);
	for (unsigned int i = 0; i < KEYS; i++)
		if (roll(1000) < share)
			fprintf(f, "%s %u\tx\n", roll(2) == 0 ?
			    "key" : "KEY", i);
		else if (!folds && roll(1000) < share)
			fprintf(f, "key %u\tx\nKEY %u\ty\n", i, i);
	assert_int_equal(fclose(f), 0);
}

static struct generation *
load(void)
{
	static const unsigned int shares[] = { 0, 5, 200, 900 };
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen;
	char text[1024] = LISTEN;

	for (int i = 0; i < TABLES; i++) {
		bool folds = fold_available() && roll(4) == 0;
		char name[16];

		snprintf(name, sizeof(name), "%d.tsv", i);
		write_keys(name, shares[roll(4)], folds);
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "table t%d file %s%s\n", i, name,
		    folds ? " fold=yes" : "");
	}
	gen = generation_load(folder_write_text("F", text), NULL, &problems);
	assert_non_null(gen);
	return gen;
}

/* One by one. */
static size_t
count(const struct generation *gen, const struct table *const *tables,
    size_t which)
{
	struct snapshot_answer a;
	struct table_entry e;
	table_id id = TABLE_NO_ID;
	size_t n = 0;

	while (table_next(tables[which], &id, &e))
		for (size_t i = 0; i < which; i++)
			if (snapshot_find(gen->snap, tables[i], e.shown,
			    e.shown_len, &a) == SNAPSHOT_FOUND) {
				n++;
				break;
			}
	return n;
}

static void
counts_are_those_of_lookups(void **state)
{
	static const atomic_bool never;
	size_t all = 0;

	(void)state;
	for (int round = 0; round < 100; round++) {
		struct generation *gen = load();
		const struct table *const *tables;
		size_t n, hidden;

		tables = snapshot_tables(gen->snap, &n);
		assert_int_equal(n, TABLES + 1);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(hidden_count(tables, i, &never,
			    &hidden), 0);
			assert_int_equal(hidden, count(gen, tables, i));
			all += hidden;
		}
		generation_unref(gen);
	}
	assert_true(all > 1000);
}

/* It is given up before it begins: later would be a matter of time. */
static void
it_can_be_stopped(void **state)
{
	static const char words[] = "a\t1\nb\t2\n", more[] = "a\t1\n";
	static const atomic_bool now = true;
	struct problems problems = PROBLEMS_INIT;
	const struct table *const *tables;
	struct generation *gen;
	size_t n, hidden;

	(void)state;
	folder_write_text("0.tsv", words);
	folder_write_text("1.tsv", more);
	gen = generation_load(folder_write_text("F", LISTEN
	    "table a file 0.tsv\ntable b file 1.tsv\ntable c file 0.tsv\n"),
	    NULL, &problems);
	assert_non_null(gen);
	tables = snapshot_tables(gen->snap, &n);
	/* Before the first there is nothing to be walked. */
	assert_int_equal(hidden_count(tables, 1, &now, &hidden), 0);
	assert_int_equal(hidden, 0);
	assert_int_equal(hidden_count(tables, 2, &now, &hidden), -1);
	assert_int_equal(hidden_count(tables, 3, &now, &hidden), -1);
	generation_unref(gen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_those_of_lookups),
		cmocka_unit_test(it_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
