/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A list without memory of its own: to keep one cannot fail.  Its order is that
 * of serving, not of loading, so that to go back twice is to be where one was.
 */

#include "config.h"

#include "daemon/history/kept.h"

#include <string.h>

#include "daemon/snapshot/generation.h"

void
kept_init(struct kept *kept, struct generation *gen)
{
	*kept = (struct kept){ .list = { generation_ref(gen) }, .n = 1 };
}

void
kept_clear(struct kept *kept)
{
	while (kept->n > 0)
		generation_unref(kept->list[--kept->n]);
}

struct generation *
kept_serving(const struct kept *kept)
{
	return kept->list[0];
}

struct generation *
kept_before(const struct kept *kept)
{
	return kept->n > 1 ? kept->list[1] : NULL;
}

/* Before the first at of them, over the one behind. */
static void
put_first(struct kept *kept, struct generation *gen, size_t at)
{
	memmove(kept->list + 1, kept->list, at * sizeof(kept->list[0]));
	kept->list[0] = gen;
}

void
kept_serve(struct kept *kept, struct generation *gen, size_t most)
{
	while (kept->n >= most)
		generation_unref(kept->list[--kept->n]);
	put_first(kept, gen, kept->n++);
}

void
kept_serve_again(struct kept *kept, struct generation *gen,
    const struct generation *old)
{
	size_t at = 0;

	while (kept->list[at] != old)
		at++;
	/* What gen is made of stays: it has a reference of its own. */
	generation_unref(kept->list[at]);
	put_first(kept, gen, at);
}
