/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INDEX_UNION_H
#define INDEX_UNION_H

/*
 * The ranks of several words as those of one: of all that begin so, say.  No
 * more of their lists is read than is needed.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/index/index_words.h"

/* Ranks that are looked at together, at most. */
#define INDEX_UNION_WINDOW	16384

/* Work, in nanoseconds: to go to a list, and for each of its ranks. */
#define INDEX_UNION_SEEK_WORK	18
#define INDEX_UNION_MARK_WORK	4

struct index_union {
	struct index_cursor *cursors;	/* owned; NULL: there is none */
	uint64_t *bits;		/* owned: a bit for each rank of the window */
	uint32_t start, end;	/* which is from one up to another */
	uint32_t least;		/* of the cursors' ranks, behind it */
	size_t n;		/* that have not ended */
	size_t room;
	uint64_t total;		/* ranks of all, those of several as often */
};

/*
 * Begin with words of a dictionary.
 *
 * some    zeroed, or cleared
 * lo, hi  their numbers; at least one
 *
 * Returns 0, or -1 when out of memory.
 */
int index_union_init(struct index_union *some, const struct index_words *,
    uint32_t lo, uint32_t hi);

void index_union_clear(struct index_union *);

/*
 * The first rank that is not less than another, which never falls from call to
 * call; INDEX_NO_RANK: there is none.
 *
 * work  counted up, in nanoseconds
 */
uint32_t index_union_seek(struct index_union *, uint32_t rank,
    unsigned int *work);

size_t index_union_held(const struct index_union *);

#endif
