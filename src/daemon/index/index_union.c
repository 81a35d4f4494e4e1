/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A heap of lists, the one with the least rank on top.
 */

#include "config.h"

#include "daemon/index/index_union.h"

#include <stdlib.h>

/* The list that is at place i sinks to where it belongs. */
static void
union_sink(struct index_union *some, size_t i)
{
	uint64_t *heap = some->heap, item = heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= some->n)
			break;
		if (child + 1 < some->n && heap[child + 1] < heap[child])
			child++;
		if (heap[child] >= item)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = item;
}

int
index_union_init(struct index_union *some, const struct index_words *words,
    uint32_t lo, uint32_t hi)
{
	size_t room = hi - lo < INDEX_COVER_MAX ? hi - lo : INDEX_COVER_MAX;

	some->cursors = reallocarray(NULL, room, sizeof(*some->cursors));
	some->heap = reallocarray(NULL, room, sizeof(*some->heap));
	if (some->cursors == NULL || some->heap == NULL) {
		index_union_clear(some);
		return -1;
	}
	some->room = room;
	some->n = index_words_cover(words, lo, hi, some->cursors);
	some->total = 0;
	for (size_t i = 0; i < some->n; i++) {
		some->heap[i] = (uint64_t)some->cursors[i].rank << 32 | i;
		some->total += some->cursors[i].n;
	}
	for (size_t i = some->n / 2; i-- > 0;)
		union_sink(some, i);
	return 0;
}

void
index_union_clear(struct index_union *some)
{
	free(some->cursors);
	free(some->heap);
	*some = (struct index_union){ .n = 0 };
}

uint32_t
index_union_seek(struct index_union *some, uint32_t rank,
    unsigned int *work)
{
	while (some->n > 0 && some->heap[0] >> 32 < rank) {
		uint32_t i = (uint32_t)some->heap[0];
		struct index_cursor *cursor = &some->cursors[i];

		index_cursor_seek(cursor, rank);
		if (cursor->rank == INDEX_NO_RANK)
			some->heap[0] = some->heap[--some->n];
		else
			some->heap[0] = (uint64_t)cursor->rank << 32 | i;
		if (some->n > 0)
			union_sink(some, 0);
		(*work)++;
	}
	return some->n > 0 ? (uint32_t)(some->heap[0] >> 32) : INDEX_NO_RANK;
}

size_t
index_union_held(const struct index_union *some)
{
	return some->room * (sizeof(*some->cursors) + sizeof(*some->heap));
}
