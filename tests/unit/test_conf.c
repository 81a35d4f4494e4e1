/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lines: how many words they have and which, answers, and what is told of all
 * that is wrong.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/conf/parse.h"
#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
wrong_words_are_told_with_the_nearest(void **state)
{
	static const struct {
		const char *line, *problem;
	} rows[] = {
		{ "lisen 127.0.0.1 1", "unknown directive \"lisen\"; did "
		    "you mean \"listen\"?" },
		{ "anwser a b", "unknown directive \"anwser\"; did you mean "
		    "\"answer\"?" },
		{ "Answer a b", "unknown directive \"Answer\"; did you mean "
		    "\"answer\"?" },
		{ "limit heeder 1", "unknown limit \"heeder\"; did you mean "
		    "\"header\"?" },
		{ "limit per_address 1", "unknown limit \"per_address\"; "
		    "did you mean \"per-address\"?" },
		{ "limit x 1", "unknown limit \"x\"; there are connections, "
		    "per-address, handshakes, header, content, output, pipeline, "
		    "memory" },
		{ "timeout idel 1s", "unknown timeout \"idel\"; did you "
		    "mean \"idle\"?" },
		{ "log levle=info", "unknown option \"levle\"; did you mean "
		    "\"level\"?" },
		{ "log level=dbug", "unknown log level \"dbug\"; did you "
		    "mean \"debug\"?" },
		{ "log level=warning", "unknown log level \"warning\"; did "
		    "you mean \"warn\"?" },
		{ "log level=loud", "unknown log level \"loud\"; there are "
		    "warn, info, debug" },
		{ "log access=yes", "\"yes\" is neither no nor an absolute "
		    "path" },
		{ "log access=", "an empty word" },
		{ "log acces=no", "unknown option \"acces\"; did you mean "
		    "\"access\"?" },
		{ "log access=/a only=mises", "\"mises\" is none of all, "
		    "misses and errors" },
		{ "log access=/a only=", "\"\" is none of all, misses and "
		    "errors" },
		{ "log only=misses", "only= is for the access log, and there "
		    "is no access=" },
		{ "log debug", "\"debug\" is not of the form name=value" },
		{ "listen 127.0.0.1 1 keepalive=yes", "unknown option "
		    "\"keepalive\"; did you mean \"keep-alive\"?" },
		{ "listen 127.0.0.1 1 service=ehco", "unknown service "
		    "\"ehco\"; did you mean \"echo\"?" },
		{ "listen 127.0.0.1 1 keep-alive=true",
		    "\"true\" is neither yes nor no" },
		{ "user no-such-user", "unknown user \"no-such-user\"" },
		{ "sandbox maybe", "\"maybe\" is neither yes nor no" },
		{ "control relative",
		    "\"relative\" is neither no nor an absolute path" },
		{ "control no group=root", "group= is for a control socket" },
		{ "control /a group=no-such-group",
		    "unknown group \"no-such-group\"" },
		{ "control /a group=", "unknown group \"\"" },
		{ "control /a gruop=root", "unknown option \"gruop\"; did "
		    "you mean \"group\"?" },
		{ "control /a /b", "\"/b\" is not of the form name=value" },
		{ "pidfile \"\"", "an empty word" },
		{ "pidfile \"/a\\u0000b\"", "a word with a NUL" },
		{ "binary k fiel x", "\"file\" and a path must follow the "
		    "key, not \"fiel\"" },
		{ "binary k file x typ=y", "unknown option \"typ\"; did you "
		    "mean \"type\"?" },
		{ "binary k file x type=\"\"", "a type has 1 to 255 bytes" },
		{ "binary k file \"\"", "an empty path" },
		{ "table main file x", "the table \"main\" is that of the "
		    "answer and binary lines, and has no file" },
		{ "table main fold=maybe", "\"maybe\" is neither yes, "
		    "marks nor no" },
		{ "table main fodl=yes", "unknown option \"fodl\"; did you "
		    "mean \"fold\"?" },
		{ "table main mmap=no", "unknown option \"mmap\"; there are "
		    "search, duplicates, fold, guard" },
		{ "table main type=text/plain", "unknown option \"type\"; "
		    "there are search, duplicates, fold, guard" },
		{ "table main fold=no allow=::1", "the table \"main\" is "
		    "everybody's who may connect; what is not belongs into a "
		    "file, and that into another table" },
		{ "table main deny=unix", "the table \"main\" is "
		    "everybody's who may connect; what is not belongs into a "
		    "file, and that into another table" },
		{ "table t binary / allow=unix", "unix in allow= needs a "
		    "unix socket to listen on" },
		{ "table t binary / deny=10.0.0.0/8,cn:a", "cn: in deny= "
		    "needs a listener with tls=yes and client-ca=" },
		{ "table t binary / deny=10.0.0.1/8", "\"10.0.0.1/8\" in "
		    "deny= has bits behind its mask; did you mean "
		    "\"10.0.0.0/8\"?" },
		{ "table t binary / allow=::1 deny=::2", "" },
		{ "table main fold", "\"fold\" is not of the form "
		    "name=value" },
		{ "table main guard=100%", "guard= is a share from 0% to "
		    "99%, or no" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		confs_expect_line(rows[i].line, rows[i].problem);
}

static void
main_has_options_once(void **state)
{
	(void)state;
	confs_expect(LISTEN "table main fold=no\ntable main guard=no\n",
	    "F:3: the options of the table \"main\" were given before, at "
	    "F:2\n");
	confs_expect(LISTEN "table main guard=7%\nanswer a b\n", "");
}

/* Requests come in at listeners that take such, wherever the line stands. */
static void
who_may_ask_can_come_in(void **state)
{
	(void)state;
	confs_expect("table t binary / allow=user:0\nlisten /a\n", "");
	confs_expect("table t binary / allow=user:0\n"
	    "listen /a service=http\n" LISTEN,
	    "F:1: user: in allow= needs a unix socket to listen on\n");
	confs_expect("table t binary / allow=::1\nlisten /a\n",
	    "F:1: a network in allow= needs an address to listen on\n");
}

static void
too_few_and_too_many_words_are_told(void **state)
{
	static const struct {
		const char *line, *usage;
	} rows[] = {
		{ "listen", "listen ADDRESS PORT [OPTION...], or listen PATH "
		    "[OPTION...]" },
		{ "control", "control PATH [group=NAME], or control no" },
		{ "control /a group=root b", "control PATH [group=NAME], or "
		    "control no" },
		{ "answer a", "answer KEY TEXT, each one word or in quotes" },
		{ "answer a b c", "answer KEY TEXT, each one word or in "
		    "quotes" },
		{ "binary a file", "binary KEY file PATH [type=TYPE]" },
		{ "binary a file b type=c d", "binary KEY file PATH "
		    "[type=TYPE]" },
		{ "include", "include PATH" }, { "user", "user NAME" },
		{ "workers", "workers NUMBER, or workers auto" },
		{ "sandbox", "sandbox yes, or sandbox no" },
		{ "generations 2 3", "generations NUMBER" },
		{ "limit header", "limit NAME NUMBER" },
		{ "timeout idle 1s 2s", "timeout NAME TIME" },
		{ "table main", PARSE_TABLE_USAGE },
		{ "table t fold=yes", PARSE_TABLE_USAGE },
		{ "table t file", PARSE_TABLE_USAGE },
		{ "pidfile", "pidfile PATH" },
		{ "log", "log [level=LEVEL] [access=PATH] [only=WHICH]" }
	};
	char problem[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(problem, sizeof(problem), "it must be: %s",
		    rows[i].usage);
		confs_expect_line(rows[i].line, problem);
	}
	confs_expect_line("listen ::1", "listen needs an address and a port, "
	    "or an absolute path");
}

/* No word is cut short by a NUL, to mean another. */
static void
a_nul_makes_no_word_another(void **state)
{
	static const char *const rows[] = {
		"\"answer\\u0000\" a b", "\"limit\\u0000\" header 1k",
		"limit \"header\\u0000x\" 1k", "limit header \"1k\\u0000\"",
		"workers \"auto\\u0000\"", "include \"empty\\u0000x\"",
		"listen \"127.0.0.1\\u0000x\" 1", "listen ::1 \"1\\u0000\"",
		"binary a \"file\\u0000\" b", "control \"/a\\u0000\"",
		"user \"root\\u0000\"", "log level=\"info\\u0000\""
	};

	(void)state;
	folder_write_text("empty", "");
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[128], *lines;

		snprintf(text, sizeof(text), LISTEN "%s\n", rows[i]);
		folder_write_text("F", text);
		lines = confs_problems_of("F");
		if (strncmp(lines, "F:2: ", 5) != 0)
			fail_msg("%s is taken", rows[i]);
		free(lines);
	}
}

static void
answers_are_kept_as_they_are_said(void **state)
{
	struct conf *conf = confs_load(LISTEN
	    "answer a b\n"
	    "answer \"k\\u0000\xc3\xa4\" \"t\\u0000\\n\xf0\x9f\x90\xb0\"\n"
	    "answer empty \"\"\n"
	    "binary b file sub/x.bin type=\"a/b \\u00e4\"\n"
	    "binary c file /abs\n");
	const struct conf_answer *a = STAILQ_FIRST(&conf->answers);

	(void)state;
	assert_string_equal(a->key, "a");
	assert_string_equal(a->text, "b");
	assert_int_equal(a->place.line, 2);
	a = STAILQ_NEXT(a, entry);
	assert_int_equal(a->key_len, 4);
	assert_memory_equal(a->key, "k\0\xc3\xa4", 5);
	assert_int_equal(a->text_len, 7);
	assert_memory_equal(a->text, "t\0\n\xf0\x9f\x90\xb0", 8);
	a = STAILQ_NEXT(a, entry);
	assert_int_equal(a->text_len, 0);
	assert_null(STAILQ_NEXT(a, entry));
	a = STAILQ_FIRST(&conf->binaries);
	assert_string_equal(a->path, folder_path("sub/x.bin"));
	assert_int_equal(a->type_len, 6);
	assert_string_equal(a->type, "a/b \xc3\xa4");
	a = STAILQ_NEXT(a, entry);
	assert_string_equal(a->path, "/abs");
	assert_null(a->type);
	assert_null(STAILQ_NEXT(a, entry));
	conf_forget_answers(conf);
	assert_null(STAILQ_FIRST(&conf->answers));
	assert_null(STAILQ_FIRST(&conf->binaries));
	conf_free(conf);
}

static void
keys_have_1_to_1024_bytes(void **state)
{
	char key[CONF_KEY_MAX + 2], line[CONF_KEY_MAX + 32];

	(void)state;
	memset(key, 'k', sizeof(key));
	key[CONF_KEY_MAX + 1] = '\0';
	snprintf(line, sizeof(line), "answer %s x", key);
	confs_expect_line(line, "a key has 1 to 1024 bytes, not 1025");
	snprintf(line, sizeof(line), "answer %s x", key + 1);
	confs_expect_line(line, "");
	confs_expect_line("answer \"\" x", "a key has 1 to 1024 bytes, not 0");
	confs_expect_line("binary \"\" file x",
	    "a key has 1 to 1024 bytes, not 0");
}

static void
all_problems_are_told_at_once(void **state)
{
	(void)state;
	confs_expect(
	    "lisen 127.0.0.1 65432\n"
	    "# comment \\\n"
	    "limit header 5\n"
	    "answer \"a\n"
	    "timeout idle 60\n"
	    "user \\\n"
	    "  no-such-user\n"
	    "listen 127.0.0.1 70000 keepalive=yes mode=1\n",
	    "F:1: unknown directive \"lisen\"; did you mean \"listen\"?\n"
	    "F:3: 5 is not within 64 and 65535\n"
	    "F:4: unfinished string\n"
	    "F:5: \"60\" is not a time such as 30s, 5m or 1h\n"
	    "F:6: unknown user \"no-such-user\"\n"
	    "F:8: \"70000\" is not a port from 0 to 65535\n"
	    "F:8: unknown option \"keepalive\"; did you mean "
	    "\"keep-alive\"?\n"
	    "F:8: mode= is for unix sockets only\n");
	confs_expect(LISTEN "log level =info\n",
	    "F:2: \"level\" is not of the form name=value\n"
	    "F:2: no blank may be before \"=\"\n");
}

static void
what_is_no_configuration_is_told(void **state)
{
	char *lines;

	(void)state;
	confs_expect("", "F: no listen directive\n");
	confs_expect("answer a b\n", "F: no listen directive\n");
	lines = confs_problems_of("missing");
	assert_string_equal(lines,
	    "missing: cannot read it: No such file or directory\n");
	free(lines);
	lines = confs_problems_of("");
	assert_string_equal(lines, ": cannot read it: Is a directory\n");
	free(lines);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_words_are_told_with_the_nearest),
		cmocka_unit_test(main_has_options_once),
		cmocka_unit_test(who_may_ask_can_come_in),
		cmocka_unit_test(too_few_and_too_many_words_are_told),
		cmocka_unit_test(a_nul_makes_no_word_another),
		cmocka_unit_test(answers_are_kept_as_they_are_said),
		cmocka_unit_test(keys_have_1_to_1024_bytes),
		cmocka_unit_test(all_problems_are_told_at_once),
		cmocka_unit_test(what_is_no_configuration_is_told)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
