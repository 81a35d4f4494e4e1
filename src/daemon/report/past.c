/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Two rings.  A sample is the difference to the mark before it, so that what
 * is between two steps is in exactly one.
 */

#include "config.h"

#include "daemon/report/past.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/base/tell.h"
#include "daemon/report/report.h"

/* It is as large for a daemon that is never asked. */
_Static_assert(sizeof(struct past) <= 64 << 10, "an hour is small");

/* All that was asked of all workers, whatever it was. */
static void
add_up(const struct report *r, struct histogram_sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < r->n; i++)
		for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
			for (unsigned int outcome = 0;
			    outcome < STATS_OUTCOMES; outcome++)
				histogram_add(sum, stats_times(
				    r->workers[i].stats, kind, outcome));
}

/* Make a sample of what has come since a mark, and set that to now. */
static struct past_sample
step(struct past_mark *mark, const struct report *r,
    const struct histogram_sum *sum, int64_t now)
{
	struct histogram_sum news = { .count = sum->count - mark->requests,
	    .max = sum->max };
	uint64_t out = report_counter(r, STATS_BYTES_OUT);
	struct past_sample s = { .at = now, .span = now - mark->at,
	    .requests = news.count, .bytes_out = out - mark->bytes_out,
	    .connections = r->connections };

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		news.buckets[i] = sum->buckets[i] - mark->buckets[i];
	s.half = histogram_quantile(&news, 500);
	s.late = histogram_quantile(&news, 990);
	mark->at = now;
	mark->bytes_out = out;
	mark->requests = sum->count;
	memcpy(mark->buckets, sum->buckets, sizeof(mark->buckets));
	return s;
}

void
past_sample(struct past *p, const struct report *r, int64_t now)
{
	struct past_sample s;
	struct histogram_sum sum;
	uint64_t n = p->n++;

	add_up(r, &sum);
	s = step(&p->second, r, &sum, now);
	if (n > 0)
		p->seconds[(n - 1) % PAST_SECONDS] = s;
	if (n % PAST_TEN != 0)
		return;
	s = step(&p->ten, r, &sum, now);
	if (n > 0)
		p->tens[(n / PAST_TEN - 1) % PAST_TENS] = s;
}

enum column {
	AGE,
	SPAN,
	REQUESTS,
	BYTES_OUT,
	CONNECTIONS,
	HALF,
	LATE,
	COLUMNS
};

static const char *const column_names[] = {
	[AGE] = "age-ms",
	[SPAN] = "span-ms",
	[REQUESTS] = "requests",
	[BYTES_OUT] = "bytes-out",
	[CONNECTIONS] = "connections",
	[HALF] = "p50-us",
	[LATE] = "p99-us"
};

static void
tell_cell(const struct past_sample *s, enum column column, int64_t now,
    struct tell *t)
{
	switch (column) {
	case AGE:
		tell_integer(t, NULL, now - s->at);
		break;
	case SPAN:
		tell_integer(t, NULL, s->span);
		break;
	case REQUESTS:
		tell_number(t, NULL, s->requests);
		break;
	case BYTES_OUT:
		tell_number(t, NULL, s->bytes_out);
		break;
	case CONNECTIONS:
		tell_integer(t, NULL, s->connections);
		break;
	case HALF:
		tell_us(t, NULL, s->half);
		break;
	case LATE:
		tell_us(t, NULL, s->late);
		break;
	case COLUMNS:
		break;
	}
}

/* A ring of some places, in which so many samples were put so far. */
static void
tell_ring(const char *name, const struct past_sample *ring, size_t places,
    uint64_t n, int64_t now, struct tell *t)
{
	uint64_t first = n > places ? n - places : 0;

	tell_object(t, name);
	for (enum column column = 0; column < COLUMNS; column++) {
		tell_array(t, column_names[column]);
		for (uint64_t i = first; i < n; i++)
			tell_cell(&ring[i % places], column, now, t);
		tell_end(t);
	}
	tell_end(t);
}

void
past_tell(const struct past *p, int64_t now, struct tell *t)
{
	uint64_t n = p->n > 0 ? p->n - 1 : 0;

	tell_ring("seconds", p->seconds, PAST_SECONDS, n, now, t);
	tell_ring("tens", p->tens, PAST_TENS, n / PAST_TEN, now, t);
}
