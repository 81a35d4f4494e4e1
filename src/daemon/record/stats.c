/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A row for each action and outcome, the tally of the wake-up in hand, and two
 * lists of keys.  Those are behind a lock, since a key is more than a word;
 * only sampled keys take it, and only without waiting.
 */

#include "config.h"

#include "daemon/record/stats.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/conf/conf.h"

#define ROWS	(STATS_KINDS * STATS_OUTCOMES)

#define SECOND		INT64_C(1000000000)
#define KEYS_EXACT	256	/* lookups a second that are all told */

struct stats {
	_Atomic uint64_t counters[STATS_COUNTERS];
	struct histogram rows[ROWS];	/* pages never used are not there */
	uint32_t tally[ROWS];		/* of this wake-up */
	uint8_t touched[ROWS];		/* rows whose tally is not 0 */
	unsigned int n_touched;
	int64_t second_end;		/* ns; then keys are sampled anew */
	uint64_t seen;			/* lookups in this second, about */
	uint64_t every;			/* of so many lookups one is told */
	uint64_t skip;			/* lookups until the next key */
	uint64_t rest;			/* of that every, behind this key */
	uint64_t seed;			/* of what is passed over */
	_Atomic uint64_t every_most;	/* so far */
	_Atomic uint64_t lost[2];	/* missed, found; not in the lists */
	pthread_mutex_t lock;
	struct top lists[2];		/* missed, found; under lock */
};

_Static_assert(ROWS <= UINT8_MAX, "rows are numbered with a byte");

struct stats *
stats_new(void)
{
	struct stats *stats = calloc(1, sizeof(*stats));

	if (stats == NULL)
		return NULL;
	/* Not by arc4random(3), which ends the process without memory. */
	if (getentropy(&stats->seed, sizeof(stats->seed)) != 0 ||
	    pthread_mutex_init(&stats->lock, NULL) != 0) {
		free(stats);
		return NULL;
	}
	stats->seed |= 1;	/* not 0, which stays 0 */
	stats->every = 1;
	return stats;
}

void
stats_free(struct stats *stats)
{
	if (stats == NULL)
		return;
	pthread_mutex_destroy(&stats->lock);
	free(stats);
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
	int64_t now;

	if (stats == NULL)
		return 0;
	now = clock_ns();
	if (now >= stats->second_end) {
		stats->second_end = now + SECOND;
		stats->seen = 0;
		stats->every = 1;
		stats->skip = 0;
		stats->rest = 0;
	}
	return now;
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
	took = clock_ns() - since;
	while (stats->n_touched > 0) {
		unsigned int row = stats->touched[--stats->n_touched];

		histogram_record(&stats->rows[row],
		    took > 0 ? (uint64_t)took : 0, stats->tally[row]);
		stats->tally[row] = 0;
	}
}

size_t
stats_skip(struct stats *stats, size_t n)
{
	size_t skip;

	if (stats == NULL)
		return n;
	if (stats->skip >= n) {
		stats->skip -= n;
		return n;
	}
	skip = (size_t)stats->skip;
	stats->skip = 0;
	return skip;
}

/* Xorshift: at random, since what repeats must not meet the same keys. */
static uint64_t
next_random(struct stats *stats)
{
	stats->seed ^= stats->seed << 13;
	stats->seed ^= stats->seed >> 7;
	stats->seed ^= stats->seed << 17;
	return stats->seed;
}

/*
 * Of each so many lookups in a row one is drawn, all with the same chance: so
 * what a key comes to is right on average, even when a second ends before
 * what was drawn has come.
 */
static void
draw_next(struct stats *stats)
{
	uint64_t at = 0;

	stats->seen += stats->every;
	stats->every = 1 + stats->seen / KEYS_EXACT;
	if (stats->every > 1)
		at = next_random(stats) % stats->every;
	stats->skip = stats->rest + at;
	stats->rest = stats->every - 1 - at;
	if (stats->every > atomic_load_explicit(&stats->every_most,
	    memory_order_relaxed))
		atomic_store_explicit(&stats->every_most, stats->every,
		    memory_order_relaxed);
}

void
stats_key(struct stats *stats, const char *key, size_t len, uint64_t hash,
    bool found)
{
	uint64_t n = stats->every;

	draw_next(stats);
	/* Rather one key less than to wait for who reads the list. */
	if (pthread_mutex_trylock(&stats->lock) != 0) {
		atomic_fetch_add_explicit(&stats->lost[found], n,
		    memory_order_relaxed);
		return;
	}
	top_add(&stats->lists[found], key, len, hash, n);
	pthread_mutex_unlock(&stats->lock);
}

void
stats_top(struct stats *stats, bool found, struct top *top)
{
	pthread_mutex_lock(&stats->lock);
	*top = stats->lists[found];
	pthread_mutex_unlock(&stats->lock);
	top->every = atomic_load_explicit(&stats->every_most,
	    memory_order_relaxed);
	top->lost = atomic_load_explicit(&stats->lost[found],
	    memory_order_relaxed);
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
	switch (kind) {
	case STATS_BINARY:
		return "binary";
	case STATS_TABLES:
		return "tables";
	case STATS_ECHO:
		return "echo";
	case STATS_OTHER:
		return "other";
	default:		/* by whatever way */
		return "search";
	}
}

const char *
stats_way(unsigned int kind)
{
	return kind < TABLE_WAYS ? table_way_names[kind] : NULL;
}

const char *
stats_outcome(unsigned int outcome)
{
	return outcome == STATS_DONE ? "done" : status_words[outcome].raw;
}
