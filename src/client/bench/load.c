/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Threads first make their connections; when all have them, the clock starts.
 */

#include "config.h"

#include "load.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "plan.h"
#include "worker.h"

#define LOAD_LOOK_NS	INT64_C(100000000)
#define LOAD_S		INT64_C(1000000000)

struct load {
	struct crew crew;
	struct worker *workers;	/* owned */
	int made, started;	/* of them */
	const struct load_watch *watch;
	enum load_end end;
	uint64_t heard;		/* replies and failures so far */
	int64_t heard_at;
};

static int
make_workers(struct load *load)
{
	int n = load->crew.plan->threads;

	load->workers = calloc((size_t)n, sizeof(*load->workers));
	if (load->workers == NULL)
		return -1;
	for (int i = 0; i < n; i++) {
		load->made++;
		if (worker_init(&load->workers[i], &load->crew, i) == -1)
			return -1;
	}
	return 0;
}

/* Signals are the program's, and come to the thread that looks on. */
static int
start_threads(struct load *load)
{
	sigset_t all, old;
	int error = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (error == 0 && load->started < load->made) {
		struct worker *w = &load->workers[load->started];

		error = pthread_create(&w->thread, NULL, worker_run, w);
		load->started += error == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return error == 0 ? 0 : -1;
}

static void
add_up(const struct load *load, struct tally_sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < load->made; i++)
		tally_sum(sum, &load->workers[i].tally);
}

/* Whether nothing has come for too long. */
static bool
is_silent(struct load *load, const struct tally_sum *sum)
{
	uint64_t heard = sum->in_time + tally_replies(sum) +
	    tally_failed(sum);
	int64_t now = clock_ns();

	if (heard != load->heard || load->heard_at == 0) {
		load->heard = heard;
		load->heard_at = now;
	}
	return now - load->heard_at > load->crew.plan->patience_ns + LOAD_S;
}

static void
look(struct load *load)
{
	const struct crew *crew = &load->crew;
	int64_t span = crew->go ? clock_ns() - crew->start : -1;
	struct tally_sum sum;

	if (span >= 0) {
		add_up(load, &sum);
		if (is_silent(load, &sum) && load->end == LOAD_DONE)
			load->end = LOAD_SILENT;
	}
	if (load->watch != NULL && load->end == LOAD_DONE &&
	    !load->watch->look_cb(load->watch->arg, span >= 0 ? &sum : NULL,
	    span))
		load->end = LOAD_STOPPED;
	if (load->end != LOAD_DONE)
		atomic_store(&load->crew.stop, true);
}

/* Wait until all threads have come so far; the lock is held. */
static void
await(struct load *load, const int *count)
{
	struct crew *crew = &load->crew;
	struct timespec until;
	int64_t at;

	while (*count < load->started) {
		at = clock_ns() + LOAD_LOOK_NS;
		until.tv_sec = (time_t)(at / LOAD_S);
		until.tv_nsec = at % LOAD_S;
		if (pthread_cond_timedwait(&crew->changed, &crew->lock,
		    &until) == ETIMEDOUT)
			look(load);
	}
}

/* All have what connections they could make; the lock is held. */
static void
go(struct load *load)
{
	const struct plan *plan = load->crew.plan;
	struct crew *crew = &load->crew;
	struct tally_sum sum;

	add_up(load, &sum);
	if (plan->keeps && sum.opened == 0 && load->end == LOAD_DONE)
		load->end = LOAD_UNCONNECTED;
	if (load->end != LOAD_DONE)
		atomic_store(&crew->stop, true);
	crew->began = clock_ns();
	crew->start = crew->began + plan->warm_up_ns;
	crew->end = plan->most > 0 ? INT64_MAX :
	    crew->start + plan->duration_ns;
	crew->go = true;
	pthread_cond_broadcast(&crew->changed);
}

static void
run(struct load *load)
{
	struct crew *crew = &load->crew;

	pthread_mutex_lock(&crew->lock);
	await(load, &crew->ready);
	go(load);
	await(load, &crew->done);
	pthread_mutex_unlock(&crew->lock);
	for (int i = 0; i < load->started; i++)
		pthread_join(load->workers[i].thread, NULL);
}

static void
make_crew(struct crew *crew, const struct plan *plan)
{
	pthread_condattr_t attr;

	crew->plan = plan;
	/* With nothing but a clock that is there, none of these can fail. */
	pthread_mutex_init(&crew->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&crew->changed, &attr);
	pthread_condattr_destroy(&attr);
}

/* What errno says of the end. */
static int
end_error(const struct load *load, const struct tally_sum *sum)
{
	for (int i = 0; i < load->made; i++)
		if (load->workers[i].error != 0)
			return load->workers[i].error;
	if (load->end == LOAD_SILENT || sum->system_error == 0)
		return ETIMEDOUT;
	return sum->system_error;
}

enum load_end
load_run(const struct plan *plan, const struct load_watch *watch,
    struct tally_sum *sum)
{
	struct load load = { .watch = watch, .end = LOAD_DONE };
	int error = 0;

	make_crew(&load.crew, plan);
	if (make_workers(&load) == -1 || start_threads(&load) == -1) {
		error = errno;
		load.end = LOAD_FAILED;
	}
	run(&load);
	add_up(&load, sum);
	if (error == 0)
		error = end_error(&load, sum);
	for (int i = 0; i < load.made; i++)
		worker_clear(&load.workers[i]);
	free(load.workers);
	pthread_cond_destroy(&load.crew.changed);
	pthread_mutex_destroy(&load.crew.lock);
	errno = error;
	return load.end;
}
