/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Without a rate, each connection has its next request as soon as it has room
 * for it.  With one, requests are due at times that are settled beforehand, and
 * go to whichever connection has room: what is late because none has counts
 * from when it was due, so that a server that stalls cannot hide how many
 * would have waited.  That is a number of the next one, and no memory.
 */

#include "config.h"

#include "worker.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "common/clock.h"
#ifdef HAVE_OPENSSL
#include "libtls/appmsg-tls.h"
#endif
#include "plan.h"
#include "requests.h"

#define WORKER_EVENTS	256
#define WORKER_MS	INT64_C(1000000)
#define WORKER_S	INT64_C(1000000000)
#define WORKER_TICK	(10 * WORKER_MS)

/* A share of all, the first ones having what does not divide. */
static uint64_t
share(uint64_t all, int among, int index)
{
	return all / (uint64_t)among +
	    ((uint64_t)index < all % (uint64_t)among);
}

/* The next of a row of numbers that look random (splitmix64). */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* All of its memory; -1 when there is none. */
static int
make_conns(struct worker *w)
{
	const struct plan *plan = w->crew->plan;

	w->n = (int)share((uint64_t)plan->connections, plan->threads,
	    w->index);
	w->conns = calloc((size_t)w->n, sizeof(*w->conns));
	w->touched = calloc((size_t)w->n, sizeof(struct conn *));
	w->flights = calloc((size_t)w->n * (size_t)plan->depth,
	    sizeof(*w->flights));
	if (w->conns == NULL || w->touched == NULL || w->flights == NULL)
		return -1;
	for (int i = 0; i < w->n; i++)
		conn_init(&w->conns[i],
		    w->flights + (size_t)i * (size_t)plan->depth);
	return conn_host_init(&w->host);
}

/* Watch the clock for what is due. */
static int
make_timer(struct worker *w)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->timer == -1)
		return -1;
	return epoll_ctl(w->host.poller, EPOLL_CTL_ADD, w->timer, &ev);
}

int
worker_init(struct worker *w, struct crew *crew, int index)
{
	const struct plan *plan = crew->plan;
	uint64_t seed = plan->seed;

	w->crew = crew;
	w->index = index;
	w->host.plan = plan;
	w->host.tally = &w->tally;
	w->timer = -1;
	w->host.poller = epoll_create1(EPOLL_CLOEXEC);
	if (w->host.poller == -1 || (plan->rate > 0 && make_timer(w) == -1) ||
	    make_conns(w) == -1)
		return -1;
	w->random = next_random(&seed) + (uint64_t)index;
	w->next_key = plan->requests->n / (size_t)plan->threads *
	    (size_t)index;
	w->left = plan->most == 0 ? UINT64_MAX :
	    share(plan->most, plan->threads, index);
	w->next_due = (uint64_t)index;
	return 0;
}

void
worker_clear(struct worker *w)
{
	if (w == NULL || w->crew == NULL)
		return;
	for (int i = 0; w->conns != NULL && i < w->n; i++)
		conn_clear(&w->host, &w->conns[i]);
	conn_host_clear(&w->host);
#ifdef HAVE_OPENSSL
	appmsg_tls_free(w->host.tls);
#endif
	free(w->conns);
	free(w->touched);
	free(w->flights);
	if (w->timer != -1)
		close(w->timer);
	if (w->host.poller != -1)
		close(w->host.poller);
}

static size_t
pick(struct worker *w)
{
	size_t n = w->crew->plan->requests->n;

	if (!w->crew->plan->in_order)
		return (size_t)((next_random(&w->random) >> 32) *
		    (uint64_t)n >> 32);
	if (w->next_key >= n)
		w->next_key = 0;
	return w->next_key++;
}

static void
push(struct worker *w, struct conn *c, int64_t at)
{
	conn_push(&w->host, c, pick(w), at);
	if (at >= w->host.start)
		w->left--;
}

/* Without a rate: all that a connection has room for. */
static void
fill(struct worker *w, struct conn *c)
{
	uint32_t room = conn_room(&w->host, c);

	if (w->crew->plan->rate > 0)
		return;
	while (room-- > 0 && w->left > 0 && w->host.now < w->host.end)
		push(w, c, w->host.now);
	conn_flush(&w->host, c);
}

