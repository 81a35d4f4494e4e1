/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REQUEST_PRIVATE_H
#define REQUEST_PRIVATE_H

/*
 * Between request.c, which reads contents, and request_search.c.
 */

#include "daemon/request/reply.h"
#include "lib/scan.h"

/* The members of a content that mean something; raw NULL: absent. */
enum content_member {
	CONTENT_ACTION,
	CONTENT_VALUE,
	CONTENT_TABLE,
	CONTENT_MATCH,
	CONTENT_DISTANCE,
	CONTENT_LIMIT,
	CONTENT_MEMBERS
};

struct content {
	struct scan_value members[CONTENT_MEMBERS];
};

/* A word of a request: its text, and as a reply spells it. */
struct word {
	const char *text;
	size_t text_len;
	const char *escaped;
	size_t escaped_len;
};

/*
 * Answer the action "search".
 *
 * key  its value; borrowed for the call
 */
enum request_result request_search(const struct ask *,
    const struct content *, const struct word *key,
    struct request_job **job);

/*
 * 0 or -1 of the reply functions.
 */
enum request_result request_done(int error);

#endif
