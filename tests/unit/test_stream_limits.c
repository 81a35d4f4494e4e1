/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a turn may take, and how large a header and a content may be.  Each
 * test is run without the fast path and with it.
 */

#include "config.h"

#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/length.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TEXT_LENGTH	"the header is too large: the first two bytes are its " \
	"length, and here they are text"

static void
a_turn_ends_with_its_budget(void **state)
{
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 8; i++)
		talk_add_search(&b, KEEP);
	talk_init(&t, false);
	t.limits.pipeline = 3;
	buf_add(&t.in, b.data, b.len);
	for (size_t left = 8; left > 0; left -= left < 3 ? left : 3) {
		assert_int_equal(t.in.len, left * (b.len / 8));
		talk_turn(&t);
		talk_take_out(&t);
		assert_int_equal(t.verdict, left > 2 ? STREAM_AGAIN :
		    STREAM_MORE);
	}
	assert_int_equal(talk_count_replies(&t), 8);
	/* A turn that ended just with the last of them has a next one. */
	buf_add(&t.in, b.data, 3 * (b.len / 8));
	talk_turn(&t);
	assert_int_equal(t.verdict, STREAM_AGAIN);
	assert_int_equal(t.in.len, 0);
	talk_turn(&t);
	assert_int_equal(t.verdict, STREAM_MORE);
	talk_clear(&t);
	buf_clear(&b);
}

static void
turns_of_any_budget_come_to_an_end(void **state)
{
	struct buf b = { 0 };

	(void)state;
	talk_add_mixture(&b);
	for (int i = 0; i < 9; i++)
		talk_add_search(&b, KEEP);
	for (int64_t pipeline = 1; pipeline <= 20; pipeline++) {
		struct talk t;

		talk_init(&t, true);
		t.limits.pipeline = pipeline;
		talk_feed(&t, b.data, b.len);
		assert_int_equal(t.verdict, STREAM_MORE);
		assert_int_equal(talk_count_replies(&t), 18);
		talk_clear(&t);
	}
	buf_clear(&b);
}

/*
 * What is not a plain lookup costs as much as its sender likes: a turn ends
 * when it took long, here with the first or the second of them.
 */
static void
a_turn_ends_by_time(void **state)
{
	static const char nothing[] = "{\"action\": \"\"}";
	struct talk t;
	struct buf b = { 0 };
	size_t one;

	(void)state;
	for (int i = 0; i < 8; i++)
		talk_add(&b, "text/json", KEEP, nothing, sizeof(nothing) - 1);
	one = b.len / 8;
	talk_init(&t, false);
	t.env.turn_ns = 1;
	buf_add(&t.in, b.data, b.len);
	for (size_t left = 8; left > 0; left = t.in.len / one) {
		talk_turn(&t);
		talk_take_out(&t);
		assert_int_equal(t.verdict, STREAM_AGAIN);
		assert_in_range(t.in.len / one, left < 2 ? 0 : left - 2,
		    left - 1);
	}
	talk_turn(&t);
	assert_int_equal(t.verdict, STREAM_MORE);
	assert_int_equal(talk_count_replies(&t), 8);
	talk_clear(&t);
	buf_clear(&b);
}

static void
a_turn_ends_with_output_at_its_cap(void **state)
{
	struct talk t;
	struct buf b = { 0 };
	size_t before;

	(void)state;
	for (int i = 0; i < 100; i++)
		talk_add_search(&b, KEEP);
	talk_init(&t, false);
	t.limits.output = 4096;
	buf_add(&t.in, b.data, b.len);
	talk_turn(&t);
	assert_int_equal(t.verdict, STREAM_AGAIN);
	assert_true(t.out.len >= 4096 && t.out.len < 4096 + 512);
	/* Nothing more, as long as nobody takes it. */
	before = t.in.len;
	talk_turn(&t);
	assert_int_equal(t.verdict, STREAM_AGAIN);
	assert_int_equal(t.in.len, before);
	talk_take_out(&t);
	talk_feed(&t, "", 0);
	assert_int_equal(t.verdict, STREAM_MORE);
	assert_int_equal(talk_count_replies(&t), 100);
	talk_clear(&t);
	buf_clear(&b);
}

