/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Fields one after the other.  Each is found by memchr(3), and none is looked
 * at twice but for what it may not have.
 */

#include "config.h"

#include "daemon/source/source_csv.h"

#include <string.h>

static const char *
find(const char *p, const char *end, char c)
{
	return memchr(p, c, (size_t)(end - p));
}

static enum source_step
fault(struct source_record *r, const char *why, const char *at,
    const char *opened)
{
	r->why = why;
	r->at = at;
	r->opened = opened;
	return SOURCE_FAULT;
}

/* Where the line ends that p is in; false: that is not known yet. */
static bool
find_eol(struct source_record *r)
{
	r->eol = find(r->p, r->end, '\n');
	if (r->eol != NULL)
		return true;
	r->eol = r->end;
	return r->last;
}

void
source_record_start(struct source_record *r, const char *p)
{
	r->p = p;
	r->eol = NULL;
	r->more = true;
	r->crossed = false;
}

/* A field without quotes around it. */
static enum source_step
bare(struct source_record *r, struct source_field *f)
{
	const char *end = r->eol, *separator, *wrong;

	if (end < r->end && end > r->p && end[-1] == '\r')
		end--;
	separator = find(r->p, end, r->separator);
	if (separator != NULL)
		end = separator;
	if ((wrong = find(r->p, end, '"')) != NULL)
		return fault(r, "a quote in a field that does not begin with "
		    "one (quotes stand doubled, and the field in quotes)",
		    wrong, NULL);
	if ((wrong = find(r->p, end, '\r')) != NULL)
		return fault(r, "a carriage return without a newline behind "
		    "it, outside of quotes", wrong, NULL);
	*f = (struct source_field){ r->p, (size_t)(end - r->p), false };
	r->more = separator != NULL;
	if (r->more)
		r->p = separator + 1;
	else
		r->p = r->eol < r->end ? r->eol + 1 : r->end;
	return SOURCE_FIELD;
}

/* What stands behind a closing quote. */
static enum source_step
behind(struct source_record *r, const char *opened, const char *p)
{
	r->more = false;
	r->p = p;
	if (p > r->eol) {
		r->crossed = true;
		if (!find_eol(r))
			return SOURCE_SHORT;
	}
	if (p == r->end)
		return SOURCE_FIELD;
	if (*p == '\r' && p + 1 == r->end && !r->last)
		return SOURCE_SHORT;
	if (*p == r->separator)
		r->more = true;
	else if (*p == '\r' && p + 1 < r->end && p[1] == '\n')
		r->p++;
	else if (*p != '\n')
		return fault(r, "text behind the closing quote of a field", p,
		    opened);
	r->p++;
	return SOURCE_FIELD;
}

static enum source_step
quoted(struct source_record *r, struct source_field *f)
{
	const char *opened = r->p, *p = opened + 1;

	*f = (struct source_field){ p, 0, false };
	for (;; p += 2) {
		if ((p = find(p, r->end, '"')) == NULL)
			return !r->last ? SOURCE_SHORT : fault(r, "a field in "
			    "quotes begins here that does not end", opened,
			    opened);
		if (p + 1 == r->end && !r->last)
			return SOURCE_SHORT;
		if (p + 1 == r->end || p[1] != '"')
			break;
		f->doubled = true;
	}
	f->len = (size_t)(p - f->p);
	return behind(r, opened, p + 1);
}

enum source_step
source_record_next(struct source_record *r, struct source_field *f)
{
	if (r->eol == NULL && !find_eol(r))
		return SOURCE_SHORT;
	return r->p < r->end && *r->p == '"' ? quoted(r, f) : bare(r, f);
}

size_t
source_field_text(const struct source_field *f, char *out, const char **text)
{
	const char *p = f->p, *end = f->p + f->len, *quote;
	char *to = out;

	*text = f->p;
	if (!f->doubled)
		return f->len;
	*text = out;
	while ((quote = find(p, end, '"')) != NULL) {
		size_t n = (size_t)(quote + 1 - p);

		memcpy(to, p, n);
		to += n;
		p = quote + 2;
	}
	memcpy(to, p, (size_t)(end - p));
	return (size_t)(to + (end - p) - out);
}
