/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sessions over a transport that the test is: it gives what it likes, takes
 * what it likes, says "not now", ends and fails.  Whatever it does, the replies
 * are those that it gets when it takes all at once.
 */

#include "config.h"

#include "one.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <event2/event.h>

#include <cmocka.h>

#include "daemon/snapshot/generation.h"

/* Nine messages, of which the last one closes, and a long one between. */
static void
ask_all(void)
{
	one_ask(KEEP, SEARCH);
	one_ask(KEEP ", \"id\": 1", "{\"action\": \"search\", \"value\": "
	    "\"long\"}");
	one_ask(KEEP, FIND("prefix", "ring"));
	talk_add_mixture(&fake.sends);
}

static void
one_read_and_one_write(void **state)
{
	(void)state;
	one_ask(KEEP, SEARCH);
	one_ask(KEEP, SEARCH);
	assert_int_equal(session_start(&one_host, FAKE_FD, &one_door, NULL), 0);
	/* They leave when the wake-up ends. */
	assert_int_equal(one()->queue, QUEUE_KEPT);
	assert_int_equal(fake.writes, 0);
	one_run();
	assert_int_equal(one()->queue, QUEUE_NONE);
	assert_int_equal(fake.reads, 1);
	assert_int_equal(fake.writes, 1);
	assert_int_equal(fake.lasts, 0);
	assert_true(session_is_idle(one()));
	one_ask(CLOSE, SEARCH);
	one_run();
	assert_int_equal(fake.reads, 2);
	assert_int_equal(fake.writes, 2);
	assert_int_equal(fake.lasts, 1);
	assert_true(fake.closed);
	assert_int_equal(one_gone, 1);
}

static void
pieces_of_input_change_nothing(void **state)
{
	(void)state;
	one_learn(ask_all);
	for (size_t piece = 1; piece < 300; piece += piece < 20 ? 1 : 23) {
		ask_all();
		fake.piece = piece;
		one_start();
		one_expect();
		assert_true(fake.closed);
		one_again();
	}
}

/* Whatever is taken at once, and then at a time. */
static void
take_in_pieces(char changes)
{
	one_learn(ask_all);
	for (size_t first = 0; first < one_whole.len; first += first < 1500 ? 61 :
	    9973) {
		size_t step = 1 + first % 4999 * 7;

		ask_all();
		fake.takes = first;
		fake.changes = changes;
		one_start();
		fake.takes = SIZE_MAX;
		while (one_gone == 0 && link_unsent(&one()->link) > 0) {
			fake_take(&one()->link, step);
			one_run();
		}
		for (size_t i = 0; i < fake.got.len; i++)
			fake.got.data[i] = (char)(fake.got.data[i] - changes);
		one_expect();
		assert_true(fake.closed);
		one_again();
	}
}

static void
pieces_of_output_change_nothing(void **state)
{
	(void)state;
	take_in_pieces(0);
}

/* As a transport that enciphers. */
static void
a_transport_may_change_what_is_sent(void **state)
{
	(void)state;
	take_in_pieces(7);
}

static void
ask_long(void)
{
	one_ask(KEEP, "{\"action\": \"search\", \"value\": \"long\"}");
	one_ask(KEEP, SEARCH);
}

/* And do so when there is room for it. */
static void
a_transport_may_change_blocks_later(void **state)
{
	(void)state;
	one_door.link = &fake_late_ops;
	take_in_pieces(7);
}

static void
lent_texts_wait_for_a_transport(void **state)
{
	(void)state;
	one_door.link = &fake_late_ops;
	one_learn(ask_long);
	for (size_t first = 0; first < ONE_LONG / 2; first += 16661) {
		ask_long();
		fake.takes = first;
		one_start();
		assert_int_equal(one_gen->refs, 2);
		assert_in_range(one()->held, 1, FAKE_BLOCK + 1000);
		session_use_generation(&one_host, 3);
		assert_int_equal(one_gen->refs, 1);
		assert_true(one()->held > ONE_LONG - first - FAKE_BLOCK);
		fake.takes = SIZE_MAX;
		while (link_unsent(&one()->link) > 0)
			fake_take(&one()->link, 12345);
		one_run();
		one_expect();
		one_again();
	}
}

/* A peer over its cap is read again when half of all is gone, not of a block. */
static void
a_late_transport_counts_for_the_cap(void **state)
{
	(void)state;
	one_door.link = &fake_late_ops;
	one_limits.output = 16 << 10;
	for (int i = 0; i < 1000; i++)
		one_ask(KEEP, SEARCH);
	fake.takes = 0;
	one_start();
	assert_int_equal(one()->state, SESSION_FULL);
	while (link_unsent(&one()->link) > (size_t)one_limits.output / 2) {
		fake.takes = FAKE_BLOCK;
		assert_int_equal(one()->state, SESSION_FULL);
		fake_take(&one()->link, FAKE_BLOCK);
	}
	one_run();
	assert_int_equal(one()->state, SESSION_FULL);
	fake.write_fails = true;
	fake.takes = SIZE_MAX;
	fake_take(&one()->link, FAKE_BLOCK);
	assert_int_equal(one_gone, 1);
}

