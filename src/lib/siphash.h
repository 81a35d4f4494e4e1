/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SIPHASH_H
#define SIPHASH_H

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash that nobody who does not
 * know the key can find collisions of, for tables of what peers send.  It is
 * here rather than XXH3 with a seed or a secret, which says of itself that it
 * is no such function, wants all bytes in one run, and would be a dependency
 * of the library; this one takes bytes as they are unescaped.
 *
 *	siphash_init(&hash, siphash_key());
 *	siphash_add(&hash, bytes, len);
 *	... siphash_end(&hash)
 */

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t words[2];
};

struct siphash {
	uint64_t v[4];
	uint64_t word;		/* up to 7 bytes that are no word yet */
	uint64_t len;		/* of all bytes so far */
};

/*
 * The key of this process, drawn by the first call.  Any thread.  It never
 * fails: where the system has no random numbers to give, it is made of what
 * is hard to tell from outside.
 */
struct siphash_key siphash_key(void);

/*
 * Start to hash.
 */
void siphash_init(struct siphash *, struct siphash_key);

/*
 * Go on with some bytes; how they are cut does not matter.
 */
void siphash_add(struct siphash *, const void *p, size_t len);

/*
 * The hash of all of them; the struct is used up.
 */
uint64_t siphash_end(struct siphash *);

#endif
