/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Keys within one or two edits of the query: a character inserted, left out
 * or replaced, or two neighbours exchanged, no character edited twice
 * (optimal string alignment).
 *
 * The matrix of distances, of which only the two diagonals on each side of
 * the middle one matter, is kept as bits: r[i] of row j has a bit for each
 * of the five beginnings of the query that are at most i edits away from the
 * first j characters of a key.  A row without bits is a dead end.
 *
 * The sorted keys are walked like a tree: a key has the rows of what it has
 * in common with the one before, and behind a dead end the walk goes to the
 * next key that has not got it.  Where no edit is left, only a few
 * characters can follow, so that is the next key with one of those.  Where
 * the suffix array tells a few keys that may match, only those are read.
 *
 * Each distance is a pass of its own: its matches come in order, and near
 * ones often are enough.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <stdlib.h>
#include <string.h>

#define FUZZY_BAND	((size_t)2)	/* diagonals beside the middle */
#define FUZZY_ALL	0x1fu	/* a bit each */
#define FUZZY_NONE	UINT32_MAX	/* no character */
#define FUZZY_CHAR_MAX	0x10ffff
#define FUZZY_FOLLOW	32	/* bytes that it is worth to look ahead */

/* So many hits of seeds are as fast as the walk; by distance. */
static const size_t fuzzy_hits_most[FUZZY_BAND + 1] = { 0, 1000, 10000 };

struct fuzzy_row {
	uint8_t r[FUZZY_BAND + 1];
	uint8_t equal;		/* which of the query's chars was this one */
	uint32_t end;		/* bytes of the key so far */
};

struct search_fuzzy {
	const uint8_t *key;	/* borrowed: that the rest is made from */
	uint32_t *padded;	/* owned: the query's characters and around */
	uint32_t *ends;		/* owned: bytes before each, n + 1 */
	size_t n;
	struct fuzzy_row *rows;	/* owned */
	size_t depth;		/* rows[0] to rows[depth] are set */
	uint8_t *target;	/* owned: a string to go to */
	size_t target_room;
	unsigned int pass;	/* the distance that is looked for */
	bool in_pass, seeds;
};

static void
fuzzy_clear(struct search_fuzzy *fuzzy)
{
	free(fuzzy->padded);
	free(fuzzy->ends);
	free(fuzzy->rows);
	free(fuzzy->target);
	memset(fuzzy, 0, sizeof(*fuzzy));
}

/* The query, with characters that are none on each side. */
static int
fuzzy_set(struct search_fuzzy *fuzzy, const uint8_t *key, size_t len,
    size_t key_max)
{
	const uint8_t *p = key, *end = key + len;

	if (fuzzy->key == key && fuzzy->target_room >= key_max + FUZZY_FOLLOW)
		return 0;
	fuzzy_clear(fuzzy);
	fuzzy->target_room = key_max + FUZZY_FOLLOW;
	fuzzy->padded = reallocarray(NULL, len + 4 * FUZZY_BAND + 2,
	    sizeof(*fuzzy->padded));
	fuzzy->ends = reallocarray(NULL, len + 1, sizeof(*fuzzy->ends));
	fuzzy->rows = reallocarray(NULL, len + 2 * FUZZY_BAND + 2,
	    sizeof(*fuzzy->rows));
	fuzzy->target = malloc(fuzzy->target_room);
	if (fuzzy->padded == NULL || fuzzy->ends == NULL ||
	    fuzzy->rows == NULL || fuzzy->target == NULL)
		return -1;
	fuzzy->key = key;
	fuzzy->ends[0] = 0;
	for (size_t i = 0; i < FUZZY_BAND; i++)
		fuzzy->padded[i] = FUZZY_NONE;
	while (p < end) {
		fuzzy->padded[FUZZY_BAND + fuzzy->n] = search_char(&p, end);
		fuzzy->ends[++fuzzy->n] = (uint32_t)(p - key);
	}
	for (size_t i = 0; i < 3 * FUZZY_BAND + 2; i++)
		fuzzy->padded[FUZZY_BAND + fuzzy->n + i] = FUZZY_NONE;
	return 0;
}

/* The diagonals of row j that are not beyond the query's end. */
static unsigned int
fuzzy_inside(const struct search_fuzzy *fuzzy, size_t j)
{
	if (j > fuzzy->n + FUZZY_BAND)
		return 0;
	if (fuzzy->n + FUZZY_BAND - j >= 2 * FUZZY_BAND)
		return FUZZY_ALL;
	return (2u << (fuzzy->n + FUZZY_BAND - j)) - 1;
}

static void
fuzzy_start(struct search_fuzzy *fuzzy)
{
	unsigned int in = fuzzy_inside(fuzzy, 0);

	fuzzy->depth = 0;
	fuzzy->rows[0] = (struct fuzzy_row){
		{ 1 << FUZZY_BAND, 3 << FUZZY_BAND & in,
		    7 << FUZZY_BAND & in }, 0, 0
	};
}

