/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What fits on any screen comes first; below it are sections, lists with a
 * title, which share the lines that are left: each in turn gets one more,
 * so that a long one is cut before a short one loses anything.
 */

#include "config.h"

#include "view.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/human.h"
#include "line.h"
#include "rates.h"
#include "sample.h"

/* Before the text: behind one that fills its line it would take a column. */
#define CLEAR_LINE	"\033[K"
#define CLEAR_REST	"\033[J"
#define REVERSE		"\033[7m"
#define PLAIN		"\033[m"

#define BRIGHT_MAX	4	/* lines of one text */
#define FIGURE_SIZE	32	/* bytes of a number's text */

/* A picture in the making. */
struct drawing {
	const struct view *v;
	FILE *out;
	size_t lines;
	struct line line;
};

struct section {
	void (*title)(struct line *);
	void (*row)(const struct view *, size_t i, struct line *);
	size_t n;		/* rows */
	size_t given;		/* lines of the screen, with the title */
};

static bool
begin_line(struct drawing *d)
{
	if (d->v->screen && d->lines >= d->v->rows)
		return false;
	if (d->lines++ > 0)
		fputs(d->v->screen ? "\r\n" : "\n", d->out);
	if (d->v->screen)
		fputs(CLEAR_LINE, d->out);
	line_begin(&d->line, d->out, d->v->columns);
	return true;
}

/* A line that stands out, filled to the end of the screen. */
static bool
begin_bright(struct drawing *d)
{
	if (!begin_line(d))
		return false;
	if (d->v->screen)
		fputs(REVERSE, d->out);
	return true;
}

static void
end_bright(struct drawing *d)
{
	if (!d->v->screen)
		return;
	line_fill(&d->line, d->v->columns);
	fputs(PLAIN, d->out);
}

/* Whole numbers in groups of three; small ones have a decimal. */
static const char *
figure(double n, char *text)
{
	char digits[FIGURE_SIZE];
	size_t len, used = 0;

	if (n < 9.95) {
		snprintf(text, FIGURE_SIZE, "%.1f", n);
		return text;
	}
	len = (size_t)snprintf(digits, sizeof(digits), "%.0f",
	    n < 1e15 ? n : 1e15);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = digits[i];
	}
	text[used] = '\0';
	return text;
}

static const char *
whole(uint64_t n, char *text)
{
	if (n < 10)
		snprintf(text, FIGURE_SIZE, "%" PRIu64, n);
	else
		figure((double)n, text);
	return text;
}

/* Bytes a second. */
static const char *
bytes(double n, char *text)
{
	return human_bytes((uint64_t)(n < 1e18 ? n : 1e18), text);
}

/* Microseconds, as stats has them. */
static const char *
micro(uint64_t ns, char *text)
{
	if (ns == 0)
		return "-";
	snprintf(text, FIGURE_SIZE, "%.*f", ns < 100000 ? 1 : 0,
	    (double)ns / 1000);
	return text;
}

/* What is to be read to its end, if that takes no more than some lines. */
static void
draw_bright(struct drawing *d, const char *text)
{
	for (int i = 0; i < BRIGHT_MAX && *text != '\0' && begin_bright(d);
	    i++) {
		text = line_add(&d->line, text);
		end_bright(d);
	}
}

/* One that failed has lines of its own, since what is wrong takes one. */
static void
draw_loads(struct drawing *d)
{
	const struct sample *s = d->v->sample;
	char *text;

	if (begin_line(d))
		line_printf(&d->line, "generation %" PRIu64 ", loaded %s",
		    s->generation, s->loaded);
	if (strcmp(s->reload, "failed") != 0 || asprintf(&text,
	    "reload failed %s: %s", s->reload_time, s->reload_problem) == -1)
		return;
	draw_bright(d, text);
	free(text);
}

static void
draw_daemon(struct drawing *d)
{
	const struct sample *s = d->v->sample;
	const struct rates *r = d->v->rates;
	struct line *line = &d->line;
	char text[HUMAN_SIZE];

	if (d->v->problem != NULL)
		draw_bright(d, d->v->problem);
	if (begin_line(d)) {
		line_printf(line, "appmsgd %s %s", s->version, s->state);
		line_printf(line, ", pid %" PRIu64 ", up %s; rates ", s->pid,
		    human_span((int64_t)s->uptime, text));
		if (r->since_start)
			line_add(line, "since its start");
		else
			line_printf(line, "of the last %.1f s", r->seconds);
	}
	draw_loads(d);
}

static void
draw_rates(struct drawing *d)
{
	const struct sample *s = d->v->sample;
	const struct rates *r = d->v->rates;
	char a[FIGURE_SIZE], b[FIGURE_SIZE], c[FIGURE_SIZE], e[FIGURE_SIZE];
	struct line *line = &d->line;

	if (begin_line(d))
		line_printf(line, "requests     %s/s: %s found, %s missed, "
		    "%s errors", figure(r->requests, a), figure(r->found, b),
		    figure(r->missed, c), figure(r->errors, e));
	if (begin_line(d))
		line_printf(line, "connections  %s now; %s/s new, %s/s "
		    "refused, %s/s timed out", whole(s->connections, a),
		    figure(r->accepted, b), figure(r->refused, c),
		    figure(r->timeouts, e));
	if (begin_line(d))
		line_printf(line, "bytes        %s/s in, %s/s out; %s held "
		    "for peers", bytes(r->bytes_in, a),
		    bytes(r->bytes_out, b), human_bytes(s->held, c));
}

static void
draw_times(struct drawing *d)
{
	static const char *const names[RATES_QUANTILES] = {
		"50%", "90%", "99%", "99.9%", "most"
	};
	char text[FIGURE_SIZE];

	if (!begin_line(d))
		return;
	line_add(&d->line, "microseconds");
	for (size_t i = 0; i < RATES_QUANTILES; i++)
		line_printf(&d->line, "%s %s %s", i > 0 ? "," : "", names[i],
		    micro(d->v->rates->times.ns[i], text));
}

