/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Pictures of a sample, on screens of every size and as plain text; and lines
 * that are cut.
 */

#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json.h>

#include "ctl/line.h"
#include "ctl/rates.h"
#include "ctl/sample.h"
#include "ctl/view.h"

#define SCREEN_MAX	200	/* lines */

static const char stats[] = "{\"version\": \"0.1.0\", \"state\": \"serving\", "
    "\"pid\": 4711, \"uptime\": 90, \"generation\": 3, "
    "\"loaded\": \"2026-11-23T09:30:00+0100\", \"connections\": 12, "
    "\"last-reload\": {\"outcome\": \"failed\", \"time\": \"T\", "
    "\"problem\": \"F:7: wrong\"}, \"bytes-in\": 900, \"requests\": ["
    "{\"action\": \"search\", \"way\": \"exact\", \"outcome\": \"found\", "
    "\"count\": 1125000, \"times\": [[12.34, 1125000]]}, "
    "{\"action\": \"binary\", \"outcome\": \"not-found\", \"count\": 45, "
    "\"times\": [[200, 45]]}], "
    "\"per-worker\": [{\"requests\": 90}, {\"requests\": 9}], "
    "\"tables\": [{\"table\": \"main\", \"kind\": \"answer\", "
    "\"entries\": 1234567, \"bytes\": 18874368, \"loaded\": \"L\"}], "
    "\"hot-keys\": [{\"key\": \"k0\", \"count\": 5000, \"least\": 4900, "
    "\"most\": 5100}, {\"key\": \"k1\"}, {\"key\": \"k2\"}, "
    "{\"key\": \"k3\"}, {\"key\": \"k4\"}, {\"key\": \"k5\"}], "
    "\"top-misses\": [{\"key\": \"\\u001b[2Jx\\u202ey\", \"count\": 7}]}";

/* A picture, and its lines. */
struct picture {
	char *text;
	char *lines[SCREEN_MAX];
	size_t n;
};

