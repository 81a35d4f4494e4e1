/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Escapes and parameters of targets: what they stand for, and what is refused.
 */

#include "config.h"

#include "daemon/http/http_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/request/query.h"
#include "daemon/table/table.h"

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))
#define ALL		(HTTP_PARAM(HTTP_PARAMS) - 1)

#define TEXT(literal)	{ (literal), sizeof(literal) - 1 }

/* Of memory of just the size, so that the sanitizers see a byte too far. */
static char *
copy(struct http_text t)
{
	char *mem = malloc(t.len > 0 ? t.len : 1);

	assert_non_null(mem);
	memcpy(mem, t.data, t.len);
	return mem;
}

static void
escapes_are_bytes(void **state)
{
	static const struct {
		struct http_text from;
		bool plus;
		struct http_text to;
	} rows[] = {
		{ TEXT(""), false, TEXT("") },
		{ TEXT("ring"), false, TEXT("ring") },
		{ TEXT("%72%69ng"), false, TEXT("ring") },
		{ TEXT("a+b"), false, TEXT("a+b") },
		{ TEXT("a+b"), true, TEXT("a b") },
		{ TEXT("a%2Bb%2b"), true, TEXT("a+b+") },
		{ TEXT("%00"), false, TEXT("\0") },
		{ TEXT("%25%32%35"), true, TEXT("%25") },
		{ TEXT("%E2%98%83"), false, TEXT("\xe2\x98\x83") },
		{ TEXT("%f0%9F%90%b0"), false, TEXT("\xf0\x9f\x90\xb0") },
		{ TEXT("../%2e%2E"), false, TEXT("../..") },
		{ TEXT("a=b&c"), true, TEXT("a=b&c") }
	};
	struct http_text from, out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *mem = copy(rows[i].from), *to = copy(rows[i].from);

		from = (struct http_text){ mem, rows[i].from.len };
		assert_null(http_decode(from, rows[i].plus, to, &out));
		assert_int_equal(out.len, rows[i].to.len);
		assert_memory_equal(out.data, rows[i].to.data, out.len);
		/* In place, too. */
		assert_null(http_decode(from, rows[i].plus, mem, &out));
		assert_int_equal(out.len, rows[i].to.len);
		assert_memory_equal(out.data, rows[i].to.data, out.len);
		free(mem);
		free(to);
	}
}

static void
others_are_none(void **state)
{
	static const struct http_text rows[] = {
		TEXT("%"), TEXT("%4"), TEXT("a%"), TEXT("%4g"), TEXT("%g4"),
		TEXT("%%41"), TEXT("%u0041"), TEXT("% 41"), TEXT("%-1"),
		TEXT("%ff"), TEXT("%c0%80"), TEXT("%ed%a0%80"),
		TEXT("%f4%90%80%80"), TEXT("%e2%98"), TEXT("%80"),
		TEXT("a%e2b"), TEXT("%f8%88%80%80%80")
	};
	struct http_text out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *mem = copy(rows[i]), *to = copy(rows[i]);

		if (http_decode((struct http_text){ mem, rows[i].len }, false,
		    to, &out) == NULL)
			fail_msg("%s", rows[i].data);
		free(mem);
		free(to);
	}
}

static const char *
read_params(const char *text, unsigned int known, char **room,
    struct http_params *params, const char **code)
{
	size_t len = text == NULL ? 0 : strlen(text);
	struct http_text query = { text, len };

	*room = malloc(len > 0 ? len : 1);
	assert_non_null(*room);
	return http_params_read(query, known, *room, params, code);
}

static void
what_is_absent_is_usual(void **state)
{
	static const char *const rows[] = { NULL, "", "&", "&&&" };
	struct http_params p;
	const char *code;
	char *room;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_null(read_params(rows[i], ALL, &room, &p, &code));
		free(room);
		for (enum http_param n = 0; n < HTTP_PARAMS; n++)
			assert_null(p.text[n].data);
		assert_int_equal(p.way, TABLE_EXACT);
		assert_int_equal(p.limit, QUERY_LIMIT);
		assert_int_equal(p.distance, 0);
		assert_false(p.explain);
		assert_false(p.by_weight);
	}
}

