/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is held for peers, and who may have how much of limit memory: a peer,
 * with all its connections, half of it, so that one alone does not take all;
 * the last eighth is for those that hold little, so that a message in two
 * pieces is still waited for.  Who would hold more than that is refused.
 * Where memory is short all the same, the connections that hold most of the
 * peer that holds most end.
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include <sys/socket.h>

#include "common/log.h"
#include "daemon/base/address.h"
#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/session/peers.h"

#define SHARES		2	/* a peer has one of so many */
#define SPARE		8	/* a part in so many is for those that ... */
#define LITTLE		(INT64_C(64) << 10)	/* ... hold no more bytes */
#define RELIEF_MAX	16	/* connections that end at a time */

/* Bytes of replies in a turn, where there may soon be no room for them. */
#define TIGHT_OUTPUT	(INT64_C(16) << 10)

static int64_t
peer_memory(const struct session *s)
{
	return s->peer != NULL ? peer_held(s->peer) : (int64_t)s->held;
}

void
session_account(struct session *s)
{
	size_t held = s->link.left + s->link.inside +
	    link_unsent_own(&s->link) + stream_held(&s->stream);
	int64_t more = (int64_t)held - (int64_t)s->held;

	/* Most turns leave nothing behind. */
	if (more == 0)
		return;
	*s->host->held += more;
	peer_hold(s->peer, more);
	s->held = held;
}

/* Let those that hold most end, when this wake-up does. */
static void
want_relief(struct session *s)
{
	s->host->memory_short = true;
	session_wakeup_end(s->host);
}

bool
session_memory_is_short(struct session *s, size_t more)
{
	int64_t limit = s->host->limits->memory;
	int64_t mine = peer_memory(s) + (int64_t)more;

	if (mine > limit / SHARES) {
		/* To be refused more does not undo what came by itself. */
		if (more == 0 && *s->host->held > limit - limit / SPARE)
			want_relief(s);
		return true;
	}
	if (mine > LITTLE)
		limit -= limit / SPARE;
	if (*s->host->held + (int64_t)more <= limit)
		return false;
	want_relief(s);
	return true;
}

bool
session_memory_allows(struct session *s)
{
	size_t held = s->link.left + link_unsent_own(&s->link);

	return !session_memory_is_short(s, held > s->held ? held - s->held :
	    0);
}

const struct conf_limits *
session_memory_limits(const struct session *s, struct conf_limits *tight)
{
	const struct conf_limits *limits = s->host->limits;

	if (peer_memory(s) <= limits->memory / SHARES / 2 &&
	    *s->host->held <= limits->memory / 4 * 3)
		return limits;
	*tight = *limits;
	if (tight->output > TIGHT_OUTPUT)
		tight->output = TIGHT_OUTPUT;
	return tight;
}

void
session_memory_warn(struct session *s)
{
	char address[ADDRESS_MAX];
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	struct sockaddr *sa = (struct sockaddr *)&ss;
	socklen_t len = sizeof(ss);
	uint64_t more;

	stats_add(s->host->env.stats, STATS_OVER_MEMORY, 1);
	if (!warning_due(&s->host->memory_warning, &more))
		return;
	if (getpeername(link_fd(&s->link), sa, &len) != 0 ||
	    ss.ss_family == AF_UNIX)
		len = 0;
	log_warnx("connection ended limit=memory peer=%s held=%lld "
	    "before=%llu", len == 0 ? "unix" : address_text(sa, len, address,
	    sizeof(address)), (long long)peer_memory(s),
	    (unsigned long long)more);
}

/* The connection of a peer that holds most. */
static struct session *
find_largest(struct session_host *host, const struct peer_count *peer)
{
	struct session *s, *largest = NULL;

	TAILQ_FOREACH(s, &host->all, entry)
		if (s->peer == peer && s->held > 0 && (largest == NULL ||
		    s->held > largest->held))
			largest = s;
	return largest;
}

void
session_memory_relieve(struct session_host *host,
    void (*end)(struct session *))
{
	int64_t enough = host->limits->memory / 4 * 3, held;
	const struct peer_count *most;
	struct session *s;

	if (!host->memory_short)
		return;
	host->memory_short = false;
	most = peers_most(host->peers, &held);
	if (most == NULL || held <= LITTLE)
		return;
	for (int n = 0; n < RELIEF_MAX && *host->held > enough; n++) {
		if ((s = find_largest(host, most)) == NULL)
			break;
		session_memory_warn(s);
		end(s);
	}
}
