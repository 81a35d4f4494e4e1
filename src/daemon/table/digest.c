/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An entry's number is the hash of its key and value in a row.  Where the one
 * ends and the other begins is in the seed: so nothing has to be copied, which
 * would cost as much again.  The factor keeps entries apart that have a few
 * bytes only, in which a seed is no more than bits that are turned over.
 */

#include "config.h"

#include "daemon/table/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SEED_FACTOR	UINT64_C(0x9e3779b97f4a7c15)

/* Never inlined: so much on the stack would be felt by all others. */
static __attribute__((noinline)) XXH128_hash_t
hash_apart(const char *key, size_t key_len, const char *value,
    size_t value_len, uint64_t seed)
{
	XXH3_state_t state;

	XXH3_INITSTATE(&state);
	(void)XXH3_128bits_reset_withSeed(&state, seed);
	(void)XXH3_128bits_update(&state, key, key_len);
	(void)XXH3_128bits_update(&state, value, value_len);
	return XXH3_128bits_digest(&state);
}

static struct digest_sum
number_of(const char *key, size_t key_len, const char *value,
    size_t value_len)
{
	uint64_t seed = key_len * SEED_FACTOR;
	XXH128_hash_t hash = key + key_len == value ?
	    XXH3_128bits_withSeed(key, key_len + value_len, seed) :
	    hash_apart(key, key_len, value, value_len, seed);

	return (struct digest_sum){ hash.low64, hash.high64 };
}

void
digest_add_sum(struct digest_sum *sum, const struct digest_sum *more)
{
	sum->low += more->low;
	sum->high += more->high + (sum->low < more->low);
}

void
digest_add(struct digest_sum *sum, const char *key, size_t key_len,
    const char *value, size_t value_len)
{
	struct digest_sum n = number_of(key, key_len, value, value_len);

	digest_add_sum(sum, &n);
}

void
digest_take(struct digest_sum *sum, const char *key, size_t key_len,
    const char *value, size_t value_len)
{
	struct digest_sum n = number_of(key, key_len, value, value_len);

	sum->high -= n.high + (sum->low < n.low);
	sum->low -= n.low;
}

static void
put_number(uint8_t *to, uint64_t n)
{
	for (unsigned int i = 0; i < sizeof(n); i++)
		to[i] = (uint8_t)(n >> (56 - 8 * i));
}

struct digest
digest_end(const struct digest_sum *sum, uint64_t n)
{
	uint8_t bytes[3 * sizeof(n)];

	put_number(bytes, sum->high);
	put_number(bytes + sizeof(n), sum->low);
	put_number(bytes + 2 * sizeof(n), n);
	return digest_of(bytes, sizeof(bytes));
}

struct digest
digest_of(const void *p, size_t len)
{
	XXH128_hash_t hash = XXH3_128bits(p, len);
	struct digest digest = { .bytes = { 0 } };

	put_number(digest.bytes, hash.high64);
	put_number(digest.bytes + sizeof(hash.high64), hash.low64);
	return digest;
}

const char *
digest_text(const struct digest *digest, char text[DIGEST_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (size_t i = 0; i < DIGEST_LEN; i++) {
		*p++ = digits[digest->bytes[i] >> 4];
		*p++ = digits[digest->bytes[i] & 0xf];
	}
	*p = '\0';
	return text;
}
