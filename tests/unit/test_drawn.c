/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lookups of many seconds, of which a few are told: by a clock of its own, so
 * that no second takes one.
 */

#include "config.h"

#include "daemon/record/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"

#define SECONDS	2000
#define EACH	5000	/* lookups; each told one is for up to 20 of them */

static int64_t now_ns;

int64_t
clock_ns(void)
{
	return now_ns;
}

int64_t
clock_ms(void)
{
	return now_ns / 1000000;
}

/* A second that ends amid what was drawn counts in full, and for no more. */
static void
all_seconds_are_right_on_average(void **state)
{
	struct stats *stats = stats_new();
	struct top_key keys[TOP_SIZE];
	struct top top;

	(void)state;
	assert_non_null(stats);
	for (int second = 0; second < SECONDS; second++) {
		now_ns += INT64_C(1000000000);
		stats_begin(stats);
		for (size_t i = 0; (i += stats_skip(stats, EACH - i)) < EACH;
		    i++)
			stats_key(stats, "key", 3, 1, true);
	}
	stats_top(stats, true, &top);
	assert_int_equal(top_merge(&top, 1, keys), 1);
	/* To 0.1%, ten standard deviations. */
	assert_in_range(keys[0].count, SECONDS * (EACH - EACH / 1000),
	    SECONDS * (EACH + EACH / 1000));
	stats_free(stats);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_seconds_are_right_on_average),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
