/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef NUMBERS_H
#define NUMBERS_H

/*
 * Numbers of the command line.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * Read the number of a generation.
 *
 * Returns whether it is one; if not, that is told.
 */
bool numbers_generation(const char *word, int64_t *generation);

/*
 * Read the value of --keys; of --delay, in seconds with decimals, as
 * milliseconds; of --count.  What is wrong with it ends the program.
 */
int numbers_keys(const char *text);
int64_t numbers_delay(const char *text);
int64_t numbers_count(const char *text);

#endif
