/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a session of the library sends, and when.
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

/* The header and the content of the only message that waits. */
static void
take_one(struct appmsg_session *session, struct appmsg_header *hdr,
    const char **content, size_t *len)
{
	const char *data;
	size_t all = appmsg_session_out(session, &data), used;

	assert_int_equal(appmsg_header_decode(data, all, hdr, &used), 0);
	assert_int_equal(hdr->flaw, APPMSG_FLAW_NONE);
	*content = data + used;
	*len = (size_t)hdr->content_length;
	assert_int_equal(used + *len, all);
	appmsg_session_sent(session, all);
}

static void
searches_are_spelled_as_the_protocol_has_them(void **state)
{
	static const struct {
		struct appmsg_query query;
		const char *content;
	} rows[] = {
		{ { .key = "ring", .key_len = 4 },
		    "{\"action\": \"search\", \"value\": \"ring\"}" },
		{ { .key = "", .key_len = 0 },
		    "{\"action\": \"search\", \"value\": \"\"}" },
		{ { .key = NULL, .key_len = 0 },
		    "{\"action\": \"search\", \"value\": \"\"}" },
		{ { .key = "a\"b\\c\nd\0e\x1f", .key_len = 10 },
		    "{\"action\": \"search\", \"value\": "
		    "\"a\\\"b\\\\c\\nd\\u0000e\\u001f\"}" },
		{ { .key = "Z\xc3\xbcrich", .key_len = 7 },
		    "{\"action\": \"search\", \"value\": \"Z\xc3\xbcrich\"}" },
		{ { .key = "b", .key_len = 1, .table = "a\"b", .table_len = 3,
		    .way = APPMSG_WAY_FUZZY, .distance = 1, .limit = 1000,
		    .after = "x\ty", .after_len = 3 },
		    "{\"action\": \"search\", \"value\": \"b\", "
		    "\"table\": \"a\\\"b\", \"match\": \"fuzzy\", "
		    "\"distance\": 1, \"limit\": 1000, "
		    "\"after\": \"x\\ty\"}" },
		{ { .key = "b", .key_len = 1, .way = APPMSG_WAY_PREFIX,
		    .after = "c", .after_len = 1,
		    .order = APPMSG_ORDER_WEIGHT },
		    "{\"action\": \"search\", \"value\": \"b\", "
		    "\"match\": \"prefix\", \"after\": \"c\", "
		    "\"order\": \"weight\"}" },
		{ { .key = "b", .key_len = 1, .order = APPMSG_ORDER_KEY },
		    "{\"action\": \"search\", \"value\": \"b\", "
		    "\"order\": \"key\"}" },
		{ { .key = "b", .key_len = 1, .table = "", .table_len = 0 },
		    "{\"action\": \"search\", \"value\": \"b\", "
		    "\"table\": \"\"}" },
		{ { .key = "b", .key_len = 1, .way = APPMSG_WAY_EXACT },
		    "{\"action\": \"search\", \"value\": \"b\", "
		    "\"match\": \"exact\"}" },
		{ { .key = "b", .key_len = 1, .way = APPMSG_WAY_REGEX },
		    "{\"action\": \"search\", \"value\": \"b\", "
		    "\"match\": \"regex\"}" },
		{ { .key = "b", .key_len = 1, .way = APPMSG_WAY_WORDS },
		    "{\"action\": \"search\", \"value\": \"b\", "
		    "\"match\": \"words\"}" },
		{ { .key = "b", .key_len = 1, .way = APPMSG_WAY_TEXT },
		    "{\"action\": \"search\", \"value\": \"b\", "
		    "\"match\": \"text\"}" },
	};
	struct appmsg_session *session = asking_new(true);
	struct appmsg_header hdr;
	const char *content;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct appmsg_query query = rows[i].query;

		query.size = sizeof(query);
		assert_int_equal(appmsg_session_search(session, &query, NULL),
		    0);
		take_one(session, &hdr, &content, &len);
		assert_int_equal(len, strlen(rows[i].content));
		assert_memory_equal(content, rows[i].content, len);
		assert_true(appmsg_str_eq(&hdr.content_type, "text/json", 9));
		assert_true(appmsg_str_eq(&hdr.content_encoding, "utf-8", 5));
		assert_true(appmsg_str_eq(&hdr.connection, "keep-alive", 10));
		assert_int_equal(hdr.id.kind, APPMSG_ID_NONE);
	}
	appmsg_session_free(session);
}

