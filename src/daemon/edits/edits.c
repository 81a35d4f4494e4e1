/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The matrix of distances, of which only the few diagonals on each side of
 * the middle one matter, is kept as bits: r[i] of row j has a bit for each
 * of the beginnings of the query that are at most i edits away from the first
 * j characters of a key.  A row without bits is a dead end.
 */

#include "config.h"

#include "daemon/edits/edits.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/edits/like.h"
#include "daemon/index/index_private.h"
#include "daemon/table/fold.h"

#define EDITS_BAND	((size_t)EDITS_MAX)
#define EDITS_ALL	0x7fu	/* a bit for each diagonal */
#define EDITS_NONE	UINT32_MAX	/* no character */
#define EDITS_CHAR_MAX	0x10ffff
#define EDITS_FOLLOW	32	/* bytes that it is worth to look ahead */

struct edits_row {
	uint8_t r[EDITS_MAX + 1];
	uint8_t equal;		/* which of the query's chars was this one */
	uint32_t end;		/* bytes of the key so far */
};

/*
 * Read a character of UTF-8, whatever the bytes are; at least one of them.
 *
 * Returns its number; a wrong byte gets one that no character has.
 */
static uint32_t
edits_char(const uint8_t **pp, const uint8_t *end)
{
	const uint8_t *p = *pp;
	uint32_t c = *p++;
	unsigned int more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	if (c >= 0x80 && (more == 0 || (size_t)(end - p) < more)) {
		c |= 0x80000000;
	} else if (c >= 0x80) {
		c &= 0x3fu >> more;
		while (more-- > 0)
			c = c << 6 | (*p++ & 0x3f);
	}
	*pp = p;
	return c;
}

void
edits_clear(struct edits *edits)
{
	free(edits->padded);
	free(edits->ends);
	free(edits->rows);
	free(edits->chars);
	free(edits->target);
	memset(edits, 0, sizeof(*edits));
}

/* The query, with characters that are none on each side. */
int
edits_set(struct edits *edits, const uint8_t *key, size_t len,
    size_t key_max)
{
	const uint8_t *p = key, *end = key + len;

	edits->key_max = key_max;
	if (edits->key == key && edits->target_room >= key_max + EDITS_FOLLOW)
		return 0;
	edits_clear(edits);
	edits->key_max = key_max;
	edits->target_room = key_max + EDITS_FOLLOW;
	edits->padded = reallocarray(NULL, len + 4 * EDITS_BAND + 2,
	    sizeof(*edits->padded));
	edits->ends = reallocarray(NULL, len + 1, sizeof(*edits->ends));
	edits->rows = reallocarray(NULL, len + 2 * EDITS_BAND + 2,
	    sizeof(*edits->rows));
	edits->chars = reallocarray(NULL, len + 2 * EDITS_BAND + 2,
	    sizeof(*edits->chars));
	edits->target = malloc(edits->target_room);
	if (edits->padded == NULL || edits->ends == NULL ||
	    edits->rows == NULL || edits->chars == NULL ||
	    edits->target == NULL)
		return -1;
	edits->key = key;
	edits->ends[0] = 0;
	for (size_t i = 0; i < EDITS_BAND; i++)
		edits->padded[i] = EDITS_NONE;
	while (p < end) {
		const uint8_t *from = p;

		edits->padded[EDITS_BAND + edits->n] = edits_char(&p, end);
		edits->ends[++edits->n] = (uint32_t)(p - key);
		if (p - from > edits->wide)
			edits->wide = (unsigned int)(p - from);
	}
	for (size_t i = 0; i < 3 * EDITS_BAND + 2; i++)
		edits->padded[EDITS_BAND + edits->n + i] = EDITS_NONE;
	return 0;
}

/* The diagonals of row j that are not beyond the query's end. */
static unsigned int
edits_inside(const struct edits *edits, size_t j)
{
	if (j > edits->n + EDITS_BAND)
		return 0;
	if (edits->n + EDITS_BAND - j >= 2 * EDITS_BAND)
		return EDITS_ALL;
	return (2u << (edits->n + EDITS_BAND - j)) - 1;
}

