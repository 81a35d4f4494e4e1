/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A list a kind, sorted by the time that its members began, since each is
 * appended when it begins.
 */

#include "config.h"

#include "daemon/session/deadline.h"

#include <stddef.h>
#include <string.h>

#include <event2/event.h>

#include "common/clock.h"
#include "daemon/conf/conf.h"

/* When the timer looks for what to do if nothing is set, in ms. */
#define FAR		(3600 * INT64_C(1000))

/*
 * Returns 0, or -1 with what was set in place: then the next deadline that is
 * set, or kept, tries again.
 */
static int
arm(struct deadlines *ds, int64_t at, int64_t now)
{
	int64_t left = at > now ? at - now : 1;
	struct timeval tv = { .tv_sec = (time_t)(left / 1000),
	    .tv_usec = (suseconds_t)(left % 1000 * 1000) };

	if (ds->armed <= at)
		return 0;
	if (event_add(ds->timer, &tv) != 0)
		return -1;
	ds->armed = at;
	return 0;
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct deadlines *ds = arg;
	int64_t now = clock_ms();
	struct deadline *d;

	(void)fd;
	(void)what;
	/* It is set again already, as a persistent event, but to no purpose. */
	ds->armed = INT64_MAX;
	for (enum deadline_kind k = DEADLINE_IDLE; k < DEADLINE_KINDS; k++) {
		while ((d = TAILQ_FIRST(&ds->lists[k])) != NULL) {
			if (d->since + ds->durations[k] > now) {
				arm(ds, d->since + ds->durations[k], now);
				break;
			}
			deadline_clear(ds, d);
			ds->expired_cb(d, k, ds->arg);
		}
	}
	arm(ds, now + FAR, now);
}

int
deadlines_init(struct deadlines *ds, struct event_base *base,
    void (*expired_cb)(struct deadline *, enum deadline_kind, void *),
    void *arg)
{
	memset(ds, 0, sizeof(*ds));
	for (enum deadline_kind k = 0; k < DEADLINE_KINDS; k++)
		TAILQ_INIT(&ds->lists[k]);
	ds->expired_cb = expired_cb;
	ds->arg = arg;
	ds->timer = event_new(base, -1, EV_PERSIST, timer_cb, ds);
	ds->armed = INT64_MAX;
	return ds->timer == NULL ? -1 : arm(ds, FAR, 0);
}

void
deadlines_clear(struct deadlines *ds)
{
	if (ds->timer != NULL)
		event_free(ds->timer);
	ds->timer = NULL;
}

void
deadlines_configure(struct deadlines *ds, const struct conf_timeouts *t)
{
	struct timeval soon = { 0 };

	ds->durations[DEADLINE_IDLE] = t->idle;
	ds->durations[DEADLINE_HANDSHAKE] = t->handshake;
	ds->durations[DEADLINE_HEADER] = t->header;
	ds->durations[DEADLINE_MESSAGE] = t->message;
	ds->durations[DEADLINE_WRITE] = t->write / DEADLINE_LOOKS;
	ds->durations[DEADLINE_DRAIN] = t->drain;
	/* Nothing that begins meanwhile may put it off. */
	if (event_add(ds->timer, &soon) == 0)
		ds->armed = clock_ms();
}

void
deadline_start(struct deadlines *ds, struct deadline *d,
    enum deadline_kind kind)
{
	deadline_clear(ds, d);
	d->kind = kind;
	d->since = clock_ms();
	TAILQ_INSERT_TAIL(&ds->lists[kind], d, entry);
	arm(ds, d->since + ds->durations[kind], d->since);
}

void
deadline_keep(struct deadlines *ds, struct deadline *d,
    enum deadline_kind kind)
{
	if (d->kind != kind)
		deadline_start(ds, d, kind);
	else
		arm(ds, d->since + ds->durations[kind], clock_ms());
}

void
deadline_clear(struct deadlines *ds, struct deadline *d)
{
	if (d->kind == DEADLINE_NONE)
		return;
	TAILQ_REMOVE(&ds->lists[d->kind], d, entry);
	d->kind = DEADLINE_NONE;
}
