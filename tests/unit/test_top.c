/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The most frequent keys, against counts of all keys; and how few keys of
 * many are told.
 */

#include "config.h"

#include "daemon/record/top.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/stats.h"
#include "roll.h"

/* Low numbers come often: 0 half the time, 1 a quarter, ... */
static unsigned int
often_low(void)
{
	uint64_t r = roll_bits();

	return (unsigned int)__builtin_ctzll(r | (uint64_t)1 << 40);
}

/* So often, each told. */
static void
add(struct top *top, unsigned int number, uint64_t n)
{
	char key[16];
	size_t len = (size_t)snprintf(key, sizeof(key), "key %u", number);

	while (n-- > 0)
		top_add(top, key, len,
		    number * UINT64_C(0x9e3779b97f4a7c15), 1);
}

static unsigned int
number_of(const struct top_key *key)
{
	char text[16] = "";

	assert_true(key->len > 4 && key->len < sizeof(text));
	memcpy(text, key->key + 4, key->len - 4);
	return (unsigned int)atoi(text);
}

/* As long as all keys fit, each has its count. */
static void
few_keys_are_counted_exactly(void **state)
{
	struct top_key keys[TOP_SIZE];
	struct top top = { .n = 0 };

	(void)state;
	for (unsigned int round = 0; round < 3; round++)
		for (unsigned int i = 0; i < TOP_SIZE; i++)
			add(&top, i, i + 1);
	assert_int_equal(top_merge(&top, 1, keys), TOP_SIZE);
	for (unsigned int i = 0; i < TOP_SIZE; i++) {
		assert_int_equal(number_of(&keys[i]), TOP_SIZE - 1 - i);
		assert_int_equal(keys[i].count, 3 * (TOP_SIZE - i));
		assert_int_equal(keys[i].least, keys[i].count);
		assert_int_equal(keys[i].most, keys[i].count);
		assert_false(keys[i].cut);
	}
}

/* Among many that come once, the frequent ones lead, never exaggerated. */
static void
frequent_keys_are_found_in_noise(void **state)
{
	uint64_t counts[64] = { 0 };
	struct top_key keys[TOP_SIZE];
	struct top top = { .n = 0 };
	size_t n;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		unsigned int number = often_low();

		counts[number]++;
		add(&top, number, 1);
		add(&top, 1000 + i, 1);
	}
	n = top_merge(&top, 1, keys);
	assert_int_equal(n, TOP_SIZE);
	/* More than 1/128 of 200,000 have numbers up to 4. */
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(number_of(&keys[i]), i);
		assert_true(keys[i].count <= counts[i]);
		assert_true(keys[i].count >= counts[i] - counts[i] / 10);
	}
	for (size_t i = 5; i < n; i++)
		assert_true(number_of(&keys[i]) < 64 || keys[i].count == 1);
	/* What was lost with those that were given up is within the bounds. */
	for (size_t i = 0; i < n; i++) {
		unsigned int number = number_of(&keys[i]);
		uint64_t count = number < 64 ? counts[number] : 1;

		assert_true(keys[i].least <= count);
		assert_true(keys[i].most >= count);
		assert_true(keys[i].most - keys[i].least <=
		    200000 / TOP_SIZE);
	}
}

/* Also what a list has given up, and another one has not. */
static void
bounds_are_those_of_all_lists(void **state)
{
	struct top lists[2] = { { .n = 0 }, { .n = 0 } };
	struct top_key keys[2 * TOP_SIZE];

	(void)state;
	add(&lists[0], 1000, 100);
	add(&lists[1], 1000, 5);
	for (unsigned int i = 0; i < TOP_SIZE; i++)
		add(&lists[1], i, 6);
	assert_int_equal(top_merge(lists, 2, keys), TOP_SIZE + 1);
	assert_int_equal(number_of(&keys[0]), 1000);
	assert_int_equal(keys[0].count, 100);
	assert_int_equal(keys[0].least, 100);
	/* It is not known that it was 5. */
	assert_int_equal(keys[0].most, 106);
	lists[0].lost = 3;
	top_merge(lists, 2, keys);
	assert_int_equal(keys[0].least, 100);
	assert_int_equal(keys[0].most, 109);
}

/* What was never drawn may have come, and what was drawn is an estimate. */
static void
what_was_drawn_has_an_error(void **state)
{
	struct top_key keys[TOP_SIZE];
	struct top top = { .n = 0 };

	(void)state;
	add(&top, 1, 50);
	top.every = 100;
	assert_int_equal(top_merge(&top, 1, keys), 1);
	assert_int_equal(keys[0].least, 50);
	/* exp(-6) would be the chance of more than 600. */
	assert_in_range(keys[0].most, 600, 660);
	for (int i = 0; i < 100; i++)
		top_add(&top, "b", 1, 3, 100);
	assert_int_equal(top_merge(&top, 1, keys), 2);
	assert_int_equal(keys[0].count, 10000);
	assert_in_range(keys[0].least, 6900, 7100);
	assert_in_range(keys[0].most, 13000, 13200);
}

