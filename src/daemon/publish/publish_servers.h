/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PUBLISH_SERVERS_H
#define PUBLISH_SERVERS_H

/*
 * The servers of a table, as who writes to them sees them: which master has a
 * key, a connection to each, and where a request is sent that one of them
 * refers elsewhere.  The first thing that goes wrong is noted in why, in words
 * for people, and ends what was to be done.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/publish/publish.h"
#include "daemon/publish/publish_wire.h"
#include "daemon/remote/slotmap.h"

struct buf;
struct conf_remote;

#define PUBLISH_SERVERS_MAX	1024	/* connections */
#define PUBLISH_PATIENCE_MS	10000	/* for a server that says nothing, or
					   refers elsewhere again and again */
#define PUBLISH_HASTE_MS	500	/* the same of who is to end */

struct publish_servers {
	const struct conf_remote *conf;	/* borrowed */
	const atomic_bool *stop;	/* likewise; ends each wait */
	struct slotmap map;		/* of a cluster; else without nodes */
	struct publish_wire **by_node;	/* owned: of each node, or NULL */
	struct publish_wire *wires[PUBLISH_SERVERS_MAX];	/* owned */
	size_t n_wires;
	int64_t patience_ms;
	char why[PUBLISH_WHY_SIZE];
};

/*
 * Connect to one of those that are configured, and learn which others there
 * are.
 *
 * s  set; publish_servers_close(), whatever is returned
 *
 * Returns 0, or -1 with why.
 */
int publish_servers_open(struct publish_servers *s, const struct conf_remote *,
    const atomic_bool *stop);

/*
 * Connect anew for a last word, whatever was waited for, and whether it is to
 * end: that takes less patience then.
 *
 * Returns as publish_servers_open().
 */
int publish_servers_reopen(struct publish_servers *);

/*
 * Close all, whatever they owe; why stays.
 */
void publish_servers_close(struct publish_servers *);

/*
 * The connection to the master of a slot, made if there is none.  Without a
 * cluster there is only one, whatever the slot.
 *
 * Returns it, or NULL with why.
 */
struct publish_wire *publish_servers_slot(struct publish_servers *,
    unsigned int slot);

/*
 * Ask the master of a slot, wherever that is by now, and wait for the reply,
 * while none else is owed.
 *
 * request  one whole request
 * reply    set; perhaps an error
 *
 * Returns who said it; or NULL with why.
 */
struct publish_wire *publish_servers_call(struct publish_servers *,
    unsigned int slot, const struct buf *request,
    struct publish_reply *reply);

/*
 * The same over one connection, wherever the slot is.
 *
 * Returns 0, or -1 with why.
 */
int publish_servers_converse(struct publish_servers *, struct publish_wire *,
    const struct buf *request, struct publish_reply *reply);

/*
 * Whether a reply says that another server is to be asked, or the same one a
 * moment later.
 */
bool publish_servers_elsewhere(const struct resp *head);

/*
 * See that what was written over each connection has reached a replica of its
 * master, if that has one.
 *
 * tick_cb  called each second
 *
 * Returns 0, or -1 with why.
 */
int publish_servers_settle(struct publish_servers *,
    int (*tick_cb)(void *arg), void *arg);

/*
 * Note what is wrong: in words; what a server refused; that a connection is
 * lost.  Each returns -1.
 */
int publish_servers_fail(struct publish_servers *, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
int publish_servers_refused(struct publish_servers *,
    const struct publish_wire *, const struct resp *error);
int publish_servers_lost(struct publish_servers *,
    const struct publish_wire *);

#endif
