/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A search from table to table: time, the list of matches, and what earlier
 * tables hide.  How a single table is searched is in search_*.c.
 */

#include "config.h"

#include "daemon/search/search.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/search/search_private.h"
#include "daemon/table/fold.h"

/* All the time that a search gets, in nanoseconds of its slices. */
#define SEARCH_TIME	INT64_C(2000000000)

#define SEARCH_ROOM	16	/* matches at first */

/* Bytes that a query may have and a key not, by two edits. */
#define SEARCH_EDITS_MAX	8

static enum search_result search_exact_begin(struct search *);
static enum search_result search_exact_work(struct search *);

static const struct search_way search_exact = {
	search_exact_begin, search_exact_work, NULL
};

static const struct search_way *
search_way(enum table_way way)
{
	switch (way) {
	case TABLE_EXACT:
		return &search_exact;
	case TABLE_PREFIX:
		return &search_prefix;
	case TABLE_SUFFIX:
		return &search_suffix;
	case TABLE_SUBSTRING:
		return &search_substring;
	case TABLE_FUZZY:
		return &search_fuzzy;
	case TABLE_REGEX:
		return &search_regex;
	case TABLE_WAYS:
		break;
	}
	return NULL;
}

bool
search_expired(struct search *search)
{
	search->work = 0;
	search->now = clock_ns();
	return search->now >= search->until;
}

struct search *
search_new(const struct table *const *tables, size_t n,
    const struct search_query *query)
{
	struct search *search = calloc(1, sizeof(*search));

	if (search == NULL)
		return NULL;
	search->way = search_way(query->way);
	search->wanted = query->way;
	search->limit = query->limit;
	search->distance = query->distance;
	search->n = n;
	search->plain_len = query->key_len;
	search->tables = malloc((n + 1) * sizeof(*search->tables));
	search->plain = malloc(query->key_len + 1);
	if (search->tables == NULL || search->plain == NULL) {
		search_free(search);
		return NULL;
	}
	if (n > 0)
		memcpy(search->tables, tables, n * sizeof(*tables));
	if (query->key_len > 0)
		memcpy(search->plain, query->key, query->key_len);
	/* So a string that ends a key is the query with one byte more. */
	search->plain[query->key_len] = INDEX_END;
	return search;
}

static int
search_fold(struct search *search)
{
	if (search->folded != NULL)
		return 0;
	search->folded = malloc(FOLD_ROOM(search->plain_len) + 1);
	if (search->folded == NULL || fold((const char *)search->plain,
	    search->plain_len, (char *)search->folded,
	    &search->folded_len) == -1)
		return -1;
	search->folded[search->folded_len] = INDEX_END;
	return 0;
}

static enum search_result
search_begin(struct search *search)
{
	const struct table *table = search->tables[search->at];

	search->first = search->found;
	search->full = false;
	/* It is only there to hide what it has. */
	if (!(table_ways(table) & TABLE_WAY(search->wanted)))
		return SEARCH_DONE;
	/* A pattern is not folded: it is matched without regard to case. */
	if (table_folds(table) && search->way != &search_regex) {
		/*
		 * Folding is not done in slices, and a request may have a
		 * million bytes: what is too long for any key is not folded.
		 */
		if (search->plain_len > FOLD_OF_MOST(table_key_max(table) +
		    SEARCH_EDITS_MAX))
			return SEARCH_DONE;
		if (search_fold(search) == -1)
			return SEARCH_FAILED;
		search->key = search->folded;
		search->key_len = search->folded_len;
	} else {
		search->key = search->plain;
		search->key_len = search->plain_len;
	}
	search->index = table_index(table);
	/* Only exact is searched without one. */
	if (search->index == NULL && search->way != &search_exact)
		return SEARCH_DONE;
	return search->way->begin(search);
}

