/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef QUERY_H
#define QUERY_H

/*
 * What the action "search" asks for, and who answers it.
 */

#include "daemon/request/env.h"
#include "lib/scan.h"

struct ask;
struct request_job;
struct word;

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

/*
 * Answer the action "search".
 *
 * key  its value; borrowed for the call
 * job  set when REQUEST_LATER is returned; owned by the caller,
 *      request_job_free()
 */
enum request_result request_search(const struct ask *,
    const struct content *, const struct word *key,
    struct request_job **job);

#endif
