/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a worker owns its thread alone touches, so that no lock is on the way of
 * a request.  Whoever wants something of a worker sends an order; what it tells
 * others, such as how many sessions it has, is an atomic number.
 */

#include "config.h"

#include "daemon/worker/worker_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "common/log.h"
#include "daemon/base/pages.h"
#include "daemon/base/warning.h"
#include "daemon/net/listeners.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/remote/remote.h"
#include "daemon/session/peers.h"
#include "daemon/session/session_service.h"
#include "daemon/snapshot/generation.h"
#include "daemon/thread/crew.h"
#include "daemon/tls/tls_worker.h"

/*
 * How long a drain waits for requests that peers sent before they could know
 * of it, on connections that were just made or stay: a long way and back.
 */
#define GRACE_MS		200L

static void
worker_check_drained(struct worker *w)
{
	if (!w->host.draining || w->drained || !TAILQ_EMPTY(&w->host.all))
		return;
	w->drained = true;
	if (--w->all->not_drained == 0)
		w->all->events.drained_cb(w->all->events.arg);
}

static void
worker_gone_cb(struct peer_count *peer, bool counted, void *arg)
{
	struct worker *w = arg;

	if (counted) {
		stats_add(w->host.env.stats, STATS_CLOSED, 1);
		w->sessions--;
		w->all->connections--;
		peers_leave(w->all->peers, peer);
	} else {
		w->refused--;
	}
	worker_resume(w);
	worker_check_drained(w);
}

static void
worker_use(struct worker *w, struct generation *gen)
{
	struct generation *old = w->gen;

	w->gen = gen;
	w->host.gen = gen;
	worker_listen_use(w);
	w->host.limits = &gen->conf->limits;
	access_use(w->access, gen->access, gen->conf->access_only);
	w->host.env.access = gen->access != NULL ? w->access : NULL;
	/* The loop goes on in the way that this wants. */
	event_base_loopexit(w->host.base, NULL);
	w->host.env.reply_max = (size_t)gen->conf->limits.output;
	deadlines_configure(&w->host.deadlines, &gen->conf->timeouts);
	remote_use(w->remote, gen->snap);
	session_use_generation(&w->host, gen->number);
	generation_unref(old);
}

static void
worker_grace_cb(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	session_drain_all(&w->host);
	worker_check_drained(w);
}

/* From now on each reply is the last one of its connection. */
static void
worker_drain(struct worker *w)
{
	struct timeval tv = { .tv_usec = GRACE_MS * 1000 };

	w->host.draining = true;
	if (event_add(w->grace, &tv) != 0)
		session_drain_all(&w->host);
	worker_check_drained(w);
}

static void workers_order(struct workers *, enum order_kind);

static void
worker_order_cb(struct mail *mail, void *arg)
{
	struct order *order = (struct order *)(void *)mail;
	struct worker *w = arg;

	switch (order->kind) {
	case ORDER_ADOPT:
		worker_adopt(w, order->door, order->fd, order->peer);
		break;
	case ORDER_SWAP:
		worker_use(w, order->gen);
		if (--w->all->not_swapped == 0)
			w->all->events.swapped_cb(w->all->events.arg);
		break;
	case ORDER_DEAFEN:
		worker_accept_rest(w);
		worker_listen_stop(w);
		if (--w->all->not_deaf > 0)
			break;
		/*
		 * Only now: a connection that another worker accepted and
		 * handed over is before this order in its mailbox.
		 */
		w->all->events.deaf_cb(w->all->events.arg);
		workers_order(w->all, ORDER_DRAIN);
		break;
	case ORDER_DRAIN:
		worker_drain(w);
		break;
	case ORDER_BEAT:
		w->beat_owed = false;
		break;
	case ORDER_STOP:
		event_base_loopbreak(w->host.base);
		break;
	case ORDER_KINDS:
		break;
	}
	if (order != &w->orders[order->kind])
		free(order);
}

