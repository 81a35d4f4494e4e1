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

#endif
