/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Entries of the records of a .csv.
 *
 * A file is cut at ends of lines that an even number of quotes is before.  As
 * long as no field is wrong those are ends of records.  If one is, parts may
 * have begun anywhere, and the file is read again as a whole, so that what is
 * told of it does not depend on where it was cut.  Then a record with a fault
 * ends with its line.
 */

#include "config.h"

#include "daemon/source/source_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "daemon/base/quote.h"
#include "daemon/source/source_job.h"
#include "lib/appmsg.h"
#include "lib/scan.h"

#define CUT_LEN		((size_t)16 << 10)	/* bytes looked at at once */
#define LOW_BITS	UINT64_C(0x7f7f7f7f7f7f7f7f)
#define QUOTES		(UINT64_C(0x0101010101010101) * '"')

/* Of an escaped escaped character, and of a key and its folded form. */
#define TWICE_MAX	7
#define ROOM_MAX	12

/* A job at work. */
struct work {
	struct source_job *job;
	const struct source_csv *csv;
	struct source_reader reader;
	struct source_field *fields;	/* owned: n_columns of them */
	size_t n;		/* that the record in hand has */
	unsigned int line;	/* where it begins */
	bool skipping;		/* to the end of a line */
};

/* The number of newlines. */
static unsigned int
count_lines(const char *p, const char *end)
{
	unsigned int n = 0;

	for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		n++;
	return n;
}

/*
 * The columns as members of an object, in the form that an answer has.
 *
 * out    has room
 * plain  nothing in them is to be escaped
 */
static size_t
put_whole(const struct work *w, bool plain, char *texts, char *out)
{
	char *to = out;

	for (size_t i = 0; i < w->n; i++) {
		const char *name = w->csv->names[i], *text;
		size_t len = source_field_text(&w->fields[i], texts, &text);
		char *once = texts + w->fields[i].len;

		to = stpcpy(to, name);
		if (plain || source_is_plain(text, len)) {
			memcpy(to, text, len);
			to += len;
			continue;
		}
		len = appmsg_escape(text, len, once, 6 * len);
		to += appmsg_escape(once, len, to, 6 * len);
	}
	to = stpcpy(to, SOURCE_CSV_END);
	return (size_t)(to - out);
}

/* What the record weighs, for the entry that is added next. */
static bool
take_weight(struct work *w)
{
	const struct source_field *f;
	char text[QUOTE_SIZE];
	uint64_t weight = 0;
	size_t i = 0;

	if (w->csv->weight == SOURCE_NO_COLUMN)
		return true;
	f = &w->fields[w->csv->weight];
	for (; i < f->len && f->p[i] >= '0' && f->p[i] <= '9' &&
	    weight <= UINT32_MAX; i++)
		weight = 10 * weight + (uint64_t)(f->p[i] - '0');
	if (i == f->len && weight <= UINT32_MAX) {
		w->job->weight = (uint32_t)weight;
		return true;
	}
	quote(text, f->p, f->len);
	source_complain(w->job, w->line, "the weight \"%s\" is not an integer "
	    "from 0 to 4294967295", text);
	return false;
}

/*
 * Make the record an entry.
 *
 * len    its bytes
 * plain  nothing in it is to be escaped, or doubled
 */
static void
add(struct work *w, size_t len, bool plain)
{
	const struct source_csv *csv = w->csv;
	struct source_job *job = w->job;
	const char *key, *answer;
	size_t key_len, n, extra = csv->whole ? csv->extra : 0;
	char *room;

	if (plain && !csv->whole) {
		const struct source_field *k = &w->fields[csv->key];
		const struct source_field *a = &w->fields[csv->answer];

		source_add(job, k->p, k->len, a->p, a->len, w->line);
		return;
	}
	if (csv->whole)
		extra += plain ? len : (1 + 6 + TWICE_MAX) * len;
	if ((room = source_scratch(job, 2 * len + extra)) == NULL)
		return;
	key_len = source_field_text(&w->fields[csv->key], room, &key);
	room += w->fields[csv->key].len;
	if (csv->whole) {
		char *out = room + (plain ? 0 : (1 + 6) * len);

		n = put_whole(w, plain, room, out);
		source_add(job, key, key_len, out, n, w->line);
		return;
	}
	n = source_field_text(&w->fields[csv->answer], room, &answer);
	if (source_is_plain(answer, n))
		source_add(job, key, key_len, answer, n, w->line);
	else
		source_add_text(job, key, key_len, answer, n, w->line);
}