/* How many listeners take requests, which have lines in the access log. */
static size_t
count_asked(const struct workers *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n_listeners; i++)
		if (all->listeners[i].conf.service == CONF_SERVICE_MESSAGES ||
		    all->listeners[i].conf.search)
			n++;
	return n;
}

static int
worker_init(struct worker *w, struct workers *all, struct generation *gen)
{
	w->all = all;
	w->host.base = event_base_new();
	w->host.held = &all->held;
	w->host.is_last = &all->draining;
	w->host.peers = all->peers;
	w->host.gone_cb = worker_gone_cb;
	w->host.arg = w;
	w->access = access_new(count_asked(all) > 1);
	if (w->host.base == NULL || w->access == NULL ||
	    session_host_init(&w->host) != 0)
		return -1;
	w->remote = remote_new(w->host.base, w->host.env.stats);
	if (w->remote == NULL)
		return -1;
	w->host.env.later = &remote_ops;
	w->host.env.later_arg = w->remote;
	worker_use(w, generation_ref(gen));
	w->tls = tls_worker_new(all->tls, w->host.base, &w->host.limits,
	    w->host.env.stats);
	if (w->tls == NULL)
		return -1;
	w->host.owner.transport = w->tls;
	w->grace = evtimer_new(w->host.base, worker_grace_cb, w);
	for (enum order_kind kind = 0; kind < ORDER_KINDS; kind++)
		w->orders[kind].kind = kind;
	w->mailbox = mailbox_new(w->host.base, worker_order_cb, w);
	if (w->grace == NULL || w->mailbox == NULL)
		return -1;
	return worker_listen_start(w);
}

/* Warnings that were only counted since the last one. */
static void
worker_warn_rest(const struct worker *w)
{
	const struct {
		const char *text;
		const struct warning *warning;
	} all[] = {
		{ "connection denied", &w->denied },
		{ "connection refused", &w->busy }
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].warning->more > 0)
			log_warnx("%s more=%llu", all[i].text,
			    (unsigned long long)all[i].warning->more);
}

static void
worker_clear(struct worker *w)
{
	if (w->host.base == NULL)
		return;
	worker_warn_rest(w);
	worker_listen_stop(w);
	free(w->listeners);
	w->listeners = NULL;
	w->drained = true;
	mailbox_free(w->mailbox);
	session_host_clear(&w->host);
	remote_free(w->remote);
	tls_worker_free(w->tls);
	access_free(w->access);
	if (w->grace != NULL)
		event_free(w->grace);
	event_base_free(w->host.base);
	generation_unref(w->gen);
}

static int
workers_make_doors(struct workers *all)
{
	static const struct session_service *const services[] = {
		[CONF_SERVICE_MESSAGES] = &session_messages,
		[CONF_SERVICE_ECHO] = &session_echo,
		[CONF_SERVICE_HTTP] = NULL	/* is the server's own */
	};

	all->doors = calloc(all->n_listeners, sizeof(*all->doors));
	if (all->doors == NULL)
		return -1;
	for (size_t i = 0; i < all->n_listeners; i++) {
		const struct conf_listen *listen = &all->listeners[i].conf;

		all->doors[i] = (struct session_door){ .listen = listen,
		    .service = listen->search ? all->events.search :
		    services[listen->service],
		    .link = listen->tls ? tls_link() : &link_plain,
		    .number = i };
	}
	return 0;
}

