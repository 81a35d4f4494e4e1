/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What sessions wait for beside their peers' bytes: room in the output, work
 * that takes long; and what ends them meanwhile.
 */

#include "config.h"

#include "one.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <event2/event.h>

#include <cmocka.h>

#include "daemon/snapshot/generation.h"

static void
ask_many(void)
{
	for (int i = 0; i < 60; i++)
		one_ask(KEEP, SEARCH);
}

static void
who_does_not_take_is_not_read(void **state)
{
	(void)state;
	one_learn(ask_many);
	one_limits.output = 1000;
	ask_many();
	fake.takes = 0;
	one_start();
	assert_int_equal(one()->state, SESSION_FULL);
	assert_false(one()->link.reading);
	assert_true(link_unsent(&one()->link) < 2000);
	fake.takes = SIZE_MAX;
	while (fake.got.len < one_whole.len) {
		assert_true(link_unsent(&one()->link) > 0);
		fake_take(&one()->link, 1);
		one_run();
		if (one()->state == SESSION_FULL)
			assert_true(link_unsent(&one()->link) > 500);
	}
	one_expect();
	assert_int_equal(one()->state, SESSION_READ);
}

/* Its answers to what is no message must be taken, too. */
static void
what_a_transport_sends_has_its_deadline(void **state)
{
	(void)state;
	one_ask(KEEP, SEARCH);
	one_start();
	assert_int_equal(one()->out.kind, DEADLINE_NONE);
	fake.takes = 0;
	assert_int_equal(link_queue_made(&one()->link, "x", 1), 0);
	one_host.owner.readable_cb(FAKE_FD, EV_READ, &one()->link);
	assert_int_equal(one()->out.kind, DEADLINE_WRITE);
}

static void
ask_work(void)
{
	one_ask(KEEP, SEARCH);
	one_ask(KEEP, FIND("prefix", "ring"));
	one_ask(KEEP, SEARCH);
}

static void
ask_four(void)
{
	one_ask(KEEP, SEARCH);
	ask_work();
}

/* Its reply comes, in its place, though the output is over its cap. */
static void
work_goes_on_where_the_output_is_full(void **state)
{
	(void)state;
	one_learn(ask_four);
	for (int64_t output = 1; output < (int64_t)one_whole.len; output += 37) {
		one_limits.output = output;
		one_ask(KEEP, SEARCH);
		fake.takes = 0;
		one_start();
		ask_work();
		one_host.at_once_ns = 0;
		one_run();
		fake.takes = SIZE_MAX;
		while (fake.got.len < one_whole.len) {
			one_host.at_once_ns = 0;
			assert_true(link_unsent(&one()->link) > 0);
			fake_take(&one()->link, 10);
			one_run();
		}
		one_expect();
		assert_true(session_is_idle(one()));
		one_again();
	}
}

/* A session that owes, and whose output is full. */
static void
start_full_at_work(void)
{
	one_limits.output = 300;
	one_ask(KEEP, SEARCH);
	fake.takes = 0;
	one_start();
	ask_work();
	one_host.at_once_ns = 0;
	one_host.owner.readable_cb(FAKE_FD, EV_READ, &one()->link);
	assert_int_equal(one()->state, SESSION_FULL);
	assert_int_equal(one()->queue, QUEUE_WORK);
}

static void
what_is_behind_work_waits(void **state)
{
	size_t left;

	(void)state;
	one_learn(ask_four);
	/* For the work, though there is room; */
	start_full_at_work();
	left = one()->link.left;
	assert_true(left > 0);
	fake.takes = SIZE_MAX;
	fake_take(&one()->link, SIZE_MAX);
	assert_int_equal(one()->state, SESSION_READ);
	assert_int_equal(one()->queue, QUEUE_WORK);
	assert_int_equal(one()->link.left, left);
	one_run();
	one_expect();
	one_again();
	/* and for room, though the work is done. */
	start_full_at_work();
	one_run();
	assert_int_equal(one()->state, SESSION_FULL);
	assert_int_equal(one()->queue, QUEUE_NONE);
	assert_int_equal(one()->link.left, left);
	fake.takes = SIZE_MAX;
	fake_take(&one()->link, SIZE_MAX);
	one_run();
	one_expect();
}

/* Begin with a search that is worked at later, and have no turn of that. */
static void
start_owing(void)
{
	one_ask(KEEP, FIND("prefix", "ring"));
	one_ask(KEEP, SEARCH);
	one_host.at_once_ns = 0;
	assert_int_equal(session_start(&one_host, FAKE_FD, &one_door, NULL), 0);
	assert_int_equal(one()->queue, QUEUE_WORK);
	assert_true(session_owes(one()));
	assert_false(session_is_idle(one()));
	assert_int_equal(one()->link.left, 0);
	assert_true(one()->held > 0);
}

