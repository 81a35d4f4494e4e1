/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FAST_H
#define FAST_H

/*
 * The fast path: plain lookups, as most requests are.
 * It answers exactly what stream.c would answer, only sooner, and leaves
 * everything else to it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buf.h"
#include "daemon/request/shapes.h"

struct conf_limits;
struct fast;
struct request_env;
struct request_job;

/* What one call is told, and what it tells. */
struct fast_turn {
	const struct conf_limits *limits;	/* of header and content */
	struct buf *out;	/* gets the replies; NULL: no more of them */
	size_t output;		/* the bytes in it after which none is taken */
	/*
	 * Owe a reply.
	 *
	 * job   taken; NULL: memory is out; what comes behind it goes to out as
	 *       this call leaves it, with output and may_owe
	 * keep  the connection stays
	 */
	void (*owe_cb)(void *arg, struct request_job *job, bool keep);
	void *arg;
	size_t may_owe;		/* so many; 0: none is */
	bool keep_alive;	/* the listener's way with plain requests */
	int64_t budget;		/* the most that may be answered, above 0;
				   reduced by those that are */
	size_t used;		/* set: the bytes that are done with; 0: the
				   first message is not for here, or memory is
				   out */
	bool told;		/* set: one asked for "connection" or "id" */
	bool last;		/* set: the connection ends with the last one */
	struct shape_fit next;	/* set: the header of the message behind them;
				   shape NULL: it is not known */
};

/*
 * What a worker works with.
 *
 * Returns it, or NULL when out of memory.
 */
struct fast *fast_new(void);

/*
 * Free it.  NULL is allowed.
 */
void fast_free(struct fast *);

/*
 * Answer plain lookups at the front of some bytes, as many as there are.
 *
 * env   its fast is not NULL; of its shapes is looked at what headers are known
 * turn  as above
 * buf   of len bytes, which begin with a message
 */
void fast_feed(struct request_env *env, struct fast_turn *turn,
    const char *buf, size_t len);

#endif
