/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Nothing that looks at requests can be faster: what comes is counted, and
 * answered, all of a read in one write.
 */

#include "config.h"

#include "workless.h"

#include <sys/epoll.h>
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
	size_t index;		/* among its waiter's */
	int fd;
	size_t have;
	char part[];		/* less than a request */
};

struct waiter {
	struct workless *workless;	/* borrowed */
	pthread_t thread;
	int poller;
	char *in, *out;		/* borrowed */
	size_t in_size, out_size;
	struct guest **guests;	/* owned, and so is each of them: n */
	size_t n, cap;
};

struct workless {
	const struct workless_script *script;
	int listener;
	_Atomic bool stop;
	struct waiter *waiters;	/* owned */
	char *buffers;		/* owned: of all of them */
	int made, started;
};

static void
leave(struct waiter *w, struct guest *g)
{
	struct guest *last = w->guests[--w->n];

	w->guests[g->index] = last;
	last->index = g->index;
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
serve(struct waiter *w, struct guest *g)
{
	const struct workless_script *s = w->workless->script;
	size_t count, len = g->have;
	ssize_t n = recv(g->fd, w->in + len, w->in_size - len, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave(w, g);
		return;
	}
	memcpy(w->in, g->part, len);
	len += (size_t)n;
	count = len / s->request_len;
	if (!answer(w, g->fd, w->in, count) || (count > 0 && s->closes)) {
		leave(w, g);
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

/* A new one, or NULL when there is no memory. */
static struct guest *
new_guest(struct waiter *w, int fd)
{
	size_t cap = w->cap > 0 ? 2 * w->cap : 64;
	struct guest **guests, *g;

	if (w->n == w->cap) {
		guests = reallocarray(w->guests, cap, sizeof(struct guest *));
		if (guests == NULL)
			return NULL;
		w->guests = guests;
		w->cap = cap;
	}
	g = calloc(1, sizeof(*g) + w->workless->script->request_len);
	if (g == NULL)
		return NULL;
	g->fd = fd;
	g->index = w->n;
	w->guests[w->n++] = g;
	return g;
}

static int
accept_one(int listener)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return accept4(listener, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void
welcome(struct waiter *w)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct guest *g;
	int fd;

	while ((fd = accept_one(w->workless->listener)) != -1) {
		if (!is_us(fd) || (g = new_guest(w, fd)) == NULL) {
			close(fd);
			continue;
		}
		ev.data.ptr = g;
		if (epoll_ctl(w->poller, EPOLL_CTL_ADD, fd, &ev) != 0)
			leave(w, g);
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
make_waiter(struct waiter *w, struct workless *workless, char *buffer)
{
	const struct workless_script *s = workless->script;
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = NULL
	};

	w->workless = workless;
	w->in_size = WORKLESS_IN + s->request_len;
	w->out_size = WORKLESS_OUT + s->reply_len;
	w->in = buffer;
	w->out = buffer + w->in_size;
	w->poller = epoll_create1(EPOLL_CLOEXEC);
	if (w->poller == -1)
		return -1;
	return epoll_ctl(w->poller, EPOLL_CTL_ADD, workless->listener, &ev);
}

static void
clear_waiter(struct waiter *w)
{
	while (w->n > 0)
		leave(w, w->guests[w->n - 1]);
	free(w->guests);
	if (w->poller != -1)
		close(w->poller);
}

/* Their threads get no signal that is the program's. */
static int
start(struct workless *workless, int threads)
{
	const struct workless_script *s = workless->script;
	const size_t size = WORKLESS_IN + s->request_len + WORKLESS_OUT +
	    s->reply_len;
	sigset_t all, old;
	int error = 0;

	workless->buffers = reallocarray(NULL, (size_t)threads, size);
	if (workless->buffers == NULL)
		return -1;
	for (int i = 0; i < threads; i++) {
		workless->made++;
		if (make_waiter(&workless->waiters[i], workless,
		    workless->buffers + (size_t)i * size) != 0)
			return -1;
	}
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
	free(workless->buffers);
	free(workless);
}
