/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DEADLINE_H
#define DEADLINE_H

/*
 * Absolute deadlines of many sessions with one timer.  Each kind has one
 * duration for all, so its list is in order of expiry when each start is
 * appended: setting and clearing cost nothing, whatever the number.
 * libevent's own timeouts would start again with each byte of a trickler.
 *
 * The timer is set from the beginning on, and only ever set anew: libevent
 * needs memory for one that is not set, and a worker that got none would have
 * no deadlines from then on.
 */

#include <sys/queue.h>

#include <stdint.h>

struct event;
struct event_base;
struct conf_timeouts;

enum deadline_kind {
	DEADLINE_NONE,
	DEADLINE_IDLE,		/* no message begun */
	DEADLINE_HANDSHAKE,	/* the transport's own talk unfinished */
	DEADLINE_HEADER,	/* a header unfinished */
	DEADLINE_MESSAGE,	/* a content unfinished */
	DEADLINE_WRITE,		/* a part of that for output nobody takes */
	DEADLINE_DRAIN,		/* the peer's end, after the last reply */
	DEADLINE_KINDS
};

/*
 * How often it is looked whether output was taken before it is too late.  That
 * a part of it was is known only then, so it is late by one part at most.
 */
#define DEADLINE_LOOKS	16

/* In whoever has the deadline; zeroed memory is one that is not set. */
struct deadline {
	TAILQ_ENTRY(deadline) entry;
	int64_t since;			/* ms, when it began */
	enum deadline_kind kind;
};
TAILQ_HEAD(deadline_list, deadline);

/* A worker's. */
struct deadlines {
	struct deadline_list lists[DEADLINE_KINDS];
	int64_t durations[DEADLINE_KINDS];	/* ms */
	struct event *timer;			/* owned */
	int64_t armed;			/* when it fires; ms */
	void (*expired_cb)(struct deadline *, enum deadline_kind, void *);
	void *arg;
};

/*
 * Make a worker's lists.
 *
 * expired_cb  called once for each that passed, when it is not set any more;
 *             may set and clear any deadline and free its own
 *
 * Returns 0, or -1 when out of memory.
 */
int deadlines_init(struct deadlines *, struct event_base *,
    void (*expired_cb)(struct deadline *, enum deadline_kind, void *),
    void *arg);

/*
 * Free the timer: no deadline passes any more, though those that are set may
 * still be cleared.  May be called twice, and on zeroed memory.
 */
void deadlines_clear(struct deadlines *);

/*
 * Use these durations, for what is set already too.
 */
void deadlines_configure(struct deadlines *, const struct conf_timeouts *);

/*
 * Set a deadline to begin now.
 */
void deadline_start(struct deadlines *, struct deadline *,
    enum deadline_kind);

/*
 * Set a deadline unless it is set to this kind: then it goes on.
 */
void deadline_keep(struct deadlines *, struct deadline *,
    enum deadline_kind);

/*
 * A deadline that is not set may be cleared.
 */
void deadline_clear(struct deadlines *, struct deadline *);

#endif
