/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is told of the last reload, whatever was wrong with it.
 */

#include "config.h"

#include "daemon/report/last_reload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/escape.h"
#include "daemon/base/buf.h"
#include "daemon/base/problems.h"
#include "daemon/base/tell.h"
#include "zone.h"

#define WHEN	1796050595

static void
assert_told(const struct last_reload *last, const char *line,
    const char *object)
{
	char text[LAST_RELOAD_TEXT_SIZE];
	struct buf json = { 0 };
	struct tell t;

	last_reload_text(last, text);
	assert_string_equal(text, line);
	tell_init(&t);
	last_reload_tell(last, true, &t);
	assert_int_equal(tell_print(&t, &json), 0);
	assert_int_equal(buf_add(&json, "", 1), 0);
	assert_string_equal(json.data, object);
	tell_clear(&t);
	buf_clear(&json);
}

static void
each_outcome_is_told(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	struct last_reload last = { .at = 0 };

	(void)state;
	assert_told(&last, "none since the start",
	    "{ \"last-reload\": { \"outcome\": \"none\" } }");
	last_reload_note(&last, WHEN, &problems);
	assert_told(&last, "2026-11-30T20:26:35+0530, done",
	    "{ \"last-reload\": { \"outcome\": \"done\", \"time\": "
	    "\"2026-11-30T20:26:35+0530\", \"problems\": 0 } }");
	problems_add(&problems, "F", 5, "wrong");
	last_reload_note(&last, WHEN, &problems);
	assert_told(&last, "2026-11-30T20:26:35+0530, failed: F:5: wrong",
	    "{ \"last-reload\": { \"outcome\": \"failed\", \"time\": "
	    "\"2026-11-30T20:26:35+0530\", \"problems\": 1, "
	    "\"problem\": \"F:5: wrong\" } }");
	/* The first of the file, not the first that was found. */
	problems_add(&problems, "F", 3, "wrong, too");
	problems.dropped = 7;
	last_reload_note(&last, WHEN, &problems);
	assert_told(&last, "2026-11-30T20:26:35+0530, failed: F:3: wrong, "
	    "too (and 8 more)",
	    "{ \"last-reload\": { \"outcome\": \"failed\", \"time\": "
	    "\"2026-11-30T20:26:35+0530\", \"problems\": 9, "
	    "\"problem\": \"F:3: wrong, too\" } }");
	problems_clear(&problems);
	last_reload_note(&last, WHEN, &problems);
	assert_int_equal(last.outcome, LAST_RELOAD_DONE);
}

static void
no_memory_is_a_failure(void **state)
{
	const struct problems problems = { .dropped = 1 };
	struct last_reload last;

	(void)state;
	last_reload_note(&last, WHEN, &problems);
	assert_told(&last, "2026-11-30T20:26:35+0530, failed: there was no "
	    "memory to say why",
	    "{ \"last-reload\": { \"outcome\": \"failed\", \"time\": "
	    "\"2026-11-30T20:26:35+0530\", \"problems\": 1, \"problem\": "
	    "\"there was no memory to say why\" } }");
}

/* However long it is, it fits, and stays text. */
static void
a_long_problem_is_cut(void **state)
{
	char word[2 * LAST_RELOAD_PROBLEM_MAX], text[LAST_RELOAD_TEXT_SIZE];

	(void)state;
	for (size_t len = LAST_RELOAD_PROBLEM_MAX - 8;
	    len < sizeof(word) - 3; len++) {
		struct problems problems = PROBLEMS_INIT;
		struct last_reload last;
		size_t kept;

		memset(word, 'x', len);
		memcpy(word + len, "\xe2\x82\xac", 4);
		problems_add(&problems, NULL, 0, "%s", word);
		problems.dropped = SIZE_MAX / 2;
		last_reload_note(&last, WHEN, &problems);
		kept = strlen(last.problem);
		if (len + 3 <= LAST_RELOAD_PROBLEM_MAX) {
			assert_string_equal(last.problem, word);
		} else {
			assert_true(kept >= LAST_RELOAD_PROBLEM_MAX);
			assert_string_equal(last.problem + kept - 3, "...");
		}
		assert_true(escape_is_utf8(last.problem, kept));
		last_reload_text(&last, text);
		assert_non_null(strstr(text, " more)"));
		problems_clear(&problems);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_is_told),
		cmocka_unit_test(no_memory_is_a_failure),
		cmocka_unit_test(a_long_problem_is_cut),
	};

	return cmocka_run_group_tests(tests, zone_setup, NULL);
}
