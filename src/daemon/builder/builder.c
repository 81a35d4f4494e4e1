/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A table in the making: segments behind each other in the arena, each filled
 * by one thread.
 */

#include "config.h"

#include "daemon/builder/builder.h"

#include <sys/mman.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/problems.h"
#include "daemon/builder/insert.h"
#include "daemon/builder/like.h"
#include "daemon/builder/segment.h"
#include "daemon/index/index.h"
#include "daemon/table/layout.h"
#include "daemon/thread/pace.h"

/* Slots for 4 entries: the mean probe is short, the index is small. */
#define SLOTS_FOR_FOUR	5

#define JOIN_SLACK	((size_t)1 << 20)	/* addresses */

#define LARGE_SEGMENT	((size_t)32 << 20)	/* worth huge pages */
#define LARGE_SLOTS	((size_t)4 << 20)	/* bytes; likewise */

/* All ways but regex and text, as far as this is built with what they need. */
#ifdef HAVE_DIVSUFSORT
#define SUFFIX_WAYS	(TABLE_WAY(TABLE_SUFFIX) | TABLE_WAY(TABLE_SUBSTRING))
#else
#define SUFFIX_WAYS	0u
#endif
#define DEFAULT_WAYS	(TABLE_WAY(TABLE_EXACT) | TABLE_WAY(TABLE_PREFIX) | \
	SUFFIX_WAYS | TABLE_WAY(TABLE_FUZZY) | TABLE_WAY(TABLE_WORDS))

struct table_builder {
	struct table_options options;
	struct arena arena;
	size_t used;		/* of the addresses, by segments */
	struct table_segment **segments;	/* owned */
	size_t n_segments;
	size_t cap_segments;
	bool open;		/* the last segment may use all that is left */
};

struct table_builder *
table_builder_new(const struct table_options *options, size_t bytes)
{
	struct table_builder *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->options = *options;
	/* Answers are there once more when they are joined. */
	if (options->duplicates == TABLE_DUPLICATES_JOIN &&
	    bytes < OFFSET_MASK)
		bytes = 2 * bytes + JOIN_SLACK;
	if (bytes >= OFFSET_MASK - ARENA_HUGE) {
		errno = EFBIG;
	} else if (arena_init(&b->arena, bytes + ARENA_HUGE) == 0) {
		return b;
	}
	free(b);
	return NULL;
}

void
table_builder_free(struct table_builder *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n_segments; i++) {
		free(b->segments[i]->blocks);
		free(b->segments[i]);
	}
	free(b->segments);
	arena_clear(&b->arena);
	free(b);
}

