/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sessions over a transport that the test is: it gives what it likes, takes
 * what it likes, says "not now", ends and fails.  Whatever it does, the replies
 * are those that it gets when it takes all at once.
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
#include "folder.h"
#include "talk.h"

#define LONG_LEN	100000
#define FIND(way, value) "{\"action\": \"search\", \"match\": \"" way "\", " \
			"\"value\": \"" value "\"}"

static struct generation *gen;
static struct event_base *base;
static struct conf_limits limits;
static struct conf_listen listen_as;
static struct session_door door;
static struct session_host host;
static atomic_llong held;
static unsigned int n_gone;
static struct buf whole;		/* what a peer that takes all gets */

static int
load(void **state)
{
	static char long_text[LONG_LEN + 1];
	static char text[LONG_LEN + 1000];
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	memset(long_text, 'x', LONG_LEN);
	folder_write_text("t.tsv", "ringing\tbells\nringlet\thair\n");
	snprintf(text, sizeof(text), "listen 127.0.0.1 0\n"
	    "answer ring \"" RING "\"\n"
	    "answer long \"%s\"\n"
	    "table t file t.tsv search=prefix\n", long_text);
	gen = generation_load(folder_write_text("appmsgd.conf", text), NULL,
	    &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	if (gen == NULL)
		return -1;
	gen->number = 1;
	return 0;
}

static int
unload(void **state)
{
	generation_unref(gen);
	buf_clear(&whole);
	return folder_teardown(state);
}

static void
gone_cb(struct peer_count *peer, bool counted, void *arg)
{
	assert_null(peer);
	assert_true(counted);
	assert_ptr_equal(arg, &n_gone);
	n_gone++;
}

static int
setup(void **state)
{
	(void)state;
	fake_init();
	n_gone = 0;
	limits = gen->conf->limits;
	listen_as = (struct conf_listen){ .ss.ss_family = AF_INET,
	    .ss_len = sizeof(struct sockaddr_storage) };
	door = (struct session_door){ .listen = &listen_as,
	    .service = &session_messages, .link = &fake_ops };
	base = event_base_new();
	host = (struct session_host){ .base = base, .peers = peers_new(),
	    .held = &held, .gone_cb = gone_cb, .arg = &n_gone };
	assert_int_equal(session_host_init(&host), 0);
	host.limits = &limits;
	host.env.gen = gen;
	host.env.reply_max = SIZE_MAX;
	deadlines_configure(&host.deadlines, &gen->conf->timeouts);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	session_host_clear(&host);
	peers_free(host.peers);
	event_base_free(base);
	/* Bufferevents are freed behind the loop; then nothing is borrowed. */
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
	    !TAILQ_EMPTY(&host.ready) || !TAILQ_EMPTY(&host.work));
}

