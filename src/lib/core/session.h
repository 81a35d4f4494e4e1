/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CORE_SESSION_H
#define CORE_SESSION_H

/*
 * Private: what a session is made of, for the modules of this room.  It is two
 * buffers and a queue.  A request stays in its buffer until it has a reply: it
 * may have to be sent again, and what a server without a status says is compared
 * with the key.  A place among all bytes that were ever put there is told as a
 * position, since the buffer moves.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appmsg-session.h"
#include "lib/core/ask.h"
#include "lib/core/buf.h"
#include "lib/core/heads.h"
#include "lib/core/queue.h"

/* The position where all ends, if nothing closes. */
#define CORE_NO_BARRIER	UINT64_MAX

struct appmsg_reply {
	struct appmsg_session *session;
	bool asked;
	struct core_request request;	/* what it answers, if asked */
	const char *header_text;	/* in the session's buffer */
	size_t header_len;
	const char *content;		/* behind it */
	size_t content_len;
	const struct appmsg_header *hdr;	/* but for length and id */
	struct appmsg_header own;	/* of one that is not remembered */
	struct appmsg_id id;
	enum appmsg_status status;	/* of the header */
	bool keeps;
	bool json;
	/* Out of the content, when something of it is asked for. */
	bool is_read;
	int error;		/* of the content */
	struct appmsg_str result;	/* raw NULL: none */
	const char *matches;	/* the array; NULL: none */
	size_t matches_len;
	bool more;
	bool is_told;		/* told is what the status is */
	enum appmsg_status told;
};

struct appmsg_session {
	struct appmsg_alloc alloc;
	size_t max_content;
	bool at_once;
	bool slow;		/* for tests: nothing is done the fast way */
	bool kept;		/* more than one request may be sent */
	bool eof;
	int error;		/* that appmsg_session_reply() returns, or 0 */
	uint64_t out_pos;	/* of the first byte in out, of all ever */
	uint64_t sent_pos;	/* of the first byte that was not sent */
	uint64_t barrier_pos;	/* behind the first that closes; or all */
	struct core_buf out;	/* requests, from the oldest on */
	struct core_queue asked;
	struct core_buf in;
	size_t taken;		/* bytes of in that the last reply has */
	size_t need;		/* bytes of in before it is worth to look */
	struct core_buf text;	/* the result of the last reply */
	struct core_ask_head search_head, binary_head;
	struct core_heads heads;
	struct appmsg_reply reply;
};

/*
 * The position behind the last request.
 */
static inline uint64_t
core_session_end(const struct appmsg_session *s)
{
	return s->out_pos + s->out.len;
}

/*
 * Where the message of a request is.
 */
static inline const char *
core_session_message(const struct appmsg_session *s,
    const struct core_request *request)
{
	return s->out.data + s->out.start + (request->pos - s->out_pos);
}

/*
 * What the last reply took is no longer needed, nor are requests before the
 * oldest one that has none.
 */
void core_session_settle(struct appmsg_session *);

/*
 * Look for the first request that asks to close.
 */
void core_session_find_barrier(struct appmsg_session *);

/*
 * The most bytes of content from now on; 0: as if nobody had said.
 */
void core_session_set_max(struct appmsg_session *, size_t max_content);

/*
 * Whether a request, or a part of one, was sent that has no reply.
 */
bool core_session_in_flight(const struct appmsg_session *);

/*
 * Ask in another session what was asked in this one: the request of the reply
 * in hand, and all that is unanswered.
 *
 * Returns 0; or APPMSG_ENOMEM, then nothing has changed.
 */
int core_session_copy(struct appmsg_session *to,
    const struct appmsg_session *from);

/*
 * For tests: do all the slow way from now on, which has to come out the same.
 */
void core_session_set_slow(struct appmsg_session *, bool slow);

/*
 * Read a reply's content, unless that was done.
 */
void core_reply_read(struct appmsg_reply *);

/*
 * The next string of an array that is known to be well-formed.
 *
 * cursor  { 0 } before the first
 *
 * Returns 0; APPMSG_ENOENT behind the last one; APPMSG_EPROTO when it is none.
 */
int core_next_string(const char *array, size_t len, struct appmsg_cursor *,
    struct appmsg_str *);

#endif
