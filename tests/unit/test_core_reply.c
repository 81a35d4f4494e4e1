/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is in a reply, whatever the server has put there.
 */

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appmsg-session.h"
#include "asking.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The reply to a search for a key, on a connection of its own. */
static const struct appmsg_reply *
reply_to(struct appmsg_session *session, const char *key, const char *members,
    const char *content)
{
	const struct appmsg_reply *reply = NULL;

	appmsg_session_restart(session);
	appmsg_session_forget(session);
	appmsg_session_restart(session);
	asking_search(session, key, false, false, NULL);
	asking_take(session);
	asking_reply(session, members, content);
	assert_int_equal(appmsg_session_reply(session, &reply), 0);
	return reply;
}

static void
statuses_are_words_or_else_texts(void **state)
{
	static const struct {
		const char *key, *members, *content;
		enum appmsg_status status;
	} rows[] = {
		{ "a", ", \"status\": \"found\"", "{}",
		    APPMSG_STATUS_FOUND },
		{ "a", ", \"status\": \"not-found\"", "",
		    APPMSG_STATUS_NOT_FOUND },
		{ "a", ", \"status\": \"\\u0062usy\"", "{}",
		    APPMSG_STATUS_BUSY },
		{ "a", ", \"status\": \"denied\"", "{}",
		    APPMSG_STATUS_DENIED },
		{ "a", ", \"status\": \"unavailable\"", "{}",
		    APPMSG_STATUS_UNAVAILABLE },
		{ "a", ", \"status\": \"error\"", "{}", APPMSG_STATUS_ERROR },
		{ "a", ", \"status\": \"later\"", "{}", APPMSG_STATUS_ERROR },
		{ "a", ", \"status\": \"\"", "{}", APPMSG_STATUS_ERROR },
		/* No status. */
		{ "a", ", \"status\": 1", "{\"result\": \"A\"}",
		    APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"A\"}", APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"\"}", APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"No match for \\\"a\\\".\"}",
		    APPMSG_STATUS_NOT_FOUND },
		{ "a", "", "{\"result\": \"No match for 'a'.\"}",
		    APPMSG_STATUS_NOT_FOUND },
		{ "a", "", "{\"result\": \"No match for 'a\\\".\"}",
		    APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"No match for 'b'.\"}",
		    APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"No match for 'a'. \"}",
		    APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"No match for 'a'\"}",
		    APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"No match for \"}",
		    APPMSG_STATUS_FOUND },
		{ "", "", "{\"result\": \"No match for ''.\"}",
		    APPMSG_STATUS_NOT_FOUND },
		{ "a\n\"\\\xc3\xbc", "", "{\"result\": \"\\u004eo match for "
		    "\\\"a\\u000a\\u0022\\\\\\u00fc\\\".\"}",
		    APPMSG_STATUS_NOT_FOUND },
		{ "a\\n", "", "{\"result\": \"No match for 'a\\n'.\"}",
		    APPMSG_STATUS_FOUND },
		{ "\xf0\x9f\x92\x8d", "", "{\"result\": \"No match for "
		    "'\\ud83d\\udc8d'.\"}", APPMSG_STATUS_NOT_FOUND },
		{ "a", "", "{\"result\": \"Error: so.\"}",
		    APPMSG_STATUS_ERROR },
		{ "a", "", "{\"result\": \"\\u0045rror: so.\"}",
		    APPMSG_STATUS_ERROR },
		{ "a", "", "{\"result\": \"Error:\"}", APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"error: so\"}",
		    APPMSG_STATUS_FOUND },
		{ "a", "", "{\"result\": \"Error: \"}", APPMSG_STATUS_ERROR },
		/* No reply to a search. */
		{ "a", "", "{\"result\": \"\\ud83d\"}", APPMSG_STATUS_NONE },
		{ "a", "", "{\"result\": 1}", APPMSG_STATUS_NONE },
		{ "a", "", "{}", APPMSG_STATUS_NONE },
		{ "a", "", "", APPMSG_STATUS_NONE },
		{ "a", "", "{\"result\": \"A\"", APPMSG_STATUS_NONE },
		{ "a", "", "{\"result\": \"\xff\"}", APPMSG_STATUS_NONE },
	};
	struct appmsg_session *session = asking_new(true);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct appmsg_reply *reply = reply_to(session,
		    rows[i].key, rows[i].members, rows[i].content);

		if (appmsg_reply_status(reply) != rows[i].status)
			print_error("row %zu: %s\n", i, rows[i].content);
		assert_int_equal(appmsg_reply_status(reply), rows[i].status);
		/* Asked twice, it is the same. */
		assert_int_equal(appmsg_reply_status(reply), rows[i].status);
		assert_int_equal(appmsg_reply_has_status(reply), i < 8);
		assert_ptr_equal(appmsg_reply_error(reply).raw, NULL);
	}
	assert_string_equal(appmsg_status_word(APPMSG_STATUS_NONE), "");
	assert_string_equal(appmsg_status_word(APPMSG_STATUS_NOT_FOUND),
	    "not-found");
	assert_string_equal(appmsg_status_word(APPMSG_STATUS_UNAVAILABLE),
	    "unavailable");
	assert_string_equal(appmsg_status_word((enum appmsg_status)-1), "");
	assert_string_equal(appmsg_status_word((enum appmsg_status)99), "");
	appmsg_session_free(session);
}