static void
start(void)
{
	assert_int_equal(session_start(&host, FAKE_FD, &door, NULL), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	run();
}

/* A new peer, with the session of the last one gone. */
static void
again(void)
{
	while (!TAILQ_EMPTY(&host.all)) {
		fake.read_fails = true;
		fake.takes = SIZE_MAX;
		host.owner.broke_cb(NULL, 0, &session()->link);
	}
	/* What is deferred frees what was borrowed. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_true(fake.closed);
	fake_clear();
	fake_init();
	n_gone = 0;
}

static void
ask(const char *members, const char *content)
{
	talk_add(&fake.sends, "text/json", members, content, strlen(content));
}

/* Nine messages, of which the last one closes, and a long one between. */
static void
ask_all(void)
{
	ask(KEEP, SEARCH);
	ask(KEEP ", \"id\": 1", "{\"action\": \"search\", \"value\": "
	    "\"long\"}");
	ask(KEEP, FIND("prefix", "ring"));
	talk_add_mixture(&fake.sends);
}

/* What a peer gets that takes all, and sends all at once. */
static void
learn_whole(void (*add)(void))
{
	add();
	start();
	buf_reset(&whole, 0);
	assert_int_equal(buf_add(&whole, fake.got.data, fake.got.len), 0);
	again();
}

static void
expect_whole(void)
{
	assert_int_equal(fake.got.len, whole.len);
	assert_memory_equal(fake.got.data, whole.data, whole.len);
}

static void
one_read_and_one_write(void **state)
{
	(void)state;
	ask(KEEP, SEARCH);
	ask(KEEP, SEARCH);
	assert_int_equal(session_start(&host, FAKE_FD, &door, NULL), 0);
	/* They leave when the wake-up ends. */
	assert_int_equal(session()->queue, QUEUE_KEPT);
	assert_int_equal(fake.writes, 0);
	run();
	assert_int_equal(session()->queue, QUEUE_NONE);
	assert_int_equal(fake.reads, 1);
	assert_int_equal(fake.writes, 1);
	assert_int_equal(fake.lasts, 0);
	assert_true(session_is_idle(session()));
	ask(CLOSE, SEARCH);
	run();
	assert_int_equal(fake.reads, 2);
	assert_int_equal(fake.writes, 2);
	assert_int_equal(fake.lasts, 1);
	assert_true(fake.closed);
	assert_int_equal(n_gone, 1);
}

static void
pieces_of_input_change_nothing(void **state)
{
	(void)state;
	learn_whole(ask_all);
	for (size_t piece = 1; piece < 300; piece += piece < 20 ? 1 : 23) {
		ask_all();
		fake.piece = piece;
		start();
		expect_whole();
		assert_true(fake.closed);
		again();
	}
}

/* Whatever is taken at once, and then at a time. */
static void
pieces_of_output_change_nothing(void **state)
{
	(void)state;
	learn_whole(ask_all);
	for (size_t first = 0; first < whole.len; first += first < 1500 ? 61 :
	    9973) {
		size_t step = 1 + first % 4999 * 7;

		ask_all();
		fake.takes = first;
		start();
		fake.takes = SIZE_MAX;
		while (n_gone == 0 && link_unsent(&session()->link) > 0) {
			fake_take(&session()->link, step);
			run();
		}
		expect_whole();
		assert_true(fake.closed);
		again();
	}
}

static void
nothing_yet(void **state)
{
	(void)state;
	start();
	assert_true(session()->link.reading);
	assert_int_equal(session()->in.kind, DEADLINE_IDLE);
	ask(KEEP, SEARCH);
	run();
	assert_int_equal(fake.writes, 1);
	/* libevent may be mistaken. */
	host.owner.readable_cb(FAKE_FD, EV_READ, &session()->link);
	run();
	assert_int_equal(fake.writes, 1);
	assert_int_equal(n_gone, 0);
}

static void
ends(void **state)
{
	(void)state;
	/* Without a word. */
	fake.ends = true;
	start();
	assert_int_equal(n_gone, 1);
	assert_int_equal(fake.writes, 0);
	assert_true(fake.closed);
	again();
	/* In the middle. */
	ask(KEEP, SEARCH);
	fake.sends.len--;
	start();
	assert_int_equal(session()->in.kind, DEADLINE_MESSAGE);
	fake.ends = true;
	run();
	assert_int_equal(n_gone, 1);
	assert_int_equal(fake.lasts, 1);
	buf_add(&fake.got, "", 1);
	assert_non_null(strstr(fake.got.data + 2, "the message is incomplete"));
	again();
	/* Behind a whole one, before its reply is taken. */
	ask(KEEP, SEARCH);
	fake.ends = true;
	fake.takes = 0;
	start();
	assert_int_equal(n_gone, 0);
	assert_int_equal(session()->state, SESSION_FLUSH);
	fake.takes = SIZE_MAX;
	fake_take(&session()->link, SIZE_MAX);
	assert_int_equal(n_gone, 1);
}

static void
fails(void **state)
{
	(void)state;
	fake.read_fails = true;
	start();
	assert_int_equal(n_gone, 1);
	again();
	ask(KEEP, SEARCH);
	fake.write_fails = true;
	start();
	assert_int_equal(n_gone, 1);
	again();
	ask(CLOSE, SEARCH);
	fake.write_fails = true;
	start();
	assert_int_equal(n_gone, 1);
	again();
	/* While something is unsent, libevent says so. */
	ask(KEEP, SEARCH);
	fake.takes = 7;
	start();
	host.owner.broke_cb(NULL, 0, &session()->link);
	assert_int_equal(n_gone, 1);
}

static void
lingers_where_more_can_be_read(void **state)
{
	(void)state;
	ask(CLOSE, SEARCH);
	ask(CLOSE, SEARCH);
	fake.piece = fake.sends.len / 2;
	start();
	assert_true(fake.shut);
	/* All of it is forgotten, until the end. */
	assert_int_equal(session()->state, SESSION_LINGER);
	assert_int_equal(session()->in.kind, DEADLINE_DRAIN);
	assert_int_equal(fake.sends.len, 0);
	assert_int_equal(fake.writes, 1);
	fake.ends = true;
	run();
	assert_int_equal(n_gone, 1);
}

/* As a transport that says by itself that nothing follows. */
static void
own_end_of_a_transport_is_sent_first(void **state)
{
	(void)state;
	ask(CLOSE, SEARCH);
	ask(CLOSE, SEARCH);
	fake.own_end = 5;
	start();
	assert_int_equal(session()->state, SESSION_FLUSH);
	assert_false(fake.shut);
	fake_take(&session()->link, 4);
	assert_false(fake.shut);
	fake_take(&session()->link, 1);
	assert_true(fake.shut);
	assert_int_equal(session()->state, SESSION_LINGER);
	assert_memory_equal(fake.got.data + fake.got.len - 5, "END O", 5);
}

static void
ask_long(void)
{
	ask(KEEP, "{\"action\": \"search\", \"value\": \"long\"}");
	ask(KEEP, SEARCH);
}

static void
long_texts_are_lent(void **state)
{
	(void)state;
	learn_whole(ask_long);
	for (size_t first = 0; first < LONG_LEN; first += 33331) {
		ask_long();
		fake.takes = first;
		start();
		assert_int_equal(gen->refs, 2);
		/* It is not the peer's memory, but what is behind it is. */
		assert_in_range(session()->held, 1, 1000);
		fake.takes = SIZE_MAX;
		while (link_unsent(&session()->link) > 0) {
			fake_take(&session()->link, 12345);
			assert_in_range(link_unsent_own(&session()->link), 0,
			    1000);
		}
		run();
		expect_whole();
		assert_int_equal(gen->refs, 1);
		again();
	}
}

static void
lent_texts_are_given_back(void **state)
{
	(void)state;
	learn_whole(ask_long);
	for (size_t first = 0; first < LONG_LEN; first += 33331) {
		ask_long();
		fake.takes = first;
		start();
		session_use_generation(&host, 2);
		assert_int_equal(gen->refs, 2);
		session_use_generation(&host, 3);
		assert_int_equal(gen->refs, 1);
		assert_true(session()->held > LONG_LEN - first);
		fake.takes = SIZE_MAX;
		while (link_unsent(&session()->link) > 0)
			fake_take(&session()->link, 12345);
		run();
		expect_whole();
		again();
	}
	/* There may be no room for them. */
	ask_long();
	fake.takes = 100;
	start();
	limits.memory = LONG_LEN;
	session_use_generation(&host, 3);
	assert_true(TAILQ_EMPTY(&host.all));
}

static void
ask_many(void)
{
	for (int i = 0; i < 60; i++)
		ask(KEEP, SEARCH);
}

static void
who_does_not_take_is_not_read(void **state)
{
	(void)state;
	learn_whole(ask_many);
	limits.output = 1000;
	ask_many();
	fake.takes = 0;
	start();
	assert_int_equal(session()->state, SESSION_FULL);
	assert_false(session()->link.reading);
	assert_true(link_unsent(&session()->link) < 2000);
	fake.takes = SIZE_MAX;
	while (fake.got.len < whole.len) {
		assert_true(link_unsent(&session()->link) > 0);
		fake_take(&session()->link, 1);
		run();
		if (session()->state == SESSION_FULL)
			assert_true(link_unsent(&session()->link) > 500);
	}
	expect_whole();
	assert_int_equal(session()->state, SESSION_READ);
}

static void
ask_work(void)
{
	ask(KEEP, SEARCH);
	ask(KEEP, FIND("prefix", "ring"));
	ask(KEEP, SEARCH);
}

static void
ask_four(void)
{
	ask(KEEP, SEARCH);
	ask_work();
}

/* Its reply comes, in its place, though the output is over its cap. */
static void
work_goes_on_where_the_output_is_full(void **state)
{
	(void)state;
	learn_whole(ask_four);
	for (int64_t output = 1; output < (int64_t)whole.len; output += 37) {
		limits.output = output;
		ask(KEEP, SEARCH);
		fake.takes = 0;
		start();
		ask_work();
		host.at_once_ns = 0;
		run();
		fake.takes = SIZE_MAX;
		while (fake.got.len < whole.len) {
			host.at_once_ns = 0;
			assert_true(link_unsent(&session()->link) > 0);
			fake_take(&session()->link, 10);
			run();
		}
		expect_whole();
		assert_true(session_is_idle(session()));
		again();
	}
}

/* A session that owes, and whose output is full. */
static void
start_full_at_work(void)
{
	limits.output = 300;
	ask(KEEP, SEARCH);
	fake.takes = 0;
	start();
	ask_work();
	host.at_once_ns = 0;
	host.owner.readable_cb(FAKE_FD, EV_READ, &session()->link);
	assert_int_equal(session()->state, SESSION_FULL);
	assert_int_equal(session()->queue, QUEUE_WORK);
}

static void
what_is_behind_work_waits(void **state)
{
	size_t left;

	(void)state;
	learn_whole(ask_four);
	/* For the work, though there is room; */
	start_full_at_work();
	left = session()->link.left;
	assert_true(left > 0);
	fake.takes = SIZE_MAX;
	fake_take(&session()->link, SIZE_MAX);
	assert_int_equal(session()->state, SESSION_READ);
	assert_int_equal(session()->queue, QUEUE_WORK);
	assert_int_equal(session()->link.left, left);
	run();
	expect_whole();
	again();
	/* and for room, though the work is done. */
	start_full_at_work();
	run();
	assert_int_equal(session()->state, SESSION_FULL);
	assert_int_equal(session()->queue, QUEUE_NONE);
	assert_int_equal(session()->link.left, left);
	fake.takes = SIZE_MAX;
	fake_take(&session()->link, SIZE_MAX);
	run();
	expect_whole();
}

static void
work_ends_with_its_peer(void **state)
{
	(void)state;
	ask_work();
	host.at_once_ns = 0;
	assert_int_equal(session_start(&host, FAKE_FD, &door, NULL), 0);
	assert_int_equal(session()->queue, QUEUE_WORK);
	assert_true(session_owes(session()));
	assert_false(session_is_idle(session()));
	fake.is_gone = true;
	run();
	assert_int_equal(n_gone, 1);
}

static void
a_drain_ends_those_that_owe_nothing(void **state)
{
	(void)state;
	/* One that waits; what comes is answered first. */
	ask(KEEP, SEARCH);
	start();
	ask(KEEP, SEARCH);
	session_drain_all(&host);
	assert_int_equal(n_gone, 0);
	run();
	assert_int_equal(fake.writes, 2);
	assert_int_equal(n_gone, 1);
	again();
	host.draining = false;
	start();
	session_drain_all(&host);
	assert_int_equal(n_gone, 1);
	again();
	/* One that owes. */
	host.draining = false;
	ask(KEEP, FIND("prefix", "ring"));
	host.at_once_ns = 0;
	assert_int_equal(session_start(&host, FAKE_FD, &door, NULL), 0);
	session_drain_all(&host);
	assert_int_equal(n_gone, 0);
	run();
	assert_int_equal(fake.writes, 1);
	assert_int_equal(n_gone, 1);
}

/* A deadline of the one session passes. */
static void
pass(struct deadline *d)
{
	enum deadline_kind kind = d->kind;

	deadline_clear(&host.deadlines, d);
	host.deadlines.expired_cb(d, kind, host.deadlines.arg);
}

static void
deadlines_end_who_waits_for_nothing(void **state)
{
	(void)state;
	/* Not while replies are kept, or unsent. */
	ask(KEEP, SEARCH);
	fake.takes = 10;
	assert_int_equal(session_start(&host, FAKE_FD, &door, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(session()->in.kind, DEADLINE_IDLE);
		pass(&session()->in);
		run();
	}
	assert_int_equal(n_gone, 0);
	for (int i = 1; i < DEADLINE_LOOKS; i++)
		pass(&session()->out);
	fake.takes = 1;
	fake_take(&session()->link, 1);
	for (int i = 0; i < DEADLINE_LOOKS; i++)
		pass(&session()->out);
	assert_int_equal(n_gone, 0);
	fake.takes = SIZE_MAX;
	fake_take(&session()->link, SIZE_MAX);
	assert_int_equal(session()->out.kind, DEADLINE_NONE);
	pass(&session()->in);
	assert_int_equal(n_gone, 1);
	again();
	/* One that takes nothing at all. */
	ask(KEEP, SEARCH);
	fake.takes = 0;
	start();
	for (int i = 0; i < DEADLINE_LOOKS; i++)
		pass(&session()->out);
	assert_int_equal(n_gone, 1);
	again();
	ask(KEEP, SEARCH);
	fake.sends.len = 9;
	start();
	assert_int_equal(session()->in.kind, DEADLINE_HEADER);
	pass(&session()->in);
	buf_add(&fake.got, "", 1);
	assert_non_null(strstr(fake.got.data + 2, "did not come in time"));
}

static void
echo_and_refusal(void **state)
{
	(void)state;
	door.service = &session_echo;
	assert_int_equal(buf_add(&fake.sends, "\0\1any bytes", 11), 0);
	start();
	assert_int_equal(fake.got.len, 11);
	assert_memory_equal(fake.got.data, "\0\1any bytes", 11);
	again();
	/* It has no words for it. */
	fake.ends = true;
	start();
	assert_int_equal(fake.got.len, 0);
	assert_int_equal(n_gone, 1);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_read_and_one_write),
		TEST(pieces_of_input_change_nothing),
		TEST(pieces_of_output_change_nothing),
		TEST(nothing_yet),
		TEST(ends),
		TEST(fails),
		TEST(lingers_where_more_can_be_read),
		TEST(own_end_of_a_transport_is_sent_first),
		TEST(long_texts_are_lent),
		TEST(lent_texts_are_given_back),
		TEST(who_does_not_take_is_not_read),
		TEST(work_goes_on_where_the_output_is_full),
		TEST(what_is_behind_work_waits),
		TEST(work_ends_with_its_peer),
		TEST(a_drain_ends_those_that_owe_nothing),
		TEST(deadlines_end_who_waits_for_nothing),
		TEST(echo_and_refusal),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
