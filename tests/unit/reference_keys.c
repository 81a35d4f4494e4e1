/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables of random keys, and what a lookup finds there, by looking at each key.
 */

#include "config.h"

#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "roll.h"

int
text_compare(const void *a, const void *b)
{
	const struct text *x = a, *y = b;
	int c = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

void
text_fold(struct text *text)
{
	char out[FOLD_ROOM(TABLE_KEY_MAX)];

	assert_int_equal(fold(text->p, text->len, out, &text->len), 0);
	assert_true(text->len <= sizeof(text->p));
	memcpy(text->p, out, text->len);
}

struct table *
reference_table(const struct text *texts, size_t n, unsigned int ways,
    bool folds)
{
	struct table_options options = { .name = "t", .ways = ways,
	    .duplicates = TABLE_DUPLICATES_FIRST, .fold = folds };
	struct problems problems = PROBLEMS_INIT;
	size_t bytes = 4096;
	struct table_builder *builder;
	struct table_segment *segment;
	struct table *table;

	for (size_t i = 0; i < n; i++)
		bytes += TABLE_ENTRY_ROOM(FOLD_ROOM(texts[i].len), 1);
	builder = table_builder_new(&options, bytes);
	assert_non_null(builder);
	segment = table_builder_segment(builder, "f", bytes - 4096);
	assert_non_null(segment);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(table_segment_add(segment, texts[i].p,
		    texts[i].len, "v", 1, (unsigned int)i + 1), 0);
	table = table_builder_finish(builder, 1 + roll(2), &problems);
	assert_non_null(table);
	return table;
}

/* A key as it is compared, and as it is shown. */
struct pair {
	struct text key, shown;
};

static int
pair_compare(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int c = text_compare(&x->key, &y->key);

	return c != 0 ? c : text_compare(&x->shown, &y->shown);
}

/* The first of the keys that are equal to a text; n where there is none. */
static size_t
first_of(const struct keys *keys, const struct text *text)
{
	size_t i = 0;

	while (i < keys->n && text_compare(&keys->keys[i], text) != 0)
		i++;
	return i;
}

size_t
keys_find(const struct keys *keys, const struct text *text,
    const struct text *own)
{
	size_t first = first_of(keys, text);

	for (size_t i = first; i < keys->n && text_compare(&keys->keys[i],
	    text) == 0; i++)
		if (text_compare(&keys->shown[i], own) == 0)
			return i;
	return first;
}

/* Each key is found as it is shown, and else the first of equal ones is. */
static void
keys_check(const struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		const struct text *key = &keys->keys[i], *own, *got;
		struct table_entry entry;

		own = &keys->shown[i];
		assert_int_not_equal(table_find_own(keys->table, key->p,
		    key->len, own->p, own->len, &entry), TABLE_NO_ID);
		assert_int_equal(entry.shown_len, own->len);
		assert_memory_equal(entry.shown, own->p, own->len);
		assert_int_not_equal(table_find_own(keys->table, key->p,
		    key->len, "\xff", 1, &entry), TABLE_NO_ID);
		got = &keys->shown[first_of(keys, key)];
		assert_int_equal(entry.shown_len, got->len);
		assert_memory_equal(entry.shown, got->p, got->len);
	}
}

void
keys_init(struct keys *keys, struct text *texts, size_t n, unsigned int ways,
    bool folds)
{
	struct pair *pairs = calloc(n + 1, sizeof(*pairs));

	keys->table = reference_table(texts, n, ways, folds);
	keys->fold = folds;
	keys->keys = calloc(n + 1, sizeof(*keys->keys));
	keys->shown = calloc(n + 1, sizeof(*keys->shown));
	keys->n = 0;
	for (size_t i = 0; i < n; i++) {
		pairs[i].key = pairs[i].shown = texts[i];
		if (folds)
			text_fold(&pairs[i].key);
	}
	qsort(pairs, n, sizeof(*pairs), pair_compare);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && pair_compare(&pairs[i - 1], &pairs[i]) == 0)
			continue;
		keys->keys[keys->n] = pairs[i].key;
		keys->shown[keys->n++] = pairs[i].shown;
	}
	free(pairs);
	assert_int_equal(table_count(keys->table), keys->n);
	keys_check(keys);
}

void
keys_clear(struct keys *keys)
{
	table_unref(keys->table);
	free(keys->keys);
	free(keys->shown);
}