/* What comes then. */
static void
ask_what_is_behind(void)
{
	one_ask(KEEP, FIND("prefix", "ringl"));
	one_ask(KEEP ", \"id\": 1", "{\"action\": \"search\", \"value\": "
	    "\"long\"}");
	one_ask(KEEP, SEARCH);
}

static void
ask_behind(void)
{
	one_ask(KEEP, FIND("prefix", "ring"));
	one_ask(KEEP, SEARCH);
	ask_what_is_behind();
}

static void
what_comes_behind_work_is_answered_meanwhile(void **state)
{
	(void)state;
	one_learn(ask_behind);
	start_owing();
	one_ask(KEEP, FIND("prefix", "ringl"));
	one_read();
	one_ask(KEEP ", \"id\": 1", "{\"action\": \"search\", \"value\": "
	    "\"long\"}");
	one_ask(KEEP, SEARCH);
	one_read();
	/* All of that is done, and waits for the first. */
	assert_int_equal(one()->link.left, 0);
	assert_true(one()->link.reading);
	assert_int_equal(one()->queue, QUEUE_WORK);
	assert_int_equal(fake.writes, 0);
	fake.takes = 1000;
	one_run();
	fake.takes = SIZE_MAX;
	while (fake.got.len < one_whole.len)
		fake_take(&one()->link, 12345);
	one_expect();
	assert_true(session_is_idle(one()));
}

/* A text that is lent ends a turn, and others wait behind it. */
static void
half_a_message_holds_up_no_reply(void **state)
{
	(void)state;
	one_learn(ask_behind);
	start_owing();
	ask_what_is_behind();
	one_ask(KEEP, SEARCH);
	fake.sends.len--;
	one_read();
	one_run();
	one_expect();
	assert_false(session_owes(one()));
	assert_int_equal(one()->stream.state, STREAM_CONTENT);
}

static void
what_is_owed_counts_as_output(void **state)
{
	(void)state;
	one_limits.output = 12000;
	one_limits.pipeline = 25;
	fake.takes = 0;
	for (int i = 0; i < 25; i++)
		one_ask(KEEP, SEARCH);
	one_start();
	assert_int_equal(one()->state, SESSION_READ);
	one_ask(KEEP, FIND("prefix", "ring"));
	for (int i = 0; i < 25; i++)
		one_ask(KEEP, SEARCH);
	one_host.at_once_ns = 0;
	one_read();
	assert_true(stream_bytes(&one()->stream) < 12000);
	assert_int_equal(one()->state, SESSION_FULL);
	/* The turn was not over, but work goes first now. */
	assert_true(one()->link.left > 0);
	assert_int_equal(one()->queue, QUEUE_WORK);
}

static void
a_text_that_was_owed_stays_with_its_generation(void **state)
{
	struct generation *next;

	(void)state;
	one_learn(ask_behind);
	assert_non_null(next = generation_again(one_gen));
	next->number = 2;
	start_owing();
	ask_what_is_behind();
	one_read();
	one_host.gen = next;
	fake.takes = 1000;
	one_run();
	/* The test's, the next one's, and what is unsent. */
	assert_int_equal(one_gen->refs, 3);
	assert_int_equal(next->refs, 1);
	/* One before the last that serves keeps nothing. */
	session_use_generation(&one_host, 3);
	assert_int_equal(one_gen->refs, 2);
	fake.takes = SIZE_MAX;
	while (fake.got.len < one_whole.len)
		fake_take(&one()->link, 12345);
	one_expect();
	generation_unref(next);
}

static void
the_end_waits_for_what_is_owed(void **state)
{
	(void)state;
	/* The end of input, */
	start_owing();
	fake.ends = true;
	one_read();
	assert_int_equal(one_gone, 0);
	assert_false(one()->link.reading);
	one_run();
	assert_int_equal(one_gone, 1);
	assert_int_equal(fake.writes, 1);
	one_again();
	/* or half a message before it; */
	start_owing();
	one_ask(KEEP, SEARCH);
	fake.sends.len--;
	one_read();
	fake.ends = true;
	one_read();
	assert_int_equal(one_gone, 0);
	one_run();
	assert_int_equal(one_gone, 1);
	buf_add(&fake.got, "", 1);
	assert_non_null(memmem(fake.got.data, fake.got.len,
	    "the message is incomplete", 25));
	one_again();
	/* a closing reply; */
	start_owing();
	one_ask(CLOSE, SEARCH);
	one_ask(CLOSE, SEARCH);
	one_read();
	assert_int_equal(one_gone, 0);
	one_run();
	assert_int_equal(fake.lasts, 1);
	assert_int_equal(one()->state, SESSION_LINGER);
	one_again();
	/* the deadlines. */
	start_owing();
	assert_int_equal(one()->in.kind, DEADLINE_IDLE);
	one_pass(&one()->in);
	assert_int_equal(one_gone, 0);
	one_ask(KEEP, SEARCH);
	fake.sends.len--;
	one_read();
	assert_int_equal(one()->in.kind, DEADLINE_MESSAGE);
	one_pass(&one()->in);
	assert_int_equal(one_gone, 0);
	one_run();
	assert_int_equal(one()->state, SESSION_LINGER);
	assert_non_null(memmem(fake.got.data, fake.got.len,
	    "did not come in time", 20));
}