static void
title_requests(struct line *line)
{
	line_left(line, "action", 7);
	line_left(line, "way", 10);
	line_left(line, "outcome", 11);
	line_right(line, "requests/s", 12);
	line_right(line, "50%", 8);
	line_right(line, "90%", 8);
	line_right(line, "99%", 8);
	line_right(line, "99.9%", 8);
	line_right(line, "most", 8);
}

static void
row_request(const struct view *v, size_t i, struct line *line)
{
	const struct rates_row *r = &v->rates->rows[i];
	char text[FIGURE_SIZE];

	line_left(line, r->row->action, 7);
	line_left(line, r->row->way, 10);
	line_left(line, r->row->outcome, 11);
	line_right(line, figure(r->requests, text), 12);
	for (size_t q = 0; q < RATES_QUANTILES; q++)
		line_right(line, micro(r->times.ns[q], text), 8);
}

static void
title_keys(struct line *line, const char *what)
{
	line_right(line, "about", 12);
	line_right(line, "at least", 13);
	line_right(line, "at most", 13);
	line_add(line, what);
}

static void
title_found(struct line *line)
{
	title_keys(line, "  found most often since the start");
}

static void
title_missed(struct line *line)
{
	title_keys(line, "  missed most often since the start");
}

static void
row_key(const struct sample_key *key, struct line *line)
{
	char text[FIGURE_SIZE];

	line_right(line, whole(key->count, text), 12);
	line_right(line, whole(key->least, text), 13);
	line_right(line, whole(key->most, text), 13);
	line_add(line, "  ");
	line_add(line, key->key);
}

static void
row_found(const struct view *v, size_t i, struct line *line)
{
	row_key(&v->sample->found[i], line);
}

static void
row_missed(const struct view *v, size_t i, struct line *line)
{
	row_key(&v->sample->missed[i], line);
}

static void
title_tables(struct line *line)
{
	line_left(line, "table", 20);
	line_left(line, " kind", 8);
	line_right(line, "entries", 14);
	line_right(line, "memory", 11);
	line_add(line, "  loaded");
}

static void
row_table(const struct view *v, size_t i, struct line *line)
{
	const struct sample_table *t = &v->sample->tables[i];
	char text[FIGURE_SIZE];

	line_left(line, t->name, 20);
	line_add(line, " ");
	line_left(line, t->kind, 7);
	line_right(line, whole(t->entries, text), 14);
	line_right(line, human_bytes(t->bytes, text), 11);
	line_add(line, "  ");
	line_add(line, t->loaded);
}

static void
title_workers(struct line *line)
{
	line_left(line, "worker", 6);
	line_right(line, "requests/s", 14);
	line_right(line, "connections", 13);
	line_right(line, "received/s", 13);
	line_right(line, "sent/s", 13);
}

static void
row_worker(const struct view *v, size_t i, struct line *line)
{
	const struct rates_worker *w = &v->rates->workers[i];
	char text[FIGURE_SIZE];

	line_left(line, whole(i, text), 6);
	line_right(line, figure(w->requests, text), 14);
	line_right(line, whole(v->sample->workers[i].connections, text), 13);
	line_right(line, bytes(w->bytes_in, text), 13);
	line_right(line, bytes(w->bytes_out, text), 13);
}

/* Share lines out; who gets none of the first, title and a row, has none. */
static void
share(struct section *sections, size_t n, size_t lines)
{
	bool more = true;

	for (size_t i = 0; i < n; i++) {
		if (sections[i].n == 0 || lines < 2)
			continue;
		sections[i].given = 2;
		lines -= 2;
	}
	while (more && lines > 0) {
		more = false;
		for (size_t i = 0; i < n && lines > 0; i++) {
			struct section *s = &sections[i];

			if (s->given == 0 || s->given > s->n)
				continue;
			s->given++;
			lines--;
			more = true;
		}
	}
}

static void
draw_section(struct drawing *d, const struct section *s)
{
	size_t rows = s->given - 1;

	if (!d->v->screen)
		begin_line(d);
	if (begin_bright(d)) {
		s->title(&d->line);
		end_bright(d);
	}
	/* The last line tells what is not there, unless it is the only one. */
	if (rows < s->n && rows > 1)
		rows--;
	for (size_t i = 0; i < rows && begin_line(d); i++)
		s->row(d->v, i, &d->line);
	if (rows < s->n && rows + 1 < s->given && begin_line(d))
		line_printf(&d->line, "and %zu more", s->n - rows);
}

void
view_draw(const struct view *v, FILE *out)
{
	struct section sections[] = {
		{ title_requests, row_request, v->rates->n_rows, 0 },
		{ title_missed, row_missed, v->sample->n_missed, 0 },
		{ title_found, row_found, v->sample->n_found, 0 },
		{ title_tables, row_table, v->sample->n_tables, 0 },
		{ title_workers, row_worker, v->sample->n_workers, 0 },
	};
	const size_t n = sizeof(sections) / sizeof(sections[0]);
	struct drawing d = { .v = v, .out = out };

	draw_daemon(&d);
	draw_rates(&d);
	draw_times(&d);
	share(sections, n, !v->screen ? SIZE_MAX :
	    d.lines < v->rows ? v->rows - d.lines : 0);
	for (size_t i = 0; i < n; i++)
		if (sections[i].given > 0)
			draw_section(&d, &sections[i]);
	if (!v->screen)
		fputc('\n', out);
	else if (d.lines < v->rows)
		fputs("\r\n" CLEAR_REST, out);
}
