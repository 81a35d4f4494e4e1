/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Configurations.  An input is the file appmsgd.conf, and behind FF FF each
 * time the files 1.conf, 2.conf and 3.conf beside it, which it may include.
 *
 * Whatever they say, each problem names one of them and one of its lines, and
 * nothing in it moves a cursor.  What is good is shown, as by appmsgd -T, as a
 * configuration that is the same, for a reload too.
 *
 * Inputs that might look at files elsewhere are passed over.
 */

#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/conf/conf.h"
#include "fuzz_files.h"

#define FILES		4
#define FILES_READ_MAX	100	/* more take too long */

const unsigned int fuzz_runs = 6000;

static const char *const file_names[FILES] = { "appmsgd.conf", "1.conf",
    "2.conf", "3.conf" };

struct input {
	const uint8_t *p[FILES];	/* NULL: there is no such file */
	size_t len[FILES];
};

static void
split(struct input *in, const uint8_t *data, size_t len)
{
	*in = (struct input){ .len = { 0 } };
	for (size_t i = 0; i < FILES; i++) {
		const uint8_t *mark = i == FILES - 1 ? NULL :
		    memmem(data, len, "\xff\xff", 2);

		in->p[i] = data;
		in->len[i] = mark == NULL ? len : (size_t)(mark - data);
		if (mark == NULL)
			return;
		len -= in->len[i] + 2;
		data = mark + 2;
	}
}

/* What neither includes files nor looks for any. */
static bool
is_local(const char *line, size_t len)
{
	static const char *const directives[] = { "answer ", "binary ",
	    "listen ", "control ", "pidfile ", "log " };

	for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++)
		if (len > strlen(directives[i]) && memcmp(line, directives[i],
		    strlen(directives[i])) == 0)
			return true;
	return false;
}

static bool
is_harmless_line(const char *line, size_t len)
{
	bool escapes = memchr(line, '\\', len) != NULL;
	bool looks = memmem(line, len, "include", 7) != NULL ||
	    memmem(line, len, "password", 8) != NULL;

	if (is_local(line, len))
		return true;
	for (size_t i = 0; i < len; i++)
		looks = looks || line[i] == '*' || line[i] == '?' ||
		    line[i] == '[';
	return !escapes && (!looks || memchr(line, '/', len) == NULL);
}

static bool
is_harmless(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data, *end = p + len, *lf;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		if (!is_harmless_line(p, (size_t)(lf - p)))
			return false;
	}
	return true;
}

static size_t
count_lines(const uint8_t *p, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += p[i] == '\n';
	return n;
}

/* FILE:LINE: WHAT, or FILE: WHAT of what is in no line. */
static void
check_problem(const struct problem *problem, const struct input *in)
{
	size_t len = strlen(problem->text), used, i;
	char start[4200];
	uint32_t c;

	/* The number of those that are not told. */
	if (problem->more > 0)
		return;
	for (i = 0; i < FILES && strcmp(problem->file,
	    files_path(file_names[i])) != 0; i++)
		;
	FUZZ_CHECK(i < FILES && in->p[i] != NULL);
	if (problem->line == 0) {
		snprintf(start, sizeof(start), "%s: ", problem->file);
		FUZZ_CHECK(strstr(problem->text, ": no listen directive") !=
		    NULL);
	} else {
		FUZZ_CHECK(problem->line <= count_lines(in->p[i],
		    in->len[i]));
		snprintf(start, sizeof(start), "%s:%u: ", problem->file,
		    problem->line);
	}
	FUZZ_CHECK(strncmp(problem->text, start, strlen(start)) == 0);
	for (size_t at = 0; at < len; at += used) {
		used = escape_utf8(problem->text + at, len - at, &c);
		FUZZ_CHECK(used > 0 && (escape_is_plain(c) || c == '\\'));
	}
}

/* All that it says, as appmsgd -T shows it; free(3). */
static char *
show(const struct conf *conf, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	FUZZ_CHECK(f != NULL);
	conf_show(conf, f);
	fclose(f);
	return text;
}

/* What is shown must be taken, and be the same. */
static void
check_shown(struct conf *conf)
{
	struct problems problems = PROBLEMS_INIT;
	struct conf *again;
	size_t len, again_len;
	char *text = show(conf, &len), *again_text;

	files_write("shown.conf", text, len);
	again = conf_load(files_path("shown.conf"), &problems);
	/* Not for a pattern of the next input. */
	files_remove("shown.conf");
	problems_print(&problems, stderr);
	FUZZ_CHECK(again != NULL && problems.n + problems.dropped == 0);
	again_text = show(again, &again_len);
	FUZZ_CHECK(again_len == len && memcmp(again_text, text, len) == 0);
	conf_compare(conf, again, &problems);
	conf_compare(again, conf, &problems);
	FUZZ_CHECK(problems.n + problems.dropped == 0);
	free(again_text);
	free(text);
	conf_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct problems problems = PROBLEMS_INIT;
	struct conf *conf;
	struct input in;

	if (!is_harmless(data, len))
		return 0;
	conf_files_max = FILES_READ_MAX;
	split(&in, data, len);
	for (size_t i = 0; i < FILES; i++)
		if (in.p[i] != NULL)
			files_write(file_names[i], in.p[i], in.len[i]);
		else
			files_remove(file_names[i]);
	conf = conf_load(files_path(file_names[0]), &problems);
	FUZZ_CHECK(conf != NULL);
	for (size_t i = 0; i < problems.n; i++)
		check_problem(&problems.list[i], &in);
	/* Not all are kept of many. */
	FUZZ_CHECK(problems.dropped == 0 || problems.n == PROBLEMS_MAX);
	if (problems.n == 0)
		check_shown(conf);
	problems_clear(&problems);
	conf_free(conf);
	return 0;
}
