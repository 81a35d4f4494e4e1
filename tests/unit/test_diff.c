/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What changes from one load to the next, and what guards say of it.
 */

#include "config.h"

#include "daemon/snapshot/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/fold.h"
#include "folder.h"

static struct generation *
load(const char *text)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen = generation_load(folder_write_text("F", text),
	    NULL, &problems);
	char *lines = confs_problems(&problems);

	assert_string_equal(lines, "");
	free(lines);
	assert_non_null(gen);
	return gen;
}

/* A file of keys from first on, with an answer. */
static void
write_keys(const char *name, int first, int n, const char *answer)
{
	FILE *f = fopen(folder_path(name), "w");

	assert_non_null(f);
	for (int i = first; i < first + n; i++)
		fprintf(f, "key %d\t%s\n", i, answer);
	assert_int_equal(fclose(f), 0);
}

/* A line a table that changed, and the problems of guards. */
static void
expect_diff(struct generation *old, struct generation *new,
    const char *expected)
{
	struct problems problems = PROBLEMS_INIT;
	char *text, *lines;
	struct diff diff;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(diff_snapshots(old->snap, new->snap, &diff), 0);
	for (size_t i = 0; i < diff.n; i++) {
		const struct diff_table *d = &diff.tables[i];

		if (d->added + d->removed + d->changed > 0)
			fprintf(f, "%s%s %zu>%zu +%zu -%zu ~%zu\n", d->name,
			    d->binary ? " (binary)" : "", d->old_count,
			    d->new_count, d->added, d->removed, d->changed);
	}
	diff_guard(&diff, old->conf, new->conf, &problems);
	lines = confs_problems(&problems);
	fputs(lines, f);
	free(lines);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, expected);
	free(text);
	diff_clear(&diff);
	generation_unref(old);
	generation_unref(new);
}

static void
what_changes_is_counted(void **state)
{
	struct generation *old;

	(void)state;
	write_keys("t.tsv", 0, 10, "x");
	old = load(LISTEN "answer a b\ntable t file t.tsv\n");
	write_keys("t.tsv", 2, 11, "y");
	expect_diff(old, load(LISTEN "answer c d\ntable t file t.tsv\n"),
	    "main 1>1 +1 -1 ~0\n"
	    "t 10>11 +3 -2 ~8\n");
	write_keys("t.tsv", 0, 10, "x");
	old = load(LISTEN "table t file t.tsv\n");
	expect_diff(old, load(LISTEN "table t file t.tsv\n"), "");
}

static struct generation *
load_folded(const char *lines)
{
	folder_write_text("t.tsv", lines);
	return load(LISTEN "table t file t.tsv fold=yes guard=no\n");
}

/* Each of them by its bytes; one that has no equal is spelled anew. */
static void
equal_keys_are_told_apart(void **state)
{
	static const struct {
		const char *before, *after, *told;
	} rows[] = {
		{ "Ab\t1\n", "AB\t1\n", "" },
		{ "Ab\t1\n", "AB\t2\n", "t 1>1 +0 -0 ~1\n" },
		{ "Ab\t1\nAB\t2\n", "Ab\t2\nAB\t1\n", "t 2>2 +0 -0 ~2\n" },
		{ "Ab\t1\nAB\t2\n", "AB\t2\nAb\t1\n", "" },
		{ "Ab\t1\nAB\t2\n", "Ab\t1\n", "t 2>1 +0 -1 ~0\n" },
		{ "Ab\t1\n", "AB\t2\nAb\t1\n", "t 1>2 +1 -0 ~0\n" },
		/* Which of them it was, nobody can say. */
		{ "Ab\t1\nAB\t2\n", "ab\t1\n", "t 2>1 +1 -2 ~0\n" },
		{ "ab\t1\n", "AB\t1\nAb\t2\n", "t 1>2 +2 -1 ~0\n" },
		{ "Ab\t1\nx\t1\nAB\t1\n", "X\t2\nAb\t2\naB\t1\n",
		    "t 3>3 +1 -1 ~2\n" }
	};

	(void)state;
	if (!fold_available())
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct generation *old = load_folded(rows[i].before);

		expect_diff(old, load_folded(rows[i].after), rows[i].told);
	}
}

