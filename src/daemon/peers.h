/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PEERS_H
#define PEERS_H

/*
 * How many connections each address has: all workers count in one place.
 * IPv6 is counted by /64, which is what one customer has.
 */

#include <sys/socket.h>

#include <stdint.h>

struct peers;
struct peer;

/*
 * Returns the counters, or NULL when out of memory.
 */
struct peers *peers_new(void);

/*
 * Free the counters, which all are left.  NULL is allowed.
 */
void peers_free(struct peers *);

/*
 * Count a connection.
 *
 * sa     of the peer
 * limit  the most that one address may have
 * peer   set when 0 is returned; for peers_leave(); NULL for families that
 *        are not counted
 *
 * Returns 0, or -1 when there are as many already or memory is out.
 */
int peers_enter(struct peers *, const struct sockaddr *sa, int64_t limit,
    struct peer **peer);

/*
 * The connection has ended.  NULL is allowed.
 */
void peers_leave(struct peers *, struct peer *);

#endif
