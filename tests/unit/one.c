/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Nothing here looks at a clock: the loop is run as long as there is something
 * to do at once.
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

#include "daemon/session/peers.h"
#include "daemon/snapshot/generation.h"
#include "folder.h"

struct generation *one_gen;
struct session_host one_host;
struct session_door one_door;
bool one_counted;
struct conf_limits one_limits;
unsigned int one_gone;
struct buf one_whole;

static struct event_base *base;
static struct conf_listen listen_as;
static atomic_llong held;

int
one_load(void **state)
{
	static char long_text[ONE_LONG + 1];
	static char text[ONE_LONG + 1000];
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	memset(long_text, 'x', ONE_LONG);
	folder_write_text("t.tsv", "ringing\tbells\nringlet\thair\n");
	snprintf(text, sizeof(text), "listen 127.0.0.1 0\n"
	    "answer ring \"" RING "\"\n"
	    "answer long \"%s\"\n"
	    "table t file t.tsv search=prefix\n", long_text);
	one_gen = generation_load(folder_write_text("appmsgd.conf", text), NULL,
	    &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	if (one_gen == NULL)
		return -1;
	one_gen->number = 1;
	return 0;
}

int
one_unload(void **state)
{
	generation_unref(one_gen);
	buf_clear(&one_whole);
	return folder_teardown(state);
}

static void
gone_cb(struct peer_count *peer, bool counted, void *arg)
{
	assert_null(peer);
	assert_true(counted == one_counted);
	assert_ptr_equal(arg, &one_gone);
	one_gone++;
}

int
one_setup(void **state)
{
	(void)state;
	fake_init();
	one_gone = 0;
	one_counted = true;
	one_limits = one_gen->conf->limits;
	listen_as = (struct conf_listen){ .ss.ss_family = AF_INET,
	    .ss_len = sizeof(struct sockaddr_storage) };
	one_door = (struct session_door){ .listen = &listen_as,
	    .service = &session_messages, .link = &fake_ops,
	    .number = FAKE_DOOR };
	base = event_base_new();
	one_host = (struct session_host){ .base = base, .peers = peers_new(),
	    .held = &held, .gone_cb = gone_cb, .arg = &one_gone };
	assert_int_equal(session_host_init(&one_host), 0);
	one_host.limits = &one_limits;
	one_host.gen = one_gen;
	one_host.env.reply_max = SIZE_MAX;
	deadlines_configure(&one_host.deadlines, &one_gen->conf->timeouts);
	return 0;
}

int
one_teardown(void **state)
{
	(void)state;
	session_host_clear(&one_host);
	peers_free(one_host.peers);
	event_base_free(base);
	/* Bufferevents are freed behind the loop; then nothing is borrowed. */
	assert_int_equal(one_gen->refs, 1);
	assert_int_equal(held, 0);
	fake_clear();
	return 0;
}

struct session *
one(void)
{
	struct session *s = TAILQ_FIRST(&one_host.all);

	assert_non_null(s);
	return s;
}

void
one_run(void)
{
	struct session *s;
	unsigned int before;

	do {
		before = fake.reads + fake.writes;
		s = TAILQ_FIRST(&one_host.all);
		if (s != NULL && s->link.reading && (fake.sends.len > 0 ||
		    (fake.ends && !fake.ahead) || fake.read_fails))
			one_host.owner.readable_cb(FAKE_FD, EV_READ, &s->link);
		event_base_loop(base, EVLOOP_NONBLOCK);
	} while (before != fake.reads + fake.writes ||
	    !TAILQ_EMPTY(&one_host.ready) || !TAILQ_EMPTY(&one_host.work) ||
	    !TAILQ_EMPTY(&one_host.woken));
}

void
one_start(void)
{
	assert_int_equal(session_start(&one_host, FAKE_FD, &one_door, NULL), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	one_run();
}

void
one_read(void)
{
	one_host.owner.readable_cb(FAKE_FD, EV_READ, &one()->link);
}

void
one_again(void)
{
	while (!TAILQ_EMPTY(&one_host.all)) {
		fake.read_fails = true;
		fake.takes = SIZE_MAX;
		one_host.owner.broke_cb(NULL, 0, &one()->link);
	}
	/* What is deferred frees what was borrowed. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_true(fake.closed);
	fake_clear();
	fake_init();
	one_gone = 0;
}

void
one_pass(struct deadline *d)
{
	enum deadline_kind kind = d->kind;

	deadline_clear(&one_host.deadlines, d);
	one_host.deadlines.expired_cb(d, kind, one_host.deadlines.arg);
}

void
one_ask(const char *members, const char *content)
{
	talk_add(&fake.sends, "text/json", members, content, strlen(content));
}

void
one_learn(void (*add)(void))
{
	add();
	one_start();
	buf_reset(&one_whole, 0);
	assert_int_equal(buf_add(&one_whole, fake.got.data, fake.got.len), 0);
	one_again();
}

void
one_expect(void)
{
	assert_int_equal(fake.got.len, one_whole.len);
	assert_memory_equal(fake.got.data, one_whole.data, one_whole.len);
}
