/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WORKER_H
#define WORKER_H

/*
 * Threads that serve: one event base each, their own sessions, their own
 * reference to the generation they answer from.  What they share is small:
 * counters of connections and of bytes, and the counts of addresses.
 *
 * Each worker accepts from every listener and, if another one has fewer
 * sessions, hands the new connection over, so that they spread evenly
 * whatever the listener.  All orders to a worker go through its mailbox.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct generation;
struct listener;
struct session_service;
struct stats_worker;
struct tls;
struct workers;

/* What the workers have of the server, and tell it, from their threads. */
struct workers_events {
	const struct session_service *search;	/* serves listeners with
					   search=yes */
	void (*swapped_cb)(void *arg);	/* all serve the new generation */
	void (*deaf_cb)(void *arg);	/* none accepts any more */
	void (*drained_cb)(void *arg);	/* all have ended */
	void *arg;
};

/*
 * Make workers, not running yet.
 *
 * n             how many; 0: one a processor
 * listeners     n_listeners of them; borrowed for the workers' life
 * gen           what they answer from at first; each takes a reference
 * tls           for enciphered connections; borrowed likewise
 *
 * Returns the workers, owned by the caller, workers_free(); or NULL with
 * errno.
 */
struct workers *workers_new(size_t n, const struct listener *listeners,
    size_t n_listeners, struct generation *gen, struct tls *tls,
    const struct workers_events *events);

/*
 * Start the threads.  Signals should be blocked by the caller.
 *
 * Returns 0, or -1 with errno; then only workers_stop() and workers_free()
 * may follow.
 */
int workers_start(struct workers *);

/*
 * Answer from a new generation.  swapped_cb is called when all do.
 *
 * Returns 0, or -1 with errno, with the old one in place.
 */
int workers_swap(struct workers *, struct generation *gen);

/*
 * Ask every worker for a sign of life.
 *
 * Returns whether all have given the one that they were asked for before.
 */
bool workers_beat(struct workers *);

/*
 * Accept what waits and nothing more, then end all sessions once they owe no
 * reply; a moment later for those that were not asked yet, since a request
 * may be on its way.  deaf_cb is called in between: listening sockets may be
 * closed then.  drained_cb is called when the last session has ended.
 */
void workers_drain(struct workers *);

/*
 * End at once, whatever is owed, and wait for the threads.
 */
void workers_stop(struct workers *);

/*
 * Free workers that do not run.  NULL is allowed.
 */
void workers_free(struct workers *);

/*
 * How many connections there are, and bytes held for them.
 */
int64_t workers_connections(const struct workers *);
int64_t workers_held(const struct workers *);
size_t workers_count(const struct workers *);

/*
 * What they got for enciphered connections.
 */
struct tls *workers_tls(const struct workers *);

/*
 * What counts those bytes, for whoever serves beside them; it is theirs.
 */
atomic_llong *workers_held_counter(struct workers *);

/*
 * The numbers of each worker, workers_count() of them, which go on changing;
 * for one thread, borrowed until its next call.
 */
const struct stats_worker *workers_stats(struct workers *);

#endif
