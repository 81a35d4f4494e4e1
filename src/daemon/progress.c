/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The two ways to tell.
 */

#include "config.h"

#include "daemon/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/deadline.h"

/* Shorter loads are not worth a word. */
#define PATIENCE_MS	1000

#define BAR_WIDTH	40

/* The share that is done, if there is something new to be told. */
static int
news(struct progress *p, const char *table, uint64_t done, uint64_t all,
    unsigned int step, unsigned int *share)
{
	if (p->table != table) {
		p->table = table;
		p->began = deadline_now();
		p->told = 0;
	}
	*share = all == 0 ? 100 : (unsigned int)(done * 100 / all);
	*share -= *share % step;
	if (*share == p->told || deadline_now() - p->began < PATIENCE_MS)
		return 0;
	p->told = *share;
	return 1;
}

static void
log_cb(const char *table, uint64_t done, uint64_t all, void *arg)
{
	unsigned int share;

	if (news(arg, table, done, all, 10, &share))
		log_info("loading table=%s done=%u%%", table, share);
}

static void
bar_cb(const char *table, uint64_t done, uint64_t all, void *arg)
{
	static const char full[BAR_WIDTH + 1] =
	    "########################################";
	unsigned int share, width;

	if (!news(arg, table, done, all, 1, &share))
		return;
	((struct progress *)arg)->drawn = true;
	width = share * BAR_WIDTH / 100;
	fprintf(stderr, "\r%s [%.*s%*s] %3u%%", table, (int)width, full,
	    (int)(BAR_WIDTH - width), "", share);
}

void
progress_init_log(struct progress *p)
{
	*p = (struct progress){ .source = { log_cb, p } };
}

void
progress_init_bar(struct progress *p)
{
	*p = (struct progress){ .source = { isatty(STDERR_FILENO) ? bar_cb :
	    NULL, p } };
}

void
progress_end(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\r%*s\r", BAR_WIDTH + 80, "");
}
