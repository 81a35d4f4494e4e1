/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONF_ROWS_H
#define CONF_ROWS_H

/*
 * The scalar directives, a row each.  What a row's value is says its type:
 * how it is read, written and compared, so that a new row of a known type is
 * a line, and a new type is three functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct conf;
struct conf_row;
struct lex_word;
struct parser;

struct conf_type {
	/* Set what a row's member is when nothing is said; NULL: zeros. */
	void (*init)(struct conf *, const struct conf_row *);
	/* Set it from a word; 0, or -1 as parse.h has it. */
	int (*parse)(struct parser *, const struct conf_row *,
	    const struct lex_word *);
	/* Write its line; or nothing, where no line says what it is. */
	void (*show)(const struct conf *, const struct conf_row *, FILE *);
	bool (*equal)(const struct conf *, const struct conf *,
	    const struct conf_row *);
};

extern const struct conf_type conf_type_number;	/* int64_t; k, m, g: 1024s */
extern const struct conf_type conf_type_time;	/* int64_t, ms */
extern const struct conf_type conf_type_workers;	/* int64_t; auto: 0 */
extern const struct conf_type conf_type_path;	/* char *; absolute */
extern const struct conf_type conf_type_control;	/* with its group */
extern const struct conf_type conf_type_user;	/* char *; must exist */
extern const struct conf_type conf_type_level;	/* enum log_level */
extern const struct conf_type conf_type_bool;	/* bool; yes and no */
extern const struct conf_type conf_type_access;	/* a path, or no: NULL */
extern const struct conf_type conf_type_only;	/* enum conf_only */

struct conf_row {
	const char *directive;
	const char *name;	/* the directive's second word, or NULL */
	char between;		/* name and value: a blank or '=' */
	const struct conf_type *type;
	int64_t min, max;	/* both inclusive */
	int64_t value;		/* the default; strings have none */
	size_t offset;		/* in struct conf */
	bool reload;		/* whether a reload applies it */
};

extern const struct conf_row conf_rows[];
extern const size_t conf_rows_n;

/* The names of log level, by enum log_level, NULL at the end. */
extern const char *const conf_levels[];

/*
 * Where a scalar was said: file is NULL if nowhere, line 0 if by no line.
 * Borrowed from conf.
 *
 * name  the directive's second word, or NULL
 */
const struct conf_place *conf_said(const struct conf *,
    const char *directive, const char *name);

/*
 * Note that a scalar has its value by no line, but by the file that was read
 * first: its place has that and line 0.
 */
void conf_say_default(struct conf *, const char *directive, const char *name);

/*
 * Set a scalar from a word.
 *
 * Returns 0, or -1 as parse.h has it: also where there is no such name, and
 * when it was said before.
 */
int conf_row_parse(struct parser *, const char *directive, const char *name,
    const struct lex_word *value);

/*
 * Write a word in quotes, as a configuration may have it; or a part of one,
 * for which the quotes are the caller's.
 */
void conf_show_escaped(FILE *, const char *text, size_t len);
void conf_show_quoted(FILE *, const char *text, size_t len);

/*
 * Write a number of bytes, and a time in milliseconds, as a configuration may
 * have them.
 */
void conf_show_size(FILE *, int64_t n);
void conf_show_time(FILE *, int64_t ms);

#endif
