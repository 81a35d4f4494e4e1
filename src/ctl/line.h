/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LINE_H
#define LINE_H

/*
 * A line for a terminal, which is cut where the terminal ends.  Texts are
 * anybody's: of what would move the cursor or change the direction of
 * writing, the spelling of escape.h is written; backslashes stay, since who
 * quotes somebody has escaped that already.
 */

#include <stddef.h>
#include <stdio.h>

/* Columns are those of wcwidth(3), for the LC_CTYPE that is set. */
struct line {
	FILE *out;		/* borrowed */
	size_t left;		/* columns that are free; SIZE_MAX: any */
	size_t used;
};

/*
 * Begin a line.
 *
 * columns  that it may have; 0: as many as it takes
 */
void line_begin(struct line *, FILE *out, size_t columns);

/*
 * Add text; as much of it as there is room for.
 *
 * Returns the rest.
 */
const char *line_add(struct line *, const char *text);
void line_printf(struct line *, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/*
 * Add text in a column of its own: cut to it, or filled up with blanks, in
 * front of it if it is a number.
 */
void line_left(struct line *, const char *text, size_t columns);
void line_right(struct line *, const char *text, size_t columns);

/*
 * Add blanks until so many columns are used.
 */
void line_fill(struct line *, size_t columns);

#endif
