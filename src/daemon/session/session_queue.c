/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sessions that go on without new bytes: those that have more to do than a
 * turn, and those with a reply that takes long.  They share what time the
 * sockets of all others leave them.
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include <event2/event.h>

int
session_queues_init(struct session_host *host,
    void (*ready_cb)(int, short, void *), void (*work_cb)(int, short, void *))
{
	TAILQ_INIT(&host->ready);
	TAILQ_INIT(&host->work);
	TAILQ_INIT(&host->woken);
	host->ready_event = evtimer_new(host->base, ready_cb, host);
	host->work_event = evtimer_new(host->base, work_cb, host);
	return host->ready_event == NULL || host->work_event == NULL ? -1 : 0;
}

void
session_queues_clear(struct session_host *host)
{
	if (host->ready_event != NULL)
		event_free(host->ready_event);
	if (host->work_event != NULL)
		event_free(host->work_event);
}

/*
 * By a timer of no time, since libevent looks at sockets before timers, but
 * would run what is activated right away.  That is still better than never,
 * where there is no memory for a timer.
 */
void
session_queue_soon(struct session_host *host, enum session_queue queue)
{
	static const struct timeval now = { 0 };
	struct event *event = queue == QUEUE_READY ? host->ready_event :
	    host->work_event;

	if (event_add(event, &now) != 0)
		event_active(event, EV_TIMEOUT, 0);
}

static struct session_list *
list_of(struct session_host *host, enum session_queue queue)
{
	return queue == QUEUE_READY ? &host->ready : queue == QUEUE_WORK ?
	    &host->work : &host->woken;
}

void
session_woken(struct session *s)
{
	/* A turn or a slice that it waits for takes answers up, too. */
	if (s->queue == QUEUE_NONE)
		session_enqueue(s, QUEUE_WOKEN);
}

void
session_enqueue(struct session *s, enum session_queue queue)
{
	if (s->queue == queue || s->queue == QUEUE_KEPT)
		return;
	if (s->queue != QUEUE_NONE)
		TAILQ_REMOVE(list_of(s->host, s->queue), s, queue_entry);
	s->queue = queue;
	if (queue == QUEUE_NONE)
		return;
	TAILQ_INSERT_TAIL(list_of(s->host, queue), s, queue_entry);
	if (queue == QUEUE_WOKEN)
		session_wakeup_end(s->host);
	else
		session_queue_soon(s->host, queue);
}

struct session *
session_dequeue(struct session_host *host, enum session_queue queue)
{
	struct session *s = TAILQ_FIRST(list_of(host, queue));

	if (s != NULL)
		session_enqueue(s, QUEUE_NONE);
	return s;
}
