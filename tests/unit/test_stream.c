/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A session without its socket: what it replies to which messages, and when
 * its connection ends.  Each test is run without the fast path and with it.
 */

#include "config.h"

#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LENGTH	"\0\x64"	/* of the header of the answer for "ring" */
#else
#define LENGTH	"\0\x67"
#endif

static void
the_tutorial_gets_its_bytes(void **state)
{
	static const char expected[] = LENGTH "{" ORDER ", \"content-type\": "
	    "\"text/json\", \"content-encoding\": \"utf-8\", "
	    "\"content-length\": 60}{\"result\": \"" RING "\"}";
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	talk_add_search(&b, "");
	talk_init(&t, false);
	talk_feed(&t, b.data, b.len);
	assert_int_equal(t.verdict, STREAM_CLOSE);
	assert_int_equal(t.in.len, 0);
	assert_int_equal(t.replies.len, sizeof(expected) - 1);
	assert_memory_equal(t.replies.data, expected, t.replies.len);
	talk_clear(&t);
	buf_clear(&b);
}

static void
every_message_of_a_run_is_answered_in_order(void **state)
{
	struct talk t;
	struct buf b = { 0 };
	char members[1024];

	(void)state;
	talk_add_mixture(&b);
	talk_init(&t, false);
	talk_feed(&t, b.data, b.len);
	assert_int_equal(t.verdict, STREAM_CLOSE);
	assert_int_equal(t.turns, 1);
	assert_int_equal(talk_count_replies(&t), 9);
	talk_expect_result(&t, 0, KEEP ", \"status\": \"found\"", RING);
	talk_expect_result(&t, 1, KEEP ", \"id\": \"a\\u0000b\", \"status\": "
	    "\"error\", \"error\": \"bad-request\"",
	    "Error: no \\\"action\\\" in the content.");
	talk_expect_reply(&t, 2, "binary/custom-server-binary-type", "binary",
	    KEEP ", \"id\": -7, \"status\": \"not-found\"",
	    "First 10 bytes of request: \0\0\0\0\0\0\0\0\0\0", 37);
	talk_expect_reply(&t, 3, "image/png", "binary",
	    KEEP ", \"status\": \"found\"", "\0\xff\n", 3);
	talk_expect_result(&t, 4, KEEP ", \"status\": \"error\", \"error\": "
	    "\"bad-json\"", "Error: not an object.");
	talk_expect_result(&t, 5, KEEP ", \"status\": \"error\", \"error\": "
	    "\"bad-id\"", "Error: \\\"id\\\" is neither an integer within "
	    "2^53 nor a string of up to 256 bytes.");
	snprintf(members, sizeof(members), KEEP ", \"id\": 1, \"status\": "
	    "\"found\", \"table\": \"main\", \"generation\": 1, "
	    "\"loaded\": \"1970-01-01T00:00:00Z\", \"file\": "
	    "\"%s\", \"line\": 2, \"match\": \"exact\", \"digest\": "
	    "\"e3965a65dfe4294614753769fec8fc1f\", \"generation-digest\": "
	    "\"d879fdeff2ef4cbdfa2dd373ad990055\", \"entries\": 2",
	    folder_path("appmsgd.conf"));
	talk_expect_result(&t, 6, members, RING);
	talk_expect_result(&t, 7, KEEP ", \"status\": \"error\", \"error\": "
	    "\"bad-request\"", "Error: an empty request.");
	talk_expect_result(&t, 8, "", RING);
	talk_clear(&t);
	buf_clear(&b);
}

static void
nothing_is_asked_of_nothing(void **state)
{
	struct talk t;

	(void)state;
	talk_init(&t, false);
	talk_feed(&t, "", 0);
	assert_int_equal(t.verdict, STREAM_MORE);
	assert_int_equal(t.stream.state, STREAM_IDLE);
	talk_end(&t);
	assert_int_equal(t.replies.len, 0);
	talk_clear(&t);
}

