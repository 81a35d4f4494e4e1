/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Configurations as wholes: what they include, how they are shown, and what
 * of another one a reload cannot apply.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "confs.h"
#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
make_folder(const char *name)
{
	assert_int_equal(mkdir(folder_path(name), 0777), 0);
}

static void
includes_are_read_relative_to_their_file(void **state)
{
	struct conf *conf;
	const struct conf_answer *a;
	const char *keys[] = { "0", "b", "a", "c", "d", "9" };

	(void)state;
	make_folder("inc");
	make_folder("inc/more");
	folder_write_text("inc/a.conf", "answer b x\ninclude more/*.conf\n");
	folder_write_text("inc/more/1.conf", "answer a x\n");
	folder_write_text("inc/more/2.conf", "answer c x\n");
	folder_write_text("inc/more/3.txt", "answer wrong x\n");
	folder_write_text("inc/more/.4.conf", "answer hidden x\n");
	folder_write_text("inc/plain", "\nanswer d x\n");
	conf = confs_load(LISTEN "answer 0 x\ninclude inc/*.conf\n"
	    "include none/*.conf\ninclude inc/none*\ninclude inc/plain\n"
	    "answer 9 x\n");
	a = STAILQ_FIRST(&conf->answers);
	for (size_t i = 0; i < COUNT(keys); i++) {
		assert_non_null(a);
		assert_string_equal(a->key, keys[i]);
		if (*a->key == 'd') {
			assert_string_equal(a->place.file,
			    folder_path("inc/plain"));
			assert_int_equal(a->place.line, 2);
		}
		a = STAILQ_NEXT(a, entry);
	}
	assert_null(a);
	conf_free(conf);
}

static void
wrong_includes_are_told(void **state)
{
	(void)state;
	folder_write_text("one", "limit header 5\nlimit header 6\n");
	folder_write_text("self", "include self\n");
	confs_expect(LISTEN "include none\n",
	    "F:2: cannot read none: No such file or directory\n");
	confs_expect(LISTEN "limit header 1k\ninclude one\n",
	    "one:1: limit header was given before, at F:2\n"
	    "one:2: limit header was given before, at F:2\n");
	/* A folder that cannot be looked into is more than no match. */
	assert_int_equal(symlink("loop", folder_path("loop")), 0);
	confs_expect(LISTEN "include loop/*\ntable t file loop/*.tsv\n",
	    "F:2: cannot read the folders of loop/*: Too many levels of "
	    "symbolic links\n"
	    "F:3: cannot read the folders of loop/*.tsv: Too many levels of "
	    "symbolic links\n");
	confs_expect(LISTEN "include /nowhere/*\n", "");
	confs_expect(LISTEN "include self\n",
	    "self:1: self includes itself\n");
	folder_write_text("other", "\ninclude self\n");
	folder_write_text("self", "include other\n");
	confs_expect(LISTEN "include self\n",
	    "other:2: self includes itself\n");
}

/* The first file is one of them. */
static void
includes_are_nested_up_to_16_files(void **state)
{
	char name[32], text[64];
	char *lines;

	(void)state;
	folder_write_text("n1", LISTEN "include n2\n");
	for (int i = 2; i < 17; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(text, sizeof(text), "include n%d\n", i + 1);
		folder_write_text(name, i < 16 ? text : "");
	}
	lines = confs_problems_of("n1");
	assert_string_equal(lines, "");
	free(lines);
	folder_write_text("n16", "\ninclude n17\n");
	folder_write_text("n17", "");
	lines = confs_problems_of("n1");
	assert_string_equal(lines,
	    "n16:2: includes are nested more than 16 deep\n");
	free(lines);
}

/* So many that there seems to be no end to them. */
static void
at_most_10000_files_are_included(void **state)
{
	char hundred[100 * sizeof("include empty\n")] = "";
	char text[2 * sizeof(hundred)] = LISTEN, name[32], *lines;

	(void)state;
	for (int i = 1; i < 17; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		snprintf(hundred, sizeof(hundred), "include m%d\ninclude m%d\n"
		    "include m%d\n", i + 1, i + 1, i + 1);
		folder_write_text(name, i < 16 ? hundred : "");
	}
	lines = confs_problems_of("m1");
	assert_non_null(strstr(lines, "more than 10000 files are included"));
	free(lines);
	hundred[0] = '\0';
	for (int i = 0; i < 100; i++) {
		strlcat(hundred, "include empty\n", sizeof(hundred));
		strlcat(text, "include hundred\n", sizeof(text));
	}
	folder_write_text("empty", "");
	folder_write_text("hundred", hundred);
	/* The first one, and 99 times 101. */
	confs_expect(text, "F:101: more than 10000 files are included\n");
}

