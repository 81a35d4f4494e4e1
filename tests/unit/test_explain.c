/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the administrator is told of an answer from other machines.
 */

#include "config.h"

#include "daemon/snapshot/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/buf.h"
#include "daemon/base/problems.h"
#include "daemon/base/tell.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"

static struct generation *gen;

static int
setup(void **state)
{
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	folder_write_text("before.tsv", "k\tbefore\n");
	folder_write_text("behind.tsv", "k\tbehind\n");
	gen = generation_load(folder_write_text("F", "listen 127.0.0.1 0\n"
	    "table before file before.tsv\n"
	    "table shared redis 127.0.0.1:1\n"
	    "table behind file behind.tsv\n"), NULL, &problems);
	problems_print(&problems, stderr);
	if (gen == NULL)
		return -1;
	gen->number = 3;
	return 0;
}

static int
teardown(void **state)
{
	generation_unref(gen);
	return folder_teardown(state);
}

/* Behind main and the table before it. */
#define ELSEWHERE	.table = "shared", .source = "redis", .before = 2

static char *
object(const struct explain_asked *asked)
{
	struct buf b = { 0 };
	struct tell t;

	tell_init(&t);
	explain_tell(asked, &t);
	assert_int_equal(tell_print(&t, &b), 0);
	assert_int_equal(buf_add(&b, "", 1), 0);
	tell_clear(&t);
	return b.data;
}

static void
expect(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s\nis not in\n%s", part, text);
}

static void
what_is_elsewhere_hides_what_is_behind_it(void **state)
{
	const struct explain_elsewhere elsewhere = { ELSEWHERE,
	    .node = "127.0.0.1:1", .published = 17 };
	const struct snapshot_answer answer = { .text = "a\\tb",
	    .text_len = 4 };
	const struct explain_asked asked = { gen, "k", 1, &answer,
	    &elsewhere };
	char *text = explain_text(&asked);

	(void)state;
	assert_non_null(text);
	expect(text, "answer      a\\tb\ntable       shared\n"
	    "source      redis\nnode        127.0.0.1:1\n"
	    "published   17\ncached      no\nmatch       exact\n"
	    "generation  3\nloaded      ");
	expect(text, "\nhides       behind, ");
	assert_null(strstr(text, "before"));
	free(text);
	text = object(&asked);
	expect(text, "\"table\": \"shared\"");
	expect(text, "\"source\": \"redis\"");
	expect(text, "\"node\": \"127.0.0.1:1\"");
	expect(text, "\"published\": 17");
	expect(text, "\"cached\": false");
	expect(text, "\"stale\": false");
	expect(text, "\"answer\": \"behind\"");
	assert_null(strstr(text, "\"answer\": \"before\""));
	free(text);
}

static void
what_is_not_known_is_not_told(void **state)
{
	const struct explain_elsewhere elsewhere = { ELSEWHERE, .node = "",
	    .cached = true, .stale = true };
	const struct snapshot_answer answer = { .text = "", .text_len = 0 };
	const struct explain_asked asked = { gen, "none", 4, &answer,
	    &elsewhere };
	char *text = explain_text(&asked);

	(void)state;
	assert_non_null(text);
	expect(text, "source      redis\ncached      yes, and stale\n");
	assert_null(strstr(text, "hides"));
	free(text);
	text = object(&asked);
	assert_null(strstr(text, "\"node\""));
	assert_null(strstr(text, "\"published\""));
	free(text);
}

static void
what_is_here_hides_as_before(void **state)
{
	struct snapshot_answer answer;
	const struct explain_asked asked = { gen, "k", 1, &answer, NULL };
	char *text;

	(void)state;
	assert_int_equal(snapshot_find(gen->snap, NULL, "k", 1, &answer),
	    SNAPSHOT_FOUND);
	assert_non_null(text = explain_text(&asked));
	expect(text, "answer      before\ntable       before\nfile        ");
	expect(text, "hides       behind, ");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_elsewhere_hides_what_is_behind_it),
		cmocka_unit_test(what_is_not_known_is_not_told),
		cmocka_unit_test(what_is_here_hides_as_before)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
