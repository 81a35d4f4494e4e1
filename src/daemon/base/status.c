/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The words of statuses, as appmsg-protocol(7) has them.
 */

#include "config.h"

#include "daemon/base/status.h"

const struct appmsg_str status_words[REQUEST_STATUSES] = {
	[REQUEST_FOUND] = APPMSG_STR("found"),
	[REQUEST_NOT_FOUND] = APPMSG_STR("not-found"),
	[REQUEST_ERROR] = APPMSG_STR("error"),
	[REQUEST_BUSY] = APPMSG_STR("busy"),
	[REQUEST_DENIED] = APPMSG_STR("denied"),
	[REQUEST_UNAVAILABLE] = APPMSG_STR("unavailable"),
};
