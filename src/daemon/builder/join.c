/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Joined entries are segments of their own behind all others, one for each run
 * of them that is of one file.  What they are made of stays, marked, as it
 * does where one of several entries is kept.
 */

#include "config.h"

#include "daemon/builder/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/problems.h"
#include "daemon/base/quote.h"
#include "daemon/builder/segment.h"
#include "daemon/table/layout.h"
#include "daemon/thread/pace.h"

/* An end of a line, as answers are kept: JSON-escaped. */
#define NEWLINE		"\\n"
#define NEWLINE_LEN	2

/* An entry, and the one with its key that came first. */
struct pair {
	table_id first, id;
};

struct join {
	struct table *table;
	const struct table_options *options;
	struct digest_sum *sum;
	struct problems *problems;
	struct pair *pairs;	/* owned, n of them: by first, then by id */
	size_t n;
	struct table_segment segment;	/* the one that is filled */
	uint32_t file;		/* whose entries come first, in files */
	char *text;		/* owned: the answer in hand */
	size_t cap;
};

void
join_mark(const struct table *t, table_id id, struct digest_sum *sum)
{
	struct table_entry e;

	table_entry(t, id, &e);
	digest_take(sum, e.shown, e.shown_len, e.value, e.value_len);
	layout_mark(t, id, LAYOUT_REPLACED);
}