static void
an_unfinished_message_tells_its_state_and_need(void **state)
{
	struct talk t;
	struct buf b = { 0 };
	size_t header;

	(void)state;
	talk_add_search(&b, "");
	header = b.len - (sizeof(SEARCH) - 1);
	talk_init(&t, false);
	for (size_t len = 1; len < b.len; len++) {
		talk_feed(&t, b.data + len - 1, 1);
		assert_int_equal(t.verdict, STREAM_MORE);
		assert_int_equal(t.in.len, len);
		assert_int_equal(t.stream.state, len < header ?
		    STREAM_HEADER : STREAM_CONTENT);
		/* The first byte of a header tells whether it is one. */
		assert_int_equal(t.stream.need, len < 3 ? len + 1 :
		    len < header ? header : b.len);
	}
	talk_feed(&t, b.data + b.len - 1, 1);
	assert_int_equal(t.verdict, STREAM_CLOSE);
	talk_clear(&t);
	buf_clear(&b);
}

static void
a_request_decides_whether_the_connection_stays(void **state)
{
	static const struct {
		bool keep_alive;
		const char *members;
		bool stays;
		const char *reply;
	} rows[] = {
		{ false, "", false, "" }, { true, "", true, "" },
		{ false, KEEP, true, KEEP ", \"status\": \"found\"" },
		{ true, KEEP, true, KEEP ", \"status\": \"found\"" },
		{ false, CLOSE, false, CLOSE ", \"status\": \"found\"" },
		{ true, CLOSE, false, CLOSE ", \"status\": \"found\"" },
		{ true, ", \"connection\": \"Keep-Alive\"", false,
		    CLOSE ", \"status\": \"found\"" },
		{ true, ", \"connection\": true", false,
		    CLOSE ", \"status\": \"found\"" },
		{ false, ", \"connection\": \"keep\\u002dalive\"", true,
		    KEEP ", \"status\": \"found\"" },
		{ false, ", \"id\": 1", false,
		    ", \"id\": 1, \"status\": \"found\"" },
		{ true, ", \"id\": 1", true,
		    ", \"id\": 1, \"status\": \"found\"" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct talk t;
		struct buf b = { 0 };

		talk_add_search(&b, rows[i].members);
		talk_add_search(&b, rows[i].members);
		talk_init(&t, rows[i].keep_alive);
		talk_feed(&t, b.data, b.len);
		assert_int_equal(t.verdict, rows[i].stays ? STREAM_MORE :
		    STREAM_CLOSE);
		assert_int_equal(talk_count_replies(&t), rows[i].stays ? 2 : 1);
		talk_expect_result(&t, 0, rows[i].reply, RING);
		/* What follows a closing reply is not used. */
		assert_int_equal(t.in.len, rows[i].stays ? 0 : b.len / 2);
		talk_clear(&t);
		buf_clear(&b);
	}
}

static void
errors_in_whole_messages_keep_the_connection(void **state)
{
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	talk_add(&b, "text/json", KEEP, "{", 1);
	talk_add(&b, "text/json", KEEP ", \"id\": []", SEARCH,
	    sizeof(SEARCH) - 1);
	talk_add_search(&b, KEEP);
	talk_init(&t, false);
	talk_feed(&t, b.data, b.len);
	assert_int_equal(t.verdict, STREAM_MORE);
	assert_int_equal(talk_count_replies(&t), 3);
	talk_expect_result(&t, 2, KEEP ", \"status\": \"found\"", RING);
	talk_clear(&t);
	buf_clear(&b);
}

static void
what_ends_the_stream_is_told_once(void **state)
{
	static const struct {
		const char *header, *members, *result;
	} rows[] = {
		{ "[]", "", "Error: not an object." },
		{ "{\"id\":7,\"content-length\":-1}", ", \"id\": 7, "
		    "\"status\": \"error\", \"error\": \"bad-length\"",
		    "Error: \\\"content-length\\\" is not digits." },
		{ "{\"content-length\":\"\",\"id\":\"\"}", ", \"id\": \"\", "
		    "\"status\": \"error\", \"error\": \"bad-length\"",
		    "Error: \\\"content-length\\\" is not digits." },
		{ "{\"content-length\":1,\"content-length\":1,"
		    "\"connection\":\"keep-alive\"}", CLOSE ", \"status\": "
		    "\"error\", \"error\": \"bad-header\"",
		    "Error: a member is twice in the header." },
		{ "{\"x\":0}", "", "Error: no \\\"content-length\\\" in the "
		    "header." }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char len[2] = { 0, (char)strlen(rows[i].header) };
		struct talk t;

		talk_init(&t, true);
		talk_feed(&t, len, 2);
		talk_feed(&t, rows[i].header, strlen(rows[i].header));
		assert_int_equal(t.verdict, STREAM_CLOSE);
		assert_int_equal(talk_count_replies(&t), 1);
		talk_expect_result(&t, 0, rows[i].members, rows[i].result);
		talk_clear(&t);
	}
}

/* A message may be read again after those behind it were. */
static void
a_long_text_is_lent_to_its_own_request(void **state)
{
	static const char unusual[] = "{\"value\": \"ring\", "
	    "\"action\": \"search\"}";
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	talk_add(&b, "text/json", KEEP ", \"id\": 1", "{}", 2);
	talk_add_search(&b, KEEP ", \"id\": 2");
	talk_add_search(&b, KEEP ", \"id\": 33");
	talk_add(&b, "text/json", KEEP ", \"id\": 444", unusual,
	    sizeof(unusual) - 1);
	talk_init(&t, false);
	t.env.lend_min = sizeof(RING) - 1;
	talk_feed(&t, b.data, b.len);
	assert_int_equal(t.verdict, STREAM_MORE);
	assert_int_equal(t.turns, 4);
	assert_int_equal(talk_count_replies(&t), 4);
	talk_expect_result(&t, 1, KEEP ", \"id\": 2, \"status\": \"found\"",
	    RING);
	talk_expect_result(&t, 2, KEEP ", \"id\": 33, \"status\": \"found\"",
	    RING);
	talk_expect_result(&t, 3, KEEP ", \"id\": 444, \"status\": \"found\"",
	    RING);
	talk_clear(&t);
	buf_clear(&b);
}

/* Who once asked for a status gets one for what cannot be read, too. */
static void
an_unreadable_message_after_a_told_one_has_a_status(void **state)
{
	static const char *const asked[] = { KEEP, ", \"id\": 1" };
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		b.len = 0;
		talk_add_search(&b, asked[i]);
		buf_add(&b, "\0\1{", 3);
		talk_init(&t, true);
		talk_feed(&t, b.data, b.len);
		assert_int_equal(t.verdict, STREAM_CLOSE);
		assert_int_equal(talk_count_replies(&t), 2);
		talk_expect_result(&t, 1, CLOSE ", \"status\": \"error\", "
		    "\"error\": \"bad-header\"",
		    "Error: no member name in quotes.");
		/* And on a connection where its header is known from others. */
		stream_init(&t.stream, true);
		t.in.len = t.replies.len = 0;
		t.verdict = STREAM_MORE;
		talk_feed(&t, b.data, b.len);
		assert_int_equal(talk_count_replies(&t), 2);
		talk_expect_result(&t, 1, CLOSE ", \"status\": \"error\", "
		    "\"error\": \"bad-header\"",
		    "Error: no member name in quotes.");
		talk_clear(&t);
	}
	b.len = 0;
	talk_add_search(&b, "");
	buf_add(&b, "\0\1{", 3);
	talk_init(&t, true);
	talk_feed(&t, b.data, b.len);
	assert_int_equal(talk_count_replies(&t), 2);
	talk_expect_result(&t, 1, "", "Error: no member name in quotes.");
	talk_clear(&t);
	buf_clear(&b);
}

