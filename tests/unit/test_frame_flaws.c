/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Headers with something wrong: what ends the stream, what is answered as a
 * flaw, and what looks wrong but is not.
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

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

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
		if (frame_decode_text(rows[i].text, &h) != 0 ||
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
	assert_int_equal(frame_decode_text("{" FOUR
	    ",\"id\":null,\"suggest\":-1}", &h), 0);
	assert_int_equal(h.flaw, APPMSG_FLAW_ID);
	assert_string_equal(h.code, "bad-id");
	assert_int_equal(frame_decode_text("{" FOUR
	    ",\"suggest\":-1,\"id\":null}", &h), 0);
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
		if (frame_decode_text(rows[i], &h) != 0 ||
		    h.flaw != APPMSG_FLAW_NONE)
			fail_msg("%s: flaw %d", rows[i], h.flaw);
		assert_false(h.explain);
		assert_null(h.status.raw);
		assert_null(h.error.raw);
		assert_null(h.connection.raw);
		assert_int_equal(h.suggest, 0);
	}
	assert_int_equal(frame_decode_text("{" FOUR ",\"connection\":7}", &h),
	    0);
	assert_true(h.has_connection);
}

/* The stream cannot go on after any of these. */
static void
check_ends(const char *const *rows, size_t n)
{
	struct appmsg_header h;

	for (size_t i = 0; i < n; i++)
		if (frame_decode_text(rows[i], &h) != APPMSG_EPROTO ||
		    strcmp(h.code, "bad-header") != 0)
			fail_msg("%s", rows[i]);
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

	(void)state;
	check_ends(rows, COUNT(rows));
}

static void
a_nul_in_a_header_ends_the_stream(void **state)
{
	static const char text[] = "{" FOUR "}\0";
	struct frame f = frame_new(text, sizeof(text) - 1);
	struct appmsg_header h;

	(void)state;
	assert_int_equal(frame_decode(&f, &h), APPMSG_EPROTO);
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

	(void)state;
	check_ends(rows, COUNT(rows));
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
		if (frame_decode_text(rows[i], &h) != 0 ||
		    h.flaw != APPMSG_FLAW_NONE)
			fail_msg("%s", rows[i]);
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
		if (frame_decode_text(text, &h) != APPMSG_EPROTO ||
		    strcmp(h.code, "bad-length") != 0)
			fail_msg("%s", text);
	}
	assert_int_equal(frame_decode_text("{}", &h), APPMSG_EPROTO);
	assert_string_equal(h.code, "bad-length");
	assert_int_equal(frame_decode_text("{" THREE "}", &h), APPMSG_EPROTO);
	assert_string_equal(h.code, "bad-length");
	/* In what else is wrong too, the length decides. */
	assert_int_equal(frame_decode_text("{\"content-length\":-1,"
	    "\"id\":[]}", &h), APPMSG_EPROTO);
	assert_string_equal(h.code, "bad-length");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flaws_leave_the_stream_readable),
		cmocka_unit_test(of_several_flaws_the_first_is_told),
		cmocka_unit_test(what_asks_for_nothing_is_no_flaw),
		cmocka_unit_test(what_is_no_header_ends_the_stream),
		cmocka_unit_test(a_nul_in_a_header_ends_the_stream),
		cmocka_unit_test(a_member_given_twice_ends_the_stream),
		cmocka_unit_test(names_that_are_just_alike_are_no_duplicates),
		cmocka_unit_test(a_length_that_is_no_digits_ends_the_stream)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
