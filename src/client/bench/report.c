/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Percentiles are upper bounds, at most 6.25% too much, as histogram.h says;
 * all else is as it was counted.
 */

#include "config.h"

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json.h>

#include "client/base/output.h"
#include "client/base/reply.h"
#include "common/histogram.h"
#include "common/human.h"
#include "plan.h"
#include "requests.h"

#define REPORT_BAR	40	/* columns of the longest one */
#define REPORT_BOUND	0.7	/* of what we can drive */
#define REPORT_BUSY	0.9	/* of a thread's time */
#define REPORT_TIME	32	/* bytes of a time as a text */

static const struct {
	const char *name;
	unsigned int permille;
} quantiles[] = {
	{ "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "p99.9", 999 }
};

#define QUANTILES	(sizeof(quantiles) / sizeof(*quantiles))

double
report_rate(const struct tally_sum *sum)
{
	return sum->span_ns > 0 ? (double)sum->in_time * 1e9 /
	    (double)sum->span_ns : 0;
}

/* The share of the time of all threads that they were at work. */
static double
busy(const struct report *r, const struct tally_sum *sum)
{
	return sum->span_ns > 0 ? (double)sum->cpu_ns /
	    (double)sum->span_ns / r->plan->threads : 0;
}

static double
cpu_us(const struct report *r)
{
	return r->sum->in_time > 0 ? (double)r->sum->cpu_ns / 1e3 /
	    (double)r->sum->in_time : 0;
}

/*
 * Requests a second that we could ask of a server that is fast enough: where we
 * were not at work all of the time, that one was not.
 */
static double
drives(const struct report *r)
{
	double part;

	if (r->self == NULL)
		return 0;
	part = busy(r, r->self);
	return part > 0 ? report_rate(r->self) / part : 0;
}

static double
driven(const struct report *r)
{
	return drives(r) > 0 ? report_rate(r->sum) / drives(r) : 0;
}

bool
report_is_bound(const struct report *r)
{
	/* What TLS costs us is not in what we drive without it. */
	return driven(r) > REPORT_BOUND || busy(r, r->sum) > REPORT_BUSY;
}

static const char *
time_text(uint64_t ns, char *text)
{
	double us = (double)ns / 1e3;

	if (us < 100)
		snprintf(text, REPORT_TIME, "%.1f us", us);
	else if (us < 1e3)
		snprintf(text, REPORT_TIME, "%.0f us", us);
	else if (us < 1e6)
		snprintf(text, REPORT_TIME, "%.2f ms", us / 1e3);
	else
		snprintf(text, REPORT_TIME, "%.2f s", us / 1e6);
	return text;
}

static void
print_load(const struct report *r)
{
	const struct plan *plan = r->plan;
	char keys[HUMAN_SIZE], conns[HUMAN_SIZE], depth[HUMAN_SIZE];
	char threads[HUMAN_SIZE];

	printf("server       %s%s\n", r->server,
	    plan->tls != NULL ? ", over TLS" : "");
	printf("asked for    %s", human_count(plan->requests->n, "key", "keys",
	    keys));
	if (r->source == PROBE_FILE) {
		output_text(stdout, " of ");
		output_field(stdout, r->keys, strlen(r->keys));
	} else {
		output_text(stdout, r->source == PROBE_SERVER ?
		    " that it names" : " of the tutorial: it names none");
	}
	if (plan->in_order)
		output_text(stdout, ", in their order\n");
	else
		printf(", at random (seed %" PRIu64 ")\n", plan->seed);
	printf("load         %s, %s in flight on each, from %s\n",
	    human_count((uint64_t)plan->connections, "connection",
	    "connections", conns), human_count((uint64_t)plan->depth,
	    "request", "requests", depth), human_count(
	    (uint64_t)plan->threads, "thread", "threads", threads));
	if (!plan->keeps)
		output_text(stdout, "             it closes after each reply: "
		    "each request has its own connection\n");
	if (plan->rate > 0)
		printf("             %d requests a second are due\n",
		    plan->rate);
}

static void
print_outcomes(const struct report *r)
{
	const struct tally_sum *sum = r->sum;

	printf("requests     %" PRIu64 " answered in %.2f s%s: %.0f a second\n",
	    tally_replies(sum), (double)sum->span_ns / 1e9,
	    r->stopped ? ", then ended early" : "", report_rate(sum));
	for (int i = 0; i < TALLY_OUTCOMES; i++)
		if (sum->outcomes[i] > 0)
			printf("%13s%" PRIu64 " %s\n", "", sum->outcomes[i],
			    reply_status((enum reply_outcome)i));
	for (int i = 0; i < TALLY_CODES; i++)
		if (sum->codes[i] > 0)
			printf("%13s%" PRIu64 " with error %s\n", "",
			    sum->codes[i], tally_code_word(i));
	for (int i = 0; i < TALLY_FAILURES; i++)
		if (sum->failures[i] > 0)
			printf("%13s%" PRIu64 " failed: %s\n", "",
			    sum->failures[i],
			    tally_failure_text((enum tally_failure)i));
	if (sum->unasked > 0)
		printf("%13s%" PRIu64 " messages came that nobody had asked "
		    "for\n", "", sum->unasked);
	if (sum->unsent > 0)
		printf("%13s%" PRIu64 " were due, and never sent: the server "
		    "does not keep up\n", "", sum->unsent);
}

static void
print_connections(const struct tally_sum *sum)
{
	char sent[HUMAN_SIZE], received[HUMAN_SIZE];

	printf("bytes        %s sent, %s received\n",
	    human_bytes(sum->sent, sent),
	    human_bytes(sum->received, received));
	printf("connections  %" PRIu64 " opened, %" PRIu64 " lost",
	    sum->opened, sum->lost);
	if (sum->refused > 0)
		printf(", %" PRIu64 " not made%s%s", sum->refused,
		    sum->system_error != 0 ? ": " : "",
		    sum->system_error == EBUSY ? "the server is busy" :
		    sum->system_error != 0 ? strerror(sum->system_error) : "");
	output_text(stdout, "\n");
}

/* A row for each power of two that has some. */
static void
print_histogram(const struct histogram_sum *times)
{
	char bound[REPORT_TIME];
	uint64_t most = 0, below = 0, n;
	unsigned int bits;

	for (bits = 0; bits < HISTOGRAM_TOP; bits++) {
		n = histogram_below(times, bits) - below;
		below += n;
		most = n > most ? n : most;
	}
	if (times->count - below > most)
		most = times->count - below;
	below = 0;
	for (bits = 0; bits <= HISTOGRAM_TOP && below < times->count;
	    bits++) {
		double share;
		int bar;

		n = (bits == HISTOGRAM_TOP ? times->count :
		    histogram_below(times, bits)) - below;
		below += n;
		if (below == 0)
			continue;
		share = (double)n / (double)times->count;
		bar = (int)((double)n * REPORT_BAR / (double)most + 0.5);
		printf("  %s %-9s %10" PRIu64 " %5.1f%%",
		    bits == HISTOGRAM_TOP ? "more than" : "up to    ",
		    time_text((uint64_t)1 << (bits == HISTOGRAM_TOP ?
		    HISTOGRAM_TOP - 1 : bits), bound), n, share * 100);
		for (int i = 0; i < bar; i++)
			output_text(stdout, i == 0 ? " #" : "#");
		output_text(stdout, bar == 0 && n > 0 ? " .\n" : "\n");
	}
}

static void
print_times(const struct tally_sum *sum)
{
	char text[REPORT_TIME];

	if (sum->times.count == 0)
		return;
	output_text(stdout, "latency      ");
	for (size_t i = 0; i < QUANTILES; i++)
		printf("%s %s, ", quantiles[i].name, time_text(
		    histogram_quantile(&sum->times, quantiles[i].permille),
		    text));
	printf("max %s\n", time_text(sum->times.max, text));
	print_histogram(&sum->times);
}

static void
print_client(const struct report *r)
{
	const char *whose = r->plan->threads > 1 ? "its threads" :
	    "its thread";

	printf("this client  %.2f us of CPU a request, %.0f%% of %s\n",
	    cpu_us(r), busy(r, r->sum) * 100, whose);
	if (drives(r) > 0)
		printf("             drove a server without work%s to %.0f a "
		    "second by %.0f%%: it\n             can drive %.0f; what "
		    "was measured is %.0f%% of that\n",
		    r->plan->tls != NULL ? " or TLS" : "",
		    report_rate(r->self), busy(r, r->self) * 100, drives(r),
		    driven(r) * 100);
	if (report_is_bound(r))
		output_text(stdout, "warning: this client is likely what ends "
		    "the rate, not the server; more --depth\n         or "
		    "--threads, or clients on other machines, would show "
		    "more of the server\n");
}

void
report_print(const struct report *r)
{
	print_load(r);
	print_outcomes(r);
	print_connections(r->sum);
	print_times(r->sum);
	print_client(r);
}

/* A number with so many digits behind the point; as json-c returns it. */
static struct json_object *
number(double value, int digits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, value);
	return json_object_new_double_s(value, text);
}

