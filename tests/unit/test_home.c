/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Which control socket belongs to which configuration, for the system, its
 * instances and each user.  Root is tried as what it is, and as somebody.
 */

#include "config.h"

#include "common/home.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"

#define CONF	SYSCONFDIR "/appmsgd.conf"
#define RUNTIME	RUNSTATEDIR "/appmsgd/"
#define USER	54321	/* who has nothing but what is opened to all */

/* Takes what was found. */
static void
expect(char *found, const char *expected)
{
	int error = errno;

	if (expected == NULL) {
		assert_null(found);
		assert_int_equal(error, 0);
	} else {
		assert_non_null(found);
		assert_string_equal(found, expected);
	}
	free(found);
}

static void
the_systems_and_its_instances(void **state)
{
	(void)state;
	expect(home_control(CONF), RUNTIME "control.sock");
	expect(home_unit(CONF), "appmsgd.service");
	expect(home_control(SYSCONFDIR "/appmsgd/red.conf"),
	    RUNTIME "red/control.sock");
	expect(home_unit(SYSCONFDIR "/appmsgd/red.conf"),
	    "appmsgd@red.service");
	expect(home_control(SYSCONFDIR "/appmsgd/a.b.conf"),
	    RUNTIME "a.b/control.sock");
}

static void
others_have_none(void **state)
{
	static const char *const paths[] = { SYSCONFDIR "/other.conf",
	    SYSCONFDIR "/appmsgd/.conf", SYSCONFDIR "/appmsgd/..conf",
	    SYSCONFDIR "/appmsgd/red.conf.new", SYSCONFDIR "/appmsgd/red",
	    SYSCONFDIR "/appmsgd/deep/red.conf", "/no-such/appmsgd.conf",
	    "appmsgd.conf", "/appmsgd.conf", "", "/" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		expect(home_control(paths[i]), NULL);
		expect(home_unit(paths[i]), NULL);
	}
}

/* From within, and by a path that is not the usual one. */
static void
other_ways_to_a_folder(void **state)
{
	char *cwd = getcwd(NULL, 0);

	(void)state;
	expect(home_control(SYSCONFDIR "//appmsgd.conf"),
	    access(SYSCONFDIR, F_OK) == 0 ? RUNTIME "control.sock" : NULL);
	assert_non_null(cwd);
	if (chdir(SYSCONFDIR) == 0) {
		expect(home_control("appmsgd.conf"), RUNTIME "control.sock");
		expect(home_control("./appmsgd.conf"), RUNTIME "control.sock");
		assert_int_equal(chdir(cwd), 0);
	}
	free(cwd);
}

static void
a_user_has_his_own(void **state)
{
	char own[4096], other[4096];

	(void)state;
	assert_int_equal(setenv("HOME", folder_path("home"), 1), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/1", 1), 0);
	snprintf(own, sizeof(own), "%s/.config/appmsgd.conf",
	    folder_path("home"));
	expect(home_control(own), "/run/user/1/appmsgd/control.sock");
	expect(home_unit(own), NULL);
	expect(home_conf(), CONF);	/* it is not there */
	snprintf(other, sizeof(other), "%s/appmsgd.conf", folder_path("home"));
	expect(home_control(other), NULL);
	assert_int_equal(setenv("XDG_CONFIG_HOME", folder_path("home"), 1), 0);
	expect(home_control(other), "/run/user/1/appmsgd/control.sock");
	expect(home_control(own), NULL);
	/* What is no absolute path is ignored, as the specification has it. */
	assert_int_equal(setenv("XDG_CONFIG_HOME", "home", 1), 0);
	expect(home_control(own), "/run/user/1/appmsgd/control.sock");
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	expect(home_control(own), NULL);
	expect(home_socket(), RUNTIME "control.sock");
}

static void
what_is_there_is_taken(void **state)
{
	char path[4096];

	(void)state;
	/* A file in the place of the socket is there, too. */
	assert_int_equal(setenv("XDG_CONFIG_HOME", folder_path("."), 1), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", folder_path("."), 1), 0);
	expect(home_socket(), RUNTIME "control.sock");
	folder_write_text("appmsgd.conf", "");
	folder_write_text("appmsgd/control.sock", "");
	snprintf(path, sizeof(path), "%s/appmsgd.conf", folder_path("."));
	expect(home_conf(), path);
	snprintf(path, sizeof(path), "%s/appmsgd/control.sock",
	    folder_path("."));
	expect(home_socket(), path);
}

/* As whoever runs this, and root as somebody else. */
static void
as_a_user(void **state)
{
	uid_t before = geteuid();

	if (before == 0 && (chmod(folder_path("."), 0777) != 0 ||
	    seteuid(USER) != 0))
		skip();
	umask(0);
	assert_int_equal(mkdir(folder_path("appmsgd"), 0777), 0);
	a_user_has_his_own(state);
	what_is_there_is_taken(state);
	assert_int_equal(seteuid(before), 0);
}

static void
root_has_none(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	/* Whatever as_a_user() has left there. */
	expect(home_conf(), CONF);
	expect(home_socket(), RUNTIME "control.sock");
}

static void
names_of_instances(void **state)
{
	static const char *const wrong[] = { "", ".", "..", "a/b", "/" };

	(void)state;
	expect(home_instance_socket("red"), RUNTIME "red/control.sock");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_null(home_instance_socket(wrong[i]));
		assert_int_equal(errno, EINVAL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_systems_and_its_instances),
		cmocka_unit_test(others_have_none),
		cmocka_unit_test(other_ways_to_a_folder),
		cmocka_unit_test(as_a_user),
		cmocka_unit_test(root_has_none),
		cmocka_unit_test(names_of_instances)
	};

	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
