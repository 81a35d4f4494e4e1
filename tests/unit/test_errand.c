/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Errands in their order, and those that are never done.
 */

#include "config.h"

#include "daemon/thread/errand.h"

#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

/* What came of them, a letter an end. */
static char ended[16];

struct task {
	struct errand errand;
	char name;
	struct event_base *base;	/* whose loop ends with it, or NULL */
	bool waits;			/* until it is stopped */
	sem_t *begun;
	pthread_t thread;		/* that worked */
};

static void
work(struct errand *errand, const atomic_bool *stop)
{
	struct task *task = (struct task *)errand;

	task->thread = pthread_self();
	if (!task->waits)
		return;
	sem_post(task->begun);
	while (!*stop)
		sched_yield();
}

static void
end(struct errand *errand, const char *undone)
{
	struct task *task = (struct task *)errand;
	size_t n = strlen(ended);

	ended[n] = undone == NULL ? task->name : '-';
	ended[n + 1] = '\0';
	if (task->base != NULL)
		event_base_loopbreak(task->base);
}

#define TASK(letter, ...)						\
	{ .errand = { .work = work, .end = end }, .name = letter,	\
	    __VA_ARGS__ }

static void
they_run_one_after_the_other(void **state)
{
	struct event_base *base = event_base_new();
	struct errands *errands = errands_new(base);
	struct task a = TASK('a', .base = NULL);
	struct task b = TASK('b', .base = NULL);
	struct task c = TASK('c', .base = base);

	(void)state;
	ended[0] = '\0';
	assert_non_null(errands);
	errands_run(errands, &a.errand);
	errands_run(errands, &b.errand);
	errands_run(errands, &c.errand);
	assert_string_equal(ended, "");		/* in the loop alone */
	event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
	assert_string_equal(ended, "abc");
	assert_false(pthread_equal(a.thread, pthread_self()));
	errands_free(errands);
	event_base_free(base);
}

static void
the_end_stops_what_is_under_way(void **state)
{
	struct event_base *base = event_base_new();
	struct errands *errands = errands_new(base);
	sem_t begun;
	struct task a = TASK('a', .waits = true, .begun = &begun);
	struct task b = TASK('b', .base = NULL);

	(void)state;
	ended[0] = '\0';
	assert_int_equal(sem_init(&begun, 0, 0), 0);
	assert_non_null(errands);
	errands_run(errands, &a.errand);
	errands_run(errands, &b.errand);
	assert_int_equal(sem_wait(&begun), 0);
	errands_free(errands);
	assert_string_equal(ended, "--");
	sem_destroy(&begun);
	event_base_free(base);
}

static void
without_a_loop_it_is_done_at_once(void **state)
{
	struct task a = TASK('a', .base = NULL);

	(void)state;
	ended[0] = '\0';
	errands_run(NULL, &a.errand);
	assert_string_equal(ended, "a");
	assert_true(pthread_equal(a.thread, pthread_self()));
	errands_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_run_one_after_the_other),
		cmocka_unit_test(the_end_stops_what_is_under_way),
		cmocka_unit_test(without_a_loop_it_is_done_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
