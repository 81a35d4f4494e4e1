/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes to headers.  Every message lies in memory of just its size, so that
 * the address sanitizer sees a byte read too far.
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

#include "roll.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The usual members, but the length; but the first; all four. */
#define THREE	"\"byteorder\":\"little\",\"content-type\":\"text/json\"," \
		"\"content-encoding\":\"utf-8\""
#define REST	"\"content-type\":\"text/json\",\"content-encoding\":" \
		"\"utf-8\",\"content-length\":37"
#define FOUR	THREE ",\"content-length\":37"

struct frame {
	uint8_t *bytes;
	size_t len;
};

static struct frame
frame_new(const char *header, size_t len)
{
	struct frame f = { malloc(len + 2), len + 2 };

	assert_non_null(f.bytes);
	assert_true(len <= APPMSG_HEADER_MAX);
	f.bytes[0] = (uint8_t)(len >> 8);
	f.bytes[1] = (uint8_t)len;
	memcpy(f.bytes + 2, header, len);
	return f;
}

/*
 * Decode a header, of which each part must be too little.  What hdr holds is
 * borrowed from the frame, which the caller frees.
 */
static int
decode(const struct frame *f, struct appmsg_header *hdr)
{
	size_t used = 4711;
	int error;

	for (size_t len = 0; len < f->len; len++) {
		uint8_t *part = malloc(len > 0 ? len : 1);

		assert_non_null(part);
		memcpy(part, f->bytes, len);
		assert_int_equal(appmsg_header_decode(part, len, hdr, &used),
		    APPMSG_EAGAIN);
		assert_int_equal(used, len < 2 ? 2 : f->len);
		free(part);
	}
	used = 4711;
	error = appmsg_header_decode(f->bytes, f->len, hdr, &used);
	if (error == 0) {
		assert_int_equal(used, f->len);
		assert_int_equal(hdr->flaw != APPMSG_FLAW_NONE,
		    hdr->why != NULL);
	} else {
		assert_int_equal(error, APPMSG_EPROTO);
		assert_non_null(hdr->why);
	}
	assert_int_equal(hdr->why != NULL, hdr->code != NULL);
	return error;
}

/* Decode a text that is a header; the frame stays until the next call. */
static int
decode_text(const char *text, struct appmsg_header *hdr)
{
	static struct frame f;

	free(f.bytes);
	f = frame_new(text, strlen(text));
	return decode(&f, hdr);
}

static bool
is(const struct appmsg_str *s, const char *text)
{
	return appmsg_str_eq(s, text, strlen(text));
}

static void
a_plain_header_is_read(void **state)
{
	struct appmsg_header h;

	(void)state;
	assert_int_equal(decode_text("{\"byteorder\": \"little\", "
	    "\"content-type\": \"text/json\", \"content-encoding\": "
	    "\"utf-8\", \"content-length\": 41}", &h), 0);
	assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
	assert_true(is(&h.content_type, "text/json"));
	assert_true(is(&h.content_encoding, "utf-8"));
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
	assert_true(is(&h.content_type, "text/json"));
	assert_true(is(&h.content_encoding, "utf-8"));
	assert_true(h.content_length == 123456);
	assert_true(h.has_connection);
	assert_true(is(&h.connection, "keep-alive"));
	assert_int_equal(h.id.kind, APPMSG_ID_STRING);
	assert_true(is(&h.id.str, "id/7"));
	assert_true(is(&h.status, "found"));
	assert_true(is(&h.error, "bad-json"));
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
				assert_int_equal(decode_text(text, &h), 0);
				assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
				assert_true(is(&h.content_type, "a/b"));
				assert_true(is(&h.content_encoding, "x"));
				assert_true(h.content_length == 9);
				n++;
			}
	assert_int_equal(n, 24);
}

