/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * When a cluster is asked who has what, as far as no server is there: its
 * answers are the test's.
 */

#include "config.h"

#include "daemon/remote/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "common/clock.h"
#include "daemon/conf/conf.h"
#include "daemon/remote/pulse.h"

#define MINUTE	60000
#define NO_SLOTS	"*0\r\n"
#define SLOTS	"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n" \
	"$9\r\n127.0.0.1\r\n:7001\r\n"

struct fixture {
	struct event_base *base;
	struct pulse pulse;
	struct conf_remote *conf;
	struct cluster *cluster;
};

static int64_t
never(void *arg)
{
	(void)arg;
	return INT64_MAX;
}

static void
nothing(void *arg)
{
	(void)arg;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct node_owner owner = { .pulse = &f->pulse };

	assert_non_null(f);
	f->base = event_base_new();
	assert_int_equal(pulse_init(&f->pulse, f->base, never, nothing, NULL),
	    0);
	f->conf = conf_remote_new("shared");
	assert_non_null(f->conf);
	f->conf->servers = calloc(1, sizeof(*f->conf->servers));
	f->conf->n_servers = 1;
	f->conf->servers[0].ss.ss_family = AF_INET;
	f->conf->servers[0].ss_len = sizeof(struct sockaddr_in);
	f->conf->deadline = MINUTE;
	f->conf->cluster = true;
	f->cluster = cluster_new(f->conf, &owner);
	assert_non_null(f->cluster);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	cluster_free(f->cluster);
	conf_remote_unref(f->conf);
	pulse_clear(&f->pulse);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* As if its server had been asked just now. */
static void
is_asked(struct cluster *c)
{
	c->asked = TAILQ_FIRST(&c->nodes);
	c->last = clock_ms();
	c->due = INT64_MAX;
}

static void
answer(struct cluster *c, const char *reply)
{
	assert_int_equal(c->owner.reply_cb(c->asked, c, reply, reply +
	    strlen(reply), c), 0);
	assert_null(c->asked);
}

/* The time that the timer is set to; it is over, and nothing was to be done. */
static void
let_pass(struct pulse *p)
{
	p->armed = INT64_MAX;
}

static void
a_change_while_it_is_asked_is_looked_at(void **state)
{
	struct fixture *f = *state;
	int64_t now = clock_ms();

	is_asked(f->cluster);
	cluster_refresh(f->cluster);
	let_pass(&f->pulse);
	answer(f->cluster, SLOTS);
	assert_true(cluster_is_known(f->cluster));
	assert_in_range(f->pulse.armed, now, clock_ms() + 300);
}

/* Neither by itself nor for those who ask. */
static void
whoever_has_no_slots_is_asked_ever_less(void **state)
{
	struct fixture *f = *state;
	int64_t pause = 50, now;

	for (int i = 0; i < 20; i++) {
		is_asked(f->cluster);
		let_pass(&f->pulse);
		now = clock_ms();
		answer(f->cluster, NO_SLOTS);
		cluster_refresh(f->cluster);
		if (pause < 3200)
			pause *= 2;
		if (i < 5)
			assert_in_range(f->pulse.armed, now + pause,
			    clock_ms() + 6 * pause);
		assert_true(f->pulse.armed >= now + (i < 5 ? pause : 2000));
		assert_true(f->pulse.armed <= clock_ms() + 6400);
		assert_true(f->cluster->due == f->pulse.armed);
	}
	/* And at once as before, when they are there. */
	is_asked(f->cluster);
	answer(f->cluster, SLOTS);
	now = clock_ms();
	let_pass(&f->pulse);
	cluster_refresh(f->cluster);
	assert_in_range(f->pulse.armed, now, clock_ms() + 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(a_change_while_it_is_asked_is_looked_at),
		T(whoever_has_no_slots_is_asked_ever_less)
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
