/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words about clients: what is said of wrong ones, and that they are written
 * as they were read.
 */

#include "config.h"

#include "daemon/who/who_words.h"

#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/who/namespace.h"
#include "daemon/who/who_as.h"

#define COUNT(list)	(sizeof(list) / sizeof((list)[0]))
#define NO_CLIENT	" in allow= is no client: neither a network such " \
			"as 192.0.2.0/24 nor unix, user:NAME, group:NAME, " \
			"cert, cn:NAME, dns:NAME, uri:URI or email:ADDRESS"

static struct problems problems;
static const struct who_place place = { .problems = &problems,
    .file = "F", .line = 7, .what = "allow=" };

static void
words_are_written_as_they_are_read(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.0/24,unix,cert", "192.0.2.0/24,unix,cert" },
		{ "192.0.2.7", "192.0.2.7/32" }, { "::1", "::1/128" },
		{ "2001:0DB8::/32", "2001:db8::/32" },
		{ "user:root,group:root", "user:root,group:root" },
		{ "user:0,group:60000", "user:0,group:60000" },
		{ "cn:a b \"c\",cn:*", "cn:a b \"c\",cn:*" },
		{ "dns:*.A.example,uri:x:y@z,email:a@b",
		    "dns:*.A.example,uri:x:y@z,email:a@b" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct who_rule rule = { .allow = { .n = 0 } };
		char *text = strdup(rows[i][0]);
		char written[256] = "", start[WHO_START_SIZE];

		assert_int_equal(who_words_read(&rule.allow, text, &place),
		    0);
		for (size_t n = 0; n < rule.allow.n; n++) {
			const struct who_word *w = &rule.allow.words[n];

			strlcat(written, n > 0 ? "," : "", sizeof(written));
			strlcat(written, who_word_start(w, start),
			    sizeof(written));
			strlcat(written, w->text != NULL ? w->text : "",
			    sizeof(written));
		}
		assert_string_equal(written, rows[i][1]);
		who_rule_clear(&rule);
		free(text);
	}
}

static void
expect_told(const char *text, const char *why)
{
	struct who_rule rule = { .allow = { .n = 0 } };
	char *copy = strdup(text), *line = NULL;
	size_t len;
	FILE *f = open_memstream(&line, &len);
	char expected[1024];

	assert_int_equal(who_words_read(&rule.allow, copy, &place), -1);
	problems_print(&problems, f);
	fclose(f);
	snprintf(expected, sizeof(expected), "F:7: %s\n", why);
	assert_string_equal(line, expected);
	problems_clear(&problems);
	who_rule_clear(&rule);
	free(copy);
	free(line);
}