/* The byte of its line that one is, from 1. */
static size_t
byte_of(const char *start, const char *at)
{
	const char *lf = memrchr(start, '\n', (size_t)(at - start));

	return (size_t)(at - (lf != NULL ? lf + 1 : start)) + 1;
}

/* Whether the record is text. */
static bool
check_text(struct work *w, const char *start, size_t len)
{
	const char *nul = memchr(start, '\0', len), *at = nul;
	size_t valid = scan_utf8(start, len);
	const char *why = "a raw NUL";

	if (nul == NULL && valid == len)
		return true;
	if (nul == NULL || (size_t)(nul - start) > valid) {
		at = start + valid;
		why = encoding_not_utf8(start, len);
	}
	source_complain(w->job, w->line + count_lines(start, at),
	    "%s, at byte %zu", why, byte_of(start, at));
	return false;
}

/* Whether the record is as short as a line must be, its end not counted. */
static bool
check_length(struct work *w, const char *start, size_t len)
{
	if (len > 0 && start[len - 1] == '\n')
		len--;
	if (len > 0 && start[len - 1] == '\r')
		len--;
	if (len <= source_tuning.line_max)
		return true;
	source_complain(w->job, w->line, "the record has more than %zu bytes",
	    source_tuning.line_max);
	return false;
}

/* The fields are there: whether they are as many as the first record has. */
static bool
check_columns(struct work *w)
{
	const char mark[] = { w->csv->separator, '\0' };

	if (w->n == w->csv->n_columns)
		return true;
	source_complain(w->job, w->line, "%zu column%s, where the first record "
	    "has %zu (a field with \"%s\" in it stands in quotes)", w->n,
	    w->n == 1 ? "" : "s", w->csv->n_columns, mark);
	return false;
}

/* Say what is wrong with the record, and pass over its line. */
static void
complain(struct work *w, const struct source_record *r, const char *start)
{
	unsigned int line = w->line + count_lines(start, r->at), opened;

	opened = r->opened == NULL ? line :
	    w->line + count_lines(start, r->opened);
	if (opened != line)
		source_complain(w->job, line, "%s, which opened in line %u, "
		    "at byte %zu", r->why, opened, byte_of(start, r->at));
	else
		source_complain(w->job, line, "%s, at byte %zu", r->why,
		    byte_of(start, r->at));
	w->job->lines = line;
	w->reader.start = (size_t)(r->at - w->reader.buf);
	w->skipping = true;
	if (r->at == r->opened)
		w->reader.start = w->reader.end;
}

static void
keep(struct work *w, const struct source_field *f)
{
	if (w->n < w->csv->n_columns)
		w->fields[w->n] = *f;
	w->n++;
}

/* A line without quotes and the like, as most are. */
static void
split(struct work *w, const char *p, const char *end)
{
	const char *separator;

	while ((separator = memchr(p, w->csv->separator,
	    (size_t)(end - p))) != NULL) {
		keep(w, &(struct source_field){ p, (size_t)(separator - p),
		    false });
		p = separator + 1;
	}
	keep(w, &(struct source_field){ p, (size_t)(end - p), false });
}

/* The bytes of the record in hand that are in the buffer; false: there are
 * not enough of them. */
static bool
take_quick(struct work *w, const char *p, const char *lf)
{
	const char *end = lf;

	if (end > p && end[-1] == '\r')
		end--;
	if (end == p) {
		source_blank(w->job);
	} else if ((size_t)(end - p) <= source_tuning.line_max &&
	    source_is_plain(p, (size_t)(end - p))) {
		source_content(w->job);
		split(w, p, end);
		if (check_columns(w) && take_weight(w))
			add(w, (size_t)(end - p), true);
	} else {
		return false;
	}
	w->reader.start = (size_t)(lf + 1 - w->reader.buf);
	return true;
}

static bool
take_record(struct work *w, const char *p, bool last)
{
	struct source_reader *reader = &w->reader;
	struct source_record r = { .end = reader->buf + reader->end,
	    .last = last, .separator = w->csv->separator };
	enum source_step step = SOURCE_FIELD;
	struct source_field f;

	source_record_start(&r, p);
	while (r.more && (step = source_record_next(&r, &f)) == SOURCE_FIELD)
		keep(w, &f);
	if (step == SOURCE_SHORT)
		return false;
	source_content(w->job);
	if (step == SOURCE_FAULT) {
		complain(w, &r, p);
		return true;
	}
	if (r.crossed)
		w->job->lines += count_lines(p, r.p) - (r.p[-1] == '\n');
	reader->start = (size_t)(r.p - reader->buf);
	if (check_length(w, p, (size_t)(r.p - p)) && check_columns(w) &&
	    check_text(w, p, (size_t)(r.p - p)) && take_weight(w))
		add(w, (size_t)(r.p - p), false);
	return true;
}

