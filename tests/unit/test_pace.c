/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Loads step aside while somebody is served, and only then.
 */

#include "config.h"

#include <sys/resource.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/thread/pace.h"

#define WORK_MS	30
#define TRIES	10

/* How often the thread left its core of its own will while it worked. */
static long
pauses_in_work(void)
{
	struct rusage before, after;
	struct timespec start, now;

	getrusage(RUSAGE_THREAD, &before);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	do {
		for (volatile int i = 0; i < 10000; i = i + 1)
			continue;
		pace();
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 +
	    (now.tv_nsec - start.tv_nsec) / 1000000 < WORK_MS);
	getrusage(RUSAGE_THREAD, &after);
	return after.ru_nvcsw - before.ru_nvcsw;
}

static void
a_first_load_takes_what_it_gets(void **state)
{
	(void)state;
	assert_int_equal(pauses_in_work(), 0);
}

static void
a_reload_steps_aside_again_and_again(void **state)
{
	long pauses = 0;

	(void)state;
	pace_set(true);
	/*
	 * Each 0.3 ms of real time at least, which is no less than CPU time;
	 * but a machine that others hold up may count theirs as ours.
	 */
	for (int tries = 0; tries < TRIES && pauses < 20; tries++)
		pauses = pauses_in_work();
	assert_true(pauses >= 20);
	pace_set(false);
	assert_int_equal(pauses_in_work(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_load_takes_what_it_gets),
		cmocka_unit_test(a_reload_steps_aside_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