struct workers *
workers_new(size_t n, const struct listener *listeners, size_t n_listeners,
    struct generation *gen, struct tls *tls,
    const struct workers_events *events)
{
	struct workers *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	if (n == 0)
		n = crew_cores();
	all->listeners = listeners;
	all->n_listeners = n_listeners;
	all->tls = tls;
	all->events = *events;
	all->not_drained = (unsigned int)n;
	all->peers = peers_new();
	all->workers = calloc(n, sizeof(*all->workers));
	all->stats = calloc(n, sizeof(*all->stats));
	if (all->peers == NULL || all->workers == NULL ||
	    all->stats == NULL || workers_make_doors(all) != 0)
		goto fail;
	for (; all->n < n; all->n++)
		if (worker_init(&all->workers[all->n], all, gen) != 0) {
			all->n++;
			goto fail;
		}
	return all;
fail:
	workers_free(all);
	errno = ENOMEM;
	return NULL;
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	char name[32];	/* 15 are used: Linux takes no more */

	/* By itself: naming another thread takes writing a file. */
	snprintf(name, sizeof(name), "worker %zu",
	    (size_t)(w - w->all->workers) % 1000);
	pthread_setname_np(pthread_self(), name);
	/* A wake-up at a time, its lines leave in one write. */
	do {
		event_base_loop(w->host.base, EVLOOP_NO_EXIT_ON_EMPTY |
		    (w->gen->access != NULL ? EVLOOP_ONCE : 0));
		access_flush(w->access);
	} while (!event_base_got_break(w->host.base));
	pages_forget();
	return NULL;
}

int
workers_start(struct workers *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct worker *w = &all->workers[i];
		int error = pthread_create(&w->thread, NULL, worker_run, w);

		if (error != 0) {
			errno = error;
			return -1;
		}
		w->running = true;
	}
	return 0;
}

int
workers_swap(struct workers *all, struct generation *gen)
{
	struct worker *w = all->workers, *end = w + all->n;

	/* All of them or none: a generation is not published by halves. */
	for (; w < end; w++) {
		w->swap = order_new(ORDER_SWAP);
		if (w->swap != NULL)
			continue;
		while (w-- > all->workers)
			free(w->swap);
		errno = ENOMEM;
		return -1;
	}
	all->not_swapped = (unsigned int)all->n;
	for (w = all->workers; w < end; w++) {
		w->swap->gen = generation_ref(gen);
		mailbox_send(w->mailbox, &w->swap->mail);
	}
	return 0;
}

static void
workers_order(struct workers *all, enum order_kind kind)
{
	for (size_t i = 0; i < all->n; i++) {
		struct worker *w = &all->workers[i];

		mailbox_send(w->mailbox, &w->orders[kind].mail);
	}
}

bool
workers_beat(struct workers *all)
{
	bool beat = true;

	for (size_t i = 0; i < all->n; i++) {
		struct worker *w = &all->workers[i];

		if (w->beat_owed) {
			beat = false;
			continue;
		}
		w->beat_owed = true;
		mailbox_send(w->mailbox, &w->orders[ORDER_BEAT].mail);
	}
	return beat;
}

void
workers_drain(struct workers *all)
{
	/* Whoever sees a listener refuse is told "close" from here on. */
	all->draining = true;
	all->not_deaf = (unsigned int)all->n;
	workers_order(all, ORDER_DEAFEN);
}

void
workers_stop(struct workers *all)
{
	workers_order(all, ORDER_STOP);
	for (size_t i = 0; i < all->n; i++)
		if (all->workers[i].running)
			pthread_join(all->workers[i].thread, NULL);
}

void
workers_free(struct workers *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++)
		worker_clear(&all->workers[i]);
	free(all->workers);
	free(all->stats);
	free(all->doors);
	peers_free(all->peers);
	free(all);
}

int64_t
workers_connections(const struct workers *all)
{
	return all->connections;
}

int64_t
workers_held(const struct workers *all)
{
	return all->held;
}

struct tls *
workers_tls(const struct workers *all)
{
	return all->tls;
}

atomic_llong *
workers_held_counter(struct workers *all)
{
	return &all->held;
}

size_t
workers_count(const struct workers *all)
{
	return all->n;
}

const struct stats_worker *
workers_stats(struct workers *all)
{
	for (size_t i = 0; i < all->n; i++) {
		all->stats[i].stats = all->workers[i].host.env.stats;
		all->stats[i].connections = all->workers[i].sessions;
	}
	return all->stats;
}
