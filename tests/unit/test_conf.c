/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Directives: what they set, and what is wrong with them, in which words.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/conf/conf_table.h"
#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int64_t
number_at(const struct conf *conf, const struct conf_row *row)
{
	int64_t n;

	memcpy(&n, (const char *)conf + row->offset, sizeof(n));
	return n;
}

static bool
is_number(const struct conf_row *row)
{
	return row->type == CONF_TYPE_NUMBER || row->type == CONF_TYPE_TIME ||
	    row->type == CONF_TYPE_WORKERS;
}

/* "limit header 5", "workers 5" */
static void
spell_row(char *buf, size_t cap, const struct conf_row *row,
    const char *value)
{
	snprintf(buf, cap, row->type == CONF_TYPE_LEVEL ||
	    row->type == CONF_TYPE_ACCESS ? "%s %s=%s" :
	    "%s %s %s", row->directive, row->name != NULL ? row->name : "",
	    value);
}

static void
what_is_not_said_has_its_default(void **state)
{
	struct conf *conf = confs_load(LISTEN);

	(void)state;
	for (size_t i = 0; i < CONF_ROWS; i++) {
		const struct conf_row *row = &conf_rows[i];

		assert_null(conf->said[i].file);
		if (!is_number(row))
			continue;
		assert_true(number_at(conf, row) == row->value);
		if (row->type != CONF_TYPE_WORKERS)
			assert_true(row->min <= row->value &&
			    row->value <= row->max);
	}
	assert_null(conf->control);
	assert_null(conf->control_group);
	assert_null(conf->user);
	assert_null(conf->pidfile);
	assert_null(conf->access_log);
	assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
	assert_true(conf->sandbox);
	assert_true(conf->limits.connections == 10000);
	assert_true(conf->timeouts.idle == 60000);
	conf_free(conf);
}

static void
numbers_are_taken_within_their_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONF_ROWS; i++) {
		const struct conf_row *row = &conf_rows[i];
		int64_t unit = row->type == CONF_TYPE_TIME ? 1000 : 1;
		const char *s = row->type == CONF_TYPE_TIME ? "s" : "";
		char value[64], line[128], text[256], problem[256];

		if (!is_number(row))
			continue;
		for (int64_t off = -1; off <= 1; off++) {
			bool most = off > 0;
			int64_t n = (most ? row->max : row->min) / unit;

			/* At both ends, then just beyond them. */
			snprintf(value, sizeof(value), "%" PRId64 "%s", n, s);
			spell_row(line, sizeof(line), row, value);
			snprintf(text, sizeof(text), LISTEN "%s\n", line);
			struct conf *conf = confs_load(text);
			assert_true(number_at(conf, row) == n * unit);
			assert_non_null(conf->said[i].file);
			assert_int_equal(conf->said[i].line, 2);
			conf_free(conf);
			if (off == 0 || n + off < 0)
				continue;
			snprintf(value, sizeof(value), "%" PRId64 "%s",
			    n + off, s);
			spell_row(line, sizeof(line), row, value);
			snprintf(problem, sizeof(problem), "%s is not within "
			    "%" PRId64 "%s and %" PRId64 "%s", value,
			    row->min / unit, s, row->max / unit, s);
			confs_expect_line(line, problem);
		}
	}
}

static void
numbers_and_times_have_units(void **state)
{
	static const struct {
		const char *line;
		int64_t header, memory, idle;
	} rows[] = {
		{ "limit header 64", 64, 256 << 20, 60000 },
		{ "limit header 000100", 100, 256 << 20, 60000 },
		{ "limit header 1k", 1024, 256 << 20, 60000 },
		{ "limit header 63K", 63 << 10, 256 << 20, 60000 },
		{ "limit header \"1k\"", 1024, 256 << 20, 60000 },
		{ "limit memory 5m", 16 << 10, 5 << 20, 60000 },
		{ "limit memory 3g", 16 << 10, INT64_C(3) << 30, 60000 },
		{ "limit memory 1024G", 16 << 10, INT64_C(1) << 40, 60000 },
		{ "timeout idle 7s", 16 << 10, 256 << 20, 7000 },
		{ "timeout idle 2m", 16 << 10, 256 << 20, 120000 },
		{ "timeout idle 24h", 16 << 10, 256 << 20, 86400000 },
		{ "timeout idle 1H", 16 << 10, 256 << 20, 3600000 }
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf *conf;

		snprintf(text, sizeof(text), LISTEN "%s\n", rows[i].line);
		conf = confs_load(text);
		assert_true(conf->limits.header == rows[i].header);
		assert_true(conf->limits.memory == rows[i].memory);
		assert_true(conf->timeouts.idle == rows[i].idle);
		conf_free(conf);
	}
}

