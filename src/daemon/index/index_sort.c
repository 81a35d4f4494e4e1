/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sorting strings by their bytes, seven at a time: those, and how many of the
 * seven the string still had, make one number, so that most of the work is a
 * radix sort of numbers; only keys that are equal in them are looked at
 * again.  No recursion: strings are other people's.  Those that are equal to
 * their ends are sorted so once more by a second string.
 */

#include "config.h"

#include "daemon/index/index_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/thread/pace.h"

#define INDEX_WORD_BYTES	7
#define INDEX_FEW	48	/* items that insertion sorts quicker */
#define INDEX_DIGITS	8	/* of a word, a byte each */

/* Items that are equal in their first depth bytes. */
struct index_run {
	size_t from, n, depth;
	bool second;		/* those of their second strings */
};

struct index_sorter {
	index_string *string, *second;
	const void *arg;
	struct index_item *items;
	struct index_item *spare;	/* owned: room for as many */
	struct index_run *runs;		/* owned: what is to do */
	size_t runs_n, runs_room;
};

static void
index_sort_load(const struct index_sorter *sorter,
    const struct index_run *run)
{
	index_string *string = run->second ? sorter->second : sorter->string;

	for (size_t i = run->from; i < run->from + run->n; i++) {
		struct index_item *item = &sorter->items[i];
		size_t left;
		const uint8_t *p = string(sorter->arg, item->id, &left);
		uint64_t word = 0;

		if (i % PACE_ENTRIES == 0)
			pace();
		left -= run->depth;
		p += run->depth;
		if (left > INDEX_WORD_BYTES)
			left = INDEX_WORD_BYTES;
		for (size_t j = 0; j < left; j++)
			word |= (uint64_t)p[j] << (56 - 8 * j);
		item->word = word | left;
	}
}

static void
index_sort_few(struct index_item *items, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct index_item item = items[i];
		size_t j = i;

		for (; j > 0 && items[j - 1].word > item.word; j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
}

/* Least digit first; digits that are the same in all are passed over. */
static void
index_sort_radix(struct index_item *items, struct index_item *spare, size_t n)
{
	struct index_item *from = items, *to = spare, *tmp;
	size_t counts[INDEX_DIGITS][256];

	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; i < n; i++)
		for (unsigned int d = 0; d < INDEX_DIGITS; d++)
			counts[d][items[i].word >> 8 * d & 0xff]++;
	for (unsigned int d = 0; d < INDEX_DIGITS; d++) {
		size_t *count = counts[d], at = 0;

		if (count[from[0].word >> 8 * d & 0xff] == n)
			continue;
		for (unsigned int i = 0; i < 256; i++) {
			size_t here = count[i];

			count[i] = at;
			at += here;
		}
		for (size_t i = 0; i < n; i++)
			to[count[from[i].word >> 8 * d & 0xff]++] = from[i];
		tmp = from;
		from = to;
		to = tmp;
	}
	if (from != items)
		memcpy(items, from, n * sizeof(*items));
}

static int
index_sort_push(struct index_sorter *sorter, struct index_run run)
{
	if (sorter->runs_n == sorter->runs_room) {
		size_t room = sorter->runs_room * 2 + 64;
		struct index_run *runs = reallocarray(sorter->runs, room,
		    sizeof(*runs));

		if (runs == NULL)
			return -1;
		sorter->runs = runs;
		sorter->runs_room = room;
	}
	sorter->runs[sorter->runs_n++] = run;
	return 0;
}

/* What is equal in a run: is to be done again from the next bytes on, or by
 * second strings.  Returns whether there is anything to do. */
static bool
index_sort_again(const struct index_sorter *sorter, uint64_t word,
    struct index_run *run)
{
	if (run->n < 2)
		return false;
	run->depth += INDEX_WORD_BYTES;
	if ((word & 0xff) == INDEX_WORD_BYTES)
		return true;
	/* They ended here: those that have no second ones differ. */
	run->depth = 0;
	if (run->second || sorter->second == NULL)
		return false;
	run->second = true;
	return true;
}

/* Those that are equal still are runs to do again. */
static int
index_sort_split(struct index_sorter *sorter, const struct index_run *run)
{
	const struct index_item *items = sorter->items;
	size_t end = run->from + run->n;

	for (size_t i = run->from; i < end;) {
		struct index_run equal = *run;
		size_t from = i++;

		while (i < end && items[i].word == items[from].word)
			i++;
		equal.from = from;
		equal.n = i - from;
		if (index_sort_again(sorter, items[from].word, &equal) &&
		    index_sort_push(sorter, equal) == -1)
			return -1;
	}
	return 0;
}

int
index_sort(index_string *string, index_string *second, const void *arg,
    struct index_item *items, size_t n, size_t skip)
{
	struct index_sorter sorter = { .string = string, .second = second,
		.arg = arg, .items = items };
	int rc = -1;

	sorter.spare = reallocarray(NULL, n + 1, sizeof(*items));
	if (sorter.spare == NULL ||
	    index_sort_push(&sorter, (struct index_run){ 0, n, skip,
	    false }) == -1)
		goto end;
	while (sorter.runs_n > 0) {
		struct index_run run = sorter.runs[--sorter.runs_n];

		index_sort_load(&sorter, &run);
		if (run.n <= INDEX_FEW)
			index_sort_few(items + run.from, run.n);
		else
			index_sort_radix(items + run.from, sorter.spare,
			    run.n);
		if (index_sort_split(&sorter, &run) == -1)
			goto end;
	}
	rc = 0;
end:
	free(sorter.spare);
	free(sorter.runs);
	return rc;
}
