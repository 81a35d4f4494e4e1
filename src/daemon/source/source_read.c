/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Reading ranges in blocks that fit a core's cache, and the lines in them.
 */

#include "config.h"

#include "daemon/source/source_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/encoding.h"
#include "lib/scan.h"

#define ONES	0x0101010101010101ull
#define HIGHS	0x8080808080808080ull

static void
advance(struct source_job *job, size_t n)
{
	struct source_load *load = job->load;
	uint64_t done = atomic_fetch_add(&load->done, n) + n;

	if (job->in_caller && load->progress != NULL)
		load->progress->cb(load->source->options.name, done,
		    load->all, load->progress->arg);
}

void
source_reader_init(struct source_reader *r, struct source_job *job,
    uint64_t from, uint64_t to)
{
	r->job = job;
	r->at = from;
	r->to = to;
	r->start = r->end = 0;
}

void
source_reader_clear(struct source_reader *r)
{
	free(r->buf);
	r->buf = NULL;
	r->cap = 0;
}

static int
reader_grow(struct source_reader *r)
{
	size_t cap = r->cap == 0 ? source_tuning.block : 2 * r->cap;
	char *buf = realloc(r->buf, cap);

	if (buf == NULL) {
		source_fail(r->job, strerror(ENOMEM));
		return -1;
	}
	r->buf = buf;
	r->cap = cap;
	return 0;
}

int
source_reader_fill(struct source_reader *r)
{
	size_t len;
	ssize_t n;

	if (r->at == r->to)
		return 0;
	if (r->start > 0) {
		memmove(r->buf, r->buf + r->start, r->end - r->start);
		r->end -= r->start;
		r->start = 0;
	}
	if (r->end == r->cap && reader_grow(r) != 0)
		return -1;
	len = r->cap - r->end;
	if (len > r->to - r->at)
		len = (size_t)(r->to - r->at);
	do
		n = pread(r->job->file->fd, r->buf + r->end, len,
		    (off_t)r->at);
	while (n == -1 && errno == EINTR);
	if (n <= 0) {
		source_fail(r->job, n == 0 ?
		    "it was cut short during the load" : strerror(errno));
		return -1;
	}
	r->end += (size_t)n;
	r->at += (uint64_t)n;
	advance(r->job, (size_t)n);
	return 1;
}

const char *
source_reader_need(struct source_reader *r, size_t len)
{
	const char *p;

	while (r->end - r->start < len)
		if (source_reader_fill(r) != 1)
			return NULL;
	p = r->buf + r->start;
	r->start += len;
	return p;
}

/* One line; end is behind it, at its LF where it has one. */
static void
hand_line(struct source_job *job, const char *line, const char *end,
    bool has_end, void (*line_cb)(struct source_job *, const char *, size_t))
{
	job->lines++;
	if (has_end && end > line && end[-1] == '\r')
		end--;
	if ((size_t)(end - line) > source_tuning.line_max)
		source_complain(job, job->lines, "the line has more than %zu "
		    "bytes", source_tuning.line_max);
	else
		line_cb(job, line, (size_t)(end - line));
}

/* Drop a line that is too long, up to its end or the range's. */
static int
skip_line(struct source_reader *r)
{
	const char *p;
	int more;

	r->job->lines++;
	source_complain(r->job, r->job->lines, "the line has more than %zu "
	    "bytes", source_tuning.line_max);
	do {
		p = memchr(r->buf + r->start, '\n', r->end - r->start);
		if (p != NULL) {
			r->start = (size_t)(p + 1 - r->buf);
			return 1;
		}
		r->start = r->end;
		more = source_reader_fill(r);
	} while (more == 1);
	return more;
}

size_t
source_mark(struct source_job *job, const char *text, size_t len)
{
	if (job->from != 0 || job->lines != 0 || !encoding_has_mark(text, len))
		return 0;
	source_complain(job, 1, "a byte order mark before the first key");
	return ENCODING_MARK_LEN;
}

void
source_lines(struct source_job *job, void (*line_cb)(struct source_job *,
    const char *, size_t))
{
	struct source_reader r = { .buf = NULL };
	size_t looked = 0;	/* bytes from start that have no LF */
	const char *line, *lf;
	int more = 1;

	source_reader_init(&r, job, job->from, job->to);
	if (reader_grow(&r) != 0)
		return;
	for (;;) {
		line = r.buf + r.start;
		lf = memchr(line + looked, '\n', r.end - r.start - looked);
		if (lf != NULL) {
			line += source_mark(job, line, (size_t)(lf - line));
			hand_line(job, line, lf, true, line_cb);
			if (job->failed)
				break;
			r.start = (size_t)(lf + 1 - r.buf);
			looked = 0;
			continue;
		}
		looked = r.end - r.start;
		/* One byte more, for a CR. */
		if (looked > source_tuning.line_max + 1) {
			more = skip_line(&r);
			looked = 0;
		} else {
			more = source_reader_fill(&r);
		}
		if (more != 1)
			break;
	}
	if (more == 0 && r.end > r.start) {
		line = r.buf + r.start;
		line += source_mark(job, line, r.end - r.start);
		hand_line(job, line, r.buf + r.end, false, line_cb);
	}
	source_reader_clear(&r);
}

/*
 * High bits where one of 8 bytes is below 0x20, a quote or a backslash.  A
 * borrow may set more, but only where there is one at all.
 */
static inline uint64_t
specials(uint64_t w)
{
	uint64_t quote = w ^ (ONES * '"'), slash = w ^ (ONES * '\\');

	return ((w - ONES * 0x20) & ~w) | ((quote - ONES) & ~quote) |
	    ((slash - ONES) & ~slash);
}

bool
source_is_plain(const char *text, size_t len)
{
	uint64_t w, special = 0, high = 0;
	size_t i;

	if (len < sizeof(w)) {
		memset(&w, ' ', sizeof(w));
		memcpy(&w, text, len);
		special = specials(w);
		high = w;
	} else {
		for (i = 0; i + sizeof(w) < len; i += sizeof(w)) {
			memcpy(&w, text + i, sizeof(w));
			special |= specials(w);
			high |= w;
		}
		/* The last 8, some of them again. */
		memcpy(&w, text + len - sizeof(w), sizeof(w));
		special |= specials(w);
		high |= w;
	}
	if ((special & HIGHS) != 0)
		return false;
	return (high & HIGHS) == 0 || scan_utf8(text, len) == len;
}
