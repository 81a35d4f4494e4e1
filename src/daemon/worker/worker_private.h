/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WORKER_PRIVATE_H
#define WORKER_PRIVATE_H

/*
 * Between worker.c, which knows the threads and carries out their orders, and
 * worker_accept.c, which knows where connections come from and who serves
 * them.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/base/warning.h"
#include "daemon/session/session.h"
#include "daemon/worker/order.h"
#include "daemon/worker/worker.h"

struct acceptor;
struct mailbox;
struct remote;
struct who_rule;

/* A listener, as one of the workers accepts from it. */
struct worker_listener {
	struct worker *worker;
	const struct session_door *door;
	const struct who_rule *rule;	/* borrowed from the generation */
	bool unproven;			/* clients show certificates there */
	struct acceptor *acceptor;	/* owned; NULL: not the workers' */
};

struct worker {
	struct workers *all;
	struct session_host host;
	struct generation *gen;		/* a reference */
	struct access *access;		/* owned; used if gen has a file */
	struct tls_worker *tls;		/* owned */
	struct remote *remote;		/* owned: asks tables that are on other
					   machines */
	struct mailbox *mailbox;
	struct worker_listener *listeners;	/* owned */
	struct event *grace;		/* ends what nobody asked */
	/*
	 * Those that are sent once, or once at a time as the beat: a daemon
	 * without memory must be able to end.  Others are allocated.
	 */
	struct order orders[ORDER_KINDS];
	struct order *swap;		/* until all workers have one */
	atomic_bool beat_owed;
	struct warning busy, denied;
	pthread_t thread;
	bool running;			/* thread is to be joined */
	bool drained;
	size_t refused;			/* sessions that no limit counts */
	atomic_int sessions;		/* counted ones; others read it */
};

struct workers {
	struct worker *workers;
	size_t n;
	const struct listener *listeners;
	struct session_door *doors;	/* owned: one a listener */
	size_t n_listeners;
	struct workers_events events;
	struct peers *peers;
	struct tls *tls;		/* borrowed */
	struct stats_worker *stats;	/* owned: one a worker */
	atomic_llong connections;	/* of all workers */
	atomic_llong held;		/* bytes of all workers */
	atomic_bool draining;		/* before each has its order */
	atomic_uint not_swapped;
	atomic_uint not_deaf;
	atomic_uint not_drained;
};

/* worker_accept.c, for worker.c: */

/*
 * Accept from the listeners that are the workers'.
 *
 * Returns 0, or -1 when out of memory; then worker_listen_stop() is due.
 */
int worker_listen_start(struct worker *);

/*
 * Let in whom the worker's generation lets in, from now on.
 */
void worker_listen_use(struct worker *);

/*
 * Accept no more.  May be called twice, and without a start.
 */
void worker_listen_stop(struct worker *);

/*
 * Accept the connections that the kernel made already.
 */
void worker_accept_rest(struct worker *);

/*
 * Serve a connection that is counted for this worker; fd and peer are taken.
 */
void worker_adopt(struct worker *, const struct session_door *, int fd,
    struct peer_count *peer);

/*
 * Accept again, if that was paused for want of descriptors: a session has
 * ended.
 */
void worker_resume(struct worker *);

#endif