static void
bytes_are_answered_by_bytes(void **state)
{
	static const struct {
		const char *members, *content;
		enum appmsg_status status;
	} rows[] = {
		{ "", "{\"result\": \"Error: so.\"}", APPMSG_STATUS_ERROR },
		{ "", "{\"result\": \"No match for 'a'.\"}",
		    APPMSG_STATUS_FOUND },
		{ "", "[1, 2]", APPMSG_STATUS_FOUND },
		{ ", \"status\": \"not-found\"", "x",
		    APPMSG_STATUS_NOT_FOUND },
	};
	struct appmsg_session *session = asking_new(true);
	struct appmsg_header hdr = {
		.content_type = APPMSG_STR("image/png"),
		.content_encoding = APPMSG_STR("binary"),
		.content_length = 2,
		.connection = APPMSG_STR("close"),
		.error = APPMSG_STR("so")
	};
	const struct appmsg_reply *reply;
	struct appmsg_message message;
	struct appmsg_query query;
	struct appmsg_str result;
	char text[300];
	const char *content;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		appmsg_query_init(&query, "a", 1);
		assert_int_equal(appmsg_session_binary(session, &query, NULL),
		    0);
		asking_take(session);
		asking_reply(session, rows[i].members, rows[i].content);
		assert_int_equal(appmsg_session_reply(session, &reply), 0);
		assert_int_equal(appmsg_reply_status(reply), rows[i].status);
		appmsg_session_restart(session);
	}
	assert_int_equal(appmsg_session_binary(session, &query, NULL), 0);
	asking_take(session);
	assert_int_equal(appmsg_header_encode(&hdr, text, sizeof(text), &len),
	    0);
	memcpy(text + len, "\xff\0", 2);
	assert_int_equal(appmsg_session_feed(session, text, len + 2), 0);
	assert_int_equal(appmsg_session_reply(session, &reply), 0);
	assert_int_equal(appmsg_reply_status(reply), APPMSG_STATUS_FOUND);
	assert_int_equal(appmsg_reply_result(reply, &result), APPMSG_ENOENT);
	content = appmsg_reply_content(reply, &len);
	assert_int_equal(len, 2);
	assert_memory_equal(content, "\xff\0", 2);
	result = appmsg_reply_type(reply);
	assert_true(appmsg_str_eq(&result, "image/png", 9));
	result = appmsg_reply_error(reply);
	assert_true(appmsg_str_eq(&result, "so", 2));
	appmsg_reply_message(reply, &message);
	assert_ptr_equal(message.content, content);
	assert_int_equal(message.content_len, 2);
	assert_int_equal(message.header.content_length, 2);
	assert_memory_equal(message.header_text, text + 2,
	    message.header_text_len);
	appmsg_session_free(session);
}

