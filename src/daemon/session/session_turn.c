/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A turn: bytes into the service of a connection, and its replies out.
 *
 * A link is read straight into the worker's buffer, behind what was left
 * unfinished, and the replies of all that came are written in one go: two
 * system calls a wake-up, where a bufferevent's own reading takes an ioctl(2)
 * more and stops at 4,096 bytes.  What is unfinished stays with the link until
 * there is more.
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include <errno.h>

#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/views.h"
#include "daemon/who/who.h"
#include "daemon/who/who_names.h"

/*
 * How long one search works before sockets are looked at again, in
 * microseconds: what others' lookups may wait for it.
 */
#define WORK_SLICE_US	500

/* After how many slices it is looked whether somebody waits for the reply. */
#define SLICES_BLIND	4

/* If there is an access log: what follows is this session's. */
static void
begin_log(struct session *s)
{
	struct access *access = s->host->env.access;

	if (access == NULL)
		return;
	access_turn(access, (struct access_peer){ &s->who, link_fd(&s->link),
	    s->door->listen, who_names_first(link_names(&s->link),
	    WHO_NAME_CN) }, s->since);
}

/* Who the client is; as who_read(). */
static int
read_client(const struct session *s, struct who *who)
{
	return who_read(who, link_fd(&s->link),
	    s->door->listen->ss.ss_family, link_names(&s->link));
}

/*
 * Look who the client is, and so which tables it may ask.
 *
 * Returns 0, or -1 when out of memory: it must not be answered from more.
 */
static int
look(struct session *s)
{
	struct generation *gen = s->host->gen;
	struct who who;

	if (gen != NULL && gen->views != NULL) {
		if (read_client(s, &who) == 0)
			gen = views_find(gen, &who);
		else
			gen = NULL;
		who_clear(&who);
		if (gen == NULL) {
			log_warnx("out of memory session=%llu",
			    (unsigned long long)s->id);
			return -1;
		}
	}
	s->gen = gen;
	return 0;
}

/* What follows is answered from what the client may see. */
static int
begin_answers(struct session *s)
{
	if (s->gen == NULL && look(s) != 0)
		return -1;
	s->host->env.gen = s->gen;
	return 0;
}

static struct session_talk
begin_talk(struct session *s, const struct conf_limits *limits)
{
	begin_log(s);
	return (struct session_talk){ .stream = &s->stream,
	    .env = &s->host->env, .limits = limits,
	    .listen = s->door->listen, .out = &s->host->out,
	    .arg = s->host->arg };
}

static enum session_verdict
judge(const struct session *s, enum stream_verdict verdict, bool progress)
{
	switch (verdict) {
	case STREAM_MORE:
		return progress ? TURN_SERVED : TURN_WAIT;
	case STREAM_AGAIN:
		return TURN_AGAIN;
	case STREAM_WAIT:
		return TURN_OWES;
	case STREAM_CLOSE:
		return TURN_LAST;
	case STREAM_FAILED:
		log_warnx("out of memory session=%llu",
		    (unsigned long long)s->id);
		break;
	}
	return TURN_OVER;
}

/*
 * Leave in the link what was not used of the bytes in hand.
 *
 * p, len  all of them; the first kept of them are its input already
 * used    done with
 */
static int
leave(struct session *s, const char *p, size_t len, size_t kept, size_t used)
{
	link_drop(&s->link, kept < used ? kept : used);
	if (used > kept)
		kept = used;
	return len > kept ? link_keep(&s->link, p + kept, len - kept) : 0;
}

/* Whether replies may wait for the wake-up's end. */
static bool
may_keep(const struct session *s)
{
	return session_is_idle(s) && !s->eof && !s->host->draining &&
	    s->host->env.lent.text == NULL && link_unsent(&s->link) == 0;
}

