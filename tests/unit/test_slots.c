/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Replies that are owed: of tables that answer later, in any order, twice or
 * never, and of searches.  Between the tables "main" and "words" one is asked
 * that is called "near", behind both one that is called "far".  Each test is
 * run without the fast path and with it.
 */

#include "config.h"

#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "failing.h"
#include "folder.h"
#include "later.h"

#define NONE(key)	"not-found No match for \\\"" key "\\\"."
#define DOWN(name)	"unavailable Error: the table \\\"" name \
	"\\\" cannot be asked now."

/* A connection, and the worker that it belongs to. */
struct line {
	struct stream stream;
	struct request_env env;
	struct conf_limits limits;
	struct later_fake fake;
	enum stream_verdict verdict;
	struct buf in;		/* not used up yet */
	struct buf out;
	struct buf all;		/* with what was lent */
	struct buf texts;	/* the replies: "ID STATUS TEXT\n" each */
	unsigned int wakes;
};

static struct generation *with, *without;
static bool use_fast;
static int64_t none_ns;	/* what searches may take at once */

static struct generation *
load(void)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen;

	gen = generation_load(folder_write_text("appmsgd.conf",
	    "listen 127.0.0.1 0\n"
	    "answer ring gold\n"
	    "table words file words.tsv search=exact,prefix,fuzzy,regex\n"),
	    NULL, &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	return gen;
}

static int
setup(void **state)
{
	static const struct later near = { .name = "near" };
	static const struct later far = { .name = "far" };

	if (folder_setup(state) != 0)
		return -1;
	folder_write_text("words.tsv", "ring\tiron\nword\there\n"
	    "long\tthis one is of thirty-two bytes..\n");
	if ((with = load()) == NULL || (without = load()) == NULL)
		return -1;
	with->number = 1;
	without->number = 2;
	return snapshot_add_later(with->snap, &far, 2) == 0 &&
	    snapshot_add_later(with->snap, &near, 1) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	generation_unref(with);
	generation_unref(without);
	return folder_teardown(state);
}

static void
wake(struct stream *stream, void *arg)
{
	struct line *l = arg;

	assert_ptr_equal(stream, &l->stream);
	l->wakes++;
}

static struct line *
line_new(void)
{
	struct line *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	stream_init(&l->stream, true);
	l->env.gen = with;
	l->env.reply_max = SIZE_MAX;
	l->env.later = &later_fake_ops;
	l->env.later_arg = &l->fake;
	l->env.wake_cb = wake;
	l->env.wake_arg = l;
	/* Searches are never done at once. */
	l->env.at_once_ns = &none_ns;
	l->limits = with->conf->limits;
	l->verdict = STREAM_MORE;
	if (use_fast)
		assert_non_null(l->env.fast = fast_new());
	return l;
}

static void
line_free(struct line *l)
{
	stream_clear(&l->stream);
	/* Nobody is asked for what nobody wants. */
	assert_int_equal(later_waiting(&l->fake), 0);
	fast_free(l->env.fast);
	request_env_clear(&l->env);
	request_lent_clear(&l->env.lent);
	buf_clear(&l->in);
	buf_clear(&l->out);
	buf_clear(&l->all);
	buf_clear(&l->texts);
	/* What was owed lets go of its generation. */
	assert_int_equal(with->refs, 1);
	free(l);
}

/* The peer takes the replies; a text that was lent is put in its place. */
static void
take(struct line *l)
{
	struct request_lent *lent = &l->env.lent;
	struct appmsg_str result;
	struct appmsg_header h;
	struct buf *all = &l->all;
	char text[1024];
	size_t used;
	int n;

	if (lent->text == NULL)
		lent->at = l->out.len;
	all->len = 0;
	assert_int_equal(buf_add(all, l->out.len > 0 ? l->out.data : "",
	    lent->at), 0);
	if (lent->text != NULL)
		assert_int_equal(buf_add(all, lent->text, lent->len), 0);
	assert_int_equal(buf_add(all, l->out.len > 0 ? l->out.data +
	    lent->at : "", l->out.len - lent->at), 0);
	request_lent_clear(lent);
	l->out.len = 0;
	for (char *p = all->data; p < all->data + all->len;
	    p += used + h.content_length) {
		assert_int_equal(appmsg_header_decode(p, (size_t)(all->data +
		    all->len - p), &h, &used), 0);
		assert_int_equal(appmsg_content_find(p + used,
		    h.content_length, "result", &result), 0);
		n = snprintf(text, sizeof(text), "%lld %.*s %.*s\n",
		    (long long)h.id.num, (int)h.status.len, h.status.raw,
		    (int)result.len, result.raw);
		assert_int_equal(buf_add(&l->texts, text, (size_t)n), 0);
	}
}

