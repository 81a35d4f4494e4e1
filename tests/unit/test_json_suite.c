/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The scanner against the JSON test suite, which lies in the folder that
 * APPMSG_JSON_SUITE names, or in test_parsing there: a file y_... must be
 * taken, a file n_... refused, an i_... treated alike as a value of its own
 * and as that of a member.  Exits 77 without the variable.
 */

#include "config.h"

#include "scan.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VARIABLE	"APPMSG_JSON_SUITE"
#define SKIPPED		77	/* what automake takes for it */

static const char *
suite(void)
{
	const char *folder = getenv(VARIABLE);

	return folder != NULL && *folder != '\0' ? folder : NULL;
}

static bool
is_value(const char *p, size_t len)
{
	struct scan_value v;
	struct scan scan;

	scan_init(&scan, p, len);
	return scan_value(&scan, &v) == SCAN_OK &&
	    scan_end(&scan) == SCAN_OK;
}

/* Whether a text can be the value of a search's further member. */
static bool
is_member_value(const char *p, size_t len)
{
	static const char before[] =
	    "{\"action\":\"search\",\"value\":\"ring\",\"more\":";
	size_t size = sizeof(before) - 1 + len + 1;
	char *text = malloc(size);
	struct appmsg_str value;
	int error;

	assert_non_null(text);
	memcpy(text, before, sizeof(before) - 1);
	memcpy(text + sizeof(before) - 1, p, len);
	text[size - 1] = '}';
	error = appmsg_content_find(text, size, "value", &value);
	assert_true(error == 0 || error == APPMSG_EPROTO);
	if (error == 0)
		assert_true(appmsg_str_eq(&value, "ring", 4));
	free(text);
	return error == 0;
}

/* The bytes of a file, in memory of just that size; free(3). */
static char *
read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *mem;
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_true(size >= 0);
	rewind(f);
	*len = (size_t)size;
	mem = malloc(*len > 0 ? *len : 1);
	assert_non_null(mem);
	assert_int_equal(fread(mem, 1, *len, f), *len);
	fclose(f);
	return mem;
}

static void
check(const char *folder, const char *name)
{
	char path[PATH_MAX];
	bool value, member;
	size_t len;
	char *text;

	assert_true(snprintf(path, sizeof(path), "%s/%s", folder, name) <
	    (int)sizeof(path));
	text = read_file(path, &len);
	value = is_value(text, len);
	member = is_member_value(text, len);
	free(text);
	if (*name != 'i' && (value != (*name == 'y') || member != value))
		fail_msg("%s is %s as a value and %s as a member's", name,
		    value ? "taken" : "refused",
		    member ? "taken" : "refused");
	if (*name == 'i')
		assert_int_equal(member, value);
}

static unsigned int
check_all(char kind)
{
	char folder[PATH_MAX];
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir;

	assert_true(snprintf(folder, sizeof(folder), "%s/test_parsing",
	    suite()) < (int)sizeof(folder));
	if ((dir = opendir(folder)) == NULL) {
		snprintf(folder, sizeof(folder), "%s", suite());
		dir = opendir(folder);
	}
	if (dir == NULL)
		fail_msg("cannot open %s", folder);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != kind || entry->d_name[1] != '_' ||
		    strstr(entry->d_name, ".json") == NULL)
			continue;
		check(folder, entry->d_name);
		n++;
	}
	closedir(dir);
	print_message("%u files %c_\n", n, kind);
	return n;
}

static void
what_must_be_taken_is_taken(void **state)
{
	(void)state;
	if (suite() == NULL)
		skip();
	assert_true(check_all('y') > 0);
}

static void
what_must_be_refused_is_refused(void **state)
{
	(void)state;
	if (suite() == NULL)
		skip();
	assert_true(check_all('n') > 0);
}

static void
what_may_be_either_is_the_same_everywhere(void **state)
{
	(void)state;
	if (suite() == NULL)
		skip();
	assert_true(check_all('i') > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_be_taken_is_taken),
		cmocka_unit_test(what_must_be_refused_is_refused),
		cmocka_unit_test(what_may_be_either_is_the_same_everywhere)
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (failed == 0 && suite() == NULL) {
		fprintf(stderr, VARIABLE " is not set\n");
		return SKIPPED;
	}
	return failed;
}