static enum search_result
search_work(struct search *search)
{
	while (search->at < search->n && !search->more) {
		enum search_result result;

		if (!search->begun) {
			result = search_begin(search);
			search->begun = true;
		} else {
			result = search->way->work(search);
			if (result == SEARCH_MORE)
				return result;
		}
		if (result == SEARCH_DONE) {
			search->at++;
			search->begun = false;
		} else if (result != SEARCH_MORE) {
			return result;
		}
		if (search->at < search->n && !search->more &&
		    search_tick(search, 100))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

static int
compare_distance(const void *a, const void *b)
{
	const struct search_match *p = a, *q = b;

	if (p->distance != q->distance)
		return p->distance < q->distance ? -1 : 1;
	/* As they were found: by tables, and by keys within a table. */
	return p->order < q->order ? -1 : p->order > q->order;
}

/* Each table gave its nearest: the nearest of all of them. */
static void
search_merge(struct search *search)
{
	for (size_t i = 0; i < search->found; i++)
		search->list[i].order = i;
	if (search->found > 0)
		qsort(search->list, search->found, sizeof(*search->list),
		    compare_distance);
	search->more = search->table_more || search->found > search->limit;
	if (search->found > search->limit)
		search->found = search->limit;
}

enum search_result
search_step(struct search *search, int64_t slice_us)
{
	int64_t start = clock_ns();
	enum search_result result;

	search->now = start;
	search->until = start + slice_us * 1000;
	search->work = 0;
	search->work_most = slice_us * 250 < SEARCH_WORK ?
	    (unsigned int)slice_us * 250 : SEARCH_WORK;
	result = search_work(search);
	if (result == SEARCH_DONE && search->wanted == TABLE_FUZZY)
		search_merge(search);
	if (result == SEARCH_MORE) {
		search->spent += clock_ns() - start;
		if (search->spent > SEARCH_TIME)
			return SEARCH_LATE;
	}
	return result;
}

static enum search_result
search_exact_begin(struct search *search)
{
	(void)search;
	return SEARCH_MORE;
}

/* As a plain lookup: the first table that has it. */
static enum search_result
search_exact_work(struct search *search)
{
	struct table_entry entry;
	table_id id = table_find(search->tables[search->at],
	    (const char *)search->key, search->key_len, &entry);

	if (id == TABLE_NO_ID)
		return SEARCH_DONE;
	if (search_push(search, id, 0) == SEARCH_FAILED)
		return SEARCH_FAILED;
	search->at = search->n;
	return SEARCH_DONE;
}

/*
 * Whether a table before has a key: what a lookup of it as it is shown would
 * find there.
 */
static int
search_is_hidden(struct search *search, table_id id)
{
	const struct table *table = search->tables[search->at];
	struct table_entry entry, other;
	const char *folded = NULL;
	size_t folded_len = 0;

	table_entry(table, id, &entry);
	if (table_folds(table)) {
		folded = entry.key;
		folded_len = entry.key_len;
	}
	for (size_t i = 0; i < search->at; i++) {
		const struct table *before = search->tables[i];

		if (!table_folds(before)) {
			if (table_find(before, entry.shown, entry.shown_len,
			    &other) != TABLE_NO_ID)
				return 1;
			continue;
		}
		if (folded == NULL) {
			size_t room = FOLD_ROOM(entry.shown_len);

			if (room > search->hidden_room) {
				free(search->hidden);
				search->hidden = malloc(room);
				search->hidden_room =
				    search->hidden == NULL ? 0 : room;
			}
			if (search->hidden == NULL || fold(entry.shown,
			    entry.shown_len, search->hidden,
			    &folded_len) == -1)
				return -1;
			folded = search->hidden;
		}
		if (table_find(before, folded, folded_len, &other) !=
		    TABLE_NO_ID)
			return 1;
	}
	return 0;
}

enum search_result
search_push(struct search *search, table_id id, unsigned int distance)
{
	if (search->at > 0 && search->way != &search_exact) {
		int hidden = search_is_hidden(search, id);

		search->work += 200 * (unsigned int)search->at;
		if (hidden != 0)
			return hidden == 1 ? SEARCH_MORE : SEARCH_FAILED;
	}
	if (search->wanted == TABLE_FUZZY &&
	    search->found - search->first == search->limit) {
		search->full = search->table_more = true;
		return SEARCH_DONE;
	}
	if (search->wanted != TABLE_FUZZY &&
	    search->found == search->limit) {
		search->more = true;
		return SEARCH_DONE;
	}
	if (search->found == search->room) {
		size_t room = search->room == 0 ? SEARCH_ROOM :
		    search->room * 4;
		struct search_match *list = reallocarray(search->list, room,
		    sizeof(*list));

		if (list == NULL)
			return SEARCH_FAILED;
		search->list = list;
		search->room = room;
	}
	search->list[search->found++] = (struct search_match){
		.table = search->tables[search->at], .id = id,
		.distance = distance
	};
	return SEARCH_MORE;
}

size_t
search_matches(const struct search *search, const struct search_match **list,
    bool *more)
{
	*list = search->list;
	*more = search->more;
	return search->found;
}

const char *
search_why(const struct search *search)
{
	return search->why;
}

void
search_free(struct search *search)
{
	if (search == NULL)
		return;
	if (search->way != NULL && search->way->end != NULL)
		search->way->end(search);
	search_hits_clear(search);
	free(search->tables);
	free(search->plain);
	free(search->folded);
	free(search->hidden);
	free(search->list);
	free(search);
}
