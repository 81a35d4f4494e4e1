/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LOOKUP_H
#define LOOKUP_H

/*
 * A key that a table is asked for which answers later (snapshot.h), and who
 * asks it: a worker's own, behind two functions.  All of it is the worker's
 * thread's.
 *
 * Each lookup ends in one of three ways: it is answered; it is forgotten, when
 * whoever wanted it is gone, or waited too long; or nobody can be asked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/fetch.h"
#include "daemon/record/remotes.h"

struct later;			/* snapshot.h */
struct lookup;

enum lookup_result {
	LOOKUP_FOUND,
	LOOKUP_MISSED,		/* the table does not have it, for sure */
	LOOKUP_UNAVAILABLE,	/* it is not known whether it has: said.cause
				   is why */
	LOOKUP_FAILED,		/* memory is out here; not to be answered */
	LOOKUP_NONE		/* not answered */
};

/* A key, and what is known of it. */
struct lookup_known {
	const char *key;	/* UTF-8 */
	size_t key_len;
	uint64_t hash;		/* table_hash() of it */
	const char *text;	/* JSON-escaped; borrowed until the next call of
				   any of these functions */
	size_t text_len;
};

/* Who asks such tables. */
struct later_ops {
	/*
	 * Ask a table for a key.
	 *
	 * arg     of whoever has these functions
	 * lookup  to be answered once by lookup_answer(), in this call or after
	 *         it, in a time that the table has for it; until then, or until
	 *         it is forgotten, the table and the key stay
	 */
	void (*ask)(void *arg, const struct later *, struct lookup *lookup);

	/*
	 * Nobody wants to know any more: the lookup is gone after this call.
	 */
	void (*forget)(struct lookup *);

	/*
	 * What is known of a key without asking, and is as good as an answer;
	 * NULL: nothing ever is.
	 *
	 * Returns LOOKUP_FOUND with the text, LOOKUP_MISSED, or LOOKUP_NONE.
	 */
	enum lookup_result (*known)(void *arg, const struct later *,
	    struct lookup_known *);

	/*
	 * known() will be called for a key of this hash: have memory on its
	 * way; once more, a while later, for what that says is needed.  NULL:
	 * there is none to fetch.
	 */
	void (*fetch)(void *arg, const struct later *, uint64_t hash,
	    bool again);
};

#define LOOKUP_NODE_MAX	80	/* bytes of "[address%zone]:port" */

/* What who asks says of its answer, beside the answer; all 0: nothing. */
struct lookup_said {
	enum remote_cause cause;	/* of "unavailable" */
	bool cached;		/* nobody was asked for it */
	bool stale;		/* and it may have changed since */
	uint64_t published;	/* its generation there; 0: none, others
				   write it */
	char node[LOOKUP_NODE_MAX];	/* who said it, for lookups that want
					   to know; "": nobody */
};

struct lookup {
	const char *key;	/* UTF-8 */
	size_t key_len;
	uint64_t hash;		/* table_hash() of it */
	void *data;		/* free for who asks, NULL at first */
	bool explain;		/* said.node is to be set */
	struct lookup_said said;	/* zeroed before each table; set by
					   who asks before it answers */
	/* For who wants to know: */
	const struct later_ops *ops;	/* that were asked; NULL: none now */
	const struct later *table;	/* the last that was; NULL: none yet */
	enum lookup_result result;
	char *text;		/* what was found; owned, or in room */
	size_t text_len;
	char *room;		/* borrowed: for a short one; NULL: none */
	size_t room_len;
	void (*answered_cb)(void *);	/* NULL: nobody need be told */
	void *arg;
};

/*
 * Answer a lookup, which is the asker's no longer.
 *
 * lookup     set to NULL; where it is already, nothing is done, so that who
 *            asks need not remember what it has answered
 * result     found, missed or unavailable
 * text, len  of what was found, JSON-escaped as a reply has it; copied
 */
void lookup_answer(struct lookup **lookup, enum lookup_result result,
    const char *text, size_t len);

/* Bytes that answering a plain lookup needs: of what is told, and of the
 * lookup with what has it. */
#define LOOKUP_FRONT	192
#define LOOKUP_AROUND	576

/*
 * Have its memory on its way, since it is soon to be answered.
 *
 * again  that was done before: now that of what is told of it
 */
static inline void
lookup_fetch(const struct lookup *l, bool again)
{
	if (again)
		fetch_lines(l->arg, LOOKUP_FRONT);
	else
		fetch_lines(l, LOOKUP_AROUND);
}

/*
 * Ask.
 *
 * lookup  its key, key_len, hash and explain are set
 * ops     NULL: there is nobody to ask, and the result is "unavailable"
 *
 * Nobody is asked for the empty key, which is no key of any table: who looks
 * whether the daemon serves asks for it.
 *
 * The result is there at once, or answered_cb is called when it is.
 */
void lookup_ask(struct lookup *, const struct later_ops *ops, void *arg,
    const struct later *);

/*
 * Give up what is not answered, as unavailable, without a call.
 *
 * Returns whether there was something to give up.
 */
bool lookup_give_up(struct lookup *);

/*
 * Forget it, and free what it owns.
 */
void lookup_clear(struct lookup *);

#endif
