/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is not as expected fails the test.
 */

#include "config.h"

#include "confs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "folder.h"

struct conf *
confs_load(const char *text)
{
	struct problems problems = PROBLEMS_INIT;
	struct conf *conf = conf_load(folder_write_text("F", text),
	    &problems);
	char *lines = confs_problems(&problems);

	assert_string_equal(lines, "");
	free(lines);
	assert_non_null(conf);
	return conf;
}

char *
confs_problems(struct problems *problems)
{
	const char *folder = folder_path("");
	char *text, *p;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	problems_print(problems, f);
	problems_clear(problems);
	fclose(f);
	len = strlen(folder);
	for (p = text; (p = strstr(p, folder)) != NULL; )
		memmove(p, p + len, strlen(p + len) + 1);
	return text;
}

char *
confs_problems_of(const char *name)
{
	struct problems problems = PROBLEMS_INIT;

	conf_free(conf_load(folder_path(name), &problems));
	return confs_problems(&problems);
}

void
confs_expect(const char *text, const char *expected)
{
	char *lines;

	folder_write_text("F", text);
	lines = confs_problems_of("F");
	if (strcmp(lines, expected) != 0)
		fail_msg("%s\nis told\n%sinstead of\n%s", text, lines,
		    expected);
	free(lines);
}

void
confs_expect_line(const char *line, const char *expected)
{
	char text[4096], problem[4096];

	assert_true(snprintf(text, sizeof(text), LISTEN "%s\n", line) <
	    (int)sizeof(text));
	if (*expected == '\0')
		*problem = '\0';
	else
		snprintf(problem, sizeof(problem), "F:2: %s\n", expected);
	confs_expect(text, problem);
}
