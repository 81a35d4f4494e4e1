/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The clock is asked once in a while, not for each that is done.  The line has
 * no newline; whatever comes after it begins by removing it.
 */

#include "config.h"

#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appmsg.h"

#define PROGRESS_STEP 256	/* done between looks at the clock */
#define PROGRESS_FIRST_MS 1000
#define PROGRESS_NEXT_MS 250

static bool progress_is_shown;

void
progress_begin(struct progress *progress, bool is_quiet)
{
	const char *term = getenv("TERM");

	memset(progress, 0, sizeof(*progress));
	progress->is_wanted = !is_quiet && isatty(STDERR_FILENO) == 1 &&
	    isatty(STDOUT_FILENO) == 0 && term != NULL &&
	    strcmp(term, "dumb") != 0;
	progress->begin_ms = appmsg_deadline(0);
	progress->shown_ms = progress->begin_ms + PROGRESS_FIRST_MS -
	    PROGRESS_NEXT_MS;
}

void
progress_count(struct progress *progress)
{
	int64_t now;

	progress->done++;
	if (!progress->is_wanted || progress->done < progress->look_at)
		return;
	progress->look_at = progress->done + PROGRESS_STEP;
	now = appmsg_deadline(0);
	if (now - progress->shown_ms < PROGRESS_NEXT_MS)
		return;
	progress->shown_ms = now;
	fprintf(stderr, "\r\033[K%zu keys, %.0f a second", progress->done,
	    1000.0 * (double)progress->done /
	    (double)(now - progress->begin_ms));
	(void)fflush(stderr);
	progress_is_shown = true;
}

void
progress_hide(void)
{
	if (!progress_is_shown)
		return;
	progress_is_shown = false;
	fputs("\r\033[K", stderr);
}
