/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The same second in two zones.
 */

#include "config.h"

#include "daemon/base/iso_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "zone.h"

static void
each_zone_has_its_form(void **state)
{
	static const struct {
		time_t t;
		const char *local, *utc;
	} rows[] = {
		{ 0, "1970-01-01T05:30:00+0530", "1970-01-01T00:00:00Z" },
		{ 1796050595, "2026-11-30T20:26:35+0530",
		    "2026-11-30T14:56:35Z" },
	};
	char text[ISO_TIME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(iso_time_local(rows[i].t, text),
		    strlen(rows[i].local));
		assert_string_equal(text, rows[i].local);
		assert_int_equal(iso_time_utc(rows[i].t, text),
		    strlen(rows[i].utc));
		assert_string_equal(text, rows[i].utc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_zone_has_its_form),
	};

	return cmocka_run_group_tests(tests, zone_setup, NULL);
}
