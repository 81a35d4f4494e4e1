/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TLS_WORKER_H
#define TLS_WORKER_H

/*
 * What the enciphered links of one thread have in common, and these links: a
 * transport as link.h has it.
 *
 * What one recv(2) brought goes through one buffer of the thread into the
 * library, and what the library makes through another into one send(2).  So it
 * never waits for a socket, nothing that was read stays in it but a record
 * that is not whole, and what is unsent is bytes like any other.
 *
 * Handshakes take turns, one step in a wake-up: they cost a hundred times what
 * a request does, and five hundred at once would hold up everybody else.  For
 * one whose first message is not whole nothing is made.
 */

#include <stddef.h>

#include "daemon/session/link.h"

struct conf_limits;
struct event_base;
struct stats;
struct tls;
struct tls_worker;

/*
 * Make it.
 *
 * tls     of all workers
 * limits  where those of now are: read at each handshake
 * stats   counts what comes of them
 *
 * All are borrowed for its life.  Returns it, owned by the caller,
 * tls_worker_free(), for link_owner.transport; NULL when out of memory.
 */
struct tls_worker *tls_worker_new(struct tls *tls, struct event_base *base,
    const struct conf_limits *const *limits, struct stats *stats);

/*
 * Free it, after all its links.  NULL is allowed.
 */
void tls_worker_free(struct tls_worker *);

/*
 * The transport; NULL where this build has none, and no configuration asks for
 * it.
 */
const struct link_ops *tls_link(void);

#endif
