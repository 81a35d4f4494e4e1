/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REQUEST_H
#define REQUEST_H

/*
 * One request to one reply: a function of bytes and tables, without sockets
 * or events.  A lookup is answered at once; a search that may take long
 * becomes a job (job.h), which its caller lets work for a slice at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/status.h"
#include "daemon/request/env.h"
#include "lib/appmsg.h"

struct access;
struct ask;
struct query;
struct request_job;

/* A whole one; borrowed for the call. */
struct request {
	const struct appmsg_header *hdr;	/* decoded, flaws included */
	const char *content;
	size_t len;
	bool keep;	/* the connection will stay, for the reply to say so */
};

/*
 * Answer a request.
 *
 * out  gets the reply, unless it comes later
 * job  set when REQUEST_LATER is returned; owned by the caller,
 *      request_job_free()
 */
enum request_result request_answer(struct request_env *,
    const struct request *, struct buf *out, struct request_job **job);

/*
 * Search, for who has read a query in another tongue (reply.h).
 *
 * query  as it was read, without a table
 * table  the name of the only one to ask; NULL: all are asked
 * key    that of the query, escaped, of len bytes
 *
 * As request_answer().
 */
enum request_result request_search(struct ask *, struct query *query,
    const struct appmsg_str *table, const char *key, size_t len,
    struct request_job **job);

/*
 * Reply that something cannot be answered, and that the connection closes.
 *
 * access  gets a line; NULL: there is no access log
 * hdr     what is known of the request: connection and id; NULL: nothing
 * tell    say "connection" and "status" though hdr does not ask for them
 *
 * Returns 0, or -1 when out of memory, with out as it was.
 */
int request_refuse(struct access *access, const struct appmsg_header *hdr,
    const struct refusal *, bool tell, struct buf *out);

#endif