static void
headers_have_what_is_wanted(void **state)
{
	struct appmsg_session *session = asking_new(true);
	struct appmsg_query query;
	struct appmsg_header hdr;
	const char *content;
	size_t len;

	(void)state;
	/* All of them, back and forth, as what is remembered changes. */
	for (unsigned int i = 0; i < 3 * 48; i++) {
		unsigned int bits = i * 7 % 48;

		appmsg_query_init(&query, "ring", 4);
		query.id = bits & 1;
		query.explain = bits & 2;
		query.close = bits & 4;
		query.suggest = bits / 8;
		assert_int_equal(appmsg_session_search(session, &query, NULL),
		    0);
		if (query.close) {
			/* Nothing behind it; see below. */
			appmsg_session_restart(session);
			appmsg_session_forget(session);
			continue;
		}
		take_one(session, &hdr, &content, &len);
		assert_int_equal(hdr.id.kind, query.id ? APPMSG_ID_INT :
		    APPMSG_ID_NONE);
		assert_int_equal(hdr.explain, query.explain);
		assert_int_equal(hdr.has_suggest, query.suggest > 0);
		assert_int_equal(hdr.suggest, query.suggest);
		assert_int_equal(len, 37);
	}
	appmsg_query_init(&query, "ring", 4);
	query.close = true;
	assert_int_equal(appmsg_session_search(session, &query, NULL), 0);
	take_one(session, &hdr, &content, &len);
	assert_true(appmsg_str_eq(&hdr.connection, "close", 5));
	appmsg_session_free(session);
}

static void
bytes_and_whole_messages_are_sent_as_they_are(void **state)
{
	static const char bytes[] = "\xff\0\"\\ and so on";
	struct appmsg_session *session = asking_new(true);
	struct appmsg_header hdr, raw = {
		.content_type = APPMSG_STR("text/x"),
		.content_encoding = APPMSG_STR("none"),
		.connection = APPMSG_STR("keep-alive"),
		.id = { .kind = APPMSG_ID_STRING, .str = APPMSG_STR("me") },
		.extra = ", \"x\": 1", .extra_len = 8
	};
	struct appmsg_query query;
	const char *content;
	size_t len;

	(void)state;
	appmsg_query_init(&query, bytes, sizeof(bytes));
	query.id = query.explain = true;
	assert_int_equal(appmsg_session_binary(session, &query, NULL), 0);
	take_one(session, &hdr, &content, &len);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(content, bytes, len);
	assert_true(appmsg_str_eq(&hdr.content_type,
	    "binary/custom-client-binary-type", 32));
	assert_true(appmsg_str_eq(&hdr.content_encoding, "binary", 6));
	assert_true(hdr.explain && hdr.id.kind == APPMSG_ID_INT);
	assert_int_equal(appmsg_session_raw(session, &raw, bytes,
	    sizeof(bytes), NULL), 0);
	take_one(session, &hdr, &content, &len);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(content, bytes, len);
	assert_true(appmsg_str_eq(&hdr.content_type, "text/x", 6));
	assert_true(appmsg_str_eq(&hdr.id.str, "me", 2));
	assert_int_equal(appmsg_session_raw(session, &raw, NULL, 0, NULL), 0);
	take_one(session, &hdr, &content, &len);
	assert_int_equal(len, 0);
	appmsg_session_free(session);
}

