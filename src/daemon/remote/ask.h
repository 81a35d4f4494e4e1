/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ASK_H
#define ASK_H

/*
 * The lookups of one worker that are asked of other machines.  Those for the
 * same key are asked once, as long as one of them has time.  Each ends in the
 * time that its table has for it: found, missed, or unavailable; and missed is
 * said only where a server that has the entries said so.
 *
 * No function here calls back into whoever gave a lookup but by its
 * answered_cb, in which that is only to be noted.
 */

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "common/spares.h"
#include "daemon/base/buf.h"
#include "daemon/remote/source.h"
#include "daemon/request/lookup.h"

struct lookup;
struct node;
struct pulse;
struct stats;

LIST_HEAD(ask_list, ask);

/* Lookups at a time and worker; those beyond are unavailable. */
#define ASK_MAX		16384
/* The same of bytes of their keys: as if all were as long as a table's may be.
 * Those of which nobody wants to know any more count until they end. */
#define ASK_BYTES_MAX	((size_t)16 << 20)

/* A worker's. */
struct asker {
	struct pulse *pulse;		/* borrowed */
	struct stats *stats;		/* borrowed; NULL: nobody counts */
	struct buf words;		/* owned: a request in the making */
	struct buf text;		/* owned: an answer in the making */
	struct ask_list *by_hash;	/* owned; NULL: not needed yet */
	struct spares spares;		/* owned: asks of short keys */
	struct ask_queue waiting;	/* that are to be asked again */
	unsigned int round;		/* counts what was sent together */
	size_t n;			/* that are asked, waiting or not */
	size_t bytes;			/* of their keys */
	size_t n_lookups;		/* that want their answers */
};

/*
 * Begin.
 *
 * pulse  borrowed, as stats; asker_beat() is due whenever it beats
 */
void asker_init(struct asker *, struct pulse *, struct stats *);

/*
 * Free what it owns, and all that is asked: every lookup was forgotten, and
 * the nodes are to be freed after it.
 */
void asker_clear(struct asker *);

/*
 * What is known of a key without asking (lookup.h).
 */
enum lookup_result ask_known(struct asker *, const struct source *,
    struct lookup_known *);

/*
 * Ask for a key.  The lookup is answered in this call or after it.
 */
void ask_lookup(struct asker *, struct source *, struct lookup *);

/*
 * Nobody wants to know any more.
 */
void ask_forget(struct lookup *);

/*
 * Ask for a pointer of a table.
 *
 * which  below BUCKET_POINTS
 * cb     called once, not in this call: with the whole reply, or with NULL
 *
 * Returns 0; or -1, when out of memory, where it is not called.
 */
int ask_point(struct asker *, struct source *, unsigned int which,
    void (*cb)(struct source *, const char *reply, size_t len, void *),
    void *arg);

/*
 * What lookups have waited for is known: whether the table is published.
 */
void ask_wake(struct asker *, const struct source *);

/*
 * End what is asked of a source and is too old, but for those who have joined
 * it later; or all of it.
 *
 * Returns when to look again, in ms.
 */
int64_t ask_expire(struct asker *, struct source *, int64_t now);
void ask_end_all(struct asker *, struct source *);

/*
 * Ask those again whose time has come.  Returns when to look again.
 */
int64_t asker_beat(struct asker *, int64_t now);

/* For cluster_new(), arg being the asker. */
int ask_reply_cb(struct node *, void *who, const char *at, const char *end,
    void *arg);
void ask_soon_cb(void *who, unsigned int part, void *arg);
void ask_lost_cb(struct node *, void *who, void *arg);
void ask_late_cb(struct node *, void *who, void *arg);

#endif
