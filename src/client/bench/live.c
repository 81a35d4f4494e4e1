/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A line of our own words and numbers, which is written over; twice a second,
 * so that it can be read.
 */

#include "config.h"

#include "live.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/base/output.h"
#include "tally.h"

#define LIVE_EVERY	INT64_C(500000000)

void
live_init(struct live *live, bool quiet)
{
	*live = (struct live){
		.wanted = !quiet && output_is_terminal(stderr)
	};
}

void
live_say(struct live *live, const char *what)
{
	if (!live->wanted)
		return;
	fprintf(stderr, "\r\033[K%s", what);
	(void)fflush(stderr);
	live->shown = true;
}

void
live_count(struct live *live, const struct tally_sum *sum, int64_t span_ns)
{
	char line[160];
	double seconds = (double)(span_ns - live->at) / 1e9;
	uint64_t replies = sum->in_time, failed = tally_failed(sum);

	if (!live->wanted || span_ns - live->at < LIVE_EVERY)
		return;
	snprintf(line, sizeof(line), "%.0f s: %.0f requests/s, p99 %.3f ms, "
	    "%" PRIu64 " failed", (double)span_ns / 1e9,
	    (double)(replies - live->replies) / seconds,
	    (double)histogram_quantile(&sum->times, 990) / 1e6, failed);
	live->replies = replies;
	live->at = span_ns;
	live_say(live, line);
}

void
live_end(struct live *live)
{
	if (!live->shown)
		return;
	fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	live->shown = false;
}
