/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Reading a table that is finished: lookups, walks, places.
 *
 * The hash is XXH3, seeded anew for each process.  Peers choose the keys that
 * are asked, but only the administrator those that are stored, so nobody can
 * make the probes long; the seed is for tables made of strangers' words.
 */

#include "config.h"

#include "daemon/table/table.h"

#include <string.h>

#include "daemon/table/layout.h"

#define CACHE_LINE	64

uint64_t layout_seed;	/* drawn before the first table is built */

static void
entry_set(const struct layout_head *h, struct table_entry *e)
{
	e->key = layout_key(h);
	e->key_len = h->key_len;
	e->shown = h->shown_len > 0 ? h->bytes : e->key;
	e->shown_len = h->shown_len > 0 ? h->shown_len : h->key_len;
	e->value = e->key + e->key_len;
	e->value_len = h->value_len;
}

uint64_t
table_hash(const char *key, size_t key_len)
{
	return layout_hash(key, key_len);
}

table_id
table_find(const struct table *t, const char *key, size_t key_len,
    struct table_entry *entry)
{
	return table_find_hashed(t, layout_hash(key, key_len), key, key_len,
	    entry);
}

table_id
table_find_hashed(const struct table *t, uint64_t hash, const char *key,
    size_t key_len, struct table_entry *entry)
{
	uint64_t tag = layout_tag(hash);
	struct layout_head head;
	uint64_t slot;

	for (size_t i = layout_slot(t, hash); (slot = t->slots[i]) != 0;
	    i = layout_next_slot(t, i)) {
		if ((slot & ~OFFSET_MASK) != tag)
			continue;
		layout_head(t, layout_of_slot(t, slot), &head);
		if (head.key_len == key_len && memcmp(layout_key(&head), key,
		    key_len) == 0) {
			entry_set(&head, entry);
			return (slot & OFFSET_MASK) - 1;
		}
	}
	return TABLE_NO_ID;
}

static bool
is_shown(const struct table_entry *e, const char *own, size_t len)
{
	return e->shown_len == len && memcmp(e->shown, own, len) == 0;
}

/* Of keys that are equal to one, the one that has some bytes and is not the
 * first. */
static table_id
find_other(const struct table *t, uint64_t hash, const char *own, size_t len,
    struct table_entry *entry)
{
	uint64_t other = layout_hash_other(hash, own, len), slot;
	struct table_entry e;
	struct layout_head head;

	for (size_t i = layout_slot(t, other); (slot = t->slots[i]) != 0;
	    i = layout_next_slot(t, i)) {
		if ((slot & ~OFFSET_MASK) != layout_tag(other))
			continue;
		layout_head(t, layout_of_slot(t, slot), &head);
		entry_set(&head, &e);
		if (is_shown(&e, own, len)) {
			*entry = e;
			return (slot & OFFSET_MASK) - 1;
		}
	}
	return TABLE_NO_ID;
}

/* Whether an entry that table_find() found is one of several. */
static bool
is_first(const struct table *t, table_id id)
{
	struct layout_head head;

	layout_head(t, t->arena.base + id, &head);
	return head.first;
}

table_id
table_find_own(const struct table *t, const char *key, size_t key_len,
    const char *own, size_t own_len, struct table_entry *entry)
{
	uint64_t hash = layout_hash(key, key_len);
	table_id id = table_find_hashed(t, hash, key, key_len, entry), other;

	if (id == TABLE_NO_ID || !table_has_equals(t) ||
	    is_shown(entry, own, own_len) || !is_first(t, id))
		return id;
	other = find_other(t, hash, own, own_len, entry);
	return other != TABLE_NO_ID ? other : id;
}

table_id
table_find_again(const struct table *other, const struct table *t,
    const struct table_entry *e, struct table_entry *was)
{
	table_id id = table_find_own(other, e->key, e->key_len, e->shown,
	    e->shown_len, was);
	struct table_entry first;

	if (id == TABLE_NO_ID ||
	    (!table_has_equals(other) && !table_has_equals(t)) ||
	    is_shown(was, e->shown, e->shown_len))
		return id;
	/* It is the first of those that are equal. */
	return is_first(other, id) || is_first(t, table_find(t, e->key,
	    e->key_len, &first)) ? TABLE_NO_ID : id;
}

void
table_prefetch(const struct table *t, uint64_t hash)
{
	__builtin_prefetch(&t->slots[layout_slot(t, hash)]);
}