static int
pair_cmp(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static int
find_pairs(struct join *j, const table_id *ids)
{
	struct table_entry e, first;

	j->pairs = reallocarray(NULL, j->n, sizeof(*j->pairs));
	if (j->pairs == NULL)
		return -1;
	for (size_t i = 0; i < j->n; i++) {
		if (i % PACE_ENTRIES == 0)
			pace();
		table_entry(j->table, ids[i], &e);
		j->pairs[i].id = ids[i];
		j->pairs[i].first = table_find_own(j->table, e.key, e.key_len,
		    e.shown, e.shown_len, &first);
	}
	qsort(j->pairs, j->n, sizeof(*j->pairs), pair_cmp);
	return 0;
}

static int
text_add(struct join *j, size_t *len, const char *p, size_t n)
{
	char *text;
	size_t cap;

	if (*len + n > j->cap || j->text == NULL) {
		cap = 2 * (*len + n) + 64;
		if ((text = realloc(j->text, cap)) == NULL)
			return -1;
		j->text = text;
		j->cap = cap;
	}
	memcpy(j->text + *len, p, n);
	*len += n;
	return 0;
}

/* The answers of one key; 0, or -1 with errno: E2BIG when they are too long. */
static int
make_text(struct join *j, const struct pair *pairs, size_t n, size_t *len)
{
	struct table_entry e;

	*len = 0;
	table_entry(j->table, pairs[0].first, &e);
	if (text_add(j, len, e.value, e.value_len) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		table_entry(j->table, pairs[i].id, &e);
		if (e.value_len + NEWLINE_LEN > JOIN_MAX - *len) {
			errno = E2BIG;
			return -1;
		}
		if (text_add(j, len, NEWLINE, NEWLINE_LEN) != 0 ||
		    text_add(j, len, e.value, e.value_len) != 0)
			return -1;
	}
	return 0;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer forgets who owns the blocks as soon as they are t's. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* Have the blocks of the segment that is full. */
static int
keep_blocks(struct join *j)
{
	struct table_segment *s = &j->segment;
	struct table *t = j->table;
	struct table_block *blocks;

	if (s->n_blocks == 0)
		return 0;
	blocks = reallocarray(t->blocks, t->n_blocks + s->n_blocks + 1,
	    sizeof(*blocks));
	if (blocks == NULL)
		return -1;
	t->blocks = blocks;
	for (size_t i = 0; i < s->n_blocks; i++) {
		blocks[t->n_blocks] = s->blocks[i];
		blocks[t->n_blocks++].file = j->file;
	}
	return 0;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/* Begin a segment behind the one that is filled, for another file. */
static int
next_segment(struct join *j, const char *file)
{
	struct table_segment *s = &j->segment;

	if (keep_blocks(j) != 0)
		return -1;
	s->start = s->used += s->entries > 0;
	s->entries = 0;
	s->n_blocks = 0;
	s->line = 0;
	s->file = file;
	while (j->table->files[j->file] != file)
		j->file++;
	return 0;
}

/* The slot of an entry is another's, and so is that it is the first. */
static void
move_slot(const struct table *t, const struct table_entry *e, table_id from,
    table_id to)
{
	uint64_t hash = layout_hash(e->key, e->key_len);
	struct table_entry first;
	struct layout_head head;
	size_t i;

	layout_head(t, t->arena.base + from, &head);
	if (head.first)
		layout_mark(t, to, LAYOUT_FIRST);
	else if (table_find_hashed(t, hash, e->key, e->key_len,
	    &first) != from)
		hash = layout_hash_other(hash, e->shown, e->shown_len);
	i = layout_slot(t, hash);
	while ((t->slots[i] & OFFSET_MASK) != from + 1)
		i = layout_next_slot(t, i);
	t->slots[i] = layout_tag(hash) | (to + 1);
}

static void
too_long(const struct join *j, const struct pair *last)
{
	const struct table_options *options = j->options;
	char key[QUOTE_SIZE];
	struct table_entry e;
	const char *file;
	unsigned int line;

	table_entry(j->table, last->id, &e);
	quote(key, e.shown, e.shown_len);
	table_locate(j->table, last->id, &file, &line);
	if (line != 0)
		problems_add(j->problems, file, line, "the joined answers of "
		    "the key \"%s\" have more than %zu bytes", key, JOIN_MAX);
	else
		problems_add_of(j->problems, file, options->said_file,
		    options->said_line, "%s: the joined answers of the key "
		    "\"%s\" have more than %zu bytes", file, key, JOIN_MAX);
}

/* The greatest of theirs. */
static uint32_t
weight_of(const struct join *j, const struct pair *pairs, size_t n)
{
	uint32_t weight = table_weight(j->table, pairs[0].first), one;

	for (size_t i = 0; i < n; i++)
		if ((one = table_weight(j->table, pairs[i].id)) > weight)
			weight = one;
	return weight;
}

/* The entries of one key, but for the first. */
static int
join_one(struct join *j, const struct pair *pairs, size_t n)
{
	table_id first = pairs[0].first, id;
	struct table_entry e, joined;
	const char *file;
	unsigned int line;
	size_t len;

	if (make_text(j, pairs, n, &len) != 0) {
		if (errno == E2BIG)
			too_long(j, &pairs[n - 1]);
		return errno == E2BIG ? 0 : -1;
	}
	table_locate(j->table, first, &file, &line);
	if (file != j->segment.file && next_segment(j, file) != 0)
		return -1;
	id = j->segment.used;
	table_entry(j->table, first, &e);
	joined = (struct table_entry){ .key = e.shown, .key_len = e.shown_len,
	    .value = j->text, .value_len = len };
	if (table_segment_add_weighed(&j->segment, &joined, weight_of(j, pairs,
	    n), line) != 0)
		return -1;
	move_slot(j->table, &e, first, id);
	join_mark(j->table, first, j->sum);
	return 0;
}

static int
join_each(struct join *j)
{
	size_t n;

	for (size_t i = 0; i < j->n; i += n) {
		for (n = 1; i + n < j->n && j->pairs[i + n].first ==
		    j->pairs[i].first; n++)
			continue;
		if (join_one(j, j->pairs + i, n) != 0)
			return -1;
	}
	for (size_t i = 0; i < j->n; i++)
		join_mark(j->table, j->pairs[i].id, j->sum);
	return keep_blocks(j);
}

int
join_all(struct table *t, const struct table_options *options,
    const table_id *ids, size_t n, struct digest_sum *sum,
    struct problems *problems)
{
	const struct arena_piece *room = &t->arena.pieces[t->arena.n_pieces -
	    1];
	struct join j = { .table = t, .options = options, .sum = sum,
	    .problems = problems, .n = n };
	struct table_segment *s = &j.segment;
	int error = 0;

	s->arena = &t->arena;
	s->options = options;
	s->start = s->used = s->committed = room->from;
	s->limit = room->to;
	s->first = 1;
	if (n > 0 && ((error = find_pairs(&j, ids)) != 0 ||
	    (error = join_each(&j)) != 0) && errno == 0)
		errno = ENOMEM;
	digest_add_sum(sum, &s->digest);
	arena_settle(&t->arena, s->used + (s->used > room->from));
	free(s->blocks);
	free(j.pairs);
	free(j.text);
	return error;
}
