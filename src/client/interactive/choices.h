/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CHOICES_H
#define CHOICES_H

/*
 * What a text that is being typed may become: words that come in the place of
 * its end.
 */

#include <stdbool.h>
#include <stddef.h>

struct choices {
	size_t from;		/* byte of the text from which on it is one */
	char **words;		/* owned, with what each points to; UTF-8 */
	size_t n;
	bool more;		/* than those: what they share may be no
				   start of the others */
	bool closed;		/* a blank goes behind a single one */
};

/*
 * Add a word, which is copied.
 *
 * choices  zeroed before its first use
 *
 * Returns 0, or -1 when there is no memory.
 */
int choices_add(struct choices *choices, const char *word, size_t len);

/*
 * Free what it owns; it may be used again.
 */
void choices_clear(struct choices *choices);

/*
 * How much of the first word all words begin with, as far as it can be typed
 * and shown as it is: bytes, whole characters.
 */
size_t choices_common(const struct choices *choices);

/*
 * How many characters a text has.
 */
size_t choices_count(const char *text, size_t len);

/*
 * Are these bytes a key that a line can hold?
 */
bool choices_is_typed(const char *text, size_t len);

/*
 * Print them in columns on standard output.
 *
 * width  of the terminal
 */
void choices_print(const struct choices *choices, size_t width);

#endif
