/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SOURCE_H
#define SOURCE_H

/*
 * A table on other machines, as one worker asks it: what its line says, what is
 * published, what is remembered, and what is asked now.  A line that a reload
 * changes makes another source, and the old one ends with its last lookup.
 */

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/warning.h"
#include "daemon/remote/bucket.h"

struct asker;
struct cache;
struct cluster;
struct conf_remote;

/* What was published at a time; counted, by one thread. */
struct edition {
	unsigned int refs;
	uint64_t generation;
	struct bucket_table table;
	struct bucket_base base;
};

struct ask;
struct waiter;
TAILQ_HEAD(ask_queue, ask);
TAILQ_HEAD(waiter_queue, waiter);

struct source {
	LIST_ENTRY(source) entry;	/* of a worker's */
	const struct conf_remote *conf;	/* a reference */
	struct cluster *cluster;	/* borrowed; counts this as a user */
	struct asker *asker;		/* borrowed */
	struct edition *edition;	/* a reference; NULL: none is known */
	struct cache *cache;		/* owned; NULL: none */
	struct ask_queue asks;		/* by their age */
	struct waiter_queue waiters;	/* for them, by their age */
	struct warning warning;
	bool used;		/* by the generation that serves */
	bool looked;		/* it was tried to find out what is published */
	bool told;		/* and somebody said something to it */
	unsigned int reading;	/* pointers that are asked for */
	int64_t read_at;	/* ms: when they are asked for next */
};

/*
 * Make it.
 *
 * conf     a reference is taken
 * cluster  borrowed for its life, as asker
 *
 * Returns it, owned by the caller, source_free(); NULL when out of memory.
 */
struct source *source_new(const struct conf_remote *conf,
    struct cluster *cluster, struct asker *asker);

/*
 * Free one that asks nothing.  NULL is allowed.
 */
void source_free(struct source *);

/*
 * Whether two lines mean the same entries, so that what is known of one is
 * known of the other; on the same cluster.
 */
bool source_is_alike(const struct conf_remote *, const struct conf_remote *);

/*
 * A pointer was read.  One with a higher generation counts from now on; others
 * are nothing.
 *
 * Returns 0, or -1 when out of memory, with the old one in place.
 */
int source_publish(struct source *, const struct bucket_point *);

/*
 * Have what another one knows: its edition, where that is newer, and its
 * cache, if it is not used any more.
 */
void source_inherit(struct source *, struct source *from);

/*
 * The generation that serves has it, from now on; whatever the memory.
 */
void source_use(struct source *);

/*
 * One more reference; and let go of one, NULL is allowed.
 */
struct edition *edition_ref(struct edition *);
void edition_unref(struct edition *);

#endif
