/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef KEYS_H
#define KEYS_H

/*
 * The keys of a search, one after the other: words of the command line, and
 * in the place of "-", the lines of standard input, as they come,
 * whether they end in LF or in CR LF.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum keys_result {
	KEYS_ONE,	/* here is one */
	KEYS_LATER,	/* none before the deadline */
	KEYS_BAD,	/* a line that is no key was left out; see why */
	KEYS_FAILED,	/* standard input cannot be read; errno says why */
	KEYS_END
};

struct keys {
	char **words;		/* borrowed */
	int words_left;
	int fd;			/* where "-" reads from */
	bool in_lines;		/* now, from there */
	bool eof;
	size_t line;		/* number of the last line taken, from 1 */
	const char *why;	/* static: with KEYS_BAD, what it is instead */
	char *data;		/* owned */
	size_t start;		/* of the next line in data */
	size_t seen;		/* bytes behind start without a newline */
	size_t len;		/* bytes in data */
	size_t cap;
};

/*
 * Start.
 *
 * words, count  borrowed until keys_clear()
 * fd            what "-" stands for; stays the caller's
 */
void keys_init(struct keys *keys, char **words, int count, int fd);

void keys_clear(struct keys *keys);

/*
 * Take the next key.
 *
 * key, len     set with KEYS_ONE; borrowed until the next call
 * deadline_ms  until when to wait for a line: appmsg_deadline(); -1 for ever,
 *              0 not at all
 */
enum keys_result keys_next(struct keys *keys, const char **key, size_t *len,
    int64_t deadline_ms);

#endif
