/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Numbers: histograms against lists of the same times, counters, and the
 * words of all rows.
 */

#include "config.h"

#include "daemon/record/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roll.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Each time is in the first bucket whose bound is not below it. */
static void
buckets_have_inclusive_bounds(void **state)
{
	(void)state;
	assert_int_equal(histogram_bound(0), 1);
	assert_int_equal(histogram_bucket(0), 0);
	for (size_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = histogram_bound(i);

		assert_true(histogram_bound(i + 1) > bound);
		assert_int_equal(histogram_bucket(bound), i);
		assert_int_equal(histogram_bucket(bound + 1), i + 1);
		/* 1/16 apart, above the first ones. */
		if (bound > 16)
			assert_true((histogram_bound(i + 1) - bound) * 16 <=
			    bound);
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bound(HISTOGRAM_BUCKETS - 1),
	    (uint64_t)1 << HISTOGRAM_TOP);
}

/* No power of two is within a bucket. */
static void
powers_of_two_are_bounds(void **state)
{
	(void)state;
	for (unsigned int bits = 0; bits < HISTOGRAM_TOP; bits++) {
		uint64_t ns = (uint64_t)1 << bits;

		assert_int_equal(histogram_bound(histogram_bucket(ns)), ns);
	}
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Quantiles of recorded times are those of the list, or a bit more. */
static void
quantiles_are_those_of_the_times(void **state)
{
	static const unsigned int permille[] = { 1, 500, 900, 990, 999, 1000 };
	static const size_t sizes[] = { 1, 2, 3, 10, 999, 1000, 20000 };
	uint64_t *times = malloc(20000 * sizeof(*times));

	(void)state;
	assert_non_null(times);
	for (size_t k = 0; k < COUNT(sizes); k++) {
		struct histogram h = { .max = 0 };
		struct histogram_sum sum = { .count = 0 };
		size_t n = sizes[k];
		uint64_t total = 0;

		for (size_t i = 0; i < n; i++) {
			unsigned int bits = 30 + roll(33);

			times[i] = 1 + (roll_bits() >> bits);
			total += times[i];
			histogram_record(&h, times[i], 1);
		}
		qsort(times, n, sizeof(*times), compare);
		histogram_add(&sum, &h);
		assert_int_equal(sum.count, n);
		assert_int_equal(sum.sum, total);
		assert_int_equal(sum.max, times[n - 1]);
		for (size_t i = 0; i < COUNT(permille); i++) {
			uint64_t want, got;

			want = times[(n * permille[i] + 999) / 1000 - 1];
			got = histogram_quantile(&sum, permille[i]);
			assert_true(got >= want);
			assert_true(got - want <= want / 16);
		}
		assert_int_equal(histogram_quantile(&sum, 1000),
		    times[n - 1]);
		for (unsigned int bits = 0; bits < HISTOGRAM_TOP; bits++) {
			size_t below = 0;

			while (below < n && times[below] <=
			    (uint64_t)1 << bits)
				below++;
			assert_int_equal(histogram_below(&sum, bits), below);
		}
	}
	free(times);
}

static void
nothing_has_no_quantiles(void **state)
{
	struct histogram h = { .max = 0 };
	struct histogram_sum sum = { .count = 0 };

	(void)state;
	histogram_add(&sum, &h);
	assert_int_equal(sum.count, 0);
	assert_int_equal(histogram_quantile(&sum, 500), 0);
	assert_int_equal(histogram_below(&sum, 35), 0);
}

/* What is longer than all buckets is counted, and is the longest. */
static void
times_without_end_are_kept(void **state)
{
	struct histogram h = { .max = 0 };
	struct histogram_sum sum = { .count = 0 };

	(void)state;
	histogram_record(&h, 0, 1);
	histogram_record(&h, (uint64_t)1 << 50, 3);
	histogram_add(&sum, &h);
	assert_int_equal(sum.count, 4);
	assert_int_equal(histogram_quantile(&sum, 250), 1);
	assert_int_equal(histogram_quantile(&sum, 251), (uint64_t)1 << 50);
	assert_int_equal(histogram_below(&sum, HISTOGRAM_TOP - 1), 1);
}

static void
histograms_are_put_together(void **state)
{
	struct histogram a = { .max = 0 }, b = { .max = 0 };
	struct histogram_sum sum = { .count = 0 };

	(void)state;
	histogram_record(&a, 100, 5);
	histogram_record(&b, 200, 7);
	histogram_add(&sum, &a);
	histogram_add(&sum, &b);
	assert_int_equal(sum.count, 12);
	assert_int_equal(sum.sum, 1900);
	assert_int_equal(sum.max, 200);
	assert_int_equal(histogram_below(&sum, 7), 5);
}

static void
counters_are_their_own(void **state)
{
	struct stats *stats = stats_new();

	(void)state;
	assert_non_null(stats);
	for (enum stats_counter c = 0; c < STATS_COUNTERS; c++)
		stats_add(stats, c, 10 + c);
	for (enum stats_counter c = 0; c < STATS_COUNTERS; c++)
		stats_add(stats, c, 1);
	for (enum stats_counter c = 0; c < STATS_COUNTERS; c++)
		assert_int_equal(stats_get(stats, c), 11 + c);
	stats_free(stats);
}

static uint64_t
times_count(const struct stats *stats, unsigned int kind,
    unsigned int outcome)
{
	struct histogram_sum sum = { .count = 0 };

	histogram_add(&sum, stats_times(stats, kind, outcome));
	return sum.count;
}

/* Rows are of one kind and outcome; they are told when the wake-up ends. */
static void
a_wake_up_is_told_at_its_end(void **state)
{
	struct stats *stats = stats_new();
	struct histogram_sum sum = { .count = 0 };
	int64_t since = stats_begin(stats);
	uint32_t n = 0;

	(void)state;
	assert_non_null(stats);
	assert_true(since > 0);
	stats_answered(stats, TABLE_EXACT, REQUEST_FOUND, 0);
	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int o = 0; o < STATS_OUTCOMES; o++) {
			stats_answered(stats, kind, o, ++n);
			stats_answered(stats, kind, o, 1);
		}
	assert_int_equal(times_count(stats, STATS_ECHO, STATS_DONE), 0);
	stats_end(stats, since - 1000000);
	stats_end(stats, since - 9000000);
	n = 0;
	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int o = 0; o < STATS_OUTCOMES; o++)
			assert_int_equal(times_count(stats, kind, o),
			    ++n + 1);
	histogram_add(&sum, stats_times(stats, TABLE_EXACT, REQUEST_FOUND));
	assert_true(sum.max >= 1000000);
	assert_int_equal(sum.sum, 2 * sum.max);
	stats_free(stats);
}

