/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef VIEW_H
#define VIEW_H

/*
 * A sample and its rates as lines for people.  It looks at no terminal and no
 * clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct rates;
struct sample;

struct view {
	const struct sample *sample;
	const struct rates *rates;
	const char *problem;	/* why these are not of now; NULL: they are */
	/*
	 * A screen: lines that are longer are cut, each section gets its share
	 * of the lines, and titles stand out, by ANSI's sequences.  Without,
	 * all is there, and lines end in newlines.
	 */
	bool screen;
	size_t columns;		/* 0: any */
	size_t rows;		/* of a screen */
};

/*
 * Draw it.  Of a screen, from the cursor's line on, which is the first; what was
 * there is cleared.
 */
void view_draw(const struct view *, FILE *out);

#endif
