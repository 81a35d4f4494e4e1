/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A bar shows each per cent to who waits before a terminal; a log is read
 * later, by who wants to know where the time went: a line a tenth is enough.
 * Whichever it is, the service manager kills a start that takes too long unless
 * it is asked for more time, so that both ask on the way.
 */

#include "config.h"

#include "daemon/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/manager/notify.h"

/* Shorter loads are not worth a word. */
#define PATIENCE_MS	1000

#define BAR_WIDTH	40

/*
 * How long the service manager is to wait for the next word of a long load:
 * some time, and more after long reading, since what follows the last block,
 * such as sorting, is told by nobody.
 */
#define EXTEND_EVERY_MS	5000
#define EXTEND_MS	60000
#define EXTEND_TIMES	20

/* A start or a reload takes its time only as long as it comes forward. */
static void
extend(struct progress *p, bool last)
{
	int64_t now = clock_ms(), spent = now - p->began;

	if (spent < PATIENCE_MS ||
	    (!last && now - p->extended < EXTEND_EVERY_MS))
		return;
	p->extended = now;
	notify("EXTEND_TIMEOUT_USEC=%" PRId64,
	    (EXTEND_MS + EXTEND_TIMES * spent) * 1000);
}

/* Whether there is something new to be told: the share that is done. */
static bool
news(struct progress *p, const char *table, uint64_t done, uint64_t all,
    unsigned int step, unsigned int *share)
{
	if (p->table != table) {
		p->table = table;
		p->began = clock_ms();
		p->told = 0;
	}
	extend(p, done == all);
	*share = all == 0 ? 100 : (unsigned int)(done * 100 / all);
	*share -= *share % step;
	if (*share == p->told || clock_ms() - p->began < PATIENCE_MS)
		return false;
	p->told = *share;
	return true;
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

static void
silent_cb(const char *table, uint64_t done, uint64_t all, void *arg)
{
	unsigned int share;

	news(arg, table, done, all, 1, &share);
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
	    silent_cb, p } };
}

void
progress_end(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\r%*s\r", BAR_WIDTH + 80, "");
}
