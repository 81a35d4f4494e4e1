/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SHAPES_H
#define SHAPES_H

/*
 * Headers that were read, to know them when they come again: nearly every
 * client sends just the same one each time, but for a length and an id, which
 * are holes in its shape.  Nothing is scanned twice, which is worth 40 to 57%
 * at depth 32.
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/appmsg.h"

#define SHAPES		4	/* that are remembered */
#define SHAPE_MAX	512	/* bytes of a header that is */
#define SHAPE_HOLES	2	/* a length and an id */

enum hole_kind {
	HOLE_LENGTH,
	HOLE_INT,		/* an id */
	HOLE_STRING		/* an id, quotes included */
};

/* A place in a header where other bytes may stand the next time. */
struct hole {
	enum hole_kind kind;
	size_t start, end;	/* in the header it was seen in */
};

/* A header that was read, 2 bytes of length included. */
struct shape {
	char text[SHAPE_MAX];
	size_t len;		/* 0: none */
	struct hole holes[SHAPE_HOLES];
	size_t n_holes;
	size_t content_len;	/* what it says */
	size_t id_start, id_len;	/* in text; len 0: none */
	unsigned int has;
#define SHAPE_ID		0x1u
#define SHAPE_CONNECTION	0x2u	/* and it is keep-alive */
	struct appmsg_header hdr;	/* what it means, out of text */
};

/* What a worker remembers; all 0 at first, owns nothing, is not moved. */
struct shapes {
	struct shape shapes[SHAPES];
	size_t last;		/* that a header had */
	size_t next;		/* to be remembered */
	unsigned int wait;	/* headers to let pass before that */
};

/* A header in hand that is like one of them. */
struct shape_fit {
	const struct shape *shape;	/* borrowed until the next
					   shapes_remember(); NULL: none */
	size_t len;		/* of the header, its length included */
	size_t content_len;
	const char *id;		/* borrowed from the bytes in hand */
	size_t id_len;		/* as it stands there, with its quotes; 0:
				   none */
};

/*
 * Remember a header, if requests with it can be plain lookups: JSON in UTF-8
 * that asks for nothing in the reply's header but connection and id.
 *
 * buf, len  its bytes, with the length before them; copied
 * hdr       what they mean
 */
void shapes_remember(struct shapes *, const char *buf, size_t len,
    const struct appmsg_header *hdr);

/*
 * Whether a header is like one that is remembered.
 *
 * buf, len  its bytes, with the length before them
 * fit       filled, whether it is or not
 */
static inline bool shapes_find(struct shapes *, const char *buf, size_t len,
    struct shape_fit *fit);

/*
 * The same for one that is not byte for byte what the last one was.
 */
bool shapes_find_like(struct shapes *, const char *buf, size_t len,
    struct shape_fit *fit);

/*
 * A header as appmsg_header_decode() would read it, out of what is remembered:
 * worth 2,500 instructions of the 9,000 that a search by prefix takes without.
 *
 * hdr  its strings are borrowed as what fit has
 */
void shape_header(const struct shape_fit *, struct appmsg_header *hdr);

static inline bool
shape_is_same(const struct shape *shape, const char *buf, size_t len,
    struct shape_fit *fit)
{
	if (len != shape->len || memcmp(buf, shape->text, len) != 0)
		return false;
	fit->shape = shape;
	fit->len = len;
	fit->content_len = shape->content_len;
	fit->id = buf + shape->id_start;
	fit->id_len = shape->id_len;
	return true;
}

static inline bool
shapes_find(struct shapes *shapes, const char *buf, size_t len,
    struct shape_fit *fit)
{
	/* Often it is just the same. */
	return shape_is_same(&shapes->shapes[shapes->last], buf, len, fit) ||
	    shapes_find_like(shapes, buf, len, fit);
}

#endif
