/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Pages that are given back: a few are kept for who takes as many, the others
 * are the system's again, whichever thread gives them.
 */

#include "config.h"

#include "daemon/base/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>

#include <cmocka.h>

#define MANY	40

/* Pages of memory that the process has addresses for. */
static long
mapped(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long n = 0;

	if (file == NULL)
		skip();
	assert_int_equal(fscanf(file, "%ld", &n), 1);
	fclose(file);
	return n;
}

static void
take_and_give(size_t len, size_t n)
{
	char *pages[MANY];

	for (size_t i = 0; i < n; i++) {
		pages[i] = pages_take(len);
		assert_non_null(pages[i]);
		memset(pages[i], (int)i, len);
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal((unsigned char)pages[i][0], i);
		assert_int_equal((unsigned char)pages[i][len - 1], i);
		pages_give(pages[i], len);
	}
}

static void
one_after_the_other_is_the_same(void **state)
{
	static const size_t lens[] = { PAGES_MIN, PAGES_MIN + 1,
		2 * PAGES_MIN, 2 * PAGES_MIN + 1, 4 * PAGES_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		void *one = pages_take(lens[i]), *other;

		assert_non_null(one);
		pages_give(one, lens[i]);
		other = pages_take(lens[i]);
		assert_ptr_equal(one, other);
		pages_give(other, lens[i]);
	}
	pages_forget();
}

/* At most a few are kept; of larger ones none, and in the end none at all. */
static void
few_are_kept(void **state)
{
	static const size_t lens[] = { PAGES_MIN, 3 * PAGES_MIN,
		5 * PAGES_MIN, (size_t)1 << 20 };
	long before, kept = (8 * 2 + 8 * 4) * (long)PAGES_MIN /
	    sysconf(_SC_PAGESIZE);

	(void)state;
	mapped();
	before = mapped();
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
		take_and_give(lens[i], MANY);
	assert_true(mapped() - before <= kept);
	pages_forget();
	assert_int_equal(mapped(), before);
}

static void *
give(void *pages)
{
	pages_give(pages, PAGES_MIN);
	pages_forget();
	return NULL;
}

static void
another_thread_may_give(void **state)
{
	pthread_t thread;
	void *pages = pages_take(PAGES_MIN);

	(void)state;
	assert_non_null(pages);
	assert_int_equal(pthread_create(&thread, NULL, give, pages), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* None of it is this thread's. */
	take_and_give(PAGES_MIN, 2);
	pages_forget();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other_is_the_same),
		cmocka_unit_test(few_are_kept),
		cmocka_unit_test(another_thread_may_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
