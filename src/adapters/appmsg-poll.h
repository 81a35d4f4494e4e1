/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef APPMSG_POLL_H
#define APPMSG_POLL_H

/*
 * A session of libappmsg over a socket of the caller's, for poll(2).  All of it
 * is in this header: look at it, and do better where your program can.
 *
 *	appmsg_poll_init(&one, session, fd);
 *	appmsg_session_search(session, &query, tag);
 *	for (;;) {
 *		appmsg_poll_want(&one, &pfd);
 *		poll(&pfd, 1, appmsg_poll_timeout(&one));
 *		error = appmsg_poll_did(&one, pfd.revents);
 *		while (appmsg_session_reply(session, &reply) == 0)
 *			... look at it
 *		if (error != 0 || appmsg_session_is_over(session))
 *			break;
 *	}
 *
 * Nothing here blocks, and no signal is raised by a connection that is broken.
 */

#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include <appmsg-session.h>

#ifdef __cplusplus
extern "C" {
#endif

#define APPMSG_POLL_READ	65536	/* bytes that are read at once */

struct appmsg_poll {
	struct appmsg_session *session;	/* borrowed */
	int fd;			/* the caller's: nonblocking; connecting is
				   enough */
	int64_t deadline_ms;	/* until when something must come, while a
				   request has no reply; appmsg_deadline() */
};

/*
 * Start, without a deadline; the caller sets one, and a later one as replies
 * come.
 */
static inline void
appmsg_poll_init(struct appmsg_poll *p, struct appmsg_session *session, int fd)
{
	p->session = session;
	p->fd = fd;
	p->deadline_ms = -1;
}

/*
 * Fill in what poll(2) is to wait for.
 */
static inline void
appmsg_poll_want(const struct appmsg_poll *p, struct pollfd *pfd)
{
	const char *data;

	pfd->fd = p->fd;
	pfd->events = POLLIN;
	if (appmsg_session_out(p->session, &data) > 0)
		pfd->events |= POLLOUT;
	pfd->revents = 0;
}

/*
 * How long poll(2) may wait: milliseconds, -1 for ever.
 */
static inline int
appmsg_poll_timeout(const struct appmsg_poll *p)
{
	int64_t left;

	if (p->deadline_ms < 0 || appmsg_session_unanswered(p->session) == 0)
		return -1;
	left = p->deadline_ms - appmsg_deadline(0);
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/*
 * Send what the socket takes.
 *
 * Returns 0, or APPMSG_EIO with errno.
 */
static inline int
appmsg_poll_send(struct appmsg_poll *p)
{
	const char *data;
	size_t len;
	ssize_t n;

	while ((len = appmsg_session_out(p->session, &data)) > 0) {
		n = send(p->fd, data, len, MSG_NOSIGNAL);
		if (n >= 0)
			appmsg_session_sent(p->session, (size_t)n);
		else if (errno == EAGAIN || errno == ENOTCONN)
			break;
		else if (errno != EINTR)
			return APPMSG_EIO;
	}
	return 0;
}

/*
 * Read what there is, once.
 *
 * Returns 0; APPMSG_EIO with errno; APPMSG_ENOMEM.
 */
static inline int
appmsg_poll_read(struct appmsg_poll *p)
{
	size_t size;
	char *room = appmsg_session_room(p->session, APPMSG_POLL_READ, &size);
	ssize_t n;

	if (room == NULL)
		return APPMSG_ENOMEM;
	n = recv(p->fd, room, size, 0);
	if (n > 0)
		appmsg_session_came(p->session, (size_t)n);
	else if (n == 0)
		appmsg_session_eof(p->session);
	else if (errno != EAGAIN && errno != EINTR)
		return APPMSG_EIO;
	return 0;
}

/*
 * poll(2) has returned: do what can be done.  Then read the replies, whatever
 * this returned.
 *
 * revents  0 if it timed out, too
 *
 * Returns 0; APPMSG_EIO with errno, such as ECONNREFUSED; APPMSG_ENOMEM; or
 * APPMSG_ETIMEDOUT when the deadline has passed, nothing came, and a request
 * has no reply.
 */
static inline int
appmsg_poll_did(struct appmsg_poll *p, short revents)
{
	int error = 0, unsent = 0, saved_errno;

	/* What is wrong with the sending side is told by the other, after the
	 * replies that came before. */
	if (revents & ~POLLIN)
		unsent = appmsg_poll_send(p);
	saved_errno = errno;
	if (revents & ~POLLOUT)
		error = appmsg_poll_read(p);
	else if (appmsg_poll_timeout(p) == 0)
		error = APPMSG_ETIMEDOUT;
	if (error != 0 || unsent == 0 || (revents & POLLIN))
		return error;
	errno = saved_errno;
	return unsent;
}

#ifdef __cplusplus
}
#endif

#endif
