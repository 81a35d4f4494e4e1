/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WHO_WORDS_H
#define WHO_WORDS_H

/*
 * The words of a rule as they are written: into what they mean, and back.  A
 * word may have any bytes but NUL and a comma.
 *
 *	192.0.2.0/24,unix,user:alice,group:1005,cn:payroll.example
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/who/who.h"

struct problems;

/* Where a list was written, for problems; borrowed. */
struct who_place {
	struct problems *problems;
	const char *file;		/* NULL: in none */
	unsigned int line;
	const char *what;		/* of the list: "allow=", "deny=" */
};

/*
 * Read a list of words with commas between them.
 *
 * list  gets them, behind what it has; owned by the caller, whatever is
 *       returned
 * text  changed meanwhile
 *
 * Returns 0; or -1 with at least one problem.
 */
int who_words_read(struct who_list *list, char *text,
    const struct who_place *);

/*
 * What a word begins with, as it may be read again: all of a network, "unix",
 * or "user:", which the word's text follows.
 *
 * buf  WHO_START_SIZE bytes
 *
 * Returns it: buf, or static.
 */
const char *who_word_start(const struct who_word *, char *buf);

#define WHO_START_SIZE	64

/*
 * What stands for a kind: "unix", or "user:" where something follows; static.
 * NULL for a network.
 */
const char *who_kind_word(enum who_kind);

#endif
