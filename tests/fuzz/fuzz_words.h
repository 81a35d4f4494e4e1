/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_WORDS_H
#define FUZZ_WORDS_H

/*
 * What a search for words must find, and what it refuses.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether a value has more words, or bytes, than may be looked for. */
bool words_are_many(const char *value, size_t len);

/*
 * Whether all words of a value, the last as a beginning, are in a key or a
 * text; or the key begins with it.
 */
bool words_are_in(const char *value, size_t len, const char *key,
    size_t key_len, const char *text, size_t text_len);

#endif