static void
wrong_words_are_told(void **state)
{
	static const char *const rows[][2] = {
		{ "", "\"\"" NO_CLIENT },
		{ "unix,", "\"\"" NO_CLIENT },
		{ "10.1.2.3/8", "\"10.1.2.3/8\" in allow= has bits behind "
		    "its mask; did you mean \"10.0.0.0/8\"?" },
		{ "2001:db8::1/64", "\"2001:db8::1/64\" in allow= has bits "
		    "behind its mask; did you mean \"2001:db8::/64\"?" },
		{ "1.2.3.4/0", "\"1.2.3.4/0\"" NO_CLIENT },
		{ "::ffff:1.2.3.4", "\"::ffff:1.2.3.4\"" NO_CLIENT "; did "
		    "you mean \"1.2.3.4\"?" },
		{ "10/8", "\"10/8\"" NO_CLIENT "; did you mean "
		    "\"10.0.0.0/8\"?" },
		{ "10.0.0.0/33", "\"10.0.0.0/33\"" NO_CLIENT },
		{ "Unix", "\"Unix\"" NO_CLIENT "; did you mean \"unix\"?" },
		{ "usr:alice", "\"usr:alice\"" NO_CLIENT "; did you mean "
		    "\"user:\"?" },
		{ "cn=a", "\"cn=a\"" NO_CLIENT "; did you mean \"cn:\"?" },
		{ "certificate", "\"certificate\"" NO_CLIENT "; did you "
		    "mean \"cert\"?" },
		{ "a-very-long-word-that-is-none", "\"a-very-long-word-that-"
		    "is-none\"" NO_CLIENT },
		{ "user:no-such-user", "unknown user \"no-such-user\" in "
		    "allow=" },
		{ "user:", "unknown user \"\" in allow=" },
		{ "user:4294967295", "unknown user \"4294967295\" in "
		    "allow=" },
		{ "user:-1", "unknown user \"-1\" in allow=" },
		{ "group:no-such-group", "unknown group \"no-such-group\" in "
		    "allow=" },
		{ "group:99999999999999999999", "unknown group "
		    "\"99999999999999999999\" in allow=" },
		{ "cn:", "\"cn:\" in allow= names nobody" },
		{ "uri:", "\"uri:\" in allow= names nobody" },
		{ "dns:a.*", "\"dns:a.*\" in allow= is not a name such as "
		    "host.example or *.example" },
		{ "dns:*.", "\"dns:*.\" in allow= is not a name such as "
		    "host.example or *.example" },
		{ "dns:a b", "\"dns:a b\" in allow= is not a name such as "
		    "host.example or *.example" },
		{ "email:a", "\"email:a\" in allow= is not an address such "
		    "as alice@host.example" },
		{ "email:@a", "\"email:@a\" in allow= is not an address such "
		    "as alice@host.example" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect_told(rows[i][0], rows[i][1]);
}

/* All of a list at once. */
static void
each_wrong_word_is_told(void **state)
{
	struct who_rule rule = { .allow = { .n = 0 } };
	char text[] = "x,unix,y,cn:";

	(void)state;
	assert_int_equal(who_words_read(&rule.allow, text, &place), -1);
	assert_int_equal(problems_count(&problems), 3);
	problems_clear(&problems);
	who_rule_clear(&rule);
}

static void
strangers_of_a_namespace_are_nobody(void **state)
{
	static const char own[] = "         0          0          1\n"
	    "       998        998          1\n";
	static const char many[] = "0 100000 65536\n";

	(void)state;
	assert_true(namespace_map_has("0 0 4294967295\n", 65534, 65534));
	assert_true(namespace_map_has(own, 0, 65534));
	assert_true(namespace_map_has(own, 998, 65534));
	assert_false(namespace_map_has(own, 1, 65534));
	assert_false(namespace_map_has(own, 999, 65534));
	assert_false(namespace_map_has(own, 65534, 65534));
	assert_true(namespace_map_has(many, 65533, 65534));
	/* It may be everybody. */
	assert_false(namespace_map_has(many, 65534, 65534));
	assert_true(namespace_map_has(many, 65534, 65535));
	assert_false(namespace_map_has(many, 65536, 65534));
	assert_false(namespace_map_has("", 0, 65534));
}

static void
what_is_no_single_client_is_told(void **state)
{
	static const char *const rows[] = { "10.0.0.0/8", "::/127",
	    "10.0.0.1,10.0.0.2", "10.0.0.1,::1", "10.0.0.1,unix",
	    "user:1,::1", "group:1,::1", "user:1,user:1", "user:", "",
	    "cn:a,x" };
	struct who_as as;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *copy = strdup(rows[i]);

		assert_int_equal(who_as_read(&as, copy, &place), -1);
		assert_int_equal(problems_count(&problems), 1);
		problems_clear(&problems);
		who_as_clear(&as);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_written_as_they_are_read),
		cmocka_unit_test(wrong_words_are_told),
		cmocka_unit_test(each_wrong_word_is_told),
		cmocka_unit_test(strangers_of_a_namespace_are_nobody),
		cmocka_unit_test(what_is_no_single_client_is_told)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
