/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Files of tables on a disk that fails, in each of its reads and looks: what
 * could not be read is told, and what was only slow is read whole.
 */

#include "config.h"

#include "daemon/source/source_job.h"

#include <sys/stat.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cdbs.h"
#include "daemon/builder/builder.h"
#include "folder.h"
#include "loaded.h"

enum fault {
	FAULT_NONE,
	FAULT_ERROR,		/* EIO */
	FAULT_INTERRUPT,	/* a signal comes before any byte */
	FAULT_END,		/* the file ends */
	FAULT_SHORT,		/* a byte at a time */
	FAULT_CHANGE		/* looks see another time from then on */
};

static enum fault fault;
static atomic_int until;	/* calls until it happens */
static atomic_bool happened;

ssize_t __real_pread(int, void *, size_t, off_t);
int __real_fstat(int, struct stat *);
ssize_t __wrap_pread(int, void *, size_t, off_t);
int __wrap_fstat(int, struct stat *);

static bool
is_now(void)
{
	bool now = atomic_fetch_sub(&until, 1) == 1;

	if (now)
		atomic_store(&happened, true);
	return now;
}

ssize_t
__wrap_pread(int fd, void *buf, size_t len, off_t at)
{
	switch (fault) {
	case FAULT_ERROR:
	case FAULT_INTERRUPT:
		if (!is_now())
			break;
		errno = fault == FAULT_ERROR ? EIO : EINTR;
		return -1;
	case FAULT_END:
		if (is_now())
			return 0;
		break;
	case FAULT_SHORT:
		len = 1;
		break;
	case FAULT_NONE:
	case FAULT_CHANGE:
		break;
	}
	return __real_pread(fd, buf, len, at);
}

int
__wrap_fstat(int fd, struct stat *sb)
{
	int error = __real_fstat(fd, sb);

	if (fault == FAULT_ERROR && is_now()) {
		errno = EIO;
		return -1;
	}
	if (fault == FAULT_CHANGE && (is_now() || atomic_load(&happened)))
		sb->st_mtim.tv_sec++;
	return error;
}

static const struct {
	const char *name;
	const char *text;	/* NULL: of the cdb below */
} files[] = {
	{ "f.tsv", "a\t1\nlonger key\t\\u{1f430}\nc\t3\n" },
	{ "f.jsonl", "{\"key\": \"a\", \"answer\": \"1\"}\n"
	    "{\"key\": \"b\", \"answer\": \"\\n\"}\n" },
	{ "f.json", "{\"a\": \"1\",\n\"b\": \"\\u20ac\"}\n" },
	{ "f.cdb", NULL },
};

static int
setup(void **state)
{
	struct cdb_bytes cdb = { .p = NULL };

	if (folder_setup(state) != 0)
		return -1;
	cdb_start(&cdb);
	cdb_put(&cdb, "a", 1, "1", 1, true);
	cdb_put(&cdb, "b", 1, "\"", 1, true);
	cdb_finish(&cdb);
	folder_write("f.cdb", cdb.p, cdb.len);
	cdb_clear(&cdb);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (files[i].text != NULL)
			folder_write_text(files[i].name, files[i].text);
	return 0;
}

/* Small parts, so that lines are looked for and blocks are many. */
static int
setup_test(void **state)
{
	loaded_setup(state);
	source_tuning.part_min = 10;
	source_tuning.parts = 100;
	source_tuning.block = 16;
	return 0;
}

static int
teardown_test(void **state)
{
	fault = FAULT_NONE;
	return loaded_teardown(state);
}

/*
 * Load a file with a fault in each call in turn.
 *
 * why  what is told then; NULL: nothing, the table is whole
 */
static void
each_call(const char *name, enum fault one, const char *why)
{
	const char *path = folder_path(name);
	char *whole = loaded_outcome(path, 1), told[200], *text;
	bool again = true;

	assert_non_null(strstr(whole, "a=1\n"));
	snprintf(told, sizeof(told), "conf:9: %s: %s\n", name,
	    why != NULL ? why : "");
	for (int n = 1; again; n++) {
		fault = one;
		atomic_store(&until, n);
		atomic_store(&happened, false);
		text = loaded_outcome(path, 1 + (unsigned int)n % 2);
		fault = FAULT_NONE;
		again = atomic_load(&happened);
		if (strcmp(text, again && why != NULL ? told : whole) != 0 &&
		    !(again && strncmp(text, told, strlen(told)) == 0))
			fail_msg("%s, call %d: %s", name, n, text);
		free(text);
	}
	free(whole);
}

