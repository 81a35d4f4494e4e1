/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The states of a connection.
 *
 *	READ --- closing reply, end of input ---> FLUSH ---> LINGER ---> gone
 *	 |  ^                                       |
 *	 v  | output over its cap, until half left  +-- nothing to wait for
 *	FULL
 *
 * A turn takes whole messages from the bufferevent's input, gathers their
 * replies in the worker's buffer and sends them in one write; only what the
 * socket does not take is left to the bufferevent.
 */

#include "config.h"

#include "daemon/session.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/stream.h"

/* Of the worker's buffer; a larger one is given back after its turn. */
#define OUT_KEEP	((size_t)1 << 20)

/*
 * How long one search works before sockets are looked at again, in
 * microseconds: what others' lookups may wait for it.
 */
#define WORK_SLICE_US	500

/* Input beyond an unfinished message that is taken from the kernel. */
#define READ_AHEAD	((size_t)64 << 10)

enum session_state {
	SESSION_READ,		/* takes messages */
	SESSION_FULL,		/* output over its cap: takes none, reads none */
	SESSION_FLUSH,		/* the last reply is on its way */
	SESSION_LINGER		/* all is sent: reads and forgets */
};

static const char *const state_names[] = {
	[SESSION_READ] = "read",
	[SESSION_FULL] = "full",
	[SESSION_FLUSH] = "flush",
	[SESSION_LINGER] = "linger"
};

/* What a handler tells the callback that called it. */
enum session_next {
	SESSION_GO_ON,
	SESSION_CLOSE		/* nothing is left to do: free it */
};

struct session {
	TAILQ_ENTRY(session) entry;		/* of all */
	TAILQ_ENTRY(session) ready_entry;	/* of ready, if is_ready */
	TAILQ_ENTRY(session) work_entry;	/* of work, if stream.job */
	struct session_host *host;		/* borrowed */
	const struct conf_listen *listen;	/* borrowed */
	struct bufferevent *bev;		/* owned, with the socket */
	struct peer *peer;
	struct stream stream;
	struct deadline in;			/* idle, header, message, drain */
	struct deadline out;			/* write */
	uint64_t id;
	size_t held;		/* bytes counted in host->held */
	size_t queued;		/* bytes ever left to the bufferevent */
	size_t sent_mark;	/* of them sent when out was started */
	size_t read_mark;	/* most input that is taken */
	enum session_state state;
	bool eof;		/* the peer sends no more */
	bool is_ready;
	bool counted;		/* a limit counts it */
	bool broken;		/* input is left behind that was not read */
};

static void session_free(struct session *);

static struct evbuffer *
input(const struct session *s)
{
	return bufferevent_get_input(s->bev);
}

static struct evbuffer *
output(const struct session *s)
{
	return bufferevent_get_output(s->bev);
}

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

/* Count what is held for this peer.  Most turns leave nothing behind. */
static void
session_account(struct session *s)
{
	size_t held = evbuffer_get_length(input(s)) +
	    evbuffer_get_length(output(s));

	if (held == s->held)
		return;
	*s->host->held += (long long)held - (long long)s->held;
	s->held = held;
}

static bool
memory_is_short(const struct session *s)
{
	return *s->host->held > s->host->limits->memory;
}

/*
 * Come back for the rest after the others had their turns: by a timer of no
 * time, since libevent looks at sockets before timers, but would run what is
 * activated right away.
 */
static void
session_set_ready(struct session *s, bool ready)
{
	static const struct timeval now = { 0 };

	if (s->is_ready == ready)
		return;
	s->is_ready = ready;
	if (ready) {
		TAILQ_INSERT_TAIL(&s->host->ready, s, ready_entry);
		event_add(s->host->ready_event, &now);
	} else {
		TAILQ_REMOVE(&s->host->ready, s, ready_entry);
	}
}

/* Let the reply of a long search be worked at, behind those of others. */
static void
session_start_work(struct session *s)
{
	static const struct timeval now = { 0 };

	TAILQ_INSERT_TAIL(&s->host->work, s, work_entry);
	event_add(s->host->work_event, &now);
}

