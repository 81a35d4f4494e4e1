/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PULSE_H
#define PULSE_H

/*
 * When a worker's client of other machines goes on by itself: at a time, by
 * one timer for all that is waited for, and at the end of each wake-up in
 * which something is to be sent.  No libevent in this header.
 */

#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;

struct pulse {
	struct event_base *base;	/* borrowed */
	struct event *timer;		/* owned */
	struct event *end;		/* owned */
	int64_t armed;			/* ms: when the timer fires */
	bool beats;			/* in beat_cb */
	bool ends;			/* end is active */
	uint64_t random;
	int64_t (*beat_cb)(void *);
	void (*end_cb)(void *);
	void *arg;
};

/*
 * Begin.
 *
 * beat_cb  called at the time that was asked for; returns when it is next,
 *          by clock_ms()
 * end_cb   called when all that was active in a wake-up has had its turn
 *
 * Returns 0, or -1 when out of memory; pulse_clear() is due anyhow.
 */
int pulse_init(struct pulse *, struct event_base *,
    int64_t (*beat_cb)(void *), void (*end_cb)(void *), void *arg);

/*
 * Never call again.  May be called twice, and on zeroed memory.
 */
void pulse_clear(struct pulse *);

/*
 * Beat at a time, or before it.
 */
void pulse_at(struct pulse *, int64_t ms);

/*
 * Call at the end of this wake-up.
 */
void pulse_end(struct pulse *);

/*
 * A number that no other worker has at the same time: from low to high.
 */
int64_t pulse_between(struct pulse *, int64_t low, int64_t high);

#endif
