/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INHERIT_H
#define INHERIT_H

/*
 * Listening sockets that the service manager hands over at the start, as
 * sd_listen_fds(3) describes them: those of a socket unit, and those that an
 * earlier process left in the manager's keeping (FDSTORE=1 in
 * sd_notify(3)).  A socket is found by its address, whoever made it.
 *
 * Such a socket is the manager's as well: it may be closed, and its path is
 * not ours to remove.  None is shut down, which ends it for all that have it,
 * but those of earlier processes that no line wants any more.
 */

#include <sys/socket.h>

#include <stdbool.h>

struct inherited;

/*
 * Take the sockets that LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES speak of:
 * closed on exec, non-blocking.  The variables are gone then.  What is no
 * listening stream socket is closed, with a warning.  To be called in the
 * process that was started, before it goes to the background.
 *
 * Returns them, owned by the caller, inherit_free(); or NULL when there are
 * none or, with a warning, no memory for them.
 */
struct inherited *inherit_take(void);

/*
 * Give the socket that listens at an address, once.  Port 0 is nobody's
 * address, nor is a path that is gone; a path may lead through links of
 * folders.
 *
 * NULL is allowed for the sockets: none was inherited.
 *
 * kept  set: whether an earlier process made and left it
 *
 * Returns the socket, owned by the caller; or -1.
 */
int inherit_find(struct inherited *, const struct sockaddr *sa,
    socklen_t len, bool *kept);

/*
 * Whether one that nobody has asked for so far, and that stays open since it is
 * a socket unit's, keeps an address from being bound.  NULL is allowed.
 */
bool inherit_blocks(const struct inherited *, const struct sockaddr *sa);

/*
 * Close the sockets that nobody asked for, with a warning each.  Those that
 * the manager keeps are ended, so that their ports and paths are free when
 * this returns, and it is told to forget them.  NULL is allowed.
 *
 * ended_cb  called with the address of each that is ended: its path, if it has
 *           one, may still be there
 */
void inherit_free(struct inherited *,
    void (*ended_cb)(const struct sockaddr *sa, socklen_t len));

/*
 * Close the sockets that nobody has asked for so far, of a start that failed:
 * the next one finds what the manager keeps.  NULL is allowed.
 */
void inherit_discard(struct inherited *);

/*
 * Leave a listening socket in the manager's keeping, for the process after
 * this one.  A socket that it keeps already is kept once.
 *
 * Returns 0; or -1 when there is no manager, or no address that a later
 * process could know it by.
 */
int inherit_leave(int fd, const struct sockaddr *sa, socklen_t len);

#endif
