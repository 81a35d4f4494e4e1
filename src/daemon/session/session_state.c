/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The states of a connection, and what ends each of them: bytes, deadlines,
 * the drain.
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"

static const char *const state_names[] = {
	[SESSION_READ] = "read",
	[SESSION_FULL] = "full",
	[SESSION_FLUSH] = "flush",
	[SESSION_LINGER] = "linger"
};

static enum session_next do_as_told(struct session *, enum session_verdict);

static void
set_state(struct session *s, enum session_state state)
{
	if (s->state == state)
		return;
	log_debug("session state session=%llu from=%s to=%s",
	    (unsigned long long)s->id, state_names[s->state],
	    state_names[state]);
	s->state = state;
}

/*
 * All is sent.  The sending side is shut at once; closing the socket with
 * unread input would reset the connection, and a reset may eat the reply, so
 * what still comes is read and forgotten until the peer ends.  Where all came
 * at once, and the first read emptied the socket, it is not looked at again:
 * that would be a system call more for each connection.
 */
static enum session_next
finish(struct session *s)
{
	struct link *l = &s->link;

	/* Before the socket is looked at: closing alone might reset. */
	if (l->held_back || l->has_end)
		link_shut(l);
	if (link_unsent(l) == 0) {
		if (s->eof || (!s->unread && (l->all_read ||
		    !link_is_readable(l))) || link_own(l) != 0)
			return SESSION_CLOSE;
		link_shut(l);
	}
	/* The transport's own end: this is called again behind it. */
	if (link_unsent(l) > 0) {
		session_expect(s);
		return SESSION_GO_ON;
	}
	set_state(s, SESSION_LINGER);
	deadline_start(&s->host->deadlines, &s->in, DEADLINE_DRAIN);
	return link_set_reading(l, true) == 0 ? SESSION_GO_ON : SESSION_CLOSE;
}

enum session_next
session_end(struct session *s)
{
	set_state(s, SESSION_FLUSH);
	session_enqueue(s, QUEUE_NONE);
	deadline_clear(&s->host->deadlines, &s->in);
	if (s->link.left > 0)
		s->unread = true;
	link_drop(&s->link, s->link.left);
	if (link_unsent(&s->link) == 0)
		return finish(s);
	/* Until then the peer's input can wait in the kernel. */
	link_set_reading(&s->link, false);
	link_wake_at(&s->link, 0);
	return SESSION_GO_ON;
}

enum session_next
session_refuse(struct session *s, const struct refusal *why)
{
	return do_as_told(s, session_turn_refuse(s, why));
}

/* The output at which a peer that took too little is read again. */
static size_t
half(const struct session *s)
{
	return (size_t)s->host->limits->output / 2;
}

/* Output over its cap: the peer must take some before it is read again. */
static void
pause_reading(struct session *s)
{
	set_state(s, SESSION_FULL);
	/* Work goes on: it was begun, and so much is owed at most. */
	if (s->queue == QUEUE_READY)
		session_enqueue(s, session_rest(s));
	deadline_clear(&s->host->deadlines, &s->in);
	link_set_reading(&s->link, false);
	link_wake_at(&s->link, half(s));
}

/*
 * Nothing can go on without more bytes.
 *
 * progress  whether something was answered since the last wait
 */
static enum session_next
wait_for_more(struct session *s, bool progress)
{
	static const enum deadline_kind kinds[] = {
		[STREAM_IDLE] = DEADLINE_IDLE,
		[STREAM_HEADER] = DEADLINE_HEADER,
		[STREAM_CONTENT] = DEADLINE_MESSAGE
	};
	static const struct refusal incomplete = { REQUEST_ERROR,
	    "incomplete", "the message is incomplete" };
	static const struct refusal no_memory = { REQUEST_BUSY, NULL,
	    "there is no memory for the message now" };
	struct deadlines *ds = &s->host->deadlines;

	session_enqueue(s, session_rest(s));
	if (s->stream.state == STREAM_IDLE) {
		if (!session_owes(s) && (s->eof || (s->host->draining &&
		    !link_is_readable(&s->link))))
			return session_end(s);
	} else if (s->eof) {
		return session_refuse(s, &incomplete);
	} else if (!session_memory_allows(s)) {
		return session_refuse(s, &no_memory);
	}
	if (link_own(&s->link) != 0 ||
	    link_set_reading(&s->link, !s->eof) != 0)
		return SESSION_CLOSE;
	if (s->link.opening)
		deadline_keep(ds, &s->in, DEADLINE_HANDSHAKE);
	else if (progress)
		deadline_start(ds, &s->in, kinds[s->stream.state]);
	else
		deadline_keep(ds, &s->in, kinds[s->stream.state]);
	return SESSION_GO_ON;
}

/* It goes on without the peer: what follows can wait in the kernel. */
static enum session_next
go_on_alone(struct session *s, enum session_queue queue)
{
	if (link_own(&s->link) != 0)
		return SESSION_CLOSE;
	link_set_reading(&s->link, false);
	s->link.all_read = false;
	deadline_clear(&s->host->deadlines, &s->in);
	session_enqueue(s, queue);
	return SESSION_GO_ON;
}

