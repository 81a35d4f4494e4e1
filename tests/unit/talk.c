/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a session does around its stream, without a socket: bytes arrive in
 * memory of just their size, so that the address sanitizer sees one read too
 * far.
 */

#include "config.h"

#include "talk.h"

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
#include "folder.h"

static struct generation *gen;
bool talk_use_fast;

int
talk_setup(void **state)
{
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	folder_write("logo.bin", "\0\xff\n", 3);
	gen = generation_load(folder_write_text("appmsgd.conf",
	    "listen 127.0.0.1 0\n"
	    "answer ring \"" RING "\"\n"
	    "binary logo file logo.bin type=image/png\n"), NULL, &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	if (gen == NULL)
		return -1;
	gen->number = 1;
	gen->loaded_at = 0;
	return 0;
}

int
talk_teardown(void **state)
{
	generation_unref(gen);
	return folder_teardown(state);
}

void
talk_init(struct talk *t, bool keep_alive)
{
	memset(t, 0, sizeof(*t));
	stream_init(&t->stream, keep_alive);
	t->env.gen = gen;
	t->env.reply_max = SIZE_MAX;
	if (talk_use_fast) {
		t->env.fast = fast_new();
		assert_non_null(t->env.fast);
	}
	t->limits = gen->conf->limits;
	t->verdict = STREAM_MORE;
}

void
talk_clear(struct talk *t)
{
	stream_clear(&t->stream);
	fast_free(t->env.fast);
	t->env.fast = NULL;
	request_env_clear(&t->env);
	buf_clear(&t->in);
	buf_clear(&t->out);
	buf_clear(&t->replies);
}

void
talk_take_out(struct talk *t)
{
	struct request_lent *lent = &t->env.lent;
	size_t at = lent->text != NULL ? lent->at : t->out.len;

	assert_true(at <= t->out.len);
	assert_int_equal(buf_add(&t->replies, t->out.len > 0 ? t->out.data :
	    "", at), 0);
	if (lent->text != NULL)
		assert_int_equal(buf_add(&t->replies, lent->text, lent->len),
		    0);
	if (t->out.len > at)
		assert_int_equal(buf_add(&t->replies, t->out.data + at,
		    t->out.len - at), 0);
	lent->text = NULL;
	t->out.len = 0;
}

void
talk_turn(struct talk *t)
{
	size_t len = t->in.len, used = 4711;
	char *mem = malloc(len > 0 ? len : 1);

	assert_non_null(mem);
	if (len > 0)
		memcpy(mem, t->in.data, len);
	t->env.limits = &t->limits;
	t->verdict = stream_feed(&t->stream, &t->env, mem, len, &used,
	    &t->out);
	free(mem);
	t->turns++;
	assert_int_not_equal(t->verdict, STREAM_FAILED);
	assert_false(stream_owes(&t->stream));
	assert_true(used <= len);
	/* Without that the next turn would be the same again. */
	if (t->verdict == STREAM_AGAIN)
		assert_true(used > 0 || t->out.len > 0);
	if (len > 0)
		memmove(t->in.data, t->in.data + used, len - used);
	t->in.len = len - used;
	if (t->verdict == STREAM_MORE) {
		assert_true(t->in.len < t->stream.need);
		assert_int_equal(t->stream.state == STREAM_IDLE,
		    t->in.len == 0);
	}
}

void
talk_feed(struct talk *t, const char *bytes, size_t len)
{
	if (t->verdict == STREAM_CLOSE)
		return;
	assert_int_equal(buf_add(&t->in, bytes, len), 0);
	do {
		talk_turn(t);
		talk_take_out(t);
	} while (t->verdict == STREAM_AGAIN);
}

void
talk_end(struct talk *t)
{
	static const struct refusal incomplete = { REQUEST_ERROR,
	    "incomplete", "the message is incomplete" };

	if (t->verdict == STREAM_CLOSE || t->stream.state == STREAM_IDLE)
		return;
	t->verdict = stream_refuse(&t->stream, &t->env, &incomplete,
	    t->in.data, t->in.len, &t->out);
	talk_take_out(t);
}

void
talk_add(struct buf *b, const char *type, const char *members,
    const char *content, size_t len)
{
	char header[2048];
	int n = snprintf(header + 2, sizeof(header) - 2, "{" ORDER
	    ", \"content-type\": \"%s\", \"content-encoding\": \"utf-8\", "
	    "\"content-length\": %zu%s}", type, len, members);

	assert_true(n > 0 && (size_t)n < sizeof(header) - 2);
	header[0] = (char)(n >> 8);
	header[1] = (char)n;
	assert_int_equal(buf_add(b, header, (size_t)n + 2), 0);
	assert_int_equal(buf_add(b, content, len), 0);
}

void
talk_add_search(struct buf *b, const char *members)
{
	talk_add(b, "text/json", members, SEARCH, sizeof(SEARCH) - 1);
}

void
talk_add_mixture(struct buf *b)
{
	talk_add_search(b, KEEP);
	talk_add(b, "text/json", KEEP ", \"id\": \"a\\u0000b\"", "{}", 2);
	talk_add(b, "x", KEEP ", \"id\": -7", "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
	talk_add(b, "x", KEEP, "logo", 4);
	talk_add(b, "text/json", KEEP, "", 0);
	talk_add(b, "text/json", KEEP ", \"id\": 1.5", "{", 1);
	talk_add(b, "text/json", KEEP ", \"explain\": true, \"id\": 1",
	    SEARCH, sizeof(SEARCH) - 1);
	talk_add(b, "x", KEEP, "", 0);
	talk_add_search(b, "");
}

void
talk_expect_reply(const struct talk *t, size_t n, const char *type,
    const char *encoding, const char *members, const char *content,
    size_t len)
{
	const char *p = t->replies.data, *end = p + t->replies.len;
	struct appmsg_header h;
	struct buf b = { 0 };
	char header[2048];
	size_t used;
	int header_len;

	for (;; n--, p += used + h.content_length) {
		assert_int_equal(appmsg_header_decode(p, (size_t)(end - p),
		    &h, &used), 0);
		assert_true(h.content_length <= (size_t)(end - p) - used);
		if (n == 0)
			break;
	}
	header_len = snprintf(header, sizeof(header), "{" ORDER
	    ", \"content-type\": \"%s\", \"content-encoding\": \"%s\", "
	    "\"content-length\": %zu%s}", type, encoding, len, members);
	assert_true(header_len > 0 && (size_t)header_len < sizeof(header));
	assert_int_equal(buf_add(&b, header, (size_t)header_len), 0);
	assert_int_equal(buf_add(&b, content, len), 0);
	if (b.len != used + h.content_length - 2 ||
	    memcmp(b.data, p + 2, b.len) != 0)
		fail_msg("%.*s instead of %.*s", (int)(used - 2 +
		    h.content_length), p + 2, (int)b.len, b.data);
	buf_clear(&b);
}

void
talk_expect_result(const struct talk *t, size_t n, const char *members,
    const char *result)
{
	char content[1024];
	int len = snprintf(content, sizeof(content), "{\"result\": \"%s\"}",
	    result);

	talk_expect_reply(t, n, "text/json", "utf-8", members, content,
	    (size_t)len);
}

size_t
talk_count_replies(const struct talk *t)
{
	const char *p = t->replies.data, *end = p + t->replies.len;
	struct appmsg_header h;
	size_t n = 0, used;

	for (; p < end; p += used + h.content_length, n++) {
		assert_int_equal(appmsg_header_decode(p, (size_t)(end - p),
		    &h, &used), 0);
		assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
		assert_true(h.content_length <= (size_t)(end - p) - used);
	}
	return n;
}
