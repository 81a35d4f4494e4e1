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
struct request_job;

/*
 * Answer a whole request.
 *
 * hdr        decoded, flaws included; borrowed for the call
 * content    of len bytes, likewise
 * keep       whether the connection will stay, for the reply to say so
 * out        gets the reply, unless it comes later
 * job        set when REQUEST_LATER is returned; owned by the caller,
 *            request_job_free()
 */
enum request_result request_answer(struct request_env *,
    const struct appmsg_header *hdr, const char *content, size_t len,
    bool keep, struct buf *out, struct request_job **job);

/*
 * Reply that something cannot be answered, and that the connection closes.
 *
 * access     gets a line; NULL: there is no access log
 * hdr        what is known of the request: connection and id; NULL: nothing
 * status     REQUEST_ERROR, REQUEST_BUSY or REQUEST_DENIED
 * code       the protocol's word for the error; NULL unless REQUEST_ERROR
 * why        a few words, put between "Error: " and a full stop
 * tell       say "connection" and "status" though hdr does not ask for them
 *
 * Returns 0, or -1 when out of memory, with out as it was.
 */
int request_refuse(struct access *access, const struct appmsg_header *hdr,
    enum request_status status, const char *code, const char *why, bool tell,
    struct buf *out);

#endif
