/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

/*
 * The requests of a session that have no reply, in the order in which they were
 * asked.  The first one never has a reply; ones behind it may, where a server
 * does not keep the order, until all before them have one, too.
 *
 * Each has a number, one more than that before it.  An id that the session
 * makes up is that number, so that it says where its request is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appmsg-session.h"

enum core_id {
	CORE_ID_NONE = 0,
	CORE_ID_MADE,		/* made up, at id_at of the message */
	CORE_ID_INT,		/* the caller's: num */
	CORE_ID_STRING		/* same: id_len bytes at id_at */
};

/* A request; its message is in the session's buffer. */
struct core_request {
	void *tag;
	uint64_t pos;		/* of its first byte, of all of the session's */
	size_t len;
	int64_t num;
	size_t id_at;
	unsigned int id_flags;	/* of a string */
	unsigned short id_len;
	unsigned char id;	/* enum core_id */
	bool closes : 1;	/* asks the server to close */
	bool json : 1;		/* its content is JSON, a search */
	bool answered : 1;
};

_Static_assert(sizeof(struct core_request) <= 64,
    "appmsg-session.h says how much memory a request takes");

struct core_queue {
	struct core_request *all;	/* a ring; owned, unless it was given */
	size_t cap;		/* a power of two, or 0 */
	size_t head;		/* index of the first one */
	size_t n;		/* with those that have a reply */
	size_t n_answered;	/* of them, that have one */
	uint64_t number;	/* of the first one */
	bool given;
};

/*
 * The one of an index, from the first one on.
 */
static inline struct core_request *
core_queue_get(const struct core_queue *queue, size_t index)
{
	return &queue->all[(queue->head + index) & (queue->cap - 1)];
}

/*
 * The id that is made up for the one of an index.
 */
uint64_t core_queue_id(const struct core_queue *, size_t index);

/*
 * Make room for more requests.
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
int core_queue_grow(const struct appmsg_alloc *, struct core_queue *,
    size_t more);

static inline int
core_queue_reserve(const struct appmsg_alloc *alloc, struct core_queue *queue,
    size_t more)
{
	return more <= queue->cap - queue->n ? 0 :
	    core_queue_grow(alloc, queue, more);
}

/*
 * Use memory of the caller's from now on; the queue has none.
 */
void core_queue_give(struct core_queue *, void *memory, size_t size);

/*
 * Where the next request goes, all 0; there is room for it.
 */
static inline struct core_request *
core_queue_add(struct core_queue *queue)
{
	static const struct core_request none;
	struct core_request *request = core_queue_get(queue, queue->n++);

	*request = none;
	return request;
}

/*
 * The one of an index has its reply.
 */
void core_queue_answer(struct core_queue *, size_t index);

/*
 * Forget all of them.
 */
void core_queue_forget(struct core_queue *);

/*
 * Leave out those that have a reply.
 */
void core_queue_compact(struct core_queue *);

void core_queue_clear(const struct appmsg_alloc *, struct core_queue *);

#endif
