/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DIGEST_H
#define DIGEST_H

/*
 * What a table's entries are, in 128 bits: the same for the same entries, in
 * whatever order and files they stand, on every machine.  It shows whether two
 * daemons serve the same; it is no proof against somebody who wants them to
 * look so.  appmsg-protocol(7) says how it is made, so that others can.
 *
 * Each entry adds a number to a sum, from which it may be taken again: so
 * parts of a table may be summed up apart.  digest_end() makes the digest of
 * the sum and of how many there were.
 */

#include <stddef.h>
#include <stdint.h>

/* A sum modulo 2^128; zeroed: of nothing. */
struct digest_sum {
	uint64_t low, high;
};

/* As XXH3 writes it: the high byte first. */
#define DIGEST_LEN	16
struct digest {
	uint8_t bytes[DIGEST_LEN];
};

#define DIGEST_TEXT_SIZE	(2 * DIGEST_LEN + 1)

/*
 * Add an entry, or take away one that was added.
 *
 * key    as its file has it
 * value  as the table has it; costs less where it lies right behind the key
 */
void digest_add(struct digest_sum *, const char *key, size_t key_len,
    const char *value, size_t value_len);
void digest_take(struct digest_sum *, const char *key, size_t key_len,
    const char *value, size_t value_len);

/*
 * Add what was summed up apart.
 */
void digest_add_sum(struct digest_sum *, const struct digest_sum *);

/*
 * The digest of all that was added.
 *
 * n  how many entries that were, without those that were taken away
 */
struct digest digest_end(const struct digest_sum *, uint64_t n);

/*
 * The digest of some bytes in a row.
 */
struct digest digest_of(const void *p, size_t len);

/*
 * A digest as text: 32 hexadecimal digits.
 *
 * Returns its argument.
 */
const char *digest_text(const struct digest *, char text[DIGEST_TEXT_SIZE]);

#endif
