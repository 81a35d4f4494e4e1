/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Deadlines on an event base without sockets.  Nothing here looks at a clock:
 * what must come does, once and in its order, and the loop ends by itself
 * when nothing is set any more.
 */

#include "config.h"

#include "common/clock.h"
#include "daemon/session/deadline.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include <cmocka.h>

#include "daemon/conf/conf.h"

#define N	64

/* Who has a deadline. */
struct owner {
	struct deadline deadline;	/* first, so that a cast finds it */
	int id;
};

static struct event_base *base;
static struct deadlines ds;
static struct owner owners[N];
static int expired[4 * N];		/* ids, in order */
static enum deadline_kind kinds[4 * N];
static size_t n_expired;
static void (*then)(struct owner *);	/* what the callback goes on to do */

static void
expired_cb(struct deadline *d, enum deadline_kind kind, void *arg)
{
	struct owner *o = (struct owner *)d;

	assert_ptr_equal(arg, &n_expired);
	assert_int_equal(d->kind, DEADLINE_NONE);
	assert_true(n_expired < sizeof(expired) / sizeof(*expired));
	expired[n_expired] = o->id;
	kinds[n_expired++] = kind;
	if (then != NULL)
		then(o);
}

/* As libevent's own, but for the next few calls, which fail. */
static int failures;

int
event_add(struct event *ev, const struct timeval *tv)
{
	static int (*real)(struct event *, const struct timeval *);

	if (failures > 0) {
		failures--;
		errno = ENOMEM;
		return -1;
	}
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "event_add");
	return real(ev, tv);
}

static const struct conf_timeouts at_once = { 0, 0, 0, 0, 0, 0 };
static const struct conf_timeouts never = { INT32_MAX, INT32_MAX, INT32_MAX,
    INT32_MAX, INT32_MAX, INT32_MAX };

static int
setup(void **state)
{
	(void)state;
	memset(owners, 0, sizeof(owners));
	for (int i = 0; i < N; i++)
		owners[i].id = i;
	n_expired = 0;
	then = NULL;
	base = event_base_new();
	if (base == NULL || deadlines_init(&ds, base, expired_cb,
	    &n_expired) != 0)
		return -1;
	deadlines_configure(&ds, &never);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	deadlines_clear(&ds);
	deadlines_clear(&ds);
	event_base_free(base);
	return 0;
}

static bool
is_any_set(void)
{
	for (int k = 0; k < DEADLINE_KINDS; k++)
		if (!TAILQ_EMPTY(&ds.lists[k]))
			return true;
	return false;
}

