/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a .csv begins with: a byte order mark, a line "sep=;" as some
 * spreadsheets write and understand it, and the first record, of which come
 * the separator, the number of columns, and perhaps their names.
 */

#include "config.h"

#include "daemon/source/source_csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/nearest.h"
#include "daemon/base/quote.h"
#include "daemon/source/source_job.h"
#include "lib/appmsg.h"
#include "lib/scan.h"

#define HEAD_LEN	((size_t)4096)	/* bytes looked at at first */
#define NAME_KEY	"key"
#define NAME_ANSWER	"answer"
#define NAME_WEIGHT	"weight"

/* Where there are as many of each, the first of these: beside ';' a ',' may be
 * a decimal one, and then would be in every record, as nothing else is. */
static const char separators[] = ";,\t";

/* The first record, while it is looked at. */
struct head {
	struct source_csv *csv;
	const struct table_columns *columns;
	const char *p, *end;	/* of it and what follows */
	bool last;		/* p to end is all */
	struct source_field *fields;	/* owned: csv->n_columns of them */
	char **names;		/* owned, as they are; NULL: not needed */
};

static void wrong(struct source_csv *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Say what is wrong with the record that is in line csv->lines + 1. */
static void
wrong(struct source_csv *csv, const char *fmt, ...)
{
	va_list ap;

	if (csv->bad)
		return;
	csv->bad = true;
	va_start(ap, fmt);
	if (vasprintf(&csv->why, fmt, ap) == -1)
		csv->why = NULL;
	va_end(ap);
	csv->why_line = csv->lines + 1;
}

/* "sep=;" and the end of a line. */
static void
take_separator_line(struct head *h)
{
	const char *p = h->p;

	if (h->end - p < 6 || memcmp(p, "sep=", 4) != 0 || p[4] == '\n' ||
	    p[4] == '\r' || p[4] == '"' || (unsigned char)p[4] >= 0x80)
		return;
	if (p[5] != '\n' && (h->end - p < 7 || p[5] != '\r' || p[6] != '\n'))
		return;
	if (h->csv->separator == 0)
		h->csv->separator = p[4];
	h->p += p[5] == '\n' ? 6 : 7;
	h->csv->lines = 1;
}

/* The one of which most are in the first record, outside of quotes. */
static char
guess_separator(const struct head *h)
{
	size_t counts[sizeof(separators) - 1] = { 0 }, best = 0;
	bool inside = false;

	for (const char *p = h->p; p < h->end && (inside || *p != '\n'); p++) {
		const char *is = inside || *p == '\0' ? NULL :
		    strchr(separators, *p);

		inside ^= *p == '"';
		if (is != NULL)
			counts[is - separators]++;
	}
	for (size_t i = 1; i < sizeof(counts) / sizeof(*counts); i++)
		if (counts[i] > counts[best])
			best = i;
	if (counts[best] == 0)
		return ',';
	return separators[best];
}

static int
head_keep(struct head *h, const struct source_field *f)
{
	size_t n = h->csv->n_columns;
	struct source_field *fields = h->fields;

	/* At 1, 2, 4, 8 and so on there is no more room. */
	if (fields == NULL || (n & (n - 1)) == 0) {
		fields = reallocarray(fields, n == 0 ? 1 : 2 * n,
		    sizeof(*fields));
		if (fields == NULL)
			return -1;
		h->fields = fields;
	}
	fields[n] = *f;
	h->csv->n_columns++;
	return 0;
}

/* The fields as names, up to a NUL; 0, or -1 with errno. */
static int
read_names(struct head *h)
{
	size_t n = h->csv->n_columns;

	if ((h->names = calloc(n + 1, sizeof(*h->names))) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct source_field *f = &h->fields[i];
		char *name = malloc(f->len + 1);
		const char *text;
		size_t len;

		if ((h->names[i] = name) == NULL)
			return -1;
		len = source_field_text(f, name, &text);
		memmove(name, text, len);
		name[len] = '\0';
	}
	return 0;
}

/* A name, and the column that has it. */
struct named {
	const char *name;
	size_t at;
};

static int
compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* The first two columns of one name.  They are sorted for that: a file that is
 * none may have a million.  0, or -1 with errno. */
static int
check_twice(const struct head *h)
{
	size_t n = h->csv->n_columns, first = 0, again = n;
	struct named *all = calloc(n, sizeof(*all));
	char quoted[QUOTE_SIZE];

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		all[i] = (struct named){ h->names[i], i };
	qsort(all, n, sizeof(*all), compare_named);
	for (size_t i = 1; i < n; i++)
		if (all[i].at < again &&
		    strcmp(all[i - 1].name, all[i].name) == 0) {
			first = all[i - 1].at;
			again = all[i].at;
		}
	free(all);
	if (again == n)
		return 0;
	quote(quoted, h->names[again], strlen(h->names[again]));
	wrong(h->csv, "columns %zu and %zu are both named \"%s\"", first + 1,
	    again + 1, quoted);
	return 0;
}

/* Names must be text, and differ; 0, or -1 with errno. */
static int
check_names(const struct head *h)
{
	struct source_csv *csv = h->csv;
	const size_t n = csv->n_columns;

	for (size_t i = 0; i < n && !csv->bad; i++) {
		const char *name = h->names[i];
		size_t len = strlen(name);

		if (memchr(h->fields[i].p, '\0', h->fields[i].len) != NULL)
			wrong(csv, "a raw NUL in the name of column %zu",
			    i + 1);
		else if (scan_utf8(name, len) != len)
			wrong(csv, "the name of column %zu is %s", i + 1,
			    encoding_not_utf8(name, len));
	}
	return csv->bad ? 0 : check_twice(h);
}

static bool
is_number(const char *word)
{
	return word != NULL && word[0] != '\0' &&
	    word[strspn(word, "0123456789")] == '\0';
}

/* A name that is nothing but one. */
static bool
is_name(const char *word)
{
	return word != NULL && !is_number(word);
}

/* The column of a name; n_columns: there is none. */
static size_t
find_name(const struct head *h, const char *name)
{
	size_t i = 0;

	while (i < h->csv->n_columns && strcmp(h->names[i], name) != 0)
		i++;
	return i;
}

/* The column of a word that was said. */
static size_t
find_said(const struct head *h, const char *what, const char *word)
{
	struct source_csv *csv = h->csv;
	const char *near;
	size_t i;

	if (is_number(word))
		return (size_t)strtoul(word, NULL, 10) - 1;
	if ((i = find_name(h, word)) < csv->n_columns)
		return i;
	near = nearest(word, (const char *const *)h->names, csv->n_columns);
	if (near != NULL)
		wrong(csv, "no column is named \"%s\", which is to be the %s; "
		    "did you mean \"%s\"?", word, what, near);
	else
		wrong(csv, "no column is named \"%s\", which is to be the %s",
		    word, what);
	return i;
}

static void
check_column(const struct head *h, const char *what, size_t column)
{
	const char mark[] = { h->csv->separator, '\0' };
	size_t n = h->csv->n_columns;

	if (column >= n)
		wrong(h->csv, "the %s is column %zu, but with \"%s\" between "
		    "them there %s %zu; separator= says another one", what,
		    column + 1, mark, n == 1 ? "is" : "are", n);
}

static void
choose_columns(struct head *h, bool named)
{
	const struct table_columns *said = h->columns;
	struct source_csv *csv = h->csv;

	if (said != NULL && said->key != NULL)
		csv->key = find_said(h, "key", said->key);
	else
		csv->key = named ? find_name(h, NAME_KEY) : 0;
	check_column(h, "key", csv->key);
	csv->weight = SOURCE_NO_COLUMN;
	if (said != NULL && said->weight != NULL)
		csv->weight = find_said(h, "weight", said->weight);
	else if (named && find_name(h, NAME_WEIGHT) < csv->n_columns)
		csv->weight = find_name(h, NAME_WEIGHT);
	if (csv->weight != SOURCE_NO_COLUMN)
		check_column(h, "weight", csv->weight);
	csv->whole = said != NULL && said->answer != NULL &&
	    strcmp(said->answer, "*") == 0;
	if (csv->whole)
		return;
	if (said != NULL && said->answer != NULL)
		csv->answer = find_said(h, "answer", said->answer);
	else
		csv->answer = named ? find_name(h, NAME_ANSWER) : csv->key + 1;
	check_column(h, "answer", csv->answer);
}

/*
 * What stands before a column of an answer that is all of them: it is the text
 * of an object within a string.  NULL: out of memory.
 */
static char *
spell_name(const char *name, bool first)
{
	size_t len = strlen(name), n;
	char *once = malloc(6 * len + 1), *text = malloc(36 * len + 16);
	char *p;

	if (once != NULL && text != NULL) {
		p = stpcpy(text, first ? "{\\\"" : "\\\", \\\"");
		n = appmsg_escape(name, len, once, 6 * len);
		p += appmsg_escape(once, n, p, 6 * n);
		memcpy(p, "\\\": \\\"", sizeof("\\\": \\\""));
	} else {
		free(text);
		text = NULL;
	}
	free(once);
	return text;
}

static int
spell_names(struct head *h)
{
	struct source_csv *csv = h->csv;

	csv->names = calloc(csv->n_columns, sizeof(*csv->names));
	if (csv->names == NULL)
		return -1;
	csv->extra = sizeof(SOURCE_CSV_END);
	for (size_t i = 0; i < csv->n_columns; i++) {
		csv->names[i] = spell_name(h->names[i], i == 0);
		if (csv->names[i] == NULL)
			return -1;
		csv->extra += strlen(csv->names[i]);
	}
	return 0;
}

/* Whether the first record must be names. */
static bool
must_name(const struct table_columns *said)
{
	return said != NULL && (said->header == TABLE_HEADER_YES ||
	    is_name(said->key) || is_name(said->answer) ||
	    is_name(said->weight));
}

/* The first record is read: see what it says; 0, or -1 with errno. */
static int
settle(struct head *h, const struct source_record *r)
{
	const struct table_columns *said = h->columns;
	struct source_csv *csv = h->csv;
	bool header = must_name(said), named = false;

	if (header || said == NULL || said->header == TABLE_HEADER_AUTO) {
		if (read_names(h) != 0)
			return -1;
		named = find_name(h, NAME_KEY) < csv->n_columns &&
		    find_name(h, NAME_ANSWER) < csv->n_columns;
		header |= named;
	}
	if (header && check_names(h) != 0)
		return -1;
	choose_columns(h, named);
	if (!csv->bad && csv->whole && spell_names(h) != 0)
		return -1;
	if (header) {
		for (const char *p = h->p; p < r->p; p++)
			csv->lines += *p == '\n';
		h->p = r->p;
	}
	return 0;
}

/* Say what is wrong in the first record. */
static void
head_fault(const struct head *h, const struct source_record *r)
{
	struct source_csv *csv = h->csv;
	const char *line = h->p;

	for (const char *p = h->p; p < r->at; p++)
		if (*p == '\n') {
			csv->lines++;
			line = p + 1;
		}
	wrong(csv, "%s, at byte %zu", r->why, (size_t)(r->at - line) + 1);
}

/*
 * Look at the bytes that a file begins with.
 *
 * Returns 1; 0 when more are needed; -1 with errno.
 */
static int
look(struct head *h)
{
	struct source_csv *csv = h->csv;
	struct source_record r = { .end = h->end, .last = h->last };
	enum source_step step = SOURCE_FIELD;
	struct source_field f = { .len = 0 };

	if (encoding_has_mark(h->p, (size_t)(h->end - h->p)))
		h->p += ENCODING_MARK_LEN;
	take_separator_line(h);
	if (h->p == h->end)
		return h->last;
	if (csv->separator == 0)
		csv->separator = guess_separator(h);
	r.separator = csv->separator;
	source_record_start(&r, h->p);
	while (r.more && (step = source_record_next(&r, &f)) == SOURCE_FIELD)
		if (head_keep(h, &f) != 0)
			return -1;
	if (step == SOURCE_SHORT)
		return 0;
	if (step == SOURCE_FAULT)
		head_fault(h, &r);
	else if (csv->n_columns == 1 && f.len == 0 && *h->p != '"')
		wrong(csv, "an empty line");
	else
		return settle(h, &r) == 0 ? 1 : -1;
	return 1;
}

/* Look at the first bytes of a file, n of them, once more. */
static int
look_at(struct source_csv *csv, const struct table_columns *columns,
    const char *text, size_t n, bool last)
{
	struct head h = { .csv = csv, .columns = columns, .p = text,
	    .end = text + n, .last = last };
	int result;

	csv->separator = '\0';
	if (columns != NULL)
		csv->separator = columns->separator;
	csv->n_columns = 0;
	csv->lines = 0;
	result = look(&h);
	csv->body = (uint64_t)(h.p - text);
	for (size_t i = 0; h.names != NULL && i < csv->n_columns; i++)
		free(h.names[i]);
	free(h.names);
	free(h.fields);
	return result;
}

int
source_csv_open(const struct source_load *load, struct source_file *file,
    int fd)
{
	size_t size = (size_t)file->look.sb.st_size;
	const struct table_columns *columns = load->source->columns;
	int result = 0;

	if ((file->csv = calloc(1, sizeof(*file->csv))) == NULL)
		return -1;
	for (size_t len = HEAD_LEN; result == 0; len *= 2) {
		size_t want = len < size ? len : size;
		char *text = malloc(want + 1);
		ssize_t n = text == NULL ? -1 :
		    source_peek(fd, text, want, 0);

		result = n == -1 ? -1 : look_at(file->csv, columns, text,
		    (size_t)n, want == size);
		free(text);
		if (result == 0 && len > source_tuning.line_max) {
			wrong(file->csv, "the first record has more than %zu "
			    "bytes; does a field in quotes not end?",
			    source_tuning.line_max);
			break;
		}
	}
	return result == -1 ? -1 : 0;
}

void
source_csv_free(struct source_csv *csv)
{
	if (csv == NULL)
		return;
	for (size_t i = 0; csv->names != NULL && i < csv->n_columns; i++)
		free(csv->names[i]);
	free(csv->names);
	free(csv->why);
	free(csv);
}
