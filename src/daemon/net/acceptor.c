/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * libevent's evconnlistener accepts until there is nothing left, and finding
 * that out by accept(2) is dear: Linux makes a socket, an inode and a file
 * for the connection before it looks whether there is one.  Here a turn takes
 * one; if there are more, the next look at the sockets tells so, and those of
 * others have their turns in between.  Where each wake-up brings one
 * connection, which is answered and closed, that is worth 15% of the CPU time.
 *
 * Beside many that are busy the next look is far, and each of those that wait
 * would wait for as many looks as there are before it: there a turn takes all
 * it can in the time that others had since the last one.  Looking in vain
 * costs little then, measured by that time.
 */

#include "config.h"

#include "daemon/net/acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/base/descriptors.h"
#include "daemon/base/warning.h"

#define PAUSE_S		1

/* Connections that can wait at a listener; see BACKLOG in socket.c. */
#define WAITING_MAX	4097

/* Nanoseconds: what is little for others to have, and much for one turn. */
#define OTHERS_MIN	100000
#define TURN_MAX	2000000

struct acceptor {
	struct event_base *base;	/* borrowed */
	int fd;				/* borrowed */
	const char *service;		/* borrowed; or NULL */
	struct event *readable;		/* owned; added, but in a pause */
	struct event *retry;		/* owned: the end of a pause */
	bool paused;
	int64_t turned;			/* ns, when the last turn ended */
	bool last;			/* may have the last descriptors */
	struct warning warning;
	void (*cb)(int, const struct sockaddr *, socklen_t, void *);
	void *arg;
};

static void
acceptor_pause(struct acceptor *a)
{
	static const struct timeval pause = { .tv_sec = PAUSE_S };

	/* Without its end there must be no pause. */
	if (event_add(a->retry, &pause) != 0)
		return;
	a->paused = true;
	event_del(a->readable);
}

void
acceptor_resume(struct acceptor *a)
{
	if (!a->paused)
		return;
	a->paused = false;
	event_del(a->retry);
	event_add(a->readable, NULL);
}

static void
retry_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	acceptor_resume(arg);
}

/*
 * Only where the failure is of one connection the next may be taken at once:
 * others would come again for ever, as where who handed the socket over has
 * shut it down.
 */
static void
acceptor_failed(struct acceptor *a)
{
	bool pause = errno != EPERM && errno != EPROTO;
	uint64_t more;

	/* Another process or thread was faster, or the peer has left. */
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	if (errno == EMFILE && !a->last && !descriptors_warning_due())
		a->warning.more++;
	else if (warning_due(&a->warning, &more))
		log_warn("accept%s%s%s before=%llu", pause ? " paused" : "",
		    a->service != NULL ? " service=" : "",
		    a->service != NULL ? a->service : "",
		    (unsigned long long)more);
	if (pause)
		acceptor_pause(a);
}

/* Returns whether there was a connection. */
static bool
accept_one(struct acceptor *a)
{
	struct sockaddr_storage ss;
	struct sockaddr *sa = (struct sockaddr *)&ss;
	socklen_t len = sizeof(ss);
	int fd;

	/* Where the peer has left, there may be no address at all. */
	ss.ss_family = AF_UNSPEC;
	fd = a->last ? accept4(a->fd, sa, &len, SOCK_NONBLOCK |
	    SOCK_CLOEXEC) : descriptors_accept(a->fd, sa, &len);
	if (fd == -1) {
		acceptor_failed(a);
		return false;
	}
	a->cb(fd, sa, len, a->arg);
	return true;
}

/*
 * Until when more than one may be taken, in ns; 0: one only.  libevent counts
 * how many events a wake-up had at most: with no other than this one the time
 * since the last turn may have been slept through.
 */
static int64_t
turn_end(struct acceptor *a)
{
	int64_t now, others;

	if (event_base_get_max_events(a->base, EVENT_BASE_COUNT_ACTIVE, 1) < 2)
		return 0;
	now = clock_ns();
	others = now - a->turned;
	if (others < OTHERS_MIN)
		return 0;
	return now + (others < TURN_MAX ? others : TURN_MAX);
}

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *a = arg;
	int64_t end = turn_end(a);
	bool more;

	(void)fd;
	(void)what;
	do {
		more = accept_one(a);
		a->turned = clock_ns();
	} while (more && a->turned < end);
}

void
acceptor_take_last(struct acceptor *a)
{
	a->last = true;
}

void
acceptor_rest(struct acceptor *a)
{
	/* Where others listen too, more may come for ever. */
	for (int n = 0; n < WAITING_MAX && accept_one(a); n++)
		;
}

struct acceptor *
acceptor_new(struct event_base *base, int fd, const char *service,
    void (*cb)(int, const struct sockaddr *, socklen_t, void *), void *arg)
{
	struct acceptor *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->base = base;
	a->fd = fd;
	a->service = service;
	a->cb = cb;
	a->arg = arg;
	a->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable_cb,
	    a);
	a->retry = evtimer_new(base, retry_cb, a);
	if (a->readable == NULL || a->retry == NULL ||
	    event_add(a->readable, NULL) != 0) {
		acceptor_free(a);
		return NULL;
	}
	return a;
}

void
acceptor_free(struct acceptor *a)
{
	if (a == NULL)
		return;
	if (a->warning.more > 0)
		log_warnx("accept failed more=%llu",
		    (unsigned long long)a->warning.more);
	if (a->readable != NULL)
		event_free(a->readable);
	if (a->retry != NULL)
		event_free(a->retry);
	free(a);
}
