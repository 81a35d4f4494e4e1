/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Strings as they stand in a message: compared, unescaped, escaped and found
 * in a content.
 */

#include "config.h"

#include "appmsg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scan.h"
#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A string as the scanner gives it; quoted has its quotes. */
static struct appmsg_str
str_of(const struct text *quoted)
{
	struct appmsg_str str;
	struct scan scan;

	scan_init(&scan, quoted->p, quoted->len);
	assert_int_equal(scan_string(&scan, &str), SCAN_OK);
	assert_int_equal(scan_end(&scan), SCAN_OK);
	return str;
}

static const struct {
	struct text quoted, text;
} rows[] = {
	{ TEXT("\"\""), TEXT("") },
	{ TEXT("\"search\""), TEXT("search") },
	{ TEXT("\"s\\u0065arch\""), TEXT("search") },
	{ TEXT("\"\\u0073\\u0065\\u0061\\u0072\\u0063\\u0068\""),
	    TEXT("search") },
	{ TEXT("\"text\\/json\""), TEXT("text/json") },
	{ TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\/\b\f\n\r\t") },
	{ TEXT("\"\\\\n\""), TEXT("\\n") },
	{ TEXT("\"\\\\u0041\""), TEXT("\\u0041") },
	{ TEXT("\"\\\\\\\\\""), TEXT("\\\\") },
	{ TEXT("\"\\u005cu0041\""), TEXT("\\u0041") },
	{ TEXT("\"a\\u0000b\""), TEXT("a\0b") },
	{ TEXT("\"\\u0000\""), TEXT("\0") },
	{ TEXT("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
	    TEXT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf") },
	{ TEXT("\"\\ud7ff\\ue000\""), TEXT("\xed\x9f\xbf\xee\x80\x80") },
	{ TEXT("\"\\ud800\\udc00\\uDBFF\\uDFFF\""),
	    TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
	{ TEXT("\"\\ud83d\\udc30\""), TEXT("\xf0\x9f\x90\xb0") },
	{ TEXT("\"\\uABCD\\uabcd\\uAbCd\""),
	    TEXT("\xea\xaf\x8d\xea\xaf\x8d\xea\xaf\x8d") },
	{ TEXT("\"\xc3\xa4\\u00e4\""), TEXT("\xc3\xa4\xc3\xa4") },
	{ TEXT("\"\xf0\x9f\x90\xb0\\n\""), TEXT("\xf0\x9f\x90\xb0\n") },
	{ TEXT("\"\\n\xf0\x9f\x90\xb0\""), TEXT("\n\xf0\x9f\x90\xb0") }
};

static void
strings_are_unescaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct appmsg_str str = str_of(&rows[i].quoted);
		char *buf = malloc(str.len + 1);
		size_t len = 4711;

		assert_non_null(buf);
		assert_int_equal(appmsg_str_decode(&str, buf, str.len, &len),
		    0);
		assert_int_equal(len, rows[i].text.len);
		assert_memory_equal(buf, rows[i].text.p, len);
		free(buf);
	}
}

static void
a_buffer_too_small_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct appmsg_str str = str_of(&rows[i].quoted);

		for (size_t cap = 0; cap < rows[i].text.len; cap++) {
			char *buf = malloc(cap > 0 ? cap : 1);
			size_t len = 4711;

			assert_non_null(buf);
			assert_int_equal(appmsg_str_decode(&str, buf, cap,
			    &len), APPMSG_E2BIG);
			assert_int_equal(len, 4711);
			free(buf);
		}
	}
}

static void
half_a_pair_is_no_text(void **state)
{
	static const struct text lone[] = {
		TEXT("\"\\ud800\""), TEXT("\"\\udfff\""),
		TEXT("\"a\\ud83d\\\\udc30\""), TEXT("\"\\udc00\\ud800\""),
		TEXT("\"\\ud83d\\udc30\\ud83d\"")
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lone); i++) {
		struct appmsg_str str = str_of(&lone[i]);
		char buf[64];
		size_t len = 4711;

		assert_int_equal(appmsg_str_decode(&str, buf, sizeof(buf),
		    &len), APPMSG_EILSEQ);
		assert_int_equal(len, 4711);
		assert_false(appmsg_str_eq(&str, "a", 1));
		assert_false(appmsg_str_eq(&str, "", 0));
		assert_false(appmsg_str_eq(&str, "\xef\xbf\xbd", 3));
	}
}

static void
strings_equal_their_text_and_no_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct appmsg_str str = str_of(&rows[i].quoted);
		size_t len = rows[i].text.len;
		char *other = malloc(len + 1);

		assert_non_null(other);
		for (size_t j = 0; j < COUNT(rows); j++)
			assert_int_equal(appmsg_str_eq(&str, rows[j].text.p,
			    rows[j].text.len), len == rows[j].text.len &&
			    memcmp(rows[i].text.p, rows[j].text.p, len) == 0);
		memcpy(other, rows[i].text.p, len);
		other[len] = 'x';
		assert_true(appmsg_str_eq(&str, other, len));
		assert_false(appmsg_str_eq(&str, other, len + 1));
		for (size_t at = 0; at < len; at++) {
			assert_false(appmsg_str_eq(&str, other, at));
			other[at] ^= 1;
			assert_false(appmsg_str_eq(&str, other, len));
			other[at] ^= 1;
		}
		free(other);
	}
}

static void
none_equals_nothing(void **state)
{
	const struct appmsg_str none = { NULL, 0, 0 };

	(void)state;
	assert_false(appmsg_str_eq(&none, "", 0));
	assert_false(appmsg_str_eq(&none, "x", 1));
}

