/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WARNING_H
#define WARNING_H

/*
 * A warning that peers may cause as often as they like: it is told once in a
 * while, with the number of those that were not.  For one thread each.
 */

#include <stdbool.h>
#include <stdint.h>

struct warning {
	int64_t last;		/* ms; 0: never */
	uint64_t more;		/* not told since then */
};

/*
 * Whether to log now: at most once in ten seconds.
 *
 * warning  zeroed before the first time
 * more     set when true is returned: how many were not told before
 */
bool warning_due(struct warning *warning, uint64_t *more);

#endif
