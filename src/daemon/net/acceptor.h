/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ACCEPTOR_H
#define ACCEPTOR_H

/*
 * Accepting from a listening socket.  Where that fails, most often for want of
 * descriptors, it pauses for a second: what waits in the kernel's queue would
 * be tried again at once, for ever.
 */

#include <sys/socket.h>

struct acceptor;
struct event_base;

/*
 * Accept from a socket.
 *
 * fd       listens already, and does not block; borrowed until
 *          acceptor_free()
 * service  for the log, a literal; NULL: none is named
 * cb       given each connection, which does not block and is closed on
 *          exec, and its peer's address; takes fd, and must not free the
 *          acceptor
 *
 * Returns NULL when out of memory.
 */
struct acceptor *acceptor_new(struct event_base *, int fd,
    const char *service, void (*cb)(int fd, const struct sockaddr *,
    socklen_t, void *arg), void *arg);

/*
 * Accept no more.  NULL is allowed.
 */
void acceptor_free(struct acceptor *);

/*
 * End a pause before its time: a descriptor was closed.
 */
void acceptor_resume(struct acceptor *);

/*
 * Let it take the descriptors that are held back, see descriptors.h: it
 * accepts nobody but the administrator.
 */
void acceptor_take_last(struct acceptor *);

/*
 * Accept the connections that the kernel made already.
 */
void acceptor_rest(struct acceptor *);

#endif
