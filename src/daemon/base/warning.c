/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One clock reading each; counting costs less than a line.
 */

#include "config.h"

#include "daemon/base/warning.h"

#include "common/clock.h"

#define WARN_EVERY_MS	10000

bool
warning_due(struct warning *warning, uint64_t *more)
{
	int64_t now = clock_ms();

	if (warning->last != 0 && now - warning->last < WARN_EVERY_MS) {
		warning->more++;
		return false;
	}
	*more = warning->more;
	warning->more = 0;
	warning->last = now;
	return true;
}