/*
 * Make the next row of a character.  A bit comes from the row above at the
 * same place (same characters, or one replaced) or one place up (inserted),
 * from this row one place down (left out), or from two rows above at the
 * same place (exchanged).
 */
static bool
fuzzy_read(struct search_fuzzy *fuzzy, uint32_t c)
{
	size_t j = fuzzy->depth + 1;
	const uint32_t *window = fuzzy->padded + j - 1;
	const struct fuzzy_row *above = &fuzzy->rows[j - 1];
	struct fuzzy_row *row = &fuzzy->rows[j];
	unsigned int in = fuzzy_inside(fuzzy, j), equal, swap, r0, r1, r2;

	equal = (unsigned int)(window[0] == c) |
	    (unsigned int)(window[1] == c) << 1 |
	    (unsigned int)(window[2] == c) << 2 |
	    (unsigned int)(window[3] == c) << 3 |
	    (unsigned int)(window[4] == c) << 4;
	r0 = above->r[0] & equal;
	r1 = (above->r[1] & equal) | above->r[0] | above->r[0] >> 1 | r0 << 1;
	r2 = (above->r[2] & equal) | above->r[1] | above->r[1] >> 1;
	if (j >= 2) {
		swap = equal << 1 & above->equal >> 1;
		r1 |= swap & above[-1].r[0];
		r2 |= swap & above[-1].r[1];
	}
	r1 &= in;
	r2 = (r2 | r1 << 1) & in;
	row->r[0] = (uint8_t)r0;
	row->r[1] = (uint8_t)r1;
	row->r[2] = (uint8_t)r2;
	row->equal = (uint8_t)equal;
	return row->r[fuzzy->pass] != 0;
}

/* Whether the key of all characters read is just so far from the query. */
static bool
fuzzy_is_match(const struct search_fuzzy *fuzzy)
{
	const struct fuzzy_row *row = &fuzzy->rows[fuzzy->depth];
	size_t bit = fuzzy->n + FUZZY_BAND - fuzzy->depth;

	return bit <= 2 * FUZZY_BAND &&
	    (row->r[fuzzy->pass] & ~row->r[fuzzy->pass - 1]) >> bit & 1;
}

/*
 * Read on in a key.
 *
 * wrong      set to the character that led nowhere, and
 * wrong_end  to its end
 *
 * Returns whether the key's end was reached.
 */
static bool
fuzzy_read_key(struct search_fuzzy *fuzzy, const uint8_t *key, size_t len,
    uint32_t *wrong, size_t *wrong_end)
{
	const uint8_t *p = key + fuzzy->rows[fuzzy->depth].end;

	while (p < key + len) {
		*wrong = search_char(&p, key + len);
		*wrong_end = (size_t)(p - key);
		if (!fuzzy_read(fuzzy, *wrong))
			return false;
		fuzzy->rows[++fuzzy->depth].end = (uint32_t)*wrong_end;
	}
	return true;
}

static size_t
fuzzy_put_char(uint8_t *p, uint32_t c)
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
 * edit is left, the least that can follow and starts with a character above
 * c: up to the query's end if it is known which part of the query it is.
 *
 * Returns how long the string is, or 0: nothing can follow.
 */
static size_t
fuzzy_follow(const struct search *search, size_t depth, uint32_t c)
{
	const struct search_fuzzy *fuzzy = search->fuzzy;
	const struct fuzzy_row *row = &fuzzy->rows[depth];
	const uint32_t *window = fuzzy->padded + depth;
	unsigned int bits = row->r[fuzzy->pass], swaps = 0, places = 0;
	uint32_t least = FUZZY_NONE;
	size_t from = 0, len = row->end, more;

	/* The second of two that are exchanged. */
	if (depth > 0)
		swaps = (row[-1].r[fuzzy->pass - 1] & row->equal >> 1) >> 1;
	for (unsigned int i = 0; i <= 2 * FUZZY_BAND; i++) {
		if (!((bits | swaps) >> i & 1) || window[i] <= c ||
		    window[i] > least)
			continue;
		if (window[i] < least)
			places = 0;
		least = window[i];
		places += 1 + (swaps >> i & 1);
		from = i + depth - FUZZY_BAND;
	}
	if (least > FUZZY_CHAR_MAX)
		return 0;
	if (places > 1)
		return len + fuzzy_put_char(fuzzy->target + len, least);
	more = fuzzy->ends[fuzzy->n] - fuzzy->ends[from];
	if (more > FUZZY_FOLLOW)
		more = FUZZY_FOLLOW;
	memcpy(fuzzy->target + len, search->key + fuzzy->ends[from], more);
	return len + more;
}

