/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Whose replies those are that a session of the library reads, and what is left
 * when a connection ends.
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
#include "lib/core/session.h"

#define ID(n) KEPT ", \"id\": 10000000" n ", \"status\": \"found\""

static void
replies_belong_to_requests_in_order(void **state)
{
	struct appmsg_session *session = asking_new(true);
	const struct appmsg_reply *reply;
	char tags[300];

	(void)state;
	/* Around the ring more than once. */
	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < sizeof(tags); i++)
			asking_search(session, "a", false, false, &tags[i]);
		assert_int_equal(asking_take(session), sizeof(tags));
		for (size_t i = 0; i < sizeof(tags); i++) {
			asking_reply(session, FOUND, "{\"result\": \"A\"}");
			asking_expect(session, &tags[i], "A");
			assert_int_equal(appmsg_session_unanswered(session),
			    sizeof(tags) - i - 1);
		}
		assert_int_equal(appmsg_session_reply(session, &reply),
		    APPMSG_EAGAIN);
	}
	appmsg_session_free(session);
}

static void
ids_say_whose_a_reply_is(void **state)
{
	struct appmsg_session *session = asking_new(true);
	const struct appmsg_reply *reply;

	(void)state;
	asking_search(session, "a", true, false, "0");
	asking_search(session, "b", true, false, "1");
	asking_search(session, "c", false, false, "2");
	asking_search(session, "d", true, false, "3");
	asking_take(session);
	asking_reply(session, ID("03"), "{\"result\": \"D\"}");
	asking_reply(session, ID("01"), "{\"result\": \"B\"}");
	reply = asking_expect(session, "3", "D");
	assert_int_equal(appmsg_reply_id(reply).kind, APPMSG_ID_INT);
	assert_int_equal(appmsg_reply_id(reply).num, 1000000003);
	asking_expect(session, "1", "B");
	assert_int_equal(appmsg_session_unanswered(session), 2);
	/* Without one, it is the oldest one's. */
	asking_reply(session, FOUND, "{\"result\": \"A\"}");
	asking_expect(session, "0", "A");
	asking_reply(session, FOUND, "{\"result\": \"C\"}");
	asking_expect(session, "2", "C");
	assert_int_equal(appmsg_session_unanswered(session), 0);
	/* Numbers go on. */
	asking_search(session, "e", true, false, "4");
	asking_take(session);
	asking_reply(session, ID("04"), "{\"result\": \"E\"}");
	asking_expect(session, "4", "E");
	appmsg_session_free(session);
}

static void
ids_of_the_caller_are_known(void **state)
{
	static const char *const ids[] = { "7", "\"\\u0061b\"", "-3", "\"x\"" };
	struct appmsg_session *session = asking_new(true);
	struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("keep-alive")
	};
	const struct appmsg_reply *reply;
	char tags[4], members[100];

	(void)state;
	hdr.id.kind = APPMSG_ID_INT;
	hdr.id.num = 7;
	assert_int_equal(appmsg_session_raw(session, &hdr, "{}", 2, &tags[0]),
	    0);
	hdr.id.num = -3;
	assert_int_equal(appmsg_session_raw(session, &hdr, "{}", 2, &tags[2]),
	    0);
	hdr.id.kind = APPMSG_ID_STRING;
	hdr.id.str = (struct appmsg_str)APPMSG_STR("ab");
	assert_int_equal(appmsg_session_raw(session, &hdr, "{}", 2, &tags[1]),
	    0);
	hdr.id.str = (struct appmsg_str)APPMSG_STR("x");
	assert_int_equal(appmsg_session_raw(session, &hdr, "{}", 2, &tags[3]),
	    0);
	asking_take(session);
	for (size_t i = 4; i-- > 0;) {
		snprintf(members, sizeof(members), KEPT ", \"id\": %s", ids[i]);
		asking_reply(session, members, "{\"result\": \"\"}");
		asking_expect(session, &tags[i], "");
	}
	/* Who asked for no id does not look at any. */
	asking_search(session, "a", false, false, "a");
	asking_take(session);
	asking_reply(session, KEPT ", \"id\": 7", "{\"result\": \"\"}");
	asking_expect(session, "a", "");
	/* One that was answered is not there any more. */
	asking_search(session, "a", true, false, NULL);
	asking_take(session);
	asking_reply(session, KEPT ", \"id\": 7", "{\"result\": \"\"}");
	assert_int_equal(appmsg_session_reply(session, &reply), APPMSG_EPROTO);
	assert_true(appmsg_session_is_over(session));
	appmsg_session_free(session);
}

