/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Reading the words of an index.
 */

#include "config.h"

#include "daemon/index/index_words.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/index/index_words_private.h"

/* Where a walk through the dictionary is: behind a word's bytes. */
struct words_walk {
	const uint8_t *p;
	uint32_t rank;		/* the first one of the word before */
	size_t len;
	uint8_t word[INDEX_WORD_MAX];
};

size_t
index_word_len(const uint8_t *word, size_t len)
{
	if (len <= INDEX_WORD_MAX)
		return len;
	len = INDEX_WORD_MAX;
	while (len > 0 && (word[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static inline uint64_t
words_number(const uint8_t **p)
{
	uint64_t n = *(*p)++;

	if (n < 0x80)
		return n;
	n &= 0x7f;
	for (unsigned int shift = 7;; shift += 7) {
		uint8_t byte = *(*p)++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return n;
	}
}

static inline uint32_t
words_signed(const uint8_t **p, uint32_t before)
{
	uint64_t n = words_number(p);

	return before + (uint32_t)(n >> 1 ^ (0 - (n & 1)));
}

/* Behind its first rank. */
static const uint8_t *
list_open(struct index_cursor *cursor, const uint8_t *p, uint32_t n,
    uint32_t first)
{
	uint64_t bytes = n > 1 ? words_number(&p) : 0;

	cursor->rank = first;
	cursor->n = n;
	cursor->left = n - 1;
	cursor->skips = p;
	cursor->gaps = p + (size_t)((n - 1) / LIST_SKIP) * LIST_SKIP_BYTES;
	cursor->next = cursor->gaps;
	return p + bytes;
}

/* Read a word's bytes, and go behind them. */
static void
walk_word(struct words_walk *walk)
{
	size_t shared = *walk->p >> 4, own = *walk->p & LONG_BYTES;

	walk->p++;
	if (shared == LONG_BYTES)
		shared += words_number(&walk->p);
	if (own == LONG_BYTES)
		own += words_number(&walk->p);
	memcpy(walk->word + shared, walk->p, own);
	walk->p += own;
	walk->len = shared + own;
}

/* Go behind the word's list. */
static void
walk_list(struct words_walk *walk, struct index_cursor *cursor)
{
	uint32_t n = (uint32_t)words_number(&walk->p);

	walk->rank = words_signed(&walk->p, walk->rank);
	walk->p = list_open(cursor, walk->p, n, walk->rank);
}

static void
walk_block(const struct index_words *words, size_t block,
    struct words_walk *walk)
{
	walk->p = words->words.p + words->blocks[block];
	walk->rank = 0;
	walk->len = 0;
}

/* Whether the word at hand is before one (and, past, before what begins so). */
static bool
walk_before(const struct words_walk *walk, const uint8_t *word, size_t len,
    bool past)
{
	int c = memcmp(walk->word, word, walk->len < len ? walk->len : len);

	return c != 0 ? c < 0 : walk->len < len || past;
}

/* The number of the first word that is not before one. */
static uint32_t
words_lower(const struct index_words *words, const uint8_t *word, size_t len,
    bool past)
{
	size_t low = 0, high = words->blocks_n;
	struct index_cursor cursor;
	struct words_walk walk;
	uint32_t number;

	/* The first block that begins with one that is not. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		walk_block(words, mid, &walk);
		walk_word(&walk);
		if (walk_before(&walk, word, len, past))
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return 0;
	walk_block(words, low - 1, &walk);
	number = (uint32_t)(low - 1) * BLOCK_WORDS;
	for (; number < low * BLOCK_WORDS && number < words->n; number++) {
		walk_word(&walk);
		if (!walk_before(&walk, word, len, past))
			break;
		walk_list(&walk, &cursor);
	}
	return number;
}

bool
index_words_find(const struct index_words *words, const uint8_t *word,
    size_t len, bool begins, uint32_t *lo, uint32_t *hi)
{
	struct index_cursor cursor;
	struct words_walk walk;

	*lo = words_lower(words, word, len, false);
	if (begins) {
		*hi = words_lower(words, word, len, true);
		return *lo < *hi;
	}
	*hi = *lo + 1;
	if (*lo == words->n)
		return false;
	walk_block(words, *lo / BLOCK_WORDS, &walk);
	for (uint32_t i = *lo / BLOCK_WORDS * BLOCK_WORDS; i < *lo; i++) {
		walk_word(&walk);
		walk_list(&walk, &cursor);
	}
	walk_word(&walk);
	return walk.len == len && memcmp(walk.word, word, len) == 0;
}

/* The lists of some words, one by one. */
static size_t
cover_words(const struct index_words *words, uint32_t lo, uint32_t hi,
    struct index_cursor *cursors)
{
	struct words_walk walk;
	size_t n = 0;

	for (uint32_t i = lo / BLOCK_WORDS * BLOCK_WORDS; i < hi;) {
		walk_block(words, i / BLOCK_WORDS, &walk);
		do {
			walk_word(&walk);
			walk_list(&walk, &cursors[n]);
			n += i >= lo;
		} while (++i < hi && i % BLOCK_WORDS != 0);
	}
	return n;
}

static void
cover_group(const struct index_words *words, unsigned int level,
    uint32_t number, struct index_cursor *cursor)
{
	const uint8_t *p = words->groups.p +
	    words->levels[level].starts[number];
	uint32_t n = (uint32_t)words_number(&p);
	uint32_t first = (uint32_t)words_number(&p);

	list_open(cursor, p, n, first);
}

/*
 * From small groups to large ones, as long as there are whole ones, the ends
 * on both sides are taken.
 */
size_t
index_words_cover(const struct index_words *words, uint32_t lo, uint32_t hi,
    struct index_cursor *cursors)
{
	uint32_t up = (lo + INDEX_GROUP - 1) / INDEX_GROUP;
	uint32_t down = hi / INDEX_GROUP;
	size_t n;

	if (up >= down)
		return cover_words(words, lo, hi, cursors);
	n = cover_words(words, lo, up * INDEX_GROUP, cursors);
	n += cover_words(words, down * INDEX_GROUP, hi, cursors + n);
	for (unsigned int level = 0; up < down; level++) {
		bool last = level + 1 == INDEX_LEVELS;

		lo = up;
		hi = down;
		up = (lo + INDEX_GROUP - 1) / INDEX_GROUP;
		down = hi / INDEX_GROUP;
		last = last || up >= down;
		for (; lo < hi && (last || lo % INDEX_GROUP != 0); lo++)
			cover_group(words, level, lo, &cursors[n++]);
		for (; lo < hi && hi % INDEX_GROUP != 0; hi--)
			cover_group(words, level, hi - 1, &cursors[n++]);
		if (last)
			break;
	}
	return n;
}

void
index_cursor_next(struct index_cursor *cursor)
{
	if (cursor->left == 0) {
		cursor->rank = INDEX_NO_RANK;
		return;
	}
	cursor->left--;
	cursor->rank += (uint32_t)words_number(&cursor->next) + 1;
}

static uint32_t
skip_at(const struct index_cursor *cursor, uint32_t i, uint32_t *at)
{
	uint32_t skip[2];

	memcpy(skip, cursor->skips + (size_t)i * LIST_SKIP_BYTES,
	    sizeof(skip));
	*at = skip[1];
	return skip[0];
}

/* Go to the last skip that is not behind a rank; near ones are quick. */
static void
cursor_skip(struct index_cursor *cursor, uint32_t rank)
{
	uint32_t skips = (cursor->n - 1) / LIST_SKIP, step = 1, at;
	uint32_t from = (cursor->n - 1 - cursor->left) / LIST_SKIP;
	uint32_t low = from, high;

	/* Skip number i is that of rank (i + 1) * LIST_SKIP. */
	while (skips - low > step && skip_at(cursor, low + step, &at) <= rank) {
		low += step;
		step *= 2;
	}
	high = skips - low > step ? low + step : skips;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (skip_at(cursor, mid, &at) <= rank)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == from)
		return;
	cursor->rank = skip_at(cursor, low - 1, &at);
	cursor->left = cursor->n - 1 - low * LIST_SKIP;
	cursor->next = cursor->gaps + at;
}

void
index_cursor_seek(struct index_cursor *cursor, uint32_t rank)
{
	if (cursor->rank >= rank)
		return;
	if (cursor->left >= LIST_SKIP)
		cursor_skip(cursor, rank);
	while (cursor->rank < rank) {
		if (cursor->left == 0) {
			cursor->rank = INDEX_NO_RANK;
			return;
		}
		cursor->left--;
		cursor->rank += (uint32_t)words_number(&cursor->next) + 1;
	}
}

uint32_t
index_cursor_mark(struct index_cursor *cursor, uint64_t *bits, uint32_t start,
    uint32_t end)
{
	uint32_t rank = cursor->rank, left = cursor->left, before = left;
	const uint8_t *next = cursor->next;

	if (rank >= end)
		return 0;
	for (;;) {
		bits[(rank - start) / 64] |= UINT64_C(1) << (rank - start) %
		    64;
		if (left == 0)
			break;
		left--;
		rank += (uint32_t)words_number(&next) + 1;
		if (rank >= end)
			break;
	}
	/* The last one of all was marked, too. */
	cursor->rank = rank < end ? INDEX_NO_RANK : rank;
	cursor->left = left;
	cursor->next = next;
	return before - left + (rank < end);
}

size_t
index_words_memory(const struct index_words *words)
{
	size_t bytes;

	if (words == NULL)
		return 0;
	bytes = sizeof(*words) + words->words.room + words->groups.room +
	    words->blocks_room * sizeof(*words->blocks);
	for (unsigned int i = 0; i < INDEX_LEVELS; i++)
		bytes += words->levels[i].room *
		    sizeof(*words->levels[i].starts);
	return bytes;
}

void
index_words_free(struct index_words *words)
{
	if (words == NULL)
		return;
	free(words->words.p);
	free(words->groups.p);
	free(words->blocks);
	for (unsigned int i = 0; i < INDEX_LEVELS; i++)
		free(words->levels[i].starts);
	free(words);
}
