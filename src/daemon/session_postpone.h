/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SESSION_POSTPONE_H
#define SESSION_POSTPONE_H

/*
 * Replies that leave at the end of a wake-up, in the order of their sessions.
 * A session has at most one turn a wake-up, and a postponed one waits for
 * input and nothing else, so that its replies keep their order.
 */

#include <stdbool.h>

struct session;
struct session_host;

/*
 * Prepare a host whose base is set.
 *
 * Returns 0, or -1 when out of memory.
 */
int session_postpone_init(struct session_host *);

/*
 * Free what is kept for it, sent or not.
 */
void session_postpone_clear(struct session_host *);

/*
 * Keep the replies in the worker's buffer for the end of the wake-up, if they
 * are small and the session has nothing to do until the peer sends more.
 *
 * Returns whether they are kept; if not, they are to be sent now.
 */
bool session_postpone(struct session *);

/*
 * Send all that is kept.  Sessions whose sockets are broken are freed, so
 * this is for libevent's callbacks, before they look at a session.
 */
void session_send_postponed(struct session_host *);

/*
 * A session ends: nothing is sent for it any more.
 */
void session_postpone_forget(struct session *);

#endif
