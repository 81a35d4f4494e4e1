/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The best fuzzy matches of a table: the most alike of each distance, one
 * more than are wanted, kept in order while they come in any, perhaps twice.
 * Whether an earlier table hides a key is only looked up for one that would
 * be kept.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void
search_near_start(struct search *search)
{
	search->near.from = search->found;
	search->near.behind = search_after_rank(search);
}

/* Whether there are enough, so that a match must be better than the last. */
static bool
near_is_full(const struct search *search)
{
	return search->found - search->first > search->limit;
}

unsigned int
search_near_below(const struct search *search, uint32_t rank)
{
	const struct search_match *last;

	if (!near_is_full(search))
		return UINT_MAX;
	last = &search->list[search->found - 1];
	return last->like + (rank <= last->order);
}

/* Whether a match is not behind the key to go on after. */
static bool
near_is_before(const struct search *search, uint32_t rank,
    unsigned int distance, unsigned int like)
{
	const struct search_near *near = &search->near;

	if (search->after.plain == NULL)
		return false;
	if (distance != near->after_distance)
		return distance < near->after_distance;
	if (like != near->after_like)
		return like < near->after_like;
	/* Of those that are as near, tables come in turn. */
	return search->at < search->after.at || rank < near->behind;
}

/* Where it belongs; one that is there already is there. */
static size_t
near_place(const struct search *search, uint32_t rank, unsigned int like)
{
	size_t low = search->near.from, high = search->found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct search_match *m = &search->list[middle];

		if (m->like < like || (m->like == like && m->order < rank))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
search_near_may(const struct search *search, uint32_t rank,
    unsigned int like)
{
	return !near_is_full(search) ||
	    near_place(search, rank, like) < search->found;
}

/* Whether a key was found before, as a nearer one. */
static bool
near_is_known(const struct search *search, table_id id)
{
	for (size_t i = search->first; i < search->near.from; i++)
		if (search->list[i].id == id)
			return true;
	return false;
}

enum search_result
search_near(struct search *search, uint32_t rank, unsigned int distance,
    unsigned int like)
{
	table_id id = index_id(search->index, rank);
	struct search_match *at;
	size_t place;
	int hidden;

	if (near_is_before(search, rank, distance, like))
		return SEARCH_MORE;
	place = near_place(search, rank, like);
	if (place == search->found ? near_is_full(search) :
	    search->list[place].id == id)
		return SEARCH_MORE;
	/* By edits alone, none is found twice. */
	if (search->fill.wanted && near_is_known(search, id))
		return SEARCH_MORE;
	hidden = search_is_hidden(search, id);
	if (hidden != 0)
		return hidden == 1 ? SEARCH_MORE : SEARCH_FAILED;
	if (near_is_full(search))
		search->found--;
	else if (search_reserve(search) == -1)
		return SEARCH_FAILED;
	at = search->list + place;
	memmove(at + 1, at, (search->found - place) * sizeof(*at));
	*at = (struct search_match){ .table = search->tables[search->at],
	    .id = id, .distance = distance, .like = like, .order = rank };
	search->found++;
	return SEARCH_MORE;
}

bool
search_near_end(struct search *search)
{
	if (near_is_full(search)) {
		search->found = search->first + search->limit;
		search->table_more = true;
		return true;
	}
	return search->fill.wanted &&
	    search->found - search->first == search->limit;
}

static int
compare_near(const void *a, const void *b)
{
	const struct search_match *p = a, *q = b;

	if (p->distance != q->distance)
		return p->distance < q->distance ? -1 : 1;
	if (p->like != q->like)
		return p->like < q->like ? -1 : 1;
	return p->order < q->order ? -1 : p->order > q->order;
}

void
search_near_merge(struct search *search)
{
	/* As they were found: by tables, and by keys within a table. */
	for (size_t i = 0; i < search->found; i++)
		search->list[i].order = i;
	if (search->found > 0)
		qsort(search->list, search->found, sizeof(*search->list),
		    compare_near);
	search->more = search->table_more || search->found > search->limit;
	if (search->found > search->limit)
		search->found = search->limit;
}
