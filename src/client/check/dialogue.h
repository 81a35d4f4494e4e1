/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DIALOGUE_H
#define DIALOGUE_H

/*
 * One connection to a server that is checked: any bytes, in any pieces, and
 * what comes back.
 */

#include <stdbool.h>
#include <stddef.h>

#include "appmsg.h"
#include "points.h"
#include "request.h"

enum dialogue_heard {
	DIALOGUE_REPLY,		/* a whole message */
	DIALOGUE_NOTHING,	/* not a byte in time */
	DIALOGUE_STOPPED,	/* a part of one, and no more in time */
	DIALOGUE_END,		/* the end of the connection, and no byte */
	DIALOGUE_CUT,		/* the end within a message */
	DIALOGUE_STRANGE,	/* bytes that are no message */
	DIALOGUE_BROKEN		/* a reset, or another error */
};

struct dialogue {
	struct checked *checked;
	struct appmsg_client *client;	/* owned; NULL: not connected */
	char *data;		/* owned: what has come */
	size_t len, size;
	size_t used;		/* bytes of the last reply */
	int error;		/* of the library, when it is broken */
	/* The last reply, until the next one is heard: */
	struct appmsg_header hdr;
	const char *head;	/* of it, head_len bytes of JSON */
	size_t head_len;
	const char *content;
	size_t content_len;
};

/*
 * Connect.
 *
 * dialogue  filled, whatever comes of it; dialogue_close() is due
 *
 * Returns whether it is connected; when not, that is said of the point.
 */
bool dialogue_open(struct dialogue *, struct checked *);

/*
 * Send bytes, as one piece if TCP lets them be.
 */
void dialogue_send(struct dialogue *, const char *data, size_t len);

/*
 * Leave what was sent to the server for a moment, so that it is received apart
 * from what comes next.
 */
void dialogue_pause(void);

/*
 * Send no more.  Returns false where that cannot be said, as over TLS.
 */
bool dialogue_finish(struct dialogue *);

/*
 * Wait for a reply.
 */
enum dialogue_heard dialogue_hear(struct dialogue *);

/*
 * Whether the connection ends in time, with nothing before.
 */
bool dialogue_ends(struct dialogue *);

/*
 * Say of the point what was heard instead of a reply.
 */
void dialogue_tell(const struct dialogue *, enum dialogue_heard);

/*
 * Connect, send a request of these parts, and wait for its reply.
 *
 * Returns whether there is one; when not, that is said of the point.
 * dialogue_close() is due in any case.
 */
bool dialogue_ask(struct dialogue *, struct checked *,
    const struct request_parts *);

/*
 * Wait for a reply, and say of the point when there is none.  Returns whether
 * there is one.
 */
bool dialogue_expect(struct dialogue *);

/*
 * The text of the reply, "result".
 *
 * Returns it, owned by the caller, free(3), with a NUL behind it; NULL where
 * there is none, which is said of the point.
 */
char *dialogue_result(const struct dialogue *);

/*
 * Close the connection, also so that the server gets a reset.
 */
void dialogue_close(struct dialogue *);
void dialogue_reset(struct dialogue *);

#endif
