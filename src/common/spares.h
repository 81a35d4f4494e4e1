/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SPARES_H
#define SPARES_H

/*
 * Blocks of memory, of one size, that were used and are kept for the next who
 * needs one: where thousands come and go, malloc(3) costs more than all that is
 * done with them.  Of one thread.
 */

#include <stdlib.h>
#include <string.h>

#include "common/fetch.h"

#define SPARES_MAX	2048	/* that are kept */
#define SPARES_FRONT	256	/* bytes that are fetched ahead of the next */

struct spares {
	void *first;		/* each begins with the next one's address */
	unsigned int n;
};

/*
 * A block of size bytes, with anything in it; which is at least that of a
 * pointer, and always the same.
 *
 * Returns it, owned by the caller, spares_give(); or NULL when out of memory.
 */
static inline void *
spares_take(struct spares *spares, size_t size)
{
	void *block = spares->first;

	if (block == NULL)
		return malloc(size);
	memcpy(&spares->first, block, sizeof(spares->first));
	/* The next one's address is not to be waited for; nor is its front,
	 * which is written first. */
	fetch_lines(spares->first, SPARES_FRONT);
	spares->n--;
	return block;
}

/*
 * Give a block back.  NULL is allowed.
 */
static inline void
spares_give(struct spares *spares, void *block)
{
	if (block == NULL || spares->n >= SPARES_MAX) {
		free(block);
		return;
	}
	memcpy(block, &spares->first, sizeof(spares->first));
	spares->first = block;
	spares->n++;
}

/*
 * Free all that are kept.
 */
static inline void
spares_clear(struct spares *spares)
{
	while (spares->n > 0)
		free(spares_take(spares, 0));
}

#endif
