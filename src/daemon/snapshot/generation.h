/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef GENERATION_H
#define GENERATION_H

/*
 * What one load gave: the configuration and the tables that it names, under
 * a number that always rises.  Each worker holds one reference to the one it
 * answers from, the server one to the newest and one to that before it; the
 * last to let go frees it.  Clients that may not ask all tables are answered
 * from a part of it (views.h).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "daemon/base/problems.h"

struct access_file;
struct conf;
struct snapshot;
struct source_progress;
struct views;

struct generation {
	uint64_t number;		/* from 1; 0: not published yet */
	time_t loaded_at;
	struct conf *conf;		/* never NULL */
	struct snapshot *snap;		/* never NULL */
	struct access_file *access;	/* a reference; NULL: no access log */
	struct generation *base;	/* whose they are: a reference, or NULL */
	struct generation *whole;	/* of a view: what it is a part of */
	struct views *views;		/* owned; NULL: each client sees all */
	atomic_uint refs;		/* not a view's, see views.h */
};

/*
 * Read a configuration alone.  generation_fill() reads its tables, perhaps as
 * another user; until then the generation is good for nothing else.
 *
 * Returns it with one reference, the caller's, whatever is wrong with the
 * configuration; or NULL when out of memory, which is a problem, too.
 */
struct generation *generation_read(const char *path,
    struct problems *problems);

/*
 * Read the tables of a generation_read(), once.
 *
 * progress  NULL: nobody wants to know
 * problems  those of its configuration, if there are any
 *
 * Its access log is for whoever publishes it to open.
 *
 * Returns 0; or -1, with at least one problem.
 */
int generation_fill(struct generation *,
    const struct source_progress *progress, struct problems *problems);

/*
 * Both: load a configuration and its tables.
 *
 * Returns the generation with one reference, the caller's; or NULL, with at
 * least one problem.
 */
struct generation *generation_load(const char *path,
    const struct source_progress *progress, struct problems *problems);

/*
 * The same beside what was loaded before, with which it shares the tables that
 * come out the same; files that are as they were are not read.
 *
 * old  borrowed for the call, by the only one who loads beside it; NULL:
 *      nothing, as generation_load()
 */
struct generation *generation_reload(const struct generation *old,
    const char *path, const struct source_progress *progress,
    struct problems *problems);

/*
 * Whether one load came to just what the other one did: configurations of the
 * same text, the same tables.
 */
bool generation_is_same(const struct generation *, const struct generation *);

/*
 * The same configuration and tables as another generation, to be published
 * under a new number.
 *
 * Returns it with one reference, the caller's; or NULL when out of memory.
 */
struct generation *generation_again(struct generation *);

/*
 * Take one more reference.  Returns its argument.
 */
struct generation *generation_ref(struct generation *);

/*
 * Let go of a reference.  NULL is allowed.
 */
void generation_unref(struct generation *);

#endif
