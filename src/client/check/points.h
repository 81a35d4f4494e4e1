/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef POINTS_H
#define POINTS_H

/*
 * The points of the protocol that a server is checked for, in groups.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POINT_SEEN_SIZE		400

struct appmsg_client;
struct call;
struct point;

/* What the points know of the server so far. */
struct checked {
	struct call *call;	/* borrowed */
	struct appmsg_client *first;	/* a connection for the first point, which
					   takes it; then NULL */
	int64_t until_ms;	/* of all points together */
	int64_t patience_ms;	/* a reply is waited for so long */
	char *ring;		/* owned: the answer to the first search; NULL:
				   there is none */
	bool kept;		/* it keeps connections if it is asked to */
	char seen[POINT_SEEN_SIZE];	/* what is wrong with the point in
					   hand; "": nothing so far */
	const char *skip;	/* why it cannot be judged, or NULL; static */
	bool silent;		/* it was waited for in vain */
};

struct point {
	const char *title;	/* what a server does that keeps it */
	const char *why;	/* for who has to mend it */
	void (*judge)(struct checked *, const struct point *);
	const void *arg;	/* what judge makes of it */
};

struct points {
	const char *title;
	const struct point *all;
	size_t n;
	bool needed;		/* without all of them, nothing else is judged */
};

extern const struct points points_reply;	/* one plain search */
extern const struct points points_pieces;	/* as TCP may cut it */
extern const struct points points_request;	/* what a request may be */
extern const struct points points_wrong;	/* what it may not */
extern const struct points points_others;	/* several clients */
extern const struct points points_kept;		/* connections that stay */

/*
 * Say what is wrong with the point in hand; what is said first counts.
 */
void point_seen(struct checked *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