/* Whether what has come for a host is all that it answers. */
static bool
is_last(const struct session_host *host)
{
	return host->draining || (host->is_last != NULL &&
	    atomic_load_explicit(host->is_last, memory_order_relaxed));
}

/* One turn of its service on the bytes in hand, as leave() has them. */
static enum session_verdict
serve(struct session *s, const char *p, size_t len, size_t kept)
{
	struct session_host *host = s->host;
	struct conf_limits tight;
	const struct session_talk talk = begin_talk(s,
	    session_memory_limits(s, &tight));
	enum stream_verdict verdict;
	size_t used;

	if (begin_answers(s) != 0)
		return TURN_OVER;
	/* What has come when the drain begins is answered, all of it. */
	s->stream.draining = is_last(host) && !link_is_readable(&s->link);
	host->env.since = s->since;
	verdict = s->door->service->feed(&talk, p, len, &used);
	stats_end(host->env.stats, s->since);
	if (host->at_once_ns < SESSION_AT_ONCE_NS)
		session_wakeup_end(host);
	if (verdict == STREAM_MORE && may_keep(s) && session_wakeup_keep(s))
		buf_reset(&host->out, SESSION_OUT_KEEP);
	else if (session_send_replies(s, verdict == STREAM_CLOSE) != 0)
		return TURN_OVER;
	if (leave(s, p, len, kept, used) != 0)
		return TURN_OVER;
	if (used > 0 && host->by_turn) {
		TAILQ_REMOVE(&host->all, s, entry);
		TAILQ_INSERT_TAIL(&host->all, s, entry);
	}
	return judge(s, verdict, used > 0);
}

enum session_verdict
session_turn(struct session *s)
{
	size_t len = s->link.left;
	const char *p;

	if (s->stream.state != STREAM_IDLE && len < s->stream.need &&
	    !session_owes(s))
		return TURN_WAIT;
	p = link_kept(&s->link);
	return p == NULL ? TURN_OVER : serve(s, p, len, len);
}

/* What errno says of a read. */
static enum session_verdict
not_read(struct session *s, bool was_opening)
{
	static const struct refusal encipher = { REQUEST_ERROR, "bad-header",
	    "this port speaks TLS" };

	switch (errno) {
	case EAGAIN:
	case EINTR:
		/* The time that a handshake may take is over. */
		return was_opening && !s->link.opening ? TURN_SERVED :
		    TURN_NOTHING;
	case EPROTO:
		s->unread = true;
		return TURN_LAST;
	case EPROTOTYPE:
		return session_turn_refuse(s, &encipher);
	}
	return TURN_OVER;
}

/*
 * Whether its listener lets the client in, now that it has proven who it is:
 * where a certificate may say that, only what is sure was decided before.
 *
 * may  set on success
 *
 * Returns 0, or -1 when out of memory.
 */
static int
judge_client(const struct session *s, bool *may)
{
	const struct generation *gen = s->host->gen;
	const struct conf_listen *l = gen == NULL ? NULL :
	    TAILQ_FIRST(&gen->conf->listens);
	struct who who = { .family = AF_UNSPEC };
	int error;

	for (size_t i = 0; l != NULL && i < s->door->number; i++)
		l = TAILQ_NEXT(l, entry);
	/* A handshake may have begun before a reload asked for one. */
	*may = l == NULL || l->client_ca == NULL ||
	    link_names(&s->link) != NULL;
	if (!*may || l == NULL || !who_rule_is_set(&l->rule))
		return 0;
	error = read_client(s, &who);
	*may = who_judge(&l->rule, &who) == WHO_MAY;
	who_clear(&who);
	return error;
}

/* The transport's talk is over; n and errno are those of the read. */
static enum session_verdict
let_in(struct session *s, ssize_t n)
{
	static const struct refusal denied = { REQUEST_DENIED, NULL,
	    "you are not allowed here" };
	int saved = errno;
	bool may;

	if (n == -1 && saved != EAGAIN)
		return TURN_NOTHING;
	if (judge_client(s, &may) != 0)
		return TURN_OVER;
	if (!may)
		return session_turn_refuse(s, &denied);
	errno = saved;
	return TURN_NOTHING;
}

