/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WATCHDOG_H
#define WATCHDOG_H

/*
 * The service manager's watchdog (WatchdogSec= in systemd.service(5)), which
 * kills a daemon that it has not heard of for a time.  It hears of this one
 * only while the main thread runs and every worker gives a sign of life.
 */

#include <stdbool.h>

struct event_base;
struct watchdog;

/*
 * Feed the watchdog that WATCHDOG_USEC and WATCHDOG_PID speak of, three times
 * in its interval.  The variables are gone then.
 *
 * base     of the main thread
 * beat_cb  asks every worker for a sign of life; returns whether all have
 *          given the one that they were asked for before
 *
 * Returns it, owned by the caller, watchdog_free(); NULL when there is none
 * to be fed or, with a warning, no memory.
 */
struct watchdog *watchdog_new(struct event_base *base,
    bool (*beat_cb)(void *arg), void *arg);

/*
 * Feed it no more.  NULL is allowed.
 */
void watchdog_free(struct watchdog *);

#endif
