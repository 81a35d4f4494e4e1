/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_H
#define FUZZ_H

/*
 * What a harness and its driver share.  The driver is libFuzzer, in a tree
 * configured with --enable-fuzzing, or fuzz_main.c, which replays files and
 * then tries inputs that it makes of them.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Try one input.  Returns 0, or aborts when something is wrong with it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* How many inputs fuzz_main.c makes; the harness says so. */
extern const unsigned int fuzz_runs;

/*
 * Change an input as the harness knows how to; not every one does.
 *
 * data, len, max  the bytes, and the room for them
 *
 * Returns how many they are now.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed);

/*
 * Change bytes that mean nothing to the driver, as above.
 */
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);

/*
 * The next of a row of numbers below n, at random; the same row for the same
 * start.
 */
static inline uint32_t
fuzz_random(uint64_t *state, uint32_t n)
{
	*state = *state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % n;
}

/* How bytes are cut into the pieces that a peer sends. */
enum cuts {
	CUTS_RANDOM,
	CUTS_ALL,		/* into single bytes */
	CUTS_NONE
};

/*
 * Where the next piece ends.
 *
 * at, len  where it begins, and how many bytes there are
 * state    of what is random; the same cuts for the same start
 */
static inline size_t
fuzz_cut(enum cuts cuts, uint32_t *state, size_t at, size_t len)
{
	size_t n = cuts == CUTS_ALL ? 1 : len;

	*state = *state * 1664525 + 1013904223;
	if (cuts == CUTS_RANDOM)
		n = (*state >> 24) % 4 == 0 ? 1 + (*state >> 16) % 8 :
		    1 + (*state >> 16) % 97;
	return n > len - at ? len : at + n;
}

/* As assert(3), whatever NDEBUG says. */
#define FUZZ_CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: not true: %s\n",	\
			    __FILE__, __LINE__, #condition);		\
			abort();					\
		}							\
	} while (0)

#endif
