/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * KEY TAB ANSWER, a line each, with the escapes that escape() of src/common
 * writes, so that what appmsg-client printed can be loaded again:
 *
 *	\\ \t \n \r \0	backslash, TAB, newline, carriage return, NUL
 *	\x1b		a character below U+0080
 *	\u{1f430}	any character
 *
 * The first TAB ends the key.  Later ones belong to the answer: they can mean
 * nothing else, and answers are not asked to be free of them.  Of the other
 * control characters only a NUL is refused where it is not escaped: it is
 * more often a damaged file than meant.
 */

#include "config.h"

#include "daemon/source/source_job.h"

#include <string.h>

#include "common/encoding.h"
#include "lib/scan.h"
#include "lib/text.h"

#define WRONG_ESCAPE	"wrong escape (a backslash is written twice)"

/* The text of a line whose escapes are undone. */
struct unescape {
	struct source_job *job;
	const char *line;	/* for positions in complaints */
	const char *p, *end;
	char *out;
};

static int
wrong(const struct unescape *u, const char *at, const char *what)
{
	source_complain(u->job, u->job->lines, "%s, at byte %zu", what,
	    (size_t)(at - u->line) + 1);
	return -1;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Behind "\x": two digits. */
static int
unescape_byte(struct unescape *u, const char *start)
{
	int high = -1, low = -1;

	if (u->end - u->p >= 2) {
		high = hex_digit(u->p[0]);
		low = hex_digit(u->p[1]);
	}
	if (high == -1 || low == -1)
		return wrong(u, start, WRONG_ESCAPE);
	if (high >= 8)
		return wrong(u, start, "an escaped byte that is no text");
	*u->out++ = (char)(high << 4 | low);
	u->p += 2;
	return 0;
}

/* Behind "\u": one to six digits in braces. */
static int
unescape_character(struct unescape *u, const char *start)
{
	const char *digits = u->p + 1;
	uint32_t c = 0;

	if (u->p == u->end || *u->p != '{')
		return wrong(u, start, WRONG_ESCAPE);
	for (u->p++; u->p < u->end && u->p - digits < 6 &&
	    hex_digit(*u->p) != -1; u->p++)
		c = c << 4 | (uint32_t)hex_digit(*u->p);
	if (u->p == digits || u->p == u->end || *u->p != '}')
		return wrong(u, start, WRONG_ESCAPE);
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return wrong(u, start, "an escape for no character");
	u->out = text_put_utf8(u->out, c);
	u->p++;
	return 0;
}

/* Behind a backslash. */
static int
unescape_one(struct unescape *u)
{
	static const char from[] = "\\tnr0", to[] = "\\\t\n\r";
	const char *start = u->p - 1, *named;

	if (u->p == u->end || *u->p == '\0')
		return wrong(u, start, WRONG_ESCAPE);
	if (*u->p == 'x' || *u->p == 'u')
		return *u->p++ == 'x' ? unescape_byte(u, start) :
		    unescape_character(u, start);
	if ((named = strchr(from, *u->p)) == NULL)
		return wrong(u, start, WRONG_ESCAPE);
	*u->out++ = to[named - from];
	u->p++;
	return 0;
}

/*
 * Check and unescape a part of the line in hand.
 *
 * out  of len bytes, which are enough
 *
 * Returns its length, or -1 after a complaint.
 */
static ssize_t
unescape(struct source_job *job, const char *line, const char *text,
    size_t len, char *out)
{
	struct unescape u = { job, line, text, text + len, out };
	const char *nul = memchr(text, '\0', len);
	size_t valid = scan_utf8(text, len);

	if (nul != NULL && (size_t)(nul - text) < valid)
		return wrong(&u, nul, "a raw NUL");
	if (valid < len)
		return wrong(&u, text + valid, encoding_not_utf8(text, len));
	while (u.p < u.end) {
		const char *slash = memchr(u.p, '\\', (size_t)(u.end - u.p));
		size_t n = (size_t)((slash != NULL ? slash : u.end) - u.p);

		memcpy(u.out, u.p, n);
		u.out += n;
		u.p += n;
		if (slash == NULL)
			break;
		u.p++;
		if (unescape_one(&u) != 0)
			return -1;
	}
	return u.out - out;
}

static void
tsv_line(struct source_job *job, const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len), *value;
	size_t key_len, value_len;
	char *out;
	ssize_t n, m;

	if (tab == NULL) {
		source_complain(job, job->lines, len == 0 ? "an empty line" :
		    *line == '#' ? "no TAB between key and answer; a .tsv "
		    "has no comments" : "no TAB between key and answer");
		return;
	}
	key_len = (size_t)(tab - line);
	value = tab + 1;
	value_len = len - key_len - 1;
	if (source_is_plain(line, key_len) &&
	    source_is_plain(value, value_len)) {
		source_add(job, line, key_len, value, value_len, job->lines);
		return;
	}
	if ((out = source_scratch(job, len)) == NULL)
		return;
	if ((n = unescape(job, line, line, key_len, out)) == -1 ||
	    (m = unescape(job, line, value, value_len, out + n)) == -1)
		return;
	source_add_text(job, out, (size_t)n, out + n, (size_t)m, job->lines);
}

static void
tsv_load(struct source_job *job)
{
	source_lines(job, tsv_line);
}

const struct source_format source_tsv = { .ending = ".tsv",
    .load = tsv_load, .cut = source_line_start };
