/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a search has found, and what ways to search share: the clock, the value
 * as a table compares it, and whether a table that is asked earlier hides what
 * was found in this one.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <stdlib.h>

#include "common/clock.h"
#include "daemon/table/fold.h"

#define SEARCH_ROOM	16	/* matches at first */

/* Bytes that a query may have and a key not, by three edits. */
#define SEARCH_LONGER_MAX	12

bool
search_expired(struct search *search)
{
	search->work = 0;
	search->now = clock_ns();
	return search->now >= search->until;
}

static int
search_fold(struct search *search, bool marks)
{
	uint8_t **folded = &search->folded[marks];
	size_t *len = &search->folded_len[marks];

	if (*folded != NULL)
		return 0;
	*folded = malloc(FOLD_ROOM(search->plain_len) + 1);
	if (*folded == NULL || fold_as(marks, (const char *)search->plain,
	    search->plain_len, (char *)*folded, len) == -1)
		return -1;
	(*folded)[*len] = INDEX_END;
	return 0;
}

enum search_result
search_value_as(struct search *search, const struct table *table,
    const uint8_t **value, size_t *len)
{
	bool marks = table_drops_marks(table);

	*value = search->plain;
	*len = search->plain_len;
	if (!table_folds(table))
		return SEARCH_MORE;
	/*
	 * Folding is not done in slices, and a request may have a million
	 * bytes: what is too long for any key is not folded.  Words may be
	 * far apart, and have a bound of their own.
	 */
	if (!search_is_for_words(search) &&
	    search->plain_len > SEARCH_FILL_MAX && search->plain_len >
	    FOLD_OF_MOST(table_key_max(table) + SEARCH_LONGER_MAX))
		return SEARCH_DONE;
	if (search_fold(search, marks) == -1)
		return SEARCH_FAILED;
	*value = search->folded[marks];
	*len = search->folded_len[marks];
	return SEARCH_MORE;
}

enum search_result
search_compare_as(struct search *search, const struct table *table)
{
	/* A pattern is not folded: it is matched without regard to case. */
	if (!table_folds(table) || search->wanted == TABLE_REGEX) {
		search->key = search->plain;
		search->key_len = search->plain_len;
		return SEARCH_MORE;
	}
	return search_value_as(search, table, &search->key, &search->key_len);
}

/* Fold the key of an entry, as it is shown, into the room for that. */
static int
search_fold_hidden(struct search *search, const struct table_entry *entry,
    bool marks, size_t *len)
{
	size_t room = FOLD_ROOM(entry->shown_len);

	if (room > search->hidden_room) {
		free(search->hidden);
		search->hidden = malloc(room);
		search->hidden_room = search->hidden == NULL ? 0 : room;
	}
	if (search->hidden == NULL)
		return -1;
	return fold_as(marks, entry->shown, entry->shown_len, search->hidden,
	    len);
}

int
search_is_hidden(struct search *search, table_id id)
{
	const struct table *table = search->tables[search->at];
	struct table_entry entry, other;
	const char *folded = NULL;
	bool marks = table_drops_marks(table);	/* folded is without them */
	size_t folded_len = 0;

	if (search->at == 0)
		return 0;
	search->work += 200 * (unsigned int)search->at;
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
		if (folded == NULL || marks != table_drops_marks(before)) {
			marks = table_drops_marks(before);
			if (search_fold_hidden(search, &entry, marks,
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

uint32_t
search_rank_of(const struct search *search, const uint8_t *key, size_t len)
{
	uint32_t rank = index_seek(search->index, key, len, false, 0);

	return search_is_key(search->index, rank, key, len) ? rank :
	    SEARCH_NO_RANK;
}

uint32_t
search_rank_own(const struct search *search, uint32_t rank,
    const uint8_t *own, size_t len)
{
	const struct index *index = search->index;
	const struct table *table = search->tables[search->at];
	const struct table_entry key = { .shown = (const char *)own,
	    .shown_len = len };
	uint32_t low = rank, high = index_behind(index, rank);
	struct table_entry entry;

	if (high - low == 1)
		return rank;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c;

		table_entry(table, index_id(index, mid), &entry);
		c = table_shown_cmp(&entry, &key);
		if (c == 0)
			return mid;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return rank;
}

int
search_reserve(struct search *search)
{
	size_t room = search->room == 0 ? SEARCH_ROOM : search->room * 4;
	struct search_match *list;

	if (search->found < search->room)
		return 0;
	list = reallocarray(search->list, room, sizeof(*list));
	if (list == NULL)
		return -1;
	search->list = list;
	search->room = room;
	return 0;
}

enum search_result
search_push(struct search *search, table_id id, unsigned int distance)
{
	if (search->wanted != TABLE_EXACT) {
		int hidden = search_is_hidden(search, id);

		if (hidden != 0)
			return hidden == 1 ? SEARCH_MORE : SEARCH_FAILED;
	}
	if (search->found == search->limit) {
		search->more = true;
		return SEARCH_DONE;
	}
	if (search_reserve(search) == -1)
		return SEARCH_FAILED;
	search->list[search->found++] = (struct search_match){
		.table = search->tables[search->at], .id = id,
		.distance = distance
	};
	return SEARCH_MORE;
}
