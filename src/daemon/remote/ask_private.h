/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ASK_PRIVATE_H
#define ASK_PRIVATE_H

/*
 * Between ask.c, which begins and ends what is asked, ask_request.c, which has
 * the words for it, and ask_reply.c, which knows what servers say to them.
 */

#include <stdbool.h>

#include "daemon/record/remotes.h"
#include "daemon/remote/ask.h"
#include "daemon/remote/node.h"
#include "daemon/request/lookup.h"

struct cluster_wish;

enum ask_kind {
	ASK_KEY,			/* of a published table */
	ASK_PLAIN,
	ASK_POINT
};

/* A lookup that wants the answer, and has a deadline of its own. */
struct waiter {
	TAILQ_ENTRY(waiter) entry;
	TAILQ_ENTRY(waiter) age_entry;	/* of its source's, by age */
	struct lookup *lookup;
	struct ask *ask;
	int64_t since;			/* ms */
};

struct ask {
	LIST_ENTRY(ask) hash_entry;
	TAILQ_ENTRY(ask) entry;		/* of its source's, by age */
	TAILQ_ENTRY(ask) wait_entry;	/* of the asker's, where it waits */
	struct source *source;		/* borrowed: lives longer */
	TAILQ_HEAD(, waiter) waiters;
	struct waiter first;
	struct node *node;		/* whose answer is awaited, or NULL */
	uint64_t ticket;		/* there */
	const struct node *said_by;	/* the answer that is at hand */
	int64_t since;			/* ms: when it was begun, or last seen
					   to be wanted at that age */
	int64_t again;			/* ms, where it waits */
	enum ask_kind kind;
	enum node_mode mode;		/* in which it was asked last */
	unsigned int tries;
	unsigned int round;		/* of the asker, when it was put */
	unsigned int redirects;
	bool waits;
	bool no_master, no_replica;	/* is to be asked again */
	bool master_said, replica_said;	/* that it has nothing */
	struct edition *edition;	/* a reference; of ASK_KEY, once known */
	uint64_t bucket;		/* of ASK_KEY; which, of ASK_POINT */
	unsigned int slot;
	void (*point_cb)(struct source *, const char *, size_t, void *);
	void *arg;
	uint64_t hash;
	char *folded;			/* owned: the key, where it is folded */
	size_t folded_len;
	size_t key_len;
	bool is_short;			/* its key: it is one of the spares */
	char key[];
};

#define ASK_SHORT	96		/* bytes of a key, and less */

/* ask_request.c: */

/*
 * In which bucket of what is published now a key is to be looked for.
 *
 * Returns 0; or -1 with errno: ENAMETOOLONG where it is longer than any key
 * that is published, of that edition; ENOMEM where it cannot be folded, with no
 * edition.
 */
int ask_find_bucket(struct ask *);

/*
 * The slot of a plain key, whose braces count.
 */
unsigned int ask_plain_slot(struct asker *, const struct ask *);

/*
 * The request for it, into a->words.
 *
 * Returns 0, or -1 when out of memory.
 */
int ask_write(struct asker *, const struct ask *);

/* ask.c: */

/*
 * The end of it: what was found, missed; or it is not known, and why.
 *
 * text, len  of LOOKUP_FOUND, JSON-escaped; copied
 */
void ask_answer(struct asker *, struct ask *, enum lookup_result,
    const char *text, size_t len);
void ask_give_up(struct asker *, struct ask *, enum remote_cause);

/*
 * Ask once more: whoever should know, but not this node, NULL: any; or in a
 * moment.
 */
void ask_go(struct asker *, struct ask *, const struct node *but);
void ask_wait(struct asker *, struct ask *);

/*
 * Whom to ask.
 */
struct cluster_wish ask_wish(const struct ask *, const struct node *but);

/*
 * Ask this node.
 *
 * Returns 0, or -1 where that cannot be, and it is as it was.
 */
int ask_put(struct asker *, struct ask *, struct node *, enum node_mode);

#endif