static int
add_count(struct json_object *object, const char *name, uint64_t n)
{
	return output_json_add(object, name,
	    json_object_new_int64((int64_t)n));
}

static int
add_load(struct json_object *o, const struct report *r)
{
	const struct plan *plan = r->plan;

	if (output_json_add(o, "server",
	    json_object_new_string(r->server)) != 0 ||
	    output_json_add(o, "tls",
	    json_object_new_boolean(plan->tls != NULL)) != 0 ||
	    output_json_add(o, "keeps",
	    json_object_new_boolean(plan->keeps)) != 0 ||
	    add_count(o, "keys", plan->requests->n) != 0 ||
	    output_json_add(o, "keys-of", json_object_new_string(
	    r->source == PROBE_FILE ? "file" :
	    r->source == PROBE_SERVER ? "server" : "tutorial")) != 0 ||
	    (!plan->in_order && add_count(o, "seed", plan->seed) != 0) ||
	    add_count(o, "connections", (uint64_t)plan->connections) != 0 ||
	    add_count(o, "depth", (uint64_t)plan->depth) != 0 ||
	    add_count(o, "threads", (uint64_t)plan->threads) != 0 ||
	    (plan->rate > 0 &&
	    add_count(o, "rate", (uint64_t)plan->rate) != 0))
		return -1;
	return output_json_add(o, "ended-early",
	    json_object_new_boolean(r->stopped));
}

