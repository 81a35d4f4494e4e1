/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef OPTIONS_BENCH_H
#define OPTIONS_BENCH_H

/*
 * How a server is loaded, as the options of bench say it.
 */

#include <stdbool.h>
#include <stdint.h>

/* What getopt_long(3) returns for them: above all others. */
enum options_bench_long {
	OPTIONS_BENCH_DEPTH = 512,
	OPTIONS_BENCH_KEYS,
	OPTIONS_BENCH_IN_ORDER,
	OPTIONS_BENCH_SEED,
	OPTIONS_BENCH_DURATION,
	OPTIONS_BENCH_REQUESTS,
	OPTIONS_BENCH_RATE,
	OPTIONS_BENCH_THREADS,
	OPTIONS_BENCH_WARM_UP
};

enum {
	OPTIONS_BENCH_CONNECTIONS = 16,	/* where -c was not given */
	OPTIONS_BENCH_FLIGHT_MAX = 1000000	/* requests in flight at once */
};

struct options_bench {
	int connections;
	int depth;		/* requests in flight on each of them */
	int threads;
	const char *keys;	/* file; "-": standard input; NULL: none */
	bool in_order;		/* of the file, not at random */
	uint64_t seed;
	int64_t duration_ms;
	int64_t warm_up_ms;
	int64_t requests;	/* end after so many; 0: by the duration */
	int rate;		/* a second, of all connections; 0: as they can */
	const char *given;	/* one of the options that is bench's alone */
};

/*
 * Nothing was given yet.
 */
void options_bench_init(struct options_bench *bench);

/*
 * Take an option; text is its value, borrowed for good.  Leaves the program
 * when that is wrong, which is told.
 *
 * Returns false when it is none of these.
 */
bool options_bench_take(struct options_bench *bench, int letter,
    const char *text);

/*
 * All was given: what goes together, and what was not said.  Leaves the
 * program as above.
 *
 * connections  of -c, or 0
 */
void options_bench_finish(struct options_bench *bench, int connections);

#endif
