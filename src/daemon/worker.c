/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Accepting, spreading and counting connections, and the orders of the
 * server.
 */

#include "config.h"

#include "daemon/worker.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "common/log.h"
#include "daemon/access.h"
#include "daemon/generation.h"
#include "daemon/mailbox.h"
#include "daemon/peers.h"
#include "daemon/session.h"
#include "daemon/stats/report.h"
#include "daemon/warning.h"

/* After a want of descriptors, unless a session ends before. */
#define ACCEPT_PAUSE_MS		1000

/*
 * Connections over a limit that are told so and lingered on, at a time and
 * worker; those beyond are just closed.
 */
#define REFUSED_MAX		256

/*
 * How long a drain waits for requests that peers sent before they could know
 * of it, on connections that were just made or stay: a long way and back.
 */
#define GRACE_MS		200

/* Connections that can wait at a listener; see BACKLOG in socket.c. */
#define WAITING_MAX		4097

enum order_kind {
	ORDER_ADOPT,		/* serve this connection */
	ORDER_SWAP,		/* answer from this generation */
	ORDER_DEAFEN,		/* accept nothing more */
	ORDER_DRAIN,		/* end sessions; all workers are deaf */
	ORDER_BEAT,		/* give a sign of life; not freed */
	ORDER_STOP
};

struct order {
	struct mail mail;
	enum order_kind kind;
	int fd;				/* ADOPT: owned */
	const struct listener *listener;
	struct peer *peer;
	struct generation *gen;		/* SWAP: a reference */
};

struct worker {
	struct workers *all;
	struct session_host host;
	struct generation *gen;		/* a reference */
	struct access *access;		/* owned; used if gen has a file */
	struct mailbox *mailbox;
	struct evconnlistener **accepts;	/* one a listener, owned */
	struct event *retry;		/* accept again after a pause */
	struct event *grace;		/* ends what nobody asked */
	struct order beat;		/* sent while beat_owed */
	atomic_bool beat_owed;
	struct warning out_of_files, busy, denied;
	pthread_t thread;
	bool running;			/* thread is to be joined */
	bool paused;			/* accepts are disabled */
	bool drained;
	size_t refused;			/* sessions that no limit counts */
	atomic_int sessions;		/* counted ones; others read it */
};

struct workers {
	struct worker *workers;
	size_t n;
	const struct listener *listeners;
	size_t n_listeners;
	struct workers_events events;
	struct peers *peers;
	struct report_worker *report;	/* owned: one a worker */
	atomic_llong connections;	/* of all workers */
	atomic_llong held;		/* bytes of all workers */
	atomic_uint not_swapped;
	atomic_uint not_deaf;
	atomic_uint not_drained;
};

/* Which of the workers listens where: arg of evconnlistener. */
static const struct listener *
listener_of(const struct worker *w, const struct evconnlistener *lev)
{
	size_t i = 0;

	while (w->accepts[i] != lev)
		i++;
	return &w->all->listeners[i];
}

static void
worker_pause(struct worker *w)
{
	struct timeval tv = { .tv_sec = ACCEPT_PAUSE_MS / 1000,
	    .tv_usec = ACCEPT_PAUSE_MS % 1000 * 1000 };

	w->paused = true;
	for (size_t i = 0; i < w->all->n_listeners; i++)
		if (w->accepts[i] != NULL)
			evconnlistener_disable(w->accepts[i]);
	event_add(w->retry, &tv);
}

static void
worker_resume(struct worker *w)
{
	if (!w->paused)
		return;
	w->paused = false;
	event_del(w->retry);
	for (size_t i = 0; i < w->all->n_listeners; i++)
		if (w->accepts[i] != NULL)
			evconnlistener_enable(w->accepts[i]);
}

static void
worker_retry_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	worker_resume(arg);
}

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
worker_gone_cb(struct peer *peer, bool counted, void *arg)
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

/* A connection that was counted for this worker, but not yet served. */
static void
worker_adopt(struct worker *w, const struct listener *l, int fd,
    struct peer *peer)
{
	stats_add(w->host.env.stats, STATS_ACCEPTED, 1);
	if (session_start(&w->host, fd, &l->conf, peer) == 0)
		return;
	log_warnx("out of memory for a connection");
	stats_add(w->host.env.stats, STATS_CLOSED, 1);
	w->sessions--;
	w->all->connections--;
	peers_leave(w->all->peers, peer);
}

static struct order *
order_new(enum order_kind kind)
{
	struct order *order = calloc(1, sizeof(*order));

	if (order != NULL)
		order->kind = kind;
	return order;
}

/* The worker with the fewest sessions; this one among equals. */
static struct worker *
worker_least(struct worker *w)
{
	struct worker *least = w;

	for (size_t i = 0; i < w->all->n; i++)
		if (w->all->workers[i].sessions < least->sessions)
			least = &w->all->workers[i];
	return least;
}

/* Have a counted connection served by whoever has the least to do. */
static void
worker_spread(struct worker *w, const struct listener *l, int fd,
    struct peer *peer)
{
	struct worker *to = worker_least(w);
	struct order *order = NULL;

