/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Folders that are missing, and those that a service does not see.
 */

#include "config.h"

#include "daemon/places.h"

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
	places_warn_hidden(conf, out);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_looked_for),
		cmocka_unit_test(the_service_makes_some),
		cmocka_unit_test(paths_out_of_view_are_warned_of)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
