/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words, and the look at a table of somebody who may not be there.
 */

#include "config.h"

#include "daemon/record/remotes.h"

#include "daemon/base/address.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/tell.h"
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

static void
tell_look(const struct remote_look *look, struct tell *t)
{
	char at[ISO_TIME_SIZE];

	tell_bool(t, "up", look->up);
	if (!look->up)
		tell_text(t, "cause", remote_cause_words[look->cause]);
	if (look->published != 0) {
		iso_time_local(look->published_at, at);
		tell_number(t, "published", look->published);
		tell_text(t, "published-at", at);
		tell_text(t, "digest", look->digest);
	}
	tell_number(t, "servers-known", look->servers);
	tell_number(t, "servers-up", look->servers_up);
}

void
remotes_tell(const struct conf_remote *remote, const struct remote_look *look,
    struct tell *t)
{
	char address[ADDRESS_MAX];

	tell_array(t, "servers");
	for (size_t i = 0; i < remote->n_servers; i++)
		tell_text(t, NULL, address_text((const struct sockaddr *)
		    &remote->servers[i].ss, remote->servers[i].ss_len,
		    address, sizeof(address)));
	tell_end(t);
	tell_text(t, "prefix", remote->prefix);
	tell_bool(t, "live", remote->live);
	if (look->known)
		tell_look(look, t);
}

const char *
remotes_kind(const struct conf_remote *remote)
{
	return remote->cluster ? "redis-cluster" : "redis";
}
