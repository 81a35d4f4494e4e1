/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLE_LAYOUT_H
#define TABLE_LAYOUT_H

/*
 * How a table lies in memory: what its builder, its index of slots and its
 * readers share, and nobody else.
 *
 * An entry in the arena:
 *
 *	key_len		numbers of 7 bits a byte, the lowest first, with the
 *	value_len	high bit on all bytes but the last
 *	lines		that it is below the entry before it, times 8; plus 4
 *			when it is the first of several with equal keys, plus
 *			2 when it has a weight, plus 1 when another entry
 *			replaced it
 *	shown_len	only in a table that folds; 0: shown is the key
 *	where		only in a table that refers to files: the offset of
 *			key and value in a file that is mapped into the arena,
 *			and no bytes follow; 0: they follow
 *	weight		only in an entry that has one; else it is 0
 *	shown key value	the bytes
 *
 * So lengths, order and marks are always our own, and nothing that becomes of
 * a mapped file leads a reader out of it.
 *
 * Behind the last entry of a segment there is a key_len of 0, which no entry
 * has.  A block starts at a segment's first entry and again after each
 * BLOCK_ENTRIES; its first entry's lines count from the block's line.
 *
 * Keys that are equal as they are compared, and not in their bytes, are of
 * tables that fold.  The first of them, in the order of bytes, has the slot
 * that a lookup comes to; each other one has a slot by the hash of its bytes,
 * with a tag that no lookup of what they are compared as has.
 */

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "daemon/table/arena.h"
#include "daemon/table/digest.h"
#include "daemon/table/origin.h"
#include "daemon/table/table.h"

#define BLOCK_ENTRIES	256

/* A slot: 0 is empty, else the offset of the entry plus 1, below a tag. */
#define OFFSET_BITS	40
#define OFFSET_MASK	((UINT64_C(1) << OFFSET_BITS) - 1)

/* The numbers that entries have beside the first three; a set. */
#define LAYOUT_FOLDS	1u
#define LAYOUT_REFERS	2u
#define LAYOUT_WEIGHS	4u	/* an entry has a weight */
#define LAYOUT_MARKS	8u	/* no number: with the first, drops marks */
#define LAYOUT_EQUALS	16u	/* nor here: some keys are equal, once folded */

/* Beside an entry's lines. */
#define LAYOUT_REPLACED	1u
#define LAYOUT_WEIGHED	2u
#define LAYOUT_FIRST	4u	/* of several with equal keys */
#define LAYOUT_LINES_SHIFT	3

struct table_block {
	uint64_t offset;	/* of its first entry */
	uint32_t line;		/* 0: the file has no lines */
	uint32_t file;		/* in files */
};

struct table {
	struct arena arena;
	uint64_t *slots;	/* n_slots, from mmap(2) */
	size_t n_slots;
	struct table_block *blocks;	/* owned; rising */
	size_t n_blocks;
	const char **files;		/* owned; a NULL behind the last */
	size_t count;			/* without those replaced */
	size_t key_max;			/* of the longest key, as compared */
	const char *name;
	char *names;			/* owned: its own and the files' */
	unsigned int ways;
	unsigned int form;		/* LAYOUT_...; most often 0 */
	struct index *index;
	time_t loaded;			/* when it was built */
	struct digest digest;
	struct origin origin;		/* whoever loads has it; one at a time */
	atomic_uint refs;
};

/*
 * The numbers before an entry's bytes.
 */
struct layout_head {
	size_t key_len;		/* 0: here a segment ends */
	size_t value_len;
	uint64_t lines;
	size_t shown_len;	/* of the bytes before the key */
	bool replaced;
	bool weighed;		/* a weight is among the numbers */
	bool first;		/* there are others with an equal key */
	uint32_t weight;
	const char *bytes;	/* behind the numbers, or in a file */
	const char *end;	/* where the next entry is */
};

static inline uint64_t
layout_number(const char **p)
{
	uint64_t n = (uint8_t)*(*p)++;

	if (n < 0x80)
		return n;
	n &= 0x7f;
	for (unsigned int shift = 7;; shift += 7) {
		uint8_t byte = (uint8_t)*(*p)++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return n;
	}
}

/* The numbers that only some tables have. */
static inline void
layout_more(const struct table *t, const char *p, struct layout_head *h)
{
	uint64_t where = 0;

	if (t->form & LAYOUT_FOLDS)
		h->shown_len = layout_number(&p);
	if (t->form & LAYOUT_REFERS)
		where = layout_number(&p);
	h->weight = h->weighed ? (uint32_t)layout_number(&p) : 0;
	h->bytes = where != 0 ? t->arena.base + where : p;
	h->end = where != 0 ? p : p + h->shown_len + h->key_len +
	    h->value_len;
}

/* Always inlined: most callers need some of it only, lookups most of all. */
static inline __attribute__((always_inline)) void
layout_head(const struct table *t, const char *p, struct layout_head *h)
{
	uint64_t lines;

	h->key_len = layout_number(&p);
	if (h->key_len == 0) {
		*h = (struct layout_head){ .bytes = p, .end = p };
		return;
	}
	h->value_len = layout_number(&p);
	lines = layout_number(&p);
	h->lines = lines >> LAYOUT_LINES_SHIFT;
	h->replaced = lines & LAYOUT_REPLACED;
	h->weighed = lines & LAYOUT_WEIGHED;
	h->first = lines & LAYOUT_FIRST;
	h->weight = 0;
	h->shown_len = 0;
	h->bytes = p;
	h->end = p + h->key_len + h->value_len;
	if (t->form != 0)
		layout_more(t, p, h);
}

/* Set a mark beside the lines of an entry, while its table is built. */
static inline void
layout_mark(const struct table *t, table_id id, unsigned int mark)
{
	const char *p = t->arena.base + id;

	layout_number(&p);
	layout_number(&p);
	((uint8_t *)t->arena.base)[p - t->arena.base] |= (uint8_t)mark;
}

static inline const char *
layout_key(const struct layout_head *h)
{
	return h->bytes + h->shown_len;
}

/* Of all tables, so that a key is hashed once for all of them. */
extern uint64_t layout_seed;

static inline uint64_t
layout_hash(const char *key, size_t len)
{
	return XXH3_64bits_withSeed(key, len, layout_seed);
}

static inline uint64_t
layout_tag(uint64_t hash)
{
	return hash << OFFSET_BITS;
}

/*
 * The hash of a key's bytes, where it is not the first of equal ones.
 *
 * hash  of what they are compared as, which has another tag
 */
static inline uint64_t
layout_hash_other(uint64_t hash, const char *shown, size_t len)
{
	uint64_t other = layout_hash(shown, len);

	return layout_tag(other) != layout_tag(hash) ? other : other ^ 1;
}

/* Where the probe for a hash starts: its share of all slots. */
static inline size_t
layout_slot(const struct table *t, uint64_t hash)
{
	return (size_t)((unsigned __int128)hash * t->n_slots >> 64);
}

static inline size_t
layout_next_slot(const struct table *t, size_t i)
{
	return i + 1 == t->n_slots ? 0 : i + 1;
}

/* The entry that a slot, not 0, is about. */
static inline const char *
layout_of_slot(const struct table *t, uint64_t slot)
{
	return t->arena.base + (slot & OFFSET_MASK) - 1;
}

#endif
