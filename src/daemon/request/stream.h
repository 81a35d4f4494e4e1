/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef STREAM_H
#define STREAM_H

/*
 * The core of a session: bytes in, replies out.  It knows messages, limits
 * and when a connection must close, but no sockets, so that plain sockets,
 * TLS, tests and fuzzers all drive the same code.
 *
 * It keeps no bytes: what is not a whole message yet stays with the caller
 * and is handed in again, longer.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/request/request.h"

struct conf_limits;

/* How far the message at the front of the bytes has come. */
enum stream_state {
	STREAM_IDLE,		/* not begun */
	STREAM_HEADER,		/* length or header unfinished */
	STREAM_CONTENT		/* content unfinished */
};

enum stream_verdict {
	STREAM_MORE,		/* more bytes are needed to go on */
	STREAM_AGAIN,		/* the turn is over, whole messages may be left:
				   by their number, their replies, or time */
	STREAM_WORK,		/* a reply is worked at: stream_work() is next */
	STREAM_CLOSE,		/* the last reply was given, nothing follows */
	STREAM_FAILED		/* out of memory */
};

struct stream {
	enum stream_state state;
	size_t need;		/* bytes of the message known to be needed */
	bool keep_alive;	/* the listener's way with plain requests */
	bool draining;		/* close after what is there is answered */
	bool told;		/* a request asked for "connection" or "id" */
	bool job_keep;		/* the connection stays after the job's reply */
	struct request_job *job;	/* owned; NULL: none */
};

/*
 * Start anew.
 */
void stream_init(struct stream *, bool keep_alive);

/*
 * Free what it owns.
 */
void stream_clear(struct stream *);

/*
 * Bytes of memory that it holds beside those of its caller.
 */
size_t stream_held(const struct stream *);

/*
 * Answer the whole messages at the front of some bytes, for about so long as
 * others may have to wait for it.
 *
 * env      what to answer from
 * limits   header, content and pipeline are looked at; the latter is the
 *          most messages of one call
 * buf,len  all bytes not used up yet
 * used     set to how many of them are done with
 * out      gets the replies, but for a text that env->lent has
 *
 * Returns the verdict.  After STREAM_WORK there is no next call until the
 * work is done, so that replies keep their order; after STREAM_CLOSE and
 * STREAM_FAILED there is none at all.
 */
enum stream_verdict stream_feed(struct stream *, struct request_env *env,
    const struct conf_limits *limits, const char *buf, size_t len,
    size_t *used, struct buf *out);

/*
 * Work on the reply of a request that takes long.
 *
 * slice_us  for about so long, in microseconds
 *
 * Returns STREAM_WORK when there is more to do, else as stream_feed() after
 * one message.
 */
enum stream_verdict stream_work(struct stream *, struct request_env *env,
    int64_t slice_us, struct buf *out);

/*
 * Refuse the unfinished message at the front of some bytes, since its end
 * did not come (in time) or cannot be waited for.  A closing reply.
 *
 * env                only its access log is used
 * status, code, why  as request_refuse() takes them
 *
 * Returns STREAM_CLOSE or STREAM_FAILED.
 */
enum stream_verdict stream_refuse(struct stream *,
    const struct request_env *env, enum request_status status,
    const char *code, const char *why, const char *buf, size_t len,
    struct buf *out);

#endif
