/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables from files: .tsv with every complaint and its line, the same outcome
 * wherever files are cut and blocks end; several files, and what is none.
 */

#include "config.h"

#include "daemon/source/source.h"

#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/escape.h"
#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/source/source_job.h"
#include "folder.h"
#include "loaded.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
test_tsv(void **state)
{
	static const struct {
		struct text file;
		const char *expected;
	} rows[] = {
		{ TEXT(""), "" },
		{ TEXT("a\t1\n"), "1 a=1\n" },
		{ TEXT("a\t1"), "1 a=1\n" },
		{ TEXT("a\t\n"), "1 a=\n" },
		{ TEXT("a\t1\r\nb\t2\r\n"), "1 a=1\n2 b=2\n" },
		{ TEXT("\\x61\t\n"), "1 a=\n" },
		{ TEXT("a\t1\nb\t2\nc\t3\nd\t4\nelf\tfive\nf\t"),
		    "1 a=1\n2 b=2\n3 c=3\n4 d=4\n5 elf=five\n6 f=\n" },
		/* CR that end no line, TAB that end no key */
		{ TEXT("a\t1\r\r\nb\rc\t\r2"), "1 a=1\\\\r\n2 b\\rc=\\\\r2\n" },
		{ TEXT("a\t1\t2\t\n"), "1 a=1\\\\t2\\\\t\n" },
		/* escapes, and what JSON escapes */
		{ TEXT("a\\tb\t1\\t2\n\\\\\t\\\\\n\\n\t\\n\n\\r\t\\r\n"),
		    "1 a\\tb=1\\\\t2\n2 \\\\=\\\\\\\\\n3 \\n=\\\\n\n"
		    "4 \\r=\\\\r\n" },
		{ TEXT("\\0\t\\0\nx\\x41y\t\\x1b\\x7F\n"),
		    "1 \\x00=\\\\u0000\n2 xAy=\\\\u001b\\x7f\n" },
		{ TEXT("\\u{e9}\t\\u{1F430}\\u{10ffff}\\u{9b}\\u{000041}\n"),
		    "1 \xc3\xa9=\xf0\x9f\x90\xb0\xf4\x8f\xbf\xbf\\u{9b}A\n" },
		{ TEXT("\"q\"\t\"1\"\b\f\x1f\n"),
		    "1 \"q\"=\\\\\"1\\\\\"\\\\b\\\\f\\\\u001f\n" },
		{ TEXT("\xc3\xa9\t\xe2\x82\xac and so on\n"),
		    "1 \xc3\xa9=\xe2\x82\xac and so on\n" },
		/* specials at every place around the words of 8 bytes */
		{ TEXT("k1\t1234567\"\nk2\t12345678\"\nk3\t123456789\"0\n"),
		    "1 k1=1234567\\\\\"\n2 k2=12345678\\\\\"\n"
		    "3 k3=123456789\\\\\"0\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		loaded_expect_always("a.tsv", &rows[i].file, rows[i].expected);
}

#define WRONG(n) "a.tsv:1: wrong escape (a backslash is written twice), " \
	"at byte " #n "\n"

static void
test_tsv_problems(void **state)
{
	static const struct {
		struct text file;
		const char *expected;
	} rows[] = {
		{ TEXT("a\n"), "a.tsv:1: no TAB between key and answer\n" },
		{ TEXT("# a\nb\t1\n"), "a.tsv:1: no TAB between key and "
		    "answer; a .tsv has no comments\n" },
		{ TEXT("a\t1\n\nb\t2\nc"),
		    "a.tsv:2: an empty line\n"
		    "a.tsv:4: no TAB between key and answer\n" },
		{ TEXT("a\t1\r\n\r\n"), "a.tsv:2: an empty line\n" },
		{ TEXT("a\t1\n\t2\n"),
		    "a.tsv:2: a key has 1 to 1024 bytes, not 0\n" },
		{ TEXT("a\0\t1\n"), "a.tsv:1: a raw NUL, at byte 2\n" },
		{ TEXT("a\t\xc3\xa9\0\xff\n"),
		    "a.tsv:1: a raw NUL, at byte 5\n" },
		{ TEXT("a\t1\nb\t12\xff\0\n"),
		    "a.tsv:2: " LATIN1 ", at byte 5\n" },
		{ TEXT("a\t\xc3"), "a.tsv:1: " LATIN1 ", at byte 3\n" },
		{ TEXT("\xc3\tb\n"), "a.tsv:1: " LATIN1 ", at byte 1\n" },
		{ TEXT("a\t\x93q\x94\n"), "a.tsv:1: " WINDOWS ", at byte 3\n" },
		{ TEXT("a\t\xed\xa0\x80\n"),
		    "a.tsv:1: not UTF-8, at byte 3\n" },
		{ TEXT("a\tb\\"), WRONG(4) },
		{ TEXT("a\\\tb"), WRONG(2) },
		{ TEXT("a\t\\a"), WRONG(3) },
		{ TEXT("a\t\\x4"), WRONG(3) },
		{ TEXT("a\t\\x"), WRONG(3) },
		{ TEXT("a\t\\xg0"), WRONG(3) },
		{ TEXT("a\t\\u"), WRONG(3) },
		{ TEXT("a\t\\u0041"), WRONG(3) },
		{ TEXT("a\t\\u{}"), WRONG(3) },
		{ TEXT("a\t\\u{41"), WRONG(3) },
		{ TEXT("a\t\\u{1234567}"), WRONG(3) },
		{ TEXT("a\t\\u{g}"), WRONG(3) },
		{ TEXT("a\t\\u{110000}"),
		    "a.tsv:1: an escape for no character, at byte 3\n" },
		{ TEXT("a\t\\u{d800}"),
		    "a.tsv:1: an escape for no character, at byte 3\n" },
		{ TEXT("a\tb\\xff"),
		    "a.tsv:1: an escaped byte that is no text, at byte 4\n" },
		{ TEXT("\xef\xbb\xbf""a\tb\n"),
		    "a.tsv:1: a byte order mark before the first key\n" },
		/* one line for all of a file */
		{ TEXT("\xff\xfe" "a\0\t\0" "1\0\n\0" "b\0\n\0"),
		    "a.tsv:1: UTF-16, not UTF-8 "
		    "(iconv -f utf-16 -t utf-8)\n" },
		{ TEXT("\0a\0\t\0" "1\0\n\0b\0\n"),
		    "a.tsv:1: UTF-16, not UTF-8 "
		    "(iconv -f utf-16be -t utf-8)\n" },
		{ TEXT("a\t1\nb\t2\nb\t3\nx\na\t4"),
		    "a.tsv:3: the key \"b\" was given before, at a.tsv:2" ONE "\n"
		    "a.tsv:4: no TAB between key and answer\n"
		    "a.tsv:5: the key \"a\" was given before, at a.tsv:1"
		    ONE "\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		loaded_expect_always("a.tsv", &rows[i].file, rows[i].expected);
}

static void
test_duplicates(void **state)
{
	static const struct text file = TEXT("a\t1\nb\t2\na\t3\nc\t4\n"
	    "a\t5\n");

	(void)state;
	loaded_options.duplicates = TABLE_DUPLICATES_FIRST;
	loaded_expect_always("a.tsv", &file, "1 a=1\n2 b=2\n4 c=4\n");
	loaded_options.duplicates = TABLE_DUPLICATES_LAST;
	loaded_expect_always("a.tsv", &file, "2 b=2\n4 c=4\n5 a=5\n");
}

static void
test_long_keys_and_lines(void **state)
{
	char text[3000], key[TABLE_KEY_MAX + 2];
	const char *path;

	(void)state;
	memset(key, 'k', sizeof(key));
	key[TABLE_KEY_MAX] = '\0';
	snprintf(text, sizeof(text), "%s\t1\n%sk\t2\n", key, key);
	path = folder_write_text("long.tsv", text);
	loaded_expect(path, 1,
	    "long.tsv:2: a key has 1 to 1024 bytes, not 1025\n");

	source_tuning.line_max = 10;
	for (size_t block = 1; block < 40; block++) {
		source_tuning.block = block;
		path = folder_write_text("long.tsv",
		    "a\t12345678\r\nb\t12345678\nc\t3\n");
		loaded_expect(path, 1, "1 a=12345678\n2 b=12345678\n"
		    "3 c=3\n");
		path = folder_write_text("long.tsv", "a\t123456789\n"
		    "b\t2\nc\t3456789012345678901234567890\n"
		    "x\nd\t456789012345678901234567890");
		loaded_expect(path, 1,
		    "long.tsv:1: the line has more than 10 bytes\n"
		    "long.tsv:3: the line has more than 10 bytes\n"
		    "long.tsv:4: no TAB between key and answer\n"
		    "long.tsv:5: the line has more than 10 bytes\n");
	}
}

static void
test_many_problems_are_counted(void **state)
{
	char text[1000] = "";
	const char *path;

	(void)state;
	for (int i = 0; i < 150; i++)
		strcat(text, "x\n");
	path = folder_write_text("many.tsv", text);
	for (unsigned int threads = 1; threads <= 4; threads++)
		for (uint64_t part = 1; part < 300; part += 37) {
			char *all;

			source_tuning.parts = 1000;
			source_tuning.part_min = part;
			all = loaded_outcome(path, threads);
			assert_non_null(strstr(all, "many.tsv:10: no TAB "
			    "between key and answer\nand 140 more in "));
			free(all);
		}
}

/* What escape() writes is read again. */
static void
test_round_trip(void **state)
{
	char text[256], spelled[ESCAPE_SIZE(sizeof(text))], key[] = "k";
	struct problems problems;
	struct table_entry e;
	struct table *t;
	const char *path;
	char *line;
	int n;

	(void)state;
	for (unsigned int i = 0; i < 128; i++)
		text[i] = (char)i;
	n = 128 + sprintf(text + 128, "\xc2\x9b\xe2\x80\xa8\xe2\x81\xa6"
	    "\xf0\x9f\x90\xb0");
	escape(spelled, sizeof(spelled), text, (size_t)n);
	assert_true(asprintf(&line, "%s\t%s\n", spelled, key) > 0);
	path = folder_write_text("trip.tsv", line);
	t = loaded_table(&path, 1, 1, &problems);
	assert_non_null(t);
	assert_int_not_equal(table_find(t, text, (size_t)n, &e), TABLE_NO_ID);
	table_unref(t);
	free(line);
}

static void
test_several_files(void **state)
{
	const char *paths[4];
	struct problems problems;
	struct table_entry e;
	const char *file;
	unsigned int line;
	struct table *t;
	table_id id;

	(void)state;
	paths[0] = folder_write_text("1.tsv", "a\t1\nb\t2\n");
	paths[1] = folder_write_text("2.json", "{\"c\":\"3\"}");
	paths[2] = folder_write_text("empty.tsv", "");
	paths[3] = folder_write_text("3.jsonl", "{\"key\":\"d\","
	    "\"answer\":\"4\"}\n{\"key\":\"a\",\"answer\":\"5\"}");
	assert_null(loaded_table(paths, 4, 2, &problems));
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.list[0].text,
	    "/3.jsonl:2: the key \"a\" was given before, at "));
	assert_non_null(strstr(problems.list[0].text, "/1.tsv:1"));
	problems_clear(&problems);
	loaded_options.duplicates = TABLE_DUPLICATES_LAST;
	t = loaded_table(paths, 4, 2, &problems);
	assert_non_null(t);
	assert_int_equal(table_count(t), 4);
	id = table_find(t, "a", 1, &e);
	table_locate(t, id, &file, &line);
	assert_string_equal(file, paths[3]);
	assert_int_equal(line, 2);
	table_unref(t);
	t = loaded_table(paths, 0, 2, &problems);
	assert_non_null(t);
	assert_int_equal(table_count(t), 0);
	table_unref(t);
}

/* Nothing here blocks, and everything is told at once. */
static void
test_no_files(void **state)
{
	const char *paths[7];
	struct problems problems;
	static const char *const ends[] = {
		"/none.tsv: No such file or directory",
		"/fifo.tsv: not a regular file",
		"/folder.cdb: Is a directory",
		"/loop.json: Too many levels of symbolic links",
		("/a.txt: its name ends in none of .tsv .csv .json .jsonl "
		    ".cdb"),
		"/secret.tsv: Permission denied",
	};

	(void)state;
	paths[0] = strdup(folder_path("none.tsv"));
	paths[1] = strdup(folder_path("fifo.tsv"));
	paths[2] = strdup(folder_path("folder.cdb"));
	paths[3] = strdup(folder_path("loop.json"));
	paths[4] = strdup(folder_write_text("a.txt", "a\t1\n"));
	paths[5] = strdup(folder_write_text("secret.tsv", "a\t1\n"));
	paths[6] = strdup(folder_write_text("wrong.tsv", "a\n"));
	assert_int_equal(mkfifo(paths[1], 0600), 0);
	assert_int_equal(mkdir(paths[2], 0700), 0);
	assert_int_equal(symlink(paths[3], paths[3]), 0);
	assert_int_equal(chmod(paths[5], 0), 0);
	assert_null(loaded_table(paths, 7, 2, &problems));
	assert_int_equal(problems.n, 6 + (access(paths[5], R_OK) != 0));
	for (size_t i = 0, j = 0; i + 1 < problems.n; i++, j++) {
		const char *text = problems.list[i].text;

		assert_int_equal(strncmp(text, "conf:9: /", 9), 0);
		assert_string_equal(text + strlen(text) - strlen(ends[j]),
		    ends[j]);
	}
	assert_non_null(strstr(problems.list[problems.n - 1].text,
	    "/wrong.tsv:1: no TAB"));
	problems_clear(&problems);
	for (size_t i = 0; i < COUNT(paths); i++)
		free((char *)(uintptr_t)paths[i]);
}

struct disturbance {
	const char *path;
	void (*disturb)(const char *path);
	unsigned int calls;
	uint64_t done, all;
};

static void
append(const char *path)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fprintf(f, "z\t26\n");
	fclose(f);
}

static void
shorten(const char *path)
{
	assert_int_equal(truncate(path, 10), 0);
}

static void
rename_over(const char *path)
{
	const char *other = folder_write_text("other.tsv", "z\t26\n");

	assert_int_equal(rename(other, path), 0);
}

static void
progress_cb(const char *table, uint64_t done, uint64_t all, void *arg)
{
	struct disturbance *d = arg;

	assert_string_equal(table, "t");
	assert_true(done >= d->done && done <= all);
	d->done = done;
	d->all = all;
	if (d->calls++ == 0 && d->disturb != NULL)
		d->disturb(d->path);
}

static void
test_changes_and_progress(void **state)
{
	static const struct {
		void (*disturb)(const char *);
		const char *why;
	} rows[] = {
		{ NULL, NULL },
		{ append, "it changed during the load" },
		{ shorten, "it was cut short during the load" },
		/* What was opened is whole. */
		{ rename_over, NULL },
	};

	(void)state;
	source_tuning.block = 8;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *path = folder_write_text("change.tsv",
		    "aaaaaaaaaaaaa\t1\nb\t2\nc\t3\nd\t4\n");
		struct disturbance d = { path, rows[i].disturb, 0, 0, 0 };
		struct source_progress progress = { progress_cb, &d };
		struct source source = { .options = loaded_options,
		    .paths = &path, .n_paths = 1, .said_file = "conf",
		    .said_line = 9 };
		struct problems problems = PROBLEMS_INIT;
		struct table *t = source_load(&source, 1, &progress,
		    &problems);

		assert_true(d.calls > 1);
		assert_true((t != NULL) == (rows[i].why == NULL));
		assert_int_equal(problems.n, rows[i].why != NULL);
		if (rows[i].why != NULL)
			assert_non_null(strstr(problems.list[0].text,
			    rows[i].why));
		else
			assert_int_equal(d.done, d.all);
		problems_clear(&problems);
		table_unref(t);
	}
}

