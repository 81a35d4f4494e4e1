/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes to headers: where one ends, and what stands in it, in any order and
 * spelling.
 */

#include "config.h"

#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roll.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
a_plain_header_is_read(void **state)
{
	struct appmsg_header h;

	(void)state;
	assert_int_equal(frame_decode_text("{\"byteorder\": \"little\", "
	    "\"content-type\": \"text/json\", \"content-encoding\": "
	    "\"utf-8\", \"content-length\": 41}", &h), 0);
	assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
	assert_true(frame_is(&h.content_type, "text/json"));
	assert_true(frame_is(&h.content_encoding, "utf-8"));
	assert_true(h.content_length == 41);
	assert_null(h.connection.raw);
	assert_false(h.has_connection);
	assert_int_equal(h.id.kind, APPMSG_ID_NONE);
	assert_null(h.status.raw);
	assert_null(h.error.raw);
	assert_false(h.explain);
	assert_false(h.has_suggest);
	assert_null(h.extra);
}

static void
what_follows_the_header_is_left_alone(void **state)
{
	static const char header[] = "{" FOUR "}";
	struct frame f = frame_new(header, sizeof(header) - 1);
	struct appmsg_header h;

	(void)state;
	for (size_t more = 0; more < 70; more++) {
		uint8_t *longer = malloc(f.len + more);
		size_t used;

		assert_non_null(longer);
		memcpy(longer, f.bytes, f.len);
		memset(longer + f.len, '{', more);
		assert_int_equal(appmsg_header_decode(longer, f.len + more,
		    &h, &used), 0);
		assert_int_equal(used, f.len);
		assert_true(h.content_length == 37);
		free(longer);
	}
	free(f.bytes);
}

static void
the_length_is_big_endian(void **state)
{
	static const struct {
		uint8_t bytes[2];
		size_t need;
	} rows[] = {
		{ { 0, 1 }, 3 }, { { 1, 0 }, 258 }, { { 0x12, 0x34 }, 0x1236 },
		{ { 0x80, 0 }, 0x8002 }, { { 0xff, 0xff }, 65537 }
	};
	struct appmsg_header h;
	size_t used;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(appmsg_header_decode(rows[i].bytes, 2, &h,
		    &used), APPMSG_EAGAIN);
		assert_int_equal(used, rows[i].need);
	}
}

static void
a_header_of_any_length_is_read(void **state)
{
	static const size_t lengths[] = { 255, 256, 257, 32768, 65535 };
	struct appmsg_header h;
	char *text = malloc(APPMSG_HEADER_MAX);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct frame f;
		size_t used;

		memset(text, ' ', lengths[i]);
		memcpy(text, "{" FOUR, sizeof(FOUR));
		text[lengths[i] - 1] = '}';
		f = frame_new(text, lengths[i]);
		assert_int_equal(appmsg_header_decode(f.bytes, f.len - 1, &h,
		    &used), APPMSG_EAGAIN);
		assert_int_equal(used, lengths[i] + 2);
		assert_int_equal(appmsg_header_decode(f.bytes, f.len, &h,
		    &used), 0);
		assert_int_equal(used, lengths[i] + 2);
		free(f.bytes);
	}
	free(text);
}

/* Members in random order and spelling. */
static size_t
spell_blanks(char *p)
{
	size_t len = 0;

	while (roll(3) == 0)
		p[len++] = " \t\r\n"[roll(4)];
	return len;
}

/* Any way to write an ASCII text in JSON. */
static size_t
spell(char *p, const char *text)
{
	size_t len = 0;

	p[len++] = '"';
	for (; *text != '\0'; text++) {
		if (roll(8) == 0)
			len += (size_t)sprintf(p + len, roll(2) == 0 ?
			    "\\u%04x" : "\\u%04X", *text);
		else if (*text == '/' && roll(2) == 0)
			len += (size_t)sprintf(p + len, "\\/");
		else
			p[len++] = *text;
	}
	p[len++] = '"';
	return len;
}

struct pair {
	const char *name;
	const char *text;	/* spelled in quotes; NULL: as raw */
	const char *raw;
};

