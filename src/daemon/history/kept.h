/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef KEPT_H
#define KEPT_H

/*
 * The generations that are there: the one that serves, and those that served
 * before it and can be gone back to, the last of them first.
 */

#include <stddef.h>
#include <stdint.h>

struct generation;
struct problems;

#define KEPT_MAX	16	/* generations */

struct kept {
	struct generation *list[KEPT_MAX];	/* n references; the first
						   serves */
	size_t n;
	size_t bytes;		/* of tables that the first has not */
};

/*
 * Begin with the one that serves, of which a reference is taken.
 */
void kept_init(struct kept *, struct generation *);

/*
 * Let go of all.  One that is zeroed is allowed.
 */
void kept_clear(struct kept *);

/*
 * The one that serves; borrowed.
 */
struct generation *kept_serving(const struct kept *);

/*
 * The one to go back to.
 *
 * number    of it, or of the load that it is, which was its number before it
 *           was gone back to; 0: the one that served last
 * load      what kept_load() said of the one that had the number; 0: unknown
 * problems  gets why there is none
 *
 * Returns it, borrowed; or NULL, with a problem.
 */
struct generation *kept_find(const struct kept *, uint64_t number,
    uint64_t load, struct problems *problems);

/*
 * The number that the load of a generation had at first.
 */
uint64_t kept_load(const struct generation *);

/*
 * Have a new load serve; of those that are too many, the ones that served
 * longest ago go.
 *
 * gen   a reference; taken
 * most  how many may be there now, it counted: 1 to KEPT_MAX
 */
void kept_serve(struct kept *, struct generation *gen, size_t most);

/*
 * Have one that is kept serve again, under another number: it takes the place
 * of its old self, and none goes, however many its configuration would keep.
 *
 * gen  of generation_again(); a reference, taken
 * old  of which it was made
 */
void kept_serve_again(struct kept *, struct generation *gen,
    const struct generation *old);

#endif
