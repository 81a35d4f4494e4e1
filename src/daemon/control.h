/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONTROL_H
#define CONTROL_H

/*
 * The administrator's socket.  It speaks the same messages as the others:
 * each request is a JSON object with an "action", each reply one with
 *
 *	"result"	a line or more for people
 *	and what the action tells besides
 *
 * The "status" in its header is "found" when it was done, "error" when not,
 * and "denied" when the peer is neither root, nor the daemon's user, nor in
 * the group that may use it.
 *
 * Runs on the server's event base.
 */

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "daemon/who/credentials.h"

struct control;
struct control_request;
struct event_base;
struct tell;

/*
 * Serve on a listening socket.
 *
 * fd         of a unix socket; borrowed for the control's life
 * group      whose members may use it; CREDENTIALS_NO_GROUP: none
 * action_cb  called for each request with its content, which may be any bytes
 *            and is borrowed for the call; owes one control_reply() or
 *            control_say(), at once or later
 *
 * Returns the control, owned by the caller; or NULL with errno.
 */
struct control *control_new(struct event_base *base, int fd, gid_t group,
    void (*action_cb)(struct control_request *, const char *content,
    size_t len, void *arg), void *arg);

/*
 * Close all its connections and free it; replies that a peer has room for
 * still reach it.  NULL is allowed.
 */
void control_free(struct control *);

/*
 * Who sent a request, while control_new()'s action_cb runs.
 */
const struct credentials *control_peer(const struct control_request *);

/*
 * Note that a request changes something: once it is done that is so, and the
 * peer is told, even when there is no memory for the reply.  Else it is an
 * error then.
 */
void control_note_change(struct control_request *);

/*
 * Reply to a request; does nothing when its connection has ended.
 *
 * request  taken
 * ok       whether what it asked for was done
 * reply    cleared; with "result"
 */
void control_reply(struct control_request *request, bool ok,
    struct tell *reply);

/*
 * The same with nothing but "result".
 */
void control_say(struct control_request *request, bool ok, const char *result);

#endif
