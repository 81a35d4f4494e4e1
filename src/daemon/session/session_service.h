/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SESSION_SERVICE_H
#define SESSION_SERVICE_H

/*
 * What a session does with the bytes that come in: one row for each word that
 * service= takes.  A service is bytes in, replies out; it knows no sockets,
 * deadlines or events, and is tested and fuzzed as functions.  Those of a room
 * above this one come in by pointer, in the door that a session came through
 * (session.h).
 *
 * A session feeds it what has come, sends what it appended to out, and does as
 * it says.  What was not used is kept, and handed in again, longer.
 */

#include <stddef.h>

#include "daemon/request/stream.h"

struct conf_limits;
struct conf_listen;

/* What a service is handed; borrowed for the call, and so is all in it. */
struct session_talk {
	/*
	 * Of the connection, as stream_init() makes it at first.  To be set
	 * whenever STREAM_MORE is returned:
	 *
	 * state  how far what waits at the front has come, by which its
	 *        deadline is chosen; STREAM_IDLE: nothing has, and the
	 *        connection may end without a word
	 * need   if not STREAM_IDLE: how many bytes must be there before it
	 *        is worth a look, more than there are
	 *
	 * To be read: draining, where the replies to what is there are the
	 * last ones, and keep_alive, the listener's.
	 */
	struct stream *stream;
	struct request_env *env;	/* of the host */
	const struct conf_limits *limits;	/* of this turn */
	const struct conf_listen *listen;	/* where it came in */
	struct buf *out;		/* the replies go behind what it has */
	void *arg;			/* of the host */
};

struct session_service {
	/*
	 * Answer what is whole at the front of some bytes, for about so long
	 * as others may have to wait: at most limits->pipeline requests, and
	 * none once out has limits->output bytes.
	 *
	 * buf, len  all bytes not used yet; len 0: nothing, or the end
	 * used      to be set to how many of them are done with
	 *
	 * Returns as stream_feed() does: MORE when nothing whole is left,
	 * AGAIN when the turn is over though something may be, CLOSE after the
	 * last reply, FAILED without memory; WAIT is for messages alone.
	 */
	enum stream_verdict (*feed)(const struct session_talk *,
	    const char *buf, size_t len, size_t *used);
	/*
	 * Append a reply that refuses what waits at the front of some bytes,
	 * or, with none, whoever has connected.  Nothing follows it.
	 *
	 * Returns STREAM_CLOSE or STREAM_FAILED; or, where replies are owed
	 * before it, STREAM_WAIT.
	 */
	enum stream_verdict (*refuse)(const struct session_talk *,
	    const struct refusal *, const char *buf, size_t len);
};

/* service=messages, the protocol. */
extern const struct session_service session_messages;

/* service=echo: what came goes back, unframed. */
extern const struct session_service session_echo;

#endif
