/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sessions that wait for answers of a table that answers later, over a
 * transport that the test is: when they are woken, what they end for, and what
 * becomes of who is asked.
 */

#include "config.h"

#include "one.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include <cmocka.h>

#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"
#include "later.h"

#define LOOK(value)	"{\"action\": \"search\", \"value\": \"" value "\"}"

static struct later_fake later;

static int
load(void **state)
{
	static const struct later far = { .name = "far" };
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	one_gen = generation_load(folder_write_text("appmsgd.conf",
	    "listen 127.0.0.1 0\nanswer ring gold\n"), NULL, &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	if (one_gen == NULL || snapshot_add_later(one_gen->snap, &far, 1) != 0)
		return -1;
	one_gen->number = 1;
	return 0;
}

static int
setup(void **state)
{
	memset(&later, 0, sizeof(later));
	one_setup(state);
	one_host.env.later = &later_fake_ops;
	one_host.env.later_arg = &later;
	return 0;
}

static int
teardown(void **state)
{
	one_teardown(state);
	/* Nobody is asked for who is gone. */
	assert_int_equal(later_waiting(&later), 0);
	return 0;
}

static void
answer(size_t i, const char *text)
{
	later_answer(&later, i, text != NULL ? LOOKUP_FOUND : LOOKUP_MISSED,
	    text);
}

/* The results that the peer got, each with a blank behind it. */
static void
expect(const char *expected)
{
	const char *p = fake.got.data;
	size_t left = fake.got.len, used, len = 0;
	struct appmsg_str result;
	struct appmsg_header h;
	char got[1024] = "";

	while (left > 0) {
		assert_int_equal(appmsg_header_decode(p, left, &h, &used), 0);
		assert_int_equal(appmsg_content_find(p + used,
		    h.content_length, "result", &result), 0);
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%.*s ",
		    (int)result.len, result.raw);
		used += h.content_length;
		p += used;
		left -= used;
	}
	assert_string_equal(got, expected);
}

static void
answers_leave_at_the_end_of_a_wakeup(void **state)
{
	(void)state;
	one_ask(KEEP, LOOK("a"));
	one_ask(KEEP, LOOK("b"));
	one_ask(KEEP, LOOK("ring"));
	one_ask(KEEP, LOOK("c"));
	one_start();
	assert_int_equal(fake.writes, 0);
	assert_true(session_owes(one()));
	assert_true(one()->held > 0);
	assert_true(one()->link.reading);
	answer(1, "B");
	/* Noted, but neither taken up nor sent. */
	assert_int_equal(one()->queue, QUEUE_WOKEN);
	answer(2, "C");
	answer(0, "A");
	assert_int_equal(fake.writes, 0);
	one_run();
	assert_int_equal(fake.writes, 1);
	expect("A B gold C ");
	assert_true(session_is_idle(one()));
	assert_int_equal(one()->held, 0);
}

static void
reading_goes_on_where_nothing_is_left_to_feed(void **state)
{
	(void)state;
	one_ask(KEEP, LOOK("a"));
	one_ask(KEEP, LOOK("b"));
	one_start();
	answer(0, "A");
	/* Each TURN_AGAIN takes it off epoll(7), and the next one back. */
	assert_int_equal(session_turn_collect(one()), TURN_SERVED);
	assert_true(one()->link.reading);
	answer(1, "B");
	assert_int_equal(session_turn_collect(one()), TURN_SERVED);
	one_run();
	expect("A B ");
	assert_true(session_is_idle(one()));
}

static void
what_comes_meanwhile_is_served(void **state)
{
	(void)state;
	one_ask(KEEP, LOOK("a"));
	one_start();
	for (int i = 0; i < 3; i++) {
		one_ask(KEEP, LOOK("ring"));
		one_run();
	}
	one_ask(KEEP, LOOK("b"));
	one_run();
	assert_int_equal(later.n, 2);
	assert_int_equal(fake.writes, 0);
	answer(0, "A");
	/* Between the answer and the wake-up's end. */
	one_ask(KEEP, LOOK("ring"));
	one_host.owner.readable_cb(FAKE_FD, EV_READ, &one()->link);
	one_run();
	expect("A gold gold gold ");
	answer(1, "B");
	one_run();
	expect("A gold gold gold B gold ");
}

static void
who_owes_is_not_ended(void **state)
{
	(void)state;
	/* By the end of input, */
	one_ask(KEEP, LOOK("a"));
	fake.ends = true;
	one_start();
	assert_int_equal(one_gone, 0);
	answer(0, "A");
	one_run();
	expect("A ");
	assert_int_equal(one_gone, 1);
	fake_clear();
	fake_init();
	/* in the middle of a message, */
	one_ask(KEEP, LOOK("a"));
	one_ask(KEEP, LOOK("a"));
	fake.sends.len--;
	fake.ends = true;
	one_start();
	assert_int_equal(one_gone, 1);
	assert_false(one()->link.reading);
	answer(1, "A");
	one_run();
	expect("A Error: the message is incomplete. ");
	assert_int_equal(one_gone, 2);
	fake_clear();
	fake_init();
	/* or by a drain. */
	one_ask(KEEP, LOOK("a"));
	one_start();
	session_drain_all(&one_host);
	one_run();
	assert_int_equal(one_gone, 2);
	answer(2, "A");
	one_run();
	expect("A ");
	assert_int_equal(one_gone, 3);
}