/* What is special in a pattern is not in the folder that it is beside. */
static void
includes_are_found_in_any_folder(void **state)
{
	static const char *const folders[] = { "a[b]", "c*", "d?", "e\\f" };
	static const char *const told[] = { "a[b]", "c*", "d?", "e\\\\f" };
	static const char *const words[] = {
		"sub", "s*", "[s]ub", "deep/s?b", "*/s?b"
	};
	char name[64], text[128], *lines;

	(void)state;
	for (size_t i = 0; i < COUNT(folders); i++) {
		make_folder(folders[i]);
		snprintf(name, sizeof(name), "%s/deep", folders[i]);
		make_folder(name);
		snprintf(name, sizeof(name), "%s/deep/sub", folders[i]);
		folder_write_text(name, "answer a b\n");
		snprintf(name, sizeof(name), "%s/sub", folders[i]);
		folder_write_text(name, "answer a b\n");
		snprintf(name, sizeof(name), "%s/F", folders[i]);
		for (size_t j = 0; j < COUNT(words); j++) {
			struct problems problems = PROBLEMS_INIT;
			struct conf *conf;

			snprintf(text, sizeof(text), LISTEN "include %s\n",
			    words[j]);
			conf = conf_load(folder_write_text(name, text),
			    &problems);
			assert_int_equal(problems.n, 0);
			if (STAILQ_EMPTY(&conf->answers))
				fail_msg("%s beside %s", words[j], name);
			assert_null(STAILQ_NEXT(STAILQ_FIRST(&conf->answers),
			    entry));
			conf_free(conf);
		}
		/* A plain path must be there; backslashes are escaped. */
		folder_write_text(name, LISTEN "include none\n");
		snprintf(text, sizeof(text), "%s/F:2: cannot read %s/none: "
		    "No such file or directory\n", told[i], told[i]);
		lines = confs_problems_of(name);
		assert_string_equal(lines, text);
		free(lines);
	}
}

static char *
show(const struct conf *conf)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	conf_show(conf, f);
	fclose(f);
	return text;
}

static void
what_is_shown_says_the_same(void **state)
{
	static const char *const texts[] = {
		LISTEN,
		"listen 127.0.0.1 65432 keep-alive=yes allow=10.0.0.0/8,::/0\n"
		"listen ::1 1 service=echo\n"
		"listen fe80::1 2 allow=1.2.3.4 deny=::/1,2.2.2.2\n"
		"listen \"/run/with \\\"quote\\\".sock\" mode=0600\n"
		"listen /a service=echo deny=unix\n"
		"listen /g group=\"root\" allow=user:0,group:root\n"
		"control \"/run/a b\" group=\"root\"\nuser root\nworkers 7\n"
		"pidfile /run/\\x\nlog level=warn\nlog access=/var/a\n"
		"limit connections 1025\nlimit per-address 1024\n"
		"limit header 65535\nlimit content 1g\nlimit output 5k\n"
		"limit pipeline 1\nlimit memory 1023g\n"
		"timeout idle 24h\ntimeout handshake 61s\ntimeout drain 1s\n"
		"timeout header 1001ms\ntimeout message 60000ms\n"
		"timeout write 1d\n"
		"answer \"a b\" \"c\\u0000\\n\\\"\xf0\x9f\x90\xb0\"\n"
		"answer \"\\u0000\" \"\"\nanswer \"#\" \"#\"\n"
		"answer a=b \"=\"\n"
		"binary \"l \\u0001\" file \"/x y\" type=\"a/b; c=\\\"d\\\"\"\n"
		"binary m file relative\n",
		LISTEN "table main search=prefix,fuzzy guard=7%\n"
		"table t binary / guard=no\n",
		LISTEN "table main duplicates=first fold=yes\n",
		LISTEN "listen /a\ntable t binary / allow=user:0,10.0.0.0/8 "
		"deny=unix,::/1\n"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct conf *conf, *again;
		struct problems problems = PROBLEMS_INIT;
		char *first, *second;

		conf = confs_load(texts[i]);
		first = show(conf);
		again = confs_load(first);
		second = show(again);
		assert_string_equal(first, second);
		conf_compare(conf, again, &problems);
		assert_int_equal(problems.n, 0);
		free(first);
		free(second);
		conf_free(conf);
		conf_free(again);
	}
}

