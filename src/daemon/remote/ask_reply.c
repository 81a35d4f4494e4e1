/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What servers say.  A bucket without its seal is lost, wherever that was said:
 * a replica may lag behind, so that the master is asked once more; a master
 * may have come back empty, when its replica may still have all.  Only then it
 * is unavailable.
 */

#include "config.h"

#include "daemon/remote/ask_private.h"

#include "common/fetch.h"
#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/remote/cluster.h"
#include "lib/appmsg.h"
#include "lib/scan.h"

/* Others that are asked at once, one after the other. */
#define REDIRECTS_MAX	5

/* Once more, soon; at once where another one may know better. */
static void
again(struct asker *a, struct ask *ask, const struct node *but)
{
	struct cluster_wish wish = ask_wish(ask, but);
	enum node_mode mode;
	struct node *n;

	stats_add(a->stats, STATS_REMOTE_REPEATED, 1);
	wish.sound = true;
	n = ask->redirects++ < REDIRECTS_MAX ?
	    cluster_pick(ask->source->cluster, &wish, &mode) : NULL;
	if (n == NULL || ask_put(a, ask, n, mode) != 0)
		ask_wait(a, ask);
}

/* A node has nothing of what was published. */
static void
lost(struct asker *a, struct ask *ask)
{
	if (ask->mode == NODE_REPLICA)
		ask->replica_said = true;
	else
		ask->master_said = true;
	cluster_refresh(ask->source->cluster);
	stats_add(a->stats, STATS_REMOTE_REPEATED, 1);
	ask->no_replica = ask->replica_said;
	ask->no_master = ask->master_said;
	if (ask->master_said && (ask->replica_said ||
	    !ask->source->conf->replicas))
		ask_give_up(a, ask, REMOTE_UNSEALED);
	else
		ask_go(a, ask, NULL);
}

/* MOVED and ASK: another node is to be asked, for ever or this once. */
static void
redirected(struct asker *a, struct ask *ask, const struct node *from,
    const struct resp *r)
{
	struct cluster *c = ask->source->cluster;
	struct slotmap_redirect to;
	struct node *n;

	stats_add(a->stats, STATS_REMOTE_MOVED, 1);
	if (slotmap_redirect(&to, r->str, r->len, &from->address) != 0 ||
	    to.slot != ask->slot || slotmap_same(&to.to, &from->address) ||
	    ask->redirects++ >= REDIRECTS_MAX) {
		/* It leads nowhere, or in a circle. */
		cluster_refresh(c);
		ask_wait(a, ask);
	} else if (to.ask) {
		n = cluster_node(c, &to.to);
		if (n == NULL || ask_put(a, ask, n, NODE_ASKING) != 0)
			ask_wait(a, ask);
	} else {
		cluster_refresh(c);
		if (cluster_moved(c, to.slot, &to.to) != 0)
			ask_wait(a, ask);
		else
			ask_go(a, ask, NULL);
	}
}

/* A server will not answer: never, or not now. */
static void
refused(struct asker *a, struct ask *ask, const struct node *n,
    const struct resp *r)
{
	switch (resp_error(r)) {
	case RESP_MOVED:
	case RESP_ASK:
		if (!ask->source->conf->cluster)
			break;
		redirected(a, ask, n, r);
		return;
	case RESP_CLUSTERDOWN:
	case RESP_MASTERDOWN:
	case RESP_READONLY:
		cluster_refresh(ask->source->cluster);
		again(a, ask, n);
		return;
	case RESP_LOADING:
	case RESP_TRYAGAIN:
		again(a, ask, n);
		return;
	case RESP_OTHER:
	case RESP_NOAUTH:
	case RESP_NOPERM:
	case RESP_NOREPLICAS:
	case RESP_OOM:
	case RESP_WRONGPASS:
	case RESP_WRONGTYPE:
		break;
	}
	ask_give_up(a, ask, REMOTE_REFUSED);
}

/* Whether a reply is one to what was asked, whatever is in it. */
static bool
is_of_two(const char *at, size_t len)
{
	struct resp head;

	return resp_next(&at, at + len, &head) && head.type == RESP_ARRAY &&
	    head.n == 2;
}

/*
 * Take the answer of a bucket.
 *
 * Returns 0, or -1 where it is none.
 */
