/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef STREAM_H
#define STREAM_H

/*
 * The core of a session: bytes in, replies out.  It knows messages, limits
 * and when a connection must close, but no sockets, so that plain sockets,
 * TLS, tests and fuzzers all drive the same code.
 *
 * It keeps no bytes of its peer's: what is not a whole message yet stays with
 * the caller and is handed in again, longer.
 *
 * A request that takes long is owed: what comes behind it is answered
 * meanwhile, but no reply leaves before those that are owed (slot.h).  Its
 * caller then
 *
 *	goes on to feed what comes, unless it is told STREAM_WAIT;
 *	lets it work while stream_runs();
 *	neither ends the connection at the end of input, at a drain, or for
 *	idleness, nor takes it for idle, while stream_owes().
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/request/request.h"


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
	STREAM_WAIT,		/* none is taken until more of what is owed has
				   come: it is too much, or the last reply is
				   among it */
	STREAM_CLOSE,		/* the last reply was given, nothing follows */
	STREAM_FAILED		/* out of memory */
};

struct slots;

struct stream {
	size_t need;		/* bytes of the message known to be needed */
	enum stream_state state;
	bool keep_alive;	/* the listener's way with plain requests */
	bool draining;		/* close after what is there is answered */
	bool told;		/* a request asked for "connection" or "id" */
	bool closing;		/* the last of what is owed ends it */
	struct slots *slots;	/* owned: what is owed; NULL: nothing */
};

/* Bytes at whose front the next request is. */
struct stream_bytes {
	const char *buf;
	size_t len;
	size_t used;		/* set to how many of them are done with */
};

/*
 * Another tongue than messages, by which the same is asked.
 *
 * take  takes the request at the front; out gets the reply.  Returns
 *       STREAM_AGAIN where the connection stays, STREAM_CLOSE, STREAM_FAILED,
 *       what stream_answered() says, or, with the stream's state and need set,
 *       STREAM_MORE
 * arg   handed to it
 */
struct stream_tongue {
	enum stream_verdict (*take)(struct stream *, struct request_env *,
	    struct stream_bytes *, struct buf *out, void *arg);
	void *arg;
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
 * Bytes of memory that it holds beside those of its caller: in all, and of
 * what is owed without what that is searched with, as limits->output counts
 * it.
 */
size_t stream_held(const struct stream *);
size_t stream_bytes(const struct stream *);

/*
 * Whether it owes a reply; then there is always something that brings it on.
 */
static inline bool
stream_owes(const struct stream *s)
{
	return s->slots != NULL;
}

/*
 * Whether there is something to work at.
 */
bool stream_runs(const struct stream *);

/*
 * Whether answers have come that are not taken up: env->wake_cb is not called
 * again before they are.
 */
bool stream_is_woken(const struct stream *);

/*
 * Answer the whole messages at the front of some bytes, for about so long as
 * others may have to wait for it.  Before that it gives what is there of the
 * replies that it owes.
 *
 * env      what to answer from, and in which tongue.  Of its limits header,
 *          content, pipeline and output are looked at; pipeline is the most
 *          messages of one call, and the most that is owed; output the bytes
 *          of what is owed and of out together after which no message is taken
 * buf,len  all bytes not used up yet
 * used     set to how many of them are done with
 * out      gets the replies, but for a text that env->lent has
 *
 * Returns the verdict; after STREAM_CLOSE and STREAM_FAILED there is no next
 * call.
 */
enum stream_verdict stream_feed(struct stream *, struct request_env *env,
    const char *buf, size_t len, size_t *used, struct buf *out);

/*
 * For tongues: what an answer means for the stream, which owes it if it is to
 * come later.
 *
 * job   taken with REQUEST_LATER
 * keep  the connection stays
 */
enum stream_verdict stream_answered(struct stream *, struct request_env *env,
    enum request_result result, struct request_job *job, bool keep);

/*
 * For tongues: where a closing reply goes that no request is answered by, out
 * or behind what is owed; NULL when out of memory.  stream_close() is next.
 */
struct buf *stream_last(struct stream *, struct buf *out);

/*
 * For tongues: it is there.  Returns STREAM_CLOSE or STREAM_WAIT.
 */
enum stream_verdict stream_close(struct stream *);

/*
 * Work on one of the replies that it owes, then collect what is there.
 *
 * slice_us  for about so long, in microseconds
 *
 * Returns as stream_collect().
 */
enum stream_verdict stream_work(struct stream *, struct request_env *env,
    int64_t slice_us, struct buf *out);

/*
 * Answers that it waits for have not come in time: their requests are told that
 * the tables are unavailable.  stream_collect() is next.
 *
 * Who asks such tables answers in time by itself (lookup.h), so this is for
 * what should not be; searches go on, which have an end of their own.
 */
void stream_give_up(struct stream *);

/*
 * Take up answers that have come (env->wake_cb), and give those of the replies
 * owed that are there and have none before them that is not.
 *
 * Returns STREAM_AGAIN, when what was not taken may be fed again; STREAM_WAIT,
 * STREAM_CLOSE or STREAM_FAILED.
 */
enum stream_verdict stream_collect(struct stream *, struct request_env *env,
    struct buf *out);

/*
 * Refuse the unfinished message at the front of some bytes, since its end
 * did not come (in time) or cannot be waited for.  A closing reply.
 *
 * env  only its access log is used
 *
 * Returns STREAM_CLOSE; STREAM_WAIT where replies are owed before it; or
 * STREAM_FAILED.
 */
enum stream_verdict stream_refuse(struct stream *, struct request_env *env,
    const struct refusal *, const char *buf, size_t len, struct buf *out);

#endif
