/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONF_LEX_H
#define CONF_LEX_H

/*
 * A configuration file as lines of words.  A word in double quotes is a JSON
 * string; name="quoted" is one word; '#' starts a comment only where a word
 * may start; a backslash as the last byte of a line, outside of quotes and
 * comments, continues it; a line may end in CR LF.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/problems.h"

#define LEX_WORDS_MAX	64

struct lex_word {
	char *text;		/* owned by the lexer until the next line */
	size_t len;		/* may hold NUL where it was quoted */
	bool quoted;		/* all of it */
};

struct lex {
	const char *file;	/* borrowed, for problems */
	const char *p, *end;	/* borrowed */
	const char *text_start;	/* likewise */
	unsigned int next_line;	/* number of the line at p */
	unsigned int line;	/* where the words begin */
	struct lex_word words[LEX_WORDS_MAX];
	size_t n;
	char *text;		/* owned: the words' bytes */
	size_t text_cap;
	struct problems *problems;
};

/*
 * Start with a file's text, borrowed as long as the lexer.
 */
void lex_init(struct lex *, const char *file, const char *text, size_t len,
    struct problems *problems);

/*
 * Take the next line that has words.  Lines that are wrong become problems
 * and are passed over.
 *
 * Returns whether there was one.
 */
bool lex_next(struct lex *);

void lex_clear(struct lex *);

#endif
