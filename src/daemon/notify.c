/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The sd_notify protocol by hand: a datagram to the unix socket that
 * $NOTIFY_SOCKET names, '@' for the abstract name space.  Some lines that
 * are not worth a library in the process.
 */

#include "config.h"

#include "daemon/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <inttypes.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

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

/* Let a message carry a descriptor; space holds it meanwhile. */
static void
attach(struct msghdr *msg, char *space, size_t len, int fd)
{
	struct cmsghdr *cmsg;

	msg->msg_control = space;
	msg->msg_controllen = len;
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
}

static int notify_send(int, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

/* fd -1: without a descriptor. */
static int
notify_send(int fd, const char *fmt, va_list ap)
{
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(fd))] = { 0 };
	char text[512];
	int n = vsnprintf(text, sizeof(text), fmt, ap), sock;
	struct sockaddr_un sun;
	struct iovec iov = { text, (size_t)n };
	struct msghdr msg = { .msg_name = &sun, .msg_iov = &iov,
	    .msg_iovlen = 1, .msg_namelen = manager_address(&sun) };
	int error = 0;

	if (msg.msg_namelen == 0 || n < 0 || (size_t)n >= sizeof(text))
		return -1;
	if (fd != -1)
		attach(&msg, space, sizeof(space), fd);
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock == -1 || sendmsg(sock, &msg, MSG_NOSIGNAL) == -1) {
		log_warn("cannot notify the service manager");
		error = -1;
	}
	if (sock != -1)
		close(sock);
	return error;
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