/* Turns, until there is nothing to be done without bytes or answers. */
static void
turns(struct line *l)
{
	size_t used;

	do {
		l->env.limits = &l->limits;
		l->verdict = stream_feed(&l->stream, &l->env,
		    l->in.len > 0 ? l->in.data : "", l->in.len, &used,
		    &l->out);
		if (used > 0)
			memmove(l->in.data, l->in.data + used,
			    l->in.len - used);
		l->in.len -= used;
		take(l);
	} while (l->verdict == STREAM_AGAIN);
	assert_int_equal(stream_held(&l->stream) > 0,
	    stream_owes(&l->stream));
}

/* Ask for a key, with more members of the header and of the content. */
static void
ask_more(struct line *l, int id, const char *key, const char *header,
    const char *content)
{
	char text[256], members[256];
	int n = snprintf(text, sizeof(text), "{\"action\": \"search\", "
	    "\"value\": \"%s\"%s}", key, content);

	snprintf(members, sizeof(members), "%s, \"id\": %d", header, id);
	talk_add(&l->in, "text/json", members, text, (size_t)n);
}

static void
ask(struct line *l, int id, const char *key)
{
	ask_more(l, id, key, KEEP, "");
}

/* An answer comes, and what is woken by it goes on. */
static void
answer(struct line *l, size_t i, enum lookup_result result, const char *text)
{
	unsigned int wakes = l->wakes;
	bool waits = l->fake.asked[i].lookup != NULL;

	later_answer(&l->fake, i, result, text);
	assert_int_equal(l->wakes, wakes + waits);
	turns(l);
}

static void
expect(struct line *l, const char *texts)
{
	assert_int_equal(buf_add(&l->texts, "", 1), 0);
	assert_string_equal(l->texts.data, texts);
	l->texts.len = 0;
}

static void
only_what_must_be_is_asked_elsewhere(void **state)
{
	struct line *l = line_new();

	(void)state;
	ask(l, 1, "ring");
	turns(l);
	expect(l, "1 found gold\n");
	ask(l, 2, "word");
	ask(l, 3, "ring");
	turns(l);
	expect(l, "");
	assert_int_equal(l->fake.n, 1);
	assert_string_equal(l->fake.asked[0].table->name, "near");
	assert_string_equal(l->fake.asked[0].key, "word");
	answer(l, 0, LOOKUP_FOUND, "there");
	expect(l, "2 found there\n3 found gold\n");
	assert_false(stream_owes(&l->stream));
	line_free(l);
}

static void
tables_are_asked_in_their_order(void **state)
{
	struct line *l = line_new();

	(void)state;
	ask(l, 1, "word");
	ask(l, 2, "none");
	ask(l, 3, "other");
	turns(l);
	assert_int_equal(l->fake.n, 3);
	answer(l, 0, LOOKUP_MISSED, NULL);
	expect(l, "1 found here\n");
	answer(l, 1, LOOKUP_MISSED, NULL);
	assert_int_equal(l->fake.n, 4);
	assert_string_equal(l->fake.asked[3].table->name, "far");
	assert_string_equal(l->fake.asked[3].key, "none");
	answer(l, 2, LOOKUP_MISSED, NULL);
	expect(l, "");
	answer(l, 4, LOOKUP_FOUND, "far away");
	answer(l, 3, LOOKUP_MISSED, NULL);
	expect(l, "2 " NONE("none") "\n3 found far away\n");
	line_free(l);
}

