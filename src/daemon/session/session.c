/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The life of a connection, and libevent's callbacks, each of which hands on
 * to a state or a turn and is told whether the session is over.
 *
 * A session is freed by close_if() alone, and at the end of its host.  That is
 * called by the callbacks, for the session that they were called for as their
 * last deed with it, or for sessions that wait in a list; and by the functions
 * of session.h, which are handed none.
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast.h"
#include "daemon/session/peers.h"

/*
 * How long a turn takes messages that the fast path does not know, in
 * nanoseconds.  They may cost a hundred times what those cost, and a peer
 * chooses which it sends: without this bound a few that send nothing else
 * hold up all the others.
 */
#define TURN_NS		250000

/*
 * An answer of so many bytes is not copied, but sent out of the tables.  Less
 * is copied sooner than another piece is sent.
 */
#define LEND_MIN	((size_t)32 << 10)

/*
 * How long sessions that have more to do get turns, one each, before sockets
 * are looked at again, in nanoseconds.
 */
#define ROUND_NS	1000000

static struct session *
session_new(struct session_host *host, int fd,
    const struct session_door *door, struct peer_count *peer, bool counted)
{
	/* glibc's calloc(3) passes by what the last session left behind. */
	struct session *s = malloc(sizeof(*s));

	if (s == NULL) {
		close(fd);
		return NULL;
	}
	*s = (struct session){ .host = host, .door = door, .peer = peer,
	    .id = host->next_id++, .counted = counted };
	link_init(&s->link, fd, door->link, &host->owner,
	    door->listen->ss.ss_family == AF_UNIX);
	if (link_open(&s->link, door->number) != 0) {
		free(s);
		return NULL;
	}
	stream_init(&s->stream, door->listen->keep_alive);
	TAILQ_INSERT_TAIL(&host->all, s, entry);
	return s;
}

static void
session_free(struct session *s)
{
	log_debug("session closed session=%llu",
	    (unsigned long long)s->id);
	session_count_sent(s);
	session_wakeup_forget(s);
	session_enqueue(s, QUEUE_NONE);
	stream_clear(&s->stream);
	deadline_clear(&s->host->deadlines, &s->in);
	deadline_clear(&s->host->deadlines, &s->out);
	*s->host->held -= (long long)s->held;
	peer_hold(s->peer, -(int64_t)s->held);
	TAILQ_REMOVE(&s->host->all, s, entry);
	link_close(&s->link);
	s->host->gone_cb(s->peer, s->counted, s->host->arg);
	free(s->who);
	free(s);
}

static void
close_if(struct session *s, enum session_next next)
{
	if (next == SESSION_CLOSE)
		session_free(s);
}

static struct session *
session_of(void *link)
{
	return (void *)((char *)link - offsetof(struct session, link));
}

/* Send all that is kept, before something that takes long. */
static void
send_kept(struct session_host *host)
{
	const struct buf *replies;
	struct session *s;

	while ((s = session_wakeup_next(host, &replies)) != NULL)
		close_if(s, session_obey(s, session_send(s, replies) == 0 ?
		    TURN_NOTHING : TURN_OVER));
}

static void
relief_cb(struct session *s)
{
	close_if(s, SESSION_CLOSE);
}

static void
woken_cb(struct stream *stream, void *arg)
{
	(void)arg;
	session_woken((void *)((char *)stream - offsetof(struct session,
	    stream)));
}

static void
collect_woken(struct session_host *host)
{
	struct session *s;

	while ((s = session_dequeue(host, QUEUE_WOKEN)) != NULL)
		close_if(s, session_obey(s, session_turn_collect(s)));
}

/* The end of a wake-up. */
static void
wakeup_cb(struct session_host *host)
{
	send_kept(host);
	collect_woken(host);
	host->at_once_ns = SESSION_AT_ONCE_NS;
	session_memory_relieve(host, relief_cb);
}

static void
readable_cb(int fd, short what, void *link)
{
	struct session *s = session_of(link);

	(void)fd;
	(void)what;
	close_if(s, session_obey(s, session_turn_read(s)));
}

static void
wrote_cb(struct bufferevent *bev, void *link)
{
	struct session *s = session_of(link);

	(void)bev;
	close_if(s, session_wrote(s));
}

static void
broke_cb(struct bufferevent *bev, short what, void *link)
{
	(void)bev;
	(void)what;
	close_if(session_of(link), SESSION_CLOSE);
}

static void
late_cb(struct deadline *d, enum deadline_kind kind, void *arg)
{
	struct session *s = kind == DEADLINE_WRITE ?
	    (void *)((char *)d - offsetof(struct session, out)) :
	    (void *)((char *)d - offsetof(struct session, in));

	(void)arg;
	close_if(s, session_late(s, kind));
}

