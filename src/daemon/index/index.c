/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Building an index: the keys are sorted by id and copied into one text; and
 * of that, where a way needs it, the suffix array is made by libdivsufsort, and
 * the words are gathered meanwhile.
 */

#include "config.h"

#include "daemon/index/index.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_DIVSUFSORT
#include <divsufsort.h>
#endif

#include "daemon/index/index_private.h"
#include "daemon/index/index_words_private.h"
#include "daemon/thread/crew.h"
#include "daemon/thread/pace.h"
#include "lib/scan.h"

/* The suffix array's numbers are signed, of 32 bits. */
#define INDEX_TEXT_MAX	((size_t)INT32_MAX)

#define INDEX_SUFFIX_WAYS	\
	(TABLE_WAY(TABLE_SUFFIX) | TABLE_WAY(TABLE_SUBSTRING))
#define INDEX_WORDS_WAYS	\
	(TABLE_WAY(TABLE_WORDS) | TABLE_WAY(TABLE_TEXT))

/* Shares of the keys whose words are gathered at the same time. */
#define INDEX_SHARES_MAX	8

/* What a first walk over the keys finds out. */
struct index_survey {
	struct index_item *items;	/* owned; id set */
	size_t n;
	size_t bytes;		/* of the text */
	size_t common;		/* bytes that all keys begin with */
	size_t key_max;
	bool sorted;
	table_id id_max;
};

static size_t
index_shared(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const uint8_t *p = a, *q = b;
	size_t len = a_len < b_len ? a_len : b_len, i = 0;

	while (i < len && p[i] == q[i])
		i++;
	return i;
}

static int
index_compare(const struct table_entry *a, const struct table_entry *b)
{
	size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
	int c = memcmp(a->key, b->key, len);

	if (c != 0 || a->key_len != b->key_len)
		return c != 0 ? c : a->key_len < b->key_len ? -1 : 1;
	return table_shown_cmp(a, b);
}

static int
index_survey(struct index_survey *survey, const struct table *table,
    const char **why, table_id *at)
{
	struct table_entry first = { 0 }, prev = { 0 }, entry;
	size_t count = table_count(table), n;
	table_id id = TABLE_NO_ID;

	memset(survey, 0, sizeof(*survey));
	survey->sorted = true;
	survey->items = malloc((count + 1) * sizeof(*survey->items));
	if (survey->items == NULL) {
		*why = "out of memory";
		return -1;
	}
	for (n = 0; n < count && table_next(table, &id, &entry); n++) {
		if (n % PACE_ENTRIES == 0)
			pace();
		if (scan_utf8(entry.key, entry.key_len) != entry.key_len) {
			*why = "the key is not UTF-8";
			*at = id;
			return -1;
		}
		if (n == 0) {
			first = entry;
			survey->common = entry.key_len;
		} else {
			survey->common = index_shared(first.key,
			    survey->common, entry.key, entry.key_len);
			survey->sorted = survey->sorted &&
			    index_compare(&prev, &entry) < 0;
		}
		prev = entry;
		if (entry.key_len > survey->key_max)
			survey->key_max = entry.key_len;
		if (id > survey->id_max)
			survey->id_max = id;
		survey->items[n].id = id;
		survey->bytes += entry.key_len + 1;
		if (survey->bytes > INDEX_TEXT_MAX) {
			*why = "more than 2 GB of keys: too many to search in";
			return -1;
		}
	}
	survey->n = n;
	return 0;
}

/* Room for what the survey has found. */
static int
index_room(struct index *index, const struct index_survey *survey)
{
	size_t n = survey->n;

	index->n = (uint32_t)n;
	index->text_len = survey->bytes;
	index->key_max = survey->key_max;
	index->common = survey->common;
	index->id_size = survey->id_max >> 40 == 0 ? 5 : 8;
	index->samples_n = (uint32_t)((n + INDEX_SAMPLE - 1) / INDEX_SAMPLE);
	index->text = malloc(survey->bytes + 1);
	index->starts = malloc((n + 1) * sizeof(*index->starts));
	index->ids = malloc(n * index->id_size + 1);
	index->samples = malloc((index->samples_n + 1) * sizeof(uint64_t));
	return index->text != NULL && index->starts != NULL &&
	    index->ids != NULL && index->samples != NULL ? 0 : -1;
}