/* Append a segment of addresses start..limit, which are checked. */
static struct table_segment *
builder_append(struct table_builder *b, const char *file, size_t start,
    size_t limit)
{
	struct table_segment **list, *s;
	size_t cap;

	if (limit > b->arena.size || start > limit) {
		errno = ENOSPC;
		return NULL;
	}
	if (b->n_segments == b->cap_segments) {
		cap = b->cap_segments == 0 ? 8 : 2 * b->cap_segments;
		list = reallocarray(b->segments, cap, sizeof(*list));
		if (list == NULL)
			return NULL;
		b->segments = list;
		b->cap_segments = cap;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->arena = &b->arena;
	s->options = &b->options;
	s->file = file;
	s->start = s->used = s->committed = start;
	s->limit = limit;
	s->first = 1;
	b->segments[b->n_segments++] = s;
	b->used = limit;
	return s;
}

/* What the last segment does not use is the next one's. */
static void
builder_close(struct table_builder *b)
{
	if (b->open) {
		struct table_segment *s = b->segments[b->n_segments - 1];

		s->limit = s->used + 1;
		b->used = s->limit;
	}
	b->open = false;
}

struct table_segment *
table_builder_segment(struct table_builder *b, const char *file, size_t bytes)
{
	size_t start, limit;
	struct table_segment *s;
	bool large = bytes >= LARGE_SEGMENT;

	builder_close(b);
	if (bytes > b->arena.size) {
		errno = ENOSPC;
		return NULL;
	}
	start = b->used;
	if (large)
		start = (start + ARENA_HUGE - 1) / ARENA_HUGE * ARENA_HUGE;
	limit = start + bytes + SEGMENT_NUMBERS_LEN + 1;
	if (large)
		limit = (limit + ARENA_HUGE - 1) / ARENA_HUGE * ARENA_HUGE;
	if ((s = builder_append(b, file, start, limit)) != NULL && large) {
		s->large = true;
		if (!pace_is_set())
			arena_huge(&b->arena, start, limit);
	}
	return s;
}

int
table_builder_add(struct table_builder *b, const char *file, unsigned int line,
    const struct table_entry *e)
{
	struct table_segment *s = NULL;

	if (b->open)
		s = b->segments[b->n_segments - 1];
	if (s == NULL || s->file != file || line < s->line) {
		builder_close(b);
		s = builder_append(b, file, b->used, b->arena.size);
		if (s == NULL)
			return -1;
		b->open = true;
	}
	return table_segment_add(s, e->key, e->key_len, e->value,
	    e->value_len, line);
}

/* What the entries of all segments are, also those that do not count. */
static struct digest_sum
builder_sum(const struct table_builder *b)
{
	struct digest_sum sum = { 0, 0 };

	for (size_t i = 0; i < b->n_segments; i++)
		digest_add_sum(&sum, &b->segments[i]->digest);
	return sum;
}

/* The blocks of all segments, with the lines and files that they have. */
static int
finish_blocks(struct table_builder *b, struct table *t)
{
	size_t n = 0, n_files = 0;

	for (size_t i = 0; i < b->n_segments; i++) {
		t->count += b->segments[i]->entries;
		if (b->segments[i]->key_max > t->key_max)
			t->key_max = b->segments[i]->key_max;
		n += b->segments[i]->n_blocks;
		if (b->segments[i]->weighs)
			t->form |= LAYOUT_WEIGHS;
	}
	t->blocks = calloc(n + 1, sizeof(*t->blocks));
	t->files = calloc(b->n_segments + 1, sizeof(*t->files));
	if (t->blocks == NULL || t->files == NULL)
		return -1;
	for (size_t i = 0; i < b->n_segments; i++) {
		const struct table_segment *s = b->segments[i];

		if (s->n_blocks == 0)
			continue;
		if (n_files == 0 || strcmp(t->files[n_files - 1],
		    s->file) != 0)
			t->files[n_files++] = s->file;
		for (size_t j = 0; j < s->n_blocks; j++) {
			struct table_block *block =
			    &t->blocks[t->n_blocks++];

			*block = s->blocks[j];
			block->line += s->first - 1;
			block->file = (uint32_t)(n_files - 1);
		}
	}
	return 0;
}

/* Copy the names that were borrowed so far: they must live as long as it. */
static int
finish_names(const struct table_builder *b, struct table *t)
{
	size_t name_len = strlen(b->options.name) + 1, len = name_len;
	char *p;

	for (size_t i = 0; t->files[i] != NULL; i++)
		len += strlen(t->files[i]) + 1;
	if ((t->names = p = malloc(len)) == NULL)
		return -1;
	t->name = memcpy(p, b->options.name, name_len);
	p += name_len;
	for (size_t i = 0; t->files[i] != NULL; i++) {
		len = strlen(t->files[i]) + 1;
		t->files[i] = memcpy(p, t->files[i], len);
		p += len;
	}
	return 0;
}

/* Keep the memory of entries and of the 0 behind each segment's last, and the
 * files that entries refer to. */
static int
finish_arena(struct table_builder *b, struct table *t)
{
	struct arena_piece *pieces = calloc(2 * b->n_segments + 2,
	    sizeof(*pieces));
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;

	if (pieces == NULL)
		return -1;
	builder_close(b);
	for (size_t i = 0; i < b->n_segments; i++) {
		const struct table_segment *s = b->segments[i];

		if (s->entries > 0)
			pieces[n++] = (struct arena_piece){ s->start,
			    s->used + 1, false };
		if (s->refers)
			pieces[n++] = (struct arena_piece){ s->map,
			    s->map + s->map_len, true };
	}
	/* Addresses for join_all(), which touch no other piece. */
	if (b->options.duplicates == TABLE_DUPLICATES_JOIN)
		pieces[n++] = (struct arena_piece){ b->used + 2 * page,
		    b->arena.size, true };
	t->arena = b->arena;
	b->arena.base = NULL;
	return arena_keep(&t->arena, pieces, n);
}

static int seed_error;		/* errno; of draw_seed() */

/* Not by arc4random(3), which ends the process when memory runs out. */
static void
draw_seed(void)
{
	if (getentropy(&layout_seed, sizeof(layout_seed)) != 0)
		seed_error = errno;
}

static void
huge_slots(struct table *t)
{
	size_t size = t->n_slots * sizeof(*t->slots);

	if (size >= LARGE_SLOTS)
		(void)madvise(t->slots, size, MADV_HUGEPAGE);
}

/*
 * Huge pages after the load: the kernel makes them of small ones, by and by.
 * While others are served they are not asked for sooner, since clearing one
 * cannot be interrupted, and took up to 4 ms from whoever waited for the
 * core.
 */
static void
huge_later(struct table *t)
{
	const struct arena *a = &t->arena;

	if (!pace_is_set())
		return;
	huge_slots(t);
	for (size_t i = 0; a->pieces != NULL && i < a->n_pieces; i++)
		if (!a->pieces[i].file)
			arena_huge(&t->arena, a->pieces[i].from,
			    a->pieces[i].to);
}

static int
finish_slots(struct table *t)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t n = t->count + t->count / (SLOTS_FOR_FOUR - 1) + 1;
	void *slots;

	/* At least one slot stays empty, so that every probe ends. */
	slots = mmap(NULL, n * sizeof(*t->slots), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slots == MAP_FAILED)
		return -1;
	t->slots = slots;
	t->n_slots = n;
	if (!pace_is_set())
		huge_slots(t);
	pthread_once(&once, draw_seed);
	errno = seed_error;
	return seed_error == 0 ? 0 : -1;
}

