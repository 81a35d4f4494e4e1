/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CORE_BUF_H
#define CORE_BUF_H

/*
 * Bytes that wait: data[start] to data[start + len - 1].  Memory comes from the
 * caller's functions, or was given by the caller once and for all.
 */

#include <stdbool.h>
#include <stddef.h>

#include "appmsg-session.h"

struct core_buf {
	char *data;		/* owned, unless it was given; NULL: none */
	size_t start;
	size_t len;
	size_t cap;
	bool given;
};

/*
 * What appmsg_session_new() uses where nobody says otherwise.
 */
extern const struct appmsg_alloc core_alloc_libc;

/*
 * Free what it owns.
 */
void core_buf_clear(const struct appmsg_alloc *, struct core_buf *);

/*
 * As core_buf_reserve(), when there is no such room.
 */
int core_buf_grow(const struct appmsg_alloc *, struct core_buf *, size_t more);

/*
 * Make room for more bytes behind those that wait.  The capacity doubles, and
 * bytes are moved down only over a gap at least as long as they are, so each
 * byte is copied a constant number of times.
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
static inline int
core_buf_reserve(const struct appmsg_alloc *alloc, struct core_buf *buf,
    size_t more)
{
	return more <= buf->cap - buf->start - buf->len ? 0 :
	    core_buf_grow(alloc, buf, more);
}

/*
 * The first bytes are no longer needed.
 */
static inline void
core_buf_drop(struct core_buf *buf, size_t len)
{
	buf->start += len;
	buf->len -= len;
	if (buf->len == 0)
		buf->start = 0;
}

#endif
