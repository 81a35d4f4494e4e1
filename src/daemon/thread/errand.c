/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A thread for each errand: they are rare, and an idle daemon should have no
 * idle threads.
 */

#include "config.h"

#include "daemon/thread/errand.h"

#include <sys/resource.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/log.h"
#include "daemon/thread/mailbox.h"
#include "daemon/thread/pace.h"

/* How much an errand steps back, for nice(2). */
#define ERRAND_NICE	10

struct errands {
	struct mailbox *mailbox;
	STAILQ_HEAD(, errand) list;	/* the first one is under way */
	pthread_t thread;
	bool running;			/* there is a thread to be joined */
	atomic_bool stop;
	struct mail mail;		/* from the thread; one at a time */
};

static void *
errand_main(void *arg)
{
	struct errands *errands = arg;
	struct errand *errand = STAILQ_FIRST(&errands->list);

	if (setpriority(PRIO_PROCESS, 0, ERRAND_NICE) != 0)
		log_debug("errand without lower priority");
	pace_set(true);
	errand->work(errand, &errands->stop);
	mailbox_send(errands->mailbox, &errands->mail);
	return NULL;
}

/* Signals are for who creates it. */
static int
errand_thread(struct errands *errands)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&errands->thread, NULL, errand_main, errands);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

/* The first one is over. */
static void
errand_end(struct errands *errands, const char *undone)
{
	struct errand *errand = STAILQ_FIRST(&errands->list);

	STAILQ_REMOVE_HEAD(&errands->list, entry);
	errand->end(errand, undone);
}

static void
errands_next(struct errands *errands)
{
	while (!errands->running && !STAILQ_EMPTY(&errands->list)) {
		errands->running = errand_thread(errands) == 0;
		if (!errands->running)
			errand_end(errands, "there is no thread for it");
	}
}

static void
errands_mail_cb(struct mail *mail, void *arg)
{
	struct errands *errands = arg;

	(void)mail;
	pthread_join(errands->thread, NULL);
	errands->running = false;
	errand_end(errands, NULL);
	errands_next(errands);
}

struct errands *
errands_new(struct event_base *base)
{
	struct errands *errands = calloc(1, sizeof(*errands));

	if (errands == NULL)
		return NULL;
	STAILQ_INIT(&errands->list);
	errands->mailbox = mailbox_new(base, errands_mail_cb, errands);
	if (errands->mailbox != NULL)
		return errands;
	free(errands);
	return NULL;
}

void
errands_run(struct errands *errands, struct errand *errand)
{
	static const atomic_bool never;

	if (errands == NULL) {
		errand->work(errand, &never);
		errand->end(errand, NULL);
		return;
	}
	STAILQ_INSERT_TAIL(&errands->list, errand, entry);
	errands_next(errands);
}

void
errands_free(struct errands *errands)
{
	if (errands == NULL)
		return;
	errands->stop = true;
	if (errands->running)
		pthread_join(errands->thread, NULL);
	while (!STAILQ_EMPTY(&errands->list))
		errand_end(errands, "the daemon is stopping");
	mailbox_discard(errands->mailbox);
	free(errands);
}
