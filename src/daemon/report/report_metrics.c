/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The numbers as OpenMetrics 1.0 text.  Families are written one after the
 * other, each with its type, unit and help before its samples.  Keys are no
 * labels: a collector would keep a series of each for ever.
 */

#include "config.h"

#include "daemon/report/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/report/counters.h"
#include "daemon/report/usage.h"

#define PREFIX		"appmsgd_"
#define PROCESS		"process_"

/* Powers of two of nanoseconds, from 1.024 us to 4.3 s. */
#define BOUND_FIRST	10
#define BOUND_LAST	32

/*
 * The lines before the samples of a family.  In the classic format there are
 * no units, a counter is named as its samples are, and facts are a gauge.
 */
static void
begin_any(struct report_out *out, const char *prefix, const char *name,
    const char *type, const char *unit, const char *help)
{
	const char *end = "";

	if (out->classic && strcmp(type, "counter") == 0) {
		end = "_total";
	} else if (out->classic && strcmp(type, "info") == 0) {
		end = "_info";
		type = "gauge";
	}
	report_add(out, "# TYPE %s%s%s %s\n", prefix, name, end, type);
	if (unit != NULL && !out->classic)
		report_add(out, "# UNIT %s%s %s\n", prefix, name, unit);
	report_add(out, "# HELP %s%s%s %s\n", prefix, name, end, help);
}

static void
begin(struct report_out *out, const char *name, const char *type,
    const char *unit, const char *help)
{
	begin_any(out, PREFIX, name, type, unit, help);
}

static void
gauge(struct report_out *out, const char *name, const char *unit,
    int64_t value, const char *help)
{
	begin(out, name, "gauge", unit, help);
	report_add(out, PREFIX "%s %" PRId64 "\n", name, value);
}

static void
gauges(const struct report *r, struct report_out *out)
{
	char digest[DIGEST_TEXT_SIZE];

	begin(out, "build", "info", NULL, "What is running.");
	report_add(out, PREFIX "build_info{version=\"%s\"} 1\n",
	    PACKAGE_VERSION);
	gauge(out, "start_time_seconds", "seconds", r->started,
	    "When the daemon was started, since 1970.");
	gauge(out, "draining", NULL, r->draining,
	    "Whether it was told to stop and waits for connections to end.");
	gauge(out, "generation", NULL, (int64_t)r->generation,
	    "The number of the tables that serve.");
	begin(out, "tables", "info", NULL, "What serves: equal where the "
	    "tables are.");
	report_add(out, PREFIX "tables_info{digest=\"%s\"} 1\n",
	    digest_text(&r->digest, digest));
	gauge(out, "loaded_time_seconds", "seconds", r->loaded,
	    "When those were read, since 1970.");
	gauge(out, "last_reload_success", NULL,
	    r->last_reload.outcome != LAST_RELOAD_FAILED,
	    "Whether the last reload, or the start, was without a mistake.");
	gauge(out, "last_reload_time_seconds", "seconds",
	    r->last_reload.outcome == LAST_RELOAD_NONE ? r->loaded :
	    r->last_reload.at, "When that was, since 1970.");
	gauge(out, "entries", NULL, (int64_t)r->entries,
	    "Keys of all tables.");
	gauge(out, "table_bytes", "bytes", (int64_t)r->table_bytes,
	    "Memory of the tables that serve.");
	gauge(out, "kept_generations", NULL, (int64_t)r->kept,
	    "Loads that a rollback can go back to.");
	gauge(out, "kept_bytes", "bytes", (int64_t)r->kept_bytes,
	    "Memory of the tables that only those have.");
	gauge(out, "held_bytes", "bytes", r->held,
	    "Unfinished messages and replies that were not taken.");
	gauge(out, "connections", NULL, r->connections,
	    "Connections that are served now.");
	gauge(out, "tls_connections", NULL,
	    (int64_t)(report_counter(r, STATS_TLS_OPENED) -
	    report_counter(r, STATS_TLS_CLOSED)),
	    "Of them, those over TLS whose handshake is done.");
	gauge(out, "workers", NULL, (int64_t)r->n, "Threads that serve.");
}

/* Only where there is something to be said. */
static void
certificates(const struct report *r, struct report_out *out)
{
	struct report_certificate c;

	for (size_t i = 0; report_certificate(r, i, &c); i++) {
		if (i == 0)
			begin(out, "certificate_not_after_seconds", "gauge",
			    "seconds", "When the certificates end, since "
			    "1970.");
		report_add(out, PREFIX "certificate_not_after_seconds{"
		    "number=\"%zu\",name=\"%s\"} %" PRId64 "\n", i + 1,
		    c.name, (int64_t)c.ends);
	}
}

