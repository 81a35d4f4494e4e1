/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ORIGIN_H
#define ORIGIN_H

/*
 * What something was made of, so far as that decides how it came out: options,
 * and how each file was when it was read.  Who is about to make it once more
 * compares, and finds that he need not.
 *
 *	origin_start(&sum);
 *	origin_number(&sum, option);
 *	origin_file(&sum, path, &sb, true);
 *	... origin_is_same(origin_end(&sum), before)
 *
 * Of all that only a keyed hash is kept, in 64 bits, whatever the number of
 * files.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/siphash.h"

struct stat;

struct origin {
	uint64_t hash;
	bool known;		/* zeroed: the same as none */
};

struct origin_sum {
	struct siphash hash;
	bool known;
};

void origin_start(struct origin_sum *);

/*
 * Add to it: some bytes with their number, a number, a file.
 *
 * p     may be NULL where len is 0
 * path  as it is named; another name is another origin
 * sb    how the file was before it was read
 * sure  whether all that is written since shows in sb; if not, the origin is
 *       not known
 */
void origin_bytes(struct origin_sum *, const void *p, size_t len);
void origin_number(struct origin_sum *, uint64_t);
void origin_file(struct origin_sum *, const char *path, const struct stat *sb,
    bool sure);

struct origin origin_end(struct origin_sum *);

/*
 * Whether what was made of both is the same; never of one that is not known.
 */
bool origin_is_same(struct origin, struct origin);

#endif
