/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The colours are of the eight that every terminal has; the escapes are ours,
 * and what is between them is escaped.
 */

#include "config.h"

#include "color.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"

#define COLOR_KEY	"\033[36m"	/* cyan */
#define COLOR_MARKED	"\033[1;31m"	/* bold and red, as grep(1) has it */
#define COLOR_END	"\033[m"

bool
color_is_wanted(enum options_color color, FILE *file)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	switch (color) {
	case OPTIONS_ALWAYS:
		return true;
	case OPTIONS_NEVER:
		return false;
	case OPTIONS_AUTO:
		break;
	}
	return (no == NULL || *no == '\0') && term != NULL &&
	    *term != '\0' && strcmp(term, "dumb") != 0 &&
	    output_is_terminal(file);
}

static void
color_part(FILE *file, const char *color, const char *part, size_t len)
{
	if (len == 0)
		return;
	output_text(file, color);
	output_field(file, part, len);
	output_text(file, COLOR_END);
}

void
color_key(FILE *file, const char *key, size_t len, size_t start,
    size_t marked)
{
	size_t end = start + marked;

	if (marked == 0)
		start = end = 0;
	color_part(file, COLOR_KEY, key, start);
	color_part(file, COLOR_MARKED, key + start, marked);
	color_part(file, COLOR_KEY, key + end, len - end);
}

static int
color_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Whether they are the same but for the case of ASCII's letters. */
static bool
color_is_same(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (color_lower(a[i]) != color_lower(b[i]))
			return false;
	return true;
}

/* The first place from which on a key has what was asked, or len. */
static size_t
color_place(const char *key, size_t len, const char *asked, size_t asked_len)
{
	const char *exact = memmem(key, len, asked, asked_len);
	size_t at = 0;

	if (exact != NULL)
		return (size_t)(exact - key);
	while (at + asked_len <= len &&
	    !color_is_same(key + at, asked, asked_len))
		at++;
	return at + asked_len <= len ? at : len;
}

size_t
color_find(const char *way, const char *key, size_t len, const char *asked,
    size_t asked_len, size_t *start)
{
	if (asked_len == 0 || asked_len > len)
		return 0;
	if (strcmp(way, "prefix") == 0)
		*start = 0;
	else if (strcmp(way, "suffix") == 0)
		*start = len - asked_len;
	else if (strcmp(way, "substring") == 0 ||
	    strcmp(way, "words") == 0 || strcmp(way, "text") == 0)
		*start = color_place(key, len, asked, asked_len);
	else
		return 0;
	return *start + asked_len <= len &&
	    color_is_same(key + *start, asked, asked_len) ? asked_len : 0;
}