static void
only_what_must_be_is_escaped(void **state)
{
	static const struct {
		struct text text;
		const char *escaped;
	} cases[] = {
		{ TEXT(""), "" }, { TEXT("plain / text ~"), "plain / text ~" },
		{ TEXT("\"\\"), "\\\"\\\\" },
		{ TEXT("\b\f\n\r\t"), "\\b\\f\\n\\r\\t" },
		{ TEXT("\0\x01\x07\x0b\x0e\x1f"),
		    "\\u0000\\u0001\\u0007\\u000b\\u000e\\u001f" },
		{ TEXT("\x7f\xc2\x80\xe2\x80\xa8\xf0\x9f\x90\xb0"),
		    "\x7f\xc2\x80\xe2\x80\xa8\xf0\x9f\x90\xb0" },
		{ TEXT("\xff\x80"), "\xff\x80" }, { TEXT("\\u0041"),
		    "\\\\u0041" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].escaped);
		const struct text *t = &cases[i].text;

		assert_int_equal(appmsg_escape(t->p, t->len, NULL, 0), len);
		for (size_t cap = 0; cap <= len + 2; cap++) {
			char *buf = malloc(cap > 0 ? cap : 1);

			assert_non_null(buf);
			assert_int_equal(appmsg_escape(t->p, t->len, buf,
			    cap), len);
			if (cap >= len)
				assert_memory_equal(buf, cases[i].escaped,
				    len);
			free(buf);
		}
	}
}

/* Every byte below 0x80, and escaping undone by unescaping. */
static void
what_was_escaped_is_unescaped(void **state)
{
	char all[2 * 128], escaped[6 * sizeof(all)], back[sizeof(escaped)];
	struct appmsg_str str = { escaped, 0, APPMSG_STR_ESCAPED };
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(i % 128);
	str.len = appmsg_escape(all, sizeof(all), escaped, sizeof(escaped));
	assert_true(str.len <= sizeof(escaped));
	assert_int_equal(scan_utf8(escaped, str.len), str.len);
	for (size_t i = 0; i < str.len; i++)
		assert_true(escaped[i] >= 0x20);
	assert_int_equal(appmsg_str_decode(&str, back, sizeof(back), &len), 0);
	assert_int_equal(len, sizeof(all));
	assert_memory_equal(back, all, len);
	assert_true(appmsg_str_eq(&str, all, sizeof(all)));
}

static void
a_member_of_a_content_is_found(void **state)
{
	static const struct {
		const char *content;
		const char *value;	/* NULL: none, or no string */
	} cases[] = {
		{ "{\"result\": \"x\"}", "x" },
		{ " {\"a\":1,\"result\":\"\",\"b\":[]} \n", "" },
		{ "{\"r\\u0065sult\":\"\\u0078\"}", "x" },
		{ "{\"result\":\"a\",\"result\":\"b\"}", "b" },
		{ "{\"result\":7,\"result\":\"b\"}", "b" },
		{ "{\"result\":\"a\",\"result\":7}", NULL },
		{ "{\"result\":\"a\",\"result\":null,\"x\":\"b\"}", NULL },
		{ "{}", NULL }, { "{\"result\":null}", NULL },
		{ "{\"result\":[\"x\"]}", NULL },
		{ "{\"Result\":\"x\",\"result \":\"x\"}", NULL },
		{ "{\"result\\u0000\":\"x\"}", NULL },
		{ "{\"x\":{\"result\":\"x\"}}", NULL }
	};
	struct appmsg_str value;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int error = appmsg_content_find(cases[i].content,
		    strlen(cases[i].content), "result", &value);

		if (cases[i].value == NULL) {
			assert_int_equal(error, APPMSG_ENOENT);
			continue;
		}
		assert_int_equal(error, 0);
		assert_true(appmsg_str_eq(&value, cases[i].value,
		    strlen(cases[i].value)));
	}
}

static void
a_content_is_checked_whole(void **state)
{
	static const char *const cases[] = {
		"", " ", "[]", "7", "\"result\"", "null", "{",
		"{\"result\":\"x\"", "{\"result\":\"x\"}x",
		"{\"result\":\"x\",}", "{\"result\":\"x\"}{}",
		"{\"result\":\"x\",\"y\":nul}", "{\"result\":\"x\",\"y\":01}",
		"{\"result\":\"x\",\"y\":\"\xff\"}",
		"{\"y\":[[[}]]],\"result\":\"x\"}"
	};
	struct appmsg_str value;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(appmsg_content_find(cases[i],
		    strlen(cases[i]), "result", &value), APPMSG_EPROTO);
}

static void
errors_have_words(void **state)
{
	(void)state;
	for (int error = 0; error >= APPMSG_EINVAL; error--) {
		const char *words = appmsg_strerror(error);

		assert_true(*words != '\0');
		assert_string_not_equal(words, "unknown error");
		for (int other = 0; other > error; other--)
			assert_string_not_equal(words,
			    appmsg_strerror(other));
	}
	assert_string_equal(appmsg_strerror(1), "unknown error");
	assert_string_equal(appmsg_strerror(-4711), "unknown error");
	assert_string_equal(appmsg_version(), PACKAGE_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_unescaped),
		cmocka_unit_test(a_buffer_too_small_is_told),
		cmocka_unit_test(half_a_pair_is_no_text),
		cmocka_unit_test(strings_equal_their_text_and_no_other),
		cmocka_unit_test(none_equals_nothing),
		cmocka_unit_test(only_what_must_be_is_escaped),
		cmocka_unit_test(what_was_escaped_is_unescaped),
		cmocka_unit_test(a_member_of_a_content_is_found),
		cmocka_unit_test(a_content_is_checked_whole),
		cmocka_unit_test(errors_have_words)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
