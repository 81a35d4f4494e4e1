/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ROLL_H
#define ROLL_H

/*
 * A die for tests: the same numbers in each run of a program, and everywhere.
 */

#include <stdint.h>

/*
 * The next number, of 64 bits, never 0.
 */
uint64_t roll_bits(void);

/*
 * One of 0 to sides - 1.
 */
uint32_t roll(uint32_t sides);

#endif
