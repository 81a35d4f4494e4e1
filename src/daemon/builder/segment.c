/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Entries behind each other in a segment's part of the arena.  Nothing is
 * shared between segments but the kernel's list of mappings, so that they
 * grow in steps of more than a page.
 */

#include "config.h"

#include "daemon/builder/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/builder/builder.h"
#include "daemon/table/fold.h"
#include "daemon/thread/pace.h"

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

/*
 * The bytes behind an entry's numbers.  They are in the cache, and what the
 * table has of them lies in a row.
 *
 * Returns where they end.
 */
static char *
segment_copy(struct table_segment *s, const struct table_entry *e,
    size_t shown_len, char *p)
{
	const char *key;

	memcpy(p, e->shown, shown_len);
	key = p += shown_len;
	memcpy(p, e->key, e->key_len);
	p += e->key_len;
	memcpy(p, e->value, e->value_len);
	if (shown_len == 0)
		digest_add(&s->digest, key, e->key_len, p, e->value_len);
	else
		digest_add(&s->digest, e->shown, shown_len, p, e->value_len);
	return p + e->value_len;
}

/*
 * Put an entry.
 *
 * where  of its key and value in the arena; 0: they are still to be copied
 */
static int
segment_put(struct table_segment *s, const struct table_entry *e,
    size_t where, unsigned int line)
{
	size_t shown_len = e->shown != e->key ? e->shown_len : 0;
	size_t bytes = where != 0 ? 0 : shown_len + e->key_len + e->value_len;
	size_t need = s->used + SEGMENT_NUMBERS_LEN + bytes + 1;
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
	p += number_put(p, e->key_len);
	p += number_put(p, e->value_len);
	p += number_put(p, (uint64_t)(line - s->line) << LAYOUT_LINES_SHIFT |
	    (s->weight > 0 ? LAYOUT_WEIGHED : 0));
	if (s->options->fold)
		p += number_put(p, shown_len);
	if (s->options->mapped)
		p += number_put(p, where);
	if (s->weight > 0)
		p += number_put(p, s->weight);
	if (where == 0)
		p = segment_copy(s, e, shown_len, p);
	else
		digest_add(&s->digest, e->key, e->key_len, e->value,
		    e->value_len);
	s->used += (size_t)(p - start);
	if (e->key_len > s->key_max)
		s->key_max = e->key_len;
	s->refers |= where != 0;
	s->weighs |= s->weight > 0;
	s->line = line;
	s->entries++;
	return 0;
}

/* The same for a table that folds; a key that this changes is copied. */
static int
segment_put_folded(struct table_segment *s, const struct table_entry *e,
    size_t where, unsigned int line)
{
	char folded[FOLD_ROOM(TABLE_KEY_MAX)];
	struct table_entry changed = *e;

	changed.key = folded;
	if (fold_as(s->options->marks, e->key, e->key_len, folded,
	    &changed.key_len) != 0) {
		errno = fold_available() ? ENOMEM : ENOTSUP;
		return -1;
	}
	if (changed.key_len == e->key_len && memcmp(folded, e->key,
	    e->key_len) == 0)
		return segment_put(s, e, where, line);
	return segment_put(s, &changed, 0, line);
}

static int
segment_add(struct table_segment *s, const struct table_entry *e,
    size_t where, unsigned int line)
{
	if (e->key_len == 0 || e->key_len > TABLE_KEY_MAX ||
	    e->value_len > OFFSET_MASK || line < s->line) {
		errno = EINVAL;
		return -1;
	}
	if (s->entries % PACE_ENTRIES == 0)
		pace();
	return s->options->fold ? segment_put_folded(s, e, where, line) :
	    segment_put(s, e, where, line);
}

int
table_segment_add(struct table_segment *s, const char *key, size_t key_len,
    const char *value, size_t value_len, unsigned int line)
{
	const struct table_entry e = { key, key_len, key, key_len, value,
	    value_len };

	return segment_add(s, &e, 0, line);
}

int
table_segment_add_weighed(struct table_segment *s,
    const struct table_entry *e, uint32_t weight, unsigned int line)
{
	int error;

	s->weight = weight;
	error = table_segment_add(s, e->key, e->key_len, e->value,
	    e->value_len, line);
	s->weight = 0;
	return error;
}

int
table_segment_map(struct table_segment *s, int fd, size_t len)
{
	if (!s->options->mapped || s->map_len != 0 || len == 0) {
		errno = EINVAL;
		return -1;
	}
	if (arena_map(s->arena, s->committed, s->limit, fd, len,
	    &s->map) != 0)
		return -1;
	s->map_len = len;
	s->limit = s->map;
	return 0;
}

int
table_segment_refer(struct table_segment *s, size_t offset, const char *key,
    size_t key_len, const char *value, size_t value_len)
{
	const struct table_entry e = { key, key_len, key, key_len, value,
	    value_len };

	if (offset > s->map_len || key_len > s->map_len - offset ||
	    value_len > s->map_len - offset - key_len) {
		errno = EINVAL;
		return -1;
	}
	return segment_add(s, &e, s->map + offset, 0);
}

void
table_segment_set_line(struct table_segment *s, unsigned int first)
{
	s->first = first;
}
