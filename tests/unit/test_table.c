/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables: whatever was added is found, nothing else is.
 */

#include "config.h"

#include "daemon/table/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct text {
	const char *p;
	size_t len;
};
#define TEXT(literal) { literal, sizeof(literal) - 1 }

static void
add(struct table_builder *b, const char *key, size_t key_len,
    const char *value, size_t value_len, uint64_t origin)
{
	assert_int_equal(table_builder_add(b, key, key_len, value, value_len,
	    origin), 0);
}

static struct table *
finish(struct table_builder *b)
{
	struct table *t = table_builder_finish(b, NULL, NULL);

	assert_non_null(t);
	return t;
}

static struct table_builder *
builder(void)
{
	struct table_builder *b = table_builder_new();

	assert_non_null(b);
	return b;
}

/* The entry is borrowed from the table, not from who added it. */
static void
expect(const struct table *t, const char *key, size_t key_len,
    const char *value, size_t value_len, uint64_t origin)
{
	struct table_entry e;

	assert_true(table_find(t, key, key_len, &e));
	assert_ptr_not_equal(e.key, key);
	assert_int_equal(e.key_len, key_len);
	assert_memory_equal(e.key, key, key_len);
	assert_int_equal(e.value_len, value_len);
	assert_memory_equal(e.value, value, value_len);
	assert_true(e.origin == origin);
}

static void
expect_miss(const struct table *t, const char *key, size_t key_len)
{
	struct table_entry e;

	assert_false(table_find(t, key, key_len, &e));
}

static void
an_empty_table_has_nothing(void **state)
{
	struct table *t = finish(builder());

	(void)state;
	assert_int_equal(table_count(t), 0);
	assert_true(table_memory(t) > 0);
	expect_miss(t, "", 0);
	expect_miss(t, "x", 1);
	table_free(t);
	table_free(NULL);
	table_builder_free(builder());
	table_builder_free(NULL);
}

static void
a_table_of_one_has_just_that(void **state)
{
	struct table_builder *b = builder();
	struct table *t;

	(void)state;
	add(b, "key", 3, "value", 5, 7);
	t = finish(b);
	assert_int_equal(table_count(t), 1);
	expect(t, "key", 3, "value", 5, 7);
	expect_miss(t, "", 0);
	expect_miss(t, "ke", 2);
	expect_miss(t, "key\0", 4);
	expect_miss(t, "Key", 3);
	expect_miss(t, "value", 5);
	table_free(t);
}

static void
keys_and_values_are_any_bytes(void **state)
{
	static const struct text texts[] = {
		TEXT(""), TEXT("\0"), TEXT("\0\0"), TEXT("a"), TEXT("a\0"),
		TEXT("a\0b"), TEXT("a\0c"), TEXT("\xff\xfe"), TEXT("\x80"),
		TEXT("\xf0\x9f\x90\xb0"), TEXT("a\n\"\\")
	};
	struct table_builder *b = builder();
	struct table *t;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		add(b, texts[i].p, texts[i].len, texts[COUNT(texts) - 1 - i].p,
		    texts[COUNT(texts) - 1 - i].len, i);
	t = finish(b);
	assert_int_equal(table_count(t), COUNT(texts));
	for (size_t i = 0; i < COUNT(texts); i++)
		expect(t, texts[i].p, texts[i].len,
		    texts[COUNT(texts) - 1 - i].p,
		    texts[COUNT(texts) - 1 - i].len, i);
	expect_miss(t, "\0\0\0", 3);
	expect_miss(t, "a\0d", 3);
	table_free(t);
}

/* Lengths around those where their spelling in the arena grows. */
static void
lengths_and_origins_are_kept(void **state)
{
	static const size_t lengths[] = {
		0, 1, 126, 127, 128, 129, 255, 256, 4096, 16383, 16384, 16385,
		100000, 2097151, 2097152
	};
	static const uint64_t origins[] = {
		0, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX - 1,
		UINT64_MAX
	};
	char *bytes = malloc(lengths[COUNT(lengths) - 1]);
	struct table_builder *b = builder();
	struct table *t;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < lengths[COUNT(lengths) - 1]; i++)
		bytes[i] = (char)(i * 7 + (i >> 8));
	for (size_t i = 0; i < COUNT(lengths); i++)
		add(b, bytes, lengths[i], bytes + i,
		    lengths[COUNT(lengths) - 1 - i] - i *
		    (lengths[COUNT(lengths) - 1 - i] > i),
		    origins[i % COUNT(origins)]);
	t = finish(b);
	for (size_t i = 0; i < COUNT(lengths); i++)
		expect(t, bytes, lengths[i], bytes + i,
		    lengths[COUNT(lengths) - 1 - i] - i *
		    (lengths[COUNT(lengths) - 1 - i] > i),
		    origins[i % COUNT(origins)]);
	for (size_t i = 0; i + 1 < COUNT(lengths); i++)
		if (lengths[i] + 1 < lengths[i + 1])
			expect_miss(t, bytes, lengths[i] + 1);
	assert_true(table_memory(t) > 2 * lengths[COUNT(lengths) - 1]);
	table_free(t);
	free(bytes);
}

