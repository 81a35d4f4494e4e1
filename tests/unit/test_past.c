/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An hour of numbers: what was in each step, and that an hour is all.
 */

#include "config.h"

#include "daemon/report/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <json.h>

#include "daemon/base/buf.h"
#include "daemon/base/tell.h"
#include "daemon/report/report.h"

static struct stats_worker workers[2];
static struct report report = { .workers = workers, .n = 2 };
static struct past past;

static int
begin(void **state)
{
	(void)state;
	memset(&past, 0, sizeof(past));
	for (size_t i = 0; i < 2; i++) {
		workers[i].stats = stats_new();
		assert_non_null(workers[i].stats);
	}
	report.connections = 0;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		stats_free(workers[i].stats);
	return 0;
}

/* What would be served. */
static struct json_object *
told(int64_t now)
{
	struct buf b = { 0 };
	struct json_object *o;
	struct tell t;

	tell_init(&t);
	past_tell(&past, now, &t);
	assert_int_equal(tell_print(&t, &b), 0);
	assert_int_equal(buf_add(&b, "", 1), 0);
	tell_clear(&t);
	o = json_tokener_parse(b.data);
	assert_non_null(o);
	buf_clear(&b);
	return o;
}

static struct json_object *
column(struct json_object *o, const char *ring, const char *name)
{
	struct json_object *member;

	assert_true(json_object_object_get_ex(o, ring, &member));
	assert_true(json_object_object_get_ex(member, name, &member));
	return member;
}

static size_t
length(struct json_object *o, const char *ring, const char *name)
{
	return json_object_array_length(column(o, ring, name));
}

/* An element, the last one being 0. */
static double
nth(struct json_object *o, const char *ring, const char *name, size_t back)
{
	struct json_object *c = column(o, ring, name);
	size_t n = json_object_array_length(c);

	assert_true(back < n);
	return json_object_get_double(json_object_array_get_idx(c,
	    n - 1 - back));
}

/* So many requests are answered and as many bytes sent. */
static void
answer(size_t worker, uint32_t n)
{
	struct stats *stats = workers[worker].stats;
	int64_t since = stats_begin(stats);

	stats_answered(stats, STATS_SEARCH, 0, n);
	stats_end(stats, since);
	stats_add(stats, STATS_BYTES_OUT, n);
}

static void
each_step_has_what_came_in_it(void **state)
{
	struct json_object *o;

	(void)state;
	answer(0, 1000);	/* nobody knows when */
	past_sample(&past, &report, 5000);
	o = told(5000);
	assert_int_equal(length(o, "seconds", "requests"), 0);
	assert_int_equal(length(o, "tens", "requests"), 0);
	json_object_put(o);
	for (int i = 1; i <= 20; i++) {
		answer(0, 2);
		answer(1, (uint32_t)i);
		report.connections = i;
		past_sample(&past, &report, 5000 + i * 1000 + i % 2);
	}
	past_sample(&past, &report, 26000);
	o = told(26500);
	assert_int_equal(length(o, "seconds", "requests"), 21);
	assert_int_equal(length(o, "tens", "requests"), 2);
	assert_true(nth(o, "seconds", "requests", 0) == 0);
	assert_true(nth(o, "seconds", "p99-us", 0) == 0);
	assert_true(nth(o, "seconds", "requests", 1) == 22);
	assert_true(nth(o, "seconds", "bytes-out", 1) == 22);
	assert_true(nth(o, "seconds", "p50-us", 1) > 0);
	assert_true(nth(o, "seconds", "connections", 1) == 20);
	assert_true(nth(o, "seconds", "requests", 20) == 3);
	assert_true(nth(o, "seconds", "age-ms", 0) == 500);
	assert_true(nth(o, "seconds", "age-ms", 20) == 20499);
	assert_true(nth(o, "seconds", "span-ms", 20) == 1001);
	assert_true(nth(o, "tens", "requests", 1) == 20 + 55);
	assert_true(nth(o, "tens", "requests", 0) == 20 + 155);
	assert_true(nth(o, "tens", "span-ms", 0) == 10000);
	assert_true(nth(o, "tens", "age-ms", 0) == 1500);
	json_object_put(o);
}

/* Two hours, of which the second one is kept. */
static void
an_hour_is_all(void **state)
{
	struct json_object *o;

	(void)state;
	for (int i = 0; i <= 7200; i++) {
		answer(0, i % 10 == 0 ? 5 : 0);
		past_sample(&past, &report, i * 1000);
	}
	o = told(7200000);
	assert_int_equal(length(o, "seconds", "age-ms"), PAST_SECONDS);
	assert_int_equal(length(o, "tens", "age-ms"), PAST_TENS);
	assert_true(nth(o, "tens", "age-ms", 0) == 0);
	for (size_t i = 0; i < PAST_TENS; i++) {
		assert_true(nth(o, "tens", "requests", i) == 5);
		assert_true(nth(o, "tens", "age-ms", i) == 10000.0 *
		    (double)i);
	}
	for (size_t i = 0; i < PAST_SECONDS; i++)
		assert_true(nth(o, "seconds", "requests", i) ==
		    (i % 10 == 0 ? 5 : 0));
	json_object_put(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_step_has_what_came_in_it,
		    begin, end),
		cmocka_unit_test_setup_teardown(an_hour_is_all, begin, end)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
