/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Optimal string alignment distance of short words, three rows at a time.
 */

#include "config.h"

#include "nearest.h"

#include <string.h>

/* Longer than any word that this is asked about. */
#define WORD_MAX_LEN	32

/* Fewer letters begin too much. */
#define BEGIN_MIN_LEN	3

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX_LEN + 1];
	size_t *before = rows[0], *prev = rows[1], *cur = rows[2], *tmp;

	for (size_t j = 0; j <= b_len; j++)
		prev[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		cur[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			cur[j] = min(min(prev[j], cur[j - 1]) + 1,
			    prev[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cur[j] = min(cur[j], before[j - 2] + 1);
		}
		tmp = before;
		before = prev;
		prev = cur;
		cur = tmp;
	}
	return prev[b_len];
}

/* The one that a word begins, or is begun by; NULL where there are several. */
static const char *
begun(const char *word, const char *const *known, size_t n)
{
	const char *found = NULL;
	size_t len;

	for (size_t i = 0; i < n; i++) {
		if (known[i] == NULL)
			continue;
		len = min(strlen(word), strlen(known[i]));
		if (len < BEGIN_MIN_LEN || memcmp(word, known[i], len) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = known[i];
	}
	return found;
}

const char *
nearest(const char *word, const char *const *known, size_t n)
{
	size_t len = strlen(word), best = len <= 3 ? 1 : len <= 7 ? 2 : 3;
	const char *found = NULL;

	if (len > WORD_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t known_len, d;

		if (known[i] == NULL)
			continue;
		known_len = strlen(known[i]);
		if (known_len > WORD_MAX_LEN)
			continue;
		d = distance(word, len, known[i], known_len);
		if (d < best || (d == best && found == NULL)) {
			best = d;
			found = known[i];
		}
	}
	return found != NULL ? found : begun(word, known, n);
}
