/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "choices.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "client/base/output.h"
#include "common/escape.h"

#define CHOICES_GAP	2	/* cells between columns */

int
choices_add(struct choices *choices, const char *word, size_t len)
{
	char *copy, **words;

	words = realloc(choices->words,
	    (choices->n + 1) * sizeof(*choices->words));
	if (words == NULL)
		return -1;
	choices->words = words;
	if ((copy = malloc(len + 1)) == NULL)
		return -1;
	memcpy(copy, word, len);
	copy[len] = '\0';
	choices->words[choices->n++] = copy;
	return 0;
}

void
choices_clear(struct choices *choices)
{
	for (size_t i = 0; i < choices->n; i++)
		free(choices->words[i]);
	free(choices->words);
	memset(choices, 0, sizeof(*choices));
}

/* The bytes that can be typed at the start of a text: whole characters. */
static size_t
typed_len(const char *text, size_t len)
{
	size_t at, n;
	uint32_t cp;

	for (at = 0; at < len; at += n) {
		n = escape_utf8(text + at, len - at, &cp);
		if (n == 0 || (!escape_is_plain(cp) && cp != '\\'))
			break;
	}
	return at;
}

bool
choices_is_typed(const char *text, size_t len)
{
	return typed_len(text, len) == len;
}

size_t
choices_count(const char *text, size_t len)
{
	size_t at, n, count = 0;
	uint32_t cp;

	for (at = 0; at < len; at += n, count++)
		if ((n = escape_utf8(text + at, len - at, &cp)) == 0)
			n = 1;
	return count;
}

size_t
choices_common(const struct choices *choices)
{
	const char *first;
	size_t len, at;

	if (choices->n == 0)
		return 0;
	first = choices->words[0];
	len = typed_len(first, strlen(first));
	for (size_t i = 1; i < choices->n; i++) {
		for (at = 0; at < len && choices->words[i][at] == first[at];
		    at++)
			;
		len = at;
	}
	/* It may end within a character. */
	while (len > 0 && ((unsigned char)first[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void
choices_print(const struct choices *choices, size_t width)
{
	size_t widest = 1, columns, rows, w, i;

	for (i = 0; i < choices->n; i++) {
		w = cells_typed_width(choices->words[i],
		    strlen(choices->words[i]), width);
		if (w > widest)
			widest = w < width ? w : width;
	}
	columns = (width + CHOICES_GAP) / (widest + CHOICES_GAP);
	if (columns == 0)
		columns = 1;
	rows = (choices->n + columns - 1) / columns;
	for (size_t row = 0; row < rows; row++) {
		for (i = row; i < choices->n; i += rows) {
			w = cells_print_typed(stdout, choices->words[i],
			    strlen(choices->words[i]), widest);
			if (i + rows < choices->n)
				cells_pad(stdout, widest - w + CHOICES_GAP);
		}
		output_text(stdout, "\n");
	}
	if (choices->more)
		output_text(stdout, "... and more\n");
}
