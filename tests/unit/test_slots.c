/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Replies that are owed by tables that answer later, in any order, twice or
 * never.  Each test is run without the fast path and with it.
 */

#include "config.h"

#include "line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"

#define NONE(key)	"not-found No match for \\\"" key "\\\"."
#define DOWN(name)	"unavailable Error: the table \\\"" name \
	"\\\" cannot be asked now."

static void
only_what_must_be_is_asked_elsewhere(void **state)
{
	struct line *l = line_new();

	(void)state;
	line_ask(l, 1, "ring");
	line_turns(l);
	line_expect(l, "1 found gold\n");
	line_ask(l, 2, "word");
	line_ask(l, 3, "ring");
	line_turns(l);
	line_expect(l, "");
	assert_int_equal(l->fake.n, 1);
	assert_string_equal(l->fake.asked[0].table->name, "near");
	assert_string_equal(l->fake.asked[0].key, "word");
	line_answer(l, 0, LOOKUP_FOUND, "there");
	line_expect(l, "2 found there\n3 found gold\n");
	assert_false(stream_owes(&l->stream));
	line_free(l);
}

static void
tables_are_asked_in_their_order(void **state)
{
	struct line *l = line_new();

	(void)state;
	line_ask(l, 1, "word");
	line_ask(l, 2, "none");
	line_ask(l, 3, "other");
	line_turns(l);
	assert_int_equal(l->fake.n, 3);
	line_answer(l, 0, LOOKUP_MISSED, NULL);
	line_expect(l, "1 found here\n");
	line_answer(l, 1, LOOKUP_MISSED, NULL);
	assert_int_equal(l->fake.n, 4);
	assert_string_equal(l->fake.asked[3].table->name, "far");
	assert_string_equal(l->fake.asked[3].key, "none");
	line_answer(l, 2, LOOKUP_MISSED, NULL);
	line_expect(l, "");
	line_answer(l, 4, LOOKUP_FOUND, "far away");
	line_answer(l, 3, LOOKUP_MISSED, NULL);
	line_expect(l, "2 " NONE("none") "\n3 found far away\n");
	line_free(l);
}

/* Since a table that cannot be asked may hide a key of the next ones. */
static void
nobody_says_no_match_where_it_is_not_known(void **state)
{
	struct line *l = line_new();

	(void)state;
	line_ask(l, 1, "word");
	line_ask(l, 2, "none");
	line_ask(l, 3, "ring");
	line_turns(l);
	line_answer(l, 0, LOOKUP_UNAVAILABLE, NULL);
	line_expect(l, "1 " DOWN("near") "\n");
	line_answer(l, 1, LOOKUP_MISSED, NULL);
	line_answer(l, 2, LOOKUP_UNAVAILABLE, NULL);
	line_expect(l, "2 " DOWN("far") "\n3 found gold\n");
	l->env.later = NULL;
	line_ask(l, 4, "word");
	line_turns(l);
	line_expect(l, "4 " DOWN("near") "\n");
	assert_false(stream_owes(&l->stream));
	line_free(l);
}

static void
answers_may_come_in_any_order(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < 4 * 4 * 4 * 4; order++) {
		struct line *l = line_new();
		char text[2] = "a";

		for (int i = 0; i < 4; i++) {
			line_ask(l, 2 * i, "word");
			line_ask(l, 2 * i + 1, "ring");
		}
		line_turns(l);
		/* Some orders answer twice, which changes nothing. */
		for (unsigned int i = 0; i < 4; i++) {
			text[0] = (char)('a' + (order >> 2 * i) % 4);
			line_answer(l, (order >> 2 * i) % 4, LOOKUP_FOUND, text);
			text[0] = 'x';
			line_answer(l, (order >> 2 * i) % 4, LOOKUP_FOUND, text);
		}
		for (size_t i = 0; i < 4; i++) {
			text[0] = (char)('a' + i);
			line_answer(l, i, LOOKUP_FOUND, text);
		}
		line_expect(l,
		    "0 found a\n1 found gold\n2 found b\n3 found gold\n"
		    "4 found c\n5 found gold\n6 found d\n7 found gold\n");
		line_free(l);
	}
}

