/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The states of a connection, and what ends each of them: bytes, deadlines,
 * the drain.  A session is freed by the functions that libevent's callbacks
 * end in, for itself or, where memory is short, for others, and by
 * session_start().
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast.h"
#include "daemon/session/peers.h"
#include "daemon/session/session_wakeup.h"

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

static const char *const state_names[] = {
	[SESSION_READ] = "read",
	[SESSION_FULL] = "full",
	[SESSION_FLUSH] = "flush",
	[SESSION_LINGER] = "linger"
};

static void
session_set_state(struct session *s, enum session_state state)
{
	if (s->state == state)
		return;
	log_debug("session state session=%llu from=%s to=%s",
	    (unsigned long long)s->id, state_names[s->state],
	    state_names[state]);
	s->state = state;
}

/* Count what the bufferevent has sent since the last time. */
static void
session_count_sent(struct session *s)
{
	size_t sent = s->queued - session_output_len(s);

	stats_add(s->host->env.stats, STATS_BYTES_OUT, sent - s->sent_counted);
	s->sent_counted = sent;
}

/*
 * All is sent.  The sending side is shut at once; closing the socket with
 * unread input would reset the connection, and a reset may eat the reply, so
 * what still comes is read and forgotten until the peer ends.  Where all came
 * at once, and the first read emptied the socket, it is not looked at again:
 * that would be a system call more for each connection.
 */
static enum session_next
session_finish(struct session *s)
{
	/* Before the socket is looked at: closing alone might reset. */
	if (s->held_back)
		shutdown(s->fd, SHUT_WR);
	if (s->eof || (!s->broken && (s->all_read ||
	    !session_is_readable(s))))
		return SESSION_CLOSE;
	if (session_own(s) == SESSION_CLOSE)
		return SESSION_CLOSE;
	shutdown(s->fd, SHUT_WR);
	session_set_state(s, SESSION_LINGER);
	deadline_start(&s->host->deadlines, &s->in, DEADLINE_DRAIN);
	return session_set_reading(s, true);
}

/* No further message is taken; what is to be sent goes out first. */
static enum session_next
session_end(struct session *s)
{
	session_set_state(s, SESSION_FLUSH);
	session_set_ready(s, false);
	deadline_clear(&s->host->deadlines, &s->in);
	if (session_drop_input(s))
		s->broken = true;
	if (session_output_len(s) == 0)
		return session_finish(s);
	/* Until then the peer's input can wait in the kernel. */
	session_set_reading(s, false);
	bufferevent_setwatermark(s->bev, EV_WRITE, 0, 0);
	return SESSION_GO_ON;
}

/* Output over its cap: the peer must take some before it is read again. */
static void
session_pause(struct session *s)
{
	size_t low = (size_t)s->host->limits->output / 2;

	session_set_state(s, SESSION_FULL);
	session_set_ready(s, false);
	deadline_clear(&s->host->deadlines, &s->in);
	session_set_reading(s, false);
	bufferevent_setwatermark(s->bev, EV_WRITE, low, 0);
}

/* Refuse the unfinished message at the front of the input, and end. */
static enum session_next
session_refuse(struct session *s, enum request_status status,
    const char *code, const char *why)
{
	const struct session_talk talk = session_talk(s, s->host->limits);
	const struct session_refusal refusal = { status, code, why };
	size_t len;
	const char *p = session_input(s, &len);

	s->broken = true;
	session_log_turn(s);
	if (p == NULL || s->door->service->refuse(&talk, &refusal, p,
	    len) != STREAM_CLOSE)
		return SESSION_CLOSE;
	if (s->counted)
		stats_answered(s->host->env.stats, STATS_OTHER, status, 1);
	stats_end(s->host->env.stats, s->since);
	if (session_send_replies(s, true) == SESSION_CLOSE)
		return SESSION_CLOSE;
	return session_end(s);
}

enum session_next
session_wait(struct session *s, bool progress)
{
	static const enum deadline_kind kinds[] = {
		[STREAM_IDLE] = DEADLINE_IDLE,
		[STREAM_HEADER] = DEADLINE_HEADER,
		[STREAM_CONTENT] = DEADLINE_MESSAGE
	};
	enum deadline_kind kind = kinds[s->stream.state];

	session_set_ready(s, false);
	if (s->stream.state == STREAM_IDLE) {
		if (s->eof || (s->host->draining && !session_is_readable(s)))
			return session_end(s);
	} else if (s->eof) {
		return session_refuse(s, REQUEST_ERROR, "incomplete",
		    "the message is incomplete");
	} else if (!session_memory_allows(s)) {
		return session_refuse(s, REQUEST_BUSY, NULL,
		    "there is no memory for the message now");
	}
	if (session_own(s) == SESSION_CLOSE ||
	    session_set_reading(s, true) == SESSION_CLOSE)
		return SESSION_CLOSE;
	if (progress)
		deadline_start(&s->host->deadlines, &s->in, kind);
	else
		deadline_keep(&s->host->deadlines, &s->in, kind);
	return SESSION_GO_ON;
}