static enum session_next
do_as_told(struct session *s, enum session_verdict verdict)
{
	switch (verdict) {
	case TURN_NOTHING:
		return SESSION_GO_ON;
	case TURN_WAIT:
	case TURN_SERVED:
		return wait_for_more(s, verdict == TURN_SERVED);
	case TURN_AGAIN:
		return go_on_alone(s, s->state == SESSION_READ ? QUEUE_READY :
		    session_rest(s));
	case TURN_OWES:
		if (go_on_alone(s, session_rest(s)) == SESSION_CLOSE)
			return SESSION_CLOSE;
		/* For an answer that does not come. */
		deadline_start(&s->host->deadlines, &s->in, DEADLINE_IDLE);
		return SESSION_GO_ON;
	case TURN_WORKED:
		session_enqueue(s, session_rest(s));
		return SESSION_GO_ON;
	case TURN_LAST:
		return session_end(s);
	case TURN_OVER:
		break;
	}
	return SESSION_CLOSE;
}

void
session_settle(struct session *s)
{
	size_t unsent = link_unsent(&s->link);
	bool is_short;

	session_account(s);
	if (unsent == 0 && !session_owes(s))
		return;
	/* The transport's own, which it sends when it reads. */
	if (unsent > 0 && s->out.kind == DEADLINE_NONE)
		session_expect(s);
	is_short = session_memory_is_short(s, 0);
	/* What is owed alone is the stream's to bound, which then waits. */
	if (s->state == SESSION_READ && unsent > 0 && (is_short ||
	    unsent + stream_bytes(&s->stream) >=
	    (size_t)s->host->limits->output))
		pause_reading(s);
}

enum session_next
session_obey(struct session *s, enum session_verdict verdict)
{
	if (do_as_told(s, verdict) == SESSION_CLOSE)
		return SESSION_CLOSE;
	session_settle(s);
	return SESSION_GO_ON;
}

enum session_next
session_wrote(struct session *s)
{
	bool all;

	if (link_wrote(&s->link, &all) != 0)
		return SESSION_CLOSE;
	if (all)
		deadline_clear(&s->host->deadlines, &s->out);
	session_count_sent(s);
	session_account(s);
	if (s->state == SESSION_FULL && link_unsent(&s->link) <= half(s)) {
		/* That the peer did not take them is not our time. */
		s->since = stats_begin(s->host->env.stats);
		link_wake_at(&s->link, 0);
		set_state(s, SESSION_READ);
		return session_obey(s, session_turn(s));
	}
	return s->state == SESSION_FLUSH && all ? finish(s) : SESSION_GO_ON;
}

/* The time for writing counts from the last byte taken, looked at now. */
static enum session_next
late_to_write(struct session *s)
{
	size_t sent = link_sent(&s->link);

	if (sent != s->sent_mark)
		s->looks = 0;
	else if (++s->looks == DEADLINE_LOOKS)
		return SESSION_CLOSE;
	s->sent_mark = sent;
	deadline_start(&s->host->deadlines, &s->out, DEADLINE_WRITE);
	return SESSION_GO_ON;
}

/* What a deadline does; *late is set to false where it is none yet. */
static enum session_next
end_late(struct session *s, enum deadline_kind kind, bool *late)
{
	static const struct refusal timeout = { REQUEST_ERROR,
	    "timeout", "the message did not come in time" };
	enum session_next next;

	switch (kind) {
	case DEADLINE_HEADER:
	case DEADLINE_MESSAGE:
		s->since = stats_begin(s->host->env.stats);
		return session_refuse(s, &timeout);
	case DEADLINE_WRITE:
		next = late_to_write(s);
		*late = next == SESSION_CLOSE;
		return next;
	case DEADLINE_IDLE:
		/* Not while replies wait: that is for DEADLINE_WRITE. */
		if (session_is_idle(s) && link_unsent(&s->link) == 0)
			break;
		/* Nobody waits longer for an answer than for a request. */
		if (session_owes(s) && !stream_runs(&s->stream)) {
			stream_give_up(&s->stream);
			session_woken(s);
		}
		deadline_start(&s->host->deadlines, &s->in, kind);
		*late = false;
		return SESSION_GO_ON;
	case DEADLINE_HANDSHAKE:
	case DEADLINE_DRAIN:
	case DEADLINE_NONE:
	case DEADLINE_KINDS:
		break;
	}
	return SESSION_CLOSE;
}

enum session_next
session_late(struct session *s, enum deadline_kind kind)
{
	static const enum stats_counter counters[DEADLINE_KINDS] = {
		[DEADLINE_IDLE] = STATS_TIMEOUT_IDLE,
		[DEADLINE_HANDSHAKE] = STATS_TIMEOUT_HANDSHAKE,
		[DEADLINE_HEADER] = STATS_TIMEOUT_HEADER,
		[DEADLINE_MESSAGE] = STATS_TIMEOUT_MESSAGE,
		[DEADLINE_WRITE] = STATS_TIMEOUT_WRITE,
		[DEADLINE_DRAIN] = STATS_TIMEOUT_DRAIN
	};
	enum session_next next;
	bool late = kind != DEADLINE_NONE && kind != DEADLINE_KINDS;

	log_debug("session late session=%llu state=%s",
	    (unsigned long long)s->id, state_names[s->state]);
	next = end_late(s, kind, &late);
	if (late)
		stats_add(s->host->env.stats, counters[kind], 1);
	if (next == SESSION_GO_ON)
		session_account(s);	/* a message may be dropped */
	return next;
}
