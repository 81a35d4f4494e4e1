/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What memory a session of the library takes, and what becomes of it where
 * there is none.
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

static const char escaped[] = "{\"result\": \"a\\nb\"}";

static struct appmsg_session *
session_of(struct appmsg_alloc *alloc, struct counted *counted)
{
	struct appmsg_session_options options;
	struct appmsg_session *session = NULL;

	*alloc = counted_alloc(counted);
	appmsg_session_options_init(&options);
	options.alloc = alloc;
	options.at_once = true;
	assert_int_equal(appmsg_session_new(&session, &options), 0);
	return session;
}

/* Ask n times, and read as many replies. */
static void
talk(struct appmsg_session *session, size_t n)
{
	for (size_t i = 0; i < n; i++)
		asking_search(session, "a key", i % 2, false, NULL);
	assert_int_equal(asking_take(session), n);
	for (size_t i = 0; i < n; i++)
		asking_reply(session, FOUND, escaped);
	for (size_t i = 0; i < n; i++)
		asking_expect(session, NULL, "a\nb");
}

static void
a_session_in_use_allocates_nothing(void **state)
{
	struct appmsg_alloc alloc;
	struct counted counted;
	struct appmsg_session *session = session_of(&alloc, &counted);
	long calls;

	(void)state;
	assert_int_equal(counted.calls, 1);
	talk(session, 1);
	/* One for each buffer. */
	assert_int_equal(counted.calls, 5);
	talk(session, 100);
	calls = counted.calls;
	for (int i = 0; i < 100; i++) {
		talk(session, 100);
		if (i % 10 == 0)
			appmsg_session_restart(session);
	}
	assert_int_equal(counted.calls, calls);
	appmsg_session_free(session);
	assert_int_equal(counted.live, 0);
}

static void
given_buffers_are_used_until_they_are_full(void **state)
{
	static max_align_t out[256], in[256], asked[128], text[16];
	struct appmsg_alloc alloc;
	struct counted counted;
	struct appmsg_session *session = session_of(&alloc, &counted);
	struct appmsg_query query;
	const char *data;
	size_t room, sent = 0;

	(void)state;
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_OUT, out,
	    sizeof(out)), 0);
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_IN, in,
	    sizeof(in)), 0);
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_ASKED,
	    asked, sizeof(asked)), 0);
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_TEXT,
	    text, sizeof(text)), 0);
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_OUT, out,
	    sizeof(out)), APPMSG_EINVAL);
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_ASKED,
	    out, sizeof(out)), APPMSG_EINVAL);
	assert_int_equal(appmsg_session_give(session, (enum appmsg_buffer)9,
	    out, sizeof(out)), APPMSG_EINVAL);
	for (int i = 0; i < 100; i++)
		talk(session, 7);
	assert_int_equal(counted.calls, 1);
	/* Full, and nobody has more: what was asked stays as it was. */
	counted.allowed = 0;
	appmsg_query_init(&query, "a key", 5);
	while (appmsg_session_search(session, &query, NULL) == 0)
		sent++;
	assert_true(sent >= 10);
	assert_int_equal(appmsg_session_unanswered(session), sent);
	assert_int_equal(asking_take(session), sent);
	while (appmsg_session_feed(session, "{", 1) == 0)
		;
	assert_null(appmsg_session_room(session, 1, &room));
	/* With more they go on, and free nothing of ours. */
	counted.allowed = -1;
	appmsg_session_restart(session);
	assert_int_equal(asking_take(session), sent);
	for (size_t i = 0; i < sent; i++)
		asking_reply(session, FOUND, escaped);
	for (size_t i = 0; i < sent; i++)
		asking_expect(session, NULL, "a\nb");
	talk(session, 200);
	assert_int_equal(appmsg_session_out(session, &data), 0);
	appmsg_session_free(session);
	assert_int_equal(counted.live, 0);
	/* Too small for anything. */
	session = session_of(&alloc, &counted);
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_ASKED,
	    asked, 10), 0);
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_OUT, out,
	    1), 0);
	assert_int_equal(appmsg_session_give(session, APPMSG_BUFFER_IN, in,
	    0), 0);
	talk(session, 3);
	appmsg_session_free(session);
	assert_int_equal(counted.live, 0);
}

