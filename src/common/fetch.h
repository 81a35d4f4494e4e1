/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FETCH_H
#define FETCH_H

/*
 * Memory that will soon be written, on its way to the caches meanwhile: worth
 * it where more is in use than these hold, and it is known early what is next.
 */

#include <stddef.h>

#define FETCH_LINE	64	/* bytes */

/*
 * Fetch some bytes, which need not be there: nothing is read.  NULL is allowed.
 */
static inline void
fetch_lines(const void *p, size_t len)
{
	const char *line = p;

	for (size_t at = 0; line != NULL && at < len; at += FETCH_LINE)
		__builtin_prefetch(line + at, 1);
}

#endif
