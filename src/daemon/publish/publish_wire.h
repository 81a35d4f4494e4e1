/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PUBLISH_WIRE_H
#define PUBLISH_WIRE_H

/*
 * A connection to one server: requests into a buffer, any number of them
 * before the first reply; whole replies out of another, in their order.  It
 * waits in poll(2) for at most a short while a call, so that its caller can
 * look at other things as well.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/address.h"
#include "daemon/base/buf.h"
#include "daemon/remote/resp.h"
#include "daemon/remote/slotmap.h"

struct dial_tls;
struct dial_trust;
struct pollfd;

/* One look at whoever else is there, while somebody is waited for. */
#define PUBLISH_WIRE_LOOK_MS	100

#define PUBLISH_WIRE_OWED	1024	/* replies at most, at a time */

struct publish_wire {
	struct slotmap_address address;
	char name[ADDRESS_MAX];		/* for messages */
	int fd;				/* -1: not connected */
	struct buf out;			/* requests; sent bytes are gone */
	size_t sent;
	struct buf in;
	size_t taken;			/* bytes of it */
	struct dial_tls *tls;		/* owned; NULL: plain, or not yet */
	char *cipher;			/* owned: room for what is received */
	struct buf made;		/* what is sent for the requests */
	size_t made_sent;
	struct resp_scan scan;
	int64_t moved;			/* ms: when bytes went, or a whole reply
					   came, last */
	const char *wrong;		/* why it broke: static, or tls's;
					   NULL: errno */
	uint32_t owed[PUBLISH_WIRE_OWED];	/* a ring: what the replies to
					   come are about */
	size_t first_owed, n_owed;
};

/* A reply; borrowed until the next call with the wire. */
struct publish_reply {
	const char *from, *end;
	const char *at;			/* for resp_next(): behind the head */
	struct resp head;
};

/*
 * Make one that is not connected, free(3)d by publish_wire_free().
 *
 * Returns it, or NULL when out of memory.
 */
struct publish_wire *publish_wire_new(const struct slotmap_address *);

/*
 * Close and free it.  NULL is allowed.
 */
void publish_wire_free(struct publish_wire *);

/*
 * Connect.
 *
 * timeout_ms  for all of it
 * stop        ends the wait
 *
 * Returns 0, or -1 with errno: ECANCELED when stopped, ETIMEDOUT.
 */
int publish_wire_open(struct publish_wire *, int64_t timeout_ms,
    const atomic_bool *stop);

/*
 * Have the server prove who it is, and encipher all from now on.  Nothing is
 * in its buffers.
 *
 * trust  borrowed for the wire's life
 *
 * Returns 0, or -1 with errno, or with wrong set.
 */
int publish_wire_encipher(struct publish_wire *,
    const struct dial_trust *trust, int64_t timeout_ms,
    const atomic_bool *stop);

/*
 * What poll(2) is to wait for.
 *
 * owed  whether replies are to come
 */
struct pollfd publish_wire_poll(const struct publish_wire *, bool owed);

/*
 * Send what the socket takes, and receive what is there.
 *
 * events  that poll(2) saw
 *
 * Returns 0, or -1: it is broken, see publish_wire_wrong().
 */
int publish_wire_move(struct publish_wire *, short events);

/*
 * Take the next reply, if it is whole.
 *
 * Returns RESP_WHOLE with reply set; or RESP_MORE; or RESP_BROKEN.
 */
enum resp_result publish_wire_take(struct publish_wire *,
    struct publish_reply *reply);

/*
 * Wait for a reply.
 *
 * Returns 0, or -1 with errno, or with wrong set.
 */
int publish_wire_wait(struct publish_wire *, struct publish_reply *reply,
    int64_t timeout_ms, const atomic_bool *stop);

/*
 * Why it broke, in words; valid until the next strerror(3), or as long as it.
 */
const char *publish_wire_wrong(const struct publish_wire *);

/*
 * Note what a reply to come will be about, if there is room; and forget the
 * first one, when its reply has come.
 */
static inline void
publish_wire_owe(struct publish_wire *w, uint32_t what)
{
	w->owed[(w->first_owed + w->n_owed++) % PUBLISH_WIRE_OWED] = what;
}

static inline uint32_t
publish_wire_owed(struct publish_wire *w)
{
	uint32_t what = w->owed[w->first_owed];

	w->first_owed = (w->first_owed + 1) % PUBLISH_WIRE_OWED;
	w->n_owed--;
	return what;
}

/* Bytes that are not sent yet. */
static inline size_t
publish_wire_unsent(const struct publish_wire *w)
{
	return w->out.len - w->sent + w->made.len - w->made_sent;
}

#endif