/* Until nothing is set. */
static void
run(void)
{
	while (is_any_set())
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

static void
start(int id, enum deadline_kind kind)
{
	deadline_start(&ds, &owners[id].deadline, kind);
}

static void
expect(const int *ids, size_t n)
{
	assert_int_equal(n_expired, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(expired[i], ids[i]);
	n_expired = 0;
}

static void
without_deadlines_nothing_passes(void **state)
{
	(void)state;
	run();
	assert_int_equal(n_expired, 0);
}

static void
each_passes_once_in_the_order_they_began(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		deadlines_configure(&ds, &at_once);
		for (int i = 0; i < N; i++)
			start(i * 7 % N, DEADLINE_IDLE);
		run();
		assert_int_equal(n_expired, N);
		for (int i = 0; i < N; i++) {
			assert_int_equal(expired[i], i * 7 % N);
			assert_int_equal(kinds[i], DEADLINE_IDLE);
		}
		n_expired = 0;
		run();
		assert_int_equal(n_expired, 0);
	}
}

static void
each_is_told_with_its_kind(void **state)
{
	(void)state;
	deadlines_configure(&ds, &at_once);
	for (int kind = DEADLINE_IDLE; kind < DEADLINE_KINDS; kind++)
		start(kind, (enum deadline_kind)kind);
	run();
	assert_int_equal(n_expired, DEADLINE_KINDS - 1);
	for (size_t i = 0; i < n_expired; i++)
		assert_int_equal(kinds[i], expired[i]);
}

static void
what_is_cleared_does_not_pass(void **state)
{
	static const int left[] = { 1, 3, 4 };

	(void)state;
	deadlines_configure(&ds, &at_once);
	for (int i = 0; i < 6; i++)
		start(i, DEADLINE_MESSAGE);
	deadline_clear(&ds, &owners[0].deadline);
	deadline_clear(&ds, &owners[2].deadline);
	deadline_clear(&ds, &owners[5].deadline);
	/* Again, or when it never was set, is allowed. */
	deadline_clear(&ds, &owners[5].deadline);
	deadline_clear(&ds, &owners[6].deadline);
	run();
	expect(left, 3);
}

static void
all_may_be_cleared(void **state)
{
	(void)state;
	for (int i = 0; i < N; i++)
		start(i, DEADLINE_WRITE);
	for (int i = N; i-- > 0; )
		deadline_clear(&ds, &owners[i].deadline);
	deadlines_configure(&ds, &at_once);
	run();
	assert_int_equal(n_expired, 0);
}

static void
what_starts_again_goes_behind_the_others(void **state)
{
	static const int order[] = { 1, 2, 0 };

	(void)state;
	deadlines_configure(&ds, &at_once);
	for (int i = 0; i < 3; i++)
		start(i, DEADLINE_HEADER);
	start(0, DEADLINE_HEADER);
	run();
	expect(order, 3);
}

static void
what_is_kept_keeps_its_place(void **state)
{
	static const int order[] = { 0, 1, 2 };

	(void)state;
	deadlines_configure(&ds, &at_once);
	for (int i = 0; i < 3; i++)
		deadline_keep(&ds, &owners[i].deadline, DEADLINE_HEADER);
	deadline_keep(&ds, &owners[0].deadline, DEADLINE_HEADER);
	run();
	expect(order, 3);
}

static void
another_kind_takes_the_place_of_the_first(void **state)
{
	(void)state;
	deadlines_configure(&ds, &at_once);
	start(0, DEADLINE_IDLE);
	deadline_keep(&ds, &owners[0].deadline, DEADLINE_HEADER);
	start(0, DEADLINE_MESSAGE);
	run();
	assert_int_equal(n_expired, 1);
	assert_int_equal(kinds[0], DEADLINE_MESSAGE);
}

/* Kinds of other durations do not wait for each other. */
static void
a_long_one_does_not_hold_up_a_short_one(void **state)
{
	struct conf_timeouts t = never;
	static const int order[] = { 1, 3 };

	(void)state;
	t.write = 1;
	deadlines_configure(&ds, &t);
	start(0, DEADLINE_IDLE);
	start(1, DEADLINE_WRITE);
	start(2, DEADLINE_HEADER);
	start(3, DEADLINE_WRITE);
	while (n_expired < 2)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	expect(order, 2);
	assert_int_equal(owners[0].deadline.kind, DEADLINE_IDLE);
	assert_int_equal(owners[2].deadline.kind, DEADLINE_HEADER);
	deadline_clear(&ds, &owners[0].deadline);
	deadline_clear(&ds, &owners[2].deadline);
}

/* After the first the timer must be set for the next, and so on. */
static void
each_kind_passes_after_its_own_time(void **state)
{
	const struct conf_timeouts t = { .idle = 70, .header = 55,
	    .message = 1, .write = 20, .drain = 40 };
	bool passed[DEADLINE_KINDS] = { false };

	(void)state;
	deadlines_configure(&ds, &t);
	for (int kind = DEADLINE_IDLE; kind < DEADLINE_KINDS; kind++)
		start(kind, (enum deadline_kind)kind);
	run();
	assert_int_equal(n_expired, DEADLINE_KINDS - 1);
	for (size_t i = 0; i < n_expired; i++) {
		assert_false(passed[kinds[i]]);
		passed[kinds[i]] = true;
	}
}

static void
a_new_duration_is_for_what_is_set_too(void **state)
{
	static const int order[] = { 0, 1, 2 };

	(void)state;
	for (int i = 0; i < 3; i++)
		start(i, DEADLINE_IDLE);
	assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
	assert_int_equal(n_expired, 0);
	deadlines_configure(&ds, &at_once);
	run();
	expect(order, 3);
}

/* One that begins right then does not put off the look at the others. */
static void
a_new_duration_does_not_wait_for_what_begins(void **state)
{
	struct conf_timeouts t = never;
	static const int order[] = { 0 };

	(void)state;
	t.write /= 2;
	t.idle = 0;
	start(0, DEADLINE_IDLE);
	deadlines_configure(&ds, &t);
	start(1, DEADLINE_WRITE);
	assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
	expect(order, 1);
	deadline_clear(&ds, &owners[1].deadline);
}

/* Each starts again until it has passed three times. */
static void
start_again(struct owner *o)
{
	if (n_expired < 3 * 4)
		deadline_start(&ds, &o->deadline, DEADLINE_IDLE);
}

static void
a_callback_may_start_its_own_again(void **state)
{
	int passed[4] = { 0 };

	(void)state;
	then = start_again;
	deadlines_configure(&ds, &at_once);
	for (int i = 0; i < 4; i++)
		start(i, DEADLINE_IDLE);
	run();
	assert_true(n_expired >= 12);
	for (size_t i = 0; i < n_expired; i++)
		passed[expired[i]]++;
	for (int i = 0; i < 4; i++)
		assert_true(passed[i] >= 3);
}

static void
clear_neighbours(struct owner *o)
{
	for (int i = 0; i < N; i++)
		if (i != o->id && i / 4 == o->id / 4)
			deadline_clear(&ds, &owners[i].deadline);
}

static void
a_callback_may_clear_others(void **state)
{
	(void)state;
	then = clear_neighbours;
	deadlines_configure(&ds, &at_once);
	for (int i = 0; i < N; i++)
		start(i, i % 2 == 0 ? DEADLINE_IDLE : DEADLINE_DRAIN);
	run();
	assert_int_equal(n_expired, N / 4);
	for (size_t i = 0; i < n_expired; i++)
		assert_int_equal(expired[i], 4 * i);
}

static void
start_other_kinds(struct owner *o)
{
	if (o->id < 8)
		deadline_start(&ds, &owners[o->id + 8].deadline,
		    DEADLINE_IDLE);
	if (o->id < 4)
		deadline_start(&ds, &owners[o->id + 16].deadline,
		    DEADLINE_DRAIN);
}

static void
a_callback_may_start_others_of_any_kind(void **state)
{
	int passed[N] = { 0 };

	(void)state;
	then = start_other_kinds;
	deadlines_configure(&ds, &at_once);
	for (int i = 0; i < 8; i++)
		start(i, DEADLINE_MESSAGE);
	run();
	for (size_t i = 0; i < n_expired; i++)
		passed[expired[i]]++;
	for (int i = 0; i < N; i++)
		assert_int_equal(passed[i], i < 20);
}

/* The owner of a deadline that passed may be gone. */
static void
free_owner(struct owner *o)
{
	free(o);
}

static void
a_callback_may_free_its_own(void **state)
{
	(void)state;
	then = free_owner;
	deadlines_configure(&ds, &at_once);
	for (int i = 0; i < N; i++) {
		struct owner *o = calloc(1, sizeof(*o));

		assert_non_null(o);
		o->id = i;
		deadline_start(&ds, &o->deadline, DEADLINE_WRITE);
	}
	run();
	assert_int_equal(n_expired, N);
}

/* Whatever libevent cannot set now, a worker's timer is not lost for good. */
static void
a_timer_that_could_not_be_set_is_tried_again(void **state)
{
	static const int order[] = { 0, 1 };

	(void)state;
	assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
	failures = 1;
	deadlines_configure(&ds, &at_once);
	for (int round = 0; round < 2; round++) {
		failures = 1;
		start(0, DEADLINE_HEADER);
		assert_int_equal(failures, 0);
		if (round == 0)
			deadline_keep(&ds, &owners[0].deadline,
			    DEADLINE_HEADER);
		start(1, DEADLINE_WRITE);
		assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
		run();
		if (expired[0] == 1) {	/* kinds of one moment */
			expired[0] = 0;
			expired[1] = 1;
		}
		expect(order, 2);
	}
}

static void
the_clock_does_not_go_back(void **state)
{
	int64_t before = clock_ms();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t now = clock_ms();

		assert_true(now >= before);
		before = now;
	}
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_deadlines_nothing_passes),
		TEST(each_passes_once_in_the_order_they_began),
		TEST(each_is_told_with_its_kind),
		TEST(what_is_cleared_does_not_pass),
		TEST(all_may_be_cleared),
		TEST(what_starts_again_goes_behind_the_others),
		TEST(what_is_kept_keeps_its_place),
		TEST(another_kind_takes_the_place_of_the_first),
		TEST(a_long_one_does_not_hold_up_a_short_one),
		TEST(each_kind_passes_after_its_own_time),
		TEST(a_new_duration_is_for_what_is_set_too),
		TEST(a_new_duration_does_not_wait_for_what_begins),
		TEST(a_callback_may_start_its_own_again),
		TEST(a_callback_may_clear_others),
		TEST(a_callback_may_start_others_of_any_kind),
		TEST(a_callback_may_free_its_own),
		TEST(a_timer_that_could_not_be_set_is_tried_again),
		TEST(the_clock_does_not_go_back)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
