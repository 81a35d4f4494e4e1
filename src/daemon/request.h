/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REQUEST_H
#define REQUEST_H

/*
 * One request to one reply: a function of bytes and tables, without sockets,
 * events or clocks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/buf.h"
#include "lib/appmsg.h"

struct snapshot;

/* What a request is answered with; lives as long as its worker. */
struct request_env {
	const struct snapshot *snap;	/* borrowed for the call */
	uint64_t generation;
	struct buf text;		/* owned: content turned to UTF-8 */
	struct buf scratch;		/* owned: values unescaped */
};

/* The words of a reply's "status". */
enum request_status {
	REQUEST_FOUND,
	REQUEST_NOT_FOUND,
	REQUEST_ERROR,
	REQUEST_BUSY,
	REQUEST_DENIED
};

/*
 * Free what the environment owns.
 */
void request_env_clear(struct request_env *);

/*
 * Answer a whole request.
 *
 * hdr        decoded, flaws included; borrowed for the call
 * content    of len bytes, likewise
 * keep       whether the connection will stay, for the reply to say so
 * out        gets the reply
 *
 * Returns 0, or -1 when out of memory, with out as it was.
 */
int request_answer(struct request_env *, const struct appmsg_header *hdr,
    const char *content, size_t len, bool keep, struct buf *out);

/*
 * Reply that something cannot be answered, and that the connection closes.
 *
 * hdr        what is known of the request: connection and id; NULL: nothing
 * status     REQUEST_ERROR, REQUEST_BUSY or REQUEST_DENIED
 * code       the protocol's word for the error; NULL unless REQUEST_ERROR
 * why        a few words, put between "Error: " and a full stop
 * tell       say "connection" and "status" though hdr does not ask for them
 *
 * Returns 0, or -1 when out of memory, with out as it was.
 */
int request_refuse(const struct appmsg_header *hdr,
    enum request_status status, const char *code, const char *why, bool tell,
    struct buf *out);

#endif
