/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DAEMON_SOCKET_H
#define DAEMON_SOCKET_H

/*
 * Listening sockets.
 */

#include <sys/socket.h>

#include <stdbool.h>

/*
 * Bind and listen.  A dead unix socket at the path is replaced, a live one
 * is an error.
 *
 * sa, len  where
 * mode     of a unix socket
 *
 * Returns the socket, non-blocking and closed on exec, owned by the caller;
 * or -1 with errno.
 */
int socket_listen(const struct sockaddr *sa, socklen_t len,
    unsigned int mode);

/*
 * As socket_listen() for the path of a unix socket; makes the folder that it
 * is in if there is none.
 */
int socket_listen_path(const char *path, unsigned int mode);

/*
 * Give the path of a listening unix socket a mode; what fchmod(2) changes of a
 * socket no peer is held to.  No link is followed, and nothing changed but a
 * socket that has one name.
 *
 * changed  set: whether it had another mode
 *
 * Returns 0, or -1 with errno; then it is as it was.
 */
int socket_set_mode(const char *path, unsigned int mode, bool *changed);

/*
 * Remove the path of a unix socket, if nobody listens there; other addresses
 * are left alone.
 */
void socket_remove_dead(const struct sockaddr *sa, socklen_t len);

/*
 * Remove the path of a listening unix socket, which stays open.
 *
 * fd      -1 is allowed
 * shared  others have it, so that the path stays
 */
void socket_unlink(int fd, bool shared);

/*
 * Close a listening socket; never by shutdown(2), which would end it for
 * others that have it.
 *
 * fd      -1 is allowed
 * shared  others have it, so that the path of a unix socket stays; else it is
 *         removed
 */
void socket_unlisten(int fd, bool shared);

#endif
