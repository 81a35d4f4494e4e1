/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Headers to bytes, exactly, and back again.
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

#include "order.h"
#include "roll.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define START	"{" ORDER

/* Encode into memory of just the size, which is asked first; free(3). */
static uint8_t *
encode(const struct appmsg_header *h, size_t *len)
{
	size_t need = 0;
	uint8_t *bytes;

	assert_int_equal(appmsg_header_encode(h, NULL, 0, &need),
	    APPMSG_E2BIG);
	assert_true(need > 2);
	bytes = malloc(need);
	assert_non_null(bytes);
	assert_int_equal(appmsg_header_encode(h, bytes, need, len), 0);
	assert_int_equal(*len, need);
	assert_int_equal((size_t)bytes[0] << 8 | bytes[1], need - 2);
	return bytes;
}

static void
check(const struct appmsg_header *h, const char *expected)
{
	size_t len;
	uint8_t *bytes = encode(h, &len);

	assert_int_equal(len, strlen(expected) + 2);
	assert_memory_equal(bytes + 2, expected, len - 2);
	free(bytes);
}

static void
four_members_are_written_as_the_tutorial_does(void **state)
{
	const struct appmsg_header h = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.content_length = 41
	};

	(void)state;
	check(&h, START ", \"content-type\": \"text/json\", "
	    "\"content-encoding\": \"utf-8\", \"content-length\": 41}");
}

static void
further_members_follow_in_their_order(void **state)
{
	struct appmsg_header h = {
		.content_type = APPMSG_STR("a/b"),
		.content_encoding = APPMSG_STR("binary"),
		.connection = APPMSG_STR("keep-alive"),
		.id = { .kind = APPMSG_ID_STRING, .str = APPMSG_STR("x-1") },
		.status = APPMSG_STR("error"),
		.error = APPMSG_STR("bad-json"),
		.explain = true, .has_suggest = true, .suggest = 3,
		.extra = ", \"table\": \"main\"", .extra_len = 17
	};

	(void)state;
	check(&h, START ", \"content-type\": \"a/b\", "
	    "\"content-encoding\": \"binary\", \"content-length\": 0, "
	    "\"connection\": \"keep-alive\", \"id\": \"x-1\", "
	    "\"status\": \"error\", \"error\": \"bad-json\", "
	    "\"explain\": true, \"suggest\": 3, \"table\": \"main\"}");
	/* What is absent is left out, what is empty is not. */
	h.connection.raw = h.error.raw = NULL;
	h.id.str.len = 0;
	h.status.len = 0;
	h.explain = h.has_suggest = false;
	h.extra = NULL;
	check(&h, START ", \"content-type\": \"a/b\", "
	    "\"content-encoding\": \"binary\", \"content-length\": 0, "
	    "\"id\": \"\", \"status\": \"\"}");
}

static void
nothing_is_left_of_an_empty_header_but_two(void **state)
{
	const struct appmsg_header h = { 0 };

	(void)state;
	check(&h, START ", \"content-length\": 0}");
}

static void
numbers_are_written_whole(void **state)
{
	static const struct {
		uint64_t length;
		int64_t id;
		const char *text;
	} rows[] = {
		{ 0, 0, "0, \"id\": 0}" }, { 9, -1, "9, \"id\": -1}" },
		{ 10, 10, "10, \"id\": 10}" },
		{ UINT64_C(18446744073709551615), INT64_C(9007199254740992),
		    "18446744073709551615, \"id\": 9007199254740992}" },
		{ UINT64_C(10000000000000000000), INT64_C(-9007199254740992),
		    "10000000000000000000, \"id\": -9007199254740992}" },
		{ 1, INT64_MAX, "1, \"id\": 9223372036854775807}" },
		{ 1, -INT64_MAX, "1, \"id\": -9223372036854775807}" }
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct appmsg_header h = {
			.content_length = rows[i].length,
			.id = { .kind = APPMSG_ID_INT, .num = rows[i].id }
		};

		snprintf(text, sizeof(text), START ", \"content-length\": %s",
		    rows[i].text);
		check(&h, text);
	}
}

static void
strings_are_written_as_they_stand(void **state)
{
	const struct appmsg_header h = {
		.content_type = APPMSG_STR("\\\"\\u0000\xf0\x9f\x90\xb0"),
		.content_encoding = APPMSG_STR("utf-8")
	};

	(void)state;
	check(&h, START ", \"content-type\": \"\\\"\\u0000\xf0\x9f\x90\xb0\", "
	    "\"content-encoding\": \"utf-8\", \"content-length\": 0}");
}

/* Nothing is written behind cap, whatever it is. */
static void
a_buffer_too_small_is_told(void **state)
{
	const struct appmsg_header h = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.id = { .kind = APPMSG_ID_INT, .num = -7 }
	};
	size_t need, len;
	uint8_t *whole = encode(&h, &need);

	(void)state;
	for (size_t cap = 0; cap < need; cap++) {
		uint8_t *bytes = malloc(cap > 0 ? cap : 1);

		assert_non_null(bytes);
		len = 4711;
		assert_int_equal(appmsg_header_encode(&h, bytes, cap, &len),
		    APPMSG_E2BIG);
		assert_int_equal(len, need);
		free(bytes);
	}
	free(whole);
}

