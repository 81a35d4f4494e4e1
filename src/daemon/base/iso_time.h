/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ISO_TIME_H
#define ISO_TIME_H

/*
 * Times as ISO 8601 has them, to the second: people get the machine's zone,
 * peers and logs the one that all machines have.
 */

#include <stddef.h>
#include <time.h>

#define ISO_TIME_SIZE	32

/*
 * 2026-11-29T16:56:35+0100
 *
 * text  of ISO_TIME_SIZE bytes
 *
 * Returns its length; so does the next one.
 */
size_t iso_time_local(time_t, char *text);

/*
 * 2026-11-29T15:56:35Z
 */
size_t iso_time_utc(time_t, char *text);

#endif