/* An object of members in this order. */
static size_t
spell_object(char *p, const struct pair *pairs, size_t n)
{
	size_t len = spell_blanks(p);

	p[len++] = '{';
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			p[len++] = ',';
		len += spell_blanks(p + len);
		len += spell(p + len, pairs[i].name);
		len += spell_blanks(p + len);
		p[len++] = ':';
		len += spell_blanks(p + len);
		if (pairs[i].text != NULL)
			len += spell(p + len, pairs[i].text);
		else
			len += (size_t)sprintf(p + len, "%s", pairs[i].raw);
		len += spell_blanks(p + len);
	}
	p[len++] = '}';
	return len + spell_blanks(p + len);
}

static void
check_all_members(const char *text, size_t len)
{
	struct frame f = frame_new(text, len);
	struct appmsg_header h;
	size_t used;

	assert_int_equal(appmsg_header_decode(f.bytes, f.len, &h, &used), 0);
	assert_int_equal(used, f.len);
	assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
	assert_true(frame_is(&h.content_type, "text/json"));
	assert_true(frame_is(&h.content_encoding, "utf-8"));
	assert_true(h.content_length == 123456);
	assert_true(h.has_connection);
	assert_true(frame_is(&h.connection, "keep-alive"));
	assert_int_equal(h.id.kind, APPMSG_ID_STRING);
	assert_true(frame_is(&h.id.str, "id/7"));
	assert_true(frame_is(&h.status, "found"));
	assert_true(frame_is(&h.error, "bad-json"));
	assert_true(h.explain);
	assert_true(h.has_suggest);
	assert_int_equal(h.suggest, 5);
	free(f.bytes);
}

static void
members_are_read_in_every_order_and_spelling(void **state)
{
	static const struct pair all[] = {
		{ "byteorder", "little", NULL },
		{ "content-type", "text/json", NULL },
		{ "content-encoding", "utf-8", NULL },
		{ "content-length", NULL, "123456" },
		{ "connection", "keep-alive", NULL },
		{ "id", "id/7", NULL },
		{ "status", "found", NULL },
		{ "error", "bad-json", NULL },
		{ "explain", NULL, "true" },
		{ "suggest", NULL, "5" },
		{ "other", NULL, "[{\"content-length\":5,\"id\":0},{}]" },
		{ "Content-Length", NULL, "38" },
		{ "", "", NULL },
		{ "content-lengthy", NULL, "null" }
	};
	struct pair pairs[COUNT(all)];
	char text[4096];

	(void)state;
	memcpy(pairs, all, sizeof(all));
	for (int round = 0; round < 20000; round++) {
		for (size_t i = COUNT(all) - 1; i > 0; i--) {
			size_t j = roll((uint32_t)i + 1);
			struct pair tmp = pairs[i];

			pairs[i] = pairs[j];
			pairs[j] = tmp;
		}
		check_all_members(text, spell_object(text, pairs,
		    COUNT(pairs)));
	}
}

static void
the_four_are_read_in_all_24_orders(void **state)
{
	static const char *const four[] = {
		"\"byteorder\":\"big\"", "\"content-type\":\"a/b\"",
		"\"content-encoding\":\"x\"", "\"content-length\":9"
	};
	unsigned int n = 0;

	(void)state;
	for (size_t a = 0; a < 4; a++)
		for (size_t b = 0; b < 4; b++)
			for (size_t c = 0; c < 4; c++) {
				struct appmsg_header h;
				char text[256];

				if (a == b || b == c || a == c)
					continue;
				snprintf(text, sizeof(text), "{%s,%s,%s,%s}",
				    four[a], four[b], four[c],
				    four[6 - a - b - c]);
				assert_int_equal(frame_decode_text(text, &h),
				    0);
				assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
				assert_true(frame_is(&h.content_type, "a/b"));
				assert_true(frame_is(&h.content_encoding, "x"));
				assert_true(h.content_length == 9);
				n++;
			}
	assert_int_equal(n, 24);
}

static void
a_length_is_digits(void **state)
{
	static const struct {
		const char *raw;
		uint64_t length;
	} rows[] = {
		{ "0", 0 }, { "1", 1 }, { "37", 37 },
		{ "4294967296", UINT64_C(1) << 32 },
		{ "18446744073709551614", UINT64_MAX - 1 },
		{ "18446744073709551615", UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX },
		{ "18446744073709551617", UINT64_MAX },
		{ "36893488147419103232", UINT64_MAX },
		{ "100000000000000000000", UINT64_MAX },
		{ "99999999999999999999999999999999999999999999999999999999",
		    UINT64_MAX }
	};
	struct appmsg_header h;
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), "{\"content-length\": %s ," THREE
		    "}", rows[i].raw);
		assert_int_equal(frame_decode_text(text, &h), 0);
		assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
		assert_true(h.content_length == rows[i].length);
	}
}

