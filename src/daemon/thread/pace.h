/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PACE_H
#define PACE_H

/*
 * Long work beside others who must hardly notice.  A low priority is not
 * enough: once it is their turn, threads keep a core until the scheduler's
 * next tick, which is several milliseconds for whoever waits there.
 */

#include <stdbool.h>

/* Of entries that are read, say. */
#define PACE_ENTRIES	128

/*
 * Whether threads that call pace() step aside, from now on.  They do not at
 * first: when nobody is served yet a load takes what it gets.
 */
void pace_set(bool gentle);

/*
 * Whether they do.
 */
bool pace_is_set(void);

/*
 * To be called in long loops, each 10 to 100 microseconds: leaves the core to
 * others for a moment when this thread has worked for some time.
 */
void pace(void);

#endif
