/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SCARCE_H
#define SCARCE_H

/*
 * Memory that runs out, for a whole test program with its libraries: whoever
 * calls these functions has malloc(3) and its like from here.
 */

#include <stdbool.h>

/*
 * Whether it can: sanitizers, and other C libraries, have their own.
 */
bool scarce_works(void);

/*
 * From now on let one allocation fail.
 *
 * n     which, from 1
 * rest  those behind it fail, too
 */
void scarce_begin(unsigned long n, bool rest);

/*
 * Let all succeed again.
 *
 * Returns how many have failed.
 */
unsigned long scarce_end(void);

/*
 * How many blocks are allocated and not freed; 0 where it does not work.
 */
long scarce_blocks(void);

#endif
