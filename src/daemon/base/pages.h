/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PAGES_H
#define PAGES_H

/*
 * Memory for many bytes that a peer is to get later, in pages of their own:
 * malloc(3) would keep most of what many slow peers had needed, and give it
 * back to the system only with a pause of 0.2 ms a megabyte.
 *
 * A thread keeps a few that it was given back: a peer that takes its replies
 * as fast as they are made would have them mapped and unmapped in each turn,
 * for which the kernel interrupts all processors.
 */

#include <stddef.h>

/* Bytes for which pages are worth it. */
#define PAGES_MIN	((size_t)16 << 10)

/*
 * Pages for len bytes, at least 1, with anything in them.
 *
 * Returns them, owned by the caller, pages_give(); or NULL with errno.
 */
void *pages_take(size_t len);

/*
 * Give pages back, in any thread.
 *
 * len  that they were taken for
 */
void pages_give(void *pages, size_t len);

/*
 * Unmap what the calling thread keeps, at its end.
 */
void pages_forget(void);

#endif
