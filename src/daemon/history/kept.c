/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A list without memory of its own: to keep one cannot fail.  Its order is that
 * of serving, not of loading, so that to go back twice is to be where one was.
 */

#include "config.h"

#include "daemon/history/kept.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"

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

/* A table of one of them, the first if it serves. */
struct owned {
	const struct table *table;
	size_t at;
};

/* All of a generation's, behind n others. */
static size_t
collect(struct owned *all, size_t n, const struct snapshot *snap, size_t at)
{
	const struct table *const *list;
	size_t n_list;

	for (int blobs = 0; blobs < 2; blobs++) {
		list = blobs ? snapshot_blobs(snap, &n_list) :
		    snapshot_tables(snap, &n_list);
		for (size_t i = 0; i < n_list; i++) {
			if (all != NULL)
				all[n] = (struct owned){ list[i], at };
			n++;
		}
	}
	return n;
}

static int
compare(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;

	if (x->table != y->table)
		return (uintptr_t)x->table < (uintptr_t)y->table ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/*
 * Memory of each table that the serving generation has not, once.  Without
 * memory to find that out, tables that are shared count more than once.
 */
static size_t
count_bytes(const struct kept *kept)
{
	struct owned *all;
	size_t n = 0, bytes = 0;

	for (size_t i = 0; i < kept->n; i++) {
		n = collect(NULL, n, kept->list[i]->snap, i);
		bytes += i > 0 ? snapshot_memory(kept->list[i]->snap) : 0;
	}
	if (n == 0 || (all = reallocarray(NULL, n, sizeof(*all))) == NULL)
		return bytes;
	n = bytes = 0;
	for (size_t i = 0; i < kept->n; i++)
		n = collect(all, n, kept->list[i]->snap, i);
	qsort(all, n, sizeof(*all), compare);
	for (size_t i = 0; i < n; i++)
		if (all[i].at > 0 && (i == 0 ||
		    all[i - 1].table != all[i].table))
			bytes += table_memory(all[i].table);
	free(all);
	return bytes;
}

/* Before the first at of them, over the one behind. */
static void
put_first(struct kept *kept, struct generation *gen, size_t at)
{
	memmove(kept->list + 1, kept->list, at * sizeof(kept->list[0]));
	kept->list[0] = gen;
	/* Not whenever somebody asks, for there may be many tables. */
	kept->bytes = count_bytes(kept);
}

void
kept_serve(struct kept *kept, struct generation *gen, size_t most)
{
	while (kept->n >= most)
		generation_unref(kept->list[--kept->n]);
	kept->n++;
	put_first(kept, gen, kept->n - 1);
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