static void
results_are_told_as_text_and_as_they_stand(void **state)
{
	static const struct {
		const char *content, *text;
		size_t len;
		int error;	/* of the result; then of the text */
		int text_error;
	} rows[] = {
		{ "{\"result\": \"plain\"}", "plain", 5, 0, 0 },
		{ "{\"result\":\"dense\"}", "dense", 5, 0, 0 },
		{ " { \"result\" : \"\" } ", "", 0, 0, 0 },
		{ "{\"result\": \"\xc3\xbc\"}", "\xc3\xbc", 2, 0, 0 },
		{ "{\"result\": \"a\\\"b\\u0000\\ud83d\\udc8d\"}",
		    "a\"b\0\xf0\x9f\x92\x8d", 8, 0, 0 },
		{ "{\"result\": \"1\", \"result\": \"2\"}", "2", 1, 0, 0 },
		{ "{\"r\\u0065sult\": \"1\"}", "1", 1, 0, 0 },
		{ "{\"result\": \"\\udc8d\"}", NULL, 0, 0, APPMSG_EILSEQ },
		{ "{\"result\": \"1\", \"result\": null}", NULL, 0,
		    APPMSG_ENOENT, APPMSG_ENOENT },
		{ "{}", NULL, 0, APPMSG_ENOENT, APPMSG_ENOENT },
		{ "{\"result\": {\"result\": \"1\"}}", NULL, 0, APPMSG_ENOENT,
		    APPMSG_ENOENT },
		{ "{\"result\": \"\\x\"}", NULL, 0, APPMSG_EPROTO,
		    APPMSG_EPROTO },
		{ "{\"result\": \"a\nb\"}", NULL, 0, APPMSG_EPROTO,
		    APPMSG_EPROTO },
		{ "{\"result\": \"\xed\xa0\x80\"}", NULL, 0, APPMSG_EPROTO,
		    APPMSG_EPROTO },
		{ "{\"result\": \"a\"}\"}", NULL, 0, APPMSG_EPROTO,
		    APPMSG_EPROTO },
		{ "{\"result\": \"a\\\"}", NULL, 0, APPMSG_EPROTO,
		    APPMSG_EPROTO },
		{ "{\"result\": \"}", NULL, 0, APPMSG_EPROTO, APPMSG_EPROTO },
		{ "[\"result\"]", NULL, 0, APPMSG_EPROTO, APPMSG_EPROTO },
		{ "", NULL, 0, APPMSG_EPROTO, APPMSG_EPROTO },
	};
	struct appmsg_session *session = asking_new(true);
	struct appmsg_str result;
	const char *text;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct appmsg_reply *reply = reply_to(session, "a",
		    FOUND, rows[i].content);

		assert_int_equal(appmsg_reply_result(reply, &result),
		    rows[i].error);
		assert_int_equal(appmsg_reply_text(reply, &text, &len),
		    rows[i].text_error);
		if (rows[i].text_error != 0)
			continue;
		assert_int_equal(len, rows[i].len);
		assert_memory_equal(text, rows[i].text, len);
		assert_true(appmsg_str_eq(&result, text, len));
	}
	appmsg_session_free(session);
}

#define DEEP_8 "[[[[[[[["
#define DEEP_62 DEEP_8 DEEP_8 DEEP_8 DEEP_8 DEEP_8 DEEP_8 DEEP_8 "[[[[[["
#define END_8 "]]]]]]]]"
#define END_62 END_8 END_8 END_8 END_8 END_8 END_8 END_8 "]]]]]]"