static void
each_file(enum fault one, const char *why)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		each_call(files[i].name, one, why);
	loaded_options.mapped = true;
	each_call("f.cdb", one, why);
}

static void
what_cannot_be_read_is_told(void **state)
{
	(void)state;
	each_file(FAULT_ERROR, strerror(EIO));
}

static void
an_interrupted_read_is_done_again(void **state)
{
	(void)state;
	each_file(FAULT_INTERRUPT, NULL);
}

static void
short_reads_are_enough(void **state)
{
	(void)state;
	each_file(FAULT_SHORT, NULL);
}

/* Of a cut at a line's end only the file's look could know. */
static void
a_file_that_ends_too_early_is_told(void **state)
{
	(void)state;
	source_tuning.parts = 1;
	each_file(FAULT_END, "it was cut short during the load");
}

/* A look that only finds the end of a line: what is read must be told. */
static void
an_early_end_while_it_is_cut_up_harms_nothing(void **state)
{
	char *text;

	(void)state;
	fault = FAULT_END;
	/* The first is of how the file begins. */
	atomic_store(&until, 2);
	text = loaded_outcome(folder_path("f.tsv"), 1);
	assert_true(atomic_load(&happened));
	assert_non_null(strstr(text, " c=3\n"));
	free(text);
}

/*
 * The first two looks are those of the plan; the next two when it is opened
 * again, the last when it was read.
 */
static void
a_change_is_told(void **state)
{
	const char *path = folder_path("f.tsv");
	bool again = true;
	char *text;

	(void)state;
	for (int n = 1; again; n++) {
		fault = FAULT_CHANGE;
		atomic_store(&until, n);
		atomic_store(&happened, false);
		text = loaded_outcome(path, 1);
		again = atomic_load(&happened);
		fault = FAULT_NONE;
		if (again && n > 2)
			assert_string_equal(text, "conf:9: f.tsv: it changed "
			    "during the load\n");
		else
			assert_non_null(strstr(text, "c=3\n"));
		assert_true(again == (n <= 5));
		free(text);
	}
}

static void
files_of_zeros_and_giants_are_no_cdb(void **state)
{
	static const char zeros[4096];
	const char *path = folder_write("z.cdb", zeros, sizeof(zeros));

	(void)state;
	loaded_expect(path, 1,
	    "conf:9: z.cdb: damaged: nothing but zeros\n");
	if (truncate(path, (off_t)5 << 30) != 0)
		skip();		/* a file system that has none of 5 GB */
	loaded_expect(path, 1,
	    "conf:9: z.cdb: larger than a cdb file can be\n");
	assert_int_equal(unlink(path), 0);
}

/* So large that its pages are given back meanwhile. */
static void
a_large_object_is_read_whole(void **state)
{
	const size_t n = 200, value = 200 * 1000;
	size_t len = 0, cap = n * (value + 30) + 10;
	char *text = malloc(cap);
	struct problems problems;
	struct table_entry e;
	struct table *t;
	const char *path;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, cap - len, "%s\"%zu\": \"",
		    i == 0 ? "{" : ",\n", i);
		memset(text + len, 'a' + (int)(i % 26), value);
		len += value;
		text[len++] = '"';
	}
	text[len++] = '}';
	source_tuning.block = 1 << 20;
	path = folder_write("large.json", text, len);
	free(text);
	t = loaded_table(&path, 1, 1, &problems);
	assert_non_null(t);
	assert_int_equal(table_count(t), n);
	for (size_t i = 0; i < n; i++) {
		char key[24];

		snprintf(key, sizeof(key), "%zu", i);
		assert_true(table_find(t, key, strlen(key), &e) !=
		    TABLE_NO_ID);
		assert_int_equal(e.value_len, value);
		for (size_t j = 0; j < value; j += 4096)
			assert_int_equal(e.value[j], 'a' + (int)(i % 26));
	}
	table_unref(t);
}

int
main(void)
{
#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, setup_test, teardown_test)
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_read_is_told),
		TEST(an_interrupted_read_is_done_again),
		TEST(short_reads_are_enough),
		TEST(a_file_that_ends_too_early_is_told),
		TEST(an_early_end_while_it_is_cut_up_harms_nothing),
		TEST(a_change_is_told),
		TEST(files_of_zeros_and_giants_are_no_cdb),
		TEST(a_large_object_is_read_whole)
	};

	return cmocka_run_group_tests(tests, setup, folder_teardown);
}