void
table_prefetch_entry(const struct table *t, uint64_t hash)
{
	uint64_t tag = layout_tag(hash);
	struct layout_head head;
	uint64_t slot;

	for (size_t i = layout_slot(t, hash); (slot = t->slots[i]) != 0;
	    i = layout_next_slot(t, i)) {
		if ((slot & ~OFFSET_MASK) == tag) {
			const char *p = layout_of_slot(t, slot);

			if (t->form & LAYOUT_REFERS) {
				layout_head(t, p, &head);
				p = head.bytes;
			}
			__builtin_prefetch(p);
			__builtin_prefetch(p + CACHE_LINE);
			return;
		}
	}
}

void
table_entry(const struct table *t, table_id id, struct table_entry *entry)
{
	struct layout_head head;

	layout_head(t, t->arena.base + id, &head);
	entry_set(&head, entry);
}

int
table_shown_cmp(const struct table_entry *a, const struct table_entry *b)
{
	size_t len = a->shown_len < b->shown_len ? a->shown_len : b->shown_len;
	int c = memcmp(a->shown, b->shown, len);

	return c != 0 ? c : (a->shown_len > b->shown_len) -
	    (a->shown_len < b->shown_len);
}

/* The last block that starts at or before an id; there is one. */
static size_t
block_of(const struct table *t, table_id id)
{
	size_t low = 0, high = t->n_blocks;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->blocks[middle].offset <= id)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool
table_next(const struct table *t, table_id *id, struct table_entry *entry)
{
	struct layout_head head;
	const char *p;
	size_t block;

	if (t->n_blocks == 0)
		return false;
	if (*id == TABLE_NO_ID) {
		p = t->arena.base + t->blocks[0].offset;
	} else {
		layout_head(t, t->arena.base + *id, &head);
		p = head.end;
	}
	for (;; p = head.end) {
		layout_head(t, p, &head);
		if (head.key_len == 0) {
			block = block_of(t, (table_id)(p - t->arena.base)) + 1;
			if (block == t->n_blocks)
				return false;
			p = t->arena.base + t->blocks[block].offset;
			layout_head(t, p, &head);
		}
		if (!head.replaced)
			break;
	}
	*id = (table_id)(p - t->arena.base);
	entry_set(&head, entry);
	return true;
}

void
table_locate(const struct table *t, table_id id, const char **file,
    unsigned int *line)
{
	const struct table_block *block = &t->blocks[block_of(t, id)];
	const char *p = t->arena.base + block->offset;
	struct layout_head head;
	uint64_t n = block->line;

	for (;; p = head.end) {
		layout_head(t, p, &head);
		n += head.lines;
		if (p == t->arena.base + id)
			break;
	}
	*file = t->files[block->file];
	*line = (unsigned int)n;
}

size_t
table_record(const struct table *t, table_id id)
{
	size_t block = block_of(t, id), first = block, n = 1;
	const char *p = t->arena.base + t->blocks[block].offset;
	struct layout_head head;

	/* Where records are counted, a file is one segment. */
	while (first > 0 && t->blocks[first - 1].file == t->blocks[block].file)
		first--;
	for (; p != t->arena.base + id; p = head.end, n++)
		layout_head(t, p, &head);
	return (block - first) * BLOCK_ENTRIES + n;
}

const char *
table_name(const struct table *t)
{
	return t->name;
}

bool
table_folds(const struct table *t)
{
	return (t->form & LAYOUT_FOLDS) != 0;
}

bool
table_weighs(const struct table *t)
{
	return (t->form & LAYOUT_WEIGHS) != 0;
}

bool
table_has_equals(const struct table *t)
{
	return (t->form & LAYOUT_EQUALS) != 0;
}

uint32_t
table_weight(const struct table *t, table_id id)
{
	struct layout_head head;

	layout_head(t, t->arena.base + id, &head);
	return head.weight;
}

bool
table_drops_marks(const struct table *t)
{
	return (t->form & LAYOUT_MARKS) != 0;
}

size_t
table_key_max(const struct table *t)
{
	return t->key_max;
}

unsigned int
table_ways(const struct table *t)
{
	return t->ways;
}

const struct index *
table_index(const struct table *t)
{
	return t->index;
}

size_t
table_count(const struct table *t)
{
	return t->count;
}

time_t
table_loaded(const struct table *t)
{
	return t->loaded;
}

const struct digest *
table_digest(const struct table *t)
{
	return &t->digest;
}

const char *const *
table_files(const struct table *t)
{
	return t->files;
}
