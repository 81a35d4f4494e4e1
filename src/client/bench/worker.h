/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

/*
 * One thread of a load: its connections, and which request is due when.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "tally.h"

struct plan;

/* What threads and their starter tell each other. */
struct crew {
	const struct plan *plan;	/* borrowed */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int ready;		/* threads that have their connections */
	int done;		/* threads that have ended */
	bool go;		/* start is set */
	int64_t began, start, end;	/* of warm-up, and of what is counted */
	_Atomic bool stop;	/* leave now */
};

struct worker {
	struct crew *crew;	/* borrowed */
	int index;		/* among the plan's threads */
	struct conn_host host;
	struct conn *conns;	/* owned, n */
	int n;
	struct flight *flights;	/* owned: what is in flight on each */
	struct conn **touched;	/* owned: those with something to send, n */
	int n_touched;
	int cursor;		/* the next that is asked, if it has room */
	int timer;		/* timerfd: when a request is due; or -1 */
	int64_t alarm;		/* what it is set to */
	int error;		/* errno of what kept it from working */
	uint64_t random;
	size_t next_key;
	uint64_t left;		/* requests that it may still count */
	uint64_t next_due;	/* number of the next, among all threads' */
	int64_t cpu_start;	/* CPU time of the thread when it had begun */
	bool began, ended;	/* the span that is counted */
	pthread_t thread;
	struct tally tally;
};

/*
 * Make one ready; zeroed memory before.
 *
 * Returns 0, or -1 with errno.
 */
int worker_init(struct worker *worker, struct crew *crew, int index);

/*
 * What its thread does, to the end: pthread_create(3) gets this.
 */
void *worker_run(void *worker);

/*
 * Free what it has, once its thread has ended; NULL and half-made ones may be.
 */
void worker_clear(struct worker *worker);

#endif