/* The next key that need not have the dead end of this one. */
static uint32_t
fuzzy_skip(struct search *search, const uint8_t *key, uint32_t wrong,
    size_t wrong_end)
{
	struct search_fuzzy *fuzzy = search->fuzzy;
	const struct index *index = search->index;
	uint32_t next = search->lo + 1;

	/* At the start there is an edit left: that ends it. */
	for (size_t depth = fuzzy->depth;; depth--) {
		const struct fuzzy_row *row = &fuzzy->rows[depth];
		const uint8_t *p;
		size_t len;

		if (row->r[fuzzy->pass - 1] != 0)
			return index_seek(index, key, wrong_end, true, next);
		memcpy(fuzzy->target, key, row->end);
		len = fuzzy_follow(search, depth, wrong);
		if (len > 0)
			return index_seek(index, fuzzy->target, len, false,
			    next);
		p = key + row[-1].end;
		wrong_end = row->end;
		wrong = search_char(&p, key + wrong_end);
	}
}

static enum search_result
fuzzy_walk(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;
	const struct index *index = search->index;

	while (search->lo < index->n) {
		size_t len, next_len, same = 0, wrong_end = 0;
		const uint8_t *key = index_key(index, search->lo, &len), *to;
		uint32_t wrong = 0, next = search->lo + 1;

		if (!fuzzy_read_key(fuzzy, key, len, &wrong, &wrong_end)) {
			next = fuzzy_skip(search, key, wrong, wrong_end);
		} else if (fuzzy_is_match(fuzzy)) {
			enum search_result result = search_push(search,
			    index_id(index, search->lo), fuzzy->pass);

			if (result != SEARCH_MORE)
				return result;
		}
		search->lo = next;
		if (next == index->n)
			break;
		to = index_key(index, next, &next_len);
		if (next_len > fuzzy->rows[fuzzy->depth].end)
			next_len = fuzzy->rows[fuzzy->depth].end;
		while (same < next_len && key[same] == to[same])
			same++;
		while (fuzzy->rows[fuzzy->depth].end > same)
			fuzzy->depth--;
		if (search_tick(search, 100 + (unsigned int)same / 2))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

/* Whether a key with a seed matches; most lie at a wrong place in it. */
static enum search_verdict
fuzzy_test(struct search *search, uint32_t rank, uint32_t pos)
{
	struct search_fuzzy *fuzzy = search->fuzzy;
	const struct search_hits *hits = &search->hits;
	size_t slack = 4 * (size_t)fuzzy->pass, len, at, offset, wrong_end;
	const uint8_t *key = index_key(search->index, rank, &len);
	uint32_t wrong;

	at = pos - search->index->starts[rank];
	offset = hits->ranges[hits->range].offset;
	if (at > offset + slack || offset > at + slack ||
	    len > search->key_len + slack || search->key_len > len + slack)
		return SEARCH_NO;
	search->work += 5 * (unsigned int)len;
	fuzzy_start(fuzzy);
	return fuzzy_read_key(fuzzy, key, len, &wrong, &wrong_end) &&
	    fuzzy_is_match(fuzzy) ? SEARCH_YES : SEARCH_NO;
}

static enum search_result
fuzzy_pass(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;

	if (!fuzzy->in_pass) {
		fuzzy->in_pass = true;
		fuzzy->seeds = search_seeds(search, fuzzy->ends, fuzzy->n,
		    fuzzy->pass, fuzzy_hits_most[fuzzy->pass]);
		if (fuzzy->seeds)
			search_hits_init_ranges(search, fuzzy_test);
		fuzzy_start(fuzzy);
		search->lo = 0;
	}
	return fuzzy->seeds ? search_hits_work(search, fuzzy->pass) :
	    fuzzy_walk(search);
}

static enum search_result
search_fuzzy_begin(struct search *search)
{
	const struct index *index = search->index;

	if (search->fuzzy == NULL &&
	    (search->fuzzy = calloc(1, sizeof(*search->fuzzy))) == NULL)
		return SEARCH_FAILED;
	/* A character has a byte at least, in keys, and at most four. */
	if (search->key_len > 4 * (index->key_max + search->distance))
		return SEARCH_DONE;
	if (fuzzy_set(search->fuzzy, search->key, search->key_len,
	    index->key_max) == -1)
		return SEARCH_FAILED;
	search->fuzzy->pass = 0;
	return SEARCH_MORE;
}

static enum search_result
search_fuzzy_work(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;
	enum search_result result;
	struct table_entry entry;
	table_id id;

	if (fuzzy->pass == 0) {
		fuzzy->pass = 1;
		fuzzy->in_pass = false;
		id = table_find(search->tables[search->at],
		    (const char *)search->key, search->key_len, &entry);
		if (id != TABLE_NO_ID &&
		    (result = search_push(search, id, 0)) != SEARCH_MORE)
			return result;
	}
	for (; fuzzy->pass <= search->distance; fuzzy->pass++) {
		result = fuzzy_pass(search);
		if (result != SEARCH_DONE || search->full)
			return result;
		fuzzy->in_pass = false;
	}
	return SEARCH_DONE;
}

static void
search_fuzzy_end(struct search *search)
{
	if (search->fuzzy == NULL)
		return;
	fuzzy_clear(search->fuzzy);
	free(search->fuzzy);
}

const struct search_way search_fuzzy = {
	.begin = search_fuzzy_begin,
	.work = search_fuzzy_work,
	.end = search_fuzzy_end
};