static void
index_fill(struct index *index, const struct table *table,
    const struct index_survey *survey)
{
	size_t n = survey->n, at = 0;

	for (size_t rank = 0; rank < n; rank++) {
		table_id id = survey->items[rank].id;
		struct table_entry entry;

		if (rank % PACE_ENTRIES == 0)
			pace();
		table_entry(table, id, &entry);
		index->starts[rank] = (uint32_t)at;
		memcpy(index->text + at, entry.key, entry.key_len);
		if (rank % INDEX_SAMPLE == 0)
			index->samples[rank / INDEX_SAMPLE] = index_word(
			    index->text + at + survey->common,
			    entry.key_len - survey->common);
		at += entry.key_len;
		index->text[at++] = INDEX_END;
		for (unsigned int i = 0; i < index->id_size; i++)
			index->ids[rank * index->id_size + i] =
			    (uint8_t)(id >> 8 * i);
	}
	index->starts[n] = (uint32_t)at;
}

/* Room for the suffix array. */
static int
index_room_suffixes(struct index *index)
{
	index->suffixes = malloc((index->text_len + 1) *
	    sizeof(*index->suffixes));
	index->blocks = calloc(index->text_len / 64 + 1,
	    sizeof(*index->blocks));
	return index->suffixes != NULL && index->blocks != NULL ? 0 : -1;
}

#ifdef HAVE_DIVSUFSORT
static int
index_fill_suffixes(struct index *index)
{
	size_t blocks = index->text_len / 64 + 1;
	uint32_t before = 0;

	for (uint32_t rank = 0; rank < index->n; rank++) {
		uint32_t start = index->starts[rank];

		index->blocks[start / 64].starts |= UINT64_C(1) << start % 64;
	}
	for (size_t i = 0; i < blocks; i++) {
		index->blocks[i].before = before;
		before += (uint32_t)__builtin_popcountll(
		    index->blocks[i].starts);
	}
	/* It takes no empty text. */
	if (index->text_len > 0 && divsufsort(index->text, index->suffixes,
	    (saidx_t)index->text_len) != 0)
		return -1;
	return index_fill_starts(index) == -1 ? -1 :
	    index_fill_initials(index);
}
#endif

/* Words that are gathered by shares, and made one by who ends last. */
struct index_wanted {
	struct index_words **words;	/* where they go */
	const uint32_t *order;	/* of keys; NULL: by their ranks */
	bool answers;
	struct index_gather gathers[INDEX_SHARES_MAX];
	atomic_uint left;	/* shares that are not gathered */
};

/*
 * What is done by several threads: each takes the next piece.  The suffix
 * array, which takes longest and cannot be divided, comes first.
 */
struct index_work {
	struct index *index;
	const struct table *table;
	bool suffixes;
	struct index_wanted wanted[4];
	unsigned int wanted_n, shares;
	atomic_uint next;
	atomic_bool failed;
};

static int
index_work_share(struct index_work *work, struct index_wanted *wanted,
    unsigned int share)
{
	struct index *index = work->index;
	uint64_t n = index->n;
	int rc;

	wanted->gathers[share].order = wanted->order;
	rc = index_gather_run(&wanted->gathers[share], index, work->table,
	    (uint32_t)(n * share / work->shares),
	    (uint32_t)(n * (share + 1) / work->shares), wanted->answers);
	/* One that failed is left over, so that nobody makes them one. */
	if (rc == -1 || --wanted->left > 0)
		return rc;
	*wanted->words = index_words_new(wanted->gathers, work->shares,
	    index->n);
	for (unsigned int i = 0; i < work->shares; i++)
		index_gather_clear(&wanted->gathers[i]);
	return *wanted->words == NULL ? -1 : 0;
}

static int
index_work_piece(struct index_work *work, unsigned int piece)
{
#ifdef HAVE_DIVSUFSORT
	if (work->suffixes && piece-- == 0)
		return index_fill_suffixes(work->index);
#endif
	return index_work_share(work, &work->wanted[piece / work->shares],
	    piece % work->shares);
}

static void
index_work_main(unsigned int number, void *arg)
{
	struct index_work *work = arg;
	unsigned int n = work->suffixes + work->wanted_n * work->shares, piece;

	(void)number;
	while (!work->failed && (piece = work->next++) < n)
		if (index_work_piece(work, piece) == -1)
			work->failed = true;
}

static void
index_work_want(struct index_work *work, struct index_words **words,
    const uint32_t *order, bool answers)
{
	struct index_wanted *wanted = &work->wanted[work->wanted_n++];

	wanted->words = words;
	wanted->order = order;
	wanted->answers = answers;
	wanted->left = work->shares;
}

