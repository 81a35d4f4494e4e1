/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PUBLISH_DESK_H
#define PUBLISH_DESK_H

/*
 * What stands beside the buckets: the lock that one who publishes has, the
 * record of the generations that were begun, the pointers that say which one
 * is read.
 *
 * The lock ends by itself if its owner does, and he may be asleep and not know
 * it.  So whoever has it writes his token into each pointer before anything
 * else, and a pointer is written only as long as his token is in it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/publish/publish_servers.h"
#include "daemon/remote/bucket.h"

/* A generation of the record. */
struct publish_begun {
	uint64_t number;
	uint64_t buckets;
};

struct publish_desk {
	struct publish_servers servers;	/* with connections of its own */
	const char *prefix;		/* borrowed */
	char token[PUBLISH_WHO_SIZE + 32];
	bool locked;
	int64_t renewed;		/* ms: when the lock was, or taken */
	struct bucket_point points[BUCKET_POINTS];	/* as they were read */
	struct bucket_point point;	/* the highest, which counts */
	struct publish_begun *begun;	/* owned, n of them */
	size_t n_begun;
};

/*
 * Connect, take the lock, and read the others.
 *
 * d    set; publish_desk_close(), whatever is returned
 * who  whom the lock names
 *
 * Returns 0, or -1 with servers.why.
 */
int publish_desk_open(struct publish_desk *d, const struct conf_remote *,
    const char *who, const atomic_bool *stop);

/*
 * Let go of the lock, and close.
 */
void publish_desk_close(struct publish_desk *);

/*
 * See that the lock lasts; for loops.
 *
 * Returns 0, or -1 with servers.why: it is somebody else's by now, or stop is
 * set.
 */
int publish_desk_keep(struct publish_desk *);

/*
 * Whether a generation is read, or can be gone back to.
 */
bool publish_desk_needs(const struct publish_desk *, uint64_t number);

/*
 * The number for the next generation, higher than each one before.
 */
uint64_t publish_desk_next(const struct publish_desk *);

/*
 * Note in the record that a generation was begun, with those that are
 * pointed to; or that its buckets are gone.
 *
 * Each returns 0, or -1 with servers.why.
 */
int publish_desk_begin(struct publish_desk *, uint64_t number,
    uint64_t buckets);
int publish_desk_forget(struct publish_desk *, uint64_t number);

/*
 * Point to a generation: it is read from now on.
 *
 * n  set to how many of the pointers say so, also when -1 is returned
 *
 * Returns 0, or -1 with servers.why.
 */
int publish_desk_point(struct publish_desk *, const struct bucket_point *,
    unsigned int *n);

#endif
