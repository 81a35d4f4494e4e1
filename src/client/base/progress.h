/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PROGRESS_H
#define PROGRESS_H

/*
 * A line on standard error that says how far a long run is: only where that is
 * a terminal and standard output is none, and only from the second second on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool is_wanted;
	size_t done;
	size_t look_at;		/* of done: before, the clock is not asked */
	int64_t begin_ms;
	int64_t shown_ms;
};

/*
 * Begin.
 *
 * is_quiet  nothing is ever shown
 */
void progress_begin(struct progress *progress, bool is_quiet);

/*
 * One more is done.
 */
void progress_count(struct progress *progress);

/*
 * Remove the line, if there is one, before anything else is written on
 * standard error; output_flush() sees to that.
 */
void progress_hide(void);

#endif
