/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HISTORY_H
#define HISTORY_H

/*
 * What was loaded since the start, and what was not: a row for each start,
 * reload and rollback, the newest first.  What comes again and again, such as a
 * reload by cron that fails, is one row that counts; of many rows the oldest
 * go, but never one of a generation that is there to be gone back to.
 *
 * There are no pointers in it: it may be copied, and what is noted when memory
 * is out is noted like all else.
 */

#include <sys/types.h>

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "daemon/history/outcome.h"
#include "daemon/report/last_reload.h"
#include "daemon/table/digest.h"

struct buf;
struct generation;
struct kept;
struct tell;

#define HISTORY_ROWS	64
#define HISTORY_USER_SIZE	64	/* bytes of a user's name, with its NUL */

/* Who asked. */
struct history_who {
	enum {
		HISTORY_BY_NOBODY,	/* the start */
		HISTORY_BY_SIGNAL,	/* whoever sent SIGHUP */
		HISTORY_BY_MANAGER,	/* the service manager */
		HISTORY_BY_CONTROL	/* a user, over the control socket */
	} by;
	uid_t uid;		/* of that user */
	size_t others;		/* who asked for the same with him, each time
				   that it was so */
};

enum history_outcome {
	HISTORY_DONE,
	HISTORY_SAME,		/* nothing had changed: no new generation */
	HISTORY_FAILED
};

struct history_row {
	enum history_outcome outcome;
	enum reload_order order;	/* never a diff */
	struct history_who who;
	uint64_t number;	/* of the generation; 0: there is none */
	uint64_t load;		/* of which load it is, by kept_load() */
	uint64_t to;		/* of a rollback */
	uint64_t now;		/* as which its load is there; 0: it is gone */
	size_t entries, added, removed, changed;
	struct digest digest;	/* of its tables */
	struct last_reload end;	/* when, and the first problem */
	time_t since;		/* when it was so for the first time */
	size_t times;		/* how often in a row */
	char user[HISTORY_USER_SIZE];	/* as uid is called; "": unknown */
};

struct history {
	struct history_row rows[HISTORY_ROWS];
	size_t n;
	uint64_t serving;	/* its number */
};

/*
 * Begin with the start.
 */
void history_init(struct history *, const struct generation *);

/*
 * Note what came of a reload or a rollback.
 *
 * who   asked
 * now   when it was over
 * kept  the generations that are there by now
 */
void history_note(struct history *, const struct outcome *,
    const struct history_who *who, time_t now, const struct kept *kept);

/*
 * Note a reload that changed nothing, so that what served before goes on.
 */
void history_note_same(struct history *, enum reload_order order,
    const struct history_who *who, time_t now);

/*
 * Of which load a generation is, or was, by kept_load(); 0: that is not known
 * any more.
 */
uint64_t history_load(const struct history *, uint64_t number);

/*
 * Look up what users are called, for the next two: in files that may be far
 * away, so not in a loop.
 *
 * stop  ends it; names may be missing then
 */
void history_name_users(struct history *, const atomic_bool *stop);

/*
 * Append a table of lines for people, without the end of the last one.
 *
 * Returns 0, or -1 when out of memory.
 */
int history_text(const struct history *, struct buf *);

/*
 * Add an array "history" to an object, as appmsgctl(8) lists its members.
 */
void history_tell(const struct history *, struct tell *);

#endif