/* Since a table that cannot be asked may hide a key of the next ones. */
static void
nobody_says_no_match_where_it_is_not_known(void **state)
{
	struct line *l = line_new();

	(void)state;
	ask(l, 1, "word");
	ask(l, 2, "none");
	ask(l, 3, "ring");
	turns(l);
	answer(l, 0, LOOKUP_UNAVAILABLE, NULL);
	expect(l, "1 " DOWN("near") "\n");
	answer(l, 1, LOOKUP_MISSED, NULL);
	answer(l, 2, LOOKUP_UNAVAILABLE, NULL);
	expect(l, "2 " DOWN("far") "\n3 found gold\n");
	l->env.later = NULL;
	ask(l, 4, "word");
	turns(l);
	expect(l, "4 " DOWN("near") "\n");
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
			ask(l, 2 * i, "word");
			ask(l, 2 * i + 1, "ring");
		}
		turns(l);
		/* Some orders answer twice, which changes nothing. */
		for (unsigned int i = 0; i < 4; i++) {
			text[0] = (char)('a' + (order >> 2 * i) % 4);
			answer(l, (order >> 2 * i) % 4, LOOKUP_FOUND, text);
			text[0] = 'x';
			answer(l, (order >> 2 * i) % 4, LOOKUP_FOUND, text);
		}
		for (size_t i = 0; i < 4; i++) {
			text[0] = (char)('a' + i);
			answer(l, i, LOOKUP_FOUND, text);
		}
		expect(l, "0 found a\n1 found gold\n2 found b\n3 found gold\n"
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
		ask(l, i, "word");
	turns(l);
	later_answer(&l->fake, 2, LOOKUP_FOUND, "c");
	later_answer(&l->fake, 0, LOOKUP_FOUND, "a");
	assert_int_equal(l->wakes, 1);
	assert_false(stream_runs(&l->stream));
	assert_int_equal(stream_collect(&l->stream, &l->env, &l->out),
	    STREAM_AGAIN);
	take(l);
	expect(l, "0 found a\n");
	later_answer(&l->fake, 1, LOOKUP_FOUND, "b");
	assert_int_equal(l->wakes, 2);
	assert_int_equal(stream_collect(&l->stream, &l->env, &l->out),
	    STREAM_AGAIN);
	take(l);
	expect(l, "1 found b\n2 found c\n");
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
	ask(l, 1, "word");
	ask(l, 2, "none");
	ask(l, 3, "long");
	turns(l);
	expect(l, "1 found cached\n2 " DOWN("far") "\n"
	    "3 found this one is of thirty-two bytes..\n");
	assert_int_equal(l->wakes, 0);
	assert_false(stream_owes(&l->stream));
	/* Also when the next table answers in the first one's wake. */
	ask(l, 4, "later");
	ask(l, 5, "word");
	turns(l);
	expect(l, "");
	answer(l, l->fake.n - 2, LOOKUP_MISSED, NULL);
	answer(l, l->fake.n - 1, LOOKUP_MISSED, NULL);
	expect(l, "4 " NONE("later") "\n5 found cached\n");
	line_free(l);
}

