/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A list without memory of its own: to keep one cannot fail.  Its order is that
 * of serving, not of loading, so that to go back twice is to be where one was.
 */

#include "config.h"

#include "daemon/history/kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/problems.h"
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

uint64_t
kept_load(const struct generation *gen)
{
	return gen->base != NULL ? gen->base->number : gen->number;
}

static void
refuse_serving(const struct kept *kept, uint64_t number,
    struct problems *problems)
{
	uint64_t serving = kept->list[0]->number;

	if (number == serving)
		problems_add(problems, NULL, 0, "generation %" PRIu64
		    " serves already", number);
	else
		problems_add(problems, NULL, 0, "generation %" PRIu64
		    " serves already, as %" PRIu64, number, serving);
}

static void
refuse_missing(const struct kept *kept, uint64_t number,
    struct problems *problems)
{
	char list[KEPT_MAX * sizeof(", 18446744073709551615 and")] = "";
	char one[32];

	for (size_t i = 1; i < kept->n; i++) {
		snprintf(one, sizeof(one), "%s%" PRIu64, i == 1 ? "" :
		    i == kept->n - 1 ? " and " : ", ",
		    kept->list[i]->number);
		strlcat(list, one, sizeof(list));
	}
	problems_add(problems, NULL, 0, "generation %" PRIu64 " is not kept; "
	    "there %s %s", number, kept->n == 2 ? "is" : "are",
	    kept->n == 1 ? "no others" : list);
}

static struct generation *
find(const struct kept *kept, uint64_t number, uint64_t load)
{
	for (size_t i = 0; i < kept->n; i++) {
		struct generation *gen = kept->list[i];

		if (gen->number == number || kept_load(gen) == number ||
		    kept_load(gen) == load)
			return gen;
	}
	return NULL;
}

struct generation *
kept_find(const struct kept *kept, uint64_t number, uint64_t load,
    struct problems *problems)
{
	struct generation *found;

	if (number == 0 && kept->n > 1)
		return kept->list[1];
	if (number == 0) {
		problems_add(problems, NULL, 0, kept->list[0]->number == 1 ?
		    "there is no earlier generation" : "no earlier "
		    "generation is kept, as \"generations 1\" has it");
		return NULL;
	}
	found = find(kept, number, load);
	if (found == NULL)
		refuse_missing(kept, number, problems);
	else if (found == kept->list[0])
		refuse_serving(kept, number, problems);
	else
		return found;
	return NULL;
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
