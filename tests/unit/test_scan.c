/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The strict scanner against the grammar of RFC 8259: what is taken, what is
 * refused, and what is cut.
 */

#include "config.h"

#include "scans.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* None ends in a blank, so that each is worth nothing when it is cut. */
static const struct text good[] = {
	TEXT("null"), TEXT("true"), TEXT("false"), TEXT(" \t\r\n null"),
	/* numbers */
	TEXT("0"), TEXT("-0"), TEXT("7"), TEXT("-7"), TEXT("1234567890"),
	TEXT("0.0"), TEXT("-0.5"), TEXT("10.25"), TEXT("0e0"), TEXT("0E0"),
	TEXT("1e5"), TEXT("1E+5"), TEXT("1e-5"), TEXT("-1.5e+10"),
	TEXT("1e00"), TEXT("0.000"), TEXT("1e99999"),
	TEXT("123456789012345678901234567890.123456789e-123456789"),
	/* strings */
	TEXT("\"\""), TEXT("\"a\""), TEXT("\"plain text of some length\""),
	TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\u0000\""),
	TEXT("\"\\u00e4\\u00E4\\uFFFF\\uabcd\""),
	TEXT("\"\\ud83d\\udc30\""), TEXT("\"\\uD83D\\uDC30 and more\""),
	TEXT("\"\\ud800\""), TEXT("\"\\udc00\""), TEXT("\"\\udc00\\ud800\""),
	TEXT("\"\\ud800\\ud800\\udc00\""), TEXT("\"\\ud800\\n\""),
	TEXT("\"\\ud800\\\\udc00\""), TEXT("\"/\x7f'\""),
	TEXT("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb0\""),
	TEXT("\"\xef\xbb\xbf\""), TEXT("\"\xef\xbf\xbe\xf4\x8f\xbf\xbf\""),
	/* arrays */
	TEXT("[]"), TEXT("[ ]"), TEXT("[1]"), TEXT("[1,2]"),
	TEXT("[ 1 , 2 ]"), TEXT("[[],[[]],{}]"), TEXT("[null,true,false]"),
	TEXT("[\"]\",\"[\"]"), TEXT("[-0.5e3,\"\",{\"a\":[]}]"),
	TEXT("\n[\t1\r,\n2 ]"),
	/* objects */
	TEXT("{}"), TEXT("{ }"), TEXT("{\"a\":1}"), TEXT("{\"\":\"\"}"),
	TEXT("{ \"a\" : 1 , \"b\" : 2 }"), TEXT("{\"a\":1,\"a\":2}"),
	TEXT("{\"a\":{\"b\":{\"c\":[{}]}}}"),
	TEXT("{\"\\u0061\\\"\":[1,{\"x\":null}],\"}\":\"{\"}"),
	TEXT("{\"a\":-1.5e+3,\"b\":[true ,false ],\"c\":{ }}"),
};