static void
a_header_too_large_is_refused_by_its_length(void **state)
{
	struct talk t;

	(void)state;
	talk_init(&t, false);
	talk_feed(&t, "\x40\x00", 2);
	assert_int_equal(t.verdict, STREAM_MORE);
	talk_clear(&t);
	talk_init(&t, false);
	talk_feed(&t, "\x40", 1);
	assert_int_equal(t.verdict, STREAM_MORE);
	talk_feed(&t, "\x01", 1);
	assert_int_equal(t.verdict, STREAM_CLOSE);
	assert_int_equal(talk_count_replies(&t), 1);
	talk_expect_result(&t, 0, "", "Error: the header is too large.");
	talk_clear(&t);
}

/* Nobody waits for the 18245 bytes that "GE" declares, and much the like. */
static void
what_is_no_message_is_told_by_its_first_bytes(void **state)
{
	static const struct {
		const char *front, *why;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "this port speaks "
		    "appmsg-protocol, not HTTP" },
		{ "HEAD", "this port speaks appmsg-protocol, not HTTP" },
		{ "PRI * HTTP/2.0", "this port speaks appmsg-protocol, not "
		    "HTTP" },
		{ "\x16\x03\x01\x02", "this port speaks appmsg-protocol, not "
		    "TLS" },
		{ "GEX", "not an object" }, { "\x01\x01[", "not an object" },
		{ "\x01\x01\xef\xbb\xbf{", "not an object" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int64_t most = 0x1500; most <= 0xffff; most += 0xeaff) {
			const char *why = rows[i].why;
			char told[128];
			struct talk t;

			if (most < 0x4745 && strcmp(rows[i].front, "GEX") == 0)
				why = TEXT_LENGTH;
			snprintf(told, sizeof(told), "Error: %s.", why);
			talk_init(&t, true);
			t.limits.header = most;
			talk_feed(&t, rows[i].front, 2);
			assert_int_equal(t.verdict, STREAM_MORE);
			assert_int_equal(t.stream.need, 3);
			talk_feed(&t, rows[i].front + 2, 1);
			assert_int_equal(t.verdict, STREAM_CLOSE);
			assert_int_equal(talk_count_replies(&t), 1);
			talk_expect_result(&t, 0, "", told);
			talk_clear(&t);
		}
}

/* What begins with a brace or a blank may have any length, also HTTP's. */
static void
a_header_as_long_as_a_method_says_is_one(void **state)
{
	static const char fronts[][2] = { { 'G', 'E' }, { 'P', 'O' },
	    { 0x16, 0x03 } };
	static const char start[] = "{\"byteorder\":0,\"content-type\":\"\","
	    "\"content-encoding\":\"\",\"content-length\":0}";
	char message[2 + 0x5050];

	(void)state;
	for (size_t i = 0; i < COUNT(fronts); i++)
		for (size_t blanks = 0; blanks < 2; blanks++) {
			size_t len = length_get(fronts[i]);
			struct talk t;

			memcpy(message, fronts[i], 2);
			memset(message + 2, ' ', len);
			memcpy(message + 2 + blanks, start,
			    sizeof(start) - 1);
			talk_init(&t, false);
			t.limits.header = 0xffff;
			talk_feed(&t, message, 2 + len - 1);
			assert_int_equal(t.verdict, STREAM_MORE);
			talk_feed(&t, " ", 1);
			assert_int_equal(t.verdict, STREAM_CLOSE);
			talk_expect_result(&t, 0, "",
			    "Error: an empty request.");
			talk_clear(&t);
			/* or is too large, whatever it could be */
			talk_init(&t, false);
			t.limits.header = 0x1500;
			talk_feed(&t, message, 3);
			assert_int_equal(t.verdict, STREAM_CLOSE);
			talk_expect_result(&t, 0, "",
			    fronts[i][0] != 0x16 ? "Error: " TEXT_LENGTH "." :
			    "Error: the header is too large.");
			talk_clear(&t);
		}
}