/* A time of its own for a talk of its own. */
static void
a_transport_opens_first(void **state)
{
	int64_t since;

	(void)state;
	fake.talks = 3;
	one_ask(KEEP, SEARCH);
	assert_int_equal(session_start(&one_host, FAKE_FD, &one_door, NULL), 0);
	assert_int_equal(one()->in.kind, DEADLINE_HANDSHAKE);
	since = one()->in.since -= 5;
	one_read();
	assert_int_equal(one()->in.kind, DEADLINE_HANDSHAKE);
	assert_true(one()->in.since == since);
	one_read();
	assert_int_equal(one()->in.kind, DEADLINE_IDLE);
	assert_int_equal(fake.got.len, 0);
	one_run();
	assert_true(fake.got.len > 0);
	one_again();
	/* Which passes without a word. */
	fake.talks = 3;
	one_start();
	one_pass(&one()->in);
	assert_int_equal(one_gone, 1);
	assert_int_equal(fake.writes, 0);
	/* There may be no memory for it. */
	fake.no_memory = true;
	assert_int_equal(session_start(&one_host, 1000000, &one_door, NULL), -1);
	assert_true(TAILQ_EMPTY(&one_host.all));
}

static void
an_end_may_be_known_ahead(void **state)
{
	(void)state;
	fake.ends = fake.ahead = true;
	one_ask(KEEP, SEARCH);
	one_start();
	assert_true(fake.got.len > 0);
	assert_int_equal(one_gone, 1);
}

static void
a_transport_refuses_by_itself(void **state)
{
	(void)state;
	one_door.link = &fake_late_ops;
	fake.ends = true;
	one_counted = false;
	assert_int_equal(session_start_refused(&one_host, FAKE_FD, &one_door,
	    REQUEST_DENIED, "no"), 0);
	one_run();
	assert_int_equal(fake.refused, 'd');
	assert_int_equal(fake.got.len, 0);
	assert_int_equal(one_gone, 1);
	one_again();
	fake.ends = true;
	assert_int_equal(session_start_refused(&one_host, FAKE_FD, &one_door,
	    REQUEST_BUSY, "no"), 0);
	one_run();
	assert_int_equal(fake.refused, 'b');
	assert_int_equal(fake.got.len, 0);
}

/* It broke the rules, or speaks without the transport. */
static void
a_transport_does_not_understand_its_peer(void **state)
{
	(void)state;
	fake.read_errno = EPROTO;
	one_start();
	assert_int_equal(one()->state, SESSION_LINGER);
	assert_int_equal(fake.writes, 0);
	assert_true(fake.shut);
	one_again();
	fake.read_errno = EPROTOTYPE;
	one_start();
	assert_int_equal(one()->state, SESSION_LINGER);
	assert_int_equal(buf_add(&fake.got, "", 1), 0);
	assert_non_null(strstr(fake.got.data + 2, "this port speaks TLS"));
}

static void
nothing_yet(void **state)
{
	(void)state;
	one_start();
	assert_true(one()->link.reading);
	assert_int_equal(one()->in.kind, DEADLINE_IDLE);
	one_ask(KEEP, SEARCH);
	one_run();
	assert_int_equal(fake.writes, 1);
	/* libevent may be mistaken. */
	one_host.owner.readable_cb(FAKE_FD, EV_READ, &one()->link);
	one_run();
	assert_int_equal(fake.writes, 1);
	assert_int_equal(one_gone, 0);
}

static void
ends(void **state)
{
	(void)state;
	/* Without a word. */
	fake.ends = true;
	one_start();
	assert_int_equal(one_gone, 1);
	assert_int_equal(fake.writes, 0);
	assert_true(fake.closed);
	one_again();
	/* In the middle. */
	one_ask(KEEP, SEARCH);
	fake.sends.len--;
	one_start();
	assert_int_equal(one()->in.kind, DEADLINE_MESSAGE);
	fake.ends = true;
	one_run();
	assert_int_equal(one_gone, 1);
	assert_int_equal(fake.lasts, 1);
	buf_add(&fake.got, "", 1);
	assert_non_null(strstr(fake.got.data + 2, "the message is incomplete"));
	one_again();
	/* Behind a one_whole one, before its reply is taken. */
	one_ask(KEEP, SEARCH);
	fake.ends = true;
	fake.takes = 0;
	one_start();
	assert_int_equal(one_gone, 0);
	assert_int_equal(one()->state, SESSION_FLUSH);
	fake.takes = SIZE_MAX;
	fake_take(&one()->link, SIZE_MAX);
	assert_int_equal(one_gone, 1);
}

