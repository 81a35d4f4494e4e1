/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

/*
 * A reply of HTTP/1.1, whatever version was asked in.  Nothing of a page is
 * loaded from elsewhere, and nobody else may show it or read its numbers: each
 * reply says so.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "daemon/base/buf.h"

struct http_reply {
	int status;		/* one that http_reply_text() knows */
	const char *type;	/* of the body; borrowed, as that is */
	const void *body;
	size_t len;
	bool bare;		/* the body is only told of, for HEAD */
	bool keep;		/* the connection stays */
	bool old;		/* asked in HTTP/1.0 */
	bool plain;		/* no page: it runs nothing wherever it is
				   shown */
	bool tagged;		/* may be kept, and asked for anew by tag */
	uint64_t tag;
	const char *origin;	/* whose pages may read it, too; borrowed;
				   NULL: nobody else's */
	size_t origin_len;
	bool varies;		/* that depends on who asks */
};

/*
 * Bytes of a reply's head, with the longest origin; and of such one.
 */
#define HTTP_REPLY_HEAD_MAX	((size_t)2048)
#define HTTP_ORIGIN_MAX		((size_t)512)

/*
 * A reply that says what its status means, in a line of text; the rest is
 * false.
 */
struct http_reply http_reply_text(int status);

/*
 * Write the head of a reply, whose body is not looked at.
 *
 * now  for its Date:
 * to   of HTTP_REPLY_HEAD_MAX bytes
 *
 * Returns its length.
 */
size_t http_reply_head(const struct http_reply *, time_t now, char *to);

/*
 * Append a reply.
 *
 * Returns 0, or -1 when out of memory, with out as it was.
 */
int http_reply_add(const struct http_reply *, time_t now, struct buf *out);

/*
 * A tag as it stands between its quotes.
 */
#define HTTP_TAG_LEN	16

void http_tag_write(uint64_t tag, char *to);

/*
 * Read such one.  Returns whether it is one.
 */
bool http_tag_read(const char *, size_t len, uint64_t *tag);

#endif