/* Who tries it with a text, as by nc(1), is told what comes first. */
static void
a_text_without_a_length_is_told_so(void **state)
{
	static const char *const rows[] = { "ring\n", "{\"action\": \"search\"" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct talk t;

		talk_init(&t, false);
		talk_feed(&t, rows[i], 3);
		assert_int_equal(t.verdict, STREAM_CLOSE);
		talk_expect_result(&t, 0, "", "Error: " TEXT_LENGTH ".");
		talk_clear(&t);
	}
}

static void
a_content_too_large_is_refused_before_it_comes(void **state)
{
	static const char *const lengths[] = {
		"1001", "4294967296", "18446744073709551615",
		"18446744073709551616", "99999999999999999999999999"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct talk t;
		char header[256];
		int len = snprintf(header + 2, sizeof(header) - 2,
		    "{\"byteorder\":0,\"content-type\":\"\",\"id\":7,"
		    "\"content-encoding\":\"\",\"content-length\":%s}",
		    lengths[i]);

		header[0] = 0;
		header[1] = (char)len;
		talk_init(&t, true);
		t.limits.content = 1000;
		talk_feed(&t, header, (size_t)len + 2 - 1);
		assert_int_equal(t.verdict, STREAM_MORE);
		talk_feed(&t, header + len + 1, 1);
		assert_int_equal(t.verdict, STREAM_CLOSE);
		talk_expect_result(&t, 0, ", \"id\": 7, \"status\": \"error\", "
		    "\"error\": \"too-large\"",
		    "Error: the content is too large.");
		talk_clear(&t);
	}
}

static void
a_content_at_its_cap_is_taken(void **state)
{
	char content[1000];
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	memset(content, 'x', sizeof(content));
	talk_add(&b, "x", KEEP, content, sizeof(content));
	talk_init(&t, false);
	t.limits.content = 1000;
	talk_feed(&t, b.data, b.len);
	assert_int_equal(t.verdict, STREAM_MORE);
	assert_int_equal(talk_count_replies(&t), 1);
	talk_clear(&t);
	buf_clear(&b);
}

/* A reload may have lowered a limit while a message was on its way. */
static void
a_limit_lowered_meanwhile_holds(void **state)
{
	char content[1000] = { 0 };
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	talk_add(&b, "x", "", content, sizeof(content));
	talk_init(&t, false);
	talk_feed(&t, b.data, b.len - 1);
	assert_int_equal(t.stream.state, STREAM_CONTENT);
	t.limits.content = 999;
	talk_feed(&t, "", 1);
	assert_int_equal(t.verdict, STREAM_CLOSE);
	talk_expect_result(&t, 0, "", "Error: the content is too large.");
	talk_clear(&t);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_ends_with_its_budget),
		cmocka_unit_test(turns_of_any_budget_come_to_an_end),
		cmocka_unit_test(a_turn_ends_by_time),
		cmocka_unit_test(a_turn_ends_with_output_at_its_cap),
		cmocka_unit_test(a_header_too_large_is_refused_by_its_length),
		cmocka_unit_test(
		    what_is_no_message_is_told_by_its_first_bytes),
		cmocka_unit_test(a_header_as_long_as_a_method_says_is_one),
		cmocka_unit_test(a_text_without_a_length_is_told_so),
		cmocka_unit_test(
		    a_content_too_large_is_refused_before_it_comes),
		cmocka_unit_test(a_content_at_its_cap_is_taken),
		cmocka_unit_test(a_limit_lowered_meanwhile_holds)
	};

	int failed = cmocka_run_group_tests_name("without the fast path",
	    tests, talk_setup, talk_teardown);

	talk_use_fast = true;
	return failed + cmocka_run_group_tests_name("with the fast path",
	    tests, talk_setup, talk_teardown);
}