enum session_next
session_obey(struct session *s, enum stream_verdict verdict, bool progress)
{
	switch (verdict) {
	case STREAM_MORE:
		return session_wait(s, progress);
	case STREAM_AGAIN:
	case STREAM_WORK:
		if (session_own(s) == SESSION_CLOSE)
			return SESSION_CLOSE;
		/* What follows can wait in the kernel meanwhile. */
		session_set_reading(s, false);
		s->all_read = false;
		deadline_clear(&s->host->deadlines, &s->in);
		session_set_ready(s, verdict == STREAM_AGAIN);
		if (verdict == STREAM_WORK)
			session_start_work(s);
		return SESSION_GO_ON;
	case STREAM_CLOSE:
		return session_end(s);
	case STREAM_FAILED:
		log_warnx("out of memory session=%llu",
		    (unsigned long long)s->id);
		break;
	}
	return SESSION_CLOSE;
}

/* After a turn: count what it left behind, and pause if that is too much. */
enum session_next
session_settle(struct session *s)
{
	session_account(s);
	if (s->state == SESSION_READ && session_output_len(s) > 0 &&
	    (session_output_len(s) >=
	    (size_t)s->host->limits->output || session_memory_is_short(s, 0)))
		session_pause(s);
	return SESSION_GO_ON;
}

/* Serve what is there, within a turn's budget. */
enum session_next
session_turn(struct session *s)
{
	if (s->state != SESSION_READ)
		return SESSION_GO_ON;
	return session_serve_input(s) == SESSION_CLOSE ? SESSION_CLOSE :
	    session_settle(s);
}

void
session_readable(struct session *s)
{
	if (session_read(s) == SESSION_CLOSE ||
	    session_settle(s) == SESSION_CLOSE)
		session_free(s);
}

void
session_sent(struct session *s, enum session_next next)
{
	if (next == SESSION_CLOSE || session_settle(s) == SESSION_CLOSE)
		session_free(s);
}

/* Output has drained: to nothing, or in FULL to half of its cap. */
void
session_wrote(struct session *s)
{
	enum session_next next = SESSION_GO_ON;

	if (session_output_len(s) == 0) {
		s->unsent = false;
		deadline_clear(&s->host->deadlines, &s->out);
	}
	session_count_sent(s);
	session_account(s);
	if (s->state == SESSION_FULL) {
		/* That the peer did not take them is not our time. */
		s->since = stats_begin(s->host->env.stats);
		bufferevent_setwatermark(s->bev, EV_WRITE, 0, 0);
		session_set_state(s, SESSION_READ);
		next = session_turn(s);
	} else if (s->state == SESSION_FLUSH && session_output_len(s) == 0) {
		next = session_finish(s);
	}
	if (next == SESSION_CLOSE)
		session_free(s);
}

void
session_broke(struct session *s)
{
	session_free(s);
}

/* The time for writing counts from the last byte taken, looked at now. */
static enum session_next
session_write_late(struct session *s)
{
	size_t sent = s->queued - session_output_len(s);

	if (sent != s->sent_mark)
		s->looks = 0;
	else if (++s->looks == DEADLINE_LOOKS)
		return SESSION_CLOSE;
	s->sent_mark = sent;
	deadline_start(&s->host->deadlines, &s->out, DEADLINE_WRITE);
	return SESSION_GO_ON;
}

static const enum stats_counter late_counters[DEADLINE_KINDS] = {
	[DEADLINE_IDLE] = STATS_TIMEOUT_IDLE,
	[DEADLINE_HEADER] = STATS_TIMEOUT_HEADER,
	[DEADLINE_MESSAGE] = STATS_TIMEOUT_MESSAGE,
	[DEADLINE_WRITE] = STATS_TIMEOUT_WRITE,
	[DEADLINE_DRAIN] = STATS_TIMEOUT_DRAIN
};

static void
session_late_cb(struct deadline *d, enum deadline_kind kind, void *arg)
{
	struct session *s = kind == DEADLINE_WRITE ?
	    (void *)((char *)d - offsetof(struct session, out)) :
	    (void *)((char *)d - offsetof(struct session, in));
	enum session_next next = SESSION_CLOSE;
	bool late = true;

	(void)arg;
	log_debug("session late session=%llu state=%s",
	    (unsigned long long)s->id, state_names[s->state]);
	switch (kind) {
	case DEADLINE_HEADER:
	case DEADLINE_MESSAGE:
		s->since = stats_begin(s->host->env.stats);
		next = session_refuse(s, REQUEST_ERROR, "timeout",
		    "the message did not come in time");
		break;
	case DEADLINE_WRITE:
		next = session_write_late(s);
		late = next == SESSION_CLOSE;
		break;
	case DEADLINE_IDLE:
		/* Not idle while replies wait: that is for DEADLINE_WRITE. */
		if (session_output_len(s) > 0 || s->kept) {
			deadline_start(&s->host->deadlines, d, kind);
			next = SESSION_GO_ON;
			late = false;
		}
		break;
	case DEADLINE_DRAIN:
		break;
	case DEADLINE_NONE:
	case DEADLINE_KINDS:
		return;			/* nothing is late */
	}
	if (late)
		stats_add(s->host->env.stats, late_counters[kind], 1);
	if (next == SESSION_CLOSE)
		session_free(s);
	else
		session_account(s);	/* a message may be dropped */
}

