/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CLOCK_H
#define CLOCK_H

/*
 * The monotonic clock, which no administrator sets.
 */

#include <stdint.h>

/*
 * Nanoseconds, to measure what takes little time.
 */
int64_t clock_ns(void);

/*
 * Milliseconds, exact to a tick of the kernel and cheaper: for deadlines,
 * which read it several times a wake-up.
 */
int64_t clock_ms(void);

#endif
