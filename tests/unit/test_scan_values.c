/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the scanner tells of values: type and extent, what strings have in them,
 * integers, and where and why a text is wrong.  The bytes of strings are
 * test_scan_bytes.c's matter.
 */

#include "config.h"

#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
a_value_has_its_type_and_extent(void **state)
{
	static const struct {
		const char *raw;
		enum scan_type type;
	} rows[] = {
		{ "\"a\\u0041\"", SCAN_STRING }, { "-12.5e3", SCAN_NUMBER },
		{ "{ \"a\" : [1] }", SCAN_OBJECT }, { "{}", SCAN_OBJECT },
		{ "[ {}, 2 ]", SCAN_ARRAY }, { "true", SCAN_TRUE },
		{ "false", SCAN_FALSE }, { "null", SCAN_NULL }
	};
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;
	char text[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = strlen(rows[i].raw);

		snprintf(text, sizeof(text), "{\"name\" : %s }", rows[i].raw);
		scan_init(&scan, text, strlen(text));
		assert_int_equal(scan_object(&scan), SCAN_OK);
		assert_int_equal(scan_member(&scan, &name), SCAN_OK);
		assert_ptr_equal(name.raw, text + 2);
		assert_int_equal(name.len, 4);
		assert_int_equal(name.flags, 0);
		assert_int_equal(scan_value(&scan, &v), SCAN_OK);
		assert_int_equal(v.type, rows[i].type);
		assert_ptr_equal(v.raw, text + 10);
		assert_int_equal(v.len, len);
		if (v.type == SCAN_STRING) {
			assert_ptr_equal(v.str.raw, v.raw + 1);
			assert_int_equal(v.str.len, len - 2);
			assert_int_equal(v.str.flags, APPMSG_STR_ESCAPED);
		}
		assert_int_equal(scan_member(&scan, &name), SCAN_END);
		assert_int_equal(scan_end(&scan), SCAN_OK);
	}
}

static void
a_string_knows_escapes_and_half_pairs(void **state)
{
#define ESC	APPMSG_STR_ESCAPED
#define LONE	(APPMSG_STR_ESCAPED | APPMSG_STR_LONE)
	static const struct {
		const char *text;
		unsigned int flags;
	} rows[] = {
		{ "\"\"", 0 }, { "\"\xf0\x9f\x90\xb0\"", 0 },
		{ "\"\\\\\"", ESC }, { "\"0123456789\\/\"", ESC },
		{ "\"\\ud83d\\udc30\"", ESC }, { "\"\\uDBFF\\uDFFF\"", ESC },
		{ "\"\\ud800\\udc00\\ud800\\udc00\"", ESC },
		{ "\"\\ud7ff\\ue000\"", ESC },
		{ "\"\\ud800\"", LONE }, { "\"\\udbff\"", LONE },
		{ "\"\\udc00\"", LONE }, { "\"\\udfff\"", LONE },
		{ "\"\\ud800x\\udc00\"", LONE },
		{ "\"\\ud800 \\udc00\"", LONE },
		{ "\"\\ud800\\\\udc00\"", LONE },
		{ "\"\\ud800\\ud800\\udc00\"", LONE },
		{ "\"\\ud800\\udc00\\udc00\"", LONE },
		{ "\"\\udc00\\ud800\"", LONE },
		{ "\"\\ud800\\u0041\"", LONE }, { "\"\\ud800\\ue000\"", LONE },
		{ "\"\\ud800\\udbff\"", LONE }, { "\"\\ud800\\t\"", LONE }
	};
	struct appmsg_str str;
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		scan_init(&scan, rows[i].text, strlen(rows[i].text));
		assert_int_equal(scan_string(&scan, &str), SCAN_OK);
		assert_int_equal(str.flags, rows[i].flags);
		assert_int_equal(str.len, strlen(rows[i].text) - 2);
		assert_int_equal(scan_end(&scan), SCAN_OK);
	}
#undef ESC
#undef LONE
}

