/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

/*
 * In which of two forms a collector would rather have numbers.
 */

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory is that of who has not said anything. */
struct http_accept {
	int open, plain;	/* weights in thousandths: of OpenMetrics, and
				   of text/plain */
};

/*
 * Read the value of a field Accept:, of which there may be several.  What is
 * none of its grammar is passed over: there is a form for everybody.
 */
void http_accept_read(struct http_accept *, const char *value, size_t len);

/*
 * Whether text/plain is wanted more; who wants both alike, or says nothing of
 * them, gets OpenMetrics.
 */
bool http_accept_is_plain(const struct http_accept *);

#endif