static void
nobody_may_count(void **state)
{
	(void)state;
	stats_add(NULL, STATS_ACCEPTED, 1);
	stats_answered(NULL, TABLE_EXACT, REQUEST_FOUND, 1);
	stats_end(NULL, stats_begin(NULL));
	stats_free(NULL);
}

/* Every row has words, and no other row has the same. */
static void
rows_have_words(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < STATS_KINDS; kind++) {
		assert_non_null(stats_action(kind));
		assert_true((stats_way(kind) != NULL) ==
		    (kind < TABLE_WAYS));
		for (unsigned int k = 0; k < kind; k++)
			assert_false(strcmp(stats_action(kind),
			    stats_action(k)) == 0 && stats_way(k) ==
			    stats_way(kind));
	}
	for (unsigned int o = 0; o < STATS_OUTCOMES; o++) {
		assert_non_null(stats_outcome(o));
		for (unsigned int k = 0; k < o; k++)
			assert_string_not_equal(stats_outcome(o),
			    stats_outcome(k));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_have_inclusive_bounds),
		cmocka_unit_test(powers_of_two_are_bounds),
		cmocka_unit_test(quantiles_are_those_of_the_times),
		cmocka_unit_test(nothing_has_no_quantiles),
		cmocka_unit_test(times_without_end_are_kept),
		cmocka_unit_test(histograms_are_put_together),
		cmocka_unit_test(counters_are_their_own),
		cmocka_unit_test(a_wake_up_is_told_at_its_end),
		cmocka_unit_test(nobody_may_count),
		cmocka_unit_test(rows_have_words)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