static void
test_folded(void **state)
{
	static const struct text file = TEXT("Neo\t1\nNEO\t2\n");

	(void)state;
	loaded_options.fold = true;
#ifdef HAVE_UTF8PROC
	loaded_expect_always("a.tsv", &file, "1 neo=1\n2 neo=2\n");
#else
	loaded_expect_always("a.tsv", &file, "conf:9: table t: fold=yes needs an "
	    "appmsgd that was built with libutf8proc\n");
#endif
}

/* Files large enough to be cut without a test's help. */
static void
test_large_file(void **state)
{
	enum { LINES = 300000 };
	char *text = malloc((size_t)LINES * 60), *p = text;
	struct problems problems;
	const char *path, *file;
	struct table_entry e;
	unsigned int line;

	(void)state;
	assert_non_null(text);
	for (int i = 1; i <= LINES; i++)
		p += sprintf(p, "key %d\tan answer that is not short %d\n", i,
		    i);
	path = folder_write("large.tsv", text, (size_t)(p - text));
	free(text);
	source_tuning.part_min = 1 << 20;
	for (unsigned int threads = 1; threads <= 4; threads++) {
		struct table *t = loaded_table(&path, 1, threads, &problems);

		assert_non_null(t);
		assert_int_equal(table_count(t), LINES);
		for (int i = 1; i <= LINES; i += i % 100 == 0 ? 1777 : 1) {
			char key[32];
			int n = snprintf(key, sizeof(key), "key %d", i);
			table_id id = table_find(t, key, (size_t)n, &e);

			assert_int_not_equal(id, TABLE_NO_ID);
			table_locate(t, id, &file, &line);
			assert_int_equal(line, i);
		}
		table_unref(t);
	}
}

int
main(void)
{
#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, loaded_setup, loaded_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_tsv),
		TEST(test_tsv_problems),
		TEST(test_duplicates),
		TEST(test_long_keys_and_lines),
		TEST(test_many_problems_are_counted),
		TEST(test_round_trip),
		TEST(test_several_files),
		TEST(test_no_files),
		TEST(test_changes_and_progress),
		TEST(test_folded),
		TEST(test_large_file),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