/*
 * Send bytes, in one write if the socket takes them; the rest waits in the
 * bufferevent's output.
 */
static enum session_next
session_send(struct session *s, const char *p, size_t len)
{
	ssize_t n = 0;

	if (len == 0)
		return SESSION_GO_ON;
	if (evbuffer_get_length(output(s)) == 0) {
		n = send(bufferevent_getfd(s->bev), p, len, MSG_NOSIGNAL);
		if (n == -1) {
			if (errno != EAGAIN && errno != EINTR)
				return SESSION_CLOSE;
			n = 0;
		}
		if ((size_t)n == len)
			return SESSION_GO_ON;
		s->sent_mark = s->queued;
		deadline_start(&s->host->deadlines, &s->out, DEADLINE_WRITE);
	}
	if (bufferevent_write(s->bev, p + n, len - (size_t)n) != 0)
		return SESSION_CLOSE;
	s->queued += len - (size_t)n;
	return SESSION_GO_ON;
}

/* Whether the socket has bytes that were not read. */
static bool
is_readable(const struct session *s)
{
	char c;

	return recv(bufferevent_getfd(s->bev), &c, 1,
	    MSG_PEEK | MSG_DONTWAIT) > 0;
}

/*
 * All is sent.  The sending side is shut at once; closing the socket with
 * unread input would reset the connection, and a reset may eat the reply, so
 * what still comes is read and forgotten until the peer ends.
 */
static enum session_next
session_finish(struct session *s)
{
	if (s->eof || (!s->broken && !is_readable(s)))
		return SESSION_CLOSE;
	shutdown(bufferevent_getfd(s->bev), SHUT_WR);
	session_set_state(s, SESSION_LINGER);
	deadline_start(&s->host->deadlines, &s->in, DEADLINE_DRAIN);
	evbuffer_drain(input(s), evbuffer_get_length(input(s)));
	bufferevent_enable(s->bev, EV_READ);
	return SESSION_GO_ON;
}

/* No further message is taken; what is to be sent goes out first. */
static enum session_next
session_end(struct session *s)
{
	session_set_state(s, SESSION_FLUSH);
	session_set_ready(s, false);
	deadline_clear(&s->host->deadlines, &s->in);
	if (evbuffer_get_length(input(s)) > 0)
		s->broken = true;
	evbuffer_drain(input(s), evbuffer_get_length(input(s)));
	if (evbuffer_get_length(output(s)) == 0)
		return session_finish(s);
	/* Until then the peer's input can wait in the kernel. */
	bufferevent_disable(s->bev, EV_READ);
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
	bufferevent_disable(s->bev, EV_READ);
	bufferevent_setwatermark(s->bev, EV_WRITE, low, 0);
}

/* Send the turn's replies and give a large buffer back. */
static enum session_next
session_send_replies(struct session *s)
{
	struct buf *out = &s->host->out;
	enum session_next next = session_send(s, out->data, out->len);

	buf_reset(out, OUT_KEEP);
	return next;
}

/* Refuse the unfinished message at the front of the input, and end. */
static enum session_next
session_refuse(struct session *s, enum request_status status,
    const char *code, const char *why)
{
	size_t len = evbuffer_get_length(input(s));
	const char *p = len == 0 ? "" :
	    (const char *)evbuffer_pullup(input(s), -1);

	s->broken = true;
	if (p == NULL || stream_refuse(&s->stream, status, code, why,
	    p, len, &s->host->out) != STREAM_CLOSE ||
	    session_send_replies(s) == SESSION_CLOSE)
		return SESSION_CLOSE;
	return session_end(s);
}

/* Room in the input for the message that is awaited. */
static void
session_set_mark(struct session *s)
{
	size_t mark = s->stream.need > READ_AHEAD ? s->stream.need :
	    READ_AHEAD;

	if (mark == s->read_mark)
		return;
	s->read_mark = mark;
	bufferevent_setwatermark(s->bev, EV_READ, 0, mark);
}

/*
 * Nothing can go on without more bytes.
 *
 * progress  whether something was answered since the last wait
 */
