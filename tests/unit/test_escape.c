/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What may reach a log or a terminal.  The UTF-8 cases are made here, from
 * the ranges of RFC 3629, for every code point.
 */

#include "config.h"

#include "common/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Check the escapes of len bytes in a buffer of every size. */
static void
check(const char *src, size_t len, const char *expected)
{
	char dst[256];
	size_t whole = strlen(expected), n;

	assert_int_equal(escape(NULL, 0, src, len), whole);
	assert_true(whole < ESCAPE_SIZE(len));
	for (size_t cap = 1; cap < whole + 3; cap++) {
		memset(dst, '#', sizeof(dst));
		assert_int_equal(escape(dst, cap, src, len), whole);
		n = strlen(dst);
		assert_true(n < cap);
		assert_memory_equal(dst, expected, n);
		if (whole < cap)
			assert_int_equal(n, whole);
		for (size_t i = n + 1; i < sizeof(dst); i++)
			assert_int_equal(dst[i], '#');
	}
}

#define CHECK(src, expected) check(src, sizeof(src) - 1, expected)

/* Encode a code point, also one that has no place in UTF-8. */
static size_t
encode(uint32_t cp, char *dst)
{
	if (cp < 0x80) {
		dst[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		dst[0] = (char)(0xc0 | cp >> 6);
		dst[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		dst[0] = (char)(0xe0 | cp >> 12);
		dst[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		dst[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	dst[0] = (char)(0xf0 | cp >> 18);
	dst[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	dst[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	dst[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

static void
plain_text_stays(void **state)
{
	(void)state;
	CHECK("", "");
	CHECK("plain \"text\" ~", "plain \"text\" ~");
	CHECK("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xb0",
	    "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xb0");
}

static void
controls_and_backslash_are_spelled(void **state)
{
	(void)state;
	CHECK("a\tb\nc\rd\\e", "a\\tb\\nc\\rd\\\\e");
	CHECK("\0\x01\x1b[2J\x1f\x7f", "\\x00\\x01\\x1b[2J\\x1f\\x7f");
	CHECK("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
	    "\\u{80}\\u{9b}\\u{9f}\xc2\xa0");
}

static void
lines_and_directions_are_spelled(void **state)
{
	(void)state;
	CHECK("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9",
	    "\xe2\x80\xa7\\u{2028}\\u{2029}");
	CHECK("a\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
	    "a\\u{202a}\\u{202e}\xe2\x80\xaf");
	CHECK("\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
	    "\xe2\x81\xa5\\u{2066}\\u{2069}\xe2\x81\xaa");
	CHECK("\xef\xbb\xbf" "ring\xef\xbb\xbe", "\\u{feff}ring\xef\xbb\xbe");
}

static void
bytes_that_are_no_text_are_spelled(void **state)
{
	(void)state;
	CHECK("\x80", "\\x80");
	CHECK("\xc0\x80", "\\xc0\\x80");
	CHECK("\xc1\xbf", "\\xc1\\xbf");
	CHECK("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");
	CHECK("\xed\xa0\x80", "\\xed\\xa0\\x80");
	CHECK("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf");
	CHECK("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	CHECK("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
	CHECK("\xff\xfe", "\\xff\\xfe");
	/* Cut, at the end and before a character. */
	CHECK("\xe2\x82", "\\xe2\\x82");
	CHECK("\xf0\x9f\x90", "\\xf0\\x9f\\x90");
	CHECK("\xe2\x82z\xc3\xa4", "\\xe2\\x82z\xc3\xa4");
	CHECK("\xc3\xc3\xa4", "\\xc3\xc3\xa4");
}

static void
every_code_point_is_told_from_what_is_none(void **state)
{
	char src[4];
	uint32_t got;
	size_t n;

	(void)state;
	for (uint32_t cp = 0; cp < 0x200000; cp++) {
		n = encode(cp, src);
		if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
			assert_int_equal(escape_utf8(src, n, &got), 0);
			assert_false(escape_is_utf8(src, n));
			continue;
		}
		assert_int_equal(escape_utf8(src, n, &got), n);
		assert_int_equal(got, cp);
		assert_true(escape_is_utf8(src, n));
		/* Cut short it is none. */
		for (size_t cut = 1; cut < n; cut++)
			assert_int_equal(escape_utf8(src, cut, &got), 0);
		assert_int_equal(escape(NULL, 0, src, n) == n,
		    escape_is_plain(cp));
	}
}

/* Every byte pair comes out as printable ASCII or valid UTF-8 of one line. */
static void
whatever_comes_out_is_one_line(void **state)
{
	char dst[ESCAPE_SIZE(2)], src[2];
	size_t n;

	(void)state;
	for (int pair = 0; pair < 0x10000; pair++) {
		src[0] = (char)(pair >> 8);
		src[1] = (char)pair;
		n = escape(dst, sizeof(dst), src, 2);
		assert_true(n < sizeof(dst));
		assert_int_equal(strlen(dst), n);
		assert_true(escape_is_utf8(dst, n));
		for (size_t i = 0; i < n; i++)
			assert_true((unsigned char)dst[i] >= 0x20);
	}
}

static void
is_utf8_looks_at_all_of_it(void **state)
{
	(void)state;
	assert_true(escape_is_utf8("", 0));
	assert_true(escape_is_utf8("a\0\xc3\xa4", 4));
	assert_false(escape_is_utf8("a\0\xc3\xa4\xff", 5));
	assert_false(escape_is_utf8("a\0\xc3\xa4", 3));
}

/* Every byte, at every place of a run, and a dst that ends anywhere. */
static void
runs_end_where_something_is_spelled(void **state)
{
	char dst[ESCAPE_SIZE(20)], src[20];
	size_t whole;

	(void)state;
	for (int byte = 0; byte < 0x100; byte++) {
		bool plain = byte < 0x80 && escape_is_plain((uint32_t)byte);

		for (size_t at = 0; at < sizeof(src); at++) {
			memset(src, ' ' + (int)at, sizeof(src));
			src[at] = (char)byte;
			assert_int_equal(escape_plain_len(src, sizeof(src)),
			    plain ? sizeof(src) : at);
			assert_int_equal(escape_plain_len(src, at), at);
			assert_int_equal(escape_is_utf8(src, sizeof(src)),
			    byte < 0x80);
			whole = escape(dst, sizeof(dst), src, sizeof(src));
			assert_int_equal(strlen(dst), whole);
			for (size_t cap = 1; cap <= whole; cap++) {
				assert_int_equal(escape(dst, cap, src,
				    sizeof(src)), whole);
				assert_true(strlen(dst) < cap);
				assert_true(strlen(dst) + 4 >= cap);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(controls_and_backslash_are_spelled),
		cmocka_unit_test(lines_and_directions_are_spelled),
		cmocka_unit_test(bytes_that_are_no_text_are_spelled),
		cmocka_unit_test(every_code_point_is_told_from_what_is_none),
		cmocka_unit_test(whatever_comes_out_is_one_line),
		cmocka_unit_test(is_utf8_looks_at_all_of_it),
		cmocka_unit_test(runs_end_where_something_is_spelled)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
