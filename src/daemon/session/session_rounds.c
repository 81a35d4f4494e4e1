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

#include "common/clock.h"
#include "daemon/record/stats.h"
#include "daemon/session/session_wakeup.h"

/*
 * How long one search works before sockets are looked at again, in
 * microseconds: what others' lookups may wait for it.
 */
#define WORK_SLICE_US	500

/* After how many slices it is looked whether somebody waits for the reply. */
#define SLICES_BLIND	4

/*
 * How long sessions that have more to do get turns, one each, before sockets
 * are looked at again, in nanoseconds.
 */
#define ROUND_NS	1000000

/*
 * Have an event run after the others had their turns: by a timer of no time,
 * since libevent looks at sockets before timers, but would run what is
 * activated right away.  That is still better than never, where there is no
 * memory for a timer.
 */
static void
run_soon(struct event *event)
{
	static const struct timeval now = { 0 };

	if (event_add(event, &now) != 0)
		event_active(event, EV_TIMEOUT, 0);
}

/* Come back for the rest after the others had their turns. */
void
session_set_ready(struct session *s, bool ready)
{
	if (s->is_ready == ready)
		return;
	s->is_ready = ready;
	if (ready) {
		TAILQ_INSERT_TAIL(&s->host->ready, s, ready_entry);
		run_soon(s->host->ready_event);
	} else {
		TAILQ_REMOVE(&s->host->ready, s, ready_entry);
	}
}

/* Let the reply of a long search be worked at, behind those of others. */
void
session_start_work(struct session *s)
{
	s->works = true;
	TAILQ_INSERT_TAIL(&s->host->work, s, work_entry);
	run_soon(s->host->work_event);
}

/* Give each session that has more to do one more turn, while there is time. */
static void
ready_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session_host *host = arg;
	/* Those that become ready again wait for the next round. */
	struct session *s, *last = TAILQ_LAST(&host->ready, session_list);
	int64_t until = clock_ns() + ROUND_NS;
	bool more = last != NULL;

	(void)fd;
	(void)what;
	session_wakeup_send(host);
	while (more && clock_ns() < until) {
		s = TAILQ_FIRST(&host->ready);
		more = s != last;
		session_set_ready(s, false);
		if (session_turn(s) == SESSION_CLOSE)
			session_free(s);
	}
	if (!TAILQ_EMPTY(&host->ready))
		run_soon(host->ready_event);
}

/* A slice of one long search; the next one is another session's. */
static void
work_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session_host *host = arg;
	struct session *s;
	enum stream_verdict verdict;
	enum session_next next;

	(void)fd;
	(void)what;
	/* Others' replies do not wait for it. */
	session_wakeup_send(host);
	s = TAILQ_FIRST(&host->work);
	if (s == NULL)
		return;
	TAILQ_REMOVE(&host->work, s, work_entry);
	s->works = false;
	if (!TAILQ_EMPTY(&host->work))
		run_soon(host->work_event);
	if (s->slices++ % SLICES_BLIND == 0 && session_is_gone(s)) {
		session_free(s);
		return;
	}
	session_log_turn(s);
	verdict = stream_work(&s->stream, &host->env, WORK_SLICE_US,
	    &host->out);
	if (verdict == STREAM_WORK) {
		session_start_work(s);
		return;
	}
	stats_end(host->env.stats, s->since);
	next = session_send_replies(s, verdict == STREAM_CLOSE);
	if (next != SESSION_CLOSE)
		next = session_obey(s, verdict, true);
	if (next != SESSION_CLOSE)
		next = session_settle(s);
	if (next == SESSION_CLOSE)
		session_free(s);
}

int
session_rounds_init(struct session_host *host)
{
	TAILQ_INIT(&host->ready);
	TAILQ_INIT(&host->work);
	host->ready_event = evtimer_new(host->base, ready_cb, host);
	host->work_event = evtimer_new(host->base, work_cb, host);
	return host->ready_event == NULL || host->work_event == NULL ? -1 : 0;
}

void
session_rounds_clear(struct session_host *host)
{
	if (host->ready_event != NULL)
		event_free(host->ready_event);
	if (host->work_event != NULL)
		event_free(host->work_event);
}