static void
lists_are_put_together(void **state)
{
	struct top_key keys[2 * TOP_SIZE];
	struct top lists[2] = { { .n = 0 }, { .n = 0 } };

	(void)state;
	add(&lists[0], 1, 5);
	add(&lists[0], 2, 4);
	add(&lists[1], 2, 3);
	add(&lists[1], 3, 6);
	assert_int_equal(top_merge(lists, 2, keys), 3);
	assert_int_equal(number_of(&keys[0]), 2);
	assert_int_equal(keys[0].count, 7);
	assert_int_equal(number_of(&keys[1]), 3);
	assert_int_equal(keys[1].count, 6);
	assert_int_equal(number_of(&keys[2]), 1);
	assert_int_equal(keys[2].count, 5);
	assert_int_equal(top_merge(lists, 0, keys), 0);
}

/* A long key is cut before the character that does not fit. */
static void
long_keys_are_cut_between_characters(void **state)
{
	static const char *const characters[] = {
		"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\x8d"
	};
	char key[TOP_KEY_MAX + 8];

	(void)state;
	for (size_t c = 0; c < 4; c++)
		for (size_t before = TOP_KEY_MAX - 4; before <= TOP_KEY_MAX;
		    before++) {
			struct top top = { .n = 0 };
			struct top_key k[TOP_SIZE];
			size_t len = before + c + 1;

			memset(key, 'x', before);
			memcpy(key + before, characters[c], c + 1);
			top_add(&top, key, len, 1, 1);
			assert_int_equal(top_merge(&top, 1, k), 1);
			assert_true(k[0].cut == (len > TOP_KEY_MAX));
			assert_int_equal(k[0].len, k[0].cut ? before : len);
			assert_memory_equal(k[0].key, key, k[0].len);
		}
}

/* A character that ends where the key is cut stays. */
static void
whole_characters_are_kept(void **state)
{
	static const char *const characters[] = {
		"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\x8d"
	};
	char key[2 * TOP_KEY_MAX];

	(void)state;
	for (size_t size = 1; size <= 4; size++) {
		struct top top = { .n = 0 };
		struct top_key k[TOP_SIZE];

		for (size_t i = 0; i < sizeof(key); i++)
			key[i] = characters[size - 1][i % size];
		top_add(&top, key, sizeof(key), 1, 1);
		assert_int_equal(top_merge(&top, 1, k), 1);
		assert_true(k[0].cut);
		assert_int_equal(k[0].len, TOP_KEY_MAX / size * size);
	}
}

/* What is no UTF-8 is cut, too, and loses a character's bytes at most. */
static void
bytes_of_any_sort_are_kept(void **state)
{
	char key[2 * TOP_KEY_MAX];

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		struct top top = { .n = 0 };
		struct top_key k[TOP_SIZE];

		memset(key, byte, sizeof(key));
		top_add(&top, key, sizeof(key), 1, 1);
		top_add(&top, "", 0, 2, 1);
		top_add(&top, "", 0, 2, 1);
		assert_int_equal(top_merge(&top, 1, k), 2);
		assert_int_equal(k[0].len, 0);
		assert_true(k[1].cut);
		assert_true(k[1].len >= TOP_KEY_MAX - 4);
		assert_true(k[1].len <= TOP_KEY_MAX);
	}
}

/* Ask for a batch of lookups as the fast path does; how many are told. */
static size_t
look_up(struct stats *stats, const unsigned int *numbers, size_t n)
{
	size_t i = 0, told = 0;
	char key[16];

	while ((i += stats_skip(stats, n - i)) < n) {
		size_t len = (size_t)snprintf(key, sizeof(key), "key %u",
		    numbers[i]);

		stats_key(stats, key, len, numbers[i] + 1,
		    numbers[i] % 2 == 0);
		told++;
		i++;
	}
	return told;
}

static void
few_lookups_are_all_told(void **state)
{
	struct stats *stats = stats_new();
	struct top_key keys[TOP_SIZE];
	unsigned int number = 0;
	struct top top;

	(void)state;
	stats_begin(stats);
	for (number = 0; number < 256; number++)
		assert_int_equal(look_up(stats, &number, 1), 1);
	for (int found = 0; found < 2; found++) {
		stats_top(stats, found, &top);
		assert_int_equal(top_merge(&top, 1, keys), 128);
		for (size_t i = 0; i < 128; i++) {
			assert_int_equal(keys[i].count, 1);
			assert_true(number_of(&keys[i]) % 2 == !found);
		}
	}
	stats_free(stats);
}

