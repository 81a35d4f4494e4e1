/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Where strings are: among the keys in their order, by samples first; and in
 * the text, by the suffix array.
 */

#include "config.h"

#include <string.h>

#include "daemon/index/index_private.h"

/* Whether a key is before a string (and, past, before what begins so). */
static bool
index_before(const struct index *index, uint32_t rank, const void *str,
    size_t len, bool past)
{
	size_t key_len;
	const uint8_t *key = index_key(index, rank, &key_len);
	int c = memcmp(key, str, key_len < len ? key_len : len);

	return c != 0 ? c < 0 : key_len < len || past;
}

uint32_t
index_lower(const struct index *index, const void *str, size_t len, bool past,
    uint32_t from, uint32_t to)
{
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (index_before(index, mid, str, len, past))
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Whether the keys of two ranks are equal. */
static bool
index_same(const struct index *index, uint32_t a, uint32_t b)
{
	size_t a_len, b_len;
	const uint8_t *p = index_key(index, a, &a_len);
	const uint8_t *q = index_key(index, b, &b_len);

	return a_len == b_len && memcmp(p, q, a_len) == 0;
}

uint32_t
index_behind(const struct index *index, uint32_t rank)
{
	uint32_t low = rank, high, step = 1;

	if (!index->equals)
		return rank + 1;
	/* They are neighbours, and mostly few. */
	while (index->n - low > step && index_same(index, rank, low + step)) {
		low += step;
		step *= 2;
	}
	high = index->n - low > step ? low + step : index->n;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (index_same(index, rank, mid))
			low = mid;
		else
			high = mid;
	}
	return high;
}

/* The first sample from from on that is not less; near ones are quick. */
static uint32_t
index_sample(const struct index *index, uint64_t word, uint32_t from)
{
	uint32_t step = 1, to = index->samples_n;

	while (to - from > step && index->samples[from + step] < word) {
		from += step;
		step *= 2;
	}
	if (to - from > step)
		to = from + step;
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (index->samples[mid] < word)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

uint32_t
index_seek(const struct index *index, const void *str, size_t len, bool past,
    uint32_t from)
{
	const uint8_t *p = str;
	size_t common = index->common;
	uint32_t low, high;
	uint64_t least, most;

	if (from >= index->n || !index_before(index, from, str, len, past))
		return from;
	if (++from == index->n || !index_before(index, from, str, len, past))
		return from;
	/* What is before it by those bytes is so with all others. */
	if (len < common || memcmp(index->text, str, common) != 0)
		return index->n;
	least = index_word(p + common, len - common);
	/* What begins with a short string is up to the same and 0xff. */
	most = least;
	if (past && len - common < 8)
		most |= UINT64_MAX >> 8 * (len - common);
	low = index_sample(index, least, from / INDEX_SAMPLE);
	high = most == UINT64_MAX ? index->samples_n :
	    index_sample(index, most + 1, low);
	if (low > 0 && (low - 1) * INDEX_SAMPLE > from)
		from = (low - 1) * INDEX_SAMPLE;
	high = high < index->samples_n ? high * INDEX_SAMPLE : index->n;
	return index_lower(index, str, len, past, from, high);
}

/* The first suffix that is not less than a string. */
static size_t
index_suffixes_lower(const struct index *index, const void *str, size_t len,
    bool past, size_t from, size_t to)
{
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		size_t pos = (uint32_t)index->suffixes[mid];
		size_t rest = index->text_len - pos;
		int c = memcmp(index->text + pos, str,
		    rest < len ? rest : len);

		if (c != 0 ? c < 0 : rest < len || past)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Whether the suffix at a place in the array begins with a string. */
static bool
index_suffix_has(const struct index *index, size_t at, const void *str,
    size_t len)
{
	size_t pos = (uint32_t)index->suffixes[at];

	return index->text_len - pos >= len &&
	    memcmp(index->text + pos, str, len) == 0;
}

size_t
index_suffixes(const struct index *index, const void *str, size_t len,
    size_t *lo)
{
	return index_suffixes_most(index, str, len, SIZE_MAX, lo);
}

size_t
index_suffixes_most(const struct index *index, const void *str, size_t len,
    size_t most, size_t *lo)
{
	size_t n = index->text_len, step = 1, from, to;

	from = index_suffixes_lower(index, str, len, false, 0, n);
	*lo = from;
	/* Mostly they are few: look near first. */
	while (n - from > step) {
		if (!index_suffix_has(index, from + step, str, len))
			break;
		from += step;
		if (from - *lo >= most)
			return most + 1;
		step *= 2;
	}
	to = n - from > step ? from + step : n;
	return index_suffixes_lower(index, str, len, true, from, to) - *lo;
}
