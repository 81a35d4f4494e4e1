/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Growing by doubling, so that a text that is made in small pieces is copied
 * twice at most.
 */

#include "config.h"

#include "daemon/base/buf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP	((size_t)4096)

char *
buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap == 0 ? FIRST_CAP : b->cap;
	char *data;

	if (more > SIZE_MAX / 2 - b->len)
		return NULL;
	/* Room for just so much is not looked at before. */
	if (b->cap > 0 && b->cap - b->len >= more)
		return b->data + b->len;
	while (cap - b->len < more)
		cap *= 2;
	if ((data = realloc(b->data, cap)) == NULL)
		return NULL;
	b->data = data;
	b->cap = cap;
	return b->data + b->len;
}

int
buf_add(struct buf *b, const void *p, size_t len)
{
	char *to = buf_reserve(b, len);

	if (to == NULL)
		return -1;
	memcpy(to, p, len);
	b->len += len;
	return 0;
}

void
buf_reset(struct buf *b, size_t keep)
{
	b->len = 0;
	if (b->cap > keep)
		buf_clear(b);
}

void
buf_trim(struct buf *b)
{
	char *data;

	if (b->len == 0) {
		buf_clear(b);
		return;
	}
	data = realloc(b->data, b->len);
	if (data == NULL)
		return;		/* it stays as it was */
	b->data = data;
	b->cap = b->len;
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