/* Of many in a second few are told, whatever the batches, and stand for all. */
static void
many_lookups_are_sampled(void **state)
{
	static const size_t sizes[] = { 1, 5, 32, 32000 };
	unsigned int *numbers = malloc(32000 * sizeof(*numbers));

	(void)state;
	assert_non_null(numbers);
	for (size_t k = 0; k < 4; k++) {
		struct stats *stats = stats_new();
		struct top_key keys[TOP_SIZE];
		size_t all = 0, told = 0;
		uint64_t sum = 0;
		struct top top;

		stats_begin(stats);
		while (all < 2000000) {
			for (size_t i = 0; i < sizes[k]; i++)
				numbers[i] = 2 * often_low();
			told += look_up(stats, numbers, sizes[k]);
			all += sizes[k];
		}
		/* 256 ln(all / 256), about. */
		assert_true(told > 1500 && told < 3500);
		stats_top(stats, true, &top);
		assert_true(top_merge(&top, 1, keys) > 4);
		for (size_t i = 0; i < top.n; i++)
			sum += keys[i].count;
		assert_true(sum > all - all / 4 && sum < all + all / 4);
		assert_int_equal(number_of(&keys[0]), 0);
		assert_true(keys[0].count > all / 2 - all / 8);
		assert_true(keys[0].count < all / 2 + all / 8);
		stats_free(stats);
	}
	free(numbers);
}

/* However many others come, a key that came once is not told for more. */
static void
a_key_that_came_once_is_told_for_once(void **state)
{
	static unsigned int numbers[100000];
	struct top_key keys[2 * TOP_SIZE];
	struct top lists[2];

	(void)state;
	for (unsigned int i = 0; i < 100000; i++)
		numbers[i] = i;
	for (size_t n = 100; n <= 100000; n *= 10) {
		struct stats *stats = stats_new();
		size_t told;

		stats_begin(stats);
		look_up(stats, numbers, n);
		stats_top(stats, false, &lists[0]);
		stats_top(stats, true, &lists[1]);
		told = top_merge(lists, 2, keys);
		for (size_t i = 0; i < told; i++)
			assert_int_equal(keys[i].count, 1);
		stats_free(stats);
	}
}

/* How many keys are out of their bounds, of all that are told. */
static unsigned int
count_wrong(const unsigned int *numbers, size_t n, unsigned int *all)
{
	struct stats *stats = stats_new();
	struct top_key keys[2 * TOP_SIZE];
	uint64_t counts[64] = { 0 };
	unsigned int wrong = 0;
	struct top lists[2];
	size_t told;

	for (size_t i = 0; i < n; i++)
		counts[numbers[i]]++;
	stats_begin(stats);
	look_up(stats, numbers, n);
	stats_top(stats, false, &lists[0]);
	stats_top(stats, true, &lists[1]);
	told = top_merge(lists, 2, keys);
	for (size_t i = 0; i < told; i++) {
		uint64_t count = counts[number_of(&keys[i])];

		wrong += keys[i].least > count || keys[i].most < count;
	}
	*all += (unsigned int)told;
	stats_free(stats);
	return wrong;
}

static void
counts_are_within_their_bounds(void **state)
{
	static unsigned int numbers[50000];
	unsigned int all = 0, wrong = 0;

	(void)state;
	for (int round = 0; round < 100; round++) {
		for (size_t i = 0; i < 50000; i++)
			numbers[i] = often_low();
		wrong += count_wrong(numbers, 50000, &all);
	}
	/* The fourth most frequent one is as near as that. */
	assert_true(all >= 400);
	assert_true(wrong <= all / 50);
}

/* The next second begins with telling all again. */
static void
a_new_second_is_exact(void **state)
{
	static unsigned int numbers[100000];
	struct stats *stats = stats_new();
	unsigned int number = 1;
	struct top top;
	int64_t start;

	(void)state;
	start = stats_begin(stats);
	look_up(stats, numbers, sizeof(numbers) / sizeof(numbers[0]));
	while (stats_begin(stats) < start + 1000000000)
		continue;
	for (int i = 0; i < 100; i++)
		assert_int_equal(look_up(stats, &number, 1), 1);
	stats_top(stats, false, &top);
	assert_int_equal(top.n, 1);
	assert_int_equal(top.counts[0], 100);
	stats_free(stats);
}

static void
nobody_may_look(void **state)
{
	(void)state;
	assert_int_equal(stats_skip(NULL, 7), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_keys_are_counted_exactly),
		cmocka_unit_test(frequent_keys_are_found_in_noise),
		cmocka_unit_test(lists_are_put_together),
		cmocka_unit_test(bounds_are_those_of_all_lists),
		cmocka_unit_test(what_was_drawn_has_an_error),
		cmocka_unit_test(long_keys_are_cut_between_characters),
		cmocka_unit_test(whole_characters_are_kept),
		cmocka_unit_test(bytes_of_any_sort_are_kept),
		cmocka_unit_test(few_lookups_are_all_told),
		cmocka_unit_test(many_lookups_are_sampled),
		cmocka_unit_test(a_key_that_came_once_is_told_for_once),
		cmocka_unit_test(counts_are_within_their_bounds),
		cmocka_unit_test(a_new_second_is_exact),
		cmocka_unit_test(nobody_may_look)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
