/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The numbers as lines for people.
 */

#include "config.h"

#include "daemon/stats/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/buf.h"

#define LINE_MAX_LEN	256

/* Append a line, or a part of one. */
__attribute__((__format__(__printf__, 2, 3)))
static int
add(struct buf *out, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	return buf_add(out, line, (size_t)len < sizeof(line) ? (size_t)len :
	    sizeof(line) - 1);
}

static uint64_t
get(const struct report *r, enum stats_counter counter)
{
	return report_counter(r, counter);
}

static int
connections(const struct report *r, struct buf *out)
{
	return add(out,
	    "connections  %" PRId64 " now, %" PRIu64 " accepted, %" PRIu64
	    " closed\n"
	    "refused      %" PRIu64 " by limit connections, %" PRIu64
	    " by limit per-address, %" PRIu64 " by allow=\n",
	    r->connections, get(r, STATS_ACCEPTED), get(r, STATS_CLOSED),
	    get(r, STATS_REFUSED_CONNECTIONS),
	    get(r, STATS_REFUSED_PER_ADDRESS),
	    get(r, STATS_REFUSED_DENIED)) == 0 &&
	    add(out,
	    "timeouts     %" PRIu64 " idle, %" PRIu64 " header, %" PRIu64
	    " message, %" PRIu64 " write, %" PRIu64 " drain\n"
	    "bytes        %" PRIu64 " in, %" PRIu64 " out\n",
	    get(r, STATS_TIMEOUT_IDLE), get(r, STATS_TIMEOUT_HEADER),
	    get(r, STATS_TIMEOUT_MESSAGE), get(r, STATS_TIMEOUT_WRITE),
	    get(r, STATS_TIMEOUT_DRAIN), get(r, STATS_BYTES_IN),
	    get(r, STATS_BYTES_OUT)) == 0 &&
	    add(out,
	    "reloads      %" PRIu64 " done, %" PRIu64 " failed\n"
	    "searches     %" PRIu64 " in slices\n",
	    r->reloads, r->reloads_failed, get(r, STATS_SLICED)) == 0 ?
	    0 : -1;
}

/* Microseconds, with a digit where that says something. */
static int
add_us(struct buf *out, uint64_t ns)
{
	return add(out, " %9.*f", ns < 100000 ? 1 : 0, (double)ns / 1000);
}

static int
row(struct buf *out, unsigned int kind, unsigned int outcome,
    const struct histogram_sum *sum)
{
	static const unsigned int permille[] = { 500, 900, 990, 999, 1000 };
	const char *way = stats_way(kind);

	if (add(out, "%-6s  %-9s  %-9s %12" PRIu64, stats_action(kind),
	    way != NULL ? way : "", stats_outcome(outcome), sum->count) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(permille) / sizeof(permille[0]); i++)
		if (add_us(out, histogram_quantile(sum, permille[i])) != 0)
			return -1;
	return add(out, "\n");
}

static int
rows(const struct report *r, struct buf *out)
{
	struct histogram_sum sum;

	if (add(out, "\nrequests, and how many microseconds they took:\n"
	    "%-6s  %-9s  %-9s %12s %9s %9s %9s %9s %9s\n", "action", "way",
	    "outcome", "count", "50%", "90%", "99%", "99.9%", "most") != 0)
		return -1;
	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int outcome = 0; outcome < STATS_OUTCOMES;
		    outcome++) {
			report_times(r, kind, outcome, &sum);
			if (sum.count > 0 &&
			    row(out, kind, outcome, &sum) != 0)
				return -1;
		}
	return 0;
}

static int
workers(const struct report *r, struct buf *out)
{
	if (add(out, "\n%-6s %14s %12s %18s %18s\n", "worker", "requests",
	    "connections", "bytes in", "bytes out") != 0)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		const struct report_worker *w = &r->workers[i];

		if (add(out, "%-6zu %14" PRIu64 " %12" PRId64 " %18" PRIu64
		    " %18" PRIu64 "\n", i, report_requests(w),
		    w->connections, stats_get(w->stats, STATS_BYTES_IN),
		    stats_get(w->stats, STATS_BYTES_OUT)) != 0)
			return -1;
	}
	return 0;
}

/* Keys last on their lines, since they are as long as they are. */
static int
keys(const struct report *r, struct buf *out, bool found)
{
	struct report_key list[REPORT_KEYS];
	size_t n = report_keys(r, found, list);

	if (n == 0)
		return 0;
	if (add(out, "\n%s\n", found ? "keys that were found most often, "
	    "about:" : "keys that were missed most often, about:") != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add(out, "%12" PRIu64 "  ", list[i].count) != 0 ||
		    buf_add(out, list[i].text, strlen(list[i].text)) != 0 ||
		    add(out, "\n") != 0)
			return -1;
	return 0;
}

int
report_text(const struct report *r, struct buf *out)
{
	return connections(r, out) == 0 && rows(r, out) == 0 &&
	    workers(r, out) == 0 && keys(r, out, false) == 0 &&
	    keys(r, out, true) == 0 ? 0 : -1;
}
