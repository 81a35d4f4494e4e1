/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A session never changes its worker, so that it is decided once who has it:
 * the one with the fewest, since the kernel wakes the same one again and again.
 */

#include "config.h"

#include "daemon/worker/worker_private.h"

#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/base/address.h"
#include "daemon/base/descriptors.h"
#include "daemon/net/acceptor.h"
#include "daemon/net/allow.h"
#include "daemon/net/listeners.h"
#include "daemon/record/stats.h"
#include "daemon/session/peers.h"
#include "daemon/snapshot/generation.h"

/*
 * Connections over a limit that are told so and lingered on, at a time and
 * worker, fewer where descriptors are; those beyond are just closed.
 */
#define REFUSED_MAX		256

void
worker_resume(struct worker *w)
{
	for (size_t i = 0; w->listeners != NULL && i < w->all->n_listeners;
	    i++)
		if (w->listeners[i].acceptor != NULL)
			acceptor_resume(w->listeners[i].acceptor);
}

/* A connection that was counted for this worker, but not yet served. */
void
worker_adopt(struct worker *w, const struct session_door *door, int fd,
    struct peer_count *peer)
{
	stats_add(w->host.env.stats, STATS_ACCEPTED, 1);
	if (session_start(&w->host, fd, door, peer) == 0)
		return;
	log_warnx("out of memory for a connection");
	stats_add(w->host.env.stats, STATS_CLOSED, 1);
	w->sessions--;
	w->all->connections--;
	peers_leave(w->all->peers, peer);
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
worker_spread(struct worker *w, const struct session_door *door, int fd,
    struct peer_count *peer)
{
	struct worker *to = worker_least(w);
	struct order *order = NULL;

	if (to != w)
		order = order_new(ORDER_ADOPT);
	if (order == NULL)
		to = w;
	to->sessions++;
	if (to == w) {
		worker_adopt(w, door, fd, peer);
		return;
	}
	order->door = door;
	order->fd = fd;
	order->peer = peer;
	mailbox_send(to->mailbox, &order->mail);
}

/* Tell a connection that it is not served. */
static void
worker_refuse(struct worker *w, const struct session_door *door, int fd,
    enum request_status status, const char *why)
{
	if (w->refused >= descriptors_share(REFUSED_MAX)) {
		close(fd);
		return;
	}
	w->refused++;
	if (session_start_refused(&w->host, fd, door, status, why) != 0)
		w->refused--;
}

/* Refuse whom the listener does not let in; returns whether it does. */
static bool
let_in(struct worker_listener *from, int fd, const struct sockaddr *sa,
    socklen_t sa_len)
{
	struct worker *w = from->worker;
	char peer[ALLOW_WORDS_MAX];
	uint64_t more;
	bool may;

	if (allow_judge(from->rule, fd, sa, from->unproven, &may) != 0) {
		log_warnx("out of memory for a connection");
		close(fd);
		return false;
	}
	if (may)
		return true;
	if (warning_due(&w->denied, &more))
		log_warnx("connection denied peer=%s before=%llu",
		    allow_words(fd, sa, sa_len, peer),
		    (unsigned long long)more);
	stats_add(w->host.env.stats, STATS_REFUSED_DENIED, 1);
	worker_refuse(w, from->door, fd, REQUEST_DENIED,
	    "you are not allowed here");
	return false;
}

static void
worker_accept_cb(int fd, const struct sockaddr *sa, socklen_t sa_len,
    void *arg)
{
	struct worker_listener *from = arg;
	struct worker *w = from->worker;
	const struct session_door *door = from->door;
	const struct conf_limits *limits = &w->gen->conf->limits;
	char address[ADDRESS_WORD_MAX];
	enum stats_counter counter = STATS_REFUSED_CONNECTIONS;
	const char *limit = NULL;
	struct peer_count *peer = NULL;
	uint64_t more;

	if (!let_in(from, fd, sa, sa_len))
		return;
	if (w->all->connections++ >= limits->connections) {
		limit = "connections";
	} else if (peers_enter_by(w->all->peers, fd, sa,
	    limits->per_address, &peer) != 0) {
		limit = "per-address";
		counter = STATS_REFUSED_PER_ADDRESS;
	}
	if (limit == NULL) {
		worker_spread(w, door, fd, peer);
		return;
	}
	w->all->connections--;
	stats_add(w->host.env.stats, counter, 1);
	if (warning_due(&w->busy, &more))
		log_warnx("connection refused limit=%s peer=%s before=%llu",
		    limit, address_word(sa, sa_len, address,
		    sizeof(address)), (unsigned long long)more);
	worker_refuse(w, door, fd, REQUEST_BUSY, "too many connections");
}

void
worker_accept_rest(struct worker *w)
{
	for (size_t i = 0; i < w->all->n_listeners; i++)
		if (w->listeners[i].acceptor != NULL)
			acceptor_rest(w->listeners[i].acceptor);
}

void
worker_listen_stop(struct worker *w)
{
	for (size_t i = 0; w->listeners != NULL && i < w->all->n_listeners;
	    i++) {
		acceptor_free(w->listeners[i].acceptor);
		w->listeners[i].acceptor = NULL;
	}
}

void
worker_listen_use(struct worker *w)
{
	struct worker_listener *from = w->listeners;
	const struct conf_listen *l;

	/* The same ones, in the same order: no reload changes that. */
	if (from == NULL)
		return;
	TAILQ_FOREACH(l, &w->gen->conf->listens, entry) {
		from->rule = &l->rule;
		(from++)->unproven = l->client_ca != NULL;
	}
}

int
worker_listen_start(struct worker *w)
{
	w->listeners = calloc(w->all->n_listeners, sizeof(*w->listeners));
	if (w->listeners == NULL)
		return -1;
	worker_listen_use(w);
	for (size_t i = 0; i < w->all->n_listeners; i++) {
		struct worker_listener *from = &w->listeners[i];

		from->worker = w;
		from->door = &w->all->doors[i];
		/* That is the server's own. */
		if (from->door->service == NULL)
			continue;
		from->acceptor = acceptor_new(w->host.base,
		    w->all->listeners[i].fd, NULL, worker_accept_cb, from);
		if (from->acceptor == NULL)
			return -1;
	}
	return 0;
}
