/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Numbers, times, words and paths: defaults, ranges, units, and what is told
 * of those that are none or that are said twice.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/conf/rows.h"
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
	return row->type == &conf_type_number ||
	    row->type == &conf_type_time || row->type == &conf_type_workers;
}

/* "limit header 5", "workers 5" */
static void
spell_row(char *buf, size_t cap, const struct conf_row *row,
    const char *value)
{
	snprintf(buf, cap, "%s %s%c%s", row->directive,
	    row->name != NULL ? row->name : "", row->between, value);
}

static void
what_is_not_said_has_its_default(void **state)
{
	struct conf *conf = confs_load(LISTEN);

	(void)state;
	for (size_t i = 0; i < conf_rows_n; i++) {
		const struct conf_row *row = &conf_rows[i];

		assert_null(conf->said[i].file);
		if (!is_number(row))
			continue;
		assert_true(number_at(conf, row) == row->value);
		if (row->type != &conf_type_workers)
			assert_true(row->min <= row->value &&
			    row->value <= row->max);
	}
	assert_null(conf->control);
	assert_null(conf->control_group);
	assert_null(conf->user);
	assert_null(conf->pidfile);
	assert_null(conf->access_log);
	assert_int_equal(conf->access_only, CONF_ONLY_ALL);
	assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
	assert_true(conf->sandbox);
	assert_int_equal(conf->generations, 2);
	assert_true(conf->limits.connections == 10000);
	assert_true(conf->timeouts.idle == 60000);
	conf_free(conf);
}

static void
numbers_are_taken_within_their_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_rows_n; i++) {
		const struct conf_row *row = &conf_rows[i];
		int64_t unit = row->type == &conf_type_time ? 1000 : 1;
		const char *s = row->type == &conf_type_time ? "s" : "";
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
		{ "timeout idle 1H", 16 << 10, 256 << 20, 3600000 },
		{ "timeout idle 1d", 16 << 10, 256 << 20, 86400000 },
		{ "timeout idle 1D", 16 << 10, 256 << 20, 86400000 },
		{ "timeout idle 1500ms", 16 << 10, 256 << 20, 1500 },
		{ "timeout idle 86400000Ms", 16 << 10, 256 << 20, 86400000 }
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
		"x", "s", "5", "-1s", "+5s", "1.5s", "5mss", "5dm", "5ss", "5k",
		"1m30s", "ms", "5m s", "5sm"
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
		snprintf(line, sizeof(line), "timeout idle \"%s\"", times[i]);
		snprintf(problem, sizeof(problem), "\"%s\" is not a time "
		    "such as 30s, 5m or 1h", times[i]);
		confs_expect_line(line, problem);
	}
	confs_expect_line("timeout idle 999ms",
	    "999ms is not within 1s and 86400s");
	confs_expect_line("timeout idle 86400001ms",
	    "86400001ms is not within 1s and 86400s");
	confs_expect_line("timeout idle 2d",
	    "2d is not within 1s and 86400s");
	confs_expect_line("timeout idle 9223372036854775807d",
	    "9223372036854775807d is not within 1s and 86400s");
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
	    "log level=debug access=\"/var/log/a b\" only=misses\n");

	(void)state;
	assert_string_equal(conf->control, "/run/a/c.sock");
	assert_string_equal(conf->control_group, "root");
	assert_int_equal(conf->control_gid, 0);
	assert_string_equal(conf->user, "root");
	assert_true(conf->workers == 3);
	assert_string_equal(conf->pidfile, "/run/with blank");
	assert_int_equal(conf->log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(conf->access_log, "/var/log/a b");
	assert_int_equal(conf->access_only, CONF_ONLY_MISSES);
	conf_free(conf);
	conf = confs_load(LISTEN "workers auto\nlog level=warn access=no\n"
	    "sandbox no\nlog only=errors\n");
	assert_true(conf->workers == 0);
	assert_false(conf->sandbox);
	assert_null(conf->access_log);
	assert_int_equal(conf->access_only, CONF_ONLY_ERRORS);
	assert_int_equal(conf->log_level, LOG_LEVEL_WARN);
	conf_free(conf);
}

/* A line that says of a row what is not its default. */
static void
a_line_of(char *line, size_t cap, const struct conf_row *row)
{
	static const struct {
		const struct conf_type *type;
		const char *value;
	} values[] = {
		{ &conf_type_time, "1s" }, { &conf_type_workers, "3" },
		{ &conf_type_path, "/a" }, { &conf_type_control, "/a" },
		{ &conf_type_user, "root" }, { &conf_type_level, "debug" },
		{ &conf_type_bool, "no" }, { &conf_type_access, "/a" },
		{ &conf_type_only, "misses" }
	};
	char value[32];
	size_t i;

	snprintf(value, sizeof(value), "%" PRId64, row->max);
	for (i = 0; i < COUNT(values); i++)
		if (row->type == values[i].type)
			snprintf(value, sizeof(value), "%s",
			    values[i].value);
	spell_row(line, cap, row, value);
}

static void
what_is_said_twice_is_told_with_its_first_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_rows_n; i++) {
		const struct conf_row *row = &conf_rows[i];
		char line[128], text[512], problem[256];

		a_line_of(line, sizeof(line), row);
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
	/* One address stands for all of them, in each family. */
	confs_expect("listen 127.0.0.1 7\nlisten ::1 7\nlisten 0.0.0.0 8\n"
	    "listen 0.0.0.0 7\nlisten :: 8\nlisten 127.0.0.1 8\n",
	    "F:4: this takes in the address at F:1\n"
	    "F:6: this address is taken in by the one at F:3\n");
	confs_expect("listen 127.0.0.1 0\nlisten 0.0.0.0 0\nlisten :: 7\n"
	    "listen 0.0.0.0 7\nlisten ::1 8\n", "");
	/* Port 0 is another one each time. */
	confs_expect(LISTEN LISTEN, "");
}

static char *
shown(const struct conf *conf)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	conf_show(conf, out);
	fclose(out);
	return text;
}

/* Whatever a row's type, it sees a change, and none in what was shown. */
static void
what_is_said_of_one_row_differs_in_it_alone(void **state)
{
	struct conf *plain = confs_load(LISTEN);

	(void)state;
	for (size_t i = 0; i < conf_rows_n; i++) {
		char line[128], text[256], *again;
		struct conf *said, *copy;

		a_line_of(line, sizeof(line), &conf_rows[i]);
		/* That one is nothing where its log was never named. */
		snprintf(text, sizeof(text), LISTEN "%s\n%s", line,
		    conf_rows[i].type == &conf_type_only ?
		    "log access=no\n" : "");
		said = confs_load(text);
		again = shown(said);
		copy = confs_load(again);
		for (size_t j = 0; j < conf_rows_n; j++) {
			const struct conf_row *row = &conf_rows[j];

			assert_true(row->type->equal(said, copy, row));
			assert_true(row->type->equal(said, plain, row) ==
			    (j != i));
		}
		free(again);
		conf_free(said);
		conf_free(copy);
	}
	conf_free(plain);
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
		cmocka_unit_test(
		    what_is_said_twice_is_told_with_its_first_place),
		cmocka_unit_test(what_is_said_of_one_row_differs_in_it_alone)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
