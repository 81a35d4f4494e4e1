/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sessions that wait for answers of a table that answers later, over a
 * transport that the test is: when they are woken, what they end for, and what
 * becomes of who is asked.
 */

#include "config.h"

#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include <cmocka.h>

#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/session/peers.h"
#include "daemon/session/session_private.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"
#include "later.h"
#include "talk.h"

#define FIND(value)	"{\"action\": \"search\", \"value\": \"" value "\"}"

static struct generation *gen;
static struct event_base *base;
static struct conf_limits limits;
static struct conf_listen listen_as;
static struct session_door door;
static struct session_host host;
static struct later_fake later;
static atomic_llong held;
static unsigned int n_gone;

static int
load(void **state)
{
	static const struct later far = { .name = "far" };
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	gen = generation_load(folder_write_text("appmsgd.conf",
	    "listen 127.0.0.1 0\nanswer ring gold\n"), NULL, &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	if (gen == NULL || snapshot_add_later(gen->snap, &far, 1) != 0)
		return -1;
	gen->number = 1;
	return 0;
}

static int
unload(void **state)
{
	generation_unref(gen);
	return folder_teardown(state);
}

static void
gone_cb(struct peer_count *peer, bool counted, void *arg)
{
	(void)peer;
	(void)counted;
	(void)arg;
	n_gone++;
}

static int
setup(void **state)
{
	(void)state;
	fake_init();
	n_gone = 0;
	memset(&later, 0, sizeof(later));
	limits = gen->conf->limits;
	listen_as = (struct conf_listen){ .ss.ss_family = AF_INET,
	    .ss_len = sizeof(struct sockaddr_storage) };
	door = (struct session_door){ .listen = &listen_as,
	    .service = &session_messages, .link = &fake_ops };
	base = event_base_new();
	host = (struct session_host){ .base = base, .peers = peers_new(),
	    .held = &held, .gone_cb = gone_cb };
	assert_int_equal(session_host_init(&host), 0);
	host.limits = &limits;
	host.env.gen = gen;
	host.env.reply_max = SIZE_MAX;
	host.env.later = &later_fake_ops;
	host.env.later_arg = &later;
	deadlines_configure(&host.deadlines, &gen->conf->timeouts);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	session_host_clear(&host);
	/* Nobody is asked for who is gone. */
	assert_int_equal(later_waiting(&later), 0);
	peers_free(host.peers);
	event_base_free(base);
	assert_int_equal(gen->refs, 1);
	assert_int_equal(held, 0);
	fake_clear();
	return 0;
}

static struct session *
session(void)
{
	struct session *s = TAILQ_FIRST(&host.all);

	assert_non_null(s);
	return s;
}

/* Go on until nothing happens by itself. */
static void
run(void)
{
	struct session *s;
	unsigned int before;

	do {
		before = fake.reads + fake.writes;
		s = TAILQ_FIRST(&host.all);
		if (s != NULL && s->link.reading && (fake.sends.len > 0 ||
		    fake.ends || fake.read_fails))
			host.owner.readable_cb(FAKE_FD, EV_READ, &s->link);
		event_base_loop(base, EVLOOP_NONBLOCK);
	} while (before != fake.reads + fake.writes ||
	    !TAILQ_EMPTY(&host.ready) || !TAILQ_EMPTY(&host.work) ||
	    !TAILQ_EMPTY(&host.woken));
}

static void
ask(const char *members, const char *content)
{
	talk_add(&fake.sends, "text/json", members, content, strlen(content));
}

static void
start(void)
{
	assert_int_equal(session_start(&host, FAKE_FD, &door, NULL), 0);
	run();
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
	ask(KEEP, FIND("a"));
	ask(KEEP, FIND("b"));
	ask(KEEP, FIND("ring"));
	ask(KEEP, FIND("c"));
	start();
	assert_int_equal(fake.writes, 0);
	assert_true(session_owes(session()));
	assert_true(session()->held > 0);
	assert_true(session()->link.reading);
	answer(1, "B");
	/* Noted, but neither taken up nor sent. */
	assert_int_equal(session()->queue, QUEUE_WOKEN);
	answer(2, "C");
	answer(0, "A");
	assert_int_equal(fake.writes, 0);
	run();
	assert_int_equal(fake.writes, 1);
	expect("A B gold C ");
	assert_true(session_is_idle(session()));
	assert_int_equal(session()->held, 0);
}

static void
what_comes_meanwhile_is_served(void **state)
{
	(void)state;
	ask(KEEP, FIND("a"));
	start();
	for (int i = 0; i < 3; i++) {
		ask(KEEP, FIND("ring"));
		run();
	}
	ask(KEEP, FIND("b"));
	run();
	assert_int_equal(later.n, 2);
	assert_int_equal(fake.writes, 0);
	answer(0, "A");
	/* Between the answer and the wake-up's end. */
	ask(KEEP, FIND("ring"));
	host.owner.readable_cb(FAKE_FD, EV_READ, &session()->link);
	run();
	expect("A gold gold gold ");
	answer(1, "B");
	run();
	expect("A gold gold gold B gold ");
}

static void
who_owes_is_not_ended(void **state)
{
	(void)state;
	/* By the end of input, */
	ask(KEEP, FIND("a"));
	fake.ends = true;
	start();
	assert_int_equal(n_gone, 0);
	answer(0, "A");
	run();
	expect("A ");
	assert_int_equal(n_gone, 1);
	fake_clear();
	fake_init();
	/* in the middle of a message, */
	ask(KEEP, FIND("a"));
	ask(KEEP, FIND("a"));
	fake.sends.len--;
	fake.ends = true;
	start();
	assert_int_equal(n_gone, 1);
	assert_false(session()->link.reading);
	answer(1, "A");
	run();
	expect("A Error: the message is incomplete. ");
	assert_int_equal(n_gone, 2);
	fake_clear();
	fake_init();
	/* or by a drain. */
	ask(KEEP, FIND("a"));
	start();
	session_drain_all(&host);
	run();
	assert_int_equal(n_gone, 2);
	answer(2, "A");
	run();
	expect("A ");
	assert_int_equal(n_gone, 3);
}

static void
a_closing_reply_waits(void **state)
{
	(void)state;
	ask(KEEP, FIND("a"));
	ask(CLOSE, FIND("ring"));
	ask(KEEP, FIND("b"));
	start();
	assert_false(session()->link.reading);
	assert_int_equal(fake.writes, 0);
	answer(0, "A");
	run();
	expect("A gold ");
	assert_int_equal(later.n, 1);
	assert_int_equal(fake.lasts, 1);
	assert_true(fake.closed || fake.shut);
}

static void
so_many_are_read(void **state)
{
	(void)state;
	limits.pipeline = 2;
	for (int i = 0; i < 4; i++)
		ask(KEEP, FIND("a"));
	start();
	assert_int_equal(later.n, 2);
	assert_false(session()->link.reading);
	answer(0, "A");
	run();
	assert_int_equal(later.n, 3);
	answer(2, "C");
	answer(1, "B");
	run();
	assert_int_equal(later.n, 4);
	assert_true(session()->link.reading);
	answer(3, "D");
	run();
	expect("A B C D ");
}

/* Replies that come while others are not taken wait behind those. */
static void
answers_come_where_the_output_is_full(void **state)
{
	(void)state;
	limits.output = 100;
	ask(KEEP, FIND("ring"));
	ask(KEEP, FIND("a"));
	fake.takes = 0;
	start();
	assert_int_equal(session()->state, SESSION_FULL);
	assert_int_equal(later.n, 0);
	limits.output = 10000;
	fake.takes = SIZE_MAX;
	fake_take(&session()->link, SIZE_MAX);
	run();
	assert_int_equal(later.n, 1);
	limits.output = 1;
	fake.takes = 0;
	answer(0, "A");
	run();
	assert_int_equal(session()->state, SESSION_FULL);
	fake.takes = SIZE_MAX;
	fake_take(&session()->link, SIZE_MAX);
	run();
	expect("gold A ");
	assert_true(session_is_idle(session()));
}

static void
a_peer_that_is_gone_is_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		ask(KEEP, FIND("a"));
	start();
	answer(1, "B");
	fake.read_fails = true;
	run();
	assert_int_equal(n_gone, 1);
	assert_int_equal(later_forgotten(&later), 2);
	/* Woken, and gone before the wake-up's end. */
	fake_clear();
	fake_init();
	ask(KEEP, FIND("a"));
	start();
	answer(3, "A");
	assert_int_equal(session()->queue, QUEUE_WOKEN);
	host.owner.broke_cb(NULL, 0, &session()->link);
	run();
	assert_int_equal(n_gone, 2);
}