/* When a request is due, by its number. */
static int64_t
due_at(const struct worker *w, uint64_t number)
{
	uint64_t rate = (uint64_t)w->crew->plan->rate;

	return w->crew->began + (int64_t)(number / rate) * WORKER_S +
	    (int64_t)(number % rate * (uint64_t)WORKER_S / rate);
}

/* The first of this thread's that is due when counting has begun. */
static uint64_t
first_counted(const struct worker *w)
{
	uint64_t step = (uint64_t)w->crew->plan->threads;
	uint64_t n = (uint64_t)((double)(w->host.start - w->crew->began) /
	    (double)WORKER_S * w->crew->plan->rate);

	while (n > 0 && due_at(w, n - 1) >= w->host.start)
		n--;
	while (due_at(w, n) < w->host.start)
		n++;
	return n + ((uint64_t)w->index + step - n % step) % step;
}

static bool
is_due(struct worker *w)
{
	int64_t at = due_at(w, w->next_due);

	/* What the warm-up left is nobody's. */
	if (at < w->host.start && w->host.now >= w->host.start) {
		w->next_due = first_counted(w);
		at = due_at(w, w->next_due);
	}
	return w->left > 0 && at <= w->host.now && at < w->host.end;
}

/* The next connection that has room, or NULL. */
static struct conn *
find_room(struct worker *w)
{
	for (int i = 0; i < w->n; i++) {
		struct conn *c = &w->conns[w->cursor];

		if (++w->cursor == w->n)
			w->cursor = 0;
		if (conn_room(&w->host, c) > 0)
			return c;
	}
	return NULL;
}

/* With a rate: all that is due, as far as there is room. */
static void
ask_due(struct worker *w)
{
	struct conn *c;

	while (is_due(w) && (c = find_room(w)) != NULL) {
		push(w, c, due_at(w, w->next_due));
		w->next_due += (uint64_t)w->crew->plan->threads;
		if (c->unsent == 1)
			w->touched[w->n_touched++] = c;
		if (w->n_touched < w->n)
			continue;
		while (w->n_touched > 0)
			conn_flush(&w->host, w->touched[--w->n_touched]);
	}
	while (w->n_touched > 0)
		conn_flush(&w->host, w->touched[--w->n_touched]);
}

/* Be woken when the next one is due, if it is not. */
static void
set_timer(struct worker *w)
{
	int64_t at = due_at(w, w->next_due);
	const struct itimerspec when = { .it_value = {
		.tv_sec = (time_t)(at / WORKER_S), .tv_nsec = at % WORKER_S
	} };

	if (at == w->alarm || w->left == 0 || at <= w->host.now ||
	    at >= w->host.end)
		return;
	w->alarm = at;
	timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Those that were due and could not be sent before the end. */
static uint64_t
count_unsent(const struct worker *w)
{
	const struct plan *plan = w->crew->plan;
	uint64_t n, low = w->next_due, high, step, middle;

	if (plan->rate == 0 || w->left == 0 || w->host.end == INT64_MAX)
		return 0;
	if (due_at(w, low) < w->host.start)
		low = first_counted(w);
	step = (uint64_t)plan->threads;
	for (n = 1; due_at(w, low + n * step) < w->host.end; n *= 2)
		;
	for (high = n, n = 0; n < high; ) {
		middle = n + (high - n) / 2;
		if (due_at(w, low + middle * step) < w->host.end)
			n = middle + 1;
		else
			high = middle;
	}
	return n < w->left ? n : w->left;
}

static int64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * WORKER_S + ts.tv_nsec;
}

/* Write down what the span took; over: it ends now, if not before. */
static void
mark(struct worker *w, bool over)
{
	int64_t now = w->host.now, end = w->host.end;

	if (!w->began && now >= w->host.start) {
		w->cpu_start = cpu_ns();
		w->began = true;
	}
	if (!w->began || w->ended || (!over && now < end))
		return;
	w->ended = true;
	atomic_store(&w->tally.cpu_ns, cpu_ns() - w->cpu_start);
	atomic_store(&w->tally.span_ns, (now < end ? now : end) -
	    w->host.start);
}

static bool
is_stopped(const struct worker *w)
{
	return atomic_load_explicit(&w->crew->stop, memory_order_relaxed);
}

