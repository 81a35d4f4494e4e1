/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A rule without a name of the database's, which may not be installed.
 */

#include "config.h"

#include "zone.h"

#include <stdlib.h>
#include <time.h>

int
zone_setup(void **state)
{
	(void)state;
	if (setenv("TZ", "IST-5:30", 1) != 0)
		return -1;
	tzset();
	return 0;
}