/* The words that ways need; of answers, which are more than keys, first. */
static void
index_work_words(struct index_work *work, struct index *index,
    unsigned int ways)
{
	const uint32_t *order = index->weights != NULL ?
	    index->weights->order : NULL;

	if (ways & TABLE_WAY(TABLE_TEXT)) {
		index_work_want(work, &index->texts, NULL, true);
		if (order != NULL)
			index_work_want(work, &index->weighed_texts, order,
			    true);
	}
	if (ways & INDEX_WORDS_WAYS)
		index_work_want(work, &index->words, NULL, false);
	/* By weight, text is looked for in one of them. */
	if (ways & TABLE_WAY(TABLE_WORDS) && order != NULL)
		index_work_want(work, &index->weighed_words, order, false);
}

/* All that is made of the text of keys. */
static int
index_make(struct index *index, const struct table *table, unsigned int ways,
    unsigned int threads)
{
	struct index_work work = { .index = index, .table = table,
		.suffixes = index->suffixes != NULL };

	work.shares = threads < 1 ? 1 : threads > INDEX_SHARES_MAX ?
	    INDEX_SHARES_MAX : threads;
	index_work_words(&work, index, ways);
	crew_run(threads, index_work_main, &work);
	for (unsigned int i = 0; i < work.wanted_n; i++)
		for (unsigned int j = 0; j < work.shares; j++)
			index_gather_clear(&work.wanted[i].gathers[j]);
	return work.failed ? -1 : 0;
}

static const uint8_t *
index_table_key(const void *arg, uint64_t id, size_t *len)
{
	struct table_entry entry;

	table_entry(arg, id, &entry);
	*len = entry.key_len;
	return (const uint8_t *)entry.key;
}

static const uint8_t *
index_table_shown(const void *arg, uint64_t id, size_t *len)
{
	struct table_entry entry;

	table_entry(arg, id, &entry);
	*len = entry.shown_len;
	return (const uint8_t *)entry.shown;
}

struct index *
index_new(const struct table *table, unsigned int ways, unsigned int threads,
    const char **why, table_id *at)
{
	struct index_survey survey;
	struct index *index = NULL;

	*at = TABLE_NO_ID;
#ifndef HAVE_DIVSUFSORT
	if (ways & INDEX_SUFFIX_WAYS) {
		*why = "suffix and substring need libdivsufsort, without "
		    "which this was built";
		return NULL;
	}
#endif
	if (index_survey(&survey, table, why, at) == -1)
		goto fail;
	*why = "out of memory";
	if (!survey.sorted && index_sort(index_table_key,
	    table_has_equals(table) ? index_table_shown : NULL, table,
	    survey.items, survey.n, survey.common) == -1)
		goto fail;
	if ((index = calloc(1, sizeof(*index))) == NULL ||
	    index_room(index, &survey) == -1)
		goto fail;
	index->equals = table_has_equals(table);
	index_fill(index, table, &survey);
	if (table_weighs(table) && index_weigh(index, table) == -1)
		goto fail;
	/* The suffix array is the largest: not both at once. */
	free(survey.items);
	survey.items = NULL;
	if ((ways & INDEX_SUFFIX_WAYS && index_room_suffixes(index) == -1) ||
	    index_make(index, table, ways, threads) == -1)
		goto fail;
	return index;
fail:
	free(survey.items);
	index_free(index);
	return NULL;
}

void
index_free(struct index *index)
{
	if (index == NULL)
		return;
	free(index->text);
	free(index->starts);
	free(index->ids);
	free(index->samples);
	free(index->suffixes);
	free(index->blocks);
	free(index->marks);
	free(index->word_starts);
	free(index->starts_before);
	index_words_free(index->words);
	index_words_free(index->texts);
	index_words_free(index->weighed_words);
	index_words_free(index->weighed_texts);
	index_weights_free(index->weights);
	index_initials_free(index->initials);
	free(index);
}

size_t
index_memory(const struct index *index)
{
	size_t bytes = sizeof(*index);

	bytes += index->text_len + 1;
	bytes += ((size_t)index->n + 1) * sizeof(*index->starts);
	bytes += (size_t)index->n * index->id_size + 1;
	bytes += ((size_t)index->samples_n + 1) * sizeof(*index->samples);
	if (index->suffixes != NULL) {
		bytes += (index->text_len + 1) * sizeof(*index->suffixes);
		bytes += (index->text_len / 64 + 1) *
		    (sizeof(*index->blocks) + sizeof(*index->marks) +
		    sizeof(*index->word_starts));
		bytes += (index->text_len / INDEX_STARTS + 2) *
		    sizeof(*index->starts_before);
	}
	bytes += index_words_memory(index->words) +
	    index_words_memory(index->texts) +
	    index_words_memory(index->weighed_words) +
	    index_words_memory(index->weighed_texts);
	return bytes + index_weights_memory(index->weights) +
	    index_initials_memory(index->initials);
}
