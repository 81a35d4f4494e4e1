/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Entries behind each other in a segment's part of the arena.  Nothing is
 * shared between segments but the kernel's list of mappings, so that they
 * grow in steps of more than a page.
 */

#include "config.h"

#include "daemon/table/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/table/fold.h"
#include "daemon/table/pace.h"

#define STEP_MIN	((size_t)64 << 10)	/* of a segment's growth */
#define STEP_MAX	((size_t)8 << 20)

static size_t
number_put(char *p, uint64_t n)
{
	size_t len = 0;

	for (; n >= 0x80; n >>= 7)
		p[len++] = (char)(n | 0x80);
	p[len++] = (char)n;
	return len;
}

/* Get memory up to an offset, and more for what will come. */
static int
segment_grow(struct table_segment *s, size_t to)
{
	size_t step = (s->used - s->start) / 4;

	if (step < STEP_MIN)
		step = STEP_MIN;
	if (step > STEP_MAX)
		step = STEP_MAX;
	if (s->committed + step > to)
		to = s->committed + step;
	if (s->large)
		to = (to + ARENA_HUGE - 1) / ARENA_HUGE * ARENA_HUGE;
	if (to > s->limit)
		to = s->limit;
	if (arena_commit(s->arena, s->committed, to) != 0)
		return -1;
	s->committed = to;
	return 0;
}

static int
segment_block(struct table_segment *s, unsigned int line)
{
	struct table_block *blocks;
	size_t cap;

	if (s->n_blocks == s->cap_blocks) {
		cap = s->cap_blocks == 0 ? 4 : 2 * s->cap_blocks;
		blocks = reallocarray(s->blocks, cap, sizeof(*blocks));
		if (blocks == NULL)
			return -1;
		s->blocks = blocks;
		s->cap_blocks = cap;
	}
	s->blocks[s->n_blocks++] = (struct table_block){ s->used, line, 0 };
	s->line = line;
	return 0;
}

/* shown_len is 0 where shown is the key. */
static int
segment_put(struct table_segment *s, const char *shown, size_t shown_len,
    const char *key, size_t key_len, const char *value, size_t value_len,
    unsigned int line)
{
	size_t need = s->used + SEGMENT_NUMBERS_LEN + shown_len + key_len +
	    value_len + 1;
	char *start, *p;

	if (need > s->limit) {
		errno = ENOSPC;
		return -1;
	}
	if (need > s->committed && segment_grow(s, need) != 0)
		return -1;
	if (s->entries % BLOCK_ENTRIES == 0 && segment_block(s, line) != 0)
		return -1;
	start = p = s->arena->base + s->used;
	p += number_put(p, key_len);
	p += number_put(p, value_len);
	p += number_put(p, (uint64_t)(line - s->line) << 1);
	if (s->options->fold) {
		p += number_put(p, shown_len);
		if (shown_len > 0)
			memcpy(p, shown, shown_len);
		p += shown_len;
	}
	memcpy(p, key, key_len);
	p += key_len;
	memcpy(p, value, value_len);
	p += value_len;
	s->used += (size_t)(p - start);
	s->line = line;
	s->entries++;
	return 0;
}

/* The same for a table that folds. */
static int
segment_put_folded(struct table_segment *s, const char *key, size_t key_len,
    const char *value, size_t value_len, unsigned int line)
{
	char folded[FOLD_ROOM(TABLE_KEY_MAX)];
	size_t folded_len;

	if (fold(key, key_len, folded, &folded_len) != 0) {
		errno = fold_available() ? ENOMEM : ENOTSUP;
		return -1;
	}
	if (folded_len == key_len && memcmp(folded, key, key_len) == 0)
		return segment_put(s, key, 0, key, key_len, value, value_len,
		    line);
	return segment_put(s, key, key_len, folded, folded_len, value,
	    value_len, line);
}

int
table_segment_add(struct table_segment *s, const char *key, size_t key_len,
    const char *value, size_t value_len, unsigned int line)
{
	if (key_len == 0 || key_len > TABLE_KEY_MAX ||
	    value_len > OFFSET_MASK || line < s->line) {
		errno = EINVAL;
		return -1;
	}
	if (s->entries % PACE_ENTRIES == 0)
		pace();
	if (s->options->fold)
		return segment_put_folded(s, key, key_len, value, value_len,
		    line);
	return segment_put(s, key, 0, key, key_len, value, value_len, line);
}

void
table_segment_set_line(struct table_segment *s, unsigned int first)
{
	s->first = first;
}
