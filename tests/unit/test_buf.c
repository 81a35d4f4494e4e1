/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes that grow at their end.
 */

#include "config.h"

#include "daemon/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
bytes_are_appended(void **state)
{
	struct buf b = { 0 };
	char bytes[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31);
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_int_equal(buf_add(&b, bytes, i), 0);
	for (size_t i = 0, at = 0; i < sizeof(bytes); at += i, i++)
		assert_memory_equal(b.data + at, bytes, i);
	assert_int_equal(b.len, sizeof(bytes) * (sizeof(bytes) - 1) / 2);
	buf_clear(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.cap, 0);
}

/* Each byte reserved may be written; what is there stays. */
static void
what_is_reserved_is_there(void **state)
{
	static const size_t sizes[] = {
		0, 1, 4095, 4096, 4097, 8191, 8192, 100000
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
			struct buf b = { 0 };
			char *p = buf_reserve(&b, sizes[i]);

			assert_non_null(p);
			assert_ptr_equal(p, b.data);
			assert_int_equal(b.len, 0);
			memset(p, 'x', sizes[i]);
			b.len = sizes[i];
			p = buf_reserve(&b, sizes[j]);
			assert_non_null(p);
			assert_ptr_equal(p, b.data + b.len);
			memset(p, 'y', sizes[j]);
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(b.data[k], 'x');
			buf_clear(&b);
		}
}

static void
what_no_memory_can_hold_is_refused(void **state)
{
	static const size_t sizes[] = {
		SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1, SIZE_MAX / 2
	};
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_null(buf_reserve(&b, sizes[i]));
		assert_int_equal(b.len, 3);
		assert_memory_equal(b.data, "abc", 3);
	}
	buf_clear(&b);
}

static void
a_reset_keeps_memory_up_to_a_size(void **state)
{
	struct buf b = { 0 };
	char *before;

	(void)state;
	buf_reset(&b, 0);
	before = buf_reserve(&b, 4096);
	b.len = 10;
	buf_reset(&b, 4096);
	assert_int_equal(b.len, 0);
	assert_ptr_equal(b.data, before);
	assert_ptr_equal(buf_reserve(&b, 4096), before);
	assert_non_null(buf_reserve(&b, 4097));
	buf_reset(&b, 4096);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	buf_clear(&b);
}

static void
what_is_trimmed_has_no_room_behind(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_trim(&b);
	assert_null(b.data);
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	buf_trim(&b);
	assert_int_equal(b.cap, 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "abc", 3);
	assert_int_equal(buf_add(&b, "d", 1), 0);
	assert_memory_equal(b.data, "abcd", 4);
	b.len = 0;
	buf_trim(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_appended),
		cmocka_unit_test(what_is_reserved_is_there),
		cmocka_unit_test(what_no_memory_can_hold_is_refused),
		cmocka_unit_test(a_reset_keeps_memory_up_to_a_size),
		cmocka_unit_test(what_is_trimmed_has_no_room_behind)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
