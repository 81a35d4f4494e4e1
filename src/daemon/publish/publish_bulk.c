/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Buckets go out in the order of their numbers, which is any order of slots, so
 * that all masters have about as much to do; the one that is behind holds up
 * the others.  What is answered by "elsewhere" or "not now" is set aside until
 * nothing is in flight any more, then asked one by one.
 */

#include "config.h"

#include "daemon/publish/publish_bulk.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/conf/conf.h"
#include "daemon/publish/publish_servers.h"
#include "daemon/remote/bucket.h"
#include "daemon/thread/pace.h"

#define UNSENT_MAX	((size_t)256 << 10)	/* bytes that wait for a server */

struct run {
	const struct publish_bulk *b;
	struct publish_servers *servers;
	struct bucket_base base;	/* of their names */
	size_t next;			/* bucket */
	size_t owed;			/* replies, of all wires */
	uint32_t *aside;		/* owned: buckets to be asked again */
	size_t n_aside, cap_aside;
	struct buf spare;		/* one request */
};

static int
no_memory(const struct run *r)
{
	return publish_servers_fail(r->servers, "out of memory");
}

static int
set_aside(struct run *r, size_t bucket)
{
	uint32_t *grown;

	if (r->n_aside == r->cap_aside) {
		grown = reallocarray(r->aside, r->cap_aside + 256,
		    sizeof(*grown));
		if (grown == NULL)
			return no_memory(r);
		r->aside = grown;
		r->cap_aside += 256;
	}
	r->aside[r->n_aside++] = (uint32_t)bucket;
	return 0;
}

/* A reply that says how it is, and is not "elsewhere". */
static int
take(const struct run *r, const struct publish_wire *w, size_t bucket,
    const struct publish_reply *reply)
{
	const char *wrong;

	if (reply->head.type == RESP_ERROR)
		return publish_servers_refused(r->servers, w, &reply->head);
	wrong = r->b->take_cb(bucket, reply, r->b->arg);
	if (wrong != NULL)
		return publish_servers_fail(r->servers, "%s: %s", w->name,
		    wrong);
	if (r->b->done != NULL)
		++*r->b->done;
	return 0;
}

/* Send what there is room for; until there is something aside. */
static int
fill(struct run *r)
{
	char name[BUCKET_NAME_MAX];
	struct publish_wire *w;
	unsigned int slot;
	size_t len;

	for (; r->next < r->b->n_buckets && r->n_aside == 0; r->next++) {
		pace();
		len = bucket_name(&r->base, r->next, name, &slot);
		w = publish_servers_slot(r->servers, slot);
		if (w == NULL)
			return -1;
		if (w->n_owed == PUBLISH_WIRE_OWED ||
		    publish_wire_unsent(w) > UNSENT_MAX)
			return 0;
		if (r->b->add_cb(&w->out, r->next, name, len, r->b->arg) != 0)
			return no_memory(r);
		if (w->n_owed == 0)
			w->moved = clock_ms();
		publish_wire_owe(w, (uint32_t)r->next);
		r->owed++;
	}
	return 0;
}

static int
take_all(struct run *r, struct publish_wire *w)
{
	struct publish_reply reply;
	enum resp_result rc;
	uint32_t bucket;

	while (w->n_owed > 0) {
		rc = publish_wire_take(w, &reply);
		if (rc == RESP_MORE)
			return 0;
		if (rc == RESP_BROKEN)
			return publish_servers_lost(r->servers, w);
		bucket = publish_wire_owed(w);
		r->owed--;
		if ((publish_servers_elsewhere(&reply.head) ? set_aside(r,
		    bucket) : take(r, w, bucket, &reply)) != 0)
			return -1;
		pace();
	}
	return 0;
}

/* One look at all servers. */
static int
turn(struct run *r)
{
	struct publish_servers *s = r->servers;
	struct pollfd pfds[PUBLISH_SERVERS_MAX];

	for (size_t i = 0; i < s->n_wires; i++)
		pfds[i] = publish_wire_poll(s->wires[i],
		    s->wires[i]->n_owed > 0);
	if (poll(pfds, s->n_wires, PUBLISH_WIRE_LOOK_MS) == -1)
		return errno == EINTR ? 0 : publish_servers_fail(s,
		    "cannot wait for servers: %s", strerror(errno));
	for (size_t i = 0; i < s->n_wires; i++) {
		struct publish_wire *w = s->wires[i];

		if (pfds[i].fd == -1)
			continue;
		if (publish_wire_move(w, pfds[i].revents) != 0)
			return publish_servers_lost(s, w);
		if (take_all(r, w) != 0)
			return -1;
		if (w->n_owed > 0 &&
		    clock_ms() - w->moved > PUBLISH_PATIENCE_MS)
			return publish_servers_fail(s, "%s does not answer",
			    w->name);
	}
	return r->b->tick_cb(r->b->tick_arg);
}

/* One by one; meanwhile whatever moves has time to get there. */
static int
ask_again(struct run *r)
{
	struct publish_reply reply;
	char name[BUCKET_NAME_MAX];
	struct publish_wire *w;
	unsigned int slot;
	size_t bucket, len;

	while (r->n_aside > 0) {
		bucket = r->aside[--r->n_aside];
		len = bucket_name(&r->base, bucket, name, &slot);
		r->spare.len = 0;
		if (r->b->add_cb(&r->spare, bucket, name, len,
		    r->b->arg) != 0)
			return no_memory(r);
		w = publish_servers_call(r->servers, slot, &r->spare, &reply);
		if (w == NULL || take(r, w, bucket, &reply) != 0 ||
		    r->b->tick_cb(r->b->tick_arg) != 0)
			return -1;
	}
	return 0;
}

int
publish_bulk(const struct publish_bulk *b)
{
	struct run r = { .b = b, .servers = b->servers };
	int error = 0;

	bucket_base_set(&r.base, b->servers->conf->prefix, b->number);
	while (error == 0 && (r.next < b->n_buckets || r.owed > 0 ||
	    r.n_aside > 0)) {
		if (r.n_aside > 0 && r.owed == 0)
			error = ask_again(&r);
		if (error == 0)
			error = fill(&r);
		if (error == 0 && r.owed > 0)
			error = turn(&r);
	}
	free(r.aside);
	buf_clear(&r.spare);
	return error;
}
