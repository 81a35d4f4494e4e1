/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WAY_H
#define WAY_H

/*
 * What is said of tables before there is one: how long a key may be, how a
 * table is searched, what becomes of a key that comes twice; and the words
 * for these in configuration, requests and reports.
 */

#define TABLE_KEY_MAX	1024	/* bytes of a key; 1 is the least */

/* The ways to search, and sets of them. */
enum table_way {
	TABLE_EXACT,
	TABLE_PREFIX,
	TABLE_SUFFIX,
	TABLE_SUBSTRING,
	TABLE_FUZZY,
	TABLE_REGEX,
	TABLE_WORDS,
	TABLE_TEXT,
	TABLE_WAYS
};
#define TABLE_WAY(way)	(1u << (way))

/* What to do with a key that comes again. */
enum table_duplicates {
	TABLE_DUPLICATES_ERROR,
	TABLE_DUPLICATES_FIRST,	/* the first one counts */
	TABLE_DUPLICATES_LAST,
	TABLE_DUPLICATES_JOIN,	/* all do, a line each */
	TABLE_DUPLICATES	/* how many there are */
};

/* Whether the first record of a .csv names the columns. */
enum table_header {
	TABLE_HEADER_AUTO,	/* where it must, or its names say so */
	TABLE_HEADER_YES,
	TABLE_HEADER_NO
};

/* What is said of the columns of .csv files; zeroed: nothing.  A column is a
 * number from 1, or a name. */
struct table_columns {
	char *key;		/* NULL: not said */
	char *answer;		/* "*": all columns, as a JSON object */
	char *weight;
	char separator;		/* 0: what the first record has most of */
	enum table_header header;
};

#define TABLE_COLUMN_MAX	16384

/* The words, as configuration and requests have them. */
extern const char *const table_way_names[TABLE_WAYS];
extern const char *const table_duplicates_names[TABLE_DUPLICATES];

#endif
