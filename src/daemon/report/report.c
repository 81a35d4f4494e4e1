/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Workers count, and nothing is summed up before somebody asks.
 */

#include "config.h"

#include "daemon/report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/base/buf.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/tell.h"
#include "daemon/conf/rows.h"
#include "daemon/report/counters.h"
#include "daemon/report/usage.h"
#include "daemon/table/way.h"

#define PART_MAX	1024	/* bytes added at a time: a key, and more */

static const struct {
	const char *name;
	unsigned int permille;
} quantiles[] = {
	{ "p50-us", 500 },
	{ "p90-us", 900 },
	{ "p99-us", 990 },
	{ "p999-us", 999 },
	{ "max-us", 1000 },
};

bool
report_certificate(const struct report *r, size_t i,
    struct report_certificate *certificate)
{
	return r->certificate_cb != NULL &&
	    r->certificate_cb(r->tls, i, certificate);
}

uint64_t
report_counter(const struct report *r, enum stats_counter counter)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += stats_get(r->workers[i].stats, counter);
	return sum;
}

void
report_times(const struct report *r, unsigned int kind, unsigned int outcome,
    struct histogram_sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < r->n; i++)
		histogram_add(sum, stats_times(r->workers[i].stats, kind,
		    outcome));
}

uint64_t
report_requests(const struct stats_worker *w)
{
	struct histogram_sum sum = { .count = 0 };

	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int outcome = 0; outcome < STATS_OUTCOMES;
		    outcome++)
			histogram_add(&sum, stats_times(w->stats, kind,
			    outcome));
	return sum.count;
}

bool
report_table(const struct report *r, size_t i, struct report_table *table)
{
	return r->table_cb != NULL && r->table_cb(r->tables, i, table);
}

size_t
report_remote_tables(const struct report *r, size_t *up)
{
	struct report_table t;
	size_t n = 0;

	*up = 0;
	for (size_t i = 0; report_table(r, i, &t); i++) {
		n += t.remote != NULL;
		*up += t.remote != NULL && t.look.up;
	}
	return n;
}

int
report_keys(const struct report *r, bool found, struct report_key *keys,
    size_t *n)
{
	struct top *lists = calloc(r->n, sizeof(*lists));
	struct top_key *all = calloc(r->n * TOP_SIZE, sizeof(*all));
	int error = -1;

	if (lists == NULL || all == NULL)
		goto out;
	for (size_t i = 0; i < r->n; i++)
		stats_top(r->workers[i].stats, found, &lists[i]);
	*n = top_merge(lists, r->n, all);
	if (*n > REPORT_KEYS)
		*n = REPORT_KEYS;
	for (size_t i = 0; i < *n; i++) {
		escape(keys[i].text, sizeof(keys[i].text), all[i].key,
		    all[i].len);
		if (all[i].cut)
			strlcat(keys[i].text, "...", sizeof(keys[i].text));
		keys[i].count = all[i].count;
		keys[i].least = all[i].least;
		keys[i].most = all[i].most;
	}
	error = 0;
out:
	free(lists);
	free(all);
	return error;
}

void
report_status(const struct report *r, struct tell *t)
{
	char loaded[ISO_TIME_SIZE], digest[DIGEST_TEXT_SIZE];
	size_t up, remote = report_remote_tables(r, &up);

	iso_time_local(r->loaded, loaded);
	tell_text(t, "state", r->draining ? "draining" : "serving");
	tell_text(t, "version", PACKAGE_VERSION);
	tell_integer(t, "pid", getpid());
	tell_integer(t, "uptime", r->uptime);
	tell_number(t, "generation", r->generation);
	tell_text(t, "loaded", loaded);
	tell_text(t, "digest", digest_text(&r->digest, digest));
	last_reload_tell(&r->last_reload, r->keys, t);
	tell_number(t, "entries", r->entries);
	tell_number(t, "table-bytes", r->table_bytes);
	tell_number(t, "kept", r->kept);
	tell_number(t, "kept-bytes", r->kept_bytes);
	tell_integer(t, "held-bytes", r->held);
	tell_integer(t, "connections", r->connections);
	tell_number(t, "workers", r->n);
	tell_text(t, "log-level", conf_levels[log_level()]);
	if (remote == 0)
		return;
	tell_number(t, "remote-tables", remote);
	tell_number(t, "remote-tables-up", up);
}

static void
tell_counters(const struct report *r, struct tell *t)
{
	const char *open = NULL;

	for (size_t i = 0; i < STATS_COUNTERS; i++) {
		const struct counter_row *row = &counter_rows[i];

		if (open != NULL && (row->group == NULL ||
		    strcmp(open, row->group) != 0)) {
			tell_end(t);
			open = NULL;
		}
		if (open == NULL && row->group != NULL) {
			tell_object(t, row->group);
			open = row->group;
		}
		tell_number(t, row->name, report_counter(r, row->counter));
	}
	if (open != NULL)
		tell_end(t);
	tell_number(t, "reloads", r->reloads);
	tell_number(t, "reloads-failed", r->reloads_failed);
}

