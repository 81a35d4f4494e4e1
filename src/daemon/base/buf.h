/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BUF_H
#define BUF_H

/*
 * A run of bytes that grows at its end.  Workers keep theirs from request to
 * request, so that an ordinary one allocates nothing.
 */

#include <stddef.h>

struct buf {
	char *data;	/* owned; NULL at first */
	size_t len;
	size_t cap;
};

/*
 * Make room for more bytes behind len.
 *
 * Returns where they go, valid until the next call; NULL when out of memory,
 * with the buffer as it was.
 */
static inline char *buf_reserve(struct buf *, size_t more);

/*
 * The same where there is none yet.
 */
char *buf_grow(struct buf *, size_t more);

/*
 * Append bytes.
 *
 * Returns 0, or -1 when out of memory.
 */
int buf_add(struct buf *, const void *p, size_t len);

/*
 * Forget the bytes, and the memory too when it is more than keep bytes: what
 * one large message needed is not held for ever.
 */
void buf_reset(struct buf *, size_t keep);

/*
 * Give back the room behind the bytes, as far as that can be done: for one to
 * which nothing is added any more.
 */
void buf_trim(struct buf *);

/*
 * Free the memory.
 */
void buf_clear(struct buf *);

static inline char *
buf_reserve(struct buf *b, size_t more)
{
	if (b->cap - b->len > more)	/* so that there is a cap at all */
		return b->data + b->len;
	return buf_grow(b, more);
}

#endif
