/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PAST_H
#define PAST_H

/*
 * The last hour, in as much memory however busy it was and however long it
 * lasts: the last two minutes by the second, the hour by ten of them.  A page
 * that was just opened shows what has been.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/histogram.h"

struct report;
struct tell;

/* What came in a step, and how it is at its end. */
struct past_sample {
	int64_t at;		/* its end, by clock_ms() */
	int64_t span;		/* ms: about a second, or ten */
	uint64_t requests;
	uint64_t bytes_out;
	uint64_t half, late;	/* ns: 50% and 99% of them took no longer; 0:
				   there were none */
	int64_t connections;
};

/* The numbers up to a step's end, from which those of the next count. */
struct past_mark {
	int64_t at;
	uint64_t bytes_out;
	uint64_t requests;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

#define PAST_SECONDS	120	/* samples of a second */
#define PAST_TENS	360	/* samples of ten */
#define PAST_TEN	10

/* Zeroed memory is one that nothing is known of. */
struct past {
	struct past_sample seconds[PAST_SECONDS];
	struct past_sample tens[PAST_TENS];
	uint64_t n;		/* calls of past_sample() */
	struct past_mark second, ten;
};

/*
 * Take what has come since the last call; to be called about each second.
 * The first call tells nothing, since it does not know since when.
 *
 * now  of clock_ms()
 */
void past_sample(struct past *, const struct report *, int64_t now);

/*
 * Add the members "seconds" and "tens" to an object: each has columns, of
 * which the elements at one place are those of a sample, the oldest first.
 */
void past_tell(const struct past *, int64_t now, struct tell *);

#endif
