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
};

/*
 * A reply that says what its status means, in a line of text; the rest is
 * false.
 */
struct http_reply http_reply_text(int status);

/*
 * Append a reply.
 *
 * now  for its Date:
 *
 * Returns 0, or -1 when out of memory, with out as it was.
 */
int http_reply_add(const struct http_reply *, time_t now, struct buf *out);

#endif
