/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PHRASES_H
#define PHRASES_H

/*
 * Texts of words, some of which are far more common than others, as in a
 * language; the same each time.
 */

#include <stddef.h>

#define PHRASE_MAX	128	/* bytes of a text */
#define PHRASE_COMMON	100	/* words that are */

struct text {
	char p[PHRASE_MAX];
	size_t len;
};

/* One of 0 to n - 1. */
unsigned int phrase_rnd(unsigned int n);

/* Read the words, of a file with a word a line; ends the program without. */
void phrase_read(const char *path);

/* The nth most common word, and one that is drawn as common words are. */
const struct text *phrase_word(size_t n);
const struct text *phrase_some(void);

/* Add a word behind a blank. */
void phrase_add(struct text *, const struct text *word);

/* A text of 2 to 5 words. */
void phrase_make(struct text *);

#endif
