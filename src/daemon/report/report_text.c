/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lines are for people, and may change as they like it: programs have the
 * object and OpenMetrics.
 */

#include "config.h"

#include "daemon/base/iso_time.h"
#include "daemon/report/report.h"

#include <inttypes.h>

#include "common/human.h"

static uint64_t
get(const struct report *r, enum stats_counter counter)
{
	return report_counter(r, counter);
}

/* Nothing where no listener has TLS. */
static void
encrypted(const struct report *r, struct report_out *out)
{
	uint64_t opened = get(r, STATS_TLS_OPENED);
	struct report_certificate c;
	char ends[ISO_TIME_SIZE];

	for (size_t i = 0; report_certificate(r, i, &c); i++) {
		iso_time_local(c.ends, ends);
		report_add(out, "certificate  %s, until %s\n", c.name, ends);
	}
	if (report_certificate(r, 0, &c))
		report_add(out, "TLS          %" PRIu64 " now, %" PRIu64
		    " handshakes, %" PRIu64 " of them by tickets, %" PRIu64
		    " failed, %" PRIu64 " timed out\n",
		    opened - get(r, STATS_TLS_CLOSED), opened,
		    get(r, STATS_TLS_RESUMED), get(r, STATS_TLS_FAILED),
		    get(r, STATS_TIMEOUT_HANDSHAKE));
}

/* Nothing where no table is on other machines. */
static void
remote(const struct report *r, struct report_out *out)
{
	size_t up, n = report_remote_tables(r, &up);

	if (n == 0)
		return;
	report_add(out, "remote       %zu of %zu tables up, %" PRIu64
	    " requests, %" PRIu64 " of them repeated, %" PRIu64
	    " moved\nfrom cache   %" PRIu64 " lookups, %" PRIu64
	    " of them stale, %" PRIu64 " joined\nunavailable ", up, n,
	    get(r, STATS_REMOTE_ASKED), get(r, STATS_REMOTE_REPEATED),
	    get(r, STATS_REMOTE_MOVED), get(r, STATS_REMOTE_CACHED),
	    get(r, STATS_REMOTE_STALE), get(r, STATS_REMOTE_JOINED));
	for (enum remote_cause i = 0; i < REMOTE_CAUSES; i++)
		report_add(out, "%s %" PRIu64 " %s", i > 0 ? "," : "",
		    get(r, STATS_UNAVAILABLE + i), remote_cause_words[i]);
	report_add(out, "\n");
}

static void
connections(const struct report *r, struct report_out *out)
{
	char in[HUMAN_SIZE], sent[HUMAN_SIZE];

	report_add(out,
	    "connections  %" PRId64 " now, %" PRIu64 " accepted, %" PRIu64
	    " closed, %" PRIu64 " over limit memory\n"
	    "refused      %" PRIu64 " by limit connections, %" PRIu64
	    " by limit per-address, %" PRIu64 " by allow= and deny=\n",
	    r->connections, get(r, STATS_ACCEPTED), get(r, STATS_CLOSED),
	    get(r, STATS_OVER_MEMORY),
	    get(r, STATS_REFUSED_CONNECTIONS),
	    get(r, STATS_REFUSED_PER_ADDRESS),
	    get(r, STATS_REFUSED_DENIED));
	encrypted(r, out);
	report_add(out,
	    "timeouts     %" PRIu64 " idle, %" PRIu64 " header, %" PRIu64
	    " message, %" PRIu64 " write, %" PRIu64 " drain\n"
	    "bytes        %s in, %s out\n",
	    get(r, STATS_TIMEOUT_IDLE), get(r, STATS_TIMEOUT_HEADER),
	    get(r, STATS_TIMEOUT_MESSAGE), get(r, STATS_TIMEOUT_WRITE),
	    get(r, STATS_TIMEOUT_DRAIN),
	    human_bytes(get(r, STATS_BYTES_IN), in),
	    human_bytes(get(r, STATS_BYTES_OUT), sent));
	report_add(out,
	    "reloads      %" PRIu64 " done, %" PRIu64 " failed\n"
	    "searches     %" PRIu64 " in slices\n",
	    r->reloads, r->reloads_failed, get(r, STATS_SLICED));
	remote(r, out);
}

/* Microseconds, with a digit where that says something. */
static void
add_us(struct report_out *out, uint64_t ns)
{
	report_add(out, " %9.*f", ns < 100000 ? 1 : 0, (double)ns / 1000);
}

static void
row(struct report_out *out, unsigned int kind, unsigned int outcome,
    const struct histogram_sum *sum)
{
	static const unsigned int permille[] = { 500, 900, 990, 999, 1000 };
	const char *way = stats_way(kind);

	report_add(out, "%-6s  %-9s  %-9s %12" PRIu64, stats_action(kind),
	    way != NULL ? way : "", stats_outcome(outcome), sum->count);
	for (size_t i = 0; i < sizeof(permille) / sizeof(permille[0]); i++)
		add_us(out, histogram_quantile(sum, permille[i]));
	report_add(out, "\n");
}

static void
rows(const struct report *r, struct report_out *out)
{
	struct histogram_sum sum;

	report_add(out, "\nrequests, and how many microseconds they took:\n"
	    "%-6s  %-9s  %-9s %12s %9s %9s %9s %9s %9s\n", "action", "way",
	    "outcome", "count", "50%", "90%", "99%", "99.9%", "most");
	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int outcome = 0; outcome < STATS_OUTCOMES;
		    outcome++) {
			report_times(r, kind, outcome, &sum);
			if (sum.count > 0)
				row(out, kind, outcome, &sum);
		}
}

static void
workers(const struct report *r, struct report_out *out)
{
	char in[HUMAN_SIZE], sent[HUMAN_SIZE];

	report_add(out, "\n%-6s %14s %12s %18s %18s\n", "worker", "requests",
	    "connections", "received", "sent");
	for (size_t i = 0; i < r->n; i++) {
		const struct stats_worker *w = &r->workers[i];

		report_add(out, "%-6zu %14" PRIu64 " %12" PRId64
		    " %18s %18s\n", i, report_requests(w), w->connections,
		    human_bytes(stats_get(w->stats, STATS_BYTES_IN), in),
		    human_bytes(stats_get(w->stats, STATS_BYTES_OUT), sent));
	}
}

/* Keys last on their lines, since they are as long as they are. */
static void
keys(const struct report *r, struct report_out *out, bool found)
{
	struct report_key list[REPORT_KEYS];
	size_t n = 0;

	if (report_keys(r, found, list, &n) != 0)
		out->failed = true;
	if (n == 0)
		return;
	report_add(out, "\nkeys that were %s most often:\n%12s %12s %12s  "
	    "key\n", found ? "found" : "missed", "about", "at least",
	    "at most");
	for (size_t i = 0; i < n; i++)
		report_add(out, "%12" PRIu64 " %12" PRIu64 " %12" PRIu64
		    "  %s\n", list[i].count, list[i].least, list[i].most,
		    list[i].text);
}

int
report_text(const struct report *r, struct buf *buf)
{
	struct report_out out = { .buf = buf };

	connections(r, &out);
	rows(r, &out);
	workers(r, &out);
	keys(r, &out, false);
	keys(r, &out, true);
	return out.failed ? -1 : 0;
}