static enum session_next
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
		if (s->eof || (s->host->draining && !is_readable(s)))
			return session_end(s);
	} else if (s->eof) {
		return session_refuse(s, REQUEST_ERROR, "incomplete",
		    "the message is incomplete");
	} else if (memory_is_short(s)) {
		return session_refuse(s, REQUEST_BUSY, NULL,
		    "there is no memory for the message now");
	}
	session_set_mark(s);
	if (progress)
		deadline_start(&s->host->deadlines, &s->in, kind);
	else
		deadline_keep(&s->host->deadlines, &s->in, kind);
	return SESSION_GO_ON;
}

/*
 * Go on as a verdict says.
 *
 * progress  whether something was answered
 */
static enum session_next
session_obey(struct session *s, enum stream_verdict verdict, bool progress)
{
	switch (verdict) {
	case STREAM_MORE:
		return session_wait(s, progress);
	case STREAM_AGAIN:
		deadline_clear(&s->host->deadlines, &s->in);
		session_set_ready(s, true);
		break;
	case STREAM_WORK:
		deadline_clear(&s->host->deadlines, &s->in);
		session_set_ready(s, false);
		session_start_work(s);
		break;
	case STREAM_CLOSE:
		return session_end(s);
	case STREAM_FAILED:
		log_warnx("out of memory session=%llu",
		    (unsigned long long)s->id);
		return SESSION_CLOSE;
	}
	return SESSION_GO_ON;
}

/* One turn of service=messages. */
static enum session_next
session_messages(struct session *s)
{
	struct session_host *host = s->host;
	size_t len = evbuffer_get_length(input(s)), used;
	enum stream_verdict verdict;
	const char *p = "";

	if (s->stream.job != NULL)
		return SESSION_GO_ON;
	if (s->stream.state != STREAM_IDLE && len < s->stream.need)
		return session_wait(s, false);
	if (len > 0 && (p = (const char *)evbuffer_pullup(input(s),
	    -1)) == NULL)
		return SESSION_CLOSE;
	/* What has come when the drain begins is answered, all of it. */
	s->stream.draining = host->draining && !is_readable(s);
	verdict = stream_feed(&s->stream, &host->env, host->limits, p, len,
	    &used, &host->out);
	evbuffer_drain(input(s), used);
	if (session_send_replies(s) == SESSION_CLOSE)
		return SESSION_CLOSE;
	return session_obey(s, verdict, used > 0);
}

/* One turn of service=echo: what came goes back, unframed. */
static enum session_next
session_echo(struct session *s)
{
	size_t len = evbuffer_get_length(input(s));
	const char *p;

	if (len > 0) {
		if ((p = (const char *)evbuffer_pullup(input(s), -1)) == NULL ||
		    session_send(s, p, len) == SESSION_CLOSE)
			return SESSION_CLOSE;
		evbuffer_drain(input(s), len);
	}
	return session_wait(s, len > 0);
}

/* After a turn: count what it left behind, and pause if that is too much. */
static enum session_next
session_settle(struct session *s)
{
	session_account(s);
	if (s->state == SESSION_READ && evbuffer_get_length(output(s)) > 0 &&
	    (evbuffer_get_length(output(s)) >=
	    (size_t)s->host->limits->output || memory_is_short(s)))
		session_pause(s);
	return SESSION_GO_ON;
}

/* Serve what is there, within a turn's budget. */
static enum session_next
session_turn(struct session *s)
{
	enum session_next next;

	if (s->state != SESSION_READ)
		return SESSION_GO_ON;
	next = s->listen->service == CONF_SERVICE_ECHO ? session_echo(s) :
	    session_messages(s);
	return next == SESSION_CLOSE ? next : session_settle(s);
}

static void
session_read_cb(struct bufferevent *bev, void *arg)
{
	struct session *s = arg;
	enum session_next next = SESSION_GO_ON;

	(void)bev;
	if (s->state == SESSION_LINGER)
		evbuffer_drain(input(s), evbuffer_get_length(input(s)));
	else
		next = session_turn(s);
	if (next == SESSION_CLOSE)
		session_free(s);
}