static void
wrong_queries_change_nothing(void **state)
{
	static const struct {
		struct appmsg_query query;
		bool binary;
		int error;
	} rows[] = {
		{ { .key = "\xff", .key_len = 1 }, false, APPMSG_EILSEQ },
		{ { .key = "a\xed\xa0\x80", .key_len = 4 }, false,
		    APPMSG_EILSEQ },
		{ { .key = "0123456789abcdef\xc3", .key_len = 17 }, false,
		    APPMSG_EILSEQ },
		{ { .table = "\xc0\x80", .table_len = 2 }, false,
		    APPMSG_EILSEQ },
		{ { .after = "\x80", .after_len = 1 }, false, APPMSG_EILSEQ },
		{ { .limit = 1001 }, false, APPMSG_EINVAL },
		{ { .distance = 3 }, false, APPMSG_EINVAL },
		{ { .suggest = 6 }, false, APPMSG_EINVAL },
		{ { .way = 9 }, false, APPMSG_EINVAL },
		{ { .order = 3 }, false, APPMSG_EINVAL },
		{ { .key_len = 1 }, false, APPMSG_EINVAL },
		{ { .key = "a", .key_len = SIZE_MAX }, false, APPMSG_ENOMEM },
		{ { .key = "a", .key_len = SIZE_MAX }, true, APPMSG_ENOMEM },
		{ { .table = "a" }, true, APPMSG_EINVAL },
		{ { .suggest = 1 }, true, APPMSG_EINVAL },
		{ { .limit = 1 }, true, APPMSG_EINVAL },
		{ { .order = APPMSG_ORDER_KEY }, true, APPMSG_EINVAL },
	};
	struct appmsg_session *session = asking_new(true);
	struct appmsg_header hdr = { .id = { .kind = APPMSG_ID_STRING,
	    .str = APPMSG_STR("\"") } };
	const char *data;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct appmsg_query query = rows[i].query;

		query.size = sizeof(query);
		assert_int_equal(rows[i].binary ?
		    appmsg_session_binary(session, &query, NULL) :
		    appmsg_session_search(session, &query, NULL),
		    rows[i].error);
	}
	assert_int_equal(appmsg_session_raw(session, &hdr, NULL, 0, NULL),
	    APPMSG_EINVAL);
	hdr = (struct appmsg_header){ .extra = NULL, .extra_len = 65536 };
	hdr.extra = calloc(1, hdr.extra_len);
	assert_int_equal(appmsg_session_raw(session, &hdr, NULL, 0, NULL),
	    APPMSG_E2BIG);
	free((void *)(uintptr_t)hdr.extra);
	assert_int_equal(appmsg_session_out(session, &data), 0);
	assert_int_equal(appmsg_session_unanswered(session), 0);
	appmsg_session_free(session);
}

/* A query of a program that was compiled with another version. */
static void
structs_of_other_sizes_are_understood(void **state)
{
	struct {
		struct appmsg_query query;
		char later[16];
	} newer = { .query = { .key = "ring", .key_len = 4 } };
	struct appmsg_session_options options;
	struct appmsg_session *session = asking_new(true);
	struct appmsg_query older;
	struct appmsg_header hdr;
	const char *content;
	size_t len;

	(void)state;
	newer.query.size = sizeof(newer);
	assert_int_equal(appmsg_session_search(session, &newer.query, NULL),
	    0);
	take_one(session, &hdr, &content, &len);
	newer.later[15] = 1;
	assert_int_equal(appmsg_session_search(session, &newer.query, NULL),
	    APPMSG_EINVAL);
	memset(&older, 0xff, sizeof(older));
	older.size = offsetof(struct appmsg_query, table);
	older.key = "ring";
	older.key_len = 4;
	assert_int_equal(appmsg_session_search(session, &older, NULL), 0);
	take_one(session, &hdr, &content, &len);
	assert_memory_equal(content, "{\"action\": \"search\", "
	    "\"value\": \"ring\"}", len);
	/* As it was before it had an order. */
	appmsg_query_init(&older, "ring", 4);
	older.order = APPMSG_ORDER_WEIGHT;
	older.size = offsetof(struct appmsg_query, unused);
	older.size += sizeof(void *) - older.size % sizeof(void *);
	assert_true(older.size <= offsetof(struct appmsg_query, order));
	assert_int_equal(appmsg_session_search(session, &older, NULL), 0);
	take_one(session, &hdr, &content, &len);
	assert_memory_equal(content, "{\"action\": \"search\", "
	    "\"value\": \"ring\"}", len);
	older.size = 0;
	assert_int_equal(appmsg_session_search(session, &older, NULL),
	    APPMSG_EINVAL);
	appmsg_session_free(session);
	options = (struct appmsg_session_options){ .size = 0 };
	assert_int_equal(appmsg_session_new(&session, &options),
	    APPMSG_EINVAL);
	options.size = sizeof(options.size);
	assert_int_equal(appmsg_session_new(&session, &options), 0);
	appmsg_session_free(session);
}