	if (to != w)
		order = order_new(ORDER_ADOPT);
	if (order == NULL)
		to = w;
	to->sessions++;
	if (to == w) {
		worker_adopt(w, l, fd, peer);
		return;
	}
	order->listener = l;
	order->fd = fd;
	order->peer = peer;
	mailbox_send(to->mailbox, &order->mail);
}

/* Tell a connection that it is not served. */
static void
worker_refuse(struct worker *w, const struct listener *l, int fd,
    enum request_status status, const char *why)
{
	if (w->refused >= REFUSED_MAX) {
		close(fd);
		return;
	}
	w->refused++;
	if (session_start_refused(&w->host, fd, &l->conf, status, why) != 0)
		w->refused--;
}

static bool
cidr_has(const struct conf_cidr *cidr, const uint8_t *addr)
{
	unsigned int bytes = cidr->bits / 8, bits = cidr->bits % 8;

	return memcmp(cidr->addr, addr, bytes) == 0 && (bits == 0 ||
	    (cidr->addr[bytes] ^ addr[bytes]) >> (8 - bits) == 0);
}

static bool
is_allowed(const struct conf_listen *l, const struct sockaddr *sa)
{
	const uint8_t *addr;

	if (l->n_allow == 0)
		return true;
	if (sa->sa_family == AF_INET)
		addr = (const void *)
		    &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	else
		addr = (const void *)
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	for (size_t i = 0; i < l->n_allow; i++)
		if (l->allow[i].family == sa->sa_family &&
		    cidr_has(&l->allow[i], addr))
			return true;
	return false;
}

static void
worker_accept_cb(struct evconnlistener *lev, evutil_socket_t fd,
    struct sockaddr *sa, int sa_len, void *arg)
{
	struct worker *w = arg;
	const struct listener *l = listener_of(w, lev);
	const struct conf_limits *limits = &w->gen->conf->limits;
	char address[CONF_ADDRESS_MAX];
	enum stats_counter counter = STATS_REFUSED_CONNECTIONS;
	const char *limit = NULL;
	struct peer *peer = NULL;
	uint64_t more;

	if (!is_allowed(&l->conf, sa)) {
		if (warning_due(&w->denied, &more))
			log_warnx("connection denied peer=%s before=%llu",
			    conf_address(sa, (socklen_t)sa_len, address,
			    sizeof(address)), (unsigned long long)more);
		stats_add(w->host.env.stats, STATS_REFUSED_DENIED, 1);
		worker_refuse(w, l, fd, REQUEST_DENIED,
		    "your address is not allowed here");
		return;
	}
	if (w->all->connections++ >= limits->connections) {
		limit = "connections";
	} else if (peers_enter(w->all->peers, sa, limits->per_address,
	    &peer) != 0) {
		limit = "per-address";
		counter = STATS_REFUSED_PER_ADDRESS;
	}
	if (limit == NULL) {
		worker_spread(w, l, fd, peer);
		return;
	}
	w->all->connections--;
	stats_add(w->host.env.stats, counter, 1);
	if (warning_due(&w->busy, &more))
		log_warnx("connection refused limit=%s peer=%s before=%llu",
		    limit, conf_address(sa, (socklen_t)sa_len, address,
		    sizeof(address)), (unsigned long long)more);
	worker_refuse(w, l, fd, REQUEST_BUSY, "too many connections");
}

/* The connections that the kernel made already. */
static void
worker_accept_rest(struct worker *w)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	for (size_t i = 0; i < w->all->n_listeners; i++) {
		/* Where others listen too, more may come for ever. */
		for (int n = 0; w->accepts[i] != NULL && n < WAITING_MAX;
		    n++) {
			len = sizeof(ss);
			fd = accept4(w->all->listeners[i].fd,
			    (struct sockaddr *)&ss, &len,
			    SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd == -1)
				break;
			worker_accept_cb(w->accepts[i], fd,
			    (struct sockaddr *)&ss, (int)len, w);
		}
	}
}

static void
worker_accept_error_cb(struct evconnlistener *lev, void *arg)
{
	struct worker *w = arg;
	uint64_t more;

	(void)lev;
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM) {
		if (warning_due(&w->out_of_files, &more))
			log_warn("accept paused before=%llu",
			    (unsigned long long)more);
		worker_pause(w);
	} else if (warning_due(&w->out_of_files, &more)) {
		log_warn("accept before=%llu", (unsigned long long)more);
	}
}

static void
worker_use(struct worker *w, struct generation *gen)
{
	struct generation *old = w->gen;

	w->gen = gen;
	w->host.limits = &gen->conf->limits;
	w->host.env.gen = gen;
	access_use(w->access, gen->access);
	w->host.env.access = gen->access != NULL ? w->access : NULL;
	/* The loop goes on in the way that this wants. */
	event_base_loopexit(w->host.base, NULL);
	w->host.env.reply_max = (size_t)gen->conf->limits.output;
	deadlines_configure(&w->host.deadlines, &gen->conf->timeouts);
	generation_unref(old);
}