static void
totals(const struct report *r, struct report_out *out)
{
	for (size_t i = 0; i < STATS_COUNTERS; i++) {
		const struct counter_row *row = &counter_rows[i];

		if (row->help != NULL)
			begin(out, row->family, "counter", row->unit,
			    row->help);
		report_add(out, PREFIX "%s_total%s %" PRIu64 "\n",
		    row->family, row->labels,
		    report_counter(r, row->counter));
	}
	begin(out, "reloads", "counter", NULL, "Reloads and rollbacks.");
	report_add(out, PREFIX "reloads_total{result=\"done\"} %" PRIu64 "\n",
	    r->reloads);
	report_add(out, PREFIX "reloads_total{result=\"failed\"} %" PRIu64 "\n",
	    r->reloads_failed);
}

/* Nanoseconds as seconds, exactly. */
static void
add_seconds(struct report_out *out, uint64_t ns)
{
	report_add(out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000,
	    ns % 1000000000);
}

static void
row(struct report_out *out, unsigned int kind, unsigned int outcome,
    const struct histogram_sum *sum)
{
	static const char name[] = PREFIX "request_duration_seconds";
	const char *way = stats_way(kind);
	char labels[128];

	snprintf(labels, sizeof(labels),
	    "action=\"%s\"%s%s%s,outcome=\"%s\"", stats_action(kind),
	    way != NULL ? ",way=\"" : "", way != NULL ? way : "",
	    way != NULL ? "\"" : "", stats_outcome(outcome));
	for (unsigned int bits = BOUND_FIRST; bits <= BOUND_LAST; bits++) {
		report_add(out, "%s_bucket{%s,le=\"", name, labels);
		add_seconds(out, (uint64_t)1 << bits);
		report_add(out, "\"} %" PRIu64 "\n",
		    histogram_below(sum, bits));
	}
	report_add(out, "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, labels,
	    sum->count);
	report_add(out, "%s_count{%s} %" PRIu64 "\n", name, labels, sum->count);
	report_add(out, "%s_sum{%s} ", name, labels);
	add_seconds(out, sum->sum);
	report_add(out, "\n");
}

static void
rows(const struct report *r, struct report_out *out)
{
	struct histogram_sum sum;

	begin(out, "request_duration_seconds", "histogram", "seconds",
	    "From the wake-up that read a request to its reply in the "
	    "buffer.");
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
	begin(out, "worker_requests", "counter", NULL,
	    "Requests that a worker answered.");
	for (size_t i = 0; i < r->n; i++)
		report_add(out, PREFIX "worker_requests_total{worker=\"%zu\"} "
		    "%" PRIu64 "\n", i, report_requests(&r->workers[i]));
	begin(out, "worker_connections", "gauge", NULL,
	    "Connections that a worker serves now.");
	for (size_t i = 0; i < r->n; i++)
		report_add(out, PREFIX "worker_connections{worker=\"%zu\"} %"
		    PRId64 "\n", i, r->workers[i].connections);
	begin(out, "worker_received_bytes", "counter", "bytes",
	    "Bytes that a worker read.");
	for (size_t i = 0; i < r->n; i++)
		report_add(out, PREFIX "worker_received_bytes_total{worker="
		    "\"%zu\"} %" PRIu64 "\n", i,
		    stats_get(r->workers[i].stats, STATS_BYTES_IN));
	begin(out, "worker_sent_bytes", "counter", "bytes",
	    "Bytes that the system took from a worker.");
	for (size_t i = 0; i < r->n; i++)
		report_add(out, PREFIX "worker_sent_bytes_total{worker="
		    "\"%zu\"} %" PRIu64 "\n", i,
		    stats_get(r->workers[i].stats, STATS_BYTES_OUT));
}

/* A name is of letters that need no escape; whoever wrote the configuration
 * chose it. */
static void
table(struct report_out *out, const char *name, const struct report_table *t,
    int64_t value)
{
	report_add(out, PREFIX "%s{table=\"%s\",kind=\"%s\"} %" PRId64 "\n",
	    name, t->name, t->kind, value);
}

/* The next table from *i on that is here, or that is not. */
static bool
next_table(const struct report *r, size_t *i, bool here,
    struct report_table *t)
{
	while (report_table(r, (*i)++, t))
		if (here == (t->remote == NULL))
			return true;
	return false;
}

