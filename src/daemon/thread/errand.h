/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ERRAND_H
#define ERRAND_H

/*
 * What takes too long for an event loop, done in a thread beside it, one
 * errand after the other: who is served comes first, and so does whoever
 * sends the next order.
 */

#include <sys/queue.h>

#include <stdatomic.h>

struct errands;
struct event_base;

/* The start of each errand, whose memory is its owner's. */
struct errand {
	STAILQ_ENTRY(errand) entry;
	/* In the thread; ends soon after stop is set, and calls pace(). */
	void (*work)(struct errand *, const atomic_bool *stop);
	/* In the loop's, once; takes the errand.  undone: why it was not done
	 * or not to its end, a static text; NULL: it was. */
	void (*end)(struct errand *, const char *undone);
};

/*
 * Make a runner of errands.
 *
 * base  of the thread in which they end
 *
 * Returns it, owned by the caller, errands_free(); or NULL with errno.
 */
struct errands *errands_new(struct event_base *base);

/*
 * Run an errand when those before it have ended.  Without a thread for it, it
 * ends at once, undone.
 *
 * errands  NULL: there is no loop, and it runs in this call
 * errand   with its functions; taken
 */
void errands_run(struct errands *errands, struct errand *errand);

/*
 * Stop what is under way, end all undone, and free the runner.  NULL is
 * allowed.
 */
void errands_free(struct errands *);

#endif
