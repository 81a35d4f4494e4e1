/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A sleep, not sched_yield(2), which may give a whole turn away and make the
 * load take many times as long.
 */

#include "config.h"

#include "daemon/thread/pace.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "common/clock.h"

/*
 * Others wait for the first of these at most, and an idle machine loses the
 * second, and what the kernel's timers add to it, for each of the first.
 */
#define WORK_NS		300000
#define PAUSE_NS	20000

static atomic_bool is_gentle;

void
pace_set(bool gentle)
{
	is_gentle = gentle;
}

bool
pace_is_set(void)
{
	return is_gentle;
}

void
pace(void)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	static _Thread_local int64_t since;

	if (!atomic_load_explicit(&is_gentle, memory_order_relaxed) ||
	    clock_ns() - since < WORK_NS)
		return;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	since = clock_ns();
}