static void
everything_said_is_shown(void **state)
{
	struct conf *conf = confs_load("listen 127.0.0.1 7 keep-alive=yes\n"
	    "listen /a mode=600\nlisten ::1 0 allow=::1\nuser root\n"
	    "listen /g group=root deny=group:root,user:0 allow=unix\n"
	    "control /b group=root\n"
	    "limit header 2k\nlimit pipeline 5\ntimeout idle 2m\n"
	    "timeout header 1500ms\ntimeout message 2000ms\n"
	    "timeout write 1d\n"
	    "answer a \"\\u0041\\/\"\nbinary b file /c type=d/e\n"
	    "table main search=suffix,exact duplicates=last\n");
	static const char *const lines[] = {
		"listen 127.0.0.1 7 keep-alive=yes\n",
		"listen \"/a\" mode=0600 keep-alive=no\n",
		"listen ::1 0 allow=::1/128 keep-alive=no\n",
		"listen \"/g\" mode=0660 group=\"root\" allow=unix "
		    "deny=group:root,user:0 keep-alive=no\n",
		"control \"/b\" group=\"root\"\n",
		"user \"root\"\n", "workers auto\n", "log level=info\n",
		"sandbox yes\n",
		"generations 2\n",
		"log access=no\n", "log only=all\n",
		"limit header 2k\n", "limit pipeline 5\n",
		"limit connections 10000\n", "limit memory 256m\n",
		"timeout idle 120s\n", "timeout drain 10s\n",
		"timeout header 1500ms\n", "timeout message 2s\n",
		"timeout write 86400s\n",
		"answer \"a\" \"A/\"\n",
		"binary \"b\" file \"/c\" type=\"d/e\"\n",
		("table main search=exact,suffix duplicates=last fold=no "
		    "guard=no\n")
	};
	char *text = show(conf);

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		if (strstr(text, lines[i]) == NULL)
			fail_msg("no %sin\n%s", lines[i], text);
	free(text);
	conf_free(conf);
}

#define RESTART	"restart for that, as by \"systemctl restart appmsgd\"\n"

static void
what_a_reload_cannot_change_is_told(void **state)
{
#define OLD	"listen 127.0.0.1 7\ncontrol /a\nuser root\nworkers 2\n"
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ OLD, "" },
		{ OLD "limit header 1k\ntimeout idle 1s\nlog level=debug\n"
		    "pidfile /b\nanswer a b\nlog access=/c\n"
		    "generations 5\n", "" },
		{ "\nworkers 2\nuser \"root\"\ncontrol \"/a\"\n"
		    "listen 127.0.0.1 7 keep-alive=no service=messages\n",
		    "" },
		{ "listen 127.0.0.1 8\ncontrol /a\nuser root\nworkers 2\n",
		    "F:1: a reload cannot change listen; " RESTART },
		{ "listen 127.0.0.1 7 keep-alive=yes\ncontrol /a\nuser root\n"
		    "workers 2\n",
		    "F:1: a reload cannot change listen; " RESTART },
		{ "listen 127.0.0.1 7 allow=::/0 deny=1.2.3.4\n"
		    "control /a\nuser root\nworkers 2\n", "" },
		{ OLD "listen /b\n",
		    "F:5: a reload cannot change listen; " RESTART },
		{ "listen 127.0.0.1 7\ncontrol /b\nuser root\nworkers 3\n",
		    "F:2: a reload cannot change control; " RESTART
		    "F:4: a reload cannot change workers; " RESTART },
		{ "listen 127.0.0.1 7\ncontrol /a group=root\nuser root\n"
		    "workers 2\n",
		    "F:2: a reload cannot change control; " RESTART
		},
		{ "listen 127.0.0.1 7\ncontrol /a\nworkers 2\n",
		    "O:3: a reload cannot change user; " RESTART },
		{ OLD "sandbox no\n",
		    "F:5: a reload cannot change sandbox; " RESTART },
		{ OLD "sandbox yes\n", "" },
		{ OLD "table t redis 10.0.0.1:1\n",
		    "F:5: a reload cannot bring the first table on other "
		    "machines, which the sandbox keeps it from; " RESTART },
		{ "listen 127.0.0.1 7\nuser root\nworkers auto\n",
		    "O:2: a reload cannot change control; " RESTART
		    "F:3: a reload cannot change workers; " RESTART }
	};
	struct problems problems = PROBLEMS_INIT;
	struct conf *old = conf_load(folder_write_text("O", OLD), &problems);

	(void)state;
	assert_int_equal(problems.n, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf *new = confs_load(rows[i].text);
		char *lines;

		conf_compare(old, new, &problems);
		lines = confs_problems(&problems);
		assert_string_equal(lines, rows[i].problem);
		free(lines);
		conf_free(new);
	}
	conf_free(old);
#undef OLD
}

static void
a_listen_taken_away_is_told(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	struct conf *old = conf_load(folder_write_text("O",
	    LISTEN "listen /a\n"), &problems), *new = confs_load(LISTEN);
	char *lines;

	(void)state;
	conf_compare(old, new, &problems);
	lines = confs_problems(&problems);
	assert_string_equal(lines, "O:2: a reload cannot take away the "
	    "listen that was here; " RESTART);
	free(lines);
	conf_free(old);
	conf_free(new);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(includes_are_read_relative_to_their_file),
		cmocka_unit_test(wrong_includes_are_told),
		cmocka_unit_test(includes_are_nested_up_to_16_files),
		cmocka_unit_test(at_most_10000_files_are_included),
		cmocka_unit_test(includes_are_found_in_any_folder),
		cmocka_unit_test(what_is_shown_says_the_same),
		cmocka_unit_test(everything_said_is_shown),
		cmocka_unit_test(what_a_reload_cannot_change_is_told),
		cmocka_unit_test(a_listen_taken_away_is_told)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