/* Several that come before the stream is looked at wake it once. */
static void
a_stream_is_woken_once(void **state)
{
	struct line *l = line_new();

	(void)state;
	for (int i = 0; i < 3; i++)
		line_ask(l, i, "word");
	line_turns(l);
	later_answer(&l->fake, 2, LOOKUP_FOUND, "c");
	later_answer(&l->fake, 0, LOOKUP_FOUND, "a");
	assert_int_equal(l->wakes, 1);
	assert_false(stream_runs(&l->stream));
	assert_int_equal(stream_collect(&l->stream, &l->env, &l->out),
	    STREAM_AGAIN);
	line_take(l);
	line_expect(l, "0 found a\n");
	later_answer(&l->fake, 1, LOOKUP_FOUND, "b");
	assert_int_equal(l->wakes, 2);
	assert_int_equal(stream_collect(&l->stream, &l->env, &l->out),
	    STREAM_AGAIN);
	line_take(l);
	line_expect(l, "1 found b\n2 found c\n");
	assert_int_equal(stream_collect(&l->stream, &l->env, &l->out),
	    STREAM_AGAIN);
	assert_int_equal(l->out.len, 0);
	line_free(l);
}

static enum lookup_result
knows_word(const struct later *table, const struct lookup *lookup,
    const char **text)
{
	*text = "cached";
	if (lookup->key_len == 5)
		return LOOKUP_NONE;
	return strcmp(table->name, "near") != 0 ? LOOKUP_UNAVAILABLE :
	    memcmp(lookup->key, "word", 4) == 0 ? LOOKUP_FOUND :
	    LOOKUP_MISSED;
}

static void
what_is_answered_at_once_is_not_owed(void **state)
{
	struct line *l = line_new();

	(void)state;
	l->fake.at_once = knows_word;
	line_ask(l, 1, "word");
	line_ask(l, 2, "none");
	line_ask(l, 3, "long");
	line_turns(l);
	line_expect(l, "1 found cached\n2 " DOWN("far") "\n"
	    "3 found this one is of thirty-two bytes..\n");
	assert_int_equal(l->wakes, 0);
	assert_false(stream_owes(&l->stream));
	/* Also when the next table answers in the first one's wake. */
	line_ask(l, 4, "later");
	line_ask(l, 5, "word");
	line_turns(l);
	line_expect(l, "");
	line_answer(l, l->fake.n - 2, LOOKUP_MISSED, NULL);
	line_answer(l, l->fake.n - 1, LOOKUP_MISSED, NULL);
	line_expect(l, "4 " NONE("later") "\n5 found cached\n");
	line_free(l);
}

static void
one_table_may_be_named(void **state)
{
	struct line *l = line_new();

	(void)state;
	line_ask_more(l, 1, "ring", KEEP, ", \"table\": \"far\"");
	line_ask_more(l, 2, "word", KEEP, ", \"table\": \"far\"");
	line_ask_more(l, 3, "ring", KEEP, ", \"table\": \"words\"");
	line_ask_more(l, 4, "none", KEEP, ", \"table\": \"words\"");
	line_ask_more(l, 5, "ring", KEEP,
	    ", \"table\": \"far\", \"match\": \"prefix\"");
	line_ask_more(l, 6, "ring", KEEP, ", \"table\": \"farther\"");
	line_ask_more(l, 7, "wird", KEEP ", \"suggest\": 2",
	    ", \"table\": \"far\"");
	line_turns(l);
	assert_int_equal(l->fake.n, 3);
	line_answer(l, 0, LOOKUP_FOUND, "silver");
	line_answer(l, 1, LOOKUP_MISSED, NULL);
	line_expect(l, "1 found silver\n2 " NONE("word") "\n3 found iron\n"
	    "4 " NONE("none") "\n"
	    "5 error Error: the table may not be searched so.\n"
	    "6 error Error: there is no such table.\n");
	line_answer(l, 2, LOOKUP_MISSED, NULL);
	line_expect(l, "7 " NONE("wird") "\n");
	assert_int_equal(l->fake.n, 3);
	line_free(l);
}

