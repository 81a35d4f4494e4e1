/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables whose entries stay in mapped .cdb files: what they cost, what they
 * say once the files are gone, and where their bytes end.
 */

#include "config.h"

#include "daemon/table/table.h"

#include <errno.h>
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
#include "daemon/builder/builder.h"
#include "daemon/table/fold.h"
#include "folder.h"
#include "loaded.h"

#define FILES	24

static int
setup(void **state)
{
	loaded_setup(state);
	loaded_options.mapped = true;
	return 0;
}

static struct table *
load(const char *const *paths, size_t n, unsigned int threads)
{
	struct problems problems;
	struct table *t = loaded_table(paths, n, threads, &problems);

	if (t == NULL)
		problems_print(&problems, stderr);
	assert_non_null(t);
	return t;
}

static void
assert_found(const struct table *t, const char *key, const char *value)
{
	struct table_entry e;

	table_prefetch(t, table_hash(key, strlen(key)));
	table_prefetch_entry(t, table_hash(key, strlen(key)));
	assert_int_not_equal(table_find(t, key, strlen(key), &e),
	    TABLE_NO_ID);
	assert_int_equal(e.key_len, strlen(key));
	assert_memory_equal(e.key, key, e.key_len);
	assert_int_equal(e.value_len, strlen(value));
	assert_memory_equal(e.value, value, e.value_len);
}

/* A record of a file; every seventh answer must be escaped. */
static void
record(unsigned int file, unsigned int n, char *key, char *answer,
    char *expected, size_t cap)
{
	snprintf(key, cap, "%u/%u", file, n);
	snprintf(answer, cap, n % 7 == 6 ? "%u\n" : "%u", n);
	snprintf(expected, cap, n % 7 == 6 ? "%u\\n" : "%u", n);
}

static unsigned int
records_of(unsigned int file)
{
	return file % 3 * 300 + 3;
}

/*
 * Files of some records, the last of which ends shortly before, at or behind
 * the end of a page: there the next file's entries must not begin.
 */
static void
write_files(const char **paths)
{
	char key[32], answer[32], expected[32], *filler = malloc(20000);
	struct cdb_bytes c = { .p = NULL };
	size_t end;

	assert_non_null(filler);
	memset(filler, 'x', 20000);
	for (unsigned int i = 0; i < FILES; i++) {
		cdb_start(&c);
		for (unsigned int j = 0; j < records_of(i); j++) {
			record(i, j, key, answer, expected, sizeof(key));
			cdb_put(&c, key, strlen(key), answer, strlen(answer),
			    true);
		}
		end = (c.len / 4096 + 2) * 4096 + i % 17 - 8;
		snprintf(key, sizeof(key), "filler %02u", i);
		cdb_put(&c, key, 9, filler, end - c.len - 17, true);
		assert_int_equal(c.len, end);
		cdb_finish(&c);
		snprintf(key, sizeof(key), "%02u.cdb", i);
		paths[i] = strdup(folder_write(key, c.p, c.len));
		assert_non_null(paths[i]);
	}
	free(filler);
	cdb_clear(&c);
}

static void
assert_has_records(const struct table *t, const char *const *paths)
{
	char key[32], answer[32], expected[32];
	table_id id = TABLE_NO_ID;
	struct table_entry e;
	unsigned int line;
	const char *file;

	for (unsigned int i = 0; i < FILES; i++)
		for (unsigned int j = 0; j <= records_of(i); j++) {
			assert_true(table_next(t, &id, &e));
			table_locate(t, id, &file, &line);
			assert_string_equal(file, paths[i]);
			assert_int_equal(line, 0);
			if (j == records_of(i)) {
				assert_memory_equal(e.key, "filler ", 7);
				assert_int_equal(e.value[e.value_len - 1],
				    'x');
				continue;
			}
			record(i, j, key, answer, expected, sizeof(key));
			assert_memory_equal(e.key, key, e.key_len);
			assert_found(t, key, expected);
		}
	assert_false(table_next(t, &id, &e));
}