/* One that nobody looks at is not up, for all that is known. */
static void
remote_tables(const struct report *r, struct report_out *out)
{
	struct report_table t;
	size_t i = 0;

	if (!next_table(r, &i, false, &t))
		return;
	begin(out, "table_up", "gauge", NULL,
	    "Whether a table on other machines was reached the last time.");
	for (i = 0; next_table(r, &i, false, &t);)
		table(out, "table_up", &t, t.look.up);
	begin(out, "table_published", "gauge", NULL,
	    "The number of the generation that is published there.");
	for (i = 0; next_table(r, &i, false, &t);)
		table(out, "table_published", &t, (int64_t)t.look.published);
	begin(out, "table_published_entries", "gauge", NULL,
	    "The keys of that.");
	for (i = 0; next_table(r, &i, false, &t);)
		table(out, "table_published_entries", &t,
		    (int64_t)t.look.entries);
	begin(out, "table_servers", "gauge", NULL,
	    "Servers that have the table, masters and replicas.");
	for (i = 0; next_table(r, &i, false, &t);)
		table(out, "table_servers", &t, t.look.servers);
	begin(out, "table_servers_up", "gauge", NULL,
	    "Of them, those that can be reached.");
	for (i = 0; next_table(r, &i, false, &t);)
		table(out, "table_servers_up", &t, t.look.servers_up);
}

static void
tables(const struct report *r, struct report_out *out)
{
	char digest[DIGEST_TEXT_SIZE];
	struct report_table t;
	size_t i = 0;

	if (!next_table(r, &i, true, &t))
		return;
	begin(out, "table_entries", "gauge", NULL, "Keys of a table.");
	for (i = 0; next_table(r, &i, true, &t);)
		table(out, "table_entries", &t, (int64_t)t.entries);
	begin(out, "table_memory_bytes", "gauge", "bytes",
	    "Memory of a table.");
	for (i = 0; next_table(r, &i, true, &t);)
		table(out, "table_memory_bytes", &t, (int64_t)t.bytes);
	begin(out, "table_loaded_time_seconds", "gauge", "seconds",
	    "When a table was read, since 1970.");
	for (i = 0; next_table(r, &i, true, &t);)
		table(out, "table_loaded_time_seconds", &t, t.loaded);
	begin(out, "table", "info", NULL, "What a table's entries are: equal "
	    "where they are.");
	for (i = 0; next_table(r, &i, true, &t);)
		report_add(out, PREFIX "table_info{table=\"%s\",kind=\"%s\","
		    "digest=\"%s\"} 1\n", t.name, t.kind,
		    digest_text(&t.digest, digest));
}

/* One of those that programs of any kind have, so without our prefix. */
static void
process_gauge(struct report_out *out, const char *name, const char *unit,
    int64_t value, const char *help)
{
	if (value < 0)
		return;		/* nobody can tell */
	begin_any(out, PROCESS, name, "gauge", unit, help);
	report_add(out, PROCESS "%s %" PRId64 "\n", name, value);
}

static void
process(const struct report *r, struct report_out *out)
{
	struct usage u;

	if (r->usage_cb == NULL)
		return;
	r->usage_cb(&u);
	begin_any(out, PROCESS, "cpu_seconds", "counter", "seconds",
	    "Time of all processors, for user and system.");
	report_add(out, PROCESS "cpu_seconds_total ");
	add_seconds(out, u.cpu_ns);
	report_add(out, "\n");
	process_gauge(out, "start_time_seconds", "seconds", r->started,
	    "When the process was started, since 1970.");
	process_gauge(out, "resident_memory_bytes", "bytes", u.resident,
	    "Memory that is in use.");
	process_gauge(out, "virtual_memory_bytes", "bytes", u.virtual,
	    "Memory that is mapped.");
	process_gauge(out, "open_fds", NULL, u.open_fds,
	    "Descriptors that are open.");
	process_gauge(out, "max_fds", NULL, u.max_fds,
	    "Descriptors that may be open.");
}

static int
all(const struct report *r, struct report_out *out)
{
	gauges(r, out);
	certificates(r, out);
	process(r, out);
	tables(r, out);
	remote_tables(r, out);
	totals(r, out);
	rows(r, out);
	workers(r, out);
	if (!out->classic)
		report_add(out, "# EOF\n");
	return out->failed ? -1 : 0;
}

int
report_metrics(const struct report *r, struct buf *buf)
{
	return all(r, &(struct report_out){ .buf = buf });
}

int
report_metrics_classic(const struct report *r, struct buf *buf)
{
	return all(r, &(struct report_out){ .buf = buf, .classic = true });
}
