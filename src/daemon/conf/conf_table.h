/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONF_TABLE_H
#define CONF_TABLE_H

/*
 * The scalar directives, a row each.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_type {
	CONF_TYPE_NUMBER,	/* int64_t; k, m and g are 1024-based */
	CONF_TYPE_TIME,		/* int64_t, milliseconds; s, m and h */
	CONF_TYPE_WORKERS,	/* int64_t; auto is 0 */
	CONF_TYPE_PATH,		/* char *; absolute */
	CONF_TYPE_USER,		/* char *; must exist */
	CONF_TYPE_LEVEL,	/* enum log_level */
	CONF_TYPE_BOOL,		/* bool; yes and no */
	CONF_TYPE_ACCESS	/* char *; absolute, or no: NULL */
};

struct conf_row {
	const char *directive;
	const char *name;	/* the directive's second word, or NULL */
	enum conf_type type;
	int64_t min, max;	/* both inclusive */
	int64_t value;		/* the default; strings have none */
	size_t offset;		/* in struct conf */
	bool reload;		/* whether a reload applies it */
};

#define CONF_ROWS	20

extern const struct conf_row conf_rows[CONF_ROWS];

/* The names of log level, by enum log_level, NULL at the end. */
extern const char *const conf_levels[];

#endif
