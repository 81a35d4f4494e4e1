/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * SipHash in pieces, and the one key of the process, without a lock: each of
 * its parts is drawn by whoever needs it first, and the first one stays.
 */

#include "config.h"

#include "siphash.h"

#include <sys/random.h>

#include <stdatomic.h>
#include <time.h>

/* Of 32 bits, which every machine exchanges without help; 0: not yet. */
static _Atomic uint32_t drawn[4];

static uint64_t
rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
rounds(uint64_t v[4], unsigned int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static inline void
take_word(struct siphash *s, uint64_t word)
{
	s->v[3] ^= word;
	rounds(s->v, 2);
	s->v[0] ^= word;
}

void
siphash_init(struct siphash *s, struct siphash_key key)
{
	s->v[0] = key.words[0] ^ UINT64_C(0x736f6d6570736575);
	s->v[1] = key.words[1] ^ UINT64_C(0x646f72616e646f6d);
	s->v[2] = key.words[0] ^ UINT64_C(0x6c7967656e657261);
	s->v[3] = key.words[1] ^ UINT64_C(0x7465646279746573);
	s->word = 0;
	s->len = 0;
}

static void
take_byte(struct siphash *s, uint8_t byte)
{
	s->word |= (uint64_t)byte << 8 * (s->len++ % 8);
	if (s->len % 8 == 0) {
		take_word(s, s->word);
		s->word = 0;
	}
}

/* The least byte first, whatever the machine. */
static uint64_t
load_word(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	    (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	    (uint64_t)p[7] << 56;
}

void
siphash_add(struct siphash *s, const void *bytes, size_t len)
{
	const uint8_t *p = bytes, *end = p + len;

	while (p < end && s->len % 8 != 0)
		take_byte(s, *p++);
	for (; end - p >= 8; p += 8) {
		take_word(s, load_word(p));
		s->len += 8;
	}
	while (p < end)
		take_byte(s, *p++);
}

uint64_t
siphash_end(struct siphash *s)
{
	take_word(s, s->word | s->len << 56);
	s->v[2] ^= 0xff;
	rounds(s->v, 4);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

/*
 * Where random numbers are refused, the time to the nanosecond and where the
 * stack was put are still more than a peer can try.
 */
static uint32_t
draw_other(void)
{
	struct siphash_key key = { { 0, 0 } };
	struct siphash hash;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	key.words[0] = (uint64_t)(uintptr_t)&now;
	key.words[1] = (uint64_t)now.tv_nsec;
	clock_gettime(CLOCK_REALTIME, &now);
	siphash_init(&hash, key);
	siphash_add(&hash, &now.tv_sec, sizeof(now.tv_sec));
	siphash_add(&hash, &now.tv_nsec, sizeof(now.tv_nsec));
	return (uint32_t)siphash_end(&hash);
}

static uint64_t
draw(_Atomic uint32_t *part)
{
	uint32_t old = atomic_load_explicit(part, memory_order_relaxed), new;

	if (old != 0)
		return old;
	if (getrandom(&new, sizeof(new), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(new))
		new = draw_other();
	if (new == 0)
		new = 1;
	/* Another thread may have been faster: then it is its. */
	return atomic_compare_exchange_strong(part, &old, new) ? new : old;
}

struct siphash_key
siphash_key(void)
{
	return (struct siphash_key){ {
	    draw(&drawn[0]) << 32 | draw(&drawn[1]),
	    draw(&drawn[2]) << 32 | draw(&drawn[3]) } };
}