static void
fails(void **state)
{
	(void)state;
	fake.read_fails = true;
	one_start();
	assert_int_equal(one_gone, 1);
	one_again();
	one_ask(KEEP, SEARCH);
	fake.write_fails = true;
	one_start();
	assert_int_equal(one_gone, 1);
	one_again();
	one_ask(CLOSE, SEARCH);
	fake.write_fails = true;
	one_start();
	assert_int_equal(one_gone, 1);
	one_again();
	/* While something is unsent, libevent says so. */
	one_ask(KEEP, SEARCH);
	fake.takes = 7;
	one_start();
	one_host.owner.broke_cb(NULL, 0, &one()->link);
	assert_int_equal(one_gone, 1);
}

static void
lingers_where_more_can_be_read(void **state)
{
	(void)state;
	one_ask(CLOSE, SEARCH);
	one_ask(CLOSE, SEARCH);
	fake.piece = fake.sends.len / 2;
	one_start();
	assert_true(fake.shut);
	/* All of it is forgotten, until the end. */
	assert_int_equal(one()->state, SESSION_LINGER);
	assert_int_equal(one()->in.kind, DEADLINE_DRAIN);
	assert_int_equal(fake.sends.len, 0);
	assert_int_equal(fake.writes, 1);
	fake.ends = true;
	one_run();
	assert_int_equal(one_gone, 1);
}

/* As a transport that says by itself that nothing follows. */
static void
own_end_of_a_transport_is_sent_first(void **state)
{
	(void)state;
	one_ask(CLOSE, SEARCH);
	one_ask(CLOSE, SEARCH);
	fake.own_end = 5;
	one_start();
	assert_int_equal(one()->state, SESSION_FLUSH);
	assert_false(fake.shut);
	fake_take(&one()->link, 4);
	assert_false(fake.shut);
	fake_take(&one()->link, 1);
	assert_true(fake.shut);
	assert_int_equal(one()->state, SESSION_LINGER);
	assert_memory_equal(fake.got.data + fake.got.len - 5, "END O", 5);
}

static void
long_texts_are_lent(void **state)
{
	(void)state;
	one_learn(ask_long);
	for (size_t first = 0; first < ONE_LONG; first += 33331) {
		ask_long();
		fake.takes = first;
		one_start();
		assert_int_equal(one_gen->refs, 2);
		/* It is not the peer's memory, but what is behind it is. */
		assert_in_range(one()->held, 1, 1000);
		fake.takes = SIZE_MAX;
		while (link_unsent(&one()->link) > 0) {
			fake_take(&one()->link, 12345);
			assert_in_range(link_unsent_own(&one()->link), 0,
			    1000);
		}
		one_run();
		one_expect();
		assert_int_equal(one_gen->refs, 1);
		one_again();
	}
}

static void
lent_texts_are_given_back(void **state)
{
	(void)state;
	one_learn(ask_long);
	for (size_t first = 0; first < ONE_LONG; first += 33331) {
		ask_long();
		fake.takes = first;
		one_start();
		session_use_generation(&one_host, 2);
		assert_int_equal(one_gen->refs, 2);
		session_use_generation(&one_host, 3);
		assert_int_equal(one_gen->refs, 1);
		assert_true(one()->held > ONE_LONG - first);
		fake.takes = SIZE_MAX;
		while (link_unsent(&one()->link) > 0)
			fake_take(&one()->link, 12345);
		one_run();
		one_expect();
		one_again();
	}
	/* There may be no room for them. */
	ask_long();
	fake.takes = 100;
	one_start();
	one_limits.memory = ONE_LONG;
	session_use_generation(&one_host, 3);
	assert_true(TAILQ_EMPTY(&one_host.all));
}

static void
echo_and_refusal(void **state)
{
	(void)state;
	one_door.service = &session_echo;
	assert_int_equal(buf_add(&fake.sends, "\0\1any bytes", 11), 0);
	one_start();
	assert_int_equal(fake.got.len, 11);
	assert_memory_equal(fake.got.data, "\0\1any bytes", 11);
	one_again();
	/* It has no words for it. */
	fake.ends = true;
	one_start();
	assert_int_equal(fake.got.len, 0);
	assert_int_equal(one_gone, 1);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, one_setup, one_teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_read_and_one_write),
		TEST(pieces_of_input_change_nothing),
		TEST(pieces_of_output_change_nothing),
		TEST(a_transport_may_change_what_is_sent),
		TEST(a_transport_may_change_blocks_later),
		TEST(lent_texts_wait_for_a_transport),
		TEST(a_late_transport_counts_for_the_cap),
		TEST(a_transport_opens_first),
		TEST(an_end_may_be_known_ahead),
		TEST(a_transport_refuses_by_itself),
		TEST(a_transport_does_not_understand_its_peer),
		TEST(nothing_yet),
		TEST(ends),
		TEST(fails),
		TEST(lingers_where_more_can_be_read),
		TEST(own_end_of_a_transport_is_sent_first),
		TEST(long_texts_are_lent),
		TEST(lent_texts_are_given_back),
		TEST(echo_and_refusal),
	};

	return cmocka_run_group_tests(tests, one_load, one_unload);
}
