/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables that several loads own: which ones a load shares with the one before
 * it, and which files it does not read for that.
 */

#include "config.h"

#include "daemon/snapshot/generation.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cdbs.h"
#include "confs.h"
#include "daemon/base/file.h"
#include "daemon/snapshot/diff.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/fold.h"
#include "daemon/table/table.h"
#include "folder.h"

#define TABLES	LISTEN "table a file a.tsv\ntable b file b.tsv\n"

/* Each test begins with the configuration TABLES and an entry a table. */
static struct generation *gen;

static struct generation *
reload_from(const struct generation *old)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *new = generation_reload(old, folder_path("F"),
	    NULL, &problems);
	char *lines = confs_problems(&problems);

	assert_string_equal(lines, "");
	free(lines);
	assert_non_null(new);
	return new;
}

static int
setup(void **state)
{
	(void)state;
	/* Longer than a tick of the clock that stamps files. */
	file_settle_ms = 12;
	folder_write_text("F", TABLES);
	folder_write_text("a.tsv", "key\ta\n");
	folder_write_text("b.tsv", "key\tb\n");
	gen = reload_from(NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	generation_unref(gen);
	gen = NULL;
	return 0;
}

/*
 * Reload, in place of the generation before, which is let go.
 *
 * read  how many files are to be read, of how many
 *
 * Returns whether that is the same generation once more.
 */
static bool
reload(size_t read, size_t all)
{
	struct generation *old = gen;
	size_t was_read;
	bool same;

	gen = reload_from(old);
	same = generation_is_same(old, gen);
	assert_int_equal(snapshot_files(gen->snap, &was_read), all);
	assert_int_equal(was_read, read);
	generation_unref(old);
	return same;
}

static const struct table *
table(const char *name)
{
	const struct table *t = snapshot_old(gen->snap, name, false);

	assert_non_null(t);
	return t;
}

static void
expect_answer(const char *name, const char *key, const char *text)
{
	struct snapshot_answer a;

	assert_int_equal(snapshot_find(gen->snap, table(name), key,
	    strlen(key), &a), SNAPSHOT_FOUND);
	assert_int_equal(a.text_len, strlen(text));
	assert_memory_equal(a.text, text, a.text_len);
}

static void
expect_blob(const char *key, const char *bytes)
{
	struct snapshot_answer a;

	assert_true(snapshot_find_blob(gen->snap, key, strlen(key), &a));
	assert_int_equal(a.text_len, strlen(bytes));
	assert_memory_equal(a.text, bytes, a.text_len);
}

/* A file's own times, as they were. */
static void
set_times(const char *path, const struct stat *sb)
{
	const struct timespec times[2] = { sb->st_atim, sb->st_mtim };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Open, write, close: the same inode. */
static void
write_in_place(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void
nothing_changed(void **state)
{
	const struct table *a = table("a"), *b = table("b");

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(reload(0, 2));
		assert_ptr_equal(table("a"), a);
		assert_ptr_equal(table("b"), b);
	}
	expect_answer("a", "key", "a");
	expect_answer("b", "key", "b");
}

static void
one_table_changed(void **state)
{
	const struct table *a = table("a"), *b = table("b");

	(void)state;
	folder_write_text("b.tsv", "key\tnew\n");
	assert_false(reload(1, 2));
	assert_ptr_equal(table("a"), a);
	assert_ptr_not_equal(table("b"), b);
	expect_answer("a", "key", "a");
	expect_answer("b", "key", "new");
	assert_true(reload(0, 2));
}

/* The old generation is there, and serves, too. */
static void
both_serve(void **state)
{
	struct generation *old = generation_ref(gen);
	struct snapshot_answer a;

	(void)state;
	folder_write_text("b.tsv", "key\tnew\n");
	reload(1, 2);
	assert_int_equal(snapshot_find(old->snap, snapshot_old(old->snap, "b",
	    false), "key", 3, &a), SNAPSHOT_FOUND);
	assert_memory_equal(a.text, "b", 1);
	/* Back to it: what it has is what is compared with. */
	generation_unref(gen);
	gen = old;
	assert_false(reload(1, 2));
	expect_answer("b", "key", "new");
}

/* Each time another file, with the same name, size and time. */
static void
a_file_is_replaced(void **state)
{
	struct stat sb;
	char text[16];

	(void)state;
	assert_int_equal(stat(folder_path("a.tsv"), &sb), 0);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "key\t%d\n", i);
		set_times(folder_write_text("new.tsv", text), &sb);
		assert_int_equal(rename(folder_path("new.tsv"),
		    folder_path("a.tsv")), 0);
		assert_false(reload(1, 2));
		text[5] = '\0';
		expect_answer("a", "key", text + 4);
	}
}

