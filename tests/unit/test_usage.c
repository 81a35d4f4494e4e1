/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the process takes, against what it does.
 */

#include "config.h"

#include "daemon/report/usage.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/buf.h"
#include "daemon/base/tell.h"

#define MEGABYTES	32
#define DESCRIPTORS	50

static void
memory_is_counted(void **state)
{
	size_t size = (size_t)MEGABYTES << 20;
	struct usage before, after;
	char *p;

	(void)state;
	usage_read(&before);
	if (before.resident == -1)
		skip();
	p = malloc(size);
	assert_non_null(p);
	for (size_t i = 0; i < size; i += 1024)
		((volatile char *)p)[i] = 1;
	usage_read(&after);
	free(p);
	assert_true(before.resident > 0);
	assert_true(after.resident - before.resident > (int64_t)size / 2);
	assert_true(after.virtual >= after.resident);
}

static void
descriptors_are_counted(void **state)
{
	int fds[DESCRIPTORS];
	struct usage before, after;
	struct rlimit rl;

	(void)state;
	usage_read(&before);
	if (before.open_fds == -1)
		skip();
	for (size_t i = 0; i < DESCRIPTORS; i++)
		assert_int_not_equal(fds[i] = open("/dev/null", O_RDONLY), -1);
	usage_read(&after);
	for (size_t i = 0; i < DESCRIPTORS; i++)
		close(fds[i]);
	assert_int_equal(after.open_fds, before.open_fds + DESCRIPTORS);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	assert_true(rl.rlim_cur == RLIM_INFINITY ||
	    after.max_fds == (int64_t)rl.rlim_cur);
}

static void
time_is_counted(void **state)
{
	struct usage before, after;

	(void)state;
	usage_read(&before);
	/* To ask takes some. */
	do
		usage_read(&after);
	while (after.cpu_ns < before.cpu_ns + 1000000);
	assert_true(after.cpu_ns < before.cpu_ns + UINT64_C(60000000000));
}

static void
what_is_not_known_is_not_told(void **state)
{
	static const struct usage u = { 1500, -1, 4096, -1, 1024 };
	struct buf b = { 0 };
	struct tell t;

	(void)state;
	tell_init(&t);
	usage_tell(&u, &t);
	assert_int_equal(tell_print(&t, &b), 0);
	assert_int_equal(buf_add(&b, "", 1), 0);
	assert_string_equal(b.data, "{ \"process\": { \"cpu-us\": 1.500, "
	    "\"virtual-bytes\": 4096, \"descriptors-limit\": 1024 } }");
	tell_clear(&t);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_counted),
		cmocka_unit_test(descriptors_are_counted),
		cmocka_unit_test(time_is_counted),
		cmocka_unit_test(what_is_not_known_is_not_told)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