/* Bad as a value of its own and as that of a member. */
static const struct text bad[] = {
	TEXT(""), TEXT(" "), TEXT("\v1"), TEXT("\f1"), TEXT("\xc2\xa0""1"),
	TEXT("\xef\xbb\xbf""1"), TEXT("#"), TEXT("'a'"), TEXT("a"),
	TEXT("\0"), TEXT("\x1e""1"), TEXT("1 2"), TEXT("1\0"), TEXT("[]\0"),
	TEXT("/**/1"), TEXT("1/**/"), TEXT("1//"), TEXT("[1]]"),
	TEXT("\"a\"\"b\""), TEXT("\"a\":1"), TEXT(":"), TEXT(","), TEXT("="),
	/* words */
	TEXT("nul"), TEXT("nulL"), TEXT("Null"), TEXT("nulll"), TEXT("TRUE"),
	TEXT("tru"), TEXT("truE"), TEXT("truey"), TEXT("fals"),
	TEXT("False"), TEXT("falsee"), TEXT("nil"), TEXT("undefined"),
	TEXT("NaN"), TEXT("nan"), TEXT("Infinity"), TEXT("-Infinity"),
	TEXT("inf"), TEXT("-inf"), TEXT("t\0ue"),
	/* numbers */
	TEXT("-"), TEXT("+1"), TEXT("--1"), TEXT("-+1"), TEXT("01"),
	TEXT("00"), TEXT("-01"), TEXT("-00"), TEXT("1."), TEXT(".5"),
	TEXT("-.5"), TEXT("1.e5"), TEXT("1e"), TEXT("1e+"), TEXT("1e-"),
	TEXT("1e++5"), TEXT("1e5.5"), TEXT("1.5.5"), TEXT("1ee5"),
	TEXT("0x10"), TEXT("0b1"), TEXT("0o7"), TEXT("1_000"),
	TEXT("1 000"), TEXT("1f"), TEXT("1L"), TEXT("1e5e5"), TEXT("1a"),
	TEXT("1-1"), TEXT("0-"), TEXT("1\xef\xbc\x91"), TEXT("- 1"),
	/* strings */
	TEXT("\""), TEXT("\"a"), TEXT("\"\\\""), TEXT("\"\\"),
	TEXT("\"\\a\""), TEXT("\"\\'\""), TEXT("\"\\0\""), TEXT("\"\\x41\""),
	TEXT("\"\\U0041\""), TEXT("\"\\u\""), TEXT("\"\\u004\""),
	TEXT("\"\\u004g\""), TEXT("\"\\u 041\""), TEXT("\"\\u+041\""),
	TEXT("\"\\u00:0\""), TEXT("\"\\u00`0\""), TEXT("\"\\u00@0\""),
	TEXT("\"\\u00/0\""), TEXT("\"\\ud800\\u\""),
	TEXT("\"\\ud800\\udc0\""), TEXT("\"\\ud800\\x\""),
	TEXT("\"\\\n\""), TEXT("\"\\\0\""), TEXT("\"\n\""), TEXT("\"\t\""),
	TEXT("\"\0\""), TEXT("\"\x1f\""), TEXT("\"\x80\""),
	TEXT("\"\xc3\""), TEXT("\"\\\xc3\xa4\""), TEXT("\"\\u\xc3\xa4""34\""),
	TEXT("\"a\"b"), TEXT("a\"b\""), TEXT("'\"'"),
	/* arrays */
	TEXT("["), TEXT("]"), TEXT("[1"), TEXT("[1,"), TEXT("[1,]"),
	TEXT("[,]"), TEXT("[,1]"), TEXT("[1,,2]"), TEXT("[1 2]"),
	TEXT("[1}"), TEXT("[1:2]"), TEXT("[[]"), TEXT("[}"), TEXT("[\"a\""),
	TEXT("[\"a\":1]"), TEXT("[1;2]"), TEXT("[1]x"), TEXT("[01]"),
	TEXT("[\0]"), TEXT("[1\v]"), TEXT("[a]"), TEXT("[*]"), TEXT("[)"),
	/* objects */
	TEXT("{"), TEXT("}"), TEXT("{\"a\""), TEXT("{\"a\":"),
	TEXT("{\"a\":1"), TEXT("{\"a\":1,"), TEXT("{\"a\":1,}"), TEXT("{,}"),
	TEXT("{,\"a\":1}"), TEXT("{\"a\":1,,\"b\":2}"), TEXT("{\"a\"}"),
	TEXT("{\"a\",1}"), TEXT("{\"a\" 1}"), TEXT("{\"a\"::1}"),
	TEXT("{:1}"), TEXT("{a:1}"), TEXT("{'a':1}"), TEXT("{1:1}"),
	TEXT("{null:1}"), TEXT("{\"a\":1 \"b\":2}"), TEXT("{\"a\":1]"),
	TEXT("{]"), TEXT("{{}}"), TEXT("{[]:1}"), TEXT("{\"a\":}"),
	TEXT("{\"a\":1}}"), TEXT("{\"a\":1}{"), TEXT("{\"a\":1:2}"),
	TEXT("{\"a\"\0:1}"), TEXT("{\"a\":1;\"b\":2}"), TEXT("{\"\n\":1}"),
	TEXT("{\"\xff\":1}"), TEXT("{\"a\\\":1}"), TEXT("{\"a\"=1}"),
};

static void
all_of_rfc_8259_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		if (!scans_value(good[i].p, good[i].len) ||
		    !scans_member_value(good[i].p, good[i].len))
			fail_msg("refused: %s", good[i].p);
		if (good[i].p[0] == '{')
			assert_true(scans_object(good[i].p, good[i].len));
	}
}

static void
nothing_else_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (scans_value(bad[i].p, bad[i].len))
			fail_msg("taken: %s", bad[i].p);
		if (scans_member_value(bad[i].p, bad[i].len))
			fail_msg("taken in a member: %s", bad[i].p);
		assert_false(scans_object(bad[i].p, bad[i].len));
	}
}

static void
only_objects_are_walked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(scans_object(good[i].p, good[i].len),
		    good[i].p[0] == '{');
}

/* The part of a number may be one: then a grammar of its own tells. */
static void
a_text_cut_anywhere_is_refused(void **state)
{
	regex_t number;

	(void)state;
	assert_int_equal(regcomp(&number, "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?"
	    "([eE][+-]?[0-9]+)?$", REG_EXTENDED | REG_NOSUB), 0);
	for (size_t i = 0; i < COUNT(good); i++) {
		for (size_t len = 0; len < good[i].len; len++) {
			char cut[128];
			bool is_number;

			assert_true(len < sizeof(cut));
			memcpy(cut, good[i].p, len);
			cut[len] = '\0';
			is_number = regexec(&number, cut, 0, NULL, 0) == 0;
			assert_int_equal(scans_value(cut, len), is_number);
			assert_false(scans_object(cut, len));
		}
	}
	regfree(&number);
}

/* A walk over cut members too: the closing brace is what makes it whole. */
static void
a_walk_over_cut_members_is_refused(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		int len = snprintf(text, sizeof(text),
		    " {\"k\" : \"v\" , \"n\\u00e4\":%.*s , \"z\" :false}",
		    (int)good[i].len, good[i].p);

		assert_true(len > 0 && (size_t)len < sizeof(text));
		assert_true(scans_object(text, (size_t)len));
		for (size_t cut = 0; cut < (size_t)len; cut++)
			assert_false(scans_object(text, cut));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_rfc_8259_is_taken),
		cmocka_unit_test(nothing_else_is_taken),
		cmocka_unit_test(only_objects_are_walked),
		cmocka_unit_test(a_text_cut_anywhere_is_refused),
		cmocka_unit_test(a_walk_over_cut_members_is_refused)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
