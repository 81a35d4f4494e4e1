/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A wall clock that is as wrong as the page says, from one moment to the
 * next.  The monotonic clock does not jump, and to be elsewhere from the start
 * it has time namespaces, which change what the kernel waits for, too.
 */

#include "config.h"

#include "tests/faults/page.h"

#include <sys/time.h>

#include <dlfcn.h>
#include <stddef.h>
#include <time.h>

#define NS_PER_S	1000000000LL

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	static int (*next)(clockid_t, struct timespec *);
	int64_t ahead = faults_page->realtime, ns;
	int rc;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
	rc = next(clock, ts);
	if (rc != 0 || ahead == 0 || (clock != CLOCK_REALTIME &&
	    clock != CLOCK_REALTIME_COARSE))
		return rc;
	ns = ts->tv_nsec + ahead % NS_PER_S + NS_PER_S;
	ts->tv_sec += (time_t)(ahead / NS_PER_S + ns / NS_PER_S - 1);
	ts->tv_nsec = (long)(ns % NS_PER_S);
	return 0;
}

time_t
time(time_t *when)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (when != NULL)
		*when = ts.tv_sec;
	return ts.tv_sec;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = (suseconds_t)(ts.tv_nsec / 1000);
	return 0;
}