static void
what_is_no_number_is_told(void **state)
{
	static const char *const numbers[] = {
		"x", "k", "-1", "+5", "0x10", "1.5", "1e3", "5kb", "5kk",
		"5t", "5s", "1_000", "5k5"
	};
	static const char *const times[] = {
		"x", "s", "5", "-1s", "+5s", "1.5s", "5ms", "5d", "5ss", "5k",
		"1m30s"
	};
	char line[128], problem[128];

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		snprintf(line, sizeof(line), "limit header %s", numbers[i]);
		snprintf(problem, sizeof(problem), "\"%s\" is not a number "
		    "such as 10000, 64k or 1m", numbers[i]);
		confs_expect_line(line, problem);
	}
	for (size_t i = 0; i < COUNT(times); i++) {
		snprintf(line, sizeof(line), "timeout idle %s", times[i]);
		snprintf(problem, sizeof(problem), "\"%s\" is not a time "
		    "such as 30s, 5m or 1h", times[i]);
		confs_expect_line(line, problem);
	}
	confs_expect_line("limit header \"\"",
	    "\"\" is not a number such as 10000, 64k or 1m");
	confs_expect_line("limit header 9223372036854775807",
	    "9223372036854775807 is not within 64 and 65535");
	confs_expect_line("limit header 9223372036854775808",
	    "9223372036854775808 is not within 64 and 65535");
	confs_expect_line("limit memory 9223372036854775807g",
	    "9223372036854775807g is not within 1048576 and 1099511627776");
}