static void
expect_content(struct line *l, const char *content)
{
	struct appmsg_header h;
	size_t used;

	assert_int_equal(appmsg_header_decode(l->out.data, l->out.len, &h,
	    &used), 0);
	assert_int_equal(l->out.len, used + strlen(content));
	assert_memory_equal(l->out.data + used, content, strlen(content));
	l->out.len = 0;
}

/* Nobody is asked for it. */
static void
tables_that_answer_later_are_named_in_turn(void **state)
{
	static const char content[] = "{\"action\": \"tables\"}";
	struct line *l = line_new();
	size_t used;

	(void)state;
	talk_add(&l->in, "text/json", KEEP, content, strlen(content));
	l->env.limits = &l->limits;
	stream_feed(&l->stream, &l->env, l->in.data, l->in.len, &used,
	    &l->out);
	assert_int_equal(used, l->in.len);
	expect_content(l, "{\"result\": \"main\\nnear\\nwords\\nfar\", "
	    "\"tables\": [\"main\", \"near\", \"words\", \"far\"]}");
	assert_int_equal(l->fake.n, 0);
	line_free(l);
}

static void
a_list_has_what_was_found_elsewhere(void **state)
{
	struct line *l = line_new();

	(void)state;
	for (int i = 1; i <= 3; i++)
		line_ask_more(l, i, "w\\u00f6rd\\\"", KEEP,
		    ", \"match\": \"exact\", \"table\": \"near\"");
	line_turns(l);
	later_answer(&l->fake, 0, LOOKUP_FOUND, "a \\\"b\\\"");
	stream_collect(&l->stream, &l->env, &l->out);
	expect_content(l, "{\"result\": \"a \\\"b\\\"\", \"matches\": "
	    "[{\"key\": \"w\xc3\xb6rd\\\"\", \"result\": \"a \\\"b\\\"\"}], "
	    "\"more\": false}");
	later_answer(&l->fake, 1, LOOKUP_MISSED, NULL);
	stream_collect(&l->stream, &l->env, &l->out);
	expect_content(l, "{\"result\": \"No match for \\\"w\xc3\xb6rd\\\""
	    "\\\".\", \"matches\": [], \"more\": false}");
	later_answer(&l->fake, 2, LOOKUP_FOUND, "");
	stream_collect(&l->stream, &l->env, &l->out);
	expect_content(l, "{\"result\": \"\", \"matches\": "
	    "[{\"key\": \"w\xc3\xb6rd\\\"\", \"result\": \"\"}], "
	    "\"more\": false}");
	line_free(l);
}

/* A miss of all tables may want near keys: the lookup becomes a search. */
static void
a_lookup_may_end_in_a_search(void **state)
{
	struct line *l = line_new();
	char *near;

	(void)state;
	line_ask_more(l, 1, "wird", KEEP ", \"suggest\": 2", "");
	line_ask(l, 2, "ring");
	line_turns(l);
	assert_false(stream_runs(&l->stream));
	line_answer(l, 0, LOOKUP_MISSED, NULL);
	line_answer(l, 1, LOOKUP_MISSED, NULL);
	line_expect(l, "");
	assert_true(stream_runs(&l->stream));
	while (stream_runs(&l->stream))
		assert_int_not_equal(stream_work(&l->stream, &l->env, 1,
		    &l->out), STREAM_FAILED);
	near = memmem(l->out.data, l->out.len, "\"suggestions\": [\"word\"]",
	    23);
	assert_non_null(near);
	line_take(l);
	line_expect(l, "1 " NONE("wird") "\n2 found gold\n");
	line_free(l);
}

