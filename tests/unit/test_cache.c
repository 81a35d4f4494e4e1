/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The cache of a table on another machine: what is in it is right, what was
 * found stays longer, and it never has more bytes than it may.
 */

#include "config.h"

#include "daemon/remote/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/remote/bucket.h"

#define VALUE_MAX	9000

static struct cache *cache;

static int
setup(void **state)
{
	(void)state;
	cache = cache_new(CACHE_MIN);
	return cache == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	cache_free(cache);
	return 0;
}

static void
put(const char *key, uint64_t stamp, const char *value)
{
	struct cache_entry e = { stamp, value, value == NULL ? 0 :
	    strlen(value) };
	size_t len = strlen(key);

	cache_put(cache, bucket_hash(key, len), key, len, &e);
}

/* The value, "(none)" for one that is known to be missed, NULL for nothing. */
static const char *
get(const char *key, uint64_t *stamp)
{
	static char text[VALUE_MAX + 1];
	size_t len = strlen(key);
	struct cache_entry e;

	/* Which changes nothing, whatever is there. */
	cache_fetch(cache, bucket_hash(key, len), false);
	cache_fetch(cache, bucket_hash(key, len), true);
	if (!cache_find(cache, bucket_hash(key, len), key, len, &e))
		return NULL;
	if (stamp != NULL)
		*stamp = e.stamp;
	if (e.value == NULL)
		return "(none)";
	assert_true(e.value_len <= VALUE_MAX);
	memcpy(text, e.value, e.value_len);
	text[e.value_len] = '\0';
	return text;
}

static void
answers_and_misses_are_kept(void **state)
{
	uint64_t stamp;

	(void)state;
	assert_null(get("ring", NULL));
	put("ring", 7, "In the caves");
	put("rong", 8, NULL);
	put("empty", 9, "");
	put("", 10, "of no key");
	assert_string_equal(get("ring", &stamp), "In the caves");
	assert_int_equal(stamp, 7);
	assert_string_equal(get("rong", &stamp), "(none)");
	assert_int_equal(stamp, 8);
	assert_string_equal(get("empty", &stamp), "");
	assert_int_equal(stamp, 9);
	assert_string_equal(get("", &stamp), "of no key");
	assert_null(get("rin", NULL));
	assert_null(get("rings", NULL));
	assert_int_equal(cache_count(cache), 4);
	cache_clear(cache);
	assert_int_equal(cache_count(cache), 0);
	assert_null(get("ring", NULL));
	put("ring", 1, "again");
	assert_string_equal(get("ring", NULL), "again");
}

static void
what_is_newer_counts(void **state)
{
	static const char *const values[] = { "a", "b", "longer than before",
		NULL, "", "c", "and longer again, by some" };
	uint64_t stamp;

	(void)state;
	for (uint64_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const char *want = values[i] == NULL ? "(none)" : values[i];

		put("key", 10 + i, values[i]);
		assert_string_equal(get("key", &stamp), want);
		assert_int_equal(stamp, 10 + i);
		put("key", 9 + i, "older");
		put("key", 9 + i, "older, and of another length");
		put("key", 9 + i, NULL);
		assert_string_equal(get("key", &stamp), want);
		assert_int_equal(stamp, 10 + i);
		assert_int_equal(cache_count(cache), 1);
	}
	/* Of the same moment the last one. */
	put("key", 16, "last");
	assert_string_equal(get("key", NULL), "last");
}

/* Two keys of one hash are two keys. */
static void
hashes_may_be_the_same(void **state)
{
	struct cache_entry e = { 1, "v", 1 };
	char key[2] = { 'k', 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		key[1] = (char)i;
		e.stamp = (uint64_t)i;
		cache_put(cache, 42, key, 2, &e);
	}
	assert_int_equal(cache_count(cache), 100);
	for (int i = 0; i < 100; i++) {
		key[1] = (char)i;
		assert_true(cache_find(cache, 42, key, 2, &e));
		assert_int_equal(e.stamp, i);
	}
	key[1] = 100;
	assert_false(cache_find(cache, 42, key, 2, &e));
}

static void
what_is_too_large_is_not_kept(void **state)
{
	static char large[CACHE_MIN / 8 + 1], key[UINT16_MAX + 2];
	struct cache_entry e = { 3, large, sizeof(large) - 1 };

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	memset(key, 'k', sizeof(key) - 1);
	put("other", 1, "stays");
	put("key", 1, "small");
	put("key", 2, large);
	assert_null(get("key", NULL));
	assert_string_equal(get("other", NULL), "stays");
	/* An older one is, and so it stays. */
	put("key", 5, "small");
	put("key", 2, large);
	assert_string_equal(get("key", NULL), "small");
	large[CACHE_MIN / 16] = '\0';
	put("key", 6, large);
	assert_string_equal(get("key", NULL), large);
	put(key, 1, "v");
	assert_null(get(key, NULL));
	e.value_len = SIZE_MAX;
	cache_put(cache, bucket_hash("key", 3), "key", 3, &e);
	assert_string_equal(get("key", NULL), large);
	e.stamp = 7;
	cache_put(cache, bucket_hash("key", 3), "key", 3, &e);
	assert_null(get("key", NULL));
}

