/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How much may be owed, what it holds, and that it is worked at together.  Each
 * test is run without the fast path and with it.
 */

#include "config.h"

#include "line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/stats.h"
#include "daemon/snapshot/generation.h"
#include "failing.h"

#define NONE(key)	"not-found No match for \\\"" key "\\\"."

static void
so_many_are_owed_at_most(void **state)
{
	struct line *l = line_new();

	(void)state;
	l->limits.pipeline = 3;
	for (int i = 0; i < 5; i++) {
		line_ask(l, 2 * i, "word");
		line_ask(l, 2 * i + 1, "ring");
	}
	line_turns(l);
	assert_int_equal(l->verdict, STREAM_WAIT);
	assert_int_equal(l->fake.n, 3);
	line_answer(l, 2, LOOKUP_FOUND, "c");
	assert_int_equal(l->fake.n, 3);
	line_answer(l, 0, LOOKUP_FOUND, "a");
	assert_int_equal(l->fake.n, 4);
	line_expect(l, "0 found a\n1 found gold\n");
	for (size_t i = 1; i < 5; i++)
		line_answer(l, i, LOOKUP_FOUND, "x");
	assert_int_equal(l->verdict, STREAM_MORE);
	line_expect(l, "2 found x\n3 found gold\n4 found c\n5 found gold\n"
	    "6 found x\n7 found gold\n8 found x\n9 found gold\n");
	line_free(l);
}

static void
so_many_bytes_are_owed_at_most(void **state)
{
	struct line *l = line_new();
	size_t one, len;

	(void)state;
	line_ask(l, 0, "word");
	line_turns(l);
	one = stream_bytes(&l->stream);
	l->limits.output = (int64_t)one + 20000;
	for (int i = 1; i <= 1000; i++)
		line_ask(l, i, "ring");
	line_turns(l);
	assert_int_equal(l->verdict, STREAM_WAIT);
	len = l->in.len;
	assert_true(len > 0);
	assert_in_range(stream_bytes(&l->stream), one + 15000, one + 40000);
	line_turns(l);
	assert_int_equal(l->in.len, len);
	line_answer(l, 0, LOOKUP_FOUND, "there");
	assert_int_equal(l->verdict, STREAM_MORE);
	assert_int_equal(l->in.len, 0);
	assert_non_null(strstr(l->texts.data, "0 found there\n1 found gold\n"));
	assert_non_null(strstr(l->texts.data, "\n1000 found gold\n"));
	line_free(l);
}

static void
what_was_found_is_held_until_its_turn(void **state)
{
	struct line *l = line_new();
	char text[20001];
	size_t held, bytes;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 4; i++)
		line_ask(l, i, "word");
	line_turns(l);
	held = stream_held(&l->stream);
	bytes = stream_bytes(&l->stream);
	for (size_t i = 1; i < 4; i++)
		line_answer(l, i, LOOKUP_FOUND, text);
	assert_true(stream_held(&l->stream) >= held + 60000);
	assert_true(stream_bytes(&l->stream) >= bytes + 60000);
	line_answer(l, 0, LOOKUP_FOUND, "first");
	assert_false(stream_owes(&l->stream));
	l->texts.len = 0;
	line_free(l);
}

static void
texts_are_lent_behind_what_is_owed(void **state)
{
	struct line *l = line_new();

	(void)state;
	l->env.lend_min = 20;
	line_ask(l, 0, "word");
	for (int i = 1; i < 9; i++)
		line_ask_more(l, i, i % 3 == 0 ? "ring" : "long", KEEP,
		    i % 3 == 0 ? "" : ", \"table\": \"words\"");
	line_turns(l);
	assert_null(l->env.lent.text);
	/* Of which each keeps the generation that it is from. */
	assert_int_equal(line_with->refs, 1 + 1 + 6);
	l->env.gen = line_without;
	line_answer(l, 0, LOOKUP_FOUND, "there, with enough bytes to be lent");
#define LONG	"found this one is of thirty-two bytes..\n"
	line_expect(l, "0 found there, with enough bytes to be lent\n1 " LONG
	    "2 " LONG "3 found gold\n4 " LONG "5 " LONG "6 found gold\n7 "
	    LONG "8 " LONG);
	line_free(l);
}

