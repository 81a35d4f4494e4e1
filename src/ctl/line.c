/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Character by character: what is spelled has a column a byte, what is not
 * has the columns that the system says.
 */

#include "config.h"

#include "line.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "common/escape.h"

#define PRINTF_MAX	1024	/* bytes of one part of ours */

/* A character as it is written. */
struct glyph {
	char bytes[ESCAPE_SIZE(4)];
	size_t len;
	size_t columns;
};

/*
 * Take the first character of a text.
 *
 * Returns its bytes in the text.
 */
static size_t
take_glyph(const char *text, size_t len, struct glyph *g)
{
	uint32_t cp = 0;
	size_t n = escape_utf8(text, len, &cp);
	int columns = n > 0 ? wcwidth((wchar_t)cp) : -1;

	if (n > 0 && (escape_is_plain(cp) || cp == '\\')) {
		memcpy(g->bytes, text, n);
		g->len = n;
		/* What this system does not know takes one, mostly. */
		g->columns = columns < 0 ? 1 : (size_t)columns;
		return n;
	}
	g->len = g->columns = escape(g->bytes, sizeof(g->bytes), text,
	    n > 0 ? n : 1);
	return n > 0 ? n : 1;
}

/* The columns of as much of a text as fits into some; all of it: its own. */
static size_t
width(const char *text, size_t columns)
{
	size_t len = strlen(text), used = 0, n;
	struct glyph g;

	for (; len > 0; text += n, len -= n) {
		n = take_glyph(text, len, &g);
		if (g.columns > columns - used)
			break;
		used += g.columns;
	}
	return used;
}

void
line_begin(struct line *line, FILE *out, size_t columns)
{
	line->out = out;
	line->left = columns > 0 ? columns : SIZE_MAX;
	line->used = 0;
}

/* Returns what did not fit. */
static const char *
add(struct line *line, const char *text, size_t columns)
{
	size_t len = strlen(text), n;
	struct glyph g;

	if (columns > line->left)
		columns = line->left;
	for (; len > 0; text += n, len -= n) {
		n = take_glyph(text, len, &g);
		if (g.columns > columns)
			break;
		fwrite(g.bytes, 1, g.len, line->out);
		columns -= g.columns;
		line->left -= g.columns;
		line->used += g.columns;
	}
	return text;
}

const char *
line_add(struct line *line, const char *text)
{
	return add(line, text, SIZE_MAX);
}

void
line_printf(struct line *line, const char *format, ...)
{
	char part[PRINTF_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(part, sizeof(part), format, ap);
	va_end(ap);
	line_add(line, part);
}

void
line_fill(struct line *line, size_t columns)
{
	while (line->used < columns && line->left > 0) {
		fputc(' ', line->out);
		line->left--;
		line->used++;
	}
}

void
line_left(struct line *line, const char *text, size_t columns)
{
	size_t end = line->used + columns;

	add(line, text, columns);
	line_fill(line, end);
}

void
line_right(struct line *line, const char *text, size_t columns)
{
	line_fill(line, line->used + columns - width(text, columns));
	add(line, text, columns);
}
