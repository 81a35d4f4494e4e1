/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Each counter is told once, under its own name, in the object and in
 * OpenMetrics alike.
 */

#include "config.h"

#include "daemon/report/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/buf.h"
#include "daemon/base/tell.h"
#include "daemon/report/report.h"

static bool
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The compiler sees that there are enough rows, not that they differ. */
static void
each_has_one_row(void **state)
{
	bool seen[STATS_COUNTERS] = { false };

	(void)state;
	for (size_t i = 0; i < STATS_COUNTERS; i++) {
		assert_false(seen[counter_rows[i].counter]);
		seen[counter_rows[i].counter] = true;
	}
}

static void
names_are_given_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < STATS_COUNTERS; i++)
		for (size_t j = 0; j < i; j++) {
			const struct counter_row *a = &counter_rows[i],
			    *b = &counter_rows[j];

			assert_false(is_same(a->group, b->group) &&
			    is_same(a->name, b->name));
			assert_false(is_same(a->family, b->family) &&
			    is_same(a->labels, b->labels));
		}
}

/* Else a member would be there twice, or a family begin twice. */
static void
groups_and_families_are_whole(void **state)
{
	(void)state;
	for (size_t i = 1; i < STATS_COUNTERS; i++) {
		const struct counter_row *row = &counter_rows[i],
		    *before = row - 1;

		assert_true(is_same(row->family, before->family) ==
		    (row->help == NULL));
		for (size_t j = 0; j < i; j++) {
			if (!is_same(row->group, before->group))
				assert_false(row->group != NULL &&
				    is_same(counter_rows[j].group,
				    row->group));
			if (row->help != NULL)
				assert_false(is_same(counter_rows[j].family,
				    row->family));
		}
	}
}

/* A report of a worker whose counters all differ, the first one 1000. */
static struct report
filled(struct stats_worker *worker)
{
	worker->stats = stats_new();
	worker->connections = 0;
	assert_non_null(worker->stats);
	for (unsigned int c = 0; c < STATS_COUNTERS; c++)
		stats_add(worker->stats, c, 1000 + c);
	return (struct report){ .workers = worker, .n = 1 };
}

static void
values_are_under_their_names(void **state)
{
	struct stats_worker worker;
	struct report report = filled(&worker);
	struct buf object = { 0 }, metrics = { 0 };
	struct tell t;
	char line[128];

	(void)state;
	tell_init(&t);
	report_stats(&report, &t);
	assert_int_equal(tell_print(&t, &object), 0);
	assert_int_equal(buf_add(&object, "", 1), 0);
	tell_clear(&t);
	assert_int_equal(report_metrics(&report, &metrics), 0);
	assert_int_equal(buf_add(&metrics, "", 1), 0);
	for (size_t i = 0; i < STATS_COUNTERS; i++) {
		const struct counter_row *row = &counter_rows[i];
		unsigned int value = 1000 + row->counter;

		snprintf(line, sizeof(line), "\"%s\": %u", row->name, value);
		assert_non_null(strstr(object.data, line));
		snprintf(line, sizeof(line), "\nappmsgd_%s_total%s %u\n",
		    row->family, row->labels, value);
		assert_non_null(strstr(metrics.data, line));
	}
	buf_clear(&object);
	buf_clear(&metrics);
	stats_free(worker.stats);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_one_row),
		cmocka_unit_test(names_are_given_once),
		cmocka_unit_test(groups_and_families_are_whole),
		cmocka_unit_test(values_are_under_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
