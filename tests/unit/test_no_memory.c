/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Loads that run out of memory, at each allocation in turn: either they say
 * so, or all is there.
 */

#include "config.h"

#include "daemon/snapshot/generation.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cdbs.h"
#include "confs.h"
#include "daemon/snapshot/diff.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/snapshot/views.h"
#include "daemon/source/source_job.h"
#include "daemon/table/fold.h"
#include "daemon/who/who.h"
#include "failing.h"
#include "folder.h"

/* All directives, with all options that take memory. */
static const char text[] =
    "listen 127.0.0.1 0 keep-alive=yes allow=127.0.0.0/8,192.0.2.0/24\n"
    "listen /nowhere/socket mode=0600 group=root "
    "allow=unix,group:root deny=user:65533\n"
    "control /nowhere/control group=root\n"
    "user root\n"
    "workers 2\n"
    "pidfile /nowhere/pid\n"
    "log level=warn access=/nowhere/access only=misses\n"
    "limit connections 100\n"
    "timeout idle 5s\n"
    "answer \"k\\u0000\" \"a \\\"quoted\\\" answer\"\n"
    "answer plain answer\n"
    "binary b file blob type=text/plain\n"
    "include more.conf\n"
    "include part*.conf\n"
    "table main search=exact,fuzzy duplicates=first guard=5%\n"
    "table words file words.tsv search=exact,prefix,fuzzy allow=unix\n"
    "table lines file lines*.jsonl duplicates=last\n"
    "table all file all.json duplicates=first\n"
    "table records file records.cdb search=exact\n"
    "table mapped file records.cdb mmap=yes\n"
    "table shared redis 127.0.0.1:7001,[::1]:7002 prefix=a: user=u "
    "password-file=secret deny=10.0.0.0/8\n"
    "table blobs binary folder type=image/png deny=10.0.0.0/8,group:root\n";

static void
write_files(void)
{
	struct cdb_bytes cdb = { .p = NULL };

	cdb_start(&cdb);
	cdb_put(&cdb, "one", 3, "1", 1, true);
	cdb_put(&cdb, "two", 3, "\"2\"", 3, true);
	cdb_finish(&cdb);
	folder_write("records.cdb", cdb.p, cdb.len);
	cdb_clear(&cdb);
	folder_write_text("F", text);
	folder_write_text("more.conf", "answer more more\n");
	folder_write_text("part1.conf", "answer part1 part\n");
	folder_write_text("part2.conf", fold_available() ?
	    "table folded file words.tsv fold=yes search=text\n" : "");
	folder_write_text("words.tsv", "A\\tb\tc\\n\nBee\thive\n"
	    "\\u{df}\tsharp\n\\u{e9}\tacute\nBEE\tloud\nbee\tsmall\n");
	folder_write_text("lines1.jsonl",
	    "{\"key\": \"a\", \"answer\": \"\\u0001\"}\n");
	folder_write_text("lines2.jsonl",
	    "{\"key\": \"a\", \"answer\": \"b\"}\n");
	folder_write_text("all.json", "{\"x\": \"y\\n\", \"x\": \"z\"}\n");
	folder_write_text("blob", "bytes");
	folder_write_text("secret", "hush\n");
	assert_int_equal(mkdir(folder_path("folder"), 0700), 0);
	folder_write_text("folder/one", "1");
	folder_write_text("folder/two", "2");
}

static int
setup(void **state)
{
	if (folder_setup(state) != 0)
		return -1;
	/* Several ranges a file, so that lists grow. */
	source_tuning.part_min = 8;
	source_tuning.block = 16;
	write_files();
	return 0;
}

static struct generation *before;	/* what a load is beside, or NULL */

static struct generation *
load(struct problems *problems)
{
	*problems = (struct problems)PROBLEMS_INIT;
	return generation_reload(before, folder_path("F"), NULL, problems);
}

static void
expect_same_tables(const struct table *const *a, size_t n_a,
    const struct table *const *b, size_t n_b)
{
	assert_int_equal(n_a, n_b);
	for (size_t i = 0; i < n_a; i++) {
		assert_string_equal(table_name(a[i]), table_name(b[i]));
		assert_int_equal(table_count(a[i]), table_count(b[i]));
		assert_int_equal(table_ways(a[i]), table_ways(b[i]));
		assert_true((table_index(a[i]) != NULL) ==
		    (table_index(b[i]) != NULL));
	}
}

/* Not only the tables: the configuration says the same. */
static void
expect_same(const struct generation *a, const struct generation *b)
{
	const struct table *const *x, *const *y;
	size_t n, m;
	char *told[2];
	size_t len;

	x = snapshot_tables(a->snap, &n);
	y = snapshot_tables(b->snap, &m);
	expect_same_tables(x, n, y, m);
	x = snapshot_blobs(a->snap, &n);
	y = snapshot_blobs(b->snap, &m);
	expect_same_tables(x, n, y, m);
	for (int i = 0; i < 2; i++) {
		FILE *f = open_memstream(&told[i], &len);

		assert_non_null(f);
		/* What it says must not depend on memory. */
		failing_start(1, true);
		conf_show(i == 0 ? a->conf : b->conf, f);
		assert_false(failing_stop());
		assert_int_equal(fclose(f), 0);
	}
	assert_string_equal(told[0], told[1]);
	free(told[0]);
	free(told[1]);
}

/* Each line has a place, or is of those that have none. */
static void
expect_told(const struct problems *problems, unsigned int n)
{
	if (problems_count(problems) == 0)
		fail_msg("allocation %u: no problem, no tables", n);
	for (size_t i = 0; i < problems->n; i++)
		if (strstr(problems->list[i].text, "(null)") != NULL ||
		    strstr(problems->list[i].text, "unknown user") != NULL ||
		    strstr(problems->list[i].text, "unknown group") != NULL)
			fail_msg("allocation %u: %s", n,
			    problems->list[i].text);
}