/* One record or empty line; false: more bytes are needed, or there is none. */
static bool
take(struct work *w, bool last)
{
	struct source_job *job = w->job;
	size_t len = w->reader.end - w->reader.start;
	const char *p, *lf;
	bool done;

	if (len == 0)
		return false;
	p = w->reader.buf + w->reader.start;
	lf = memchr(p, '\n', len);
	if (w->skipping) {
		w->skipping = lf == NULL;
		w->reader.start = lf != NULL ? (size_t)(lf + 1 -
		    w->reader.buf) : w->reader.end;
		return lf != NULL;
	}
	w->n = 0;
	w->line = ++job->lines;
	done = (lf != NULL && take_quick(w, p, lf)) || take_record(w, p, last);
	if (!done)
		job->lines--;
	return done;
}

/* Take what there is, and see why there is no more; false: it is over. */
static bool
take_all(struct work *w)
{
	struct source_reader *r = &w->reader;
	struct source_job *job = w->job;
	bool last = r->at == r->to;

	while (!job->failed && take(w, last))
		if (w->skipping && job->file->is_cut) {
			job->file->cut_wrong = true;
			return false;
		}
	if (job->failed || last)
		return false;
	if (r->end - r->start > source_tuning.line_max + 1) {
		source_complain(job, job->lines + 1, "the record has more "
		    "than %zu bytes; does a field in quotes not end?",
		    source_tuning.line_max);
		job->file->cut_wrong = job->file->is_cut;
		return false;
	}
	return true;
}

static void
csv_load(struct source_job *job)
{
	const struct source_csv *csv = job->file->csv;
	struct work w = { .job = job, .csv = csv };

	if (csv->bad && job->from == 0)
		source_complain(job, csv->why_line, "%s", csv->why != NULL ?
		    csv->why : strerror(ENOMEM));
	if (csv->bad || csv->n_columns == 0)
		return;
	w.fields = reallocarray(NULL, csv->n_columns, sizeof(*w.fields));
	if (w.fields == NULL) {
		source_fail(job, strerror(ENOMEM));
		return;
	}
	if (job->from == 0)
		job->lines = csv->lines;
	source_reader_init(&w.reader, job, job->from == 0 ? csv->body :
	    job->from, job->to);
	while (source_reader_fill(&w.reader) != -1 && take_all(&w))
		continue;
	source_reader_clear(&w.reader);
	free(w.fields);
}

/* Whether there is an odd number of quotes. */
static bool
is_odd(const char *p, size_t len)
{
	uint64_t w, found = 0;
	bool odd = false;
	size_t i;

	for (i = 0; i + sizeof(w) <= len; i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		w ^= QUOTES;
		/* The high bit of each byte that is 0. */
		found ^= ~(((w & LOW_BITS) + LOW_BITS) | w | LOW_BITS);
	}
	for (; i < len; i++)
		odd ^= p[i] == '"';
	return odd != (__builtin_popcountll(found) & 1);
}

/* From a record's start on, an end of a line with an even number of quotes
 * before it ends a record. */
static int
csv_cut(const struct source_file *file, int fd, uint64_t from, uint64_t at,
    uint64_t size, uint64_t *start)
{
	char buf[CUT_LEN];
	bool inside = false;
	ssize_t n;

	/* What it begins with is one piece. */
	if (at + 1 < file->csv->body)
		at = file->csv->body - 1;
	for (*start = from; *start < size; *start += (uint64_t)n) {
		size_t before = 0;

		if ((n = source_peek(fd, buf, sizeof(buf), *start)) == -1)
			return -1;
		if (n == 0)
			break;
		if (*start < at)
			before = at - *start < (uint64_t)n ?
			    (size_t)(at - *start) : (size_t)n;
		inside ^= is_odd(buf, before);
		for (const char *p = buf + before; p < buf + n; p++) {
			inside ^= *p == '"';
			if (*p == '\n' && !inside) {
				*start += (uint64_t)(p - buf) + 1;
				return 0;
			}
		}
	}
	*start = size;
	return 0;
}

size_t
source_csv_room(const struct source_csv *csv, size_t bytes)
{
	size_t room = ROOM_MAX * bytes + 64;

	/* A record has at least a byte a column. */
	if (csv->whole && csv->n_columns > 0)
		room += (bytes / csv->n_columns + 1) * csv->extra;
	return room;
}

const struct source_format source_csv = { .ending = ".csv",
    .load = csv_load, .cut = csv_cut, .open = source_csv_open };
