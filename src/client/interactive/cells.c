/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "cells.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "client/base/output.h"
#include "common/escape.h"

#define CELLS_UNIT_SIZE	32	/* bytes of a character, however spelled */
#define CELLS_MARKS_MAX	8	/* over one character */
#define CELLS_CUT	"\342\200\246"	/* ... as one character */

/* A character of a text, as it is shown. */
struct unit {
	char text[CELLS_UNIT_SIZE];
	size_t text_len;
	size_t len;		/* bytes of the text that it is for */
	size_t width;
	bool is_spelled;	/* though escape() would leave it */
};

/* Where one is in a text. */
struct place {
	const char *data;
	size_t len;
	bool is_typed;		/* a backslash is itself */
	size_t marks;		/* without a width, in a row before it */
};

/* Take the next character. */
static void
next(struct place *at, struct unit *unit)
{
	uint32_t cp = 0;
	size_t n = escape_utf8(at->data, at->len, &cp);
	int width = -1;
	bool is_plain = n > 0 && (escape_is_plain(cp) ||
	    (at->is_typed && cp == '\\'));

	unit->len = n > 0 ? n : 1;
	unit->is_spelled = false;
	if (is_plain)
		width = wcwidth((wchar_t)cp);
	if (width == 0 && ++at->marks > CELLS_MARKS_MAX)
		width = -1;
	if (width > 0)
		at->marks = 0;
	if (width >= 0) {
		memcpy(unit->text, at->data, n);
		unit->text_len = n;
		unit->width = (size_t)width;
	} else {
		unit->is_spelled = is_plain;
		if (is_plain)
			unit->text_len = (size_t)snprintf(unit->text,
			    sizeof(unit->text), "\\u{%x}", (unsigned int)cp);
		else
			unit->text_len = escape(unit->text,
			    sizeof(unit->text), at->data, unit->len);
		/* All of it is ASCII. */
		unit->width = unit->text_len;
	}
	at->data += unit->len;
	at->len -= unit->len;
}

static size_t
fit(struct place at, size_t max, size_t *width)
{
	struct unit unit;
	size_t cells = 0, fits = 0;

	while (at.len > 0) {
		next(&at, &unit);
		if (unit.width > max - cells)
			break;
		cells += unit.width;
		fits += unit.len;
	}
	if (width != NULL)
		*width = cells;
	return fits;
}

size_t
cells_fit(const char *data, size_t len, size_t max, size_t *width)
{
	const struct place at = { data, len, false, 0 };

	return fit(at, max, width);
}

/* Where a line may end that is followed by more: behind a blank, if near. */
static size_t
find_blank(const char *data, size_t len)
{
	for (size_t i = len; i > len - len / 2; i--)
		if (data[i - 1] == ' ')
			return i;
	return len;
}

size_t
cells_fold(const char *data, size_t len, size_t max, size_t *width)
{
	struct place at = { data, len, false, 0 };
	struct unit unit;
	size_t fits = cells_fit(data, len, max, width);

	if (fits == len || (fits > 0 && data[fits] == ' '))
		return fits;
	if (fits == 0) {
		next(&at, &unit);
		*width = unit.width;
		return unit.len;
	}
	fits = find_blank(data, fits);
	return cells_fit(data, fits, max, width);
}

static size_t
measure(struct place at, size_t max)
{
	size_t width;

	return fit(at, max, &width) == at.len ? width : max + 1;
}

size_t
cells_width(const char *data, size_t len, size_t max)
{
	const struct place at = { data, len, false, 0 };

	return measure(at, max);
}

size_t
cells_typed_width(const char *data, size_t len, size_t max)
{
	const struct place at = { data, len, true, 0 };

	return measure(at, max);
}

bool
cells_is_escaped(const char *data, size_t len)
{
	struct place at = { data, len, false, 0 };
	struct unit unit = { .is_spelled = false };

	while (at.len > 0 && !unit.is_spelled)
		next(&at, &unit);
	return !unit.is_spelled;
}

static void
print(FILE *file, struct place at)
{
	struct unit unit;

	while (at.len > 0) {
		next(&at, &unit);
		unit.text[unit.text_len] = '\0';
		output_text(file, unit.text);
	}
}

void
cells_print(FILE *file, const char *data, size_t len)
{
	const struct place at = { data, len, false, 0 };

	print(file, at);
}

static size_t
print_cut(FILE *file, struct place at, size_t max)
{
	size_t width, fits = fit(at, max, &width), len = at.len;

	if (fits < len && max > 0)
		fits = fit(at, max - 1, &width);
	at.len = fits;
	print(file, at);
	if (fits == len || max == 0)
		return width;
	output_text(file, CELLS_CUT);
	return width + 1;
}

size_t
cells_print_cut(FILE *file, const char *data, size_t len, size_t max)
{
	const struct place at = { data, len, false, 0 };

	return print_cut(file, at, max);
}

size_t
cells_print_typed(FILE *file, const char *data, size_t len, size_t max)
{
	const struct place at = { data, len, true, 0 };

	return print_cut(file, at, max);
}

void
cells_pad(FILE *file, size_t n)
{
	while (n-- > 0)
		output_text(file, " ");
}
