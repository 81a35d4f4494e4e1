/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef QUOTE_H
#define QUOTE_H

/*
 * Keys in messages about tables.
 */

#include <stddef.h>

#define QUOTE_MAX	((size_t)64)	/* bytes of a key that are quoted */
#define QUOTE_SIZE	(2 * QUOTE_MAX + sizeof("..."))

/*
 * Make a key a C string: cut behind a character when long, with "..." for
 * the rest; each NUL spelled as in a .tsv.  All else is left to who escapes
 * the message.
 */
void quote(char out[QUOTE_SIZE], const char *key, size_t len);

#endif
