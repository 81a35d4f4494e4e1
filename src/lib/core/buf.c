/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A buffer of a session.
 */

#include "config.h"

#include "lib/core/buf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUF_MIN		((size_t)4096)

static void *
libc_malloc_cb(void *arg, size_t size)
{
	(void)arg;
	return malloc(size);
}

static void *
libc_realloc_cb(void *arg, void *memory, size_t size)
{
	(void)arg;
	return realloc(memory, size);
}

static void
libc_free_cb(void *arg, void *memory)
{
	(void)arg;
	free(memory);
}

const struct appmsg_alloc core_alloc_libc = {
	libc_malloc_cb, libc_realloc_cb, libc_free_cb, NULL
};

void
core_buf_clear(const struct appmsg_alloc *alloc, struct core_buf *buf)
{
	if (buf->data != NULL && !buf->given)
		alloc->free_cb(alloc->arg, buf->data);
	memset(buf, 0, sizeof(*buf));
}

static void
buf_move_down(struct core_buf *buf)
{
	memmove(buf->data, buf->data + buf->start, buf->len);
	buf->start = 0;
}

/* What was given is left where it is. */
static char *
buf_enlarge(const struct appmsg_alloc *alloc, struct core_buf *buf, size_t cap)
{
	char *data;

	if (buf->data != NULL && !buf->given)
		return alloc->realloc_cb(alloc->arg, buf->data, cap);
	data = alloc->malloc_cb(alloc->arg, cap);
	if (data != NULL && buf->data != NULL)
		memcpy(data + buf->start, buf->data + buf->start, buf->len);
	return data;
}

int
core_buf_grow(const struct appmsg_alloc *alloc, struct core_buf *buf,
    size_t more)
{
	size_t cap = buf->cap;
	char *data;

	if (more <= cap - buf->len && buf->start >= buf->len) {
		buf_move_down(buf);
		return 0;
	}
	if (more > SIZE_MAX / 4 - buf->start - buf->len)
		return APPMSG_ENOMEM;
	if (cap < BUF_MIN)
		cap = BUF_MIN;
	while (cap - buf->start - buf->len < more)
		cap *= 2;
	if ((data = buf_enlarge(alloc, buf, cap)) == NULL) {
		/* It may still do without, if at some cost. */
		if (more > buf->cap - buf->len)
			return APPMSG_ENOMEM;
		buf_move_down(buf);
		return 0;
	}
	buf->data = data;
	buf->cap = cap;
	buf->given = false;
	return 0;
}
