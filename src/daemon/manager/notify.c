/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The sd_notify protocol by hand: a datagram to the unix socket that
 * $NOTIFY_SOCKET names, '@' for the abstract name space.  Some lines that
 * are not worth a library in the process.
 *
 * The socket is connected once, since the sandbox lets nobody be reached by
 * an address.
 */

#include "config.h"

#include "daemon/manager/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <inttypes.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

static bool tried;
static int manager = -1;	/* connected; -1: there is none */

/* The manager's address; 0: there is none. */
static socklen_t
manager_address(struct sockaddr_un *sun)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(sun->sun_path))
		return 0;
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strlcpy(sun->sun_path, path, sizeof(sun->sun_path));
	if (path[0] == '@')
		sun->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path));
}

void
notify_open(void)
{
	struct sockaddr_un sun;
	socklen_t len = manager_address(&sun);

	if (tried || len == 0)
		return;
	tried = true;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager != -1 &&
	    connect(manager, (struct sockaddr *)&sun, len) == 0)
		return;
	log_warn("cannot notify the service manager");
	if (manager != -1)
		close(manager);
	manager = -1;
}

bool
notify_is_heard(void)
{
	notify_open();
	return manager != -1;
}

/* Send a message that carries a descriptor. */
static ssize_t
send_fd(struct iovec *iov, int fd)
{
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1,
	    .msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(manager, &msg, MSG_NOSIGNAL);
}

static int notify_send(int, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

/* fd -1: without a descriptor. */
static int
notify_send(int fd, const char *fmt, va_list ap)
{
	char text[512];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	struct iovec iov = { text, (size_t)n };
	ssize_t sent;

	notify_open();
	if (manager == -1 || n < 0 || (size_t)n >= sizeof(text))
		return -1;
	sent = fd != -1 ? send_fd(&iov, fd) :
	    send(manager, text, (size_t)n, MSG_NOSIGNAL);
	if (sent != -1)
		return 0;
	log_warn("cannot notify the service manager");
	return -1;
}

void
notify(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	notify_send(-1, fmt, ap);
	va_end(ap);
}

int
notify_fd(int fd, const char *fmt, ...)
{
	va_list ap;
	int error;

	va_start(ap, fmt);
	error = notify_send(fd, fmt, ap);
	va_end(ap);
	return error;
}

void
notify_reloading(void)
{
	notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_ns() / 1000);
}
