/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sums over the workers, and the object for programs.
 */

#include "config.h"

#include "daemon/stats/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json.h>

#include "common/log.h"
#include "daemon/buf.h"
#include "daemon/conf/conf_table.h"

#define PART_MAX	1024	/* bytes added at a time: a key, and more */

/* Members of the object; those with a group are members of that one. */
static const struct {
	const char *group;
	const char *name;
} counters[STATS_COUNTERS] = {
	[STATS_ACCEPTED] = { NULL, "accepted" },
	[STATS_CLOSED] = { NULL, "closed" },
	[STATS_OVER_MEMORY] = { NULL, "over-memory" },
	[STATS_REFUSED_CONNECTIONS] = { "refused", "connections" },
	[STATS_REFUSED_PER_ADDRESS] = { "refused", "per-address" },
	[STATS_REFUSED_DENIED] = { "refused", "denied" },
	[STATS_TIMEOUT_IDLE] = { "timeouts", "idle" },
	[STATS_TIMEOUT_HEADER] = { "timeouts", "header" },
	[STATS_TIMEOUT_MESSAGE] = { "timeouts", "message" },
	[STATS_TIMEOUT_WRITE] = { "timeouts", "write" },
	[STATS_TIMEOUT_DRAIN] = { "timeouts", "drain" },
	[STATS_BYTES_IN] = { NULL, "bytes-in" },
	[STATS_BYTES_OUT] = { NULL, "bytes-out" },
	[STATS_SLICED] = { NULL, "sliced" },
};

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
report_requests(const struct report_worker *w)
{
	struct histogram_sum sum = { .count = 0 };

	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int outcome = 0; outcome < STATS_OUTCOMES;
		    outcome++)
			histogram_add(&sum, stats_times(w->stats, kind,
			    outcome));
	return sum.count;
}

size_t
report_keys(const struct report *r, bool found, struct report_key *keys)
{
	struct top *lists = calloc(r->n, sizeof(*lists));
	struct top_key *all = calloc(r->n * TOP_SIZE, sizeof(*all));
	size_t n = 0;

	if (lists != NULL && all != NULL) {
		for (size_t i = 0; i < r->n; i++)
			stats_top(r->workers[i].stats, found, &lists[i]);
		n = top_merge(lists, r->n, all);
	}
	if (n > REPORT_KEYS)
		n = REPORT_KEYS;
	for (size_t i = 0; i < n; i++) {
		escape(keys[i].text, sizeof(keys[i].text), all[i].key,
		    all[i].len);
		if (all[i].cut)
			strlcat(keys[i].text, "...", sizeof(keys[i].text));
		keys[i].count = all[i].count;
	}
	free(lists);
	free(all);
	return n;
}

static void
add_number(struct json_object *o, const char *name, uint64_t n)
{
	json_object_object_add(o, name, json_object_new_uint64(n));
}

static void
add_integer(struct json_object *o, const char *name, int64_t n)
{
	json_object_object_add(o, name, json_object_new_int64(n));
}

static void
add_string(struct json_object *o, const char *name, const char *text)
{
	json_object_object_add(o, name, json_object_new_string(text));
}

/* Microseconds, spelled with what the clock knows. */
static struct json_object *
us_json(uint64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu.%03llu",
	    (unsigned long long)(ns / 1000), (unsigned long long)(ns % 1000));
	return json_object_new_double_s((double)ns / 1000, text);
}

void
report_time(time_t t, char *text, size_t cap)
{
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(text, cap, "%Y-%m-%dT%H:%M:%S%z", &tm);
}

void
report_status(const struct report *r, struct json_object *o)
{
	char loaded[32];

	report_time(r->loaded, loaded, sizeof(loaded));
	add_string(o, "state", r->draining ? "draining" : "serving");
	add_string(o, "version", PACKAGE_VERSION);
	add_integer(o, "pid", getpid());
	add_integer(o, "uptime", time(NULL) - r->started);
	add_number(o, "generation", r->generation);
	add_string(o, "loaded", loaded);
	add_number(o, "entries", r->entries);
	add_number(o, "table-bytes", r->table_bytes);
	add_integer(o, "held-bytes", r->held);
	add_integer(o, "connections", r->connections);
	add_number(o, "workers", r->n);
	add_string(o, "log-level", conf_levels[log_level()]);
}

static void
add_counters(const struct report *r, struct json_object *o)
{
	for (enum stats_counter c = 0; c < STATS_COUNTERS; c++) {
		struct json_object *to = o;

		if (counters[c].group != NULL &&
		    !json_object_object_get_ex(o, counters[c].group, &to)) {
			to = json_object_new_object();
			json_object_object_add(o, counters[c].group, to);
		}
		add_number(to, counters[c].name, report_counter(r, c));
	}
	add_number(o, "reloads", r->reloads);
	add_number(o, "reloads-failed", r->reloads_failed);
}

/* How many took how long: two reports tell of the time between them. */
static struct json_object *
times_json(const struct histogram_sum *sum)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		struct json_object *pair;

		if (sum->buckets[i] == 0)
			continue;
		pair = json_object_new_array();
		json_object_array_add(pair, us_json(histogram_bound(i)));
		json_object_array_add(pair,
		    json_object_new_uint64(sum->buckets[i]));
		json_object_array_add(list, pair);
	}
	return list;
}

static struct json_object *
row_json(unsigned int kind, unsigned int outcome,
    const struct histogram_sum *sum)
{
	struct json_object *row = json_object_new_object();

	add_string(row, "action", stats_action(kind));
	if (stats_way(kind) != NULL)
		add_string(row, "way", stats_way(kind));
	add_string(row, "outcome", stats_outcome(outcome));
	add_number(row, "count", sum->count);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		json_object_object_add(row, quantiles[i].name, us_json(
		    histogram_quantile(sum, quantiles[i].permille)));
	json_object_object_add(row, "times", times_json(sum));
	return row;
}

static struct json_object *
rows_json(const struct report *r)
{
	struct json_object *rows = json_object_new_array();
	struct histogram_sum sum;

	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int outcome = 0; outcome < STATS_OUTCOMES;
		    outcome++) {
			report_times(r, kind, outcome, &sum);
			if (sum.count > 0)
				json_object_array_add(rows,
				    row_json(kind, outcome, &sum));
		}
	return rows;
}

static struct json_object *
workers_json(const struct report *r)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < r->n; i++) {
		const struct report_worker *w = &r->workers[i];
		struct json_object *o = json_object_new_object();

		add_number(o, "requests", report_requests(w));
		add_integer(o, "connections", w->connections);
		add_number(o, "bytes-in", stats_get(w->stats,
		    STATS_BYTES_IN));
		add_number(o, "bytes-out", stats_get(w->stats,
		    STATS_BYTES_OUT));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *
keys_json(const struct report *r, bool found)
{
	struct json_object *list = json_object_new_array();
	struct report_key keys[REPORT_KEYS];
	size_t n = report_keys(r, found, keys);

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		add_string(o, "key", keys[i].text);
		add_number(o, "count", keys[i].count);
		json_object_array_add(list, o);
	}
	return list;
}

void
report_json(const struct report *r, struct json_object *o)
{
	add_counters(r, o);
	json_object_object_add(o, "requests", rows_json(r));
	json_object_object_add(o, "per-worker", workers_json(r));
	json_object_object_add(o, "top-misses", keys_json(r, false));
	json_object_object_add(o, "hot-keys", keys_json(r, true));
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