static void
test_many_files(void **state)
{
	const char *paths[FILES];
	struct table *t[4];

	(void)state;
	write_files(paths);
	for (unsigned int i = 0; i < 4; i++) {
		t[i] = load(paths, FILES, i + 1);
		assert_has_records(t[i], paths);
	}
	/* Without their names they are there as long as the tables are. */
	for (unsigned int i = 0; i < FILES; i++)
		unlink(paths[i]);
	for (unsigned int i = 0; i < 4; i++) {
		assert_has_records(t[i], paths);
		table_unref(t[i]);
	}
	for (unsigned int i = 0; i < FILES; i++)
		free((char *)(uintptr_t)paths[i]);
}

/* What is mapped takes no memory, what must be escaped does. */
static void
test_memory(void **state)
{
	static const size_t len = (size_t)1 << 20;
	struct cdb_bytes c = { .p = NULL };
	char *answer = malloc(len), key = 'a';
	struct table_entry e;
	const char *path;
	struct table *t;
	size_t memory;

	(void)state;
	assert_non_null(answer);
	memset(answer, 'x', len);
	cdb_start(&c);
	for (; key < 'y'; key++)	/* large enough for huge pages */
		cdb_put(&c, &key, 1, answer, len, true);
	cdb_finish(&c);
	path = folder_write("large.cdb", c.p, c.len);
	t = load(&path, 1, 2);
	memory = table_memory(t);
	assert_true(memory < 100000);
	for (key = 'a'; key < 'y'; key++) {
		assert_int_not_equal(table_find(t, &key, 1, &e), TABLE_NO_ID);
		assert_int_equal(e.value_len, len);
		assert_memory_equal(e.value, answer, len);
	}
	table_unref(t);

	answer[len - 1] = '\n';
	cdb_start(&c);
	cdb_put(&c, "a", 1, answer, len, true);
	answer[len - 1] = 'x';
	for (key = 'b'; key < 'y'; key++)
		cdb_put(&c, &key, 1, answer, len, true);
	cdb_finish(&c);
	path = folder_write("large.cdb", c.p, c.len);
	t = load(&path, 1, 2);
	assert_true(table_memory(t) > len);
	assert_true(table_memory(t) < memory + len + 100000);
	assert_int_not_equal(table_find(t, "a", 1, &e), TABLE_NO_ID);
	assert_int_equal(e.value_len, len + 1);
	assert_memory_equal(e.value + len - 2, "x\\n", 3);
	assert_int_not_equal(table_find(t, "b", 1, &e), TABLE_NO_ID);
	assert_memory_equal(e.value, answer, len);
	table_unref(t);
	free(answer);
	cdb_clear(&c);
}

static void
test_folded(void **state)
{
	struct cdb_bytes c = { .p = NULL };
	struct table_entry e;
	const char *path;
	struct table *t;

	(void)state;
	if (!fold_available())
		skip();
	loaded_options.fold = true;
	loaded_options.duplicates = TABLE_DUPLICATES_FIRST;
	cdb_start(&c);
	cdb_put(&c, "lower", 5, "1", 1, true);
	cdb_put(&c, "Stra\xc3\x9f" "e", 7, "2", 1, true);
	cdb_put(&c, "Upper", 5, "\"3\"", 3, true);
	cdb_put(&c, "LOWER", 5, "4", 1, true);
	cdb_put(&c, "strasse", 7, "5", 1, true);
	cdb_put(&c, "lower", 5, "6", 1, true);
	cdb_finish(&c);
	path = folder_write("folded.cdb", c.p, c.len);
	t = load(&path, 1, 1);
	assert_true(table_folds(t));
	assert_int_equal(table_count(t), 5);
	assert_found(t, "lower", "4");
	assert_found(t, "strasse", "2");
	assert_found(t, "upper", "\\\"3\\\"");
	table_find_own(t, "lower", 5, "lower", 5, &e);
	assert_ptr_equal(e.shown, e.key);
	assert_memory_equal(e.value, "1", 1);
	table_find_own(t, "strasse", 7, "strasse", 7, &e);
	assert_memory_equal(e.value, "5", 1);
	table_find(t, "strasse", 7, &e);
	assert_int_equal(e.shown_len, 7);
	assert_memory_equal(e.shown, "Stra\xc3\x9f" "e", 7);
	table_unref(t);
	cdb_clear(&c);
}