static void
pass_idle(void)
{
	struct deadline *d = &session()->in;

	assert_int_equal(d->kind, DEADLINE_IDLE);
	deadline_clear(&host.deadlines, d);
	host.deadlines.expired_cb(d, DEADLINE_IDLE, host.deadlines.arg);
}

static void
nobody_waits_for_ever(void **state)
{
	(void)state;
	ask(KEEP, FIND("a"));
	ask(KEEP, FIND("ring"));
	start();
	pass_idle();
	assert_int_equal(later_forgotten(&later), 1);
	run();
	expect("Error: the table \\\"far\\\" cannot be asked now. gold ");
	answer(0, "late");
	run();
	assert_int_equal(n_gone, 0);
	/* Also where nothing is read any more. */
	ask(CLOSE, FIND("a"));
	run();
	assert_false(session()->link.reading);
	pass_idle();
	run();
	expect("Error: the table \\\"far\\\" cannot be asked now. gold "
	    "Error: the table \\\"far\\\" cannot be asked now. ");
	assert_int_equal(n_gone, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    answers_leave_at_the_end_of_a_wakeup, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_comes_meanwhile_is_served, setup, teardown),
		cmocka_unit_test_setup_teardown(who_owes_is_not_ended, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_closing_reply_waits, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(so_many_are_read, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    answers_come_where_the_output_is_full, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_peer_that_is_gone_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_waits_for_ever, setup,
		    teardown)
	};

	return cmocka_run_group_tests(tests, load, unload);
}
