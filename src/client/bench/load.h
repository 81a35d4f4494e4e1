/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LOAD_H
#define LOAD_H

/*
 * A plan carried out by its threads, and what came of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tally.h"

struct plan;

enum load_end {
	LOAD_DONE,
	LOAD_STOPPED,		/* as the watcher wanted */
	LOAD_SILENT,		/* nothing came any more */
	LOAD_UNCONNECTED,	/* no connection could be made */
	LOAD_FAILED		/* it could not begin; errno says why */
};

/* Who looks on, some ten times a second. */
struct load_watch {
	/*
	 * so_far   NULL: nothing is counted yet
	 * span_ns  since counting began
	 *
	 * Returns false to have it end now.
	 */
	bool (*look_cb)(void *arg, const struct tally_sum *so_far,
	    int64_t span_ns);
	void *arg;
};

/*
 * Load a server.
 *
 * watch  NULL: nobody looks on
 * sum    set to what was counted
 *
 * Returns how it ended; with all but LOAD_DONE and LOAD_STOPPED, errno is set.
 */
enum load_end load_run(const struct plan *plan,
    const struct load_watch *watch, struct tally_sum *sum);

#endif
