/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Whatever is refused must say why, and stay refused.
 */

#include "config.h"

#include "scans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scan.h"

/* A copy without a byte behind it; free(3). */
static char *
copy(const char *p, size_t len)
{
	char *mem = malloc(len > 0 ? len : 1);

	assert_non_null(mem);
	memcpy(mem, p, len);
	return mem;
}

/* An error stays, whatever is asked next. */
static void
check_refused(struct scan *scan)
{
	struct scan_value v;
	struct appmsg_str name;
	const char *why = scan->why;

	assert_non_null(why);
	assert_true(*why != '\0');
	assert_int_equal(scan_value(scan, &v), SCAN_ERROR);
	assert_int_equal(scan_member(scan, &name), SCAN_ERROR);
	assert_int_equal(scan_end(scan), SCAN_ERROR);
	assert_ptr_equal(scan->why, why);
}

bool
scans_value(const char *p, size_t len)
{
	char *mem = copy(p, len);
	struct scan_value v;
	struct scan scan;
	bool good;

	scan_init(&scan, mem, len);
	good = scan_value(&scan, &v) == SCAN_OK && scan_end(&scan) == SCAN_OK;
	if (good)
		assert_null(scan.why);
	else
		check_refused(&scan);
	assert_true(scan.p <= scan.end);
	free(mem);
	return good;
}

bool
scans_object(const char *p, size_t len)
{
	char *mem = copy(p, len);
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;
	bool good;

	scan_init(&scan, mem, len);
	if (scan_object(&scan) == SCAN_OK)
		while (scan_member(&scan, &name) == SCAN_OK)
			if (scan_value(&scan, &v) != SCAN_OK)
				break;
	good = scan_end(&scan) == SCAN_OK;
	if (!good)
		check_refused(&scan);
	assert_true(scan.p <= scan.end);
	free(mem);
	return good;
}

bool
scans_member_value(const char *p, size_t len)
{
	static const char before[] = "{\"a\":1,\"b\":", after[] = ",\"c\":[]}";
	size_t size = sizeof(before) - 1 + len + sizeof(after) - 1;
	char *mem = malloc(size);
	bool good;

	assert_non_null(mem);
	memcpy(mem, before, sizeof(before) - 1);
	memcpy(mem + sizeof(before) - 1, p, len);
	memcpy(mem + sizeof(before) - 1 + len, after, sizeof(after) - 1);
	good = scans_object(mem, size);
	free(mem);
	return good;
}