/* The diagonals of row j that are before a place in the query. */
static unsigned int
edits_before(size_t j, size_t place)
{
	if (place + EDITS_BAND <= j)
		return 0;
	if (place + EDITS_BAND - j > 2 * EDITS_BAND)
		return EDITS_ALL;
	return (1u << (place + EDITS_BAND - j)) - 1;
}

/* Take from row j what has had its last edit too early. */
static void
edits_keep_last(const struct edits *edits, struct edits_row *row,
    size_t j)
{
	unsigned int before = edits_before(j, edits->split);

	row->r[edits->last] &= (uint8_t)(~before | row->r[edits->last - 1]);
}

/*
 * See which diagonals lead to a key that is no longer than there are: each
 * edit that is left leads one farther.
 */
static void
edits_set_reach(struct edits *edits)
{
	for (unsigned int i = 0; i <= EDITS_MAX; i++) {
		size_t left = i < edits->last ? edits->last - i : 0;
		size_t most = edits->key_max + left, least = 0;

		/* A key of so many characters ends on this one. */
		if (edits->n + EDITS_BAND > most)
			least = edits->n + EDITS_BAND - most;
		edits->reach[i] = (uint8_t)(least > 2 * EDITS_BAND ? 0 :
		    EDITS_ALL << least & EDITS_ALL);
	}
}

void
edits_start(struct edits *edits)
{
	unsigned int in = edits_inside(edits, 0);
	struct edits_row *row = &edits->rows[0];

	edits->depth = 0;
	edits->below = UINT_MAX;
	edits_set_reach(edits);
	*row = (struct edits_row){
		{ 1 << EDITS_BAND & edits->reach[0], 3 << EDITS_BAND & in,
		    7 << EDITS_BAND & in, 15 << EDITS_BAND & in }, 0, 0
	};
	for (unsigned int i = 1; i <= EDITS_MAX; i++)
		row->r[i] = (row->r[i] & edits->reach[i]) | row->r[i - 1];
	edits_keep_last(edits, &edits->rows[0], 0);
}

/*
 * Take from a row those of its places, new there and without an edit left,
 * that lead to keys which cost too much: what follows is known.
 *
 * Returns whether anything is left.
 */
static bool
edits_prune(struct edits *edits, size_t j, unsigned int places)
{
	struct edits_row *row = &edits->rows[j];
	const uint32_t *query = edits_query(edits);
	unsigned int last = edits->last;

	for (unsigned int i = 0; i <= 2 * EDITS_BAND; i++) {
		size_t at = i + j - EDITS_BAND;

		if (!(places >> i & 1))
			continue;
		memcpy(edits->chars + j, query + at,
		    (edits->n - at) * sizeof(*query));
		if (like_cost(query, edits->n, edits->chars,
		    j + edits->n - at, edits->below) >= edits->below)
			row->r[last] &= (uint8_t)~(1u << i);
	}
	/* It may be the first of two that are exchanged. */
	return row->r[last] != 0 ||
	    (row[-1].r[last - 1] & row->equal >> 1) != 0;
}

/*
 * Make the next row of a character.  A bit comes from the row above at the
 * same place (same characters, or one replaced) or one place up (inserted),
 * from this row one place down (left out), or from two rows above at the
 * same place (exchanged).
 */
