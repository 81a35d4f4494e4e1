/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A window over the ranks, with a bit for each: all lists mark their ranks in
 * it, and it moves on.  It is small at first, and where the next one asked for
 * is far, so that no more is marked than is likely to be looked at; from one to
 * the next it grows, so that lists with few ranks are seldom gone to.
 */

#include "config.h"

#include "daemon/index/index_union.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_LEAST	512	/* ranks */

int
index_union_init(struct index_union *some, const struct index_words *words,
    uint32_t lo, uint32_t hi)
{
	size_t room = hi - lo < INDEX_COVER_MAX ? hi - lo : INDEX_COVER_MAX;

	some->cursors = reallocarray(NULL, room, sizeof(*some->cursors));
	some->bits = malloc(INDEX_UNION_WINDOW / 8);
	if (some->cursors == NULL || some->bits == NULL) {
		index_union_clear(some);
		return -1;
	}
	some->room = room;
	some->n = index_words_cover(words, lo, hi, some->cursors);
	some->total = some->start = some->end = some->least = 0;
	for (size_t i = 0; i < some->n; i++)
		some->total += some->cursors[i].n;
	return 0;
}

void
index_union_clear(struct index_union *some)
{
	free(some->cursors);
	free(some->bits);
	*some = (struct index_union){ .n = 0 };
}

/* Move the window to where a rank is that is behind it. */
static void
union_move(struct index_union *some, uint32_t rank, unsigned int *work)
{
	uint32_t size = some->end - some->start, marked = 0;

	if (size == 0 || rank - some->end >= size)
		size = WINDOW_LEAST;
	else if (size < INDEX_UNION_WINDOW)
		size *= 2;
	some->start = rank & ~UINT32_C(63);
	some->end = some->start + size;
	some->least = INDEX_NO_RANK;
	memset(some->bits, 0, size / 8);
	*work += (unsigned int)some->n * INDEX_UNION_SEEK_WORK;
	for (size_t i = 0; i < some->n;) {
		struct index_cursor *cursor = &some->cursors[i];

		index_cursor_seek(cursor, some->start);
		marked += index_cursor_mark(cursor, some->bits, some->start,
		    some->end);
		if (cursor->rank == INDEX_NO_RANK) {
			*cursor = some->cursors[--some->n];
			continue;
		}
		if (cursor->rank < some->least)
			some->least = cursor->rank;
		i++;
	}
	*work += marked * INDEX_UNION_MARK_WORK;
}

/* The first rank in the window that is not less than one; its end: none. */
static uint32_t
union_look(const struct index_union *some, uint32_t rank)
{
	uint32_t at = (rank - some->start) / 64;
	uint32_t end = (some->end - some->start) / 64;
	uint64_t bits = some->bits[at] & UINT64_MAX << rank % 64;

	while (bits == 0) {
		if (++at == end)
			return some->end;
		bits = some->bits[at];
	}
	return some->start + at * 64 + (uint32_t)__builtin_ctzll(bits);
}

uint32_t
index_union_seek(struct index_union *some, uint32_t rank,
    unsigned int *work)
{
	for (;;) {
		if (rank < some->end) {
			rank = union_look(some, rank);
			if (rank < some->end)
				return rank;
		}
		if (some->n == 0)
			return INDEX_NO_RANK;
		if (rank < some->least)
			rank = some->least;
		union_move(some, rank, work);
	}
}

size_t
index_union_held(const struct index_union *some)
{
	return some->room * sizeof(*some->cursors) +
	    (some->bits != NULL ? INDEX_UNION_WINDOW / 8 : 0);
}
