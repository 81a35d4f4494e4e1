/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Threads take runs of blocks and put their entries into the slots by
 * compare and swap.  A slot that was taken is never empty again, and a key's
 * probe always starts at the same place: so of two threads with one key, the
 * later one comes across the slot of the other, whatever happens between.
 * There it is decided by offset which of the two stays; or, where the keys
 * are equal only once folded, by their bytes.  The other one of these gets a
 * slot by its bytes later, by one thread: such keys are few.
 *
 * Slots are far apart and in no cache, so a batch is hashed and its slots are
 * fetched before the first one is looked at.
 */

#include "config.h"

#include "daemon/builder/insert.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/problems.h"
#include "daemon/base/quote.h"
#include "daemon/builder/builder.h"
#include "daemon/builder/join.h"
#include "daemon/table/layout.h"
#include "daemon/thread/crew.h"
#include "daemon/thread/pace.h"

#define BATCH		32	/* slots that are fetched at once */
#define RUN_BLOCKS	16	/* blocks that a thread takes at once */

struct id_list {
	table_id *ids;		/* owned */
	size_t n;
	size_t cap;
};

/* What a thread leaves over. */
struct left {
	struct id_list losers;	/* their keys came again */
	struct id_list others;	/* equal ones, not the first by their bytes */
};

struct insert {
	struct table *table;
	bool last;		/* the last of equal keys is kept */
	atomic_size_t next_block;
	atomic_bool failed;
	struct left left[CREW_MAX];	/* one a thread */
};

struct pending {
	uint64_t hash;
	const char *key;
	size_t key_len;
	table_id id;
};

static int
list_add(struct id_list *l, table_id id)
{
	table_id *ids;
	size_t cap;

	if (l->n == l->cap) {
		cap = l->cap == 0 ? 64 : 2 * l->cap;
		if ((ids = reallocarray(l->ids, cap, sizeof(*ids))) == NULL)
			return -1;
		l->ids = ids;
		l->cap = cap;
	}
	l->ids[l->n++] = id;
	return 0;
}

static bool
is_key_of(const struct table *t, uint64_t slot, const struct pending *p)
{
	struct layout_head head;

	layout_head(t, layout_of_slot(t, slot), &head);
	return head.key_len == p->key_len &&
	    memcmp(layout_key(&head), p->key, p->key_len) == 0;
}

/* The order of two entries' keys as their files have them. */
static int
compare_shown(const struct table *t, table_id a, table_id b)
{
	struct table_entry x, y;

	if ((t->form & LAYOUT_FOLDS) == 0)
		return 0;
	table_entry(t, a, &x);
	table_entry(t, b, &y);
	return table_shown_cmp(&x, &y);
}

