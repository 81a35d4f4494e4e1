/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SNAPSHOT_LOAD_H
#define SNAPSHOT_LOAD_H

/*
 * From a configuration to the tables that it names.
 */

struct conf;
struct problems;
struct snapshot;
struct source_progress;

/*
 * Build the tables that a configuration names.
 *
 * conf      borrowed for the call
 * old       what was loaded before, or NULL: a table that comes out the same
 *           is shared with it, and files that are as they were are not read
 * threads   how many may work on it, at least 1
 * progress  NULL: nobody wants to know
 * problems  gets all that is wrong with them
 *
 * Returns the snapshot, owned by the caller, snapshot_free(); or NULL, with
 * at least one problem.
 */
struct snapshot *snapshot_load(const struct conf *conf,
    const struct snapshot *old, unsigned int threads,
    const struct source_progress *progress, struct problems *problems);

#endif