/* The same inode, the same size, and its time set back, at once. */
static void
a_file_is_edited_in_place(void **state)
{
	struct stat sb;
	char text[16];

	(void)state;
	assert_int_equal(stat(folder_path("a.tsv"), &sb), 0);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "key\t%d\n", i);
		write_in_place(folder_path("a.tsv"), text);
		set_times(folder_path("a.tsv"), &sb);
		assert_false(reload(1, 2));
		text[5] = '\0';
		expect_answer("a", "key", text + 4);
	}
}

/* It is read, and found to be the same; once. */
static void
a_file_is_touched(void **state)
{
	const struct table *a = table("a");

	(void)state;
	assert_int_equal(utimensat(AT_FDCWD, folder_path("a.tsv"), NULL, 0),
	    0);
	assert_true(reload(1, 2));
	assert_ptr_equal(table("a"), a);
	assert_true(reload(0, 2));
	/* So is one that somebody makes anew with what it had. */
	folder_write_text("new.tsv", "key\ta\n");
	assert_int_equal(rename(folder_path("new.tsv"),
	    folder_path("a.tsv")), 0);
	assert_true(reload(1, 2));
	assert_ptr_equal(table("a"), a);
	assert_true(reload(0, 2));
}

/* The same entries: but where they stand, or their order, is another. */
static void
the_same_is_said_otherwise(void **state)
{
	const struct table *a;

	(void)state;
	folder_write_text("a.tsv", "one\t1\ntwo\t2\n");
	assert_false(reload(1, 2));
	a = table("a");
	folder_write_text("a.tsv", "two\t2\none\t1\n");
	assert_false(reload(1, 2));
	assert_ptr_not_equal(table("a"), a);
	folder_write_text("a.jsonl", "{\"key\":\"two\",\"answer\":\"2\"}\n"
	    "{\"key\":\"one\",\"answer\":\"1\"}\n");
	folder_write_text("F", LISTEN "table a file a.jsonl\n"
	    "table b file b.tsv\n");
	a = table("a");
	assert_false(reload(1, 2));
	assert_ptr_not_equal(table("a"), a);
}

static void
a_path_leads_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(mkdir(folder_path("one"), 0700), 0);
	assert_int_equal(mkdir(folder_path("two"), 0700), 0);
	folder_write_text("one/x.tsv", "key\t1\n");
	folder_write_text("two/x.tsv", "key\t2\n");
	assert_int_equal(symlink("one", folder_path("now")), 0);
	folder_write_text("F", TABLES "table x file now/x.tsv\n");
	assert_false(reload(1, 3));
	expect_answer("x", "key", "1");
	/* A link to another folder. */
	assert_int_equal(symlink("two", folder_path("next")), 0);
	assert_int_equal(rename(folder_path("next"), folder_path("now")), 0);
	assert_false(reload(1, 3));
	expect_answer("x", "key", "2");
	/* The folder itself is another one. */
	assert_int_equal(rename(folder_path("two"), folder_path("three")), 0);
	assert_int_equal(rename(folder_path("one"), folder_path("two")), 0);
	assert_false(reload(1, 3));
	expect_answer("x", "key", "1");
	assert_true(reload(0, 3));
}

static void
a_file_is_gone(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	char *lines;

	(void)state;
	assert_int_equal(unlink(folder_path("a.tsv")), 0);
	assert_null(generation_reload(gen, folder_path("F"), NULL,
	    &problems));
	lines = confs_problems(&problems);
	assert_string_equal(lines, "F:2: a.tsv: No such file or directory\n");
	free(lines);
	folder_write_text("a.tsv", "wrong\n");
	assert_null(generation_reload(gen, folder_path("F"), NULL,
	    &problems));
	lines = confs_problems(&problems);
	assert_string_equal(lines, "a.tsv:1: no TAB between key and "
	    "answer\n");
	free(lines);
}

