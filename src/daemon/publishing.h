/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PUBLISHING_H
#define PUBLISHING_H

/*
 * Tables given to other machines when an administrator asks for it: one at a
 * time, in a thread that steps back for all others.  A reload does not wait
 * for it: what is published is the table that served when it was asked for.
 */

#include <stdbool.h>

struct appmsg_str;
struct control_request;
struct event_base;
struct publishing;
struct reload;

struct publishing_wanted {
	const struct appmsg_str *from, *to;	/* tables; raw is NULL where
						   none is said */
	bool force;			/* whatever guard= says */
	bool back;			/* to the generation before */
};

/* What is under way; borrowed until control returns to the loop. */
struct publishing_state {
	const char *from;		/* NULL: it goes back */
	const char *to;
	unsigned int share;		/* per cent that is done */
};

/*
 * Returns one that does nothing, owned by the caller, publishing_free(); or
 * NULL with errno.
 */
struct publishing *publishing_new(struct event_base *base);

/*
 * Publish.
 *
 * request  gets its reply, when that is done or cannot be; taken
 */
void publishing_start(struct publishing *, const struct reload *,
    const struct publishing_wanted *, struct control_request *request);

/*
 * Whether something is under way.
 *
 * state  set then
 */
bool publishing_state(const struct publishing *, struct publishing_state *);

/*
 * End what is under way, soon; whoever waits for it is told.
 */
void publishing_stop(struct publishing *);

/*
 * The same at once, and free it.  NULL is allowed.
 */
void publishing_free(struct publishing *);

#endif