static void
flaws_leave_the_stream_readable(void **state)
{
#define HEADER	APPMSG_FLAW_HEADER, "bad-header"
#define ID	APPMSG_FLAW_ID, "bad-id"
	static const struct {
		const char *text;
		enum appmsg_flaw flaw;
		const char *code;
	} rows[] = {
		{ "{\"content-length\":37}", HEADER },
		{ "{\"content-type\":\"\",\"content-encoding\":\"\","
		    "\"content-length\":37}", HEADER },
		{ "{\"byteorder\":\"\",\"content-encoding\":\"\","
		    "\"content-length\":37}", HEADER },
		{ "{\"byteorder\":\"\",\"content-type\":\"\","
		    "\"content-length\":37}", HEADER },
		{ "{\"byteorder\":\"\",\"content-type\":7,"
		    "\"content-encoding\":\"\",\"content-length\":37}",
		    HEADER },
		{ "{\"byteorder\":\"\",\"content-type\":\"\","
		    "\"content-encoding\":null,\"content-length\":37}",
		    HEADER },
		{ "{" FOUR ",\"suggest\":6}", HEADER },
		{ "{" FOUR ",\"suggest\":7}", HEADER },
		{ "{" FOUR ",\"suggest\":9}", HEADER },
		{ "{" FOUR ",\"suggest\":10}", HEADER },
		{ "{" FOUR ",\"suggest\":-1}", HEADER },
		{ "{" FOUR ",\"suggest\":1.0}", HEADER },
		{ "{" FOUR ",\"suggest\":\"1\"}", HEADER },
		{ "{" FOUR ",\"suggest\":true}", HEADER },
		{ "{" FOUR ",\"id\":null}", ID },
		{ "{" FOUR ",\"id\":true}", ID },
		{ "{" FOUR ",\"id\":[1]}", ID },
		{ "{" FOUR ",\"id\":{}}", ID },
		{ "{" FOUR ",\"id\":1.0}", ID },
		{ "{" FOUR ",\"id\":1e3}", ID },
		{ "{" FOUR ",\"id\":9007199254740993}", ID },
		{ "{" FOUR ",\"id\":-9007199254740993}", ID },
		{ "{" FOUR ",\"id\":99999999999999999999}", ID },
		{ "{" FOUR ",\"id\":\"\\ud800\"}", ID },
		{ "{\"id\":1.5," FOUR "}", ID }
	};
	struct appmsg_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (decode_text(rows[i].text, &h) != 0 ||
		    h.flaw != rows[i].flaw ||
		    strcmp(h.code, rows[i].code) != 0)
			fail_msg("%s: flaw %d", rows[i].text, h.flaw);
		assert_true(h.content_length == 37);
	}
#undef HEADER
#undef ID
}

static void
of_several_flaws_the_first_is_told(void **state)
{
	struct appmsg_header h;

	(void)state;
	assert_int_equal(decode_text("{" FOUR ",\"id\":null,\"suggest\":-1}",
	    &h), 0);
	assert_int_equal(h.flaw, APPMSG_FLAW_ID);
	assert_string_equal(h.code, "bad-id");
	assert_int_equal(decode_text("{" FOUR ",\"suggest\":-1,\"id\":null}",
	    &h), 0);
	assert_int_equal(h.flaw, APPMSG_FLAW_HEADER);
	assert_string_equal(h.code, "bad-header");
}

static void
what_asks_for_nothing_is_no_flaw(void **state)
{
	static const char *const rows[] = {
		"{" FOUR ",\"explain\":false}", "{" FOUR ",\"explain\":1}",
		"{" FOUR ",\"status\":7,\"error\":null}",
		"{" FOUR ",\"connection\":[true]}",
		"{" FOUR ",\"suggest\":0}", "{" FOUR ",\"suggest\":-0}",
		"{" REST ",\"byteorder\":{\"middle\":true}}"
	};
	struct appmsg_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (decode_text(rows[i], &h) != 0 ||
		    h.flaw != APPMSG_FLAW_NONE)
			fail_msg("%s: flaw %d", rows[i], h.flaw);
		assert_false(h.explain);
		assert_null(h.status.raw);
		assert_null(h.error.raw);
		assert_null(h.connection.raw);
		assert_int_equal(h.suggest, 0);
	}
	assert_int_equal(decode_text("{" FOUR ",\"connection\":7}", &h), 0);
	assert_true(h.has_connection);
}

