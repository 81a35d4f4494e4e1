/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Giving the path of a socket away, where something else may be in its place.
 */

#include "config.h"

#include "daemon/system/process.h"

#include <sys/stat.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"

#define OTHER	((uid_t)65534)
#define NOBODY	((uid_t)-1)
#define NONE	((gid_t)-1)

static const char *
make(const char *name, mode_t type)
{
	const char *path = folder_path(name);

	unlink(path);
	assert_int_equal(mknod(path, type | 0600, 0), 0);
	return path;
}

static uid_t
owner(const char *path)
{
	struct stat sb;

	assert_int_equal(lstat(path, &sb), 0);
	return sb.st_uid;
}

static void
a_socket_is_given(void **state)
{
	const char *path = make("socket", S_IFSOCK);

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(process_own_socket(path, OTHER, 7), 0);
	assert_int_equal(owner(path), OTHER);
	/* Once more there is nothing to do. */
	assert_int_equal(process_own_socket(path, OTHER, 7), 0);
	assert_int_equal(process_own_socket(path, NOBODY, NONE), 0);
}

static void
expect_refused(const char *path, int error)
{
	uid_t user = geteuid() == 0 ? OTHER : 0;

	errno = 0;
	assert_int_equal(process_own_socket(path, user, NONE), -1);
	assert_int_equal(errno, error);
	if (error == EPERM)
		assert_int_equal(owner(path), geteuid());
}

static void
nothing_else_is(void **state)
{
	const char *path = folder_path("path");

	(void)state;
	unlink(path);
	expect_refused(path, ENOENT);
	expect_refused(make("path", S_IFREG), EPERM);
	expect_refused(make("path", S_IFIFO), EPERM);
	/* A link to what could be given, and that under another name. */
	make("socket", S_IFSOCK);
	unlink(path);
	assert_int_equal(symlink("socket", path), 0);
	expect_refused(path, EPERM);
	assert_int_equal(owner(folder_path("socket")), geteuid());
	unlink(path);
	assert_int_equal(link(folder_path("socket"), path), 0);
	expect_refused(path, EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_is_given),
		cmocka_unit_test(nothing_else_is)
	};

	return cmocka_run_group_tests_name("process", tests, folder_setup,
	    folder_teardown);
}
