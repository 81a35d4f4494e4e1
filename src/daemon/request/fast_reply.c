/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A reply is a header with a number in it, and a text that is escaped since
 * the load; a few copies are cheaper than a row of iovecs.
 */

#include "config.h"

#include "daemon/request/fast_reply.h"

#include <string.h>

#include "daemon/base/status.h"
#include "daemon/request/reply_texts.h"
#include "lib/appmsg.h"
#include "lib/length.h"

#define SLACK	64	/* bytes written behind the last piece of a header */

/* Have a reply's header encoded once, and cut it at number and id. */
static void
head_init(struct fast_head *head, unsigned int has, bool found)
{
	static const struct appmsg_str keep_alive = APPMSG_STR("keep-alive");
	static const char number[] = "\"content-length\": ", id[] = "\"id\": ";
	struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
	};
	char text[256];
	const char *p;
	size_t len;

	if (has & SHAPE_CONNECTION)
		hdr.connection = keep_alive;
	if (has & SHAPE_ID)
		hdr.id.kind = APPMSG_ID_INT;
	if (has != 0)
		hdr.status = status_words[found ? REQUEST_FOUND :
		    REQUEST_NOT_FOUND];
	appmsg_header_encode(&hdr, text, sizeof(text), &len);
	p = (char *)memmem(text, len, number, sizeof(number) - 1) +
	    sizeof(number) - 1;
	head->before_len = (size_t)(p - text);
	memcpy(head->before, text, head->before_len);
	p++;		/* the digit of no content */
	len -= (size_t)(p - text);
	head->middle_len = 0;
	if (has & SHAPE_ID) {
		const char *at = (char *)memmem(p, len, id, sizeof(id) - 1) +
		    sizeof(id) - 1;

		head->middle_len = (size_t)(at - p);
		memcpy(head->middle, p, head->middle_len);
		len -= head->middle_len + 1;
		p = at + 1;
	}
	head->after_len = len;
	head->len = head->before_len + head->middle_len + len;
	memcpy(head->after, p, len);
}

void
fast_heads_init(struct fast_heads *heads)
{
	for (unsigned int has = 0; has <= (SHAPE_CONNECTION | SHAPE_ID);
	    has++) {
		head_init(&heads->heads[has][false], has, false);
		head_init(&heads->heads[has][true], has, true);
		heads->bare[has].has = has;
	}
}

/* Append bytes where there is room for them. */
static char *
put(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

static size_t
count_digits(size_t n)
{
	size_t count = 4;

	if (n < 1000)
		return n < 10 ? 1 : n < 100 ? 2 : 3;
	for (n /= 10000; n > 0; n /= 10)
		count++;
	return count;
}

static char *
put_number(char *to, size_t n, size_t count)
{
	uint32_t few = (uint32_t)n;

	switch (count) {
	case 3:
		*to++ = (char)('0' + few / 100);
		few %= 100;
		/* FALLTHROUGH */
	case 2:
		*to++ = (char)('0' + few / 10);
		*to++ = (char)('0' + few % 10);
		return to;
	default:
		for (size_t i = count; i-- > 0; n /= 10)
			to[i] = (char)('0' + n % 10);
		return to + count;
	}
}

/* A key as a reply spells it: how long that is, and to write it. */
static size_t
shown_len(const struct plain *p)
{
	return p->escaped ? appmsg_escape(p->key, p->key_len, NULL, 0) :
	    p->key_len;
}

static char *
put_shown(char *to, const struct plain *p, size_t len)
{
	if (!p->escaped)
		return put(to, p->key, len);
	appmsg_escape(p->key, p->key_len, to, len);
	return to + len;
}

int
fast_reply(const struct fast_heads *heads, struct plain *p, bool found,
    struct buf *out)
{
	static const char open[] = REPLY_OPEN, close[] = REPLY_CLOSE;
	static const char miss[] = REPLY_OPEN REPLY_NO_MATCH(REPLY_QUOTE_JSON);
	static const char miss_close[] = REPLY_NO_MATCH_END(REPLY_QUOTE_JSON)
	    REPLY_CLOSE;
	const struct fast_head *head =
	    &heads->heads[p->fit.shape->has][found];
	struct snapshot_answer *a = &p->answer;
	size_t text_len = found ? a->text_len : shown_len(p);
	size_t content = text_len + (found ? sizeof(open) - 1 +
	    sizeof(close) - 1 : sizeof(miss) - 1 + sizeof(miss_close) - 1);
	size_t n = count_digits(content);
	size_t header = head->len + n + p->fit.id_len;
	char *start, *to;

	start = buf_reserve(out, header + content + SLACK);
	if (start == NULL)
		return -1;
	p->reply_len = header + content;
	out->len += header + content;
	memcpy(start, head->before, sizeof(head->before));
	length_put(start, header - APPMSG_LENGTH_SIZE);
	to = put_number(start + head->before_len, content, n);
	if (p->fit.id_len > 0) {
		memcpy(to, head->middle, sizeof(head->middle));
		to = put(to + head->middle_len, p->fit.id, p->fit.id_len);
	}
	memcpy(to, head->after, sizeof(head->after));
	to += head->after_len;
	if (found) {
		to = put(to, open, sizeof(open) - 1);
		to = put(to, a->text, a->text_len);
		put(to, close, sizeof(close) - 1);
	} else {
		a->id = TABLE_NO_ID;	/* where no table was asked */
		to = put(to, miss, sizeof(miss) - 1);
		to = put_shown(to, p, text_len);
		put(to, miss_close, sizeof(miss_close) - 1);
	}
	return 0;
}