static struct session *
session_new(struct session_host *host, int fd,
    const struct session_door *door, struct peer *peer, bool counted)
{
	/* glibc's calloc(3) passes by what the last session left behind. */
	struct session *s = malloc(sizeof(*s));

	if (s == NULL) {
		close(fd);
		return NULL;
	}
	*s = (struct session){ .host = host, .door = door, .peer = peer,
	    .id = host->next_id++, .fd = fd, .counted = counted };
	stream_init(&s->stream, door->listen->keep_alive);
	TAILQ_INSERT_TAIL(&host->all, s, entry);
	return s;
}

void
session_free(struct session *s)
{
	log_debug("session closed session=%llu",
	    (unsigned long long)s->id);
	session_count_sent(s);
	session_set_ready(s, false);
	session_wakeup_forget(s);
	/* Not by its job: sending may fail between that and the list. */
	if (s->works)
		TAILQ_REMOVE(&s->host->work, s, work_entry);
	stream_clear(&s->stream);
	deadline_clear(&s->host->deadlines, &s->in);
	deadline_clear(&s->host->deadlines, &s->out);
	*s->host->held -= (long long)s->held;
	peer_hold(s->peer, -(int64_t)s->held);
	session_forget_borrowed(s);
	TAILQ_REMOVE(&s->host->all, s, entry);
	session_set_reading(s, false);
	if (s->bev != NULL)
		bufferevent_free(s->bev);
	else
		close(s->fd);
	s->host->gone_cb(s->peer, s->counted, s->host->arg);
	free(s->who);
	free(s);
}

int
session_start(struct session_host *host, int fd,
    const struct session_door *door, struct peer *peer)
{
	struct session *s = session_new(host, fd, door, peer, true);

	if (s == NULL)
		return -1;
	log_debug("session opened session=%llu", (unsigned long long)s->id);
	/* Often the request is there already; then nothing need be set up. */
	if (session_read(s) == SESSION_CLOSE ||
	    (s->stream.state == STREAM_IDLE && !s->reading &&
	    s->state == SESSION_READ && !s->is_ready && s->stream.job == NULL &&
	    session_wait(s, true) == SESSION_CLOSE) ||
	    session_settle(s) == SESSION_CLOSE)
		session_free(s);
	return 0;
}

int
session_start_refused(struct session_host *host, int fd,
    const struct session_door *door, enum request_status status,
    const char *why)
{
	struct session *s = session_new(host, fd, door, NULL, false);

	if (s == NULL)
		return -1;
	if (session_refuse(s, status, NULL, why) == SESSION_CLOSE)
		session_free(s);
	return 0;
}

void
session_use_generation(struct session_host *host, uint64_t number)
{
	struct session *s, *next;

	for (s = TAILQ_FIRST(&host->all); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->borrowed != NULL && session_return_borrowed(s,
		    number - 1) == SESSION_CLOSE)
			session_free(s);
	}
}

void
session_drain_all(struct session_host *host)
{
	struct session *s, *next;

	session_wakeup_send(host);
	host->draining = true;
	for (s = TAILQ_FIRST(&host->all); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		/* A request that waits in the socket is still answered. */
		if (s->state == SESSION_READ && !s->is_ready &&
		    s->stream.job == NULL &&
		    s->stream.state == STREAM_IDLE && !session_is_readable(s) &&
		    session_end(s) == SESSION_CLOSE)
			session_free(s);
	}
}

int
session_host_init(struct session_host *host)
{
	TAILQ_INIT(&host->all);
	host->next_id = 1;
	host->in = malloc(SESSION_IN_SIZE);
	host->env.turn_ns = TURN_NS;
	host->env.lend_min = LEND_MIN;
	host->env.fast = fast_new();
	host->env.stats = stats_new();
	if (session_rounds_init(host) != 0 ||
	    host->in == NULL || host->env.fast == NULL ||
	    host->env.stats == NULL || session_wakeup_init(host) != 0)
		return -1;
	return deadlines_init(&host->deadlines, host->base, session_late_cb,
	    host);
}

void
session_host_clear(struct session_host *host)
{
	struct session *s, *next;

	if (host->wakeup != NULL)
		session_wakeup_send(host);
	TAILQ_FOREACH_SAFE(s, &host->all, entry, next)
		session_free(s);
	session_wakeup_clear(host);
	session_rounds_clear(host);
	deadlines_clear(&host->deadlines);
	free(host->in);
	fast_free(host->env.fast);
	stats_free(host->env.stats);
	request_env_clear(&host->env);
	buf_clear(&host->out);
}