static void
a_header_too_large_is_told(void **state)
{
	size_t cap = APPMSG_HEADER_MAX + 100, len, least;
	uint8_t *bytes = malloc(cap);
	char *text = malloc(cap);
	struct appmsg_header h = { .extra = text };

	(void)state;
	assert_non_null(bytes);
	assert_non_null(text);
	memset(text, ' ', cap);
	assert_int_equal(appmsg_header_encode(&h, bytes, cap, &least), 0);
	h.extra_len = 2 + APPMSG_HEADER_MAX - least;
	assert_int_equal(appmsg_header_encode(&h, bytes, cap, &len), 0);
	assert_int_equal(len, 2 + APPMSG_HEADER_MAX);
	assert_int_equal(bytes[0], 0xff);
	assert_int_equal(bytes[1], 0xff);
	h.extra_len++;
	assert_int_equal(appmsg_header_encode(&h, bytes, cap, &len),
	    APPMSG_E2BIG);
	assert_int_equal(len, 3 + APPMSG_HEADER_MAX);
	free(bytes);
	free(text);
}

/* A random text, escaped as the inside of a JSON string. */
static struct appmsg_str
random_str(char *buf, size_t cap)
{
	static const char *const units[] = {
		"a", "-", "/", "\"", "\\", "\b", "\n", "\x1f", "\x7f",
		"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xb0", "\0"
	};
	struct appmsg_str s = { buf, 0, 0 };
	char text[64];
	size_t len = 0;

	for (uint32_t n = roll(8); n > 0; n--) {
		const char *unit = units[roll(COUNT(units))];
		size_t unit_len = *unit != '\0' ? strlen(unit) : 1;

		memcpy(text + len, unit, unit_len);
		len += unit_len;
	}
	s.len = appmsg_escape(text, len, buf, cap);
	assert_true(s.len <= cap);
	return s;
}

static void
assert_same(const struct appmsg_str *a, const struct appmsg_str *b)
{
	assert_int_equal(a->raw != NULL, b->raw != NULL);
	if (a->raw == NULL)
		return;
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->raw, b->raw, a->len);
}

static void
what_was_encoded_is_decoded(void **state)
{
	char text[5][512];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct appmsg_header h = { 0 }, back;
		size_t len, used;
		uint8_t *bytes;

		h.content_type = random_str(text[0], sizeof(text[0]));
		h.content_encoding = random_str(text[1], sizeof(text[1]));
		h.content_length = (uint64_t)roll(UINT32_MAX) << roll(33);
		if ((h.has_connection = roll(2) == 0))
			h.connection = random_str(text[2], sizeof(text[2]));
		h.id.kind = (enum appmsg_id_kind)roll(3);
		if (h.id.kind == APPMSG_ID_INT)
			h.id.num = ((int64_t)roll(UINT32_MAX) << roll(22)) *
			    (roll(2) == 0 ? 1 : -1);
		else if (h.id.kind == APPMSG_ID_STRING)
			h.id.str = random_str(text[3], sizeof(text[3]));
		if (roll(2) == 0)
			h.status = h.error =
			    random_str(text[4], sizeof(text[4]));
		h.explain = roll(2) == 0;
		if ((h.has_suggest = roll(2) == 0))
			h.suggest = (int)roll(6);
		bytes = encode(&h, &len);
		assert_int_equal(appmsg_header_decode(bytes, len, &back,
		    &used), 0);
		assert_int_equal(used, len);
		assert_int_equal(back.flaw, APPMSG_FLAW_NONE);
		assert_same(&back.content_type, &h.content_type);
		assert_same(&back.content_encoding, &h.content_encoding);
		assert_true(back.content_length == h.content_length);
		assert_int_equal(back.has_connection, h.has_connection);
		assert_same(&back.connection, &h.connection);
		assert_int_equal(back.id.kind, h.id.kind);
		assert_true(back.id.num == h.id.num);
		assert_same(&back.id.str, &h.id.str);
		assert_same(&back.status, &h.status);
		assert_same(&back.error, &h.error);
		assert_int_equal(back.explain, h.explain);
		assert_int_equal(back.has_suggest, h.has_suggest);
		assert_int_equal(back.suggest, h.suggest);
		free(bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_members_are_written_as_the_tutorial_does),
		cmocka_unit_test(further_members_follow_in_their_order),
		cmocka_unit_test(nothing_is_left_of_an_empty_header_but_two),
		cmocka_unit_test(numbers_are_written_whole),
		cmocka_unit_test(strings_are_written_as_they_stand),
		cmocka_unit_test(a_buffer_too_small_is_told),
		cmocka_unit_test(a_header_too_large_is_told),
		cmocka_unit_test(what_was_encoded_is_decoded)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
