/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests to pages, all of which are made anew for each.
 */

#include "config.h"

#include "daemon/http/http_stream.h"

#include <string.h>

#include "common/clock.h"
#include "daemon/http/http_head.h"
#include "daemon/http/http_reply.h"
#include "daemon/http/page.h"

/* Of the body; what one large page needed is not held for ever. */
#define BODY_KEEP	((size_t)64 << 10)

/*
 * The pages: each makes the reply to a request for it, and what it appends to
 * the body that may be of.
 */

static struct http_reply
page(const struct http_turn *t, const struct http_head *head)
{
	(void)t;
	(void)head;
	return (struct http_reply){ .status = 200,
	    .type = "text/html; charset=utf-8", .body = http_page,
	    .len = http_page_len };
}

/* What was appended, unless there was an error. */
static struct http_reply
numbers(const struct http_turn *t, int error, const char *type)
{
	if (error != 0)
		return http_reply_text(500);
	return (struct http_reply){ .status = 200, .type = type,
	    .body = t->body->data, .len = t->body->len };
}

static struct http_reply
stats(const struct http_turn *t, const struct http_head *head)
{
	(void)head;
	return numbers(t, t->source->stats(t->body, t->keys, t->source->arg),
	    "application/json");
}

static struct http_reply
history(const struct http_turn *t, const struct http_head *head)
{
	(void)head;
	return numbers(t, t->source->history(t->body, t->source->arg),
	    "application/json");
}

static struct http_reply
metrics(const struct http_turn *t, const struct http_head *head)
{
	return numbers(t, t->source->metrics(t->body, head->classic,
	    t->source->arg), head->classic ?
	    "text/plain; version=0.0.4; charset=utf-8" :
	    "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static struct http_reply
health(const struct http_turn *t, const struct http_head *head)
{
	(void)head;
	return http_reply_text(t->source->healthy(t->source->arg) ? 200 :
	    503);
}

static const struct {
	const char *path;
	struct http_reply (*reply)(const struct http_turn *,
	    const struct http_head *);
} pages[] = {
	{ "/", page },
	{ "/stats.json", stats },
	{ "/history.json", history },
	{ "/metrics", metrics },
	{ "/healthz", health }
};

static struct http_reply
find_page(const struct http_turn *t, const struct http_head *head)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (head->path.len == strlen(pages[i].path) &&
		    memcmp(head->path.data, pages[i].path,
		    head->path.len) == 0)
			return pages[i].reply(t, head);
	return http_reply_text(404);
}

static struct http_reply
find_reply(const struct http_turn *t, const struct http_head *head)
{
	switch (head->method) {
	case HTTP_METHOD_GET:
	case HTTP_METHOD_HEAD:
		break;
	case HTTP_METHOD_REFUSED:
		return http_reply_text(405);
	case HTTP_METHOD_UNKNOWN:
		return http_reply_text(501);
	}
	if (head->body)
		return http_reply_text(413);
	if (head->foreign || (!t->local && !http_host_is_ours(&t->hosts,
	    head->host.data != NULL ? head->host.data : "", head->host.len)))
		return http_reply_text(421);
	return find_page(t, head);
}

/* A closing reply to a request of which perhaps the method is known. */
static enum http_verdict
refuse(const struct http_turn *t, int status, const struct http_head *head)
{
	struct http_reply reply = http_reply_text(status);

	reply.bare = head->method == HTTP_METHOD_HEAD;
	return http_reply_add(&reply, t->now, t->out) == 0 ? HTTP_CLOSE :
	    HTTP_FAILED;
}

/* Answer the request at the front; *used stays 0 unless it was whole. */
static enum http_verdict
answer(const struct http_turn *t, const char *buf, size_t len, size_t *used)
{
	struct http_head head;
	struct http_reply reply;
	int error, status = http_head_read(buf, len, &head, used);

	if (status != 0)
		return status < 0 ? HTTP_MORE : refuse(t, status, &head);
	reply = find_reply(t, &head);
	reply.bare = head.method == HTTP_METHOD_HEAD;
	reply.old = head.old;
	/* What belongs to it is not read, and so hides what comes then. */
	reply.keep = head.keep && !head.body && reply.status != 500 &&
	    !(t->draining && *used == len);
	error = http_reply_add(&reply, t->now, t->out);
	buf_reset(t->body, BODY_KEEP);
	if (error != 0)
		return HTTP_FAILED;
	return reply.keep ? HTTP_AGAIN : HTTP_CLOSE;
}

enum http_verdict
http_stream_feed(const struct http_turn *t, const char *buf, size_t len,
    size_t *used)
{
	int64_t began = clock_ns();
	enum http_verdict verdict = HTTP_AGAIN;
	size_t taken;

	*used = 0;
	for (int64_t n = 0; verdict == HTTP_AGAIN && n < t->requests_max &&
	    t->out->len < t->out_max; n++) {
		taken = 0;
		verdict = answer(t, buf + *used, len - *used, &taken);
		*used += taken;
		if (t->ns_max > 0 && clock_ns() - began >= t->ns_max)
			break;
	}
	return verdict;
}

enum http_verdict
http_stream_refuse(const struct http_turn *t, int status, const char *buf,
    size_t len)
{
	struct http_head head;
	size_t used;

	http_head_read(buf, len, &head, &used);
	return refuse(t, status, &head);
}