static int
key_answered(struct asker *a, struct ask *ask, const char *at, size_t len)
{
	const char *value;
	size_t value_len;

	switch (bucket_judge(ask->bucket, at, len, &value, &value_len)) {
	case BUCKET_FOUND:
		ask_answer(a, ask, LOOKUP_FOUND, value, value_len);
		break;
	case BUCKET_MISSED:
		ask_answer(a, ask, LOOKUP_MISSED, NULL, 0);
		break;
	case BUCKET_LOST:
		lost(a, ask);
		break;
	case BUCKET_OTHER:
		/* So are all behind it: they are asked anew, as this one. */
		ask_wait(a, ask);
		return -1;
	case BUCKET_BROKEN:
		ask_give_up(a, ask, REMOTE_BROKEN);
		return is_of_two(at, len) ? 0 : -1;
	}
	return 0;
}

/* A plain value, as it is. */
static void
plain_found(struct asker *a, struct ask *ask, const struct resp *r)
{
	char *to;
	size_t len;

	if (scan_utf8(r->str, r->len) != r->len) {
		ask_give_up(a, ask, REMOTE_BROKEN);
		return;
	}
	len = appmsg_escape(r->str, r->len, NULL, 0);
	a->text.len = 0;
	if ((to = buf_reserve(&a->text, len + 1)) == NULL) {
		ask_give_up(a, ask, REMOTE_BUSY);
		return;
	}
	appmsg_escape(r->str, r->len, to, len + 1);
	ask_answer(a, ask, LOOKUP_FOUND, to, len);
}

static int
plain_answered(struct asker *a, struct ask *ask, const struct resp *r)
{
	switch (r->type) {
	case RESP_BULK:
		plain_found(a, ask, r);
		return 0;
	case RESP_NIL:
		/* A replica need not have it yet. */
		if (ask->mode == NODE_REPLICA) {
			ask->no_replica = true;
			ask_go(a, ask, NULL);
		} else {
			ask_answer(a, ask, LOOKUP_MISSED, NULL, 0);
		}
		return 0;
	case RESP_STRING:
	case RESP_ERROR:
	case RESP_INTEGER:
	case RESP_ARRAY:
		break;
	}
	ask_give_up(a, ask, REMOTE_BROKEN);
	return -1;
}

int
ask_reply_cb(struct node *n, void *who, const char *at, const char *end,
    void *arg)
{
	const char *front = at;
	struct asker *a = arg;
	struct ask *ask = who;
	struct resp r;

	ask->node = NULL;
	ask->said_by = n;
	if (ask->kind == ASK_KEY && *at == '*')
		return key_answered(a, ask, front, (size_t)(end - front));
	if (!resp_next(&at, end, &r)) {
		ask_give_up(a, ask, REMOTE_BROKEN);
		return -1;
	}
	if (r.type == RESP_ERROR) {
		refused(a, ask, n, &r);
		return 0;
	}
	switch (ask->kind) {
	case ASK_KEY:
		return key_answered(a, ask, front, (size_t)(end - front));
	case ASK_PLAIN:
		return plain_answered(a, ask, &r);
	case ASK_POINT:
		ask->point_cb(ask->source, front, (size_t)(end - front),
		    ask->arg);
		ask_answer(a, ask, LOOKUP_MISSED, NULL, 0);
		break;
	}
	return 0;
}

void
ask_soon_cb(void *who, unsigned int part, void *arg)
{
	const struct ask *ask = who;
	const struct waiter *w;

	(void)arg;
	/* Itself; what it is for; and what waits for that. */
	if (part == 0)
		fetch_lines(ask, sizeof(*ask));
	else if ((w = TAILQ_FIRST(&ask->waiters)) != NULL)
		lookup_fetch(w->lookup, part > 1);
}

void
ask_lost_cb(struct node *n, void *who, void *arg)
{
	struct ask *ask = who;

	ask->node = NULL;
	again(arg, ask, n);
}

void
ask_late_cb(struct node *n, void *who, void *arg)
{
	struct asker *a = arg;
	struct ask *ask = who;
	struct cluster_wish wish = ask_wish(ask, n);
	uint64_t ticket = ask->ticket;
	enum node_mode mode;
	struct node *other;

	wish.sound = true;
	other = cluster_pick(ask->source->cluster, &wish, &mode);
	if (other == NULL || ask_put(a, ask, other, mode) != 0)
		return;
	stats_add(a->stats, STATS_REMOTE_REPEATED, 1);
	node_leave(n, ticket);
}