/* Output has drained: to nothing, or in FULL to half of its cap. */
static void
session_write_cb(struct bufferevent *bev, void *arg)
{
	struct session *s = arg;
	enum session_next next = SESSION_GO_ON;

	(void)bev;
	if (evbuffer_get_length(output(s)) == 0)
		deadline_clear(&s->host->deadlines, &s->out);
	session_account(s);
	if (s->state == SESSION_FULL) {
		bufferevent_setwatermark(s->bev, EV_WRITE, 0, 0);
		session_set_state(s, SESSION_READ);
		if (!s->eof)
			bufferevent_enable(s->bev, EV_READ);
		next = session_turn(s);
	} else if (s->state == SESSION_FLUSH &&
	    evbuffer_get_length(output(s)) == 0) {
		next = session_finish(s);
	}
	if (next == SESSION_CLOSE)
		session_free(s);
}

static void
session_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct session *s = arg;
	enum session_next next = SESSION_GO_ON;

	(void)bev;
	if (!(what & BEV_EVENT_EOF) || s->state == SESSION_LINGER) {
		next = SESSION_CLOSE;
	} else {
		s->eof = true;
		next = session_turn(s);
	}
	if (next == SESSION_CLOSE)
		session_free(s);
}

/* The write deadline counts from the last byte taken, looked at now. */
static enum session_next
session_write_late(struct session *s)
{
	size_t sent = s->queued - evbuffer_get_length(output(s));

	if (sent == s->sent_mark)
		return SESSION_CLOSE;
	s->sent_mark = sent;
	deadline_start(&s->host->deadlines, &s->out, DEADLINE_WRITE);
	return SESSION_GO_ON;
}

static void
session_late_cb(struct deadline *d, enum deadline_kind kind, void *arg)
{
	struct session *s = kind == DEADLINE_WRITE ?
	    (void *)((char *)d - offsetof(struct session, out)) :
	    (void *)((char *)d - offsetof(struct session, in));
	enum session_next next = SESSION_CLOSE;

	(void)arg;
	log_debug("session late session=%llu state=%s",
	    (unsigned long long)s->id, state_names[s->state]);
	switch (kind) {
	case DEADLINE_HEADER:
	case DEADLINE_MESSAGE:
		next = session_refuse(s, REQUEST_ERROR, "timeout",
		    "the message did not come in time");
		break;
	case DEADLINE_WRITE:
		next = session_write_late(s);
		break;
	case DEADLINE_IDLE:
		/* Not idle while replies wait: that is for DEADLINE_WRITE. */
		if (evbuffer_get_length(output(s)) > 0) {
			deadline_start(&s->host->deadlines, d, kind);
			next = SESSION_GO_ON;
		}
		break;
	case DEADLINE_DRAIN:
	case DEADLINE_NONE:
	case DEADLINE_KINDS:
		break;
	}
	if (next == SESSION_CLOSE)
		session_free(s);
}

/* Give each session that has more to do one more turn. */
static void
session_ready_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session_host *host = arg;
	struct session_list turn = TAILQ_HEAD_INITIALIZER(turn);
	struct session *s;

	(void)fd;
	(void)what;
	/* Those that become ready again wait for the next round. */
	TAILQ_CONCAT(&turn, &host->ready, ready_entry);
	while ((s = TAILQ_FIRST(&turn)) != NULL) {
		TAILQ_REMOVE(&turn, s, ready_entry);
		s->is_ready = false;
		if (session_turn(s) == SESSION_CLOSE)
			session_free(s);
	}
}

/* A slice of one long search; the next one is another session's. */
static void
session_work_cb(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval now = { 0 };
	struct session_host *host = arg;
	struct session *s = TAILQ_FIRST(&host->work);
	enum stream_verdict verdict;
	enum session_next next;

	(void)fd;
	(void)what;
	if (s == NULL)
		return;
	TAILQ_REMOVE(&host->work, s, work_entry);
	if (!TAILQ_EMPTY(&host->work))
		event_add(host->work_event, &now);
	verdict = stream_work(&s->stream, &host->env, WORK_SLICE_US,
	    &host->out);
	if (verdict == STREAM_WORK) {
		session_start_work(s);
		return;
	}
	next = session_send_replies(s);
	if (next != SESSION_CLOSE)
		next = session_obey(s, verdict, true);
	if (next != SESSION_CLOSE)
		next = session_settle(s);
	if (next == SESSION_CLOSE)
		session_free(s);
}

