/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FAKE_H
#define FAKE_H

/*
 * A transport without a descriptor, and the one peer at its other end: what it
 * sends, how much it takes, and what it has got.  One link at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/buf.h"
#include "daemon/session/link.h"

struct fake {
	struct buf sends;	/* what is still to be read */
	size_t piece;		/* bytes that a read gives at most; 0: all */
	size_t takes;		/* bytes that it still takes */
	struct buf got;
	size_t own_end;		/* bytes that a shut leaves, as of a transport
				   with an end of its own */
	char changes;		/* bytes on their way to it: each by that */
	unsigned int talks;	/* reads that the transport has for itself */
	bool ahead;		/* the end is known with the last bytes, and
				   the descriptor does not tell it */
	char refused;		/* in the transport's words: 'd'enied, 'b'usy */
	bool ends;		/* after what it sends */
	bool read_fails, write_fails;
	int read_errno;		/* instead, if not 0 */
	bool no_memory;		/* for the transport's own */
	bool is_gone;
	bool shut, closed;	/* by the link */
	unsigned int reads, writes, lasts;
};

extern struct fake fake;
extern const struct link_ops fake_ops;

/*
 * One that changes a block of bytes at a time, and has words of its own to
 * refuse a peer.
 */
#define FAKE_BLOCK	777
extern const struct link_ops fake_late_ops;

/* The fake descriptor. */
#define FAKE_FD	(-1)

/* The number of the door. */
#define FAKE_DOOR	3

/*
 * A new peer that takes all.
 */
void fake_init(void);
void fake_clear(void);

/*
 * Take unsent bytes, as many as that and no more than takes; and have the link
 * call back, as libevent does.
 */
void fake_take(struct link *, size_t len);

#endif