/* An object of counters that are not 0. */
static struct json_object *
counters(const uint64_t *n, int count, const char *(*word)(int))
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; object != NULL && i < count; i++)
		if (n[i] > 0 && add_count(object, word(i), n[i]) != 0) {
			json_object_put(object);
			object = NULL;
		}
	return object;
}

static const char *
failure_word(int i)
{
	return tally_failure_word((enum tally_failure)i);
}

static int
add_outcomes(struct json_object *o, const struct tally_sum *sum)
{
	if (output_json_add(o, "seconds",
	    number((double)sum->span_ns / 1e9, 6)) != 0 ||
	    add_count(o, "requests", tally_replies(sum)) != 0 ||
	    output_json_add(o, "per-second",
	    number(report_rate(sum), 1)) != 0)
		return -1;
	for (int i = 0; i < TALLY_OUTCOMES; i++)
		if (add_count(o, reply_status((enum reply_outcome)i),
		    sum->outcomes[i]) != 0)
			return -1;
	if (output_json_add(o, "errors", counters(sum->codes, TALLY_CODES,
	    tally_code_word)) != 0 ||
	    output_json_add(o, "failed", counters(sum->failures,
	    TALLY_FAILURES, failure_word)) != 0 ||
	    add_count(o, "unasked", sum->unasked) != 0 ||
	    add_count(o, "unsent", sum->unsent) != 0 ||
	    add_count(o, "bytes-sent", sum->sent) != 0 ||
	    add_count(o, "bytes-received", sum->received) != 0 ||
	    add_count(o, "opened", sum->opened) != 0 ||
	    add_count(o, "lost", sum->lost) != 0)
		return -1;
	return add_count(o, "not-made", sum->refused);
}

/* Times in milliseconds, to the microsecond. */
static int
add_times(struct json_object *o, const struct histogram_sum *times)
{
	struct json_object *latency = json_object_new_object();

	if (output_json_add(o, "latency-ms", latency) != 0)
		return -1;
	for (size_t i = 0; i < QUANTILES; i++)
		if (output_json_add(latency, quantiles[i].name,
		    number((double)histogram_quantile(times,
		    quantiles[i].permille) / 1e6, 3)) != 0)
			return -1;
	if (output_json_add(latency, "max",
	    number((double)times->max / 1e6, 3)) != 0)
		return -1;
	return output_json_add(latency, "mean", number(times->count > 0 ?
	    (double)times->sum / (double)times->count / 1e6 : 0, 3));
}

/* A pair of bound, in milliseconds, and number, for each that is not 0. */
static int
add_histogram(struct json_object *o, const struct histogram_sum *times)
{
	struct json_object *array = json_object_new_array(), *pair;
	uint64_t below = 0, n;

	if (output_json_add(o, "histogram", array) != 0)
		return -1;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if ((n = times->buckets[i]) == 0)
			continue;
		below = histogram_bound(i);
		if (i == HISTOGRAM_BUCKETS - 1 || below > times->max)
			below = times->max;
		if ((pair = json_object_new_object()) == NULL)
			return -1;
		if (json_object_array_add(array, pair) != 0) {
			json_object_put(pair);
			return -1;
		}
		if (output_json_add(pair, "up-to-ms",
		    number((double)below / 1e6, 6)) != 0 ||
		    add_count(pair, "requests", n) != 0)
			return -1;
	}
	return 0;
}

static int
add_client(struct json_object *o, const struct report *r)
{
	struct json_object *client = json_object_new_object();

	if (output_json_add(o, "client", client) != 0 ||
	    output_json_add(client, "cpu-us", number(cpu_us(r), 3)) != 0 ||
	    output_json_add(client, "busy", number(busy(r, r->sum), 3)) != 0 ||
	    (drives(r) > 0 && (output_json_add(client, "workless-per-second",
	    number(report_rate(r->self), 1)) != 0 ||
	    output_json_add(client, "workless-busy",
	    number(busy(r, r->self), 3)) != 0 ||
	    output_json_add(client, "drives", number(drives(r), 1)) != 0 ||
	    output_json_add(client, "share", number(driven(r), 3)) != 0)))
		return -1;
	return output_json_add(client, "bound",
	    json_object_new_boolean(report_is_bound(r)));
}

int
report_print_json(const struct report *r)
{
	struct json_object *object = json_object_new_object();
	int error = -1;

	if (object == NULL)
		return -1;
	if (add_load(object, r) == 0 && add_outcomes(object, r->sum) == 0 &&
	    add_times(object, &r->sum->times) == 0 &&
	    add_histogram(object, &r->sum->times) == 0 &&
	    add_client(object, r) == 0)
		error = output_json(object);
	json_object_put(object);
	return error;
}
