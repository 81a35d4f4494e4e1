/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TEXTS_H
#define TEXTS_H

/*
 * Texts in the rows of tests, which may hold NUL.
 */

#include <stddef.h>

struct text {
	const char *p;
	size_t len;
};
#define TEXT(literal) { literal, sizeof(literal) - 1 }

/* What is said of a key that comes again. */
#define ONE	" (duplicates=first or last keeps one, join all)"

/* What is said of bytes that may be what their names say. */
#define LATIN1	"not UTF-8, but perhaps Latin-1 (iconv -f latin1 -t utf-8)"
#define WINDOWS	"not UTF-8, but perhaps Windows-1252 " \
	"(iconv -f windows-1252 -t utf-8)"

#endif
