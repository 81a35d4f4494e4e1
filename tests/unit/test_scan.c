/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The strict scanner against RFC 8259.  Every text lies in memory of just its
 * size, so that the address sanitizer sees a byte read too far.  The bytes of
 * strings are test_scan_bytes.c's matter.
 */

#include "config.h"

#include "scan.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A copy without a byte behind it; free(3). */
static char *
copy(const char *p, size_t len)
{
	char *mem = malloc(len > 0 ? len : 1);

	assert_non_null(mem);
	memcpy(mem, p, len);
	return mem;
}

/* An error stays, whatever is asked next. */
static void
check_refused(struct scan *scan)
{
	struct scan_value v;
	struct appmsg_str name;
	const char *why = scan->why;

	assert_non_null(why);
	assert_true(*why != '\0');
	assert_int_equal(scan_value(scan, &v), SCAN_ERROR);
	assert_int_equal(scan_member(scan, &name), SCAN_ERROR);
	assert_int_equal(scan_end(scan), SCAN_ERROR);
	assert_ptr_equal(scan->why, why);
}

/* Whether a text is one value. */
static bool
is_value(const char *p, size_t len)
{
	char *mem = copy(p, len);
	struct scan_value v;
	struct scan scan;
	bool good;

	scan_init(&scan, mem, len);
	good = scan_value(&scan, &v) == SCAN_OK && scan_end(&scan) == SCAN_OK;
	if (good)
		assert_null(scan.why);
	else
		check_refused(&scan);
	assert_true(scan.p <= scan.end);
	free(mem);
	return good;
}

/* Whether a text is an object, by a walk over its members. */
static bool
is_object(const char *p, size_t len)
{
	char *mem = copy(p, len);
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;
	bool good;

	scan_init(&scan, mem, len);
	if (scan_object(&scan) == SCAN_OK)
		while (scan_member(&scan, &name) == SCAN_OK)
			if (scan_value(&scan, &v) != SCAN_OK)
				break;
	good = scan_end(&scan) == SCAN_OK;
	if (!good)
		check_refused(&scan);
	assert_true(scan.p <= scan.end);
	free(mem);
	return good;
}

/* Whether an object with a text as the value of a member is one. */
static bool
is_member_value(const char *p, size_t len)
{
	static const char before[] = "{\"a\":1,\"b\":", after[] = ",\"c\":[]}";
	size_t size = sizeof(before) - 1 + len + sizeof(after) - 1;
	char *mem = malloc(size);
	bool good;

	assert_non_null(mem);
	memcpy(mem, before, sizeof(before) - 1);
	memcpy(mem + sizeof(before) - 1, p, len);
	memcpy(mem + sizeof(before) - 1 + len, after, sizeof(after) - 1);
	good = is_object(mem, size);
	free(mem);
	return good;
}

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
		if (!is_value(good[i].p, good[i].len) ||
		    !is_member_value(good[i].p, good[i].len))
			fail_msg("refused: %s", good[i].p);
		if (good[i].p[0] == '{')
			assert_true(is_object(good[i].p, good[i].len));
	}
}

static void
nothing_else_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (is_value(bad[i].p, bad[i].len))
			fail_msg("taken: %s", bad[i].p);
		if (is_member_value(bad[i].p, bad[i].len))
			fail_msg("taken in a member: %s", bad[i].p);
		assert_false(is_object(bad[i].p, bad[i].len));
	}
}

static void
only_objects_are_walked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(is_object(good[i].p, good[i].len),
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
			assert_int_equal(is_value(cut, len), is_number);
			assert_false(is_object(cut, len));
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
		assert_true(is_object(text, (size_t)len));
		for (size_t cut = 0; cut < (size_t)len; cut++)
			assert_false(is_object(text, cut));
	}
}

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

			assert_true(is_object(text, nest(text, most - 1, p,
			    inner[j])));
			assert_true(is_object(text, nest(text, most, p,
			    inner[j])));
			assert_false(is_object(text, nest(text, most + 1, p,
			    inner[j])));
			assert_false(is_object(text, nest(text, most + 40, p,
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
		assert_true(is_value(text, nest(text, APPMSG_DEPTH_MAX,
		    patterns[i], "0")));
		assert_false(is_value(text, nest(text, APPMSG_DEPTH_MAX + 1,
		    patterns[i], "0")));
		assert_true(is_value(text, nest(text, APPMSG_DEPTH_MAX - 1,
		    patterns[i], "[]")));
		assert_false(is_value(text, nest(text, APPMSG_DEPTH_MAX,
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
	assert_true(is_object(text, (size_t)(p - text)));
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
	assert_false(is_value(text, len));
	memset(text, '{', len);
	assert_false(is_value(text, len));
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
members_are_taken_up_to_their_cap(void **state)
{
	size_t cap = 1 << 20, len;
	char *text = malloc(cap);

	(void)state;
	assert_non_null(text);
	assert_true(is_object(text, fill(text, APPMSG_MEMBERS_MAX, "1")));
	assert_false(is_object(text, fill(text, APPMSG_MEMBERS_MAX + 1, "1")));
	assert_true(is_value(text, fill(text, APPMSG_MEMBERS_MAX, "1")));
	assert_false(is_value(text, fill(text, APPMSG_MEMBERS_MAX + 1, "1")));
	/* Each object has its own count, before and behind another. */
	text[0] = '[';
	len = 1;
	for (int i = 0; i < 3; i++) {
		len += fill(text + len, APPMSG_MEMBERS_MAX,
		    "{\"a\":1,\"b\":{}}");
		text[len++] = i < 2 ? ',' : ']';
	}
	assert_true(is_value(text, len));
	assert_true(is_member_value(text, len));
	text[0] = '[';
	len = 1 + fill(text + 1, APPMSG_MEMBERS_MAX + 1, "[]");
	text[len++] = ']';
	assert_false(is_value(text, len));
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
	assert_true(is_value(text, len));
	assert_true(is_member_value(text, len));
	free(text);
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
		cmocka_unit_test(all_of_rfc_8259_is_taken),
		cmocka_unit_test(nothing_else_is_taken),
		cmocka_unit_test(only_objects_are_walked),
		cmocka_unit_test(a_text_cut_anywhere_is_refused),
		cmocka_unit_test(a_walk_over_cut_members_is_refused),
		cmocka_unit_test(a_value_has_its_type_and_extent),
		cmocka_unit_test(a_string_knows_escapes_and_half_pairs),
		cmocka_unit_test(depth_is_taken_up_to_its_cap),
		cmocka_unit_test(depth_of_a_value_has_the_same_cap),
		cmocka_unit_test(depth_ends_where_containers_do),
		cmocka_unit_test(great_depth_is_refused),
		cmocka_unit_test(members_are_taken_up_to_their_cap),
		cmocka_unit_test(members_of_files_have_no_cap),
		cmocka_unit_test(arrays_have_no_cap),
		cmocka_unit_test(integers_are_digits_within_a_magnitude),
		cmocka_unit_test(a_wrong_text_is_explained_where_it_is_wrong)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
