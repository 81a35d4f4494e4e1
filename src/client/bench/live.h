/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

/*
 * The line that says meanwhile how it goes, where standard error is a
 * terminal.
 */

#include <stdbool.h>
#include <stdint.h>

struct tally_sum;

struct live {
	bool shown;		/* there is a line that is to be replaced */
	bool wanted;
	uint64_t replies;	/* at the last line */
	int64_t at;		/* of it, from the start */
};

/*
 * Make ready.
 *
 * quiet  it is not wanted, whatever standard error is
 */
void live_init(struct live *live, bool quiet);

/*
 * Say that something goes on that nothing is counted of.
 */
void live_say(struct live *live, const char *what);

/*
 * Say what was counted in so many nanoseconds.
 */
void live_count(struct live *live, const struct tally_sum *sum,
    int64_t span_ns);

/*
 * Leave no trace of it.
 */
void live_end(struct live *live);

#endif