static void
a_loss_beyond_the_guard_is_told(void **state)
{
	static const struct {
		int left;
		const char *guard, *told;
	} rows[] = {
		{ 8, "", "" },
		{ 7, "", "F:2: the table \"t\" lost 3 of 10 keys, more than "
		    "guard=20% allows; \"appmsgctl reload --force\" takes "
		    "it\n" },
		{ 9, " guard=0%", "F:2: the table \"t\" lost 1 of 10 keys, "
		    "more than guard=0% allows; \"appmsgctl reload --force\" "
		    "takes it\n" },
		{ 1, " guard=99%", "" },
		{ 0, " guard=99%", "F:2: the table \"t\" lost 10 of 10 keys, "
		    "more than guard=99% allows; \"appmsgctl reload --force\" "
		    "takes it\n" },
		{ 0, " guard=no", "" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct generation *old;
		char text[200], expected[300];

		write_keys("t.tsv", 0, 10, "x");
		old = load(LISTEN "table t file t.tsv\n");
		write_keys("t.tsv", 0, rows[i].left, "x");
		snprintf(text, sizeof(text), LISTEN "table t file t.tsv%s\n",
		    rows[i].guard);
		snprintf(expected, sizeof(expected),
		    "t 10>%d +0 -%d ~0\n%s", rows[i].left, 10 - rows[i].left,
		    rows[i].told);
		expect_diff(old, load(text), expected);
	}
}

static void
a_table_that_is_gone_lost_all(void **state)
{
	struct generation *old;

	(void)state;
	write_keys("t.tsv", 0, 3, "x");
	write_keys("empty.tsv", 0, 0, "x");
	old = load(LISTEN "table a file t.tsv\n\n"
	    "table b binary t.tsv guard=99%\n"
	    "table c file t.tsv guard=no\n"
	    "table d file empty.tsv guard=0%\n"
	    "table e file t.tsv\n");
	expect_diff(old, load(LISTEN "answer a b\ntable e file t.tsv\n"),
	    "main 0>1 +1 -0 ~0\n"
	    "a 3>0 +0 -3 ~0\n"
	    "c 3>0 +0 -3 ~0\n"
	    "b (binary) 1>0 +0 -1 ~0\n"
	    "F:2: the table \"a\" that was here is gone, and lost 3 of 3 "
	    "keys, more than guard=20% allows; \"appmsgctl reload --force\" "
	    "takes it away\n"
	    "F:4: the table \"b\" that was here is gone, and lost 1 of 1 "
	    "keys, more than guard=99% allows; \"appmsgctl reload --force\" "
	    "takes it away\n");
}

/* One of answers and one of bytes are two, whatever their name. */
static void
another_kind_is_another_table(void **state)
{
	struct generation *old;

	(void)state;
	write_keys("t.tsv", 0, 3, "x");
	old = load(LISTEN "table a file t.tsv\n");
	expect_diff(old, load(LISTEN "table a binary t.tsv\n"),
	    "a 3>0 +0 -3 ~0\n"
	    "a (binary) 0>1 +1 -0 ~0\n"
	    "F:2: the table \"a\" lost 3 of 3 keys, more than guard=20% "
	    "allows; \"appmsgctl reload --force\" takes it\n");
}

/*
 * They are the configuration's own lines; but it may say so, and then of
 * those that are answers.
 */
static void
main_is_guarded_on_demand(void **state)
{
	static const char two[] = LISTEN "answer a b\nanswer c d\n"
	    "binary x file t.tsv\ntable main guard=0%\n";

	(void)state;
	write_keys("t.tsv", 0, 1, "x");
	expect_diff(load(two), load(LISTEN),
	    "main 2>0 +0 -2 ~0\nmain (binary) 1>0 +0 -1 ~0\n");
	expect_diff(load(two), load(LISTEN "answer a b\n"
	    "table main guard=50%\n"),
	    "main 2>1 +0 -1 ~0\nmain (binary) 1>0 +0 -1 ~0\n");
	expect_diff(load(two), load(LISTEN "answer a b\n"
	    "table main guard=49%\n"),
	    "main 2>1 +0 -1 ~0\nmain (binary) 1>0 +0 -1 ~0\n"
	    "F:3: the table \"main\" lost 1 of 2 keys, more than guard=49% "
	    "allows; \"appmsgctl reload --force\" takes it\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changes_is_counted),
		cmocka_unit_test(equal_keys_are_told_apart),
		cmocka_unit_test(a_loss_beyond_the_guard_is_told),
		cmocka_unit_test(a_table_that_is_gone_lost_all),
		cmocka_unit_test(another_kind_is_another_table),
		cmocka_unit_test(main_is_guarded_on_demand)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
