/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef NODE_H
#define NODE_H

/*
 * One server of other machines, as one worker speaks to it: a connection, and
 * in order what that owes.
 *
 * Whoever asks is told once of each of his requests: that its reply is there,
 * or that the connection was lost before; never in a call of this header but
 * node_flush() and node_beat(), and only until he leaves it.  What a node does
 * not answer in time it is suspected for, when all that it owes may be left
 * for another one, and then closed.  One that failed rests, longer each time;
 * then it is tried without asking it anything.
 *
 * Nothing here waits.
 */

#include <sys/queue.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/address.h"
#include "daemon/base/buf.h"
#include "daemon/dial/dial.h"
#include "daemon/remote/resp.h"
#include "daemon/remote/slotmap.h"

struct dial_trust;
struct node;
struct pulse;

/* In whom a node's replies end; one for all nodes of a cluster. */
struct node_owner {
	struct pulse *pulse;		/* borrowed, as the others */
	char *in;			/* NODE_IN_SIZE bytes of the worker's */
	const char *user;		/* NULL: the default one */
	const char *password;		/* NULL: none is said */
	bool tls;			/* what is said is enciphered */
	const struct dial_trust *trust;	/* who proves them; NULL: nobody */
	struct dial_room *room;		/* the worker's, for that */
	bool cluster;			/* it knows READONLY and ASKING */
	int64_t suspect_ms;		/* for its oldest reply */
	int64_t close_ms;
	/*
	 * A reply to a request, at to end; resp_next() walks it.
	 *
	 * Returns 0; or -1 where it is so wrong that nothing more is to be
	 * believed of this connection.
	 */
	int (*reply_cb)(struct node *, void *who, const char *at,
	    const char *end, void *arg);
	/*
	 * Its reply is soon there: have memory on its way that will be needed
	 * then, part 0, and a few replies later each next one of NODE_SOON,
	 * which those before say where it is.
	 */
	void (*soon_cb)(void *who, unsigned int part, void *arg);
	/* There will be none, since the connection is lost. */
	void (*lost_cb)(struct node *, void *who, void *arg);
	/* It is late: whoever can ask another may node_leave() it. */
	void (*late_cb)(struct node *, void *who, void *arg);
	/* Something is wrong with the node: words, borrowed for the call;
	 * NULL: it has ended a connection that it owed nothing to. */
	void (*wrong_cb)(struct node *, const char *why, void *arg);
	void *arg;
	STAILQ_HEAD(, node) dirty;	/* those with something to send */
};

#define NODE_SOON	3
#define NODE_IN_SIZE	DIAL_READ_SIZE

enum node_state {
	NODE_IDLE,		/* not connected, and may be */
	NODE_CONNECTING,	/* until it has answered a PING */
	NODE_READY,
	NODE_RESTING		/* after a failure */
};

enum node_owed_kind {
	NODE_OWES_AUTH,
	NODE_OWES_PING,
	NODE_OWES_MODE,		/* whatever it says to READONLY and so on */
	NODE_OWES_REPLY,
	NODE_OWES_LARGE
};

struct node_owed {
	void *who;		/* NULL: nobody, or none who asked */
	int64_t since;		/* ms */
	enum node_owed_kind kind;
};

struct node {
	TAILQ_ENTRY(node) entry;	/* the owner's */
	struct node_owner *owner;	/* borrowed */
	struct slotmap_address address;
	char word[ADDRESS_WORD_MAX];
	enum node_state state;
	bool suspect;		/* the oldest that it owes is late */
	bool refuses;		/* it was reached, but does not let us in */
	bool readonly;		/* READONLY was said on this connection */
	bool wanted;		/* to be tried again after its rest */
	/* Private: */
	STAILQ_ENTRY(node) dirty_entry;
	bool dirty;
	bool spoke;		/* it has said something on this connection */
	unsigned int fails;	/* in a row */
	struct dial dial;
	struct buf out;		/* of this wake-up */
	struct buf rest;	/* the beginning of a reply */
	struct resp_scan scan;
	size_t need;		/* bytes of it, before it is worth to look */
	struct node_owed *ring;	/* owned; cap is a power of two, or 0 */
	size_t cap;
	uint64_t first, next;	/* numbers, of which those in between are owed */
	int64_t rest_until;	/* ms */
};

/* How a request is to be answered. */
enum node_mode {
	NODE_MASTER,		/* by one that does not lag behind */
	NODE_REPLICA,		/* by anybody who has it */
	NODE_ASKING,		/* by whom the slot is on its way to */
	NODE_LARGE		/* by anybody, at length */
};

/*
 * Begin; nothing is connected yet.
 *
 * owner  borrowed
 */
void node_init(struct node *, struct node_owner *owner,
    const struct slotmap_address *);

/*
 * Close, and free what it owns; nobody is told.
 */
void node_clear(struct node *);

/*
 * Whether it may be asked: it is connected, or was never found to fail.  With
 * a suspect one it is the caller's choice.  One that may not is tried again
 * soon.
 */
bool node_may(struct node *);

/*
 * Ask.
 *
 * who      told of the reply, or that there is none; NULL: nobody
 * request  of len bytes, whole; copied
 * ticket   set on success, for node_leave()
 *
 * Returns 0; or -1 where it may not be asked, has too much to send, or memory
 * is out.
 */
int node_ask(struct node *, enum node_mode mode, void *who,
    const char *request, size_t len, uint64_t *ticket);

/*
 * The reply to a request is nobody's any more.
 */
void node_leave(struct node *, uint64_t ticket);

/*
 * Send what all have to send, one write each.
 */
void node_flush(struct node_owner *);

/*
 * Look at the time: what is late, what is to be tried again.
 *
 * Returns when to look again, in ms; INT64_MAX: not before something is asked.
 */
int64_t node_beat(struct node *, int64_t now);

/*
 * How many replies it owes.
 */
static inline size_t
node_owes(const struct node *n)
{
	return (size_t)(n->next - n->first);
}

#endif