static bool
edits_next(struct edits *edits, uint32_t c)
{
	size_t j = edits->depth + 1;
	const uint32_t *window = edits->padded + j - 1;
	const struct edits_row *above = &edits->rows[j - 1];
	struct edits_row *row = &edits->rows[j];
	unsigned int in = edits_inside(edits, j), equal, swap = 0;
	unsigned int last = edits->last, r0, r1, r2, places;

	edits->chars[j - 1] = c;
	equal = (unsigned int)(window[0] == c) |
	    (unsigned int)(window[1] == c) << 1 |
	    (unsigned int)(window[2] == c) << 2 |
	    (unsigned int)(window[3] == c) << 3 |
	    (unsigned int)(window[4] == c) << 4 |
	    (unsigned int)(window[5] == c) << 5 |
	    (unsigned int)(window[6] == c) << 6;
	r0 = above->r[0] & equal;
	r1 = (above->r[1] & equal) | above->r[0] | above->r[0] >> 1 | r0 << 1;
	r2 = (above->r[2] & equal) | above->r[1] | above->r[1] >> 1;
	if (j >= 2) {
		swap = equal << 1 & above->equal >> 1;
		r1 |= swap & above[-1].r[0];
		r2 |= swap & above[-1].r[1];
	}
	r0 &= edits->reach[0];
	r1 = (r1 & in & edits->reach[1]) | r0;
	r2 = ((r2 | r1 << 1) & in & edits->reach[2]) | r1;
	row->r[0] = (uint8_t)r0;
	row->r[1] = (uint8_t)r1;
	row->r[2] = (uint8_t)r2;
	row->equal = (uint8_t)equal;
	if (last == 3) {
		unsigned int r3 = (above->r[3] & equal) | above->r[2] |
		    above->r[2] >> 1;

		if (j >= 2)
			r3 |= swap & above[-1].r[2];
		row->r[3] = (uint8_t)(((r3 | r2 << 1) & in &
		    edits->reach[3]) | r2);
	}
	edits_keep_last(edits, row, j);
	if (edits->below != UINT_MAX) {
		places = row->r[last] & ~row->r[last - 1] &
		    ~(above->r[last] & equal);
		if (places != 0)
			return edits_prune(edits, j, places);
	}
	return row->r[last] != 0;
}

bool
edits_is_within(const struct edits *edits, unsigned int most)
{
	size_t bit = edits->n + EDITS_BAND - edits->depth;

	return bit <= 2 * EDITS_BAND &&
	    edits->rows[edits->depth].r[most] >> bit & 1;
}

bool
edits_is_match(const struct edits *edits)
{
	return edits_is_within(edits, edits->last) &&
	    !edits_is_within(edits, edits->last - 1);
}

const uint32_t *
edits_query(const struct edits *edits)
{
	return edits->padded + EDITS_BAND;
}

size_t
edits_end(const struct edits *edits)
{
	return edits->rows[edits->depth].end;
}

void
edits_back(struct edits *edits, size_t same)
{
	while (edits->rows[edits->depth].end > same)
		edits->depth--;
}

bool
edits_read(struct edits *edits, const uint8_t *key, size_t len,
    uint32_t *wrong, size_t *wrong_end)
{
	const uint8_t *p = key + edits->rows[edits->depth].end;

	while (p < key + len) {
		if (*p < 0x80)
			*wrong = *p++;
		else
			*wrong = edits_char(&p, key + len);
		*wrong_end = (size_t)(p - key);
		if (!edits_next(edits, *wrong))
			return false;
		edits->rows[++edits->depth].end = (uint32_t)*wrong_end;
	}
	return true;
}

