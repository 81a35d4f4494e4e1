/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Nothing that looks at requests can be faster: what comes is counted, and
 * answered, all of a read in one write.
 */

#include "config.h"

#include "workless.h"

#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan.h"
#include "requests.h"

#define WORKLESS_IN	((size_t)64 * 1024)
#define WORKLESS_OUT	((size_t)64 * 1024)
#define WORKLESS_EVENTS	64
#define WORKLESS_MS	20	/* between looks at whether to stop */

/* A connection; part of a request may have come. */
struct guest {
	LIST_ENTRY(guest) entry;
	int fd;
	size_t have;
	char part[];		/* less than a request */
};

struct waiter {
	struct workless *workless;	/* borrowed */
	pthread_t thread;
	int poller;
	char *in, *out;		/* owned */
	size_t in_size, out_size;
	LIST_HEAD(, guest) guests;
};

struct workless {
	const struct workless_script *script;
	int listener;
	_Atomic bool stop;
	struct waiter *waiters;	/* owned */
	int made, started;
};

static void
leave(struct guest *g)
{
	LIST_REMOVE(g, entry);
	close(g->fd);
	free(g);
}

static bool
is_stopped(const struct waiter *w)
{
	return atomic_load_explicit(&w->workless->stop, memory_order_relaxed);
}

static bool
write_all(const struct waiter *w, int fd, const char *data, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	while (len > 0 && !is_stopped(w)) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			poll(&pfd, 1, WORKLESS_MS);
		} else {
			return false;
		}
	}
	return len == 0;
}

/* Answer so many requests, which begin at in; whether that could be sent. */
static bool
answer(const struct waiter *w, int fd, const char *in, size_t n)
{
	const struct workless_script *s = w->workless->script;
	size_t len = 0;

	for (; n > 0; n--, in += s->request_len) {
		char *to = w->out + len;

		memcpy(to, s->reply, s->reply_len);
		if (s->reply_id_at < s->reply_len)
			memcpy(to + s->reply_id_at, in + s->request_id_at,
			    REQUESTS_ID_LEN);
		len += s->reply_len;
		if (n > 1 && w->out_size - len >= s->reply_len)
			continue;
		if (!write_all(w, fd, w->out, len))
			return false;
		len = 0;
	}
	return true;
}

static void
serve(const struct waiter *w, struct guest *g)
{
	const struct workless_script *s = w->workless->script;
	size_t count, len = g->have;
	ssize_t n = recv(g->fd, w->in + len, w->in_size - len, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave(g);
		return;
	}
	memcpy(w->in, g->part, len);
	len += (size_t)n;
	count = len / s->request_len;
	if (!answer(w, g->fd, w->in, count) || (count > 0 && s->closes)) {
		leave(g);
		return;
	}
	g->have = len % s->request_len;
	memcpy(g->part, w->in + count * s->request_len, g->have);
}

/* It is this process that connects. */
static bool
is_us(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    peer.pid == getpid();
}

static void
welcome(struct waiter *w)
{
	size_t size = sizeof(struct guest) + w->workless->script->request_len;
	struct epoll_event ev = { .events = EPOLLIN };
	struct guest *g;
	int fd;

	while ((fd = accept4(w->workless->listener, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		if (!is_us(fd) || (g = calloc(1, size)) == NULL) {
			close(fd);
			continue;
		}
		g->fd = fd;
		LIST_INSERT_HEAD(&w->guests, g, entry);
		ev.data.ptr = g;
		if (epoll_ctl(w->poller, EPOLL_CTL_ADD, fd, &ev) != 0)
			leave(g);
	}
}

static void *
wait_on(void *arg)
{
	struct waiter *w = arg;
	struct epoll_event events[WORKLESS_EVENTS];

	while (!is_stopped(w)) {
		int n = epoll_wait(w->poller, events, WORKLESS_EVENTS,
		    WORKLESS_MS);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				welcome(w);
			else
				serve(w, events[i].data.ptr);
		}
	}
	return NULL;
}

/* Listen where the kernel finds a name. */
static int
listen_somewhere(struct workless *workless, struct plan *plan)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(plan->address);

	workless->listener = socket(AF_UNIX,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (workless->listener == -1 || bind(workless->listener,
	    (const struct sockaddr *)&sun, sizeof(sun.sun_family)) == -1 ||
	    listen(workless->listener, 4096) == -1 ||
	    getsockname(workless->listener,
	    (struct sockaddr *)&plan->address, &len) == -1)
		return -1;
	plan->address_len = len;
	return 0;
}

static int
make_waiter(struct waiter *w, struct workless *workless)
{
	const struct workless_script *s = workless->script;
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = NULL
	};

	w->workless = workless;
	LIST_INIT(&w->guests);
	w->in_size = WORKLESS_IN + s->request_len;
	w->out_size = WORKLESS_OUT + s->reply_len;
	w->in = malloc(w->in_size);
	w->out = malloc(w->out_size);
	w->poller = epoll_create1(EPOLL_CLOEXEC);
	if (w->in == NULL || w->out == NULL || w->poller == -1)
		return -1;
	return epoll_ctl(w->poller, EPOLL_CTL_ADD, workless->listener, &ev);
}

static void
clear_waiter(struct waiter *w)
{
	while (!LIST_EMPTY(&w->guests))
		leave(LIST_FIRST(&w->guests));
	free(w->in);
	free(w->out);
	if (w->poller != -1)
		close(w->poller);
}

/* Their threads get no signal that is the program's. */
static int
start(struct workless *workless, int threads)
{
	sigset_t all, old;
	int error = 0;

	while (workless->made < threads)
		if (make_waiter(&workless->waiters[workless->made++],
		    workless) != 0)
			return -1;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (error == 0 && workless->started < threads) {
		struct waiter *w = &workless->waiters[workless->started];

		error = pthread_create(&w->thread, NULL, wait_on, w);
		workless->started += error == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return error == 0 ? 0 : -1;
}

struct workless *
workless_start(const struct workless_script *script, int threads,
    struct plan *plan)
{
	struct workless *workless = calloc(1, sizeof(*workless));
	int saved_errno;

	if (workless == NULL)
		return NULL;
	workless->script = script;
	workless->listener = -1;
	workless->waiters = calloc((size_t)threads,
	    sizeof(*workless->waiters));
	if (workless->waiters != NULL &&
	    listen_somewhere(workless, plan) == 0 &&
	    start(workless, threads) == 0)
		return workless;
	saved_errno = errno;
	workless_stop(workless);
	errno = saved_errno;
	return NULL;
}

void
workless_stop(struct workless *workless)
{
	if (workless == NULL)
		return;
	atomic_store(&workless->stop, true);
	for (int i = 0; i < workless->started; i++)
		pthread_join(workless->waiters[i].thread, NULL);
	for (int i = 0; i < workless->made; i++)
		clear_waiter(&workless->waiters[i]);
	if (workless->listener != -1)
		close(workless->listener);
	free(workless->waiters);
	free(workless);
}
