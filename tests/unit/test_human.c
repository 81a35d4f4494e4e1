/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Numbers at the edges of their units.
 */

#include "config.h"

#include "common/human.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
bytes_have_the_unit_that_fits(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} rows[] = {
		{ 0, "0 bytes" },
		{ 1, "1 byte" },
		{ 1023, "1023 bytes" },
		{ 1024, "1.0 KB" },
		{ 4636, "4.5 KB" },
		{ 10188, "9.9 KB" },
		{ 10189, "10 KB" },
		{ 1048063, "1023 KB" },
		{ 1048064, "1.0 MB" },
		{ 18 << 20, "18 MB" },
		{ UINT64_C(5) << 30, "5.0 GB" },
		{ UINT64_C(300) << 40, "300 TB" },
		{ UINT64_C(1) << 50, "1.0 PB" },
		{ UINT64_MAX, "16 EB" },
	};
	char text[HUMAN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(human_bytes(rows[i].n, text),
		    rows[i].text);
}

static void
spans_have_two_units(void **state)
{
	static const struct {
		int64_t n;
		const char *text;
	} rows[] = {
		{ 0, "0 s" },
		{ 59, "59 s" },
		{ 60, "1 min" },
		{ 303, "5 min 3 s" },
		{ 3599, "59 min 59 s" },
		{ 3600, "1 h" },
		{ 3659, "1 h" },
		{ 7260, "2 h 1 min" },
		{ 86400, "1 day" },
		{ 90000, "1 day 1 h" },
		{ 86400 * 2 + 3600 * 24 - 1, "2 days 23 h" },
		{ INT64_C(86400) * 10000, "10000 days" },
		{ INT64_MAX, "106751991167300 days 15 h" },
	};
	char text[HUMAN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(human_span(rows[i].n, text),
		    rows[i].text);
}

static void
one_is_no_plural(void **state)
{
	char text[HUMAN_SIZE];

	(void)state;
	assert_string_equal(human_count(0, "entry", "entries", text),
	    "0 entries");
	assert_string_equal(human_count(1, "entry", "entries", text),
	    "1 entry");
	assert_string_equal(human_count(2, "entry", "entries", text),
	    "2 entries");
	assert_string_equal(human_count(UINT64_MAX, "", "1234567890"
	    "123456789012345678901234567890", text), "18446744073709551615 "
	    "1234567890123456789012345678901234567890");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_the_unit_that_fits),
		cmocka_unit_test(spans_have_two_units),
		cmocka_unit_test(one_is_no_plural),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