static size_t
edits_put_char(uint8_t *p, uint32_t c)
{
	if (c < 0x80) {
		p[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (uint8_t)(0xc0 | c >> 6);
		p[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (uint8_t)(0xe0 | c >> 12);
		p[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		p[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	p[0] = (uint8_t)(0xf0 | c >> 18);
	p[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	p[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	p[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/*
 * Append to a string that reaches from the key's start to a row, where no
 * edit is left, or not yet, the least that can follow and starts with a
 * character above c: all of it that is known.
 *
 * Returns how long the string is, or 0: nothing can follow.
 */
static size_t
edits_follow(const struct edits *edits, size_t depth, uint32_t c)
{
	const struct edits_row *row = &edits->rows[depth];
	const uint32_t *window = edits->padded + depth;
	unsigned int bits = row->r[edits->last], swaps = 0, places = 0;
	uint32_t least = EDITS_NONE;
	size_t from = 0, to = edits->n, len = row->end, more;

	/* The second of two that are exchanged. */
	if (depth > 0)
		swaps = (row[-1].r[edits->last - 1] & row->equal >> 1) >> 1;
	for (unsigned int i = 0; i <= 2 * EDITS_BAND; i++) {
		if (!((bits | swaps) >> i & 1) || window[i] <= c ||
		    window[i] > least)
			continue;
		if (window[i] < least)
			places = 0;
		least = window[i];
		places += 1 + (swaps >> i & 1);
		from = i + depth - EDITS_BAND;
		/* From there on it may have an edit. */
		to = row->r[edits->last - 1] >> i & 1 ? edits->split - 1 :
		    edits->n;
	}
	if (least > EDITS_CHAR_MAX)
		return 0;
	if (places > 1)
		return len + edits_put_char(edits->target + len, least);
	more = edits->ends[to] - edits->ends[from];
	if (more > EDITS_FOLLOW)
		more = EDITS_FOLLOW;
	memcpy(edits->target + len, edits->key + edits->ends[from], more);
	return len + more;
}

/* Whether anything may follow in a key that reaches to a row. */
static bool
edits_is_free(const struct edits *edits, size_t depth)
{
	const struct edits_row *row = &edits->rows[depth];
	unsigned int pass = edits->last, before = edits->split == 0 ? 0 :
	    edits_before(depth, edits->split - 1);

	return (row->r[pass - 1] & ~before) != 0 ||
	    (pass >= 2 && row->r[pass - 2] != 0);
}

/*
 * The least character above one that led nowhere from a row on which there may
 * lead on.  One that is no letter, and not in the query thereabouts, is as good
 * as each other such one that is not doubled: no cost depends on which it is.
 */
static uint32_t
edits_else(const struct edits *edits, uint32_t c)
{
	const uint32_t *window = edits->padded + edits->depth;
	uint32_t least = c < 'A' ? 'A' : c < 'a' ? 'a' : 0x80, prev;
	/* So many edits lead no farther from the middle. */
	size_t first = EDITS_BAND - edits->last;
	size_t end = EDITS_BAND + edits->last;

	if (c >= 0x80 || fold_letter(c) - 'a' < 26)
		return c + 1;
	prev = edits->depth > 0 ? edits->chars[edits->depth - 1] : EDITS_NONE;
	if (prev > c && prev < least)
		least = prev;
	for (size_t i = first; i <= end; i++) {
		uint32_t letter = window[i] == EDITS_NONE ? EDITS_NONE :
		    fold_letter(window[i]);

		if (letter == c)
			return c + 1;
		if (window[i] > c && window[i] < least)
			least = window[i];
		if (letter > c && letter < least)
			least = letter;
	}
	return least;
}

uint32_t
edits_skip(struct edits *edits, const struct index *index,
    uint32_t next, const uint8_t *key, uint32_t wrong, size_t wrong_end)
{
	for (size_t depth = edits->depth;; depth--) {
		const struct edits_row *row = &edits->rows[depth];
		const uint8_t *p;
		size_t len;

		memcpy(edits->target, key, row->end);
		if (edits_is_free(edits, depth) && depth == edits->depth) {
			len = row->end + edits_put_char(edits->target +
			    row->end, edits_else(edits, wrong));
			return index_seek(index, edits->target, len, false,
			    next);
		}
		if (edits_is_free(edits, depth))
			return index_seek(index, key, wrong_end, true, next);
		len = edits_follow(edits, depth, wrong);
		if (len > 0)
			return index_seek(index, edits->target, len, false,
			    next);
		if (depth == 0)
			return index->n;
		p = key + row[-1].end;
		wrong_end = row->end;
		wrong = edits_char(&p, key + wrong_end);
	}
}
