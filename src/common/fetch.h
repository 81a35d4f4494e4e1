/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FETCH_H
#define FETCH_H

/*
 * Memory that will soon be written, on its way to the caches meanwhile: worth
 * it where more is in use than these hold, and it is known early what is next.
 */

#include <stddef.h>
#include <stdint.h>

#define FETCH_LINE	64	/* bytes */

/*
 * Fetch some bytes, whatever is there: nothing is read, any address will do.
 */
static inline void
fetch_lines(const void *p, size_t len)
{
	uintptr_t at = (uintptr_t)p;

	for (uintptr_t end = at + len; at < end; at += FETCH_LINE)
		__builtin_prefetch((const void *)at, 1);
}

#endif
