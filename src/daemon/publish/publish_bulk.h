/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PUBLISH_BULK_H
#define PUBLISH_BULK_H

/*
 * One request for each bucket of a generation, all masters at once and many
 * requests before their replies.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/publish/publish_wire.h"

struct buf;
struct publish_servers;

struct publish_bulk {
	struct publish_servers *servers;	/* whose wires owe nothing */
	uint64_t number;		/* of the generation */
	size_t n_buckets;
	/*
	 * Append the request for a bucket of that name.  Returns 0, or -1 when
	 * out of memory.
	 */
	int (*add_cb)(struct buf *, size_t bucket, const char *name,
	    size_t len, const void *arg);
	/* Returns NULL, or what is wrong with its reply, which is no error;
	 * static. */
	const char *(*take_cb)(size_t bucket, const struct publish_reply *,
	    const void *arg);
	const void *arg;
	/* Called often.  Returns 0, or -1: it ends, with the reason noted
	 * somewhere. */
	int (*tick_cb)(void *arg);
	void *tick_arg;
	_Atomic uint64_t *done;		/* counted up; NULL: nobody looks */
};

/*
 * Do it.
 *
 * Returns 0; or -1 with the reason in servers->why, unless tick_cb ended it,
 * and with connections that are of no more use.
 */
int publish_bulk(const struct publish_bulk *);

#endif
