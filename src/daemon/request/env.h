/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ENV_H
#define ENV_H

/*
 * What requests are answered with, and how an answer can end.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/spares.h"
#include "daemon/base/buf.h"
#include "daemon/request/shapes.h"

struct access;
struct conf_limits;
struct fast;
struct generation;
struct later_ops;
struct stats;
struct stream;
struct stream_tongue;

/* A long text of the last reply in a buffer, which is not in it. */
struct request_lent {
	const char *text;	/* borrowed from the generation; NULL: none */
	size_t len;
	size_t at;		/* where in the buffer it belongs */
	struct generation *gen;	/* a reference, where the reply was owed for a
				   while; NULL: it is that of the environment */
};

/* What a request is answered with; lives as long as its worker. */
struct request_env {
	struct generation *gen;		/* borrowed for the call, as limits */
	const struct conf_limits *limits;	/* of a turn of messages */
	const struct stream_tongue *tongue;	/* of a turn, borrowed for the
					   call; NULL: messages */
	size_t reply_max;	/* bytes of matches in a reply, one at least */
	size_t lend_min;	/* an answer of so many bytes is lent; 0: all
				   are copied */
	struct request_lent lent;	/* the caller's to take after each
					   turn, which ends with one;
					   request_lent_clear() */
	int64_t turn_ns;	/* for the messages of a turn that are not
				   plain lookups; 0: as long as they take */
	int64_t since;		/* when what is fed now was read, as
				   stats_begin() says; for what is owed */
	int64_t *at_once_ns;	/* what searches may still take that are done
				   at once; borrowed; NULL: all they like */
	struct buf text;		/* owned: content turned to UTF-8 */
	struct buf scratch;		/* owned: values unescaped */
	struct buf content;		/* owned: matches */
	struct buf extra;		/* owned: members for a header */
	struct spares slots, jobs;	/* owned: for what is owed */
	struct fast *fast;		/* borrowed; NULL: no fast path */
	struct shapes shapes;		/* headers that were read, for it */
	struct stats *stats;		/* borrowed; NULL: nobody counts */
	struct access *access;		/* borrowed; NULL: no access log */
	/* Tables that answer later are asked by these; NULL: nobody can. */
	const struct later_ops *later;
	void *later_arg;
	/*
	 * A stream that waits for answers has one: stream_collect() is next.
	 * In this call it is only to be noted; it comes once until then.  NULL:
	 * nobody need be told.
	 */
	void (*wake_cb)(struct stream *, void *);
	void *wake_arg;
};

enum request_result {
	REQUEST_ANSWERED,
	REQUEST_LATER,		/* the job is to be worked on */
	REQUEST_FAILED		/* out of memory; out is as it was */
};

/*
 * Free what the environment owns.
 */
void request_env_clear(struct request_env *);

/*
 * A text that was lent is sent, or kept otherwise.
 */
void request_lent_clear(struct request_lent *);

#endif