static void
one_table_may_be_named(void **state)
{
	struct line *l = line_new();

	(void)state;
	ask_more(l, 1, "ring", KEEP, ", \"table\": \"far\"");
	ask_more(l, 2, "word", KEEP, ", \"table\": \"far\"");
	ask_more(l, 3, "ring", KEEP, ", \"table\": \"words\"");
	ask_more(l, 4, "none", KEEP, ", \"table\": \"words\"");
	ask_more(l, 5, "ring", KEEP,
	    ", \"table\": \"far\", \"match\": \"prefix\"");
	ask_more(l, 6, "ring", KEEP, ", \"table\": \"farther\"");
	ask_more(l, 7, "wird", KEEP ", \"suggest\": 2", ", \"table\": \"far\"");
	turns(l);
	assert_int_equal(l->fake.n, 3);
	answer(l, 0, LOOKUP_FOUND, "silver");
	answer(l, 1, LOOKUP_MISSED, NULL);
	expect(l, "1 found silver\n2 " NONE("word") "\n3 found iron\n"
	    "4 " NONE("none") "\n"
	    "5 error Error: the table may not be searched so.\n"
	    "6 error Error: there is no such table.\n");
	answer(l, 2, LOOKUP_MISSED, NULL);
	expect(l, "7 " NONE("wird") "\n");
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

static void
a_list_has_what_was_found_elsewhere(void **state)
{
	struct line *l = line_new();

	(void)state;
	for (int i = 1; i <= 3; i++)
		ask_more(l, i, "w\\u00f6rd\\\"", KEEP,
		    ", \"match\": \"exact\", \"table\": \"near\"");
	turns(l);
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
	ask_more(l, 1, "wird", KEEP ", \"suggest\": 2", "");
	ask(l, 2, "ring");
	turns(l);
	assert_false(stream_runs(&l->stream));
	answer(l, 0, LOOKUP_MISSED, NULL);
	answer(l, 1, LOOKUP_MISSED, NULL);
	expect(l, "");
	assert_true(stream_runs(&l->stream));
	while (stream_runs(&l->stream))
		assert_int_not_equal(stream_work(&l->stream, &l->env, 1,
		    &l->out), STREAM_FAILED);
	near = memmem(l->out.data, l->out.len, "\"suggestions\": [\"word\"]",
	    23);
	assert_non_null(near);
	take(l);
	expect(l, "1 " NONE("wird") "\n2 found gold\n");
	line_free(l);
}

static void
who_never_answers_is_given_up(void **state)
{
	struct line *l = line_new();

	(void)state;
	ask(l, 1, "word");
	ask(l, 2, "none");
	ask(l, 3, "ring");
	turns(l);
	later_answer(&l->fake, 1, LOOKUP_MISSED, NULL);
	stream_give_up(&l->stream);
	assert_int_equal(later_forgotten(&l->fake), 1);
	/* Late: nobody is there to be told. */
	later_answer(&l->fake, 0, LOOKUP_FOUND, "late");
	turns(l);
	expect(l, "1 " DOWN("near") "\n");
	assert_int_equal(later_waiting(&l->fake), 1);
	stream_give_up(&l->stream);
	turns(l);
	expect(l, "2 " DOWN("far") "\n3 found gold\n");
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
		ask(l, i, "word");
	turns(l);
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
	ask(l, 1, "none");
	turns(l);
	l->env.gen = without;
	ask(l, 2, "word");
	ask_more(l, 3, "ring", KEEP, ", \"table\": \"far\"");
	turns(l);
	answer(l, 0, LOOKUP_MISSED, NULL);
	assert_int_equal(with->refs, 2);
	assert_string_equal(l->fake.asked[1].table->name, "far");
	answer(l, 1, LOOKUP_FOUND, "still there");
	expect(l, "1 found still there\n2 found here\n"
	    "3 error Error: there is no such table.\n");
	assert_int_equal(with->refs, 1);
	ask(l, 4, "none");
	turns(l);
	expect(l, "4 " NONE("none") "\n");
	line_free(l);
}

static void
a_closing_reply_waits_for_those_before_it(void **state)
{
	static const char *const last[] = { CLOSE, "draining", "broken" };

	(void)state;
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		struct line *l = line_new();

		ask(l, 1, "word");
		turns(l);
		l->stream.draining = i == 1;
		if (i == 2)
			assert_int_equal(buf_add(&l->in, "\0\1{", 3), 0);
		else
			ask_more(l, 2, "ring", i == 0 ? CLOSE : KEEP, "");
		turns(l);
		assert_int_equal(l->verdict, STREAM_WAIT);
		expect(l, "");
		/* Nothing behind it is looked at. */
		ask(l, 3, "none");
		turns(l);
		assert_int_equal(l->verdict, STREAM_WAIT);
		assert_int_equal(l->fake.n, 1);
		answer(l, 0, LOOKUP_FOUND, "there");
		assert_int_equal(l->verdict, STREAM_CLOSE);
		expect(l, i == 2 ? "1 found there\n"
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
	ask(l, 1, "none");
	ask_more(l, 2, "word", CLOSE, "");
	ask(l, 3, "ring");
	turns(l);
	assert_int_equal(l->verdict, STREAM_WAIT);
	answer(l, 1, LOOKUP_FOUND, "there");
	assert_int_equal(l->verdict, STREAM_WAIT);
	answer(l, 0, LOOKUP_MISSED, NULL);
	answer(l, 2, LOOKUP_MISSED, NULL);
	assert_int_equal(l->verdict, STREAM_CLOSE);
	expect(l, "1 " NONE("none") "\n2 found there\n");
	line_free(l);
}

static void
what_is_incomplete_is_refused_behind_what_is_owed(void **state)
{
	const struct refusal why = { REQUEST_ERROR, "incomplete",
	    "the message is incomplete" };
	struct line *l = line_new();

	(void)state;
	ask(l, 1, "word");
	turns(l);
	assert_int_equal(l->verdict, STREAM_MORE);
	l->verdict = stream_refuse(&l->stream, &l->env, &why, "\0\1", 2,
	    &l->out);
	assert_int_equal(l->verdict, STREAM_WAIT);
	assert_int_equal(l->out.len, 0);
	answer(l, 0, LOOKUP_FOUND, "there");
	assert_int_equal(l->verdict, STREAM_CLOSE);
	expect(l, "1 found there\n0 error Error: the message is "
	    "incomplete.\n");
	line_free(l);
}

static void
so_many_are_owed_at_most(void **state)
{
	struct line *l = line_new();

	(void)state;
	l->limits.pipeline = 3;
	for (int i = 0; i < 5; i++) {
		ask(l, 2 * i, "word");
		ask(l, 2 * i + 1, "ring");
	}
	turns(l);
	assert_int_equal(l->verdict, STREAM_WAIT);
	assert_int_equal(l->fake.n, 3);
	answer(l, 2, LOOKUP_FOUND, "c");
	assert_int_equal(l->fake.n, 3);
	answer(l, 0, LOOKUP_FOUND, "a");
	assert_int_equal(l->fake.n, 4);
	expect(l, "0 found a\n1 found gold\n");
	for (size_t i = 1; i < 5; i++)
		answer(l, i, LOOKUP_FOUND, "x");
	assert_int_equal(l->verdict, STREAM_MORE);
	expect(l, "2 found x\n3 found gold\n4 found c\n5 found gold\n"
	    "6 found x\n7 found gold\n8 found x\n9 found gold\n");
	line_free(l);
}

static void
so_many_bytes_are_owed_at_most(void **state)
{
	struct line *l = line_new();
	size_t one, len;

	(void)state;
	ask(l, 0, "word");
	turns(l);
	one = stream_bytes(&l->stream);
	l->limits.output = (int64_t)one + 20000;
	for (int i = 1; i <= 1000; i++)
		ask(l, i, "ring");
	turns(l);
	assert_int_equal(l->verdict, STREAM_WAIT);
	len = l->in.len;
	assert_true(len > 0);
	assert_in_range(stream_bytes(&l->stream), one + 15000, one + 40000);
	turns(l);
	assert_int_equal(l->in.len, len);
	answer(l, 0, LOOKUP_FOUND, "there");
	assert_int_equal(l->verdict, STREAM_MORE);
	assert_int_equal(l->in.len, 0);
	assert_non_null(strstr(l->texts.data, "0 found there\n1 found gold\n"));
	assert_non_null(strstr(l->texts.data, "\n1000 found gold\n"));
	line_free(l);
}

static void
texts_are_lent_behind_what_is_owed(void **state)
{
	struct line *l = line_new();

	(void)state;
	l->env.lend_min = 20;
	ask(l, 0, "word");
	for (int i = 1; i < 9; i++)
		ask_more(l, i, i % 3 == 0 ? "ring" : "long", KEEP,
		    i % 3 == 0 ? "" : ", \"table\": \"words\"");
	turns(l);
	assert_null(l->env.lent.text);
	/* Of which each keeps the generation that it is from. */
	assert_int_equal(with->refs, 1 + 1 + 6);
	l->env.gen = without;
	answer(l, 0, LOOKUP_FOUND, "there, with enough bytes to be lent");
#define LONG	"found this one is of thirty-two bytes..\n"
	expect(l, "0 found there, with enough bytes to be lent\n1 " LONG
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
	ask_more(l, 1, "^lo", KEEP, regex);
	ask(l, 2, "word");
	ask_more(l, 3, "^w", KEEP, regex);
	ask(l, 4, "ring");
	ask_more(l, 5, "^x", KEEP, ", \"match\": \"prefix\"");
	turns(l);
	for (; stream_runs(&l->stream); turn++) {
		assert_true(turn < 1000);
		assert_int_equal(stream_work(&l->stream, &l->env, 1, &l->out),
		    STREAM_AGAIN);
		take(l);
	}
	expect(l, "1 " LONG);
	answer(l, 0, LOOKUP_FOUND, "there");
	expect(l, "2 found there\n3 found here\n4 found gold\n"
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
	ask(l, 1, "word");
	turns(l);
	stats_end(l->env.stats, l->env.since);
	l->env.since += 1000 * INT64_C(1000000000);
	ask(l, 2, "ring");
	turns(l);
	stats_end(l->env.stats, l->env.since);
	assert_int_equal(time_of_all(l->env.stats, &count), 0);
	assert_int_equal(count, 1);
	answer(l, 0, LOOKUP_FOUND, "there");
	assert_in_range(time_of_all(l->env.stats, &count), 1000, 1100);
	assert_int_equal(count, 2);
	expect(l, "1 found there\n2 found gold\n");
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
		ask(l, 1, "none");
		ask_more(l, 2, "long", KEEP, ", \"table\": \"words\"");
		ask_more(l, 3, "wird", KEEP ", \"suggest\": 1", "");
		ask(l, 4, "ring");
		/* What they are read and told with is the test's. */
		assert_non_null(buf_reserve(&l->all, 4096));
		assert_non_null(buf_reserve(&l->texts, 4096));
		failing_start(n, false);
		turns(l);
		for (size_t i = 0; i < l->fake.n &&
		    l->verdict != STREAM_FAILED; i++) {
			later_answer(&l->fake, i, i == 1 ? LOOKUP_FOUND :
			    LOOKUP_MISSED, "there");
			turns(l);
		}
		while (l->verdict != STREAM_FAILED &&
		    stream_runs(&l->stream)) {
			l->verdict = stream_work(&l->stream, &l->env, 1,
			    &l->out);
			take(l);
		}
		failed = failing_stop();
		ended = l->verdict == STREAM_FAILED;
		if (!ended)
			expect(l, "1 " NONE("none") "\n2 " LONG
			    "3 found there\n4 found gold\n");
		assert_true(failed || !ended);
		line_free(l);
	}
}

static int
run(bool fast)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_must_be_is_asked_elsewhere),
		cmocka_unit_test(tables_are_asked_in_their_order),
		cmocka_unit_test(nobody_says_no_match_where_it_is_not_known),
		cmocka_unit_test(answers_may_come_in_any_order),
		cmocka_unit_test(a_stream_is_woken_once),
		cmocka_unit_test(what_is_answered_at_once_is_not_owed),
		cmocka_unit_test(one_table_may_be_named),
		cmocka_unit_test(a_list_has_what_was_found_elsewhere),
		cmocka_unit_test(a_lookup_may_end_in_a_search),
		cmocka_unit_test(who_never_answers_is_given_up),
		cmocka_unit_test(a_client_that_is_gone_is_forgotten),
		cmocka_unit_test(a_reload_may_drop_the_table),
		cmocka_unit_test(a_closing_reply_waits_for_those_before_it),
		cmocka_unit_test(a_closing_reply_may_be_owed),
		cmocka_unit_test(
		    what_is_incomplete_is_refused_behind_what_is_owed),
		cmocka_unit_test(so_many_are_owed_at_most),
		cmocka_unit_test(so_many_bytes_are_owed_at_most),
		cmocka_unit_test(texts_are_lent_behind_what_is_owed),
		cmocka_unit_test(searches_are_worked_at_together),
		cmocka_unit_test(times_count_from_the_request),
		cmocka_unit_test(memory_may_be_out_at_any_time),
	};

	use_fast = fast;
	return cmocka_run_group_tests_name(fast ? "with the fast path" :
	    "without the fast path", tests, setup, teardown);
}

int
main(void)
{
	return run(false) + run(true);
}