static void
fail_each(bool all)
{
	struct problems problems;
	struct generation *whole = load(&problems), *gen;
	bool failed = true;

	assert_int_equal(problems_count(&problems), 0);
	assert_non_null(whole);
	for (unsigned int n = 1; failed; n++) {
		failing_start(n, all);
		gen = load(&problems);
		failed = failing_stop();
		if (gen == NULL) {
			expect_told(&problems, n);
		} else {
			assert_int_equal(problems_count(&problems), 0);
			expect_same(gen, whole);
		}
		generation_unref(gen);
		problems_clear(&problems);
	}
	generation_unref(whole);
}

static void
one_failed_allocation_is_told(void **state)
{
	(void)state;
	fail_each(false);
}

static void
all_that_fail_from_one_on_are_told(void **state)
{
	(void)state;
	fail_each(true);
}

/* Some tables are shared with what was before, and others are read. */
static void
tables_are_shared_or_read(void **state)
{
	struct problems problems;

	(void)state;
	before = load(&problems);
	assert_non_null(before);
	folder_write_text("lines1.jsonl", "{\"key\": \"a\", \"answer\": "
	    "\"b\"}\n");
	folder_write_text("folder/one", "I");
	fail_each(false);
	fail_each(true);
	generation_unref(before);
	before = NULL;
}

/* A wrong configuration stays one, however little can be said of it. */
static void
what_is_wrong_stays_wrong(void **state)
{
	struct problems problems;
	bool failed = true;

	(void)state;
	folder_write_text("wrong.tsv", "no TAB\n\\q\twrong\n");
	folder_write_text("wrong", LISTEN "anwser a b\nanswer a\n"
	    "table t file words.tsv gard=no\ntable u file none.tsv\n"
	    "table v file wrong.tsv\n");
	for (unsigned int n = 1; failed; n++) {
		problems = (struct problems)PROBLEMS_INIT;
		failing_start(n, false);
		assert_null(generation_load(folder_path("wrong"), NULL,
		    &problems));
		failed = failing_stop();
		expect_told(&problems, n);
		problems_clear(&problems);
	}
}

/* Keys that came twice are told, or that it is not known. */
static void
duplicates_stay_wrong(void **state)
{
	struct problems problems;
	bool failed = true;

	(void)state;
	folder_write_text("twice.tsv", "a\t1\nb\t2\na\t3\n");
	assert_int_equal(mkdir(folder_path("same"), 0700), 0);
	folder_write_text("same/a", "1");
	folder_write_text("same/%61", "2");
	folder_write_text("twice", LISTEN "answer a b\nanswer a c\n"
	    "table t file twice.tsv\ntable u binary same\n");
	for (unsigned int n = 1; failed; n++) {
		problems = (struct problems)PROBLEMS_INIT;
		failing_start(n, false);
		assert_null(generation_load(folder_path("twice"), NULL,
		    &problems));
		failed = failing_stop();
		expect_told(&problems, n);
		problems_clear(&problems);
	}
}

/* Where no line could be kept, there is one all the same. */
static void
what_cannot_be_told_is_counted(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	char *lines;

	(void)state;
	failing_start(1, true);
	problems_add(&problems, "F", 1, "wrong");
	problems_add(&problems, "F", 2, "wrong, too");
	assert_true(failing_stop());
	assert_int_equal(problems_count(&problems), 2);
	lines = confs_problems(&problems);
	assert_string_equal(lines,
	    "problems that there was no memory to tell: 2\n");
	free(lines);
}

static void
a_comparison_without_memory_fails(void **state)
{
	struct problems problems;
	struct generation *gen = load(&problems), *again;
	struct diff diff;

	(void)state;
	assert_non_null(gen);
	failing_start(1, false);
	assert_int_equal(diff_snapshots(gen->snap, gen->snap, &diff), -1);
	assert_true(failing_stop());
	diff_clear(&diff);
	for (unsigned int n = 1; n < 3; n++) {
		failing_start(n, false);
		assert_null(generation_again(gen));
		assert_true(failing_stop());
	}
	again = generation_again(gen);
	assert_non_null(again);
	generation_unref(again);
	generation_unref(gen);
}

/* Whoever sees not all sees nothing then, rather than more. */
static void
there_may_be_no_memory_for_a_view(void **state)
{
	const struct who who = { .family = AF_INET };
	struct problems problems;
	struct generation *gen = load(&problems), *view = NULL;
	unsigned int n;

	(void)state;
	assert_non_null(gen);
	for (n = 1; view == NULL; n++) {
		failing_start(n, false);
		view = views_find(gen, &who);
		assert_int_equal(failing_stop(), view == NULL);
	}
	assert_true(n > 5);
	assert_ptr_not_equal(view, gen);
	assert_ptr_equal(views_find(gen, &who), view);
	generation_unref(gen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_failed_allocation_is_told),
		cmocka_unit_test(all_that_fail_from_one_on_are_told),
		cmocka_unit_test(tables_are_shared_or_read),
		cmocka_unit_test(what_is_wrong_stays_wrong),
		cmocka_unit_test(duplicates_stay_wrong),
		cmocka_unit_test(what_cannot_be_told_is_counted),
		cmocka_unit_test(a_comparison_without_memory_fails),
		cmocka_unit_test(there_may_be_no_memory_for_a_view)
	};

	return cmocka_run_group_tests(tests, setup, folder_teardown);
}
