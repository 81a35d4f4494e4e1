/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SIGNALS_H
#define SIGNALS_H

/*
 * Signals, as the daemon has them from its beginning on: SIGHUP and SIGUSR1
 * ask for something, SIGTERM and SIGINT end it.
 */

struct event_base;
struct signals;

/*
 * Have those that would end a process which has no use for them yet, SIGHUP
 * and SIGUSR1, wait for signals_new().  To be called before what takes long,
 * in the process that will serve or the one that makes it.
 */
void signals_hold(void);

/*
 * Have those that end the process call a function first, as long as no loop
 * hears them.
 *
 * end_cb  called by a signal handler; NULL: no more
 */
void signals_clean_up(void (*end_cb)(void *arg), void *arg);

/*
 * Hear all of them in a loop, those that were held too.
 *
 * cb  called for each one with its number
 *
 * Returns the signals, owned by the caller, signals_free(); or NULL.
 */
struct signals *signals_new(struct event_base *,
    void (*cb)(int signum, void *arg), void *arg);

/*
 * Hear them no more.  NULL is allowed.
 */
void signals_free(struct signals *);

#endif
