/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests in, replies and what was lent out, as a session would do it.
 */

#include "config.h"

#include "line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/request/fast.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"

struct generation *line_with, *line_without;
bool line_fast;

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

int
line_setup(void **state)
{
	static const struct later near = { .name = "near" };
	static const struct later far = { .name = "far" };

	if (folder_setup(state) != 0)
		return -1;
	folder_write_text("words.tsv", "ring\tiron\nword\there\n"
	    "long\tthis one is of thirty-two bytes..\n");
	if ((line_with = load()) == NULL || (line_without = load()) == NULL)
		return -1;
	line_with->number = 1;
	line_without->number = 2;
	return snapshot_add_later(line_with->snap, &far, 2) == 0 &&
	    snapshot_add_later(line_with->snap, &near, 1) == 0 ? 0 : -1;
}

int
line_teardown(void **state)
{
	generation_unref(line_with);
	generation_unref(line_without);
	return folder_teardown(state);
}

static void
wake(struct stream *stream, void *arg)
{
	struct line *l = arg;

	assert_ptr_equal(stream, &l->stream);
	l->wakes++;
}

struct line *
line_new(void)
{
	struct line *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	stream_init(&l->stream, true);
	l->env.gen = line_with;
	l->env.reply_max = SIZE_MAX;
	l->env.later = &later_fake_ops;
	l->env.later_arg = &l->fake;
	l->env.wake_cb = wake;
	l->env.wake_arg = l;
	/* Searches are never done at once. */
	l->env.at_once_ns = &none_ns;
	l->limits = line_with->conf->limits;
	l->verdict = STREAM_MORE;
	if (line_fast)
		assert_non_null(l->env.fast = fast_new());
	return l;
}

void
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
	assert_int_equal(line_with->refs, 1);
	free(l);
}

void
line_take(struct line *l)
{
	struct request_lent *lent = &l->env.lent;
	struct appmsg_str result;
	struct appmsg_header h;
	struct buf *all = &l->all;
	char text[32768];
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
		assert_true(n > 0 && n < (int)sizeof(text));
		assert_int_equal(buf_add(&l->texts, text, (size_t)n), 0);
	}
}

void
line_turns(struct line *l)
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
		line_take(l);
	} while (l->verdict == STREAM_AGAIN);
	assert_int_equal(stream_held(&l->stream) > 0,
	    stream_owes(&l->stream));
}

void
line_ask_more(struct line *l, int id, const char *key, const char *header,
    const char *content)
{
	char text[256], members[256];
	int n = snprintf(text, sizeof(text), "{\"action\": \"search\", "
	    "\"value\": \"%s\"%s}", key, content);

	snprintf(members, sizeof(members), "%s, \"id\": %d", header, id);
	talk_add(&l->in, "text/json", members, text, (size_t)n);
}

void
line_ask(struct line *l, int id, const char *key)
{
	line_ask_more(l, id, key, KEEP, "");
}

void
line_answer(struct line *l, size_t i, enum lookup_result result, const char *text)
{
	unsigned int wakes = l->wakes;
	bool waits = l->fake.asked[i].lookup != NULL;

	later_answer(&l->fake, i, result, text);
	assert_int_equal(l->wakes, wakes + waits);
	line_turns(l);
}

void
line_expect(struct line *l, const char *texts)
{
	assert_int_equal(buf_add(&l->texts, "", 1), 0);
	assert_string_equal(l->texts.data, texts);
	l->texts.len = 0;
}