enum session_verdict
session_turn_read(struct session *s)
{
	enum session_verdict verdict;
	char *in = s->host->in;
	size_t kept = s->link.left, room;
	bool was_opening = s->link.opening;
	ssize_t n;

	/* Unfinished bytes go before the new ones, if there is room for both. */
	if (kept > SESSION_IN_SIZE / 2)
		kept = 0;
	room = SESSION_IN_SIZE - kept;
	s->since = stats_begin(s->host->env.stats);
	n = link_read(&s->link, in + kept, room);
	if (was_opening && !s->link.opening &&
	    (verdict = let_in(s, n)) != TURN_NOTHING)
		return verdict;
	if (n == -1)
		return not_read(s, was_opening);
	stats_add(s->host->env.stats, STATS_BYTES_IN, (size_t)n);
	if (s->state == SESSION_LINGER)
		return n == 0 ? TURN_OVER : TURN_NOTHING;
	if (n == 0) {
		s->eof = true;
		link_set_reading(&s->link, false);
		return session_turn(s);
	}
	/*
	 * A message larger than the worker's buffer is gathered in the link,
	 * and served when it is whole.
	 */
	if (kept < s->link.left)
		return link_keep(&s->link, in, (size_t)n) != 0 ? TURN_OVER :
		    session_turn(s);
	link_copy(&s->link, in);
	return serve(s, in, kept + (size_t)n, kept);
}

/* Send what was collected of the replies that are owed. */
static enum session_verdict
collected(struct session *s, enum stream_verdict verdict)
{
	struct session_host *host = s->host;
	bool lends = host->env.lent.text != NULL;
	bool none = host->out.len == 0 && !lends;

	if (session_send_replies(s, verdict == STREAM_CLOSE) != 0)
		return TURN_OVER;
	if (none && (verdict == STREAM_AGAIN || verdict == STREAM_WAIT))
		return TURN_WORKED;
	/* With nothing to feed again it need not be taken off epoll(7) for a
	 * turn, and put back behind it. */
	return verdict == STREAM_AGAIN && s->link.left == 0 &&
	    s->state == SESSION_READ && !lends ? TURN_SERVED :
	    judge(s, verdict, true);
}

enum session_verdict
session_turn_work(struct session *s)
{
	struct session_host *host = s->host;

	if (s->slices++ % SLICES_BLIND == 0 && link_is_gone(&s->link))
		return TURN_OVER;
	if (begin_answers(s) != 0)
		return TURN_OVER;
	begin_log(s);
	return collected(s, stream_work(&s->stream, &host->env, WORK_SLICE_US,
	    &host->out));
}

enum session_verdict
session_turn_collect(struct session *s)
{
	struct session_host *host = s->host;

	if (begin_answers(s) != 0)
		return TURN_OVER;
	begin_log(s);
	return collected(s, stream_collect(&s->stream, &host->env,
	    &host->out));
}

enum session_verdict
session_turn_refuse(struct session *s, const struct refusal *why)
{
	const struct session_talk talk = begin_talk(s, s->host->limits);
	const char *p = link_kept(&s->link);
	enum stream_verdict verdict = p == NULL ? STREAM_FAILED :
	    s->door->service->refuse(&talk, why, p, s->link.left);

	s->unread = true;
	if (verdict == STREAM_FAILED)
		return TURN_OVER;
	if (s->counted)
		stats_answered(s->host->env.stats, STATS_OTHER, why->status,
		    1);
	stats_end(s->host->env.stats, s->since);
	if (verdict == STREAM_WAIT)
		return TURN_OWES;
	return session_send_replies(s, true) == 0 ? TURN_LAST : TURN_OVER;
}
