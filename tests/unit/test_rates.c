/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Samples out of what "stats" says, right or wrong, and what comes of two.
 */

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <json.h>

#include "ctl/rates.h"
#include "ctl/sample.h"

#define SECOND	INT64_C(1000000000)

static struct sample *
sample_of(const char *text, int64_t at_ns)
{
	struct json_object *reply = json_tokener_parse(text);
	struct sample *s = sample_new(reply, at_ns);

	assert_non_null(reply);
	assert_non_null(s);
	return s;
}

/* The rates of two. */
static struct rates *
rates_of(struct sample *old, struct sample *now)
{
	struct rates *r = rates_new(old, now);

	assert_non_null(r);
	return r;
}

static void
assert_close(double is, double wanted)
{
	if (is < wanted - 1e-6 || is > wanted + 1e-6)
		fail_msg("%g is not %g", is, wanted);
}

static void
members_are_taken(void **state)
{
	struct sample *s = sample_of("{\"version\": \"1.2\", \"pid\": 7, "
	    "\"uptime\": 10, \"generation\": 3, \"held-bytes\": 5, "
	    "\"refused\": {\"connections\": 1, \"denied\": 2}, "
	    "\"last-reload\": {\"outcome\": \"failed\", \"time\": \"T\", "
	    "\"problem\": \"P\"}, "
	    "\"requests\": [{\"action\": \"search\", \"way\": \"exact\", "
	    "\"outcome\": \"found\", \"count\": 3, "
	    "\"times\": [[0.5, 1], [2, 2]]}], "
	    "\"tables\": [{\"table\": \"main\", \"entries\": 9}], "
	    "\"hot-keys\": [{\"key\": \"k\", \"count\": 4, \"least\": 3, "
	    "\"most\": 5}]}", 1);

	(void)state;
	assert_string_equal(s->version, "1.2");
	assert_string_equal(s->state, "-");
	assert_string_equal(s->reload, "failed");
	assert_string_equal(s->reload_problem, "P");
	assert_int_equal(s->generation, 3);
	assert_int_equal(s->refused, 3);
	assert_int_equal(s->n_rows, 1);
	assert_int_equal(s->rows[0].n, 2);
	assert_int_equal(s->rows[0].times[0].ns, 500);
	assert_int_equal(s->rows[0].times[1].ns, 2000);
	assert_int_equal(s->rows[0].times[1].count, 2);
	assert_string_equal(s->tables[0].name, "main");
	assert_string_equal(s->tables[0].kind, "-");
	assert_int_equal(s->found[0].most, 5);
	assert_int_equal(s->n_missed, 0);
	sample_free(s);
}

/* Nothing of another type is taken for what it is not, or makes it crash. */
static void
what_is_wrong_counts_as_nothing(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"requests\": {}, \"per-worker\": 7, \"tables\": null, "
		    "\"hot-keys\": \"x\", \"refused\": [1], "
		    "\"last-reload\": []}",
		"{\"requests\": [1, null, [], {}, {\"times\": 5}, "
		    "{\"times\": [1, [], [1], [1, 2, 3], [\"1\", 2], "
		    "[-1, 2], [1e300, 2], [1, -2], [1, \"2\"]]}], "
		    "\"per-worker\": [null], \"tables\": [\"x\"], "
		    "\"hot-keys\": [[]], \"top-misses\": [{\"key\": 5}]}",
		("{\"pid\": -1, \"uptime\": \"7\", \"generation\": 1.5, "
		    "\"version\": {}, \"bytes-in\": -9223372036854775808}")
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sample *s = sample_of(texts[i], 1);
		struct rates *r = rates_of(s, s);

		assert_string_equal(s->version, "-");
		assert_int_equal(s->pid + s->uptime + s->generation, 0);
		assert_int_equal(s->bytes_in, 0);
		assert_close(r->requests, 0);
		assert_int_equal(r->n_rows, 0);
		rates_free(r);
		sample_free(s);
	}
}

/* A time that is no longer than the one before it would count twice. */
static void
times_rise(void **state)
{
	struct sample *s = sample_of("{\"requests\": [{\"times\": "
	    "[[1, 1], [1, 1], [0.5, 1], [3, 1]]}]}", 1);

	(void)state;
	assert_int_equal(s->rows[0].n, 2);
	assert_int_equal(s->rows[0].times[1].ns, 3000);
	sample_free(s);
}

#define ROW(outcome, count, times)					\
	"{\"action\": \"search\", \"way\": \"exact\", \"outcome\": \""	\
	outcome "\", \"count\": " count ", \"times\": [" times "]}"

