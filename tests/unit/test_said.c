/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What replies and numbers say of an answer from other machines: to those who
 * ask for it, and that it may be stale, to all.
 */

#include "config.h"

#include "line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/stats.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"

#define CONTENT	"{\"action\": \"search\", \"value\": \"k\"}"
#define EXPLAIN	KEEP ", \"explain\": true"

static struct generation *gen;	/* with one that is elsewhere, "shared" */

static int
setup(void **state)
{
	struct problems problems = PROBLEMS_INIT;

	if (line_setup(state) != 0)
		return -1;
	gen = generation_load(folder_write_text("shared.conf",
	    "listen 127.0.0.1 0\nanswer ring gold\n"
	    "table shared redis-cluster 127.0.0.1:7001\n"), NULL, &problems);
	problems_print(&problems, stderr);
	if (gen == NULL)
		return -1;
	gen->number = 7;
	return 0;
}

static int
teardown(void **state)
{
	generation_unref(gen);
	return line_teardown(state);
}

static struct line *
line_of_shared(void)
{
	struct line *l = line_new();

	l->env.gen = gen;
	assert_non_null(l->env.stats = stats_new());
	return l;
}

static void
line_end(struct line *l)
{
	struct stats *stats = l->env.stats;

	line_free(l);
	stats_free(stats);
}

/* One lookup that is answered so, and all of its reply. */
static const char *
ask(struct line *l, const char *header, const struct lookup_said *said,
    enum lookup_result result, const char *text)
{
	size_t i = l->fake.n;

	line_ask_more(l, 1, "k", header, "");
	line_turns(l);
	assert_int_equal(l->fake.n, i + 1);
	assert_string_equal(l->fake.asked[i].table->what->name, "shared");
	assert_int_equal(l->fake.asked[i].lookup->explain,
	    strstr(header, "explain") != NULL);
	if (said != NULL)
		l->fake.asked[i].lookup->said = *said;
	line_answer(l, i, result, text);
	assert_int_equal(buf_add(&l->all, "", 1), 0);
	l->texts.len = 0;
	return l->all.data + 2;		/* behind the header's length */
}

static void
expect(const char *reply, const char *members)
{
	if (strstr(reply, members) == NULL)
		fail_msg("%s\nis not in\n%s", members, reply);
}

static void
who_asks_is_told_where_it_is_from(void **state)
{
	struct lookup_said said = { .published = 1700000000123,
	    .node = "[::1]:7001" };
	struct line *l = line_of_shared();
	const char *reply;

	(void)state;
	reply = ask(l, EXPLAIN, &said, LOOKUP_FOUND, "v");
	expect(reply, "\"table\": \"shared\", \"generation\": 7, ");
	expect(reply, "Z\", \"source\": \"redis-cluster\", "
	    "\"published\": 1700000000123, \"node\": \"[::1]:7001\", "
	    "\"cached\": false, \"match\": \"exact\"");
	assert_null(strstr(reply, "stale"));
	said = (struct lookup_said){ .cached = true };
	reply = ask(l, EXPLAIN, &said, LOOKUP_FOUND, "v");
	expect(reply, "\"source\": \"redis-cluster\", \"cached\": true, "
	    "\"match\": \"exact\"");
	line_end(l);
}

static void
others_are_told_only_that_it_is_stale(void **state)
{
	struct lookup_said said = { .published = 1, .node = "127.0.0.1:1" };
	struct line *l = line_of_shared();
	const char *reply;

	(void)state;
	reply = ask(l, KEEP, &said, LOOKUP_FOUND, "v");
	assert_null(strstr(reply, "source"));
	assert_null(strstr(reply, "stale"));
	said.stale = said.cached = true;
	expect(ask(l, KEEP, &said, LOOKUP_FOUND, "v"), ", \"stale\": true");
	reply = ask(l, EXPLAIN, &said, LOOKUP_FOUND, "v");
	expect(reply, "\"cached\": true, \"match\": \"exact\", ");
	expect(reply, ", \"entries\": 1, \"stale\": true");
	/* It is gone by the next one. */
	assert_null(strstr(ask(l, KEEP, NULL, LOOKUP_FOUND, "v"), "stale"));
	line_end(l);
}

static void
a_plain_reply_has_the_usual_four(void **state)
{
	struct lookup_said said = { .stale = true };
	struct line *l = line_of_shared();

	(void)state;
	talk_add(&l->in, "text/json", "", CONTENT, strlen(CONTENT));
	line_turns(l);
	l->fake.asked[0].lookup->said = said;
	line_answer(l, 0, LOOKUP_FOUND, "v");
	assert_int_equal(buf_add(&l->all, "", 1), 0);
	expect(l->all.data + 2, "{\"result\": \"v\"}");
	assert_null(strstr(l->all.data + 2, "stale"));
	line_end(l);
}

static void
a_miss_is_not_from_anywhere(void **state)
{
	struct lookup_said said = { .published = 1, .stale = true };
	struct line *l = line_of_shared();
	const char *reply = ask(l, EXPLAIN, &said, LOOKUP_MISSED, NULL);

	(void)state;
	expect(reply, "No match for");
	expect(reply, ", \"generation\": 7, \"loaded\": ");
	assert_null(strstr(reply, "shared"));
	/* But it might not be one by now. */
	expect(reply, ", \"stale\": true");
	line_end(l);
}

static void
each_cause_is_told_and_counted(void **state)
{
	struct line *l = line_of_shared();
	struct lookup_said said = { .cause = REMOTE_DEADLINE };
	char member[64];
	const char *reply;

	(void)state;
	for (enum remote_cause i = 0; i < REMOTE_BUSY; i++) {
		said.cause = i;
		reply = ask(l, EXPLAIN, &said, LOOKUP_UNAVAILABLE, NULL);
		snprintf(member, sizeof(member), "\"source\": "
		    "\"redis-cluster\", \"cause\": \"%s\"",
		    remote_cause_words[i]);
		expect(reply, member);
		expect(reply, "\"status\": \"unavailable\"");
		expect(reply, "Error: the table \\\"shared\\\" cannot be "
		    "asked now.");
		assert_int_equal(stats_get(l->env.stats,
		    STATS_UNAVAILABLE + i), 1);
	}
	said.cause = REMOTE_BUSY;
	reply = ask(l, KEEP, &said, LOOKUP_UNAVAILABLE, NULL);
	expect(reply, "\"status\": \"busy\"");
	expect(reply, "Error: too many requests wait for the table "
	    "\\\"shared\\\".");
	assert_int_equal(stats_get(l->env.stats, STATS_UNAVAILABLE +
	    REMOTE_BUSY), 1);
	line_end(l);
}

static void
what_nobody_asks_is_down(void **state)
{
	struct line *l = line_of_shared();

	(void)state;
	l->env.later = NULL;
	line_ask_more(l, 1, "k", EXPLAIN, "");
	line_turns(l);
	assert_int_equal(buf_add(&l->all, "", 1), 0);
	expect(l->all.data + 2, "\"cause\": \"down\"");
	assert_int_equal(stats_get(l->env.stats, STATS_UNAVAILABLE +
	    REMOTE_DOWN), 1);
	line_end(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_asks_is_told_where_it_is_from),
		cmocka_unit_test(others_are_told_only_that_it_is_stale),
		cmocka_unit_test(a_plain_reply_has_the_usual_four),
		cmocka_unit_test(a_miss_is_not_from_anywhere),
		cmocka_unit_test(each_cause_is_told_and_counted),
		cmocka_unit_test(what_nobody_asks_is_down)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
