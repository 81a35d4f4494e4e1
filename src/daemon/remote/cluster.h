/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CLUSTER_H
#define CLUSTER_H

/*
 * Servers that have tables together, as one worker speaks to them: a Redis
 * Cluster, or one server and its replicas.  It knows whom to ask for a slot,
 * and finds out anew, from whoever answers, when that was wrong: one question
 * at a time, and some of them a second at most.
 *
 * It is known by its servers and by who asks them, so that a reload finds the
 * connections that are there.
 */

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/warning.h"
#include "daemon/record/remotes.h"
#include "daemon/remote/node.h"
#include "daemon/remote/slotmap.h"

struct conf_remote;

TAILQ_HEAD(node_list, node);

struct cluster {
	LIST_ENTRY(cluster) entry;	/* of a worker's */
	struct node_owner owner;	/* of all nodes */
	size_t users;			/* the worker's to count */
	/* Private: */
	const struct conf_remote *conf;	/* a reference */
	struct node_list nodes;
	size_t n_nodes;
	size_t n_strangers;	/* that only MOVED or ASK has named */
	struct node **seeds;	/* owned: those of the configuration */
	struct slotmap *map;	/* owned; NULL: none yet */
	struct node **by_index;	/* owned: the map's, by_index_n of them */
	size_t by_index_n;
	bool changed;		/* the map: nodes may be in it no more */
	struct node *asked;	/* for the map; NULL: none now */
	uint64_t ticket;
	int64_t last;		/* ms: when it was asked */
	int64_t due;		/* ms: when it is to be asked */
	int64_t interval;	/* ms, where nothing is wrong */
	int64_t pause;		/* ms, where no slots are told */
	unsigned int pick;	/* which replicas are its own */
	struct warning warning;
	/* As in node_owner, of which it makes its own; soon_cb NULL: nobody
	 * fetches ahead. */
	int (*reply_cb)(struct node *, void *who, const char *at,
	    const char *end, void *arg);
	void (*soon_cb)(void *who, unsigned int part, void *arg);
	void (*lost_cb)(struct node *, void *who, void *arg);
	void (*late_cb)(struct node *, void *who, void *arg);
	void *arg;
};

/*
 * Make it, without a connection.
 *
 * conf   a reference is taken
 * owner  pulse, in and room, and the callbacks for what cluster_ask() asks, with
 *        their arg; copied
 *
 * Returns it, owned by the caller, cluster_free(); or NULL when out of memory.
 */
struct cluster *cluster_new(const struct conf_remote *conf,
    const struct node_owner *owner);

/*
 * Close all connections; nobody is told.  NULL is allowed.
 */
void cluster_free(struct cluster *);

/*
 * Whether a table is on these servers, and they are asked in the same way.
 */
bool cluster_is_of(const struct cluster *, const struct conf_remote *);

/*
 * How long a lookup may take at most, from which it follows how long a server
 * may not answer.
 */
void cluster_set_deadline(struct cluster *, int64_t ms);

/*
 * Whether it is known whom to ask.
 */
bool cluster_is_known(const struct cluster *);

/*
 * Whether anybody may be asked at all (node_may()).
 */
bool cluster_may(struct cluster *);

/*
 * How many servers it has, and how many of them are connected.
 */
size_t cluster_servers(const struct cluster *, size_t *up);

/*
 * Why nobody can be asked: one does not let us in, which is to be told before
 * others are down.
 */
enum remote_cause cluster_cause(const struct cluster *);

/* Whom an answer may come from. */
struct cluster_wish {
	unsigned int slot;
	bool replicas;			/* they may be asked */
	bool no_master;			/* it is not to be asked */
	const struct node *but;		/* not this one; NULL: any */
	bool sound;			/* none that is suspect */
};

/*
 * Whom to ask: the master of a slot, but a replica instead of one that does
 * not answer in time.
 *
 * mode  set on success
 *
 * Returns a node that may be asked, or NULL.
 */
struct node *cluster_pick(struct cluster *, const struct cluster_wish *,
    enum node_mode *mode);

/*
 * The node with an address, if it is one of them, or one more may be taken
 * that nobody but another node has named; else NULL.
 */
struct node *cluster_node(struct cluster *, const struct slotmap_address *);

/*
 * A slot has another master.
 *
 * Returns 0; or -1 when out of memory, or with too many strangers.
 */
int cluster_moved(struct cluster *, unsigned int slot,
    const struct slotmap_address *);

/*
 * Find out anew who has what, soon.
 */
void cluster_refresh(struct cluster *);

/*
 * Look at the time.  Returns when to look again, in ms.
 */
int64_t cluster_beat(struct cluster *, int64_t now);

#endif