static void
two_make_rates(void **state)
{
	struct sample *old = sample_of("{\"pid\": 7, \"uptime\": 10, "
	    "\"accepted\": 5, \"bytes-in\": 100, \"requests\": ["
	    ROW("found", "100", "[1, 90], [2, 10]") ", "
	    ROW("error", "4", "[1, 4]") "], "
	    "\"per-worker\": [{\"requests\": 100, \"bytes-in\": 1}]}",
	    5 * SECOND);
	struct sample *now = sample_of("{\"pid\": 7, \"uptime\": 12, "
	    "\"accepted\": 9, \"bytes-in\": 1100, \"requests\": ["
	    ROW("error", "4", "[1, 4]") ", "
	    ROW("not-found", "4", "[8, 4]") ", "
	    ROW("found", "196", "[1, 180], [1.5, 5], [2, 11]") "], "
	    "\"per-worker\": [{\"requests\": 150, \"bytes-in\": 21}, "
	    "{\"requests\": 50}]}", 7 * SECOND);
	struct rates *r = rates_of(old, now);

	(void)state;
	assert_false(r->since_start);
	assert_close(r->seconds, 2);
	assert_close(r->requests, 50);
	assert_close(r->found, 48);
	assert_close(r->missed, 2);
	assert_close(r->errors, 0);
	assert_close(r->accepted, 2);
	assert_close(r->bytes_in, 500);
	/* The most frequent first; what did not come is not there. */
	assert_int_equal(r->n_rows, 2);
	assert_string_equal(r->rows[0].row->outcome, "found");
	assert_int_equal(r->rows[0].count, 96);
	assert_int_equal(r->rows[0].times.ns[RATES_P50], 1000);
	assert_int_equal(r->rows[0].times.ns[RATES_P90], 1000);
	assert_int_equal(r->rows[0].times.ns[RATES_P99], 2000);
	assert_int_equal(r->rows[1].times.ns[RATES_P50], 8000);
	/* Of all 100 together: 90 took 1, 5 took 1.5, 1 took 2, 4 took 8. */
	assert_int_equal(r->times.ns[RATES_P90], 1000);
	assert_int_equal(r->times.ns[RATES_P99], 8000);
	assert_int_equal(r->times.ns[RATES_MOST], 8000);
	assert_close(r->workers[0].requests, 25);
	assert_close(r->workers[0].bytes_in, 10);
	assert_close(r->workers[1].requests, 25);
	rates_free(r);
	sample_free(old);
	sample_free(now);
}

/* Each share is the least time that so many did not exceed. */
static void
quantiles_are_exact_to_a_request(void **state)
{
	struct sample *s = sample_of("{\"uptime\": 1, \"requests\": ["
	    ROW("found", "1000", "[1, 500], [2, 400], [3, 90], [4, 9], "
		"[5, 1]") "]}", 1);
	struct rates *r = rates_of(NULL, s);

	(void)state;
	for (size_t i = 0; i < RATES_QUANTILES; i++)
		assert_int_equal(r->times.ns[i], 1000 * (i + 1));
	rates_free(r);
	sample_free(s);
}

static void
the_first_one_counts_since_the_start(void **state)
{
	struct sample *s = sample_of("{\"pid\": 7, \"uptime\": 10, "
	    "\"requests\": [" ROW("found", "20", "[1, 20]") "]}", SECOND);
	struct rates *r = rates_of(NULL, s);

	(void)state;
	assert_true(r->since_start);
	assert_close(r->requests, 2);
	rates_free(r);
	sample_free(s);
	/* Within its first second, too. */
	s = sample_of("{\"requests\": [" ROW("found", "20", "[1, 20]") "]}",
	    1);
	r = rates_of(NULL, s);
	assert_close(r->requests, 20);
	rates_free(r);
	sample_free(s);
}

/* Of another daemon nothing is subtracted, be it by the same number. */
static void
a_restart_begins_anew(void **state)
{
	static const char *const texts[] = {
		"{\"pid\": 8, \"uptime\": 10, \"accepted\": 9",
		"{\"pid\": 7, \"uptime\": 2, \"accepted\": 9",
		"{\"pid\": 7, \"uptime\": 10, \"accepted\": 1"
	};
	struct sample *old = sample_of("{\"pid\": 7, \"uptime\": 10, "
	    "\"accepted\": 5, \"requests\": ["
	    ROW("found", "5", "[1, 5]") "]}", SECOND);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sample *now;
		struct rates *r;
		char text[512];

		snprintf(text, sizeof(text), "%s, \"requests\": ["
		    ROW("found", "20", "[1, 20]") "]}", texts[i]);
		now = sample_of(text, 2 * SECOND);
		r = rates_of(old, now);
		assert_true(r->since_start);
		assert_int_equal(r->rows[0].count, 20);
		rates_free(r);
		sample_free(now);
	}
	sample_free(old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_taken),
		cmocka_unit_test(what_is_wrong_counts_as_nothing),
		cmocka_unit_test(times_rise),
		cmocka_unit_test(two_make_rates),
		cmocka_unit_test(quantiles_are_exact_to_a_request),
		cmocka_unit_test(the_first_one_counts_since_the_start),
		cmocka_unit_test(a_restart_begins_anew)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