static void
matches_are_objects_with_two_texts(void **state)
{
	static const struct {
		const char *content;
		size_t count;
		int error;
		bool more;
	} rows[] = {
		{ "{\"result\": \"1\", \"matches\": [], \"more\": false}", 0,
		    0, false },
		{ "{\"matches\": [{\"key\": \"a\", \"result\": \"1\"} , "
		    "{\"result\": \"2\", \"x\": [{}], \"key\": \"b\"}\n], "
		    "\"more\": true}", 2, 0, true },
		{ "{\"matches\": [ ]}", 0, 0, false },
		{ "{\"result\": \"1\"}", 0, APPMSG_ENOENT, false },
		{ "{\"matches\": {}, \"more\": 1}", 0, APPMSG_EPROTO, false },
		{ "{\"matches\": null, \"more\": \"true\"}", 0, APPMSG_EPROTO,
		    false },
		{ "{\"matches\": [1]}", 0, APPMSG_EPROTO, false },
		{ "{\"matches\": [{}]}", 0, APPMSG_EPROTO, false },
		{ "{\"matches\": [{\"key\": \"a\"}]}", 0, APPMSG_EPROTO,
		    false },
		{ "{\"matches\": [{\"key\": 1, \"result\": \"1\"}]}", 0,
		    APPMSG_EPROTO, false },
		{ "{\"matches\": [{\"key\": \"a\", \"result\": \"1\", "
		    "\"key\": null}]}", 0, APPMSG_EPROTO, false },
		{ "{\"matches\": [[{\"key\": \"a\", \"result\": \"1\"}]]}", 0,
		    APPMSG_EPROTO, false },
		{ "{\"matches\": [{\"key\": \"a\", \"result\": \"1\"}], "
		    "\"matches\": []}", 0, 0, false },
		{ "{\"matches\": [{\"key\": \"a\", \"result\": \"1\"}]", 0,
		    APPMSG_EPROTO, false },
		{ "{\"matches\": [{\"key\": \"a\", \"result\": \"1\"},], "
		    "\"more\": true}", 0, APPMSG_EPROTO, false },
		{ "{\"matches\": [{\"key\": \"a\", \"result\": \"1\", \"x\": "
		    DEEP_8 END_8 "}]}", 1, 0, false },
		{ "{\"matches\": [{\"key\": \"a\", \"result\": \"1\", \"x\": "
		    DEEP_62 END_62 "}]}", 0, APPMSG_EPROTO, false },
	};
	struct appmsg_session *session = asking_new(true);
	struct appmsg_match match;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct appmsg_cursor cursor = { 0 };
		const struct appmsg_reply *reply = reply_to(session, "a",
		    FOUND, rows[i].content);
		size_t count = 99;

		assert_int_equal(appmsg_reply_count_matches(reply, &count),
		    rows[i].error);
		assert_int_equal(appmsg_reply_has_more(reply), rows[i].more);
		if (rows[i].error != 0) {
			assert_int_equal(count, 99);
			assert_int_equal(appmsg_reply_match(reply, &cursor,
			    &match), rows[i].error);
			continue;
		}
		assert_int_equal(count, rows[i].count);
		for (size_t n = 0; n < count; n++) {
			assert_int_equal(appmsg_reply_match(reply, &cursor,
			    &match), 0);
			assert_true(appmsg_str_eq(&match.key,
			    n == 0 ? "a" : "b", 1));
			assert_true(appmsg_str_eq(&match.result,
			    n == 0 ? "1" : "2", 1));
		}
		for (int n = 0; n < 3; n++)
			assert_int_equal(appmsg_reply_match(reply, &cursor,
			    &match), APPMSG_ENOENT);
	}
	appmsg_session_free(session);
}

static void
suggestions_are_texts(void **state)
{
	static const struct {
		const char *members;
		size_t count;
		int error;	/* behind them */
	} rows[] = {
		{ FOUND, 0, APPMSG_ENOENT },
		{ ", \"suggestions\": []", 0, APPMSG_ENOENT },
		{ ", \"suggestions\": [\"a\", \"\\u0062\"]", 2,
		    APPMSG_ENOENT },
		{ ", \"suggestions\": [\"a\",1]", 1, APPMSG_EPROTO },
		{ ", \"suggestions\": [[\"a\"]]", 0, APPMSG_EPROTO },
		{ ", \"suggestions\": {\"a\": \"b\"}", 0, APPMSG_EPROTO },
		{ ", \"suggestions\": \"a\"", 0, APPMSG_EPROTO },
	};
	struct appmsg_session *session = asking_new(true);
	struct appmsg_str key;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct appmsg_cursor cursor = { 0 };
		const struct appmsg_reply *reply = reply_to(session, "a",
		    rows[i].members, "{\"result\": \"\"}");

		for (size_t n = 0; n < rows[i].count; n++) {
			assert_int_equal(appmsg_reply_suggestion(reply,
			    &cursor, &key), 0);
			assert_true(appmsg_str_eq(&key, n == 0 ? "a" : "b",
			    1));
		}
		assert_int_equal(appmsg_reply_suggestion(reply, &cursor,
		    &key), rows[i].error);
	}
	appmsg_session_free(session);
}