/* How many took how long: two reports tell of the time between them. */
static void
tell_times(const struct histogram_sum *sum, struct tell *t)
{
	tell_array(t, "times");
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (sum->buckets[i] == 0)
			continue;
		tell_array(t, NULL);
		tell_us(t, NULL, histogram_bound(i));
		tell_number(t, NULL, sum->buckets[i]);
		tell_end(t);
	}
	tell_end(t);
}

static void
tell_row(unsigned int kind, unsigned int outcome,
    const struct histogram_sum *sum, struct tell *t)
{
	tell_object(t, NULL);
	tell_text(t, "action", stats_action(kind));
	if (stats_way(kind) != NULL)
		tell_text(t, "way", stats_way(kind));
	tell_text(t, "outcome", stats_outcome(outcome));
	tell_number(t, "count", sum->count);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		tell_us(t, quantiles[i].name,
		    histogram_quantile(sum, quantiles[i].permille));
	tell_times(sum, t);
	tell_end(t);
}

static void
tell_rows(const struct report *r, struct tell *t)
{
	struct histogram_sum sum;

	tell_array(t, "requests");
	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int outcome = 0; outcome < STATS_OUTCOMES;
		    outcome++) {
			report_times(r, kind, outcome, &sum);
			if (sum.count > 0)
				tell_row(kind, outcome, &sum, t);
		}
	tell_end(t);
}

static void
tell_workers(const struct report *r, struct tell *t)
{
	tell_array(t, "per-worker");
	for (size_t i = 0; i < r->n; i++) {
		const struct stats_worker *w = &r->workers[i];

		tell_object(t, NULL);
		tell_number(t, "requests", report_requests(w));
		tell_integer(t, "connections", w->connections);
		tell_number(t, "bytes-in", stats_get(w->stats,
		    STATS_BYTES_IN));
		tell_number(t, "bytes-out", stats_get(w->stats,
		    STATS_BYTES_OUT));
		tell_end(t);
	}
	tell_end(t);
}

static void
tell_keys(const struct report *r, bool found, const char *name,
    struct tell *t)
{
	struct report_key keys[REPORT_KEYS];
	size_t n = 0;

	if (report_keys(r, found, keys, &n) != 0)
		t->failed = true;
	tell_array(t, name);
	for (size_t i = 0; i < n; i++) {
		tell_object(t, NULL);
		tell_text(t, "key", keys[i].text);
		tell_number(t, "count", keys[i].count);
		tell_number(t, "least", keys[i].least);
		tell_number(t, "most", keys[i].most);
		tell_end(t);
	}
	tell_end(t);
}

static void
tell_usage(const struct report *r, struct tell *t)
{
	struct usage u;

	if (r->usage_cb == NULL)
		return;
	r->usage_cb(&u);
	usage_tell(&u, t);
}

static void
tell_here(const struct report_table *table, struct tell *t)
{
	char loaded[ISO_TIME_SIZE], digest[DIGEST_TEXT_SIZE];

	tell_number(t, "entries", table->entries);
	tell_number(t, "bytes", table->bytes);
	if (table->counted)
		tell_number(t, "hidden", table->hidden);
	iso_time_local(table->loaded, loaded);
	tell_text(t, "loaded", loaded);
	tell_text(t, "digest", digest_text(&table->digest, digest));
}

static void
tell_tables(const struct report *r, struct tell *t)
{
	struct report_table table;

	tell_array(t, "tables");
	for (size_t i = 0; report_table(r, i, &table); i++) {
		tell_object(t, NULL);
		tell_text(t, "table", table.name);
		tell_text(t, "kind", table.kind);
		if (table.remote == NULL) {
			tell_here(&table, t);
		} else {
			tell_number(t, "entries", table.look.entries);
			remotes_tell(table.remote, &table.look, t);
		}
		tell_array(t, "ways");
		for (size_t way = 0; way < TABLE_WAYS; way++)
			if (table.ways & TABLE_WAY(way))
				tell_text(t, NULL, table_way_names[way]);
		tell_end(t);
		tell_end(t);
	}
	tell_end(t);
}

static void
tell_certificates(const struct report *r, struct tell *t)
{
	struct report_certificate c;
	char ends[ISO_TIME_SIZE];

	tell_array(t, "certificates");
	for (size_t i = 0; report_certificate(r, i, &c); i++) {
		iso_time_local(c.ends, ends);
		tell_object(t, NULL);
		tell_text(t, "name", c.name);
		tell_text(t, "ends", ends);
		tell_end(t);
	}
	tell_end(t);
}

void
report_stats(const struct report *r, struct tell *t)
{
	tell_counters(r, t);
	tell_rows(r, t);
	tell_workers(r, t);
	tell_usage(r, t);
	if (r->keys) {
		tell_keys(r, false, "top-misses", t);
		tell_keys(r, true, "hot-keys", t);
	}
	tell_tables(r, t);
	tell_certificates(r, t);
}

int
report_json(const struct report *r, struct buf *out)
{
	struct tell t;
	int error;

	tell_init(&t);
	report_status(r, &t);
	report_stats(r, &t);
	error = tell_print(&t, out);
	tell_clear(&t);
	return error;
}

void
report_add(struct report_out *out, const char *format, ...)
{
	char part[PART_MAX];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(part, sizeof(part), format, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(part) ||
	    buf_add(out->buf, part, (size_t)len) != 0)
		out->failed = true;
}
