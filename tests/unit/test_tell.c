/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the daemon tells is JSON as json-c spells it, and either all of it or
 * nothing, whatever there is memory for.
 */

#include "config.h"

#include "daemon/base/tell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json.h>

#include "daemon/base/buf.h"
#include "daemon/report/report.h"
#include "scarce.h"

#define KEYS	300		/* more than are followed, some of them long */
#define WORKERS	2

static struct stats_worker workers[WORKERS];
static struct report report = { .workers = workers, .n = WORKERS,
    .generation = UINT64_MAX, .held = INT64_MIN, .keys = true };

/* Some of everything. */
static void
fill(struct tell *t)
{
	tell_text(t, "empty", "");
	tell_text(t, "escaped", "\"\\/\b\f\n\r\t\x01\x1f\x7f \xc3\xa9");
	tell_bytes(t, "nul", "a\0b", 3);
	tell_bool(t, "true", true);
	tell_bool(t, "false", false);
	tell_number(t, "most", UINT64_MAX);
	tell_number(t, "least", 0);
	tell_integer(t, "negative", INT64_MIN);
	tell_us(t, "us", 1234567);
	tell_us(t, "ns", 1);
	tell_object(t, "object");
	tell_object(t, "none");
	tell_end(t);
	tell_text(t, "\"name\"", "value");
	tell_end(t);
	tell_array(t, "array");
	tell_array(t, NULL);
	tell_end(t);
	tell_number(t, NULL, 1);
	tell_object(t, NULL);
	tell_text(t, "in", "an array");
	tell_end(t);
	tell_end(t);
	tell_text(t, "last", "member");
}

static void
fill_numbers(struct tell *t)
{
	report_status(&report, t);
	report_stats(&report, t);
}

/* The text, or NULL when that fails. */
static char *
told(void (*fill_it)(struct tell *))
{
	struct buf b = { 0 };
	struct tell t;
	int error;

	tell_init(&t);
	fill_it(&t);
	error = tell_print(&t, &b);
	tell_clear(&t);
	if (error == 0)
		error = buf_add(&b, "", 1);
	if (error != 0)
		buf_clear(&b);
	return b.data;
}

/* json-c reads it, and writes it again. */
static void
it_is_spelled_as_json_c_does(void **state)
{
	void (*fills[])(struct tell *) = { fill, fill_numbers };

	(void)state;
	for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		char *text = told(fills[i]);
		struct json_object *o;

		assert_non_null(text);
		o = json_tokener_parse(text);
		assert_non_null(o);
		assert_string_equal(json_object_to_json_string_ext(o,
		    JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE),
		    text);
		json_object_put(o);
		free(text);
	}
}

static void
values_are_what_was_told(void **state)
{
	char *text = told(fill);
	struct json_object *o = json_tokener_parse(text), *v;

	(void)state;
	assert_true(json_object_object_get_ex(o, "nul", &v));
	assert_int_equal(json_object_get_string_len(v), 3);
	assert_memory_equal(json_object_get_string(v), "a\0b", 3);
	assert_true(json_object_object_get_ex(o, "most", &v));
	assert_true(json_object_get_uint64(v) == UINT64_MAX);
	assert_true(json_object_object_get_ex(o, "negative", &v));
	assert_true(json_object_get_int64(v) == INT64_MIN);
	assert_true(json_object_object_get_ex(o, "us", &v));
	assert_string_equal(json_object_to_json_string(v), "1234.567");
	assert_true(json_object_object_get_ex(o, "ns", &v));
	assert_string_equal(json_object_to_json_string(v), "0.001");
	json_object_put(o);
	free(text);
}