static void
what_nobody_asked_for_is_refused(void **state)
{
	static const char *const wrong[] = {
		FOUND,				/* nothing was sent */
		KEPT ", \"id\": 1000000001",	/* of one that is not sent */
		KEPT ", \"id\": 1000000009", KEPT ", \"id\": \"x\"",
	};
	const struct appmsg_reply *reply;
	struct appmsg_session *session;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		session = asking_new(false);
		asking_search(session, "a", true, false, "0");
		asking_search(session, "b", true, false, "1");
		if (i > 0)
			assert_int_equal(asking_take(session), 1);
		asking_reply(session, wrong[i], "{\"result\": \"\"}");
		assert_int_equal(appmsg_session_reply(session, &reply),
		    APPMSG_EPROTO);
		assert_int_equal(appmsg_session_reply(session, &reply),
		    APPMSG_EPROTO);
		assert_int_equal(appmsg_session_unanswered(session), 2);
		appmsg_session_free(session);
	}
	/* Nothing was asked at all. */
	session = asking_new(true);
	asking_reply(session, FOUND, "{\"result\": \"\"}");
	assert_int_equal(appmsg_session_reply(session, &reply), APPMSG_EPROTO);
	appmsg_session_free(session);
}

static void
a_server_may_turn_us_away(void **state)
{
	static const char busy[] = ", \"connection\": \"close\", "
	    "\"status\": \"busy\"";
	struct appmsg_session *session = asking_new(false);
	const struct appmsg_reply *reply;

	(void)state;
	asking_reply(session, busy, "{\"result\": \"Error: busy.\"}");
	assert_int_equal(appmsg_session_reply(session, &reply), 0);
	assert_false(appmsg_reply_is_asked(reply));
	assert_false(appmsg_reply_is_kept(reply));
	assert_null(appmsg_reply_tag(reply));
	assert_int_equal(appmsg_reply_status(reply), APPMSG_STATUS_BUSY);
	assert_int_equal(appmsg_session_reply(session, &reply), APPMSG_EOF);
	/* Without a status, it can only be told as an error. */
	appmsg_session_restart(session);
	asking_reply(session, "", "{\"result\": \"Error: this port speaks "
	    "TLS.\"}");
	assert_int_equal(appmsg_session_reply(session, &reply), 0);
	assert_int_equal(appmsg_reply_status(reply), APPMSG_STATUS_ERROR);
	appmsg_session_restart(session);
	asking_reply(session, "", "{\"result\": \"A\"}");
	assert_int_equal(appmsg_session_reply(session, &reply), 0);
	assert_int_equal(appmsg_reply_status(reply), APPMSG_STATUS_NONE);
	/* What was asked has it, even before it was sent. */
	appmsg_session_restart(session);
	asking_search(session, "a", false, false, "1");
	asking_search(session, "b", false, false, "2");
	asking_reply(session, busy, "{\"result\": \"Error: busy.\"}");
	asking_expect(session, "1", "Error: busy.");
	assert_int_equal(appmsg_session_unanswered(session), 1);
	appmsg_session_restart(session);
	assert_int_equal(asking_take(session), 1);
	asking_reply(session, FOUND, "{\"result\": \"B\"}");
	asking_expect(session, "2", "B");
	appmsg_session_free(session);
}

static void
the_end_is_told_behind_the_last_reply(void **state)
{
	struct appmsg_session *session = asking_new(true);
	const struct appmsg_reply *reply;

	(void)state;
	asking_search(session, "a", false, false, "1");
	asking_search(session, "b", false, false, "2");
	asking_take(session);
	asking_reply(session, FOUND, "{\"result\": \"A\"}");
	assert_int_equal(appmsg_session_feed(session, "\0", 1), 0);
	appmsg_session_eof(session);
	assert_false(appmsg_session_is_over(session));
	asking_expect(session, "1", "A");
	assert_int_equal(appmsg_session_unread(session), 1);
	assert_int_equal(appmsg_session_reply(session, &reply), APPMSG_EOF);
	assert_true(appmsg_session_is_over(session));
	assert_int_equal(appmsg_session_unread(session), 1);
	assert_int_equal(appmsg_session_unanswered(session), 1);
	appmsg_session_restart(session);
	assert_int_equal(appmsg_session_unread(session), 0);
	/* Behind a reply that closes nothing counts. */
	asking_take(session);
	asking_reply(session, "", "{\"result\": \"B\"}");
	asking_reply(session, FOUND, "{\"result\": \"C\"}");
	asking_search(session, "c", false, false, "3");
	asking_expect(session, "2", "B");
	assert_int_equal(appmsg_session_reply(session, &reply), APPMSG_EOF);
	assert_int_equal(appmsg_session_unanswered(session), 1);
	appmsg_session_free(session);
}

