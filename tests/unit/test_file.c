/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Whole files, and what is none.
 */

#include "config.h"

#include "daemon/base/file.h"

#include <sys/stat.h>

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

#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
expect_refused(const char *path, size_t max, const char *expected)
{
	const char *why = "x";
	size_t len;

	assert_null(file_read(path, max, &len, &why));
	assert_non_null(why);
	assert_string_equal(why, expected);
}

static void
a_file_is_read_whole(void **state)
{
	static const size_t lengths[] = { 0, 1, 4095, 4096, 4097, 1 << 20 };
	char *bytes = malloc(1 << 20);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < 1 << 20; i++)
		bytes[i] = (char)(i ^ i >> 8);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		const char *path = folder_write("file", bytes, lengths[i]);
		size_t len = 4711;
		const char *why;
		char *text = file_read(path, lengths[i], &len, &why);

		assert_non_null(text);
		assert_int_equal(len, lengths[i]);
		assert_memory_equal(text, bytes, len);
		assert_int_equal(text[len], '\0');
		free(text);
	}
	free(bytes);
}

static void
a_file_too_big_is_refused(void **state)
{
	const char *path = folder_write("file", "12345", 5);

	(void)state;
	expect_refused(path, 4, strerror(EFBIG));
	expect_refused(path, 0, strerror(EFBIG));
	/* Holes count. */
	assert_int_equal(truncate(path, (off_t)1 << 33), 0);
	expect_refused(path, 1 << 30, strerror(EFBIG));
}

static void
what_is_not_there_is_told(void **state)
{
	(void)state;
	expect_refused(folder_path("missing"), 10, strerror(ENOENT));
	expect_refused("", 10, strerror(ENOENT));
	folder_write_text("file", "x");
	expect_refused(folder_path("file/x"), 10, strerror(ENOTDIR));
	assert_int_equal(symlink("loop", folder_path("loop")), 0);
	expect_refused(folder_path("loop"), 10, strerror(ELOOP));
}

/* A program that waits for a writer here waits for ever. */
static void
what_is_no_file_is_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
	expect_refused(folder_path("fifo"), 10, "not a regular file");
	expect_refused(folder_path(""), 10, strerror(EISDIR));
	expect_refused("/dev/null", 10, "not a regular file");
	expect_refused("/dev/zero", 10, "not a regular file");
	assert_int_equal(symlink("fifo", folder_path("link")), 0);
	expect_refused(folder_path("link"), 10, "not a regular file");
}

static void
what_may_not_be_read_is_refused(void **state)
{
	const char *path = folder_write_text("secret", "x");

	(void)state;
	assert_int_equal(chmod(path, 0), 0);
	if (access(path, R_OK) == 0)
		skip();		/* root may read all */
	expect_refused(path, 10, strerror(EACCES));
}

static void
no_descriptor_is_left(void **state)
{
	int before = open("/dev/null", O_RDONLY), after;
	const char *why;
	size_t len;

	(void)state;
	assert_int_equal(close(before), 0);
	free(file_read(folder_write_text("file", "x"), 10, &len, &why));
	file_read(folder_path("file"), 0, &len, &why);
	file_read(folder_path(""), 10, &len, &why);
	file_read(folder_path("missing"), 10, &len, &why);
	after = open("/dev/null", O_RDONLY);
	assert_int_equal(close(after), 0);
	assert_int_equal(before, after);
}

static void
a_path_is_relative_to_the_file_that_names_it(void **state)
{
	static const char *const rows[][3] = {
		{ "/etc/a.conf", "b", "/etc/b" },
		{ "/etc/a.conf", "sub/b", "/etc/sub/b" },
		{ "/etc/a.conf", "../b", "/etc/../b" },
		{ "/etc/a.conf", "/b", "/b" },
		{ "/a.conf", "b", "/b" },
		{ "etc/a.conf", "b", "etc/b" },
		{ "./a.conf", "b", "./b" },
		{ "a.conf", "b", "b" },
		{ "a.conf", "/b", "/b" },
		{ "/100%s/%d", "%n", "/100%s/%n" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *path = file_beside(rows[i][0], rows[i][1]);

		assert_non_null(path);
		assert_string_equal(path, rows[i][2]);
		free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_whole),
		cmocka_unit_test(a_file_too_big_is_refused),
		cmocka_unit_test(what_is_not_there_is_told),
		cmocka_unit_test(what_is_no_file_is_refused_at_once),
		cmocka_unit_test(what_may_not_be_read_is_refused),
		cmocka_unit_test(no_descriptor_is_left),
		cmocka_unit_test(a_path_is_relative_to_the_file_that_names_it)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