/* Ask, again each time until it works; nothing may come twice, or be lost. */
static bool
talk_scarcely(struct appmsg_session *session, struct appmsg_session *other)
{
	struct appmsg_query query;
	const struct appmsg_reply *reply;
	const struct appmsg_header raw = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("keep-alive"),
		.id = { .kind = APPMSG_ID_INT }
	};
	char message[400];
	const char *text;
	size_t len, size;

	appmsg_query_init(&query, "a\"key", 5);
	query.table = "t";
	query.table_len = 1;
	if (appmsg_session_search(session, &query, NULL) != 0 ||
	    appmsg_session_raw(session, &raw, "{}", 2, NULL) != 0)
		return false;
	query.table = NULL;
	if (appmsg_session_binary(session, &query, NULL) != 0)
		return false;
	assert_int_equal(appmsg_session_unanswered(session), 3);
	if (appmsg_session_move(other, session) != 0) {
		assert_int_equal(appmsg_session_unanswered(session), 3);
		return false;
	}
	assert_int_equal(appmsg_session_unanswered(other), 3);
	assert_int_equal(asking_take(other), 3);
	size = asking_put(message, FOUND, escaped, sizeof(escaped) - 1);
	if (appmsg_session_feed(other, message, size) != 0)
		return false;
	assert_int_equal(appmsg_session_reply(other, &reply), 0);
	assert_int_equal(appmsg_reply_status(reply), APPMSG_STATUS_FOUND);
	return appmsg_reply_text(reply, &text, &len) == 0;
}

static void
every_allocation_may_fail(void **state)
{
	long fails = 0;
	bool done = false;

	(void)state;
	for (; !done; fails++) {
		struct appmsg_session_options options;
		struct appmsg_session *session = NULL, *other = NULL;
		struct counted counted;
		struct appmsg_alloc alloc = counted_alloc(&counted);

		appmsg_session_options_init(&options);
		options.alloc = &alloc;
		options.at_once = true;
		counted.allowed = fails;
		done = appmsg_session_new(&session, &options) == 0 &&
		    appmsg_session_new(&other, &options) == 0 &&
		    talk_scarcely(session, other);
		/* Afterwards all works. */
		counted.allowed = -1;
		if (session != NULL && other != NULL) {
			appmsg_session_forget(session);
			appmsg_session_restart(session);
			appmsg_session_forget(other);
			appmsg_session_restart(other);
			assert_true(talk_scarcely(session, other));
		}
		appmsg_session_free(session);
		appmsg_session_free(other);
		assert_int_equal(counted.live, 0);
	}
	assert_true(fails > 7);
	appmsg_session_free(NULL);
}

static void
an_allocator_is_whole(void **state)
{
	struct appmsg_session_options options;
	struct appmsg_session *session;
	struct counted counted;
	struct appmsg_alloc alloc = counted_alloc(&counted);

	(void)state;
	appmsg_session_options_init(&options);
	options.alloc = &alloc;
	alloc.free_cb = NULL;
	assert_int_equal(appmsg_session_new(&session, &options),
	    APPMSG_EINVAL);
	alloc = counted_alloc(&counted);
	alloc.realloc_cb = NULL;
	assert_int_equal(appmsg_session_new(&session, &options),
	    APPMSG_EINVAL);
}

static void
contents_have_a_limit(void **state)
{
	struct appmsg_session_options options;
	struct appmsg_session *session;
	const struct appmsg_reply *reply;

	(void)state;
	appmsg_session_options_init(&options);
	options.max_content = 15;
	assert_int_equal(appmsg_session_new(&session, &options), 0);
	asking_search(session, "a", false, false, NULL);
	asking_search(session, "b", false, false, NULL);
	asking_take(session);
	asking_reply(session, FOUND, "{\"result\": \"A\"}");
	asking_expect(session, NULL, "A");
	asking_take(session);
	asking_reply(session, FOUND, "{\"result\": \"AB\"}");
	assert_int_equal(appmsg_session_reply(session, &reply), APPMSG_E2BIG);
	appmsg_session_free(session);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_in_use_allocates_nothing),
		cmocka_unit_test(given_buffers_are_used_until_they_are_full),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(an_allocator_is_whole),
		cmocka_unit_test(contents_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
