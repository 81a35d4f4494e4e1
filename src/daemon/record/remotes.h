/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REMOTES_H
#define REMOTES_H

/*
 * What is told of tables on other machines: why one could not be asked, and
 * what is known of one while nobody asks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct conf_remote;
struct tell;

/* Why it is not known whether a table has a key. */
enum remote_cause {
	REMOTE_DEADLINE,	/* no answer in time */
	REMOTE_DOWN,		/* no server of it can be reached */
	REMOTE_REFUSED,		/* one that can does not answer us: a password,
				   a right, or a while is missing */
	REMOTE_BROKEN,		/* it answered what is no answer */
	REMOTE_UNSEALED,	/* what was published is lost there */
	REMOTE_UNPUBLISHED,	/* nothing was */
	REMOTE_BUSY,		/* too many lookups wait already */
	REMOTE_CAUSES
};

/* The words for them, in all that people and programs read. */
extern const char *const remote_cause_words[REMOTE_CAUSES];

/* What is known of a table, of which all is 0 where it is not. */
struct remote_look {
	bool known;		/* somebody looks at it at all */
	bool up;		/* and reached it the last time */
	enum remote_cause cause;	/* else why not */
	uint64_t published;	/* the generation that is there; 0: none, or
				   others write it */
	time_t published_at;
	uint64_t entries;
	char digest[40];	/* of them, in hexadecimal; or "" */
	unsigned int servers;	/* that have it: masters and replicas */
	unsigned int servers_up;	/* of them, those that can be reached */
};

/* Who looks at such tables. */
struct remotes {
	/*
	 * What is known of one now; asks nobody.
	 *
	 * look  zeroed
	 */
	void (*look)(void *arg, const struct conf_remote *,
	    struct remote_look *look);	/* NULL: nobody looks */
	void *arg;
};

/*
 * The same, whether somebody looks or not.
 *
 * remotes  NULL: nobody does
 */
void remotes_look(const struct remotes *remotes, const struct conf_remote *,
    struct remote_look *look);

/*
 * Add to an object what is known of one: its servers, and where somebody looks
 * at it, how it is, as appmsgctl(8) lists the members.
 */
void remotes_tell(const struct conf_remote *, const struct remote_look *,
    struct tell *);

/*
 * The kind of such a table, as its line has it; static.
 */
const char *remotes_kind(const struct conf_remote *);

#endif
