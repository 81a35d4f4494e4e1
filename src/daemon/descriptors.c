/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * RLIMIT_NOFILE.
 */

#include "config.h"

#include "daemon/descriptors.h"

#include <inttypes.h>

#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/process.h"

/* Descriptors beside connections: listeners, event bases, files of a load. */
#define FILES_SPARE	64

void
descriptors_raise(const struct conf *conf)
{
	int64_t want = conf->limits.connections + FILES_SPARE;
	int64_t have = process_raise_files(want);

	if (have < want)
		log_warnx("not enough descriptors for limit connections "
		    "limit=%" PRId64 " descriptors=%" PRId64,
		    conf->limits.connections, have);
}
