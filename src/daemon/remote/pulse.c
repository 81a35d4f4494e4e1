/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The timer is only ever set anew, as that of the sessions' deadlines: libevent
 * needs memory for one that is not set.
 */

#include "config.h"

#include "daemon/remote/pulse.h"

#include <stddef.h>

#include <event2/event.h>

#include "common/clock.h"

/* When the timer looks for what to do if nothing is waited for, in ms. */
#define FAR		(3600 * INT64_C(1000))

static void
arm(struct pulse *p, int64_t at, int64_t now)
{
	int64_t left = at > now ? at - now : 1;
	struct timeval tv = { .tv_sec = (time_t)(left / 1000),
	    .tv_usec = (suseconds_t)(left % 1000 * 1000) };

	if (event_add(p->timer, &tv) == 0)
		p->armed = at;
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pulse *p = arg;
	int64_t next, now;

	(void)fd;
	(void)what;
	/* What is asked for meanwhile is for the next time. */
	p->armed = INT64_MAX;
	p->beats = true;
	next = p->beat_cb(p->arg);
	p->beats = false;
	now = clock_ms();
	if (next > p->armed)
		next = p->armed;
	arm(p, next < now + FAR ? next : now + FAR, now);
}

static void
end_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pulse *p = arg;

	(void)fd;
	(void)what;
	p->ends = false;
	p->end_cb(p->arg);
}

int
pulse_init(struct pulse *p, struct event_base *base, int64_t (*beat_cb)(void *),
    void (*end)(void *), void *arg)
{
	int64_t now = clock_ms();

	*p = (struct pulse){ .base = base, .beat_cb = beat_cb, .end_cb = end,
	    .arg = arg, .armed = INT64_MAX };
	p->random = (uint64_t)clock_ns() ^ (uint64_t)(uintptr_t)p;
	p->timer = event_new(base, -1, EV_PERSIST, timer_cb, p);
	p->end = event_new(base, -1, EV_PERSIST, end_cb, p);
	if (p->timer == NULL || p->end == NULL)
		return -1;
	arm(p, now + FAR, now);
	return p->armed == INT64_MAX ? -1 : 0;
}

void
pulse_clear(struct pulse *p)
{
	if (p->timer != NULL)
		event_free(p->timer);
	if (p->end != NULL)
		event_free(p->end);
	p->timer = p->end = NULL;
}

void
pulse_at(struct pulse *p, int64_t ms)
{
	if (ms >= p->armed)
		return;
	if (p->beats)
		p->armed = ms;
	else
		arm(p, ms, clock_ms());
}

void
pulse_end(struct pulse *p)
{
	if (p->ends)
		return;
	p->ends = true;
	event_active(p->end, 0, 0);
}

int64_t
pulse_between(struct pulse *p, int64_t low, int64_t high)
{
	/* A step of splitmix64: it need not be hard to guess. */
	uint64_t z = (p->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return low + (int64_t)(z % (uint64_t)(high - low + 1));
}