static void
a_pattern_finds_more(void **state)
{
	const struct table *some;

	(void)state;
	folder_write_text("some1.tsv", "one\t1\n");
	folder_write_text("some2.tsv", "two\t2\n");
	folder_write_text("F", TABLES "table some file some*.tsv\n");
	assert_false(reload(2, 4));
	some = table("some");
	assert_true(reload(0, 4));
	folder_write_text("some3.tsv", "three\t3\n");
	assert_false(reload(3, 5));
	assert_ptr_not_equal(table("some"), some);
	expect_answer("some", "three", "3");
	/* An empty one is no other table, but one more file to be listed. */
	some = table("some");
	folder_write_text("some4.tsv", "");
	assert_false(reload(4, 6));
	assert_ptr_equal(table("some"), some);
	assert_true(reload(0, 6));
	assert_int_equal(unlink(folder_path("some1.tsv")), 0);
	assert_false(reload(3, 5));
	/* One file of a table is another: the table is read, and no other. */
	folder_write_text("some2.tsv", "two\tII\n");
	assert_false(reload(3, 5));
	expect_answer("some", "two", "II");
}

/* What decides how a table comes out, and what does not. */
static void
options_change(void **state)
{
	static const struct {
		const char *options;
		size_t read;
		bool is_other;
	} steps[] = {
		{ "", 1, true },
		{ "guard=no", 0, false },
		{ "duplicates=last", 1, false },
		{ "search=exact", 1, true },
		{ "search=fuzzy,exact", 1, true },
		{ "search=exact,fuzzy guard=5%", 0, false },
		{ "fold=yes", 1, true },
		{ "", 1, true },
#ifdef HAVE_DIVSUFSORT
		{ "search=exact,prefix,suffix,substring,fuzzy,words", 1,
		    false },
#endif
	};
	const struct table *before = NULL;
	char text[256];

	(void)state;
	folder_write_text("c.tsv", "key\t1\nother\t3\n");
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (strstr(steps[i].options, "fold") && !fold_available())
			return;
		snprintf(text, sizeof(text), TABLES "table c file c.tsv %s\n",
		    steps[i].options);
		folder_write_text("F", text);
		/* Settings count as well, whatever becomes of the table. */
		assert_false(reload(steps[i].read, 3));
		if (before != NULL)
			assert_true((table("c") != before) ==
			    steps[i].is_other);
		before = table("c");
		assert_true(reload(0, 3));
	}
}

/* Its answers stay in the file, which must not be read once it is served. */
static void
a_mapped_file(void **state)
{
	struct cdb_bytes cdb = { .p = NULL };
	const struct table *t;

	(void)state;
	cdb_start(&cdb);
	cdb_put(&cdb, "key", 3, "1", 1, true);
	cdb_finish(&cdb);
	folder_write("c.cdb", cdb.p, cdb.len);
	folder_write_text("F", TABLES "table c file c.cdb mmap=yes\n");
	assert_false(reload(1, 3));
	t = table("c");
	assert_true(reload(0, 3));
	assert_ptr_equal(table("c"), t);
	folder_write("new.cdb", cdb.p, cdb.len);
	assert_int_equal(rename(folder_path("new.cdb"),
	    folder_path("c.cdb")), 0);
	assert_false(reload(1, 3));
	assert_ptr_not_equal(table("c"), t);
	expect_answer("c", "key", "1");
	t = table("c");
	folder_write_text("F", TABLES "table c file c.cdb\n");
	assert_false(reload(1, 3));
	assert_ptr_not_equal(table("c"), t);
	expect_answer("c", "key", "1");
	t = table("c");
	folder_write("c.cdb", cdb.p, cdb.len);
	assert_true(reload(1, 3));
	assert_ptr_equal(table("c"), t);
	cdb_clear(&cdb);
}

/* Answers of the configuration: what is said, and where. */
static void
lines_change(void **state)
{
	const struct table *t;

	(void)state;
	folder_write_text("F", TABLES "answer x y\n");
	assert_false(reload(0, 2));
	t = table("main");
	assert_true(reload(0, 2));
	assert_ptr_equal(table("main"), t);
	/* Behind it, so that it stays where it is. */
	folder_write_text("F", TABLES "answer x y\n# and so on\n");
	assert_false(reload(0, 2));
	assert_ptr_equal(table("main"), t);
	folder_write_text("F", "\n" TABLES "answer x y\n");
	assert_false(reload(0, 2));
	assert_ptr_not_equal(table("main"), t);
	t = table("main");
	folder_write_text("F", "\n" TABLES "answer x z\n");
	assert_false(reload(0, 2));
	assert_ptr_not_equal(table("main"), t);
	expect_answer("main", "x", "z");
	t = table("main");
	folder_write_text("F", "\n" TABLES "answer x z\n"
	    "table main search=exact\n");
	assert_false(reload(0, 2));
	assert_ptr_not_equal(table("main"), t);
	t = table("main");
	folder_write_text("F", "\n" TABLES "answer x z\n"
	    "table main search=exact guard=5% duplicates=first\n");
	assert_false(reload(0, 2));
	assert_ptr_equal(table("main"), t);
}