static void
what_is_no_header_ends_the_stream(void **state)
{
	static const char *const rows[] = {
		"", " ", "{", "}", "{}x", "[]", "7", "null", "\"\"", "{" FOUR,
		"{" FOUR "} }", "{" FOUR ",}", "{," FOUR "}", "{" FOUR "}\v",
		"{" FOUR "}{" FOUR "}", "\xef\xbb\xbf{" FOUR "}",
		"{" FOUR ",\"x\":nul}", "{" FOUR ",\"x\":\"\xff\"}",
		"{" FOUR ",\"x\":[}", "{" FOUR ",\"x\":01}",
		"{" FOUR " \"x\":1}", "{" FOUR ",x:1}", "{" FOUR ",'x':1}",
		"{" THREE ",\"content-length\":037}", "GET / HTTP/1.1\r\n"
	};
	struct appmsg_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (decode_text(rows[i], &h) != APPMSG_EPROTO ||
		    strcmp(h.code, "bad-header") != 0)
			fail_msg("%s", rows[i]);
	}
}

static void
a_nul_in_a_header_ends_the_stream(void **state)
{
	static const char text[] = "{" FOUR "}\0";
	struct frame f = frame_new(text, sizeof(text) - 1);
	struct appmsg_header h;

	(void)state;
	assert_int_equal(decode(&f, &h), APPMSG_EPROTO);
	free(f.bytes);
}

static void
a_member_given_twice_ends_the_stream(void **state)
{
	static const char *const rows[] = {
		"{" FOUR ",\"content-length\":37}",
		"{" FOUR ",\"content-length\":38}",
		"{" FOUR ",\"content\\u002dlength\":37}",
		"{\"\\u0063ontent-length\":37," FOUR "}",
		"{\"\\u0063ontent-length\":37,"
		    "\"c\\u006fntent-length\":37," THREE "}",
		"{" FOUR ",\"content-length\":\"37\"}",
		"{" FOUR ",\"byteorder\":\"little\"}",
		"{" FOUR ",\"content-type\":7}",
		"{" FOUR ",\"content\\u002Dencoding\":\"utf-8\"}",
		"{" FOUR ",\"id\":1,\"id\":1}",
		"{" FOUR ",\"id\":1,\"\\u0069d\":2}",
		"{" FOUR ",\"connection\":0,\"connection\":0}",
		"{" FOUR ",\"status\":0,\"status\":0}",
		"{" FOUR ",\"error\":0,\"error\":0}",
		"{" FOUR ",\"explain\":0,\"explain\":0}",
		"{" FOUR ",\"suggest\":0,\"suggest\":0}",
		"{" FOUR ",\"x\":0,\"x\":0}",
		"{\"x\":0," FOUR ",\"y\":0,\"x\":0}",
		"{" FOUR ",\"\":0,\"\":0}",
		"{" FOUR ",\"\":0,\"x\":{},\"\":0}",
		"{" FOUR ",\"a/b\":0,\"a\\/b\":0}",
		"{" FOUR ",\"\\n\":0,\"\\u000a\":0}",
		"{" FOUR ",\"\\u0000\":0,\"\\u0000\":0}",
		"{" FOUR ",\"a\\u0000b\":0,\"\\u0061\\u0000b\":0}",
		"{" FOUR ",\"\xc3\xa4\":0,\"\\u00e4\":0}",
		"{" FOUR ",\"\\u20ac\":0,\"\xe2\x82\xac\":0}",
		"{" FOUR ",\"\xf0\x9f\x90\xb0\":0,\"\\ud83d\\udc30\":0}",
		"{" FOUR ",\"\\uD83D\\uDC30\":0,\"\\ud83d\\udc30\":0}",
		"{" FOUR ",\"\\ud800\":0,\"\\uD800\":0}"
	};
	struct appmsg_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (decode_text(rows[i], &h) != APPMSG_EPROTO ||
		    strcmp(h.code, "bad-header") != 0)
			fail_msg("%s", rows[i]);
	}
}

