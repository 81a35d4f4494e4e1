/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * strftime(3) knows no zone but the machine's, so that each has its own form.
 */

#include "config.h"

#include "daemon/base/iso_time.h"

size_t
iso_time_local(time_t t, char *text)
{
	struct tm tm;

	localtime_r(&t, &tm);
	return strftime(text, ISO_TIME_SIZE, "%Y-%m-%dT%H:%M:%S%z", &tm);
}

size_t
iso_time_utc(time_t t, char *text)
{
	struct tm tm;

	gmtime_r(&t, &tm);
	return strftime(text, ISO_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