static void
a_closing_reply_waits(void **state)
{
	(void)state;
	one_ask(KEEP, LOOK("a"));
	one_ask(CLOSE, LOOK("ring"));
	one_ask(KEEP, LOOK("b"));
	one_start();
	assert_false(one()->link.reading);
	assert_int_equal(fake.writes, 0);
	answer(0, "A");
	one_run();
	expect("A gold ");
	assert_int_equal(later.n, 1);
	assert_int_equal(fake.lasts, 1);
	assert_true(fake.closed || fake.shut);
}

static void
so_many_are_read(void **state)
{
	(void)state;
	one_limits.pipeline = 2;
	for (int i = 0; i < 4; i++)
		one_ask(KEEP, LOOK("a"));
	one_start();
	assert_int_equal(later.n, 2);
	assert_false(one()->link.reading);
	answer(0, "A");
	one_run();
	assert_int_equal(later.n, 3);
	answer(2, "C");
	answer(1, "B");
	one_run();
	assert_int_equal(later.n, 4);
	assert_true(one()->link.reading);
	answer(3, "D");
	one_run();
	expect("A B C D ");
}

/* Replies that come while others are not taken wait behind those. */
static void
answers_come_where_the_output_is_full(void **state)
{
	(void)state;
	one_limits.output = 100;
	one_ask(KEEP, LOOK("ring"));
	one_ask(KEEP, LOOK("a"));
	fake.takes = 0;
	one_start();
	assert_int_equal(one()->state, SESSION_FULL);
	assert_int_equal(later.n, 0);
	one_limits.output = 10000;
	fake.takes = SIZE_MAX;
	fake_take(&one()->link, SIZE_MAX);
	one_run();
	assert_int_equal(later.n, 1);
	one_limits.output = 1;
	fake.takes = 0;
	answer(0, "A");
	one_run();
	assert_int_equal(one()->state, SESSION_FULL);
	fake.takes = SIZE_MAX;
	fake_take(&one()->link, SIZE_MAX);
	one_run();
	expect("gold A ");
	assert_true(session_is_idle(one()));
}

static void
a_peer_that_is_gone_is_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		one_ask(KEEP, LOOK("a"));
	one_start();
	answer(1, "B");
	fake.read_fails = true;
	one_run();
	assert_int_equal(one_gone, 1);
	assert_int_equal(later_forgotten(&later), 2);
	/* Woken, and gone before the wake-up's end. */
	fake_clear();
	fake_init();
	one_ask(KEEP, LOOK("a"));
	one_start();
	answer(3, "A");
	assert_int_equal(one()->queue, QUEUE_WOKEN);
	one_host.owner.broke_cb(NULL, 0, &one()->link);
	one_run();
	assert_int_equal(one_gone, 2);
}

static void
pass_idle(void)
{
	struct deadline *d = &one()->in;

	assert_int_equal(d->kind, DEADLINE_IDLE);
	deadline_clear(&one_host.deadlines, d);
	one_host.deadlines.expired_cb(d, DEADLINE_IDLE, one_host.deadlines.arg);
}

static void
nobody_waits_for_ever(void **state)
{
	(void)state;
	one_ask(KEEP, LOOK("a"));
	one_ask(KEEP, LOOK("ring"));
	one_start();
	pass_idle();
	assert_int_equal(later_forgotten(&later), 1);
	one_run();
	expect("Error: the table \\\"far\\\" cannot be asked now. gold ");
	answer(0, "late");
	one_run();
	assert_int_equal(one_gone, 0);
	/* Also where nothing is read any more. */
	one_ask(CLOSE, LOOK("a"));
	one_run();
	assert_false(one()->link.reading);
	pass_idle();
	one_run();
	expect("Error: the table \\\"far\\\" cannot be asked now. gold "
	    "Error: the table \\\"far\\\" cannot be asked now. ");
	assert_int_equal(one_gone, 1);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers_leave_at_the_end_of_a_wakeup),
		TEST(reading_goes_on_where_nothing_is_left_to_feed),
		TEST(what_comes_meanwhile_is_served),
		TEST(who_owes_is_not_ended),
		TEST(a_closing_reply_waits),
		TEST(so_many_are_read),
		TEST(answers_come_where_the_output_is_full),
		TEST(a_peer_that_is_gone_is_forgotten),
		TEST(nobody_waits_for_ever),
	};

	return cmocka_run_group_tests(tests, load, one_unload);
}
