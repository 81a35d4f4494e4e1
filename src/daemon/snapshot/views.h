/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef VIEWS_H
#define VIEWS_H

/*
 * What of a generation a client sees: a generation of its own, with the same
 * number, configuration and tables but for those that the client may not ask.
 * All who see the same tables share one, which is made for the first of them;
 * whoever sees all has the generation itself.
 *
 * A view lives as long as its generation: a reference to the one is a
 * reference to the other, and generation_ref() takes either.
 */

struct appmsg_str;
struct conf;
struct generation;
struct views;
struct who;

/*
 * Prepare for the views of a generation.
 *
 * views  set; owned by the caller, views_free(); NULL where each client sees
 *        all tables
 *
 * Returns 0, or -1 when out of memory.
 */
int views_new(const struct conf *, struct views **views);

/*
 * What a client sees of a generation; any thread.
 *
 * gen  not a view
 *
 * Returns it, borrowed as long as gen; or NULL when out of memory.
 */
struct generation *views_find(struct generation *gen, const struct who *);

/*
 * A table that is there, but not in a view.
 *
 * gen  a view, or none, in which nothing is hidden
 *
 * Returns its name, borrowed as long as gen; or NULL.
 */
const char *views_hidden(const struct generation *gen,
    const struct appmsg_str *name);

/*
 * Free them, which nobody uses any more.  NULL is allowed.
 */
void views_free(struct views *);

#endif
