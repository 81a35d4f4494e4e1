/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LIVE_H
#define LIVE_H

/*
 * What the daemon does, seen live: "stats" again and again, of which two in a
 * row make rates.
 */

#include <stdint.h>

struct live_options {
	const char *socket;	/* of the daemon */
	int64_t delay_ms;	/* from one picture to the next */
	int64_t count;		/* of pictures; 0: until it is ended */
};

/*
 * Show it, until somebody ends it.  A daemon that goes away is waited for, one
 * that was never there is not.
 *
 * error  set to what failed before there was a picture, an error of appmsg.h
 *        with its errno; 0: nothing
 *
 * Returns the exit status where error is 0; other failures are told.
 */
int live_run(const struct live_options *, int *error);

#endif
