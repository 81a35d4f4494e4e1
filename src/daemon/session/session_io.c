/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes into a connection, and what becomes of them.
 *
 * A socket is read straight into the worker's buffer, behind what was left
 * unfinished, and the replies of all that came are written in one go: two
 * system calls a wake-up, where a bufferevent's own reading takes an ioctl(2)
 * more and stops at 4,096 bytes.  What is unfinished or unsent the connection
 * leaves with its bufferevent, until there is more.
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/session/session_wakeup.h"

static struct evbuffer *
input(const struct session *s)
{
	return bufferevent_get_input(s->bev);
}

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	session_readable(arg);
}

static void
write_cb(struct bufferevent *bev, void *arg)
{
	(void)bev;
	session_wrote(arg);
}

/* Reading is not the bufferevent's, so this is about writing. */
static void
event_cb(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	session_broke(arg);
}

enum session_next
session_own(struct session *s)
{
	if (s->bev != NULL)
		return SESSION_GO_ON;
	s->bev = bufferevent_socket_new(s->host->base, s->fd,
	    BEV_OPT_CLOSE_ON_FREE);
	if (s->bev == NULL)
		return SESSION_CLOSE;
	bufferevent_setcb(s->bev, NULL, write_cb, event_cb, s);
	/* Its input is ours to fill, not only its own. */
	evbuffer_unfreeze(input(s), 0);
	event_assign(&s->readable, s->host->base, s->fd, EV_READ | EV_PERSIST,
	    readable_cb, s);
	return SESSION_GO_ON;
}

enum session_next
session_set_reading(struct session *s, bool reading)
{
	if (s->reading == reading || s->bev == NULL)
		return SESSION_GO_ON;
	if (!reading)
		event_del(&s->readable);
	else if (event_add(&s->readable, NULL) != 0)
		return SESSION_CLOSE;
	s->reading = reading;
	return SESSION_GO_ON;
}

bool
session_is_readable(const struct session *s)
{
	char c;

	return recv(s->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Not where it only sends no more: then it waits for its reply. */
bool
session_is_gone(const struct session *s)
{
	struct pollfd p = { .fd = s->fd };

	return poll(&p, 1, 0) == 1;
}

bool
session_drop_input(struct session *s)
{
	size_t len = s->left;

	if (len > 0)
		evbuffer_drain(input(s), len);
	s->left = 0;
	return len > 0;
}

void
session_log_turn(struct session *s)
{
	struct access *access = s->host->env.access;

	if (access == NULL)
		return;
	if (s->who == NULL)
		s->who = access_who(access, s->fd, s->door->listen);
	access_turn(access, s->who);
}

const char *
session_input(struct session *s, size_t *len)
{
	*len = s->left;
	return *len == 0 ? "" : (const char *)evbuffer_pullup(input(s), -1);
}

/*
 * Leave in the bufferevent what was not used of the bytes in hand.
 *
 * p, len  all of them; the first kept of them are in its input already
 * used    done with
 */
static enum session_next
leave(struct session *s, const char *p, size_t len, size_t kept, size_t used)
{
	if (kept > 0)
		evbuffer_drain(input(s), kept < used ? kept : used);
	if (used > kept)
		kept = used;
	if (len > kept && (session_own(s) == SESSION_CLOSE ||
	    evbuffer_add(input(s), p + kept, len - kept) != 0))
		return SESSION_CLOSE;
	s->left = len - used;
	return SESSION_GO_ON;
}

struct session_talk
session_talk(struct session *s, const struct conf_limits *limits)
{
	return (struct session_talk){ .stream = &s->stream,
	    .env = &s->host->env, .limits = limits,
	    .listen = s->door->listen, .out = &s->host->out,
	    .arg = s->host->arg };
}

/* One turn of its service on the bytes in hand, as leave() has them. */
static enum session_next
serve(struct session *s, const char *p, size_t len, size_t kept)
{
	struct session_host *host = s->host;
	struct conf_limits tight;
	struct session_talk talk = session_talk(s,
	    session_memory_limits(s, &tight));
	enum stream_verdict verdict;
	size_t used;

	/* What has come when the drain begins is answered, all of it. */
	s->stream.draining = host->draining && !session_is_readable(s);
	session_log_turn(s);
	verdict = s->door->service->feed(&talk, p, len, &used);
	stats_end(host->env.stats, s->since);
	if (host->env.searched > 0)
		session_wakeup_end(host);
	if (verdict == STREAM_MORE && session_wakeup_keep(s))
		buf_reset(&host->out, SESSION_OUT_KEEP);
	else if (session_send_replies(s, verdict == STREAM_CLOSE) ==
	    SESSION_CLOSE)
		return SESSION_CLOSE;
	if (leave(s, p, len, kept, used) == SESSION_CLOSE)
		return SESSION_CLOSE;
	return session_obey(s, verdict, used > 0);
}

enum session_next
session_serve_input(struct session *s)
{
	size_t len;
	const char *p;

	if (s->stream.job != NULL)
		return SESSION_GO_ON;
	if (s->stream.state != STREAM_IDLE &&
	    s->left < s->stream.need)
		return session_wait(s, false);
	p = session_input(s, &len);
	return p == NULL ? SESSION_CLOSE : serve(s, p, len, len);
}

/*
 * A message larger than the worker's buffer: gather it in the bufferevent,
 * and serve it when it is whole.
 */
static enum session_next
gather(struct session *s, const char *p, size_t len)
{
	if (session_own(s) == SESSION_CLOSE ||
	    evbuffer_add(input(s), p, len) != 0)
		return SESSION_CLOSE;
	s->left += len;
	return session_serve_input(s);
}

enum session_next
session_read(struct session *s)
{
	char *in = s->host->in;
	size_t kept = s->left, room;
	ssize_t n;

	/* Unfinished bytes go before the new ones, if there is room for both. */
	if (kept > SESSION_IN_SIZE / 2)
		kept = 0;
	room = SESSION_IN_SIZE - kept;
	s->since = stats_begin(s->host->env.stats);
	n = recv(s->fd, in + kept, room, 0);
	/* Later ones are of peers that send by pieces. */
	s->all_read = s->bev == NULL && n < (ssize_t)room;
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? SESSION_GO_ON :
		    SESSION_CLOSE;
	stats_add(s->host->env.stats, STATS_BYTES_IN, (size_t)n);
	if (s->state == SESSION_LINGER)
		return n == 0 ? SESSION_CLOSE : SESSION_GO_ON;
	if (n == 0) {
		s->eof = true;
		session_set_reading(s, false);
		return session_serve_input(s);
	}
	if (kept < s->left)
		return gather(s, in, (size_t)n);
	if (kept > 0)
		evbuffer_copyout(input(s), in, kept);
	return serve(s, in, kept + (size_t)n, kept);
}