/* Put an entry into the slot of its key, and what that displaces aside. */
static int
insert_one(struct insert *in, const struct pending *p, struct left *left)
{
	const struct table *t = in->table;
	uint64_t tag = layout_tag(p->hash), mine = tag | (p->id + 1);
	size_t i = layout_slot(t, p->hash);

	for (;;) {
		uint64_t there = __atomic_load_n(&t->slots[i],
		    __ATOMIC_RELAXED);
		table_id other = (there & OFFSET_MASK) - 1;
		struct id_list *list = &left->losers;
		bool stays = (other < p->id) != in->last;
		int c;

		if (there != 0 && ((there & ~OFFSET_MASK) != tag ||
		    !is_key_of(t, there, p))) {
			i = layout_next_slot(t, i);
			continue;
		}
		if (there != 0 && (c = compare_shown(t, other, p->id)) != 0) {
			list = &left->others;
			stays = c < 0;
		}
		if (there != 0 && stays)
			return list_add(list, p->id);
		/* When another thread was faster, look again. */
		if (!__atomic_compare_exchange_n(&t->slots[i], &there, mine,
		    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		return there == 0 ? 0 : list_add(list, other);
	}
}

static int
insert_batch(struct insert *in, const struct pending *batch, unsigned int n,
    struct left *left)
{
	for (unsigned int i = 0; i < n; i++)
		if (insert_one(in, &batch[i], left) != 0)
			return -1;
	return 0;
}

/* The entries of one block, up to the next one or the segment's end. */
static int
insert_block(struct insert *in, size_t block, struct left *left)
{
	const struct table *t = in->table;
	const char *p = t->arena.base + t->blocks[block].offset;
	struct pending batch[BATCH];
	struct layout_head head;
	unsigned int n = 0;

	for (unsigned int i = 0; i < BLOCK_ENTRIES; i++) {
		layout_head(t, p, &head);
		if (head.key_len == 0)
			break;
		batch[n].id = (table_id)(p - t->arena.base);
		batch[n].key = layout_key(&head);
		batch[n].key_len = head.key_len;
		batch[n].hash = layout_hash(batch[n].key, head.key_len);
		__builtin_prefetch(&t->slots[layout_slot(t, batch[n].hash)],
		    1);
		if (++n == BATCH) {
			if (insert_batch(in, batch, n, left) != 0)
				return -1;
			n = 0;
		}
		p = head.end;
	}
	return insert_batch(in, batch, n, left);
}

static void
insert_work(unsigned int number, void *arg)
{
	struct insert *in = arg;
	size_t n_blocks = in->table->n_blocks, block, end;

	while (!atomic_load(&in->failed)) {
		block = atomic_fetch_add(&in->next_block, RUN_BLOCKS);
		if (block >= n_blocks)
			return;
		end = n_blocks - block > RUN_BLOCKS ? block + RUN_BLOCKS :
		    n_blocks;
		for (; block < end; block++) {
			pace();
			if (insert_block(in, block, &in->left[number]) != 0) {
				atomic_store(&in->failed, true);
				return;
			}
		}
	}
}

/* A slot for one that is not the first of equal keys, by its bytes. */
static int
insert_other(struct insert *in, table_id id, struct id_list *losers)
{
	struct table *t = in->table;
	struct table_entry e, first;
	uint64_t hash, tag, slot;
	size_t i;

	table_entry(t, id, &e);
	hash = layout_hash(e.key, e.key_len);
	layout_mark(t, table_find_hashed(t, hash, e.key, e.key_len, &first),
	    LAYOUT_FIRST);
	hash = layout_hash_other(hash, e.shown, e.shown_len);
	tag = layout_tag(hash);
	for (i = layout_slot(t, hash); (slot = t->slots[i]) != 0;
	    i = layout_next_slot(t, i)) {
		table_id there = (slot & OFFSET_MASK) - 1;

		if ((slot & ~OFFSET_MASK) != tag ||
		    compare_shown(t, there, id) != 0)
			continue;
		if ((there < id) != in->last)
			return list_add(losers, id);
		t->slots[i] = tag | (id + 1);
		return list_add(losers, there);
	}
	t->slots[i] = tag | (id + 1);
	return 0;
}

static int
insert_others(struct insert *in)
{
	size_t done = 0;

	for (unsigned int i = 0; i < CREW_MAX; i++) {
		const struct id_list *l = &in->left[i].others;

		for (size_t j = 0; j < l->n; j++) {
			if (done++ % PACE_ENTRIES == 0)
				pace();
			if (insert_other(in, l->ids[j],
			    &in->left[i].losers) != 0)
				return -1;
		}
	}
	if (done > 0)
		in->table->form |= LAYOUT_EQUALS;
	return 0;
}

static int
id_cmp(const void *a, const void *b)
{
	const table_id *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Where an entry is, for who looks for it. */
static void
spell_place(const struct table *t, table_id id, char *buf, size_t cap)
{
	const char *file;
	unsigned int line;

	table_locate(t, id, &file, &line);
	if (line != 0)
		snprintf(buf, cap, "%s:%u", file, line);
	else
		snprintf(buf, cap, "record %zu of %s", table_record(t, id),
		    file);
}

/* Tell of a key that came again. */
static void
report(const struct table *t, const struct table_options *options,
    table_id id, struct problems *problems)
{
	char key[QUOTE_SIZE], place[PATH_MAX + 32];
	const char *file;
	unsigned int line;
	struct table_entry entry, kept;
	const char *hint = " (duplicates=first or last keeps one, "
	    "join all)";

	table_entry(t, id, &entry);
	spell_place(t, table_find_own(t, entry.key, entry.key_len,
	    entry.shown, entry.shown_len, &kept), place, sizeof(place));
	quote(key, entry.shown, entry.shown_len);
	/* The answer lines need no directive of their own. */
	if (options->said_file == NULL)
		hint = " (table main duplicates=first or last keeps one, "
		    "join all)";
	table_locate(t, id, &file, &line);
	if (line != 0)
		problems_add(problems, file, line, "the key \"%s\" was given "
		    "before, at %s%s", key, place, hint);
	else
		problems_add_of(problems, file, options->said_file,
		    options->said_line, "%s: record %zu: the key \"%s\" was "
		    "given before, at %s%s", file, table_record(t, id), key,
		    place, hint);
}

/* Where the entries of the next file begin, behind those of an entry's. */
static table_id
file_end(const struct table *t, size_t *block, table_id id)
{
	size_t i = *block;
	uint32_t file;

	while (i + 1 < t->n_blocks && t->blocks[i + 1].offset <= id)
		i++;
	file = t->blocks[i].file;
	while (i < t->n_blocks && t->blocks[i].file == file)
		i++;
	*block = i;
	return i < t->n_blocks ? t->blocks[i].offset : TABLE_NO_ID;
}

/* Tell of all that came again: of each file the first, and how many more. */
static void
report_all(const struct table *t, const struct table_options *options,
    const table_id *ids, size_t n, struct problems *problems)
{
	size_t block = 0, end;
	const char *file;
	unsigned int line;
	table_id next;

	for (size_t i = 0; i < n; i = end) {
		table_locate(t, ids[i], &file, &line);
		next = file_end(t, &block, ids[i]);
		for (end = i; end < n && ids[end] < next; end++)
			continue;
		for (size_t j = i; j < end && j < i + PROBLEMS_FILE_MAX; j++)
			report(t, options, ids[j], problems);
		if (end - i > PROBLEMS_FILE_MAX)
			problems_more(problems, file,
			    end - i - PROBLEMS_FILE_MAX);
	}
}

/* All losers in order; returns how many, or -1 when out of memory. */
static ssize_t
gather(struct insert *in, table_id **ids)
{
	size_t n = 0;

	for (unsigned int i = 0; i < CREW_MAX; i++)
		n += in->left[i].losers.n;
	*ids = NULL;
	if (n == 0)
		return 0;
	if ((*ids = reallocarray(NULL, n, sizeof(**ids))) == NULL)
		return -1;
	n = 0;
	for (unsigned int i = 0; i < CREW_MAX; i++) {
		const struct id_list *l = &in->left[i].losers;

		if (l->n > 0)
			memcpy(*ids + n, l->ids, l->n * sizeof(**ids));
		n += l->n;
	}
	qsort(*ids, n, sizeof(**ids), id_cmp);
	return (ssize_t)n;
}

/* Do with those that came again what the options say; 0, or -1. */
static int
settle(struct table *t, const struct table_options *options,
    const table_id *ids, size_t n, struct digest_sum *sum,
    struct problems *problems)
{
	if (options->duplicates == TABLE_DUPLICATES_JOIN)
		return join_all(t, options, ids, n, sum, problems);
	if (options->duplicates == TABLE_DUPLICATES_ERROR) {
		report_all(t, options, ids, n, problems);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (i % PACE_ENTRIES == 0)
			pace();
		join_mark(t, ids[i], sum);
	}
	return 0;
}

int
insert_all(struct table *t, const struct table_options *options,
    unsigned int threads, struct digest_sum *sum, struct problems *problems)
{
	struct insert *in = calloc(1, sizeof(*in));
	size_t runs = t->n_blocks / RUN_BLOCKS + 1;
	table_id *ids = NULL;
	ssize_t n = -1;

	if (in == NULL)
		return -1;
	in->table = t;
	in->last = options->duplicates == TABLE_DUPLICATES_LAST;
	crew_run(runs < threads ? (unsigned int)runs : threads, insert_work,
	    in);
	if (!atomic_load(&in->failed) && insert_others(in) == 0)
		n = gather(in, &ids);
	if (n != -1 && settle(t, options, ids, (size_t)n, sum, problems) != 0)
		n = -1;
	if (n > 0)
		t->count -= (size_t)n;
	for (unsigned int i = 0; i < CREW_MAX; i++) {
		free(in->left[i].losers.ids);
		free(in->left[i].others.ids);
	}
	free(in);
	free(ids);
	return n == -1 ? -1 : 0;
}