static void
work_ends_with_its_peer(void **state)
{
	(void)state;
	ask_work();
	one_host.at_once_ns = 0;
	/* All three are taken, however slow the machine is. */
	one_host.env.turn_ns = INT64_MAX / 2;
	assert_int_equal(session_start(&one_host, FAKE_FD, &one_door, NULL), 0);
	assert_int_equal(one()->queue, QUEUE_WORK);
	assert_true(session_owes(one()));
	assert_false(session_is_idle(one()));
	fake.is_gone = true;
	one_run();
	assert_int_equal(one_gone, 1);
}

static void
a_drain_ends_those_that_owe_nothing(void **state)
{
	(void)state;
	/* One that waits; what comes is answered first. */
	one_ask(KEEP, SEARCH);
	one_start();
	one_ask(KEEP, SEARCH);
	session_drain_all(&one_host);
	assert_int_equal(one_gone, 0);
	one_run();
	assert_int_equal(fake.writes, 2);
	assert_int_equal(one_gone, 1);
	one_again();
	one_host.draining = false;
	one_start();
	session_drain_all(&one_host);
	assert_int_equal(one_gone, 1);
	one_again();
	/* One that owes. */
	one_host.draining = false;
	one_ask(KEEP, FIND("prefix", "ring"));
	one_host.at_once_ns = 0;
	assert_int_equal(session_start(&one_host, FAKE_FD, &one_door, NULL), 0);
	session_drain_all(&one_host);
	assert_int_equal(one_gone, 0);
	one_run();
	assert_int_equal(fake.writes, 1);
	assert_int_equal(one_gone, 1);
}

static void
deadlines_end_who_waits_for_nothing(void **state)
{
	(void)state;
	/* Not while replies are kept, or unsent. */
	one_ask(KEEP, SEARCH);
	fake.takes = 10;
	assert_int_equal(session_start(&one_host, FAKE_FD, &one_door, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(one()->in.kind, DEADLINE_IDLE);
		one_pass(&one()->in);
		one_run();
	}
	assert_int_equal(one_gone, 0);
	for (int i = 1; i < DEADLINE_LOOKS; i++)
		one_pass(&one()->out);
	fake.takes = 1;
	fake_take(&one()->link, 1);
	for (int i = 0; i < DEADLINE_LOOKS; i++)
		one_pass(&one()->out);
	assert_int_equal(one_gone, 0);
	fake.takes = SIZE_MAX;
	fake_take(&one()->link, SIZE_MAX);
	assert_int_equal(one()->out.kind, DEADLINE_NONE);
	one_pass(&one()->in);
	assert_int_equal(one_gone, 1);
	one_again();
	/* One that takes nothing at all. */
	one_ask(KEEP, SEARCH);
	fake.takes = 0;
	one_start();
	for (int i = 0; i < DEADLINE_LOOKS; i++)
		one_pass(&one()->out);
	assert_int_equal(one_gone, 1);
	one_again();
	one_ask(KEEP, SEARCH);
	fake.sends.len = 9;
	one_start();
	assert_int_equal(one()->in.kind, DEADLINE_HEADER);
	one_pass(&one()->in);
	buf_add(&fake.got, "", 1);
	assert_non_null(strstr(fake.got.data + 2, "did not come in time"));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, one_setup, one_teardown)
	const struct CMUnitTest tests[] = {
		TEST(who_does_not_take_is_not_read),
		TEST(what_a_transport_sends_has_its_deadline),
		TEST(work_goes_on_where_the_output_is_full),
		TEST(what_is_behind_work_waits),
		TEST(what_comes_behind_work_is_answered_meanwhile),
		TEST(half_a_message_holds_up_no_reply),
		TEST(what_is_owed_counts_as_output),
		TEST(a_text_that_was_owed_stays_with_its_generation),
		TEST(the_end_waits_for_what_is_owed),
		TEST(work_ends_with_its_peer),
		TEST(a_drain_ends_those_that_owe_nothing),
		TEST(deadlines_end_who_waits_for_nothing),
	};

	return cmocka_run_group_tests(tests, one_load, one_unload);
}