static void
explanations_have_what_the_protocol_has(void **state)
{
	struct appmsg_session *session = asking_new(true);
	struct appmsg_explanation e;
	const struct appmsg_reply *reply;

	(void)state;
	reply = reply_to(session, "a", ", \"connection\": \"close\", "
	    "\"status\": \"found\", \"table\": \"main\", \"generation\": 1, "
	    "\"loaded\": \"2026-11-23T08:30:00Z\", \"file\": \"/a\\\"b\", "
	    "\"line\": 4, \"source\": \"redis\", \"published\": 7, "
	    "\"node\": \"[::1]:7\", \"cached\": true, \"stale\": false, "
	    "\"cause\": \"down\", \"match\": \"exact\", \"digest\": \"da\", "
	    "\"generation-digest\": \"9e\", \"entries\": 9007199254740992",
	    "{\"result\": \"A\"}");
	appmsg_explanation_init(&e);
	assert_int_equal(appmsg_reply_explain(reply, &e), 0);
	assert_true(appmsg_str_eq(&e.table, "main", 4));
	assert_true(appmsg_str_eq(&e.loaded, "2026-11-23T08:30:00Z", 20));
	assert_true(appmsg_str_eq(&e.file, "/a\"b", 4));
	assert_true(appmsg_str_eq(&e.source, "redis", 5));
	assert_true(appmsg_str_eq(&e.node, "[::1]:7", 7));
	assert_true(appmsg_str_eq(&e.cause, "down", 4));
	assert_true(appmsg_str_eq(&e.match, "exact", 5));
	assert_true(appmsg_str_eq(&e.digest, "da", 2));
	assert_true(appmsg_str_eq(&e.generation_digest, "9e", 2));
	assert_int_equal(e.generation, 1);
	assert_int_equal(e.line, 4);
	assert_int_equal(e.published, 7);
	assert_int_equal(e.entries, INT64_C(1) << 53);
	assert_int_equal(e.cached, 1);
	assert_int_equal(e.stale, 0);
	/* Nothing, and nothing that is right. */
	for (int wrong = 0; wrong < 2; wrong++) {
		reply = reply_to(session, "a", !wrong ? "" : ", \"table\": 1, "
		    "\"generation\": \"1\", \"loaded\": null, \"file\": [], "
		    "\"line\": 4.0, \"source\": {}, \"published\": -7, "
		    "\"node\": true, \"cached\": 1, \"stale\": \"yes\", "
		    "\"entries\": 9007199254740993", "{\"result\": \"A\"}");
		assert_int_equal(appmsg_reply_explain(reply, &e), 0);
		assert_null(e.table.raw);
		assert_null(e.loaded.raw);
		assert_null(e.file.raw);
		assert_null(e.source.raw);
		assert_null(e.node.raw);
		assert_int_equal(e.generation, -1);
		assert_int_equal(e.line, -1);
		assert_int_equal(e.published, -1);
		assert_int_equal(e.entries, -1);
		assert_int_equal(e.cached, -1);
		assert_int_equal(e.stale, -1);
	}
	/* An older program gets no more than it has room for. */
	memset(&e, 0x55, sizeof(e));
	e.size = offsetof(struct appmsg_explanation, loaded);
	assert_int_equal(appmsg_reply_explain(reply, &e), 0);
	assert_null(e.table.raw);
	assert_int_equal(e.loaded.len, (size_t)0x5555555555555555);
	e.size = 0;
	assert_int_equal(appmsg_reply_explain(reply, &e), APPMSG_EINVAL);
	appmsg_session_free(session);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_are_words_or_else_texts),
		cmocka_unit_test(bytes_are_answered_by_bytes),
		cmocka_unit_test(results_are_told_as_text_and_as_they_stand),
		cmocka_unit_test(matches_are_objects_with_two_texts),
		cmocka_unit_test(suggestions_are_texts),
		cmocka_unit_test(explanations_have_what_the_protocol_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
