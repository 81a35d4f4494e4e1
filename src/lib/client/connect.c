/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sockets that are connected by a deadline.  They are nonblocking, and every
 * wait is a poll(2) with what is left of the time.
 */

#include "config.h"

#include "lib/client/connect.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "appmsg.h"
#include "lib/client/lookup.h"

static int64_t
connect_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
appmsg_deadline(int64_t timeout_ms)
{
	int64_t now = connect_now();

	if (timeout_ms < 0)
		return -1;
	return timeout_ms > INT64_MAX - now ? INT64_MAX : now + timeout_ms;
}

int
connect_poll_timeout(int64_t deadline_ms)
{
	int64_t left;

	if (deadline_ms < 0)
		return -1;
	left = deadline_ms - connect_now();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

bool
connect_is_late(int64_t deadline_ms)
{
	return deadline_ms >= 0 && connect_now() >= deadline_ms;
}

static void
close_keep_errno(int fd)
{
	int saved_errno = errno;

	close(fd);
	errno = saved_errno;
}

/* Wait until the connection is made or has failed; errno says why. */
static int
connect_wait(int fd, int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int error = 0, ready;
	socklen_t len = sizeof(error);

	do
		ready = poll(&pfd, 1, connect_poll_timeout(deadline_ms));
	while ((ready == -1 && errno == EINTR) ||
	    (ready == 0 && !connect_is_late(deadline_ms)));
	if (ready == 0)
		return APPMSG_ETIMEDOUT;
	if (ready == -1)
		return APPMSG_ECONN;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return APPMSG_ECONN;
	if (error != 0) {
		errno = error;
		return APPMSG_ECONN;
	}
	return 0;
}

/* Connect to one address; fd is set when 0 is returned. */
static int
connect_address(const struct addrinfo *ai, int64_t deadline_ms, int *fd)
{
	const int on = 1;
	int error = 0, s;

	s = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
	if (s == -1)
		return APPMSG_ECONN;
	if (connect(s, ai->ai_addr, ai->ai_addrlen) == -1) {
		/* Interrupted, it goes on as if it were in progress. */
		if (errno == EINPROGRESS || errno == EINTR)
			error = connect_wait(s, deadline_ms);
		else
			error = APPMSG_ECONN;
	}
	if (error != 0) {
		close_keep_errno(s);
		return error;
	}
	/* Small requests must not wait for the acknowledgement of others. */
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*fd = s;
	return 0;
}

int64_t
connect_share(int64_t deadline_ms, int among)
{
	int64_t now = connect_now();

	if (deadline_ms < now)
		return deadline_ms;
	return now + (deadline_ms - now) / among;
}

int
connect_tcp(const char *host, const char *port, int64_t deadline_ms, int *fd)
{
	struct addrinfo *ai, *list;
	int error, left = 0, saved_errno;

	if ((error = lookup_host(host, port, deadline_ms, &list)) != 0)
		return error;
	for (ai = list; ai != NULL; ai = ai->ai_next)
		left++;
	error = APPMSG_EHOST;
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		error = connect_address(ai,
		    connect_share(deadline_ms, left--), fd);
		if (error == 0)
			break;
		if (connect_is_late(deadline_ms)) {
			error = APPMSG_ETIMEDOUT;
			break;
		}
	}
	saved_errno = errno;
	freeaddrinfo(list);
	errno = saved_errno;
	return error;
}

/*
 * A unix socket with a full backlog refuses a nonblocking connect, and there
 * is nothing to poll for.  A blocking one waits, as long as SO_SNDTIMEO says.
 */
static int
connect_path(int fd, const struct sockaddr_un *sun, int64_t deadline_ms)
{
	struct timeval tv;
	int left;

	for (;;) {
		left = connect_poll_timeout(deadline_ms);
		if (left >= 0) {
			/* Zero would mean to wait for ever. */
			tv.tv_sec = left / 1000;
			tv.tv_usec = left > 0 ? left % 1000 * 1000 : 1000;
			if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv,
			    sizeof(tv)) == -1)
				return APPMSG_ECONN;
		}
		if (connect(fd, (const struct sockaddr *)sun,
		    sizeof(*sun)) == 0)
			return 0;
		if (errno != EINTR && errno != EAGAIN)
			return APPMSG_ECONN;
		if (connect_is_late(deadline_ms))
			return APPMSG_ETIMEDOUT;
	}
}

int
connect_unix(const char *path, int64_t deadline_ms, int *fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len;
	int error, s, flags;

	if ((len = strlen(path)) == 0 || len >= sizeof(sun.sun_path))
		return APPMSG_EINVAL;
	memcpy(sun.sun_path, path, len + 1);
	if ((s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return APPMSG_ECONN;
	error = connect_path(s, &sun, deadline_ms);
	if (error == 0 && ((flags = fcntl(s, F_GETFL)) == -1 ||
	    fcntl(s, F_SETFL, flags | O_NONBLOCK) == -1))
		error = APPMSG_ECONN;
	if (error != 0) {
		close_keep_errno(s);
		return error;
	}
	*fd = s;
	return 0;
}
