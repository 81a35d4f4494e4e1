/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Which variables speak of this process, and that none is left; what is done
 * with sockets is tested with the daemon.
 */

#include "config.h"

#include "daemon/manager/inherit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void
take(const char *pid, const char *n, const char *names)
{
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", n, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	assert_null(inherit_take());
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
}

static void
variables_are_gone(void **state)
{
	char us[32];

	(void)state;
	snprintf(us, sizeof(us), "%ld", (long)getpid());
	take(us, "0", "");
	take(us, "-1", "a:b");
	take(us, "2x", "a");
	take("1", "7", "a:b:c");	/* of another process */
	take("", "1", "a");
	assert_null(inherit_take());	/* none at all */
}

static void
ended(const struct sockaddr *sa, socklen_t len)
{
	(void)sa;
	(void)len;
	fail();
}

static void
nothing_was_inherited(void **state)
{
	struct sockaddr sa = { .sa_family = AF_INET };
	bool kept = true;

	(void)state;
	assert_int_equal(inherit_find(NULL, &sa, sizeof(sa), &kept), -1);
	assert_false(kept);
	inherit_free(NULL, ended);
}

static void
without_a_manager_nothing_is_left(void **state)
{
	struct sockaddr sa = { .sa_family = AF_INET };

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(inherit_leave(0, &sa, sizeof(sa)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_gone),
		cmocka_unit_test(nothing_was_inherited),
		cmocka_unit_test(without_a_manager_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
