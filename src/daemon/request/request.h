/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REQUEST_H
#define REQUEST_H

/*
 * One request to one reply: a function of bytes and tables, without sockets
 * or events.  A lookup is answered at once; a search that may take long
 * becomes a job, which its caller lets work for a slice at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buf.h"
#include "lib/appmsg.h"

struct access;
struct fast;
struct generation;
struct request_job;
struct stats;

/* A long text of the last reply in a buffer, which is not in it. */
struct request_lent {
	const char *text;	/* borrowed from the generation; NULL: none */
	size_t len;
	size_t at;		/* where in the buffer it belongs */
};

/* What a request is answered with; lives as long as its worker. */
struct request_env {
	struct generation *gen;		/* borrowed for the call */
	size_t reply_max;	/* bytes of matches in a reply, one at least */
	size_t lend_min;	/* an answer of so many bytes is lent; 0: all
				   are copied */
	struct request_lent lent;	/* the caller's to take after each
					   turn, which ends with one */
	int64_t turn_ns;	/* for the messages of a turn that are not
				   plain lookups; 0: as long as they take */
	int64_t searched;	/* ns of searches done at once; the caller's to
				   set to 0 for each wake-up */
	struct buf text;		/* owned: content turned to UTF-8 */
	struct buf scratch;		/* owned: values unescaped */
	struct buf content;		/* owned: matches */
	struct buf extra;		/* owned: members for a header */
	struct fast *fast;		/* borrowed; NULL: no fast path */
	struct stats *stats;		/* borrowed; NULL: nobody counts */
	unsigned int kind;		/* of the request in hand, for stats */
	struct access *access;		/* borrowed; NULL: no access log */
};

/* The words of a reply's "status". */
enum request_status {
	REQUEST_FOUND,
	REQUEST_NOT_FOUND,
	REQUEST_ERROR,
	REQUEST_BUSY,
	REQUEST_DENIED,
	REQUEST_STATUSES		/* how many there are */
};

enum request_result {
	REQUEST_ANSWERED,
	REQUEST_LATER,		/* the job is to be worked on */
	REQUEST_FAILED		/* out of memory; out is as it was */
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
 * out        gets the reply, unless it comes later
 * job        set when REQUEST_LATER is returned; owned by the caller,
 *            request_job_free()
 */
enum request_result request_answer(struct request_env *,
    const struct appmsg_header *hdr, const char *content, size_t len,
    bool keep, struct buf *out, struct request_job **job);

/*
 * Work on a request that is answered later, and give its reply when done.
 * It is answered from the generation that it came under.
 *
 * slice_us  for about so long, in microseconds
 * out       gets the reply with REQUEST_ANSWERED
 */
enum request_result request_job_work(struct request_job *,
    struct request_env *, int64_t slice_us, struct buf *out);

/*
 * Free a job, finished or not.  NULL is allowed.
 */
void request_job_free(struct request_job *);

/*
 * About how many bytes of memory a job holds; 0 for NULL.
 */
size_t request_job_held(const struct request_job *);

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
