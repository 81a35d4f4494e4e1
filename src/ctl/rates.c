/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Counts only rise as long as a daemon runs.  Each is read while workers go
 * on, so one that seems to fall counts as one that stayed.
 */

#include "config.h"

#include "rates.h"

#include <stdlib.h>
#include <string.h>

#include "sample.h"

#define NS_PER_SECOND	1e9

/* Times of several rows, to be sorted. */
struct gathered {
	struct sample_time *times;	/* owned */
	size_t n;
};

static uint64_t
rise(uint64_t old, uint64_t now)
{
	return now > old ? now - old : 0;
}

/* A restart begins at 0 again, and with it the numbers. */
static bool
is_same_daemon(const struct sample *old, const struct sample *now)
{
	return old != NULL && old->pid == now->pid &&
	    old->uptime <= now->uptime && old->accepted <= now->accepted &&
	    old->bytes_in <= now->bytes_in && old->at_ns < now->at_ns;
}

static const struct sample_row *
find_row(const struct sample *s, const struct sample_row *row)
{
	for (size_t i = 0; s != NULL && i < s->n_rows; i++)
		if (strcmp(s->rows[i].action, row->action) == 0 &&
		    strcmp(s->rows[i].way, row->way) == 0 &&
		    strcmp(s->rows[i].outcome, row->outcome) == 0)
			return &s->rows[i];
	return NULL;
}

/* Add what a row's times rose by; old is NULL where it was not there. */
static void
gather(struct gathered *g, const struct sample_row *old,
    const struct sample_row *now)
{
	size_t o = 0;

	for (size_t i = 0; i < now->n; i++) {
		const struct sample_time *t = &now->times[i];
		uint64_t before = 0, n;

		while (old != NULL && o < old->n && old->times[o].ns < t->ns)
			o++;
		if (old != NULL && o < old->n && old->times[o].ns == t->ns)
			before = old->times[o].count;
		if ((n = rise(before, t->count)) > 0)
			g->times[g->n++] = (struct sample_time){ t->ns, n };
	}
}

static int
compare_times(const void *a, const void *b)
{
	const struct sample_time *s = a, *t = b;

	return s->ns < t->ns ? -1 : s->ns > t->ns;
}

/* Sorts what was gathered. */
static void
find_quantiles(const struct gathered *g, struct rates_times *times)
{
	static const unsigned int permille[] = { 500, 900, 990, 999, 1000 };
	uint64_t all = 0, below = 0, want;
	size_t i = 0;

	qsort(g->times, g->n, sizeof(*g->times), compare_times);
	for (size_t j = 0; j < g->n; j++)
		all += g->times[j].count;
	for (size_t q = 0; q < RATES_QUANTILES && all > 0; q++) {
		want = all - all / 1000 * (1000 - permille[q]) -
		    all % 1000 * (1000 - permille[q]) / 1000;
		while (below < want && i < g->n)
			below += g->times[i++].count;
		times->ns[q] = g->times[i - 1].ns;
	}
}

static int
compare_rows(const void *a, const void *b)
{
	const struct rates_row *s = a, *t = b;

	return s->count > t->count ? -1 : s->count < t->count;
}

static void
count_outcome(struct rates *r, const char *outcome, double requests)
{
	r->requests += requests;
	if (strcmp(outcome, "found") == 0)
		r->found += requests;
	else if (strcmp(outcome, "not-found") == 0)
		r->missed += requests;
	else if (strcmp(outcome, "done") != 0)
		r->errors += requests;
}

static int
take_rows(struct rates *r, const struct sample *old, const struct sample *now)
{
	struct gathered all = { 0 }, one;
	size_t n = 1;

	for (size_t i = 0; i < now->n_rows; i++)
		n += now->rows[i].n;
	all.times = calloc(n, sizeof(*all.times));
	r->rows = calloc(now->n_rows + 1, sizeof(*r->rows));
	if (all.times == NULL || r->rows == NULL) {
		free(all.times);
		return -1;
	}
	for (size_t i = 0; i < now->n_rows; i++) {
		const struct sample_row *row = &now->rows[i];
		const struct sample_row *before = find_row(old, row);
		struct rates_row *to = &r->rows[r->n_rows];

		to->row = row;
		to->count = rise(before != NULL ? before->count : 0,
		    row->count);
		if (to->count == 0)
			continue;
		to->requests = (double)to->count / r->seconds;
		count_outcome(r, row->outcome, to->requests);
		one = (struct gathered){ all.times + all.n, 0 };
		gather(&one, before, row);
		find_quantiles(&one, &to->times);
		all.n += one.n;
		r->n_rows++;
	}
	find_quantiles(&all, &r->times);
	free(all.times);
	qsort(r->rows, r->n_rows, sizeof(*r->rows), compare_rows);
	return 0;
}

static int
take_workers(struct rates *r, const struct sample *old,
    const struct sample *now)
{
	static const struct sample_worker none = { 0 };

	r->workers = calloc(now->n_workers + 1, sizeof(*r->workers));
	if (r->workers == NULL)
		return -1;
	for (size_t i = 0; i < now->n_workers; i++) {
		const struct sample_worker *is = &now->workers[i];
		const struct sample_worker *was = old != NULL &&
		    i < old->n_workers ? &old->workers[i] : &none;

		r->workers[i] = (struct rates_worker){
			(double)rise(was->requests, is->requests) /
			    r->seconds,
			(double)rise(was->bytes_in, is->bytes_in) /
			    r->seconds,
			(double)rise(was->bytes_out, is->bytes_out) /
			    r->seconds
		};
	}
	return 0;
}

static void
take_counters(struct rates *r, const struct sample *old,
    const struct sample *now)
{
	static const struct sample zero = { 0 };
	const struct sample *was = old != NULL ? old : &zero;

	r->accepted = (double)rise(was->accepted, now->accepted) / r->seconds;
	r->refused = (double)rise(was->refused, now->refused) / r->seconds;
	r->timeouts = (double)rise(was->timeouts, now->timeouts) / r->seconds;
	r->bytes_in = (double)rise(was->bytes_in, now->bytes_in) / r->seconds;
	r->bytes_out = (double)rise(was->bytes_out, now->bytes_out) /
	    r->seconds;
}

struct rates *
rates_new(const struct sample *old, const struct sample *now)
{
	struct rates *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	if (!is_same_daemon(old, now))
		old = NULL;
	r->since_start = old == NULL;
	r->seconds = old != NULL ? (double)(now->at_ns - old->at_ns) /
	    NS_PER_SECOND : (double)(now->uptime > 0 ? now->uptime : 1);
	take_counters(r, old, now);
	if (take_rows(r, old, now) == 0 && take_workers(r, old, now) == 0)
		return r;
	rates_free(r);
	return NULL;
}

void
rates_free(struct rates *r)
{
	if (r == NULL)
		return;
	free(r->rows);
	free(r->workers);
	free(r);
}
