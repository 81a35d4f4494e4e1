/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONN_H
#define CONN_H

/*
 * One connection of a load: what is in flight on it, oldest first, and what
 * becomes of that.  It has no memory of its own but for a message of which a
 * part has come.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "client/base/reply.h"
#include "link.h"
#include "tally.h"

struct appmsg_tls;
struct plan;

struct flight {
	int64_t at;		/* when it was due, by clock_ns() */
	uint32_t request;
};

enum conn_state {
	CONN_DOWN,
	CONN_DIALING,
	CONN_UP,
	CONN_ENDING		/* the server will close it */
};

struct conn {
	struct link link;
	enum conn_state state;
	int64_t since;		/* of the state, or of the oldest request */
	int64_t retry_at;	/* DOWN: not before that */
	int64_t pause;		/* before the next try */
	struct flight *ring;	/* as many as the plan's depth; borrowed */
	uint32_t head, n;	/* in flight */
	uint32_t unsent;	/* the last of these */
	size_t part;		/* bytes sent of the first of them */
	uint64_t number;	/* of the oldest one, which makes its id */
	char *rest;		/* owned: a message that is not whole */
	size_t rest_len, rest_cap;
	uint64_t skip;		/* bytes of a long content that still come */
	enum reply_outcome long_outcome;
	bool long_keeps;
	bool deaf;		/* the server takes nothing any more */
	bool wants_write;
};

/* What all connections of a thread share. */
struct conn_host {
	const struct plan *plan;	/* borrowed */
	struct appmsg_tls *tls;	/* borrowed, or NULL */
	struct tally *tally;	/* borrowed */
	int poller;
	struct answer_memo memo;
	char *in, *out;		/* owned */
	size_t out_size;
	int64_t now;		/* of this wake-up, or later */
	int64_t start, end;	/* what is due between them is counted */
	uint64_t flying;	/* requests in flight */
	int up, dialing;	/* connections */
};

/*
 * Make ready, with no connection yet: tally, plan and poller are there.
 *
 * Returns 0, or -1 when there is no memory.
 */
int conn_host_init(struct conn_host *host);
void conn_host_clear(struct conn_host *host);

/*
 * Make one, which is down; ring is as in the struct.
 */
void conn_init(struct conn *conn, struct flight *ring);

/*
 * Close it and free what it has; what is in flight is not counted.
 */
void conn_clear(struct conn_host *host, struct conn *conn);

/*
 * How many more requests it would take now.
 */
uint32_t conn_room(const struct conn_host *host, const struct conn *conn);

/*
 * Put a request in flight; there is room.  It leaves with conn_flush().
 *
 * at  when it was due
 */
void conn_push(struct conn_host *host, struct conn *conn, size_t request,
    int64_t at);

/*
 * Send what is in flight and not sent, as far as the socket takes it; connect
 * first where the server does not keep connections.
 */
void conn_flush(struct conn_host *host, struct conn *conn);

/*
 * The poller has something about it.
 *
 * events  as epoll_wait(2) has them
 */
void conn_serve(struct conn_host *host, struct conn *conn, uint32_t events);

/*
 * Do what is due by now: connect, or give up what lasts too long.
 */
void conn_check(struct conn_host *host, struct conn *conn);

/*
 * The time is over: all that is in flight has no reply.
 */
void conn_give_up(struct conn_host *host, struct conn *conn);

#endif