static void
the_part_of_a_message_is_refused(void **state)
{
	static const struct refusal busy = { REQUEST_BUSY, NULL,
	    "too many connections" };
	struct talk t;
	struct buf b = { 0 };
	size_t header;

	(void)state;
	talk_add_search(&b, ", \"id\": \"x\"");
	header = b.len - (sizeof(SEARCH) - 1);
	for (size_t len = 1; len < b.len; len++) {
		talk_init(&t, true);
		talk_feed(&t, b.data, len);
		talk_end(&t);
		assert_int_equal(t.verdict, STREAM_CLOSE);
		assert_int_equal(talk_count_replies(&t), 1);
		/* Whose header is there is known. */
		talk_expect_result(&t, 0, len < header ? "" :
		    ", \"id\": \"x\", \"status\": \"error\", "
		    "\"error\": \"incomplete\"",
		    "Error: the message is incomplete.");
		talk_clear(&t);
	}
	talk_init(&t, true);
	assert_int_equal(stream_refuse(&t.stream, &t.env, &busy, "", 0,
	    &t.replies), STREAM_CLOSE);
	talk_expect_result(&t, 0, CLOSE ", \"status\": \"busy\"",
	    "Error: too many connections.");
	talk_clear(&t);
	buf_clear(&b);
}