static void
one_request_is_sent_before_the_server_keeps(void **state)
{
	struct appmsg_session *session = asking_new(false);
	const char *data;

	(void)state;
	asking_search(session, "a", false, false, "1");
	asking_search(session, "b", false, false, "2");
	asking_search(session, "c", false, false, "3");
	assert_int_equal(asking_take(session), 1);
	asking_reply(session, FOUND, "{\"result\": \"A\"}");
	asking_expect(session, "1", "A");
	assert_int_equal(asking_take(session), 2);
	asking_reply(session, FOUND, "{\"result\": \"B\"}");
	asking_expect(session, "2", "B");
	asking_search(session, "d", false, false, "4");
	assert_int_equal(asking_take(session), 1);
	/* It closes: the rest is to be asked again. */
	asking_reply(session, ", \"connection\": \"close\"",
	    "{\"result\": \"C\"}");
	asking_expect(session, "3", "C");
	assert_true(appmsg_session_is_over(session));
	asking_search(session, "e", false, false, "5");
	assert_int_equal(appmsg_session_out(session, &data), 0);
	assert_int_equal(appmsg_session_unanswered(session), 2);
	appmsg_session_restart(session);
	assert_int_equal(asking_take(session), 1);
	asking_reply(session, FOUND, "{\"result\": \"D\"}");
	asking_expect(session, "4", "D");
	assert_int_equal(asking_take(session), 1);
	appmsg_session_free(session);
}

static void
nothing_is_sent_behind_what_closes(void **state)
{
	struct appmsg_session *session = asking_new(true);

	(void)state;
	asking_search(session, "a", false, false, "1");
	asking_search(session, "b", false, true, "2");
	asking_search(session, "c", false, false, "3");
	asking_search(session, "b", false, true, "4");
	asking_search(session, "d", false, false, "5");
	assert_int_equal(asking_take(session), 2);
	asking_reply(session, FOUND, "{\"result\": \"A\"}");
	asking_expect(session, "1", "A");
	assert_int_equal(asking_take(session), 0);
	/* It stays nevertheless: then so far as the next. */
	asking_reply(session, FOUND, "{\"result\": \"B\"}");
	asking_expect(session, "2", "B");
	assert_int_equal(asking_take(session), 2);
	asking_reply(session, FOUND, "{\"result\": \"C\"}");
	asking_expect(session, "3", "C");
	appmsg_session_eof(session);
	assert_int_equal(asking_take(session), 0);
	appmsg_session_free(session);
}

/* However few the socket takes. */
static void
bytes_are_sent_in_any_pieces(void **state)
{
	static char whole[16000], pieces[16000];
	struct appmsg_session *session = asking_new(true);
	const char *data;
	size_t len, n = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		asking_search(session, "a key", true, false, NULL);
	len = appmsg_session_out(session, &data);
	assert_true(len < sizeof(whole));
	memcpy(whole, data, len);
	for (size_t step = 1; n < len; step = step * 5 % 17) {
		size_t left = appmsg_session_out(session, &data);

		assert_int_equal(left, len - n);
		if (step > left)
			step = left;
		memcpy(pieces + n, data, step);
		appmsg_session_sent(session, step);
		n += step;
		/* More comes meanwhile, and the buffer moves. */
		if (n < 200) {
			asking_search(session, "another", true, false, NULL);
			len = n + appmsg_session_out(session, &data);
			assert_true(len < sizeof(whole));
			memcpy(whole + n, data, len - n);
		}
	}
	assert_memory_equal(whole, pieces, len);
	/* More than there was cannot have been sent. */
	appmsg_session_sent(session, 1000);
	asking_search(session, "a key", false, false, NULL);
	assert_int_equal(asking_take(session), 1);
	appmsg_session_free(session);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches_are_spelled_as_the_protocol_has_them),
		cmocka_unit_test(headers_have_what_is_wanted),
		cmocka_unit_test(bytes_and_whole_messages_are_sent_as_they_are),
		cmocka_unit_test(wrong_queries_change_nothing),
		cmocka_unit_test(structs_of_other_sizes_are_understood),
		cmocka_unit_test(one_request_is_sent_before_the_server_keeps),
		cmocka_unit_test(nothing_is_sent_behind_what_closes),
		cmocka_unit_test(bytes_are_sent_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