static void
worker_listen_stop(struct worker *w)
{
	for (size_t i = 0; i < w->all->n_listeners; i++) {
		if (w->accepts != NULL && w->accepts[i] != NULL) {
			evconnlistener_free(w->accepts[i]);
			w->accepts[i] = NULL;
		}
	}
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
		worker_adopt(w, order->listener, order->fd, order->peer);
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
		return;
	case ORDER_STOP:
		event_base_loopbreak(w->host.base);
		break;
	}
	free(order);
}

static int
worker_listen_start(struct worker *w)
{
	w->accepts = calloc(w->all->n_listeners, sizeof(*w->accepts));
	if (w->accepts == NULL)
		return -1;
	for (size_t i = 0; i < w->all->n_listeners; i++) {
		/* That is the server's own. */
		if (w->all->listeners[i].conf.service == CONF_SERVICE_HTTP)
			continue;
		/* Backlog 0: the server has called listen(2) already. */
		w->accepts[i] = evconnlistener_new(w->host.base,
		    worker_accept_cb, w, LEV_OPT_CLOSE_ON_EXEC, 0,
		    w->all->listeners[i].fd);
		if (w->accepts[i] == NULL)
			return -1;
		evconnlistener_set_error_cb(w->accepts[i],
		    worker_accept_error_cb);
	}
	return 0;
}

static int
worker_init(struct worker *w, struct workers *all, struct generation *gen)
{
	w->all = all;
	w->host.base = event_base_new();
	w->host.held = &all->held;
	w->host.gone_cb = worker_gone_cb;
	w->host.arg = w;
	w->access = access_new();
	if (w->host.base == NULL || w->access == NULL ||
	    session_host_init(&w->host) != 0)
		return -1;
	worker_use(w, generation_ref(gen));
	w->retry = evtimer_new(w->host.base, worker_retry_cb, w);
	w->grace = evtimer_new(w->host.base, worker_grace_cb, w);
	w->beat.kind = ORDER_BEAT;
	w->mailbox = mailbox_new(w->host.base, worker_order_cb, w);
	if (w->retry == NULL || w->grace == NULL || w->mailbox == NULL)
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
		{ "connection refused", &w->busy },
		{ "accept paused", &w->out_of_files }
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
	free(w->accepts);
	w->accepts = NULL;
	w->drained = true;
	w->paused = false;
	mailbox_free(w->mailbox);
	session_host_clear(&w->host);
	access_free(w->access);
	if (w->retry != NULL)
		event_free(w->retry);
	if (w->grace != NULL)
		event_free(w->grace);
	event_base_free(w->host.base);
	generation_unref(w->gen);
}

struct workers *
workers_new(size_t n, const struct listener *listeners, size_t n_listeners,
    struct generation *gen, const struct workers_events *events)
{
	struct workers *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->listeners = listeners;
	all->n_listeners = n_listeners;
	all->events = *events;
	all->not_drained = (unsigned int)n;
	all->peers = peers_new();
	all->workers = calloc(n, sizeof(*all->workers));
	all->report = calloc(n, sizeof(*all->report));
	if (all->peers == NULL || all->workers == NULL || all->report == NULL)
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
	return NULL;
}

int
workers_start(struct workers *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct worker *w = &all->workers[i];

		errno = pthread_create(&w->thread, NULL, worker_run, w);
		if (errno != 0)
			return -1;
		w->running = true;
	}
	return 0;
}

int
workers_swap(struct workers *all, struct generation *gen)
{
	struct order **orders = calloc(all->n, sizeof(*orders));
	bool complete = orders != NULL;

	/* All of them or none: a generation is not published by halves. */
	for (size_t i = 0; complete && i < all->n; i++)
		complete = (orders[i] = order_new(ORDER_SWAP)) != NULL;
	if (complete)
		all->not_swapped = (unsigned int)all->n;
	for (size_t i = 0; orders != NULL && i < all->n; i++) {
		if (!complete) {
			free(orders[i]);
			continue;
		}
		orders[i]->gen = generation_ref(gen);
		mailbox_send(all->workers[i].mailbox, &orders[i]->mail);
	}
	free(orders);
	errno = ENOMEM;
	return complete ? 0 : -1;
}

static void
workers_order(struct workers *all, enum order_kind kind)
{
	for (size_t i = 0; i < all->n; i++) {
		struct order *order = order_new(kind);

		if (order == NULL)
			fatalx("out of memory");
		mailbox_send(all->workers[i].mailbox, &order->mail);
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
		mailbox_send(w->mailbox, &w->beat.mail);
	}
	return beat;
}

void
workers_drain(struct workers *all)
{
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
	free(all->report);
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

size_t
workers_count(const struct workers *all)
{
	return all->n;
}

const struct report_worker *
workers_report(struct workers *all)
{
	for (size_t i = 0; i < all->n; i++) {
		all->report[i].stats = all->workers[i].host.env.stats;
		all->report[i].connections = all->workers[i].sessions;
	}
	return all->report;
}
