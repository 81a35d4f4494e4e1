/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Queries and their answers without any message around them.
 */

#include "config.h"

#include "daemon/request/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"
#include "lib/appmsg.h"

static struct generation *gen;

static int
setup(void **state)
{
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	folder_write_text("rings.tsv", "ring\tto \"rule\"\n"
	    "ringer\trings\nringing\tloud\n");
	gen = generation_load(folder_write_text("F", LISTEN
	    "answer ring \"of \\\"power\\\"\"\n"
	    "table rings file rings.tsv search=prefix,fuzzy,regex\n"
	    "table others file rings.tsv search=exact\n"),
	    NULL, &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	return gen == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	generation_unref(gen);
	return folder_teardown(state);
}

static const struct table *
table(const char *name)
{
	const struct appmsg_str str = { name, strlen(name), 0 };
	const struct table *t = snapshot_table(gen->snap, &str);

	assert_non_null(t);
	return t;
}

/* A query in some way, else as one that says nothing. */
static struct query
query(const char *key, enum table_way way)
{
	return (struct query){ .key = key, .key_len = strlen(key), .way = way,
	    .distance = QUERY_DISTANCE_MAX, .limit = QUERY_LIMIT };
}

static void
expect_text(const struct answer *a, const char *text)
{
	assert_int_equal(a->status, REQUEST_FOUND);
	assert_null(a->why);
	assert_int_equal(a->text_len, strlen(text));
	assert_memory_equal(a->text, text, a->text_len);
}

/* The keys of an answer that lists some, with a blank behind each. */
static void
expect_keys(const struct answer *a, const char *expected)
{
	struct table_entry e;
	char keys[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < a->n; i++) {
		table_entry(a->list[i].table, a->list[i].id, &e);
		assert_true(len + e.shown_len + 1 < sizeof(keys));
		memcpy(keys + len, e.shown, e.shown_len);
		len += e.shown_len;
		keys[len++] = ' ';
	}
	keys[len] = '\0';
	assert_string_equal(keys, expected);
}

/* Look up what takes a search. */
static struct search *
search(const struct query *q, struct answer *a)
{
	struct query later = *q;
	struct search *s;

	assert_int_equal(query_lookup(gen->snap, q, a), REQUEST_LATER);
	assert_int_equal(a->status, REQUEST_NOT_FOUND);
	s = query_begin(gen->snap, q);
	assert_non_null(s);
	later.key = NULL;	/* gone by then */
	while (query_step(&later, s, 1, a) == REQUEST_LATER)
		;
	return s;
}

static void
the_first_table_answers_first(void **state)
{
	struct query q = query("ring", TABLE_EXACT);
	struct answer a;

	(void)state;
	assert_int_equal(query_lookup(gen->snap, &q, &a), REQUEST_ANSWERED);
	expect_text(&a, "of \\\"power\\\"");
	assert_ptr_equal(a.table, table("main"));
	assert_int_equal(a.n, 1);
	assert_null(a.list);
	q.table = table("rings");
	assert_int_equal(query_lookup(gen->snap, &q, &a), REQUEST_ANSWERED);
	expect_text(&a, "to \\\"rule\\\"");
	assert_ptr_equal(a.table, q.table);
}

static void
a_miss_is_known_at_once(void **state)
{
	struct query q = query("rin", TABLE_EXACT);
	struct answer a;

	(void)state;
	assert_int_equal(query_lookup(gen->snap, &q, &a), REQUEST_ANSWERED);
	assert_int_equal(a.status, REQUEST_NOT_FOUND);
	assert_null(a.table);
	assert_null(a.why);
	assert_int_equal(a.n, 0);
}

static void
near_keys_take_a_search(void **state)
{
	struct query q = query("rin", TABLE_EXACT);
	struct search *s;
	struct answer a;

	(void)state;
	q.suggest = 1;
	s = search(&q, &a);
	assert_int_equal(a.status, REQUEST_NOT_FOUND);
	assert_null(a.table);
	expect_keys(&a, "ring ");
	search_free(s);
	/* A table that may not be searched so has none. */
	q.table = table("others");
	assert_int_equal(query_lookup(gen->snap, &q, &a), REQUEST_ANSWERED);
	assert_int_equal(a.status, REQUEST_NOT_FOUND);
	assert_int_equal(a.n, 0);
	/* What was found needs none. */
	q = query("ring", TABLE_EXACT);
	q.suggest = 1;
	assert_int_equal(query_lookup(gen->snap, &q, &a), REQUEST_ANSWERED);
}

static void
a_search_has_its_best_match(void **state)
{
	struct query q = query("ringi", TABLE_PREFIX);
	struct search *s;
	struct answer a;

	(void)state;
	s = search(&q, &a);
	expect_text(&a, "loud");
	expect_keys(&a, "ringing ");
	assert_false(a.more);
	search_free(s);
	q = query("ringe", TABLE_FUZZY);
	q.distance = 1;
	q.limit = 1;
	s = search(&q, &a);
	expect_text(&a, "of \\\"power\\\"");
	expect_keys(&a, "ring ");
	assert_true(a.more);
	search_free(s);
	q = query("wing", TABLE_PREFIX);
	s = search(&q, &a);
	assert_int_equal(a.status, REQUEST_NOT_FOUND);
	assert_null(a.table);
	search_free(s);
}

static void
a_search_goes_on_after_a_key(void **state)
{
	struct query q = query("ring", TABLE_PREFIX);
	struct search *s;
	struct answer a;

	(void)state;
	q.table = table("rings");
	q.after = "ring";
	q.after_len = 4;
	s = search(&q, &a);
	expect_text(&a, "rings");
	expect_keys(&a, "ringer ringing ");
	search_free(s);
	/* One match there is at most, and nothing behind it. */
	q.way = TABLE_EXACT;
	q.list = true;
	assert_int_equal(query_lookup(gen->snap, &q, &a), REQUEST_ANSWERED);
	assert_int_equal(a.status, REQUEST_NOT_FOUND);
	/* Of several tables one must have it. */
	q = query("ring", TABLE_PREFIX);
	q.after = "ringe";
	q.after_len = 5;
	s = search(&q, &a);
	assert_int_equal(a.status, REQUEST_ERROR);
	assert_string_equal(a.code, "bad-request");
	assert_string_equal(a.why,
	    "no table has the key to go on after; name one table");
	search_free(s);
}

static void
what_cannot_be_searched_says_why(void **state)
{
	struct query q = query("ring", TABLE_PREFIX);
	struct search *s;
	struct answer a;

	(void)state;
	q.table = table("others");
	assert_int_equal(query_lookup(gen->snap, &q, &a), REQUEST_ANSWERED);
	assert_int_equal(a.status, REQUEST_ERROR);
	assert_string_equal(a.code, "not-allowed");
	assert_string_equal(a.why, "the table may not be searched so");
	q = query("ring(", TABLE_REGEX);
	s = search(&q, &a);
	assert_int_equal(a.status, REQUEST_ERROR);
	assert_string_equal(a.code, "bad-match");
	assert_non_null(a.why);
	assert_null(a.table);
	search_free(s);
}

static void
every_status_has_its_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < REQUEST_STATUSES; i++) {
		assert_non_null(status_words[i].raw);
		assert_int_equal(status_words[i].len,
		    strlen(status_words[i].raw));
	}
	assert_string_equal(status_words[REQUEST_UNAVAILABLE].raw,
	    "unavailable");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_table_answers_first),
		cmocka_unit_test(a_miss_is_known_at_once),
		cmocka_unit_test(near_keys_take_a_search),
		cmocka_unit_test(a_search_has_its_best_match),
		cmocka_unit_test(a_search_goes_on_after_a_key),
		cmocka_unit_test(what_cannot_be_searched_says_why),
		cmocka_unit_test(every_status_has_its_word),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