static char *
picture_text(const struct view *view)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	view_draw(view, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
picture_take(struct picture *p, size_t rows, size_t columns,
    const char *problem)
{
	struct sample *s = sample_new(json_tokener_parse(stats), 1);
	struct rates *r = rates_new(NULL, s);
	char *line, *rest;

	assert_non_null(r);
	p->text = picture_text(&(struct view){ .sample = s, .rates = r,
	    .problem = problem, .screen = rows > 0, .rows = rows,
	    .columns = columns });
	p->n = 0;
	for (rest = p->text; (line = strsep(&rest, "\n")) != NULL; p->n++) {
		assert_true(p->n < SCREEN_MAX);
		line[strcspn(line, "\r")] = '\0';
		p->lines[p->n] = line;
	}
	rates_free(r);
	sample_free(s);
}

static bool
picture_has(const struct picture *p, const char *text)
{
	for (size_t i = 0; i < p->n; i++)
		if (strstr(p->lines[i], text) != NULL)
			return true;
	return false;
}

static void
assert_has(const struct picture *p, const char *text)
{
	if (picture_has(p, text))
		return;
	for (size_t i = 0; i < p->n; i++)
		fprintf(stderr, "%s\n", p->lines[i]);
	fail_msg("no \"%s\"", text);
}

/* Columns without our sequences, which end in a letter. */
static size_t
columns_of(const char *line)
{
	size_t n = 0;

	for (; *line != '\0'; line++) {
		if (*line == '\033')
			line += strcspn(line, "JKm");
		else
			n++;
	}
	return n;
}

static void
all_is_in_a_text(void **state)
{
	static const char *const parts[] = {
		"appmsgd 0.1.0 serving, pid 4711, up 1 min 30 s; rates since "
		    "its start",
		"generation 3, loaded 2026-11-23T09:30:00+0100",
		"reload failed T: F:7: wrong",
		"requests     12,500/s: 12,500 found, 0.5 missed, 0.0 errors",
		"connections  12 now; 0.0/s new, 0.0/s refused, 0.0/s timed",
		"bytes        10 bytes/s in, 0 bytes/s out; 0 bytes held",
		"microseconds 50% 12.3, 90% 12.3, 99% 12.3, 99.9% 12.3, "
		    "most 200",
		"search exact     found            12,500    12.3    12.3",
		"binary           not-found           0.5     200     200",
		"       5,000        4,900        5,100  k0",
		"main                 answer      1,234,567      18 MB  L",
		"\nworker", "0                1.0            0"
	};
	struct picture p;

	(void)state;
	picture_take(&p, 0, 0, NULL);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has(&p, parts[i] + (parts[i][0] == '\n'));
	for (size_t i = 0; i < p.n; i++)
		assert_null(strchr(p.lines[i], '\033'));
	/* It ends in a newline, behind which strsep() finds nothing. */
	assert_string_equal(p.lines[p.n - 1], "");
	assert_string_not_equal(p.lines[p.n - 2], "");
	free(p.text);
}

static void
no_text_is_obeyed_by_a_terminal(void **state)
{
	struct picture p;

	(void)state;
	picture_take(&p, 0, 0, "a\033[31mb\nc\\d");
	assert_string_equal(p.lines[0], "a\\x1b[31mb\\nc\\d");
	assert_has(&p, "  \\x1b[2Jx\\u{202e}y");
	free(p.text);
}

/* Never more lines or columns than there are, of whatever there is room for;
 * and no sequence but ours. */
static void
a_screen_is_not_left(void **state)
{
	struct picture p;

	(void)state;
	for (size_t rows = 1; rows < 40; rows++)
		for (size_t columns = 1; columns < 90; columns++) {
			picture_take(&p, rows, columns, "somebody says why");
			assert_true(p.n <= rows || (p.n == rows + 1 &&
			    columns_of(p.lines[rows]) == 0));
			for (size_t i = 0; i < p.n; i++)
				assert_true(columns_of(p.lines[i]) <=
				    columns);
			free(p.text);
		}
}

static size_t
count_keys(const struct picture *p)
{
	char key[] = "  k0";
	size_t n = 0;

	for (; key[3] < '6'; key[3]++)
		n += picture_has(p, key);
	return n;
}

/* A long list gives way first, and says what it lacks. */
static void
sections_share_a_screen(void **state)
{
	struct picture p;

	(void)state;
	picture_take(&p, 22, 80, NULL);
	assert_int_equal(count_keys(&p), 3);
	assert_has(&p, "and 3 more");
	assert_has(&p, "x1b[2Jx");
	assert_has(&p, "main ");
	assert_has(&p, "1                0.1");
	free(p.text);
	/* Two lines more, and all of it is there. */
	picture_take(&p, 24, 80, NULL);
	assert_int_equal(count_keys(&p), 6);
	assert_false(picture_has(&p, "more"));
	free(p.text);
	/* The last ones have no room. */
	picture_take(&p, 12, 80, NULL);
	assert_has(&p, "search exact");
	assert_has(&p, "x1b[2Jx");
	assert_false(picture_has(&p, "worker"));
	free(p.text);
}

static const char *
line_of(const char *text, size_t columns, char *buf, size_t cap)
{
	FILE *out = fmemopen(buf, cap, "w");
	struct line line;

	assert_non_null(out);
	line_begin(&line, out, columns);
	line_add(&line, text);
	assert_int_equal(fclose(out), 0);
	return buf;
}

/* Between characters, and not within what one is spelled as. */
static void
lines_are_cut_by_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
		const char *cut;
	} rows[] = {
		{ "abc", 0, "abc" }, { "abc", 3, "abc" }, { "abc", 2, "ab" },
		{ "a\tc", 3, "a\\t" }, { "a\tc", 2, "a" },
		{ "\xc3\xa4\xc3\xb6", 1, "\xc3\xa4" },
		{ "\xff\xfe", 7, "\\xff" },
		/* Two columns each. */
		{ "\xe6\x97\xa5\xe6\x9c\xac", 4, "\xe6\x97\xa5\xe6\x9c\xac" },
		{ "\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5" },
		/* None: a dot above. */
		{ "a\xcc\x87" "bc", 2, "a\xcc\x87" "b" }
	};
	char buf[64];

	(void)state;
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(line_of(rows[i].text, rows[i].columns,
		    buf, sizeof(buf)), rows[i].cut);
}

static void
columns_are_filled(void **state)
{
	struct line line;
	char buf[64];
	FILE *out = fmemopen(buf, sizeof(buf), "w");

	(void)state;
	assert_non_null(out);
	line_begin(&line, out, 20);
	line_left(&line, "ab", 4);
	line_right(&line, "cd", 4);
	line_left(&line, "longer", 4);
	line_right(&line, "longer", 3);
	line_left(&line, "longer", 40);
	assert_int_equal(line.used, 20);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(buf, "ab    cdlonglonlonge");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_in_a_text),
		cmocka_unit_test(no_text_is_obeyed_by_a_terminal),
		cmocka_unit_test(a_screen_is_not_left),
		cmocka_unit_test(sections_share_a_screen),
		cmocka_unit_test(lines_are_cut_by_columns),
		cmocka_unit_test(columns_are_filled)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
