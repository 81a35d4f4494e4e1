/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef RELOAD_H
#define RELOAD_H

/*
 * Reloading as a transaction: read the files in a thread, compare with what
 * cannot change and with what was there, publish to all workers, tell who
 * asked.  Whatever goes wrong, the old generation goes on; and so it does when
 * what was read comes to just what serves.  Orders that come during a reload
 * wait for the next one, since the files may have changed after it read them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/history/outcome.h"

struct control_request;
struct event_base;
struct generation;
struct history;
struct last_reload;
struct problems;
struct reload;
struct workers;

/*
 * Read the tables of the first generation, and open its access log: with
 * nobody to be served yet, and the rights that a reload will have.
 *
 * gen       as generation_read() made it
 * problems  gets all that is wrong with them
 *
 * Returns EX_OK; EX_CONFIG or, where it may pass by itself, EX_OSERR, with at
 * least one problem.
 */
int reload_first(struct generation *gen, struct problems *problems);

/*
 * Prepare to reload.
 *
 * path       of the configuration; borrowed
 * gen        the generation that serves; a reference is taken
 * workers    who serve it; borrowed for the reload's life
 * change_cb  called for each generation that serves from now on
 *
 * Returns the reload, owned by the caller; or NULL with errno.
 */
struct reload *reload_new(struct event_base *base, const char *path,
    struct generation *gen, struct workers *workers,
    void (*change_cb)(const struct generation *, void *arg), void *arg);

/* What is wanted. */
struct reload_wanted {
	enum reload_order order;
	size_t keys;		/* a diff's: how many of each sort are named,
				   at most DIFF_KEYS_MAX */
	uint64_t to;		/* a rollback's: a generation; 0: the one
				   before */
	bool manager;		/* it is for the service manager */
};

/*
 * Start to carry out an order, or note it for later.
 *
 * request  gets its reply when it is over; taken; NULL: a signal asked
 */
void reload_start(struct reload *, const struct reload_wanted *,
    struct control_request *request);

/*
 * All workers serve the new generation: for workers_events, any thread.
 */
void reload_swapped(struct reload *);

/*
 * Open the access log again that is written now: its file was renamed.
 */
void reload_access_log(const struct reload *);

/*
 * The generation that serves; borrowed until control returns to the loop.
 */
const struct generation *reload_current(const struct reload *);

/*
 * The same with a reference, the caller's, for as long as he likes.
 */
struct generation *reload_take(const struct reload *);

/*
 * How many reloads and rollbacks were done, changed or not, and how many
 * failed; diffs are neither.
 */
void reload_counts(const struct reload *, uint64_t *done, uint64_t *failed);

/*
 * How many generations are kept beside the one that serves, and how many bytes
 * of memory the tables take that only they have.
 */
void reload_kept(const struct reload *, size_t *n, size_t *bytes);

/*
 * What came of the last reload; borrowed until control returns to the loop.
 */
const struct last_reload *reload_last(const struct reload *);

/*
 * What was loaded, and what was not; likewise.
 */
const struct history *reload_history(const struct reload *);

/*
 * Tell everybody who waits that the daemon is stopping.
 *
 * Returns whether a load is under way, which reload_free() would wait for.
 */
bool reload_abandon(struct reload *);

/*
 * Wait for a load that is under way, and free all.  NULL is allowed.
 */
void reload_free(struct reload *);

#endif
