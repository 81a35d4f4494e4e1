/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FAST_REPLY_H
#define FAST_REPLY_H

/*
 * Replies to plain lookups, as reply.c would write them: headers are encoded
 * once, and cut where a number and an id go.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buf.h"
#include "daemon/request/shapes.h"
#include "daemon/snapshot/snapshot.h"

/* A plain lookup; what is borrowed is so from the bytes in hand. */
struct plain {
	struct shape_fit fit;	/* its header */
	const char *key;	/* borrowed, or from the batch's text */
	size_t key_len;
	bool escaped;		/* the key was */
	uint64_t hash;
	struct snapshot_answer answer;	/* id TABLE_NO_ID: none */
	size_t reply_len;	/* of the whole reply */
};

/*
 * A reply's header in pieces: before its number, from there to the id, and
 * what follows.  They are copied as a whole, since moving a fixed number of
 * bytes takes no call; what is too much is written over.
 */
struct fast_head {
	char before[112];	/* from the 2 bytes of length on */
	char middle[48];
	char after[64];
	size_t before_len, middle_len, after_len;
	size_t len;		/* of all three */
};

/* By what a shape has, and whether there is an answer. */
struct fast_heads {
	struct fast_head heads[(SHAPE_CONNECTION | SHAPE_ID) + 1][2];
	/* Shapes that only have something, for who waits: others are
	 * forgotten. */
	struct shape bare[(SHAPE_CONNECTION | SHAPE_ID) + 1];
};

/*
 * Encode the headers.
 */
void fast_heads_init(struct fast_heads *);

/*
 * A shape that has what a shape has, and lasts as long as the headers.
 */
static inline const struct shape *
fast_heads_shape(const struct fast_heads *heads, unsigned int has)
{
	return &heads->bare[has];
}

/*
 * Append the reply to a lookup whose answer is set, but for its id where it is
 * a miss; reply_len is set.
 *
 * found  whether there is an answer
 *
 * Returns 0, or -1 when out of memory.
 */
int fast_reply(const struct fast_heads *, struct plain *, bool found,
    struct buf *out);

#endif
