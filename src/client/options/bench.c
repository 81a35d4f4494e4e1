/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Values are checked one by one as they come, and against each other when all
 * are there.
 */

#include "config.h"

#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "usage.h"

#define BENCH_DURATION_MS	5000
#define BENCH_WARM_UP_MS	500
#define BENCH_SECONDS_MAX	86400
#define BENCH_DEPTH_MAX		10000
#define BENCH_THREADS_MAX	1024
#define BENCH_RATE_MAX		100000000
#define BENCH_REQUESTS_MAX	INT64_C(1000000000000)
#define BENCH_SEED_MAX		INT64_C(0xffffffff)

static int64_t
number(const char *what, const char *text, int64_t min, int64_t max)
{
	const char *error;
	long long n = strtonum(text, min, max, &error);

	if (error != NULL)
		usage_fail("wrong %s: %s; from %lld to %lld", what, text,
		    (long long)min, (long long)max);
	return n;
}

static int64_t
seconds(const char *what, const char *text, bool zero)
{
	int64_t ms;

	if (zero && strcmp(text, "0") == 0)
		return 0;
	if (!options_read_seconds(&ms, text) ||
	    ms > (int64_t)BENCH_SECONDS_MAX * 1000)
		usage_fail("wrong %s: %s; seconds, from %s to %d", what, text,
		    zero ? "0" : "0.001", BENCH_SECONDS_MAX);
	return ms;
}

void
options_bench_init(struct options_bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->seed = 1;
	bench->duration_ms = bench->warm_up_ms = -1;
}

/* One that says how much; false when it is another. */
static bool
take_amount(struct options_bench *bench, int letter, const char *text)
{
	switch (letter) {
	case OPTIONS_BENCH_DURATION:
		bench->given = "--duration";
		bench->duration_ms = seconds("duration", text, false);
		return true;
	case OPTIONS_BENCH_REQUESTS:
		bench->given = "--requests";
		bench->requests = number("number of requests", text, 1,
		    BENCH_REQUESTS_MAX);
		return true;
	case OPTIONS_BENCH_RATE:
		bench->given = "--rate";
		bench->rate = (int)number("rate", text, 1, BENCH_RATE_MAX);
		return true;
	case OPTIONS_BENCH_WARM_UP:
		bench->given = "--warm-up";
		bench->warm_up_ms = seconds("warm-up", text, true);
		return true;
	default:
		return false;
	}
}

bool
options_bench_take(struct options_bench *bench, int letter, const char *text)
{
	switch (letter) {
	case OPTIONS_BENCH_DEPTH:
		bench->given = "--depth";
		bench->depth = (int)number("depth", text, 1, BENCH_DEPTH_MAX);
		return true;
	case OPTIONS_BENCH_THREADS:
		bench->given = "--threads";
		bench->threads = (int)number("number of threads", text, 1,
		    BENCH_THREADS_MAX);
		return true;
	case OPTIONS_BENCH_KEYS:
		bench->given = "--keys";
		bench->keys = text;
		return true;
	case OPTIONS_BENCH_IN_ORDER:
		bench->given = "--in-order";
		bench->in_order = true;
		return true;
	case OPTIONS_BENCH_SEED:
		bench->given = "--seed";
		bench->seed = (uint64_t)number("seed", text, 0,
		    BENCH_SEED_MAX);
		return true;
	default:
		return take_amount(bench, letter, text);
	}
}

/* All processors but the one that the server may be on. */
static int
default_threads(const struct options_bench *bench)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) - 1;

	if (n > BENCH_THREADS_MAX)
		n = BENCH_THREADS_MAX;
	if (n > bench->connections)
		n = bench->connections;
	return n > 1 ? (int)n : 1;
}

void
options_bench_finish(struct options_bench *bench, int connections)
{
	bench->connections = connections > 0 ? connections :
	    OPTIONS_BENCH_CONNECTIONS;
	if (bench->depth == 0)
		bench->depth = 1;
	if (bench->requests > 0 && bench->duration_ms >= 0)
		usage_fail("--duration cannot go with --requests");
	if (bench->threads > bench->connections)
		usage_fail("%d threads for %d connections: each needs one",
		    bench->threads, bench->connections);
	if (bench->connections > OPTIONS_BENCH_FLIGHT_MAX / bench->depth)
		usage_fail("%d connections with %d requests each: at most %d "
		    "may be in flight", bench->connections, bench->depth,
		    OPTIONS_BENCH_FLIGHT_MAX);
	if (bench->threads == 0)
		bench->threads = default_threads(bench);
	if (bench->duration_ms < 0)
		bench->duration_ms = BENCH_DURATION_MS;
	if (bench->warm_up_ms < 0)
		bench->warm_up_ms = bench->requests > 0 ? 0 :
		    BENCH_WARM_UP_MS;
}