static void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	index_free(t->index);
	arena_clear(&t->arena);
	if (t->slots != NULL)
		munmap(t->slots, t->n_slots * sizeof(*t->slots));
	free(t->blocks);
	free(t->files);
	free(t->names);
	free(t);
}

struct table *
table_ref(struct table *t)
{
	t->refs++;
	return t;
}

void
table_unref(struct table *t)
{
	if (t != NULL && --t->refs == 0)
		table_free(t);
}

struct origin
table_origin(const struct table *t)
{
	return t->origin;
}

void
table_set_origin(struct table *t, struct origin origin)
{
	t->origin = origin;
}

size_t
table_memory(const struct table *t)
{
	return sizeof(*t) + arena_memory(&t->arena) +
	    t->n_slots * sizeof(*t->slots) + t->n_blocks * sizeof(*t->blocks) +
	    (t->index != NULL ? index_memory(t->index) : 0);
}

static unsigned int
form_of(const struct table_options *options)
{
	return (options->fold ? LAYOUT_FOLDS : 0) |
	    (options->fold && options->marks ? LAYOUT_MARKS : 0) |
	    (options->mapped ? LAYOUT_REFERS : 0);
}

/* All but the search indexes. */
static struct table *
builder_table(struct table_builder *b, unsigned int threads,
    struct problems *problems)
{
	struct table *t = calloc(1, sizeof(*t));
	struct digest_sum sum = builder_sum(b);

	if (t == NULL)
		goto fail;
	t->refs = 1;
	t->form = form_of(&b->options);
	if (finish_blocks(b, t) != 0 || finish_names(b, t) != 0 ||
	    finish_arena(b, t) != 0 || finish_slots(t) != 0 ||
	    insert_all(t, &b->options, threads, &sum, problems) != 0)
		goto fail;
	t->digest = digest_end(&sum, t->count);
	huge_later(t);
	t->loaded = time(NULL);
	t->ways = b->options.ways;
	if (t->ways == 0 && t->count <= TABLE_DEFAULT_ALL_MAX)
		t->ways = DEFAULT_WAYS;
	else if (t->ways == 0)
		t->ways = TABLE_WAY(TABLE_EXACT) | TABLE_WAY(TABLE_PREFIX);
	table_builder_free(b);
	return t;
fail:
	problems_add(problems, b->options.said_file, b->options.said_line,
	    "table %s: %s", b->options.name, strerror(errno));
	table_builder_free(b);
	table_free(t);
	return NULL;
}

/* What the search indexes cannot be built for: an entry, or the table. */
static void
index_problem(const struct table *t, const struct table_options *options,
    const char *why, table_id at, struct problems *problems)
{
	unsigned int line = 0;
	const char *file = NULL;

	if (at != TABLE_NO_ID)
		table_locate(t, at, &file, &line);
	if (line != 0)
		problems_add(problems, file, line, "%s", why);
	else if (file != NULL)
		problems_add(problems, options->said_file, options->said_line,
		    "%s: record %zu: %s", file, table_record(t, at), why);
	else
		problems_add(problems, options->said_file, options->said_line,
		    "table %s: %s", t->name, why);
}

struct table *
table_builder_finish(struct table_builder *b, unsigned int threads,
    struct problems *problems)
{
	const struct table_options options = b->options;
	size_t before = problems_count(problems);
	struct table *t = builder_table(b, threads, problems);
	const char *why = NULL;
	table_id at;

	if (t == NULL || problems_count(problems) != before)
		goto fail;
	/* Its indexes, which take longest, are there. */
	if (options.old != NULL && table_is_like(t, options.old)) {
		table_unref(t);
		return table_ref(options.old);
	}
	if ((t->ways & ~TABLE_WAY(TABLE_EXACT)) == 0)
		return t;
	t->index = index_new(t, t->ways, threads, &why, &at);
	if (t->index != NULL)
		return t;
	index_problem(t, &options, why, at, problems);
fail:
	table_unref(t);
	return NULL;
}

void
table_builder_check(struct table_builder *b, unsigned int threads,
    struct problems *problems)
{
	table_unref(builder_table(b, threads, problems));
}