static struct session *
session_new(struct session_host *host, int fd,
    const struct conf_listen *listen, struct peer *peer, bool counted)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->bev = bufferevent_socket_new(host->base, fd,
	    BEV_OPT_CLOSE_ON_FREE)) == NULL) {
		free(s);
		close(fd);
		return NULL;
	}
	s->host = host;
	s->listen = listen;
	s->peer = peer;
	s->counted = counted;
	s->id = host->next_id++;
	stream_init(&s->stream, listen->keep_alive);
	session_set_mark(s);
	bufferevent_setcb(s->bev, session_read_cb, session_write_cb,
	    session_event_cb, s);
	TAILQ_INSERT_TAIL(&host->all, s, entry);
	return s;
}

static void
session_free(struct session *s)
{
	log_debug("session closed session=%llu",
	    (unsigned long long)s->id);
	session_set_ready(s, false);
	if (s->stream.job != NULL)
		TAILQ_REMOVE(&s->host->work, s, work_entry);
	stream_clear(&s->stream);
	deadline_clear(&s->host->deadlines, &s->in);
	deadline_clear(&s->host->deadlines, &s->out);
	*s->host->held -= (long long)s->held;
	TAILQ_REMOVE(&s->host->all, s, entry);
	bufferevent_free(s->bev);
	s->host->gone_cb(s->peer, s->counted, s->host->arg);
	free(s);
}

int
session_start(struct session_host *host, int fd,
    const struct conf_listen *listen, struct peer *peer)
{
	struct session *s = session_new(host, fd, listen, peer, true);

	if (s == NULL)
		return -1;
	log_debug("session opened session=%llu", (unsigned long long)s->id);
	deadline_start(&host->deadlines, &s->in, DEADLINE_IDLE);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	return 0;
}

int
session_start_refused(struct session_host *host, int fd,
    const struct conf_listen *listen, enum request_status status,
    const char *why)
{
	struct session *s = session_new(host, fd, listen, NULL, false);

	if (s == NULL)
		return -1;
	s->broken = true;
	if ((listen->service == CONF_SERVICE_MESSAGES &&
	    request_refuse(NULL, status, NULL, why, true, &host->out) != 0) ||
	    session_send_replies(s) == SESSION_CLOSE ||
	    session_end(s) == SESSION_CLOSE)
		session_free(s);
	return 0;
}

void
session_drain_all(struct session_host *host)
{
	struct session *s, *next;

	host->draining = true;
	for (s = TAILQ_FIRST(&host->all); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		/* A request that waits in the socket is still answered. */
		if (s->state == SESSION_READ && !s->is_ready &&
		    s->stream.job == NULL &&
		    s->stream.state == STREAM_IDLE && !is_readable(s) &&
		    session_end(s) == SESSION_CLOSE)
			session_free(s);
	}
}

int
session_host_init(struct session_host *host)
{
	TAILQ_INIT(&host->all);
	TAILQ_INIT(&host->ready);
	host->next_id = 1;
	TAILQ_INIT(&host->work);
	host->ready_event = evtimer_new(host->base, session_ready_cb, host);
	host->work_event = evtimer_new(host->base, session_work_cb, host);
	if (host->ready_event == NULL || host->work_event == NULL)
		return -1;
	return deadlines_init(&host->deadlines, host->base, session_late_cb,
	    host);
}

void
session_host_clear(struct session_host *host)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&host->all)) != NULL)
		session_free(s);
	if (host->ready_event != NULL)
		event_free(host->ready_event);
	if (host->work_event != NULL)
		event_free(host->work_event);
	deadlines_clear(&host->deadlines);
	request_env_clear(&host->env);
	buf_clear(&host->out);
}