static void
binary_entries_change(void **state)
{
	static const char lines[] = TABLES "binary x file x\n"
	    "table some binary some\n";
	const struct table *main, *some;

	(void)state;
	folder_write_text("x", "X");
	assert_int_equal(mkdir(folder_path("some"), 0700), 0);
	folder_write_text("some/y", "Y");
	folder_write_text("some/z", "Z");
	folder_write_text("F", lines);
	assert_false(reload(3, 5));
	main = snapshot_old(gen->snap, "main", true);
	some = snapshot_old(gen->snap, "some", true);
	assert_true(reload(0, 5));
	folder_write_text("some/y", "?");
	assert_false(reload(2, 5));
	assert_ptr_equal(snapshot_old(gen->snap, "main", true), main);
	assert_ptr_not_equal(snapshot_old(gen->snap, "some", true), some);
	expect_blob("x", "X");
	expect_blob("y", "?");
	folder_write_text("some/w", "W");
	assert_false(reload(3, 6));
	expect_blob("w", "W");
	/* Their type is part of what is sent; their lines are their place. */
	folder_write_text("F", TABLES "binary x file x type=text/plain\n"
	    "table some binary some\n");
	assert_false(reload(1, 6));
	folder_write_text("F", "\n" TABLES "binary x file x type=text/plain\n"
	    "table some binary some\n");
	assert_false(reload(4, 6));
	some = snapshot_old(gen->snap, "some", true);
	assert_int_equal(utimensat(AT_FDCWD, folder_path("some/y"), NULL, 0),
	    0);
	assert_true(reload(3, 6));
	assert_ptr_equal(snapshot_old(gen->snap, "some", true), some);
	assert_true(reload(0, 6));
	assert_int_equal(unlink(folder_path("some/y")), 0);
	assert_false(reload(2, 5));
}

/* Tables are asked in their order. */
static void
the_order_changes(void **state)
{
	const struct table *a = table("a"), *b = table("b");

	(void)state;
	folder_write_text("F", LISTEN "table b file b.tsv\n"
	    "table a file a.tsv\n");
	assert_false(reload(0, 2));
	assert_ptr_equal(table("a"), a);
	assert_ptr_equal(table("b"), b);
	expect_answer("b", "key", "b");
	folder_write_text("F", LISTEN "table a file a.tsv\n");
	assert_false(reload(0, 1));
	/* Under another name it is another one; so is one that was gone. */
	folder_write_text("F", LISTEN "table b file a.tsv\n");
	assert_false(reload(1, 1));
	expect_answer("b", "key", "a");
}

/* What both have is not walked; what only one has, is. */
static void
shared_tables_are_equal(void **state)
{
	struct generation *old = generation_ref(gen);
	struct diff diff;

	(void)state;
	folder_write_text("b.tsv", "key\tb\nmore\tb\n");
	reload(1, 2);
	assert_int_equal(diff_snapshots(old->snap, gen->snap, &diff), 0);
	assert_int_equal(diff.added, 1);
	assert_int_equal(diff.removed, 0);
	assert_int_equal(diff.changed, 0);
	generation_unref(old);
	for (size_t i = 0; i < diff.n; i++)
		if (strcmp(diff.tables[i].name, "a") == 0) {
			assert_int_equal(diff.tables[i].old_count, 1);
			assert_int_equal(diff.tables[i].new_count, 1);
			assert_int_equal(diff.tables[i].added, 0);
		}
	diff_clear(&diff);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_changed),
		TEST(one_table_changed),
		TEST(both_serve),
		TEST(a_file_is_replaced),
		TEST(a_file_is_edited_in_place),
		TEST(a_file_is_touched),
		TEST(the_same_is_said_otherwise),
		TEST(a_path_leads_elsewhere),
		TEST(a_file_is_gone),
		TEST(a_pattern_finds_more),
		TEST(options_change),
		TEST(a_mapped_file),
		TEST(lines_change),
		TEST(binary_entries_change),
		TEST(the_order_changes),
		TEST(shared_tables_are_equal)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
