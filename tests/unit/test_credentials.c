/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Who may use the control socket, by what the kernel says of him.
 */

#include "config.h"

#include "daemon/who/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define USER	1000
#define GROUP	50

static gid_t groups[] = { 7, GROUP, 8 };

static void
root_and_the_same_user_are_allowed(void **state)
{
	struct credentials c = { .uid = 0, .gid = 1 };

	(void)state;
	assert_true(credentials_allow(&c, USER, CREDENTIALS_NO_GROUP));
	assert_true(credentials_allow(&c, USER, GROUP));
	c.uid = USER;
	assert_true(credentials_allow(&c, USER, CREDENTIALS_NO_GROUP));
	assert_true(credentials_allow(&c, USER, GROUP));
	assert_false(credentials_allow(&c, 0, CREDENTIALS_NO_GROUP));
}

static void
other_users_are_not(void **state)
{
	struct credentials c = { .uid = USER + 1, .gid = USER };

	(void)state;
	assert_false(credentials_allow(&c, USER, CREDENTIALS_NO_GROUP));
	assert_false(credentials_allow(&c, USER, GROUP));
}

static void
members_of_the_group_are_allowed(void **state)
{
	struct credentials c = { .uid = USER + 1, .gid = GROUP };

	(void)state;
	assert_true(credentials_allow(&c, USER, GROUP));
	c.gid = 6;
	assert_false(credentials_allow(&c, USER, GROUP));
	c.groups = groups;
	c.n_groups = 1;
	assert_false(credentials_allow(&c, USER, GROUP));
	c.n_groups = 3;
	assert_true(credentials_allow(&c, USER, GROUP));
	assert_false(credentials_allow(&c, USER, CREDENTIALS_NO_GROUP));
}

static void
root_s_group_is_a_group_like_others(void **state)
{
	struct credentials c = { .uid = USER + 1, .gid = 0 };

	(void)state;
	assert_false(credentials_allow(&c, USER, CREDENTIALS_NO_GROUP));
	assert_false(credentials_allow(&c, USER, GROUP));
	assert_true(credentials_allow(&c, USER, 0));
}

static void
who_is_not_known_is_nobody(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(credentials_read(&c, -1), -1);
	assert_false(credentials_allow(&c, USER, CREDENTIALS_NO_GROUP));
	assert_false(credentials_allow(&c, (uid_t)-1, (gid_t)-1));
	credentials_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_and_the_same_user_are_allowed),
		cmocka_unit_test(other_users_are_not),
		cmocka_unit_test(members_of_the_group_are_allowed),
		cmocka_unit_test(root_s_group_is_a_group_like_others),
		cmocka_unit_test(who_is_not_known_is_nobody)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
