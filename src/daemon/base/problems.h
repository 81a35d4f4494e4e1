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
	char *of;		/* owned: the file that it counts to, or NULL */
	size_t more;		/* not 0: it stands for so many that are not
				   told themselves, "and 9,198 more in words" */
	unsigned int file_number;	/* in the order they were first named */
	unsigned int line;
};

struct problems {
	struct problem *list;	/* owned; in the order of files and lines */
	size_t n;
	size_t dropped;		/* beyond PROBLEMS_MAX or memory: just counted */
};

#define PROBLEMS_MAX	100
#define PROBLEMS_FILE_MAX	10	/* of one file */

#define PROBLEMS_INIT	{ NULL, 0, 0 }

/*
 * Add one.  Control characters and the like in it are escaped: it quotes what
 * files say; what is very long is cut in its middle.  Of each file those with
 * the first lines are kept, PROBLEMS_FILE_MAX of them, so that no file hides
 * what is wrong in others.
 *
 * file  as the administrator knows it; NULL: the message stands alone
 * line  from 1; 0: it is about the whole file
 */
void problems_add(struct problems *, const char *file, unsigned int line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * The same for what is told at one place, but is about another file, of which
 * it is one.
 *
 * of  a path
 */
void problems_add_of(struct problems *, const char *of, const char *file,
    unsigned int line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * Count n more that are wrong in a file: those behind its PROBLEMS_FILE_MAX
 * first ones, which who knows many need not spell.
 */
void problems_more(struct problems *, const char *of, size_t n);

/*
 * How many there are, those that are just counted included: 0 is what says
 * that nothing is wrong.
 */
size_t problems_count(const struct problems *);

/*
 * Write every line, and how many more there are; on standard error as
 * log_mark() says.
 */
void problems_print(const struct problems *, FILE *);

/*
 * Free all lines; the struct may be used again.
 */
void problems_clear(struct problems *);

#endif
