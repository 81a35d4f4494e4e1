/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "fuzz_words.h"

#include <string.h>

#include "daemon/table/word.h"

#define WORDS_MAX	32
#define BYTES_MAX	4096

bool
words_are_many(const char *value, size_t len)
{
	size_t start, end = 0;
	unsigned int n = 0;

	while (word_next(value, len, &start, &end))
		n++;
	return n > WORDS_MAX || len > BYTES_MAX;
}

static bool
has_word(const char *text, size_t len, const char *word, size_t word_len,
    bool begins)
{
	size_t start, end = 0;

	while (word_next(text, len, &start, &end))
		if ((begins ? end - start >= word_len :
		    end - start == word_len) &&
		    memcmp(text + start, word, word_len) == 0)
			return true;
	return false;
}

bool
words_are_in(const char *value, size_t len, const char *key, size_t key_len,
    const char *text, size_t text_len)
{
	size_t start, end = 0, next, after;
	unsigned int n = 0;
	bool all = true;

	for (; word_next(value, len, &start, &end); n++) {
		const char *word = value + start;
		size_t word_len = end - start;
		bool last;

		after = end;
		last = !word_next(value, len, &next, &after);
		all = all && (has_word(key, key_len, word, word_len, last) ||
		    has_word(text, text_len, word, word_len, last));
	}
	return (all && n > 0) ||
	    (key_len >= len && memcmp(key, value, len) == 0);
}