static void
who_never_answers_is_given_up(void **state)
{
	struct line *l = line_new();

	(void)state;
	line_ask(l, 1, "word");
	line_ask(l, 2, "none");
	line_ask(l, 3, "ring");
	line_turns(l);
	later_answer(&l->fake, 1, LOOKUP_MISSED, NULL);
	stream_give_up(&l->stream);
	assert_int_equal(later_forgotten(&l->fake), 1);
	/* Late: nobody is there to be told. */
	later_answer(&l->fake, 0, LOOKUP_FOUND, "late");
	line_turns(l);
	line_expect(l, "1 " DOWN("near") "\n");
	assert_int_equal(later_waiting(&l->fake), 1);
	stream_give_up(&l->stream);
	line_turns(l);
	line_expect(l, "2 " DOWN("far") "\n3 found gold\n");
	assert_int_equal(later_forgotten(&l->fake), 2);
	stream_give_up(&l->stream);
	line_free(l);
}

static void
a_client_that_is_gone_is_forgotten(void **state)
{
	struct line *l = line_new();

	(void)state;
	for (int i = 0; i < 5; i++)
		line_ask(l, i, "word");
	line_turns(l);
	later_answer(&l->fake, 3, LOOKUP_FOUND, "here");
	stream_clear(&l->stream);
	assert_int_equal(later_forgotten(&l->fake), 4);
	assert_int_equal(later_waiting(&l->fake), 0);
	later_answer(&l->fake, 0, LOOKUP_FOUND, "late");
	later_answer(&l->fake, 3, LOOKUP_FOUND, "twice");
	line_free(l);
}

/* What is owed is answered as it was when it was asked. */
static void
a_reload_may_drop_the_table(void **state)
{
	struct line *l = line_new();

	(void)state;
	line_ask(l, 1, "none");
	line_turns(l);
	l->env.gen = line_without;
	line_ask(l, 2, "word");
	line_ask_more(l, 3, "ring", KEEP, ", \"table\": \"far\"");
	line_turns(l);
	line_answer(l, 0, LOOKUP_MISSED, NULL);
	assert_int_equal(line_with->refs, 2);
	assert_string_equal(l->fake.asked[1].table->name, "far");
	line_answer(l, 1, LOOKUP_FOUND, "still there");
	line_expect(l, "1 found still there\n2 found here\n"
	    "3 error Error: there is no such table.\n");
	assert_int_equal(line_with->refs, 1);
	line_ask(l, 4, "none");
	line_turns(l);
	line_expect(l, "4 " NONE("none") "\n");
	line_free(l);
}

static void
a_closing_reply_waits_for_those_before_it(void **state)
{
	static const char *const last[] = { CLOSE, "draining", "broken" };

	(void)state;
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		struct line *l = line_new();

		line_ask(l, 1, "word");
		line_turns(l);
		l->stream.draining = i == 1;
		if (i == 2)
			assert_int_equal(buf_add(&l->in, "\0\1{", 3), 0);
		else
			line_ask_more(l, 2, "ring", i == 0 ? CLOSE : KEEP, "");
		line_turns(l);
		assert_int_equal(l->verdict, STREAM_WAIT);
		line_expect(l, "");
		/* Nothing behind it is looked at. */
		line_ask(l, 3, "none");
		line_turns(l);
		assert_int_equal(l->verdict, STREAM_WAIT);
		assert_int_equal(l->fake.n, 1);
		line_answer(l, 0, LOOKUP_FOUND, "there");
		assert_int_equal(l->verdict, STREAM_CLOSE);
		line_expect(l, i == 2 ? "1 found there\n"
		    "0 error Error: no member name in quotes.\n" :
		    "1 found there\n2 found gold\n");
		line_free(l);
	}
}