static void
what_is_unanswered_is_asked_again_or_elsewhere(void **state)
{
	struct appmsg_session *from = asking_new(true), *to = asking_new(true);
	struct appmsg_request request;
	const char *data;
	size_t len;

	(void)state;
	asking_search(to, "x", true, false, "x");
	for (size_t i = 0; i < 5; i++)
		asking_search(from, "key", true, false,
			    (char *)(uintptr_t)(i + 1));
	len = appmsg_session_out(from, &data) / 5;
	/* Two and a half were sent, the second is answered. */
	appmsg_session_sent(from, 2 * len + len / 2);
	asking_reply(from, ID("01"), "{\"result\": \"B\"}");
	asking_expect(from, (char *)2, "B");
	assert_int_equal(appmsg_session_unanswered(from), 4);
	assert_int_equal(appmsg_session_unanswered_get(from, 1, &request), 0);
	assert_ptr_equal(request.tag, (char *)3);
	assert_int_equal(request.len, len);
	assert_false(request.sent);
	assert_int_equal(appmsg_session_unanswered_get(from, 0, &request), 0);
	assert_true(request.sent);
	assert_int_equal(appmsg_session_unanswered_get(from, 4, &request),
	    APPMSG_ENOENT);
	/* On another connection, with other ids. */
	appmsg_session_restart(from);
	assert_int_equal(appmsg_session_unanswered(from), 4);
	assert_int_equal(asking_take(from), 4);
	asking_reply(from, ID("03"), "{\"result\": \"E\"}");
	asking_expect(from, (char *)5, "E");
	/* And of another server. */
	assert_int_equal(appmsg_session_move(to, to), APPMSG_EINVAL);
	assert_int_equal(appmsg_session_move(to, from), 0);
	assert_int_equal(appmsg_session_unanswered(from), 0);
	assert_true(appmsg_session_is_over(from));
	assert_int_equal(appmsg_session_unanswered(to), 4);
	assert_int_equal(asking_take(to), 4);
	asking_reply(to, ID("03"), "{\"result\": \"D\"}");
	asking_reply(to, ID("00"), "{\"result\": \"X\"}");
	asking_reply(to, ID("01"), "{\"result\": \"A\"}");
	asking_reply(to, ID("02"), "{\"result\": \"C\"}");
	asking_expect(to, (char *)4, "D");
	asking_expect(to, "x", "X");
	asking_expect(to, (char *)1, "A");
	asking_expect(to, (char *)3, "C");
	appmsg_session_free(from);
	appmsg_session_free(to);
}

/* As a list of servers does where another one may know more. */
static void
what_is_answered_may_be_asked_once_more(void **state)
{
	struct appmsg_session *from = asking_new(true), *to = asking_new(true);
	const struct appmsg_reply *reply;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		asking_search(from, "key", true, false,
		    (char *)(uintptr_t)(i + 1));
	asking_take(from);
	asking_reply(from, ID("01"), "{\"result\": \"busy\"}");
	reply = asking_expect(from, (char *)2, "busy");
	assert_true(core_session_in_flight(from));
	assert_int_equal(core_session_copy(to, from), 0);
	assert_int_equal(appmsg_session_unanswered(to), 3);
	assert_false(core_session_in_flight(to));
	assert_int_equal(asking_take(to), 3);
	/* What was answered is the first one there, with an id of its own. */
	asking_reply(to, ID("00"), "{\"result\": \"B\"}");
	asking_reply(to, ID("01"), "{\"result\": \"A\"}");
	asking_expect(to, (char *)2, "B");
	asking_expect(to, (char *)1, "A");
	/* Here, all is as it was. */
	assert_ptr_equal(appmsg_reply_tag(reply), (char *)2);
	assert_int_equal(appmsg_session_unanswered(from), 2);
	asking_reply(from, ID("02"), "{\"result\": \"C\"}");
	asking_expect(from, (char *)3, "C");
	appmsg_session_free(from);
	appmsg_session_free(to);
}