static void
integers_are_digits_within_a_magnitude(void **state)
{
	static const struct {
		const char *text;
		int64_t max, num;
		int error;
	} rows[] = {
		{ "0", 0, 0, 0 }, { "-0", 0, 0, 0 }, { "1", 0, 0, -1 },
		{ "0", 5, 0, 0 }, { "5", 5, 5, 0 }, { "-5", 5, -5, 0 },
		{ "6", 5, 0, -1 }, { "7", 5, 0, -1 }, { "8", 5, 0, -1 },
		{ "9", 5, 0, -1 }, { "-6", 5, 0, -1 }, { "-9", 5, 0, -1 },
		{ "10", 5, 0, -1 }, { "50", 5, 0, -1 }, { "15", 14, 0, -1 },
		{ "14", 14, 14, 0 }, { "19", 14, 0, -1 }, { "20", 14, 0, -1 },
		{ "37", 100, 37, 0 }, { "37.0", 100, 0, -1 },
		{ "37e0", 100, 0, -1 }, { "37E0", 100, 0, -1 },
		{ "3.7e1", 100, 0, -1 }, { "-37", 100, -37, 0 },
		{ "9007199254740992", INT64_C(1) << 53, INT64_C(1) << 53, 0 },
		{ "-9007199254740992", INT64_C(1) << 53,
		    -(INT64_C(1) << 53), 0 },
		{ "9007199254740993", INT64_C(1) << 53, 0, -1 },
		{ "-9007199254740993", INT64_C(1) << 53, 0, -1 },
		{ "9223372036854775807", INT64_MAX, INT64_MAX, 0 },
		{ "-9223372036854775807", INT64_MAX, -INT64_MAX, 0 },
		{ "9223372036854775808", INT64_MAX, 0, -1 },
		{ "-9223372036854775808", INT64_MAX, 0, -1 },
		{ "18446744073709551617", INT64_MAX, 0, -1 },
		{ "100000000000000000000000000000000", INT64_MAX, 0, -1 }
	};
	struct scan_value v;
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t num = 4711;

		scan_init(&scan, rows[i].text, strlen(rows[i].text));
		assert_int_equal(scan_value(&scan, &v), SCAN_OK);
		assert_int_equal(v.type, SCAN_NUMBER);
		if (scan_integer(&v, rows[i].max, &num) != rows[i].error)
			fail_msg("%s with at most %lld", rows[i].text,
			    (long long)rows[i].max);
		if (rows[i].error == 0)
			assert_true(num == rows[i].num);
	}
}

static void
a_wrong_text_is_explained_where_it_is_wrong(void **state)
{
	static const struct {
		const char *text;
		size_t at;
		const char *why;
	} rows[] = {
		{ "7", 0, "not an object" },
		{ "{\"a\" 1}", 5, "no colon after a member name" },
		{ "{\"a\":1 x", 7, "no comma or end after a value" },
		{ "{a", 1, "no member name in quotes" },
		{ "{\"a\":x", 5, "not a JSON value" },
		{ "{\"a\":\"\n\"}", 6, "control character in a string" },
		{ "{\"a\":\"\xff\"}", 6, "not UTF-8" },
		{ "{\"a\":[1,2", 9, "unfinished" },
		{ "{\"a\":1}x", 7, "something after the end" },
		{ "{\"a\":[1,\"\x80\"]}", 9, "not UTF-8" },
		{ "{\"a\":\"bc", 8, "unfinished string" },
		{ "{\"a\":-x", 6, "wrong number" }
	};
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		scan_init(&scan, rows[i].text, strlen(rows[i].text));
		if (scan_object(&scan) == SCAN_OK)
			while (scan_member(&scan, &name) == SCAN_OK)
				if (scan_value(&scan, &v) != SCAN_OK)
					break;
		assert_int_equal(scan_end(&scan), SCAN_ERROR);
		assert_string_equal(scan.why, rows[i].why);
		assert_int_equal((const char *)scan.p - rows[i].text,
		    rows[i].at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_has_its_type_and_extent),
		cmocka_unit_test(a_string_knows_escapes_and_half_pairs),
		cmocka_unit_test(integers_are_digits_within_a_magnitude),
		cmocka_unit_test(a_wrong_text_is_explained_where_it_is_wrong)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
