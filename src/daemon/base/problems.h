/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PROBLEMS_H
#define PROBLEMS_H

/*
 * All that is wrong with a configuration and its tables, collected so that
 * it can be told at once: lines of the form "file:line: message".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct problem {
	char *text;		/* owned: the whole line, without a newline */
	char *file;		/* owned; NULL: none */
	unsigned int file_number;	/* in the order they were first named */
	unsigned int line;
};

struct problems {
	struct problem *list;	/* owned; in the order of files and lines */
	size_t n;
	size_t dropped;		/* beyond PROBLEMS_MAX or memory: just counted */
};

#define PROBLEMS_MAX	100

#define PROBLEMS_INIT	{ NULL, 0, 0 }

/*
 * Add one.  Control characters and the like in it are escaped: it quotes what
 * files say.
 *
 * file  as the administrator knows it; NULL: the message stands alone
 * line  from 1; 0: it is about the whole file
 */
void problems_add(struct problems *, const char *file, unsigned int line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * How many there are, those that are just counted included: 0 is what says
 * that nothing is wrong.
 */
size_t problems_count(const struct problems *);

/*
 * Write every line, and how many more there are.
 */
void problems_print(const struct problems *, FILE *);

/*
 * Free all lines; the struct may be used again.
 */
void problems_clear(struct problems *);

#endif
