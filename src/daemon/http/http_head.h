/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

/*
 * The head of a request, as RFC 9112 writes it, read strictly: a line ends
 * with CR and LF, no field goes on in a second line, nothing stands before a
 * colon but the name, and no control character anywhere.  What is lenient here
 * another one on the way may read as two requests, or as another name's.
 *
 * It is a function of the bytes, and points into them.
 */

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a head, with an empty line before it and the one at its end. */
#define HTTP_HEAD_MAX	8192

/* Bytes that belong to somebody else; not terminated. */
struct http_text {
	const char *data;	/* NULL: there is none */
	size_t len;
};

enum http_method {
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_REFUSED,		/* one that RFC 9110 or 5789 has */
	HTTP_METHOD_UNKNOWN
};

struct http_head {
	enum http_method method;
	struct http_text path;	/* of the target, without its query */
	struct http_text query;	/* of it, behind the question mark */
	struct http_text host;	/* of the target, else Host:, with its port */
	struct http_text origin;	/* of Origin:, the last */
	struct http_text none_match;	/* of If-None-Match:, likewise */
	bool foreign;		/* the target has another scheme than http */
	bool enciphered;	/* that is https */
	bool old;		/* HTTP/1.0 */
	bool keep;		/* the connection is to stay */
	bool classic;		/* Accept: would rather have text/plain than
				   OpenMetrics */
	bool body;		/* something follows that belongs to it */
};

/*
 * Read the head at the front of some bytes.  An empty line before it is
 * passed over, one.
 *
 * buf, len  all that has come
 * head      filled on success only, but for the method, which is known as soon
 *           as the first line was read and good; borrows from buf
 * used      bytes of the head, on success only
 *
 * Returns 0; -1 when more bytes are needed to tell; or the status of a reply
 * after which the connection must close: 400, 414, 431, 501 or 505.  More
 * bytes do not change that.
 */
int http_head_read(const char *buf, size_t len, struct http_head *head,
    size_t *used);

/*
 * Whether some bytes are the beginning of a request, and not nothing, or only
 * the empty line that may stand before it.
 */
bool http_head_has_begun(const char *buf, size_t len);

#endif
