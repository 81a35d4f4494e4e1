/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Texts of words.
 */

#include "config.h"

#include "phrases.h"

#include <err.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_LEN_MAX	20	/* bytes */
#define VOCABULARY	30000	/* words, the common ones first */

static struct text vocabulary[VOCABULARY];
static uint64_t seed = 42;

unsigned int
phrase_rnd(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed >> 33) % n;
}

const struct text *
phrase_word(size_t n)
{
	return &vocabulary[n];
}

/* A word by its rank: the nth is n times as rare as the first. */
const struct text *
phrase_some(void)
{
	double rank = exp(phrase_rnd(1u << 20) / (double)(1u << 20) *
	    log(VOCABULARY + 1.0));

	return &vocabulary[(size_t)rank - 1];
}

void
phrase_add(struct text *text, const struct text *word)
{
	if (text->len > 0)
		text->p[text->len++] = ' ';
	memcpy(text->p + text->len, word->p, word->len);
	text->len += word->len;
}

void
phrase_make(struct text *text)
{
	text->len = 0;
	for (unsigned int n = 2 + phrase_rnd(4); n > 0; n--)
		phrase_add(text, phrase_some());
}

void
phrase_read(const char *path)
{
	FILE *f = fopen(path, "r");
	struct text all;
	char *line = NULL;
	size_t size = 0, n = 0, lines = 0;
	ssize_t len;

	if (f == NULL)
		err(66, "%s", path);
	/* Any of them, but no long ones: each seventh that will do. */
	while (n < VOCABULARY && (len = getline(&line, &size, f)) > 1) {
		len -= line[len - 1] == '\n';
		if (len > WORD_LEN_MAX || lines++ % 7 != 0)
			continue;
		memcpy(vocabulary[n].p, line, (size_t)len);
		vocabulary[n++].len = (size_t)len;
	}
	if (n < VOCABULARY)
		errx(66, "%s: too few words", path);
	for (size_t i = n; i > 1; i--) {
		size_t j = phrase_rnd((unsigned int)i);

		all = vocabulary[j];
		vocabulary[j] = vocabulary[i - 1];
		vocabulary[i - 1] = all;
	}
	free(line);
	fclose(f);
}