static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/*
 * The i-th of many different keys: some number of random bytes, NUL among
 * them, and at their end i itself.
 */
static size_t
make_key(uint32_t i, bool there, char *key)
{
	uint64_t x = (uint64_t)i * 0x9e3779b97f4a7c15 + 1;
	size_t len = next(&x) % 24;

	if (i % 1000 == 0)
		len = 1000;
	for (size_t j = 0; j < len; j++)
		key[j] = (char)(next(&x) % 3 == 0 ? 0 : x >> 32);
	key[len++] = there;
	memcpy(key + len, &i, sizeof(i));
	return len + sizeof(i);
}

static void
of_a_hundred_thousand_keys_each_is_found(void **state)
{
	enum { N = 100000 };
	struct table_builder *b = builder();
	char key[1024];
	struct table *t;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		size_t len = make_key(i, true, key);

		add(b, key, len, key, i % 10 < len ? i % 10 : len,
		    (uint64_t)i << 20);
	}
	t = finish(b);
	assert_int_equal(table_count(t), N);
	for (uint32_t i = 0; i < N; i++) {
		size_t len = make_key(i, true, key);
		struct table_entry e;

		assert_true(table_find(t, key, len, &e));
		assert_int_equal(e.key_len, len);
		assert_int_equal(memcmp(e.key, key, len), 0);
		assert_int_equal(e.value_len, i % 10 < len ? i % 10 : len);
		assert_int_equal(memcmp(e.value, key, e.value_len), 0);
		assert_true(e.origin == (uint64_t)i << 20);
		assert_false(table_find(t, key, len - 1, &e));
		len = make_key(i, false, key);
		assert_false(table_find(t, key, len, &e));
	}
	table_free(t);
}

struct twice {
	size_t n;
	uint64_t first[8];
	uint64_t again[8];
};

static void
twice_cb(const struct table_entry *first, const struct table_entry *again,
    void *arg)
{
	struct twice *twice = arg;

	assert_true(twice->n < COUNT(twice->first));
	assert_int_equal(first->key_len, again->key_len);
	assert_memory_equal(first->key, again->key, first->key_len);
	twice->first[twice->n] = first->origin;
	twice->again[twice->n++] = again->origin;
}

static void
of_a_key_added_again_the_first_stays(void **state)
{
	static const uint64_t first[] = { 0, 1, 0, 3 };
	static const uint64_t again[] = { 2, 4, 5, 6 };
	struct table_builder *b = builder();
	struct twice twice = { 0 };
	struct table *t;

	(void)state;
	add(b, "a", 1, "v0", 2, 0);
	add(b, "b", 1, "v1", 2, 1);
	add(b, "a", 1, "v2", 2, 2);
	add(b, "", 0, "v3", 2, 3);
	add(b, "b", 1, "v4", 2, 4);
	add(b, "a", 1, "v5", 2, 5);
	add(b, "", 0, "v6", 2, 6);
	t = table_builder_finish(b, twice_cb, &twice);
	assert_non_null(t);
	assert_int_equal(twice.n, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(twice.first[i] == first[i]);
		assert_true(twice.again[i] == again[i]);
	}
	assert_int_equal(table_count(t), 3);
	expect(t, "a", 1, "v0", 2, 0);
	expect(t, "b", 1, "v1", 2, 1);
	expect(t, "", 0, "v3", 2, 3);
	table_free(t);
}

static void
of_one_key_added_often_one_is_left(void **state)
{
	struct table_builder *b = builder();
	struct table *t;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		add(b, "key", 3, "value", 5, i);
	t = finish(b);
	assert_int_equal(table_count(t), 1);
	expect(t, "key", 3, "value", 5, 0);
	expect_miss(t, "kez", 3);
	table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_has_nothing),
		cmocka_unit_test(a_table_of_one_has_just_that),
		cmocka_unit_test(keys_and_values_are_any_bytes),
		cmocka_unit_test(lengths_and_origins_are_kept),
		cmocka_unit_test(of_a_hundred_thousand_keys_each_is_found),
		cmocka_unit_test(of_a_key_added_again_the_first_stays),
		cmocka_unit_test(of_one_key_added_often_one_is_left)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
