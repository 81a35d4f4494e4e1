/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A row for each action and outcome, and the tally of the wake-up in hand.
 */

#include "config.h"

#include "daemon/stats/stats.h"

#include <stdlib.h>
#include <time.h>

#include "daemon/conf/conf.h"

#define ROWS	(STATS_KINDS * STATS_OUTCOMES)

struct stats {
	_Atomic uint64_t counters[STATS_COUNTERS];
	struct histogram rows[ROWS];	/* pages never used are not there */
	uint32_t tally[ROWS];		/* of this wake-up */
	uint8_t touched[ROWS];		/* rows whose tally is not 0 */
	unsigned int n_touched;
};

_Static_assert(ROWS <= UINT8_MAX, "rows are numbered with a byte");

struct stats *
stats_new(void)
{
	return calloc(1, sizeof(struct stats));
}

void
stats_free(struct stats *stats)
{
	free(stats);
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
stats_add(struct stats *stats, enum stats_counter counter, uint64_t n)
{
	/* No locked instruction: only this thread writes. */
	if (stats != NULL)
		atomic_store_explicit(&stats->counters[counter],
		    stats_get(stats, counter) + n, memory_order_relaxed);
}

int64_t
stats_begin(struct stats *stats)
{
	return stats == NULL ? 0 : now_ns();
}

void
stats_answered(struct stats *stats, unsigned int kind, unsigned int outcome,
    uint32_t n)
{
	unsigned int row = kind * STATS_OUTCOMES + outcome;

	if (stats == NULL || n == 0)
		return;
	if (stats->tally[row] == 0)
		stats->touched[stats->n_touched++] = (uint8_t)row;
	stats->tally[row] += n;
}

void
stats_end(struct stats *stats, int64_t since)
{
	int64_t took;

	if (stats == NULL || stats->n_touched == 0)
		return;
	took = now_ns() - since;
	while (stats->n_touched > 0) {
		unsigned int row = stats->touched[--stats->n_touched];

		histogram_record(&stats->rows[row],
		    took > 0 ? (uint64_t)took : 0, stats->tally[row]);
		stats->tally[row] = 0;
	}
}

uint64_t
stats_get(const struct stats *stats, enum stats_counter counter)
{
	return atomic_load_explicit(&stats->counters[counter],
	    memory_order_relaxed);
}

const struct histogram *
stats_times(const struct stats *stats, unsigned int kind,
    unsigned int outcome)
{
	return &stats->rows[kind * STATS_OUTCOMES + outcome];
}

const char *
stats_action(unsigned int kind)
{
	static const char *const names[STATS_KINDS] = {
		[STATS_SEARCH] = "search",
		[STATS_BINARY] = "binary",
		[STATS_ECHO] = "echo",
		[STATS_OTHER] = "other",
	};

	return kind < TABLE_WAYS ? names[STATS_SEARCH] : names[kind];
}

const char *
stats_way(unsigned int kind)
{
	return kind < TABLE_WAYS ? conf_way_name(kind) : NULL;
}

const char *
stats_outcome(unsigned int outcome)
{
	static const char *const names[STATS_OUTCOMES] = {
		[REQUEST_FOUND] = "found",
		[REQUEST_NOT_FOUND] = "not-found",
		[REQUEST_ERROR] = "error",
		[REQUEST_BUSY] = "busy",
		[REQUEST_DENIED] = "denied",
		[STATS_DONE] = "done",
	};

	return names[outcome];
}
