/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words, and the look at a table of somebody who may not be there.
 */

#include "config.h"

#include "daemon/record/remotes.h"

#include "daemon/conf/conf.h"

const char *const remote_cause_words[REMOTE_CAUSES] = {
	[REMOTE_DEADLINE] = "deadline",
	[REMOTE_DOWN] = "down",
	[REMOTE_REFUSED] = "refused",
	[REMOTE_BROKEN] = "broken",
	[REMOTE_UNSEALED] = "unsealed",
	[REMOTE_UNPUBLISHED] = "unpublished",
	[REMOTE_BUSY] = "busy"
};

void
remotes_look(const struct remotes *remotes, const struct conf_remote *remote,
    struct remote_look *look)
{
	*look = (struct remote_look){ .cause = REMOTE_DOWN };
	if (remotes != NULL && remotes->look != NULL)
		remotes->look(remotes->arg, remote, look);
}

const char *
remotes_kind(const struct conf_remote *remote)
{
	return remote->cluster ? "redis-cluster" : "redis";
}
