/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_REDIS_H
#define FUZZ_REDIS_H

/*
 * Replies of Redis, read as plainly as can be, and written out of lines that
 * a fuzzer can change without breaking lengths and counts.
 */

#include <stddef.h>
#include <stdint.h>

struct buf;

/* An element of a reply. */
struct tree {
	char type;		/* + - : $ *, or 0 for nil */
	const char *str;	/* borrowed from the bytes; of + - $ */
	size_t len;
	long long number;	/* of : */
	struct tree *items;	/* owned; of * */
	size_t n;
};

enum tree_verdict {
	TREE_WHOLE,
	TREE_MORE,
	TREE_UNKNOWN,		/* no type that there is */
	TREE_SPELLED,		/* a number or a line's end as nobody writes it */
	TREE_LIMIT		/* more of something than resp.h takes */
};

/*
 * Read the reply at the front of some bytes.
 *
 * t     a tree, whatever comes of it, for tree_clear()
 * max   bytes that a reply may have; 4 at least
 * used  of TREE_WHOLE
 */
enum tree_verdict tree_read(struct tree *t, const char *p, size_t len,
    size_t max, size_t *used);

void tree_clear(struct tree *);

/*
 * Append the replies that lines stand for: "(" and ")" around what an array
 * has; "$TEXT" a bulk, in which "\n" and the like are as in C; "~" nil; all
 * other lines are as they are, with CR LF.
 */
void redis_put_right(struct buf *, const uint8_t *data, size_t len);

/*
 * LLVMFuzzerCustomMutator() for inputs that begin with some bytes of setup, a
 * bit of whose first says that what follows is such lines: these are doubled,
 * left out, or replaced by others.
 *
 * size   of the setup
 * right  that bit
 * lines  n of them, that are likely
 */
struct redis_lines {
	size_t size;
	uint8_t right;
	const char *const *lines;
	size_t n;
};

size_t redis_mutate(const struct redis_lines *, uint8_t *data, size_t len,
    size_t max, unsigned int seed);

#endif
