/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Patterns of files: what glob(3) says of them, and what it does not say when
 * a folder cannot be read.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "confs.h"
#include "folder.h"
#include "roll.h"

#define TRIES		20
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int until;		/* calls until one fails; 0: none will */
static bool happened;

DIR *__real_opendir(const char *);
struct dirent *__real_readdir(DIR *);
int __real_lstat(const char *, struct stat *);
DIR *__wrap_opendir(const char *);
struct dirent *__wrap_readdir(DIR *);
int __wrap_lstat(const char *, struct stat *);

static bool
fails(void)
{
	if (until == 0 || --until > 0)
		return false;
	happened = true;
	errno = EIO;
	return true;
}

DIR *
__wrap_opendir(const char *path)
{
	return fails() ? NULL : __real_opendir(path);
}

struct dirent *
__wrap_readdir(DIR *dir)
{
	return fails() ? NULL : __real_readdir(dir);
}

int
__wrap_lstat(const char *path, struct stat *sb)
{
	return fails() ? -1 : __real_lstat(path, sb);
}

static int
setup(void **state)
{
	static const char *const folders[] = {
		"a", "b", "a/deep", "b/deep", "[x]", ".hidden", "c*", "e\\f"
	};
	static const char *const names[] = {
		"one.tsv", "a/one.tsv", "a/two.tsv", "b/one.tsv", "a/deep/x",
		"b/deep/x", "[x]/one.tsv", ".hidden/one.tsv", "a/.two.tsv",
		"c*/s", "e\\f/s", "file"
	};

	if (folder_setup(state) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(folders); i++)
		if (mkdir(folder_path(folders[i]), 0700) != 0)
			return -1;
	for (size_t i = 0; i < COUNT(names); i++)
		folder_write_text(names[i], "");
	return symlink("nowhere", folder_path("a/link.tsv"));
}

/* What the configuration makes of a pattern: a path a line, or problems. */
static char *
matches(const char *pattern)
{
	struct problems problems = PROBLEMS_INIT;
	const struct conf_table *t;
	char *text, *lines, line[300];
	struct conf *conf;
	size_t len;
	FILE *f;

	snprintf(line, sizeof(line), LISTEN "table t file \"");
	for (const char *p = pattern; *p != '\0'; p++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line),
		    *p == '\\' ? "\\\\" : "%c", *p);
	strlcat(line, "\"\n", sizeof(line));
	conf = conf_load(folder_write_text("F", line), &problems);
	assert_non_null(conf);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	t = STAILQ_FIRST(&conf->tables);
	for (size_t i = 0; t != NULL && i < t->n_paths; i++)
		fprintf(f, "%s\n", t->paths[i]);
	lines = confs_problems(&problems);
	fputs(lines, f);
	free(lines);
	fclose(f);
	conf_free(conf);
	return text;
}

/* The same by glob(3). */
static char *
expected(const char *pattern)
{
	char *text, *path;
	glob_t found;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_true(asprintf(&path, "%s%s", *pattern == '/' ? "" :
	    folder_path(""), pattern) != -1);
	if (glob(path, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			fprintf(f, "%s\n", found.gl_pathv[i]);
		globfree(&found);
	}
	free(path);
	fclose(f);
	return text;
}

/* Several slashes are one. */
static void
squeeze(char *text)
{
	for (char *p = text; (p = strstr(p, "//")) != NULL; )
		memmove(p, p + 1, strlen(p));
}

/*
 * A pattern may look at the folder above ours, whose other folders come and go
 * between the two; not each time.
 */
static void
expect_like_glob(const char *pattern)
{
	char *mine = NULL, *other = NULL;
	int tries = 0;

	do {
		free(mine);
		free(other);
		mine = matches(pattern);
		other = expected(pattern);
		squeeze(mine);
		squeeze(other);
	} while (strcmp(mine, other) != 0 && ++tries < TRIES);
	if (tries == TRIES)
		fail_msg("%s is\n%sinstead of\n%s", pattern, mine, other);
	free(mine);
	free(other);
}

static void
patterns_match_as_the_shell_knows_them(void **state)
{
	static const char *const patterns[] = {
		"*", "*.tsv", "*/one.tsv", "*/*.tsv", "a/*", "?", "?/deep/x",
		"*/deep/*", "*/*/*", "a/.*v", ".h*/one.tsv", "*/", "file*/",
		"[ab]/one.tsv", "[!a]/one.tsv", "[a-b]/*", "\\[x\\]/*",
		"[[]x]/*", "c\\*/*", "e\\\\f/*", "a/one.tsv*", "none/*",
		"file/*", "*/none", "a/../*.tsv", "./*.tsv", "*/.", "[",
		"a[/]*", "*/link.tsv", "a\\/*.tsv", "\\a/*", "*\\", "/*",
		"/nowhere/*"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++)
		expect_like_glob(patterns[i]);
}

static void
any_pattern_matches_alike(void **state)
{
	static const char *const pieces[] = {
		"*", "?", "[", "]", "a", "b", "/", "one", ".tsv", "deep",
		"x", "\\", "!", "-", ".", "*/", "c"
	};

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char pattern[100] = "*";
		uint32_t n = 1 + roll(6);

		for (uint32_t j = 0; j < n; j++)
			strlcat(pattern, pieces[roll(COUNT(pieces))],
			    sizeof(pattern));
		/* Nothing is known of what is in the root. */
		if (pattern[1] != '/' && strpbrk(pattern + 1, "*?[") != NULL)
			expect_like_glob(pattern + 1);
		expect_like_glob(pattern);
	}
}

/* Of a folder that cannot be read, or not to its end; of a path. */
static void
what_cannot_be_looked_for_is_told(void **state)
{
	static const char *const patterns[] = { "*/one.tsv", "*/*.tsv" };

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++) {
		char *whole = matches(patterns[i]), *text, told[100];

		snprintf(told, sizeof(told), "F:2: cannot read the folders of "
		    "%s: %s\n", patterns[i], strerror(EIO));
		happened = true;
		for (int n = 1; happened; n++) {
			happened = false;
			until = n;
			text = matches(patterns[i]);
			until = 0;
			if (strcmp(text, happened ? told : whole) != 0)
				fail_msg("%s, call %d: %s", patterns[i], n,
				    text);
			free(text);
		}
		free(whole);
	}
}

/* A file that may be there, and that one of this user cannot know. */
static void
a_folder_that_may_not_be_entered_is_told(void **state)
{
	const char *path = folder_path("b");
	char *text, told[100];

	(void)state;
	assert_int_equal(chmod(path, 0), 0);
	if (access(folder_path("b/one.tsv"), F_OK) == 0) {
		assert_int_equal(chmod(path, 0700), 0);
		skip();		/* root may enter all */
	}
	text = matches("*/one.tsv");
	assert_int_equal(chmod(path, 0700), 0);
	snprintf(told, sizeof(told), "F:2: cannot read the folders of "
	    "*/one.tsv: %s\n", strerror(EACCES));
	assert_string_equal(text, told);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_the_shell_knows_them),
		cmocka_unit_test(any_pattern_matches_alike),
		cmocka_unit_test(what_cannot_be_looked_for_is_told),
		cmocka_unit_test(a_folder_that_may_not_be_entered_is_told)
	};

	return cmocka_run_group_tests(tests, setup, folder_teardown);
}
