/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The arena and its index.  An entry in the arena is three numbers of 7 bits
 * a byte (key length, value length, origin), the key, the value.
 *
 * The hash is XXH3, seeded anew for each table.  Peers choose the keys that
 * are asked, but only the administrator those that are stored, so nobody can
 * make the probes long; the seed is for tables made of strangers' words.
 */

#include "config.h"

#include "daemon/table/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A slot: 0 is empty, else the offset of the entry plus 1, below a tag. */
#define OFFSET_BITS	40
#define OFFSET_MASK	((UINT64_C(1) << OFFSET_BITS) - 1)

/* Slots for 4 entries: the mean probe is short, the index is small. */
#define SLOTS_FOR_FOUR	5

#define ARENA_FIRST	((size_t)4096)
#define NUMBER_MAX_LEN	10	/* bytes of a number of 64 bits */

struct table {
	char *arena;
	size_t arena_len;
	uint64_t *slots;
	size_t n_slots;
	size_t count;
	uint64_t seed;
};

struct table_builder {
	char *arena;
	size_t len;
	size_t cap;
	size_t count;
};

static size_t
number_put(char *p, uint64_t n)
{
	size_t len = 0;

	for (; n >= 0x80; n >>= 7)
		p[len++] = (char)(n | 0x80);
	p[len++] = (char)n;
	return len;
}

static uint64_t
number_get(const char **p)
{
	uint64_t n = 0;
	unsigned int shift = 0;

	for (;; shift += 7) {
		uint8_t byte = (uint8_t)*(*p)++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return n;
	}
}

/* Read the entry at p; returns where the next one would be. */
static const char *
entry_get(const char *p, struct table_entry *e)
{
	e->key_len = number_get(&p);
	e->value_len = number_get(&p);
	e->origin = number_get(&p);
	e->key = p;
	e->value = p + e->key_len;
	return e->value + e->value_len;
}

struct table_builder *
table_builder_new(void)
{
	return calloc(1, sizeof(struct table_builder));
}

void
table_builder_free(struct table_builder *b)
{
	if (b == NULL)
		return;
	free(b->arena);
	free(b);
}

static int
builder_reserve(struct table_builder *b, size_t need)
{
	size_t cap = b->cap == 0 ? ARENA_FIRST : b->cap;
	char *arena;

	if (b->cap - b->len >= need)
		return 0;
	while (cap - b->len < need) {
		if (cap > OFFSET_MASK / 2) {
			errno = EFBIG;
			return -1;
		}
		cap *= 2;
	}
	if ((arena = realloc(b->arena, cap)) == NULL)
		return -1;
	b->arena = arena;
	b->cap = cap;
	return 0;
}

int
table_builder_add(struct table_builder *b, const char *key, size_t key_len,
    const char *value, size_t value_len, uint64_t origin)
{
	if (value_len > OFFSET_MASK || builder_reserve(b, key_len +
	    value_len + (size_t)3 * NUMBER_MAX_LEN) != 0)
		return -1;
	b->len += number_put(b->arena + b->len, key_len);
	b->len += number_put(b->arena + b->len, value_len);
	b->len += number_put(b->arena + b->len, origin);
	memcpy(b->arena + b->len, key, key_len);
	b->len += key_len;
	memcpy(b->arena + b->len, value, value_len);
	b->len += value_len;
	b->count++;
	return 0;
}

static uint64_t
hash(const struct table *t, const char *key, size_t len)
{
	return XXH3_64bits_withSeed(key, len, t->seed);
}

static uint64_t
tag_of(uint64_t h)
{
	return h << OFFSET_BITS;
}

/* Where the probe for a hash starts: its share of all slots. */
static size_t
slot_of(const struct table *t, uint64_t h)
{
	return (size_t)((unsigned __int128)h * t->n_slots >> 64);
}

/*
 * Probe for a key.
 *
 * Returns the slot that has it, with entry filled; or the empty slot where
 * it would be, with entry->key NULL.
 */
static uint64_t *
probe(const struct table *t, const char *key, size_t len,
    struct table_entry *entry)
{
	uint64_t h = hash(t, key, len), tag = tag_of(h);
	size_t i = slot_of(t, h);

	for (; t->slots[i] != 0; i = i + 1 == t->n_slots ? 0 : i + 1) {
		if ((t->slots[i] & ~OFFSET_MASK) != tag)
			continue;
		entry_get(t->arena + (t->slots[i] & OFFSET_MASK) - 1, entry);
		if (entry->key_len == len && memcmp(entry->key, key,
		    len) == 0)
			return &t->slots[i];
	}
	entry->key = NULL;
	return &t->slots[i];
}

struct table *
table_builder_finish(struct table_builder *b,
    void (*twice_cb)(const struct table_entry *, const struct table_entry *,
    void *), void *arg)
{
	struct table *t = calloc(1, sizeof(*t));
	struct table_entry entry, first;
	const char *p, *next;
	uint64_t *slot;
	char *arena;

	if (t == NULL)
		goto fail;
	arc4random_buf(&t->seed, sizeof(t->seed));
	/* At least one slot stays empty, so that every probe ends. */
	t->n_slots = b->count + b->count / (SLOTS_FOR_FOUR - 1) + 1;
	t->slots = calloc(t->n_slots, sizeof(*t->slots));
	if (t->slots == NULL)
		goto fail;
	if (b->len > 0 && (arena = realloc(b->arena, b->len)) != NULL)
		b->arena = arena;
	t->arena = b->arena;
	t->arena_len = b->len;
	b->arena = NULL;
	table_builder_free(b);
	for (p = t->arena; p != t->arena + t->arena_len; p = next) {
		next = entry_get(p, &entry);
		slot = probe(t, entry.key, entry.key_len, &first);
		if (first.key != NULL) {
			if (twice_cb != NULL)
				twice_cb(&first, &entry, arg);
			continue;
		}
		*slot = tag_of(hash(t, entry.key, entry.key_len)) |
		    ((uint64_t)(p - t->arena) + 1);
		t->count++;
	}
	return t;
fail:
	table_builder_free(b);
	table_free(t);
	return NULL;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	free(t->arena);
	free(t->slots);
	free(t);
}

bool
table_find(const struct table *t, const char *key, size_t key_len,
    struct table_entry *entry)
{
	probe(t, key, key_len, entry);
	return entry->key != NULL;
}

size_t
table_count(const struct table *t)
{
	return t->count;
}

size_t
table_memory(const struct table *t)
{
	return sizeof(*t) + t->arena_len + t->n_slots * sizeof(*t->slots);
}
