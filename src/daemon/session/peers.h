/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PEERS_H
#define PEERS_H

/*
 * How many connections each address has, and the bytes that are held for
 * them: all workers count in one place.  IPv6 is counted by /64, which is
 * what one customer has, and unix sockets by who is behind them.
 */

#include <sys/socket.h>
#include <sys/types.h>

#include <stdint.h>

struct peers;
struct peer_count;

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
    struct peer_count **peer);

/*
 * Count a connection of a user of this machine, who may have any number.
 *
 * Returns the peer, for peers_leave(); NULL when out of memory.
 */
struct peer_count *peers_enter_user(struct peers *, uid_t);

/*
 * Count a connection for whoever it is of: of a unix socket that is the user
 * who connected, if that can be told and there is memory.
 *
 * fd  the connection
 *
 * Else as peers_enter().
 */
int peers_enter_by(struct peers *, int fd, const struct sockaddr *sa,
    int64_t limit, struct peer_count **peer);

/*
 * The connection has ended, and nothing is held for it any more.  NULL is
 * allowed.
 */
void peers_leave(struct peers *, struct peer_count *);

/*
 * How many connections a peer has; 0 for NULL.  Only where one thread counts
 * them all.
 */
int64_t peer_connections(const struct peer_count *);

/*
 * More bytes are held for a peer, or fewer.  NULL is allowed.
 */
void peer_hold(struct peer_count *, int64_t more);

/*
 * Bytes that are held for a peer, in all workers; 0 for NULL.
 */
int64_t peer_held(const struct peer_count *);

/*
 * The peer that the most bytes are held for.
 *
 * held  set to how many
 *
 * Returns it, only to be compared: it may be gone by then.  NULL: none.
 */
const struct peer_count *peers_most(struct peers *, int64_t *held);

#endif
