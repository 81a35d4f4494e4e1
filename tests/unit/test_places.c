/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Folders that are missing, and those that a service does not see.
 */

#include "config.h"

#include "daemon/system/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "confs.h"
#include "folder.h"

static void
expect_missing(const char *text, bool ahead, const char *expected)
{
	struct problems problems = PROBLEMS_INIT;
	struct conf *conf = confs_load(text);
	char *told;

	places_look(conf, ahead, &problems);
	told = confs_problems(&problems);
	assert_string_equal(told, expected);
	free(told);
	conf_free(conf);
}

static void
folders_are_looked_for(void **state)
{
	(void)state;
	expect_missing("listen /socket\npidfile /pid\n", false, "");
	expect_missing("listen /no-such/socket\nlisten /usr/x\n"
	    "control /no-such/control\n", true,
	    "F:1: the folder of /no-such/socket is missing\n");
	expect_missing("listen 127.0.0.1 0\npidfile /no-such/pid\n"
	    "log access=/dev/null/log\n", false,
	    "F:2: the folder of /no-such/pid is missing\n"
	    "F:3: the folder of /dev/null/log is missing\n");
}

static void
the_service_makes_some(void **state)
{
	static const char text[] = "listen " RUNSTATEDIR "/appmsgd/socket\n";

	(void)state;
	expect_missing(text, true, "");
	if (access(RUNSTATEDIR "/appmsgd", F_OK) == 0)
		skip();
	expect_missing(text, false, "F:1: the folder of " RUNSTATEDIR
	    "/appmsgd/socket is missing\n");
}

/* One for each instance, and no deeper. */
static void
so_do_instances(void **state)
{
	(void)state;
	expect_missing("listen " RUNSTATEDIR "/appmsgd/red/socket\n"
	    "log access=/var/log/appmsgd/red.log\n", true, "");
	expect_missing("listen ::1 1\nlog access=/var/log/appmsgd/red/log\n",
	    true, "F:2: the folder of /var/log/appmsgd/red/log is missing\n");
	expect_missing("listen " RUNSTATEDIR "/appmsgd/no-such/x/socket\n"
	    "listen " RUNSTATEDIR "/appmsgd-no-such/socket\n", true,
	    "F:1: the folder of " RUNSTATEDIR "/appmsgd/no-such/x/socket is "
	    "missing\nF:2: the folder of " RUNSTATEDIR
	    "/appmsgd-no-such/socket is missing\n");
}

/* Takes what is warned of; path: of the configuration, as it says. */
static void
expect_warned(const char *conf_text, const char *path, const char *expected)
{
	struct conf *conf = confs_load(conf_text);
	size_t len, prefix = strlen(folder_path("F"));
	char *text = NULL, *p;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	places_warn(conf, path, out);
	assert_int_equal(fclose(out), 0);
	/* The file's folder is nobody's business. */
	for (p = text; (p = strstr(p, folder_path("F"))) != NULL; p++)
		memmove(p, p + prefix - 1, strlen(p + prefix - 1) + 1);
	assert_string_equal(text, expected);
	free(text);
	conf_free(conf);
}

static void
open_addresses_are_warned_of(void **state)
{
	(void)state;
	expect_warned("listen 0.0.0.0 1\nlisten :: 2 service=echo\n"
	    "listen 0.0.0.0 3 allow=10.0.0.0/8\nlisten ::1 4\n"
	    "listen 127.0.0.1 5\nlisten 192.0.2.1 6\nlisten /x\n", "any",
	    "F:1: warning: everybody who can reach this machine may ask at "
	    "0.0.0.0:1; allow= names networks that may\n"
	    "F:2: warning: everybody who can reach this machine may ask at "
	    "[::]:2; allow= names networks that may\n");
}

/* Of groups that the unit's user namespace hides. */
static void
strangers_of_a_unit_are_warned_of(void **state)
{
	static const char red[] = SYSCONFDIR "/appmsgd/red.conf";
	static const char text[] = "listen /run/a allow=group:1005,unix\n"
	    "listen /run/b deny=user:7\nlisten /run/c allow=user:0\n"
	    "listen /run/d allow=unix deny=group:root\n"
	    "table t binary / deny=group:7\ntable u binary / allow=unix\n";

	(void)state;
	expect_warned(text, "/other.conf", "");
	expect_warned(text, red, "F:1: warning: appmsgd@red.service sees "
	    "whose processes peers are only with PrivateUsers=no, see "
	    "appmsgd(8)\n"
	    "F:2: warning: appmsgd@red.service sees "
	    "whose processes peers are only with PrivateUsers=no, see "
	    "appmsgd(8)\n"
	    "F:5: warning: appmsgd@red.service sees "
	    "whose processes peers are only with PrivateUsers=no, see "
	    "appmsgd(8)\n");
}

