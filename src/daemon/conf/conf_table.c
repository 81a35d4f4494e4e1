/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Names, ranges and defaults.  appmsgd.conf(5) says the same; a test holds
 * the two against each other.
 */

#include "config.h"

#include "daemon/conf/conf_table.h"

#include "daemon/conf/conf.h"

#define K	INT64_C(1024)
#define M	(K * 1024)
#define G	(M * 1024)
#define SECOND	INT64_C(1000)
#define DAY	(SECOND * 24 * 3600)

#define LIMIT(name, member, min, max, value)				\
	{ "limit", name, CONF_TYPE_NUMBER, min, max, value,		\
	    offsetof(struct conf, limits.member), true }
#define TIMEOUT(name, value)						\
	{ "timeout", #name, CONF_TYPE_TIME, SECOND, DAY, value,		\
	    offsetof(struct conf, timeouts.name), true }

const struct conf_row conf_rows[CONF_ROWS] = {
	{ "control", NULL, CONF_TYPE_PATH, 0, 0, 0,
	    offsetof(struct conf, control), false },
	{ "user", NULL, CONF_TYPE_USER, 0, 0, 0,
	    offsetof(struct conf, user), false },
	{ "workers", NULL, CONF_TYPE_WORKERS, 1, 256, 0,
	    offsetof(struct conf, workers), false },
	{ "sandbox", NULL, CONF_TYPE_BOOL, 0, 1, true,
	    offsetof(struct conf, sandbox), false },
	{ "pidfile", NULL, CONF_TYPE_PATH, 0, 0, 0,
	    offsetof(struct conf, pidfile), true },
	{ "log", "level", CONF_TYPE_LEVEL, 0, 0, LOG_LEVEL_INFO,
	    offsetof(struct conf, log_level), true },
	{ "log", "access", CONF_TYPE_ACCESS, 0, 0, 0,
	    offsetof(struct conf, access_log), true },
	LIMIT("connections", connections, 1, M, 10000),
	LIMIT("per-address", per_address, 1, M, 1000),
	LIMIT("header", header, 64, 65535, 16 * K),
	LIMIT("content", content, 64, G, M),
	LIMIT("output", output, 4 * K, G, M),
	LIMIT("pipeline", pipeline, 1, 10000, 256),
	LIMIT("memory", memory, M, K * G, 256 * M),
	TIMEOUT(idle, 60 * SECOND),
	TIMEOUT(handshake, 10 * SECOND),
	TIMEOUT(header, 10 * SECOND),
	TIMEOUT(message, 30 * SECOND),
	TIMEOUT(write, 30 * SECOND),
	TIMEOUT(drain, 10 * SECOND),
};

const char *const conf_levels[] = {
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL
};
