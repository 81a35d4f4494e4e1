/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How deep values may be in each other, and how many members an object may
 * have.
 */

#include "config.h"

#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scans.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Containers in each other, of kinds as the bits of a pattern say. */
static size_t
nest(char *text, unsigned int depth, uint64_t pattern, const char *inner)
{
	size_t len = 0;

	for (unsigned int i = 0; i < depth; i++)
		len += (size_t)sprintf(text + len, "%s",
		    pattern >> i % 64 & 1 ? "{\"x\":" : "[");
	len += (size_t)sprintf(text + len, "%s", inner);
	for (unsigned int i = depth; i-- > 0; )
		text[len++] = pattern >> i % 64 & 1 ? '}' : ']';
	return len;
}

static void
depth_is_taken_up_to_its_cap(void **state)
{
	static const uint64_t patterns[] = {
		1, UINT64_MAX, 0x5555555555555555, 0x00000000ffffffff,
		0xffffffff00000001
	};
	static const char *const inner[] = { "0", "\"\"", "[]", "{}" };
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++) {
		for (size_t j = 0; j < COUNT(inner); j++) {
			/* The object walked is the first level. */
			uint64_t p = patterns[i] | 1;
			unsigned int most = j < 2 ? APPMSG_DEPTH_MAX :
			    APPMSG_DEPTH_MAX - 1;

			assert_true(scans_object(text, nest(text, most - 1, p,
			    inner[j])));
			assert_true(scans_object(text, nest(text, most, p,
			    inner[j])));
			assert_false(scans_object(text, nest(text, most + 1, p,
			    inner[j])));
			assert_false(scans_object(text, nest(text, most + 40, p,
			    inner[j])));
		}
	}
}

/* A value that stands alone has as many levels as the object that is walked. */
static void
depth_of_a_value_has_the_same_cap(void **state)
{
	static const uint64_t patterns[] = { 0, 1, UINT64_MAX,
	    0x5555555555555555 };
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++) {
		assert_true(scans_value(text, nest(text, APPMSG_DEPTH_MAX,
		    patterns[i], "0")));
		assert_false(scans_value(text, nest(text, APPMSG_DEPTH_MAX + 1,
		    patterns[i], "0")));
		assert_true(scans_value(text, nest(text, APPMSG_DEPTH_MAX - 1,
		    patterns[i], "[]")));
		assert_false(scans_value(text, nest(text, APPMSG_DEPTH_MAX,
		    patterns[i], "{}")));
	}
}

static void
depth_ends_where_containers_do(void **state)
{
	char text[8192], *p = text;

	(void)state;
	p += sprintf(p, "{\"x\":[");
	for (int i = 0; i < 500; i++)
		p += sprintf(p, "%s[[]],{\"y\":{}}", i > 0 ? "," : "");
	p += nest(p, 0, 0, "");
	p += sprintf(p, ",");
	p += nest(p, APPMSG_DEPTH_MAX - 2, 1, "0");
	p += sprintf(p, "]}");
	assert_true(scans_object(text, (size_t)(p - text)));
}

/* No stack is needed for what is too deep, however deep it is. */
static void
great_depth_is_refused(void **state)
{
	size_t len = 1 << 20;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, '[', len);
	assert_false(scans_value(text, len));
	memset(text, '{', len);
	assert_false(scans_value(text, len));
	free(text);
}

/* n members in an object. */
static size_t
fill(char *text, unsigned int n, const char *value)
{
	size_t len = 0;

	text[len++] = '{';
	for (unsigned int i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "%s\"%u\":%s",
		    i > 0 ? "," : "", i, value);
	text[len++] = '}';
	return len;
}

static void
members_are_taken_up_to_their_cap(void **state)
{
	size_t cap = 1 << 20, len;
	char *text = malloc(cap);

	(void)state;
	assert_non_null(text);
	assert_true(scans_object(text, fill(text, APPMSG_MEMBERS_MAX, "1")));
	assert_false(scans_object(text, fill(text, APPMSG_MEMBERS_MAX + 1,
	    "1")));
	assert_true(scans_value(text, fill(text, APPMSG_MEMBERS_MAX, "1")));
	assert_false(scans_value(text, fill(text, APPMSG_MEMBERS_MAX + 1,
	    "1")));
	/* Each object has its own count, before and behind another. */
	text[0] = '[';
	len = 1;
	for (int i = 0; i < 3; i++) {
		len += fill(text + len, APPMSG_MEMBERS_MAX,
		    "{\"a\":1,\"b\":{}}");
		text[len++] = i < 2 ? ',' : ']';
	}
	assert_true(scans_value(text, len));
	assert_true(scans_member_value(text, len));
	text[0] = '[';
	len = 1 + fill(text + 1, APPMSG_MEMBERS_MAX + 1, "[]");
	text[len++] = ']';
	assert_false(scans_value(text, len));
	free(text);
}

static void
members_of_files_have_no_cap(void **state)
{
	unsigned int members = 4 * APPMSG_MEMBERS_MAX, n = 0;
	size_t cap = 1 << 20, len;
	char *text = malloc(cap);
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;

	(void)state;
	assert_non_null(text);
	len = fill(text, members, "1");
	scan_init_file(&scan, text, len);
	assert_int_equal(scan_object(&scan), SCAN_OK);
	for (; scan_member(&scan, &name) == SCAN_OK; n++)
		assert_int_equal(scan_value(&scan, &v), SCAN_OK);
	assert_int_equal(scan_end(&scan), SCAN_OK);
	assert_int_equal(n, members);
	free(text);
}

static void
arrays_have_no_cap(void **state)
{
	size_t len = 2 * 100000 + 1;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = i % 2 == 0 ? ',' : '1';
	text[0] = '[';
	text[len - 1] = ']';
	assert_true(scans_value(text, len));
	assert_true(scans_member_value(text, len));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(depth_is_taken_up_to_its_cap),
		cmocka_unit_test(depth_of_a_value_has_the_same_cap),
		cmocka_unit_test(depth_ends_where_containers_do),
		cmocka_unit_test(great_depth_is_refused),
		cmocka_unit_test(members_are_taken_up_to_their_cap),
		cmocka_unit_test(members_of_files_have_no_cap),
		cmocka_unit_test(arrays_have_no_cap)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
