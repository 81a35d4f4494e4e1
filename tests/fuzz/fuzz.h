/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_H
#define FUZZ_H

/*
 * What a harness and its driver share.  The driver is libFuzzer, in a tree
 * configured with --enable-fuzzing, or fuzz_main.c, which replays files.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Try one input.  Returns 0, or aborts when something is wrong with it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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