static void
searches_are_worked_at_together(void **state)
{
	static const char regex[] = ", \"match\": \"regex\"";
	struct line *l = line_new();
	unsigned int turn = 0;

	(void)state;
	line_ask_more(l, 1, "^lo", KEEP, regex);
	line_ask(l, 2, "word");
	line_ask_more(l, 3, "^w", KEEP, regex);
	line_ask(l, 4, "ring");
	line_ask_more(l, 5, "^x", KEEP, ", \"match\": \"prefix\"");
	line_turns(l);
	for (; stream_runs(&l->stream); turn++) {
		assert_true(turn < 1000);
		assert_int_equal(stream_work(&l->stream, &l->env, 1, &l->out),
		    STREAM_AGAIN);
		line_take(l);
	}
	line_expect(l, "1 " LONG);
	line_answer(l, 0, LOOKUP_FOUND, "there");
	line_expect(l, "2 found there\n3 found here\n4 found gold\n"
	    "5 " NONE("^x") "\n");
	line_free(l);
}

static uint64_t
time_of_all(const struct stats *stats, uint64_t *count)
{
	struct histogram_sum sum = { .count = 0 };

	histogram_add(&sum, stats_times(stats, TABLE_EXACT, REQUEST_FOUND));
	*count = sum.count;
	return sum.sum / 1000000000;
}

/* Of what is owed from when it was asked, of what is behind it from then. */
static void
times_count_from_the_request(void **state)
{
	struct line *l = line_new();
	uint64_t count;

	(void)state;
	assert_non_null(l->env.stats = stats_new());
	l->env.since = stats_begin(l->env.stats) - 1000 * INT64_C(1000000000);
	line_ask(l, 1, "word");
	line_turns(l);
	stats_end(l->env.stats, l->env.since);
	l->env.since += 1000 * INT64_C(1000000000);
	line_ask(l, 2, "ring");
	line_turns(l);
	stats_end(l->env.stats, l->env.since);
	assert_int_equal(time_of_all(l->env.stats, &count), 0);
	assert_int_equal(count, 1);
	line_answer(l, 0, LOOKUP_FOUND, "there");
	assert_in_range(time_of_all(l->env.stats, &count), 1000, 1100);
	assert_int_equal(count, 2);
	line_expect(l, "1 found there\n2 found gold\n");
	stats_free(l->env.stats);
	line_free(l);
}

/* Whichever allocation fails, all else is as it was, or it ends. */
static void
memory_may_be_out_at_any_time(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned int n = 1; failed; n++) {
		struct line *l = line_new();
		bool ended;

		l->env.lend_min = 20;
		line_ask(l, 1, "none");
		line_ask_more(l, 2, "long", KEEP, ", \"table\": \"words\"");
		line_ask_more(l, 3, "wird", KEEP ", \"suggest\": 1", "");
		line_ask(l, 4, "ring");
		/* What they are read and told with is the test's. */
		assert_non_null(buf_reserve(&l->all, 4096));
		assert_non_null(buf_reserve(&l->texts, 4096));
		failing_start(n, false);
		line_turns(l);
		for (size_t i = 0; i < l->fake.n &&
		    l->verdict != STREAM_FAILED; i++) {
			later_answer(&l->fake, i, i == 1 ? LOOKUP_FOUND :
			    LOOKUP_MISSED, "there");
			line_turns(l);
		}
		while (l->verdict != STREAM_FAILED &&
		    stream_runs(&l->stream)) {
			l->verdict = stream_work(&l->stream, &l->env, 1,
			    &l->out);
			line_take(l);
		}
		failed = failing_stop();
		ended = l->verdict == STREAM_FAILED;
		if (!ended)
			line_expect(l, "1 " NONE("none") "\n2 " LONG
			    "3 found there\n4 found gold\n");
		assert_true(failed || !ended);
		line_free(l);
	}
}

static int
run(bool fast)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_are_owed_at_most),
		cmocka_unit_test(so_many_bytes_are_owed_at_most),
		cmocka_unit_test(what_was_found_is_held_until_its_turn),
		cmocka_unit_test(texts_are_lent_behind_what_is_owed),
		cmocka_unit_test(searches_are_worked_at_together),
		cmocka_unit_test(times_count_from_the_request),
		cmocka_unit_test(memory_may_be_out_at_any_time),
	};

	line_fast = fast;
	return cmocka_run_group_tests_name(fast ? "with the fast path" :
	    "without the fast path", tests, line_setup,
	    line_teardown);
}

int
main(void)
{
	return run(false) + run(true);
}