/* A file that is written over gives wrong answers, but no others' bytes. */
static void
test_overwritten(void **state)
{
	const char *paths[FILES];
	struct table_entry e, before[2000];
	table_id id = TABLE_NO_ID;
	size_t n = 0, i = 0;
	struct table *t;
	char junk[40000];
	int fd;

	(void)state;
	write_files(paths);
	t = load(paths, 2, 1);
	while (table_next(t, &id, &e))
		before[n++] = e;
	assert_int_equal(n, records_of(0) + records_of(1) + 2);
	memset(junk, 0xff, sizeof(junk));
	for (unsigned int j = 0; j < 2; j++) {
		fd = open(paths[j], O_WRONLY);
		assert_int_not_equal(fd, -1);
		assert_true(write(fd, junk, sizeof(junk)) ==
		    (ssize_t)sizeof(junk));
		close(fd);
	}
	id = TABLE_NO_ID;
	while (table_next(t, &id, &e))
		assert_memory_equal(&e, &before[i++], sizeof(e));
	assert_int_equal(i, n);
	assert_int_equal(table_find(t, "1/0", 3, &e), TABLE_NO_ID);
	/* What was escaped is our own. */
	assert_found(t, "1/6", "6\\n");
	table_unref(t);
	for (unsigned int j = 0; j < FILES; j++)
		free((char *)(uintptr_t)paths[j]);
}

static void
test_other_formats(void **state)
{
	static const char *const names[] = { "a.tsv", "a.json", "a.jsonl" };
	char expected[100];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(expected, sizeof(expected), "conf:9: %s: mmap=yes "
		    "is for .cdb files only\n", names[i]);
		loaded_expect(folder_write_text(names[i], ""), 1, expected);
	}
}

static void
assert_refused(struct table_segment *s, size_t offset, size_t key_len,
    size_t value_len)
{
	errno = 0;
	assert_int_equal(table_segment_refer(s, offset, "k", key_len, "v",
	    value_len), -1);
	assert_int_equal(errno, EINVAL);
}

/* Neither an entry nor a map may reach out of its place. */
static void
test_bounds(void **state)
{
	struct table_options plain = { .name = "t" };
	struct table_builder *b = table_builder_new(&loaded_options, 600000);
	struct table_segment *s = table_builder_segment(b, "f", 300000);
	int fd = open(folder_write_text("f", "0123456789"), O_RDONLY);
	int unmappable = open("/proc/version", O_RDONLY);

	(void)state;
	assert_non_null(s);
	assert_int_not_equal(fd, -1);
	assert_refused(s, 0, 1, 1);
	assert_int_equal(table_segment_map(s, fd, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(table_segment_map(s, fd, 400000), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(table_segment_map(s, -1, 10), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(table_segment_map(s, unmappable, 10), -1);
	close(unmappable);
	assert_int_equal(table_segment_map(s, fd, 10), 0);
	assert_int_equal(table_segment_map(s, fd, 10), -1);
	assert_int_equal(errno, EINVAL);
	close(fd);
	assert_refused(s, 11, 1, 0);
	assert_refused(s, 10, 1, 0);
	assert_refused(s, 8, 1, 2);
	assert_refused(s, 9, 1, SIZE_MAX);
	assert_refused(s, SIZE_MAX, 1, 1);
	assert_refused(s, 0, 0, 1);
	assert_int_equal(table_segment_refer(s, 8, "8", 1, "9", 1), 0);
	/* The rest is the segment's own, up to the map. */
	for (int i = 0; i < 1000; i++)
		if (table_segment_add(s, "key", 3, "v", 1, 0) != 0)
			fail();
	assert_non_null(table_builder_segment(b, "g", 300000));
	table_builder_free(b);

	b = table_builder_new(&plain, 300000);
	s = table_builder_segment(b, "f", 300000);
	assert_non_null(s);
	assert_int_equal(table_segment_map(s, 0, 10), -1);
	assert_int_equal(errno, EINVAL);
	table_builder_free(b);
}

int
main(void)
{
#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, setup, loaded_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_many_files),
		TEST(test_memory),
		TEST(test_folded),
		TEST(test_overwritten),
		TEST(test_other_formats),
		TEST(test_bounds),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