static void
words_and_paths_are_taken(void **state)
{
	struct conf *conf = confs_load(LISTEN
	    "control /run/a/c.sock group=root\n"
	    "user root\n"
	    "workers 3\n"
	    "pidfile \"/run/with blank\"\n"
	    "log level=debug access=\"/var/log/a b\"\n");

	(void)state;
	assert_string_equal(conf->control, "/run/a/c.sock");
	assert_string_equal(conf->control_group, "root");
	assert_int_equal(conf->control_gid, 0);
	assert_string_equal(conf->user, "root");
	assert_true(conf->workers == 3);
	assert_string_equal(conf->pidfile, "/run/with blank");
	assert_int_equal(conf->log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(conf->access_log, "/var/log/a b");
	conf_free(conf);
	conf = confs_load(LISTEN "workers auto\nlog level=warn access=no\n"
	    "sandbox no\n");
	assert_true(conf->workers == 0);
	assert_false(conf->sandbox);
	assert_null(conf->access_log);
	assert_int_equal(conf->log_level, LOG_LEVEL_WARN);
	conf_free(conf);
}

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
		{ "wibble", "unknown directive \"wibble\"" },
		{ "limit heeder 1", "unknown limit \"heeder\"; did you mean "
		    "\"header\"?" },
		{ "limit per_address 1", "unknown limit \"per_address\"; "
		    "did you mean \"per-address\"?" },
		{ "limit x 1", "unknown limit \"x\"" },
		{ "timeout idel 1s", "unknown timeout \"idel\"; did you "
		    "mean \"idle\"?" },
		{ "log levle=info", "unknown option \"levle\"; did you mean "
		    "\"level\"?" },
		{ "log level=dbug", "unknown log level \"dbug\"; did you "
		    "mean \"debug\"?" },
		{ "log level=loud", "unknown log level \"loud\"" },
		{ "log access=yes", "\"yes\" is neither no nor an absolute "
		    "path" },
		{ "log access=", "an empty word" },
		{ "log acces=no", "unknown option \"acces\"; did you mean "
		    "\"access\"?" },
		{ "log debug", "\"debug\" is not of the form name=value" },
		{ "listen 127.0.0.1 1 keepalive=yes", "unknown option "
		    "\"keepalive\"; did you mean \"keep-alive\"?" },
		{ "listen 127.0.0.1 1 service=ehco", "unknown service "
		    "\"ehco\"; did you mean \"echo\"?" },
		{ "listen 127.0.0.1 1 keep-alive=true",
		    "\"true\" is neither yes nor no" },
		{ "user no-such-user", "unknown user \"no-such-user\"" },
		{ "sandbox maybe", "\"maybe\" is neither yes nor no" },
		{ "control relative", "\"relative\" is not an absolute "
		    "path" },
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
		{ "binary k file \"\"", "an empty path" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		confs_expect_line(rows[i].line, rows[i].problem);
}

static void
too_few_and_too_many_words_are_told(void **state)
{
	static const struct {
		const char *line, *usage;
	} rows[] = {
		{ "listen", "listen ADDRESS PORT [OPTION...], or listen PATH "
		    "[OPTION...]" },
		{ "control", "control PATH [group=NAME]" },
		{ "control /a group=root b", "control PATH [group=NAME]" },
		{ "answer a", "answer KEY TEXT, each one word or in quotes" },
		{ "answer a b c", "answer KEY TEXT, each one word or in "
		    "quotes" },
		{ "binary a file", "binary KEY file PATH [type=TYPE]" },
		{ "binary a file b type=c d", "binary KEY file PATH "
		    "[type=TYPE]" },
		{ "include", "include PATH" }, { "user", "user NAME" },
		{ "workers", "workers NUMBER, or workers auto" },
		{ "sandbox", "sandbox yes, or sandbox no" },
		{ "limit header", "limit NAME NUMBER" },
		{ "timeout idle 1s 2s", "timeout NAME TIME" },
		{ "pidfile", "pidfile PATH" },
		{ "log", "log [level=LEVEL] [access=PATH]" }
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

static void
what_is_said_twice_is_told_with_its_first_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONF_ROWS; i++) {
		static const char *const values[] = {
			[CONF_TYPE_NUMBER] = "2m", [CONF_TYPE_TIME] = "1s",
			[CONF_TYPE_WORKERS] = "auto", [CONF_TYPE_PATH] = "/a",
			[CONF_TYPE_USER] = "root", [CONF_TYPE_LEVEL] = "info",
			[CONF_TYPE_BOOL] = "yes",
			[CONF_TYPE_ACCESS] = "/a"
		};
		const struct conf_row *row = &conf_rows[i];
		char line[128], text[512], problem[256];
		char value[32];

		snprintf(value, sizeof(value), "%s", values[row->type]);
		if (row->type == CONF_TYPE_NUMBER)
			snprintf(value, sizeof(value), "%" PRId64, row->max);
		spell_row(line, sizeof(line), row, value);
		snprintf(text, sizeof(text), LISTEN "%s\n\n%s\n", line, line);
		snprintf(problem, sizeof(problem), "F:4: %s%s%s was given "
		    "before, at F:2\n", row->directive,
		    row->name != NULL ? " " : "",
		    row->name != NULL ? row->name : "");
		confs_expect(text, problem);
	}
	confs_expect_line("listen 127.0.0.1 1 mode=0600", "mode= is for unix "
	    "sockets only");
	confs_expect_line("listen /a mode=0600 mode=0600",
	    "option \"mode\" given twice");
	confs_expect_line("log level=info level=info",
	    "option \"level\" given twice");
	confs_expect("listen 127.0.0.1 7\nlisten ::1 7\n"
	    "listen 127.0.0.1 7 keep-alive=yes\nlisten /a\nlisten \"/a\"\n",
	    "F:3: this address was given before, at F:1\n"
	    "F:5: this address was given before, at F:4\n");
	/* Port 0 is another one each time. */
	confs_expect(LISTEN LISTEN, "");
}

static const struct conf_listen *
nth_listen(const struct conf *conf, int n)
{
	const struct conf_listen *l = TAILQ_FIRST(&conf->listens);

	while (n-- > 0)
		l = TAILQ_NEXT(l, entry);
	assert_non_null(l);
	return l;
}

static void
addresses_are_listened_on(void **state)
{
	static const char *const addresses[] = {
		"127.0.0.1:65432", "[::1]:0", "/run/x/y.sock", "0.0.0.0:1",
		"[::]:65535", "127.0.0.1:2"
	};
	struct conf *conf = confs_load(
	    "listen 127.0.0.1 65432\n"
	    "listen ::1 0 keep-alive=yes\n"
	    "listen \"/run/x/y.sock\" mode=0660 service=messages\n"
	    "listen 0.0.0.0 1 service=echo\n"
	    "listen :: 65535 allow=192.0.2.0/24,2001:db8::/32,198.51.100.7\n"
	    "listen 127.0.0.1 2 allow=0.0.0.0/0,::/0 keep-alive=no\n");
	const struct conf_listen *l;
	char buf[CONF_ADDRESS_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		l = nth_listen(conf, (int)i);
		assert_string_equal(conf_address(
		    (const struct sockaddr *)&l->ss, l->ss_len, buf,
		    sizeof(buf)), addresses[i]);
		assert_int_equal(l->place.line, i + 1);
		assert_int_equal(l->service == CONF_SERVICE_ECHO, i == 3);
		assert_int_equal(l->keep_alive, i == 1);
	}
	assert_int_equal(nth_listen(conf, 2)->mode, 0660);
	l = nth_listen(conf, 4);
	assert_int_equal(l->n_allow, 3);
	assert_int_equal(l->allow[0].family, AF_INET);
	assert_int_equal(l->allow[0].bits, 24);
	assert_memory_equal(l->allow[0].addr, "\xc0\x00\x02\x00", 4);
	assert_int_equal(l->allow[1].family, AF_INET6);
	assert_int_equal(l->allow[1].bits, 32);
	assert_memory_equal(l->allow[1].addr, "\x20\x01\x0d\xb8\0\0", 6);
	assert_int_equal(l->allow[2].bits, 32);
	assert_int_equal(nth_listen(conf, 5)->n_allow, 2);
	conf_free(conf);
}

static void
wrong_addresses_are_told(void **state)
{
	static const struct {
		const char *line, *problem;
	} rows[] = {
		{ "listen localhost 1", "\"localhost\" is neither a numeric "
		    "address nor an absolute path" },
		{ "listen 127.0.0.256 1", "\"127.0.0.256\" is neither a "
		    "numeric address nor an absolute path" },
		{ "listen \"\" 1", "\"\" is neither a numeric address nor an "
		    "absolute path" },
		{ "listen run/x 1", "\"run/x\" is neither a numeric address "
		    "nor an absolute path" },
		{ "listen 127.0.0.1 65536", "\"65536\" is not a port from 0 "
		    "to 65535" },
		{ "listen 127.0.0.1 -1", "\"-1\" is not a port from 0 to "
		    "65535" },
		{ "listen 127.0.0.1 http", "\"http\" is not a port from 0 "
		    "to 65535" },
		{ "listen 127.0.0.1 \"\"", "\"\" is not a port from 0 to "
		    "65535" },
		{ "listen \"/a\\u0000b\"", "a word with a NUL" },
		{ "listen /a mode=0999", "\"0999\" is not an octal mode such "
		    "as 0660" },
		{ "listen /a mode=", "\"\" is not an octal mode such as "
		    "0660" },
		{ "listen /a mode=1777", "\"1777\" is not an octal mode such "
		    "as 0660" },
		{ "listen /a mode=rw", "\"rw\" is not an octal mode such as "
		    "0660" },
		{ "listen /a allow=::/0", "allow= is for addresses; a unix "
		    "socket has mode=" },
		{ "listen 127.0.0.1 1 allow=", "\"\" in allow= is not a "
		    "network such as 192.0.2.0/24" },
		{ "listen 127.0.0.1 1 allow=::/0,x", "\"x\" in allow= is not "
		    "a network such as 192.0.2.0/24" },
		{ "listen 127.0.0.1 1 allow=::/0,", "\"\" in allow= is not a "
		    "network such as 192.0.2.0/24" },
		{ "listen 127.0.0.1 1 service=echo keep-alive=yes",
		    "keep-alive= is for messages, not for service=echo" }
	};
	char path[256], line[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		confs_expect_line(rows[i].line, rows[i].problem);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(((struct sockaddr_un *)0)->sun_path) - 1] = '\0';
	snprintf(line, sizeof(line), "listen %s", path);
	confs_expect_line(line, "");
	snprintf(line, sizeof(line), "listen %sx", path);
	snprintf(path, sizeof(path), "a socket's path has at most %zu bytes",
	    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	confs_expect_line(line, path);
}

/* The network is named as it was written. */
static void
wrong_networks_are_told(void **state)
{
	static const char *const rows[] = {
		"192.0.2.0/33", "192.0.2.1/24", "::/129", "2001:db8::1/64",
		"192.0.2.0/", "192.0.2.0/x", "192.0.2.0/-1", "192.0.2.0/+8",
		"192.0.2/24", "1.2.3.4/0", "192.0.2.0/24/24"
	};
	char line[128], problem[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(line, sizeof(line), "listen 127.0.0.1 1 allow=%s",
		    rows[i]);
		snprintf(problem, sizeof(problem), "\"%s\" in allow= is not "
		    "a network such as 192.0.2.0/24", rows[i]);
		confs_expect_line(line, problem);
	}
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
a_port_is_digits(void **state)
{
	(void)state;
	confs_expect_line("listen 127.0.0.1 +80",
	    "\"+80\" is not a port from 0 to 65535");
	confs_expect_line("listen 127.0.0.1 \" 80\"",
	    "\" 80\" is not a port from 0 to 65535");
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

static void
peers_have_addresses(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(5123) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(7), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	char buf[CONF_ADDRESS_MAX];

	(void)state;
	assert_string_equal(conf_address((struct sockaddr *)&un,
	    offsetof(struct sockaddr_un, sun_path), buf, sizeof(buf)),
	    "unix");
	assert_string_equal(conf_address((struct sockaddr *)&un, sizeof(un),
	    buf, sizeof(buf)), "unix");
	strlcpy(un.sun_path, "/x", sizeof(un.sun_path));
	assert_string_equal(conf_address((struct sockaddr *)&un, sizeof(un),
	    buf, sizeof(buf)), "/x");
	assert_string_equal(conf_address((struct sockaddr *)&in, sizeof(in),
	    buf, sizeof(buf)), "0.0.0.0:5123");
	assert_string_equal(conf_address((struct sockaddr *)&in6,
	    sizeof(in6), buf, sizeof(buf)), "[::1]:7");
	assert_string_equal(conf_address((struct sockaddr *)&in6,
	    sizeof(in6), buf, 4), "[::");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_its_default),
		cmocka_unit_test(numbers_are_taken_within_their_range),
		cmocka_unit_test(numbers_and_times_have_units),
		cmocka_unit_test(what_is_no_number_is_told),
		cmocka_unit_test(words_and_paths_are_taken),
		cmocka_unit_test(wrong_words_are_told_with_the_nearest),
		cmocka_unit_test(too_few_and_too_many_words_are_told),
		cmocka_unit_test(
		    what_is_said_twice_is_told_with_its_first_place),
		cmocka_unit_test(addresses_are_listened_on),
		cmocka_unit_test(wrong_addresses_are_told),
		cmocka_unit_test(wrong_networks_are_told),
		cmocka_unit_test(a_nul_makes_no_word_another),
		cmocka_unit_test(a_port_is_digits),
		cmocka_unit_test(answers_are_kept_as_they_are_said),
		cmocka_unit_test(keys_have_1_to_1024_bytes),
		cmocka_unit_test(all_problems_are_told_at_once),
		cmocka_unit_test(what_is_no_configuration_is_told),
		cmocka_unit_test(peers_have_addresses)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
