/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is said of sockets that cannot be bound.
 */

#include "config.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/net/refusal.h"

static const struct sockaddr_in v4 = { .sin_family = AF_INET };
static const struct sockaddr path = { .sa_family = AF_UNIX };

static struct sockaddr_in6
v6(const char *text)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
	return sin6;
}

static void
some_pass_and_some_last(void **state)
{
	const struct sockaddr *sa = (const void *)&v4;

	(void)state;
	assert_true(refusal_lasts(sa, EACCES));
	assert_true(refusal_lasts(sa, EADDRNOTAVAIL));
	assert_true(refusal_lasts(&path, ENOENT));
	assert_false(refusal_lasts(sa, EADDRINUSE));
	assert_false(refusal_lasts(&path, EADDRINUSE));
	assert_false(refusal_lasts(sa, ENOMEM));
	assert_false(refusal_lasts(sa, EMFILE));
}

static void
an_address_that_is_tried_out_passes(void **state)
{
	struct sockaddr_in6 ours = v6("::1"), foreign = v6("2001:db8::1");

	(void)state;
	assert_true(refusal_lasts((struct sockaddr *)&foreign,
	    EADDRNOTAVAIL));
	/* The file is not there where the kernel has no IPv6. */
	if (access("/proc/self/net/if_inet6", R_OK) != 0)
		skip();
	assert_false(refusal_lasts((struct sockaddr *)&ours, EADDRNOTAVAIL));
	assert_true(refusal_lasts((struct sockaddr *)&ours, EACCES));
}

static void
hints_are_for_what_was_refused(void **state)
{
	struct sockaddr_in sin = v4;
	struct sockaddr_in6 sin6 = v6("fe80::1");
	const struct sockaddr *sa = (const void *)&sin;

	(void)state;
	sin.sin_port = htons(99);
	assert_non_null(strstr(refusal_hint(sa, EACCES), "appmsgd.socket"));
	sin.sin_port = htons(1024);
	assert_null(refusal_hint(sa, EACCES));
	assert_non_null(strstr(refusal_hint(sa, EADDRNOTAVAIL), "0.0.0.0"));
	assert_null(refusal_hint(sa, EINVAL));
	assert_non_null(strstr(refusal_hint((struct sockaddr *)&sin6,
	    EINVAL), "fe80::1%eth0"));
	assert_non_null(strstr(refusal_hint(&path, ENOENT), "missing"));
	assert_null(refusal_hint(&path, EADDRINUSE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_pass_and_some_last),
		cmocka_unit_test(an_address_that_is_tried_out_passes),
		cmocka_unit_test(hints_are_for_what_was_refused)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
