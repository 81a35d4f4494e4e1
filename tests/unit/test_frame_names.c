/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Many members of a header that mean nothing: none of them is taken for
 * another, none that is there twice is missed, and nobody can choose names
 * that take longer than others.
 */

#include "config.h"

#include "appmsg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "frames.h"

#define NAMES		250
#define XS		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define PREFIX		"\\/" XS
#define BLOCKS		8	/* two ways to spell each: 256 names */
#define BLOCK_LEN	4
#define TRIES		(1u << 18)
#define ROUNDS		20

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The hash that is easiest to find collisions of, FNV-1a of 32 bits. */
static uint32_t
fnv(uint32_t hash, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)p[i]) * 16777619u;
	return hash;
}

static void
spell(uint32_t n, char block[BLOCK_LEN])
{
	for (size_t i = 0; i < BLOCK_LEN; i++, n >>= 6)
		block[i] = letters[n & 63];
}

struct tried {
	uint32_t hash, n;
};

static int
compare_tried(const void *a, const void *b)
{
	const struct tried *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Two blocks that lead from one state of the hash to the same next one. */
static uint32_t
find_pair(uint32_t hash, char pair[2][BLOCK_LEN])
{
	struct tried *tried = calloc(TRIES, sizeof(*tried));
	char block[BLOCK_LEN];
	size_t i;

	assert_non_null(tried);
	for (uint32_t n = 0; n < TRIES; n++) {
		spell(n * 61, block);
		tried[n] = (struct tried){ fnv(hash, block, BLOCK_LEN), n * 61 };
	}
	qsort(tried, TRIES, sizeof(*tried), compare_tried);
	for (i = 1; i < TRIES && tried[i].hash != tried[i - 1].hash; i++)
		continue;
	assert_true(i < TRIES);
	spell(tried[i - 1].n, pair[0]);
	spell(tried[i].n, pair[1]);
	hash = tried[i].hash;
	free(tried);
	return hash;
}

/* Joux: from each state a pair of ways to the next gives 2^BLOCKS names. */
static void
find_pairs(char pairs[BLOCKS][2][BLOCK_LEN])
{
	/* The escape stands for its second character. */
	uint32_t hash = fnv(2166136261u, &PREFIX[1], sizeof(PREFIX) - 2);

	for (size_t i = 0; i < BLOCKS; i++)
		hash = find_pair(hash, pairs[i]);
}

/* A member with a name; alike: all of one FNV hash, else each of its own. */
static size_t
put_member(char *to, size_t cap, const char *prefix, unsigned int n,
    char pairs[BLOCKS][2][BLOCK_LEN], bool alike)
{
	char name[BLOCKS * BLOCK_LEN];

	for (size_t i = 0; i < BLOCKS; i++)
		memcpy(name + i * BLOCK_LEN, pairs[i][n >> i & 1], BLOCK_LEN);
	if (!alike)
		spell(n * 64 * 64, name + (BLOCKS - 1) * BLOCK_LEN);
	return (size_t)snprintf(to, cap, ",\"%s%.*s\":0", prefix,
	    (int)sizeof(name), name);
}

/* A header with NAMES of them; twice: the first once more, at the end. */
static struct frame
many_names(char pairs[BLOCKS][2][BLOCK_LEN], bool alike, bool twice)
{
	char text[APPMSG_HEADER_MAX];
	size_t len = (size_t)snprintf(text, sizeof(text), "{" FOUR);

	for (unsigned int n = 0; n < NAMES; n++)
		len += put_member(text + len, sizeof(text) - len, PREFIX, n,
		    pairs, alike);
	/* With another escape it is the same name. */
	if (twice)
		len += put_member(text + len, sizeof(text) - len,
		    "\\u002f" XS, 0, pairs, alike);
	text[len++] = '}';
	return frame_new(text, len);
}

static int
decode(const struct frame *f)
{
	struct appmsg_header hdr;
	size_t used;

	return appmsg_header_decode(f->bytes, f->len, &hdr, &used);
}

static void
they_are_told_apart(void **state)
{
	for (int alike = 0; alike <= 1; alike++) {
		struct frame f = many_names(*state, alike, false);

		assert_int_equal(decode(&f), 0);
		free(f.bytes);
		f = many_names(*state, alike, true);
		assert_int_equal(decode(&f), APPMSG_EPROTO);
		free(f.bytes);
	}
}

/* The least CPU time of several rounds, since others may disturb one. */
static double
cost(const struct frame *f)
{
	double least = 0;

	for (int i = 0; i < ROUNDS; i++) {
		clock_t start = clock();
		double took;

		for (int j = 0; j < ROUNDS; j++)
			assert_int_equal(decode(f), 0);
		took = (double)(clock() - start);
		if (i == 0 || took < least)
			least = took;
	}
	return least;
}

/* They took a hundred times as long when FNV-1a was the hash. */
static void
none_cost_more_than_others(void **state)
{
	struct frame others = many_names(*state, false, false);
	struct frame alike = many_names(*state, true, false);
	double harmless = cost(&others), chosen = cost(&alike);

	print_message("names of one FNV-1a hash cost %.2f times what others "
	    "do\n", chosen / harmless);
	assert_true(chosen < 5 * harmless);
	free(others.bytes);
	free(alike.bytes);
}

static int
setup(void **state)
{
	static char pairs[BLOCKS][2][BLOCK_LEN];

	find_pairs(pairs);
	*state = pairs;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_told_apart),
		cmocka_unit_test(none_cost_more_than_others),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
