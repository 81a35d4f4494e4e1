/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SESSION_H
#define SESSION_H

/*
 * One connection, from its socket to its end.  The link (link.h) owns the
 * socket and what is unfinished or unsent; the service (session_service.h)
 * knows what the bytes mean; the session decides when to read, write, wait and
 * close.
 *
 * A session belongs to one host for life, and so to one thread.  Nothing
 * frees a session inside of a call that was handed it, but for the callbacks
 * of libevent, as their last deed.
 */

#include <sys/queue.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buf.h"
#include "daemon/base/warning.h"
#include "daemon/request/request.h"
#include "daemon/session/deadline.h"
#include "daemon/session/link.h"

struct conf_limits;
struct conf_listen;
struct event;
struct event_base;
struct peer_count;
struct session;
struct session_service;
struct session_wakeup;

TAILQ_HEAD(session_list, session);

/*
 * Bytes that a worker reads at a time.  Twice the size gains nothing that can
 * be measured.
 */
#define SESSION_IN_SIZE	((size_t)64 << 10)

/*
 * What a worker, or who else serves, gives its sessions; lives longer than all
 * of them.
 */
struct session_host {
	struct event_base *base;
	const struct conf_limits *limits;	/* change with a reload */
	struct generation *gen;		/* that serves; borrowed; NULL: none.  A
					   turn has in env what its client sees
					   of it */
	struct request_env env;
	struct buf out;			/* replies of the turn in hand */
	struct session_wakeup *wakeup;	/* owned; of the wake-up */
	char *in;			/* owned: SESSION_IN_SIZE bytes read */
	struct link_owner owner;	/* of their links */
	int64_t at_once_ns;	/* what searches may still take that are done
				   at once, in this wake-up */
	struct deadlines deadlines;
	struct session_list all;	/* as they came, or as by_turn says */
	struct session_list ready;	/* have more to do than a turn */
	struct event *ready_event;	/* owned; runs the ready ones */
	struct session_list work;	/* have a reply that takes long */
	struct event *work_event;	/* owned; runs the first of them */
	struct session_list woken;	/* have answers that they waited for */
	uint64_t next_id;
	bool draining;			/* no session outlives its replies */
	const atomic_bool *is_last;	/* or NULL; replies say so that are the
					   last ones, since all hosts are to
					   drain, this one by and by */
	bool by_turn;			/* one that was served goes to the end
					   of all */
	struct peers *peers;		/* borrowed */
	atomic_llong *held;		/* bytes held for all peers */
	struct warning memory_warning;
	bool memory_short;		/* some are to end with the wake-up */
	void (*gone_cb)(struct peer_count *, bool counted, void *arg);
	void *arg;			/* for the services, too */
};

/*
 * What all connections of a listener have in common; lives longer than all of
 * them.
 */
struct session_door {
	const struct conf_listen *listen;
	const struct session_service *service;
	const struct link_ops *link;
	size_t number;			/* of the listen line, from 0 */
};

/*
 * Prepare a host whose base, peers, held, gone_cb and arg are set, the rest
 * being zeroed memory.  Before the first session its limits and durations
 * (deadlines_configure()) are due and, where a service answers from one, its
 * generation; they may be set anew at any time, the last one together with
 * session_use_generation().
 *
 * Returns 0, or -1 when out of memory; session_host_clear() is due anyhow.
 */
int session_host_init(struct session_host *);

/*
 * Free what the host owns, and all its sessions.
 */
void session_host_clear(struct session_host *);

/*
 * Begin to serve a connection.
 *
 * fd    taken, whatever the outcome
 * door  where it came in; borrowed for the session's life
 * peer  handed to gone_cb at the end, as counted is
 *
 * Returns 0, or -1 when out of memory; then gone_cb was not called.
 */
int session_start(struct session_host *, int fd,
    const struct session_door *door, struct peer_count *peer);

/*
 * Tell a connection that it is not served, and close it.
 *
 * status  REQUEST_BUSY or REQUEST_DENIED
 * why     a few words for the reply
 *
 * As session_start(), but gone_cb gets counted as false.
 */
int session_start_refused(struct session_host *, int fd,
    const struct session_door *door, enum request_status status,
    const char *why);

/*
 * The host's generation is another one, with this number: look anew at what
 * each client may ask, and keep nothing of those before the last one.
 */
void session_use_generation(struct session_host *, uint64_t number);

/*
 * Make room for another: end a session of the peer that has most, at once and
 * without a word; of its own the one that is the first of all, and of several
 * such peers the one whose that is.  For a host whose peers no other counts.
 */
void session_make_room(struct session_host *);

/*
 * Let every session end as soon as it owes no reply.
 */
void session_drain_all(struct session_host *);

#endif