/* Look at all connections; in the first span they get their requests here. */
static void
check(struct worker *w, bool asking)
{
	for (int i = 0; i < w->n && !is_stopped(w); i++) {
		conn_check(&w->host, &w->conns[i]);
		if (asking)
			fill(w, &w->conns[i]);
	}
}

/* Wait for something, at most so long, and see to it. */
static void
wait(struct worker *w, int64_t ns, bool asking)
{
	struct epoll_event events[WORKER_EVENTS];
	uint64_t ticks;
	int n = epoll_wait(w->host.poller, events, WORKER_EVENTS,
	    (int)((ns + WORKER_MS - 1) / WORKER_MS));

	w->host.now = clock_ns();
	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;

		if (c == NULL) {
			if (read(w->timer, &ticks, sizeof(ticks)) == -1)
				continue;
		} else {
			conn_serve(&w->host, c, events[i].events);
			if (asking)
				fill(w, c);
		}
	}
}

/*
 * Connect, before anything is asked, where connections stay.  A server that
 * does not take all of them is loaded over those that it takes.
 */
static void
open_all(struct worker *w)
{
	struct conn_host *host = &w->host;
	int64_t until, progress;
	int most = 0;

	host->now = progress = clock_ns();
	until = host->now + host->plan->patience_ns;
	while (host->plan->keeps && host->up < w->n && host->now < until &&
	    !is_stopped(w)) {
		if (host->up > most) {
			most = host->up;
			progress = host->now;
		} else if (w->tally.refused > 0 && most > 0 &&
		    host->now - progress > WORKER_S) {
			break;
		}
		check(w, false);
		wait(w, host->dialing > 0 ? WORKER_MS : WORKER_TICK, false);
	}
}

/* Say that the connections are there, and wait for the others. */
static void
meet(struct worker *w)
{
	struct crew *crew = w->crew;

	pthread_mutex_lock(&crew->lock);
	crew->ready++;
	pthread_cond_broadcast(&crew->changed);
	while (!crew->go)
		pthread_cond_wait(&crew->changed, &crew->lock);
	w->host.start = crew->start;
	w->host.end = crew->end;
	pthread_mutex_unlock(&crew->lock);
}

/* The time until something is to be looked at that no socket tells. */
static int64_t
until_next(const struct worker *w, int64_t tick)
{
	int64_t left = tick - w->host.now;

	if (w->host.now < w->host.end && w->host.end - w->host.now < left)
		left = w->host.end - w->host.now;
	return left > 0 ? left : 0;
}

static bool
is_over(const struct worker *w)
{
	return w->host.flying == 0 &&
	    (w->left == 0 || w->host.now >= w->host.end);
}

static void
load(struct worker *w)
{
	const struct plan *plan = w->crew->plan;
	int64_t tick = 0;

	w->host.now = clock_ns();
	while (!is_stopped(w) && !is_over(w)) {
		mark(w, false);
		if (w->host.end < w->host.now - plan->patience_ns) {
			for (int i = 0; i < w->n; i++)
				conn_give_up(&w->host, &w->conns[i]);
			break;
		}
		if (w->host.now >= tick) {
			check(w, true);
			tick = w->host.now + WORKER_TICK;
		}
		if (plan->rate > 0) {
			ask_due(w);
			set_timer(w);
		}
		wait(w, until_next(w, tick), true);
	}
	mark(w, true);
	if (!is_stopped(w))
		tally_add(&w->tally.unsent, count_unsent(w));
}

#ifdef HAVE_OPENSSL
static int
make_tls(struct worker *w)
{
	const struct plan *plan = w->crew->plan;

	if (plan->tls == NULL || call_new_tls(plan->call, &w->host.tls) == 0)
		return 0;
	w->error = EPROTO;
	return -1;
}
#else
static int
make_tls(struct worker *w)
{
	(void)w;
	return 0;
}
#endif

void *
worker_run(void *arg)
{
	struct worker *w = arg;
	struct crew *crew = w->crew;

	if (make_tls(w) == 0)
		open_all(w);
	meet(w);
	if (w->error == 0)
		load(w);
	pthread_mutex_lock(&crew->lock);
	crew->done++;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}