/* Give each session that has more to do one more turn, while there is time. */
static void
ready_cb(int fd, short what, void *arg)
{
	struct session_host *host = arg;
	/* Those that become ready again wait for the next round. */
	struct session *s, *last = TAILQ_LAST(&host->ready, session_list);
	int64_t until = clock_ns() + ROUND_NS;
	bool more = last != NULL;

	(void)fd;
	(void)what;
	send_kept(host);
	while (more && clock_ns() < until) {
		s = session_dequeue(host, QUEUE_READY);
		more = s != last;
		close_if(s, session_obey(s, session_turn(s)));
	}
	if (!TAILQ_EMPTY(&host->ready))
		session_queue_soon(host, QUEUE_READY);
}

/* A slice of one long search; the next one is another session's. */
static void
work_cb(int fd, short what, void *arg)
{
	struct session_host *host = arg;
	struct session *s;

	(void)fd;
	(void)what;
	/* Others' replies do not wait for it. */
	send_kept(host);
	s = session_dequeue(host, QUEUE_WORK);
	if (s == NULL)
		return;
	if (!TAILQ_EMPTY(&host->work))
		session_queue_soon(host, QUEUE_WORK);
	close_if(s, session_obey(s, session_turn_work(s)));
}

int
session_start(struct session_host *host, int fd,
    const struct session_door *door, struct peer_count *peer)
{
	struct session *s = session_new(host, fd, door, peer, true);
	enum session_verdict verdict;

	if (s == NULL)
		return -1;
	log_debug("session opened session=%llu", (unsigned long long)s->id);
	/* Often the request is there already; then nothing need be set up. */
	verdict = session_turn_read(s);
	close_if(s, session_obey(s, verdict == TURN_NOTHING ? TURN_SERVED :
	    verdict));
	return 0;
}

int
session_start_refused(struct session_host *host, int fd,
    const struct session_door *door, enum request_status status,
    const char *why)
{
	const struct refusal refusal = { .status = status,
	    .why = why };
	struct session *s = session_new(host, fd, door, NULL, false);

	if (s == NULL)
		return -1;
	if (link_refuse(&s->link, status == REQUEST_DENIED)) {
		s->unread = true;
		close_if(s, session_end(s));
	} else {
		close_if(s, session_refuse(s, &refusal));
	}
	return 0;
}

void
session_use_generation(struct session_host *host, uint64_t number)
{
	struct session *s, *next;

	TAILQ_FOREACH_SAFE(s, &host->all, entry, next) {
		s->gen = NULL;
		close_if(s, session_give_back(s, number - 1) == 0 ?
		    SESSION_GO_ON : SESSION_CLOSE);
	}
}

void
session_make_room(struct session_host *host)
{
	struct session *s, *end = TAILQ_FIRST(&host->all);

	TAILQ_FOREACH(s, &host->all, entry)
		if (peer_connections(s->peer) > peer_connections(end->peer))
			end = s;
	if (end != NULL)
		close_if(end, SESSION_CLOSE);
}

void
session_drain_all(struct session_host *host)
{
	struct session *s, *next;

	send_kept(host);
	host->draining = true;
	TAILQ_FOREACH_SAFE(s, &host->all, entry, next)
		/* A request that waits in the socket is still answered. */
		if (session_is_idle(s) && !link_is_readable(&s->link))
			close_if(s, session_end(s));
}

int
session_host_init(struct session_host *host)
{
	TAILQ_INIT(&host->all);
	host->next_id = 1;
	host->owner = (struct link_owner){ .base = host->base,
	    .readable_cb = readable_cb, .wrote_cb = wrote_cb,
	    .broke_cb = broke_cb };
	host->in = malloc(SESSION_IN_SIZE);
	host->at_once_ns = SESSION_AT_ONCE_NS;
	host->env.at_once_ns = &host->at_once_ns;
	host->env.turn_ns = TURN_NS;
	host->env.lend_min = LEND_MIN;
	host->env.wake_cb = woken_cb;
	host->env.fast = fast_new();
	host->env.stats = stats_new();
	if (session_queues_init(host, ready_cb, work_cb) != 0 ||
	    host->in == NULL || host->env.fast == NULL ||
	    host->env.stats == NULL ||
	    session_wakeup_init(host, wakeup_cb) != 0)
		return -1;
	return deadlines_init(&host->deadlines, host->base, late_cb, host);
}

void
session_host_clear(struct session_host *host)
{
	struct session *s, *next;

	if (host->wakeup != NULL)
		send_kept(host);
	TAILQ_FOREACH_SAFE(s, &host->all, entry, next)
		session_free(s);
	session_wakeup_clear(host);
	session_queues_clear(host);
	deadlines_clear(&host->deadlines);
	free(host->in);
	fast_free(host->env.fast);
	stats_free(host->env.stats);
	request_env_clear(&host->env);
	buf_clear(&host->out);
}
