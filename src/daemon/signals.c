/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Three ways to hear of a signal, one after the other: it is held, since
 * nobody could act on it; a handler cleans up, since no loop is there yet and
 * reading the tables may take minutes; the loop is told.
 */

#include "config.h"

#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <event2/event.h>

static const int all[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
#define N_SIGNALS	(sizeof(all) / sizeof(all[0]))

struct signals {
	struct event *events[N_SIGNALS];
	void (*cb)(int, void *);
	void *arg;
};

static void (*volatile clean_up_cb)(void *);
static void *volatile clean_up_arg;

/* Those that ask a daemon for something: it goes on. */
static void
hold(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(how, &set, NULL);
}

void
signals_hold(void)
{
	hold(SIG_BLOCK);
}

static void
end(int signum)
{
	void (*end_cb)(void *) = clean_up_cb;

	if (end_cb != NULL)
		end_cb(clean_up_arg);
	/* As it would have ended without this. */
	raise(signum);
}

void
signals_clean_up(void (*end_cb)(void *), void *arg)
{
	struct sigaction sa = { .sa_handler = end,
	    .sa_flags = (int)SA_RESETHAND };

	if (end_cb == NULL) {
		clean_up_cb = NULL;
		return;
	}
	clean_up_arg = arg;
	clean_up_cb = end_cb;
	sigfillset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
}

static void
signals_cb(evutil_socket_t signum, short what, void *arg)
{
	struct signals *signals = arg;

	(void)what;
	signals->cb(signum, signals->arg);
}

struct signals *
signals_new(struct event_base *base, void (*cb)(int, void *), void *arg)
{
	struct signals *signals = calloc(1, sizeof(*signals));

	if (signals == NULL)
		return NULL;
	signals->cb = cb;
	signals->arg = arg;
	for (size_t i = 0; i < N_SIGNALS; i++) {
		signals->events[i] = evsignal_new(base, all[i], signals_cb,
		    signals);
		if (signals->events[i] == NULL ||
		    event_add(signals->events[i], NULL) != 0) {
			signals_free(signals);
			return NULL;
		}
	}
	hold(SIG_UNBLOCK);
	return signals;
}

void
signals_free(struct signals *signals)
{
	if (signals == NULL)
		return;
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (signals->events[i] != NULL)
			event_free(signals->events[i]);
	free(signals);
}
