/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CELLS_H
#define CELLS_H

/*
 * Text in the cells of a terminal: anybody's bytes, escaped as escape.h says,
 * a character as wide as the terminal shows it.  What the locale cannot tell
 * the width of, and more marks over one character than any script has, are
 * spelled as well, so that nothing is wider than it is counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * How much of a text fits into so many cells.
 *
 * data, len  borrowed
 * max        cells
 * width      set to the cells of what fits; NULL: not wanted
 *
 * Returns its bytes: whole characters.
 */
size_t cells_fit(const char *data, size_t len, size_t max, size_t *width);

/*
 * The same for one of several lines of a text: the line ends behind a blank
 * where there is one near its end, and has something unless the text has not.
 */
size_t cells_fold(const char *data, size_t len, size_t max, size_t *width);

/*
 * Print a text on one line.
 */
void cells_print(FILE *file, const char *data, size_t len);

/*
 * The cells of a text, or a number that is above max.
 */
size_t cells_width(const char *data, size_t len, size_t max);

/*
 * Print as much of a text as fits into so many cells, with a mark at its end
 * where that is not all.
 *
 * Returns the cells that it took.
 */
size_t cells_print_cut(FILE *file, const char *data, size_t len, size_t max);

/*
 * Is a text shown as escape.h alone would have it?
 */
bool cells_is_escaped(const char *data, size_t len);

/*
 * As cells_width() and cells_print_cut(), of a text as a line that is typed has
 * it: a backslash in it is no escape, and stays one.
 */
size_t cells_typed_width(const char *data, size_t len, size_t max);
size_t cells_print_typed(FILE *file, const char *data, size_t len, size_t max);

/*
 * Print blanks.
 */
void cells_pad(FILE *file, size_t n);

#endif
