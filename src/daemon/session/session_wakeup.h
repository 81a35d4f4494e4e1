/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SESSION_WAKEUP_H
#define SESSION_WAKEUP_H

/*
 * A wake-up is what a worker does between two looks at its sockets: a turn of
 * each session that has something to read.  At its end the replies leave that
 * were kept, in the order of their sessions.
 *
 * A session has at most one turn a wake-up, and one whose replies are kept
 * waits for input and nothing else, so that they keep their order.
 */

#include <stdbool.h>

struct session;
struct session_host;

/*
 * Prepare a host whose base is set.
 *
 * Returns 0, or -1 when out of memory.
 */
int session_wakeup_init(struct session_host *);

/*
 * Free what is kept for it, sent or not.
 */
void session_wakeup_clear(struct session_host *);

/*
 * Have an end to this wake-up: what is kept is sent, and searches may be done
 * at once again.
 */
void session_wakeup_end(struct session_host *);

/*
 * Keep the replies in the worker's buffer until then, if they are not too many
 * and the session has nothing to do until the peer sends more.
 *
 * Returns whether they are kept; if not, they are to be sent now.
 */
bool session_wakeup_keep(struct session *);

/*
 * Send all that is kept, before something that takes long.  Sessions whose
 * sockets are broken are freed, so this is for libevent's callbacks, before
 * they look at a session.
 */
void session_wakeup_send(struct session_host *);

/*
 * A session ends: nothing is sent for it any more.
 */
void session_wakeup_forget(struct session *);

#endif