static void
a_units_control_socket_is_where_it_looks(void **state)
{
	static const char red[] = SYSCONFDIR "/appmsgd/red.conf";
	static const char warned[] = "F:2: warning: appmsgd@red.service "
	    "reloads by " RUNSTATEDIR "/appmsgd/red/control.sock, which it "
	    "has without this line\n";

	(void)state;
	expect_warned("listen ::1 1\ncontrol /run/x\n", red, warned);
	expect_warned("listen ::1 1\ncontrol no\n", red, warned);
	expect_warned("listen ::1 1\ncontrol /run/x\n", "/other.conf", "");
	expect_warned("listen ::1 1\n", red, "");
	/* Not where it is built for a folder that no unit has a view of. */
	if (strncmp(RUNSTATEDIR, "/var/tmp/", 9) != 0 &&
	    strncmp(RUNSTATEDIR, "/tmp/", 5) != 0 &&
	    strncmp(RUNSTATEDIR, "/home/", 6) != 0 &&
	    strncmp(RUNSTATEDIR, "/root/", 6) != 0)
		expect_warned("listen ::1 1\ncontrol " RUNSTATEDIR
		    "/appmsgd/red/control.sock\n", red, "");
}

static void
paths_out_of_view_are_warned_of(void **state)
{
	static const char *const lines[] = { "1:/tmp/socket",
	    "4:/root/no-such", "5:/var/tmp/no-such.tsv",
	    "6:/home/no-such/*.tsv", "8:/run/user/1/pid" };
	struct conf *conf = confs_load("listen /tmp/socket\n"
	    "listen 127.0.0.1 0\nlisten /run/socket\n"
	    "binary a file /root/no-such\n"
	    "table t file /var/tmp/no-such.tsv\n"
	    "table u file /home/no-such/*.tsv\n"
	    "table v file /homes/no-such.tsv\n"
	    "pidfile /run/user/1/pid\n");
	char *text = NULL, *rest, expected[512];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	places_warn(conf, SYSCONFDIR "/appmsgd.conf", out);
	assert_int_equal(fclose(out), 0);
	rest = text;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(expected, sizeof(expected), "%s:%c: warning: "
		    "appmsgd.service has no view of %s", folder_path("F"),
		    lines[i][0], lines[i] + 2);
		assert_string_equal(strsep(&rest, "\n"), expected);
	}
	assert_string_equal(rest, "");
	free(text);
	conf_free(conf);
}

static void
expect_hidden(const char *line, const char *path)
{
	struct conf *conf = confs_load(line);
	char *text = NULL, expected[512];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	snprintf(expected, sizeof(expected), "%s:2: warning: "
	    "appmsgd.service has no view of %s\n", folder_path("F"), path);
	assert_non_null(out);
	places_warn(conf, SYSCONFDIR "/appmsgd.conf", out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
	conf_free(conf);
}

static void
so_are_files_of_passwords_and_authorities(void **state)
{
	const char *path = folder_write_text("secret", "hush\n");

	(void)state;
	if (strncmp(path, "/tmp/", 5) != 0)
		skip();
	expect_hidden(LISTEN
	    "table t redis 127.0.0.1:1 password-file=secret\n", path);
#ifdef HAVE_OPENSSL
	expect_hidden(LISTEN
	    "table t redis 127.0.0.1:1 tls=yes ca=secret\n", path);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_looked_for),
		cmocka_unit_test(the_service_makes_some),
		cmocka_unit_test(so_do_instances),
		cmocka_unit_test(open_addresses_are_warned_of),
		cmocka_unit_test(strangers_of_a_unit_are_warned_of),
		cmocka_unit_test(a_units_control_socket_is_where_it_looks),
		cmocka_unit_test(paths_out_of_view_are_warned_of),
		cmocka_unit_test(so_are_files_of_passwords_and_authorities)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