static void
names_that_are_just_alike_are_no_duplicates(void **state)
{
	static const char *const rows[] = {
		"{" FOUR ",\"x\":0,\"X\":0}", "{" FOUR ",\"x\":0,\"xx\":0}",
		"{" FOUR ",\"\":0,\"\\u0000\":0}",
		"{" FOUR ",\"a\":0,\"a\\u0000\":0,\"a\\u0000a\":0}",
		"{" FOUR ",\"\\\\u0061\":0,\"\\u0061\":0}",
		"{" FOUR ",\"\\n\":0,\"n\":0,\"\\\\n\":0}",
		"{" FOUR ",\"\xc3\xa4\":0,\"a\\u0308\":0}",
		"{" FOUR ",\"\\ud800\":0,\"\\udc00\":0,\"\\ud800\\udc00\":0}",
		"{" FOUR ",\"content-length \":0,\" content-length\":0,"
		    "\"content-length\\u0000\":0,\"content_length\":0}",
		"{" FOUR ",\"x\":{\"x\":0,\"x\":0}}"
	};
	struct appmsg_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (decode_text(rows[i], &h) != 0 ||
		    h.flaw != APPMSG_FLAW_NONE)
			fail_msg("%s", rows[i]);
	}
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
		assert_int_equal(decode_text(text, &h), 0);
		assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
		assert_true(h.content_length == rows[i].length);
	}
}

static void
a_length_that_is_no_digits_ends_the_stream(void **state)
{
	static const char *const rows[] = {
		"\"37\"", "\"\"", "37.0", "37e0", "37E0", "3.7e1", "-1", "-0",
		"-37", "0.0", "0e0", "1e400", "null", "true", "false", "[]",
		"[37]", "{}", "{\"content-length\":37}"
	};
	struct appmsg_header h;
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), "{" THREE
		    ",\"content-length\":%s}", rows[i]);
		if (decode_text(text, &h) != APPMSG_EPROTO ||
		    strcmp(h.code, "bad-length") != 0)
			fail_msg("%s", text);
	}
	assert_int_equal(decode_text("{}", &h), APPMSG_EPROTO);
	assert_string_equal(h.code, "bad-length");
	assert_int_equal(decode_text("{" THREE "}", &h), APPMSG_EPROTO);
	assert_string_equal(h.code, "bad-length");
	/* In what else is wrong too, the length decides. */
	assert_int_equal(decode_text("{\"content-length\":-1,\"id\":[]}", &h),
	    APPMSG_EPROTO);
	assert_string_equal(h.code, "bad-length");
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
		assert_int_equal(decode_text(text, &h), 0);
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
	assert_int_equal(decode_text("{" FOUR ",\"id\":\"\"}", &h), 0);
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
		cmocka_unit_test(flaws_leave_the_stream_readable),
		cmocka_unit_test(of_several_flaws_the_first_is_told),
		cmocka_unit_test(what_asks_for_nothing_is_no_flaw),
		cmocka_unit_test(what_is_no_header_ends_the_stream),
		cmocka_unit_test(a_nul_in_a_header_ends_the_stream),
		cmocka_unit_test(a_member_given_twice_ends_the_stream),
		cmocka_unit_test(names_that_are_just_alike_are_no_duplicates),
		cmocka_unit_test(a_length_is_digits),
		cmocka_unit_test(a_length_that_is_no_digits_ends_the_stream),
		cmocka_unit_test(ids_are_integers_within_2_53),
		cmocka_unit_test(ids_are_strings_of_up_to_256_bytes),
		cmocka_unit_test(members_are_taken_up_to_their_cap)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
