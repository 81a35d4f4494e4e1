/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REMOTE_H
#define REMOTE_H

/*
 * A worker's client of all tables on other machines: who asks them (lookup.h),
 * over connections of its own, on its event base and thread.  Nothing in it is
 * shared with other workers, and nothing waits.
 *
 * A table is the struct conf_remote that is later->what; it begins to be asked
 * when the generation that has it serves.  What does not change over a reload
 * stays: connections, what is known of a cluster, and of what is published, so
 * that nobody is answered from what was published before.
 */

#include "daemon/request/lookup.h"

struct conf_remote;
struct event_base;
struct remote;
struct remote_look;
struct snapshot;
struct stats;

/*
 * Make one that asks nobody.
 *
 * base   of the thread that calls all functions here; borrowed
 * stats  counts what is asked; borrowed; NULL: nobody counts
 *
 * Returns it, owned by the caller, remote_free(); or NULL when out of memory.
 */
struct remote *remote_new(struct event_base *base, struct stats *stats);

/*
 * Close all connections.  Every lookup was answered or forgotten.  NULL is
 * allowed.
 */
void remote_free(struct remote *);

/*
 * Another generation's tables serve: connect to the servers of those that are
 * elsewhere.  What is asked for an older one goes on.
 */
void remote_use(struct remote *, const struct snapshot *);

/* Who asks; with the struct remote. */
extern const struct later_ops remote_ops;

/*
 * What is known of a table, as struct remotes has it.
 *
 * remote  a struct remote
 */
void remote_look(void *remote, const struct conf_remote *,
    struct remote_look *);

#endif
