/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_PARTS_H
#define FUZZ_PARTS_H

/*
 * Messages whose lengths are right.  As an input they are headers and
 * contents in turn, each ended by FF FF: a header gets its length in front,
 * and the length of its content instead of its first '@'.  A fuzzer would have
 * to guess them.
 */

#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Append the messages that an input stands for.
 */
void parts_put_right(struct buf *, const uint8_t *data, size_t len);

/*
 * Change such an input: messages more or less, in another order, or a part of
 * one, by LLVMFuzzerMutate() or as clients spell it.
 *
 * data, len, max  as LLVMFuzzerCustomMutator() has them
 * state           of fuzz_random()
 *
 * Returns how many bytes it has now.
 */
size_t parts_mutate(uint8_t *data, size_t len, size_t max, uint64_t *state);

/*
 * LLVMFuzzerCustomMutator() for inputs that begin with some bytes of setup, a
 * bit of whose first says that what follows is such an input.  Most of the
 * time messages stay what they are, and so do those of others.
 *
 * size    of the setup
 * right   that bit
 * orders  how seldom just a bit of the setup is changed, 1 being always
 * max     of the whole
 */
struct parts_setup {
	size_t size;
	uint8_t right;
	unsigned int orders;
};

size_t parts_mutate_all(const struct parts_setup *, uint8_t *data, size_t len,
    size_t max, unsigned int seed);

#endif
