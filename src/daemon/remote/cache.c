/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Items lie behind each other from tail to head, around the ring's end; where
 * one does not fit there a gap is, an item that nobody needs.  An item that was
 * replaced is such a gap, too, until the tail comes by.
 *
 * The index is open addressing with linear probing; of a slot the upper half
 * is bits of the hash, which say where it would best be, so that one is taken
 * out by moving others back, without a look at the ring.
 */

#include "config.h"

#include "daemon/remote/cache.h"

#include <stdlib.h>
#include <string.h>

#include "common/fetch.h"

#define UNIT		8	/* bytes: what items begin at multiples of */
#define MISSED		UINT32_MAX	/* as the length of a value */
#define KEY_MAX		UINT16_MAX

/* So many items at most are spared for one that is kept, or it would take
 * long where all of them were found. */
#define CHANCES		8

/* Of an item, fetched ahead: a key and a value that are short. */
#define FRONT		192

struct item {
	uint32_t size;		/* of it all, in bytes */
	uint16_t key_len;
	bool found;		/* since it was put or spared */
	bool gap;		/* only the size counts */
	/* A gap may end here. */
	uint32_t bits;		/* of the hash */
	uint32_t value_len;
	uint64_t stamp;
	char bytes[];		/* key, value */
};

struct cache {
	char *ring;		/* owned */
	size_t size;
	size_t tail, head;	/* the oldest item; where the next one goes */
	size_t fill;		/* bytes between them */
	uint64_t *slots;	/* owned; 0: free */
	size_t mask;		/* slots are one more */
	size_t count;
};

struct cache *
cache_new(size_t bytes)
{
	struct cache *c = calloc(1, sizeof(*c));
	size_t slots = CACHE_MIN / 8;

	if (c == NULL)
		return NULL;
	if (bytes < CACHE_MIN)
		bytes = CACHE_MIN;
	if (bytes > CACHE_MAX)
		bytes = CACHE_MAX;
	/* An eighth for the index, or less. */
	while (2 * slots <= bytes / 8)
		slots *= 2;
	c->size = (bytes - slots) / UNIT * UNIT;
	slots /= sizeof(*c->slots);
	c->mask = slots - 1;
	c->ring = malloc(c->size);
	c->slots = calloc(slots, sizeof(*c->slots));
	if (c->ring == NULL || c->slots == NULL) {
		cache_free(c);
		return NULL;
	}
	return c;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	free(c->ring);
	free(c->slots);
	free(c);
}

void
cache_clear(struct cache *c)
{
	if (c == NULL)
		return;
	memset(c->slots, 0, (c->mask + 1) * sizeof(*c->slots));
	c->tail = c->head = c->fill = c->count = 0;
}

size_t
cache_count(const struct cache *c)
{
	return c == NULL ? 0 : c->count;
}

size_t
cache_bytes(const struct cache *c)
{
	return c == NULL ? 0 : c->size + (c->mask + 1) * sizeof(*c->slots);
}

/* The index. */

static struct item *
item_at(const struct cache *c, size_t at)
{
	return (struct item *)(void *)(c->ring + at);
}

static uint64_t
slot_of(uint32_t bits, size_t at)
{
	return (uint64_t)bits << 32 | (at / UNIT + 1);
}

static uint32_t
slot_bits(uint64_t slot)
{
	return (uint32_t)(slot >> 32);
}

static size_t
slot_at(uint64_t slot)
{
	return ((size_t)(uint32_t)slot - 1) * UNIT;
}

/* The slot of the item at a place in the ring, which has one. */
static size_t
find_place(const struct cache *c, size_t at)
{
	uint64_t slot = slot_of(item_at(c, at)->bits, at);
	size_t i = slot_bits(slot) & c->mask;

	while (c->slots[i] != slot)
		i = (i + 1) & c->mask;
	return i;
}

/* The slot of a key, or the free one where it would be. */
static size_t
find_key(const struct cache *c, uint32_t bits, const char *key, size_t len)
{
	size_t i = bits & c->mask;

	for (; c->slots[i] != 0; i = (i + 1) & c->mask) {
		const struct item *item;

		if (slot_bits(c->slots[i]) != bits)
			continue;
		item = item_at(c, slot_at(c->slots[i]));
		if (item->key_len == len && memcmp(item->bytes, key, len) == 0)
			break;
	}
	return i;
}

/* Take out a slot, and move back those behind it that may be there. */
static void
free_slot(struct cache *c, size_t i)
{
	size_t next = i;

	c->count--;
	for (;;) {
		size_t home;

		next = (next + 1) & c->mask;
		if (c->slots[next] == 0)
			break;
		home = slot_bits(c->slots[next]) & c->mask;
		if (((next - home) & c->mask) < ((next - i) & c->mask))
			continue;
		c->slots[i] = c->slots[next];
		i = next;
	}
	c->slots[i] = 0;
}

/* The ring. */