static void
values_are_read(void **state)
{
	struct http_params p;
	const char *code;
	char *room;

	(void)state;
	assert_null(read_params("q=a%26b=c+d&match=fuzzy&table=%77ords&"
	    "limit=1000&distance=1&&after=%00&explain=yes&order=weight", ALL,
	    &room, &p, &code));
	assert_int_equal(p.text[HTTP_PARAM_Q].len, 7);
	assert_memory_equal(p.text[HTTP_PARAM_Q].data, "a&b=c d", 7);
	assert_int_equal(p.text[HTTP_PARAM_TABLE].len, 5);
	assert_memory_equal(p.text[HTTP_PARAM_TABLE].data, "words", 5);
	assert_int_equal(p.text[HTTP_PARAM_AFTER].len, 1);
	assert_memory_equal(p.text[HTTP_PARAM_AFTER].data, "", 1);
	assert_int_equal(p.way, TABLE_FUZZY);
	assert_int_equal(p.limit, 1000);
	assert_int_equal(p.distance, 1);
	assert_true(p.explain);
	assert_true(p.by_weight);
	free(room);
	/* Empty is there. */
	assert_null(read_params("q=&limit=0001&order=key", ALL, &room, &p,
	    &code));
	assert_non_null(p.text[HTTP_PARAM_Q].data);
	assert_int_equal(p.text[HTTP_PARAM_Q].len, 0);
	assert_int_equal(p.limit, 1);
	free(room);
	assert_null(read_params("q", ALL, &room, &p, &code));
	assert_non_null(p.text[HTTP_PARAM_Q].data);
	free(room);
}

static void
what_is_not_understood_is_told(void **state)
{
	static const struct {
		const char *query, *code;
	} rows[] = {
		{ "x=1", "bad-request" }, { "Q=a", "bad-request" },
		{ "=a", "bad-request" }, { "%71=a", "bad-request" },
		{ "q=a&q=a", "bad-request" }, { "q=%", "bad-request" },
		{ "q&q", "bad-request" }, { "q=%ff", "bad-request" },
		{ "q=a;match=exact&;", "bad-request" },
		{ "match=", "bad-match" }, { "match=Exact", "bad-match" },
		{ "match=exact+", "bad-match" },
		{ "match=exact%00", "bad-match" }, { "limit=", "bad-match" },
		{ "limit=0", "bad-match" }, { "limit=1001", "bad-match" },
		{ "limit=-1", "bad-match" }, { "limit=+1", "bad-match" },
		{ "limit=1e2", "bad-match" }, { "limit=0x1", "bad-match" },
		{ "limit=18446744073709551617", "bad-match" },
		{ "distance=0", "bad-match" }, { "distance=3", "bad-match" },
		{ "order=", "bad-request" }, { "order=Key", "bad-request" },
		{ "explain=true", "bad-request" }, { "explain", "bad-request" }
	};
	struct http_params p;
	const char *code;
	char *room;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (read_params(rows[i].query, ALL, &room, &p, &code) == NULL)
			fail_msg("%s", rows[i].query);
		assert_string_equal(code, rows[i].code);
		free(room);
	}
}

static void
only_some_are_known(void **state)
{
	struct http_params p;
	const char *code;
	char *room;

	(void)state;
	assert_null(read_params("table=a", HTTP_PARAM(HTTP_PARAM_TABLE),
	    &room, &p, &code));
	free(room);
	assert_non_null(read_params("q=a", HTTP_PARAM(HTTP_PARAM_TABLE),
	    &room, &p, &code));
	free(room);
}

static void
keys_to_go_on_after_have_an_end(void **state)
{
	char query[16 + TABLE_KEY_MAX], *room;
	struct http_params p;
	const char *code;

	(void)state;
	for (size_t n = TABLE_KEY_MAX; n <= TABLE_KEY_MAX + 1; n++) {
		memcpy(query, "after=", 6);
		memset(query + 6, 'a', n);
		query[6 + n] = '\0';
		assert_int_equal(read_params(query, ALL, &room, &p, &code) ==
		    NULL, n == TABLE_KEY_MAX);
		free(room);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_are_bytes),
		cmocka_unit_test(others_are_none),
		cmocka_unit_test(what_is_absent_is_usual),
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(what_is_not_understood_is_told),
		cmocka_unit_test(only_some_are_known),
		cmocka_unit_test(keys_to_go_on_after_have_an_end)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
