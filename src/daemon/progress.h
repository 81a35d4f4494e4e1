/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PROGRESS_H
#define PROGRESS_H

/*
 * How far a long load has come: lines in the log, or a bar on a terminal.
 * The service manager is asked to wait meanwhile.  Loads that end within a
 * moment say nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/source/source.h"

struct progress {
	struct source_progress source;	/* to be handed to the load */
	int64_t began;			/* ms, of the table in hand */
	int64_t extended;		/* ms, when the manager was asked */
	const char *table;
	unsigned int told;		/* per cent */
	bool drawn;			/* there is a bar */
};

/*
 * A line in the log for each tenth.
 */
void progress_init_log(struct progress *);

/*
 * A bar on standard error, if that is a terminal.
 */
void progress_init_bar(struct progress *);

/*
 * Take a bar away.
 */
void progress_end(struct progress *);

#endif