/* No member stands in another one's place. */
static void
numbers_have_their_groups(void **state)
{
	char *text = told(fill_numbers);
	struct json_object *o = json_tokener_parse(text), *v, *in;

	(void)state;
	assert_true(json_object_object_get_ex(o, "refused", &v));
	assert_int_equal(json_object_object_length(v), 3);
	assert_true(json_object_object_get_ex(o, "timeouts", &v));
	assert_int_equal(json_object_object_length(v), 6);
	assert_true(json_object_object_get_ex(v, "drain", &in));
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = { "accepted", "bytes-in",
		    "sliced", "reloads" };

		assert_true(json_object_object_get_ex(o, names[i], &v));
		assert_true(json_object_is_type(v, json_type_int));
	}
	assert_true(json_object_object_get_ex(o, "hot-keys", &v));
	assert_int_equal(json_object_array_length(v), REPORT_KEYS);
	json_object_put(o);
	free(text);
}

/* It fails then, and leaves alone what the buffer had. */
static void
too_deep_is_a_failure(void **state)
{
	struct buf b = { 0 };
	struct tell t;

	(void)state;
	tell_init(&t);
	for (int i = 0; i < 2 * TELL_DEPTH; i++)
		tell_array(&t, "deep");
	for (int i = 0; i < 3 * TELL_DEPTH; i++)
		tell_end(&t);
	tell_text(&t, "more", "text");
	assert_int_equal(buf_add(&b, "before", 6), 0);
	assert_int_equal(tell_print(&t, &b), -1);
	assert_memory_equal(b.data, "before", 6);
	tell_clear(&t);
	tell_clear(&t);
	buf_clear(&b);
}

/* With one allocation that fails, and with all from there on. */
static void
expect_all_or_nothing(void (*fill_it)(struct tell *), bool rest)
{
	char *whole = told(fill_it), *text;
	unsigned long n, failed;
	long before;

	for (n = 1; ; n++) {
		before = scarce_blocks();
		scarce_begin(n, rest);
		text = told(fill_it);
		failed = scarce_end();
		if (failed == 0)
			break;
		/* One block may be had from where it was before. */
		if (text != NULL)
			assert_string_equal(text, whole);
		free(text);
		assert_int_equal(scarce_blocks(), before);
	}
	assert_string_equal(text, whole);
	assert_true(n > 20);
	free(text);
	free(whole);
}

static void
no_part_is_told_for_the_whole(void **state)
{
	(void)state;
	if (!scarce_works())
		skip();
	for (int rest = 0; rest <= 1; rest++) {
		expect_all_or_nothing(fill, rest);
		expect_all_or_nothing(fill_numbers, rest);
	}
}

/* A text that json-c would print with a hole in it. */
static void
fill_large(struct tell *t)
{
	static char large[100000];

	memset(large, 'x', sizeof(large) - 1);
	for (size_t i = 0; i < 20; i++)
		tell_text(t, i % 2 ? "a" : "b", i % 2 ? large : "\"small\"");
	tell_text(t, "c", large);
	tell_text(t, "d", "\"small\"");
}

static void
no_hole_is_left_in_it(void **state)
{
	(void)state;
	if (!scarce_works())
		skip();
	for (int rest = 0; rest <= 1; rest++)
		expect_all_or_nothing(fill_large, rest);
}

static int
setup(void **state)
{
	char key[2 * TOP_KEY_MAX];

	(void)state;
	for (size_t i = 0; i < WORKERS; i++) {
		if ((workers[i].stats = stats_new()) == NULL)
			return -1;
		for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
			stats_answered(workers[i].stats, kind,
			    kind % STATS_OUTCOMES, 7);
		stats_end(workers[i].stats, stats_begin(workers[i].stats));
		memset(key, '\n', sizeof(key));
		for (unsigned int n = 0; n < KEYS; n++) {
			memcpy(key, &n, sizeof(n));
			stats_key(workers[i].stats, key, 4 + n % 200, n,
			    n % 2);
		}
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORKERS; i++)
		stats_free(workers[i].stats);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_spelled_as_json_c_does),
		cmocka_unit_test(values_are_what_was_told),
		cmocka_unit_test(numbers_have_their_groups),
		cmocka_unit_test(too_deep_is_a_failure),
		cmocka_unit_test(no_part_is_told_for_the_whole),
		cmocka_unit_test(no_hole_is_left_in_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