static void
what_is_found_stays(void **state)
{
	char key[32];

	(void)state;
	put("hot", 1, "stays");
	put("cold", 1, "goes");
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		put(key, 1, "some value that takes a place");
		if (i % 100 == 0)
			assert_string_equal(get("hot", NULL), "stays");
	}
	assert_null(get("cold", NULL));
	assert_null(get("key 0", NULL));
	assert_string_equal(get(key, NULL), "some value that takes a place");
	assert_in_range(cache_count(cache), 500, 1000);
}

/* Where all were found, one still makes room at once. */
static void
chances_come_to_an_end(void **state)
{
	char key[32];
	int n = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		put(key, 1, "value");
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		n += get(key, NULL) != NULL;
	}
	assert_int_equal(n, cache_count(cache));
	put("new", 1, "value");
	assert_string_equal(get("new", NULL), "value");
	/* All else but a few are still there. */
	assert_true(cache_count(cache) + 9 > (size_t)n);
}

static void
the_index_fills_as_the_ring_does(void **state)
{
	char key[8];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "%x", i);
		put(key, 1, NULL);
		assert_string_equal(get(key, NULL), "(none)");
	}
	/* Seven of eight slots. */
	assert_int_equal(cache_count(cache), 1024 - 1 - 1023 / 8);
}

static void
memory_is_bounded(void **state)
{
	static const size_t rows[] = { 0, 1, CACHE_MIN - 1, CACHE_MIN,
		CACHE_MIN + 1, 100001, 1 << 20, (1 << 24) - 1, 1 << 24 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cache *c = cache_new(rows[i]);
		size_t most = rows[i] < CACHE_MIN ? CACHE_MIN : rows[i];

		assert_non_null(c);
		assert_true(cache_bytes(c) <= most);
		assert_true(cache_bytes(c) > most - 8);
		cache_free(c);
	}
}

static void
no_cache_keeps_nothing(void **state)
{
	struct cache_entry e = { 1, "v", 1 };

	(void)state;
	cache_put(NULL, 1, "k", 1, &e);
	assert_false(cache_find(NULL, 1, "k", 1, &e));
	assert_int_equal(cache_count(NULL), 0);
	assert_int_equal(cache_bytes(NULL), 0);
	cache_fetch(NULL, 1, true);
	cache_clear(NULL);
	cache_free(NULL);
}

/* Whatever is kept and found, in any order: it is what was put last. */

#define KEYS	3000

static struct {
	uint64_t stamp;
	size_t len;		/* of the value, SIZE_MAX: a miss */
	unsigned char first;
	bool put;
} model[KEYS];

static uint32_t
draw(uint64_t *x, uint32_t n)
{
	*x = *x * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(*x >> 33) % n;
}

static bool
look(size_t k)
{
	struct cache_entry e;
	char key[16];
	size_t len = (size_t)snprintf(key, sizeof(key), "%zu", k);

	if (!cache_find(cache, bucket_hash(key, len), key, len, &e))
		return false;
	assert_true(model[k].put);
	assert_int_equal(e.stamp, model[k].stamp);
	if (model[k].len == SIZE_MAX) {
		assert_null(e.value);
		return true;
	}
	assert_int_equal(e.value_len, model[k].len);
	for (size_t i = 0; i < e.value_len; i++)
		assert_int_equal((unsigned char)e.value[i],
		    (unsigned char)(model[k].first + i));
	return true;
}

static void
change(size_t k, uint64_t stamp, uint64_t *x)
{
	static char value[VALUE_MAX];
	char key[16];
	size_t len = (size_t)snprintf(key, sizeof(key), "%zu", k);
	struct cache_entry e = { stamp, value, draw(x, 8) == 0 ?
	    draw(x, VALUE_MAX) : draw(x, 60) };

	model[k].first = (unsigned char)draw(x, 256);
	for (size_t i = 0; i < e.value_len; i++)
		value[i] = (char)(model[k].first + i);
	if (draw(x, 4) == 0)
		e.value = NULL;
	model[k].put = true;
	model[k].stamp = stamp;
	model[k].len = e.value == NULL ? SIZE_MAX : e.value_len;
	cache_put(cache, bucket_hash(key, len), key, len, &e);
}

static void
all_that_is_found_is_what_was_put_last(void **state)
{
	uint64_t x = 1;
	size_t n;

	(void)state;
	for (uint64_t i = 0; i < 60000; i++) {
		/* Some keys far more often than others. */
		size_t k = draw(&x, 1 + draw(&x, KEYS));

		if (draw(&x, 2) == 0)
			change(k, i, &x);
		else
			look(k);
		if (i % 5000 > 0)
			continue;
		n = 0;
		for (k = 0; k < KEYS; k++)
			n += look(k);
		assert_int_equal(n, cache_count(cache));
	}
	assert_true(cache_count(cache) > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(answers_and_misses_are_kept),
		TEST(what_is_newer_counts),
		TEST(hashes_may_be_the_same),
		TEST(what_is_too_large_is_not_kept),
		TEST(what_is_found_stays),
		TEST(chances_come_to_an_end),
		TEST(the_index_fills_as_the_ring_does),
		TEST(memory_is_bounded),
		TEST(no_cache_keeps_nothing),
		TEST(all_that_is_found_is_what_was_put_last)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