/* How many bytes one of size bytes takes, that may need a gap in front. */
static size_t
room_for(const struct cache *c, size_t size)
{
	size_t to_end = c->size - c->head;

	return size <= to_end ? size : to_end + size;
}

/* Take room at the head, which is there.  Returns where. */
static size_t
take_room(struct cache *c, size_t size)
{
	size_t to_end = c->size - c->head, at;

	if (size > to_end) {
		struct item *gap = item_at(c, c->head);

		gap->size = (uint32_t)to_end;
		gap->gap = true;
		c->fill += to_end;
		c->head = 0;
	}
	at = c->head;
	c->head = at + size == c->size ? 0 : at + size;
	c->fill += size;
	return at;
}

/*
 * Take the oldest item off the tail; with a chance left one that was found
 * goes to the head instead, if it can.
 */
static void
drop_oldest(struct cache *c, unsigned int *chances)
{
	size_t from = c->tail, size = item_at(c, from)->size, slot, to;
	struct item *item = item_at(c, from);

	c->tail = from + size == c->size ? 0 : from + size;
	c->fill -= size;
	if (item->gap)
		return;
	slot = find_place(c, from);
	if (!item->found || *chances == 0 ||
	    room_for(c, size) > c->size - c->fill) {
		free_slot(c, slot);
		return;
	}
	(*chances)--;
	/* Perhaps over itself; a gap is in front of it. */
	to = take_room(c, size);
	memmove(c->ring + to, c->ring + from, size);
	item = item_at(c, to);
	item->found = false;
	c->slots[slot] = slot_of(item->bits, to);
}

/* Make room.  Returns where it is. */
static size_t
make_room(struct cache *c, size_t size)
{
	unsigned int chances = CHANCES;

	/* An eighth of the slots stays free, or probes would be long. */
	while (room_for(c, size) > c->size - c->fill ||
	    c->count >= c->mask - c->mask / 8)
		drop_oldest(c, &chances);
	return take_room(c, size);
}

/* Entries. */

bool
cache_find(struct cache *c, uint64_t hash, const char *key, size_t key_len,
    struct cache_entry *entry)
{
	struct item *item;
	uint64_t slot;

	if (c == NULL)
		return false;
	slot = c->slots[find_key(c, (uint32_t)(hash >> 32), key, key_len)];
	if (slot == 0)
		return false;
	item = item_at(c, slot_at(slot));
	item->found = true;
	entry->stamp = item->stamp;
	entry->value = item->value_len == MISSED ? NULL :
	    item->bytes + key_len;
	entry->value_len = item->value_len == MISSED ? 0 : item->value_len;
	return true;
}

void
cache_fetch(const struct cache *c, uint64_t hash, bool again)
{
	uint32_t bits = (uint32_t)(hash >> 32);
	const uint64_t *slot;

	if (c == NULL)
		return;
	slot = &c->slots[bits & c->mask];
	if (!again)
		fetch_lines(slot, sizeof(*slot));
	else if (slot_bits(*slot) == bits && *slot != 0)
		fetch_lines(item_at(c, slot_at(*slot)), FRONT);
}

static void
fill_item(struct item *item, const struct cache_entry *entry)
{
	item->stamp = entry->stamp;
	item->value_len = entry->value == NULL ? MISSED :
	    (uint32_t)entry->value_len;
	if (entry->value != NULL && entry->value_len > 0)
		memcpy(item->bytes + item->key_len, entry->value,
		    entry->value_len);
}

/*
 * The key has an item already.  Returns whether that is enough: it has a
 * higher stamp, or is of the same size; else it is made a gap.
 */
static bool
replace(struct cache *c, size_t i, size_t size,
    const struct cache_entry *entry)
{
	struct item *old = item_at(c, slot_at(c->slots[i]));

	if (old->stamp > entry->stamp)
		return true;
	if (old->size == size) {
		fill_item(old, entry);
		return true;
	}
	old->gap = true;
	free_slot(c, i);
	return false;
}

void
cache_put(struct cache *c, uint64_t hash, const char *key, size_t key_len,
    const struct cache_entry *entry)
{
	size_t value_len = entry->value == NULL ? 0 : entry->value_len;
	uint32_t bits = (uint32_t)(hash >> 32);
	size_t i, size, at;
	struct item *item;

	if (c == NULL || key_len > KEY_MAX)
		return;
	size = value_len > c->size ? SIZE_MAX : (sizeof(*item) + key_len +
	    value_len + UNIT - 1) / UNIT * UNIT;
	i = find_key(c, bits, key, key_len);
	if (c->slots[i] != 0 && replace(c, i, size, entry))
		return;
	if (size > c->size / 8)
		return;
	at = make_room(c, size);
	item = item_at(c, at);
	*item = (struct item){ .size = (uint32_t)size,
	    .key_len = (uint16_t)key_len, .bits = bits };
	memcpy(item->bytes, key, key_len);
	fill_item(item, entry);
	/* What was dropped may have moved the free slot. */
	i = find_key(c, bits, key, key_len);
	c->slots[i] = slot_of(bits, at);
	c->count++;
}