static void
a_draining_connection_answers_what_is_there_and_closes(void **state)
{
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		talk_add_search(&b, KEEP);
	for (int64_t pipeline = 1; pipeline <= 6; pipeline++) {
		talk_init(&t, true);
		t.limits.pipeline = pipeline;
		t.stream.draining = true;
		talk_feed(&t, b.data, b.len);
		assert_int_equal(t.verdict, STREAM_CLOSE);
		assert_int_equal(talk_count_replies(&t), 5);
		for (size_t i = 0; i < 4; i++)
			talk_expect_result(&t, i, KEEP
			    ", \"status\": \"found\"", RING);
		talk_expect_result(&t, 4, CLOSE ", \"status\": \"found\"",
		    RING);
		talk_clear(&t);
	}
	buf_clear(&b);
}

static void
a_draining_connection_closes_with_its_last_message(void **state)
{
	struct talk t;
	struct buf b = { 0 };

	(void)state;
	talk_add_search(&b, KEEP);
	talk_init(&t, true);
	talk_feed(&t, b.data, b.len);
	assert_int_equal(t.verdict, STREAM_MORE);
	talk_feed(&t, b.data, b.len / 2);
	t.stream.draining = true;
	talk_feed(&t, b.data + b.len / 2, b.len - b.len / 2);
	assert_int_equal(t.verdict, STREAM_CLOSE);
	assert_int_equal(talk_count_replies(&t), 2);
	talk_expect_result(&t, 0, KEEP ", \"status\": \"found\"", RING);
	talk_expect_result(&t, 1, CLOSE ", \"status\": \"found\"", RING);
	talk_clear(&t);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tutorial_gets_its_bytes),
		cmocka_unit_test(every_message_of_a_run_is_answered_in_order),
		cmocka_unit_test(nothing_is_asked_of_nothing),
		cmocka_unit_test(
		    an_unfinished_message_tells_its_state_and_need),
		cmocka_unit_test(
		    a_request_decides_whether_the_connection_stays),
		cmocka_unit_test(errors_in_whole_messages_keep_the_connection),
		cmocka_unit_test(what_ends_the_stream_is_told_once),
		cmocka_unit_test(a_long_text_is_lent_to_its_own_request),
		cmocka_unit_test(
		    an_unreadable_message_after_a_told_one_has_a_status),
		cmocka_unit_test(the_part_of_a_message_is_refused),
		cmocka_unit_test(
		    a_draining_connection_answers_what_is_there_and_closes),
		cmocka_unit_test(
		    a_draining_connection_closes_with_its_last_message)
	};

	int failed = cmocka_run_group_tests_name("without the fast path",
	    tests, talk_setup, talk_teardown);

	talk_use_fast = true;
	return failed + cmocka_run_group_tests_name("with the fast path",
	    tests, talk_setup, talk_teardown);
}
