/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Where keys and words start, a bit for each byte of the text; and once more in
 * the order of the suffix array, so that of very many places where a string is,
 * those are found, or passed over, 64 at a time, without a look at the text.
 */

#include "config.h"

#include "daemon/index/index_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/table/word.h"
#include "daemon/thread/pace.h"

#define STARTS_WORDS	(INDEX_STARTS / 64)
#define STARTS_PASSED	1024	/* runs that are passed over in a call */

/* Mark where a key and its words start. */
static void
starts_of_key(const struct index *index, uint32_t rank)
{
	size_t len, start = index->starts[rank];
	const uint8_t *key = index_key(index, rank, &len);
	bool within = false, has;

	for (size_t i = 0; i < len; i++) {
		if ((key[i] & 0xc0) == 0x80)
			continue;
		if (key[i] < 0x80)
			has = word_has(key[i]);
		else
			has = within ? !word_ends(key, len, i) :
			    word_starts(key, len, i);
		if (i == 0 || (has && !within))
			index->marks[(start + i) / 64] |= UINT64_C(1) <<
			    (start + i) % 64;
		within = has;
	}
}

/* Bring the marks into the order of the suffixes, and count them by runs. */
static void
starts_in_order(struct index *index)
{
	uint32_t before = 0;

	for (size_t i = 0; i < index->text_len; i++) {
		size_t pos = (uint32_t)index->suffixes[i];
		uint64_t is_start = index->marks[pos / 64] >> pos % 64 & 1;

		if (i % INDEX_STARTS == 0) {
			pace();
			index->starts_before[i / INDEX_STARTS] = before;
		}
		index->word_starts[i / 64] |= is_start << i % 64;
		before += (uint32_t)is_start;
	}
	index->starts_before[(index->text_len + INDEX_STARTS - 1) /
	    INDEX_STARTS] = before;
}

int
index_fill_starts(struct index *index)
{
	size_t words = index->text_len / 64 + 1;

	index->marks = calloc(words, sizeof(*index->marks));
	index->word_starts = calloc(words, sizeof(*index->word_starts));
	index->starts_before = calloc(index->text_len / INDEX_STARTS + 2,
	    sizeof(*index->starts_before));
	if (index->marks == NULL || index->word_starts == NULL ||
	    index->starts_before == NULL)
		return -1;
	for (uint32_t rank = 0; rank < index->n; rank++) {
		if (rank % PACE_ENTRIES == 0)
			pace();
		starts_of_key(index, rank);
	}
	starts_in_order(index);
	return 0;
}

bool
index_starts_in(const struct index *index, uint32_t rank, const uint8_t *str,
    size_t len)
{
	size_t at = index->starts[rank], end = index->starts[rank + 1];

	while (at + len <= end) {
		uint64_t bits = index->marks[at / 64] >> at % 64;

		for (; bits != 0; bits &= bits - 1) {
			size_t pos = at + (size_t)__builtin_ctzll(bits);

			if (pos + len > end)
				return false;
			if (index->text[pos] == str[0] &&
			    memcmp(index->text + pos, str, len) == 0)
				return true;
		}
		at += 64 - at % 64;
	}
	return false;
}

/* How many places before one are such. */
static size_t
starts_before(const struct index *index, size_t at)
{
	size_t run = at / INDEX_STARTS, count = index->starts_before[run];

	for (size_t i = run * STARTS_WORDS; i < at / 64; i++)
		count += (size_t)__builtin_popcountll(index->word_starts[i]);
	if (at % 64 != 0)
		count += (size_t)__builtin_popcountll(
		    index->word_starts[at / 64] << (64 - at % 64));
	return count;
}

size_t
index_count_starts(const struct index *index, size_t lo, size_t n)
{
	return starts_before(index, lo + n) - starts_before(index, lo);
}

size_t
index_skip_starts(const struct index *index, size_t at, size_t end)
{
	size_t run = at / INDEX_STARTS, most = run + STARTS_PASSED;

	if (at % INDEX_STARTS != 0)
		return at;
	while (run < most && run < end / INDEX_STARTS &&
	    index->starts_before[run] == index->starts_before[run + 1])
		run++;
	return run * INDEX_STARTS;
}