static void
ids_are_integers_within_2_53(void **state)
{
	static const struct {
		const char *raw;
		int64_t num;
	} rows[] = {
		{ "0", 0 }, { "-0", 0 }, { "1", 1 }, { "-1", -1 },
		{ "9007199254740991", INT64_C(9007199254740991) },
		{ "9007199254740992", INT64_C(9007199254740992) },
		{ "-9007199254740992", INT64_C(-9007199254740992) }
	};
	struct appmsg_header h;
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), "{" FOUR ",\"id\":%s}",
		    rows[i].raw);
		assert_int_equal(frame_decode_text(text, &h), 0);
		assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
		assert_int_equal(h.id.kind, APPMSG_ID_INT);
		assert_true(h.id.num == rows[i].num);
	}
}

/* The cap counts decoded bytes, whatever the spelling. */
static void
ids_are_strings_of_up_to_256_bytes(void **state)
{
	static const struct {
		const char *unit;
		size_t bytes;		/* decoded */
	} rows[] = {
		{ "x", 1 }, { "\\u0078", 1 }, { "\\u0000", 1 }, { "\\n", 1 },
		{ "\xc3\xa4", 2 }, { "\\u00e4", 2 }, { "\\u20ac", 3 },
		{ "\xf0\x9f\x90\xb0", 4 }, { "\\ud83d\\udc30", 4 }
	};
	struct appmsg_header h;
	char text[4096];

	(void)state;
	assert_int_equal(frame_decode_text("{" FOUR ",\"id\":\"\"}", &h), 0);
	assert_int_equal(h.id.kind, APPMSG_ID_STRING);
	assert_int_equal(h.id.str.len, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t most = APPMSG_ID_MAX / rows[i].bytes;

		for (size_t n = most; n <= most + 1; n++) {
			char *p = text;
			struct frame f;
			size_t used;

			p += sprintf(p, "{" FOUR ",\"id\":\"");
			for (size_t j = 0; j < n; j++)
				p += sprintf(p, "%s", rows[i].unit);
			p += sprintf(p, "\"}");
			f = frame_new(text, (size_t)(p - text));
			assert_int_equal(appmsg_header_decode(f.bytes, f.len,
			    &h, &used), 0);
			assert_int_equal(h.id.kind, n == most ?
			    APPMSG_ID_STRING : APPMSG_ID_NONE);
			assert_int_equal(h.flaw, n == most ? APPMSG_FLAW_NONE :
			    APPMSG_FLAW_ID);
			free(f.bytes);
		}
	}
}

static void
members_are_taken_up_to_their_cap(void **state)
{
	char *text = malloc(APPMSG_HEADER_MAX);
	struct appmsg_header h;

	(void)state;
	assert_non_null(text);
	for (int n = APPMSG_MEMBERS_MAX; n <= APPMSG_MEMBERS_MAX + 1; n++) {
		char *p = text;
		struct frame f;
		size_t used;

		p += sprintf(p, "{" FOUR);
		for (int i = 4; i < n; i++)
			p += sprintf(p, ",\"x%d\":%d", i, i);
		p += sprintf(p, "}");
		f = frame_new(text, (size_t)(p - text));
		assert_int_equal(appmsg_header_decode(f.bytes, f.len, &h,
		    &used), n == APPMSG_MEMBERS_MAX ? 0 : APPMSG_EPROTO);
		free(f.bytes);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_header_is_read),
		cmocka_unit_test(what_follows_the_header_is_left_alone),
		cmocka_unit_test(the_length_is_big_endian),
		cmocka_unit_test(a_header_of_any_length_is_read),
		cmocka_unit_test(members_are_read_in_every_order_and_spelling),
		cmocka_unit_test(the_four_are_read_in_all_24_orders),
		cmocka_unit_test(a_length_is_digits),
		cmocka_unit_test(ids_are_integers_within_2_53),
		cmocka_unit_test(ids_are_strings_of_up_to_256_bytes),
		cmocka_unit_test(members_are_taken_up_to_their_cap)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
