/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * limit: the physical limit.  A server that does no work: it counts bytes,
 * and for each request of a fixed size writes a fixed reply, all of a read in
 * one write.  Nothing that looks at its requests can be faster.
 *
 *	limit ADDRESS REQUEST-SIZE REPLY-FILE [close]
 *
 * close: one request a connection.
 */

#include "config.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLIES	1024		/* in a row, for one write */

struct conn {
	int fd;
	size_t have;		/* bytes of an unfinished request */
};

static char in[1 << 16], *replies;
static size_t request_size, reply_size;
static bool closing;

static void
drop(struct conn *c)
{
	close(c->fd);
	free(c);
}

/* Write all, waiting where the socket is full; false: it is broken. */
static bool
write_all(int fd, const char *p, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n == -1 && errno == EAGAIN) {
			poll(&pfd, 1, 100);
			continue;
		}
		if (n == -1)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Returns whether the connection goes on. */
static bool
serve(struct conn *c)
{
	ssize_t n = read(c->fd, in, sizeof(in));
	size_t count;

	if (n == -1 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		drop(c);
		return false;
	}
	count = (c->have + (size_t)n) / request_size;
	c->have = (c->have + (size_t)n) % request_size;
	while (count > 0) {
		size_t part = count < REPLIES ? count : REPLIES;

		if (!write_all(c->fd, replies, part * reply_size) ||
		    closing) {
			drop(c);
			return false;
		}
		count -= part;
	}
	return true;
}

static int
listen_on(const char *text)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	bool path = text[0] == '/';
	char host[64];
	int fd, on = 1, port;

	fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (path) {
		strncpy(sun.sun_path, text, sizeof(sun.sun_path) - 1);
		unlink(text);
	} else {
		if (sscanf(text, "%63[0-9.]:%d", host, &port) != 2 ||
		    inet_pton(AF_INET, host, &sin.sin_addr) != 1)
			errx(2, "%s: no address", text);
		sin.sin_port = htons((uint16_t)port);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	if (bind(fd, path ? (struct sockaddr *)&sun : (struct sockaddr *)&sin,
	    path ? sizeof(sun) : sizeof(sin)) != 0 || listen(fd, 4096) != 0)
		err(2, "%s", text);
	return fd;
}

static void
load_reply(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
		err(2, "%s", path);
	reply_size = (size_t)ftell(f);
	rewind(f);
	replies = malloc(REPLIES * reply_size);
	if (replies == NULL || fread(replies, 1, reply_size, f) != reply_size)
		err(2, "%s", path);
	for (size_t i = 1; i < REPLIES; i++)
		memcpy(replies + i * reply_size, replies, reply_size);
	fclose(f);
}

/* The first read is tried at once: the request is often there already. */
static void
accept_all(int poller, int listener)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		if ((c = calloc(1, sizeof(*c))) == NULL)
			err(2, NULL);
		c->fd = fd;
		if (!serve(c))
			continue;
		ev.data.ptr = c;
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &ev);
	}
}

int
main(int argc, char **argv)
{
	struct epoll_event events[256], ev = { .events = EPOLLIN };
	int poller = epoll_create1(0), listener;

	if (argc < 4)
		errx(2, "usage: limit ADDRESS REQUEST-SIZE REPLY-FILE "
		    "[close]");
	request_size = strtoul(argv[2], NULL, 10);
	load_reply(argv[3]);
	closing = argc > 4;
	listener = listen_on(argv[1]);
	ev.data.ptr = NULL;
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int n = epoll_wait(poller, events, 256, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				accept_all(poller, listener);
			else
				serve(events[i].data.ptr);
		}
	}
}
