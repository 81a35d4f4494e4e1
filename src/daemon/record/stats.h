/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef STATS_H
#define STATS_H

/*
 * The numbers of one worker: what it was asked, how that ended, and how long
 * it took.  The worker alone writes them, with plain stores; others read them
 * while it works.  report.h makes them a text or an object.
 *
 * Requests are not timed one by one: those that a wake-up answers are counted
 * first, and share its time, which is taken once when all replies of it are
 * in the buffer.  So the clock is read twice a wake-up, however many requests
 * came in one.
 *
 * All functions that count allow NULL: then nobody counts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/histogram.h"
#include "daemon/base/status.h"
#include "daemon/record/remotes.h"
#include "daemon/record/top.h"
#include "daemon/table/table.h"

struct stats;

/* What others see of a worker. */
struct stats_worker {
	struct stats *stats;		/* which go on changing */
	int64_t connections;		/* that it serves now */
};

/* What was asked; below STATS_SEARCH a search, by its enum table_way. */
enum stats_kind {
	STATS_SEARCH = TABLE_WAYS,	/* one that does not say how */
	STATS_BINARY,
	STATS_TABLES,		/* which tables there are */
	STATS_ECHO,		/* a read of service=echo that was sent back */
	STATS_OTHER,		/* nothing that can be answered */
	STATS_KINDS
};

/* How it ended; below STATS_DONE by enum request_status. */
enum stats_outcome {
	STATS_DONE = REQUEST_STATUSES,		/* an echo */
	STATS_OUTCOMES
};

enum stats_counter {
	STATS_ACCEPTED,			/* connections that were served */
	STATS_CLOSED,			/* of them, those that have ended */
	STATS_OVER_MEMORY,		/* of these, by limit memory */
	STATS_REFUSED_CONNECTIONS,	/* by limit connections */
	STATS_REFUSED_PER_ADDRESS,	/* by limit per-address */
	STATS_REFUSED_DENIED,		/* by allow=, deny= */
	STATS_TIMEOUT_IDLE,
	STATS_TIMEOUT_HANDSHAKE,
	STATS_TIMEOUT_HEADER,
	STATS_TIMEOUT_MESSAGE,
	STATS_TIMEOUT_WRITE,
	STATS_TIMEOUT_DRAIN,
	STATS_BYTES_IN,
	STATS_BYTES_OUT,
	STATS_TLS_OPENED,	/* handshakes that came to a connection */
	STATS_TLS_RESUMED,	/* of them, those by a ticket */
	STATS_TLS_FAILED,	/* handshakes that did not, for any reason */
	STATS_TLS_CLOSED,	/* enciphered connections that have ended */
	STATS_SLICED,		/* searches that took more than one slice */
	/* Of tables on other machines: */
	STATS_REMOTE_ASKED,	/* requests to servers; those below not, but
				   for repeated ones */
	STATS_REMOTE_CACHED,	/* lookups that the cache answered */
	STATS_REMOTE_STALE,	/* of them, with what may have changed */
	STATS_REMOTE_JOINED,	/* that waited for another one's answer */
	STATS_REMOTE_REPEATED,	/* asked again, of another server or not */
	STATS_REMOTE_MOVED,	/* told to ask another server */
	STATS_UNAVAILABLE,	/* lookups, by enum remote_cause */
	STATS_COUNTERS = STATS_UNAVAILABLE + REMOTE_CAUSES
};

/*
 * Make the numbers of a worker, all 0.
 *
 * Returns them, owned by the caller, stats_free(); or NULL.
 */
struct stats *stats_new(void);

/*
 * Free them.  NULL is allowed.
 */
void stats_free(struct stats *);

/*
 * Add to a counter.
 */
void stats_add(struct stats *, enum stats_counter, uint64_t n);

/*
 * A wake-up begins.
 *
 * Returns when, for stats_end(): nanoseconds of the monotonic clock.
 */
int64_t stats_begin(struct stats *);

/*
 * Requests were answered.  They are in the numbers after stats_end().
 *
 * kind     an enum stats_kind or table_way
 * outcome  an enum stats_outcome or request_status
 */
void stats_answered(struct stats *, unsigned int kind, unsigned int outcome,
    uint32_t n);

/*
 * The replies to all requests that were answered since the last call are
 * there.  Without any the clock is not read.
 *
 * since  when the wake-up that read them began
 */
void stats_end(struct stats *, int64_t since);

/*
 * Which exact lookup's key to tell next.  All are while there are few in a
 * second; the more come, the fewer are told, each of them for more, so that
 * the cost a second has a bound and the lists are right on average.
 *
 * n  lookups that were made
 *
 * Returns how many of them to pass over before the one whose key is to be
 * told by stats_key(), after which the rest is asked for; n when all are.
 */
size_t stats_skip(struct stats *, size_t n);

/*
 * Tell the key that stats_skip() led to.
 *
 * key, len  copied
 * found     whether there is an answer
 */
void stats_key(struct stats *, const char *key, size_t len, uint64_t hash,
    bool found);

/*
 * What is there, for any thread.
 */
uint64_t stats_get(const struct stats *, enum stats_counter);
const struct histogram *stats_times(const struct stats *, unsigned int kind,
    unsigned int outcome);

/*
 * A copy of the list of keys that were found, or missed, for any thread.
 */
void stats_top(struct stats *, bool found, struct top *);

/*
 * The words for a row: "action" and "outcome", and "way" for a search that
 * says how, else NULL.
 */
const char *stats_action(unsigned int kind);
const char *stats_way(unsigned int kind);
const char *stats_outcome(unsigned int outcome);

#endif
