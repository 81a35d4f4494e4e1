/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HIDING_H
#define HIDING_H

/*
 * How many entries of each table are hidden by those before it, for a page
 * that asks every second: counted once a generation, aside, and only if
 * somebody asks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct errands;
struct hiding;
struct reload;

/*
 * Returns one that has counted nothing, owned by the caller, hiding_free(),
 * which is due behind errands_free(); NULL when out of memory.
 *
 * errands  who counts; borrowed
 */
struct hiding *hiding_new(struct errands *errands);

/*
 * Free it.  NULL is allowed.
 */
void hiding_free(struct hiding *);

/*
 * See that what serves is counted, some time from now.
 */
void hiding_want(struct hiding *, const struct reload *);

/*
 * What was counted.
 *
 * i       the table, from 0, as inventory_row() has it
 * hidden  set when true is returned
 *
 * Returns whether that generation was counted.
 */
bool hiding_get(const struct hiding *, uint64_t generation, size_t i,
    size_t *hidden);

#endif
