/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FAILING_H
#define FAILING_H

/*
 * Allocations that fail when a test wants it: those of our own lines, not
 * those that libraries make for themselves.  A program that uses this is
 * linked with FAILING_WRAPS, which name all that is replaced.
 */

#include <stdbool.h>

/*
 * Let one allocation fail, the nth from now on, or with all also those behind
 * it.  n is at least 1.
 */
void failing_start(unsigned int n, bool all);

/*
 * Let none fail any more.
 *
 * Returns whether one did.
 */
bool failing_stop(void);

#endif