static void
what_is_forgotten_is_not_answered(void **state)
{
	struct appmsg_session *session = asking_new(true);
	const struct appmsg_reply *reply;

	(void)state;
	asking_search(session, "a", false, false, "1");
	appmsg_session_forget(session);
	assert_false(appmsg_session_is_over(session));
	asking_search(session, "b", true, false, "2");
	assert_int_equal(asking_take(session), 1);
	asking_reply(session, ID("01"), "{\"result\": \"B\"}");
	asking_expect(session, "2", "B");
	asking_search(session, "c", false, false, "3");
	asking_take(session);
	appmsg_session_forget(session);
	asking_reply(session, FOUND, "{\"result\": \"C\"}");
	assert_int_equal(appmsg_session_reply(session, &reply), APPMSG_EOF);
	appmsg_session_restart(session);
	asking_search(session, "d", false, false, "4");
	assert_int_equal(asking_take(session), 1);
	asking_reply(session, FOUND, "{\"result\": \"D\"}");
	asking_expect(session, "4", "D");
	appmsg_session_free(session);
}

/* Random questions, pieces and orders; each is answered once, by its own. */
static void
no_reply_is_lost_in_any_order(void **state)
{
	struct appmsg_session *session = asking_new(true);
	struct appmsg_session *other = asking_new(true), *swap;
	uint32_t random = 1;
	char answered[2000] = { 0 };
	size_t asked = 0, n_answered = 0, n;

	(void)state;
	while (n_answered < sizeof(answered)) {
		struct appmsg_request request;
		struct appmsg_header hdr;
		char members[200], text[20];
		const char *key;
		size_t used;

		random = random * 1664525 + 1013904223;
		n = asked < sizeof(answered) ? random >> 28 : 0;
		for (; n > 0 && asked < sizeof(answered); n--, asked++) {
			snprintf(text, sizeof(text), "%zu", asked);
			asking_search(session, text, true, false,
			    &answered[asked]);
		}
		if ((random >> 20) % 16 == 0) {
			assert_int_equal(appmsg_session_move(other, session),
			    0);
			swap = session;
			session = other;
			other = swap;
			appmsg_session_restart(other);
		} else if ((random >> 20) % 16 == 1) {
			appmsg_session_restart(session);
		}
		asking_take(session);
		n = appmsg_session_unanswered(session);
		if (n == 0)
			continue;
		assert_int_equal(appmsg_session_unanswered_get(session,
		    (random >> 8) % n, &request), 0);
		assert_int_equal(appmsg_header_decode(request.message,
		    request.len, &hdr, &used), 0);
		key = request.message + used + 31;
		snprintf(text, sizeof(text), "%td",
		    (char *)request.tag - answered);
		assert_memory_equal(key, text, strlen(text));
		snprintf(members, sizeof(members), KEPT ", \"id\": %lld",
		    (long long)hdr.id.num);
		asking_reply(session, members, "{\"result\": \"yes\"}");
		asking_expect(session, request.tag, "yes");
		assert_int_equal(*(char *)request.tag, 0);
		*(char *)request.tag = 1;
		n_answered++;
	}
	assert_int_equal(appmsg_session_unanswered(session), 0);
	appmsg_session_free(session);
	appmsg_session_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_belong_to_requests_in_order),
		cmocka_unit_test(ids_say_whose_a_reply_is),
		cmocka_unit_test(ids_of_the_caller_are_known),
		cmocka_unit_test(what_nobody_asked_for_is_refused),
		cmocka_unit_test(a_server_may_turn_us_away),
		cmocka_unit_test(the_end_is_told_behind_the_last_reply),
		cmocka_unit_test(
		    what_is_unanswered_is_asked_again_or_elsewhere),
		cmocka_unit_test(what_is_answered_may_be_asked_once_more),
		cmocka_unit_test(what_is_forgotten_is_not_answered),
		cmocka_unit_test(no_reply_is_lost_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
