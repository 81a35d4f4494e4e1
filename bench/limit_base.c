/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One thread, one epoll(7), and nothing between.
 */

#include "config.h"

#include "limit_base.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
limit_load(struct limit *l, const char *request_size, const char *path)
{
	FILE *f = fopen(path, "rb");

	l->request_size = strtoul(request_size, NULL, 10);
	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
		err(2, "%s", path);
	l->reply_size = (size_t)ftell(f);
	rewind(f);
	l->replies = malloc(LIMIT_REPLIES * l->reply_size);
	if (l->replies == NULL ||
	    fread(l->replies, 1, l->reply_size, f) != l->reply_size)
		err(2, "%s", path);
	for (size_t i = 1; i < LIMIT_REPLIES; i++)
		memcpy(l->replies + i * l->reply_size, l->replies, l->reply_size);
	fclose(f);
}

int
limit_listen(const char *text)
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

bool
limit_write(int fd, const char *p, size_t len)
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

static void
accept_all(int poller, int listener, void *(*accept_cb)(int))
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1)
		if ((ev.data.ptr = accept_cb(fd)) != NULL)
			epoll_ctl(poller, EPOLL_CTL_ADD, fd, &ev);
}

void
limit_run(int listener, void *(*accept_cb)(int), bool (*serve_cb)(void *))
{
	struct epoll_event events[256], ev = { .events = EPOLLIN };
	int poller = epoll_create1(0);

	ev.data.ptr = NULL;
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int n = epoll_wait(poller, events, 256, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				accept_all(poller, listener, accept_cb);
			else
				serve_cb(events[i].data.ptr);
		}
	}
}