static void
a_closing_reply_may_be_owed(void **state)
{
	struct line *l = line_new();

	(void)state;
	line_ask(l, 1, "none");
	line_ask_more(l, 2, "word", CLOSE, "");
	line_ask(l, 3, "ring");
	line_turns(l);
	assert_int_equal(l->verdict, STREAM_WAIT);
	line_answer(l, 1, LOOKUP_FOUND, "there");
	assert_int_equal(l->verdict, STREAM_WAIT);
	line_answer(l, 0, LOOKUP_MISSED, NULL);
	line_answer(l, 2, LOOKUP_MISSED, NULL);
	assert_int_equal(l->verdict, STREAM_CLOSE);
	line_expect(l, "1 " NONE("none") "\n2 found there\n");
	line_free(l);
}

static void
what_is_incomplete_is_refused_behind_what_is_owed(void **state)
{
	const struct refusal why = { REQUEST_ERROR, "incomplete",
	    "the message is incomplete" };
	struct line *l = line_new();

	(void)state;
	line_ask(l, 1, "word");
	line_turns(l);
	assert_int_equal(l->verdict, STREAM_MORE);
	l->verdict = stream_refuse(&l->stream, &l->env, &why, "\0\1", 2,
	    &l->out);
	assert_int_equal(l->verdict, STREAM_WAIT);
	assert_int_equal(l->out.len, 0);
	line_answer(l, 0, LOOKUP_FOUND, "there");
	assert_int_equal(l->verdict, STREAM_CLOSE);
	line_expect(l, "1 found there\n0 error Error: the message is "
	    "incomplete.\n");
	line_free(l);
}

/* Whose memory is worth fetching; and where to go on. */
static void
those_before_the_first_elsewhere_are_told(void **state)
{
	const struct snapshot *with = line_with->snap;
	const struct snapshot *without = line_without->snap;
	const struct later *later = NULL;
	struct snapshot_answer answer;
	size_t n, at;

	(void)state;
	snapshot_first_tables(with, &n);
	assert_int_equal(n, 1);
	at = snapshot_first_later(with);
	assert_int_equal(snapshot_find_from(with, &at, "word", 4, &answer,
	    &later), SNAPSHOT_LATER);
	assert_string_equal(later->name, "near");
	assert_int_equal(snapshot_find_from(with, &at, "word", 4, &answer,
	    &later), SNAPSHOT_FOUND);
	snapshot_first_tables(without, &n);
	assert_int_equal(n, 2);
	at = snapshot_first_later(without);
	assert_int_equal(snapshot_find_from(without, &at, "word", 4, &answer,
	    &later), SNAPSHOT_MISSED);
}

static int
run(bool fast)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_must_be_is_asked_elsewhere),
		cmocka_unit_test(those_before_the_first_elsewhere_are_told),
		cmocka_unit_test(tables_are_asked_in_their_order),
		cmocka_unit_test(nobody_says_no_match_where_it_is_not_known),
		cmocka_unit_test(answers_may_come_in_any_order),
		cmocka_unit_test(a_stream_is_woken_once),
		cmocka_unit_test(what_is_answered_at_once_is_not_owed),
		cmocka_unit_test(one_table_may_be_named),
		cmocka_unit_test(tables_that_answer_later_are_named_in_turn),
		cmocka_unit_test(a_list_has_what_was_found_elsewhere),
		cmocka_unit_test(a_lookup_may_end_in_a_search),
		cmocka_unit_test(who_never_answers_is_given_up),
		cmocka_unit_test(a_client_that_is_gone_is_forgotten),
		cmocka_unit_test(a_reload_may_drop_the_table),
		cmocka_unit_test(a_closing_reply_waits_for_those_before_it),
		cmocka_unit_test(a_closing_reply_may_be_owed),
		cmocka_unit_test(
		    what_is_incomplete_is_refused_behind_what_is_owed),
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
